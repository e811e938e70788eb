/* One HTTP call to a model's server: sent, its stream decoded as it comes, its end judged. */
#include "http.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "openai_inside.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	STREAM_BYTES_MAX =
		64 * 1024 * 1024,    /* a long answer in one-token events is a hundred times its text */
	NO_PROGRESS_MS = 180 * 1000, /* pings keep a stream open, they do not make it an answer */
	CLOSE_GRACE_MS = 2000,	     /* for servers that say [DONE] and keep the connection open */
	ADAPTIONS_MAX = 4,
};

/* ---- the end of a call --------------------------------------------------------------------------------- */

void openai_call_forget(struct call *call)
{
	buf_free(&call->request);
	buf_free(&call->body);
	sse_finish(&call->sse);
	openai_reply_finish(&call->reply);
	free(call);
}

static void begin_reply(struct call *call)
{
	openai_reply_finish(&call->reply);
	sse_finish(&call->sse);
	call->sse = (struct sse){ .line_max = OPENAI_LINE_MAX };
	buf_clear(&call->body);
	call->form = FORM_UNKNOWN;
	call->err = (struct err){ 0 };
	call->shown = 0;
	call->first_token_ms = -1;
	call->ended_ms = 0;
}

/* Tells the end and forgets the call; the host may ask anew from in there. */
static void tell(struct call *call, struct llm_reply *reply, const char *request_id)
{
	struct llm *llm = call->llm;
	struct llm_call *calls = mem_zero(call->reply.call_count, sizeof(*calls));
	struct buf raw = { 0 };

	for (size_t i = 0; i < call->reply.call_count; i++)
		calls[i] = (struct llm_call){ call->reply.calls[i].id, call->reply.calls[i].name,
					      buf_str(&call->reply.calls[i].arguments) };
	openai_raw(&call->reply, &raw);
	reply->text = buf_str(&call->reply.text);
	reply->calls = calls;
	reply->call_count = call->reply.call_count;
	reply->input_tokens = call->reply.has_usage ? call->reply.input_tokens : -1;
	reply->output_tokens = call->reply.has_usage ? call->reply.output_tokens : -1;
	reply->cached_tokens = call->reply.has_usage ? call->reply.cached_tokens : -1;
	reply->cost_micros = call->reply.has_cost ? call->reply.cost_micros : -1;
	reply->raw = buf_str(&raw);
	reply->request_id = request_id ? request_id : call->reply.id;
	reply->first_token_ms = call->first_token_ms;
	reply->latency_ms = (int64_t)(loop_now_ms(llm->host.loop) - call->began_ms);
	HASH_DEL(llm->calls, call);
	llm->host.done(llm->host.owner, call->ticket, reply);
	buf_free(&raw);
	free(calls);
	openai_call_forget(call);
}

static void succeed(struct call *call, const char *request_id)
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

static void fail(struct call *call, enum llm_fault fault, const struct err *err, int64_t retry_ms,
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
	struct call *call = owner;

	return openai_decode_event(&call->reply, event, data, len, &call->err) && !call->reply.too_long;
}

/* JSON or HTML although a stream was asked for: told by its first character. */
static void recognise(struct call *call, const char *data, size_t len)
{
	size_t i = 0;

	while (i < len && strchr(" \t\r\n", data[i]))
		i++;
	if (i < len)
		call->form = strchr("{[<", data[i]) ? FORM_BODY : FORM_STREAM;
}

static void pass_on(struct call *call)
{
	struct llm *llm = call->llm;
	size_t from = call->shown, len = call->reply.text.len - from;

	if ((len > 0 || call->reply.call_count > 0) && call->first_token_ms < 0)
		call->first_token_ms = (int64_t)(loop_now_ms(llm->host.loop) - call->began_ms);
	if (len == 0)
		return;
	call->shown = call->reply.text.len;
	llm->host.part(llm->host.owner, call->ticket, call->reply.text.data + from, len);
}

