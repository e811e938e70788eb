/* Who may post to a hook: published and independently computed vectors of every scheme, and what must not
 * pass. */
#include "verify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct vector {
	const char *secret, *id, *timestamp, *body, *signature;
};

#define HELLO_BODY                                                                                           \
	"{\"type\":\"message.created\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"data\":{\"text\":"           \
	"\"h\xc3\xa9llo "                                                                                    \
	"\xe2\x9c\x93\"}}"
#define KEY_UP	 "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_DOWN "whsec_Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="
#define SIG_UP	 "v1,uLn9hjSqySVnVcrpVHU+Ll7Fz9fnZ8gkG7bXAYGpPCU="
#define SIG_DOWN "v1,sFCYzaOPZRFHQqnTa7TCKJbBo2w3B5qVzvTk3Dh5lag="
#define SIG_ED	 "v1a,FTr6HTlxvc97QunNVowCiJZMsYSl6ZdVg2fme5ddIqkVnsmFMBf3IvMZeol6k6wfNs00VO27SNvy0Tm7Ya8BCQ=="

static const struct vector a = { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
				 "1614265330", "{\"test\": 2432232314}",
				 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" };
static const struct vector c_up = { KEY_UP, "msg_test_0001", "1767323045", HELLO_BODY, SIG_UP };
static const struct vector c_down = { KEY_DOWN, "msg_test_0001", "1767323045", HELLO_BODY, SIG_DOWN };
static const struct vector d = { "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
				 "1649367553", "{\"email\":\"test@example.com\",\"username\":\"test_user\"}",
				 "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=" };

static struct verify_keys keys_of(const char *first, const char *second)
{
	struct verify_keys keys = { 0 };

	assert_true(hook_key_standard(first, &keys.at[keys.count++], NULL));
	if (second)
		assert_true(hook_key_standard(second, &keys.at[keys.count++], NULL));
	return keys;
}

static enum verified verify_at(const struct vector *v, int64_t now_s)
{
	struct verify_keys keys = keys_of(v->secret, NULL);

	return hook_verify_standard(&keys, &(struct verify_headers){ v->id, v->timestamp, v->signature },
				    v->body, strlen(v->body), now_s, 300);
}

static enum verified verify_now(const struct vector *v)
{
	return verify_at(v, strtoll(v->timestamp, NULL, 10));
}

static void published_vectors_pass(void **state)
{
	const struct vector *all[] = { &a, &c_up, &c_down, &d };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(verify_now(all[i]), VERIFIED);
}

static void we_sign_as_others_do(void **state)
{
	const struct vector *all[] = { &a, &c_up, &c_down, &d };
	char out[VERIFY_SIGNATURE_SIZE];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct verify_keys keys = keys_of(all[i]->secret, NULL);

		hook_sign(&keys.at[0], all[i]->id, strtoll(all[i]->timestamp, NULL, 10), all[i]->body,
			  strlen(all[i]->body), out);
		assert_string_equal(out, all[i]->signature);
	}
}

/* A sender that changes its key sends a list; a receiver that changes keeps two. */
static void any_of_a_list_or_of_two_keys_is_enough(void **state)
{
	const struct vector *all[] = { &c_up, &c_down };
	const char *lists[] = { SIG_UP " " SIG_DOWN " " SIG_ED, SIG_ED " " SIG_DOWN " " SIG_UP,
				"v2,abc v9 ,, " SIG_UP " " SIG_DOWN };
	struct verify_keys second = keys_of(a.secret, KEY_UP);
	struct verify_headers headers = { c_up.id, c_up.timestamp, SIG_UP };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < 3; k++) {
			struct vector v = *all[i];

			v.signature = lists[k];
			assert_int_equal(verify_now(&v), VERIFIED);
		}
	}
	assert_int_equal(
		hook_verify_standard(&second, &headers, HELLO_BODY, strlen(HELLO_BODY), 1767323045, 300),
		VERIFIED);
}

