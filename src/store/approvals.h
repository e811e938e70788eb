/* Calls of tools that wait for a person's yes. Store threads only. */
#ifndef USHER_STORE_APPROVALS_H
#define USHER_STORE_APPROVALS_H

#include "journey.h"

/* Puts down, with the answer, what its person is asked. Doing it again changes nothing. */
bool approvals_add(struct db *db, struct arena *room, const struct run *run, const struct asked *asked,
		   const struct ai_approval *approvals, size_t count, int64_t now_ms, struct err *err);

/* What is pressed to decide: outgoing.choices of these approvals, or NULL; and of those that were asked in a turn. named:
 * each says its code. */
const char *approvals_choices(struct arena *room, const struct ai_approval *approvals, size_t count,
			      bool named);
bool approvals_choices_of(struct db *db, struct arena *room, int64_t turn_id, const char **choices_out,
			  struct err *err);

/* settled.c: messages that asked and are to say how it ended, at most `limit`; *more_ms_out: when to look again, or 0.
 * Those that come out are under way until approvals_told, or for some minutes. */
bool approvals_due(struct db *db, struct arena *room, int64_t now_ms, size_t limit,
		   struct store_reply *replies_out, size_t *count_out, int64_t *more_ms_out, struct err *err);
/* How the attempt for this row of the outbox ended: again at next_ms, or (0) that was all. */
bool approvals_told(struct db *db, struct arena *room, int64_t outbox_id, int64_t next_ms, struct err *err);
/* The daemon starts: nothing is under way. */
bool approvals_recover(struct db *db, const char *now, struct err *err);

#endif
