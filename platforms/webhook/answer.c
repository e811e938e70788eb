/* Keeps the requests that wait: for the core's decision, for a message's end, or for a look at it. A request
 * is remembered by the web server's id and never by pointer, so one whose peer went away is simply not found.
 */
#include "buf.h"
#include "hook.h"
#include "mem.h"
#include "metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

enum held_for {
	HELD_ACK,  /* the core decides: hook_ack */
	HELD_END,  /* accepted; ?wait for its end: hook_ended, or hook_found when it is a repetition */
	HELD_LOOK, /* polled: hook_found */
};

struct held {
	uint64_t ticket, web_id, until_ms;
	enum held_for what;
	unsigned wait_s;
	char *ignored; /* why there is nothing to answer, or NULL */
	char *file;    /* that came as the body, or NULL */
	char uuid[MESSAGE_UUID_SIZE], conversation_uuid[MESSAGE_UUID_SIZE];
	int64_t conversation_id;
	enum message_state state;
	struct held *prev, *next; /* in waiters */
	UT_hash_handle hh;
};

struct waiters {
	char uuid[MESSAGE_UUID_SIZE];
	struct held *list;
	UT_hash_handle hh;
};

static struct metric requests = {
	.name = "usher_webhook_requests_total",
	.help = "Genuine webhook requests by what became of them",
	.type = METRIC_COUNTER,
	.label = "hook,outcome",
};

static uint64_t now_ms(const struct webhook *hook)
{
	return loop_now_ms(hook->host->loop);
}

static struct held *hold(struct webhook *hook, struct web_request *request, enum held_for what)
{
	struct held *held = mem_zero(1, sizeof(*held));

	held->ticket = ++hook->last_ticket;
	held->web_id = web_id(request);
	held->what = what;
	held->until_ms = now_ms(hook) + HOOK_ACK_MS;
	if (hook->held == NULL)
		loop_timer_start(hook->sweep, HOOK_SWEEP_MS, HOOK_SWEEP_MS);
	HASH_ADD(hh, hook->held, ticket, sizeof(held->ticket), held);
	return held;
}

static struct held *find(const struct webhook *hook, uint64_t ticket)
{
	struct held *held;

	HASH_FIND(hh, hook->held, &ticket, sizeof(ticket), held);
	return held;
}

uint64_t hook_hold(struct webhook *hook, struct web_request *request, unsigned wait_s, const char *ignored)
{
	struct held *held = hold(hook, request, HELD_ACK);

	held->wait_s = wait_s;
	held->ignored = mem_text(ignored);
	return held->ticket;
}

void hook_hold_file(struct webhook *hook, uint64_t ticket, char *path)
{
	find(hook, ticket)->file = path;
}

uint64_t hook_hold_poll(struct webhook *hook, struct web_request *request, const char *uuid)
{
	struct held *held = hold(hook, request, HELD_LOOK);

	snprintf(held->uuid, sizeof(held->uuid), "%s", uuid);
	return held->ticket;
}

static struct waiters *waiters_of(const struct webhook *hook, const char *uuid)
{
	struct waiters *waiters;

	HASH_FIND_STR(hook->waiters, uuid, waiters);
	return waiters;
}

static void wait_begin(struct webhook *hook, struct held *held)
{
	struct waiters *waiters = waiters_of(hook, held->uuid);

	if (waiters == NULL) {
		waiters = mem_zero(1, sizeof(*waiters));
		memcpy(waiters->uuid, held->uuid, sizeof(waiters->uuid));
		HASH_ADD_STR(hook->waiters, uuid, waiters);
	}
	DL_APPEND(waiters->list, held);
	held->what = HELD_END;
	held->until_ms = now_ms(hook) + (uint64_t)held->wait_s * 1000;
	hook->waiting++;
}

