/* Signatures (sheet 10.2, pitfall 32): what the platform did not sign is not even read. */
#include "crypto.h"
#include "hook_room.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The vector of the sheet: the key pair of RFC 8032, test 1. */
#define KEY	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define TIMESTAMP "1700000000"
#define BODY	  "{\"application_id\":\"1\",\"id\":\"2\",\"token\":\"t\",\"type\":1,\"version\":1}"
#define SIGNATURE                                                                                            \
	"20ee28941c7c4e7501a06eaa0bdd033f1ede4e6ed5bf39e860b98bb70ad6ad058075d7541f3eeedbf7efa78a81fdfa612b" \
	"0edfc8"                                                                                             \
	"70251f7ea25d2cf2540d5f02"
enum { NOW = 1700000000 };

static void read_key(uint8_t key[32])
{
	assert_true(crypto_unhex(KEY, 64, key));
}

static enum discord_verified verified(const char *signature, const char *timestamp, const char *body,
				      int64_t now_s)
{
	uint8_t key[32];

	read_key(key);
	return discord_verify(key, signature, timestamp, body, strlen(body), now_s);
}

static void the_vector(void **state)
{
	uint8_t key[32];

	(void)state;
	assert_int_equal(strlen(BODY), 64);
	assert_int_equal(verified(SIGNATURE, TIMESTAMP, BODY, NOW), DISCORD_GENUINE);
	read_key(key);
	assert_true(discord_signed(key, SIGNATURE, TIMESTAMP, BODY, strlen(BODY)));
	key[31] ^= 1;
	assert_false(discord_signed(key, SIGNATURE, TIMESTAMP, BODY, strlen(BODY)));
}

/* Each byte counts: also the white space and the order that writing the JSON anew would change. */
static void whatever_is_changed(void **state)
{
	char body[sizeof(BODY)] = BODY, signature[sizeof(SIGNATURE)] = SIGNATURE;

	(void)state;
	for (size_t i = 0; i < strlen(BODY); i++) {
		body[i] ^= 1;
		assert_int_equal(verified(SIGNATURE, TIMESTAMP, body, NOW), DISCORD_FORGED);
		body[i] ^= 1;
	}
	for (size_t i = 0; i < strlen(SIGNATURE); i++) {
		signature[i] = signature[i] == '0' ? '1' : '0';
		assert_int_equal(verified(signature, TIMESTAMP, BODY, NOW), DISCORD_FORGED);
		signature[i] = SIGNATURE[i];
	}
	assert_int_equal(verified(SIGNATURE, TIMESTAMP, BODY " ", NOW), DISCORD_FORGED);
	assert_int_equal(verified(SIGNATURE, TIMESTAMP, "", NOW), DISCORD_FORGED);
	assert_int_equal(verified(SIGNATURE, "1700000001", BODY, NOW), DISCORD_FORGED);
	/* the same bytes, cut elsewhere: a time that is none is no time */
	assert_int_equal(verified(SIGNATURE, TIMESTAMP "{", &BODY[1], NOW), DISCORD_ILL_SIGNED);
	assert_int_equal(verified(SIGNATURE, "170000000", "0" BODY, 170000000), DISCORD_GENUINE);
	assert_int_equal(verified(SIGNATURE, "170000000", "0" BODY, NOW), DISCORD_OUT_OF_TIME);
}

static void headers_that_are_none(void **state)
{
	static const char *const times[] = { "",      " 1700000000", "+1700000000", "1700000000 ",
					     "1.7e9", "-1",	     "0x6553f100",  "1700000000000" };
	char longer[] = SIGNATURE "0";

	(void)state;
	assert_int_equal(verified(NULL, TIMESTAMP, BODY, NOW), DISCORD_UNSIGNED);
	assert_int_equal(verified(SIGNATURE, NULL, BODY, NOW), DISCORD_UNSIGNED);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_int_equal(verified(SIGNATURE, times[i], BODY, NOW), DISCORD_ILL_SIGNED);
	assert_int_equal(verified("", TIMESTAMP, BODY, NOW), DISCORD_ILL_SIGNED);
	assert_int_equal(verified(longer, TIMESTAMP, BODY, NOW), DISCORD_ILL_SIGNED);
	longer[127] = '\0';
	assert_int_equal(verified(longer, TIMESTAMP, BODY, NOW), DISCORD_ILL_SIGNED);
	memset(longer, 'g', 128);
	longer[128] = '\0';
	assert_int_equal(verified(longer, TIMESTAMP, BODY, NOW), DISCORD_FORGED);
}

/* What was recorded once can't be said again for ever. */
static void another_time(void **state)
{
	(void)state;
	assert_int_equal(verified(SIGNATURE, TIMESTAMP, BODY, NOW + 300), DISCORD_GENUINE);
	assert_int_equal(verified(SIGNATURE, TIMESTAMP, BODY, NOW - 300), DISCORD_GENUINE);
	assert_int_equal(verified(SIGNATURE, TIMESTAMP, BODY, NOW + 301), DISCORD_OUT_OF_TIME);
	assert_int_equal(verified(SIGNATURE, TIMESTAMP, BODY, NOW - 301), DISCORD_OUT_OF_TIME);
}

static void words_for_all(void **state)
{
	(void)state;
	for (int i = DISCORD_GENUINE; i <= DISCORD_FORGED; i++)
		assert_non_null(discord_verified_name((enum discord_verified)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vector),
		cmocka_unit_test(whatever_is_changed),
		cmocka_unit_test(headers_that_are_none),
		cmocka_unit_test(another_time),
		cmocka_unit_test(words_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
