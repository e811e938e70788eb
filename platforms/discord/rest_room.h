/* Calls of the REST API from the inside: what the rest*.c files share.
 *
 *   discord_rest -> waiting in the lane of its bucket -> (lane free, bucket not empty, global pace) -> running -> answered
 *               \-> answered without asking: refused there a moment ago, too many invalid requests, no room */
#ifndef USHER_DISCORD_REST_ROOM_H
#define USHER_DISCORD_REST_ROOM_H

#include "discord_room.h"
#include "http.h"
#include "pace.h"
#include "recent.h"

enum {
	REST_WAITING_MAX = 2000,       /* calls of one bot that wait for their turn */
	REST_WAITING_BYTES = 32 << 20, /* and the bytes of their bodies */
	REST_WAIT_MS = 10000,	       /* longest wait unless the call says otherwise */
	REST_WAIT_MAX_MS = 600000,     /* and what it may say at most (sheet 13, step 4) */
	REST_TOTAL_MS = 15000,	       /* of the request unless the call says otherwise */
	REST_UPLOAD_MS = 60000,	       /* the same with a file */
	REST_FILE_MS =
		80000, /* and with one that is read as it is sent: with its wait it ends before the outbox gives up */
	REST_ANSWER_MAX = 1 << 20,
	REST_GLOBAL_MS =
		25, /* 40 a second and a burst of 5: never more than 45 in one of the 50 granted (sheet 13) */
	REST_GLOBAL_BURST = 5,
	REST_KEPT = 1,		      /* of what a bucket grants, not for what can be dropped */
	REST_MORE_MS = 50,	      /* after a reset: the clocks of the platform's own machines differ */
	REST_RESET_MAX_MS = 600000,   /* a reset further away is not believed: 429 tells */
	REST_RETRY_MS = 5000,	      /* after 429 that does not say how long */
	REST_RETRY_MAX_MS = 86400000, /* after that long nobody waits any more */
	REST_BLOCKED_MS = 60000,      /* after Cloudflare's page that does not say how long */
	REST_SOON_MS = 1000,	      /* told to who was behind others */
	REST_LANES_SWEPT = 256,	      /* from so many on, lanes at rest are forgotten */
	REST_HASH_MAX = 64,
	REST_WHY_MAX = 300,
	REST_DENIED_MS = 60000, /* how long a 403 is remembered */
	REST_DENIED_MAX = 1000,
	REST_INVALID_SLOTS = 11, /* of a minute each: never less than the ten that count */
	REST_INVALID_SLOT_MS = 60000,
	REST_INVALID_SLOW = 1000, /* requests in that time: what can be dropped is dropped */
	REST_INVALID_STOP = 5000, /* nothing goes out; at 10,000 the address is banned (sheet 13.7) */
};

struct rest_call;

/* ---- rest_route.c: what a path is to the limits (sheet 13, step 1) ----------------------------------------- */

struct rest_name {
	char *route;  /* "POST /channels/:channel/messages": method and path without ids */
	char *major;  /* "channels/123", "webhooks/1/TOKEN"; "" none */
	char *secret; /* a token in the path, or NULL */
	bool channel; /* major is a channel */
};
struct rest_name rest_name_of(const char *method, const char *path); /* pure */
void rest_name_finish(struct rest_name *name);

/* ---- rest_buckets.c: whose turn it is ----------------------------------------------------------------------- */

struct rest_route {
	char hash[REST_HASH_MAX + 1]; /* of its bucket; "" not known yet */
	UT_hash_handle hh;	      /* lanes->routes, by key */
	char key[];
};

/* Whose calls go out one after the other: a bucket, or as long as it is not known a route, for one major parameter. */
struct rest_lane {
	struct rest_call *waiting; /* in the order they came */
	unsigned running;      /* under way: one, or more for a moment when two lanes turn out to be one */
	int limit, remaining;  /* -1 unknown */
	uint64_t reset_at;     /* loop time; when `remaining` is over */
	uint64_t paused_until; /* after 429 */
	struct rest_lane *prev, *next; /* lanes->turns, while something waits */
	UT_hash_handle hh;	       /* lanes->lanes, by key */
	char key[];
};

enum rest_state { REST_WAITING, REST_RUNNING, REST_DECIDED, REST_ENDED };

