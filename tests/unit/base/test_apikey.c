/* API keys: what is made is valid, what is mistyped is not, and nothing repeats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apikey.h"

static void test_made_keys_are_valid(void **state)
{
	char key[APIKEY_SIZE], id[APIKEY_ID_SIZE], hash[CRYPTO_SHA256_HEX], again[CRYPTO_SHA256_HEX];

	(void)state;
	for (int i = 0; i < 200; i++) {
		apikey_make(key, id, hash);
		assert_int_equal(strlen(key), APIKEY_SIZE - 1);
		assert_memory_equal(key, "usher_", 6);
		assert_memory_equal(key + 6, id, APIKEY_ID);
		assert_int_equal(strlen(id), APIKEY_ID);
		assert_true(apikey_valid(key));
		assert_string_equal(hash, apikey_hash(key, again));
	}
}

/* A wrong letter anywhere, or two swapped ones, must not cost a question to the database. */
static void test_mistyped_keys_are_not(void **state)
{
	char key[APIKEY_SIZE], id[APIKEY_ID_SIZE], hash[CRYPTO_SHA256_HEX], bad[APIKEY_SIZE + 1];

	(void)state;
	apikey_make(key, id, hash);
	for (size_t i = 0; i < APIKEY_SIZE - 1; i++) {
		memcpy(bad, key, APIKEY_SIZE);
		bad[i] = bad[i] == 'x' ? 'y' : 'x';
		assert_false(apikey_valid(bad));
		bad[i] = '-';
		assert_false(apikey_valid(bad));
		bad[i] = '\0';
		assert_false(apikey_valid(bad));
	}
	memcpy(bad, key, APIKEY_SIZE);
	memcpy(bad + APIKEY_SIZE - 1, "0", 2);
	assert_false(apikey_valid(bad));
	assert_false(apikey_valid(""));
	assert_false(apikey_valid("usher_"));
}

static void test_keys_differ(void **state)
{
	char a[APIKEY_SIZE], b[APIKEY_SIZE], id[APIKEY_ID_SIZE], hash_a[CRYPTO_SHA256_HEX],
		hash_b[CRYPTO_SHA256_HEX];

	(void)state;
	apikey_make(a, id, hash_a);
	apikey_make(b, id, hash_b);
	assert_string_not_equal(a, b);
	assert_string_not_equal(hash_a, hash_b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_keys_are_valid),
		cmocka_unit_test(test_mistyped_keys_are_not),
		cmocka_unit_test(test_keys_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
