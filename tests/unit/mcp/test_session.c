/* The handshake with servers of every age, and what they ask and tell: no server may hang because we do not answer. */
#include "stage_wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char result[] = "\"result\":{\"protocolVersion\":\"%s\",\"capabilities\":{\"tools\":{}},"
			     "\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}";

static void begins(struct stage_wire *w, const char *version)
{
	char text[300];

	snprintf(text, sizeof(text), result, version);
	answers(w, sends(w, "initialize"), text);
}

static void the_newest_is_offered_and_nothing_else_declared(void **state)
{
	struct stage_wire w;
	json_t *hello;
	const json_t *params;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_warm(w.mcp);
	mcp_warm(w.mcp);
	assert_int_equal(w.opened, 1);
	hello = sends(&w, "initialize");
	sends_nothing(&w); /* nothing before the answer */
	params = json_object_get(hello, "params");
	assert_string_equal(json_text(params, "protocolVersion"), "2025-11-25");
	assert_int_equal(json_object_size(json_object_get(params, "capabilities")), 0);
	assert_true(json_is_object(json_object_get(params, "capabilities")));
	assert_string_equal(json_text(json_object_get(params, "clientInfo"), "name"), "usher");
	json_decref(hello);
	stage_wire_close(&w);
}

static void older_versions_are_spoken(void **state)
{
	static const char *const versions[] = { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05" };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct stage_wire w;

		stage_wire_open(&w, NULL);
		mcp_warm(w.mcp);
		begins(&w, versions[i]);
		assert_int_equal(w.agreed, 1);
		json_decref(sends(&w, "notifications/initialized"));
		json_decref(sends(&w, "tools/list"));
		assert_string_equal(w.server->version, versions[i]);
		stage_wire_close(&w);
	}
}

static void an_unknown_version_ends_it(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_warm(w.mcp);
	begins(&w, "1999-01-01");
	sends_nothing(&w);
	assert_int_equal(w.server->state, SERVER_RESTING);
	assert_non_null(strstr(w.server->why.text, "1999-01-01"));
	stage_wire_close(&w);
}

/* Some servers refuse what they do not know and name what they do. */
static void a_refused_version_is_chosen_anew_once(void **state)
{
	static const char refusal[] =
		"\"error\":{\"code\":-32602,\"message\":\"Unsupported\",\"data\":{\"supported\":"
		"[\"2099-01-01\",\"2024-11-05\",\"2025-03-26\"],\"requested\":\"x\"}}";
	struct stage_wire w;
	json_t *again;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_warm(w.mcp);
	answers(&w, sends(&w, "initialize"), refusal);
	again = sends(&w, "initialize");
	assert_string_equal(json_text(json_object_get(again, "params"), "protocolVersion"), "2025-03-26");
	answers(&w, again, refusal);
	sends_nothing(&w);
	assert_int_equal(w.server->state, SERVER_RESTING);
	stage_wire_close(&w);
}

static void every_request_is_answered(void **state)
{
	static const char *const methods[] = { "roots/list", "sampling/createMessage", "elicitation/create",
					       "tasks/get", "no/such/thing" };
	struct stage_wire w;
	json_t *answer;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, "[]");
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"id\":\"s-%zu\",\"method\":\"%s\",\"params\":{}}", i,
			 methods[i]);
		hears(&w, text);
		answer = sends(&w, NULL);
		assert_int_equal(json_int(json_object_get(answer, "error"), "code", 0), -32601);
		assert_int_equal(strncmp(json_text(answer, "id"), "s-", 2), 0);
		json_decref(answer);
	}
	stage_wire_close(&w);
}

/* Ids come back as they were: text stays text, and large numbers stay exact. Also before the handshake is over. */
static void a_ping_is_answered_with_its_own_id(void **state)
{
	struct stage_wire w;
	json_t *answer;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_warm(w.mcp);
	json_decref(sends(&w, "initialize"));
	hears(&w, "{\"jsonrpc\":\"2.0\",\"id\":9007199254740993,\"method\":\"ping\"}");
	answer = sends(&w, NULL);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 9007199254740993);
	assert_true(json_is_object(json_object_get(answer, "result")));
	json_decref(answer);
	hears(&w, "[{\"jsonrpc\":\"2.0\",\"id\":\"\",\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"id\":0,"
		  "\"method\":\"ping\"}]");
	answer = sends(&w, NULL);
	assert_string_equal(json_text(answer, "id"), "");
	json_decref(answer);
	json_decref(sends(&w, NULL));
	stage_wire_close(&w);
}

/* A request of the server's with the number of one of ours is another matter. */
static void ids_of_both_sides_are_apart(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_warm(w.mcp);
	hears(&w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
	begins(&w, "2025-11-25");
	assert_int_equal(w.agreed, 1);
	stage_wire_close(&w);
}

static void nonsense_changes_nothing(void **state)
{
	static const char *const nonsense[] = {
		"17",
		"{}",
		"[]",
		"[[[]]]",
		"{\"id\":null,\"error\":{\"code\":-32700,\"message\":\"parse\"}}",
		"{\"id\":999,\"result\":{}}",
		"{\"id\":{\"a\":1},\"method\":\"ping\"}",
		"{\"method\":\"notifications/unknown\"}",
		"{\"method\":\"notifications/progress\"}",
		"{\"method\":\"notifications/message\",\"params\":{\"data\":{\"a\":1}}}",
		"{\"method\":\"notifications/message\",\"params\":[]}"
	};
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	stage_wire_ready(&w, "[]");
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		hears(&w, nonsense[i]);
	sends_nothing(&w);
	assert_int_equal(w.server->state, SERVER_READY);
	stage_wire_close(&w);
}

/* What a server without tools is asked for would be an error of ours. */
static void no_tools_are_asked_of_who_has_none(void **state)
{
	struct stage_wire w;

	(void)state;
	stage_wire_open(&w, NULL);
	mcp_warm(w.mcp);
	answers(&w, sends(&w, "initialize"),
		"\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"serverInfo\":{}}");
	json_decref(sends(&w, "notifications/initialized"));
	sends_nothing(&w);
	assert_int_equal(w.server->state, SERVER_READY);
	stage_wire_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_is_offered_and_nothing_else_declared),
		cmocka_unit_test(older_versions_are_spoken),
		cmocka_unit_test(an_unknown_version_ends_it),
		cmocka_unit_test(a_refused_version_is_chosen_anew_once),
		cmocka_unit_test(every_request_is_answered),
		cmocka_unit_test(a_ping_is_answered_with_its_own_id),
		cmocka_unit_test(ids_of_both_sides_are_apart),
		cmocka_unit_test(nonsense_changes_nothing),
		cmocka_unit_test(no_tools_are_asked_of_who_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
