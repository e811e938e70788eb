/* What @modelcontextprotocol/conformance runs as the client: usher's own MCP room against the server of one scenario.
 *
 *     MCP_CONFORMANCE_SCENARIO=tools_call MCP_CONFORMANCE_PROTOCOL_VERSION=2025-11-25 client http://localhost:1234/mcp
 *
 * What is called stands in MCP_CONFORMANCE_CONTEXT (toolCalls) or in the table below, one call after the other.
 *
 * All but one scenario go through the room's public functions, as in the daemon. The one about elicitation declares what
 * usher does not offer to servers, so it speaks over the same wire and JSON-RPC with a handshake of its own. */
#include "http.h"
#include "io.h"
#include "mcp_room.h"
#include "mem.h"
#include "person.h"
#include "settings_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 20, PATIENCE_MS = 25000, LOGINS_MAX = 6, CALLS_MAX = 6, DONE_LOOKS = 5 };

static const struct log log_here = { .name = "conformance" };

struct stage {
	struct io *io;
	struct http *http;
	struct settings *settings;
	struct loop_timer *look, *limit;
	const char *scenario, *url;
	int status;
	/* by the public functions */
	struct mcp *mcp;
	const struct toolset *tools;
	json_t *calls; /* [{name, arguments}], the next one first */
	uint64_t judged;
	size_t judged_count;
	struct person person;
	unsigned retries, looks; /* looks: since it was said to be done, and is not used yet */
	/* by hand */
	struct mcp_config config;
	struct wire *wire;
	struct rpc *rpc;
};

static void leave(void *owner)
{
	struct stage *stage = owner;

	io_stop(stage->io);
}

static void fail(struct stage *stage, const char *why)
{
	fprintf(stderr, "%s: %s\n", stage->scenario, why);
	stage->status = 1;
	io_stop(stage->io);
}

static void on_limit(void *data)
{
	fail(data, "took too long");
}

/* ---- as in the daemon ------------------------------------------------------------------------------------------ */

static const struct {
	const char *scenario, *tool, *arguments;
} calls[] = {
	{ "tools_call", "add_numbers", "{\"a\":2,\"b\":3}" },
	{ "sse-retry", "test_reconnection", "{}" },
	{ "auth/", "test-tool", "{}" },
	{ "sep-2322", "test_mrtr_echo_state", "{}" },
	{ "sep-2322", "test_mrtr_unrelated", "{}" },
	{ "sep-2322", "test_mrtr_no_state", "{}" },
	{ "sep-2322", "test_mrtr_no_result_type", "{}" },
	{ "http-standard-headers", "test_headers", "{}" },
	{ "http-standard-headers", "my-hyphenated-tool", "{}" },
	{ "http-invalid-tool-headers", "*", "{}" },
	{ "json-schema-2020-12-preservation", "json_schema_echo", NULL },
};

static void on_judged(void *data)
{
	struct stage *stage = data;
	bool *good = mem_alloc(stage->judged_count + 1);

	memset(good, true, stage->judged_count + 1);
	mcp_judged(stage->mcp, stage->judged, good, stage->judged_count);
	free(good);
}

static void on_judge(void *owner, uint64_t ticket, const struct mcp_pin *pins, size_t count)
{
	struct stage *stage = owner;

	(void)pins;
	stage->judged = ticket;
	stage->judged_count = count;
	loop_post(io_loop(stage->io), on_judged, stage);
}

static void next_call(struct stage *stage);

static bool lacks_a_right(const struct stage *stage)
{
	char *text = mcp_status(stage->mcp);
	bool lacks = strstr(text, "usher tool login") != NULL;

	free(text);
	return lacks;
}

static void on_called(void *owner, uint64_t ticket, const char *result, bool failed)
{
	struct stage *stage = owner;

	(void)ticket;
	printf("%s%s\n", failed ? "failed: " : "", result);
	if (failed && ++stage->retries < CALLS_MAX &&
	    lacks_a_right(stage)) { /* a person grants it, then once more */
		person_log_in(&stage->person);
		loop_timer_start(stage->look, LOOK_MS, LOOK_MS);
		return;
	}
	stage->status |= failed;
	next_call(stage);
}

