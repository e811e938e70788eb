/* Writing HTML as the Bot API takes it (sheet 7): the one place that knows its tags. Whatever text is put in, every tag
 * is one of ours, closed in order and nested as the platform wants it, and nobody is called. */
#ifndef USHER_TELEGRAM_HTML_H
#define USHER_TELEGRAM_HTML_H

#include "buf.h"
#include <stdbool.h>
#include <stddef.h>

#define HTML_JOINER "\u2060" /* shows nothing, and is no place to break a line */

enum html_limits {
	HTML_MARKS_MAX = 100,	/* in one message: the platform ignores further ones (sheet 6.2) */
	HTML_LANGUAGE_MAX = 32, /* bytes of the name of a programming language */
};

/* What stands around words. They are opened in this order. */
enum html_kind { HTML_QUOTE, HTML_LINK, HTML_BOLD, HTML_ITALIC, HTML_STRIKE, HTML_KINDS };

struct html_mark {
	enum html_kind kind;
	unsigned id;
};

/* Zero-initialise. */
struct html {
	struct buf out;
	size_t units; /* UTF-16, after entities */
	size_t marks; /* entities that the platform makes of it */
	unsigned want
		[HTML_KINDS]; /* around the words that come; 0 not, else an id: another id is another one */
	const char *address;  /* of the wanted link */
	unsigned last_id;     /* html_id */
	unsigned quotes;      /* depth; the inner ones are only signs */
	unsigned lists;	      /* depth: the next lines are indented */
	char bullet[24];      /* stands before the next word */
	struct html_mark open[HTML_KINDS]; /* outermost first */
	unsigned opened;
	unsigned lines; /* line ends due before the next word */
	size_t blanks;	/* due before the next word of the same line */
	bool begun;	/* the line has its prefix */
	char tail[12];	/* the latest bytes of this word, in lower case */
	size_t own;	/* letters left of a command of ours */
	enum {
		HTML_NO_CALL,
		HTML_SIGN,    /* "@" or "/" that would call somebody with the next letter */
		HTML_COMMAND, /* a command of ours, which must not become another one */
	} call;
};

unsigned html_id(struct html *html);

/* Literal text; line feeds end lines. */
void html_text(struct html *html, const char *text, size_t len);
void html_code(struct html *html, const char *text, size_t len);

/* Lines of their own, as they are; language may be NULL. Nothing is put when they are blank. */
void html_block(struct html *html, const char *text, size_t len, const char *language);

/* At least n line ends before the next word. html_line: what stands around words ends there, too. */
void html_break(struct html *html, unsigned n);
void html_line(struct html *html, unsigned n);

/* Begins the line now, even if nothing else stands in it: its bullet shows. */
void html_begin(struct html *html);

/* The platform makes a link of this address; of others it would keep the words only (sheet 7.1). */
bool html_may_link(const char *address);

/* Ends it; the caller frees. */
char *html_finish(struct html *html);

#endif
