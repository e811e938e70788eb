/* Values of cells of sheets: numbers, and what their formats make of them. Pure. */
#ifndef USHER_NUMBER_H
#define USHER_NUMBER_H

#include "buf.h"

/* Brings a number into JSON syntax; one that only says a binary fraction too exactly ("1.1000000000000001") becomes the
 * shortest that means the same. Whole numbers stay as they are, of any length. False: it is no number. */
bool number_tidy(struct buf *text);

/* "2026-01-31", "2026-01-31T10:00:00", the latter with fractions or "Z". */
bool number_is_date(const char *text);

/* "PT36H05M00S" becomes "36:05:00"; what is none stays. */
void number_duration(struct buf *text);

/* What a number format of a spreadsheet shows: none of these is a plain number. */
enum format_shows { FORMAT_DATE = 1, FORMAT_TIME = 2, FORMAT_ELAPSED = 4 };
unsigned number_format(const char *code); /* of a format as it is written: "dd/mm/yyyy" */
unsigned number_format_builtin(long id);  /* of one that has only a number */

/* A serial number as what is shown of it: a date, a date with time (FORMAT_DATE | FORMAT_TIME), a time "10:30:00", a
 * duration "36:00:00". epoch_1904: days are counted from 1 January 1904. False: no such day; the number stays a number. */
bool number_serial(double serial, bool epoch_1904, unsigned shows, struct buf *out);

#endif