/* Takes it out of all lists and frees it; its request is answered or gone. */
static void forget(struct webhook *hook, struct held *held)
{
	if (held->what == HELD_END) {
		struct waiters *waiters = waiters_of(hook, held->uuid);

		DL_DELETE(waiters->list, held);
		hook->waiting--;
		if (waiters->list == NULL) {
			HASH_DEL(hook->waiters, waiters);
			free(waiters);
		}
	}
	HASH_DEL(hook->held, held);
	free(held->ignored);
	free(held->file);
	free(held);
	if (hook->held == NULL)
		loop_timer_stop(hook->sweep);
	hook_settle(hook);
}

static struct web_request *request_of(const struct webhook *hook, const struct held *held)
{
	return web_find(hook->host->web, held->web_id);
}

void hook_count(const struct webhook *hook, const char *outcome)
{
	metric_add(&requests, (const char *[]){ hook->config.name, outcome }, 1);
}

static void answer_error(struct webhook *hook, struct held *held, int status, const char *code,
			 const char *why)
{
	struct web_request *request = request_of(hook, held);

	if (request)
		web_answer_error(request, status, code, "%s", why);
	forget(hook, held);
}

static void answer_later(struct webhook *hook, struct held *held, const char *code, unsigned retry_ms,
			 const char *why)
{
	struct web_request *request = request_of(hook, held);
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%u", retry_ms <= 1000 ? 1 : (retry_ms - 1) / 1000 + 1);
	if (request)
		web_add_header(request, "retry-after", seconds);
	answer_error(hook, held, 503, code, why);
}

static void answer_json(struct webhook *hook, struct held *held, int status, struct buf *json)
{
	struct web_request *request = request_of(hook, held);

	if (request)
		web_answer_json(request, status, buf_str(json));
	buf_free(json);
	forget(hook, held);
}

/* "It is stored": with all that is needed to ask for the answer later. */
static void answer_receipt(struct webhook *hook, struct held *held)
{
	const struct hook_config *config = &hook->config;
	bool token = config->auth == AUTH_STANDARD || config->auth == AUTH_GITHUB;
	struct web_request *request = request_of(hook, held);
	char poll_token[VERIFY_TOKEN_SIZE], *location;
	struct buf json = { 0 };
	struct receipt receipt = {
		.hook = config->name,
		.uuid = held->uuid,
		.conversation_id = held->conversation_id,
		.conversation_uuid = *held->conversation_uuid ? held->conversation_uuid : NULL,
		.state = held->state,
		.reason = held->ignored,
	};

	if (token) {
		hook_poll_token(&config->keys.at[0], held->uuid, poll_token);
		receipt.poll_token = poll_token;
	}
	hook_encode_receipt(&json, &receipt);
	if (request) {
		location = mem_format("/webhook/%s/messages/%s", config->name, held->uuid);
		web_add_header(request, "location", location);
		free(location);
	}
	answer_json(hook, held, held->ignored ? 200 : 202, &json);
}

static void answer_result(struct webhook *hook, struct held *held, const struct outgoing *out)
{
	struct buf json = { 0 };

	hook_encode_result(&json, held->uuid, out);
	answer_json(hook, held, 200, &json);
}

static void accepted(struct webhook *hook, struct held *held, const struct ack *ack)
{
	bool again = ack->how == ACK_BEFORE;

	hook_count(hook, held->ignored ? "ignored" : again ? "repeated" : "accepted");
	snprintf(held->uuid, sizeof(held->uuid), "%s", ack->uuid);
	snprintf(held->conversation_uuid, sizeof(held->conversation_uuid), "%s",
		 ack->conversation_uuid ? ack->conversation_uuid : "");
	held->conversation_id = ack->conversation_id;
	held->state = again ? ack->state : held->ignored ? MESSAGE_IGNORED : MESSAGE_ACCEPTED;
	if (held->wait_s == 0 || held->ignored || hook->stopping || hook->waiting >= HOOK_HELD_MAX) {
		answer_receipt(hook, held);
		return;
	}
	wait_begin(hook, held);
	/* Its end may have been told before this request began to wait for it. */
	if (again)
		hook->host->look(hook->host, held->uuid, held->ticket);
}

