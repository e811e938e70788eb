/* Dates and times as people write them: "31.1.26", "Jan 31st, 2026 10:05 PM", "31 de enero de 2026", "2026-01-31T10:00:00Z". */
#ifndef USHER_PARSE_MOMENT_H
#define USHER_PARSE_MOMENT_H

#include "buf.h"

enum moment_found {
	MOMENT_GOOD,
	MOMENT_NONE,	   /* no date at all */
	MOMENT_IMPOSSIBLE, /* 31 February, 25:00 */
};

enum moment_order {
	ORDER_YEAR_FIRST, /* or with a month's name: nothing to be told apart */
	ORDER_DAY_FIRST,  /* only this makes sense */
	ORDER_MONTH_FIRST,
	ORDER_OPEN, /* "01/02/2026" */
};

struct moment {
	int year, first,
		second; /* the numbers besides the year: day and month by order; of ORDER_YEAR_FIRST month, day */
	enum moment_order order;
	bool short_year; /* of two digits: 1969 to 2068 */
	bool dotted;	 /* "31.1.2026" */
	bool timed;
	int hour, minute, second_of;
	char fraction[10]; /* digits */
	char zone[8];	   /* "Z", "+01:00"; "" when it is not said */
};

enum moment_found moment_scan(struct moment *moment, const char *text, size_t len);

/* Adds it as ISO 8601, with or without its time. day_first: what a moment of ORDER_OPEN is taken for. False: there is no such
 * day. */
bool moment_write(const struct moment *moment, bool day_first, bool with_time, struct buf *out);

/* As strcmp, of what moment_write made: by day and time as they are written, zones aside. */
int moment_compare(const char *a, const char *b);

/* Loads names of months from ICU; before the sandbox. Freed with moment_unstage, which tests need only. */
void moment_stage(void);
void moment_unstage(void);

#endif
