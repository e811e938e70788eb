/* Calls of the Bot API from the inside: what the api*.c files share.
 *
 *   telegram_api -> waiting (its chat's turn, pace of chat and bot) -> running -> answered
 *                -> decided: known without asking, told in a later round
 */
#ifndef USHER_TELEGRAM_API_ROOM_H
#define USHER_TELEGRAM_API_ROOM_H

#include "pace.h"
#include "telegram_room.h"

/* ---- api_error.c: what an answer means (sheet 2.3, 2.4) ------------------------------------------------------ */

/* Borrows from http and from what is kept here until telegram_reading_finish. */
struct telegram_reading {
	struct telegram_answer answer;
	json_t *document;
	char why[300];
};

/* token: kept out of why. Pure. */
void telegram_reading_begin(struct telegram_reading *reading_out, const struct http_answer *http,
			    const char *token);
void telegram_reading_finish(struct telegram_reading *reading);

/* ---- api.c ------------------------------------------------------------------------------------------------- */

enum {
	API_WAITING_MAX = 2000,	      /* calls of one bot that wait for their turn */
	API_WAITING_BYTES = 16 << 20, /* and the bytes of what they send */
	API_WAIT_MS = 10000,	      /* longest wait unless the call says otherwise */
	API_TOTAL_MS = 15000,	      /* of the request unless the call says otherwise */
	API_UPLOAD_MS = 60000,	      /* the same with a file */
	API_FILE_MS =
		80000, /* and with one that is read as it is sent: with its wait it ends before the outbox gives up */
	API_CHAT_MS = 1000,  /* between calls about one chat */
	API_CHAT_BURST = 3,  /* at once in one chat after a rest */
	API_CHAT_KEPT = 1,   /* of these, not for what can be dropped */
	API_GROUP_MS = 5000, /* in groups: in no minute more than 8 + 60 / 5 = 20 */
	API_GROUP_BURST = 8,
	API_GROUP_KEPT = 2,
	API_BOT_MS = 40, /* 25 a second over all chats, never more than 30 */
	API_BOT_BURST = 5,
	API_CHATS_SWEPT = 256,	     /* from so many on, chats at rest are forgotten */
	API_RETRY_MS = 5000,	     /* after a limit that does not say how long */
	API_RETRY_MAX_MS = 86400000, /* after that long nobody waits any more */
	API_JITTER_MS = 500,
	API_LIMITED_CHATS = 3, /* so many chats limited within this time: it is the bot that is */
	API_LIMITED_MS = 5000,
	API_FIELDS_MAX = 32, /* arguments beside a file */
};

enum api_state { API_WAITING, API_RUNNING, API_DECIDED, API_ENDED };

/* Whose calls go out one after the other. Chat 0 stands for calls about no chat, which wait for the bot's pace only. */
struct api_chat {
	int64_t id;
	struct pace second, minute;
	struct api_call *waiting; /* in the order they came */
	unsigned waiting_count;
	unsigned running;	      /* under way: one at most, but for chat 0 */
	uint64_t limited_at;	      /* when it got 429 last, 0 never */
	struct api_chat *prev, *next; /* lanes->turns, while something waits */
	UT_hash_handle hh;	      /* lanes->chats, by id */
};

struct api_call {
	struct telegram_lanes *lanes;
	uint64_t id, http_id;
	enum api_state state;
	char method[48];
	struct api_chat *chat; /* NULL: waits for nobody, or has given up its place */
	bool holds_chat;       /* it counts as running there */
	json_t *args;	       /* with a file; else they are in body */
	char *body, *file, *file_path, *file_name, *file_type;
	size_t body_len, file_len;
	unsigned total_ms, first_byte_ms, idle_ms;
	uint64_t deadline;		/* to begin by */
	struct telegram_answer decided; /* its why is a literal */
	telegram_api_fn *fn;
	void *owner;
	uint64_t ticket;
	struct api_call *prev, *next; /* chat->waiting or lanes->decided */
	UT_hash_handle hh;	      /* lanes->calls, by id */
};

struct telegram_lanes {
	struct platform *bot;
	struct pace pace; /* of the bot */
	struct api_chat *chats, *turns;
	struct api_call *calls, *decided;
	unsigned waiting_count;
	size_t waiting_bytes;
	uint64_t last_id;
	struct loop_timer *timer; /* when something of the waiting may go, or must be told */
};

/* api_turns.c: whose turn it is. */
struct api_chat *telegram_turns_chat(struct telegram_lanes *lanes, int64_t id, bool group);
void telegram_turns_done(struct telegram_lanes *lanes,
			 struct api_chat *chat); /* the one under way has ended */
/* How long a call of this chat has to wait when it comes now and may take all but `kept` of a burst. */
uint64_t telegram_turns_wait(const struct telegram_lanes *lanes, const struct api_chat *chat, uint64_t now_ms,
			     unsigned kept);
bool telegram_turns_blocked(const struct api_chat *chat); /* it is somebody's turn there */
bool telegram_turns_full(const struct telegram_lanes *lanes, size_t bytes);
void telegram_turns_add(struct api_call *call);
void telegram_turns_remove(struct api_call *call);
/* The next that may go now, taken from its queue and charged; chats take turns. NULL: none, and *wait_out says for how
 * long at least (UINT64_MAX: until something ends). */
struct api_call *telegram_turns_next(struct telegram_lanes *lanes, uint64_t now_ms, uint64_t *wait_out);
/* One that has waited too long, taken from its queue. NULL: none until *wait_out has passed. */
struct api_call *telegram_turns_late(struct telegram_lanes *lanes, uint64_t now_ms, uint64_t *wait_out);
/* The platform asks for a pause: this chat, and all when several are asked for one at once. */
void telegram_turns_pause(struct telegram_lanes *lanes, struct api_chat *chat, uint64_t now_ms, uint64_t ms);

#endif
