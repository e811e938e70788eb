/* Signatures of what comes over HTTP, over its raw bytes, before anything is parsed (sheet 10.2). */
#include "crypto.h"
#include "hook_room.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

enum { TIMESTAMP_DIGITS = 12 };

const char *discord_verified_name(enum discord_verified result)
{
	static const char *const names[] = {
		[DISCORD_GENUINE] = "ok",	    [DISCORD_UNSIGNED] = "missing",
		[DISCORD_ILL_SIGNED] = "malformed", [DISCORD_OUT_OF_TIME] = "time",
		[DISCORD_FORGED] = "wrong",
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

bool discord_signed(const uint8_t public_key[32], const char *signature, const char *timestamp,
		    const void *body, size_t len)
{
	size_t time_len = strlen(timestamp);
	uint8_t raw[CRYPTO_ED25519_SIGNATURE];
	char *text;
	bool genuine;

	if (strlen(signature) != sizeof(raw) * 2 || !crypto_unhex(signature, sizeof(raw) * 2, raw))
		return false;
	text = mem_alloc(time_len + len + 1); /* the algorithm wants all of it in one piece */
	memcpy(text, timestamp, time_len);
	if (len > 0)
		memcpy(text + time_len, body, len);
	genuine = crypto_ed25519_verify(public_key, raw, text, time_len + len);
	free(text);
	return genuine;
}

enum discord_verified discord_verify(const uint8_t public_key[32], const char *signature,
				     const char *timestamp, const void *body, size_t len, int64_t now_s)
{
	int64_t seconds, off;

	if (signature == NULL || timestamp == NULL)
		return DISCORD_UNSIGNED;
	if (!timestamp_read(timestamp, &seconds) || strlen(signature) != DISCORD_SIGNATURE_LEN)
		return DISCORD_ILL_SIGNED;
	if (!discord_signed(public_key, signature, timestamp, body, len))
		return DISCORD_FORGED;
	off = now_s > seconds ? now_s - seconds : seconds - now_s;
	return off > DISCORD_SIGNED_SECONDS ? DISCORD_OUT_OF_TIME : DISCORD_GENUINE;
}
