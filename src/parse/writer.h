/* Tables written: one writer for each format of a SPEC. What doesn't fit within the limit is not begun. */
#ifndef USHER_PARSE_WRITER_H
#define USHER_PARSE_WRITER_H

#include "value.h"

struct writer;

/* One format. All append to writer->line; what they append is kept together or not at all. */
struct writer_kind {
	bool (*begin)(struct writer *writer, struct err *err);
	/* False: the format has no room for it, whatever the limit is; writer->why says so. */
	bool (*row)(struct writer *writer, const struct value_out *values);
	bool (*end)(struct writer *writer, struct err *err);
	void (*close)(struct writer *writer); /* NULL: nothing to be freed */
	size_t tail;			      /* bytes that end may add */
};

struct writer {
	const struct writer_kind *kind;
	int fd;			  /* -1: nowhere */
	int64_t room, bytes;	  /* that may be, that are written */
	const char *const *names; /* of the columns; borrowed */
	size_t count;
	int64_t rows;
	char delimiter;
	struct buf out, line;
	const char *why;	    /* it ended early; static */
	int64_t shortened, as_text; /* values that the format holds only the beginning of, or only as text */
	void *own;
};

void writer_open(struct writer *writer, enum spec_format format, const char *const *names, size_t count,
		 int fd, int64_t room);
bool writer_begin(struct writer *writer, struct err *err);
/* False: full, the row was not written. */
bool writer_row(struct writer *writer, const struct value_out *values);
bool writer_end(struct writer *writer, struct err *err);
void writer_close(struct writer *writer);

/* All of it to the descriptor; false and err: it can't be. */
bool writer_put(int fd, const char *data, size_t len, struct err *err);

/* Whether a spreadsheet would take the text for a formula. */
bool writer_formula(const char *text, size_t len);

extern const struct writer_kind writer_delimited, writer_json, writer_ndjson, writer_markdown, writer_text,
	writer_none, writer_xlsx;

#endif
