/* /mcp: our own tools for clients of the Model Context Protocol, as Streamable HTTP without a session: each POST is a
 * message, or for old clients an array of them, and its answer. What messages mean: mcpserver/served.h. */
#include "api_room.h"
#include "chat_body.h"
#include "json.h"
#include "mem.h"
#include "served.h"
#include "url.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A POST under way: its messages are taken one after the other. */
struct mcp_work {
	json_t *messages; /* an array */
	size_t at;
	bool batch;		       /* answered with an array too */
	int status;		       /* of the last answer */
	json_t *id;		       /* of the tool that runs */
	bool stateless;		       /* its message was one of the version without a handshake */
	bool no_headers;	       /* they came by the control socket */
	char *version, *method, *name; /* headers; or NULL */
	const struct toolset *tools;
	struct buf out;
};

void mcp_forget(struct call *call)
{
	struct mcp_work *work = call->mcp;

	if (work == NULL)
		return;
	call->mcp = NULL;
	if (work->tools)
		work->tools->release(work->tools);
	json_decref(work->id);
	json_decref(work->messages);
	free(work->version);
	free(work->method);
	free(work->name);
	buf_free(&work->out);
	free(work);
}

/* ---- what is refused before a message is read ------------------------------------------------------------------ */

/* A browser tells which page is asking. Only those on this machine and our own may (security of a local server, sheet
 * 5: a foreign page must not reach it by way of a name that leads here). */
static bool origin_fine(const struct platform *api, const struct web_request *request)
{
	const char *origin = web_header(request, "origin");
	struct url from, own;

	if (origin == NULL)
		return true;
	if (web_header_repeated(request, "origin") || !url_read(origin, &from))
		return false;
	if (url_loopback(&from))
		return true;
	return api->public_url && url_read(api->public_url, &own) && strcmp(from.scheme, own.scheme) == 0 &&
	       strcmp(from.host, own.host) == 0 && from.port == own.port;
}

/* Takes text over. */
static void answer_text(struct call *call, int status, char *text)
{
	struct buf json = { .data = text, .len = strlen(text) };

	call_answer(call, status, &json);
	free(text);
}

static void refuse(struct call *call, int code, const char *why)
{
	answer_text(call, 400, served_error(NULL, code, why));
}

/* Answers itself when it is false. */
static bool may_ask(struct call *call, const struct web_request *request)
{
	if (!origin_fine(call->door->api, request)) {
		answer_text(call, 403,
			    served_error(NULL, SERVED_INVALID_REQUEST,
					 "pages of this origin are not served; see listen.public_url"));
		return false;
	}
	if (!chat_body_type(web_header(request, "content-type"))) {
		call_fail(call, API_UNSUPPORTED_MEDIA_TYPE);
		return false;
	}
	return true;
}

/* ---- one message after the other --------------------------------------------------------------------------------- */

static void add(struct mcp_work *work, const char *text)
{
	if (work->batch)
		buf_text(&work->out, work->out.len ? "," : "[");
	buf_text(&work->out, text);
}

static void finish(struct call *call)
{
	struct mcp_work *work = call->mcp;
	struct buf out = work->out; /* the call, and with it the work, is gone before the answer is written */
	int status = work->batch ? 200 : work->status;

	work->out = (struct buf){ 0 };
	if (work->batch && out.len)
		buf_text(&out, "]");
	if (out.len == 0)
		call_answer(call, 202, NULL); /* notifications only */
	else
		call_answer(call, status, &out);
	buf_free(&out);
}

/* Keys count for one person and one tool: the store knows calls by key alone. */
static const char *call_key(const struct call *call, const struct served *served,
			    char out[4 + CRYPTO_SHA256_HEX])
{
	char hash[CRYPTO_SHA256_HEX];
	struct buf whole = { 0 };

	if (served->key == NULL)
		return NULL;
	buf_format(&whole, "%s\n%s\n%s", call->caller.profile, served->tool->name, served->key);
	snprintf(out, 4 + CRYPTO_SHA256_HEX, "mcp:%s", crypto_sha256_hex(whole.data, whole.len, hash));
	buf_free(&whole);
	return out;
}

