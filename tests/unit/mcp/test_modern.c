/* Servers without a handshake, and which era a server belongs to: a wrong guess and its tools are missing, a wrong repetition
 * and something is done twice. */
#include "mem.h"
#include "stage_wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIST                                                                                                 \
	"[{\"name\":\"add\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"r\":{\"type\":"           \
	"\"string\",\"x-mcp-header\":\"R\"}}}}]"
#define FINE "\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"5\"}]}"
#define FOUND(versions, tools)                                                                               \
	"\"result\":{\"resultType\":\"complete\",\"supportedVersions\":" versions ",\"capabilities\":" tools \
	",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"m\",\"version\":\"1\"}}}"
#define MODERN FOUND("[\"2026-07-28\"]", "{\"tools\":{}}")
#define HEARS  FOUND("[\"2026-07-28\",\"2025-11-25\"]", "{\"tools\":{\"listChanged\":true}}")

static const char *const program[] = { "protocol", "auto", NULL };
static const char *const pinned[] = { "protocol", "2026-07-28", NULL };
static const char *const service[] = { "protocol", "auto", "url", "https://a.example/mcp", NULL };
static const char *const pinned_service[] = { "protocol", "2026-07-28", "url", "https://a.example/mcp",
					      NULL };

static void begins(struct stage_wire *w, const char *const *settings, const char *found)
{
	stage_wire_open(w, settings);
	mcp_warm(w->mcp);
	answers(w, sends(w, "server/discover"), found);
	answers(w, sends(w, "tools/list"), "\"result\":{\"resultType\":\"complete\",\"tools\":" LIST "}");
	assert_int_equal(w->server->state, SERVER_READY);
}

static void ends(struct stage_wire *w, const char *result, bool failed)
{
	stage_loop_pass(0);
	assert_int_equal(w->done, 1);
	w->done = 0;
	assert_int_equal(w->failed, failed);
	if (strstr(w->result, result) == NULL)
		fail_msg("%s, without %s", w->result, result);
}

static void lost(struct stage_wire *w, const json_t *request, enum err_kind kind)
{
	struct err err = { 0 };

	err_set(&err, kind, "the line broke");
	w->events->lost(w->owner, json_int(request, "id", 0), &err);
}

static const json_t *meta_of(const json_t *request)
{
	return json_object_get(json_object_get(request, "params"), "_meta");
}

static void fits(const json_t *request)
{
	const json_t *meta = meta_of(request);

	assert_string_equal(json_text(meta, "io.modelcontextprotocol/protocolVersion"), "2026-07-28");
	assert_true(json_is_object(json_object_get(meta, "io.modelcontextprotocol/clientCapabilities")));
	assert_string_equal(json_text(json_object_get(meta, "io.modelcontextprotocol/clientInfo"), "name"),
			    "usher");
}

static void every_request_says_all_of_itself(void **state)
{
	struct stage_wire w;
	json_t *request;

	(void)state;
	stage_wire_open(&w, pinned_service);
	mcp_warm(w.mcp);
	request = sends(&w, "server/discover");
	fits(request);
	assert_string_equal(buf_str(&w.headers),
			    "MCP-Protocol-Version: 2026-07-28\nMcp-Method: server/discover\n");
	answers(&w, request, MODERN);
	assert_string_equal(w.server->title, "m 1");
	request = sends(&w, "tools/list");
	fits(request);
	assert_string_equal(buf_str(&w.headers),
			    "MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/list\n");
	answers(&w, request, "\"result\":{\"tools\":" LIST "}");
	calls(&w, "files__add", "{\"r\":\" x\"}");
	request = sends(&w, "tools/call");
	fits(request);
	assert_non_null(json_object_get(meta_of(request), "progressToken"));
	assert_string_equal(buf_str(&w.headers),
			    "MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call\nMcp-Name: add\n"
			    "Mcp-Param-R: =?base64?IHg=?=\n");
	assert_int_equal(w.agreed, 0); /* the wire has nothing to remember */
	answers(&w, request, FINE);
	ends(&w, "5", false);
	stage_wire_close(&w);
}

static void programs_get_no_headers(void **state)
{
	struct stage_wire w;

	(void)state;
	begins(&w, pinned, MODERN);
	assert_int_equal(w.headers.len, 0);
	sends_nothing(&w);
	stage_wire_close(&w);
}

