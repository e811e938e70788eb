/* Judges the tool calls of a reply: models invent names, repeat ids and write arguments that are not JSON;
 * each such call is answered with an error the model can read, and the turn goes on. */
#include "ai_room.h"
#include "buf.h"
#include "code.h"
#include "crypto.h"
#include "json.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void calls_set_error(struct turn *turn, struct call *call, const char *text)
{
	struct buf out = { 0 };

	buf_text(&out, "{\"error\":");
	json_quote(&out, text, strlen(text));
	buf_text(&out, "}");
	call->result = arena_text(turn->arena, buf_str(&out));
	call->failed = true;
	buf_free(&out);
}

/* How much of a text fits into max bytes once it is quoted. */
static size_t quoted_fit(const char *text, size_t len, size_t max)
{
	size_t cost = 0, i = 0;

	for (; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		cost += c < 0x20 ? 6 : (c == '"' || c == '\\') ? 2 : 1;
		if (cost > max)
			break;
	}
	return text_fit(text, len, i);
}

/* Too long a result is kept as text with a note, since half a JSON object is none. */
static const char *bounded(struct turn *turn, const char *result, size_t len)
{
	size_t fit = quoted_fit(result, len, RESULT_MAX - 100);
	struct buf out = { 0 };
	const char *copy;

	buf_format(&out, "{\"note\":\"cut: the first %zu of %zu bytes\",\"text\":", fit, len);
	json_quote(&out, result, fit);
	buf_text(&out, "}");
	copy = arena_text_n(turn->arena, out.data, out.len);
	buf_free(&out);
	return copy;
}

void calls_set_result(struct turn *turn, struct call *call, const char *result, bool failed)
{
	size_t len = strlen(result);
	json_t *value = json_read(result, len, NULL);

	call->failed = failed;
	if (!json_is_object(value))
		calls_set_error(turn, call, "the tool returned something that is not a JSON object");
	else if (len > RESULT_MAX)
		call->result = bounded(turn, result, len);
	else
		call->result = arena_text_n(turn->arena, result, len);
	json_decref(value);
}

/* Exactly, then without a "functions." in front, then in any case. */
static const struct tool *find_tool(const struct turn *turn, const char *name)
{
	for (size_t i = 0; i < turn->ask.tool_count; i++)
		if (strcmp(turn->ask.tools[i]->name, name) == 0)
			return turn->ask.tools[i];
	if (strncmp(name, "functions.", 10) == 0)
		name += 10;
	for (size_t i = 0; i < turn->ask.tool_count; i++)
		if (strcasecmp(turn->ask.tools[i]->name, name) == 0)
			return turn->ask.tools[i];
	return NULL;
}

/* An object, or (some servers encode twice) a string that holds one; nothing at all means no arguments. */
static bool check_arguments(struct turn *turn, struct call *call, struct err *err)
{
	json_t *value, *inner;
	char *text;

	call->checked = "{}";
	if (text_blank(call->arguments))
		return true;
	value = json_read(call->arguments, strlen(call->arguments), err);
	call->plain = json_is_object(value);
	if (json_is_string(value)) {
		inner = json_read(json_string_value(value), json_string_length(value), err);
		json_decref(value);
		value = inner;
	}
	if (!json_is_object(value)) {
		if (value)
			err_set(err, ERR_REFUSED, "they must be one JSON object");
		json_decref(value);
		return false;
	}
	text = json_write(value);
	call->checked = arena_text(turn->arena, text);
	free(text);
	json_decref(value);
	return true;
}

/* The very call that was approved: the first one of the turn, with these arguments. */
static bool is_approved(const struct turn *turn, const struct call *call)
{
	const struct ai_approval *approved = turn->ask.approved;

	return approved && approved->tool && approved->arguments && turn->round_count == 1 &&
	       call == &turn->rounds[0].calls[0] && strcmp(call->name, approved->tool) == 0 &&
	       strcmp(call->arguments, approved->arguments) == 0;
}

