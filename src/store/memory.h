/* Summaries of conversations, inside other transactions. Store threads only. */
#ifndef USHER_STORE_MEMORY_ROOM_H
#define USHER_STORE_MEMORY_ROOM_H

#include "audit.h"
#include "journey.h"

/* The summary in force before a turn. id 0: there is none. */
struct memory {
	int64_t id, upto_turn_id;
	const char *text;
	bool told; /* an answer of this conversation said that there are summaries */
};
bool memory_read(struct db *db, struct arena *room, int64_t conversation_id, int64_t before_turn_id,
		 struct memory *memory_out, struct err *err);

/* The answer of this turn says that there are summaries. */
bool memory_told(struct db *db, int64_t summary_id, int64_t turn_id, struct err *err);

/* What this turn says has changed: summaries made of it do not count any more. */
bool memory_changed(struct db *db, int64_t turn_id, struct err *err);

/* What this turn says is taken back or erased: summaries made of it go, from the record of requests too. */
bool memory_forget(struct db *db, struct arena *room, int64_t turn_id, const struct audit_why *why,
		   const char *input, struct err *err);

/* What a turn answered with, without our notice behind it. */
const char *memory_answer(struct arena *room, const struct query *query, int column);

#endif
