/* A payload's way to the core, from the inside: decode, gate, names, hand over, acknowledge. Loop thread only. */
#ifndef USHER_SLACK_INBOUND_H
#define USHER_SLACK_INBOUND_H

#include "decode.h"
#include "names.h"
#include "recent.h"

struct arena;
struct slack_queue;

/* A payload until it is acknowledged. Each is in a queue (waits for names) or in inbound->owed (the core has it). */
struct slack_arrival {
	struct platform *workspace;
	struct slack_from from;
	slack_caught_fn *done; /* of a caught one, else NULL: then `from` is acknowledged */
	void *owner;
	json_t *payload;	  /* until the core has it */
	struct slack_decoded say; /* borrows from payload */

	struct arena *arena; /* what `in` points to */
	struct incoming in;  /* sender_name, text, VOUCHED come last, with the names */
	const char *mrkdwn;  /* of the text; NULL: in.text is there already */
	size_t files_left;   /* out, of those that came with it */
	bool quotes;	     /* mrkdwn is the message that a shortcut asks about */
	bool renews;	     /* /command new in a direct message: ours or that of others? (finish) */
	bool shows_work;     /* a sign of life once it is stored */
	const char *scope;   /* of the cursor that moves once it is stored, or NULL */
	struct slack_place place;
	struct slack_wanted wanted;

	uint64_t until_ms; /* waits no longer for names */
	struct slack_queue *queue;
	struct slack_arrival *prev, *next;
	UT_hash_handle hh; /* owed, by in.receipt */
};

/* Arrivals of one channel behind one that waits: their order is kept. */
struct slack_queue {
	char *key;
	struct slack_arrival *first;
	UT_hash_handle hh;
};

struct slack_inbound {
	struct slack *app;
	struct slack_arrival *owed;
	struct slack_queue *queues;
	size_t waiting;
	size_t bytes;		  /* of the payloads that wait */
	struct loop_timer *sweep; /* runs while somebody waits */
	struct recents bots;	  /* messages of bots in a row, by thread */
	struct recents gestures;  /* the first ts of a client_msg_id */
};

/* Names have come. */
void slack_inbound_named(struct platform *workspace);

/* The workspace ends: what it still owes is sent again by Slack. */
void slack_inbound_forget(struct platform *workspace);

/* ---- what the files of the way in share ------------------------------------------------------------------ */

/* Each fills in arrival->in and what belongs to it. NULL, or why nothing is handed over. */
const char *slack_build_message(struct slack_arrival *arrival);
const char *slack_build_command(struct slack_arrival *arrival);
const char *slack_build_shortcut(struct slack_arrival *arrival);
const char *slack_build_rated(struct slack_arrival *arrival);
const char *slack_build_chosen(struct slack_arrival *arrival);
const char *slack_build_stopped(struct slack_arrival *arrival);

/* Event kinds that are no messages. True: the payload is to be acknowledged; false: that is seen to, perhaps later. */
bool slack_event_opened(struct platform *workspace, const struct slack_from *from,
			const struct slack_decoded *say);
bool slack_event_joined(struct platform *workspace, const struct slack_from *from,
			const struct slack_decoded *say);
bool slack_event_removed(struct platform *workspace, const struct slack_from *from,
			 const struct slack_decoded *say);
void slack_event_too_many(struct slack *app, const struct slack_decoded *say);

/* With the names that are known by now. */
void slack_arrival_name(struct slack_arrival *arrival);

/* In the arrival's arena. The place of a message: its conversation by config.direct, and where it is answered. */
const char *slack_message_key(struct slack_arrival *arrival, const char *ts);
void slack_message_place(struct slack_arrival *arrival);
const char *slack_event_key(struct slack_arrival *arrival);
void slack_place_copy(char out[SLACK_ID_MAX + 1], const char *id); /* id may be NULL */

#endif
