/* What goes back: whole answers, answers in pieces, and the server's own refusals. */
#include "json.h"
#include "log.h"
#include "web_room.h"
#include <http_parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { SCRATCH_KEEP = 65536, EXTRA_MAX = 16384 };

static const struct log log_web = { .name = "web" };

static void add_number(struct buf *out, size_t number)
{
	char digits[24];

	buf_add(out, digits, (size_t)snprintf(digits, sizeof(digits), "%zu", number));
}

/* Formatted once a second. */
static const char *date_line(struct web *web)
{
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec != web->date_second) {
		web->date_second = now.tv_sec;
		gmtime_r(&now.tv_sec, &utc);
		strftime(web->date, sizeof(web->date), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
	}
	return web->date;
}

static void add_status(struct buf *out, int status)
{
	const char *reason = http_status_str((enum http_status)status);

	buf_text(out, "HTTP/1.1 ");
	add_number(out, (size_t)status);
	buf_text(out, " ");
	buf_text(out, strcmp(reason, "<unknown>") == 0 ? "" : reason);
	buf_text(out, "\r\n");
}

/* Everything of the head but what frames the body and the empty line. Returns the server's scratch buffer. */
static struct buf *begin(struct web_request *request, int status, const char *type)
{
	struct conn *conn = request->conn;
	struct buf *out = &conn->web->scratch;

	buf_clear(out);
	add_status(out, status);
	buf_text(out, date_line(conn->web));
	if (type != NULL) {
		buf_text(out, "Content-Type: ");
		buf_text(out, type);
		buf_text(out, "\r\n");
	}
	buf_text(out, "X-Content-Type-Options: nosniff\r\n");
	if (request->extra.len > 0)
		buf_add(out, request->extra.data, request->extra.len);
	conn->closes = conn->closes || conn->unread || conn->web->draining;
	if (conn->closes)
		buf_text(out, "Connection: close\r\n");
	return out;
}

static void send_scratch(struct conn *conn)
{
	struct buf *out = &conn->web->scratch;

	conn_write(conn, out->data, out->len);
	if (out->room > SCRATCH_KEEP)
		buf_free(out);
}

static bool header_allowed(const char *text, const char *forbidden)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f || strchr(forbidden, *text) != NULL)
			return false;
	}
	return true;
}

void web_add_header(struct web_request *request, const char *name, const char *value)
{
	/* A value made from foreign text must not become a header line of its own. */
	if (!header_allowed(name, ": ") || *name == '\0' || !header_allowed(value, "") ||
	    request->extra.len + strlen(name) + strlen(value) > EXTRA_MAX) {
		log_warn(&log_web, "answer header left out: it has control characters or is too long");
		return;
	}
	buf_text(&request->extra, name);
	buf_text(&request->extra, ": ");
	buf_text(&request->extra, value);
	buf_text(&request->extra, "\r\n");
}

static bool without_body(int status)
{
	return status < 200 || status == 204 || status == 304;
}

void web_answer(struct web_request *request, int status, const char *type, const void *body, size_t len)
{
	struct conn *conn = request->conn;
	struct buf *out = begin(request, status, type);

	if (!without_body(status)) {
		buf_text(out, "Content-Length: ");
		add_number(out, len);
		buf_text(out, "\r\n");
	}
	buf_text(out, "\r\n");
	if (len > 0 && !request->is_head && !without_body(status))
		buf_add(out, body, len);
	request_free(request);
	send_scratch(conn);
	conn_answered(conn);
}

void web_answer_file(struct web_request *request, const char *type, int fd, int64_t size)
{
	struct conn *conn = request->conn;
	struct buf *out = begin(request, 200, type);
	bool is_head = request->is_head;

	buf_format(out, "Content-Length: %lld\r\n\r\n", (long long)size);
	request_free(request);
	send_scratch(conn);
	conn_write_file(conn, fd, is_head ? 0 : size);
	conn_answered(conn);
}

void web_answer_json(struct web_request *request, int status, const char *json)
{
	web_answer(request, status, "application/json", json, strlen(json));
}

static void add_error(struct buf *out, const char *code, const char *message)
{
	buf_text(out, "{\"error\":{\"code\":");
	json_quote(out, code, strlen(code));
	buf_text(out, ",\"message\":");
	json_quote(out, message, strlen(message));
	buf_text(out, "}}");
}

void web_answer_error(struct web_request *request, int status, const char *code, const char *fmt, ...)
{
	struct buf body = { 0 };
	char *message;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	add_error(&body, code, message == NULL ? "" : message);
	free(message);
	web_answer(request, status, "application/json", body.data, body.len);
	buf_free(&body);
}

/* When the body was not read, what follows on this connection can't be told apart from it. */
void answer_fault(struct web_request *request, const struct web_fault *fault)
{
	struct conn *conn = request->conn;

	if (fault->status == 405) {
		struct buf allow = request->extra;

		request->extra = (struct buf){ 0 };
		web_add_header(request, "Allow", buf_str(&allow));
		buf_free(&allow);
	}
	if (fault->status == 503)
		web_add_header(request, "Retry-After", "1");
	if (conn->unread)
		conn->closes = true;
	web_answer_error(request, fault->status, fault->code, "%s", fault->text);
}

void answer_continue(struct conn *conn)
{
	char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

	conn_write(conn, line, sizeof(line) - 1);
}

/* ---- in pieces ----------------------------------------------------------------------------------------- */

void web_stream(struct web_request *request, int status, const char *type)
{
	struct conn *conn = request->conn;
	struct buf *out;

	if (!request->head.one_one)
		conn->closes = true; /* the end of the connection ends the answer */
	request->streams = true;
	request->chunks = request->head.one_one && !request->is_head;
	request->pings = strncasecmp(type, "text/event-stream", 17) == 0;
	out = begin(request, status, type);
	if (request->head.one_one)
		buf_text(out, "Transfer-Encoding: chunked\r\n");
	buf_text(out, "\r\n");
	conn_to(conn, CONN_STREAM);
	conn->sent_ms = conn->since_ms;
	send_scratch(conn);
}

bool web_write(struct web_request *request, const void *data, size_t len)
{
	struct conn *conn = request->conn;
	struct buf *out = &conn->web->scratch;

	if (conn->state == CONN_CLOSED)
		return false;
	if (conn->out.len + len > WEB_BACKLOG_MAX) {
		conn_close(conn);
		return false;
	}
	if (len == 0 || request->is_head)
		return true;
	buf_clear(out);
	if (request->chunks)
		buf_format(out, "%zx\r\n", len);
	buf_add(out, data, len);
	if (request->chunks)
		buf_text(out, "\r\n");
	conn_touch(conn);
	send_scratch(conn);
	return conn->state != CONN_CLOSED;
}

void web_end(struct web_request *request)
{
	struct conn *conn = request->conn;
	bool chunks = request->chunks;
	char last[] = "0\r\n\r\n";

	request_free(request);
	if (chunks)
		conn_write(conn, last, sizeof(last) - 1);
	conn_answered(conn);
}

void answer_ping(struct conn *conn)
{
	static const char ping[] = ": ping\n\n";

	if (conn->request->pings)
		web_write(conn->request, ping, sizeof(ping) - 1);
}
