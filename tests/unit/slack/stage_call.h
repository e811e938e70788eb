/* Calls of the Web API by the tests of api.c, and what came of each. */
#ifndef STAGE_CALL_H
#define STAGE_CALL_H

#include "stage_net.h"

/* Of the latest answer; order counts all answers of a program. */
struct net_result {
	unsigned count, order;
	enum slack_how how;
	char error[120], needed[60], scopes[120], ts[40];
	unsigned retry_ms;
	bool harmless;
	/* what the callback does then */
	struct net_stage *stage;
	struct net_result *next;
	uint64_t cancels;
};

/* args: JSON text or NULL. The callback checks that the ticket is 77. */
void net_call(struct net_stage *stage, struct net_result *result, const char *method, const char *args,
	      const char *lane);
uint64_t net_call_with(struct net_stage *stage, struct net_result *result, struct slack_call wanted,
		       const char *args);
void net_came(struct platform *workspace, void *owner, uint64_t ticket, const struct slack_answer *answer);

/* One call to its end. */
struct net_result net_ask(struct net_stage *stage, const char *method);

#endif
