/* From history, message and tool results to the messages of one request: pure, so that every rule is a test.
 */
#include "ai_room.h"
#include "buf.h"
#include "json.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { REPLY_RESERVE = 1024 };

static const int64_t PER_MESSAGE = 4;	 /* role and marks around each */
static const int64_t PER_PICTURE = 1600; /* what services count for a large one that they scale down */

/* Four bytes a token for plain text, two and a half for other scripts; wrong by a quarter at most in
 * practice. */
int64_t tokens_of(const char *text)
{
	size_t plain = 0, other = 0;

	if (text == NULL)
		return 0;
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x80)
			plain++;
		else
			other++;
	}
	return (int64_t)((plain + 3) / 4 + (other * 2 + 4) / 5);
}

static int64_t round_tokens(const struct turn *turn, const struct round *round)
{
	int64_t sum = PER_MESSAGE + tokens_of(round->text);

	for (size_t i = 0; i < round->call_count; i++) {
		const struct call *call = &round->calls[i];
		int64_t result = tokens_of(call->result);

		if (result > (int64_t)turn->results_max)
			result = (int64_t)turn->results_max;
		sum += 2 * PER_MESSAGE + tokens_of(call->arguments) + result;
	}
	return sum;
}

int64_t prompt_tokens(const struct turn *turn)
{
	int64_t sum = 2 * PER_MESSAGE + tokens_of(turn->ask.system_prompt) + tokens_of(turn->ask.prompt);

	sum += (int64_t)turn->pictures * PER_PICTURE;
	for (size_t i = turn->history_from; i < turn->ask.history_count; i++)
		sum += PER_MESSAGE + tokens_of(turn->ask.history[i].text);
	for (size_t i = 0; i < turn->round_count; i++)
		sum += round_tokens(turn, &turn->rounds[i]);
	for (size_t i = 0; i < turn->ask.tool_count; i++)
		sum += 2 * PER_MESSAGE + tokens_of(turn->ask.tools[i]->description) +
		       tokens_of(turn->ask.tools[i]->parameters);
	return sum;
}

/* A whole turn of history goes: a user's message and all up to the next one. */
static int64_t drop_oldest_turn(struct turn *turn)
{
	int64_t freed = 0;

	do {
		freed += PER_MESSAGE + tokens_of(turn->ask.history[turn->history_from].text);
		turn->history_from++;
	} while (turn->history_from < turn->ask.history_count &&
		 turn->ask.history[turn->history_from].role != AI_USER);
	return freed;
}

bool prompt_trim(struct turn *turn, int64_t tokens)
{
	size_t before = turn->history_from;
	int64_t sum = prompt_tokens(turn);

	while (sum > tokens && turn->history_from < turn->ask.history_count)
		sum -= drop_oldest_turn(turn);
	if (sum > tokens && turn->round_count > 0 && turn->results_max > RESULT_SHORT) {
		turn->results_max = RESULT_SHORT;
		return true;
	}
	return turn->history_from > before;
}

void prompt_fit(struct turn *turn)
{
	long window = turn->model->context_tokens, answer;

	if (window <= 0)
		return;
	answer = turn->ask.max_output_tokens > 0 ? turn->ask.max_output_tokens : REPLY_RESERVE;
	window = window > 2 * answer ? window - answer : window / 2;
	if (prompt_tokens(turn) > window)
		prompt_trim(turn, (int64_t)window * TRIM_PERCENT / 100);
}

/* Some chat templates refuse two messages of one role in a row, and empty ones: merge and leave out. */
static void say(struct llm_message *messages, size_t *count, struct arena *arena, enum llm_role role,
		const char *text)
{
	struct llm_message *last = *count > 0 ? &messages[*count - 1] : NULL;

	if (text == NULL || *text == '\0')
		return;
	if (last && last->role == role && last->call_count == 0)
		last->text = arena_format(arena, "%s\n\n%s", last->text, text);
	else
		messages[(*count)++] = (struct llm_message){ .role = role, .text = text };
}

static const char *shown_result(const struct turn *turn, struct arena *arena, const char *result)
{
	size_t len = strlen(result), fit = text_fit(result, len, turn->results_max);

	if (fit == len)
		return result;
	return arena_format(arena, "%.*s\n[cut: the first %zu of %zu bytes]", (int)fit, result, fit, len);
}

