/* The provider itself: one HTTP call for each request, its stream decoded as it comes, its end judged. */
#include "openai.h"
#include "clock.h"
#include "http.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "sse.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

enum {
	CONNECT_MS = 10 * 1000,
	STREAM_BYTES_MAX =
		64 * 1024 * 1024,    /* a long answer in one-token events is a hundred times its text */
	NO_PROGRESS_MS = 180 * 1000, /* pings keep a stream open, they do not make it an answer */
	CLOSE_GRACE_MS = 2000,	     /* for servers that say [DONE] and keep the connection open */
	ADAPTIONS_MAX = 4,
};

enum form { FORM_UNKNOWN, FORM_STREAM, FORM_BODY };

struct call {
	struct llm *llm;
	uint64_t ticket, http;
	UT_hash_handle hh;
	struct buf request;
	size_t params_at; /* where the parameters begin in request */
	struct openai_params params;
	unsigned adaptions;

	enum form form;
	struct sse sse;
	struct buf body;
	struct openai_reply reply;
	size_t shown;	/* bytes of reply.text passed on */
	struct err err; /* why reading stopped */
	uint64_t began_ms, progress_ms;
	int64_t first_token_ms;
	uint64_t ended_ms; /* when [DONE] came; 0: not yet */
};

struct llm {
	struct llm_host host;
	char *model, *chat_url, *models_url, *authorization, *ca_file;
	bool stream;
	unsigned first_byte_ms, idle_ms, total_ms;
	struct openai_quirks quirks;
	struct call *calls;
	struct loop_timer *closing; /* looks after calls that ended without their connection noticing */
};

/* ---- the end of a call --------------------------------------------------------------------------------- */

static void forget(struct call *call)
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
	reply->request = buf_str(&call->request);
	reply->raw = buf_str(&raw);
	reply->request_id = request_id ? request_id : call->reply.id;
	reply->first_token_ms = call->first_token_ms;
	reply->latency_ms = (int64_t)(loop_now_ms(llm->host.loop) - call->began_ms);
	HASH_DEL(llm->calls, call);
	llm->host.done(llm->host.owner, call->ticket, reply);
	buf_free(&raw);
	free(calls);
	forget(call);
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

static bool read_stream(struct call *call, const char *data, size_t len)
{
	size_t before = call->reply.text.len + call->reply.reasoning.len + call->reply.argument_bytes +
			call->reply.held.len;
	uint64_t now = loop_now_ms(call->llm->host.loop);
	bool more = sse_feed(&call->sse, data, len, on_event, call);

	if (call->reply.text.len + call->reply.reasoning.len + call->reply.argument_bytes +
		    call->reply.held.len !=
	    before)
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

static void name_error(struct err *err, enum err_kind kind, int status, const struct openai_error *error,
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
static void close_ended(void *data)
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

static void send_call(struct call *call)
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
		.connect_ms = CONNECT_MS,
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
		send_call(call);
	} else {
		name_error(&err,
			   fault == LLM_FAULT_TRANSIENT || fault == LLM_FAULT_LIMITED ? ERR_AGAIN
										      : ERR_REFUSED,
			   answer->status, &error, answer->type);
		fail(call, fault, &err, hint, answer->request_id);
	}
	openai_error_finish(&error);
}

static void ask(struct llm *llm, const struct llm_request *request, uint64_t ticket)
{
	struct call *call = mem_zero(1, sizeof(*call));

	call->llm = llm;
	call->ticket = ticket;
	call->began_ms = loop_now_ms(llm->host.loop);
	call->params =
		(struct openai_params){ llm->stream, request->temperature, request->max_output_tokens };
	openai_encode_start(&call->request, llm->model, request);
	call->params_at = call->request.len;
	openai_encode_params(&call->request, &call->params, &llm->quirks);
	HASH_ADD(hh, llm->calls, ticket, sizeof(call->ticket), call);
	send_call(call);
}

