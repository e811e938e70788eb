/* /mcp: who gets in, in whose name tools run, and what HTTP makes of messages, arrays and mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "json.h"
#include "loop.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"
#define JSON "Content-Type: application/json\r\n"

static struct {
	size_t open; /* sets */
	char key[100];
} seen;

/* ---- a tool that says who called it, a round later ---- */

struct said {
	tool_done_fn *done;
	void *owner;
	uint64_t ticket;
	char *result;
};

static void say(void *data)
{
	struct said *said = data;

	said->done(said->owner, said->ticket, said->result, false);
	free(said->result);
	free(said);
}

static void call(void *box, const struct tool_caller *caller, const char *arguments, const char *key,
		 tool_done_fn *done, void *owner, uint64_t ticket)
{
	struct said said = { .done = done, .owner = owner, .ticket = ticket };

	(void)box;
	snprintf(seen.key, sizeof(seen.key), "%s", key ? key : "(none)");
	said.result = mem_format("{\"profile\":\"%s\",\"role\":\"%s\",\"given\":%s}", caller->profile_id,
				 caller->role, arguments);
	loop_post(harness_loop(), say, mem_copy(&said, sizeof(said)));
}

static const struct tool who = { .name = "who",
				 .description = "Says who calls.",
				 .parameters = "{\"type\":\"object\",\"properties\":{}}",
				 .call = call };
static const struct tool *const list[] = { &who };

static void release(const struct toolset *set)
{
	(void)set;
	seen.open--;
}

static const struct toolset *open_set(void *box, const struct tool_caller *caller)
{
	static const struct toolset set = { .tools = list, .count = 1, .release = release };

	(void)box;
	(void)caller;
	seen.open++;
	return &set;
}

static int setup(void **state)
{
	int failed = harness_setup(state);

	memset(&seen, 0, sizeof(seen));
	harness_tools((struct toolbox){ .open = open_set });
	return failed;
}

static int teardown(void **state)
{
	int failed = harness_teardown(state);

	assert_int_equal(seen.open, 0); /* each set was given back */
	return failed;
}

static void expect(struct reply reply, int status, const char *words)
{
	if (reply.status != status || (words && strstr(reply.body, words) == NULL))
		fail_msg("not %d, %s:\n%s\n%s", status, words ? words : "", reply.head, reply.body);
	if (words == NULL)
		assert_string_equal(reply.body, "");
	reply_free(&reply);
}

#define CALL(NAME)                                                                                           \
	"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"" NAME               \
	"\",\"arguments\":{\"a\":1}}}"

static void expect_row(const char *tool, const char *class, const char *rest)
{
	char *row = mem_format("called(%s,%s,%s,%s,%s)", users[ANN].profile, users[ANN].key_id, tool, class,
			       rest);

	assert_string_equal(store_last(), row);
	free(row);
}

/* Whoever looks at the record later finds what a program did with whose key, and what it was refused. */
static void calls_are_on_record(void **state)
{
	char *given =
		mem_format("{\"a\":1},{\"profile\":\"%s\",\"role\":\"member\",\"given\":{\"a\":1}},NULL",
			   users[ANN].profile);

	(void)state;
	expect(http_as(ANN, "POST", "/mcp", "", CALL("who")), 200, "\"isError\":false");
	expect_row("who", "read", given);
	free(given);
	expect(http_as(ANN, "POST", "/mcp", "", CALL("nobody")), 200, "no tool of that name");
	expect_row("nobody", "NULL", "NULL,NULL,there is no such tool for this key");
}

/* A call that can't be proved is not told as a success. */
static void a_call_without_its_row_is_no_success(void **state)
{
	(void)state;
	store_unrecorded();
	expect(http_as(ANN, "POST", "/mcp", "", CALL("who")), 200, "could not be put on record");
	expect(http_as(ANN, "POST", "/mcp", "", CALL("nobody")), 200, "no tool of that name");
}