/* What a server says to the first request, and how it is spoken to then. NULL: not at all. */
static const struct {
	const char *const *settings;
	const char *says, *then;
} eras[] = {
	{ program, MODERN, "tools/list" },
	{ service, MODERN, "tools/list" },
	{ program, FOUND("[\"2025-11-25\"]", "{}"), "initialize" },
	{ program, "\"result\":{\"resultType\":\"later\",\"supportedVersions\":[\"2026-07-28\"]}",
	  "initialize" },
	{ program, "\"result\":{}", "initialize" },
	{ program, "\"error\":{\"code\":-32601,\"message\":\"no\"}", "initialize" },
	{ program, "\"error\":{\"code\":-32602,\"message\":\"no\"}", "initialize" },
	{ program, "\"error\":{\"code\":-32000,\"message\":\"no\"}", "initialize" },
	{ service, "\"error\":{\"code\":-32000,\"message\":\"no session\"}", "initialize" },
	{ program, "\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[\"2025-11-25\"]}}",
	  "initialize" },
	{ program, "\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[\"2026-07-28\"]}}",
	  "server/discover" },
	{ program, "\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[\"2030-01-01\"]}}",
	  NULL },
	{ program, "\"error\":{\"code\":-32022,\"message\":\"no\"}", NULL },
	{ service, "\"error\":{\"code\":-32020,\"message\":\"a proxy\"}", NULL },
	{ service, "\"error\":{\"code\":-32021,\"message\":\"sampling\"}", NULL },
	{ pinned, "\"error\":{\"code\":-32601,\"message\":\"no\"}", NULL },
	{ pinned, FOUND("[\"2025-11-25\"]", "{}"), NULL },
	{ pinned, "\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[\"2025-11-25\"]}}",
	  NULL },
};

static void the_era_is_found_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(eras) / sizeof(eras[0]); i++) {
		struct stage_wire w;

		stage_wire_open(&w, eras[i].settings);
		mcp_warm(w.mcp);
		answers(&w, sends(&w, "server/discover"), eras[i].says);
		if (eras[i].then)
			json_decref(sends(&w, eras[i].then));
		else
			assert_int_equal(w.server->state, SERVER_RESTING);
		sends_nothing(&w);
		stage_wire_close(&w);
	}
}

/* The handshake is what most servers know: nothing else is tried unless it is asked for. */
static void without_a_setting_the_handshake_is_spoken(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_warm(w.mcp);
	answers(&w, sends(&w, "initialize"), "\"error\":{\"code\":-32022,\"message\":\"too old\"}");
	sends_nothing(&w);
	assert_int_equal(w.server->state, SERVER_RESTING);
	assert_non_null(strstr(w.server->why.text, "protocol = \"auto\""));
	stage_wire_close(&w);
}

static void a_version_is_offered_again_once(void **state)
{
	static const char refusal[] =
		"\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[\"2026-07-28\"]}}";
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, pinned);
	mcp_warm(w.mcp);
	answers(&w, sends(&w, "server/discover"), refusal);
	answers(&w, sends(&w, "server/discover"), refusal);
	sends_nothing(&w);
	assert_int_equal(w.server->state, SERVER_RESTING);
	stage_wire_close(&w);
}

static void a_silent_program_is_old(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, program);
	mcp_warm(w.mcp);
	json_decref(sends(&w, "server/discover"));
	stage_loop_pass(10000);
	json_decref(sends(&w, "initialize"));
	sends_nothing(&w); /* what it does not know is not cancelled */
	stage_wire_close(&w);
}

static void a_program_that_ends_of_the_question_is_old(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, program);
	mcp_warm(w.mcp);
	json_decref(sends(&w, "server/discover"));
	goes_down(&w, WIRE_ENDED, "the program has ended");
	assert_int_equal(w.opened, 2);
	json_decref(sends(&w, "initialize"));
	goes_down(&w, WIRE_ENDED, "the program has ended"); /* that is a fault like any other */
	assert_int_equal(w.server->state, SERVER_RESTING);
	stage_loop_pass(SERVER_REST_MS);
	json_decref(sends(&w, "server/discover"));
	stage_wire_close(&w);
}