static void cancel(struct llm *llm, uint64_t ticket)
{
	struct call *call;

	HASH_FIND(hh, llm->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return;
	HASH_DEL(llm->calls, call);
	http_cancel(llm->host.http, call->http);
	forget(call);
}

/* ---- doctor -------------------------------------------------------------------------------------------- */

static void on_checked(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct llm *llm = owner;
	struct openai_error error = { 0 };
	struct err err = { 0 };
	struct call *call;
	int64_t skew = answer->date_ms > 0 ? answer->date_ms - clock_wall_ms() : 0;

	HASH_FIND(hh, llm->calls, &ticket, sizeof(ticket), call);
	if (call == NULL)
		return;
	HASH_DEL(llm->calls, call);
	forget(call);
	if (answer->how != HTTP_ANSWERED) {
		err = answer->err;
		if (err.kind == ERR_NONE)
			err_set(&err, ERR_AGAIN, "%s could not be reached", llm->models_url);
	} else if (answer->status < 200 || answer->status > 299) {
		openai_error_read(&error, answer->body ? answer->body : "", answer->len);
		name_error(&err, answer->status >= 500 ? ERR_AGAIN : ERR_REFUSED, answer->status, &error,
			   answer->type);
	}
	openai_error_finish(&error);
	llm->host.checked(llm->host.owner, ticket, &err, skew);
}

static bool ignore_data(void *owner, uint64_t ticket, const char *data, size_t len)
{
	(void)owner;
	(void)ticket;
	(void)data;
	(void)len;
	return true; /* the list of models may be long; only the status matters */
}

static void check(struct llm *llm, uint64_t ticket)
{
	const char *headers[] = { "Accept: application/json", llm->authorization, NULL };
	struct http_call http = {
		.method = "GET",
		.url = llm->models_url,
		.headers = headers,
		.connect_ms = CONNECT_MS,
		.total_ms = 30 * 1000,
		.answer_max = OPENAI_BODY_MAX,
		.ca_file = llm->ca_file,
	};
	struct call *call = mem_zero(1, sizeof(*call));

	call->llm = llm;
	call->ticket = ticket;
	HASH_ADD(hh, llm->calls, ticket, sizeof(call->ticket), call);
	call->http = http_start(llm->host.http, &http, ignore_data, on_checked, llm, ticket);
}

/* ---- making -------------------------------------------------------------------------------------------- */

static char *base_url(const char *text)
{
	static const char tail[] = "/chat/completions"; /* people paste the whole address */
	size_t len = strlen(text), tail_len = sizeof(tail) - 1;

	while (len > 0 && text[len - 1] == '/')
		len--;
	if (len > tail_len && strncmp(text + len - tail_len, tail, tail_len) == 0)
		len -= tail_len;
	return mem_text_n(text, len);
}

static bool is_official(const char *base)
{
	return strncasecmp(base, "https://api.openai.com/", 23) == 0 ||
	       strcasecmp(base, "https://api.openai.com") == 0;
}

static void read_settings(struct llm *llm, const struct settings *settings)
{
	const char *key = settings_text(settings, "api_key");
	const char *field = settings_text(settings, "max_tokens_field");
	char *base = base_url(settings_text(settings, "base_url"));

	llm->model = mem_text(settings_text(settings, "model"));
	llm->chat_url = mem_format("%s/chat/completions", base);
	llm->models_url = mem_format("%s/models", base);
	if (key && *key)
		llm->authorization = mem_format("Authorization: Bearer %s", key);
	llm->ca_file = mem_text(settings_text(settings, "ca_file"));
	llm->stream = settings_bool(settings, "stream");
	llm->first_byte_ms = (unsigned)settings_int(settings, "first_byte_s") * 1000;
	llm->idle_ms = (unsigned)settings_int(settings, "idle_s") * 1000;
	llm->total_ms = (unsigned)settings_int(settings, "total_s") * 1000;
	llm->quirks.completion_tokens =
		strcmp(field, "auto") == 0 ? is_official(base) : strcmp(field, "max_completion_tokens") == 0;
	free(base);
}

static bool is_web(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

static bool fit_for_header(const char *key)
{
	return key == NULL || strpbrk(key, "\r\n") == NULL;
}

static void destroy(struct llm *llm)
{
	if (llm == NULL)
		return;
	while (llm->calls)
		cancel(llm, llm->calls->ticket);
	loop_timer_destroy(llm->closing);
	free(llm->model);
	free(llm->chat_url);
	free(llm->models_url);
	free(llm->authorization);
	free(llm->ca_file);
	free(llm);
}

static struct llm *create(const struct llm_host *host, const struct settings *settings, struct err *err)
{
	struct llm *llm;

	if (settings_text(settings, "model") == NULL) {
		err_set(err, ERR_REFUSED, "%s: an openai model needs `model`, the server's name of it",
			settings_where(settings, NULL));
		return NULL;
	}
	if (!is_web(settings_text(settings, "base_url"))) {
		err_set(err, ERR_REFUSED, "%s: base_url must begin with http:// or https://",
			settings_where(settings, "base_url"));
		return NULL;
	}
	if (!fit_for_header(settings_text(settings, "api_key"))) {
		err_set(err, ERR_REFUSED, "%s: api_key must be one line",
			settings_where(settings, "api_key"));
		return NULL;
	}
	llm = mem_zero(1, sizeof(*llm));
	llm->host = *host;
	llm->closing = loop_timer_create(host->loop, close_ended, llm);
	read_settings(llm, settings);
	return llm;
}

static const struct setting openai_settings[] = { OPENAI_SETTINGS, { 0 } };

const struct llm_ops openai_ops = { "openai", openai_settings, create, ask, cancel, check, destroy };
