/* A turn's rounds as lines of its journal, and back again after a crash. */
#include "ai_room.h"
#include "buf.h"
#include "json.h"
#include <stdlib.h>
#include <string.h>

static void member(struct buf *out, const char *name, const char *text)
{
	buf_format(out, out->data[out->len - 1] == '{' ? "\"%s\":" : ",\"%s\":", name);
	if (text)
		json_quote(out, text, strlen(text));
	else
		buf_text(out, "null");
}

void journal_reply_payload(const struct round *round, struct buf *out)
{
	buf_text(out, "{");
	member(out, "text", round->text);
	buf_text(out, ",\"tool_calls\":[");
	for (size_t i = 0; i < round->call_count; i++) {
		buf_text(out, i > 0 ? ",{" : "{");
		member(out, "id", round->calls[i].id);
		member(out, "name", round->calls[i].name);
		member(out, "arguments", round->calls[i].arguments);
		buf_text(out, "}");
	}
	buf_text(out, "]");
	member(out, "raw", round->raw);
	member(out, "model", round->model);
	buf_text(out, "}");
}

static bool load_reply(struct turn *turn, const struct ai_step *step, struct err *err)
{
	json_t *reply = json_read(step->payload, strlen(step->payload), err);
	const json_t *list = json_object_get(reply, "tool_calls");
	size_t count = json_array_size(list);
	struct llm_call *calls = arena_alloc(turn->arena, count * sizeof(*calls));

	for (size_t i = 0; i < count; i++) {
		const json_t *call = json_array_get(list, i);

		calls[i] = (struct llm_call){ json_text(call, "id"), json_text(call, "name"),
					      json_text(call, "arguments") };
	}
	if (count > 0)
		calls_add_round(turn, json_text(reply, "text"), json_text(reply, "raw"),
				json_text(reply, "model"), calls, count)
			->recorded = true;
	json_decref(reply);
	return count > 0 || err_set(err, ERR_BUG, "the journal holds a reply without tool calls");
}

static struct call *find_call(struct turn *turn, const struct ai_step *step)
{
	struct round *round;

	if (step->round == 0 || step->round > turn->round_count || step->call_id == NULL)
		return NULL;
	round = &turn->rounds[step->round - 1];
	for (size_t i = 0; i < round->call_count; i++)
		if (strcmp(round->calls[i].id, step->call_id) == 0)
			return &round->calls[i];
	return NULL;
}

/* What was decided before the crash counts, not what would be decided now: tools may have changed since. */
static bool load_step(struct turn *turn, const struct ai_step *step, struct err *err)
{
	struct call *call;

	if (step->kind == AI_STEP_REPLY)
		return load_reply(turn, step, err);
	call = find_call(turn, step);
	if (call == NULL)
		return err_set(err, ERR_BUG, "the journal names a tool call that no reply made");
	call->intended = true;
	if (step->kind == AI_STEP_INTENT) {
		call->checked = arena_text(turn->arena, step->payload);
		call->result = NULL;
	} else {
		calls_set_result(turn, call, step->payload, step->failed);
		call->foreign =
			call->foreign || (call->tool == NULL && !step->failed); /* its server is gone */
		call->recorded = true;
	}
	return true;
}

/* Begun and not known to have ended: only what is harmless to repeat is repeated, and what a person must confirm when
 * they confirm it again. */
static void settle(struct turn *turn, struct call *call)
{
	bool repeat = call->tool && (call->tool->class == TOOL_READ || call->tool->class == TOOL_KEYED);

	if (!call->intended || call->recorded || repeat)
		return;
	if (call->tool && call->tool->class == TOOL_CONFIRM)
		calls_ask_again(turn, call);
	else
		calls_set_error(turn, call, "started earlier, outcome unknown, not repeated");
}

bool journal_load(struct turn *turn, const struct ai_ask *ask, struct err *err)
{
	for (size_t i = 0; i < ask->journal_count; i++)
		if (!load_step(turn, &ask->journal[i], err))
			return false;
	for (size_t r = 0; r < turn->round_count; r++)
		for (size_t i = 0; i < turn->rounds[r].call_count; i++)
			settle(turn, &turn->rounds[r].calls[i]);
	return true;
}
