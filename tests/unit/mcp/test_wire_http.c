/* Streamable HTTP: each message in a POST, whatever the server makes of the answer (sheet 5). */
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

static void test_first_words(void **state)
{
	struct net_stage *stage = *state;

	net_send(stage, "{\"id\":1}", 1, "initialize");
	assert_string_equal(stage->calls[0].line, "POST http://a.example/mcp");
	assert_string_equal(stage->calls[0].body, "{\"id\":1}");
	assert_string_equal(stage->calls[0].headers, "Content-Type: application/json\n"
						     "Accept: application/json, text/event-stream\n"
						     "Authorization: Bearer swordfish-1\n"
						     "X-Team: red\n"); /* neither version nor session yet */
	net_answer(stage, 1, 200, JSON "mcp-session-id: s-1\n", "{\"id\":1,\"result\":{}}");
	assert_string_equal(net_seen(stage), "message {\"id\":1,\"result\":{}}\n");
	wire_http.agreed(stage->wire, "2025-06-18");
	net_send(stage, "{}", 0, "notifications/initialized");
	net_call_tool(stage, 7);
	assert_int_equal(stage->count, 2); /* the request does not overtake the notification */
	net_answer(stage, 2, 202, "", "");
	assert_int_equal(stage->count, 4);
	assert_string_equal(stage->calls[2].line, "GET http://a.example/mcp");
	assert_string_equal(stage->calls[3].line, "POST http://a.example/mcp");
	for (size_t n = 2; n <= 4; n++) {
		assert_true(net_has(stage, n, "MCP-Protocol-Version: 2025-06-18"));
		assert_true(net_has(stage, n, "Mcp-Session-Id: s-1"));
		assert_true(net_has(stage, n, "Authorization: Bearer swordfish-1"));
		assert_true(net_has(stage, n, "X-Team: red"));
	}
	assert_true(net_has(stage, 3, "Accept: text/event-stream"));
	assert_false(net_has(stage, 3, "Content-Type: application/json"));
}

static void test_session_that_is_no_header(void **state)
{
	struct net_stage *stage = *state;

	net_begin(stage, "two words");
	assert_null(strstr(stage->calls[1].headers, "Mcp-Session-Id"));
}

/* What a server may make of its answer to a request. */
static const struct {
	const char *headers, *body, *told;
} answers[] = {
	{ "Content-Type: application/json; charset=utf-8\n", ANSWER, TOLD },
	{ "Content-Type: Application/JSON;charset=utf-8\n", ANSWER, TOLD },
	{ JSON, "[" ANSWER ",{\"method\":\"x\"}]", TOLD "message {\"method\":\"x\"}\n" },
	{ "Content-Type: Text/Event-Stream; charset=utf-8\n", "data: " ANSWER "\n\n", TOLD },
	{ EVENTS, "event: message\r\nid: 1\r\ndata: " ANSWER "\r\n\r\n", TOLD },
	{ EVENTS, "\xef\xbb\xbf: hello\n\ndata: " ANSWER "\n\n", TOLD },
	{ EVENTS, "data: {\"id\":7,\ndata: \"result\":{}}\n\n", TOLD },
	{ EVENTS, "id: 1\ndata:\n\ndata: " ANSWER "\n\n", TOLD },
	{ EVENTS, "event: other\ndata: {}\n\nevent: ping\ndata: \n\ndata: " ANSWER "\n\n", TOLD },
	{ EVENTS, "data: not json\n\ndata: " ANSWER "\n\n", TOLD },
	{ EVENTS, "data: {\"method\":\"a\"}\n\ndata: {\"id\":7,\"method\":\"ping\"}\n\ndata: " ANSWER "\n\n",
	  "message {\"method\":\"a\"}\nmessage {\"id\":7,\"method\":\"ping\"}\n" TOLD },
	{ EVENTS, "data: {\"id\":\"7\",\"result\":{}}\n\n", "message {\"id\":\"7\",\"result\":{}}\n" },
	{ JSON, "{\"id\":8,\"result\":{}}",
	  "message {\"id\":8,\"result\":{}}\nlost 7 unsure: its answer is not one to the request\n" },
	{ EVENTS, "data: {\"id\":8,\"result\":{}}\n\n",
	  "message {\"id\":8,\"result\":{}}\nlost 7 unsure: its stream ended before the answer came\n" },
	{ EVENTS, "data: " ANSWER "\n", "lost 7 unsure: its stream ended before the answer came\n" },
	{ EVENTS, "", "lost 7 unsure: it took the request without an answer (200 text/event-stream)\n" },
	{ "", "", "lost 7 unsure: it took the request without an answer (200 )\n" },
	{ "Content-Type: text/html\n", "<html>Please sign in</html>",
	  "lost 7 unsure: it took the request without an answer (200 text/html)\n" },
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct net_stage *stage = net_open();

		net_begin(stage, "s-1");
		net_call_tool(stage, 7);
		net_answer(stage, 4, 200, answers[i].headers, answers[i].body);
		assert_string_equal(net_seen(stage), answers[i].told);
		net_close(stage);
	}
}

