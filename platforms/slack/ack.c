/* Sends each acknowledgement back the way its payload came. */
#include "metrics.h"
#include "transport.h"
#include <string.h>

static struct metric acks = {
	.name = "usher_slack_acks_total",
	.help = "Payloads by transport and how they were acknowledged",
	.type = METRIC_COUNTER,
	.label = "app,transport,how",
};

static struct metric retries = {
	.name = "usher_slack_retries_total",
	.help = "Deliveries that the platform repeated, by the reason it gave",
	.type = METRIC_COUNTER,
	.label = "app,transport,reason",
};

static void ack(struct slack *app, const struct slack_from *from, enum slack_ack how, const char *text,
		unsigned retry_ms)
{
	static const char *const words[] = {
		[SLACK_ACK_OK] = "ok", [SLACK_ACK_LATER] = "later", [SLACK_ACK_BAD] = "bad"
	};
	bool http = from->way == SLACK_FROM_HTTP;

	metric_add(&acks, (const char *[]){ app->config.name, http ? "http" : "socket", words[how] }, 1);
	if (http)
		slack_receive_ack(app, from, how, text, retry_ms);
	else if (app->sockets != NULL)
		slack_sockets_ack(app->sockets, from, how, how == SLACK_ACK_OK ? text : NULL);
}

void slack_ack_ok(struct slack *app, const struct slack_from *from, const char *payload)
{
	ack(app, from, SLACK_ACK_OK, from->answerable ? payload : NULL, 0);
}

void slack_ack_later(struct slack *app, const struct slack_from *from, unsigned retry_ms)
{
	ack(app, from, SLACK_ACK_LATER, NULL, retry_ms);
}

void slack_ack_bad(struct slack *app, const struct slack_from *from, const char *why)
{
	log_warn(app->root->host->log, "a payload is given up: %s", why);
	ack(app, from, SLACK_ACK_BAD, why, 0);
}

/* The reasons of sheet 4.4 and 6.3; others would let a stranger choose our labels. */
void slack_count_retry(const struct slack *app, const char *transport, const char *reason)
{
	static const char *const known[] = { "http_timeout", "too_many_redirects", "connection_failed",
					     "ssl_error",    "http_error",	   "timeout",
					     "unknown_error" };
	const char *label = "other";

	for (size_t i = 0; reason != NULL && i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(reason, known[i]) == 0)
			label = known[i];
	metric_add(&retries, (const char *[]){ app->config.name, transport, label }, 1);
}
