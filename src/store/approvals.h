/* Calls of tools that wait for a person's yes. Store threads only. */
#ifndef USHER_STORE_APPROVALS_H
#define USHER_STORE_APPROVALS_H

#include "journey.h"

/* Puts down, with the answer, what its person is asked. Doing it again changes nothing. */
bool approvals_add(struct db *db, struct arena *room, const struct run *run, const struct asked *asked,
		   const struct ai_approval *approvals, size_t count, int64_t now_ms, struct err *err);

/* What is pressed to decide: outgoing.choices of these approvals, or NULL; and of those that were asked in a turn. */
const char *approvals_choices(struct arena *room, const struct ai_approval *approvals, size_t count);
bool approvals_choices_of(struct db *db, struct arena *room, int64_t turn_id, const char **choices_out,
			  struct err *err);

#endif
