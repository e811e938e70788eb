/* Reading and changing conversations: what the store is asked, pages, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "mem.h"
#include <stdlib.h>

#define ANN_PROFILE "01900000-0000-7000-8000-00000000000a"
#define LIST	    "/api/me/conversations"
#define ONE	    LIST "/789"

static void get(const char *path, int status, const char *body, const char *asked)
{
	struct reply reply = http_as(ANN, "GET", path, "", NULL);

	if (reply.status != status || (body && strcmp(reply.body, body) != 0))
		print_message("%s: %s\n%s\n", path, reply.head, reply.body);
	assert_int_equal(reply.status, status);
	if (body)
		assert_string_equal(reply.body, body);
	if (asked)
		assert_string_equal(store_last(), asked);
	reply_free(&reply);
}

static void change(const char *method, const char *path, const char *body, int status, const char *asked)
{
	struct reply reply = http_as(ANN, method, path, "", body);

	if (reply.status != status)
		print_message("%s: %s\n%s\n", path, reply.head, reply.body);
	assert_int_equal(reply.status, status);
	if (asked)
		assert_string_equal(store_last(), asked);
	reply_free(&reply);
}

static void test_what_is_asked(void **state)
{
	(void)state;
	get(LIST, 200, "{\"conversations\":[],\"next\":null}", "conversations(" ANN_PROFILE ",NULL,51,NULL)");
	get(LIST "?state=archived&limit=7&before=99", 200, NULL,
	    "conversations(" ANN_PROFILE ",archived,8,99)");
	get(ONE, 200, "{\"conversation_id\":789,\"conversation_uuid\":\"" UUID_789 "\"}",
	    "conversation(789," ANN_PROFILE ")");
	get(LIST "/" UUID_789, 200, NULL, "conversation(" UUID_789 "," ANN_PROFILE ")");
	get(ONE "/messages", 200, "{\"messages\":[],\"next\":null}",
	    "messages(789," ANN_PROFILE ",NULL,NULL,NULL,51)");
	get(ONE "/messages?role=tool&after=2026-01-02&before=2026-01-03T04:05:06Z&limit=100", 200, NULL,
	    "messages(789," ANN_PROFILE ",tool,2026-01-02T00:00:00.000Z,2026-01-03T04:05:06.000Z,101)");
	get(ONE "/messages?after=2026-01-02T03:04:05.678Z", 200, NULL,
	    "messages(789," ANN_PROFILE ",NULL,2026-01-02T03:04:05.678Z,NULL,51)");
}

static void test_refusals(void **state)
{
	static const char *const bad[] = {
		LIST "?limit=0",
		LIST "?limit=101",
		LIST "?limit=-1",
		LIST "?limit=",
		LIST "?limit=99999999999999999",
		LIST "?state=gone",
		LIST "?before=x",
		ONE "/messages?role=system",
		ONE "/messages?after=yesterday",
		ONE "/messages?before=2026-13",
		ONE "/messages?after=2026-01-02T03:04:05",
		ONE "/messages?limit=1e2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		get(bad[i], 400, NULL, "");
}

/* One row more than asked for was read: it is not shown, and says that there is more. */
static void test_pages(void **state)
{
	(void)state;
	store_next("[{\"conversation_id\":9,\"title\":\"}{[]\\\"\\\\\"},{\"conversation_id\":8,\"x\":{\"y\":["
		   "{}]}},{\"conversation_id\":7}]");
	get(LIST "?limit=2", 200,
	    "{\"conversations\":[{\"conversation_id\":9,\"title\":\"}{[]\\\"\\\\\"},{\"conversation_id\":8,"
	    "\"x\":{\"y\":[{}]}}],\"next\":8}",
	    NULL);
	get(LIST "?limit=3", 200,
	    "{\"conversations\":[{\"conversation_id\":9,\"title\":\"}{[]\\\"\\\\\"},{\"conversation_id\":8,"
	    "\"x\":{\"y\":[{}]}},{\"conversation_id\":7}],\"next\":null}",
	    NULL);
	store_next("[{\"timestamp\":\"a\"},{\"timestamp\":\"b\"}]");
	get(ONE "/messages?limit=1", 200, "{\"messages\":[{\"timestamp\":\"a\"}],\"next\":\"a\"}", NULL);
	get(ONE "/messages?limit=1&before=2026-01-02", 200,
	    "{\"messages\":[{\"timestamp\":\"b\"}],\"next\":\"b\"}", NULL);
	store_next("not what it should be \"");
	get(LIST "?limit=1", 200, NULL, NULL);
	store_next(NULL);
}

static void test_changes(void **state)
{
	char *long_title = mem_zero(300, 1);

	(void)state;
	change("PATCH", ONE, "{\"title\":\"Plans\"}", 200, "conversation(789," ANN_PROFILE ")");
	change("PATCH", LIST "/900", "{\"title\":\"Plans\"}", 404,
	       "conversation_rename(900," ANN_PROFILE ",Plans)");
	change("PATCH", ONE, "{\"state\":\"archived\"}", 200, "conversation(789," ANN_PROFILE ")");
	change("PATCH", ONE, "{\"state\":\"archived\",\"title\":\"x\"}", 200,
	       "conversation(789," ANN_PROFILE ")");
	change("POST", ONE "/archive", NULL, 200, "conversation(789," ANN_PROFILE ")");
	change("POST", LIST "/900/archive", NULL, 404, "conversation_archive(900," ANN_PROFILE ")");
	change("PATCH", ONE, "{}", 400, NULL);
	change("PATCH", ONE, "[]", 400, NULL);
	change("PATCH", ONE, "{\"title\":", 400, NULL);
	change("PATCH", ONE, "{\"title\":\"  \"}", 400, NULL);
	change("PATCH", ONE, "{\"title\":null}", 400, NULL);
	change("PATCH", ONE, "{\"state\":\"active\"}", 400, NULL);
	memcpy(long_title, "{\"title\":\"", 10);
	memset(long_title + 10, 'x', 256);
	memcpy(long_title + 266, "\"}", 3);
	change("PATCH", ONE, long_title, 400, NULL);
	memcpy(long_title + 265, "\"}", 3);
	change("PATCH", ONE, long_title, 200, NULL);
	free(long_title);
}

static void test_store_faults(void **state)
{
	(void)state;
	store_fails(ERR_FULL);
	get(LIST, 503, NULL, NULL);
	store_fails(ERR_NONE);
	get(LIST, 200, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_asked, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_refusals, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_pages, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_changes, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_store_faults, harness_setup, harness_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
