/* Who may speak to us over HTTP (sheet 5): a stranger who gets past this speaks as anybody in the workspace. */
#include "verify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char secret[] = "8f742231b10e8888abcd99yyyzzz85a5";
static const char when[] = "1531420618";
static const int64_t now = 1531420618;
static const char signature[] = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
static const char body[] =
	"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
	"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
	"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
	"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

static enum slack_verified check(const char *timestamp, const char *sign, int64_t now_s)
{
	return slack_verify(secret, timestamp, sign, body, sizeof(body) - 1, now_s);
}

static void test_the_published_vector(void **state)
{
	char made[SLACK_VERIFY_SIGNATURE_LEN + 1];

	(void)state;
	assert_int_equal(sizeof(body) - 1, 362);
	assert_int_equal(check(when, signature, now), SLACK_GENUINE);
	slack_sign(secret, when, body, sizeof(body) - 1, made);
	assert_string_equal(made, signature);
}

static void test_time_both_ways(void **state)
{
	(void)state;
	assert_int_equal(check(when, signature, now + 300), SLACK_GENUINE);
	assert_int_equal(check(when, signature, now - 300), SLACK_GENUINE);
	assert_int_equal(check(when, signature, now + 301), SLACK_OUT_OF_TIME);
	assert_int_equal(check(when, signature, now - 301), SLACK_OUT_OF_TIME);
	assert_int_equal(check(when, signature, 0), SLACK_OUT_OF_TIME);
}

/* Only who has the secret learns that it is our clock. */
static void test_forged_and_out_of_time_is_forged(void **state)
{
	(void)state;
	assert_int_equal(check("1531420619", signature, now + 1000), SLACK_FORGED);
}

static void test_every_byte_counts(void **state)
{
	char *changed = strdup(body);

	(void)state;
	for (size_t i = 0; i < sizeof(body) - 1; i++) {
		changed[i] ^= 1;
		assert_int_equal(slack_verify(secret, when, signature, changed, sizeof(body) - 1, now),
				 SLACK_FORGED);
		changed[i] ^= 1;
	}
	assert_int_equal(slack_verify(secret, when, signature, body, sizeof(body) - 2, now), SLACK_FORGED);
	assert_int_equal(slack_verify(secret, when, signature, body, sizeof(body), now), SLACK_FORGED);
	assert_int_equal(slack_verify("other", when, signature, body, sizeof(body) - 1, now), SLACK_FORGED);
	free(changed);
}

static void test_headers_nobody_honest_writes(void **state)
{
	static const char *const times[] = { "",
					     " 1531420618",
					     "+1531420618",
					     "-1531420618",
					     "1531420618 ",
					     "1531420618.0",
					     "0x5b479b8a",
					     "1531420618,1",
					     "1e9",
					     "15314206180000000000000",
					     "now" };
	char upper[sizeof(signature)], longer[sizeof(signature) + 1];

	(void)state;
	assert_int_equal(check(NULL, signature, now), SLACK_UNSIGNED);
	assert_int_equal(check(when, NULL, now), SLACK_UNSIGNED);
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		assert_int_equal(check(times[i], signature, now), SLACK_MALFORMED);
	memcpy(upper, signature, sizeof(upper));
	upper[3] = 'A';
	assert_int_equal(check(when, upper, now), SLACK_MALFORMED);
	snprintf(longer, sizeof(longer), "%s0", signature);
	assert_int_equal(check(when, longer, now), SLACK_MALFORMED);
	assert_int_equal(check(when, signature + 3, now), SLACK_MALFORMED);
	assert_int_equal(
		check(when, "v1=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", now),
		SLACK_MALFORMED);
	assert_int_equal(check(when, "", now), SLACK_MALFORMED);
}

/* HMAC has a value for an empty key too: anybody can compute it. */
static void test_an_empty_secret_opens_nothing(void **state)
{
	char made[SLACK_VERIFY_SIGNATURE_LEN + 1];

	(void)state;
	slack_sign("", when, body, sizeof(body) - 1, made);
	assert_int_equal(slack_verify("", when, made, body, sizeof(body) - 1, now), SLACK_FORGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_published_vector),
		cmocka_unit_test(test_time_both_ways),
		cmocka_unit_test(test_forged_and_out_of_time_is_forged),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_headers_nobody_honest_writes),
		cmocka_unit_test(test_an_empty_secret_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
