/* Markdown made of what others wrote. */
#ifndef USHER_CORE_WORDS_H
#define USHER_CORE_WORDS_H

struct buf;

/* Appends text so that it is read as it is, whatever it is made of. UTF-8. */
void words_plain(struct buf *out, const char *text);

#endif
