/* Event streams: one that broke off is taken up again where it ended, the server's own messages, and the transport of
 * 2024-11-05, which has one stream for all (sheet 5 and 6). */
#include "backoff.h"
#include "mem.h"
#include "url.h"
#include "wire_http_room.h"
#include <stdlib.h>
#include <string.h>

enum { RESUME_LEAST_MS = 50, REST_JITTER_MS = 500 };

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool same_origin(const char *a, const char *b)
{
	struct url one, other;

	return url_read(a, &one) && url_read(b, &other) && strcmp(one.scheme, other.scheme) == 0 &&
	       strcmp(one.host, other.host) == 0 && one.port == other.port;
}

/* All that we send would go there, the token too: only to where the settings lead. */
static bool take_endpoint(struct exchange *exchange, const char *data)
{
	struct wire *wire = exchange->wire;
	char *url;

	if (wire->endpoint)
		return true;
	url = http_url_join(wire->config->url, data, &exchange->err);
	if (url == NULL)
		return err_add(&exchange->err, "the address it wants to be sent to");
	if (!same_origin(url, wire->config->url)) {
		free(url);
		return err_set(&exchange->err, ERR_REFUSED,
			       "it wants to be sent to at another address than that of url: refused");
	}
	wire->endpoint = url;
	loop_timer_stop(exchange->timer);
	wire_pump(wire);
	return true;
}

static bool on_event(void *owner, const char *event, const char *data, size_t len)
{
	struct exchange *exchange = owner;
	struct err err = { 0 };

	exchange->heard = true;
	if (exchange->kind == EXCHANGE_OLD && strcmp(event, "endpoint") == 0)
		return take_endpoint(exchange, data);
	if (len == 0 || (*event && strcmp(event, "message") != 0))
		return true; /* without data: only its id is of interest */
	if (!exchange_take(exchange, data, len, &err))
		return false;
	if (err.kind != ERR_NONE)
		log_debug(exchange->wire->log, "an event without a message: %s", err.text);
	return true;
}

bool stream_feed(struct exchange *exchange, const char *data, size_t len)
{
	bool more;

	exchange->reading = true;
	more = sse_feed(&exchange->sse, data, len, on_event, exchange);
	exchange->reading = false;
	if (exchange->dropped) {
		exchange_free(exchange); /* nobody reads any more */
		return false;
	}
	if (!more && exchange->err.kind == ERR_NONE)
		err_set(&exchange->err, ERR_UNSURE, "its stream has an event of more than %d bytes",
			MCP_MESSAGE_MAX);
	return more;
}

/* Keeps what the call that ended has left for the next. True: something new. */
static bool keep_place(struct exchange *exchange)
{
	const char *id = buf_str(&exchange->sse.last_id);
	bool news = exchange->heard;

	if (exchange->sse.has_retry) {
		exchange->has_retry = true;
		exchange->retry_ms = exchange->sse.retry_ms;
	}
	if (!status_header_fits(id))
		return news;
	news |= exchange->last_id == NULL || strcmp(exchange->last_id, id) != 0;
	free(exchange->last_id);
	exchange->last_id = mem_text(id);
	return news;
}

static unsigned between(unsigned value, unsigned least, unsigned most)
{
	return value < least ? least : value > most ? most : value;
}

/* ---- a request's stream that broke off ------------------------------------------------------------------------------ */

/* Asking again what was asked could do it twice; asking for the rest of the answer can't. */
static void resume_or_lose(struct exchange *exchange, bool news)
{
	struct err err = { 0 };
	unsigned usual;

	exchange->fails = news ? 0 : exchange->fails + 1;
	usual = (unsigned)HTTP_REST_FIRST_MS << exchange->fails;
	if (exchange->last_id == NULL || exchange->headers || exchange->fails > HTTP_RESUMES_MAX) {
		err_set(&err, ERR_UNSURE, "its stream ended before the answer came");
		exchange_settle(exchange, exchange->id ? &err : &(struct err){ 0 });
		return;
	}
	exchange_wait(exchange, exchange->has_retry
					? between(exchange->retry_ms, RESUME_LEAST_MS, HTTP_REST_MAX_MS)
					: usual);
}

