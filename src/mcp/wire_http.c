/* Messages over HTTP, each in a POST of its own (sheet 5): what waits, what runs, the session and its end. */
#include "io.h"
#include "mem.h"
#include "wire_http_room.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { FOREVER_MS = 0x7fffffff, HEADERS_OWN = 8 };

/* ---- its own life -------------------------------------------------------------------------------------------- */

void wire_enter(struct wire *wire)
{
	wire->busy++;
}

void wire_leave(struct wire *wire)
{
	if (--wire->busy == 0 && wire->dead)
		free(wire);
}

/* Each takes itself out of its list, which the analyzer does not see. */
static void drop_all(struct wire *wire)
{
	while (wire->waiting)
		exchange_drop(wire->waiting); /* NOLINT(clang-analyzer-unix.Malloc) */
	while (wire->running)
		exchange_drop(wire->running); /* NOLINT(clang-analyzer-unix.Malloc) */
}

void wire_fall(struct wire *wire, enum wire_end how, const struct err *err)
{
	if (wire->dead || wire->down)
		return;
	wire->down = true;
	drop_all(wire);
	wire->events->down(wire->owner, how, err);
}

static void on_closed(void *data)
{
	struct wire *wire = data;

	wire_enter(wire);
	wire_fall(wire, WIRE_CLOSED, &(struct err){ 0 });
	wire_leave(wire);
}

void wire_note_session(struct wire *wire, const char *value)
{
	if (value == NULL || wire->session)
		return;
	if (!status_header_fits(value)) {
		log_warn(wire->log, "its Mcp-Session-Id can't be sent back: passed over");
		return;
	}
	wire->session = mem_text(value);
	log_hide(value);
}

/* ---- exchanges ------------------------------------------------------------------------------------------------ */

struct exchange *exchange_create(struct wire *wire, enum exchange_kind kind)
{
	struct exchange *exchange = mem_zero(1, sizeof(*exchange));

	*exchange = (struct exchange){ .wire = wire, .kind = kind, .waits = true };
	DL_APPEND(wire->waiting, exchange);
	wire->count++;
	return exchange;
}

void exchange_free(struct exchange *exchange)
{
	buf_free(&exchange->json);
	sse_finish(&exchange->sse);
	for (char **one = exchange->headers; one && *one; one++)
		free(*one);
	free(exchange->headers);
	free(exchange->text);
	free(exchange->last_id);
	free(exchange);
}

void exchange_drop(struct exchange *exchange)
{
	struct wire *wire = exchange->wire;

	if (exchange->call)
		http_cancel(wire->http, exchange->call);
	exchange->call = 0;
	loop_timer_destroy(exchange->timer);
	exchange->timer = NULL;
	if (exchange->waits) {
		DL_DELETE(wire->waiting, exchange);
		wire->waiting_bytes -= exchange->len;
	} else {
		DL_DELETE(wire->running, exchange);
	}
	wire->count--;
	exchange->dropped = true;
	if (!exchange->reading)
		exchange_free(exchange);
}

void exchange_move(struct exchange *exchange, bool waits)
{
	struct wire *wire = exchange->wire;

	if (exchange->waits == waits)
		return;
	exchange->waits = waits;
	if (waits) {
		DL_DELETE(wire->running, exchange); /* NOLINT(clang-analyzer-core.NullDereference) */
		DL_PREPEND(wire->waiting, exchange);
		wire->waiting_bytes += exchange->len;
	} else {
		DL_DELETE(wire->waiting, exchange); /* NOLINT(clang-analyzer-core.NullDereference) */
		DL_APPEND(wire->running, exchange);
		wire->waiting_bytes -= exchange->len;
	}
}

void exchange_settle(struct exchange *exchange, const struct err *err)
{
	struct wire *wire = exchange->wire;
	bool listen = exchange->initialized && wire->version[0] && !wire->old && err->kind == ERR_NONE;
	bool lost = exchange->id && !exchange->answered, initialize = exchange->initialize;
	int64_t id = exchange->id;

	exchange_drop(exchange);
	if (lost && initialize)
		wire_fall(wire, WIRE_ENDED, err);
	else if (lost)
		wire->events->lost(wire->owner, id, err);
	if (wire->dead || wire->down)
		return;
	if (listen)
		stream_listen(wire);
	wire_pump(wire);
}

static bool answers(const json_t *message, int64_t id)
{
	const json_t *its = json_object_get(message, "id");
	char text[24];

	if (id == 0 || json_object_get(message, "method"))
		return false;
	snprintf(text, sizeof(text), "%lld", (long long)id);
	if (json_is_string(its)) /* given back as text */
		return strcmp(json_string_value(its), text) == 0;
	return json_is_integer(its) && json_integer_value(its) == id;
}

