/* Calls of the Bot API: each is made when its chat's turn and the paces allow, is answered once, and is never made
 * twice by itself. The token is part of every address: addresses are in no log line and no error. */
#include "api_room.h"
#include "backoff.h"
#include "mem.h"
#include "metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

static struct metric calls_total = {
	.name = "usher_telegram_calls_total",
	.help = "Calls of the Bot API, by method and outcome",
	.type = METRIC_COUNTER,
	.label = "method,outcome",
};

static void kick(struct telegram_lanes *lanes)
{
	loop_timer_start(lanes->timer, 0, 0);
}

static uint64_t now_of(const struct telegram_lanes *lanes)
{
	return loop_now_ms(lanes->bot->host->loop);
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

/* Nobody outside can reach it any more; its chat goes on. */
static void take_out(struct api_call *call)
{
	struct telegram_lanes *lanes = call->lanes;

	HASH_DEL(lanes->calls, call);
	if (call->state == API_DECIDED)
		DL_DELETE(lanes->decided, call);
	if (call->chat != NULL && call->holds_chat)
		telegram_turns_done(lanes, call->chat);
	kick(lanes);
}

static void free_call(struct api_call *call)
{
	json_decref(call->args);
	free(call->body);
	free(call->file);
	free(call->file_path);
	free(call->file_name);
	free(call->file_type);
	free(call);
}

static void finish(struct api_call *call, const struct telegram_answer *answer)
{
	static const char *const outcomes[] = {
		[TELEGRAM_OK] = "ok",		[TELEGRAM_NOT_SENT] = "not_sent", [TELEGRAM_MAYBE] = "maybe",
		[TELEGRAM_LIMITED] = "limited", [TELEGRAM_REFUSED] = "refused",	  [TELEGRAM_AUTH] = "auth",
	};
	struct platform *bot = call->lanes->bot;

	metric_add(&calls_total, (const char *[]){ call->method, outcomes[answer->how] }, 1);
	take_out(call);
	call->fn(bot, call->owner, call->ticket, answer);
	free_call(call);
}

/* Known now, told in a later round. why is a literal. */
static void decide(struct api_call *call, enum telegram_how how, const char *why, uint64_t retry_ms)
{
	call->decided = (struct telegram_answer){ .how = how, .why = why };
	if (how == TELEGRAM_LIMITED)
		call->decided.retry_ms = retry_ms > API_RETRY_MAX_MS ? API_RETRY_MAX_MS : (unsigned)retry_ms;
	if (how == TELEGRAM_REFUSED)
		call->decided.refusal = TELEGRAM_FILE;
	call->state = API_DECIDED;
	DL_APPEND(call->lanes->decided, call);
	kick(call->lanes);
}

/* ---- going out ----------------------------------------------------------------------------------------- */

static void done(void *owner, uint64_t ticket, const struct http_answer *http)
{
	struct telegram_lanes *lanes = owner;
	struct platform *bot = lanes->bot;
	struct telegram_reading reading;
	struct api_call *call;

	HASH_FIND(hh, lanes->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return;
	telegram_reading_begin(&reading, http, bot->config.bot_token);
	if (reading.answer.how == TELEGRAM_LIMITED && call->chat != NULL && call->chat->id != 0)
		telegram_turns_pause(lanes, call->chat, now_of(lanes),
				     reading.answer.retry_ms + backoff_ms(1, API_JITTER_MS, API_JITTER_MS));
	if (reading.answer.how == TELEGRAM_AUTH && !bot->dead) {
		telegram_token_dead(bot, reading.answer.why); /* which may cancel calls, this one too */
		HASH_FIND(hh, lanes->calls, &ticket, sizeof(ticket), call);
	}
	if (call != NULL)
		finish(call, &reading.answer);
	telegram_reading_finish(&reading);
}

/* Arguments beside a file: texts as they are, everything else as JSON (sheet 2.1). The texts are the caller's. */
static size_t form_of(const struct api_call *call, struct http_part parts[API_FIELDS_MAX + 1],
		      char *texts[API_FIELDS_MAX])
{
	size_t count = 0;
	const char *name;
	json_t *value;

	json_object_foreach (call->args, name, value) {
		if (count == API_FIELDS_MAX || json_is_null(value))
			continue;
		texts[count] = json_is_string(value) ? mem_text(json_string_value(value)) : json_write(value);
		parts[count] =
			(struct http_part){ .name = name, .data = texts[count], .len = strlen(texts[count]) };
		count++;
	}
	parts[count] = (struct http_part){ .name = "document",
					   .file_name = call->file_name,
					   .type = call->file_type,
					   .data = call->file,
					   .len = call->file_len,
					   .path = call->file_path };
	return count;
}

static void post(struct api_call *call, const struct http_part *parts, size_t part_count)
{
	static const char *const json_headers[] = { "content-type: application/json", NULL };
	const struct platform *bot = call->lanes->bot;
	char *url = mem_format("%s/bot%s/%s", bot->config.api_base, bot->config.bot_token, call->method);

	call->state = API_RUNNING;
	call->http_id = http_start(bot->host->http,
				   &(struct http_call){ .method = "POST",
							.url = url,
							.headers = part_count > 0 ? NULL : json_headers,
							.body = call->body,
							.body_len = call->body_len,
							.parts = parts,
							.part_count = part_count,
							.total_ms = call->total_ms,
							.first_byte_ms = call->first_byte_ms,
							.idle_ms = call->idle_ms,
							.answer_max = TELEGRAM_BATCH_MAX },
				   NULL, done, call->lanes, call->id);
	free(url);
}

static void go(struct api_call *call)
{
	struct http_part parts[API_FIELDS_MAX + 1];
	char *texts[API_FIELDS_MAX];
	size_t fields;

	if (call->lanes->bot->dead) {
		decide(call, TELEGRAM_AUTH, "the token was refused", 0);
	} else if (call->file_path != NULL && access(call->file_path, R_OK) != 0) {
		decide(call, TELEGRAM_NOT_SENT, "the file is not there any more", 0);
	} else if (call->file == NULL && call->file_path == NULL) {
		post(call, NULL, 0);
	} else {
		fields = form_of(call, parts, texts);
		post(call, parts, fields + 1);
		for (size_t i = 0; i < fields; i++)
			free(texts[i]);
	}
}

/* ---- taking turns -------------------------------------------------------------------------------------- */

static void give_up(struct api_call *call, uint64_t now_ms)
{
	uint64_t wait = telegram_turns_wait(call->lanes, call->chat, now_ms, 0);

	call->chat = NULL; /* it has no place there any more */
	decide(call, TELEGRAM_LIMITED, "others were before it", wait + API_CHAT_MS);
}

static void take_turns(struct telegram_lanes *lanes)
{
	uint64_t now = now_of(lanes), wait, until;
	struct api_call *call;

	while ((call = telegram_turns_next(lanes, now, &wait)) != NULL)
		go(call);
	while ((call = telegram_turns_late(lanes, now, &until)) != NULL)
		give_up(call, now);
	if (until < wait)
		wait = until;
	if (wait != UINT64_MAX)
		loop_timer_start(lanes->timer, wait, 0);
}

static void on_timer(void *data)
{
	struct telegram_lanes *lanes = data;
	struct api_call *call;
	uint64_t until = lanes->last_id; /* what callbacks ask for is answered in a later round */

	take_turns(lanes);
	while ((call = lanes->decided) != NULL && call->id <= until) {
		struct telegram_answer answer = call->decided;

		DL_DELETE(lanes->decided, call);
		call->state = API_ENDED;
		finish(call, &answer);
	}
	if (lanes->decided != NULL)
		kick(lanes);
}

/* ---- the contract -------------------------------------------------------------------------------------- */

static struct api_call *new_call(struct telegram_lanes *lanes, struct telegram_call *wanted)
{
	struct api_call *call = mem_zero(1, sizeof(*call));

	call->lanes = lanes;
	call->id = ++lanes->last_id;
	snprintf(call->method, sizeof(call->method), "%s", wanted->method);
	call->total_ms = wanted->file_path != NULL ? API_FILE_MS
			 : wanted->file != NULL	   ? API_UPLOAD_MS
						   : API_TOTAL_MS;
	if (wanted->total_ms != 0)
		call->total_ms = wanted->total_ms;
	call->first_byte_ms = wanted->first_byte_ms;
	call->idle_ms = wanted->idle_ms;
	if (wanted->file == NULL && wanted->file_path == NULL) {
		call->body = wanted->args != NULL ? json_write(wanted->args) : mem_text("{}");
		call->body_len = strlen(call->body);
		json_decref(wanted->args);
	} else if (wanted->file_path != NULL || wanted->file_len <= TELEGRAM_UPLOAD_MAX) {
		call->file_path = mem_text(wanted->file_path);
		call->file = wanted->file_path != NULL ? NULL : mem_copy(wanted->file, wanted->file_len);
		call->file_len = wanted->file_path != NULL ? 0 : wanted->file_len;
		call->file_name = mem_text(wanted->file_name != NULL ? wanted->file_name : "file");
		call->file_type =
			mem_text(wanted->file_type != NULL ? wanted->file_type : "application/octet-stream");
		call->args = wanted->args;
	} else {
		json_decref(wanted->args);
	}
	wanted->args = NULL;
	HASH_ADD(hh, lanes->calls, id, sizeof(call->id), call);
	return call;
}

/* Rather no now than a yes too late. */
static void line_up(struct api_call *call, const struct telegram_call *wanted)
{
	struct telegram_lanes *lanes = call->lanes;
	struct api_chat *chat = telegram_turns_chat(lanes, wanted->chat, wanted->group);
	unsigned wait_ms = wanted->wait_ms != 0 ? wanted->wait_ms : API_WAIT_MS;
	unsigned kept = !wanted->droppable ? 0 : wanted->group ? API_GROUP_KEPT : API_CHAT_KEPT;
	uint64_t now = now_of(lanes), wait = telegram_turns_wait(lanes, chat, now, kept);
	bool blocked = wanted->droppable && (telegram_turns_blocked(chat) || chat->waiting != NULL);

	if (wanted->droppable)
		wait_ms = 0;
	if (wait > wait_ms || blocked || telegram_turns_full(lanes, call->body_len + call->file_len)) {
		decide(call, TELEGRAM_LIMITED, "others are before it",
		       wait > API_CHAT_MS ? wait : API_CHAT_MS);
		return;
	}
	call->chat = chat;
	call->deadline = now + wait_ms;
	telegram_turns_add(call);
	kick(lanes);
}

uint64_t telegram_api(struct platform *bot, struct telegram_call *wanted, telegram_api_fn *fn, void *owner,
		      uint64_t ticket)
{
	struct api_call *call = new_call(bot->lanes, wanted);

	call->fn = fn;
	call->owner = owner;
	call->ticket = ticket;
	if (bot->dead)
		decide(call, TELEGRAM_AUTH, "the token was refused", 0);
	else if (wanted->file != NULL && wanted->file_path == NULL && call->file == NULL)
		decide(call, TELEGRAM_REFUSED, "the file is too big to be sent", 0);
	else if (strcmp(wanted->method, "getUpdates") == 0)
		go(call);
	else
		line_up(call, wanted);
	return call->id;
}

static void drop(struct api_call *call)
{
	struct telegram_lanes *lanes = call->lanes;

	if (call->state == API_WAITING)
		telegram_turns_remove(call);
	if (call->state == API_RUNNING)
		http_cancel(lanes->bot->host->http, call->http_id);
	take_out(call);
	free_call(call);
}

void telegram_api_cancel(struct platform *bot, uint64_t id)
{
	struct api_call *call = NULL;

	if (bot->lanes != NULL)
		HASH_FIND(hh, bot->lanes->calls, &id, sizeof(id), call);
	if (call != NULL)
		drop(call);
}

struct telegram_lanes *telegram_lanes_create(struct platform *bot)
{
	struct telegram_lanes *lanes = mem_zero(1, sizeof(*lanes));

	lanes->bot = bot;
	lanes->pace = (struct pace){ .interval_ms = API_BOT_MS, .burst = API_BOT_BURST };
	lanes->timer = loop_timer_create(bot->host->loop, on_timer, lanes);
	return lanes;
}

size_t telegram_lanes_running(const struct telegram_lanes *lanes)
{
	return HASH_COUNT(lanes->calls);
}

void telegram_lanes_destroy(struct telegram_lanes *lanes)
{
	struct api_call *call, *next_call;
	struct api_chat *chat, *next_chat;

	if (lanes == NULL)
		return;
	if (lanes->bot->lanes == lanes)
		lanes->bot->lanes = NULL;
	HASH_ITER (hh, lanes->calls, call, next_call)
		drop(call);
	chat = lanes->chats;
	HASH_CLEAR(hh, lanes->chats);
	for (; chat != NULL; chat = next_chat) {
		next_chat = chat->hh.next;
		free(chat);
	}
	loop_timer_destroy(lanes->timer);
	free(lanes);
}