struct rest_call {
	struct discord_lanes *lanes;
	uint64_t id, http_id;
	enum rest_state state;
	struct rest_name name;
	char method[8], *path;
	struct rest_route *route;
	struct rest_lane *lane; /* while waiting or running */
	bool no_token, droppable, anyway;
	char *body, *file, *file_path, *file_name, *file_type;
	size_t body_len, file_len, answer_max;
	unsigned total_ms;
	uint64_t deadline;	       /* to begin by */
	struct discord_answer decided; /* its why is in why, or a literal */
	char why[RECENT_TEXT_MAX + 1];
	discord_rest_fn *fn;
	void *owner;
	uint64_t ticket;
	struct rest_call *prev, *next; /* lane->waiting or lanes->decided */
	UT_hash_handle hh;	       /* lanes->calls, by id */
};

struct rest_invalid {
	unsigned slots[REST_INVALID_SLOTS];
	uint64_t slot; /* the newest, in slots since the loop's zero */
	bool warned;
};

struct discord_lanes {
	struct platform *bot;
	struct pace pace;	/* over all calls with the bot's token */
	uint64_t blocked_until; /* Cloudflare wants nothing from this address */
	struct rest_route *routes;
	struct rest_lane *lanes, *turns;
	struct rest_call *calls, *decided; /* calls: all, in the order they came */
	struct recents denied;
	struct rest_invalid invalid;
	unsigned waiting_count;
	size_t waiting_bytes;
	uint64_t last_id;
	struct loop_timer *timer; /* when something of the waiting may go, or must be told */
};

/* Finds or makes route and lane of the call; to be done before any other of these. */
void rest_buckets_place(struct rest_call *call);
/* How long a call has to wait at least; for what can be dropped all but the last of a bucket counts as empty. */
uint64_t rest_buckets_wait(const struct rest_call *call, uint64_t now_ms);
bool rest_buckets_full(const struct discord_lanes *lanes, size_t bytes);
void rest_buckets_add(struct rest_call *call); /* to the end of its lane */
void rest_buckets_remove(struct rest_call *call);
/* The next that may go now, taken from its lane; lanes take turns. NULL: none, and *wait_out says for how long at least
 * (UINT64_MAX: until something ends). */
struct rest_call *rest_buckets_next(struct discord_lanes *lanes, uint64_t now_ms, uint64_t *wait_out);
/* One that has waited too long, taken from its lane. NULL: none until *wait_out has passed. */
struct rest_call *rest_buckets_late(struct discord_lanes *lanes, uint64_t now_ms, uint64_t *wait_out);
/* It has ended: its lane goes on. */
void rest_buckets_done(struct rest_call *call);
/* What the headers of an answer say of the bucket. May put calls of this route into another lane, in their order. */
void rest_buckets_learn(struct rest_call *call, const struct http_answer *http);
void rest_buckets_finish(struct discord_lanes *lanes);

/* ---- rest_invalid.c: what must not be asked again (sheet 13.7) ------------------------------------------------ */

void rest_invalid_count(struct discord_lanes *lanes, uint64_t now_ms);
unsigned rest_invalid_recent(const struct discord_lanes *lanes, uint64_t now_ms);
/* 403s of a channel that would come again. */
void rest_denied_remember(struct rest_call *call, const struct discord_answer *answer, uint64_t now_ms);
/* True: it was refused there a moment ago, and *answer says how; its why goes to why. */
bool rest_denied(struct rest_call *call, uint64_t now_ms, struct discord_answer *answer_out);

/* ---- rest_error.c: what an answer means (sheet 12, 13) ---------------------------------------------------------- */

/* Of 429, and of Cloudflare's pages. */
enum rest_scope {
	REST_NO_SCOPE,
	REST_USER,    /* this bucket */
	REST_GLOBAL,  /* all calls with the token */
	REST_SHARED,  /* this bucket, and it does not count as invalid */
	REST_BLOCKED, /* this address: no call at all */
};

/* Borrows from http and from what is kept here until rest_reading_finish. */
struct rest_reading {
	struct discord_answer answer;
	enum rest_scope scope;
	bool invalid; /* counts as an invalid request */
	json_t *document;
	char why[REST_WHY_MAX];
};
/* What must be known of the call. Either secret may be NULL: they are in no error. */
struct rest_asked {
	bool no_token, has_file;
	const char *bot_token, *path_token;
};
void rest_reading_begin(struct rest_reading *reading_out, const struct http_answer *http,
			const struct rest_asked *asked);
void rest_reading_finish(struct rest_reading *reading);
enum discord_refusal rest_refusal_of(int code); /* DISCORD_OTHER for what is not in the table */

#endif
