#include "stage_http.h"
#include "io.h"
#include "mem.h"
#include <stdio.h>
#include <strings.h>

static struct net_stage *now_open;
static struct loop *the_loop;

uint64_t net_http_start(struct http *http, const struct http_call *call, http_data_fn *on_data,
			http_done_fn *on_done, void *owner, uint64_t ticket);
void net_http_cancel(struct http *http, uint64_t id);
const char *net_http_header(const struct http_answer *answer, const char *name);
char *net_http_header_all(const struct http_answer *answer, const char *name);
const char *net_http_header_of(const struct http *http, uint64_t id, const char *name);
struct loop *net_io_loop(struct io *io);

/* ---- in the places of io's own ------------------------------------------------------------------------------------ */

uint64_t net_http_start(struct http *http, const struct http_call *call, http_data_fn *on_data,
			http_done_fn *on_done, void *owner, uint64_t ticket)
{
	struct net_stage *stage = now_open;
	struct buf headers = { 0 };

	(void)http;
	assert_true(stage->count < NET_CALLS);
	assert_int_equal(ticket, 0);
	for (size_t i = 0; call->headers[i]; i++)
		buf_format(&headers, "%s\n", call->headers[i]);
	stage->calls[stage->count++] = (struct net_call){
		.line = mem_format("%s %s", call->method, call->url),
		.headers = buf_take(&headers),
		.body = call->body ? mem_text_n(call->body, call->body_len) : mem_text(""),
		.total_ms = call->total_ms,
		.data = on_data,
		.done = on_done,
		.owner = owner,
		.at = stage_loop_now(),
	};
	return stage->count;
}

void net_http_cancel(struct http *http, uint64_t id)
{
	(void)http;
	assert_in_range(id, 1, now_open->count);
	now_open->calls[id - 1].ended = now_open->calls[id - 1].cancelled = true;
}

static const char *header(const char *name)
{
	static char value[2000];
	size_t len = strlen(name);

	for (const char *at = now_open->headers; at && *at; at = strchr(at, '\n') + 1) {
		if (strncasecmp(at, name, len) != 0 || strncmp(at + len, ": ", 2) != 0)
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + len + 2, "\n"), at + len + 2);
		return value;
	}
	return NULL;
}

const char *net_http_header(const struct http_answer *answer, const char *name)
{
	(void)answer;
	return header(name);
}

char *net_http_header_all(const struct http_answer *answer, const char *name)
{
	(void)answer;
	return mem_text(header(name));
}

const char *net_http_header_of(const struct http *http, uint64_t id, const char *name)
{
	(void)http;
	assert_false(now_open->calls[id - 1].ended);
	return header(name);
}

struct loop *net_io_loop(struct io *io)
{
	(void)io;
	return the_loop;
}

/* ---- what the wire tells -------------------------------------------------------------------------------------------- */

static void react(struct net_stage *stage)
{
	struct wire *wire = stage->wire;

	if (stage->forgets)
		wire_http.forget(wire, stage->forgets);
	stage->forgets = 0;
	if (!stage->destroys)
		return;
	stage->destroys = false;
	stage->wire = NULL;
	wire_http.destroy(wire);
}

static void on_message(void *owner, json_t *message)
{
	struct net_stage *stage = owner;
	char *text = json_write(message);

	buf_format(&stage->seen, "message %s\n", text);
	free(text);
	react(stage);
}

static void on_lost(void *owner, int64_t id, const struct err *err)
{
	struct net_stage *stage = owner;

	buf_format(&stage->seen, "lost %lld %s: %s\n", (long long)id, err_kind_name(err->kind), err->text);
	react(stage);
}

static void on_down(void *owner, enum wire_end how, const struct err *err)
{
	static const char *const names[] = { "ended", "expired", "closed", "refused" };
	struct net_stage *stage = owner;

	buf_format(&stage->seen, "down %s: %s\n", names[how], err->text);
	react(stage);
}

static const struct wire_events events = { .message = on_message, .lost = on_lost, .down = on_down };

/* ---- the stage ------------------------------------------------------------------------------------------------------ */

struct net_stage *net_open(void)
{
	struct net_stage *stage = mem_zero(1, sizeof(*stage));
	struct wire_options options = { .http = (struct http *)stage, .config = &stage->config };
	struct err err = { 0 };

