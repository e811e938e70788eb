/* JSON-RPC by id: what waits for an answer, for how long, and what the other side asks. */
#include "mcp_room.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct pending {
	int64_t id;
	rpc_done_fn *done;
	void *owner;
	uint64_t ticket;
	uint64_t began_ms, heard_ms;
	unsigned idle_ms, total_ms;
	double progress;
	bool stays, begun; /* begun: a sign of progress has come */
	struct err failed; /* could not be sent */
	struct pending *prev, *next;
};

struct rpc {
	struct loop *loop;
	struct loop_timer *timer;
	const struct rpc_events *events;
	void *owner;
	const struct log *log;
	struct pending *pending;
	int64_t last_id;
	unsigned busy; /* calls of ours on the stack: a destroyed one is freed when the last returns */
	bool dead;
};

static void on_time(void *data);

struct rpc *rpc_create(struct loop *loop, const struct rpc_events *events, void *owner, const struct log *log)
{
	struct rpc *rpc = mem_zero(1, sizeof(*rpc));

	*rpc = (struct rpc){ .loop = loop, .events = events, .owner = owner, .log = log };
	rpc->timer = loop_timer_create(loop, on_time, rpc);
	return rpc;
}

static void enter(struct rpc *rpc)
{
	rpc->busy++;
}

static void leave(struct rpc *rpc)
{
	if (--rpc->busy == 0 && rpc->dead)
		free(rpc);
}

void rpc_destroy(struct rpc *rpc)
{
	struct pending *one, *next;

	if (rpc == NULL)
		return;
	DL_FOREACH_SAFE(rpc->pending, one, next)
	free(one);
	rpc->pending = NULL;
	loop_timer_destroy(rpc->timer);
	rpc->timer = NULL;
	rpc->dead = true;
	enter(rpc);
	leave(rpc);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static uint64_t deadline_of(const struct pending *one)
{
	uint64_t total = one->began_ms + one->total_ms, idle = one->heard_ms + one->idle_ms;

	if (one->failed.kind != ERR_NONE)
		return 0;
	return one->idle_ms && idle < total ? idle : total;
}

/* Whose time is over first; or NULL. */
static struct pending *earliest(struct rpc *rpc)
{
	struct pending *one, *first = NULL;

	DL_FOREACH (rpc->pending, one) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list */
		if (first == NULL || deadline_of(one) < deadline_of(first))
			first = one;
	}
	return first;
}

static void set_timer(struct rpc *rpc)
{
	uint64_t now = loop_now_ms(rpc->loop), due;
	const struct pending *first;

	if (rpc->dead)
		return;
	first = earliest(rpc);
	if (first == NULL) {
		loop_timer_stop(rpc->timer);
		return;
	}
	due = deadline_of(first);
	loop_timer_start(rpc->timer, due > now ? due - now : 0, 0);
}

/* Takes it out first: the callback may ask again, or destroy all of it. */
static void finish(struct rpc *rpc, struct pending *one, const struct rpc_answer *answer)
{
	DL_DELETE(rpc->pending, one);
	one->done(one->owner, one->ticket, answer);
	free(one);
}

static void give_up(struct rpc *rpc, struct pending *one)
{
	struct rpc_answer answer = { .err = one->failed };
	int64_t id = one->id;
	bool stays = one->stays;

	if (one->failed.kind != ERR_NONE) {
		finish(rpc, one, &answer);
		return;
	}
	answer.late = true;
	err_set(&answer.err, ERR_UNSURE, "no answer in %llu s",
		(unsigned long long)((loop_now_ms(rpc->loop) - one->began_ms + 500) / 1000));
	if (!stays)
		rpc_tell(rpc, "notifications/cancelled",
			 json_pack("{s:I, s:s}", "requestId", (json_int_t)id, "reason", "timed out"));
	rpc->events->forget(rpc->owner, id);
	finish(rpc, one, &answer);
}