static struct tool_caller speaker_of(const struct call *call)
{
	return (struct tool_caller){ .org_id = call->caller.org,
				     .profile_id = call->caller.profile,
				     .role = role_name(call->caller.role),
				     .platform = "api",
				     .installation = "chat" };
}

static void go_on(struct call *call);

static void tool_ran(struct call *call, const char *result, bool failed)
{
	struct mcp_work *work = call->mcp;
	char *text = served_result(work->id, result, failed, work->stateless);

	add(work, text);
	free(text);
	json_decref(work->id);
	work->id = NULL;
	go_on(call);
}

static void tool_refused(struct call *call, const char *answer, bool failed)
{
	(void)failed;
	add(call->mcp, answer);
	go_on(call);
}

static void run_tool(struct call *call, struct served *served)
{
	char key[4 + CRYPTO_SHA256_HEX];

	call->mcp->id = json_incref(served->id);
	call->mcp->stateless = served->stateless;
	log_debug(&call->door->api->log, "%s by key %s", served->tool->name, call->caller.key_id);
	mcp_run_tool(call, served->tool, served->arguments, call_key(call, served, key), tool_ran);
}

/* Until a tool runs, or all is answered; then the call is gone. */
static void go_on(struct call *call)
{
	struct mcp_work *work = call->mcp;
	struct served_headers headers = { .version = work->version,
					  .method = work->method,
					  .name = work->name };

	while (work->at < json_array_size(work->messages)) {
		struct served served;
		bool runs;

		served_take(json_array_get(work->messages, work->at++), work->no_headers ? NULL : &headers,
			    work->tools, &served);
		runs = served.kind == SERVED_CALL || served.refused;
		work->status = served.status;
		if (served.kind == SERVED_CALL)
			run_tool(call, &served);
		else if (runs)
			mcp_run_refused(call, served.refused, served.text, tool_refused);
		else if (served.text)
			add(work, served.text);
		served_finish(&served);
		if (runs)
			return;
	}
	finish(call);
}

/* Of one that is there twice nobody knows which counts: as if it were something else than it should be. */
static char *header_of(const struct web_request *request, const char *name)
{
	const char *value = web_header(request, name);

	if (value == NULL)
		return NULL;
	return mem_text(web_header_repeated(request, name) ? "" : value);
}

static void begin(struct call *call, const struct web_request *request, json_t *body)
{
	struct platform *api = call->door->api;
	struct mcp_work *work = mem_zero(1, sizeof(*work));
	struct tool_caller speaker = speaker_of(call);

	work->batch = json_is_array(body);
	work->messages = work->batch ? json_incref(body) : json_pack("[O]", body);
	work->tools = api->tools.open(api->tools.box, &speaker);
	work->no_headers = call->door->control;
	work->version = header_of(request, "mcp-protocol-version");
	work->method = header_of(request, "mcp-method");
	work->name = header_of(request, "mcp-name");
	call->mcp = work;
	go_on(call);
}

void mcp_run(struct call *call, struct web_request *request)
{
	struct err err;
	size_t len;
	const char *text = web_body(request, &len);
	json_t *body;

	if (!may_ask(call, request))
		return;
	if (!call_count(call)) {
		call_fail_retry(call, API_TOO_MANY_REQUESTS, API_RETRY_S);
		return;
	}
	body = json_read(text, len, &err);
	if (body == NULL)
		refuse(call, SERVED_PARSE_ERROR, err.text);
	else if (json_is_array(body) && !served_batches(web_header(request, "mcp-protocol-version")))
		refuse(call, SERVED_INVALID_REQUEST,
		       "this version of the protocol knows no arrays of messages");
	else if (json_is_array(body) &&
		 (json_array_size(body) == 0 || json_array_size(body) > SERVED_BATCH_MAX))
		refuse(call, SERVED_INVALID_REQUEST, "an array holds 1 to 50 messages");
	else
		begin(call, request, body);
	json_decref(body);
}
