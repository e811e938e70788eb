/* What others said before we were called, as the model is told it: lines "Name: words", oldest first. Pure. */
#ifndef USHER_SAID_H
#define USHER_SAID_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SAID_LINES_MAX = 20,   /* messages told */
	SAID_TEXT_MAX = 8192,  /* bytes told */
	SAID_WORDS_MAX = 2000, /* bytes of one message */
};

/* Zero-initialise. */
struct said {
	char *lines[SAID_LINES_MAX]; /* newest first */
	size_t count, len;
	bool full;
};

/* The message before those given so far. Both are valid UTF-8; without words it says nothing. False: no more fit. */
bool said_add(struct said *said, const char *name, const char *words);
char *said_take(struct said *said); /* oldest first, the caller frees; NULL: nothing was said. Empty again */

#endif
