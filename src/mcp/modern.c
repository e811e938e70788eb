/* The life of a server that speaks 2026-07-28: no handshake, each request says all that there is to know of us. Which era a
 * server belongs to is found out here, too (sheet 13). What servers with a handshake need is in session.c. */
#include "mem.h"
#include "server.h"
#include <stdlib.h>
#include <string.h>

#define META "io.modelcontextprotocol/"

enum {
	PROBE_MS = 10000,	/* old programs do not answer what they do not know */
	FRESH_LEAST_MS = 60000, /* a list is not asked for at each turn, however short-lived it says it is */
	FRESH_MOST_MS = 86400000,
	LISTEN_MS = 0x3fffffff, /* about twelve days; then once more */
	LISTEN_FIRST_MS = 1000,
	LISTEN_MOST_MS = 60000,
	METHOD_NOT_FOUND = -32601,
};

static void discover(struct server *server);

/* ---- what each request carries --------------------------------------------------------------------------------- */

static void add_meta(json_t *params)
{
	json_t *meta = json_object_get(params, "_meta");

	if (meta == NULL) {
		meta = json_object();
		json_object_set_new(params, "_meta", meta);
	}
	json_object_set_new(meta, META "protocolVersion", json_string(MCP_MODERN));
	json_object_set_new(meta, META "clientCapabilities", json_object());
	json_object_set_new(
		meta, META "clientInfo",
		json_pack("{s:s, s:s, s:s}", "name", "usher", "title", "usher", "version", USHER_VERSION));
}

static void add_rows(struct param_rows *rows, const struct rpc_ask *ask, const struct mcp_tool *tool)
{
	const char *name = json_text(ask->params, "name");
	json_t *schema;

	param_add(rows, "MCP-Protocol-Version", MCP_MODERN, strlen(MCP_MODERN));
	param_add(rows, "Mcp-Method", ask->method, strlen(ask->method));
	if (tool == NULL)
		return;
	param_add(rows, "Mcp-Name", name, strlen(name));
	schema = json_read(tool->schema, strlen(tool->schema), NULL);
	param_mirror(rows, schema, json_object_get(ask->params, "arguments"));
	json_decref(schema);
}

int64_t modern_ask(struct server *server, const struct rpc_ask *from, const struct mcp_tool *tool,
		   rpc_done_fn *done, void *owner, uint64_t ticket)
{
	struct rpc_ask ask = *from;
	struct param_rows rows = { 0 };
	int64_t id;

	if (!server->modern)
		return rpc_ask(server->rpc, &ask, done, owner, ticket);
	if (ask.params == NULL)
		ask.params = json_object();
	add_meta(ask.params);
	if (server->config.url) {
		add_rows(&rows, &ask, tool);
		ask.headers = (const char *const *)rows.rows;
		ask.stays = true; /* to stop listening to the answer is all that is said */
	}
	id = rpc_ask(server->rpc, &ask, done, owner, ticket);
	param_finish(&rows);
	return id;
}

/* ---- which era ---------------------------------------------------------------------------------------------------- */

bool modern_code(const json_t *error)
{
	json_int_t code = json_int(error, "code", 0);

	return code <= MODERN_HEADERS && code >= MODERN_VERSION;
}

static bool named(const json_t *versions, bool (*speaks)(const char *version))
{
	const json_t *one;
	size_t i;

	json_array_foreach (versions, i, one) {
		if (json_is_string(one) && speaks(json_string_value(one)))
			return true;
	}
	return false;
}

static bool is_modern(const char *version)
{
	return strcmp(version, MCP_MODERN) == 0;
}

/* It has a handshake, or nothing that we know. why: what it said to us. */
static void not_modern(struct server *server, const char *why)
{
	struct err err = { 0 };

	if (server->config.protocol == PROTOCOL_AUTO) {
		log_debug(&server->log, "does not speak %s (%s): it is greeted in the old way", MCP_MODERN,
			  why);
		server->era = ERA_LEGACY;
		session_begin(server);
		return;
	}
	err_set(&err, ERR_REFUSED, "it does not speak %s: %.200s", MCP_MODERN, why);
	server_fail(server, WIRE_ENDED, &err);
}

/* An error that only servers of this era know. */
static void refused(struct server *server, const json_t *error)
{
	const json_t *versions = json_object_get(json_object_get(error, "data"), "supported");
	const char *why = json_text(error, "message");
	struct err err = { 0 };

	if (json_int(error, "code", 0) == MODERN_VERSION) {
		if (named(versions, is_modern) && !server->offered_again) {
			server->offered_again = true;
			discover(server);
			return;
		}
		if (named(versions, session_speaks)) {
			not_modern(server, "it names other versions");
			return;
		}
	}
	err_set(&err, ERR_REFUSED, "it refuses to begin: %.200s (%lld)", why ? why : "without a word",
		(long long)json_int(error, "code", 0));
	server_fail(server, WIRE_ENDED, &err);
}

