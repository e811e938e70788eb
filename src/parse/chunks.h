/* Texts put together or cut into chunks (extract.h), each with the place a person finds it by. */
#ifndef USHER_PARSE_CHUNKS_H
#define USHER_PARSE_CHUNKS_H

#include "buf.h"
#include "extract.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "sheet Orders, rows 2-20": words in front, a unit, numbers. Without numbers it is all in front. */
struct place {
	char front[EXTRACT_PLACE_MAX + 1], unit[32]; /* unit: singular; "" without numbers */
	int64_t first, last;
};

/* Any text; what is too long is cut. */
void place_read(struct place *place, const char *text);
void place_write(const struct place *place, struct buf *out);
/* Makes one of both when next goes on where place ends. */
bool place_merge(struct place *place, const struct place *next);

/* The longest beginning of text of at most max bytes that ends well: at a paragraph, a sentence, a word, a character as
 * people see it. text: valid UTF-8. Never 0 for len > 0 and max >= 4. */
size_t chunk_fit(const char *text, size_t len, size_t max);

/* Opens ICU's rules; before the sandbox. */
void chunks_stage(void);

struct chunks {
	int fd;	      /* -1: nothing is written, only counted */
	int64_t room; /* bytes that may still be written */
	int64_t count, text_bytes;
	bool full;	/* the room is used up, or writing fails: nothing more is taken */
	bool broken;	/* writing fails */
	struct buf out; /* lines not written yet */
	struct buf text;
	struct place place;
	struct buf head; /* the first EXTRACT_HEAD_MAX bytes of all text */
	bool head_full;
};

/* Adds a text. False: full. text need not be valid. */
bool chunks_add(struct chunks *chunks, const char *place, const char *text, size_t len);
/* What comes next goes into a chunk of its own. */
void chunks_break(struct chunks *chunks);
/* Writes what is left. */
void chunks_end(struct chunks *chunks);
void chunks_free(struct chunks *chunks);

#endif
