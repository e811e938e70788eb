/* The version without a handshake: each request stands for itself, and what its headers say must be what it says. */
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
static const struct tool umlaut = { .name = "s\xc3\xa4ge", .description = "S", .parameters = "{}" };
static const struct tool *const list[] = { &reading, &umlaut };
static const struct toolset tools = { .tools = list, .count = 2 };

#define V	"'io.modelcontextprotocol/protocolVersion':"
#define C	"'io.modelcontextprotocol/clientCapabilities':"
#define META	"'_meta':{" V "'2026-07-28'," C "{}}"
#define LIST	"'method':'tools/list','params':{" META "}"
#define CALL(n) "'method':'tools/call','params':{'name':'" n "'," META "}"

static json_t *message_of(const char *rest)
{
	char *text = mem_format("{'jsonrpc':'2.0','id':7,%s}", rest);
	struct err err = { 0 };
	json_t *message;

	for (char *at = text; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	message = json_read(text, strlen(text), &err);
	if (message == NULL)
		fail_msg("%s: %s", err.text, text);
	free(text);
	return message;
}

static const struct served_headers fits_list = { "2026-07-28", "tools/list", NULL };
static const struct served_headers fits_call = { "2026-07-28", "tools/call", "look" };
static const struct served_headers other_method = { "2026-07-28", "tools/call", NULL };
static const struct served_headers case_method = { "2026-07-28", "Tools/List", NULL };
static const struct served_headers no_method = { "2026-07-28", NULL, NULL };
static const struct served_headers no_version = { NULL, "tools/list", NULL };
static const struct served_headers old_version = { "2025-11-25", "tools/list", NULL };
static const struct served_headers no_name = { "2026-07-28", "tools/call", NULL };
static const struct served_headers other_name = { "2026-07-28", "tools/call", "write" };
static const struct served_headers coded_name = { "2026-07-28", "tools/call", "=?base64?bG9vaw==?=" };
static const struct served_headers coded_other = { "2026-07-28", "tools/call", "=?base64?bG9va3M=?=" };
static const struct served_headers coded_badly = { "2026-07-28", "tools/call", "=?base64?b*?=" };
static const struct served_headers coded_umlaut = { "2026-07-28", "tools/call", "=?base64?c8OkZ2U=?=" };
static const struct served_headers future = { "2030-01-01", "tools/list", NULL };
static const struct served_headers old = { "2025-11-25", NULL, NULL };
static const struct served_headers none = { NULL, NULL, NULL };

static const struct {
	const char *rest;
	const struct served_headers *headers;
	int status, code; /* code 0: a result, or a call */
} rows[] = {
	{ LIST, &fits_list, 200, 0 },
	{ LIST, NULL, 200, 0 }, /* a way without headers */
	{ CALL("look"), &fits_call, 200, 0 },
	{ CALL("look"), &coded_name, 200, 0 },
	{ CALL("s\xc3\xa4ge"), &coded_umlaut, 200, 0 },
	{ CALL("look"), NULL, 200, 0 },
	{ "'method':'server/discover','params':{" META "}", NULL, 200, 0 },
	/* the body */
	{ "'method':'server/discover'", NULL, 400, SERVED_INVALID_PARAMS },
	{ "'method':'tools/list'", &fits_list, 400, SERVED_INVALID_PARAMS },
	{ "'method':'tools/list','params':{'_meta':{}}", &fits_list, 400, SERVED_INVALID_PARAMS },
	{ "'method':'tools/list','params':{'_meta':{" C "{}}}", &fits_list, 400, SERVED_INVALID_PARAMS },
	{ "'method':'tools/list','params':{'_meta':{" V "'2026-07-28'}}", NULL, 400, SERVED_INVALID_PARAMS },
	{ "'method':'tools/list','params':{'_meta':{" V "'2026-07-28'," C "[]}}", NULL, 400,
	  SERVED_INVALID_PARAMS },
	{ "'method':'tools/list','params':{'_meta':{" V "1," C "{}}}", NULL, 400, SERVED_INVALID_PARAMS },
	{ "'method':'tools/list','params':[]", &fits_list, 400, SERVED_INVALID_PARAMS },
	/* the headers */
	{ LIST, &other_method, 400, SERVED_HEADERS },
	{ LIST, &case_method, 400, SERVED_HEADERS },
	{ LIST, &no_method, 400, SERVED_HEADERS },
	{ LIST, &no_version, 400, SERVED_HEADERS },
	{ LIST, &old_version, 400, SERVED_HEADERS },
	{ LIST, &future, 400, SERVED_HEADERS },
	{ CALL("look"), &no_name, 400, SERVED_HEADERS },
	{ CALL("look"), &other_name, 400, SERVED_HEADERS },
	{ CALL("look"), &coded_other, 400, SERVED_HEADERS },
	{ CALL("look"), &coded_badly, 400, SERVED_HEADERS },
	/* the version */
	{ "'method':'tools/list','params':{'_meta':{" V "'2030-01-01'," C "{}}}", &future, 400,
	  SERVED_VERSION_UNKNOWN },
	{ "'method':'tools/list','params':{'_meta':{" V "'2030-01-01'," C "{}}}", NULL, 400,
	  SERVED_VERSION_UNKNOWN },
	{ "'method':'tools/list','params':{'_meta':{" V "'2025-11-25'," C "{}}}", NULL, 400,
	  SERVED_VERSION_UNKNOWN },
	/* the method */
	{ "'method':'ping','params':{" META "}", NULL, 404, SERVED_NO_METHOD },
	{ "'method':'initialize','params':{'protocolVersion':'2025-11-25'," META "}", NULL, 404,
	  SERVED_NO_METHOD },
	{ "'method':'subscriptions/listen','params':{" META "}", NULL, 404, SERVED_NO_METHOD },
	{ CALL("nothing"), NULL, 200, SERVED_INVALID_PARAMS },
	/* with a handshake all stays as it was */
	{ "'method':'ping'", &old, 200, 0 },
	{ "'method':'ping'", &none, 200, 0 },
	{ "'method':'tools/list'", &none, 200, 0 },
	{ "'method':'what'", &old, 200, SERVED_NO_METHOD },
};

static void requests_are_judged_by_body_and_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *message = message_of(rows[i].rest), *answer;
		struct served served;
		json_int_t code;

		served_take(message, rows[i].headers, &tools, &served);
		answer = served.text ? json_read(served.text, strlen(served.text), NULL) : NULL;
		code = json_int(json_object_get(answer, "error"), "code", 0);
		if (code != rows[i].code || served.status != rows[i].status)
			fail_msg("row %zu %s: %d %s", i, rows[i].rest, served.status, served.text);
		if (answer)
			assert_int_equal(json_int(answer, "id", 0), 7);
		served_finish(&served);
		json_decref(answer);
		json_decref(message);
	}
}

