/* What tokens cost, in whole millionths of a US dollar. Any thread. */
#ifndef USHER_PRICE_H
#define USHER_PRICE_H

#include "ai_open.h"

enum { PRICE_TOKENS_MAX = 1000000000 }; /* a server's count is not believed beyond */

struct prices {
	struct ai_price *rows;
	size_t count;
};

void prices_init(struct prices *prices, const struct ai_price *rows, size_t count); /* copies */
void prices_finish(struct prices *prices);

/* The exact name wins, else the longest prefix ("name*"). NULL: not known; point releases are never guessed.
 */
const struct ai_price *price_find(const struct prices *prices, const char *provider, const char *model);

/* Rounded to nearest. input includes cached and written (-1: none). AI_COST_UNKNOWN when price is NULL, or input or output is
 * not known. */
int64_t price_cost(const struct ai_price *price, int64_t input, int64_t cached, int64_t written,
		   int64_t output);

#endif
