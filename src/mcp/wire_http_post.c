/* What comes back for one message: its bytes as they come, and what their end means (sheet 5). */
#include "mem.h"
#include "wire_http_room.h"
#include <stdlib.h>
#include <string.h>

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

static bool collect(struct exchange *exchange, const char *data, size_t len)
{
	if (exchange->json.len + len > MCP_MESSAGE_MAX)
		return err_set(&exchange->err, ERR_UNSURE, "its answer is longer than %d bytes",
			       MCP_MESSAGE_MAX);
	buf_add(&exchange->json, data, len);
	return true;
}

static void look_at_headers(struct exchange *exchange)
{
	struct wire *wire = exchange->wire;
	const char *type = http_header_of(wire->http, exchange->call, "Content-Type");

	exchange->body = status_body(type ? type : "");
	if (exchange->initialize)
		wire_note_session(wire, http_header_of(wire->http, exchange->call, "Mcp-Session-Id"));
}

bool exchange_data(void *owner, uint64_t ticket, const char *data, size_t len)
{
	struct exchange *exchange = owner;
	struct wire *wire = exchange->wire;
	bool more = true;

	(void)ticket;
	if (exchange->body == BODY_UNKNOWN)
		look_at_headers(exchange);
	/* The old transport answers on its own stream; what stands here is "Accepted" at best. */
	if (exchange->kind == EXCHANGE_DELETE || (exchange->kind == EXCHANGE_POST && wire->old))
		return true;
	wire_enter(wire);
	if (exchange->body == BODY_EVENTS)
		more = stream_feed(exchange, data, len);
	else if (exchange->body == BODY_JSON && exchange->kind == EXCHANGE_POST && !exchange->resumes)
		more = collect(exchange, data, len);
	wire_leave(wire);
	return more;
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void judge(const struct exchange *exchange, const struct http_answer *answer,
		  enum status_means *means_out, struct err *err_out)
{
	const struct wire *wire = exchange->wire;
	char *challenge = http_header_all(answer, "WWW-Authenticate");
	struct status_said said = {
		.status = answer->status,
		.type = answer->type,
		.body = answer->body,
		.len = answer->len,
		.challenge = challenge,
		.location = http_header(answer, "Location"),
		.session = !exchange->initialize && !exchange->headers && (wire->session || wire->old),
		.initialize = wire->old ? exchange->kind == EXCHANGE_OLD : exchange->initialize,
		.token = wire->config->token != NULL,
	};

	*means_out = status_judge(&said, err_out);
	free(challenge);
}

/* A status of failure can carry the JSON-RPC error of the request all the same. */
static bool take_error(struct exchange *exchange, const struct http_answer *answer)
{
	if (exchange->id == 0 || status_body(answer->type) != BODY_JSON)
		return true;
	return exchange_take(exchange, answer->body, answer->len, NULL);
}

/* What was refused for its session was not done; what was asked for the rest of its answer may have been. */
static void expired(struct exchange *exchange, struct err *err)
{
	struct wire *wire = exchange->wire;
	int64_t id = exchange->answered ? 0 : exchange->id;

	if (exchange->resumes)
		err->kind = ERR_UNSURE;
	exchange_drop(exchange);
	if (id)
		wire->events->lost(wire->owner, id, err);
	err->kind = ERR_AGAIN;
	wire_fall(wire, WIRE_EXPIRED, err);
}

static void note_challenge(const struct wire *wire, const struct http_answer *answer)
{
	char *challenge;

	if ((answer->status != 401 && answer->status != 403) || wire->events->challenged == NULL)
		return;
	challenge = http_header_all(answer, "WWW-Authenticate");
	wire->events->challenged(wire->owner, answer->status, challenge);
	free(challenge);
}

/* What was turned away at the door (401) was not done: it may be put again behind another one. */
static void turned_away(struct exchange *exchange, const struct http_answer *answer, const struct err *err)
{
	struct wire *wire = exchange->wire;
	int64_t id = exchange->answered || exchange->initialize || exchange->resumes ? 0 : exchange->id;
	struct err again = *err;

	if (answer->status == 401 && id && wire->events->challenged) {
		again.kind = ERR_AGAIN;
		exchange_drop(exchange);
		wire->events->lost(wire->owner, id, &again);
	}
	wire_fall(wire, WIRE_REFUSED, err);
}

void exchange_refused(struct exchange *exchange, const struct http_answer *answer)
{
	struct wire *wire = exchange->wire;
	enum status_means means = STATUS_LOST;
	struct err err = answer->err;

	if (answer->how == HTTP_ANSWERED) {
		judge(exchange, answer, &means, &err);
		note_challenge(wire, answer);
	}
	if (answer->how != HTTP_ANSWERED && exchange->err.kind != ERR_NONE)
		err = exchange->err;
	if (means == STATUS_REFUSED) {
		turned_away(exchange, answer, &err);
		return;
	}
	if (means == STATUS_EXPIRED) {
		expired(exchange, &err);
		return;
	}
	if (exchange->resumes) /* whatever is wrong with that: the request itself may have been done */
		err_set(&err, ERR_UNSURE, "its stream can't be taken up again (%d)", answer->status);
	else if (answer->how == HTTP_ANSWERED && !take_error(exchange, answer))
		return;
	if (means == STATUS_OLD && !exchange->answered) {
		stream_old(exchange, &err);
		return;
	}
	if (exchange->id == 0)
		log_debug(wire->log, "a message that wants no answer was not taken: %s", err.text);
	exchange_settle(exchange, &err);
}

static void take_json(struct exchange *exchange)
{
	struct buf body = exchange->json;
	struct err err = { 0 }, why = { 0 };
	bool here;

	exchange->json = (struct buf){ 0 };
	here = body.len == 0 || exchange_take(exchange, buf_str(&body), body.len, &err);
	buf_free(&body);
	if (!here)
		return;
	if (err.kind != ERR_NONE)
		err_set(&why, ERR_UNSURE, "its answer is no JSON-RPC message: %s", err.text);
	else
		err_set(&why, ERR_UNSURE, "its answer is not one to the request");
	exchange_settle(exchange, exchange->id ? &why : &(struct err){ 0 });
}

static void post_succeeded(struct exchange *exchange, const struct http_answer *answer)
{
	struct err err = { 0 };

	if (exchange->initialize && exchange->body == BODY_UNKNOWN) /* not a byte came */
		wire_note_session(exchange->wire, http_header(answer, "Mcp-Session-Id"));
	if (exchange->body == BODY_JSON) {
		take_json(exchange);
		return;
	}
	if (exchange->id)
		err_set(&err, ERR_UNSURE, "it took the request without an answer (%d %.60s)", answer->status,
			answer->type);
	exchange_settle(exchange, &err);
}

/* The answer comes on the stream. */
static void old_post_succeeded(struct exchange *exchange)
{
	bool waits = exchange->id != 0;

	exchange->answered = waits;
	exchange_settle(exchange, &(struct err){ 0 });
}

static void post_ended(struct exchange *exchange, const struct http_answer *answer)
{
	bool success = answer->status >= 200 && answer->status < 300;
	bool whole = answer->how == HTTP_ANSWERED;

	if (exchange->wire->old && whole && success)
		old_post_succeeded(exchange);
	else if (exchange->resumes || (success && exchange->body == BODY_EVENTS))
		stream_post_ended(exchange, answer);
	else if (whole && success)
		post_succeeded(exchange, answer);
	else
		exchange_refused(exchange, answer);
}

void exchange_done(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct exchange *exchange = owner;
	struct wire *wire = exchange->wire;

	(void)ticket;
	exchange->call = 0;
	wire_enter(wire);
	if (exchange->kind == EXCHANGE_DELETE)
		wire_fall(wire, WIRE_CLOSED, &(struct err){ 0 });
	else if (exchange->kind == EXCHANGE_LISTEN)
		stream_listen_ended(exchange, answer);
	else if (exchange->kind == EXCHANGE_OLD)
		stream_old_ended(exchange, answer);
	else
		post_ended(exchange, answer);
	wire_leave(wire);
}
