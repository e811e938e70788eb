/* What one message of an MCP client means: methods, ids, errors, and what is answered to nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem.h"
#include "served.h"
#include <stdlib.h>
#include <string.h>

static const struct tool reading = { .name = "look",
				     .description = "Looks.",
				     .parameters = "{\"type\":\"object\",\"properties\":{}}",
				     .class = TOOL_READ };
static const struct tool writing = { .name = "write",
				     .description = "Writes.",
				     .parameters = "{\"type\":\"object\",\"properties\":{}}",
				     .class = TOOL_KEYED };
static const struct tool *const list[] = { &reading, &writing };
static const struct toolset tools = { .tools = list, .count = 2 };

/* The caller finishes served. */
static void take(const char *text, struct served *served)
{
	json_t *message = json_read(text, strlen(text), NULL);

	assert_non_null(message);
	served_take(message, NULL, &tools, served);
	json_decref(message);
}

/* What is answered to it, as JSON; NULL when nothing is. */
static json_t *answer_to(const char *text)
{
	struct served served;
	json_t *answer;

	take(text, &served);
	assert_int_not_equal(served.kind, SERVED_CALL);
	answer = served.text ? json_read(served.text, strlen(served.text), NULL) : NULL;
	assert_true((served.text != NULL) == (answer != NULL));
	served_finish(&served);
	return answer;
}

static void is_error(const char *text, int code, const char *id)
{
	json_t *answer = answer_to(text);
	char *found = json_write(json_object_get(answer, "id"));

	if (json_int(json_object_get(answer, "error"), "code", 0) != code)
		fail_msg("%s: not %d", text, code);
	assert_non_null(json_text(json_object_get(answer, "error"), "message"));
	assert_string_equal(found, id);
	assert_null(json_object_get(answer, "result"));
	free(found);
	json_decref(answer);
}

/* A client that offers a version of ours gets it, any other is offered the newest and may go. */
static void versions_are_agreed_on(void **state)
{
	static const char *const cases[][2] = {
		{ "2025-11-25", "2025-11-25" }, { "2025-06-18", "2025-06-18" },
		{ "2025-03-26", "2025-03-26" }, { "2024-11-05", "2024-11-05" },
		{ "2026-07-28", "2025-11-25" }, { "1999-01-01", "2025-11-25" },
		{ "", "2025-11-25" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = mem_format("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
					"\"protocolVersion\":\"%s\",\"capabilities\":{}}}",
					cases[i][0]);
		json_t *answer = answer_to(text), *result = json_object_get(answer, "result");

		assert_string_equal(json_text(result, "protocolVersion"), cases[i][1]);
		assert_true(
			json_is_object(json_object_get(json_object_get(result, "capabilities"), "tools")));
		assert_string_equal(json_text(json_object_get(result, "serverInfo"), "name"), "usher");
		assert_non_null(json_text(json_object_get(result, "serverInfo"), "version"));
		json_decref(answer);
		free(text);
	}
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}", SERVED_INVALID_PARAMS, "1");
	assert_true(served_speaks("2024-11-05"));
	assert_false(served_speaks("2026-07-28"));
	assert_true(served_batches(NULL) && served_batches("2025-03-26"));
	assert_false(served_batches("2025-06-18"));
}

/* Ids come back exactly as they were, whatever their type: clients find their request by them. */
static void ids_come_back(void **state)
{
	static const char *const ids[] = { "0", "-1", "9007199254740993", "\"\"", "\"a\\nb\"", "\"1\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char *text = mem_format("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", ids[i]);
		json_t *answer = answer_to(text);
		char *found = json_write(json_object_get(answer, "id"));

		assert_string_equal(found, ids[i]);
		assert_true(json_is_object(json_object_get(answer, "result")));
		free(found);
		json_decref(answer);
		free(text);
	}
}

