/* POST /api/{user_id}/chat in one piece: the answers of seed 004, every refusal, idempotency, holding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "json.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHAT "/api/42/chat"

static void expect(struct reply reply, int status, const char *code)
{
	json_t *body = json_read(reply.body, strlen(reply.body), NULL);
	const json_t *error = json_object_get(body, "error");

	if (reply.status != status ||
	    (code && strcmp(json_text(error, "code") ? json_text(error, "code") : "", code)))
		print_message("%s\n%s\n", reply.head, reply.body);
	assert_int_equal(reply.status, status);
	assert_non_null(strstr(reply.head, "application/json"));
	if (code) {
		assert_string_equal(json_text(error, "code"), code);
		assert_true(strlen(json_text(error, "message")) > 0);
		assert_int_equal(json_object_size(body), 1);
		assert_int_equal(json_object_size(error), 2);
	}
	json_decref(body);
	reply_free(&reply);
}

static char *uuid_of(const struct reply *reply)
{
	json_t *body = json_read(reply->body, strlen(reply->body), NULL);
	char *uuid = mem_text(json_text(body, "message_id"));

	json_decref(body);
	assert_non_null(uuid);
	return uuid;
}

/* Seed 004: "Chat Response" and "Tool Execution Error", word for word around our ids. */
static void test_answers(void **state)
{
	static const char *const tools[] = {
		"[{\"name\":\"add_task\",\"arguments\":{\"user_id\":\"123\",\"title\":\"buy "
		"groceries\"},\"result\":"
		"{\"task_id\":456,\"status\":\"created\",\"title\":\"buy groceries\"}}]",
		"[{\"name\":\"add_task\",\"arguments\":{\"user_id\":\"123\",\"title\":\"buy groceries\"},"
		"\"result\":{\"error\":\"Task creation failed\"}}]",
	};
	static const char *const texts[] = { "I've added the task 'buy groceries' to your list.",
					     "I encountered an issue adding your task. Please try again." };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct reply reply;
		char *uuid, *expected;

		core_answer_with(texts[i], tools[i]);
		reply = http_as(ANN, "POST", CHAT, "", "{\"message\":\"Add a task to buy groceries\"}");
		assert_int_equal(reply.status, 200);
		uuid = uuid_of(&reply);
		expected = mem_format("{\"conversation_id\":789,\"conversation_uuid\":\"" UUID_789
				      "\",\"message_id\":\"%s\",\"response\":\"%s\",\"tool_calls\":%s}",
				      uuid, texts[i], tools[i]);
		assert_string_equal(reply.body, expected);
		free(expected);
		free(uuid);
		reply_free(&reply);
	}
}

/* What the core is handed: one message that wants an answer of its own, from the key's profile. */
static void test_incoming(void **state)
{
	struct seen seen;
	char expected[300];

	(void)state;
	expect(http_as(ANN, "POST", "/api/me/chat", "", "{\"message\":\"caf\\u00e9\"}"), 200, NULL);
	seen = core_seen();
	assert_string_equal(seen.text, "caf\xc3\xa9");
	assert_string_equal(seen.profile, users[ANN].profile);
	assert_string_equal(seen.sender, users[ANN].profile);
	assert_string_equal(seen.sender_name, "Ann");
	assert_int_equal(seen.flags, INCOMING_ALONE | INCOMING_NEW);
	assert_int_equal(seen.conversation_id, 0);
	snprintf(expected, sizeof(expected), "%s:%s:", users[ANN].profile, users[ANN].key_id);
	assert_memory_equal(seen.delivery_key, expected, strlen(expected));

	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"again\",\"conversation_id\":789}"), 200, NULL);
	seen = core_seen();
	assert_int_equal(seen.conversation_id, 789);
	assert_int_equal(seen.flags, INCOMING_ALONE);
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"again\",\"conversation_id\":\"" UUID_789 "\"}"),
	       200, NULL);
	seen = core_seen();
	assert_int_equal(seen.conversation_id, 789);
	assert_int_equal(seen.incoming, 3);
}