static bool passing(const struct http_answer *answer)
{
	return answer->how != HTTP_ANSWERED || answer->status >= 500 || answer->status == 429;
}

void stream_post_ended(struct exchange *exchange, const struct http_answer *answer)
{
	bool success = answer->status >= 200 && answer->status < 300;
	bool news = keep_place(exchange);
	struct err err = exchange->err;

	if (exchange->answered || exchange->id == 0)
		exchange_settle(exchange, &(struct err){ 0 });
	else if (err.kind != ERR_NONE)
		exchange_settle(exchange, &err);
	else if ((success && exchange->body == BODY_EVENTS) || passing(answer))
		resume_or_lose(exchange, news);
	else
		exchange_refused(exchange, answer);
}

/* ---- the server's own messages ---------------------------------------------------------------------------------------- */

void stream_listen(struct wire *wire)
{
	struct exchange *listen = exchange_create(wire, EXCHANGE_LISTEN);

	exchange_move(listen, false);
	exchange_go(listen);
}

static void listen_later(struct exchange *listen)
{
	unsigned shift = listen->fails < 6 ? listen->fails : 6;
	unsigned usual = between((unsigned)HTTP_REST_FIRST_MS << shift, 0, HTTP_REST_MAX_MS) +
			 (unsigned)backoff_ms(1, REST_JITTER_MS, REST_JITTER_MS);

	exchange_wait(listen, listen->has_retry ? between(listen->retry_ms, REST_JITTER_MS, HTTP_REST_MAX_MS)
						: usual);
}

/* Most servers offer none (405), which is no fault; one that ends is taken up again with growing pauses. */
void stream_listen_ended(struct exchange *listen, const struct http_answer *answer)
{
	bool success = answer->status >= 200 && answer->status < 300;
	bool news = keep_place(listen);

	listen->fails = news ? 0 : listen->fails + 1;
	if ((success && listen->body == BODY_EVENTS) || passing(answer)) {
		listen_later(listen);
		return;
	}
	if (listen->last_id && (answer->status == 400 || answer->status == 404)) { /* it forgot the place */
		free(listen->last_id);
		listen->last_id = NULL;
		listen_later(listen);
		return;
	}
	log_debug(listen->wire->log, "no stream of its own messages (%d)", answer->status);
	exchange_drop(listen);
}

/* ---- the transport of 2024-11-05 ---------------------------------------------------------------------------------------- */

/* initialize goes back to the beginning and waits for the address. */
void stream_old(struct exchange *initialize, const struct err *err)
{
	struct wire *wire = initialize->wire;
	struct exchange *old;

	log_debug(wire->log, "%s: trying the transport of 2024-11-05", err->text);
	wire->old = true;
	wire->first = *err;
	exchange_move(initialize, true);
	old = exchange_create(wire, EXCHANGE_OLD);
	exchange_move(old, false);
	exchange_wait(old, HTTP_ENDPOINT_MS);
	exchange_go(old);
}

/* The session ends with its stream. */
void stream_old_ended(struct exchange *old, const struct http_answer *answer)
{
	struct wire *wire = old->wire;
	struct err err = { 0 };

	if (old->err.kind != ERR_NONE) {
		err = old->err;
		wire_fall(wire, err.kind == ERR_REFUSED ? WIRE_REFUSED : WIRE_ENDED, &err);
	} else if (answer->status == 401 || answer->status == 403) {
		exchange_refused(old, answer);
	} else if (wire->endpoint == NULL) {
		wire_fall(wire, WIRE_ENDED, &wire->first);
	} else {
		err_set(&err, ERR_AGAIN, "the stream of the server has ended");
		wire_fall(wire, WIRE_ENDED, &err);
	}
}

void stream_time(struct exchange *exchange)
{
	if (exchange->kind == EXCHANGE_OLD) {
		wire_fall(exchange->wire, WIRE_ENDED, &exchange->wire->first);
		return;
	}
	exchange->resumes = exchange->kind == EXCHANGE_POST;
	exchange_go(exchange);
}