void hook_ack(struct webhook *hook, uint64_t receipt, const struct ack *ack)
{
	static const struct {
		const char *outcome, *code;
		int status;
	} refusals[] = {
		[ACK_CONFLICT] = { "conflict", "CONFLICT", 422 },
		[ACK_INVALID] = { "invalid", "UNPROCESSABLE", 422 },
		[ACK_NO_CONVERSATION] = { "invalid", "UNPROCESSABLE", 422 },
		[ACK_ARCHIVED] = { "invalid", "CONVERSATION_ARCHIVED", 422 },
		[ACK_DISABLED] = { "refused", "FORBIDDEN", 403 },
		[ACK_BUSY] = { "busy", "OVERLOADED", 503 },
		[ACK_FAILED] = { "failed", "UNAVAILABLE", 503 },
	};
	struct held *held = find(hook, receipt);
	const char *why = ack->why ? ack->why : "not accepted";

	if (held == NULL || held->what != HELD_ACK)
		return;
	if (held->file && ack->how != ACK_STORED && ack->how != ACK_FAILED)
		unlink(held->file); /* what failed may be stored after all: then its import waits for it */
	if (ack->how == ACK_STORED || ack->how == ACK_BEFORE) {
		accepted(hook, held, ack);
		return;
	}
	hook_count(hook, refusals[ack->how].outcome);
	if (refusals[ack->how].status == 503)
		answer_later(hook, held, refusals[ack->how].code, ack->retry_ms, why);
	else
		answer_error(hook, held, refusals[ack->how].status, refusals[ack->how].code, why);
}

static bool ended(enum message_state state)
{
	return state != MESSAGE_ACCEPTED && state != MESSAGE_CLAIMED;
}

void hook_ended(struct webhook *hook, const struct outgoing *out)
{
	for (size_t i = 0; i < out->answers_to_count; i++) {
		struct waiters *waiters = waiters_of(hook, out->answers_to[i]);
		struct held *held, *next;

		if (waiters == NULL)
			continue;
		for (held = waiters->list; held; held = next) {
			next = held->next; /* the last one's end is the end of waiters */
			answer_result(hook, held, out);
		}
	}
}

void hook_found(struct webhook *hook, uint64_t ticket, const struct outgoing *out)
{
	struct held *held = find(hook, ticket);

	if (held == NULL)
		return;
	if (held->what == HELD_LOOK && out == NULL)
		answer_error(hook, held, 404, "NOT_FOUND", "no such message");
	else if (out && (held->what == HELD_LOOK || ended(out->state)))
		answer_result(hook, held, out);
}

/* A wait that is over: what is known now is the answer. */
static void time_over(struct webhook *hook, struct held *held)
{
	if (held->what == HELD_END)
		answer_receipt(hook, held);
	else if (hook->stopping)
		answer_later(hook, held, "STOPPING", HOOK_STOP_MS, "the service is stopping; send again");
	else
		answer_later(hook, held, "UNAVAILABLE", HOOK_STOP_MS, "no decision in time; send again");
}

void hook_sweep(void *data)
{
	struct webhook *hook = data;
	uint64_t now = now_ms(hook);
	struct held *held, *next;

	for (held = hook->held; held; held = next) {
		next = held->hh.next;
		if (request_of(hook, held) == NULL)
			forget(hook, held);
		else if (now >= held->until_ms)
			time_over(hook, held);
	}
}

/* Waits end now; what the core still decides gets a short while. */
void hook_release(struct webhook *hook)
{
	uint64_t soon = now_ms(hook) + HOOK_STOP_MS;
	struct held *held, *next;

	for (held = hook->held; held; held = next) {
		next = held->hh.next;
		if (held->what != HELD_ACK)
			time_over(hook, held);
		else if (held->until_ms > soon)
			held->until_ms = soon;
	}
}

void hook_refuse_held(struct webhook *hook)
{
	struct held *held, *next;

	hook->stopping = true;
	for (held = hook->held; held; held = next) {
		next = held->hh.next;
		answer_later(hook, held, "STOPPING", HOOK_STOP_MS, "the service is stopping; send again");
	}
}
