/* Calls of the Bot API by the tests of api.c, and what came of each. */
#ifndef STAGE_CALL_H
#define STAGE_CALL_H

#include "stage_net.h"

/* Of the latest answer; order counts all answers of a program. */
struct net_result {
	unsigned count, order;
	enum telegram_how how;
	enum telegram_refusal refusal;
	int code;
	char why[400], result[200];
	int64_t moved_to;
	unsigned retry_ms;
	bool too_large, unread;
	/* what the callback does then */
	struct net_stage *stage;
	struct net_result *next;
	uint64_t cancels;
};

/* args: JSON text or NULL. The callback checks that the ticket is 77. */
uint64_t net_call(struct net_stage *stage, struct net_result *result, struct telegram_call wanted,
		  const char *args);

/* A message to this chat. */
uint64_t net_message(struct net_stage *stage, struct net_result *result, int64_t chat);

/* One call to its end. */
struct net_result net_ask(struct net_stage *stage, const char *method);

#endif