static bool call_tool(struct stage *stage, const char *name, const char *arguments)
{
	static const struct tool_caller caller = { .org_id = "", .profile_id = "", .role = "operator" };

	for (size_t i = 0; i < stage->tools->count; i++) {
		const struct tool *tool = stage->tools->tools[i];

		if (strcmp(mcp_about(tool).tool, name) != 0)
			continue;
		tool->call(tool->box, &caller, arguments, "1", on_called, stage, 0);
		return true;
	}
	return false;
}

static void next_call(struct stage *stage)
{
	const json_t *call = json_array_get(stage->calls, 0);
	char *arguments;

	if (call == NULL) {
		mcp_stop(stage->mcp, leave, stage);
		return;
	}
	arguments = json_write(json_object_get(call, "arguments"));
	if (!call_tool(stage, json_text(call, "name"), arguments))
		fail(stage, "the tool is not offered");
	free(arguments);
	json_array_remove(stage->calls, 0);
}

/* The schema of the tool that is not called, just as the room got it. */
static json_t *schema_of_other(const struct stage *stage, const char *name)
{
	for (size_t i = 0; i < stage->tools->count; i++) {
		struct mcp_about about = mcp_about(stage->tools->tools[i]);

		if (strcmp(about.tool, name) != 0)
			return json_pack("{s:o}", "schema",
					 json_read(about.schema, strlen(about.schema), NULL));
	}
	return json_object();
}

static void plan(struct stage *stage, const char *name, const char *arguments)
{
	json_t *values =
		arguments ? json_read(arguments, strlen(arguments), NULL) : schema_of_other(stage, name);

	json_array_append_new(stage->calls, json_pack("{s:s, s:o}", "name", name, "arguments", values));
}

static void plan_all(struct stage *stage)
{
	for (size_t i = 0; i < stage->tools->count; i++)
		plan(stage, mcp_about(stage->tools->tools[i]).tool, "{}");
}

static void act(struct stage *stage)
{
	const char *context = getenv("MCP_CONFORMANCE_CONTEXT");
	json_t *given = context ? json_read(context, strlen(context), NULL) : NULL;

	if (stage->tools) /* this is once more */
		stage->tools->release(stage->tools);
	json_decref(stage->calls);
	stage->tools = mcp_tools(stage->mcp);
	stage->calls = json_array();
	json_array_extend(stage->calls, json_object_get(given, "toolCalls"));
	json_decref(given);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (strncmp(stage->scenario, calls[i].scenario, strlen(calls[i].scenario)) != 0)
			continue;
		if (strcmp(calls[i].tool, "*") == 0)
			plan_all(stage);
		else
			plan(stage, calls[i].tool, calls[i].arguments);
	}
	next_call(stage);
}

static bool logging_in(struct stage *stage)
{
	char *text = mcp_login_state(stage->mcp, stage->person.server);
	bool is = stage->person.busy || (text && (strstr(text, "waiting") || strstr(text, "working")));

	free(text);
	return is;
}

static void log_in(struct stage *stage, const char *why)
{
	char *text = mcp_login_state(stage->mcp, stage->person.server);

	if (text && strstr(text, "failed"))
		fail(stage, text);
	else if (stage->person.logins >= LOGINS_MAX)
		fail(stage, why);
	else if (!logging_in(stage) && (!text || !strstr(text, "done") || ++stage->looks % DONE_LOOKS == 0))
		person_log_in(&stage->person);
	free(text);
}

