/* Calls at one server: each is sent, waits for the server, is sent once more where that is safe, and ends once. */
#include "mem.h"
#include "server.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* A call that has not been sent, or whose answer is awaited. */
struct waiting {
	struct server *server;
	char *tool;
	char hash[CRYPTO_SHA256_HEX]; /* as it was offered: another one must not be run in its place */
	json_t *arguments;
	enum tool_class class;
	char *key;
	tool_done_fn *done;
	void *owner;
	uint64_t ticket;
	bool again;	/* it was sent once more already */
	bool refreshed; /* after the list was asked for anew */
	bool holds;	/* until the list is here */
	/* A call that was answered with questions (round.c). */
	json_t *more; /* what the next try carries besides */
	unsigned rounds;
	uint64_t began_ms; /* of the first try; 0: none yet */
	struct waiting *prev, *next;
};

static void free_call(struct waiting *call)
{
	json_decref(call->arguments);
	json_decref(call->more);
	free(call->tool);
	free(call->key);
	free(call);
}

/* result is taken over. */
static void finish(struct waiting *call, char *result, bool failed)
{
	struct server *server = call->server;

	server->calls--;
	mcp_finish(server->mcp, call->done, call->owner, call->ticket, result, failed);
	free_call(call);
}

static void fail_call(struct waiting *call, const char *why)
{
	char *text = mem_format("%s: %s", call->server->config.name, why);

	finish(call, result_error(text), true);
	free(text);
}

static void wait_again(struct waiting *call)
{
	DL_APPEND(call->server->waiting, call);
	mcp_flush_later(call->server->mcp);
}

static bool idempotent(const struct waiting *call)
{
	return call->class == TOOL_READ || call->class == TOOL_KEYED;
}

/* Not sent, or nothing has happened, or it does not matter whether something has: then once more, but once only. Without
 * a handshake nothing can be asked for the rest of an answer (sheet 13). */
static bool may_repeat(const struct waiting *call, const struct rpc_answer *answer)
{
	if (call->again || call->server->state >= SERVER_CLOSING)
		return false;
	return answer->err.kind == ERR_AGAIN ||
	       (answer->err.kind == ERR_UNSURE && !answer->late && call->server->modern && idempotent(call));
}

static void take_result(struct waiting *call, const json_t *result)
{
	struct server *server = call->server;
	enum round_kind kind = server->modern ? round_of(result) : ROUND_COMPLETE;
	struct err err = { 0 };
	bool failed = false;
	char *text;

	if (kind == ROUND_COMPLETE) {
		text = result_json(result, &failed);
		finish(call, text, failed);
		return;
	}
	if (kind == ROUND_UNKNOWN)
		err_set(&err, ERR_REFUSED, "its answer is of a kind that is not known here");
	else if (++call->rounds > MCP_ROUNDS_MAX)
		err_set(&err, ERR_REFUSED, "it has more than %d rounds of questions", MCP_ROUNDS_MAX);
	json_decref(call->more);
	call->more = err.kind == ERR_NONE ? round_next(result, &err) : NULL;
	if (call->more)
		wait_again(call);
	else
		fail_call(call, err.text);
}

/* What was not done because of how we asked: asked in another way, once. */
static bool asks_otherwise(struct waiting *call, const json_t *error)
{
	struct server *server = call->server;
	json_int_t code = json_int(error, "code", 0);

	if (!server->modern || call->refreshed || (code != MODERN_HEADERS && code != MODERN_VERSION))
		return false;
	call->refreshed = true;
	call->holds = code == MODERN_HEADERS;
	DL_APPEND(server->waiting, call);
	if (code == MODERN_HEADERS)
		tools_list(server);
	else
		server_again(server);
	return true;
}

static void take_error(struct waiting *call, const json_t *error)
{
	const json_t *wanted = json_object_get(json_object_get(error, "data"), "requiredCapabilities");
	const char *why = json_text(error, "message");
	char *names, *text;

	if (asks_otherwise(call, error))
		return;
	if (call->server->modern && json_int(error, "code", 0) == MODERN_CAPABILITY) {
		names = wanted ? json_write(wanted) : mem_text("");
		text = mem_format("this tool needs something that is not offered to servers here: %.200s",
				  names);
		fail_call(call, text);
		free(text);
		free(names);
		return;
	}
	finish(call, result_error(why ? why : "the server refused the call"), true);
}