static void say_round(const struct turn *turn, const struct round *round, struct llm_message *messages,
		      size_t *count, struct arena *arena)
{
	struct llm_call *calls = arena_alloc(arena, round->call_count * sizeof(*calls));
	bool same = round->model && strcmp(round->model, turn->model->name) == 0;

	messages[(*count)++] = (struct llm_message){
		.role = LLM_ASSISTANT,
		.text = round->text,
		.calls = calls,
		.call_count = round->call_count,
		.raw = same ? round->raw : NULL, /* another provider's own form would be refused */
	};
	for (size_t i = 0; i < round->call_count; i++) {
		const struct call *call = &round->calls[i];

		calls[i] = (struct llm_call){ call->id, call->name,
					      call->plain ? call->arguments : call->checked };
		messages[(*count)++] = (struct llm_message){ .role = LLM_TOOL,
							     .text = shown_result(turn, arena, call->result),
							     .call_id = call->id,
							     .tool = call->name };
	}
}

struct llm_message *prompt_build(struct turn *turn, struct arena *arena, size_t *count_out)
{
	size_t most = 2 + turn->ask.history_count - turn->history_from, from = turn->history_from;
	struct llm_message *messages;

	for (size_t i = 0; i < turn->round_count; i++)
		most += 1 + turn->rounds[i].call_count;
	messages = arena_alloc(arena, most * sizeof(*messages));
	*count_out = 0;
	say(messages, count_out, arena, LLM_SYSTEM, turn->ask.system_prompt);
	while (from < turn->ask.history_count && turn->ask.history[from].role != AI_USER)
		from++; /* the first thing after the system prompt is the user's, some templates insist */
	for (; from < turn->ask.history_count; from++)
		say(messages, count_out, arena,
		    turn->ask.history[from].role == AI_USER ? LLM_USER : LLM_ASSISTANT,
		    turn->ask.history[from].text);
	say(messages, count_out, arena, LLM_USER, turn->ask.prompt);
	if (*count_out > 0 && messages[*count_out - 1].role == LLM_USER)
		pictures_show(turn, arena, &messages[*count_out - 1]);
	for (size_t i = 0; i < turn->round_count; i++)
		say_round(turn, &turn->rounds[i], messages, count_out, arena);
	return messages;
}

const char *prompt_last(const struct turn *turn)
{
	const struct round *round = turn->round_count > 0 ? &turn->rounds[turn->round_count - 1] : NULL;

	if (round && round->call_count > 0 && round->calls[round->call_count - 1].result)
		return round->calls[round->call_count - 1].result;
	return turn->ask.prompt;
}

/* What was said before stands in the conversation itself, so the record names how much of it was sent instead
 * of writing the whole history down once more with every message. */
char *prompt_record(const struct turn *turn)
{
	const struct ai_ask *ask = &turn->ask;
	struct buf out = { 0 };

	buf_text(&out, "{\"model\":");
	json_quote(&out, turn->model->id, strlen(turn->model->id));
	if (ask->system_prompt) {
		buf_text(&out, ",\"system_prompt\":");
		json_quote(&out, ask->system_prompt, strlen(ask->system_prompt));
	}
	buf_format(&out, ",\"history_messages\":%zu,\"history_dropped\":%zu,\"tool_rounds\":%zu",
		   ask->history_count - turn->history_from, turn->history_from, turn->round_count);
	if (ask->temperature >= 0)
		buf_format(&out, ",\"temperature\":%g", ask->temperature);
	if (ask->max_output_tokens > 0)
		buf_format(&out, ",\"max_output_tokens\":%ld", ask->max_output_tokens);
	if (turn->pictures > 0)
		buf_format(&out, ",\"pictures\":%zu", turn->pictures);
	buf_text(&out, ",\"tools\":[");
	for (size_t i = 0; i < ask->tool_count; i++) {
		buf_text(&out, i ? "," : "");
		json_quote(&out, ask->tools[i]->name, strlen(ask->tools[i]->name));
	}
	buf_text(&out, "]}");
	return buf_take(&out);
}