static void on_time(void *data)
{
	struct exchange *exchange = data;
	struct wire *wire = exchange->wire;

	wire_enter(wire);
	if (exchange->answered)
		exchange_settle(exchange, &(struct err){ 0 });
	else
		stream_time(exchange);
	wire_leave(wire);
}

void exchange_wait(struct exchange *exchange, unsigned delay_ms)
{
	if (exchange->timer == NULL)
		exchange->timer = loop_timer_create(exchange->wire->loop, on_time, exchange);
	loop_timer_start(exchange->timer, delay_ms, 0);
}

static void on_message(void *owner, json_t *message)
{
	struct exchange *exchange = owner;
	struct wire *wire = exchange->wire;

	if (exchange->kind == EXCHANGE_POST && !exchange->answered && answers(message, exchange->id)) {
		exchange->answered = true;
		exchange_wait(exchange, HTTP_GRACE_MS);
	}
	wire->events->message(wire->owner, message);
}

bool exchange_take(struct exchange *exchange, const char *text, size_t len, struct err *err)
{
	static const struct wire_events inner = { .message = on_message };
	bool outer = exchange->reading, gone;

	exchange->reading = true;
	wire_take(text, len, &inner, exchange, &exchange->dropped, err);
	exchange->reading = outer;
	gone = exchange->dropped;
	if (gone && !outer)
		exchange_free(exchange);
	return !gone;
}

/* ---- going out -------------------------------------------------------------------------------------------------- */

struct headers {
	const char **rows;
	char *own[HEADERS_OWN];
	size_t count, owned;
};

static void add(struct headers *headers, const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	headers->own[headers->owned] = mem_format("%s: %s", name, value);
	headers->rows[headers->count++] = headers->own[headers->owned++];
}

static void make_headers(const struct exchange *exchange, struct headers *headers)
{
	const struct wire *wire = exchange->wire;
	const char *const *given = wire->config->headers;
	size_t count = 0, more = 0;
	char *bearer = wire->config->token ? mem_format("Bearer %s", wire->config->token) : NULL;
	bool post = exchange->kind == EXCHANGE_POST && !exchange->resumes;

	while (given[count])
		count++;
	while (exchange->headers && exchange->headers[more])
		more++;
	*headers = (struct headers){ .rows = mem_zero(count + more + HEADERS_OWN + 1, sizeof(char *)) };
	if (post)
		add(headers, "Content-Type", "application/json");
	add(headers, "Accept", post ? "application/json, text/event-stream" : "text/event-stream");
	for (size_t i = 0; i < more; i++)
		headers->rows[headers->count++] = exchange->headers[i];
	if ((!exchange->initialize || exchange->resumes) && !wire->old && more == 0) {
		add(headers, "MCP-Protocol-Version", wire->version);
		add(headers, "Mcp-Session-Id", wire->session);
	}
	add(headers, "Last-Event-ID", exchange->last_id);
	add(headers, "Authorization", bearer);
	for (size_t i = 0; i < count; i++)
		headers->rows[headers->count++] = given[i];
	free(bearer);
}

static unsigned time_left(const struct exchange *exchange)
{
	uint64_t now = loop_now_ms(exchange->wire->loop);

	if (exchange->until_ms == 0)
		return FOREVER_MS;
	return exchange->until_ms > now ? (unsigned)(exchange->until_ms - now) : 1;
}

static void begin_call(struct exchange *exchange)
{
	struct err none = { 0 };

	exchange->body = BODY_UNKNOWN;
	exchange->heard = false;
	exchange->err = none;
	buf_free(&exchange->json);
	sse_finish(&exchange->sse);
	exchange->sse = (struct sse){ .line_max = MCP_MESSAGE_MAX };
}

static const char *method_of(const struct exchange *exchange)
{
	if (exchange->kind == EXCHANGE_DELETE)
		return "DELETE";
	return exchange->kind == EXCHANGE_POST && !exchange->resumes ? "POST" : "GET";
}

void exchange_go(struct exchange *exchange)
{
	struct wire *wire = exchange->wire;
	bool post = exchange->kind == EXCHANGE_POST, body = post && !exchange->resumes;
	struct headers headers;

	begin_call(exchange);
	make_headers(exchange, &headers);
	exchange->call = http_start(wire->http,
				    &(struct http_call){
					    .method = method_of(exchange),
					    .url = post && wire->old ? wire->endpoint : wire->config->url,
					    .headers = headers.rows,
					    .body = body ? exchange->text : NULL,
					    .body_len = body ? exchange->len : 0,
					    .total_ms = time_left(exchange),
					    .answer_max = exchange->until_ms ? HTTP_STREAM_MAX : SIZE_MAX / 2,
				    },
				    exchange_data, exchange_done, exchange, 0);
	for (size_t i = 0; i < headers.owned; i++)
		free(headers.own[i]);
	free(headers.rows);
}

