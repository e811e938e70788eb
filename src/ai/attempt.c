/* Keeps one record of every request to a model, also of those that failed or that we ended: each may cost
 * money. */
#include "ai_room.h"
#include "loop.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static struct ai_attempt *next_attempt(struct turn *turn)
{
	struct ai_attempt *attempt;

	turn->attempts = mem_resize(turn->attempts, turn->attempt_count + 1, sizeof(*turn->attempts));
	attempt = &turn->attempts[turn->attempt_count++];
	*attempt = (struct ai_attempt){
		.provider = turn->model->provider,
		.model = turn->model->id,
		.type = turn->ask.summarise ? "summary" : NULL,
		.input = prompt_last(turn),
		.reservation = turn->reservation,
		.cached_tokens = -1,
		.first_token_ms = -1,
	};
	return attempt;
}

/* A count that no request can have is none: it would overflow every sum it enters, in the database too. */
static int64_t believed(int64_t tokens)
{
	return tokens >= 0 && tokens <= PRICE_TOKENS_MAX ? tokens : -1;
}

/* A request that never left or that was refused whole is not billed. One that broke off is, for what was
 * made. */
static void count_tokens(struct turn *turn, struct ai_attempt *attempt, const struct llm_reply *reply)
{
	bool billed = reply->fault == LLM_FAULT_NONE || reply->err.kind == ERR_UNSURE || *reply->text;

	attempt->input_tokens = believed(reply->input_tokens);
	attempt->output_tokens = believed(reply->output_tokens);
	attempt->cached_tokens = believed(reply->cached_tokens);
	if (attempt->input_tokens < 0) {
		attempt->estimated = billed;
		attempt->input_tokens = billed ? prompt_tokens(turn) : 0;
	}
	if (attempt->output_tokens >= 0)
		return;
	attempt->estimated = billed;
	attempt->output_tokens = billed ? tokens_of(reply->text) : 0;
	for (size_t i = 0; billed && i < reply->call_count; i++)
		attempt->output_tokens += tokens_of(reply->calls[i].arguments) + 4;
}

static void set_cost(struct turn *turn, struct ai_attempt *attempt, int64_t told, int64_t written)
{
	if (told >= 0)
		attempt->cost_micros = told;
	else if (attempt->input_tokens == 0 && attempt->output_tokens == 0)
		attempt->cost_micros = 0;
	else
		attempt->cost_micros = price_cost(turn->model->price, attempt->input_tokens,
						  attempt->cached_tokens, written, attempt->output_tokens);
}

void attempt_add(struct turn *turn, const struct llm_reply *reply)
{
	struct ai_attempt *attempt = next_attempt(turn);

	count_tokens(turn, attempt, reply);
	set_cost(turn, attempt, reply->cost_micros, believed(reply->written_tokens));
	attempt->latency_ms = reply->latency_ms;
	attempt->first_token_ms = reply->first_token_ms;
	attempt->request_id = arena_text(turn->arena, reply->request_id);
	if (reply->fault != LLM_FAULT_NONE)
		attempt->error = arena_text(turn->arena, reply->err.text);
	else
		attempt->output = arena_text(turn->arena, reply->text);
	if (attempt->error == NULL && reply->call_count == 0 && text_blank(reply->text))
		attempt->error = "the model sent no text";
}

void attempt_add_stopped(struct turn *turn, const char *why)
{
	struct ai_attempt *attempt = next_attempt(turn);

	attempt->input_tokens = prompt_tokens(turn);
	attempt->output_tokens = turn->said_tokens;
	attempt->estimated = true;
	attempt->latency_ms = (int64_t)(loop_now_ms(turn->ai->loop) - turn->asked_ms);
	attempt->first_token_ms = turn->first_part_ms;
	attempt->error = arena_text(turn->arena, why);
	set_cost(turn, attempt, -1, -1);
}

void attempt_add_unsent(struct turn *turn, const char *why)
{
	struct ai_attempt *attempt = next_attempt(turn);

	attempt->type = "skipped";
	attempt->reservation = NULL;
	attempt->error = arena_text(turn->arena, why);
}
