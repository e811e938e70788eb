/* The cryptography we use, all of it OpenSSL's. Any thread. Failure of OpenSSL itself ends the program. */
#ifndef USHER_CRYPTO_H
#define USHER_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRYPTO_SHA256_SIZE = 32, CRYPTO_SHA256_HEX = 65, CRYPTO_UUID_SIZE = 37, CRYPTO_KEY_SIZE = 32 };

void crypto_random(void *out, size_t size);
void crypto_sha256(const void *data, size_t len, uint8_t out[CRYPTO_SHA256_SIZE]);
char *crypto_sha256_hex(const void *data, size_t len,
			char out[CRYPTO_SHA256_HEX]); /* lower case; returns out */

/* HMAC-SHA256 over parts put one behind the other. */
struct crypto_part {
	const void *data;
	size_t len;
};
void crypto_hmac_sha256(const void *key, size_t key_len, const struct crypto_part *parts, size_t count,
			uint8_t out[CRYPTO_SHA256_SIZE]);

/* Takes the same time wherever the first difference is. Lengths are not secret. */
bool crypto_equal(const void *a, size_t a_len, const void *b, size_t b_len);

/* Ed25519 (RFC 8032): did the owner of this public key sign these bytes? Also false for a key that is none. */
enum { CRYPTO_ED25519_KEY = 32, CRYPTO_ED25519_SIGNATURE = 64 };
bool crypto_ed25519_verify(const uint8_t public_key[CRYPTO_ED25519_KEY],
			   const uint8_t signature[CRYPTO_ED25519_SIGNATURE], const void *data, size_t len);

void crypto_hex(const void *data, size_t len, char *out);      /* 2 * len + 1 bytes, lower case */
bool crypto_unhex(const char *text, size_t len, uint8_t *out); /* len even; out len / 2 bytes */

/* Standard base64 with padding. out: 4 * ((len + 2) / 3) + 1 bytes. Returns the text's length. */
size_t crypto_base64(const void *data, size_t len, char *out);

/* Strict alphabet; padding may be missing; no white space. out: 3 * len / 4 + 3 bytes. false: not base64. */
bool crypto_unbase64(const char *text, size_t len, uint8_t *out, size_t *len_out);

/* AES-256-GCM (NIST SP 800-38D) with a random nonce: "v1." and base64 of nonce, cipher text and tag. context is
 * authenticated too: what was sealed for one row does not open in another. The caller frees. */
char *crypto_seal(const uint8_t key[CRYPTO_KEY_SIZE], const char *context, const char *text);

/* The same with a nonce that is made of what is sealed, with this key: equal texts give equal results, and who sees two of
 * them can tell that they are equal, no more. */
char *crypto_seal_same(const uint8_t key[CRYPTO_KEY_SIZE], const char *context, const char *text);

/* The text, or NULL: another key, another context, or changed. The caller frees. */
char *crypto_open(const uint8_t key[CRYPTO_KEY_SIZE], const char *context, const char *sealed);

/* 32 bytes written as 64 hexadecimal digits or as base64. */
bool crypto_key_read(const char *text, uint8_t key_out[CRYPTO_KEY_SIZE]);

/* A UUID version 7 (RFC 9562): ordered by time, 74 random bits. Returns out. */
char *crypto_uuid(char out[CRYPTO_UUID_SIZE]);

/* The form 8-4-4-4-12 in hexadecimal digits. */
bool crypto_uuid_valid(const char *text);

#endif