/* initialize and initialized are alone on their way: what follows must not overtake them. */
static bool blocked(const struct wire *wire)
{
	const struct exchange *one;

	if (wire->old && !wire->endpoint)
		return true;
	DL_FOREACH (wire->running, one) {
		if ((one->initialize || one->initialized) && !one->answered)
			return true;
	}
	return false;
}

static void send_off(struct exchange *exchange)
{
	exchange_move(exchange, false);
	exchange_go(exchange);
	if (exchange->initialize)
		return;
	free(exchange->text);
	exchange->text = NULL;
	exchange->len = 0;
}

void wire_pump(struct wire *wire)
{
	struct exchange *one, *next;
	bool stop = blocked(wire);

	DL_FOREACH_SAFE(wire->waiting, one, next)
	{
		bool barrier = one->initialize || one->initialized;

		if (stop && !(one->reply && (wire->endpoint || !wire->old)))
			continue;
		send_off(one);
		stop |= barrier;
	}
}

/* ---- wire_ops -------------------------------------------------------------------------------------------------- */

static struct wire *http_open(const struct wire_options *options, const struct wire_events *events,
			      void *owner, struct err *err)
{
	struct wire *wire;

	if (options->http == NULL || options->config->url == NULL) {
		err_set(err, ERR_BUG, "no way out over HTTP");
		return NULL;
	}
	wire = mem_zero(1, sizeof(*wire));
	*wire = (struct wire){ .loop = io_loop(options->io),
			       .http = options->http,
			       .log = options->log,
			       .config = options->config,
			       .events = events,
			       .owner = owner };
	wire->timer = loop_timer_create(wire->loop, on_closed, wire);
	return wire;
}

static bool is(const struct wire_note *note, const char *method)
{
	return note->method && strcmp(note->method, method) == 0;
}

static char **copy_of(const char *const *rows)
{
	size_t count = 0;
	char **copy;

	while (rows && rows[count])
		count++;
	if (count == 0)
		return NULL;
	copy = mem_zero(count + 1, sizeof(char *));
	for (size_t i = 0; i < count; i++)
		copy[i] = mem_text(rows[i]);
	return copy;
}

static bool http_send(struct wire *wire, const char *text, size_t len, const struct wire_note *note)
{
	struct exchange *exchange;

	if (wire->closing || wire->down || wire->count >= HTTP_EXCHANGES_MAX ||
	    wire->waiting_bytes + len > HTTP_WAITING_MAX)
		return false;
	exchange = exchange_create(wire, EXCHANGE_POST);
	exchange->id = note->id;
	exchange->initialize = is(note, "initialize");
	exchange->initialized = is(note, "notifications/initialized");
	exchange->reply = note->method == NULL;
	exchange->headers = copy_of(note->headers);
	exchange->text = mem_text_n(text, len);
	exchange->len = len;
	exchange->until_ms =
		loop_now_ms(wire->loop) + (note->id ? note->total_ms + HTTP_SLACK_MS : HTTP_NOTE_MS);
	wire->waiting_bytes += len;
	wire_pump(wire);
	return true;
}

static void http_agreed(struct wire *wire, const char *version)
{
	if (status_header_fits(version) && strlen(version) < sizeof(wire->version))
		memcpy(wire->version, version, strlen(version) + 1);
}

static struct exchange *find(struct exchange *list, int64_t id)
{
	struct exchange *one;

	DL_FOREACH (list, one) {
		if (one->id == id)
			return one;
	}
	return NULL;
}

static void http_forget(struct wire *wire, int64_t id)
{
	struct exchange *exchange = id ? find(wire->running, id) : NULL;

	if (exchange == NULL && id)
		exchange = find(wire->waiting, id);
	if (exchange == NULL)
		return;
	exchange_drop(exchange);
	wire_pump(wire);
}

static void http_close(struct wire *wire)
{
	struct exchange *goodbye;

	if (wire->closing || wire->down)
		return;
	wire->closing = true;
	drop_all(wire);
	if (wire->session == NULL || wire->old) {
		loop_timer_start(wire->timer, 0, 0);
		return;
	}
	goodbye = exchange_create(wire, EXCHANGE_DELETE);
	goodbye->until_ms = loop_now_ms(wire->loop) + HTTP_DELETE_MS;
	send_off(goodbye);
}

static void http_destroy_wire(struct wire *wire)
{
	if (wire == NULL)
		return;
	wire->dead = true;
	drop_all(wire);
	loop_timer_destroy(wire->timer);
	log_unhide(wire->session);
	free(wire->session);
	free(wire->endpoint);
	wire->session = wire->endpoint = NULL;
	wire_enter(wire);
	wire_leave(wire);
}

const struct wire_ops wire_http = {
	.name = "http",
	.open = http_open,
	.send = http_send,
	.agreed = http_agreed,
	.forget = http_forget,
	.close = http_close,
	.destroy = http_destroy_wire,
};
