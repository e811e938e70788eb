/* A message while T1 works on it: what its files share. Store threads only. */
#ifndef USHER_STORE_ARRIVAL_H
#define USHER_STORE_ARRIVAL_H

#include "journey.h"

/* What a script knows so far of the message that came. */
struct arrival {
	struct db *db;
	struct arena *room;
	const struct store_accept *ask;
	const struct incoming *in;
	const char *body;   /* what the model will be told */
	const char *files;  /* JSON array, NULL: none */
	const char *org_id; /* of the installation; NULL: it has no row */
	const char *closed; /* why nothing is taken in for it, or NULL */
	int64_t now_ms;
	bool known; /* the speaker is somebody */
	struct speaker speaker;
	bool placed; /* place is the conversation's */
	struct place place;
	int64_t seq; /* its number there, 0: none */
	bool early;  /* an edit of what has not come yet: its text is kept until then */
	struct store_turn *turn;
	struct store_accepted *out;
};

/* inbox.c: the row, as far as the message has got; out is filled in. */
bool arrival_insert(struct arrival *it, enum message_state state, const char *reason, struct err *err);

/* Who speaks: known and speaker are filled in. */
bool arrival_speaker(struct arrival *it, struct err *err);

/* changes.c: what is about something earlier, in->kind is not SAID. Its effect, and its row. */
bool arrival_change(struct arrival *it, struct err *err);

/* early.c: what its sender did to a message before it came. With deleted_out nothing of it is to be kept; an edited text
 * has become it->body, and is kept there only. */
bool arrival_catch(struct arrival *it, bool *deleted_out, struct err *err);

/* early.c: a change of what has not come: an edited text is kept (it->early), a deletion forgets those. */
bool arrival_early(struct arrival *it, struct err *err);

/* rate.c: counts what a known speaker says; out->over when it is too much. */
bool arrival_rate(struct arrival *it, struct err *err);

/* cursors.c: the cursor that came with it. */
bool cursor_move(const struct arrival *it, struct err *err);

#endif
