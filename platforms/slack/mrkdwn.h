/* Writing mrkdwn (sheet 16.2): the one place that knows which characters mean something to Slack. Whatever text is put
 * in, only what is asked for by name becomes a mark or a link. */
#ifndef USHER_SLACK_MRKDWN_H
#define USHER_SLACK_MRKDWN_H

#include "buf.h"
#include <stdbool.h>
#include <stddef.h>

#define MRKDWN_ZWSP "\u200b" /* a border for marks that shows nothing */

enum mrkdwn_mark { MRKDWN_BOLD = 1, MRKDWN_ITALIC = 2, MRKDWN_STRIKE = 4 };

/* Zero-initialise. */
struct mrkdwn {
	struct buf out;
	unsigned want;	 /* enum mrkdwn_mark: of the words that come */
	unsigned quotes; /* the next lines are quoted when not 0 */
	unsigned lists;	 /* depth: the next lines are indented */
	char bullet[24]; /* stands before the next word */
	char open[3];	 /* marks that are open in this line, outermost first */
	unsigned opened; /* their number */
	unsigned lines;	 /* line ends due before the next word */
	size_t blanks;	 /* due before the next word of the same line */
	bool quoted_gap; /* an empty line between is quoted too */
	bool begun;	 /* the line has its prefix */
	enum {
		MRKDWN_START,
		MRKDWN_SPACE,
		MRKDWN_WORD,
		MRKDWN_OTHER,
		MRKDWN_CLOSED,
		MRKDWN_BORDER
	} last; /* what stands there */
};

/* Literal text; line feeds end lines. */
void mrkdwn_text(struct mrkdwn *out, const char *text, size_t len);
void mrkdwn_code(struct mrkdwn *out, const char *text, size_t len);

/* A link if the address is one that Slack may open (http, https, mailto); false when it is not: nothing is put. */
bool mrkdwn_link(struct mrkdwn *out, const char *address, const char *label);

/* Lines of their own that nothing in them ends. */
void mrkdwn_block(struct mrkdwn *out, const char *text, size_t len);

/* At least n line ends before the next word. */
void mrkdwn_line(struct mrkdwn *out, unsigned n);

/* Begins the line now, even if nothing else stands in it: its bullet shows. */
void mrkdwn_begin(struct mrkdwn *out);

/* Ends it; the caller frees. */
char *mrkdwn_finish(struct mrkdwn *out);

/* The text begins with what calls everybody ("@here"). cut: or with a beginning of that, because the text goes on
 * elsewhere. */
bool mrkdwn_calls_all(const char *text, size_t len, bool cut);

#endif
