/* What a turn asks the model, made of the messages it answers. Store threads only. */
#ifndef USHER_STORE_PROMPT_H
#define USHER_STORE_PROMPT_H

#include "journey.h"

/* Stands where something was said that its author took back. */
extern const char prompt_deleted[];

/* The messages joined by newlines. */
const char *prompt_text(struct arena *room, const struct letter *letters, size_t count);

/* What belongs to a prompt and was not written by its author; each may be NULL. */
struct prompt_more {
	const char *context; /* what others had said before */
	const char *heard;   /* what is said in its voice notes */
	const char *request; /* what the model was asked with beside it (ai_result.request), a JSON object */
};

/* What the joined text does not show: {"context", "heard", "messages": [{"uuid","delivery_key","text"}], "request"}, each only where
 * there is something to say; NULL when there is nothing. more may be NULL. */
const char *prompt_structured(struct arena *room, const struct letter *letters, size_t count,
			      const struct prompt_more *more);

/* What of that stands in it; without the request. */
struct prompt_more prompt_more(struct arena *room, const char *structured);

/* Writes a turn's prompt anew from its messages as they are now; the rest stays. */
bool prompt_rebuild(struct db *db, struct arena *room, int64_t turn_id, struct err *err);

/* Remembers what was not written. */
bool prompt_remember(struct db *db, struct arena *room, int64_t turn_id, const struct prompt_more *more,
		     struct err *err);

/* What was taken back is taken out of the record of what the model was asked, too. */
bool prompt_erase(struct db *db, struct arena *room, int64_t turn_id, struct err *err);

#endif