static void forged_signatures_fail(void **state)
{
	static const char *const wrong[] = {
		"",
		" ",
		"v1",
		"v1,",
		"uLn9hjSqySVnVcrpVHU+Ll7Fz9fnZ8gkG7bXAYGpPCU=",
		"v2,uLn9hjSqySVnVcrpVHU+Ll7Fz9fnZ8gkG7bXAYGpPCU=",
		"v1,uLn9hjSqySVnVcrpVHU+Ll7Fz9fnZ8gkG7bXAYGpPCU",
		"v1,uLn9hjSqySVnVcrpVHU+Ll7Fz9fnZ8gkG7bXAYGpPCU==",
		"v1,uLn9hjSqySVnVcrpVHU+Ll7Fz9fnZ8gkG7bXAYGpPCV=",
		"v1,uLn9hjSqySVnVcrpVHU+Ll7Fz9fnZ8gkG7bXAYGp",
		"v1,uLn9hjSqySVnVcrpVHU+Ll7Fz9fnZ8gkG7bXAYGpPCU=,",
		"V1,uLn9hjSqySVnVcrpVHU+Ll7Fz9fnZ8gkG7bXAYGpPCU=",
		SIG_DOWN,
		SIG_ED,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct vector v = c_up;

		v.signature = wrong[i];
		assert_int_equal(verify_now(&v), VERIFIED_WRONG);
	}
}

static void any_changed_byte_fails(void **state)
{
	struct vector v = c_up;
	char body[128], id[64];

	(void)state;
	for (size_t i = 0; i < strlen(HELLO_BODY); i++) {
		memcpy(body, HELLO_BODY, sizeof(HELLO_BODY));
		body[i] = (char)(body[i] ^ 1);
		v.body = body;
		assert_int_equal(verify_now(&v), VERIFIED_WRONG);
	}
	v = c_up;
	snprintf(id, sizeof(id), "%s2", c_up.id);
	v.id = id;
	assert_int_equal(verify_now(&v), VERIFIED_WRONG);
	v = c_up;
	v.body = HELLO_BODY "\n";
	assert_int_equal(verify_now(&v), VERIFIED_WRONG);
}

/* A captured request is worthless five minutes later, and one of the future is somebody's wrong clock. */
static void window_is_exact(void **state)
{
	(void)state;
	assert_int_equal(verify_at(&c_up, 1767323045 + 300), VERIFIED);
	assert_int_equal(verify_at(&c_up, 1767323045 - 300), VERIFIED);
	assert_int_equal(verify_at(&c_up, 1767323045 + 301), VERIFIED_TIME);
	assert_int_equal(verify_at(&c_up, 1767323045 - 301), VERIFIED_TIME);
}

static void malformed_headers_fail_before_any_key(void **state)
{
	static const char *const times[] = { "",
					     " 1767323045",
					     "1767323045 ",
					     "+1767323045",
					     "-1",
					     "1767323045.0",
					     "0x69573d65",
					     "1767323045000000",
					     "17673\xc2\xb2",
					     "1e9",
					     "9999999999999" };
	static const char *const ids[] = { "",	 "a b",	      "a\tb", "a.1767323045", "a..b",
					   "a.", "m\xc3\xa9", "a/b",  "a,b" };
	struct vector v = c_up;
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		v.timestamp = times[i];
		assert_int_equal(verify_at(&v, 1767323045), VERIFIED_FORM);
	}
	v = c_up;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		v.id = ids[i];
		assert_int_equal(verify_now(&v), VERIFIED_FORM);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	v.id = longest;
	assert_int_equal(verify_now(&v), VERIFIED_FORM);
}

static void each_header_is_needed(void **state)
{
	struct vector v = c_up;

	(void)state;
	v.id = NULL;
	assert_int_equal(verify_at(&v, 1767323045), VERIFIED_MISSING);
	v = c_up;
	v.signature = NULL;
	assert_int_equal(verify_at(&v, 1767323045), VERIFIED_MISSING);
	v = c_up;
	v.timestamp = NULL;
	assert_int_equal(verify_at(&v, 1767323045), VERIFIED_MISSING);
}