/* A tool runs for the owner of the key, whatever its arguments claim. */
static void tools_run_for_the_owner_of_the_key(void **state)
{
	static const char text[] =
		"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"who\","
		"\"arguments\":{\"user_id\":\"43\"}}}";
	struct reply reply = http_as(ANN, "POST", "/mcp", "", text);
	json_t *answer = json_read(reply.body, strlen(reply.body), NULL);
	const json_t *result = json_object_get(json_object_get(answer, "result"), "structuredContent");

	(void)state;
	assert_int_equal(reply.status, 200);
	assert_int_equal(json_int(answer, "id", 0), 7);
	assert_string_equal(json_text(result, "profile"), users[ANN].profile);
	assert_string_equal(json_text(result, "role"), "member");
	assert_string_equal(seen.key, "(none)");
	json_decref(answer);
	reply_free(&reply);
	expect(http_control("POST", "/mcp", text), 200, users[ANN].profile);
	expect(http_control("POST", "/mcp?user=nobody", text), 404, "no user");
}

/* One key of two people, or of two tools, must not be taken for the same call. */
static void keys_belong_to_a_person(void **state)
{
	static const char text[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"who\","
		"\"_meta\":{\"idempotencyKey\":\"k\"}}}";
	char of_ann[sizeof(seen.key)];

	(void)state;
	expect(http_as(ANN, "POST", "/mcp", "", text), 200, "result");
	strcpy(of_ann, seen.key);
	expect(http_as(ANN_SECOND, "POST", "/mcp", "", text), 200, "result");
	assert_string_equal(seen.key, of_ann);
	expect(http_as(BOB, "POST", "/mcp", "", text), 200, "result");
	assert_string_not_equal(seen.key, of_ann);
}

#define STATELESS                                                                                            \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/"   \
	"clientCapabilities\":{}}"

/* Without a handshake the status is part of the answer: clients tell by it what kind of server they have found. */
static void without_a_handshake_headers_count(void **state)
{
	static const char call_text[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
		"\"who\"," STATELESS "}}";
	static const char unknown[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{" STATELESS "}}";
	static const char version[] = "MCP-Protocol-Version: 2026-07-28\r\n";
	static const struct {
		const char *more, *text;
		int status;
		const char *words;
	} cases[] = {
		{ "Mcp-Method: tools/call\r\nMcp-Name: who\r\n", call_text, 200,
		  "\"resultType\":\"complete\"" },
		{ "Mcp-Method: tools/call\r\nMcp-Name: =?base64?d2hv?=\r\n", call_text, 200,
		  "structuredContent" },
		{ "Mcp-Method: tools/call\r\n", call_text, 400, "-32020" },
		{ "Mcp-Method: tools/call\r\nMcp-Name: who\r\nMcp-Name: who\r\n", call_text, 400, "-32020" },
		{ "Mcp-Method: ping\r\n", unknown, 404, "-32601" },
		{ "Mcp-Method: ping\r\n", PING, 400, "-32602" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *headers = mem_format("%s%s", version, cases[i].more);

		expect(http_as(ANN, "POST", "/mcp", headers, cases[i].text), cases[i].status, cases[i].words);
		free(headers);
	}
	expect(http_as(ANN, "POST", "/mcp", "", call_text), 400, "-32020");
	expect(http_as(ANN, "POST", "/mcp", "MCP-Protocol-Version: 2030-01-01\r\n", PING), 400, "-32602");
	expect(http_control("POST", "/mcp", call_text), 200, "resultType"); /* `usher mcp` has no headers */
	expect(http_control("POST", "/mcp", unknown), 404, "-32601");
}

static void wrong_keys_stay_outside(void **state)
{
	(void)state;
	expect(http("POST", "/mcp", JSON, PING), 401, "AUTH_FAILED");
	expect(http("POST", "/mcp", JSON "Authorization: Bearer ush_nonsense\r\n", PING), 401, "AUTH_FAILED");
	expect(http_as(CAY, "POST", "/mcp", "", PING), 401, "AUTH_FAILED");
	expect(http_as(DAN, "POST", "/mcp", "", PING), 403, "error");
}

/* A page of somebody else in the browser of somebody with a key must not get through. */
static void foreign_pages_stay_outside(void **state)
{
	static const char *const fine[] = { "http://localhost:6274", "http://127.0.0.1", "http://[::1]:3000",
					    "https://usher.example.org", "https://usher.example.org:443" };
	static const char *const foreign[] = { "https://evil.example.org",
					       "null",
					       "http://usher.example.org",
					       "https://usher.example.org:8443",
					       "https://usher.example.org.evil.org",
					       "https://localhost.evil.org",
					       "nonsense",
					       "" };

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		char *header = mem_format("Origin: %s\r\n", fine[i]);

		expect(http_as(ANN, "POST", "/mcp", header, PING), 200, "result");
		free(header);
	}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		char *header = mem_format("Origin: %s\r\n", foreign[i]);

		expect(http_as(ANN, "POST", "/mcp", header, PING), 403, "-32600");
		free(header);
	}
}

static void what_http_makes_of_messages(void **state)
{
	char *headers =
		mem_format("Content-Type: text/plain\r\nAuthorization: Bearer %s\r\n", users[ANN].key);

	(void)state;
	expect(http_as(ANN, "POST", "/mcp", "",
		       "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"),
	       202, NULL);
	expect(http_as(ANN, "POST", "/mcp", "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nothing\"}"), 200,
	       "-32601");
	expect(http_as(ANN, "POST", "/mcp", "", "{\"id\":1}"), 400, "-32600");
	expect(http_as(ANN, "POST", "/mcp", "", "{"), 400, "-32700");
	expect(http_as(ANN, "POST", "/mcp", "", ""), 400, "-32700");
	expect(http("POST", "/mcp", headers, PING), 415, "error");
	expect(http_as(ANN, "POST", "/mcp", "MCP-Protocol-Version: 2025-06-18\r\n", PING), 200, "result");
	expect(http_as(ANN, "POST", "/mcp", "MCP-Protocol-Version: 2025-11-25\r\n", PING), 200, "result");
	expect(http_as(ANN, "GET", "/mcp", "", NULL), 405, "METHOD_NOT_ALLOWED");
	expect(http_as(ANN, "DELETE", "/mcp", "", NULL), 405, "METHOD_NOT_ALLOWED");
	free(headers);
}

/* Clients of 2025-03-26 may send several at once: each request has its answer, in one array. */
static void arrays_of_old_clients(void **state)
{
	static const char text[] =
		"[" PING ",{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"},{\"jsonrpc\":\"2.0\","
		"\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"who\"}},7]";
	char *many = mem_zero(1, 60 * sizeof(PING) + 3);
	struct reply reply;
	json_t *answer;

	(void)state;
	reply = http_as(ANN, "POST", "/mcp", "", text);
	answer = json_read(reply.body, strlen(reply.body), NULL);
	assert_int_equal(reply.status, 200);
	assert_int_equal(json_array_size(answer), 3);
	assert_int_equal(json_int(json_array_get(answer, 0), "id", 0), 1);
	assert_int_equal(json_int(json_array_get(answer, 1), "id", 0), 2);
	assert_non_null(json_object_get(json_array_get(answer, 1), "result"));
	assert_int_equal(json_int(json_object_get(json_array_get(answer, 2), "error"), "code", 0), -32600);
	json_decref(answer);
	reply_free(&reply);
	expect(http_as(ANN, "POST", "/mcp", "MCP-Protocol-Version: 2025-11-25\r\n", text), 400, "-32600");
	expect(http_as(ANN, "POST", "/mcp", "", "[]"), 400, "-32600");
	expect(http_as(ANN, "POST", "/mcp", "", "[{\"jsonrpc\":\"2.0\",\"method\":\"a\"}]"), 202, NULL);
	strcpy(many, "[" PING);
	for (int i = 0; i < 50; i++)
		strcat(many, "," PING);
	strcat(many, "]");
	expect(http_as(ANN, "POST", "/mcp", "", many), 400, "1 to 50");
	free(many);
}

/* A client that leaves while its tool runs leaves nothing behind. */
static void the_client_leaves(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		close(http_open(ANN, "POST", "/mcp", "",
				"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
				"call\",\"params\":{\"name\":\"who\"}}"));
	expect(http_as(ANN, "POST", "/mcp", "", PING), 200, "result");
	core_calls(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_are_on_record, setup, teardown),
		cmocka_unit_test_setup_teardown(a_call_without_its_row_is_no_success, setup, teardown),
		cmocka_unit_test_setup_teardown(tools_run_for_the_owner_of_the_key, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_belong_to_a_person, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_handshake_headers_count, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_keys_stay_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_pages_stay_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(what_http_makes_of_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(arrays_of_old_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(the_client_leaves, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
