/* One connection of Socket Mode: from its handshake to its end, its frames and its acknowledgements. */
#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "metrics.h"
#include "socket_room.h"
#include "url.h"
#include <stdlib.h>
#include <utlist.h>

enum { FRAME_MAX = SLACK_BODY_MAX + 65536 };

static struct metric last_frame = {
	.name = "usher_slack_last_frame_timestamp_seconds",
	.help = "When the platform last sent a frame with a message, Unix time",
	.type = METRIC_GAUGE,
	.label = "app",
};

static struct metric unsent_acks = {
	.name = "usher_slack_unsent_acks_total",
	.help = "Payloads stored whose connection had ended before they could be acknowledged",
	.type = METRIC_COUNTER,
	.label = "app",
};

static const struct log *log_of(const struct conn *conn)
{
	return conn->sockets->app->root->host->log;
}

static uint64_t now_of(const struct conn *conn)
{
	return loop_now_ms(conn->sockets->app->root->host->loop);
}

static void enter(struct conn *conn, enum conn_state state, unsigned limit_ms)
{
	conn->state = state;
	conn->since = now_of(conn);
	if (limit_ms > 0)
		loop_timer_start(conn->timer, limit_ms, 0);
	else
		loop_timer_stop(conn->timer);
}

/* ---- its end ------------------------------------------------------------------------------------------- */

static void leave_list(struct conn *conn)
{
	DL_DELETE(conn->sockets->conns, conn);
	slack_sockets_counted(conn->sockets);
}

static void free_conn(struct conn *conn)
{
	loop_timer_destroy(conn->timer);
	free(conn);
}

void slack_conn_cut(struct conn *conn)
{
	ws_destroy(conn->ws);
	leave_list(conn);
	free_conn(conn);
}

void slack_conn_close(struct conn *conn)
{
	if (conn->state == CONN_CLOSING)
		return;
	enter(conn, CONN_CLOSING, conn->sockets->times.cut);
	ws_close(conn->ws, 1000, "");
}

/* Stopping does not wait for what may still come, only for what is owed. */
static bool drained(const struct conn *conn)
{
	uint64_t waited = now_of(conn) - conn->since;

	if (waited >= conn->sockets->times.drain)
		return true;
	return conn->owed == 0 && (!conn->sockets->wanted || waited >= conn->sockets->times.linger);
}

static void look_drained(struct conn *conn)
{
	const struct socket_times *times = &conn->sockets->times;
	uint64_t waited = now_of(conn) - conn->since;

	if (drained(conn))
		slack_conn_close(conn);
	else
		loop_timer_start(conn->timer,
				 (waited < times->linger ? times->linger : times->drain) - waited, 0);
}

void slack_conn_drain(struct conn *conn)
{
	enter(conn, CONN_DRAINING, 0);
	look_drained(conn);
}

static void end_by_itself(struct conn *conn, const char *why)
{
	struct slack_sockets *sockets = conn->sockets;
	enum conn_state state = conn->state;

	leave_list(conn);
	slack_sockets_gone(conn, state, why);
	free_conn(conn);
	if (sockets->conns == NULL && !sockets->wanted)
		slack_settle(sockets->app->root);
}

static void on_timer(void *data)
{
	struct conn *conn = data;

	if (conn->state == CONN_DRAINING) {
		look_drained(conn);
		return;
	}
	ws_destroy(conn->ws);
	end_by_itself(conn, "no hello in time");
}

/* ---- frames -------------------------------------------------------------------------------------------- */

static void send_ack(struct conn *conn, const char *envelope, const char *payload)
{
	struct buf text = { 0 };

	slack_frame_ack(&text, envelope, payload);
	if (conn->state == CONN_CLOSING || !ws_send(conn->ws, false, text.data, text.len))
		metric_add(&unsent_acks, (const char *[]){ conn->sockets->app->config.name }, 1);
	buf_free(&text);
}

/* Not while stopping or closing: unacknowledged, it comes again, to our successor or to another connection. */
static void take_payload(struct conn *conn, struct slack_frame *frame, size_t size)
{
	struct slack *app = conn->sockets->app;
	struct slack_from from = { .way = SLACK_FROM_SOCKET,
				   .id = conn->number,
				   .retry = frame->retry,
				   .size = size,
				   .answerable = frame->answerable };
	json_t *payload = frame->payload;

	if (!conn->sockets->wanted || conn->state == CONN_CLOSING)
		return;
	snprintf(from.envelope, sizeof(from.envelope), "%s", frame->envelope);
	if (frame->retry > 0)
		slack_count_retry(app, "socket", frame->reason);
	frame->payload = NULL;
	conn->owed++;
	slack_take(app, &from, frame->payload_kind, payload);
}