static void called(void *owner, uint64_t ticket, const struct rpc_answer *answer)
{
	struct waiting *call = owner;
	struct server *server = call->server;
	char *text;

	(void)ticket;
	DL_DELETE(server->sent, call);
	if (answer->result) {
		take_result(call, answer->result);
	} else if (answer->error) {
		take_error(call, answer->error);
	} else if (may_repeat(call, answer)) {
		call->again = true;
		wait_again(call);
	} else if (answer->err.kind == ERR_UNSURE) {
		text = mem_format("%s; whether the tool has run is not known", answer->err.text);
		fail_call(call, text);
		free(text);
	} else {
		fail_call(call, answer->err.text);
	}
}

static json_t *params_of(const struct waiting *call)
{
	json_t *params = json_pack("{s:s, s:O}", "name", call->tool, "arguments", call->arguments);

	if (call->class == TOOL_KEYED && call->key)
		json_object_set_new(params, "_meta", json_pack("{s:s}", "idempotencyKey", call->key));
	if (call->more)
		json_object_update(params, call->more);
	return params;
}

/* Of all tries together. 0: none. */
static unsigned time_left(const struct waiting *call)
{
	uint64_t past = loop_now_ms(call->server->loop) - call->began_ms;

	return past < call->server->config.call_ms ? call->server->config.call_ms - (unsigned)past : 0;
}

static void send_call(struct server *server, struct waiting *call)
{
	const struct mcp_tool *tool = tool_list_find(&server->tools, call->tool);
	struct err err = { 0 };

	if (call->began_ms == 0)
		call->began_ms = loop_now_ms(server->loop);
	call->holds = false;

	if (tool == NULL || strcmp(tool->hash, call->hash) != 0) {
		fail_call(call, "this tool is gone, or is not what it was when it was offered");
		return;
	}
	if (server->modern && server->config.url && !param_fits(tool, call->arguments, &err)) {
		fail_call(call, err.text);
		return;
	}
	if (time_left(call) == 0) {
		fail_call(call, "the call took too long");
		return;
	}
	DL_APPEND(server->sent, call);
	modern_ask(server,
		   &(struct rpc_ask){ .method = "tools/call",
				      .params = params_of(call),
				      .idle_ms = server->config.idle_ms,
				      .total_ms = time_left(call),
				      .progress = true },
		   tool, called, call, 0);
}

void calls_fail_waiting(struct server *server, const char *why)
{
	struct waiting *call, *next;

	DL_FOREACH_SAFE(server->waiting, call, next)
	{
		DL_DELETE(server->waiting, call);
		fail_call(call, why);
	}
}

/* What waits goes out, goes on waiting, or is told that it is in vain. */
void server_flush(struct server *server)
{
	struct waiting *call, *next, *first = server->waiting;
	uint64_t now = loop_now_ms(server->loop);
	bool lists;

	if (server->state == SERVER_STARTING || server_asks_for_token(server) ||
	    (server->state == SERVER_RESTING && server->due_ms <= now + SERVER_PATIENCE_MS))
		return;
	if (server->state != SERVER_READY) {
		calls_fail_waiting(server,
				   server->why.kind != ERR_NONE ? server->why.text : "it is not available");
		return;
	}
	server->waiting = NULL;
	lists = server->lists || server->judge;
	DL_FOREACH_SAFE(first, call, next)
	{
		if (call->holds && lists)
			DL_APPEND(server->waiting, call);
		else
			send_call(server, call);
	}
}

void server_call(struct server *server, const struct server_call *from)
{
	struct waiting *call = mem_zero(1, sizeof(*call));

	*call = (struct waiting){ .server = server,
				  .tool = mem_text(from->tool->original),
				  .arguments = from->arguments,
				  .class = from->class,
				  .key = from->key ? mem_text(from->key) : NULL,
				  .done = from->done,
				  .owner = from->owner,
				  .ticket = from->ticket };
	memcpy(call->hash, from->tool->hash, sizeof(call->hash));
	if (++server->calls > MCP_CALLS_MAX) {
		fail_call(call, "it has too many calls to do; try again later");
		return;
	}
	server_need(server);
	DL_APPEND(server->waiting, call);
	server_flush(server);
}

static void drop(struct waiting *list)
{
	struct waiting *call, *next;

	DL_FOREACH_SAFE(list, call, next)
	{
		free_call(call);
	}
}

void calls_drop(struct server *server)
{
	drop(server->waiting);
	drop(server->sent);
	server->waiting = server->sent = NULL;
}
