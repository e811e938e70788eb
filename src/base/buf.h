/* A growing piece of text or bytes. */
#ifndef USHER_BUF_H
#define USHER_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise to start; always NUL-terminated once something was added. One thread at a time. */
struct buf {
	char *data; /* NULL while empty and never used */
	size_t len, room;
};

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_text(struct buf *buf, const char *text);
void buf_blanks(struct buf *buf, size_t count);
void buf_int(struct buf *buf, int64_t value); /* decimal; far cheaper than buf_format */
void buf_format(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_drop(struct buf *buf, size_t len); /* removes the first len bytes */
void buf_cut(struct buf *buf, size_t len);  /* keeps the first len bytes; longer ones stay as they are */
void buf_clear(struct buf *buf);	    /* empties, keeps the memory */
void buf_free(struct buf *buf);		    /* empties, gives the memory back; usable again */
char *buf_take(struct buf *buf);	    /* the text, never NULL, now the caller's; buf is empty */
const char *buf_str(const struct buf *buf); /* the text, "" when empty */

#endif
