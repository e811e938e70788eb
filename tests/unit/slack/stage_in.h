/* A workspace that takes payloads in: the core notes what it is given and answers as the test says; acknowledgements,
 * signs of life and removals are noted too. Stands on stage_out.h: calls, loop and clock are the test's. */
#ifndef STAGE_IN_H
#define STAGE_IN_H

#include "inbound.h"
#include "stage_out.h"

enum { IN_SEEN = 64 };

struct in_message {
	enum incoming_kind kind;
	uint64_t receipt;
	unsigned flags;
	int64_t sent_ms;
	size_t file_count;
	char *delivery, *semantic, *sender, *sender_name, *conversation, *text, *reply_to, *target, *scope,
		*cursor, *file_url, *file_name;
};

struct in_stage {
	struct out_stage *out;
	struct platform *workspace;
	struct slack *app;
	struct in_message messages[IN_SEEN];
	size_t count;

	unsigned oks, laters, bads, works, prompts, stops, removals, contexts;
	bool newcomer; /* the core's answers name no conversation */
	unsigned retry_ms;
	uint64_t acked_id; /* of the last acknowledgement */
	char work_title[200], prompt_thread[80], stopped_ts[80], removed_why[200];
	char *context;
};

struct in_stage *in_open(void); /* T1, our user UBOT; names of U1 (Ann) and C1 are asked when first met */
void in_close(struct in_stage *stage);

/* Takes this payload; `'` stands for `"`. Each gets the next number as from.id. Returns it. */
uint64_t in_take(struct in_stage *stage, enum slack_payload kind, const char *json);

/* An event in an envelope with this id. */
uint64_t in_event(struct in_stage *stage, const char *event_id, const char *event);

/* All names that are asked now: people are called "Name of ID", channels too. */
void in_name(struct in_stage *stage);

/* The newest message, which must be the only one since `before`. */
const struct in_message *in_only(const struct in_stage *stage, size_t before);

/* The core's answer to the message with this number. */
void in_ack(struct in_stage *stage, size_t index, enum ack_how how);

/* `'` to `"`, parsed. */
json_t *in_json(const char *text);

#endif
