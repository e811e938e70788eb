/* Decides whether a request is from who it claims to be, over its raw bytes, before anything is parsed. */
#include "verify.h"
#include "clock.h"
#include "crypto_stream.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ID_MAX = 255, ITEM_LEN = VERIFY_SIGNATURE_SIZE - 1 };

const char *hook_verified_name(enum verified result)
{
	static const char *const names[] = {
		[VERIFIED] = "ok",	  [VERIFIED_MISSING] = "missing", [VERIFIED_FORM] = "malformed",
		[VERIFIED_TIME] = "time", [VERIFIED_WRONG] = "wrong",
	};

	return names[result];
}

bool hook_key_standard(const char *text, struct verify_key *key_out, struct err *err)
{
	uint8_t bytes[VERIFY_KEY_MAX * 2];
	size_t len = 0;

	if (strncmp(text, "whsec_", 6) == 0)
		text += 6;
	if (strlen(text) > (size_t)VERIFY_KEY_MAX * 4 / 3 ||
	    !crypto_unbase64(text, strlen(text), bytes, &len) || len < VERIFY_KEY_MIN || len > VERIFY_KEY_MAX)
		return err_set(
			err, ERR_REFUSED,
			"a signing secret is \"whsec_\" and the base64 of at least %d bytes; make one with: "
			"echo whsec_$(openssl rand -base64 32)",
			VERIFY_KEY_MIN);
	memcpy(key_out->bytes, bytes, len);
	key_out->len = len;
	return true;
}

bool hook_key_text(const char *text, struct verify_key *key_out, struct err *err)
{
	size_t len = strlen(text);

	if (len < VERIFY_TEXT_MIN || len > VERIFY_KEY_MAX)
		return err_set(err, ERR_REFUSED,
			       "a secret has %d to %d characters; make one with: openssl rand -hex 32",
			       VERIFY_TEXT_MIN, VERIFY_KEY_MAX);
	memcpy(key_out->bytes, text, len);
	key_out->len = len;
	return true;
}

/* The signed text is id.timestamp.body. An id may hold dots, but no part behind a dot may be a number: then
 * the borders can't be shifted, since a longer id would have to swallow the timestamp. */
static bool id_allowed(const char *id)
{
	size_t len = strlen(id);

	if (len == 0 || len > ID_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = id[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      c == '_' || c == '-' || c == '.'))
			return false;
	}
	for (const char *dot = id; (dot = strchr(dot, '.'));) {
		size_t part = strcspn(++dot, ".");

		if (strspn(dot, "0123456789") >= part)
			return false;
	}
	return true;
}

static void sign(const struct verify_key *key, const char *id, const char *timestamp, const void *body,
		 size_t len, char out[VERIFY_SIGNATURE_SIZE])
{
	const struct crypto_part parts[] = {
		{ id, strlen(id) }, { ".", 1 }, { timestamp, strlen(timestamp) }, { ".", 1 }, { body, len },
	};
	uint8_t mac[CRYPTO_SHA256_SIZE];

	crypto_hmac_sha256(key->bytes, key->len, parts, sizeof(parts) / sizeof(parts[0]), mac);
	crypto_base64(mac, sizeof(mac), out + snprintf(out, VERIFY_SIGNATURE_SIZE, "v1,"));
}

/* A list of "version,signature" with single spaces between; versions that we don't know are skipped. */
static bool list_has(const char *list, const char *item)
{
	bool found = false;

	while (*list) {
		size_t len = strcspn(list, " ");

		found |= crypto_equal(list, len, item, ITEM_LEN);
		list += len;
		list += *list == ' ';
	}
	return found;
}

enum verified hook_verify_standard_head(const struct verify_headers *headers, int64_t now_s,
					int64_t tolerance_s)
{
	int64_t sent_s;

	if (!headers->id || !headers->timestamp || !headers->signature)
		return VERIFIED_MISSING;
	if (!id_allowed(headers->id) || !clock_read_seconds(headers->timestamp, &sent_s))
		return VERIFIED_FORM;
	if (sent_s < now_s - tolerance_s || sent_s > now_s + tolerance_s)
		return VERIFIED_TIME;
	return VERIFIED;
}

enum verified hook_verify_standard(const struct verify_keys *keys, const struct verify_headers *headers,
				   const void *body, size_t len, int64_t now_s, int64_t tolerance_s)
{
	enum verified head = hook_verify_standard_head(headers, now_s, tolerance_s);
	bool genuine = false;

	if (head != VERIFIED)
		return head;
	for (size_t i = 0; i < keys->count; i++) {
		char item[VERIFY_SIGNATURE_SIZE];

		sign(&keys->at[i], headers->id, headers->timestamp, body, len, item);
		genuine |= list_has(headers->signature, item);
	}
	return genuine ? VERIFIED : VERIFIED_WRONG;
}

void hook_sign(const struct verify_key *key, const char *id, int64_t timestamp_s, const void *body,
	       size_t len, char out[VERIFY_SIGNATURE_SIZE])
{
	char timestamp[24];

	snprintf(timestamp, sizeof(timestamp), "%lld", (long long)timestamp_s);
	sign(key, id, timestamp, body, len, out);
}

