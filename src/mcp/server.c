/* One server's life: started when needed, started again after growing rests, given up when it fails too often. */
#include "server.h"
#include "io.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* A call that has not been sent, or whose answer is awaited. */
struct waiting {
	struct server *server;
	char *tool;
	char hash[CRYPTO_SHA256_HEX]; /* as it was offered: another one must not be run in its place */
	json_t *arguments;
	tool_done_fn *done;
	void *owner;
	uint64_t ticket;
	bool again; /* it was sent once and never arrived */
	struct waiting *prev, *next;
};

static void start(struct server *server);

const char *server_state_name(const struct server *server)
{
	static const char *const names[] = { "not needed yet", "starting", "ready", "resting",
					     "given up",       "closing",  "closed" };

	return names[server->state];
}

/* ---- calls --------------------------------------------------------------------------------------------------- */

/* result is taken over. */
static void finish(struct waiting *call, char *result, bool failed)
{
	struct server *server = call->server;

	server->calls--;
	mcp_finish(server->mcp, call->done, call->owner, call->ticket, result, failed);
	json_decref(call->arguments);
	free(call->tool);
	free(call);
}

static void fail_call(struct waiting *call, const char *why)
{
	char *text = mem_format("%s: %s", call->server->config.name, why);

	finish(call, result_error(text), true);
	free(text);
}

static void called(void *owner, uint64_t ticket, const struct rpc_answer *answer)
{
	struct waiting *call = owner;
	struct server *server = call->server;
	const char *why = json_text(answer->error, "message");
	bool failed = false;
	char *text;

	(void)ticket;
	DL_DELETE(server->sent, call);
	if (answer->result) {
		text = result_json(answer->result, &failed);
		finish(call, text, failed);
	} else if (answer->error) {
		text = result_error(why ? why : "the server refused the call");
		finish(call, text, true);
	} else if (answer->err.kind == ERR_AGAIN && !call->again) {
		call->again = true; /* nothing has happened yet: safe whatever the tool does */
		DL_APPEND(server->waiting, call);
		mcp_flush_later(server->mcp);
	} else if (answer->err.kind == ERR_UNSURE) {
		text = mem_format("%s; whether the tool has run is not known", answer->err.text);
		fail_call(call, text);
		free(text);
	} else {
		fail_call(call, answer->err.text);
	}
}

static void send_call(struct server *server, struct waiting *call)
{
	const struct mcp_tool *tool = tool_list_find(&server->tools, call->tool);

	if (tool == NULL || strcmp(tool->hash, call->hash) != 0) {
		fail_call(call, "this tool is gone, or is not what it was when it was offered");
		return;
	}
	DL_APPEND(server->sent, call);
	rpc_ask(server->rpc,
		&(struct rpc_ask){
			.method = "tools/call",
			.params = json_pack("{s:s, s:O}", "name", call->tool, "arguments", call->arguments),
			.idle_ms = server->config.idle_ms,
			.total_ms = server->config.call_ms,
			.progress = true },
		called, call, 0);
}

static void fail_waiting(struct server *server, const char *why)
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

	if (server->state == SERVER_STARTING ||
	    (server->state == SERVER_RESTING && server->due_ms <= now + SERVER_PATIENCE_MS))
		return;
	if (server->state != SERVER_READY) {
		fail_waiting(server, server->why.kind != ERR_NONE ? server->why.text : "it is not available");
		return;
	}
	server->waiting = NULL;
	DL_FOREACH_SAFE(first, call, next)
	send_call(server, call);
}

