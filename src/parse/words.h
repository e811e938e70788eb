/* Encoded words in the headers of messages (RFC 2047): "=?utf-8?q?caf=C3=A9?=". */
#ifndef USHER_WORDS_H
#define USHER_WORDS_H

/* The value of a header as UTF-8 on one line, at most max bytes. The caller frees. */
char *words_decode(const char *raw, unsigned long max);

#endif
