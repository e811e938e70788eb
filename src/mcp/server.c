/* One server's life: started when needed, started again after growing rests, given up when it fails too often. */
#include "server.h"
#include "io.h"
#include "mem.h"
#include "oauth.h"
#include "oauth_read.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void start(struct server *server);

const char *server_state_name(const struct server *server)
{
	static const char *const names[] = { "not needed yet", "starting",  "ready",   "resting",
					     "given up",       MCP_WAITING, "closing", "closed" };

	return names[server->state];
}

/* ---- beginning ----------------------------------------------------------------------------------------------------- */

static void on_message(void *owner, json_t *message)
{
	struct server *server = owner;

	if (server->oauth)
		oauth_worked(server->oauth);
	rpc_take(server->rpc, message);
}

static void on_challenged(void *owner, int status, const char *header)
{
	struct server *server = owner;

	if (server->oauth)
		oauth_challenged(server->oauth, status, header);
}

/* A call that lacks a right was not done: it waits for a token that has it, or is told how to get one. */
static void on_lost(void *owner, int64_t id, const struct err *err)
{
	struct server *server = owner;
	struct err why = *err;

	if (server->oauth == NULL || !oauth_asked(server->oauth)) {
		rpc_lost(server->rpc, id, err);
		return;
	}
	if (server->state == SERVER_STARTING) { /* it can't even list its tools */
		server_fail(server, WIRE_REFUSED, err);
		return;
	}
	if (oauth_stepping(server->oauth))
		why.kind = ERR_AGAIN;
	else if (why.kind == ERR_REFUSED && oauth_recover(server->oauth, &why) == OAUTH_PERSON)
		server->why = why;
	rpc_lost(server->rpc, id, &why);
}

static void on_down(void *owner, enum wire_end how, const struct err *err)
{
	server_fail(owner, how, err);
}

static const struct wire_events wire_events = {
	.message = on_message, .lost = on_lost, .challenged = on_challenged, .down = on_down
};

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
	server->turned = false;
	if (server->config.protocol == PROTOCOL_LEGACY || server->era == ERA_LEGACY)
		session_begin(server);
	else
		modern_begin(server);
}

void server_again(struct server *server)
{
	server->state = SERVER_STARTING;
	loop_timer_start(server->timer, server->config.start_ms, 0);
	modern_begin(server);
}

void server_need(struct server *server)
{
	if (server->state == SERVER_NEW)
		start(server);
}

/* A token that can't be renewed is told of while there is still time. */
static void look_ahead(struct server *server)
{
	struct err why = { 0 };

	if (server->oauth == NULL || !oauth_runs_out(server->oauth, &why))
		return;
	server->why = why;
	log_warn(&server->log, "%s", why.text);
}

void server_ready(struct server *server)
{
	if (server->state != SERVER_STARTING)
		return;
	server->state = SERVER_READY;
	server->ready_ms = loop_now_ms(server->loop);
	err_clear(&server->why);
	look_ahead(server);
	loop_timer_stop(server->timer);
	server_flush(server);
	mcp_moved(server->mcp);
}

bool server_asks_for_token(const struct server *server)
{
	return (server->state == SERVER_WAITING && server->why.kind == ERR_AGAIN) ||
	       (server->oauth && oauth_stepping(server->oauth));
}