static json_t *result_to(const char *rest)
{
	json_t *message = message_of(rest), *answer, *result;
	struct served served;

	served_take(message, NULL, &tools, &served);
	assert_true(served.stateless);
	answer = json_read(served.text, strlen(served.text), NULL);
	result = json_incref(json_object_get(answer, "result"));
	assert_string_equal(json_text(result, "resultType"), "complete");
	assert_string_equal(json_text(json_object_get(json_object_get(result, "_meta"),
						      "io.modelcontextprotocol/serverInfo"),
				      "name"),
			    "usher");
	assert_true(json_int(result, "ttlMs", -1) >= 0);
	assert_string_equal(json_text(result, "cacheScope"), "private");
	served_finish(&served);
	json_decref(answer);
	json_decref(message);
	return result;
}

static void results_say_what_they_are(void **state)
{
	json_t *result = result_to("'method':'server/discover','params':{" META "}"), *message;
	struct served served;
	char *text;

	(void)state;
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(result, "supportedVersions"), 0)),
		"2026-07-28");
	assert_int_equal(json_array_size(json_object_get(result, "supportedVersions")), 5);
	assert_true(json_is_object(json_object_get(json_object_get(result, "capabilities"), "tools")));
	json_decref(result);
	result = result_to(LIST);
	assert_int_equal(json_array_size(json_object_get(result, "tools")), 2);
	json_decref(result);

	message = message_of(CALL("look"));
	served_take(message, NULL, &tools, &served);
	assert_int_equal(served.kind, SERVED_CALL);
	text = served_result(served.id, "{}", false, served.stateless);
	assert_non_null(strstr(text, "\"resultType\":\"complete\""));
	assert_null(strstr(text, "ttlMs"));
	free(text);
	served_finish(&served);
	json_decref(message);
}

static void who_speaks_another_version_is_told_ours(void **state)
{
	json_t *message = message_of("'method':'tools/list','params':{'_meta':{" V "'2030-01-01'," C "{}}}"),
	       *answer;
	struct served served;
	const json_t *data;

	(void)state;
	served_take(message, NULL, &tools, &served);
	answer = json_read(served.text, strlen(served.text), NULL);
	data = json_object_get(json_object_get(answer, "error"), "data");
	assert_string_equal(json_text(data, "requested"), "2030-01-01");
	assert_int_equal(json_array_size(json_object_get(data, "supported")), 5);
	served_finish(&served);
	json_decref(answer);
	json_decref(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_judged_by_body_and_headers),
		cmocka_unit_test(results_say_what_they_are),
		cmocka_unit_test(who_speaks_another_version_is_told_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
