/* One HTTP call to a model's server: sent, its stream decoded as it comes, its end judged. */
#include "remote.h"
#include "clock.h"
#include "http.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	CONNECT_MS = 10 * 1000,
	FIRST_BYTE_S = 120,
	STREAM_BYTES_MAX =
		64 * 1024 * 1024,    /* a long answer in one-token events is a hundred times its text */
	NO_PROGRESS_MS = 180 * 1000, /* pings keep a stream open, they do not make it an answer */
	CLOSE_GRACE_MS = 2000,	     /* for servers that say [DONE] and keep the connection open */
};

/* ---- the end of a call --------------------------------------------------------------------------------- */

static void forget(struct remote_call *call)
{
	buf_free(&call->request);
	buf_free(&call->body);
	buf_free(&call->line);
	sse_finish(&call->sse);
	reply_finish(&call->reply);
	free(call);
}

static struct remote_call *call_of(struct remote *remote, uint64_t ticket)
{
	struct remote_call *call;

	HASH_FIND(hh, remote->calls, &ticket, sizeof(ticket), call);
	return call;
}

static enum llm_fault fault_of(const struct remote *remote, const struct reply_error *error, int status,
			       const char *should_retry, const char *body)
{
	return (remote->dialect->fault ? remote->dialect->fault : reply_fault)(error, status, should_retry,
									       body);
}

/* Tells the end and forgets the call; the host may ask anew from in there. */
static void tell(struct remote_call *call, struct llm_reply *reply, const char *request_id)
{
	struct remote *remote = call->remote;
	struct llm_call *calls = mem_zero(call->reply.call_count, sizeof(*calls));
	struct buf raw = { 0 };

	for (size_t i = 0; i < call->reply.call_count; i++)
		calls[i] = (struct llm_call){ call->reply.calls[i].id, call->reply.calls[i].name,
					      buf_str(&call->reply.calls[i].arguments) };
	remote->dialect->raw(&call->reply, &raw);
	reply->text = buf_str(&call->reply.text);
	reply->calls = calls;
	reply->call_count = call->reply.call_count;
	reply->input_tokens = call->reply.has_usage ? call->reply.input_tokens : -1;
	reply->output_tokens = call->reply.has_usage ? call->reply.output_tokens : -1;
	reply->cached_tokens = call->reply.has_usage ? call->reply.cached_tokens : -1;
	reply->written_tokens = call->reply.has_usage ? call->reply.written_tokens : -1;
	reply->reasoning_tokens = call->reply.has_usage ? call->reply.reasoning_tokens : -1;
	reply->cost_micros = call->reply.has_cost ? call->reply.cost_micros : -1;
	reply->raw = buf_str(&raw);
	reply->request_id = request_id ? request_id : call->reply.id;
	reply->first_token_ms = call->first_token_ms;
	reply->latency_ms = (int64_t)(loop_now_ms(remote->host.loop) - call->began_ms);
	HASH_DEL(remote->calls, call);
	remote->host.done(remote->host.owner, call->ticket, reply);
	buf_free(&raw);
	free(calls);
	forget(call);
}

static void succeed(struct remote_call *call, const char *request_id)
{
	struct llm_reply reply = { .stop = call->reply.stop };

	if (call->reply.too_long)
		reply.stop = LLM_STOP_LENGTH;
	else if (call->reply.refusal)
		reply.stop = LLM_STOP_REFUSED;
	else if (call->reply.call_count > 0 && reply.stop != LLM_STOP_LENGTH)
		reply.stop = LLM_STOP_TOOLS; /* their presence counts, servers say "stop" too */
	else if (call->reply.call_count == 0 && reply.stop == LLM_STOP_TOOLS)
		reply.stop = LLM_STOP_END;
	tell(call, &reply, request_id);
}