/* Over HTTP a refusal is old age; a service that is down or slow says nothing of its age. */
static void a_service_that_is_down_is_not_old(void **state)
{
	static const struct {
		enum err_kind kind;
		bool old;
	} rows[] = { { ERR_REFUSED, true }, { ERR_AGAIN, false }, { ERR_UNSURE, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage_wire w;
		json_t *request;

		stage_wire_open(&w, service);
		mcp_warm(w.mcp);
		request = sends(&w, "server/discover");
		lost(&w, request, rows[i].kind);
		json_decref(request);
		if (rows[i].old)
			json_decref(sends(&w, "initialize"));
		else
			assert_int_equal(w.server->state, SERVER_RESTING);
		sends_nothing(&w);
		stage_wire_close(&w);
	}
}

/* One that starts slowly is greeted in the old way before it can answer; its refusal tells. */
static void a_refused_handshake_can_turn_into_the_new_way_once(void **state)
{
	static const char refusal[] = "\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{}}";
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, program);
	mcp_warm(w.mcp);
	json_decref(sends(&w, "server/discover"));
	stage_loop_pass(10000);
	answers(&w, sends(&w, "initialize"), refusal);
	answers(&w, sends(&w, "server/discover"), "\"error\":{\"code\":-32601,\"message\":\"no\"}");
	answers(&w, sends(&w, "initialize"), refusal);
	sends_nothing(&w);
	assert_int_equal(w.server->state, SERVER_RESTING);
	stage_wire_close(&w);
}

