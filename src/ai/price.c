/* Looks prices up and multiplies, in integers only: sums of money never meet a double. */
#include "price.h"
#include "ai.h"
#include "mem.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide; /* of a product of two prices or counts */

enum { PER = 1000000 };

void prices_init(struct prices *prices, const struct ai_price *rows, size_t count)
{
	prices->rows = mem_zero(count, sizeof(*rows));
	prices->count = count;
	for (size_t i = 0; i < count; i++) {
		prices->rows[i] = rows[i];
		prices->rows[i].provider = mem_text(rows[i].provider);
		prices->rows[i].model = mem_text(rows[i].model);
	}
}

void prices_finish(struct prices *prices)
{
	for (size_t i = 0; i < prices->count; i++) {
		free((void *)(uintptr_t)prices->rows[i].provider); /* our copies, const only for readers */
		free((void *)(uintptr_t)prices->rows[i].model);
	}
	free(prices->rows);
	*prices = (struct prices){ 0 };
}

const struct ai_price *price_find(const struct prices *prices, const char *provider, const char *model)
{
	const struct ai_price *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < prices->count; i++) {
		const struct ai_price *row = &prices->rows[i];
		size_t len = strlen(row->model);

		if (strcmp(row->provider, provider) != 0)
			continue;
		if (strcmp(row->model, model) == 0)
			return row;
		if (len > 0 && row->model[len - 1] == '*' && strncmp(row->model, model, len - 1) == 0 &&
		    (best == NULL || len > best_len)) {
			best = row;
			best_len = len;
		}
	}
	return best;
}

static int64_t within(int64_t tokens, int64_t most)
{
	if (tokens < 0)
		return 0;
	return tokens < most ? tokens : most;
}

/* The row's prices for a prompt of this size, all of them known. */
static struct ai_price in_force(const struct ai_price *price, int64_t input)
{
	struct ai_price now = *price;

	if (price->long_from > 0 && input > price->long_from) {
		now.input = price->long_input;
		now.cached = price->long_cached;
		now.output = price->long_output;
		now.written = price->long_written;
		if (now.written < 0 && price->written >= 0)
			now.written = price->input > 0 ? price->written * price->long_input / price->input
						       : price->written;
	}
	if (now.cached < 0)
		now.cached = now.input;
	if (now.written < 0)
		now.written = now.input;
	return now;
}

static wide times(int64_t tokens, int64_t price)
{
	return (wide)(uint64_t)tokens * (uint64_t)price;
}

int64_t price_cost(const struct ai_price *price, int64_t input, int64_t cached, int64_t written,
		   int64_t output)
{
	wide sum;
	struct ai_price now;

	if (price == NULL || price->input < 0 || price->output < 0 || input < 0 || output < 0)
		return AI_COST_UNKNOWN;
	now = in_force(price, input);
	input = within(input, PRICE_TOKENS_MAX);
	output = within(output, PRICE_TOKENS_MAX);
	cached = within(cached, input);
	written = within(written, input - cached);
	sum = times(input - cached - written, now.input) + times(cached, now.cached) +
	      times(written, now.written) + times(output, now.output);
	sum = (sum + PER / 2) / PER;
	return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}