static void fail(struct remote_call *call, enum llm_fault fault, const struct err *err, int64_t retry_ms,
		 const char *request_id)
{
	struct llm_reply reply = { .err = *err, .fault = fault };

	if (reply.err.kind == ERR_NONE)
		err_set(&reply.err, ERR_AGAIN, "the model's server gave no usable answer");
	if (retry_ms > 0)
		reply.retry_ms = retry_ms < UINT32_MAX ? (unsigned)retry_ms : UINT32_MAX;
	tell(call, &reply, request_id);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static bool on_event(void *owner, const char *event, const char *data, size_t len)
{
	struct remote_call *call = owner;

	return call->remote->dialect->event(&call->reply, event, data, len, &call->err) &&
	       !call->reply.too_long;
}

/* JSON or HTML although a stream was asked for: told by its first character. */
static void recognise(struct remote_call *call, const char *data, size_t len)
{
	size_t i = 0;

	while (i < len && strchr(" \t\r\n", data[i]))
		i++;
	if (i < len)
		call->form = strchr(call->remote->dialect->lines ? "[<" : "{[<", data[i]) ? REMOTE_BODY
											  : REMOTE_STREAM;
}

static void pass_on(struct remote_call *call)
{
	struct remote *remote = call->remote;
	size_t from = call->shown, len = call->reply.text.len - from;

	if ((len > 0 || call->reply.call_count > 0) && call->first_token_ms < 0)
		call->first_token_ms = (int64_t)(loop_now_ms(remote->host.loop) - call->began_ms);
	if (len == 0)
		return;
	call->shown = call->reply.text.len;
	remote->host.part(remote->host.owner, call->ticket, call->reply.text.data + from, len);
}

/* One JSON text a line. */
static bool feed_lines(struct remote_call *call, const char *data, size_t len)
{
	const char *end = data + len;
	bool more = true;

	while (data < end && more) {
		const char *lf = memchr(data, '\n', (size_t)(end - data));
		size_t piece = (size_t)((lf ? lf : end) - data);

		if (call->line.len + piece > REMOTE_LINE_MAX)
			return err_set(&call->err, ERR_UNSURE, "the server's stream has a line over %d bytes",
				       REMOTE_LINE_MAX);
		buf_add(&call->line, data, piece);
		data += piece + 1;
		if (lf) {
			more = on_event(call, "", buf_str(&call->line), call->line.len);
			buf_clear(&call->line);
		}
	}
	return more;
}

/* What the model has made so far, shown or not. */
static size_t made(const struct reply *reply)
{
	return reply->content_bytes + reply->reasoning.len + reply->argument_bytes;
}

static bool read_stream(struct remote_call *call, const char *data, size_t len)
{
	size_t before = made(&call->reply);
	uint64_t now = loop_now_ms(call->remote->host.loop);
	bool more = call->remote->dialect->lines ? feed_lines(call, data, len)
						 : sse_feed(&call->sse, data, len, on_event, call);

	if (made(&call->reply) != before)
		call->progress_ms = now;
	if (call->sse.dead && call->err.kind == ERR_NONE && !call->reply.too_long)
		err_set(&call->err, ERR_UNSURE, "the server's stream has a line over %d bytes",
			REMOTE_LINE_MAX);
	if (more && now - call->progress_ms > NO_PROGRESS_MS)
		more = err_set(&call->err, ERR_UNSURE,
			       "the server sent nothing but signs of life for %d seconds",
			       NO_PROGRESS_MS / 1000);
	return more;
}

static bool on_data(void *owner, uint64_t ticket, const char *data, size_t len)
{
	struct remote *remote = owner;
	struct remote_call *call;
	bool more;

	HASH_FIND(hh, remote->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return false;
	if (call->form == REMOTE_UNKNOWN)
		recognise(call, data, len);
	if (call->form == REMOTE_BODY) {
		if (call->body.len + len > REMOTE_BODY_MAX)
			return err_set(&call->err, ERR_UNSURE, "the server's answer is over %d bytes",
				       REMOTE_BODY_MAX);
		buf_add(&call->body, data, len);
		return true;
	}
	more = read_stream(call, data, len);
	if (call->reply.ended && call->ended_ms == 0) {
		call->ended_ms = loop_now_ms(remote->host.loop);
		loop_timer_start(remote->closing, CLOSE_GRACE_MS, 0);
	}
	/* Last, for the host may cancel this call in there. */
	pass_on(call);
	return more;
}

/* ---- judging the end ----------------------------------------------------------------------------------- */

static void name_error(struct err *err, enum err_kind kind, int status, const struct reply_error *error,
		       const char *type)
{
	const char *html = type && strcasestr(type, "html") ? " with an HTML page" : "";

	if (error->message && status > 0)
		err_set(err, kind, "the model's server answered %d: %s", status, error->message);
	else if (error->message)
		err_set(err, kind, "the model's server broke off: %s", error->message);
	else
		err_set(err, kind, "the model's server answered %d%s", status, html);
}

static void refused(struct remote_call *call, const struct http_answer *answer);

/* A 200 that is no answer: an error inside, HTML, nothing at all, or a stream that ended too early. */
static void fail_within(struct remote_call *call, const struct http_answer *answer)
{
	enum llm_fault fault = LLM_FAULT_TRANSIENT;
	struct err err = call->err;
	int64_t hint = -1;

	if (call->reply.failed) {
		fault = fault_of(call->remote, &call->reply.error, 0, NULL, NULL);
		hint = reply_hint_ms(call->reply.error.message);
		name_error(&err, fault == LLM_FAULT_TRANSIENT ? ERR_UNSURE : ERR_REFUSED, 0,
			   &call->reply.error, NULL);
		if (call->reply.error.message == NULL)
			err_set(&err, ERR_UNSURE, "the model's server broke off with an error");
	} else if (answer->how != HTTP_ANSWERED && err.kind == ERR_NONE) {
		err = answer->err;
		if (err.kind == ERR_NONE)
			err_set(&err, ERR_UNSURE, "the connection broke off");
		err.kind = answer->how == HTTP_MAYBE ? ERR_UNSURE : err.kind;
		if (answer->how == HTTP_NOT_SENT && err.kind == ERR_REFUSED)
			fault = LLM_FAULT_REFUSED;
	} else if (err.kind == ERR_NONE) {
		err_set(&err, ERR_UNSURE,
			call->form == REMOTE_UNKNOWN ? "the model's server sent an empty answer"
						     : "the model's answer broke off");
	}
	fail(call, fault, &err, hint, answer->request_id);
}

static void read_body(struct remote_call *call, const struct http_answer *answer)
{
	const char *body = buf_str(&call->body);

	if (body[strspn(body, " \t\r\n")] == '<') {
		err_set(&call->err, ERR_AGAIN, "the model's server answered with an HTML page");
		return;
	}
	if (answer->how == HTTP_ANSWERED && call->err.kind == ERR_NONE)
		call->remote->dialect->body(&call->reply, body, call->body.len, &call->err);
}

/* Of a connection that broke, the last line is half a line: not being readable is not its fault. */
static void end_stream(struct remote_call *call, bool complete)
{
	if (call->line.len > 0)
		on_event(call, "", buf_str(&call->line), call->line.len);
	sse_end(&call->sse, on_event, call);
	if (!complete)
		call->err = (struct err){ 0 };
}

static void on_done(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct remote *remote = owner;
	struct remote_call *call;
	bool whole;

	HASH_FIND(hh, remote->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return;
	call->http = 0;
	if (answer->how == HTTP_ANSWERED && (answer->status < 200 || answer->status > 299)) {
		refused(call, answer);
		return;
	}
	if (call->form == REMOTE_BODY)
		read_body(call, answer);
	else if (call->err.kind == ERR_NONE && !call->reply.too_long)
		end_stream(call, answer->how == HTTP_ANSWERED);
	/* A finish_reason is as good as [DONE]: several servers never send that. */
	whole = call->reply.ended || call->reply.finished || call->reply.too_long;
	if (!whole || call->reply.failed || (call->err.kind != ERR_NONE && !call->reply.finished)) {
		fail_within(call, answer);
		return;
	}
	reply_said(&call->reply);
	pass_on(call);
	HASH_FIND(hh, remote->calls, &ticket, sizeof(ticket), call);
	if (call) /* unless cancelled while the last part was passed on */
		succeed(call, answer->request_id);
}

/* Connections that stay open after [DONE]: the answer is there, so it is given. */
static void close_ended(void *data)
{
	struct remote *remote = data;
	struct http_answer answer = { .how = HTTP_ANSWERED, .status = 200 };
	uint64_t now = loop_now_ms(remote->host.loop), wait = 0;

	for (struct remote_call *call = remote->calls; call; call = call->hh.next) {
		if (call->ended_ms == 0)
			continue;
		if (now - call->ended_ms < CLOSE_GRACE_MS) {
			wait = CLOSE_GRACE_MS;
			continue;
		}
		http_cancel(remote->host.http, call->http);
		on_done(remote, call->ticket, &answer);
		wait = 1; /* the table may have changed: look again */
		break;
	}
	if (wait > 0)
		loop_timer_start(remote->closing, wait, 0);
}

/* ---- sending ------------------------------------------------------------------------------------------- */

static size_t put_headers(const struct remote *remote, const char **headers)
{
	size_t count = 0;

	while (count < remote->header_count) {
		headers[count] = remote->headers[count];
		count++;
	}
	return count;
}

void remote_send(struct remote_call *call)
{
	struct remote *remote = call->remote;
	const char *headers[REMOTE_HEADERS_MAX + 3];
	size_t count = put_headers(remote, headers);
	struct http_call http = {
		.method = "POST",
		.url = remote->url,
		.headers = headers,
		.body = call->request.data,
		.body_len = call->request.len,
		.connect_ms = CONNECT_MS,
		.first_byte_ms = remote->first_byte_ms,
		.idle_ms = remote->stream ? remote->idle_ms : 0, /* without a stream silence is normal */
		.total_ms = remote->total_ms,
		.answer_max = STREAM_BYTES_MAX,
		.ca_file = remote->ca_file,
	};

	headers[count++] = "Content-Type: application/json";
	headers[count++] = remote->stream && !remote->dialect->lines
				   ? "Accept: text/event-stream, application/json"
				   : "Accept: application/json";
	headers[count] = NULL;
	call->progress_ms = loop_now_ms(remote->host.loop);
	call->http = http_start(remote->host.http, &http, on_data, on_done, remote, call->ticket);
}

/* Whether the pipeline is to ask anew. Others of this model's requests may have been on their way in the old form when it was
 * changed: what they are refused for may be gone. */
static bool adapted(struct remote_call *call, const struct reply_error *error)
{
	struct remote *remote = call->remote;

	if (call->form_of != remote->changes)
		return true;
	if (remote->dialect->adapt == NULL || !remote->dialect->adapt(remote->llm, call, error))
		return false;
	remote->changes++;
	log_info(remote->host.log, "the model's server does not take a parameter and is asked again: %s",
		 error->message ? error->message : "");
	return true;
}

/* An error status: perhaps a parameter this server does not take, else what the error says. */
static void refused(struct remote_call *call, const struct http_answer *answer)
{
	struct remote *remote = call->remote;
	const char *body = answer->body ? answer->body : "";
	struct reply_error error = { 0 };
	enum llm_fault fault;
	struct err err = { 0 };
	int64_t hint = answer->retry_after_ms;

	reply_error_read(&error, body, answer->len);
	fault = fault_of(remote, &error, answer->status, answer->should_retry, body);
	if (hint < 0)
		hint = reply_hint_ms(error.message);
	name_error(&err, fault == LLM_FAULT_TRANSIENT || fault == LLM_FAULT_LIMITED ? ERR_AGAIN : ERR_REFUSED,
		   answer->status, &error, answer->type);
	if (((fault == LLM_FAULT_REFUSED && (answer->status == 400 || answer->status == 422)) ||
	     answer->status == 404) &&
	    adapted(call, &error))
		fault = LLM_FAULT_ANEW;
	fail(call, fault, &err, hint, answer->request_id);
	reply_error_finish(&error);
}

struct remote_call *remote_call_new(struct remote *remote, const struct llm_request *request, uint64_t ticket)
{
	struct remote_call *call = mem_zero(1, sizeof(*call));

	call->remote = remote;
	call->ticket = ticket;
	call->form_of = remote->changes;
	call->sse.line_max = REMOTE_LINE_MAX;
	call->first_token_ms = -1;
	call->began_ms = loop_now_ms(remote->host.loop);
	if (request)
		call->params = (struct remote_params){ remote->stream, request->temperature,
						       request->max_output_tokens };
	HASH_ADD(hh, remote->calls, ticket, sizeof(call->ticket), call);
	return call;
}

void remote_cancel(struct remote *remote, uint64_t ticket)
{
	struct remote_call *call = call_of(remote, ticket);

	if (call == NULL)
		return;
	HASH_DEL(remote->calls, call);
	http_cancel(remote->host.http, call->http);
	forget(call);
}

/* ---- doctor -------------------------------------------------------------------------------------------- */

static void on_checked(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct remote *remote = owner;
	struct reply_error error = { 0 };
	struct err err = { 0 };
	struct remote_call *call = call_of(remote, ticket);
	int64_t skew = answer->date_ms > 0 ? answer->date_ms - clock_wall_ms() : 0;

	if (call == NULL)
		return;
	HASH_DEL(remote->calls, call);
	forget(call);
	if (answer->how != HTTP_ANSWERED) {
		err = answer->err;
		if (err.kind == ERR_NONE)
			err_set(&err, ERR_AGAIN, "%s could not be reached", remote->check_url);
	} else if (answer->status < 200 || answer->status > 299) {
		reply_error_read(&error, answer->body ? answer->body : "", answer->len);
		name_error(&err, answer->status >= 500 ? ERR_AGAIN : ERR_REFUSED, answer->status, &error,
			   answer->type);
	}
	reply_error_finish(&error);
	remote->host.checked(remote->host.owner, ticket, &err, skew);
}

static bool ignore_data(void *owner, uint64_t ticket, const char *data, size_t len)
{
	(void)owner;
	(void)ticket;
	(void)data;
	(void)len;
	return true; /* the list of models may be long; only the status matters */
}

void remote_check(struct remote *remote, uint64_t ticket)
{
	const char *headers[REMOTE_HEADERS_MAX + 2];
	size_t count = put_headers(remote, headers);
	struct http_call http = {
		.method = "GET",
		.url = remote->check_url,
		.headers = headers,
		.connect_ms = CONNECT_MS,
		.total_ms = 30 * 1000,
		.answer_max = REMOTE_BODY_MAX,
		.ca_file = remote->ca_file,
	};
	struct remote_call *call = remote_call_new(remote, NULL, ticket);

	headers[count++] = "Accept: application/json";
	headers[count] = NULL;
	call->http = http_start(remote->host.http, &http, ignore_data, on_checked, remote, ticket);
}

/* ---- making -------------------------------------------------------------------------------------------- */

/* People paste the whole address, or as much of it as they found somewhere. */
static char *base_of(const char *text, const char *tail)
{
	size_t len = strlen(text), most;

	while (len > 0 && text[len - 1] == '/')
		len--;
	for (most = strlen(tail); most > 0; most--)
		if ((tail[most] == '/' || tail[most] == '\0') && len > most &&
		    strncmp(text + len - most, tail, most) == 0)
			break;
	return mem_text_n(text, len - most);
}

static bool is_web(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

static bool check_settings(const struct settings *settings, const struct dialect *dialect, struct err *err)
{
	const char *url = settings_text(settings, "base_url"), *key = settings_text(settings, "api_key");

	if (settings_text(settings, "model") == NULL)
		return err_set(err, ERR_REFUSED, "%s: an %s model needs `model`, the server's name of it",
			       settings_where(settings, NULL), dialect->name);
	if (url && !is_web(url))
		return err_set(err, ERR_REFUSED, "%s: base_url must begin with http:// or https://",
			       settings_where(settings, "base_url"));
	if (key && strpbrk(key, "\r\n"))
		return err_set(err, ERR_REFUSED, "%s: api_key must be one line",
			       settings_where(settings, "api_key"));
	return true;
}

static unsigned first_byte_ms(const struct settings *settings, const struct dialect *dialect)
{
	long given = settings_int(settings, "first_byte_s");
	long seconds = dialect->first_byte_s > 0 ? dialect->first_byte_s : FIRST_BYTE_S;

	return (unsigned)(settings_given(settings, "first_byte_s") ? given : seconds) * 1000;
}

bool remote_init(struct remote *remote, struct llm *llm, const struct dialect *dialect,
		 const struct llm_host *host, const struct settings *settings, const char *base_url,
		 const char *tail, const char *check_tail, struct err *err)
{
	const char *given = settings_text(settings, "base_url");
	char *base;

	if (!check_settings(settings, dialect, err))
		return false;
	base = base_of(given ? given : base_url, tail);
	*remote = (struct remote){ .dialect = dialect, .llm = llm, .host = *host };
	remote->closing = loop_timer_create(host->loop, close_ended, remote);
	remote->model = mem_text(settings_text(settings, "model"));
	remote->url = mem_format("%s%s", base, tail);
	remote->check_url = mem_format("%s%s", base, check_tail);
	remote->ca_file = mem_text(settings_text(settings, "ca_file"));
	remote->stream = settings_bool(settings, "stream");
	remote->first_byte_ms = first_byte_ms(settings, dialect);
	remote->idle_ms = (unsigned)settings_int(settings, "idle_s") * 1000;
	remote->total_ms = (unsigned)settings_int(settings, "total_s") * 1000;
	free(base);
	return true;
}

void remote_header(struct remote *remote, char *line)
{
	if (line && remote->header_count < REMOTE_HEADERS_MAX)
		remote->headers[remote->header_count++] = line;
	else
		free(line);
}

void remote_finish(struct remote *remote)
{
	while (remote->calls)
		remote_cancel(remote, remote->calls->ticket);
	loop_timer_destroy(remote->closing);
	for (size_t i = 0; i < remote->header_count; i++)
		free(remote->headers[i]);
	free(remote->model);
	free(remote->url);
	free(remote->check_url);
	free(remote->ca_file);
}
