/* Signatures of webhooks, both ways: Standard Webhooks 1.0.0 v1, X-Hub-Signature-256, bearer keys. Pure; any
 * thread. */
#ifndef USHER_WEBHOOK_VERIFY_H
#define USHER_WEBHOOK_VERIFY_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verify_limits {
	VERIFY_KEY_MIN = 24,	    /* bytes of a Standard Webhooks key (its rule: 24 to 64) */
	VERIFY_TEXT_MIN = 16,	    /* bytes of a key that is used as text */
	VERIFY_KEY_MAX = 256,	    /* bytes; longer ones are refused at start */
	VERIFY_SIGNATURE_SIZE = 48, /* "v1," + 44 characters of base64 + NUL */
	VERIFY_TOKEN_SIZE = 65,	    /* 64 hexadecimal digits + NUL */
};

struct verify_key {
	uint8_t bytes[VERIFY_KEY_MAX];
	size_t len;
};

/* Several keys are active while one replaces another; any match is enough. */
struct verify_keys {
	struct verify_key at[2];
	size_t count;
};

enum verified {
	VERIFIED,	  /* genuine */
	VERIFIED_MISSING, /* no signature, or not all of its headers */
	VERIFIED_FORM,	  /* headers that no honest sender writes */
	VERIFIED_TIME,	  /* genuine or not: too old or too new */
	VERIFIED_WRONG,	  /* no key matches */
};

/* A word for metrics and the log. */
const char *hook_verified_name(enum verified result);

/* "whsec_" (may be missing) and base64 (padding may be missing) to a key. */
bool hook_key_standard(const char *text, struct verify_key *key_out, struct err *err);

/* Text that is itself the key. */
bool hook_key_text(const char *text, struct verify_key *key_out, struct err *err);

/* The three headers as received; NULL for a missing one. now_s: Unix seconds. body: the bytes as received. */
struct verify_headers {
	const char *id, *timestamp, *signature;
};
enum verified hook_verify_standard(const struct verify_keys *keys, const struct verify_headers *headers,
				   const void *body, size_t len, int64_t now_s, int64_t tolerance_s);

/* Signs one attempt: out is "v1,<base64>". */
void hook_sign(const struct verify_key *key, const char *id, int64_t timestamp_s, const void *body,
	       size_t len, char out[VERIFY_SIGNATURE_SIZE]);

/* header: X-Hub-Signature-256 or NULL. */
enum verified hook_verify_github(const struct verify_keys *keys, const char *header, const void *body,
				 size_t len);

/* header: Authorization or NULL. */
enum verified hook_verify_bearer(const struct verify_keys *keys, const char *header);

/* The right to ask for one message's answer, for senders that sign bodies and therefore can't sign a GET. */
void hook_poll_token(const struct verify_key *key, const char *uuid, char out[VERIFY_TOKEN_SIZE]);
enum verified hook_verify_poll(const struct verify_keys *keys, const char *header, const char *uuid);

/* What the head of a signed request says before its body has come: is it of a form and of a time that may be genuine? */
enum verified hook_verify_standard_head(const struct verify_headers *headers, int64_t now_s,
					int64_t tolerance_s);
enum verified hook_verify_github_head(const char *header);

/* The same checks over a body that comes in pieces. headers NULL: X-Hub-Signature-256. Copies what it keeps; any thread, one at
 * a time. */
struct verify_body;
struct verify_body *hook_body_begin(const struct verify_keys *keys, const struct verify_headers *headers);
void hook_body_add(struct verify_body *body, const void *data, size_t len);
enum verified hook_body_end(struct verify_body *body, const char *signature); /* frees */

#endif