/* The signed text is id.timestamp.body: nobody may move a border and keep the signature. */
static void borders_cannot_be_shifted(void **state)
{
	struct verify_keys keys = keys_of(KEY_UP, NULL);
	char signature[VERIFY_SIGNATURE_SIZE];

	(void)state;
	hook_sign(&keys.at[0], "order.created", 1767323045, "1767323046.text", 15, signature);
	assert_int_equal(hook_verify_standard(
				 &keys, &(struct verify_headers){ "order.created", "1767323045", signature },
				 "1767323046.text", 15, 1767323045, 300),
			 VERIFIED);
	assert_int_equal(hook_verify_standard(&keys,
					      &(struct verify_headers){ "order.created.1767323045",
									"1767323046", signature },
					      "text", 4, 1767323045, 300),
			 VERIFIED_FORM);
}

static void secrets_are_read_leniently_and_short_ones_refused(void **state)
{
	struct verify_key padded, bare, other;
	struct err err = { 0 };
	char longest[600];

	(void)state;
	assert_true(hook_key_standard(KEY_UP, &padded, NULL));
	assert_true(hook_key_standard("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", &bare, NULL));
	assert_int_equal(padded.len, 32);
	assert_int_equal(bare.len, 32);
	assert_memory_equal(padded.bytes, bare.bytes, 32);
	assert_false(hook_key_standard("whsec_", &other, &err));
	assert_non_null(strstr(err.text, "openssl rand"));
	assert_false(
		hook_key_standard("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=", &other, NULL)); /* 23 bytes */
	assert_false(hook_key_standard("not base64 at all, but long enough to be one", &other, NULL));
	memset(longest, 'A', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(hook_key_standard(longest, &other, NULL));
	assert_false(hook_key_text("short", &other, NULL));
	assert_false(hook_key_text(longest, &other, NULL));
}

static void github_signature(void **state)
{
	static const char *const wrong[] = {
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
		"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1g",
		"sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
		"sha256=",
		"",
	};
	const char *good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
	struct verify_keys keys = { .count = 2 };

	(void)state;
	assert_true(hook_key_text("an older secret of ours", &keys.at[0], NULL));
	assert_true(hook_key_text("It's a Secret to Everybody", &keys.at[1], NULL));
	assert_int_equal(hook_verify_github(&keys, good, "Hello, World!", 13), VERIFIED);
	assert_int_equal(hook_verify_github(&keys, good, "Hello, World?", 13), VERIFIED_WRONG);
	assert_int_equal(hook_verify_github(&keys, NULL, "Hello, World!", 13), VERIFIED_MISSING);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_not_equal(hook_verify_github(&keys, wrong[i], "Hello, World!", 13), VERIFIED);
	keys.count = 1;
	assert_int_equal(hook_verify_github(&keys, good, "Hello, World!", 13), VERIFIED_WRONG);
}

static void bearer_key(void **state)
{
	struct verify_keys keys = { .count = 2 };

	(void)state;
	assert_true(hook_key_text("the-new-key-of-this-hook", &keys.at[0], NULL));
	assert_true(hook_key_text("the-old-key-of-this-hook", &keys.at[1], NULL));
	assert_int_equal(hook_verify_bearer(&keys, "Bearer the-new-key-of-this-hook"), VERIFIED);
	assert_int_equal(hook_verify_bearer(&keys, "bearer  the-old-key-of-this-hook"), VERIFIED);
	assert_int_equal(hook_verify_bearer(&keys, "Bearer the-new-key-of-this-hoo"), VERIFIED_WRONG);
	assert_int_equal(hook_verify_bearer(&keys, "Bearer the-new-key-of-this-hookk"), VERIFIED_WRONG);
	assert_int_equal(hook_verify_bearer(&keys, "Bearer "), VERIFIED_WRONG);
	assert_int_equal(hook_verify_bearer(&keys, "Basic dGhlOmtleQ=="), VERIFIED_FORM);
	assert_int_equal(hook_verify_bearer(&keys, "the-new-key-of-this-hook"), VERIFIED_FORM);
	assert_int_equal(hook_verify_bearer(&keys, ""), VERIFIED_FORM);
	assert_int_equal(hook_verify_bearer(&keys, NULL), VERIFIED_MISSING);
}

/* A receipt lets its owner ask for that one answer, and for no other. */
static void poll_token_opens_one_message(void **state)
{
	const char *mine = "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee",
		   *other = "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeef";
	struct verify_keys keys = keys_of(KEY_UP, KEY_DOWN);
	char header[8 + VERIFY_TOKEN_SIZE] = "Bearer ";

	(void)state;
	hook_poll_token(&keys.at[1], mine, header + 7);
	assert_int_equal(hook_verify_poll(&keys, header, mine), VERIFIED);
	assert_int_equal(hook_verify_poll(&keys, header, other), VERIFIED_WRONG);
	assert_int_equal(hook_verify_poll(&keys, NULL, mine), VERIFIED_MISSING);
	keys.count = 1;
	assert_int_equal(hook_verify_poll(&keys, header, mine), VERIFIED_WRONG);
}

/* A file comes in pieces: wherever it is cut, the published signatures hold, and a changed byte is found. */
static void a_body_in_pieces_is_checked_like_a_whole_one(void **state)
{
	static const struct vector *const all[] = { &a, &c_up, &c_down, &d };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct vector *v = all[i];
		const struct verify_headers headers = { v->id, v->timestamp, v->signature };
		struct verify_keys keys = keys_of(KEY_UP, v->secret);
		size_t len = strlen(v->body);

		for (size_t cut = 0; cut <= len; cut++) {
			struct verify_body *body = hook_body_begin(&keys, &headers);

			hook_body_add(body, v->body, cut);
			hook_body_add(body, v->body + cut, len - cut);
			assert_int_equal(hook_body_end(body, v->signature), VERIFIED);
			body = hook_body_begin(&keys, &headers);
			hook_body_add(body, v->body, cut);
			hook_body_add(body, "x", 1);
			hook_body_add(body, v->body + cut, len - cut);
			assert_int_equal(hook_body_end(body, v->signature), VERIFIED_WRONG);
		}
	}
}