static void on_look(void *data)
{
	struct stage *stage = data;
	char *text = mcp_status(stage->mcp);
	json_t *status = json_read(text, strlen(text), NULL);
	const json_t *server = json_is_array(status) ? json_array_get(status, 0) : status;
	const char *state = json_text(server, "state"), *why = json_text(server, "why");

	if (state && strcmp(state, "waiting for authorization") == 0 && why &&
	    strstr(why, "usher tool login")) {
		if (!stage->person.busy)
			log_in(stage, why);
	} else if (state && strcmp(state, "ready") == 0 && !logging_in(stage)) {
		loop_timer_stop(stage->look);
		act(stage);
	} else if (state && (strcmp(state, "given up") == 0 || strcmp(state, "resting") == 0)) {
		loop_timer_stop(stage->look);
		fail(stage, why ? why : state);
	}
	json_decref(status);
	free(text);
}

static void begin(struct stage *stage)
{
	const struct settings *servers[] = { stage->settings };
	struct mcp_options options = { .io = stage->io,
				       .http = stage->http,
				       .log = &log_here,
				       .servers = servers,
				       .count = 1,
				       .judge = on_judge,
				       .owner = stage,
				       .callback = PERSON_CALLBACK,
				       .document = PERSON_DOCUMENT };
	struct err err = { 0 };

	stage->mcp = mcp_create(&options, &err);
	if (stage->mcp == NULL) {
		fail(stage, err.text);
		return;
	}
	stage->person = (struct person){ .mcp = stage->mcp, .http = stage->http, .server = "scenario" };
	mcp_warm(stage->mcp);
	loop_timer_start(stage->look, LOOK_MS, LOOK_MS);
}

/* ---- the one about elicitation ---------------------------------------------------------------------------------- */

static bool wire_send(void *owner, const char *text, size_t len, const struct wire_note *note)
{
	struct stage *stage = owner;

	return wire_http.send(stage->wire, text, len, note);
}

static void wire_forget(void *owner, int64_t id)
{
	struct stage *stage = owner;

	wire_http.forget(stage->wire, id);
}

/* Accepts with what the server itself proposes for each field (SEP-1034). */
static json_t *accepted(const json_t *params)
{
	json_t *content = json_object(), *fields, *field;
	const char *name;

	fields = json_object_get(json_object_get(params, "requestedSchema"), "properties");
	json_object_foreach (fields, name, field) {
		if (json_object_get(field, "default"))
			json_object_set(content, name, json_object_get(field, "default"));
	}
	return json_pack("{s:s, s:o}", "action", "accept", "content", content);
}

static void on_asked(void *owner, const json_t *id, const char *method, const json_t *params)
{
	struct stage *stage = owner;

	if (strcmp(method, "elicitation/create") == 0)
		rpc_answer(stage->rpc, id, accepted(params));
	else if (strcmp(method, "ping") == 0)
		rpc_answer(stage->rpc, id, json_object());
	else
		rpc_refuse(stage->rpc, id, -32601, "method not found");
}

static void on_told(void *owner, const char *method, const json_t *params)
{
	(void)owner, (void)method, (void)params;
}

static const struct rpc_events asks = { wire_send, wire_forget, on_asked, on_told };

static void on_message(void *owner, json_t *message)
{
	rpc_take(((struct stage *)owner)->rpc, message);
}

static void on_lost(void *owner, int64_t id, const struct err *err)
{
	rpc_lost(((struct stage *)owner)->rpc, id, err);
}

static void on_down(void *owner, enum wire_end how, const struct err *err)
{
	if (how == WIRE_CLOSED)
		leave(owner);
	else
		fail(owner, err->text);
}

static const struct wire_events wires = { on_message, on_lost, on_down };

static void on_answer(void *owner, uint64_t ticket, const struct rpc_answer *answer)
{
	static const char *const methods[] = { "tools/list", "tools/call" };
	struct stage *stage = owner;

	if (answer->result == NULL) {
		fail(stage, answer->error ? "an error was the answer" : answer->err.text);
		return;
	}
	if (ticket == 2) {
		wire_http.close(stage->wire);
		return;
	}
	if (ticket == 0) {
		wire_http.agreed(stage->wire, json_text(answer->result, "protocolVersion"));
		rpc_tell(stage->rpc, "notifications/initialized", NULL);
	}
	rpc_ask(stage->rpc,
		&(struct rpc_ask){ .method = methods[ticket],
				   .params =
					   ticket ? json_pack("{s:s, s:{}}", "name",
							      "test_client_elicitation_defaults", "arguments")
						  : NULL,
				   .total_ms = PATIENCE_MS },
		on_answer, stage, ticket + 1);
}