bool server_settled(const struct server *server)
{
	bool on_its_way = server->state == SERVER_NEW || server->state == SERVER_STARTING ||
			  server->state == SERVER_RESTING || server_asks_for_token(server);

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

/* What it offered stays offered: who calls is told what a person has to do, unless a token comes by itself. */
static bool await_token(struct server *server)
{
	enum oauth_recovery recovery = oauth_recover(server->oauth, &server->why);

	if (recovery == OAUTH_NO)
		return false;
	server->state = SERVER_WAITING;
	loop_timer_stop(server->timer);
	if (recovery == OAUTH_PERSON)
		log_warn(&server->log, "%s", server->why.text);
	mcp_moved(server->mcp);
	return true;
}

/* There is no token, and none is on its way. */
static void unauthorized(struct server *server, const struct err *err)
{
	bool person;

	server->why = *err;
	person = oauth_needs_person(server->oauth, &server->why);
	if (person)
		mcp_moved(server->mcp);
	else
		rest(server, err->kind == ERR_REFUSED);
}

static void server_authorized(struct server *server, const struct err *err)
{
	bool good = err->kind == ERR_NONE;

	if (good && (server->state == SERVER_WAITING || server->state == SERVER_GIVEN_UP))
		start(server);
	else if (server->state == SERVER_WAITING)
		unauthorized(server, err);
	else if (good && server->state == SERVER_READY)
		err_clear(&server->why); /* of a call that lacked a right */
	else if (server->state == SERVER_READY)
		look_ahead(server);
	server_flush(server);
}

void server_forget(struct server *server)
{
	struct err err = { 0 };

	if (server->oauth == NULL)
		return;
	oauth_forget(server->oauth);
	err_set(&err, ERR_REFUSED, "its authorization was taken back: usher tool login %s",
		server->config.name);
	if (server->state >= SERVER_CLOSING)
		return;
	server->why = err;
	disconnect(server, &err);
	tool_list_finish(&server->tools);
	mcp_changed(server->mcp);
	loop_timer_stop(server->timer);
	/* Who needs no person asks anew with the next call. */
	server->state = server->config.oauth_machine ? SERVER_NEW : SERVER_WAITING;
	server_flush(server);
}

/* A session that the server has forgotten is begun anew at once, but not again and again. */
static bool may_begin_anew(const struct server *server, enum wire_end how)
{
	return how == WIRE_EXPIRED && server->ready_ms >= server->began_ms &&
	       loop_now_ms(server->loop) - server->began_ms > SERVER_REST_MS;
}

/* Some old programs end of a request before the handshake. */
static bool ends_of_question(const struct server *server, enum wire_end how)
{
	return server->probes && how == WIRE_ENDED && server->state == SERVER_STARTING && server->wire;
}

void server_fail(struct server *server, enum wire_end how, const struct err *err)
{
	struct err why = *err;
	bool closing = server->state == SERVER_CLOSING, old = !closing && ends_of_question(server, how);
	bool anew = old || (!closing && may_begin_anew(server, how));

	if (why.kind == ERR_NONE)
		err_set(&why, ERR_AGAIN, "the connection was closed");
	server->why = why;
	server->era = old ? ERA_LEGACY : how == WIRE_EXPIRED ? server->era : ERA_UNKNOWN;
	disconnect(server, &why);
	if (closing) {
		loop_timer_stop(server->timer);
		server->state = SERVER_CLOSED;
		mcp_closed(server->mcp);
	} else if (anew) {
		log_info(&server->log, "%s: it begins anew",
			 old ? "it does not know " MCP_MODERN : "its session is over");
		start(server);
	} else {
		if (server->oauth == NULL || !oauth_asked(server->oauth) || !await_token(server))
			rest(server, how == WIRE_REFUSED);
		server_flush(server);
	}
}

void server_close(struct server *server)
{
	if (server->state >= SERVER_CLOSING)
		return;
	calls_fail_waiting(server, "usher is stopping");
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

static void on_listen(void *data)
{
	modern_listen(data);
}

static void on_relist(void *data)
{
	struct server *server = data;

	if (server->wire && server->state != SERVER_CLOSING)
		tools_list(server);
}

static void on_authorized(void *owner, const struct err *err)
{
	server_authorized(owner, err);
}

static void on_keep(void *owner, const char *issuer, const char *text)
{
	struct server *server = owner;

	mcp_keep(server->mcp, server, issuer, text);
}

/* Credentials that were set are all that is sent. */
static bool may_authorize(const struct mcp_config *config)
{
	for (const char *const *row = config->headers; *row; row++)
		if (strncasecmp(*row, "Authorization:", 14) == 0)
			return false;
	return config->url && config->token == NULL && oauth_url_fits(config->url);
}

static void add_oauth(struct server *server, const struct mcp_options *options)
{
	if (!may_authorize(&server->config))
		return;
	server->oauth = oauth_create(&(struct oauth_options){ .loop = server->loop,
							      .http = options->http,
							      .log = &server->log,
							      .config = &server->config,
							      .callback = options->callback,
							      .document = options->document,
							      .keep = on_keep,
							      .done = on_authorized,
							      .owner = server });
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
	add_oauth(server, options);
	server->relist = loop_timer_create(loop, on_relist, server);
	server->listen = loop_timer_create(loop, on_listen, server);
	return true;
}

void server_destroy(struct server *server)
{
	rpc_destroy(server->rpc);
	if (server->wire)
		server->ops->destroy(server->wire);
	oauth_destroy(server->oauth);
	server->oauth = NULL;
	server->rpc = NULL;
	server->wire = NULL;
	if (server->timer)
		tools_reset(server);
	calls_drop(server);
	tool_list_finish(&server->tools);
	loop_timer_destroy(server->timer);
	loop_timer_destroy(server->relist);
	loop_timer_destroy(server->listen);
	free(server->title);
	config_finish(&server->config);
}
