/* What the scripts of a message's journey share: conversations, turns, replies. Store threads only. */
#ifndef USHER_STORE_JOURNEY_H
#define USHER_STORE_JOURNEY_H

#include "buf.h"
#include "store_room.h"

/* ---- places.c: a conversation's row while a script works on it -------------------------------------------
 */

struct place {
	int64_t id;
	const char *uuid;
	int64_t next_seq;
	int64_t last_ms; /* of its latest message, Unix milliseconds; 0 none */
	bool archived;
	bool busy;	   /* messages of it wait or are being answered */
	const char *title; /* for one that has none yet, or NULL */
};

/* The active one at a platform's place, or one by id; found_out false when there is none. profile (may be
 * NULL) must be its user. */
bool place_by_key(struct db *db, struct arena *room, const char *platform, const char *installation,
		  const char *key, struct place *place_out, bool *found_out, struct err *err);
bool place_by_id(struct db *db, struct arena *room, int64_t id, const char *profile, struct place *place_out,
		 bool *found_out, struct err *err);

/* The one that a message belongs to, made when missing. key NULL, or fresh: a new one. */
struct place_ask {
	const char *platform, *installation, *key;
	bool fresh;
	int64_t now_ms;
	int64_t over_before_ms; /* one that was quiet since before this is over: a new one takes its place; 0: none is */
};
bool place_over(const struct place_ask *ask, const struct place *place);
bool place_for(struct db *db, struct arena *room, const struct place_ask *ask, const struct speaker *speaker,
	       struct place *place_out, struct err *err);

/* What a conversation that begins with this text is called; NULL when it says nothing. */
const char *place_title(struct arena *room, const char *text);

/* A time for the next row: now, but always later than all before. */
int64_t place_tick(struct place *place, int64_t now_ms);

/* Writes numbers and times back. Once per script. */
bool place_keep(struct db *db, const struct place *place, int64_t now_ms, struct err *err);

/* ---- claim.c: turns --------------------------------------------------------------------------------------
 */

/* An inbox row, as far as a turn needs it. */
struct letter {
	int64_t id, turn_id;
	const char *uuid, *platform, *installation, *delivery_key, *sender, *profile_id, *body, *reply_to;
	const char *files; /* JSON array; NULL or "[]": none */
	unsigned flags, attempts;
	int64_t order_ms; /* when it was said, or else when it came */
};

/* The message row of a new turn, and the turn; marking the inbox rows is the caller's. */
bool turn_begin(struct db *db, struct arena *room, struct place *place, const struct speaker *speaker,
		const struct letter *letters, size_t count, int64_t now_ms, struct store_turn **turn_out,
		struct err *err);

/* T2: the next turn of a place, NULL when nothing waits or one is running; more_out: something waits behind
 * it. */
bool turn_claim(struct db *db, struct arena *room, struct place *place, int64_t now_ms,
		struct store_turn **turn_out, bool *more_out, struct err *err);

/* ---- journal.c: the record of a run -----------------------------------------------------------------------
 */

/* A turn's rows while a script works on it. */
struct run {
	int64_t turn_id, task_id; /* task_id 0: none yet */
	const char *uuid, *answer_uuid, *profile_id, *prompt, *placeholder;
	bool ended;
	bool removed;			       /* its installation was taken out: nothing is sent */
	const char *org_id, *platform, *agent; /* agent: name of the LLMSettings in force */
	int64_t settings_id;
	struct place place;
};

/* ERR_GONE when there is no such turn. */
bool run_load(struct db *db, struct arena *room, int64_t turn_id, struct run *run_out, struct err *err);

/* One row of ai_agent_interactions each. */
bool run_attempts(struct db *db, struct run *run, const struct ai_attempt *attempts, size_t count,
		  int64_t now_ms, struct err *err);

/* A question's own copy of attempts. */
struct ai_attempt *job_attempts(struct job *job, const struct ai_attempt *attempts, size_t count);

/* Its steps so far, oldest first. */
bool run_steps(struct db *db, struct arena *room, int64_t turn_id, const struct ai_step **steps_out,
	       size_t *count_out, struct err *err);

/* ---- replies.c: what goes out -----------------------------------------------------------------------------
 */

/* Which messages a turn answers: uuids, delivery keys; reply address, platform and installation of the
 * newest. */
struct asked {
	const char *const *uuids;
	const char *const *delivery_keys;
	size_t count;
	const char *reply_to, *platform, *installation, *org_id, *reason;
	enum message_state state;
};
bool asked_by_turn(struct db *db, struct arena *room, int64_t turn_id, struct asked *asked_out,
		   struct err *err);
bool asked_by_message(struct db *db, struct arena *room, int64_t inbox_id, struct asked *asked_out,
		      struct err *err);

/* What an outgoing says of the messages it is for. */
void asked_tell(const struct asked *asked, struct outgoing *out);

/* Where the answer of a turn or the notice to a single message goes. */
struct reply_ask {
	int64_t turn_id, inbox_id; /* one of them, the other 0 */
	int64_t conversation_id;   /* 0: none */
	int64_t now_ms;
	uint32_t expire_s;
	bool at_once; /* marked as being sent unless an earlier one of its conversation is unfinished */
	size_t part;  /* 0, or which of a long answer: sleeps behind the one before */
	const char *uuid, *org_id, *platform, *installation, *reply_to, *text;
	const char *choices; /* or NULL */
	int64_t output_id;   /* a file instead of text; 0: none */
};
/* The outbox row; sending_out says whether it may be sent now. */
bool reply_add(struct db *db, const struct reply_ask *ask, int64_t *id_out, bool *sending_out,
	       struct err *err);

/* This reply has reached its end: the one that sleeps behind it in its conversation is due now. torn: it did not
 * arrive, so the parts of the same answer behind it are cancelled. */
bool reply_release(struct db *db, int64_t reply_id, bool torn, const char *now, struct err *err);

/* An operator has this reply sent again: the parts that were cancelled on its account come back behind it. */
bool reply_revive(struct db *db, struct arena *room, int64_t reply_id, const char *now, const char *expires,
		  struct err *err);

/* When a reply made now is no longer worth sending. */
int64_t reply_expires(int64_t now_ms, uint32_t expire_s);

/* The array in an LLMTask's structured output; "[]" for NULL. */
const char *tool_calls_of(struct arena *room, const char *structured);

/* ---- act_links.c: codes that make one person of two senders -----------------------------------------------
 */

/* A stranger gives a code: the sender is its profile from now on, and it is used up. ERR_GONE, ERR_REFUSED: it is
 * no good. */
struct link_ask {
	const char *code_hash, *platform, *installation, *sender, *sender_name;
	const char *org_id; /* of the installation: the code must be of the same */
};
bool link_stranger(struct db *db, struct arena *room, const struct link_ask *ask, struct speaker *speaker_out,
		   struct err *err);

/* Wrong codes of this sender within the last hour, and commands that wait in front of this message to be let in. */
bool link_tries(struct db *db, struct arena *room, const struct link_ask *ask, int64_t inbox_id,
		int64_t *count_out, struct err *err);

/* ---- recover.c ------------------------------------------------------------------------------------------
 */

/* An orderly end: turns under way begin again in the next process and this beginning is not counted against
 * them, since only crashes lead to quarantine. A transaction of its own. */
bool recover_leave(struct db *db, struct err *err);

/* store.c: the recovery holds; from now on what is under way is this process's. Loop thread. */
void store_took_over(struct store *store);

#endif