/* A notification that is answered, or a request that is not, hangs clients. */
static void nothing_is_said_to_notifications_and_answers(void **state)
{
	static const char *const texts[] = {
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{\"name\":\"write\"}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"no such thing\",\"params\":[]}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"x\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_null(answer_to(texts[i]));
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	is_error("1", SERVED_INVALID_REQUEST, "null");
	is_error("[]", SERVED_INVALID_REQUEST, "null");
	is_error("{}", SERVED_INVALID_REQUEST, "null");
	is_error("{\"id\":1,\"method\":\"ping\"}", SERVED_INVALID_REQUEST, "null");
	is_error("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", SERVED_INVALID_REQUEST, "null");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", SERVED_INVALID_REQUEST, "null");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", SERVED_INVALID_REQUEST, "null");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", SERVED_INVALID_REQUEST, "null");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":2}", SERVED_INVALID_REQUEST, "null");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[]}", SERVED_INVALID_PARAMS,
		 "1");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/list\"}", SERVED_NO_METHOD, "1");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"resources/list\"}", SERVED_NO_METHOD,
		 "\"x\"");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"2\"}}",
		 SERVED_INVALID_PARAMS, "1");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}", SERVED_INVALID_PARAMS, "1");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"gone\"}}",
		 SERVED_INVALID_PARAMS, "1");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"look\","
		 "\"arguments\":\"{}\"}}",
		 SERVED_INVALID_PARAMS, "1");
	is_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"write\","
		 "\"_meta\":{\"idempotencyKey\":7}}}",
		 SERVED_INVALID_PARAMS, "1");
}

/* A host asks its person before what is not marked as reading. */
static void the_list_tells_what_only_reads(void **state)
{
	json_t *answer = answer_to("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{}}");
	const json_t *found = json_object_get(json_object_get(answer, "result"), "tools");

	(void)state;
	assert_int_equal(json_array_size(found), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *one = json_array_get(found, i);

		assert_string_equal(json_text(one, "name"), list[i]->name);
		assert_string_equal(json_text(one, "description"), list[i]->description);
		assert_string_equal(json_text(json_object_get(one, "inputSchema"), "type"), "object");
		assert_int_equal(
			json_is_true(json_object_get(json_object_get(one, "annotations"), "readOnlyHint")),
			i == 0);
	}
	json_decref(answer);
}

static void a_call_is_taken_apart(void **state)
{
	struct served served;

	(void)state;
	take("{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{\"name\":\"write\","
	     "\"arguments\":{\"a\":5,\"b\":5.0},\"_meta\":{\"progressToken\":0,\"idempotencyKey\":\"once\"}}"
	     "}",
	     &served);
	assert_int_equal(served.kind, SERVED_CALL);
	assert_ptr_equal(served.tool, &writing);
	assert_string_equal(served.arguments, "{\"a\":5,\"b\":5.0}");
	assert_string_equal(served.key, "once");
	assert_string_equal(json_string_value(served.id), "c");
	served_finish(&served);
	take("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"look\"}}",
	     &served);
	assert_int_equal(served.kind, SERVED_CALL);
	assert_string_equal(served.arguments, "{}");
	assert_null(served.key); /* the id of a request is no key: it begins anew with each connection */
	served_finish(&served);
}

/* Results are read by old clients as text, by newer ones as they are; a failure is words that a model can act on. */
static void results_and_failures(void **state)
{
	json_t *id = json_integer(3), *answer, *result;
	char *text = served_result(id, "{\"n\":1}", false, false);

	(void)state;
	answer = json_read(text, strlen(text), NULL);
	result = json_object_get(answer, "result");
	assert_string_equal(json_text(json_array_get(json_object_get(result, "content"), 0), "text"),
			    "{\"n\":1}");
	assert_int_equal(json_int(json_object_get(result, "structuredContent"), "n", 0), 1);
	assert_true(json_is_false(json_object_get(result, "isError")));
	json_decref(answer);
	free(text);

	text = served_result(id, "{\"error\":\"no such task\"}", true, false);
	answer = json_read(text, strlen(text), NULL);
	result = json_object_get(answer, "result");
	assert_string_equal(json_text(json_array_get(json_object_get(result, "content"), 0), "text"),
			    "no such task");
	assert_true(json_is_true(json_object_get(result, "isError")));
	assert_null(json_object_get(answer, "error"));
	json_decref(answer);
	free(text);
	json_decref(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_agreed_on),
		cmocka_unit_test(ids_come_back),
		cmocka_unit_test(nothing_is_said_to_notifications_and_answers),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(the_list_tells_what_only_reads),
		cmocka_unit_test(a_call_is_taken_apart),
		cmocka_unit_test(results_and_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
