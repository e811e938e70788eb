/* Event streams over HTTP: taken up again where they broke off, the server's own, and the transport of 2024-11-05. */
#include "stage_http.h"
#include <stdio.h>

static int setup(void **state)
{
	*state = net_open();
	return 0;
}

static int teardown(void **state)
{
	net_close(*state);
	return 0;
}

#define ANSWER "{\"id\":7,\"result\":{}}"
#define TOLD   "message {\"id\":7,\"result\":{}}\n"

/* ---- a request's stream ---------------------------------------------------------------------------------------- */

static void asked(struct net_stage *stage, const char *session)
{
	net_begin(stage, session);
	net_call_tool(stage, 7);
}

static void test_polling(void **state)
{
	struct net_stage *stage = *state;

	asked(stage, "s-1");
	net_answer(stage, 4, 200, EVENTS, "id: e-1\nretry: 500\ndata: \n\n");
	stage_loop_pass(490);
	assert_int_equal(stage->count, 4);
	stage_loop_pass(20);
	assert_int_equal(stage->count, 5);
	assert_int_equal(stage->calls[4].at - stage->calls[3].at, 500);
	assert_string_equal(stage->calls[4].line, "GET http://a.example/mcp");
	assert_true(net_has(stage, 5, "Last-Event-ID: e-1"));
	assert_true(net_has(stage, 5, "Accept: text/event-stream"));
	assert_true(net_has(stage, 5, "Mcp-Session-Id: s-1"));
	assert_string_equal(stage->calls[4].body, "");
	net_answer(stage, 5, 200, EVENTS, "id: e-2\ndata:\n\n"); /* the wait holds on */
	stage_loop_pass(500);
	assert_true(net_has(stage, 6, "Last-Event-ID: e-2"));
	net_answer(stage, 6, 200, EVENTS, "data: " ANSWER "\n\n");
	assert_string_equal(net_seen(stage), TOLD);
	stage_loop_pass(100000);
	assert_int_equal(stage->count, 6);
}

static void test_cut_in_the_middle(void **state)
{
	struct net_stage *stage = *state;

	asked(stage, NULL);
	net_data(stage, 4, EVENTS, "id: 1\ndata: {\"method\":\"a\"}\n\nid: 2\ndata: {\"id\":7,");
	net_break(stage, 4, HTTP_MAYBE, "cut");
	stage_loop_pass(1000);
	assert_true(net_has(stage, 5, "Last-Event-ID: 1"));
	net_answer(stage, 5, 200, EVENTS, "id: 2\ndata: " ANSWER "\n\n");
	assert_string_equal(net_seen(stage), "message {\"method\":\"a\"}\n" TOLD);
}

static void test_cut_without_ids(void **state)
{
	struct net_stage *stage = *state;

	asked(stage, NULL);
	net_data(stage, 4, EVENTS, "data: {\"method\":\"a\"}\n\n");
	net_break(stage, 4, HTTP_MAYBE, "cut");
	stage_loop_pass(100000);
	assert_int_equal(stage->count, 4);
	assert_string_equal(
		net_seen(stage),
		"message {\"method\":\"a\"}\nlost 7 unsure: its stream ended before the answer came\n");
}

/* Headers of its own mark a request of 2026-07-28: no session, and a stream that broke is not taken up again. */
static void test_without_a_handshake(void **state)
{
	static const char *const rows[] = { "MCP-Protocol-Version: 2026-07-28", "Mcp-Name: a",
					    "Mcp-Param-E: ", NULL };
	struct net_stage *stage = *state;
	struct wire_note note = { .id = 7, .method = "tools/call", .total_ms = 60000, .headers = rows };

	net_begin(stage, "s-1");
	assert_true(wire_http.send(stage->wire, "{}", 2, &note));
	assert_true(net_has(stage, 4, "MCP-Protocol-Version: 2026-07-28"));
	assert_false(net_has(stage, 4, "MCP-Protocol-Version: 2025-11-25"));
	assert_true(net_has(stage, 4, "Mcp-Name: a"));
	assert_true(net_has(stage, 4, "Mcp-Param-E: "));
	assert_true(net_has(stage, 4, "X-Team: red"));
	assert_null(strstr(stage->calls[3].headers, "Mcp-Session-Id"));
	net_data(stage, 4, EVENTS, "id: 1\ndata: {\"method\":\"a\"}\n\n");
	net_break(stage, 4, HTTP_MAYBE, "cut");
	assert_non_null(strstr(net_seen(stage), "lost 7 unsure"));
	stage_loop_pass(100000);
	assert_int_equal(stage->count, 4);
}