static void test_refusals(void **state)
{
	char *long_text = mem_zero(MESSAGE_TEXT_MAX + 40, 1), *huge = mem_zero(1 << 20, 1);

	(void)state;
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":"), 400, "VALIDATION_FAILED");
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"\xff\"}"), 400, "VALIDATION_FAILED");
	expect(http_as(ANN, "POST", CHAT, "", NULL), 400, "VALIDATION_FAILED");
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"  \"}"), 422, "CONTENT_EMPTY");
	memcpy(long_text, "{\"message\":\"", 12);
	memset(long_text + 12, 'x', MESSAGE_TEXT_MAX + 1);
	memcpy(long_text + 12 + MESSAGE_TEXT_MAX + 1, "\"}", 3);
	expect(http_as(ANN, "POST", CHAT, "", long_text), 413, "MESSAGE_TOO_LONG");
	memcpy(long_text + 12 + MESSAGE_TEXT_MAX, "\"}", 3);
	expect(http_as(ANN, "POST", CHAT, "", long_text), 200, NULL);
	memset(huge, ' ', (1 << 20) - 1);
	expect(http_as(ANN, "POST", CHAT, "", huge), 413, "PAYLOAD_TOO_LARGE");
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"a\",\"conversation_id\":12345}"), 404,
	       "CONVERSATION_NOT_FOUND");
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"a\",\"conversation_id\":790}"), 409,
	       "CONVERSATION_ARCHIVED");
	expect(http_as(ANN, "POST", CHAT, "Idempotency-Key: \"\"\r\n", "{\"message\":\"a\"}"), 400,
	       "VALIDATION_FAILED");
	expect(http_as(ANN, "POST", CHAT, "Idempotency-Key: a\r\nIdempotency-Key: b\r\n",
		       "{\"message\":\"a\"}"),
	       400, "VALIDATION_FAILED");
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"invalid\"}"), 400, "VALIDATION_FAILED");
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"disabled\"}"), 403, "PROFILE_DISABLED");
	expect(http_as(ANN, "DELETE", CHAT, "", NULL), 405, "METHOD_NOT_ALLOWED");
	free(long_text);
	free(huge);
}

static void test_media_type(void **state)
{
	char *headers =
		mem_format("Authorization: bearer  %s\r\nContent-Type: text/plain\r\n", users[ANN].key);

	(void)state;
	expect(http("POST", CHAT, headers, "{\"message\":\"a\"}"), 415, "UNSUPPORTED_MEDIA_TYPE");
	free(headers);
	headers = mem_format("Authorization: Bearer %s\r\n", users[ANN].key);
	expect(http("POST", CHAT, headers, "{\"message\":\"a\"}"), 415, "UNSUPPORTED_MEDIA_TYPE");
	free(headers);
}

static void test_back_pressure(void **state)
{
	static const char *const texts[] = { "busy", "failed" }, *const codes[] = { "OVERLOADED",
										    "STORE_UNAVAILABLE" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *body = mem_format("{\"message\":\"%s\"}", texts[i]);
		struct reply reply = http_as(ANN, "POST", CHAT, "", body);

		assert_non_null(strcasestr(reply.head, "Retry-After: 7\r\n"));
		expect(reply, 503, codes[i]);
		free(body);
	}
	store_fails(ERR_AGAIN);
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"a\"}"), 503, "STORE_UNAVAILABLE");
	store_fails(ERR_BUG);
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"a\"}"), 500, "INTERNAL");
	store_fails(ERR_NONE);
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"a\"}"), 200, NULL);
}

