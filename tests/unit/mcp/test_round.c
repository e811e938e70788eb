/* Calls that are answered with questions: a server that asks for what is not offered is told no, and no more than that. */
#include "server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *result, *more; /* more: NULL when the call ends */
} rows[] = {
	{ "{\"requestState\":\"s\"}", "{\"requestState\":\"s\"}" },
	{ "{\"requestState\":\"\"}", "{\"requestState\":\"\"}" },
	{ "{\"requestState\":\"{ \\\"b\\\" : 1,\\n \\\"a\\\":\\u00e4}\"}",
	  "{\"requestState\":\"{ \\\"b\\\" : 1,\\n \\\"a\\\":\xc3\xa4}\"}" },
	{ "{\"inputRequests\":{\"k\":{\"method\":\"elicitation/create\",\"params\":{}}}}",
	  "{\"inputResponses\":{\"k\":{\"action\":\"decline\"}}}" },
	{ "{\"inputRequests\":{\"k\":{\"method\":\"elicitation/create\"},\"l\":{\"method\":\"roots/list\"}},"
	  "\"requestState\":\"x\"}",
	  "{\"inputResponses\":{\"k\":{\"action\":\"decline\"},\"l\":{\"roots\":[]}},\"requestState\":"
	  "\"x\"}" },
	{ "{\"inputRequests\":{},\"requestState\":\"x\"}", "{\"inputResponses\":{},\"requestState\":\"x\"}" },
	{ "{\"inputRequests\":{\"k\":{\"method\":\"sampling/createMessage\"}},\"requestState\":\"x\"}",
	  NULL },
	{ "{\"inputRequests\":{\"k\":{\"method\":\"tools/call\"}}}", NULL },
	{ "{\"inputRequests\":{\"k\":{}}}", NULL },
	{ "{\"inputRequests\":{\"k\":\"roots/list\"}}", NULL },
	{ "{\"inputRequests\":[]}", NULL },
	{ "{\"inputRequests\":null,\"requestState\":\"x\"}", NULL },
	{ "{\"requestState\":{\"a\":1}}", NULL },
	{ "{\"requestState\":null}", NULL },
	{ "{}", NULL },
};

static void the_next_try_carries_what_it_must(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };
		json_t *result = json_read(rows[i].result, strlen(rows[i].result), &err), *more;
		char *text;

		assert_non_null(result);
		err_clear(&err);
		more = round_next(result, &err);
		text = more ? json_write(more) : NULL;
		if (rows[i].more == NULL && more)
			fail_msg("%s gave %s", rows[i].result, text);
		if (rows[i].more)
			assert_string_equal(text ? text : err.text, rows[i].more);
		else
			assert_int_equal(err.kind, ERR_REFUSED);
		free(text);
		json_decref(more);
		json_decref(result);
	}
}

static void too_many_questions_end_the_call(void **state)
{
	json_t *questions = json_object(), *result = json_pack("{s:o}", "inputRequests", questions);
	struct err err = { 0 };
	char key[16];

	(void)state;
	for (int i = 0; i < 33; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		json_object_set_new(questions, key, json_pack("{s:s}", "method", "roots/list"));
	}
	assert_null(round_next(result, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	json_decref(result);
}

static void results_say_what_they_are(void **state)
{
	static const struct {
		const char *result;
		enum round_kind kind;
	} kinds[] = {
		{ "{}", ROUND_COMPLETE },
		{ "{\"resultType\":\"complete\"}", ROUND_COMPLETE },
		{ "{\"resultType\":\"input_required\"}", ROUND_ASKS },
		{ "{\"resultType\":\"task\"}", ROUND_UNKNOWN },
		{ "{\"resultType\":null}", ROUND_UNKNOWN },
		{ "{\"resultType\":\"\"}", ROUND_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		json_t *result = json_read(kinds[i].result, strlen(kinds[i].result), NULL);

		assert_int_equal(round_of(result), kinds[i].kind);
		json_decref(result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_try_carries_what_it_must),
		cmocka_unit_test(too_many_questions_end_the_call),
		cmocka_unit_test(results_say_what_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