static void questions_of_servers_stay_without_an_answer(void **state)
{
	struct stage_wire w;

	(void)state;
	begins(&w, pinned, MODERN);
	hears(&w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
	hears(&w, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"sampling/createMessage\"}");
	sends_nothing(&w);
	stage_wire_close(&w);
}

/* ---- calls --------------------------------------------------------------------------------------------------- */

static void a_call_with_questions_is_sent_again_under_another_id(void **state)
{
	struct stage_wire w;
	json_t *first, *second;
	const json_t *params;
	int64_t id;

	(void)state;
	begins(&w, pinned, MODERN);
	calls(&w, "files__add", "{\"r\":\"x\"}");
	first = sends(&w, "tools/call");
	id = json_int(first, "id", 0);
	answers(&w, first,
		"\"result\":{\"resultType\":\"input_required\",\"requestState\":\" {\\\"a\\\": 1 }\","
		"\"inputRequests\":{\"q\":{\"method\":\"elicitation/create\"}}}");
	calls(&w, "files__add", "{}"); /* another call knows nothing of it */
	stage_loop_pass(0);
	assert_int_equal(w.done, 0);
	for (int i = 0; i < 2; i++) {
		second = sends(&w, "tools/call");
		params = json_object_get(second, "params");
		fits(second);
		if (json_object_get(json_object_get(params, "arguments"), "r")) {
			assert_int_not_equal(json_int(second, "id", 0), id);
			assert_string_equal(json_text(params, "requestState"), " {\"a\": 1 }");
			assert_string_equal(
				json_text(json_object_get(json_object_get(params, "inputResponses"), "q"),
					  "action"),
				"decline");
		} else {
			assert_null(json_object_get(params, "requestState"));
			assert_null(json_object_get(params, "inputResponses"));
		}
		answers(&w, second, FINE);
		ends(&w, "5", false);
	}
	stage_wire_close(&w);
}

static void rounds_have_an_end(void **state)
{
	struct stage_wire w;

	(void)state;
	begins(&w, pinned, MODERN);
	calls(&w, "files__add", "{}");
	for (int i = 0; i < 11; i++) {
		answers(&w, sends(&w, "tools/call"),
			"\"result\":{\"resultType\":\"input_required\",\"requestState\":\"more\"}");
		stage_loop_pass(0);
	}
	sends_nothing(&w);
	assert_int_equal(w.done, 1);
	assert_non_null(strstr(w.result, "more than 10 rounds"));
	stage_wire_close(&w);
}

/* All tries of a call share its time. */
static void rounds_share_the_time_of_the_call(void **state)
{
	static const char *const settings[] = {
		"protocol", "2026-07-28", "call_s", "10", "idle_s", "60", NULL
	};
	struct stage_wire w;

	(void)state;
	begins(&w, settings, MODERN);
	calls(&w, "files__add", "{}");
	stage_loop_pass(8000);
	answers(&w, sends(&w, "tools/call"),
		"\"result\":{\"resultType\":\"input_required\",\"requestState\":\"more\"}");
	stage_loop_pass(0);
	json_decref(sends(&w, "tools/call"));
	stage_loop_pass(1999);
	assert_int_equal(w.done, 0);
	stage_loop_pass(1);
	stage_loop_pass(0);
	assert_int_equal(w.done, 1);
	stage_wire_close(&w);
}

/* What the server answers, and what the model is told. */
static void strange_answers_end_the_call(void **state)
{
	static const struct {
		const char *says, *told;
	} rows[] = {
		{ "\"result\":{\"resultType\":\"task\",\"content\":[]}", "not known here" },
		{ "\"result\":{\"resultType\":\"input_required\",\"requestState\":{\"a\":1}}",
		  "requestState is no text" },
		{ "\"result\":{\"resultType\":\"input_required\"}", "without saying what for" },
		{ "\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":{\"method\":"
		  "\"sampling/createMessage\"}}}",
		  "sampling/createMessage, which is not offered" },
		{ "\"error\":{\"code\":-32021,\"message\":\"x\",\"data\":{\"requiredCapabilities\":{"
		  "\"sampling\":{}}}}",
		  "sampling" },
		{ "\"error\":{\"code\":-32601,\"message\":\"no such tool\"}", "no such tool" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage_wire w;

		begins(&w, pinned, MODERN);
		calls(&w, "files__add", "{}");
		answers(&w, sends(&w, "tools/call"), rows[i].says);
		ends(&w, rows[i].told, true);
		sends_nothing(&w);
		stage_wire_close(&w);
	}
}

/* Without a handshake the rest of an answer can't be asked for: only what is harmless twice is asked twice. */
static void what_broke_off_is_repeated_by_class(void **state)
{
	static const struct {
		const char *class;
		enum err_kind kind;
		bool repeats;
	} rows[] = {
		{ "add=read", ERR_UNSURE, true },  { "add=keyed", ERR_UNSURE, true },
		{ "add=once", ERR_UNSURE, false }, { "add=confirm", ERR_UNSURE, false },
		{ "add=once", ERR_AGAIN, true },   { "add=read", ERR_REFUSED, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *settings[] = { "protocol", "2026-07-28",  "url", "https://a.example/",
					   "classes",  rows[i].class, NULL };
		struct stage_wire w;
		json_t *call;

		begins(&w, settings, MODERN);
		calls(&w, "files__add", "{}");
		call = sends(&w, "tools/call");
		lost(&w, call, rows[i].kind);
		json_decref(call);
		stage_loop_pass(0);
		if (rows[i].repeats) {
			call = sends(&w, "tools/call");
			lost(&w, call, ERR_UNSURE); /* and no third time */
			json_decref(call);
			stage_loop_pass(0);
		}
		sends_nothing(&w);
		assert_int_equal(w.done, 1);
		assert_true(w.failed);
		stage_wire_close(&w);
	}
}

/* With a handshake it is as before: nothing is posted twice. */
static void old_servers_are_not_asked_twice(void **state)
{
	static const char *const settings[] = { "classes", "add=read", NULL };
	struct stage_wire w;
	json_t *call;

	(void)state;
	stage_wire_open(&w, settings);
	stage_wire_ready(&w, LIST);
	calls(&w, "files__add", "{}");
	call = sends(&w, "tools/call");
	assert_null(json_object_get(meta_of(call), "io.modelcontextprotocol/protocolVersion"));
	lost(&w, call, ERR_UNSURE);
	json_decref(call);
	stage_loop_pass(0);
	sends_nothing(&w);
	assert_int_equal(w.done, 1);
	stage_wire_close(&w);
}

static void a_program_that_ends_gets_what_is_harmless_again(void **state)
{
	static const char *const settings[] = { "protocol", "2026-07-28", "classes", "add=read", NULL };
	struct stage_wire w;

	(void)state;
	begins(&w, settings, MODERN);
	calls(&w, "files__add", "{}");
	json_decref(sends(&w, "tools/call"));
	goes_down(&w, WIRE_ENDED, "the program has ended");
	stage_loop_pass(SERVER_REST_MS);
	answers(&w, sends(&w, "server/discover"), MODERN);
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":" LIST "}");
	answers(&w, sends(&w, "tools/call"), FINE);
	ends(&w, "5", false);
	stage_wire_close(&w);
}

static void time_that_is_over_is_not_given_twice(void **state)
{
	static const char *const settings[] = { "protocol", "2026-07-28", "url", "https://a.example/",
						"classes",  "add=read",	  NULL };
	struct stage_wire w;

	(void)state;
	begins(&w, settings, MODERN);
	calls(&w, "files__add", "{}");
	json_decref(sends(&w, "tools/call"));
	stage_loop_pass(60000);
	stage_loop_pass(0);
	sends_nothing(&w); /* over HTTP not to listen any more is all that is said */
	assert_int_equal(w.forgotten, 1);
	assert_int_equal(w.done, 1);
	stage_wire_close(&w);
}

static void keys_go_with_calls_of_class_keyed(void **state)
{
	static const struct {
		const char *class, *protocol, *key;
	} rows[] = {
		{ "add=keyed", "2026-07-28", "key" },
		{ "add=keyed", "legacy", "key" },
		{ "add=once", "2026-07-28", NULL },
		{ "add=read", "legacy", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *settings[] = { "protocol", rows[i].protocol, "classes", rows[i].class, NULL };
		struct stage_wire w;
		json_t *call;

		if (strcmp(rows[i].protocol, "legacy") == 0) {
			stage_wire_open(&w, settings);
			stage_wire_ready(&w, LIST);
		} else {
			begins(&w, settings, MODERN);
		}
		calls(&w, "files__add", "{}");
		call = sends(&w, "tools/call");
		if (rows[i].key)
			assert_string_equal(json_text(meta_of(call), "idempotencyKey"), rows[i].key);
		else
			assert_null(json_object_get(meta_of(call), "idempotencyKey"));
		assert_non_null(json_object_get(meta_of(call), "progressToken"));
		json_decref(call);
		stage_wire_close(&w);
	}
}

static void wrong_headers_are_mended_by_a_new_list_once(void **state)
{
	static const char mismatch[] = "\"error\":{\"code\":-32020,\"message\":\"Header mismatch\"}";
	struct stage_wire w;

	(void)state;
	begins(&w, pinned_service, MODERN);
	calls(&w, "files__add", "{}");
	answers(&w, sends(&w, "tools/call"), mismatch);
	stage_loop_pass(0);
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":" LIST "}");
	answers(&w, sends(&w, "tools/call"), mismatch);
	ends(&w, "Header mismatch", true);
	sends_nothing(&w);
	stage_wire_close(&w);
}

/* Another schema is another tool: it was not what the person, or the policy, has seen. */
static void a_tool_that_changed_is_not_run_with_new_headers(void **state)
{
	struct stage_wire w;

	(void)state;
	begins(&w, pinned_service, MODERN);
	calls(&w, "files__add", "{}");
	answers(&w, sends(&w, "tools/call"), "\"error\":{\"code\":-32020,\"message\":\"x\"}");
	answers(&w, sends(&w, "tools/list"),
		"\"result\":{\"tools\":[{\"name\":\"add\",\"inputSchema\":{\"type\":\"object\"}}]}");
	ends(&w, "not what it was", true);
	sends_nothing(&w);
	stage_wire_close(&w);
}

static void a_list_that_can_not_be_had_does_not_keep_the_call(void **state)
{
	struct stage_wire w;

	(void)state;
	begins(&w, pinned_service, MODERN);
	calls(&w, "files__add", "{}");
	answers(&w, sends(&w, "tools/call"), "\"error\":{\"code\":-32020,\"message\":\"x\"}");
	answers(&w, sends(&w, "tools/list"), "\"error\":{\"code\":-32603,\"message\":\"down\"}");
	answers(&w, sends(&w, "tools/call"), FINE);
	ends(&w, "5", false);
	stage_wire_close(&w);
}

static void a_server_that_changed_its_version_is_asked_again(void **state)
{
	struct stage_wire w;

	(void)state;
	begins(&w, pinned_service, MODERN);
	calls(&w, "files__add", "{}");
	answers(&w, sends(&w, "tools/call"), "\"error\":{\"code\":-32022,\"message\":\"x\"}");
	answers(&w, sends(&w, "server/discover"), MODERN);
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":" LIST "}");
	answers(&w, sends(&w, "tools/call"), FINE);
	ends(&w, "5", false);
	assert_int_equal(w.opened, 1);
	stage_wire_close(&w);
}

static void tools_with_bad_headers_are_left_out_over_http_only(void **state)
{
	static const char list[] = "\"result\":{\"tools\":[{\"name\":\"good\",\"inputSchema\":{}},{\"name\":"
				   "\"bad\",\"inputSchema\":"
				   "{\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}}}]}";
	const char *const *const settings[] = { pinned_service, pinned };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct stage_wire w;

		stage_wire_open(&w, settings[i]);
		mcp_warm(w.mcp);
		answers(&w, sends(&w, "server/discover"), MODERN);
		answers(&w, sends(&w, "tools/list"), list);
		assert_int_equal(w.server->tools.count, i + 1);
		stage_wire_close(&w);
	}
}

/* ---- changes of the list --------------------------------------------------------------------------------------- */

static void tells(struct stage_wire *w, const char *method, int64_t id)
{
	char *text = mem_format("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/%s\",\"params\":{\"_meta\":{"
				"\"io.modelcontextprotocol/subscriptionId\":%lld},\"notifications\":{"
				"\"toolsListChanged\":true}}}",
				method, (long long)id);

	hears(w, text);
	free(text);
}

static int64_t listens(struct stage_wire *w)
{
	json_t *listen = sends(w, "subscriptions/listen");
	int64_t id = json_int(listen, "id", 0);

	fits(listen);
	assert_true(json_is_true(json_object_get(
		json_object_get(json_object_get(listen, "params"), "notifications"), "toolsListChanged")));
	json_decref(listen);
	return id;
}

static void changes_are_listened_for(void **state)
{
	struct stage_wire w;
	int64_t id;

	(void)state;
	begins(&w, pinned, HEARS);
	id = listens(&w);
	tells(&w, "subscriptions/acknowledged", id);
	tells(&w, "tools/list_changed", id + 1); /* somebody else's */
	stage_loop_pass(1000);
	sends_nothing(&w);
	tells(&w, "tools/list_changed", id);
	tells(&w, "tools/list_changed", id);
	stage_loop_pass(SERVER_RELIST_MS);
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":[]}");
	sends_nothing(&w); /* it still listens */
	assert_int_equal(w.server->tools.count, 0);
	stage_wire_close(&w);
}

