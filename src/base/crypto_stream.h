/* Cryptography over what is too large for one piece of memory: a running digest, and a file sealed piece by piece. All of
 * it OpenSSL's. Any thread, one at a time for each object. */
#ifndef USHER_CRYPTO_STREAM_H
#define USHER_CRYPTO_STREAM_H

#include "crypto.h"

struct crypto_digest;

struct crypto_digest *crypto_digest_create(void); /* SHA-256 */
void crypto_digest_add(struct crypto_digest *digest, const void *data, size_t len);
char *crypto_digest_end(struct crypto_digest *digest, char out[CRYPTO_SHA256_HEX]); /* frees; returns out */

/* HMAC-SHA256 (RFC 2104) over what comes piece by piece. */
struct crypto_hmac;
struct crypto_hmac *crypto_hmac_create(const void *key, size_t key_len);
void crypto_hmac_add(struct crypto_hmac *hmac, const void *data, size_t len);
void crypto_hmac_end(struct crypto_hmac *hmac, uint8_t out[CRYPTO_SHA256_SIZE]); /* frees */

/* One piece of a sealed file: AES-256-GCM under a key that is used for this file only, so that the piece's number and whether it
 * is the last can be its nonce (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015): pieces can't be
 * left out, moved or cut off. out: len + CRYPTO_TAG_SIZE bytes. */
enum { CRYPTO_TAG_SIZE = 16, CRYPTO_SALT_SIZE = 32 };

struct crypto_pieces;
struct crypto_pieces *crypto_pieces_create(const uint8_t key[CRYPTO_KEY_SIZE],
					   const uint8_t salt[CRYPTO_SALT_SIZE], const char *context);
void crypto_piece_seal(struct crypto_pieces *pieces, uint32_t number, bool last, const void *data, size_t len,
		       uint8_t *out);

/* data: len bytes, the tag among them. out: len - CRYPTO_TAG_SIZE bytes. False: not what was sealed as this piece. */
bool crypto_piece_open(struct crypto_pieces *pieces, uint32_t number, bool last, const void *data, size_t len,
		       uint8_t *out);
void crypto_pieces_destroy(struct crypto_pieces *pieces); /* takes NULL */

#endif