static enum verified github_read(const char *header, uint8_t given[CRYPTO_SHA256_SIZE])
{
	if (header == NULL)
		return VERIFIED_MISSING;
	if (strncmp(header, "sha256=", 7) != 0 || strlen(header + 7) != 2 * (size_t)CRYPTO_SHA256_SIZE ||
	    !crypto_unhex(header + 7, 2 * (size_t)CRYPTO_SHA256_SIZE, given))
		return VERIFIED_FORM;
	return VERIFIED;
}

enum verified hook_verify_github_head(const char *header)
{
	uint8_t given[CRYPTO_SHA256_SIZE];

	return github_read(header, given);
}

enum verified hook_verify_github(const struct verify_keys *keys, const char *header, const void *body,
				 size_t len)
{
	const struct crypto_part whole = { body, len };
	uint8_t given[CRYPTO_SHA256_SIZE], mac[CRYPTO_SHA256_SIZE];
	enum verified head = github_read(header, given);
	bool genuine = false;

	if (head != VERIFIED)
		return head;
	for (size_t i = 0; i < keys->count; i++) {
		crypto_hmac_sha256(keys->at[i].bytes, keys->at[i].len, &whole, 1, mac);
		genuine |= crypto_equal(mac, sizeof(mac), given, sizeof(given));
	}
	return genuine ? VERIFIED : VERIFIED_WRONG;
}

/* The token of "Bearer TOKEN"; NULL for anything else. */
static const char *bearer(const char *header)
{
	if (strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	header += 7;
	return header + strspn(header, " ");
}

enum verified hook_verify_bearer(const struct verify_keys *keys, const char *header)
{
	const char *token = header ? bearer(header) : NULL;
	bool genuine = false;

	if (token == NULL)
		return header ? VERIFIED_FORM : VERIFIED_MISSING;
	for (size_t i = 0; i < keys->count; i++)
		genuine |= crypto_equal(token, strlen(token), keys->at[i].bytes, keys->at[i].len);
	return genuine ? VERIFIED : VERIFIED_WRONG;
}

void hook_poll_token(const struct verify_key *key, const char *uuid, char out[VERIFY_TOKEN_SIZE])
{
	const struct crypto_part parts[] = { { "poll:", 5 }, { uuid, strlen(uuid) } };
	uint8_t mac[CRYPTO_SHA256_SIZE];

	crypto_hmac_sha256(key->bytes, key->len, parts, 2, mac);
	crypto_hex(mac, sizeof(mac), out);
}

enum verified hook_verify_poll(const struct verify_keys *keys, const char *header, const char *uuid)
{
	const char *token = header ? bearer(header) : NULL;
	bool genuine = false;

	if (token == NULL)
		return header ? VERIFIED_FORM : VERIFIED_MISSING;
	for (size_t i = 0; i < keys->count; i++) {
		char expected[VERIFY_TOKEN_SIZE];

		hook_poll_token(&keys->at[i], uuid, expected);
		genuine |= crypto_equal(token, strlen(token), expected, VERIFY_TOKEN_SIZE - 1);
	}
	return genuine ? VERIFIED : VERIFIED_WRONG;
}

/* ---- bodies in pieces ---------------------------------------------------------------------------------- */

struct verify_body {
	struct crypto_hmac *macs[2];
	size_t count;
	bool standard;
};

struct verify_body *hook_body_begin(const struct verify_keys *keys, const struct verify_headers *headers)
{
	struct verify_body *body = mem_zero(1, sizeof(*body));

	body->count = keys->count;
	body->standard = headers != NULL;
	for (size_t i = 0; i < keys->count; i++) {
		body->macs[i] = crypto_hmac_create(keys->at[i].bytes, keys->at[i].len);
		if (headers == NULL)
			continue;
		crypto_hmac_add(body->macs[i], headers->id, strlen(headers->id));
		crypto_hmac_add(body->macs[i], ".", 1);
		crypto_hmac_add(body->macs[i], headers->timestamp, strlen(headers->timestamp));
		crypto_hmac_add(body->macs[i], ".", 1);
	}
	return body;
}

void hook_body_add(struct verify_body *body, const void *data, size_t len)
{
	for (size_t i = 0; i < body->count; i++)
		crypto_hmac_add(body->macs[i], data, len);
}

enum verified hook_body_end(struct verify_body *body, const char *signature)
{
	uint8_t mac[CRYPTO_SHA256_SIZE], given[CRYPTO_SHA256_SIZE] = { 0 };
	char item[VERIFY_SIGNATURE_SIZE];
	bool formed = body->standard || github_read(signature, given) == VERIFIED, genuine = false;

	for (size_t i = 0; i < body->count; i++) {
		crypto_hmac_end(body->macs[i], mac);
		crypto_base64(mac, sizeof(mac), item + snprintf(item, sizeof(item), "v1,"));
		genuine |= body->standard ? list_has(signature, item)
					  : crypto_equal(mac, sizeof(mac), given, sizeof(given));
	}
	free(body);
	return genuine && formed ? VERIFIED : VERIFIED_WRONG;
}
