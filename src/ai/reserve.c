/* What a request costs at most, so that this much can be set aside before it is sent. A bound, not a guess: each token of
 * a text stands for a byte of it at least. */
#include "ai_room.h"
#include "crypto.h"
#include <string.h>

enum {
	ANSWER_TOKENS = 4096,	  /* the limit of an answer that has none */
	PER_MESSAGE_TOKENS = 16,  /* role and marks around each */
	PER_CALL_TOKENS = 32,	  /* the same around a tool, its call or its result */
	TOOLS_TOKENS = 1024,	  /* what providers tell the model about tools in general */
	PER_IMAGE_TOKENS = 50000, /* the dearest that any provider counts */
	ANYWAY_TOKENS = 64,	  /* around the whole */
};

static bool free_of_charge(const struct ai_price *price)
{
	return price && price->input == 0 && price->output == 0 && price->cached <= 0 &&
	       price->written <= 0 &&
	       (price->long_from == 0 || (price->long_input == 0 && price->long_output == 0));
}

long reserve_answer_max(const struct turn *turn)
{
	if (turn->ask.max_output_tokens > 0 || !turn->ask.reserve || free_of_charge(turn->model->price))
		return turn->ask.max_output_tokens;
	return ANSWER_TOKENS;
}

static int64_t bytes_of(const char *text)
{
	return text ? (int64_t)strlen(text) : 0;
}

/* Either its own form is sent or the provider's. */
static int64_t message_tokens(const struct llm_message *message)
{
	int64_t own = bytes_of(message->text), raw = bytes_of(message->raw);

	for (size_t i = 0; i < message->call_count; i++)
		own += PER_CALL_TOKENS + bytes_of(message->calls[i].id) + bytes_of(message->calls[i].name) +
		       bytes_of(message->calls[i].arguments);
	if (message->call_id)
		own += PER_CALL_TOKENS + bytes_of(message->call_id) + bytes_of(message->tool);
	return PER_MESSAGE_TOKENS + (own > raw ? own : raw) +
	       (int64_t)message->image_count * PER_IMAGE_TOKENS;
}

static int64_t input_tokens(const struct llm_request *request)
{
	int64_t sum = ANYWAY_TOKENS + (request->tool_count + request->spent_count ? TOOLS_TOKENS : 0);

	for (size_t i = 0; i < request->message_count; i++)
		sum += message_tokens(&request->messages[i]);
	for (size_t i = 0; i < request->tool_count; i++)
		sum += PER_CALL_TOKENS + bytes_of(request->tools[i]->name) +
		       bytes_of(request->tools[i]->description) + bytes_of(request->tools[i]->parameters);
	for (size_t i = 0; i < request->spent_count; i++)
		sum += PER_CALL_TOKENS + bytes_of(request->spent[i]->name) +
		       bytes_of(request->spent[i]->description) + bytes_of(request->spent[i]->parameters);
	return sum;
}

int64_t reserve_most(const struct turn *turn, const struct llm_request *request)
{
	const struct ai_price *price = turn->model->price;
	int64_t input, output = request->max_output_tokens, most = 0;

	if (!turn->ask.reserve || free_of_charge(price))
		return 0;
	input = input_tokens(request);
	const int64_t ways[] = {
		price_cost(price, input, 0, 0, output),
		price_cost(price, input, input, 0, output), /* all of it read from the cache, */
		price_cost(price, input, 0, input, output), /* or written to it */
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		most = ways[i] > most ? ways[i] : most;
	return ways[0] < 0 ? AI_COST_UNKNOWN : most + 1; /* prices are rounded */
}

void reserve_ask(struct turn *turn, int64_t most)
{
	char id[CRYPTO_UUID_SIZE];

	turn->reservation = arena_text(turn->arena, crypto_uuid(id));
	turn->events->reserve(turn->owner, turn->ticket,
			      &(struct ai_reserve){ .id = turn->reservation,
						    .name = turn->model->name,
						    .provider = turn->model->provider,
						    .model = turn->model->id,
						    .micros = most });
}