/* A method that the server does not know is 404 without a handshake: that is no session that is gone. */
static void test_unknown_method_without_a_handshake(void **state)
{
	static const char *const rows[] = { "MCP-Protocol-Version: 2026-07-28", NULL };
	struct net_stage *stage = *state;
	struct wire_note note = { .id = 7, .method = "x", .total_ms = 60000, .headers = rows };

	net_begin(stage, "s-1");
	assert_true(wire_http.send(stage->wire, "{}", 2, &note));
	net_end(stage, 4, 404, JSON, "{\"id\":7,\"error\":{\"code\":-32601,\"message\":\"no\"}}");
	assert_string_equal(net_seen(stage),
			    "message {\"id\":7,\"error\":{\"code\":-32601,\"message\":\"no\"}}\n");
}

static void test_each_stream_its_place(void **state)
{
	struct net_stage *stage = *state;

	asked(stage, NULL);
	net_call_tool(stage, 8);
	net_data(stage, 3, EVENTS, "id: own\ndata: {}\n\n");
	net_answer(stage, 4, 200, EVENTS, "id: for-7\ndata:\n\n");
	net_answer(stage, 5, 200, EVENTS, "id: for-8\ndata:\n\n");
	net_end(stage, 3, 200, EVENTS, "");
	stage_loop_pass(2000);
	assert_int_equal(stage->count, 8);
	assert_true(net_has(stage, 6, "Last-Event-ID: for-7"));
	assert_true(net_has(stage, 7, "Last-Event-ID: for-8"));
	assert_true(net_has(stage, 8, "Last-Event-ID: own"));
}

static void test_never_anything_new(void **state)
{
	struct net_stage *stage = *state;

	asked(stage, NULL);
	net_answer(stage, 4, 200, EVENTS, "id: 1\nretry: 0\ndata:\n\n");
	for (size_t n = 5; n <= 7; n++) {
		stage_loop_pass(100);
		assert_int_equal(stage->count, n);
		assert_in_range(stage->calls[n - 1].at - stage->calls[n - 2].at, 50, 100); /* no storm */
		net_break(stage, n, HTTP_NOT_SENT, "refused");
	}
	stage_loop_pass(100);
	net_break(stage, 8, HTTP_MAYBE, "cut");
	assert_string_equal(net_seen(stage), "lost 7 unsure: its stream ended before the answer came\n");
	stage_loop_pass(100000);
	assert_int_equal(stage->count, 8);
}

