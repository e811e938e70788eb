/* A bot that takes updates in: the core notes what it is given and answers as the test says; calls, typing, notes of
 * groups, loop and clock are the test's. Links in by --wrap (tests.mk). */
#ifndef STAGE_IN_H
#define STAGE_IN_H

#include "inbound.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IN_BOT	777
#define IN_UUID "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"
#define IN_NOW	INT64_C(1800000000000) /* the wall clock at the start */

enum { IN_SEEN = 128 };

struct in_message {
	enum incoming_kind kind;
	uint64_t receipt;
	unsigned flags;
	int64_t sent_ms;
	size_t file_count;
	char *delivery, *semantic, *sender, *sender_name, *conversation, *text, *reply_to, *target, *cursor;
	char *file_url[MESSAGE_FILES_MAX], *file_name[MESSAGE_FILES_MAX], *file_mime[MESSAGE_FILES_MAX];
	int64_t file_size;
};

struct in_call {
	char *method;
	json_t *args;
	telegram_api_fn *fn;
	void *owner;
	uint64_t ticket;
	bool done;
};

struct in_stage {
	struct platform_host host; /* first: the host's calls find the stage by it */
	struct log log;
	struct platform bot;
	struct in_message messages[IN_SEEN];
	size_t count;
	struct in_call calls[IN_SEEN];
	size_t call_count;
	enum telegram_taken how[IN_SEEN]; /* by ticket, which is the update's number in the test */
	unsigned told[IN_SEEN], retry_ms[IN_SEEN];
	unsigned works, installs, removals, settles;
	struct telegram_place work_place;
	char install_key[40], install_title[100], install_settings[300], removed_key[40];
	uint64_t install_ticket;
};

struct in_stage *
in_open(void); /* polls; "@UsherBot", groups: when addressed, privacy mode on, no channels, no bots */
void in_close(struct in_stage *stage);
void in_pass(struct in_stage *stage, uint64_t ms);

/* `'` to `"`, parsed. */
json_t *in_json(const char *text);

/* Takes the update with this number; what is the rest of its object ("'message':{...}"). Tickets are numbers below
 * IN_SEEN: that of the update. */
void in_take(struct in_stage *stage, unsigned number, const char *what);
/* A text of user 5 ("Ann Lee") in the chat of that user, or in group -100, as message 1000 + number; more: further
 * members of the message, beginning with a comma. */
void in_private(struct in_stage *stage, unsigned number, const char *text, const char *more);
void in_group(struct in_stage *stage, unsigned number, const char *text, const char *more);

/* The newest message, which must be the only one since `before`. */
const struct in_message *in_only(const struct in_stage *stage, size_t before);
void in_ack(struct in_stage *stage, size_t index, enum ack_how how);
/* The update was answered once, like this; not at all. */
void in_was(const struct in_stage *stage, unsigned number, enum telegram_taken how);
void in_waits(const struct in_stage *stage, unsigned number);
/* Dropped: nothing was handed over since `before`, and it is taken. */
void in_dropped(struct in_stage *stage, size_t before, unsigned number);

struct in_call *in_called(struct in_stage *stage, const char *method); /* the oldest that is not done */
void in_answer(struct in_stage *stage, struct in_call *call, const struct telegram_answer *answer);

#endif