	now_open = stage;
	the_loop = stage_loop_open();
	stage->given[0] = "X-Team: red";
	stage->config.url = "http://a.example/mcp";
	stage->config.token = "swordfish-1";
	stage->config.headers = stage->given;
	stage->wire = wire_http.open(&options, &events, stage, &err);
	assert_non_null(stage->wire);
	return stage;
}

void net_close(struct net_stage *stage)
{
	wire_http.destroy(stage->wire);
	for (size_t i = 0; i < stage->count; i++) {
		assert_true(stage->calls[i].ended);
		free(stage->calls[i].line);
		free(stage->calls[i].headers);
		free(stage->calls[i].body);
	}
	stage_loop_close();
	buf_free(&stage->seen);
	free(stage);
}

bool net_send(struct net_stage *stage, const char *text, int64_t id, const char *method)
{
	struct wire_note note = { .id = id, .method = method, .total_ms = id ? 60000 : 0 };

	return wire_http.send(stage->wire, text, strlen(text), &note);
}

void net_begin(struct net_stage *stage, const char *session)
{
	char headers[200];

	snprintf(headers, sizeof(headers), "%s%s%s%s", JSON, session ? "Mcp-Session-Id: " : "",
		 session ? session : "", session ? "\n" : "");
	assert_true(net_send(stage, "{\"id\":1}", 1, "initialize"));
	net_answer(stage, 1, 200, headers, "{\"id\":1,\"result\":{}}");
	wire_http.agreed(stage->wire, "2025-06-18");
	assert_true(net_send(stage, "{\"method\":\"notifications/initialized\"}", 0,
			     "notifications/initialized"));
	net_answer(stage, 2, 202, "", "");
	assert_int_equal(stage->count, 3);
	net_seen(stage);
}

void net_call_tool(struct net_stage *stage, int64_t id)
{
	char text[40];

	snprintf(text, sizeof(text), "{\"id\":%lld}", (long long)id);
	assert_true(net_send(stage, text, id, "tools/call"));
}

static struct net_call *open_call(struct net_stage *stage, size_t n)
{
	assert_in_range(n, 1, stage->count);
	assert_false(stage->calls[n - 1].ended);
	return &stage->calls[n - 1];
}

bool net_data(struct net_stage *stage, size_t n, const char *headers, const char *bytes)
{
	struct net_call *call = open_call(stage, n);

	stage->headers = headers;
	return call->data(call->owner, 0, bytes, strlen(bytes));
}

static void end(struct net_stage *stage, size_t n, const char *headers, struct http_answer *answer)
{
	struct net_call *call = open_call(stage, n);
	const char *type;

	stage->headers = headers;
	type = header("Content-Type");
	answer->type = type ? type : "";
	answer->retry_after_ms = -1;
	call->ended = true;
	call->done(call->owner, 0, answer);
}

void net_end(struct net_stage *stage, size_t n, int status, const char *headers, const char *body)
{
	end(stage, n, headers,
	    &(struct http_answer){
		    .how = HTTP_ANSWERED, .status = status, .body = body, .len = strlen(body) });
}

void net_break(struct net_stage *stage, size_t n, enum http_how how, const char *why)
{
	struct http_answer answer = { .how = how, .body = "", .status = how == HTTP_MAYBE ? 200 : 0 };

	err_set(&answer.err, how == HTTP_NOT_SENT ? ERR_AGAIN : ERR_UNSURE, "%s", why);
	end(stage, n, EVENTS, &answer);
}

void net_answer(struct net_stage *stage, size_t n, int status, const char *headers, const char *body)
{
	bool success = status >= 200 && status < 300;

	if (success && *body && !net_data(stage, n, headers, body)) {
		if (!stage->calls[n - 1].ended)
			net_break(stage, n, HTTP_MAYBE, "stopped while reading the answer");
		return;
	}
	if (!stage->calls[n - 1].ended)
		net_end(stage, n, status, headers, success ? "" : body);
}

const char *net_seen(struct net_stage *stage)
{
	static char text[20000];

	snprintf(text, sizeof(text), "%s", buf_str(&stage->seen));
	buf_clear(&stage->seen);
	return text;
}

bool net_has(const struct net_stage *stage, size_t n, const char *header_line)
{
	char line[2000];

	assert_in_range(n, 1, stage->count);
	snprintf(line, sizeof(line), "%s\n", header_line);
	return strstr(stage->calls[n - 1].headers, line) != NULL;
}
