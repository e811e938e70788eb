#include "stage_out.h"
#include "mem.h"
#include "stage_loop.h"
#include <stdio.h>

uint64_t out_telegram_api(struct platform *bot, struct telegram_call *call, telegram_api_fn *fn, void *owner,
			  uint64_t ticket);
void out_telegram_api_cancel(struct platform *bot, uint64_t id);
void out_telegram_settle(struct platform *bot);

void out_pass(struct out_stage *stage, uint64_t ms)
{
	(void)stage;
	stage_loop_pass(ms);
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

uint64_t out_telegram_api(struct platform *bot, struct telegram_call *call, telegram_api_fn *fn, void *owner,
			  uint64_t ticket)
{
	struct out_stage *stage = (struct out_stage *)bot->host;
	struct out_call *made = &stage->calls[stage->call_count++];

	assert_true(stage->call_count < OUT_CALLS);
	assert_non_null(call->args);
	*made = (struct out_call){ .method = mem_text(call->method),
				   .args = call->args,
				   .chat = call->chat,
				   .group = call->group,
				   .droppable = call->droppable,
				   .file = call->file ? mem_text_n(call->file, call->file_len) : NULL,
				   .file_path = mem_text(call->file_path),
				   .file_name = mem_text(call->file_name),
				   .fn = fn,
				   .owner = owner,
				   .ticket = ticket };
	return stage->call_count;
}

void out_telegram_api_cancel(struct platform *bot, uint64_t id)
{
	struct out_stage *stage = (struct out_stage *)bot->host;

	assert_in_range(id, 1, stage->call_count);
	assert_int_equal(stage->calls[id - 1].state, OUT_WAITS);
	stage->calls[id - 1].state = OUT_CANCELLED;
}

void out_telegram_settle(struct platform *bot)
{
	((struct out_stage *)bot->host)->settles++;
}

static struct out_call *oldest(struct out_stage *stage)
{
	for (size_t i = 0; i < stage->call_count; i++)
		if (stage->calls[i].state == OUT_WAITS)
			return &stage->calls[i];
	return NULL;
}

struct out_call *out_expect(struct out_stage *stage, const char *method)
{
	struct out_call *call = oldest(stage);

	if (call == NULL)
		fail_msg("nothing was called, expected %s", method);
	assert_string_equal(call->method, method);
	return call;
}

void out_expect_none(struct out_stage *stage)
{
	struct out_call *call = oldest(stage);

	if (call)
		fail_msg("%s was called", call->method);
}

static char *quoted(const char *text)
{
	char *copy = mem_text(text);

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	return copy;
}

static void answer(struct out_stage *stage, struct out_call *call, const struct telegram_answer *answer)
{
	assert_int_equal(call->state, OUT_WAITS);
	call->state = OUT_ANSWERED;
	call->fn(&stage->bot, call->owner, call->ticket, answer);
}

void out_ok(struct out_stage *stage, struct out_call *call, const char *result)
{
	char *text = quoted(result);
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(value);
	answer(stage, call, &(struct telegram_answer){ .how = TELEGRAM_OK, .result = value, .code = 200 });
	json_decref(value);
	free(text);
}

void out_refuse(struct out_stage *stage, struct out_call *call, enum telegram_refusal refusal,
		const char *why)
{
	answer(stage, call,
	       &(struct telegram_answer){ .how = TELEGRAM_REFUSED,
					  .refusal = refusal,
					  .code = 400,
					  .why = why,
					  .moved_to = refusal == TELEGRAM_MOVED ? -1009 : 0 });
}

void out_fail(struct out_stage *stage, struct out_call *call, enum telegram_how how, unsigned retry_ms)
{
	answer(stage, call,
	       &(struct telegram_answer){ .how = how, .why = "it did not work", .retry_ms = retry_ms });
}

void out_arg_is(const struct out_call *call, const char *path, const char *json)
{
	const json_t *value = json_pointer(call->args, path);
	char *written = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL,
	     *text = quoted(json);

	assert_string_equal(written ? written : "", text);
	free(written);
	free(text);
}

/* ---- the core --------------------------------------------------------------------------------------------------- */

static void note(char *place, size_t size, const char *text)
{
	snprintf(place, size, "%s", text ? text : "");
}

static void sent(struct platform_host *host, uint64_t ticket, enum sent how, unsigned retry_ms,
		 const char *remote_id, const char *why)
{
	struct out_stage *stage = (struct out_stage *)host;

	stage->sents++;
	stage->sent_ticket = ticket;
	stage->sent_how = how;
	stage->sent_retry_ms = retry_ms;
	note(stage->sent_remote, sizeof(stage->sent_remote), remote_id);
	note(stage->sent_why, sizeof(stage->sent_why), why);
}

static void hold(struct platform_host *host, uint64_t ticket, const char *remote_id)
{
	struct out_stage *stage = (struct out_stage *)host;

	stage->holds++;
	stage->hold_ticket = ticket;
	note(stage->hold_remote, sizeof(stage->hold_remote), remote_id);
}

static void placed(struct platform_host *host, const char *uuid, const char *remote_id)
{
	struct out_stage *stage = (struct out_stage *)host;

	stage->placeds++;
	note(stage->placed_uuid, sizeof(stage->placed_uuid), uuid);
	note(stage->placed_remote, sizeof(stage->placed_remote), remote_id);
}

struct out_stage *out_open(void)
{
	struct out_stage *stage = mem_zero(1, sizeof(*stage));
	struct platform *bot = &stage->bot;

	stage->host = (struct platform_host){ .name = "acme",
					      .loop = stage_loop_open(),
					      .log = &stage->log,
					      .sent = sent,
					      .hold = hold,
					      .placed = placed };
	bot->host = &stage->host;
	bot->config.name = "acme";
	bot->config.preview = true;
	bot->has_drafts = true;
	bot->presses = telegram_presses_create(bot);
	bot->sends = telegram_sends_create(bot);
	bot->previews = telegram_previews_create(bot);
	return stage;
}

/* Everything that waits must be cancelled by the objects themselves. */
void out_close(struct out_stage *stage)
{
	struct platform *bot = &stage->bot;

	telegram_presses_destroy(bot->presses);
	telegram_sends_destroy(bot->sends);
	telegram_previews_destroy(bot->previews);
	out_expect_none(stage);
	stage_loop_close();
	for (size_t i = 0; i < stage->call_count; i++) {
		free(stage->calls[i].method);
		free(stage->calls[i].file);
		free(stage->calls[i].file_path);
		free(stage->calls[i].file_name);
		json_decref(stage->calls[i].args);
	}
	free(stage);
}

/* ---- places and answers ------------------------------------------------------------------------------------------- */

const char *out_private(void)
{
	return "{\"chat\":9,\"message\":7,\"private\":true}";
}

const char *out_group(void)
{
	return "{\"chat\":-100,\"message\":7,\"group\":true}";
}

const char *out_topic(void)
{
	return "{\"chat\":-100,\"message\":7,\"topic\":5,\"group\":true}";
}

const char *out_channel(void)
{
	return "{\"chat\":-200,\"message\":7}";
}

struct outgoing out_answer(const char *reply_to, const char *text)
{
	static const char *const asked[] = { OUT_ASKED };

	return (struct outgoing){ .uuid = OUT_UUID,
				  .answers_to = asked,
				  .answers_to_count = 1,
				  .state = MESSAGE_ANSWERED,
				  .reply_to = reply_to,
				  .text = text,
				  .parts = 1,
				  .tool_calls = "[]",
				  .attempt = 1 };
}

void out_held(struct out_stage *stage, enum err_kind kind)
{
	struct err err = { .kind = kind };

	if (kind != ERR_NONE)
		err_set(&err, kind, "it can't be held");
	telegram_held(&stage->bot, stage->hold_ticket, &err);
}

void out_was_sent(struct out_stage *stage, enum sent how, const char *remote_id)
{
	assert_int_equal(stage->sents, 1);
	assert_int_equal(stage->sent_how, how);
	assert_string_equal(stage->sent_remote, remote_id ? remote_id : "");
	stage->sents = 0;
}

void out_why_has(const struct out_stage *stage, const char *words)
{
	if (strstr(stage->sent_why, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, stage->sent_why);
}
