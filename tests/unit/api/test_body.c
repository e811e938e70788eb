/* Bodies, media types, idempotency keys and event ids: what is taken and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "chat_body.h"
#include "event_id.h"
#include "mem.h"
#include "throttle.h"
#include <stdio.h>
#include <stdlib.h>

#define UUID "01900000-0000-7000-8000-000000000001"

/* Returns API_ERRORS when the body is fine. */
static enum api_error read_body(const char *text, size_t len, struct chat_body *body)
{
	enum api_error error = API_ERRORS;
	struct err err;

	if (chat_body_read(text, len, body, &error, &err))
		return API_ERRORS;
	assert_true(err.text[0] != '\0');
	return error;
}

static void assert_body(const char *text, enum api_error expected)
{
	struct chat_body body;
	enum api_error got = read_body(text, strlen(text), &body);

	if (got != expected)
		print_message("%s\n", text);
	assert_int_equal(got, expected);
	chat_body_finish(&body);
}

static void test_bodies_that_are_refused(void **state)
{
	(void)state;
	assert_body("", API_VALIDATION_FAILED);
	assert_body("hello", API_VALIDATION_FAILED);
	assert_body("[]", API_VALIDATION_FAILED);
	assert_body("\"message\"", API_VALIDATION_FAILED);
	assert_body("{}", API_VALIDATION_FAILED);
	assert_body("{\"message\":1}", API_VALIDATION_FAILED);
	assert_body("{\"message\":null}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"message\":\"b\"}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\\u0000b\"}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"\\ud800\"}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"\xff\"}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\"} x", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"\"}", API_CONTENT_EMPTY);
	assert_body("{\"message\":\" \\n\\t\xc2\xa0\xe3\x80\x80\"}", API_CONTENT_EMPTY);
}

static void test_conversation_ids(void **state)
{
	struct chat_body body;

	(void)state;
	assert_body("{\"message\":\"a\",\"conversation_id\":0}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"conversation_id\":-1}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"conversation_id\":1.5}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"conversation_id\":9223372036854775808}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"conversation_id\":\"9223372036854775808\"}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"conversation_id\":\"\"}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"conversation_id\":\"7x\"}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"conversation_id\":[7]}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"conversation_id\":true}", API_VALIDATION_FAILED);
	assert_body("{\"message\":\"a\",\"conversation_id\":null,\"more\":{}}", API_ERRORS);

	assert_int_equal(read_body("{\"message\":\"a\",\"conversation_id\":\"789\"}", 39, &body), API_ERRORS);
	assert_int_equal(body.conversation_id, 789);
	chat_body_finish(&body);
	assert_int_equal(read_body("{\"message\":\"a\",\"conversation_id\":9223372036854775807}", 53, &body),
			 API_ERRORS);
	assert_true(body.conversation_id == INT64_MAX);
	chat_body_finish(&body);
	assert_int_equal(read_body("{\"message\":\"a\",\"conversation_id\":\"" UUID "\"}", 72, &body),
			 API_ERRORS);
	assert_int_equal(body.conversation_id, 0);
	assert_string_equal(body.conversation_uuid, UUID);
	chat_body_finish(&body);
}

/* The limit is one of bytes after unescaping: escaping costs the client nothing. */
static void test_length(void **state)
{
	struct buf text = { 0 };
	struct chat_body body;

	(void)state;
	for (int more = 0; more < 2; more++) {
		buf_clear(&text);
		buf_text(&text, "{\"message\":\"");
		for (int i = 0; i < MESSAGE_TEXT_MAX + more; i++)
			buf_text(&text, "\\u0061");
		buf_text(&text, "\"}");
		assert_int_equal(read_body(text.data, text.len, &body),
				 more ? API_MESSAGE_TOO_LONG : API_ERRORS);
		chat_body_finish(&body);
	}
	buf_free(&text);
}

static void test_depth(void **state)
{
	struct buf text = { 0 };
	struct chat_body body;

	(void)state;
	for (int depth = 63; depth <= 64; depth++) {
		buf_clear(&text);
		buf_text(&text, "{\"message\":\"a\",\"more\":");
		for (int i = 0; i < depth; i++)
			buf_text(&text, "[");
		for (int i = 0; i < depth; i++)
			buf_text(&text, "]");
		buf_text(&text, "}");
		assert_int_equal(read_body(text.data, text.len, &body),
				 depth == 63 ? API_ERRORS : API_VALIDATION_FAILED);
		chat_body_finish(&body);
	}
	buf_free(&text);
}

static void test_media_types(void **state)
{
	(void)state;
	assert_true(chat_body_type("application/json"));
	assert_true(chat_body_type("Application/JSON; charset=utf-8"));
	assert_true(chat_body_type("application/vnd.chat+json"));
	assert_false(chat_body_type(NULL));
	assert_false(chat_body_type(""));
	assert_false(chat_body_type("text/plain"));
	assert_false(chat_body_type("text/json+json"));
	assert_false(chat_body_type("application/jsonx"));
	assert_false(chat_body_type("application/x-www-form-urlencoded"));
}