static void test_every_split(void **state)
{
	const char *body = "id: 1\r\ndata: {\"id\":7,\r\ndata: \"result\":{\"t\":\"\xc3\xa4\"}}\r\n\r\n";
	size_t len = strlen(body);

	(void)state;
	for (size_t piece = 1; piece < len; piece++) {
		struct net_stage *stage = net_open();
		char part[200];

		net_begin(stage, NULL);
		net_call_tool(stage, 7);
		for (size_t at = 0; at < len; at += piece) {
			snprintf(part, sizeof(part), "%.*s", (int)piece, body + at);
			assert_true(net_data(stage, 4, EVENTS, part));
		}
		net_end(stage, 4, 200, EVENTS, "");
		assert_string_equal(net_seen(stage), "message {\"id\":7,\"result\":{\"t\":\"\xc3\xa4\"}}\n");
		net_close(stage);
	}
}

/* What was not answered is told, and told truly: repeated only by who knows that it can't have been done. */
static const struct {
	int status;
	const char *headers, *body, *told;
} refusals[] = {
	{ 400, "", "", "lost 7 refused: it refused the request (400)\n" },
	{ 400, JSON, "{\"error\":{\"code\":-32000,\"message\":\"Bad\\nversion\"},\"id\":null}",
	  "message {\"error\":{\"code\":-32000,\"message\":\"Bad\\nversion\"},\"id\":null}\n"
	  "lost 7 refused: it refused the request (400): \"Bad version\"\n" },
	{ 400, JSON, "{\"error\":{\"code\":-32602,\"message\":\"no\"},\"id\":7}",
	  "message {\"error\":{\"code\":-32602,\"message\":\"no\"},\"id\":7}\n" },
	{ 400, JSON, "{\"error\":{\"code\":-32000,\"message\":\"No valid session ID\"},\"id\":null}",
	  "lost 7 again: it has forgotten the session (400): \"No valid session ID\"\n"
	  "down expired: it has forgotten the session (400): \"No valid session ID\"\n" },
	{ 404, "", "",
	  "lost 7 again: it has forgotten the session (404)\ndown expired: it has forgotten the session "
	  "(404)\n" },
	{ 401, "", "",
	  "down refused: it does not accept the token (401): it has expired or is not meant for this server; "
	  "set token "
	  "anew\n" },
	{ 403, "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"write\"\n", "",
	  "lost 7 refused: the token lacks a right (403 insufficient_scope): get one with more rights and "
	  "set token\n" },
	{ 403, "", "", "lost 7 refused: it forbids this (403): look at token and at its list of callers\n" },
	{ 307, "Location: https://b.example/secret-path\n", "",
	  "down refused: it redirects (307) to https://b.example: redirects are not followed, set url to "
	  "where it leads\n" },
	{ 302, "", "", "down refused: it redirects (302): redirects are not followed, correct url\n" },
	{ 413, "", "", "lost 7 refused: the request is too large for it (413)\n" },
	{ 429, "", "", "lost 7 again: it is overloaded (429)\n" },
	{ 503, "", "", "lost 7 again: it is overloaded (503)\n" },
	{ 500, "", "", "lost 7 unsure: it failed (500)\n" },
	{ 502, "Content-Type: text/html\n", "<h1>", "lost 7 unsure: it failed (502)\n" },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct net_stage *stage = net_open();

		net_begin(stage, "s-1");
		net_call_tool(stage, 7);
		net_answer(stage, 4, refusals[i].status, refusals[i].headers, refusals[i].body);
		assert_string_equal(net_seen(stage), refusals[i].told);
		assert_int_equal(stage->count, 4); /* nothing is sent a second time */
		net_close(stage);
	}
}

