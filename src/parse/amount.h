/* Numbers as people write them, taken apart exactly: "1.234,56 €", "(1,234.50)", "12,5 %", "1'000.-" is none. Texts all the
 * way, nothing is rounded. Pure. */
#ifndef USHER_PARSE_AMOUNT_H
#define USHER_PARSE_AMOUNT_H

#include "buf.h"

enum { AMOUNT_MAX = 100 /* digits and marks */, AMOUNT_EXPONENT_MAX = 400 };

enum amount_marks {
	MARKS_NONE,  /* the same either way: "12", "1 234" */
	MARKS_POINT, /* only a decimal point makes sense: "12.50", "1,234.5", "1,234,567" */
	MARKS_COMMA,
	MARKS_OPEN, /* "1.234", "1,234" */
};

struct amount {
	char body[AMOUNT_MAX + 1]; /* digits, points, commas, blanks and apostrophes */
	size_t len;
	int exponent;
	bool negative, percent, money;
	enum amount_marks marks;
};

/* False: it is no number whatever the decimal mark is. */
bool amount_scan(struct amount *amount, const char *text, size_t len);

/* Adds it in JSON syntax; point: '.' or ',', what its decimal mark is taken for when it could be either (MARKS_OPEN). A percent
 * sign moves the point: "12,5 %" is 0.125. False: too large to be written out. */
bool amount_write(const struct amount *amount, char point, struct buf *out);

enum amount_whole { AMOUNT_WHOLE, AMOUNT_BROKEN, AMOUNT_HUGE };
/* Takes an amount in JSON syntax without its ".0" and exponent; BROKEN: it has a fraction, HUGE: beyond 64 bits (unchanged). */
enum amount_whole amount_whole(struct buf *number);

/* As strcmp, of numbers in JSON syntax, exactly. */
int amount_compare(const char *a, const char *b);

/* Makes ICU load what it needs; before the sandbox. */
void amount_stage(void);

#endif