void server_call(struct server *server, const struct server_call *from)
{
	struct waiting *call = mem_zero(1, sizeof(*call));

	*call = (struct waiting){ .server = server,
				  .tool = mem_text(from->tool->original),
				  .arguments = from->arguments,
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

/* ---- beginning ----------------------------------------------------------------------------------------------------- */

static void on_message(void *owner, json_t *message)
{
	struct server *server = owner;

	rpc_take(server->rpc, message);
}

static void on_lost(void *owner, int64_t id, const struct err *err)
{
	struct server *server = owner;

	rpc_lost(server->rpc, id, err);
}

static void on_down(void *owner, enum wire_end how, const struct err *err)
{
	server_fail(owner, how, err);
}

static const struct wire_events wire_events = { .message = on_message, .lost = on_lost, .down = on_down };

static void start(struct server *server)
{
	struct wire_options options = {
		.io = server->io, .http = server->http, .log = &server->log, .config = &server->config
	};
	struct err err = { 0 };

	server->state = SERVER_STARTING;
	server->began_ms = loop_now_ms(server->loop);
	server->wire = server->ops->open(&options, &wire_events, server, &err);
	if (server->wire == NULL) {
		server_fail(server, WIRE_ENDED, &err);
		return;
	}
	server->rpc = rpc_create(server->loop, &session_events, server, &server->log);
	loop_timer_start(server->timer, server->config.start_ms, 0);
	session_begin(server);
}

void server_need(struct server *server)
{
	if (server->state == SERVER_NEW)
		start(server);
}

void server_ready(struct server *server)
{
	if (server->state != SERVER_STARTING)
		return;
	server->state = SERVER_READY;
	server->ready_ms = loop_now_ms(server->loop);
	err_clear(&server->why);
	loop_timer_stop(server->timer);
	server_flush(server);
	mcp_moved(server->mcp);
}

bool server_settled(const struct server *server)
{
	bool on_its_way = server->state == SERVER_NEW || server->state == SERVER_STARTING ||
			  server->state == SERVER_RESTING;

	return !on_its_way || server->failures > 1;
}

/* ---- ending ---------------------------------------------------------------------------------------------------------- */

static void disconnect(struct server *server, const struct err *err)
{
	struct rpc *rpc = server->rpc;
	struct wire *wire = server->wire;
	struct err unsure = *err;

	unsure.kind = ERR_UNSURE; /* what is under way may have been done */
	server->rpc = NULL;
	server->wire = NULL;
	tools_reset(server);
	if (rpc) {
		rpc_fail_all(rpc, &unsure);
		rpc_destroy(rpc);
	}
	if (wire)
		server->ops->destroy(wire);
}

/* Too many failures in the window? */
static bool hopeless(struct server *server, uint64_t now)
{
	uint64_t oldest;

	server->crashes[server->crash_next] = now;
	server->crash_next = (server->crash_next + 1) % SERVER_CRASHES;
	oldest = server->crashes[server->crash_next];
	return oldest && now - oldest < SERVER_WINDOW_MS;
}

static void rest(struct server *server, bool give_up)
{
	uint64_t now = loop_now_ms(server->loop), pause = SERVER_REST_MS;

	if (server->ready_ms > server->began_ms && now - server->ready_ms > SERVER_CALM_MS)
		server->failures = 0;
	for (unsigned i = 0; i < server->failures && pause < SERVER_REST_MAX_MS; i++)
		pause *= 2;
	if (pause > SERVER_REST_MAX_MS)
		pause = SERVER_REST_MAX_MS;
	server->failures++;
	give_up |= hopeless(server, now);
	if (give_up)
		pause = SERVER_WINDOW_MS;
	server->state = give_up ? SERVER_GIVEN_UP : SERVER_RESTING;
	server->due_ms = now + pause;
	log_warn(&server->log, "%s; %s in %llu s", server->why.text,
		 give_up ? "given up, may be tried again" : "starts again",
		 (unsigned long long)(pause / 1000));
	loop_timer_start(server->timer, pause, 0);
	if (give_up) {
		tool_list_finish(&server->tools);
		mcp_changed(server->mcp);
	}
	mcp_moved(server->mcp);
}

/* A session that the server has forgotten is begun anew at once, but not again and again. */
static bool may_begin_anew(const struct server *server, enum wire_end how)
{
	return how == WIRE_EXPIRED && server->ready_ms >= server->began_ms &&
	       loop_now_ms(server->loop) - server->began_ms > SERVER_REST_MS;
}

void server_fail(struct server *server, enum wire_end how, const struct err *err)
{
	struct err why = *err;
	bool closing = server->state == SERVER_CLOSING, anew = !closing && may_begin_anew(server, how);

	if (why.kind == ERR_NONE)
		err_set(&why, ERR_AGAIN, "the connection was closed");
	server->why = why;
	disconnect(server, &why);
	if (closing) {
		loop_timer_stop(server->timer);
		server->state = SERVER_CLOSED;
		mcp_closed(server->mcp);
	} else if (anew) {
		log_info(&server->log, "its session is over: it begins anew");
		start(server);
	} else {
		rest(server, how == WIRE_REFUSED);
		server_flush(server);
	}
}

void server_close(struct server *server)
{
	if (server->state >= SERVER_CLOSING)
		return;
	fail_waiting(server, "usher is stopping");
	loop_timer_stop(server->timer);
	loop_timer_stop(server->relist);
	server->state = server->wire ? SERVER_CLOSING : SERVER_CLOSED;
	if (server->wire)
		server->ops->close(server->wire);
}

/* ---- the object ------------------------------------------------------------------------------------------------------ */

static void on_time(void *data)
{
	struct server *server = data;
	struct err err = { 0 };

	if (server->state == SERVER_STARTING) {
		err_set(&err, ERR_AGAIN, "it has not started in %u s", server->config.start_ms / 1000);
		server_fail(server, WIRE_ENDED, &err);
	} else if (server->state == SERVER_RESTING) {
		start(server);
	} else if (server->state == SERVER_GIVEN_UP) {
		server->state = SERVER_NEW;
		server->failures = 0;
		memset(server->crashes, 0, sizeof(server->crashes));
	}
}

static void on_relist(void *data)
{
	struct server *server = data;

	if (server->wire && server->state != SERVER_CLOSING)
		tools_list(server);
}

bool server_create(struct mcp *mcp, const struct mcp_options *options, const struct settings *settings,
		   struct server *server, struct err *err)
{
	struct loop *loop = io_loop(options->io);

	*server = (struct server){ .mcp = mcp, .io = options->io, .http = options->http, .loop = loop };
	if (!config_read(settings, &server->config, err))
		return false;
	server->log = (struct log){ .parent = options->log, .name = server->config.name };
	server->ops = server->config.url ? &wire_http : &wire_stdio;
	server->timer = loop_timer_create(loop, on_time, server);
	server->relist = loop_timer_create(loop, on_relist, server);
	return true;
}

static void drop_calls(struct waiting *list)
{
	struct waiting *call, *next;

	DL_FOREACH_SAFE(list, call, next)
	{
		json_decref(call->arguments);
		free(call->tool);
		free(call);
	}
}

void server_destroy(struct server *server)
{
	rpc_destroy(server->rpc);
	if (server->wire)
		server->ops->destroy(server->wire);
	server->rpc = NULL;
	server->wire = NULL;
	if (server->timer)
		tools_reset(server);
	drop_calls(server->waiting);
	drop_calls(server->sent);
	tool_list_finish(&server->tools);
	loop_timer_destroy(server->timer);
	loop_timer_destroy(server->relist);
	free(server->title);
	config_finish(&server->config);
}
