/* Signatures of what comes over HTTP, over its raw bytes, before anything is parsed (sheet 10.2). */
#include "buf.h"
#include "clock.h"
#include "crypto.h"
#include "hook_room.h"
#include <string.h>

const char *discord_verified_name(enum discord_verified result)
{
	static const char *const names[] = {
		[DISCORD_GENUINE] = "ok",	    [DISCORD_UNSIGNED] = "missing",
		[DISCORD_ILL_SIGNED] = "malformed", [DISCORD_OUT_OF_TIME] = "time",
		[DISCORD_FORGED] = "wrong",
	};

	return names[result];
}

bool discord_signed(const uint8_t public_key[32], const char *signature, const char *timestamp,
		    const void *body, size_t len)
{
	uint8_t raw[CRYPTO_ED25519_SIGNATURE];
	struct buf all = { 0 }; /* the algorithm wants it in one piece */
	bool genuine;

	if (strlen(signature) != sizeof(raw) * 2 || !crypto_unhex(signature, sizeof(raw) * 2, raw))
		return false;
	buf_text(&all, timestamp);
	buf_add(&all, body, len);
	genuine = crypto_ed25519_verify(public_key, raw, buf_str(&all), all.len);
	buf_free(&all);
	return genuine;
}

enum discord_verified discord_verify(const uint8_t public_key[32], const char *signature,
				     const char *timestamp, const void *body, size_t len, int64_t now_s)
{
	int64_t seconds, off;

	if (signature == NULL || timestamp == NULL)
		return DISCORD_UNSIGNED;
	if (!clock_read_seconds(timestamp, &seconds) || strlen(signature) != DISCORD_SIGNATURE_LEN)
		return DISCORD_ILL_SIGNED;
	if (!discord_signed(public_key, signature, timestamp, body, len))
		return DISCORD_FORGED;
	off = now_s > seconds ? now_s - seconds : seconds - now_s;
	return off > DISCORD_SIGNED_SECONDS ? DISCORD_OUT_OF_TIME : DISCORD_GENUINE;
}