/* What the model has made so far, shown or not. */
static size_t made(const struct openai_reply *reply)
{
	return reply->content_bytes + reply->reasoning.len + reply->argument_bytes;
}

static bool read_stream(struct call *call, const char *data, size_t len)
{
	size_t before = made(&call->reply);
	uint64_t now = loop_now_ms(call->llm->host.loop);
	bool more = sse_feed(&call->sse, data, len, on_event, call);

	if (made(&call->reply) != before)
		call->progress_ms = now;
	if (call->sse.dead && call->err.kind == ERR_NONE && !call->reply.too_long)
		err_set(&call->err, ERR_AGAIN, "the server's stream has a line over %d bytes",
			OPENAI_LINE_MAX);
	if (more && now - call->progress_ms > NO_PROGRESS_MS)
		more = err_set(&call->err, ERR_UNSURE,
			       "the server sent nothing but signs of life for %d seconds",
			       NO_PROGRESS_MS / 1000);
	return more;
}

static bool on_data(void *owner, uint64_t ticket, const char *data, size_t len)
{
	struct llm *llm = owner;
	struct call *call;
	bool more;

	HASH_FIND(hh, llm->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return false;
	if (call->form == FORM_UNKNOWN)
		recognise(call, data, len);
	if (call->form == FORM_BODY) {
		if (call->body.len + len > OPENAI_BODY_MAX)
			return err_set(&call->err, ERR_AGAIN, "the server's answer is over %d bytes",
				       OPENAI_BODY_MAX);
		buf_add(&call->body, data, len);
		return true;
	}
	more = read_stream(call, data, len);
	if (call->reply.ended && call->ended_ms == 0) {
		call->ended_ms = loop_now_ms(llm->host.loop);
		loop_timer_start(llm->closing, CLOSE_GRACE_MS, 0);
	}
	/* Last, for the host may cancel this call in there. */
	pass_on(call);
	return more;
}

/* ---- judging the end ----------------------------------------------------------------------------------- */

void openai_name_error(struct err *err, enum err_kind kind, int status, const struct openai_error *error,
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

static void refused(struct call *call, const struct http_answer *answer);

/* A 200 that is no answer: an error inside, HTML, nothing at all, or a stream that ended too early. */
static void fail_within(struct call *call, const struct http_answer *answer)
{
	enum llm_fault fault = LLM_FAULT_TRANSIENT;
	struct err err = call->err;
	int64_t hint = -1;

	if (call->reply.failed) {
		fault = openai_fault(&call->reply.error, 0, NULL, NULL);
		hint = openai_hint_ms(call->reply.error.message);
		openai_name_error(&err, fault == LLM_FAULT_TRANSIENT ? ERR_UNSURE : ERR_REFUSED, 0,
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
			call->form == FORM_UNKNOWN ? "the model's server sent an empty answer"
						   : "the model's answer broke off");
	}
	fail(call, fault, &err, hint, answer->request_id);
}

static void read_body(struct call *call, const struct http_answer *answer)
{
	const char *body = buf_str(&call->body);

	if (body[strspn(body, " \t\r\n")] == '<') {
		err_set(&call->err, ERR_AGAIN, "the model's server answered with an HTML page");
		return;
	}
	if (answer->how == HTTP_ANSWERED && call->err.kind == ERR_NONE)
		openai_decode_body(&call->reply, body, call->body.len, &call->err);
}

/* Of a connection that broke, the last line is half a line: not being readable is not its fault. */
static void end_stream(struct call *call, bool complete)
{
	sse_end(&call->sse, on_event, call);
	if (!complete)
		call->err = (struct err){ 0 };
}

static void on_done(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct llm *llm = owner;
	struct call *call;
	bool whole;

	HASH_FIND(hh, llm->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return;
	call->http = 0;
	if (answer->how == HTTP_ANSWERED && (answer->status < 200 || answer->status > 299)) {
		refused(call, answer);
		return;
	}
	if (call->form == FORM_BODY)
		read_body(call, answer);
	else if (call->err.kind == ERR_NONE && !call->reply.too_long)
		end_stream(call, answer->how == HTTP_ANSWERED);
	/* A finish_reason is as good as [DONE]: several servers never send that. */
	whole = call->reply.ended || call->reply.finished || call->reply.too_long;
	if (!whole || call->reply.failed || (call->err.kind != ERR_NONE && !call->reply.finished)) {
		fail_within(call, answer);
		return;
	}
	openai_decode_end(&call->reply);
	pass_on(call);
	HASH_FIND(hh, llm->calls, &ticket, sizeof(ticket), call);
	if (call) /* unless cancelled while the last part was passed on */
		succeed(call, answer->request_id);
}

/* Connections that stay open after [DONE]: the answer is there, so it is given. */
void openai_close_ended(void *data)
{
	struct llm *llm = data;
	struct http_answer answer = { .how = HTTP_ANSWERED, .status = 200 };
	uint64_t now = loop_now_ms(llm->host.loop), wait = 0;

	for (struct call *call = llm->calls; call; call = call->hh.next) {
		if (call->ended_ms == 0)
			continue;
		if (now - call->ended_ms < CLOSE_GRACE_MS) {
			wait = CLOSE_GRACE_MS;
			continue;
		}
		http_cancel(llm->host.http, call->http);
		on_done(llm, call->ticket, &answer);
		wait = 1; /* the table may have changed: look again */
		break;
	}
	if (wait > 0)
		loop_timer_start(llm->closing, wait, 0);
}

/* ---- sending ------------------------------------------------------------------------------------------- */

void openai_call_send(struct call *call)
{
	struct llm *llm = call->llm;
	const char *headers[] = { "Content-Type: application/json",
				  llm->stream ? "Accept: text/event-stream, application/json"
					      : "Accept: application/json",
				  llm->authorization, NULL };
	struct http_call http = {
		.method = "POST",
		.url = llm->chat_url,
		.headers = headers,
		.body = call->request.data,
		.body_len = call->request.len,
		.connect_ms = OPENAI_CONNECT_MS,
		.first_byte_ms = llm->first_byte_ms,
		.idle_ms = llm->stream ? llm->idle_ms : 0, /* without a stream silence is normal */
		.total_ms = llm->total_ms,
		.answer_max = STREAM_BYTES_MAX,
		.ca_file = llm->ca_file,
	};

	begin_reply(call);
	call->progress_ms = loop_now_ms(llm->host.loop);
	call->http = http_start(llm->host.http, &http, on_data, on_done, llm, call->ticket);
}

static void write_params(struct call *call)
{
	call->request.len = call->params_at;
	call->request.data[call->params_at] = '\0';
	openai_encode_params(&call->request, &call->params, &call->llm->quirks);
}

/* An error status: perhaps a parameter this server does not take, else what the error says. */
static void refused(struct call *call, const struct http_answer *answer)
{
	const char *body = answer->body ? answer->body : "";
	struct openai_error error = { 0 };
	enum llm_fault fault;
	struct err err = { 0 };
	int64_t hint = answer->retry_after_ms;

	openai_error_read(&error, body, answer->len);
	fault = openai_fault(&error, answer->status, answer->should_retry, body);
	if (hint < 0)
		hint = openai_hint_ms(error.message);
	if (fault == LLM_FAULT_REFUSED && (answer->status == 400 || answer->status == 422) &&
	    call->adaptions++ < ADAPTIONS_MAX && openai_adapt(&call->llm->quirks, &error, &call->params)) {
		log_info(call->llm->host.log,
			 "the model's server does not take a parameter and is asked again: %s",
			 error.message ? error.message : "");
		write_params(call);
		openai_call_send(call);
	} else {
		openai_name_error(&err,
				  fault == LLM_FAULT_TRANSIENT || fault == LLM_FAULT_LIMITED ? ERR_AGAIN
											     : ERR_REFUSED,
				  answer->status, &error, answer->type);
		fail(call, fault, &err, hint, answer->request_id);
	}
	openai_error_finish(&error);
}
