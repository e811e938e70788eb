/* Posts answers to callback addresses, signed, and tells the core what became of each attempt. */
#include "buf.h"
#include "clock.h"
#include "hook.h"
#include "log.h"
#include "mem.h"
#include "metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_MS = 20000, CONNECT_MS = 10000, RETRY_CAP_MS = 3600 * 1000 };

struct sending {
	uint64_t ticket, http_id;
	char *url;
	char *refused; /* why no request was made, or NULL */
	UT_hash_handle hh;
};

static struct metric callbacks = {
	.name = "usher_webhook_callbacks_total",
	.help = "Attempts to post an answer to a callback address, by outcome",
	.type = METRIC_COUNTER,
	.label = "hook,outcome",
};

static bool is_gone(const struct webhook *hook, const char *url)
{
	for (unsigned i = 0; i < HOOK_GONE_MAX; i++)
		if (hook->gone[i] && strcmp(hook->gone[i], url) == 0)
			return true;
	return false;
}

static void remember_gone(struct webhook *hook, const char *url)
{
	char **place = &hook->gone[hook->gone_next % HOOK_GONE_MAX];

	if (is_gone(hook, url))
		return;
	free(*place);
	*place = mem_text(url);
	hook->gone_next++;
	log_error(hook->host->log, "a callback address answered 410 Gone; nothing more is sent there");
	if (hook->config.reply_url && strcmp(url, hook->config.reply_url) == 0)
		hook->host->link(hook->host, LINK_DOWN, "reply_url answered 410 Gone");
}

/* One that has said 2xx has it, even if the rest of its answer was lost; one that said no has it not. */
enum sent hook_send_outcome(const struct http_answer *answer, unsigned *retry_ms_out, struct err *why_out)
{
	bool retry_later = answer->status == 429 || answer->status == 502 || answer->status == 503 ||
			   answer->status == 504;

	*retry_ms_out = 0;
	*why_out = answer->err;
	if (answer->how == HTTP_NOT_SENT)
		return answer->err.kind == ERR_REFUSED ? SENT_REJECTED : SENT_NOT;
	if (answer->status >= 200 && answer->status < 300)
		return SENT_ACCEPTED;
	if (answer->how == HTTP_MAYBE)
		return SENT_MAYBE;
	err_set(why_out, ERR_AGAIN, "the callback address answered %d", answer->status);
	if (answer->status == 410)
		return SENT_REJECTED;
	if (retry_later && answer->retry_after_ms >= 0) {
		*retry_ms_out = answer->retry_after_ms > RETRY_CAP_MS ? RETRY_CAP_MS
								      : (unsigned)answer->retry_after_ms;
		return SENT_LIMITED;
	}
	return answer->status >= 500 ? SENT_MAYBE : SENT_NOT;
}

static void tell(struct webhook *hook, struct sending *sending, enum sent how, unsigned retry_ms,
		 const char *why)
{
	uint64_t ticket = sending->ticket;

	metric_add(&callbacks, (const char *[]){ hook->config.name, sent_name(how) }, 1);
	HASH_DEL(hook->sending, sending);
	hook->host->sent(hook->host, ticket, how, retry_ms, NULL, how == SENT_ACCEPTED ? NULL : why);
	free(sending->url);
	free(sending->refused);
	free(sending);
	hook_settle(hook);
}

static void done(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct webhook *hook = owner;
	struct sending *sending;
	unsigned retry_ms;
	struct err why;
	enum sent how = hook_send_outcome(answer, &retry_ms, &why);

	HASH_FIND(hh, hook->sending, &ticket, sizeof(ticket), sending);
	if (sending == NULL)
		return;
	if (answer->how == HTTP_ANSWERED && answer->status == 410)
		remember_gone(hook, sending->url);
	tell(hook, sending, how, retry_ms, why.text);
}

/* A fresh timestamp and signature, the same id and bytes in each attempt. */
static uint64_t post(struct webhook *hook, const struct outgoing *out, uint64_t ticket)
{
	const struct hook_config *config = &hook->config;
	char signature[VERIFY_SIGNATURE_SIZE], id_line[64], time_line[64], signature_line[80],
		origin_line[80];
	const char *headers[] = {
		"content-type: application/json", id_line, time_line, signature_line, origin_line, NULL
	};
	int64_t now_s = clock_wall_ms() / 1000;
	struct buf body = { 0 };
	uint64_t id;

	hook_encode_callback(&body, out);
	hook_sign(&config->reply_key, out->uuid, now_s, body.data, body.len, signature);
	snprintf(id_line, sizeof(id_line), "webhook-id: %s", out->uuid);
	snprintf(time_line, sizeof(time_line), "webhook-timestamp: %lld", (long long)now_s);
	snprintf(signature_line, sizeof(signature_line), "webhook-signature: %s", signature);
	snprintf(origin_line, sizeof(origin_line), "x-usher-origin: %s", hook_origin());
	id = http_start(hook->host->http,
			&(struct http_call){ .method = "POST",
					     .url = out->reply_to,
					     .headers = headers,
					     .body = body.data,
					     .body_len = body.len,
					     .connect_ms = CONNECT_MS,
					     .total_ms = CALL_MS,
					     .guarded = true,
					     .guard_loopback = config->reply_loopback,
					     .ca_file = config->reply_ca_file },
			NULL, done, hook, ticket);
	buf_free(&body);
	return id;
}

/* The address was allowed when the message came, which may have been before a change of the settings. */
static char *refusal(const struct webhook *hook, const char *url)
{
	struct err err = { 0 };

	if (url == NULL)
		return mem_text("the message has no callback address");
	if (is_gone(hook, url))
		return mem_text("the callback address answered 410 Gone earlier");
	if (!hook_reply_allowed(&hook->config, url, &err))
		return mem_text(err.text);
	return NULL;
}

void hook_send(struct webhook *hook, const struct outgoing *out, uint64_t ticket)
{
	struct sending *sending = mem_zero(1, sizeof(*sending));

	sending->ticket = ticket;
	sending->refused = refusal(hook, out->reply_to);
	sending->url = mem_text(out->reply_to);
	HASH_ADD(hh, hook->sending, ticket, sizeof(ticket), sending);
	if (sending->refused)
		loop_timer_start(hook->soon, 0, 0);
	else
		sending->http_id = post(hook, out, ticket);
}

void hook_send_tell(struct webhook *hook)
{
	struct sending *sending, *next;

	for (sending = hook->sending; sending; sending = next) {
		next = sending->hh.next;
		if (sending->refused)
			tell(hook, sending, SENT_REJECTED, 0, sending->refused);
	}
}

void hook_send_finish(struct webhook *hook)
{
	struct sending *sending = hook->sending, *next;

	HASH_CLEAR(hh, hook->sending);
	for (; sending; sending = next) {
		next = sending->hh.next;
		if (sending->http_id)
			http_cancel(hook->host->http, sending->http_id);
		free(sending->url);
		free(sending->refused);
		free(sending);
	}
	for (unsigned i = 0; i < HOOK_GONE_MAX; i++)
		free(hook->gone[i]);
}
