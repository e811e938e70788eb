/* What comes over HTTP, from the inside: what hook.c and verify.c share (sheet 3.1, 10.2). */
#ifndef USHER_DISCORD_HOOK_ROOM_H
#define USHER_DISCORD_HOOK_ROOM_H

#include "discord_room.h"
#include "held.h"
#include "recent.h"

enum {
	DISCORD_SIGNED_SECONDS = 300, /* how far a timestamp may be from our clock, both ways */
	DISCORD_SIGNATURE_LEN = 128,  /* hexadecimal digits */
	/* From the request to the 503: both kinds are given up after 3 s (sheet 3.1, 10.3). */
	DISCORD_PATIENCE_MS = 2500,
	DISCORD_WAITING_MAX = 1000,
	DISCORD_EVENTS_MAX = 1000, /* events that are known again when they are repeated */
};

enum discord_verified {
	DISCORD_GENUINE,
	DISCORD_UNSIGNED,   /* one of the two headers is missing */
	DISCORD_ILL_SIGNED, /* headers that the platform never writes */
	DISCORD_OUT_OF_TIME, /* signed with the right key, but at another time: replayed, or a clock is wrong */
	DISCORD_FORGED, /* not signed with this key: the platform tries that, too, to see whether we look */
};

/* A word for metrics and the log. */
const char *discord_verified_name(enum discord_verified result);

/* signature, timestamp: the headers as received, NULL for a missing one. now_s: Unix seconds. Pure. */
enum discord_verified discord_verify(const uint8_t public_key[32], const char *signature,
				     const char *timestamp, const void *body, size_t len, int64_t now_s);

/* A request whose message is on its way into the store. */
struct discord_waiting {
	struct discord_hook *hook;
	uint64_t web_id;
	char *key; /* of an event; NULL: an interaction */
	struct discord_waiting *prev, *next;
};

struct discord_hook {
	struct platform *bot;
	struct web_held *held; /* NULL: the paths are not claimed yet */
	bool stopping;
	struct discord_waiting *waiting;
	struct recents events; /* that were kept, by what tells them apart */
	uint64_t warned_at;    /* of refusals one line a minute is written */
	unsigned unwarned;
};

#endif
