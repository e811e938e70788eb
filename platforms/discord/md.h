/* Writing the platform's Markdown (sheet 18): the one place that knows which characters mean something to it. Whatever
 * text is put in, only what is asked for by name becomes a mark, a link, a list or a heading, and nobody is called. */
#ifndef USHER_DISCORD_MD_H
#define USHER_DISCORD_MD_H

#include "buf.h"
#include <stdbool.h>
#include <stddef.h>

#define MD_BORDER "\u200b" /* keeps signs apart and shows nothing */
#define MD_JOINER "\u2060" /* the same, and no place to break a line */

enum md_limits {
	MD_LANGUAGE_MAX = 32, /* bytes of the name of a programming language */
	MD_INDENT_MAX = 24,
};

enum md_mark { MD_BOLD = 1, MD_ITALIC = 2, MD_STRIKE = 4 };

/* Zero-initialise. */
struct md {
	struct buf out;
	unsigned want;	     /* enum md_mark: of the words that come */
	unsigned quotes;     /* depth; the inner ones are only signs */
	size_t indent;	     /* of the next lines, in lists */
	char bullet[24];     /* stands before the next word: of an item, or the sign of a heading */
	unsigned open[3];    /* marks that are open in this line, outermost first */
	unsigned opened;     /* their number */
	unsigned lines;	     /* line ends due before the next word */
	unsigned gap_quotes; /* these quotations go on over the line ends */
	size_t blanks;	     /* due before the next word of the same line */
	bool begun;	     /* the line has its prefix */
	bool fresh, digits;  /* of the line's words: there is none, all are digits */
	bool closed;	     /* a mark was closed last */
	bool address;	     /* inside a bare address */
};

/* Literal text; line feeds end lines. */
void md_text(struct md *md, const char *text, size_t len);
void md_code(struct md *md, const char *text, size_t len);

/* Lines of their own that nothing in them ends; language may be NULL. Nothing is put when they are blank. */
void md_block(struct md *md, const char *text, size_t len, const char *language);

/* The platform makes a link of this address. */
bool md_may_link(const char *address);
/* ... with this label; else label and address are shown. */
bool md_may_label(const char *label);
void md_link(struct md *md, const char *address, const char *label);
/* The address alone. fenced: what follows could be taken for a part of it. */
void md_address(struct md *md, const char *address, bool fenced);

/* At least n line ends before the next word. */
void md_line(struct md *md, unsigned n);
/* Begins the line now, even if nothing else stands in it: its bullet shows. */
void md_begin(struct md *md);

/* Ends it; the caller frees. */
char *md_finish(struct md *md);

#endif