static bool wants_approval(const struct turn *turn, const struct call *call)
{
	return (call->tool->policy == TOOL_ASK || call->tool->class == TOOL_CONFIRM) &&
	       !is_approved(turn, call);
}

/* The model may ask for the same thing twice in a turn: the person is asked once. */
static const struct ai_approval *find_approval(const struct turn *turn, const struct call *call)
{
	for (size_t i = 0; i < turn->approval_count; i++)
		if (strcmp(turn->approvals[i].tool, call->tool->name) == 0 &&
		    strcmp(turn->approvals[i].arguments, call->checked) == 0)
			return &turn->approvals[i];
	return NULL;
}

static const struct ai_approval *add_approval(struct turn *turn, const struct call *call)
{
	struct ai_approval *approval;
	char code[CODE_SIZE];
	char *what = mem_format("%s\n%s\n%s\n%s", turn->ask.key ? turn->ask.key : "", call->id,
				call->tool->name, call->checked);

	turn->approvals = mem_resize(turn->approvals, turn->approval_count + 1, sizeof(*turn->approvals));
	approval = &turn->approvals[turn->approval_count++];
	*approval = (struct ai_approval){ arena_text(turn->arena, code_of(what, code)), call->tool->name,
					  call->checked };
	free(what);
	return approval;
}

/* Nobody waits in a conversation for a yes: the model ends its answer, and the approval begins a turn of its own. */
static void wait_for_approval(struct turn *turn, struct call *call, const char *before)
{
	const struct ai_approval *approval = find_approval(turn, call);

	if (approval == NULL)
		approval = add_approval(turn, call);
	call->result = arena_format(
		turn->arena,
		"{\"status\":\"waiting for approval\",\"approval\":\"%s\",\"note\":\"The person is "
		"asked to approve this call, below your answer. %s Do not make it "
		"again; end your answer.\"}",
		approval->code, before);
	call->tool = NULL;
}

static void check_call(struct turn *turn, struct call *call)
{
	char text[400];
	struct err err = { 0 };
	bool fine = check_arguments(turn, call, &err);

	call->tool = find_tool(turn, call->name);
	if (call->tool == NULL) {
		snprintf(text, sizeof(text), "unknown tool \"%s\"", call->name);
		calls_set_error(turn, call, text);
	} else if (!fine) {
		snprintf(text, sizeof(text), "the arguments could not be read: %s", err.text);
		call->tool = NULL;
		calls_set_error(turn, call, text);
	} else if (wants_approval(turn, call)) {
		wait_for_approval(turn, call, "It has not been made.");
	}
}

void calls_ask_again(struct turn *turn, struct call *call)
{
	wait_for_approval(turn, call, "It was begun before an interruption and may have been done: say so.");
}

/* Those of the replies before count, too: a turn that was talked into a loop ends. */
static size_t calls_before(const struct turn *turn, const struct round *round)
{
	size_t sum = 0;

	for (const struct round *r = turn->rounds; r < round; r++)
		sum += r->call_count;
	return sum;
}

static bool id_taken(const struct turn *turn, const struct round *round, size_t upto, const char *id)
{
	for (size_t i = 0; i < upto; i++)
		if (strcmp(round->calls[i].id, id) == 0)
			return true;
	for (const struct round *r = turn->rounds; r < round; r++)
		for (size_t i = 0; i < r->call_count; i++)
			if (strcmp(r->calls[i].id, id) == 0)
				return true;
	return false;
}

/* Nine letters and digits: the only form that every server takes. */
static const char *unique_id(struct turn *turn, const struct round *round, size_t index, const char *id)
{
	unsigned spare = (unsigned)index;

	if (id && *id && strlen(id) <= 128 && !id_taken(turn, round, index, id))
		return arena_text(turn->arena, id);
	do
		id = arena_format(turn->arena, "call%02u%03u", (unsigned)(round - turn->rounds + 1) % 100,
				  spare++ % 1000);
	while (id_taken(turn, round, index, id));
	return id;
}

