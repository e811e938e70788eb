/* Calls at servers without a handshake: a wrong repetition and something is done twice. */
#include "mem.h"
#include "stage_modern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
/* A server would refuse it in words that say nothing to a model, or cut the line. */
static void what_fits_in_no_header_is_not_sent(void **state)
{
	struct stage_wire w;
	char arguments[9000] = "{\"r\":\"";
	size_t head = strlen(arguments);

	(void)state;
	memset(arguments + head, 'x', 8800);
	memcpy(arguments + head + 8800, "\"}", 3);
	begins(&w, pinned_service, MODERN);
	calls(&w, "files__add", arguments);
	ends(&w,
	     "not sent: an argument that this tool wants in the header Mcp-Param-R is too long for that "
	     "(8813 bytes)",
	     true);
	sends_nothing(&w);
	memcpy(arguments + head + 7900, "\"}", 3);
	calls(&w, "files__add", arguments);
	answers(&w, sends(&w, "tools/call"), FINE);
	ends(&w, "5", false);
	stage_wire_close(&w);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(what_fits_in_no_header_is_not_sent),
		cmocka_unit_test(a_tool_that_changed_is_not_run_with_new_headers),
		cmocka_unit_test(a_list_that_can_not_be_had_does_not_keep_the_call),
		cmocka_unit_test(a_server_that_changed_its_version_is_asked_again),
		cmocka_unit_test(tools_with_bad_headers_are_left_out_over_http_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