static void begin_by_hand(struct stage *stage)
{
	struct wire_options options = {
		.io = stage->io, .http = stage->http, .log = &log_here, .config = &stage->config
	};
	struct err err = { 0 };

	if (!config_read(stage->settings, &stage->config, &err) ||
	    (stage->wire = wire_http.open(&options, &wires, stage, &err)) == NULL) {
		fail(stage, err.text);
		return;
	}
	stage->rpc = rpc_create(io_loop(stage->io), &asks, stage, &log_here);
	rpc_ask(stage->rpc,
		&(struct rpc_ask){ .method = "initialize",
				   .params =
					   json_pack("{s:s, s:{s:{s:{s:b}}}, s:{s:s, s:s}}",
						     "protocolVersion", MCP_VERSION, "capabilities",
						     "elicitation", "form", "applyDefaults", 1, "clientInfo",
						     "name", "usher", "version", USHER_VERSION),
				   .total_ms = PATIENCE_MS,
				   .stays = true },
		on_answer, stage, 0);
}

/* ---- one scenario ------------------------------------------------------------------------------------------------ */

static void on_begin(void *data)
{
	struct stage *stage = data;

	if (strcmp(stage->scenario, "elicitation-sep1034-client-defaults") == 0)
		begin_by_hand(stage);
	else
		begin(stage);
}

static bool make(struct stage *stage, struct err *err)
{
	const char *version = getenv("MCP_CONFORMANCE_PROTOCOL_VERSION");
	bool modern = version && strcmp(version, MCP_MODERN) == 0;
	struct http_options options = { .agent = "usher-conformance" };

	stage->settings = settings_create(mcp_settings, "tools.mcp[0]", "the command line");
	if (!settings_put(stage->settings, "name", "scenario", "", err) ||
	    !settings_put(stage->settings, "url", stage->url, "", err) ||
	    !settings_put(stage->settings, "protocol", modern ? MCP_MODERN : "legacy", "", err) ||
	    !person_settings(stage->settings, stage->scenario, err) || !settings_finish(stage->settings, err))
		return false;
	stage->io = io_create(err);
	stage->http = stage->io ? http_create(stage->io, &options, err) : NULL;
	return stage->http != NULL;
}

static void clear(struct stage *stage)
{
	if (stage->tools)
		stage->tools->release(stage->tools);
	json_decref(stage->calls);
	mcp_destroy(stage->mcp);
	rpc_destroy(stage->rpc);
	wire_http.destroy(stage->wire);
	config_finish(&stage->config);
	loop_timer_destroy(stage->look);
	loop_timer_destroy(stage->limit);
	http_destroy(stage->http);
	io_destroy(stage->io);
	settings_destroy(stage->settings);
}

int main(int argc, char **argv)
{
	struct stage stage = { .scenario = getenv("MCP_CONFORMANCE_SCENARIO"), .url = argv[argc - 1] };
	struct err err = { 0 };

	log_setup(getenv("MCP_CONFORMANCE_DEBUG") ? LOG_DEBUG : LOG_INFO, false);
	if (argc < 2 || stage.scenario == NULL) {
		fprintf(stderr, "usage: MCP_CONFORMANCE_SCENARIO=NAME %s URL\n", argv[0]);
		return 2;
	}
	if (!make(&stage, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	stage.look = loop_timer_create(io_loop(stage.io), on_look, &stage);
	stage.limit = loop_timer_create(io_loop(stage.io), on_limit, &stage);
	loop_timer_start(stage.limit, PATIENCE_MS, 0);
	loop_post(io_loop(stage.io), on_begin, &stage);
	io_run(stage.io);
	clear(&stage);
	return stage.status;
}
