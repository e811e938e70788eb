/* Bytes of any character set as UTF-8, in one piece (parse_utf8) or as a stream. */
#ifndef USHER_PARSE_CHARSET_H
#define USHER_PARSE_CHARSET_H

#include "buf.h"
#include "parse_room.h"

/* The character set of text that begins like this, as ICU calls it ("UTF-8", "UTF-16LE", "windows-1252"): by its mark,
 * by what is declared (NULL: nothing) when that is known and does not contradict, else by what it looks like. mark_out:
 * bytes of the mark in front. Static or owned by ICU: never freed. */
const char *charset_guess(const void *head, size_t len, const char *declared, size_t *mark_out);

/* Makes ICU read what it needs; before the sandbox. */
void charset_stage(void);

/* A file's text as valid UTF-8, in pieces that end between characters. Memory does not grow with the file. */
struct stream;
struct stream *stream_open(struct parse *parse, const struct input *input, const char *declared);
/* The next piece, borrowed until the next call; false at the end. Tells progress. NUL bytes come as blanks. */
bool stream_next(struct stream *stream, const char **data_out, size_t *len_out);
void stream_close(struct stream *stream);

#endif
