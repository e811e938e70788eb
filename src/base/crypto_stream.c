/* A running digest and sealed pieces, on OpenSSL 3. */
#include "crypto_stream.h"
#include "mem.h"
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE_SIZE = 12 };

struct crypto_digest {
	EVP_MD_CTX *ctx;
};

struct crypto_pieces {
	EVP_CIPHER_CTX *ctx;
	uint8_t key[CRYPTO_SHA256_SIZE];
};

static void must(int ok)
{
	if (ok != 1) {
		fputs("usher: OpenSSL failed where it never may\n", stderr);
		abort();
	}
}

struct crypto_digest *crypto_digest_create(void)
{
	struct crypto_digest *digest = mem_zero(1, sizeof(*digest));

	digest->ctx = EVP_MD_CTX_new();
	must(digest->ctx != NULL);
	must(EVP_DigestInit_ex2(digest->ctx, EVP_sha256(), NULL));
	return digest;
}

void crypto_digest_add(struct crypto_digest *digest, const void *data, size_t len)
{
	must(EVP_DigestUpdate(digest->ctx, data, len));
}

char *crypto_digest_end(struct crypto_digest *digest, char out[CRYPTO_SHA256_HEX])
{
	uint8_t sum[CRYPTO_SHA256_SIZE];

	must(EVP_DigestFinal_ex(digest->ctx, sum, NULL));
	EVP_MD_CTX_free(digest->ctx);
	free(digest);
	crypto_hex(sum, sizeof(sum), out);
	return out;
}

struct crypto_hmac {
	EVP_MAC_CTX *ctx;
};

struct crypto_hmac *crypto_hmac_create(const void *key, size_t key_len)
{
	struct crypto_hmac *hmac = mem_zero(1, sizeof(*hmac));
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", (char[]){ "SHA256" }, 0),
				OSSL_PARAM_construct_end() };
	EVP_MAC *kind = EVP_MAC_fetch(NULL, "HMAC", NULL);

	must(kind != NULL);
	hmac->ctx = EVP_MAC_CTX_new(kind);
	EVP_MAC_free(kind); /* the context keeps it */
	must(hmac->ctx != NULL);
	must(EVP_MAC_init(hmac->ctx, key_len ? key : "", key_len, params));
	return hmac;
}

void crypto_hmac_add(struct crypto_hmac *hmac, const void *data, size_t len)
{
	must(EVP_MAC_update(hmac->ctx, data, len));
}

void crypto_hmac_end(struct crypto_hmac *hmac, uint8_t out[CRYPTO_SHA256_SIZE])
{
	size_t len;

	must(EVP_MAC_final(hmac->ctx, out, &len, CRYPTO_SHA256_SIZE));
	EVP_MAC_CTX_free(hmac->ctx);
	free(hmac);
}

/* HKDF (RFC 5869) with one block of output would hash once more; the salt is random and the key is too. */
struct crypto_pieces *crypto_pieces_create(const uint8_t key[CRYPTO_KEY_SIZE],
					   const uint8_t salt[CRYPTO_SALT_SIZE], const char *context)
{
	const struct crypto_part parts[] = { { salt, CRYPTO_SALT_SIZE }, { context, strlen(context) } };
	struct crypto_pieces *pieces = mem_zero(1, sizeof(*pieces));

	crypto_hmac_sha256(key, CRYPTO_KEY_SIZE, parts, 2, pieces->key);
	pieces->ctx = EVP_CIPHER_CTX_new();
	must(pieces->ctx != NULL);
	return pieces;
}

static void make_nonce(uint8_t nonce[NONCE_SIZE], uint32_t number, bool last)
{
	memset(nonce, 0, NONCE_SIZE);
	for (int i = 0; i < 4; i++)
		nonce[7 + i] = (uint8_t)(number >> (24 - 8 * i));
	nonce[NONCE_SIZE - 1] = last;
}

void crypto_piece_seal(struct crypto_pieces *pieces, uint32_t number, bool last, const void *data, size_t len,
		       uint8_t *out)
{
	uint8_t nonce[NONCE_SIZE];
	int written;

	must(len <= INT_MAX / 2);
	make_nonce(nonce, number, last);
	must(EVP_EncryptInit_ex2(pieces->ctx, EVP_aes_256_gcm(), pieces->key, nonce, NULL));
	must(EVP_EncryptUpdate(pieces->ctx, out, &written, data, (int)len));
	must(EVP_EncryptFinal_ex(pieces->ctx, out + len, &written));
	must(EVP_CIPHER_CTX_ctrl(pieces->ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_SIZE, out + len));
}

bool crypto_piece_open(struct crypto_pieces *pieces, uint32_t number, bool last, const void *data, size_t len,
		       uint8_t *out)
{
	uint8_t nonce[NONCE_SIZE], tag[CRYPTO_TAG_SIZE];
	int written;

	if (len < CRYPTO_TAG_SIZE || len > INT_MAX / 2)
		return false;
	len -= CRYPTO_TAG_SIZE;
	memcpy(tag, (const uint8_t *)data + len, CRYPTO_TAG_SIZE);
	make_nonce(nonce, number, last);
	must(EVP_DecryptInit_ex2(pieces->ctx, EVP_aes_256_gcm(), pieces->key, nonce, NULL));
	must(EVP_DecryptUpdate(pieces->ctx, out, &written, data, (int)len));
	must(EVP_CIPHER_CTX_ctrl(pieces->ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_SIZE, tag));
	return EVP_DecryptFinal_ex(pieces->ctx, out + len, &written) == 1;
}

void crypto_pieces_destroy(struct crypto_pieces *pieces)
{
	if (pieces == NULL)
		return;
	EVP_CIPHER_CTX_free(pieces->ctx);
	OPENSSL_cleanse(pieces->key, sizeof(pieces->key));
	free(pieces);
}