/* A turn that fails: the notice for people, a code for programs, and where the message can be looked at. */
static void test_failed_turns(void **state)
{
	static const struct {
		const char *reason, *code;
		int status;
	} ends[] = {
		{ "model_unavailable", "MODEL_UNAVAILABLE", 503 },
		{ "timeout", "MODEL_TIMEOUT", 504 },
		{ "model_refused", "MODEL_REFUSED", 502 },
		{ "context_overflow", "CONTEXT_OVERFLOW", 422 },
		{ "too_many_rounds", "TOO_MANY_ROUNDS", 502 },
		{ "something_new", "ANSWER_FAILED", 500 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char *body = mem_format("{\"message\":\"fail %s\"}", ends[i].reason);
		struct reply reply = http_as(ANN, "POST", CHAT, "", body);

		assert_non_null(strcasestr(reply.head, "Location: /api/42/messages/"));
		assert_non_null(strstr(reply.body, "\"message\":\"The notice\""));
		expect(reply, ends[i].status, ends[i].code);
		free(body);
	}
}

static void test_idempotency(void **state)
{
	static const char key[] = "Idempotency-Key: \"k-1\"\r\n", bare[] = "Idempotency-Key: k-1\r\n";
	struct reply first, second, third;
	char *long_key = mem_zero(300, 1);

	(void)state;
	first = http_as(ANN, "POST", CHAT, key, "{\"message\":\"once\"}");
	second = http_as(ANN, "POST", CHAT, bare, "{\"message\":\"once\"}");
	assert_int_equal(first.status, 200);
	assert_int_equal(second.status, 200);
	assert_string_equal(first.body, second.body);
	expect(http_as(ANN, "POST", CHAT, key, "{\"message\":\"twice\"}"), 422, "IDEMPOTENCY_CONFLICT");
	/* Another client's key of the same name is another key: of another user, and of the same user. */
	third = http_as(BOB, "POST", "/api/me/chat", key, "{\"message\":\"once\"}");
	assert_string_not_equal(first.body, third.body);
	reply_free(&third);
	third = http_as(ANN_SECOND, "POST", CHAT, key, "{\"message\":\"once\"}");
	assert_string_not_equal(first.body, third.body);
	reply_free(&first);
	reply_free(&second);
	reply_free(&third);

	memcpy(long_key, "Idempotency-Key: ", 17);
	memset(long_key + 17, 'k', 255);
	memcpy(long_key + 17 + 255, "\r\n", 3);
	first = http_as(ANN, "POST", CHAT, long_key, "{\"message\":\"long\"}");
	second = http_as(ANN, "POST", CHAT, long_key, "{\"message\":\"long\"}");
	assert_int_equal(first.status, 200);
	assert_string_equal(first.body, second.body);
	assert_true(strlen(core_seen().delivery_key) <= MESSAGE_KEY_MAX);
	long_key[17] = 'j'; /* differs only where a cut key would still differ ... */
	third = http_as(ANN, "POST", CHAT, long_key, "{\"message\":\"long\"}");
	assert_string_not_equal(first.body, third.body);
	reply_free(&third);
	long_key[17] = 'k';
	long_key[17 + 254] = 'j'; /* ... and where it would not */
	third = http_as(ANN, "POST", CHAT, long_key, "{\"message\":\"long\"}");
	assert_string_not_equal(first.body, third.body);
	reply_free(&third);
	long_key[17 + 255] = 'k';
	memcpy(long_key + 17 + 256, "\r\n", 3);
	expect(http_as(ANN, "POST", CHAT, long_key, "{\"message\":\"long\"}"), 400, "VALIDATION_FAILED");
	reply_free(&first);
	reply_free(&second);
	free(long_key);
}

/* The second of two equal requests waits for the first one's answer. */
static void test_idempotency_while_running(void **state)
{
	static const char key[] = "Idempotency-Key: k-2\r\n";
	int one, two, reader;
	struct reply first, second, third;
	char *uuid;

	(void)state;
	one = http_open(ANN, "POST", CHAT, key, "{\"message\":\"hold\"}");
	core_wait_incoming(1);
	reader = http_open(ANN, "POST", CHAT, "Idempotency-Key: k-2\r\nAccept: text/event-stream\r\n",
			   "{\"message\":\"hold\"}");
	free(http_until(reader, "event: accepted"));
	two = http_open(ANN, "POST", CHAT, key, "{\"message\":\"hold\"}");
	core_wait_incoming(3);
	core_calls(3);
	third = http_as(ANN, "POST", CHAT, key, "{\"message\":\"other\"}");
	assert_int_equal(third.status, 422);
	reply_free(&third);
	uuid = mem_text(core_seen().delivery_key); /* the core finds its message by key */
	core_end(uuid, MESSAGE_ANSWERED, NULL, "both", NULL);
	free(uuid);
	first = http_finish(one, NULL);
	second = http_finish(two, NULL);
	third = http_finish(reader, NULL);
	assert_int_equal(first.status, 200);
	assert_string_equal(first.body, second.body);
	reply_free(&first);
	reply_free(&second);
	reply_free(&third);
	core_calls(0);
}

static int setup_short_hold(void **state)
{
	(void)state;
	return harness_setup_with("hold_seconds", "1");
}

/* Longer than the hold time: 202 says where, and there the answer is found later. */
static void test_hold_ends(void **state)
{
	struct reply reply = http_as(ANN, "POST", CHAT, "", "{\"message\":\"hold\"}");
	char *uuid, *path, *location;

	(void)state;
	assert_int_equal(reply.status, 202);
	assert_non_null(strstr(reply.body, "\"status\":\"accepted\""));
	uuid = uuid_of(&reply);
	path = mem_format("/api/42/messages/%s", uuid);
	location = mem_format("Location: %s\r\n", path);
	assert_non_null(strcasestr(reply.head, location));
	reply_free(&reply);
	reply = http_as(ANN, "GET", path, "", NULL);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.body, "\"status\":\"accepted\"}"));
	reply_free(&reply);
	core_end(uuid, MESSAGE_ANSWERED, NULL, "late", NULL);
	reply = http_as(ANN_SECOND, "GET", path, "", NULL);
	assert_int_equal(reply.status, 200);
	assert_non_null(
		strstr(reply.body, "\"status\":\"answered\",\"response\":\"late\",\"tool_calls\":[]}"));
	reply_free(&reply);
	expect(http_as(BOB, "GET", path, "", NULL), 404, "NOT_FOUND");
	free(path);
	path = mem_format("/api/me/messages/%s", uuid);
	expect(http_as(BOB, "GET", path, "", NULL), 404, "MESSAGE_NOT_FOUND");
	core_end(uuid, MESSAGE_FAILED, "timeout", "Sorry", NULL);
	reply = http_as(ANN, "GET", path, "", NULL);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(
		reply.body,
		"\"status\":\"failed\",\"error\":{\"code\":\"MODEL_TIMEOUT\",\"message\":\"Sorry\"}}"));
	reply_free(&reply);
	free(path);
	free(uuid);
	free(location);
}

