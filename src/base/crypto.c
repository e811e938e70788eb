/* Thin wrappers of OpenSSL 3: digests, base64, sealing, random numbers, UUIDs. */
#include "crypto.h"
#include "clock.h"
#include "mem.h"
#include "text.h"
#include <ctype.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int ok)
{
	if (ok != 1) {
		fputs("usher: OpenSSL failed where it never may\n", stderr);
		abort();
	}
}

void crypto_random(void *out, size_t size)
{
	must(RAND_bytes(out, (int)size));
}

/* Fetched once: finding it by its name costs more than hashing a short text. */
static const EVP_MD *sha256(void)
{
	static EVP_MD *kept;
	EVP_MD *mine = __atomic_load_n(&kept, __ATOMIC_ACQUIRE), *other = NULL;

	if (mine != NULL)
		return mine;
	mine = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(mine != NULL);
	if (__atomic_compare_exchange_n(&kept, &other, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return mine;
	EVP_MD_free(mine);
	return other;
}

void crypto_sha256(const void *data, size_t len, uint8_t out[CRYPTO_SHA256_SIZE])
{
	must(EVP_Digest(data, len, out, NULL, sha256(), NULL));
}

char *crypto_sha256_hex(const void *data, size_t len, char out[CRYPTO_SHA256_HEX])
{
	uint8_t digest[CRYPTO_SHA256_SIZE];

	crypto_sha256(data, len, digest);
	crypto_hex(digest, sizeof(digest), out);
	return out;
}

void crypto_hmac_sha256(const void *key, size_t key_len, const struct crypto_part *parts, size_t count,
			uint8_t out[CRYPTO_SHA256_SIZE])
{
	static EVP_MAC *hmac; /* fetched once: half the cost of each message (c-stack.md, Crypto) */
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", (char[]){ "SHA256" }, 0),
				OSSL_PARAM_construct_end() };
	EVP_MAC *mine = __atomic_load_n(&hmac, __ATOMIC_ACQUIRE);
	EVP_MAC_CTX *ctx;
	size_t len;

	if (mine == NULL) {
		EVP_MAC *other = NULL;

		mine = EVP_MAC_fetch(NULL, "HMAC", NULL);
		must(mine != NULL);
		if (!__atomic_compare_exchange_n(&hmac, &other, mine, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			EVP_MAC_free(mine);
			mine = other;
		}
	}
	ctx = EVP_MAC_CTX_new(mine);
	must(ctx != NULL);
	must(EVP_MAC_init(ctx, key_len ? key : "", key_len, params));
	for (size_t i = 0; i < count; i++)
		must(EVP_MAC_update(ctx, parts[i].data, parts[i].len));
	must(EVP_MAC_final(ctx, out, &len, CRYPTO_SHA256_SIZE));
	EVP_MAC_CTX_free(ctx);
}

bool crypto_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
}

bool crypto_ed25519_verify(const uint8_t public_key[CRYPTO_ED25519_KEY],
			   const uint8_t signature[CRYPTO_ED25519_SIGNATURE], const void *data, size_t len)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, CRYPTO_ED25519_KEY);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool genuine;

	must(ctx != NULL);
	genuine = key != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		  EVP_DigestVerify(ctx, signature, CRYPTO_ED25519_SIGNATURE, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return genuine;
}

void crypto_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

bool crypto_unhex(const char *text, size_t len, uint8_t *out)
{
	if (len % 2)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		int high = text_hex_digit(text[i]), low = text_hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		*out++ = (uint8_t)(high << 4 | low);
	}
	return true;
}

size_t crypto_base64(const void *data, size_t len, char *out)
{
	return (size_t)EVP_EncodeBlock((unsigned char *)out, data, (int)len);
}

/* EVP_DecodeBlock skips white space at the ends and wants padding, so the form is checked here first. */
bool crypto_unbase64(const char *text, size_t len, uint8_t *out, size_t *len_out)
{
	size_t padding = 0, tail;
	unsigned char last[4] = { '=', '=', '=', '=' };
	unsigned char block[3];

	while (padding < 2 && len > 0 && text[len - 1] == '=') {
		padding++;
		len--;
	}
	tail = len % 4;
	if (tail == 1 || (padding && (tail + padding) % 4 != 0))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '+' && text[i] != '/')
			return false;
	*len_out = (len - tail) / 4 * 3;
	if (len > tail && EVP_DecodeBlock(out, (const unsigned char *)text, (int)(len - tail)) < 0)
		return false;
	if (tail) {
		memcpy(last, text + len - tail, tail);
		if (EVP_DecodeBlock(block, last, 4) < 0)
			return false;
		memcpy(out + *len_out, block, tail - 1);
		*len_out += tail - 1;
	}
	return true;
}

/* ---- sealing ------------------------------------------------------------------------------------------- */

enum { NONCE_SIZE = 12, TAG_SIZE = 16 };
static const char seal_mark[] = "v1."; /* AES-256-GCM; another way to seal would get another mark */

static size_t base64_size(size_t len)
{
	return 4 * ((len + 2) / 3) + 1;
}

