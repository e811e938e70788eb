/* Files for readers, and what readers make of them as lines that can be compared. */
#ifndef USHER_STAGE_MADE_H
#define USHER_STAGE_MADE_H

#include "parse_room.h"

/* A part of an archive made by made_zip; text NULL ends the list. */
struct made_part {
	const char *name, *text;
};

struct made_read {
	struct parse parse;
	bool good;
	struct err err;
	char *lines; /* "T place|text", "# table|place", "R 2|text:a|number:1", "F name|kind|error", "= title", "P 3", "! warning" */
};

/* A descriptor that holds the bytes; the caller closes. */
int made_bytes(const void *data, size_t len);
int made_zip(const struct made_part *parts);
/* A file of tests/corpus. */
int made_corpus(const char *name);

/* Reads a descriptor and closes it. read is for made_done. */
void made_read(struct made_read *read, const struct reader *reader, int fd);
void made_done(struct made_read *read);

/* Fails, with all the lines, unless read went well and this is among them. */
void made_has(const struct made_read *read, const char *line);
void made_has_not(const struct made_read *read, const char *part);
/* Fails unless it ended with this code. */
void made_failed(const struct made_read *read, const char *code);

/* The whole of it, for one small made-up archive. */
void made_read_parts(struct made_read *read, const struct reader *reader, const struct made_part *parts);

#endif