static void on_time(void *data)
{
	struct rpc *rpc = data;
	uint64_t now = loop_now_ms(rpc->loop);
	struct pending *one;

	enter(rpc);
	while (!rpc->dead && (one = earliest(rpc)) && deadline_of(one) <= now)
		give_up(rpc, one);
	set_timer(rpc);
	leave(rpc);
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

/* Takes message over. */
static bool put(struct rpc *rpc, json_t *message, const struct wire_note *note)
{
	char *text = json_write(message);
	bool sent = text && rpc->events->send(rpc->owner, text, strlen(text), note);

	free(text);
	json_decref(message);
	return sent;
}

static json_t *message_of(const char *method, json_t *params)
{
	json_t *message = json_pack("{s:s, s:s}", "jsonrpc", "2.0", "method", method);

	if (params)
		json_object_set_new(message, "params", params);
	return message;
}

static json_t *with_token(json_t *params, int64_t id)
{
	json_t *whole = params ? params : json_object();

	if (json_object_get(whole, "_meta") == NULL)
		json_object_set_new(whole, "_meta", json_object());
	json_object_set_new(json_object_get(whole, "_meta"), "progressToken", json_integer((json_int_t)id));
	return whole;
}

int64_t rpc_ask(struct rpc *rpc, const struct rpc_ask *ask, rpc_done_fn *done, void *owner, uint64_t ticket)
{
	struct pending *one = mem_zero(1, sizeof(*one));
	int64_t id = ++rpc->last_id;
	struct wire_note note = {
		.id = id, .method = ask->method, .total_ms = ask->total_ms, .headers = ask->headers
	};
	json_t *message = message_of(ask->method, ask->progress ? with_token(ask->params, id) : ask->params);

	*one = (struct pending){ .id = id,
				 .done = done,
				 .owner = owner,
				 .ticket = ticket,
				 .began_ms = loop_now_ms(rpc->loop),
				 .heard_ms = loop_now_ms(rpc->loop),
				 .idle_ms = ask->idle_ms,
				 .total_ms = ask->total_ms,
				 .stays = ask->stays };
	json_object_set_new(message, "id", json_integer(id));
	DL_APPEND(rpc->pending, one);
	if (!put(rpc, message, &note))
		err_set(&one->failed, ERR_AGAIN, "it could not be sent");
	set_timer(rpc);
	return id;
}

void rpc_tell(struct rpc *rpc, const char *method, json_t *params)
{
	struct wire_note note = { .method = method };

	put(rpc, message_of(method, params), &note);
}

static void answer(struct rpc *rpc, const json_t *id, const char *key, json_t *value)
{
	json_t *message = json_pack("{s:s}", "jsonrpc", "2.0");
	struct wire_note note = { 0 };

	json_object_set_new(message, "id", json_deep_copy(id));
	json_object_set_new(message, key, value);
	put(rpc, message, &note);
}

void rpc_answer(struct rpc *rpc, const json_t *id, json_t *result)
{
	answer(rpc, id, "result", result);
}

void rpc_refuse(struct rpc *rpc, const json_t *id, int code, const char *message)
{
	answer(rpc, id, "error", json_pack("{s:i, s:s}", "code", code, "message", message));
}

/* ---- in ------------------------------------------------------------------------------------------------------------ */

/* Our ids are integers; a server that gives them back as text is understood all the same. -1: none of ours. */
static int64_t own_id(const json_t *id)
{
	char *end = NULL;
	int64_t number;

	if (json_is_integer(id))
		return json_integer_value(id);
	if (!json_is_string(id) || json_string_length(id) == 0)
		return -1;
	number = strtoll(json_string_value(id), &end, 10);
	return *end == '\0' ? number : -1;
}

static struct pending *find(struct rpc *rpc, int64_t id)
{
	struct pending *one;

	DL_FOREACH (rpc->pending, one) {
		if (one->id == id)
			return one;
	}
	return NULL;
}

/* More of it, and before the request has ended: that is a sign of life (sheet 9). */
static void progress(struct rpc *rpc, const json_t *params)
{
	struct pending *one = find(rpc, own_id(json_object_get(params, "progressToken")));
	double value = json_number_value(json_object_get(params, "progress"));

	if (one == NULL || (one->begun && value <= one->progress))
		return;
	one->begun = true;
	one->progress = value;
	one->heard_ms = loop_now_ms(rpc->loop);
	set_timer(rpc);
}

static void take_answer(struct rpc *rpc, const json_t *message)
{
	struct rpc_answer whole = { .result = json_object_get(message, "result"),
				    .error = json_object_get(message, "error") };
	struct pending *one = find(rpc, own_id(json_object_get(message, "id")));

	if (one == NULL) {
		const char *why = json_text(whole.error, "message");

		log_debug(rpc->log, "an answer that nobody waits for%s%.200s", why ? ": " : "",
			  why ? why : "");
		return;
	}
	if (json_is_object(whole.error))
		whole.result = NULL;
	else
		whole.error = NULL;
	if (!json_is_object(whole.result) && whole.error == NULL) {
		whole.result = NULL;
		err_set(&whole.err, ERR_REFUSED, "the answer has neither a result nor an error");
	}
	finish(rpc, one, &whole);
	set_timer(rpc);
}

void rpc_take(struct rpc *rpc, json_t *message)
{
	const char *method = json_text(message, "method");
	const json_t *id = json_object_get(message, "id"), *params = json_object_get(message, "params");

	enter(rpc);
	if (!json_is_object(message))
		log_debug(rpc->log, "a message that is no object is passed over");
	else if (method == NULL)
		take_answer(rpc, message);
	else if (json_is_string(id) || json_is_integer(id))
		rpc->events->asked(rpc->owner, id, method, params);
	else if (id != NULL && !json_is_null(id))
		log_debug(rpc->log, "a request with an id of no use is passed over");
	else if (strcmp(method, "notifications/progress") == 0)
		progress(rpc, params);
	else
		rpc->events->told(rpc->owner, method, params);
	leave(rpc);
}

void rpc_lost(struct rpc *rpc, int64_t id, const struct err *err)
{
	struct rpc_answer answer = { .err = *err };
	struct pending *one = find(rpc, id);

	if (one == NULL)
		return;
	enter(rpc);
	finish(rpc, one, &answer);
	set_timer(rpc);
	leave(rpc);
}

void rpc_fail_all(struct rpc *rpc, const struct err *err)
{
	struct rpc_answer answer = { .err = *err };

	enter(rpc);
	while (!rpc->dead && rpc->pending)
		finish(rpc, rpc->pending, &answer);
	set_timer(rpc);
	leave(rpc);
}
