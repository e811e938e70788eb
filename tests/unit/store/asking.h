/* The store's questions as blocking calls on real files and a real loop, for tests that read like a story. */
#ifndef USHER_TESTS_ASKING_H
#define USHER_TESTS_ASKING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io.h"
#include "store_open.h"
#include "store_outbox.h"
#include "store_room.h"

struct asking {
	struct io *io;
	struct store *store;
	struct arena *room; /* what answers were copied to; lives as long as this */
	char *folder, *url;
	unsigned waiting;	/* answers that have not come yet */
	struct err err;		/* of the last answer */
	void *got;		/* the last answer's copy */
	int64_t over_before_ms; /* of the messages accepted */
};

struct asking *asking_create(void); /* an empty database in a new folder */
void asking_destroy(struct asking *asking);

/* The process ends and the next one starts on the same files. */
void asking_restart(struct asking *asking);

/* Closes and opens the store, but leaves the rows as a process that was killed would. */
void asking_crash(struct asking *asking);

/* Runs the loop until everything asked is answered; fails the test after two minutes. */
void asking_wait(struct asking *asking);

/* Each asks, waits, and gives a copy; asking->err says how it ended, NULL or zeros unless ERR_NONE. */
const struct store_accepted *ask_accept(struct asking *asking, const struct incoming *in, bool may_claim);
const struct store_accepted *ask_admit(struct asking *asking, int64_t inbox_id, bool may_claim);
const struct store_turn *ask_claim(struct asking *asking, int64_t conversation_id);
const struct store_recalled *ask_recall(struct asking *asking, int64_t conversation_id, int64_t turn_id,
					unsigned limit);
void ask_journal(struct asking *asking, int64_t turn_id, const struct ai_step *steps, size_t step_count,
		 const struct ai_attempt *attempts, size_t attempt_count);
const struct store_answered *ask_answer(struct asking *asking, const struct store_answer *answer);
const struct outgoing *ask_look(struct asking *asking, const char *uuid);
const struct store_recovered *ask_recover(struct asking *asking, const char *resends);
void ask_sent(struct asking *asking, int64_t reply_id, enum reply_state state, int64_t next_ms);

/* Not sent, again at next_ms, and this attempt may have arrived. */
void ask_sent_unsure(struct asking *asking, int64_t reply_id, int64_t next_ms);
void ask_sent_waits(struct asking *asking, int64_t reply_id, int64_t next_ms);

struct asked_due {
	struct store_reply replies[16];
	size_t count;
	int64_t next_ms;
};
const struct asked_due *ask_due(struct asking *asking, size_t limit);

struct asked_refusal {
	const struct store_reply *reply;
	const struct outgoing *ended;
};
const struct asked_refusal *ask_refuse(struct asking *asking, const struct store_refusal *refusal);

/* A named report or act (store_people.h): its JSON text. */
const char *ask_report(struct asking *asking, const char *name, const char *const *args, size_t count);
const char *ask_act(struct asking *asking, const char *name, const char *const *args, size_t count);

/* A plain answer to a turn. */
const struct store_answered *answer_with(struct asking *asking, int64_t turn_id, const char *text,
					 bool claim_next);

/* Changes the database as an operator would; looks at one number of it; at one text (in asking->room). */
void asking_sql(struct asking *asking, const char *sql);
int64_t asking_int(struct asking *asking, const char *sql);
const char *asking_text(struct asking *asking, const char *sql);

/* How often a word stands in the database's files, in every byte of them, used or not. */
size_t asking_bytes(const struct asking *asking, const char *word);

/* Admits "ann" on webhook/crm so that what she says is placed at once. */
void asking_know(struct asking *asking, const char *sender);

/* A message from sender in a place of webhook/crm; every one with a key of its own. */
struct incoming says(const char *sender, const char *place, const char *key, const char *text);

/* Copies that outlive the callback. */
const char *const *copy_texts(struct arena *room, const char *const *from, size_t count);
struct store_accepted *copy_accepted(struct arena *room, const struct store_accepted *from);
struct store_turn *copy_turn(struct arena *room, const struct store_turn *from);
struct store_reply *copy_reply(struct arena *room, const struct store_reply *from);
struct outgoing *copy_outgoing(struct arena *room, const struct outgoing *from);

#endif