static void test_can_not_be_taken_up(void **state)
{
	static const struct {
		int status;
		const char *headers, *body, *told;
	} rows[] = {
		{ 405, "", "", "lost 7 unsure: its stream can't be taken up again (405)\n" },
		{ 400, "", "", "lost 7 unsure: its stream can't be taken up again (400)\n" },
		{ 200, JSON, "{}", "lost 7 unsure: its stream can't be taken up again (200)\n" },
		{ 404, "", "",
		  "lost 7 unsure: it has forgotten the session (404)\ndown expired: it has forgotten the "
		  "session "
		  "(404)\n" },
		{ 401, "", "",
		  "down refused: it does not accept the token (401): it has expired or is not meant for this "
		  "server; "
		  "set token anew\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct net_stage *stage = net_open();

		asked(stage, "s-1");
		net_answer(stage, 4, 200, EVENTS, "id: 1\ndata:\n\n");
		stage_loop_pass(1000);
		net_answer(stage, 5, rows[i].status, rows[i].headers, rows[i].body);
		assert_string_equal(net_seen(stage), rows[i].told);
		net_close(stage);
	}
}

static void test_forgotten_between(void **state)
{
	struct net_stage *stage = *state;

	asked(stage, NULL);
	net_answer(stage, 4, 200, EVENTS, "id: 1\ndata:\n\n");
	wire_http.forget(stage->wire, 7);
	stage_loop_pass(100000);
	assert_int_equal(stage->count, 4);
	assert_string_equal(net_seen(stage), "");
}

static void test_ids_that_are_no_header(void **state)
{
	struct net_stage *stage = *state;

	asked(stage, NULL);
	net_answer(stage, 4, 200, EVENTS, "id: a\tb\ndata:\n\n");
	assert_string_equal(net_seen(stage), "lost 7 unsure: its stream ended before the answer came\n");
}

/* The handshake itself may be told in pieces. */
static void test_initialize_in_pieces(void **state)
{
	struct net_stage *stage = *state;

	net_send(stage, "{\"id\":1}", 1, "initialize");
	net_answer(stage, 1, 200, EVENTS "Mcp-Session-Id: s-9\n", "id: 1\ndata:\n\n");
	stage_loop_pass(1000);
	assert_true(net_has(stage, 2, "Last-Event-ID: 1"));
	assert_true(net_has(stage, 2, "Mcp-Session-Id: s-9"));
	net_answer(stage, 2, 200, EVENTS, "data: {\"id\":1,\"result\":{}}\n\n");
	assert_string_equal(net_seen(stage), "message {\"id\":1,\"result\":{}}\n");
}

/* ---- the server's own messages --------------------------------------------------------------------------------------- */

static void test_own_messages(void **state)
{
	struct net_stage *stage = *state;

	net_begin(stage, NULL);
	net_data(stage, 3, EVENTS, ": hello\n\ndata: {\"method\":\"notifications/tools/list_changed\"}\n\n");
	assert_string_equal(net_seen(stage), "message {\"method\":\"notifications/tools/list_changed\"}\n");
	net_break(stage, 3, HTTP_MAYBE, "cut by a proxy");
	stage_loop_pass(2000);
	assert_int_equal(stage->count, 4);
	assert_null(strstr(stage->calls[3].headers, "Last-Event-ID"));
	net_data(stage, 4, EVENTS, "id: 5\ndata: {}\n\n");
	net_end(stage, 4, 200, EVENTS, "");
	stage_loop_pass(2000);
	assert_true(net_has(stage, 5, "Last-Event-ID: 5"));
	net_answer(stage, 5, 404, "", ""); /* the place is unknown: from now on then */
	stage_loop_pass(5000);
	assert_int_equal(stage->count, 6);
	assert_null(strstr(stage->calls[5].headers, "Last-Event-ID"));
}

static void test_no_own_messages(void **state)
{
	static const int statuses[] = { 405, 404, 409, 400, 401, 406, 302 };

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		struct net_stage *stage = net_open();

		net_begin(stage, "s-1");
		net_answer(stage, 3, statuses[i], "", "");
		stage_loop_pass(1000000);
		assert_int_equal(stage->count, 3);
		assert_string_equal(net_seen(stage), "");
		net_close(stage);
	}
}

static void test_growing_pauses(void **state)
{
	struct net_stage *stage = *state;
	uint64_t last = 0;

	net_begin(stage, NULL);
	for (size_t n = 3; n < 12; n++) {
		uint64_t pause;

		net_break(stage, n, HTTP_NOT_SENT, "refused");
		stage_loop_pass(61000);
		assert_int_equal(stage->count, n + 1);
		pause = stage->calls[n].at - stage->calls[n - 1].at;
		assert_in_range(pause, 1000, 61000 * 2);
		last = pause;
	}
	assert_in_range(last, 60000, 122000);
}

/* ---- the transport of 2024-11-05 --------------------------------------------------------------------------------------- */

static void old_begin(struct net_stage *stage)
{
	net_send(stage, "{\"id\":1}", 1, "initialize");
	net_answer(stage, 1, 404, "", "Cannot POST /mcp");
	assert_int_equal(stage->count, 2);
	assert_string_equal(stage->calls[1].line, "GET http://a.example/mcp");
	assert_true(net_has(stage, 2, "Accept: text/event-stream"));
	assert_true(net_has(stage, 2, "Authorization: Bearer swordfish-1"));
}

static void test_old_server(void **state)
{
	struct net_stage *stage = *state;

	old_begin(stage);
	net_data(stage, 2, EVENTS, "event: endpoint\ndata: /message?sessionId=abc\n\n");
	assert_string_equal(stage->calls[2].line, "POST http://a.example/message?sessionId=abc");
	assert_string_equal(stage->calls[2].body, "{\"id\":1}");
	assert_true(net_has(stage, 3, "X-Team: red"));
	net_data(stage, 2, EVENTS, "event: message\ndata: {\"id\":1,\"result\":{}}\n\n"); /* before the 202 */
	net_answer(stage, 3, 202, "Content-Type: text/plain\n", "Accepted");
	wire_http.agreed(stage->wire, "2024-11-05");
	net_send(stage, "{}", 0, "notifications/initialized");
	net_answer(stage, 4, 202, "", "Accepted");
	net_call_tool(stage, 7);
	net_answer(stage, 5, 202, JSON, "Accepted"); /* whatever it says there */
	net_data(stage, 2, EVENTS, "event: endpoint\ndata: http://evil.example/\n\ndata: " ANSWER "\n\n");
	assert_string_equal(net_seen(stage), "message {\"id\":1,\"result\":{}}\n" TOLD);
	assert_int_equal(stage->count, 5); /* no second stream */
	assert_false(stage->calls[1].ended);
	net_call_tool(stage, 8);
	assert_string_equal(stage->calls[5].line, "POST http://a.example/message?sessionId=abc");
	net_answer(stage, 6, 500, "", "");
	assert_string_equal(net_seen(stage), "lost 8 unsure: it failed (500)\n");
	net_end(stage, 2, 200, EVENTS, "");
	assert_string_equal(net_seen(stage), "down ended: the stream of the server has ended\n");
}