/* What changed while nobody listened must not be missed. */
static void who_listens_again_lists_again(void **state)
{
	struct stage_wire w;
	char rest[] = "\"result\":{\"resultType\":\"complete\"}";
	json_t *listen;
	int64_t id;

	(void)state;
	begins(&w, pinned, HEARS);
	listen = sends(&w, "subscriptions/listen");
	tells(&w, "subscriptions/acknowledged", json_int(listen, "id", 0));
	answers(&w, listen, rest);
	sends_nothing(&w);
	stage_loop_pass(1000);
	listen = sends(&w, "subscriptions/listen");
	answers(&w, listen, rest); /* pauses grow while it is not promised */
	stage_loop_pass(1999);
	sends_nothing(&w);
	stage_loop_pass(1);
	id = listens(&w);
	tells(&w, "subscriptions/acknowledged", id);
	stage_loop_pass(SERVER_RELIST_MS);
	answers(&w, sends(&w, "tools/list"), "\"result\":{\"tools\":[]}");
	stage_wire_close(&w);
}

static void who_does_not_tell_is_not_asked_again(void **state)
{
	struct stage_wire w;

	(void)state;
	begins(&w, pinned, HEARS);
	answers(&w, sends(&w, "subscriptions/listen"), "\"error\":{\"code\":-32601,\"message\":\"no\"}");
	stage_loop_pass(3600000);
	sends_nothing(&w);
	stage_wire_close(&w);
}