static void a_body_in_pieces_by_the_other_scheme(void **state)
{
	struct verify_keys keys = { .count = 1 };
	struct verify_body *body;

	(void)state;
	/* The example of GitHub's documentation. */
	assert_true(hook_key_text("It's a Secret to Everybody", &keys.at[0], NULL));
	for (int wrong = 0; wrong < 2; wrong++) {
		body = hook_body_begin(&keys, NULL);
		hook_body_add(body, "Hello, ", 7);
		hook_body_add(body, wrong ? "World?" : "World!", 6);
		assert_int_equal(
			hook_body_end(
				body,
				"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
			wrong ? VERIFIED_WRONG : VERIFIED);
	}
	assert_int_equal(hook_verify_github_head("sha256=75"), VERIFIED_FORM);
	assert_int_equal(hook_verify_github_head(NULL), VERIFIED_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_pass),
		cmocka_unit_test(we_sign_as_others_do),
		cmocka_unit_test(any_of_a_list_or_of_two_keys_is_enough),
		cmocka_unit_test(forged_signatures_fail),
		cmocka_unit_test(any_changed_byte_fails),
		cmocka_unit_test(window_is_exact),
		cmocka_unit_test(malformed_headers_fail_before_any_key),
		cmocka_unit_test(each_header_is_needed),
		cmocka_unit_test(borders_cannot_be_shifted),
		cmocka_unit_test(secrets_are_read_leniently_and_short_ones_refused),
		cmocka_unit_test(a_body_in_pieces_is_checked_like_a_whole_one),
		cmocka_unit_test(a_body_in_pieces_by_the_other_scheme),
		cmocka_unit_test(github_signature),
		cmocka_unit_test(bearer_key),
		cmocka_unit_test(poll_token_opens_one_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