static void test_lines_that_break(void **state)
{
	struct net_stage *stage = *state;

	net_begin(stage, "s-1");
	net_call_tool(stage, 7);
	net_break(stage, 4, HTTP_NOT_SENT, "refused");
	assert_string_equal(net_seen(stage), "lost 7 again: refused\n");
	net_call_tool(stage, 8);
	net_break(stage, 5, HTTP_MAYBE, "cut");
	assert_string_equal(net_seen(stage), "lost 8 unsure: cut\n");
	assert_int_equal(stage->count, 5);
}

/* A notification that is not taken, and an answer of ours, end nothing. */
static void test_nobody_waits(void **state)
{
	struct net_stage *stage = *state;

	net_begin(stage, NULL);
	net_send(stage, "{}", 0, "notifications/cancelled");
	net_answer(stage, 4, 500, "", "");
	net_send(stage, "{\"id\":\"s\",\"result\":{}}", 0, NULL);
	net_answer(stage, 5, 202, "Content-Type: text/plain\n", "Accepted");
	net_send(stage, "{}", 0, "notifications/cancelled");
	net_answer(stage, 6, 202, JSON, "{\"ok\":true}"); /* a body all the same */
	net_send(stage, "{}", 0, "notifications/cancelled");
	net_answer(stage, 7, 202, JSON, "Accepted");
	assert_string_equal(net_seen(stage), "message {\"ok\":true}\n");
}

