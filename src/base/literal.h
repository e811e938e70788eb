/* Markdown (CommonMark 0.31) made of what others wrote: names of files, of people, reasons. Nothing of it becomes markup. Pure; any
 * thread. */
#ifndef USHER_LITERAL_H
#define USHER_LITERAL_H

struct buf;

/* Appends text (UTF-8) on one line, to be read as it is. A platform may still take an address in it for a link. */
void literal_text(struct buf *out, const char *text);

/* Appends text (UTF-8, not empty) on one line as code, in which no platform looks for links: for names, which whoever wants words to be
 * carried away in an address may have chosen (markup/links.h has the rule for answers). */
void literal_code(struct buf *out, const char *text);

#endif
