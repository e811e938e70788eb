/* Looks prices up and multiplies, in integers only: sums of money never meet a double. */
#include "price.h"
#include "ai.h"
#include "mem.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

int64_t price_cost(const struct ai_price *price, int64_t input, int64_t cached, int64_t output)
{
	__extension__ unsigned __int128 sum;
	int64_t input_price, cached_price, output_price;
	bool is_long;

	if (price == NULL || price->input < 0 || price->output < 0 || input < 0 || output < 0)
		return AI_COST_UNKNOWN;
	is_long = price->long_from > 0 && input > price->long_from;
	input_price = is_long ? price->long_input : price->input;
	cached_price = is_long ? price->long_cached : price->cached;
	output_price = is_long ? price->long_output : price->output;
	if (cached_price < 0)
		cached_price = input_price;
	input = within(input, PRICE_TOKENS_MAX);
	output = within(output, PRICE_TOKENS_MAX);
	cached = within(cached, input);
	sum = (unsigned __int128)(uint64_t)(input - cached) * (uint64_t)input_price;
	sum += (unsigned __int128)(uint64_t)cached * (uint64_t)cached_price;
	sum += (unsigned __int128)(uint64_t)output * (uint64_t)output_price;
	sum = (sum + PER / 2) / PER;
	return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}