static void take_frame(struct conn *conn, struct slack_frame *frame, size_t size, const struct err *err)
{
	switch (frame->kind) {
	case SLACK_FRAME_HELLO:
		if (conn->state == CONN_GREETING) {
			enter(conn, CONN_READY, 0);
			slack_sockets_ready(conn, frame->app_id);
		}
		break;
	case SLACK_FRAME_DISCONNECT:
		log_debug(log_of(conn), "the platform will close a connection: %s",
			  frame->reason != NULL ? frame->reason : "no reason");
		if (conn->state != CONN_CLOSING)
			slack_sockets_leaving(conn, frame->disconnect);
		break;
	case SLACK_FRAME_PAYLOAD:
		take_payload(conn, frame, size);
		break;
	case SLACK_FRAME_UNKNOWN:
		log_info(log_of(conn), "a frame of type %.40s is not for us", frame->type);
		if (frame->envelope[0] != '\0')
			send_ack(conn, frame->envelope, NULL);
		break;
	case SLACK_FRAME_BROKEN:
		log_warn(log_of(conn), "a frame can't be read: %s", err->text);
		break;
	}
}

static void on_message(void *owner, struct ws *ws, bool binary, const void *data, size_t len)
{
	struct conn *conn = owner;
	struct slack_frame frame;
	struct err err = { 0 };

	(void)ws;
	if (binary) {
		log_info(log_of(conn), "a binary frame is ignored");
		return;
	}
	metric_set(&last_frame, (const char *[]){ conn->sockets->app->config.name },
		   (double)clock_wall_ms() / 1000);
	slack_frame_read(&frame, data, len, &err);
	take_frame(conn, &frame, len, &err);
	slack_frame_finish(&frame);
}

/* ---- its beginning ------------------------------------------------------------------------------------- */

static void on_open(void *owner, struct ws *ws)
{
	struct conn *conn = owner;

	(void)ws;
	if (conn->state == CONN_HANDSHAKE)
		enter(conn, CONN_GREETING, conn->sockets->times.hello);
}

static void on_closed(void *owner, struct ws *ws, int code, const struct err *err)
{
	struct conn *conn = owner;
	char *why = err->kind != ERR_NONE ? mem_text(err->text)
					  : mem_format("the platform closed the connection (%d)", code);

	(void)ws;
	end_by_itself(conn, why);
	free(why);
}

/* As for other requests, this machine is reached without it. */
static const char *proxy_for(const struct slack_sockets *sockets, const char *text)
{
	struct url url;

	return url_read(text, &url) && url_loopback(&url) ? NULL : http_proxy(sockets->app->root->host->http);
}

struct conn *slack_conn_open(struct slack_sockets *sockets, const char *url, struct err *err)
{
	static const struct ws_events events = { .open = on_open,
						 .message = on_message,
						 .closed = on_closed };
	struct conn *conn = mem_zero(1, sizeof(*conn));

	conn->sockets = sockets;
	conn->number = ++sockets->last_number;
	conn->ws = ws_connect(sockets->app->root->host->io,
			      &(struct ws_options){ .url = url,
						    .ca_file = http_ca_file(sockets->app->root->host->http),
						    .proxy = proxy_for(sockets, url),
						    .message_max = FRAME_MAX,
						    .ping_s = sockets->times.ping_s,
						    .dead_s = sockets->times.dead_s },
			      &events, conn, err);
	if (conn->ws == NULL) {
		free(conn);
		return NULL;
	}
	conn->timer = loop_timer_create(sockets->app->root->host->loop, on_timer, conn);
	enter(conn, CONN_HANDSHAKE, 0); /* the web socket has a limit of its own for this */
	DL_APPEND(sockets->conns, conn);
	slack_sockets_counted(sockets);
	return conn;
}

void slack_sockets_ack(struct slack_sockets *sockets, const struct slack_from *from, enum slack_ack how,
		       const char *payload)
{
	struct conn *conn;

	DL_SEARCH_SCALAR(sockets->conns, conn, number, from->id);
	if (conn == NULL) { /* nothing is said elsewhere: it comes again and is recognised */
		if (how != SLACK_ACK_LATER)
			metric_add(&unsent_acks, (const char *[]){ sockets->app->config.name }, 1);
		return;
	}
	if (how != SLACK_ACK_LATER)
		send_ack(conn, from->envelope, payload);
	conn->owed--;
	if (conn->state == CONN_DRAINING)
		look_drained(conn);
}
