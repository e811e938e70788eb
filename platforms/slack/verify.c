/* Decides whether a request comes from the platform, over its raw bytes, before anything is parsed. */
#include "verify.h"
#include "crypto.h"
#include <stdbool.h>
#include <string.h>

enum { TIMESTAMP_DIGITS = 12 };

const char *slack_verified_name(enum slack_verified result)
{
	static const char *const names[] = {
		[SLACK_GENUINE] = "ok",	      [SLACK_UNSIGNED] = "missing", [SLACK_MALFORMED] = "malformed",
		[SLACK_OUT_OF_TIME] = "time", [SLACK_FORGED] = "wrong",
	};

	return names[result];
}

/* Digits and nothing else: what strtol would forgive (space, sign, trailing text) is signed text here. */
static bool timestamp_read(const char *text, int64_t *seconds_out)
{
	size_t len = strlen(text);
	int64_t seconds = 0;

	if (len == 0 || len > TIMESTAMP_DIGITS || strspn(text, "0123456789") != len)
		return false;
	for (size_t i = 0; i < len; i++)
		seconds = seconds * 10 + (text[i] - '0');
	*seconds_out = seconds;
	return true;
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
	if (!timestamp_read(timestamp, &seconds) || !signature_form(signature))
		return SLACK_MALFORMED;
	slack_sign(secret, timestamp, body, len, expected);
	if (*secret == '\0' ||
	    !crypto_equal(signature, SLACK_VERIFY_SIGNATURE_LEN, expected, SLACK_VERIFY_SIGNATURE_LEN))
		return SLACK_FORGED;
	off = now_s > seconds ? now_s - seconds : seconds - now_s;
	return off > SLACK_VERIFY_SECONDS ? SLACK_OUT_OF_TIME : SLACK_GENUINE;
}
