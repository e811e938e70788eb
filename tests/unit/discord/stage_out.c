#include "stage_out.h"
#include "mem.h"
#include "stage_loop.h"
#include <stdio.h>

uint64_t out_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			  uint64_t ticket);
void out_discord_rest_cancel(struct platform *bot, uint64_t id);
void out_discord_settle(struct platform *bot);
void out_discord_follow(struct discord_places *places, snowflake channel);
bool out_discord_place_read(const char *text, struct discord_place *place_out);
void out_discord_place_finish(struct discord_place *place);
int64_t out_clock_wall_ms(void);

static struct out_stage *the_stage;

/* ---- time and places -------------------------------------------------------------------------------------- */

int64_t out_clock_wall_ms(void)
{
	return OUT_NOW_MS + (int64_t)stage_loop_now() - 1000 + the_stage->clock_set_ms;
}

void out_pass(struct out_stage *stage, uint64_t ms)
{
	(void)stage;
	stage_loop_pass(ms);
}

static struct discord_place place_of(const char *name)
{
	struct discord_place place = { .guild = 9, .channel = 100, .message = 7, .user = 5 };

	if (strcmp(name, OUT_DIRECT) == 0) {
		place.guild = 0;
		place.channel = 200;
	} else if (strcmp(name, OUT_THREAD) == 0) {
		place.open_thread = true;
		memcpy(place.thread_name, "How to", 7);
	} else if (strcmp(name, OUT_SLASH) == 0 || strcmp(name, OUT_WHISPER) == 0 ||
		   strcmp(name, OUT_ABOUT) == 0) {
		place.message = strcmp(name, OUT_ABOUT) == 0 ? 7 : 0;
		place.token = mem_text("tok-en");
		place.made_ms = OUT_NOW_MS;
		place.whisper = strcmp(name, OUT_WHISPER) == 0;
	}
	return place;
}

bool out_discord_place_read(const char *text, struct discord_place *place_out)
{
	static const char *const names[] = { OUT_CHANNEL, OUT_DIRECT,  OUT_THREAD,
					     OUT_SLASH,	  OUT_WHISPER, OUT_ABOUT };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text && strcmp(names[i], text) == 0) {
			*place_out = place_of(text);
			return true;
		}
	return false;
}

void out_discord_place_finish(struct discord_place *place)
{
	free(place->token);
	place->token = NULL;
}

void out_discord_follow(struct discord_places *places, snowflake channel)
{
	(void)places;
	the_stage->followed = channel;
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

uint64_t out_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			  uint64_t ticket)
{
	struct out_stage *stage = (struct out_stage *)bot->host;
	struct out_call *made = &stage->calls[stage->call_count++];

	assert_true(stage->call_count < OUT_CALLS);
	*made = (struct out_call){ .method = mem_text(call->method),
				   .path = mem_text(call->path),
				   .args = call->args,
				   .no_token = call->no_token,
				   .droppable = call->droppable,
				   .file = call->file ? mem_text_n(call->file, call->file_len) : NULL,
				   .file_path = mem_text(call->file_path),
				   .file_name = mem_text(call->file_name),
				   .fn = fn,
				   .owner = owner,
				   .ticket = ticket };
	return stage->call_count;
}

void out_discord_rest_cancel(struct platform *bot, uint64_t id)
{
	struct out_stage *stage = (struct out_stage *)bot->host;

	assert_in_range(id, 1, stage->call_count);
	assert_int_equal(stage->calls[id - 1].state, OUT_WAITS);
	stage->calls[id - 1].state = OUT_CANCELLED;
}

void out_discord_settle(struct platform *bot)
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

/* Every message and every edit of one says whom it may notify (pitfall 31), and fits (sheet 14). */
static void check(const struct out_call *call)
{
	const char *content = call->args ? json_text(call->args, "content") : NULL;

	if (content == NULL)
		return;
	assert_true(json_is_array(json_pointer(call->args, "/allowed_mentions/parse")));
	assert_int_equal(json_array_size(json_pointer(call->args, "/allowed_mentions/parse")), 0);
	assert_in_range(discord_points(content), call->file_path ? 0 : 1, DISCORD_TEXT_MAX);
}

struct out_call *out_expect(struct out_stage *stage, const char *method, const char *path)
{
	struct out_call *call = oldest(stage);

	if (call == NULL)
		fail_msg("nothing was called, expected %s %s", method, path);
	assert_string_equal(call->path, path);
	assert_string_equal(call->method, method);
	check(call);
	return call;
}

void out_expect_none(struct out_stage *stage)
{
	struct out_call *call = oldest(stage);

	if (call)
		fail_msg("%s %s was called", call->method, call->path);
}

static char *quoted(const char *text)
{
	char *copy = mem_text(text);

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	return copy;
}

static void answer(struct out_stage *stage, struct out_call *call, const struct discord_answer *answer)
{
	assert_int_equal(call->state, OUT_WAITS);
	call->state = OUT_ANSWERED;
	call->fn(&stage->bot, call->owner, call->ticket, answer);
}

void out_ok(struct out_stage *stage, struct out_call *call, const char *body)
{
	char *text = quoted(body);
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(value);
	answer(stage, call, &(struct discord_answer){ .how = DISCORD_OK, .body = value, .status = 200 });
	json_decref(value);
	free(text);
}

void out_refuse(struct out_stage *stage, struct out_call *call, enum discord_refusal refusal, int code)
{
	answer(stage, call,
	       &(struct discord_answer){ .how = DISCORD_REFUSED,
					 .refusal = refusal,
					 .status = 400,
					 .code = code,
					 .why = "as the platform says it" });
}

void out_fail(struct out_stage *stage, struct out_call *call, enum discord_how how, unsigned retry_ms)
{
	answer(stage, call,
	       &(struct discord_answer){ .how = how, .why = "it did not work", .retry_ms = retry_ms });
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

	the_stage = stage;
	stage->host = (struct platform_host){
		.name = "acme", .loop = stage_loop_open(), .log = &stage->log, .sent = sent, .placed = placed
	};
	bot->host = &stage->host;
	bot->config.name = "acme";
	bot->config.preview = true;
	bot->app_id = 77;
	bot->user_id = 78;
	bot->sends = discord_sends_create(bot);
	bot->previews = discord_previews_create(bot);
	return stage;
}

/* Everything that waits must be cancelled by the objects themselves. */
void out_close(struct out_stage *stage)
{
	struct platform *bot = &stage->bot;

	discord_sends_destroy(bot->sends);
	discord_previews_destroy(bot->previews);
	out_expect_none(stage);
	stage_loop_close();
	for (size_t i = 0; i < stage->call_count; i++) {
		free(stage->calls[i].method);
		free(stage->calls[i].path);
		free(stage->calls[i].file);
		free(stage->calls[i].file_path);
		free(stage->calls[i].file_name);
		json_decref(stage->calls[i].args);
	}
	free(stage);
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
				  .created_ms = OUT_NOW_MS,
				  .attempt = 1 };
}

void out_send(struct out_stage *stage, const struct outgoing *out)
{
	static uint64_t ticket;

	discord_send(&stage->bot, out, ++ticket);
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
