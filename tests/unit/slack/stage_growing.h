/* An answer that grows as the core hands it on, and its end. */
#ifndef STAGE_GROWING_H
#define STAGE_GROWING_H

#include "stage_out.h"

#define TS    "1800000001.000100"
#define OPEN  "{\"channel\":\"C1\",\"ts\":\"" TS "\"}"
#define WORDS "These are ten words that stand for a growing answer. " /* 53 bytes */

struct growing {
	char *place;
	const char *placeholder;
	unsigned attempt;
	size_t offset;
};

/* cmocka's setup and teardown: the stage is the state. */
int growing_setup(void **state);
int growing_teardown(void **state);

/* The next piece of text. */
void grow(struct out_stage *stage, struct growing *growing, const char *text);
/* WORDS, that often. */
void grow_much(struct out_stage *stage, struct growing *growing, size_t times);
/* The final text arrives. */
void grow_end(struct out_stage *stage, const struct growing *growing);
/* Ends with the stream begun. */
void grow_open(struct out_stage *stage, struct growing *growing);

#endif
