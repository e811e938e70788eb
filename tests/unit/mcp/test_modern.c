/* Which era a server belongs to, and what requests without a handshake say: a wrong guess and its tools are missing. */
#include "mem.h"
#include "stage_modern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
