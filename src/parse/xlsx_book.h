/* What the sheets of a workbook share: which there are, their texts, which formats are dates. */
#ifndef USHER_XLSX_BOOK_H
#define USHER_XLSX_BOOK_H

#include "buf.h"
#include "package.h"

enum { SHEETS_MAX = 5000, SHARED_BYTES_MAX = 160 << 20, SHARED_COUNT_MAX = 20 << 20 };

struct sheet {
	char *name, *relation;
	bool hidden;
};

struct book {
	struct sheet *sheets;
	size_t sheet_count;
	bool epoch_1904;
	unsigned char *shows; /* by number of a cell's style: enum format_shows */
	size_t style_count;
	struct buf shared; /* texts, each with its NUL */
	uint32_t *starts;  /* of the texts; one more than there are */
	size_t shared_count, shared_room;
};

/* Reads the workbook itself, its styles and its shared texts. book is for book_free either way. */
bool book_read(struct book *book, struct parse *parse, zip_t *zip, const char *part,
	       const struct relations *relations, struct err *err);
void book_free(struct book *book);

/* The shared text of that number; false: there is none. */
bool book_shared(const struct book *book, size_t number, const char **text_out, size_t *len_out);

/* "_x000D_" is how a character is written that XML can't have, or a "_" before such: as characters. */
void book_unescape(struct buf *text, size_t from);

#endif
