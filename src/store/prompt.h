/* What a turn asks the model, made of the messages it answers. Store threads only. */
#ifndef USHER_STORE_PROMPT_H
#define USHER_STORE_PROMPT_H

#include "journey.h"

/* Stands where something was said that its author took back. */
extern const char prompt_deleted[];

/* The messages joined by newlines. */
const char *prompt_text(struct arena *room, const struct letter *letters, size_t count);

/* What the joined text does not show: {"context", "messages": [{"uuid","delivery_key","text"}]}, both only where there
 * is something to say; NULL when there is nothing. */
const char *prompt_structured(struct arena *room, const struct letter *letters, size_t count,
			      const char *context);

/* The context in it, or NULL. */
const char *prompt_context(struct arena *room, const char *structured);

/* Writes a turn's prompt anew from its messages as they are now; its context stays. */
bool prompt_rebuild(struct db *db, struct arena *room, int64_t turn_id, struct err *err);

/* Remembers what others had said before. */
bool prompt_remember(struct db *db, struct arena *room, int64_t turn_id, const char *context,
		     struct err *err);

/* What was taken back is taken out of the record of what the model was asked, too. */
bool prompt_erase(struct db *db, int64_t turn_id, struct err *err);

#endif