static void test_idempotency_keys(void **state)
{
	char out[CHAT_KEY_MAX + 1], long_key[CHAT_KEY_MAX + 4];

	(void)state;
	assert_true(chat_body_key("\"8e03978e-40d5\"", out));
	assert_string_equal(out, "8e03978e-40d5");
	assert_true(chat_body_key("8e03978e-40d5", out));
	assert_string_equal(out, "8e03978e-40d5");
	assert_true(chat_body_key("\"", out)); /* bare */
	assert_false(chat_body_key("", out));
	assert_false(chat_body_key("\"\"", out));
	assert_false(chat_body_key("a\tb", out));
	assert_false(chat_body_key("caf\xc3\xa9", out));
	assert_false(chat_body_key("\"a\\\"b\"", out));
	memset(long_key, 'k', sizeof(long_key));
	long_key[CHAT_KEY_MAX] = '\0';
	assert_true(chat_body_key(long_key, out));
	assert_int_equal(strlen(out), CHAT_KEY_MAX);
	long_key[CHAT_KEY_MAX] = 'k';
	long_key[CHAT_KEY_MAX + 1] = '\0';
	assert_false(chat_body_key(long_key, out));
}

static void test_event_ids(void **state)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t whole[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };
	char printed[EVENT_ID_SIZE], bad[EVENT_ID_SIZE + 2];
	struct event_id id, back;

	(void)state;
	for (size_t at = 0; at <= strlen(text); at++) {
		assert_int_equal(event_id_whole(text, at), whole[at]);
		id = event_id_start();
		id.attempt = 3;
		event_id_pass(&id, text, at);
		assert_int_equal(event_id_fits(&id, text, strlen(text), 4), whole[at] == at);
		event_id_print(&id, UUID, printed);
		assert_true(event_id_parse(printed, UUID, &back));
		assert_true(back.given && back.checked);
		assert_int_equal(back.attempt, 3);
		assert_int_equal(back.offset, at);
		assert_int_equal(back.check, id.check);
		/* Another answer is not continued. */
		assert_int_equal(event_id_fits(&back, "b\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 11, 3),
				 at == 0);
		assert_int_equal(event_id_fits(&back, "", 0, 3), at == 0);
		for (size_t cut = 0; cut + 9 < strlen(printed); cut++) {
			memcpy(bad, printed, cut);
			bad[cut] = '\0';
			event_id_parse(bad, UUID, &back);
		}
		snprintf(bad, sizeof(bad), "%s.", printed);
		assert_false(event_id_parse(bad, UUID, &back));
		assert_true(back.given);
	}
	assert_false(event_id_parse(NULL, UUID, &back));
	assert_false(back.given);
	assert_true(event_id_parse(UUID ".2.6", UUID, &back));
	assert_true(event_id_fits(&back, text, strlen(text), 2));
	assert_false(event_id_fits(&back, text, strlen(text), 3));
	assert_false(event_id_parse(UUID ".2", UUID, &back));
	assert_false(event_id_parse(UUID ".2.", UUID, &back));
	assert_false(event_id_parse(UUID ".-2.1", UUID, &back));
	assert_false(event_id_parse(UUID ".99999999999.1", UUID, &back));
	assert_false(event_id_parse(UUID ".1.1.zz", UUID, &back));
	assert_false(event_id_parse("01900000-0000-7000-8000-000000000002.1.1", UUID, &back));
}

static void test_broken_text_is_let_through(void **state)
{
	(void)state;
	assert_int_equal(event_id_whole("\x80\x80\x80\x80\x80", 5), 5);
	assert_int_equal(event_id_whole("\x80", 1), 1);
}

static void test_throttle(void **state)
{
	struct throttle throttle = { .limit = 3 };
	char peer[48];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(throttle_fail(&throttle, "192.0.2.1", 1000), 0);
	assert_int_equal(throttle_fail(&throttle, "192.0.2.1", 1000), 61);
	assert_int_equal(throttle_fail(&throttle, "192.0.2.1", 60999), 1);
	assert_int_equal(throttle_fail(&throttle, "192.0.2.2", 60999), 0);
	assert_int_equal(throttle_fail(&throttle, "192.0.2.1", 61000), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(throttle_fail(&throttle, i ? "2001:db8::1" : "2001:db8:0:0:ff::2", 5), 0);
	assert_int_not_equal(throttle_fail(&throttle, "2001:db8::3", 5), 0); /* one /64 is one peer */
	assert_int_equal(throttle_fail(&throttle, "2001:db8:0:1::3", 5), 0);
	for (int i = 0; i < 2 * THROTTLE_PEERS_MAX; i++) {
		snprintf(peer, sizeof(peer), "10.0.%d.%d", i / 256, i % 256);
		throttle_fail(&throttle, peer, 6);
	}
	throttle_finish(&throttle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies_that_are_refused),
		cmocka_unit_test(test_conversation_ids),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_media_types),
		cmocka_unit_test(test_idempotency_keys),
		cmocka_unit_test(test_event_ids),
		cmocka_unit_test(test_broken_text_is_let_through),
		cmocka_unit_test(test_throttle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
