/* A whole core with fakes all around, and the sentences its tests are told in. */
#ifndef HOUSE_H
#define HOUSE_H

#include "core.h"
#include "fake_ai.h"
#include "fake_loop.h"
#include "fake_platform.h"
#include "fake_store.h"

struct house {
	struct loop *loop;
	struct store *store;
	struct ai *ai;
	struct core *core;
	struct platform *chat, *hook, *mute, *room; /* each with one installation, named "one" */
	struct settings *settings[4];
	unsigned ready, stopped, fatal;
	struct err fatal_err;
};

/* Opens with these options (loop, store, ai and the callbacks are filled in) and recovers an empty store. */
void house_open(struct house *house, const struct core_options *options);

/* Only up to the question of recovery. */
void house_prepare(struct house *house, const struct core_options *options);

/* The same with these rows of installations; and only up to core_start: the question for the rows waits. */
void house_prepare_rows(struct house *house, const struct core_options *options,
			const struct store_installation *rows, size_t count);
void house_build(struct house *house, const struct core_options *options);

/* Recovers an empty store and starts; or answers the recovery with this, and that no cursors or texts are kept. */
void house_recover(struct house *house);
void house_recovered(struct house *house, const struct store_recovered *recovered);
void house_close(struct house *house);

/* For setup and teardown of a test: one house at a time. */
int house_setup(void **state, const struct core_options *options);
int house_teardown(void **state);

/* A message comes in; what the platform said is told by `receipt`. */
void house_say(struct platform *platform, uint64_t receipt, const char *conversation, const char *text);

/* The oldest accept question is answered: a known person in this conversation. turn_id 0: the message waits.
 */
void house_accept(struct house *house, int64_t conversation_id, int64_t turn_id);

/* A claimed turn of one message, "u<turn_id>", on "chat". Static: good until the next call. */
const struct store_turn *house_turn(int64_t turn_id, int64_t conversation_id);

/* The same of installation `name` of "room", with these flags. */
const struct store_turn *house_room_turn(const char *name, int64_t turn_id, int64_t conversation_id,
					 unsigned flags);

/* It is claimed and begins. */
void house_begin(struct house *house, const struct store_turn *turn);

/* Answers the oldest recall with nothing said before; the model is being asked then. */
void house_recall(struct house *house);

/* Answers the oldest end of a turn: no reply to send, nothing behind it. */
void house_answered(struct house *house);

/* Brings a fresh message to the model: says, accepts with a turn, recalls. */
void house_think(struct house *house, int64_t turn_id, int64_t conversation_id);

/* A due reply of that installation. Static. */
const struct store_reply *house_reply(int64_t id, const char *platform, int64_t conversation_id,
				      unsigned attempt);

/* The core hands it to the plugin as if it had just become due. */
void house_due(struct house *house, const struct store_reply *reply);

/* The value of a line of /metrics that starts with this; -1 when there is none. */
double house_metric(const char *line);

/* Does core_status say this? */
bool house_status_says(struct house *house, const char *part);

struct question *house_question(struct house *house,
				enum question_kind kind); /* fails the test when none waits */
size_t house_waiting(const struct house *house, enum question_kind kind);

#endif