static void test_initialize_fails(void **state)
{
	static const struct {
		int status;
		const char *headers, *told;
	} rows[] = {
		{ 401, "",
		  "down refused: it does not accept the token (401): it has expired or is not meant for this "
		  "server; set token anew\n" },
		{ 403, "",
		  "down refused: it forbids this (403): look at token and at its list of callers\n" },
		{ 500, "", "down ended: it failed (500)\n" },
		{ 503, "", "down ended: it is overloaded (503)\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct net_stage *stage = net_open();

		net_send(stage, "{\"id\":1}", 1, "initialize");
		net_answer(stage, 1, rows[i].status, rows[i].headers, "");
		assert_string_equal(net_seen(stage), rows[i].told);
		net_close(stage);
	}
}

static void test_no_token_given(void **state)
{
	struct net_stage *stage = *state;

	stage->config.token = NULL;
	net_send(stage, "{\"id\":1}", 1, "initialize");
	assert_null(strstr(stage->calls[0].headers, "Authorization"));
	net_answer(stage, 1, 401, "WWW-Authenticate: Bearer resource_metadata=\"https://a.example/x\"\n", "");
	assert_string_equal(net_seen(stage),
			    "down refused: it wants a token by OAuth (401), which takes a person and a "
			    "browser: get one from its operator and set token\n");
}

static void test_goodbye(void **state)
{
	struct net_stage *stage = *state;

	net_begin(stage, "s-1");
	net_call_tool(stage, 7);
	wire_http.close(stage->wire);
	wire_http.close(stage->wire);
	assert_int_equal(stage->count, 5);
	assert_true(stage->calls[3].cancelled);
	assert_string_equal(stage->calls[4].line, "DELETE http://a.example/mcp");
	assert_true(net_has(stage, 5, "Mcp-Session-Id: s-1"));
	assert_true(stage->calls[4].total_ms < 5000);
	assert_false(net_send(stage, "{}", 9, "tools/call"));
	assert_string_equal(net_seen(stage), "");
	net_answer(stage, 5, 405, "", "");
	assert_string_equal(net_seen(stage), "down closed: \n");
}

static void test_goodbye_without_session(void **state)
{
	struct net_stage *stage = *state;

	net_begin(stage, NULL);
	wire_http.close(stage->wire);
	assert_string_equal(net_seen(stage), "");
	stage_loop_pass(1);
	assert_string_equal(net_seen(stage), "down closed: \n");
	assert_int_equal(stage->count, 3);
}

/* The owner may end all from inside any event. */
static void test_destroyed_inside(void **state)
{
	static const struct {
		int status;
		const char *headers, *body;
	} rows[] = {
		{ 200, JSON, "[" ANSWER "," ANSWER "]" },
		{ 200, EVENTS, "data: " ANSWER "\n\ndata: " ANSWER "\n\n" },
		{ 200, EVENTS, "data: [" ANSWER "," ANSWER "]\n\n" },
		{ 200, "", "" },
		{ 404, "", "" },
		{ 401, "", "" },
		{ 400, JSON, "{\"error\":{},\"id\":7}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct net_stage *stage = net_open();
		const char *seen;

		net_begin(stage, "s-1");
		net_call_tool(stage, 7);
		net_call_tool(stage, 8);
		stage->destroys = true;
		net_answer(stage, 4, rows[i].status, rows[i].headers, rows[i].body);
		assert_null(stage->wire);
		seen = net_seen(stage);
		assert_ptr_equal(strchr(seen, '\n'), seen + strlen(seen) - 1); /* one event, none after */
		net_close(stage);
	}
}

static void test_forgotten(void **state)
{
	struct net_stage *stage = *state;

	net_begin(stage, NULL);
	net_call_tool(stage, 7);
	wire_http.forget(stage->wire, 7);
	wire_http.forget(stage->wire, 7);
	wire_http.forget(stage->wire, 0);
	assert_true(stage->calls[3].cancelled);
	net_call_tool(stage, 8);
	stage->forgets = 8; /* while its bytes are read */
	assert_false(net_data(stage, 5, EVENTS, "data: {}\n\ndata: {}\n\n"));
	assert_string_equal(net_seen(stage), "message {}\n");
	assert_true(stage->calls[4].cancelled);
}

/* A server that has answered and keeps the stream open holds no connection of ours for ever. */
static void test_stream_left_open(void **state)
{
	struct net_stage *stage = *state;

	net_begin(stage, NULL);
	net_call_tool(stage, 7);
	net_data(stage, 4, EVENTS, "data: " ANSWER "\n\ndata: {\"method\":\"late\"}\n\n");
	stage_loop_pass(4000);
	assert_false(stage->calls[3].ended);
	stage_loop_pass(2000);
	assert_true(stage->calls[3].cancelled);
	assert_string_equal(net_seen(stage), TOLD "message {\"method\":\"late\"}\n");
}

static void test_too_much(void **state)
{
	struct net_stage *stage = *state;
	char *text = malloc(MCP_MESSAGE_MAX);
	unsigned taken = 0;

	net_begin(stage, NULL);
	memset(text, 'x', MCP_MESSAGE_MAX);
	text[MCP_MESSAGE_MAX - 1] = '\0';
	net_call_tool(stage, 7);
	assert_true(net_data(stage, 4, JSON, text));
	assert_false(net_data(stage, 4, JSON, "xx"));
	net_break(stage, 4, HTTP_MAYBE, "stopped while reading the answer");
	assert_string_equal(net_seen(stage), "lost 7 unsure: its answer is longer than 12582912 bytes\n");
	net_call_tool(stage, 8);
	assert_true(net_data(stage, 5, EVENTS, text));
	assert_false(net_data(stage, 5, EVENTS, "xx"));
	net_break(stage, 5, HTTP_MAYBE, "stopped while reading the answer");
	assert_string_equal(net_seen(stage),
			    "lost 8 unsure: its stream has an event of more than 12582912 bytes\n");
	free(text);
	while (taken < 1000 && net_send(stage, "{}", 100 + taken, "tools/call"))
		taken++;
	assert_in_range(taken, 100, 256);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_first_words),
		CASE(test_session_that_is_no_header),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_refusals),
		CASE(test_lines_that_break),
		CASE(test_nobody_waits),
		cmocka_unit_test(test_initialize_fails),
		CASE(test_no_token_given),
		CASE(test_goodbye),
		CASE(test_goodbye_without_session),
		cmocka_unit_test(test_destroyed_inside),
		CASE(test_forgotten),
		CASE(test_stream_left_open),
		CASE(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