/* ---- how long a list is good -------------------------------------------------------------------------------------- */

static void a_list_that_is_stale_is_asked_for_when_it_is_wanted(void **state)
{
	static const struct {
		const char *ttl;
		uint64_t fresh_ms;
	} rows[] = {
		{ "", 60000 },
		{ ",\"ttlMs\":-5", 60000 },
		{ ",\"ttlMs\":0", 60000 },
		{ ",\"ttlMs\":90000,\"cacheScope\":\"private\"", 90000 },
		{ ",\"ttlMs\":99999999999", 86400000 },
		{ ",\"ttlMs\":\"soon\"", 60000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *list = mem_format("\"result\":{\"tools\":" LIST "%s}", rows[i].ttl);
		struct stage_wire w;
		const struct toolset *set;

		stage_wire_open(&w, pinned);
		mcp_warm(w.mcp);
		answers(&w, sends(&w, "server/discover"), MODERN);
		answers(&w, sends(&w, "tools/list"), list);
		stage_loop_pass(rows[i].fresh_ms - 1);
		set = mcp_tools(w.mcp);
		set->release(set);
		sends_nothing(&w);
		stage_loop_pass(1);
		sends_nothing(&w); /* nobody polls */
		set = mcp_tools(w.mcp);
		assert_int_equal(set->count, 1); /* what there is is offered meanwhile */
		set->release(set);
		answers(&w, sends(&w, "tools/list"), list);
		set = mcp_tools(w.mcp);
		set->release(set);
		sends_nothing(&w);
		free(list);
		stage_wire_close(&w);
	}
}

static void a_promise_to_tell_keeps_a_list_good(void **state)
{
	struct stage_wire w;
	const struct toolset *set;

	(void)state;
	begins(&w, pinned, HEARS);
	tells(&w, "subscriptions/acknowledged", listens(&w));
	stage_loop_pass(3600000);
	set = mcp_tools(w.mcp);
	set->release(set);
	sends_nothing(&w);
	stage_wire_close(&w);
}

static void an_incomplete_list_is_none(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, pinned);
	mcp_warm(w.mcp);
	answers(&w, sends(&w, "server/discover"), MODERN);
	answers(&w, sends(&w, "tools/list"),
		"\"result\":{\"resultType\":\"input_required\",\"requestState\":\"x\",\"tools\":[]}");
	sends_nothing(&w);
	assert_int_equal(w.server->state, SERVER_RESTING);
	stage_wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_says_all_of_itself),
		cmocka_unit_test(programs_get_no_headers),
		cmocka_unit_test(the_era_is_found_out),
		cmocka_unit_test(without_a_setting_the_handshake_is_spoken),
		cmocka_unit_test(a_version_is_offered_again_once),
		cmocka_unit_test(a_silent_program_is_old),
		cmocka_unit_test(a_program_that_ends_of_the_question_is_old),
		cmocka_unit_test(a_service_that_is_down_is_not_old),
		cmocka_unit_test(a_refused_handshake_can_turn_into_the_new_way_once),
		cmocka_unit_test(questions_of_servers_stay_without_an_answer),
		cmocka_unit_test(a_call_with_questions_is_sent_again_under_another_id),
		cmocka_unit_test(rounds_have_an_end),
		cmocka_unit_test(rounds_share_the_time_of_the_call),
		cmocka_unit_test(strange_answers_end_the_call),
		cmocka_unit_test(what_broke_off_is_repeated_by_class),
		cmocka_unit_test(old_servers_are_not_asked_twice),
		cmocka_unit_test(a_program_that_ends_gets_what_is_harmless_again),
		cmocka_unit_test(time_that_is_over_is_not_given_twice),
		cmocka_unit_test(keys_go_with_calls_of_class_keyed),
		cmocka_unit_test(wrong_headers_are_mended_by_a_new_list_once),
		cmocka_unit_test(a_tool_that_changed_is_not_run_with_new_headers),
		cmocka_unit_test(a_list_that_can_not_be_had_does_not_keep_the_call),
		cmocka_unit_test(a_server_that_changed_its_version_is_asked_again),
		cmocka_unit_test(tools_with_bad_headers_are_left_out_over_http_only),
		cmocka_unit_test(changes_are_listened_for),
		cmocka_unit_test(who_listens_again_lists_again),
		cmocka_unit_test(who_does_not_tell_is_not_asked_again),
		cmocka_unit_test(a_list_that_is_stale_is_asked_for_when_it_is_wanted),
		cmocka_unit_test(a_promise_to_tell_keeps_a_list_good),
		cmocka_unit_test(an_incomplete_list_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