/* A model may write anything where a name belongs. */
static const char *short_name(struct turn *turn, const char *name)
{
	return arena_text_n(turn->arena, name, text_fit(name, strlen(name), NAME_MAX_BYTES));
}

struct round *calls_add_round(struct turn *turn, const char *text, const char *raw, const char *model,
			      const struct llm_call *calls, size_t count)
{
	struct round *round;
	size_t before;

	turn->rounds = mem_resize(turn->rounds, turn->round_count + 1, sizeof(*turn->rounds));
	round = &turn->rounds[turn->round_count++];
	*round = (struct round){
		.text = arena_text(turn->arena, text),
		.raw = arena_text(turn->arena, raw),
		.model = arena_text(turn->arena, model),
		.calls = arena_alloc(turn->arena, count * sizeof(*round->calls)),
		.call_count = count,
	};
	before = calls_before(turn, round);
	for (size_t i = 0; i < count; i++) {
		struct call *call = &round->calls[i];

		call->id = unique_id(turn, round, i, calls[i].id);
		call->name = short_name(turn, calls[i].name ? calls[i].name : "");
		call->arguments = arena_text(turn->arena, calls[i].arguments ? calls[i].arguments : "");
		check_call(turn, call);
		call->foreign = call->tool && call->tool->foreign;
		if (turn->ai->calls_max && before + i >= turn->ai->calls_max) {
			call->tool = NULL;
			calls_set_error(
				turn, call,
				"too many calls in this answer; this one was not run, nor will others "
				"be: answer with what you have");
		} else if (i >= CALLS_MAX) {
			call->tool = NULL;
			calls_set_error(turn, call, "too many calls in one reply; this one was not run");
		}
	}
	return round;
}

void calls_begin_approved(struct turn *turn)
{
	const struct ai_approval *approved = turn->ask.approved;
	struct llm_call call = { "approved1", approved->tool, approved->arguments };

	calls_add_round(turn, "", NULL, NULL, &call, 1);
}

void calls_cut_off(struct turn *turn, struct round *round)
{
	for (size_t i = 0; i < round->call_count; i++) {
		round->calls[i].tool = NULL;
		calls_set_error(turn, &round->calls[i],
				"the reply was cut at its output limit; this call was not run");
	}
}

static void tool_done(void *owner, uint64_t ticket, const char *result, bool failed)
{
	struct turn *turn = ai_turn_claim(owner, ticket, TURN_CALLING);

	if (turn)
		ai_turn_result(turn, (uint32_t)ticket, result, failed);
}

static void run(struct turn *turn, struct call *call)
{
	char key[CRYPTO_SHA256_HEX];
	char *what = mem_format("%s\n%s", turn->ask.key ? turn->ask.key : "", call->id);

	crypto_sha256_hex(what, strlen(what), key);
	free(what);
	call->step = ++turn->step;
	call->tool->call(call->tool->box, turn->ask.caller, call->checked, key, tool_done, turn->ai,
			 ai_turn_ticket(turn));
}

void calls_run(struct turn *turn, struct round *round)
{
	for (size_t i = 0; i < round->call_count; i++)
		if (round->calls[i].result == NULL)
			run(turn, &round->calls[i]);
}

char *calls_json(const struct turn *turn)
{
	struct buf out = { 0 };

	buf_add(&out, "[", 1);
	for (size_t r = 0; r < turn->round_count; r++) {
		for (size_t i = 0; i < turn->rounds[r].call_count; i++) {
			const struct call *call = &turn->rounds[r].calls[i];

			buf_text(&out, out.len > 1 ? ",{\"name\":" : "{\"name\":");
			json_quote(&out, call->name, strlen(call->name));
			buf_text(&out, ",\"arguments\":");
			buf_text(&out, call->checked);
			buf_text(&out, ",\"result\":");
			buf_text(&out, call->result ? call->result : "{}");
			buf_text(&out, "}");
		}
	}
	buf_add(&out, "]", 1);
	return buf_take(&out);
}
