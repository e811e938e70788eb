/* Secrets at rest: what was sealed opens with its key for its row, and nothing else opens. */
#include "crypto.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key[CRYPTO_KEY_SIZE] = { 1, 2, 3 };
static const char secret[] = "{\"token\":\"xoxb-\xc3\xa4\"}";

/* A link that is made again for the same answer is the same, and one nonce never serves two texts. */
static void equal_texts_are_sealed_equally_when_asked(void **state)
{
	char *one = crypto_seal_same(key, "a", "a text"), *same = crypto_seal_same(key, "a", "a text"),
	     *next = crypto_seal_same(key, "a", "a texu"), *there = crypto_seal_same(key, "b", "a text");
	char *text = crypto_open(key, "a", one);

	(void)state;
	assert_string_equal(one, same);
	assert_memory_not_equal(one + 3, next + 3, 16);
	assert_memory_not_equal(one + 3, there + 3, 16);
	assert_string_equal(text, "a text");
	assert_null(crypto_open(key, "b", one));
	free(one);
	free(same);
	free(next);
	free(there);
	free(text);
}

static void what_is_sealed_opens(void **state)
{
	static const char *const texts[] = { "", "x", secret };
	char *longest = mem_alloc(100001);

	(void)state;
	memset(longest, 's', 100000);
	longest[100000] = '\0';
	for (size_t i = 0; i < 4; i++) {
		const char *text = i < 3 ? texts[i] : longest;
		char *sealed = crypto_seal(key, "slack/acme", text);
		char *opened = crypto_open(key, "slack/acme", sealed);

		assert_non_null(opened);
		assert_string_equal(opened, text);
		assert_int_equal(strncmp(sealed, "v1.", 3), 0);
		if (text[0] && text[1])
			assert_null(strstr(sealed, text));
		free(opened);
		free(sealed);
	}
	free(longest);
}

/* Two rows with the same token must not look the same: a nonce that came again would give the key away. */
static void no_two_are_alike(void **state)
{
	char *one = crypto_seal(key, "a", secret), *other = crypto_seal(key, "a", secret);

	(void)state;
	assert_string_not_equal(one, other);
	assert_int_not_equal(strncmp(one, other, 3 + 16), 0);
	free(one);
	free(other);
}

/* A row copied over another one, or the database of another daemon. */
static void key_and_row_must_fit(void **state)
{
	char *sealed = crypto_seal(key, "slack/acme/T1", secret);
	uint8_t wrong[CRYPTO_KEY_SIZE];

	(void)state;
	assert_null(crypto_open(key, "slack/acme/T2", sealed));
	assert_null(crypto_open(key, "", sealed));
	for (size_t i = 0; i < CRYPTO_KEY_SIZE; i++) {
		memcpy(wrong, key, sizeof(wrong));
		wrong[i] ^= 0x80;
		assert_null(crypto_open(wrong, "slack/acme/T1", sealed));
	}
	free(sealed);
}

/* Every letter of the sealed text is changed into every other one of base64, and the text is cut everywhere. */
static void damage_is_seen(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=.\n";
	char *sealed = crypto_seal(key, "row", secret);
	size_t len = strlen(sealed);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		char was = sealed[i];

		for (const char *letter = letters; *letter; letter++) {
			char *opened;

			if (*letter == was)
				continue;
			sealed[i] = *letter;
			opened = crypto_open(key, "row", sealed);
			/* The bits of the last letter that stand for nothing may differ. */
			if (opened && !(sealed[len - 1] == '=' && i >= len - 3))
				fail_msg("letter %zu changed to %c is not seen", i, *letter);
			free(opened);
		}
		sealed[i] = was;
	}
	for (size_t i = 0; i < len; i++) {
		char *cut = mem_text_n(sealed, i);

		assert_null(crypto_open(key, "row", cut));
		free(cut);
	}
	free(sealed);
}

/* The box that a sealed text would hold, from hexadecimal digits. */
static char *box(const char *nonce, const char *cipher, const char *tag)
{
	char *hex = mem_format("%s%s%s", nonce, cipher, tag);
	size_t len = strlen(hex) / 2;
	uint8_t *bytes = mem_alloc(len);
	char *text = mem_alloc(3 + 4 * ((len + 2) / 3) + 1);

	assert_true(crypto_unhex(hex, 2 * len, bytes));
	memcpy(text, "v1.", 3);
	crypto_base64(bytes, len, text + 3);
	free(bytes);
	free(hex);
	return text;
}

/* Test cases 15 and 16 of the specification of GCM (McGrew and Viega), which NIST took over. */
static void it_is_aes_256_gcm(void **state)
{
	static const char *const half = "feffe9928665731c6d6a8f9467308308";
	static const char cipher[] = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
				     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
	static const char plain[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
				    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
	static const struct {
		const char *context, *tag;
		size_t len;
	} cases[] = { { "", "b094dac5d93471bdec1a502270e3cc6c", 64 },
		      { "\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef\xab\xad\xda\xd2",
			"76fc6ece0f4e1768cddf8853bb2d551b", 60 } };
	char *key_text = mem_format("%s%s", half, half);
	uint8_t its_key[CRYPTO_KEY_SIZE];

	(void)state;
	assert_true(crypto_key_read(key_text, its_key));
	for (size_t i = 0; i < 2; i++) {
		char *part = mem_text_n(cipher, 2 * cases[i].len);
		char *sealed = box("cafebabefacedbaddecaf888", part, cases[i].tag);
		char *opened = crypto_open(its_key, cases[i].context, sealed);
		char hex[129];

		assert_non_null(opened);
		crypto_hex(opened, cases[i].len, hex);
		assert_int_equal(strncmp(hex, plain, 2 * cases[i].len), 0);
		free(opened);
		free(sealed);
		free(part);
	}
	free(key_text);
}

/* A key that was cut by a mistake must not seal anything. */
static void keys_have_32_bytes(void **state)
{
	static const char *const refused[] = {
		"",
		"00",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8f",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
	};
	static const char *const taken[] = {
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
	};
	uint8_t read[CRYPTO_KEY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(crypto_key_read(refused[i], read));
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		memset(read, 0xff, sizeof(read));
		assert_true(crypto_key_read(taken[i], read));
		for (size_t n = 0; n < sizeof(read); n++)
			assert_int_equal(read[n], n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_texts_are_sealed_equally_when_asked),
		cmocka_unit_test(what_is_sealed_opens),
		cmocka_unit_test(no_two_are_alike),
		cmocka_unit_test(key_and_row_must_fit),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(it_is_aes_256_gcm),
		cmocka_unit_test(keys_have_32_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