static void found(struct server *server, const json_t *result)
{
	const json_t *versions = json_object_get(result, "supportedVersions");
	const json_t *tools = json_object_get(json_object_get(result, "capabilities"), "tools");
	const json_t *info = json_object_get(json_object_get(result, "_meta"), META "serverInfo");

	if (round_of(result) != ROUND_COMPLETE || !json_is_array(versions)) {
		not_modern(server, "what it says of itself makes no sense");
		return;
	}
	if (!named(versions, is_modern)) {
		not_modern(server, "it names other versions");
		return;
	}
	server->era = ERA_MODERN;
	memcpy(server->version, MCP_MODERN, sizeof(MCP_MODERN));
	session_title(server, info ? info : json_object_get(result, "serverInfo"));
	server->has_tools = json_is_object(tools);
	server->watches = json_is_true(json_object_get(tools, "listChanged"));
	tools_list(server);
}

static void discovered(void *owner, uint64_t ticket, const struct rpc_answer *answer)
{
	struct server *server = owner;
	const char *why = json_text(answer->error, "message");
	struct err err = answer->err;

	(void)ticket;
	if (server->rpc == NULL) /* the connection is being given up; a program that ends of this is old */
		return;
	server->probes = false;
	if (answer->result) {
		found(server, answer->result);
	} else if (modern_code(answer->error)) {
		refused(server, answer->error);
	} else if (answer->error || err.kind == ERR_REFUSED || (answer->late && server->config.url == NULL)) {
		not_modern(server, why ? why : err.text);
	} else {
		err_add(&err, "asking what it speaks");
		server_fail(server, WIRE_ENDED, &err);
	}
}

static void discover(struct server *server)
{
	bool probe = server->config.protocol == PROTOCOL_AUTO && server->config.url == NULL;
	unsigned half = server->config.start_ms / 2;
	unsigned patience = half < PROBE_MS ? half : PROBE_MS;

	server->probes = probe;
	modern_ask(server,
		   &(struct rpc_ask){ .method = "server/discover",
				      .total_ms = probe ? patience : server->config.start_ms,
				      .stays = true },
		   NULL, discovered, server, 0);
}

void modern_begin(struct server *server)
{
	session_clear(server);
	server->modern = true;
	discover(server);
}

/* ---- changes of the list ------------------------------------------------------------------------------------------- */

static void listen(struct server *server);

/* What changed while nobody listened is seen by listing once more, when it listens again. */
static void listen_ended(void *owner, uint64_t ticket, const struct rpc_answer *answer)
{
	struct server *server = owner;
	unsigned shift = server->listen_fails < 6 ? server->listen_fails : 6;
	unsigned pause = (unsigned)LISTEN_FIRST_MS << shift;

	(void)ticket;
	server->listen_id = 0;
	server->told_of_changes = false;
	if (server->rpc == NULL)
		return;
	if (answer->error || answer->err.kind == ERR_REFUSED) {
		const char *why = json_text(answer->error, "message");

		server->watches = false;
		log_debug(&server->log, "does not tell of changes: %.200s", why ? why : answer->err.text);
		return;
	}
	server->listen_fails++;
	server->missed = true;
	loop_timer_start(server->listen, (pause < LISTEN_MOST_MS ? pause : LISTEN_MOST_MS), 0);
}

static void listen(struct server *server)
{
	json_t *params = json_pack("{s:{s:b}}", "notifications", "toolsListChanged", 1);

	server->listen_id = modern_ask(server,
				       &(struct rpc_ask){ .method = "subscriptions/listen",
							  .params = params,
							  .total_ms = LISTEN_MS },
				       NULL, listen_ended, server, 0);
}

void modern_listen(struct server *server)
{
	if (server->rpc && server->modern && server->watches && server->listen_id == 0)
		listen(server);
}

static bool ours(const struct server *server, const json_t *params)
{
	const json_t *id = json_object_get(json_object_get(params, "_meta"), META "subscriptionId");

	return server->listen_id && json_is_integer(id) && json_integer_value(id) == server->listen_id;
}

bool modern_told(struct server *server, const char *method, const json_t *params)
{
	bool agreed = strcmp(method, "notifications/subscriptions/acknowledged") == 0;

	if (!agreed && strcmp(method, "notifications/tools/list_changed") != 0)
		return false;
	if (!ours(server, params))
		return true;
	if (agreed) {
		server->listen_fails = 0;
		server->told_of_changes = json_is_true(
			json_object_get(json_object_get(params, "notifications"), "toolsListChanged"));
	}
	if (!agreed || server->missed)
		tools_changed(server);
	server->missed = false;
	return true;
}

/* ---- how long a list is good ---------------------------------------------------------------------------------------- */

void modern_listed(struct server *server, const json_t *result)
{
	json_int_t ttl = json_int(result, "ttlMs", 0);

	ttl = ttl < FRESH_LEAST_MS ? FRESH_LEAST_MS : ttl > FRESH_MOST_MS ? FRESH_MOST_MS : ttl;
	server->fresh_ms = loop_now_ms(server->loop) + (uint64_t)ttl;
}

void modern_freshen(struct server *server)
{
	if (server->modern && server->state == SERVER_READY && !server->told_of_changes && !server->lists &&
	    server->has_tools && loop_now_ms(server->loop) >= server->fresh_ms)
		tools_list(server);
}

void modern_reset(struct server *server)
{
	server->listen_id = 0;
	server->listen_fails = 0;
	server->told_of_changes = server->missed = server->watches = server->probes = false;
	loop_timer_stop(server->listen);
}
