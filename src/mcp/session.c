/* The handshake in every version that has one, and what a server asks of us and tells us (sheet 3, 9, 10, 11). */
#include "mem.h"
#include "server.h"
#include <stdlib.h>
#include <string.h>

enum { METHOD_NOT_FOUND = -32601, INVALID_PARAMS = -32602, SAID_MS = 500, SAID_BURST = 20, SAID_MAX = 500 };

/* The newest first. */
static const char *const versions[] = { MCP_VERSION, "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07" };

bool session_speaks(const char *version)
{
	for (size_t i = 0; version && i < sizeof(versions) / sizeof(versions[0]); i++)
		if (strcmp(version, versions[i]) == 0)
			return true;
	return false;
}

/* ---- the handshake ----------------------------------------------------------------------------------------- */

static void begun(void *owner, uint64_t ticket, const struct rpc_answer *answer);

/* Nothing is declared that we do not do: no roots, no sampling, no elicitation, no tasks. */
static void offer(struct server *server, const char *version)
{
	json_t *params =
		json_pack("{s:s, s:{}, s:{s:s, s:s, s:s}}", "protocolVersion", version, "capabilities",
			  "clientInfo", "name", "usher", "title", "usher", "version", USHER_VERSION);

	rpc_ask(server->rpc,
		&(struct rpc_ask){ .method = "initialize",
				   .params = params,
				   .total_ms = server->config.start_ms,
				   .stays = true },
		begun, server, 0);
}

void session_clear(struct server *server)
{
	server->offered_again = false;
	server->has_tools = false;
	server->modern = false;
	server->version[0] = '\0';
	server->said = (struct pace){ .interval_ms = SAID_MS, .burst = SAID_BURST };
}

void session_begin(struct server *server)
{
	session_clear(server);
	offer(server, versions[0]);
}

/* The newest version that the refusal names and we speak; or NULL. */
static const char *common_version(const json_t *error)
{
	const json_t *supported = json_object_get(json_object_get(error, "data"), "supported"), *one;
	size_t at;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		json_array_foreach (supported, at, one) {
			if (json_is_string(one) && strcmp(json_string_value(one), versions[i]) == 0)
				return versions[i];
		}
	}
	return NULL;
}

static void refused(struct server *server, const json_t *error)
{
	const char *version = common_version(error), *why = json_text(error, "message");
	struct err err = { 0 };

	if (version && !server->offered_again && json_int(error, "code", 0) == INVALID_PARAMS) {
		server->offered_again = true;
		offer(server, version);
		return;
	}
	if (modern_code(error) && server->config.protocol == PROTOCOL_AUTO && !server->turned) {
		server->turned = true;
		server->era = ERA_UNKNOWN; /* it did not answer in time, or has been renewed */
		modern_begin(server);
		return;
	}
	err_set(&err, ERR_REFUSED, "it refuses to begin: %.160s (%lld)%s", why ? why : "without a word",
		(long long)json_int(error, "code", 0),
		modern_code(error) && server->config.protocol == PROTOCOL_LEGACY
			? "; set protocol = \"auto\", it knows newer versions"
			: "");
	server_fail(server, WIRE_ENDED, &err);
}

void session_title(struct server *server, const json_t *info)
{
	const char *name = json_text(info, "name"), *release = json_text(info, "version");

	free(server->title);
	server->title = mem_format("%.100s %.60s", name ? name : "(no name)", release ? release : "");
}

static void agreed(struct server *server, const json_t *result)
{
	const char *version = json_text(result, "protocolVersion");
	struct err err = { 0 };

	if (!session_speaks(version)) {
		err_set(&err, ERR_REFUSED, "it speaks version %.40s of the protocol, which is not known here",
			version ? version : "(none)");
		server_fail(server, WIRE_ENDED, &err);
		return;
	}
	memcpy(server->version, version, strlen(version) + 1);
	session_title(server, json_object_get(result, "serverInfo"));
	server->has_tools = json_is_object(json_object_get(json_object_get(result, "capabilities"), "tools"));
	if (server->ops->agreed)
		server->ops->agreed(server->wire, server->version);
	rpc_tell(server->rpc, "notifications/initialized", NULL);
	tools_list(server);
}

static void begun(void *owner, uint64_t ticket, const struct rpc_answer *answer)
{
	struct server *server = owner;
	struct err err = answer->err;

	(void)ticket;
	if (server->rpc == NULL) /* the connection is being given up */
		return;
	if (answer->result) {
		agreed(server, answer->result);
	} else if (answer->error) {
		refused(server, answer->error);
	} else {
		err_add(&err, "the handshake");
		server_fail(server, WIRE_ENDED, &err);
	}
}

/* ---- what it asks ---------------------------------------------------------------------------------------------- */

/* Each request is answered: a server waits for it, often with the very call that we wait for (sheet, pitfall 5). */
static void asked(void *owner, const json_t *id, const char *method, const json_t *params)
{
	static const struct {
		const char *method;
		int code;
		const char *why;
	} refusals[] = {
		{ "roots/list", METHOD_NOT_FOUND, "roots are not offered" },
		{ "sampling/createMessage", METHOD_NOT_FOUND, "sampling is not offered" },
		{ "elicitation/create", METHOD_NOT_FOUND, "elicitation is not offered" },
	};
	struct server *server = owner;
	const char *why = "method not found";
	int code = METHOD_NOT_FOUND;

	(void)params;
	if (server->modern) { /* there is nothing that could be asked this way, and no answer */
		log_debug(&server->log, "asks for %.60s: passed over", method);
		return;
	}
	if (strcmp(method, "ping") == 0) {
		rpc_answer(server->rpc, id, json_object());
		return;
	}
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (strcmp(method, refusals[i].method) == 0) {
			code = refusals[i].code;
			why = refusals[i].why;
		}
	}
	log_debug(&server->log, "asks for %.60s: refused", method);
	rpc_refuse(server->rpc, id, code, why);
}

/* ---- what it tells --------------------------------------------------------------------------------------------- */

static void say(struct server *server, const json_t *params)
{
	static const char *const grave[] = { "warning", "error", "critical", "alert", "emergency" };
	const char *level = json_text(params, "level"), *text = json_text(params, "data");
	const json_t *data = json_object_get(params, "data");
	uint64_t now = loop_now_ms(server->loop);
	bool warn = false;
	char *written;

	if (pace_wait(&server->said, now, 0) > 0)
		return;
	pace_take(&server->said, now);
	for (size_t i = 0; level && i < sizeof(grave) / sizeof(grave[0]); i++)
		warn |= strcmp(level, grave[i]) == 0;
	written = text || data == NULL ? NULL : json_write(data);
	text = text ? text : written ? written : "";
	if (warn)
		log_warn(&server->log, "says: %.*s", SAID_MAX, text);
	else
		log_debug(&server->log, "says: %.*s", SAID_MAX, text);
	free(written);
}

static void told(void *owner, const char *method, const json_t *params)
{
	struct server *server = owner;

	if (server->modern && modern_told(server, method, params))
		return;
	if (strcmp(method, "notifications/tools/list_changed") == 0)
		tools_changed(server);
	else if (strcmp(method, "notifications/message") == 0)
		say(server, params);
}

static bool send(void *owner, const char *text, size_t len, const struct wire_note *note)
{
	struct server *server = owner;

	return server->wire && server->ops->send(server->wire, text, len, note);
}

static void forget(void *owner, int64_t id)
{
	struct server *server = owner;

	if (server->wire && server->ops->forget)
		server->ops->forget(server->wire, id);
}

const struct rpc_events session_events = { .send = send, .forget = forget, .asked = asked, .told = told };
