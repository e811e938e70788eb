/* Makes API keys and tells well-formed ones from others. */
#include "apikey.h"
#include <stdint.h>
#include <string.h>

static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char prefix[] = "usher_";

enum {
	PREFIX = sizeof(prefix) - 1,
	SECRET_AT = PREFIX + APIKEY_ID + 1,
	CHECK_AT = SECRET_AT + APIKEY_SECRET,
};

/* Random letters without bias: bytes of the incomplete last round of 62 are thrown away. */
static void random_letters(char *out, size_t count)
{
	uint8_t pool[64];
	size_t at = sizeof(pool);

	while (count) {
		if (at == sizeof(pool)) {
			crypto_random(pool, sizeof(pool));
			at = 0;
		}
		if (pool[at] < 248) {
			*out++ = letters[pool[at] % 62];
			count--;
		}
		at++;
	}
}

/* 35 of 36 bits of a digest of what stands before: a slip of the finger goes unseen once in 3e10. */
static void check_letters(const char *key, char out[APIKEY_CHECK])
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	uint64_t number = 0;

	crypto_sha256(key, CHECK_AT, digest);
	for (int i = 0; i < 6; i++)
		number = number << 8 | digest[i];
	for (int i = 0; i < APIKEY_CHECK; i++) {
		out[i] = letters[number % 62];
		number /= 62;
	}
}

void apikey_make(char key[APIKEY_SIZE], char id[APIKEY_ID_SIZE], char hash[CRYPTO_SHA256_HEX])
{
	memcpy(key, prefix, PREFIX);
	random_letters(key + PREFIX, APIKEY_ID);
	key[SECRET_AT - 1] = '_';
	random_letters(key + SECRET_AT, APIKEY_SECRET);
	check_letters(key, key + CHECK_AT);
	key[APIKEY_SIZE - 1] = '\0';
	memcpy(id, key + PREFIX, APIKEY_ID);
	id[APIKEY_ID] = '\0';
	apikey_hash(key, hash);
}

bool apikey_valid(const char *text)
{
	char check[APIKEY_CHECK];

	if (strnlen(text, APIKEY_SIZE) != APIKEY_SIZE - 1 || strncmp(text, prefix, PREFIX) != 0)
		return false;
	for (int i = PREFIX; i < APIKEY_SIZE - 1; i++)
		if (i == SECRET_AT - 1 ? text[i] != '_' : strchr(letters, text[i]) == NULL)
			return false;
	check_letters(text, check);
	return memcmp(check, text + CHECK_AT, APIKEY_CHECK) == 0;
}

char *apikey_hash(const char *key, char hash[CRYPTO_SHA256_HEX])
{
	return crypto_sha256_hex(key, strlen(key), hash);
}