static char *seal(const uint8_t *key, const uint8_t *nonce, const char *context, const char *text)
{
	size_t len = strlen(text), mark = sizeof(seal_mark) - 1, whole = NONCE_SIZE + len + TAG_SIZE;
	uint8_t *box = mem_alloc(whole), *cipher = box + NONCE_SIZE;
	char *sealed = mem_alloc(mark + base64_size(whole));
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int written;

	must(ctx != NULL && len <= INT_MAX / 2);
	memcpy(box, nonce, NONCE_SIZE);
	must(EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, box, NULL));
	must(EVP_EncryptUpdate(ctx, NULL, &written, (const uint8_t *)context, (int)strlen(context)));
	must(EVP_EncryptUpdate(ctx, cipher, &written, (const uint8_t *)text, (int)len));
	must(EVP_EncryptFinal_ex(ctx, cipher + len, &written));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, cipher + len));
	EVP_CIPHER_CTX_free(ctx);
	memcpy(sealed, seal_mark, mark);
	crypto_base64(box, whole, sealed + mark);
	free(box);
	return sealed;
}

char *crypto_seal(const uint8_t key[CRYPTO_KEY_SIZE], const char *context, const char *text)
{
	uint8_t nonce[NONCE_SIZE];

	crypto_random(nonce, sizeof(nonce));
	return seal(key, nonce, context, text);
}

/* A nonce comes twice only with the same text, as in the SIV construction (RFC 5297). */
char *crypto_seal_same(const uint8_t key[CRYPTO_KEY_SIZE], const char *context, const char *text)
{
	const struct crypto_part parts[] = { { "nonce", 6 },
					     { context, strlen(context) + 1 },
					     { text, strlen(text) } };
	uint8_t mac[CRYPTO_SHA256_SIZE];

	crypto_hmac_sha256(key, CRYPTO_KEY_SIZE, parts, sizeof(parts) / sizeof(parts[0]), mac);
	return seal(key, mac, context, text);
}

/* text: len + 1 bytes. false: not what was sealed with this key for this context. */
static bool open_box(const uint8_t *key, const char *context, uint8_t *box, size_t len, char *text)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *cipher = box + NONCE_SIZE;
	int written;
	bool whole;

	must(ctx != NULL);
	must(EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, box, NULL));
	must(EVP_DecryptUpdate(ctx, NULL, &written, (const uint8_t *)context, (int)strlen(context)));
	must(EVP_DecryptUpdate(ctx, (uint8_t *)text, &written, cipher, (int)len));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, cipher + len));
	whole = EVP_DecryptFinal_ex(ctx, (uint8_t *)text + len, &written) == 1;
	EVP_CIPHER_CTX_free(ctx);
	text[len] = '\0';
	return whole;
}

char *crypto_open(const uint8_t key[CRYPTO_KEY_SIZE], const char *context, const char *sealed)
{
	size_t mark = sizeof(seal_mark) - 1, coded, len, room;
	uint8_t *box;
	char *text = NULL;

	if (strncmp(sealed, seal_mark, mark) != 0)
		return NULL;
	coded = strlen(sealed + mark);
	room = 3 * (coded / 4) + 3;
	if (coded % 4 != 0 || coded > INT_MAX / 2)
		return NULL;
	box = mem_alloc(room);
	if (crypto_unbase64(sealed + mark, coded, box, &len) && len >= NONCE_SIZE + TAG_SIZE) {
		len -= NONCE_SIZE + TAG_SIZE;
		text = mem_alloc(len + 1);
		if (!open_box(key, context, box, len, text)) {
			OPENSSL_cleanse(text, len);
			free(text);
			text = NULL;
		}
	}
	free(box);
	return text;
}

bool crypto_key_read(const char *text, uint8_t key_out[CRYPTO_KEY_SIZE])
{
	uint8_t read[3 * 44 / 4 + 3];
	size_t len = strlen(text), got = 0;
	bool taken = false;

	if (len == 2 * (size_t)CRYPTO_KEY_SIZE)
		taken = crypto_unhex(text, len, read);
	else if (len == 43 || len == 44) /* base64, with its padding or without */
		taken = crypto_unbase64(text, len, read, &got) && got == CRYPTO_KEY_SIZE;
	if (taken)
		memcpy(key_out, read, CRYPTO_KEY_SIZE);
	OPENSSL_cleanse(read, sizeof(read));
	return taken;
}

/* ---- names ------------------------------------------------------------------------------------------------ */

/* Random bytes for names, not for secrets: fetched many at a time, since every message needs four of them. */
static void random_for_name(uint8_t *out, size_t size)
{
	static _Thread_local uint8_t pool[640];
	static _Thread_local size_t left;

	if (left < size) {
		crypto_random(pool, sizeof(pool));
		left = sizeof(pool);
	}
	left -= size;
	memcpy(out, pool + left, size);
}

char *crypto_uuid(char out[CRYPTO_UUID_SIZE])
{
	static const uint8_t parts[] = { 4, 2, 2, 2, 6 };
	uint64_t now = (uint64_t)clock_wall_ms();
	uint8_t id[16];
	char *at = out;

	random_for_name(id + 6, sizeof(id) - 6);
	for (int i = 0; i < 6; i++)
		id[i] = (uint8_t)(now >> (40 - 8 * i));
	id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
	id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
	for (size_t i = 0, part = 0; part < sizeof(parts) / sizeof(*parts); i += parts[part++]) {
		if (part)
			*at++ = '-';
		crypto_hex(id + i, parts[part], at);
		at += 2 * (size_t)parts[part];
	}
	return out;
}

bool crypto_uuid_valid(const char *text)
{
	if (strlen(text) != 36)
		return false;
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : text_hex_digit(text[i]) < 0)
			return false;
	}
	return true;
}
