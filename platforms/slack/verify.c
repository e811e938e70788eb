/* Decides whether a request comes from the platform, over its raw bytes, before anything is parsed. */
#include "verify.h"
#include "clock.h"
#include "crypto.h"
#include <stdbool.h>
#include <string.h>

const char *slack_verified_name(enum slack_verified result)
{
	static const char *const names[] = {
		[SLACK_GENUINE] = "ok",	      [SLACK_UNSIGNED] = "missing", [SLACK_MALFORMED] = "malformed",
		[SLACK_OUT_OF_TIME] = "time", [SLACK_FORGED] = "wrong",
	};

	return names[result];
}

/* Lower case only: the platform writes no other, and one spelling is enough to compare. */
static bool signature_form(const char *text)
{
	return strlen(text) == SLACK_VERIFY_SIGNATURE_LEN && memcmp(text, "v0=", 3) == 0 &&
	       strspn(text + 3, "0123456789abcdef") == SLACK_VERIFY_SIGNATURE_LEN - 3;
}

void slack_sign(const char *secret, const char *timestamp, const void *body, size_t len,
		char out[SLACK_VERIFY_SIGNATURE_LEN + 1])
{
	const struct crypto_part parts[] = {
		{ "v0:", 3 }, { timestamp, strlen(timestamp) }, { ":", 1 }, { body, len }
	};
	uint8_t mac[CRYPTO_SHA256_SIZE];

	crypto_hmac_sha256(secret, strlen(secret), parts, sizeof(parts) / sizeof(*parts), mac);
	out[0] = 'v';
	out[1] = '0';
	out[2] = '=';
	crypto_hex(mac, sizeof(mac), out + 3);
}

enum slack_verified slack_verify(const char *secret, const char *timestamp, const char *signature,
				 const void *body, size_t len, int64_t now_s)
{
	char expected[SLACK_VERIFY_SIGNATURE_LEN + 1];
	int64_t seconds, off;

	if (timestamp == NULL || signature == NULL)
		return SLACK_UNSIGNED;
	if (!clock_read_seconds(timestamp, &seconds) || !signature_form(signature))
		return SLACK_MALFORMED;
	slack_sign(secret, timestamp, body, len, expected);
	if (*secret == '\0' ||
	    !crypto_equal(signature, SLACK_VERIFY_SIGNATURE_LEN, expected, SLACK_VERIFY_SIGNATURE_LEN))
		return SLACK_FORGED;
	off = now_s > seconds ? now_s - seconds : seconds - now_s;
	return off > SLACK_VERIFY_SECONDS ? SLACK_OUT_OF_TIME : SLACK_GENUINE;
}