/* A token goes nowhere else than where the settings lead. */
static void test_old_server_elsewhere(void **state)
{
	static const char *const elsewhere[] = {
		"http://b.example/message",	"//b.example/message",
		"https://a.example/message",	"http://a.example:81/message",
		"http://a.example@b.example/x", "http://user@a.example/x",
		"http:\\\\b.example/x",		"javascript:alert(1)",
		"http://a.example.b.example/",	"/a b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++) {
		struct net_stage *stage = net_open();
		char event[200];

		old_begin(stage);
		snprintf(event, sizeof(event), "event: endpoint\ndata: %s\n\n", elsewhere[i]);
		assert_false(net_data(stage, 2, EVENTS, event));
		net_break(stage, 2, HTTP_MAYBE, "stopped while reading the answer");
		assert_memory_equal(net_seen(stage), "down refused: ", 14);
		assert_int_equal(stage->count, 2);
		net_close(stage);
	}
}

static void test_no_old_server_either(void **state)
{
	struct net_stage *stage = *state;

	old_begin(stage);
	net_answer(stage, 2, 404, "", "");
	assert_string_equal(net_seen(stage), "down ended: it refused the request (404)\n");
}

static void test_old_server_that_says_nothing(void **state)
{
	struct net_stage *stage = *state;

	old_begin(stage);
	stage_loop_pass(40000);
	assert_string_equal(net_seen(stage), "down ended: it refused the request (404)\n");
	assert_true(stage->calls[1].cancelled);
}

static void test_old_server_refuses(void **state)
{
	struct net_stage *stage = *state;

	old_begin(stage);
	net_answer(stage, 2, 403, "", "");
	assert_string_equal(
		net_seen(stage),
		"down refused: it forbids this (403): look at token and at its list of callers\n");
}

static void test_old_session_gone(void **state)
{
	struct net_stage *stage = *state;

	old_begin(stage);
	net_data(stage, 2, EVENTS,
		 "event: endpoint\ndata: /m\n\nevent: message\ndata: {\"id\":1,\"result\":{}}\n\n");
	net_answer(stage, 3, 202, "", "");
	net_call_tool(stage, 7);
	net_answer(stage, 4, 404, "", "");
	assert_string_equal(net_seen(stage), "message {\"id\":1,\"result\":{}}\n"
					     "lost 7 again: it has forgotten the session (404)\n"
					     "down expired: it has forgotten the session (404)\n");
}

static void test_old_server_closed(void **state)
{
	struct net_stage *stage = *state;

	old_begin(stage);
	net_data(stage, 2, EVENTS, "event: endpoint\ndata: /m\n\n");
	wire_http.close(stage->wire);
	stage_loop_pass(1);
	assert_string_equal(net_seen(stage), "down closed: \n");
	assert_int_equal(stage->count, 3); /* there is no DELETE there */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_polling),
		CASE(test_cut_in_the_middle),
		CASE(test_cut_without_ids),
		CASE(test_without_a_handshake),
		CASE(test_unknown_method_without_a_handshake),
		CASE(test_each_stream_its_place),
		CASE(test_never_anything_new),
		cmocka_unit_test(test_can_not_be_taken_up),
		CASE(test_forgotten_between),
		CASE(test_ids_that_are_no_header),
		CASE(test_initialize_in_pieces),
		CASE(test_own_messages),
		cmocka_unit_test(test_no_own_messages),
		CASE(test_growing_pauses),
		CASE(test_old_server),
		cmocka_unit_test(test_old_server_elsewhere),
		CASE(test_no_old_server_either),
		CASE(test_old_server_that_says_nothing),
		CASE(test_old_server_refuses),
		CASE(test_old_session_gone),
		CASE(test_old_server_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