/* A client that hangs up is forgotten; its message is answered all the same. */
static void test_client_gone(void **state)
{
	int fd = http_open(ANN, "POST", CHAT, "Idempotency-Key: gone\r\n", "{\"message\":\"hold\"}");
	struct reply reply;
	char *key;

	(void)state;
	core_wait_incoming(1);
	core_calls(1);
	close(fd);
	core_calls(0);
	key = mem_text(core_seen().delivery_key);
	core_end(key, MESSAGE_ANSWERED, NULL, "unheard", NULL);
	free(key);
	reply = http_as(ANN, "POST", CHAT, "Idempotency-Key: gone\r\n", "{\"message\":\"hold\"}");
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.body, "unheard"));
	reply_free(&reply);
	fd = http_open(ANN, "POST", CHAT, "", "{\"message\":\"silent\"}"); /* and before the commit */
	core_wait_incoming(3);
	close(fd);
	core_calls(0);
}

static int setup_two_held(void **state)
{
	(void)state;
	return harness_setup_with("held_per_user", "2");
}

static void test_cap_per_user(void **state)
{
	int held[2];
	struct reply reply;

	(void)state;
	for (int i = 0; i < 2; i++)
		held[i] = http_open(ANN, "POST", CHAT, "", "{\"message\":\"hold\"}");
	core_wait_incoming(2);
	reply = http_as(ANN, "POST", CHAT, "", "{\"message\":\"one more\"}");
	assert_non_null(strcasestr(reply.head, "Retry-After: "));
	expect(reply, 429, "RATE_LIMITED");
	expect(http_as(BOB, "POST", "/api/43/chat", "", "{\"message\":\"mine\"}"), 200, NULL);
	close(held[0]);
	core_calls(1);
	expect(http_as(ANN, "POST", CHAT, "", "{\"message\":\"now\"}"), 200, NULL);
	close(held[1]);
	core_calls(0);
}

static void test_stop(void **state)
{
	int held = http_open(ANN, "POST", CHAT, "", "{\"message\":\"hold\"}");
	struct reply reply;

	(void)state;
	core_wait_incoming(1);
	core_stop_platform();
	reply = http_finish(held, NULL);
	assert_int_equal(reply.status, 202);
	assert_non_null(strcasestr(reply.head, "Location: "));
	reply_free(&reply);
	reply = http_as(ANN, "POST", CHAT, "", "{\"message\":\"a\"}");
	assert_non_null(strcasestr(reply.head, "Retry-After: "));
	expect(reply, 503, "SHUTTING_DOWN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_incoming, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_refusals, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_media_type, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_back_pressure, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_failed_turns, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_idempotency, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_idempotency_while_running, harness_setup,
						harness_teardown),
		cmocka_unit_test_setup_teardown(test_hold_ends, setup_short_hold, harness_teardown),
		cmocka_unit_test_setup_teardown(test_client_gone, harness_setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_cap_per_user, setup_two_held, harness_teardown),
		cmocka_unit_test_setup_teardown(test_stop, harness_setup, harness_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
