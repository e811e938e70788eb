/* REST calls on wires under the test's hand: nothing is answered before the test says so, and the time stands still
 * (stage_loop.h). The functions in the places of the room's own are called wire_NAME (tests.mk). */
#ifndef STAGE_REST_H
#define STAGE_REST_H

#include "mem.h"
#include "rest_room.h"
#include "stage_loop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIRE_SENT = 7000 };
#define WIRE_TOKEN "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"

/* A request that left. Parts are joined as "name|file name|type|contents\n". */
struct wire_sent {
	char *method, *url, *headers, *body, *parts; /* headers joined by \n */
	unsigned total_ms;
	uint64_t id, at;
	bool ended;
	http_done_fn *done;
	void *owner;
	uint64_t ticket;
};

struct wire_stage {
	struct platform_host host;
	struct log log;
	struct platform bot;
	struct wire_sent sent[WIRE_SENT];
	size_t sent_count;
	const char *headers; /* of the answer being told */
	unsigned deads;
	char dead_why[REST_WHY_MAX];
};

/* What came of a call; order counts all answers of a program. */
struct wire_result {
	unsigned count, order;
	enum discord_how how;
	enum discord_refusal refusal;
	int status, code;
	unsigned retry_ms;
	char why[REST_WHY_MAX], body[400];
	struct wire_stage *stage; /* set: the callback makes another call, which `next` gets */
	struct wire_result *next;
	uint64_t cancels; /* and cancels this one */
};

struct wire_stage *wire_open(void);
void wire_close(struct wire_stage *stage);

/* args: JSON text or NULL. */
uint64_t wire_call(struct wire_stage *stage, struct wire_result *result, struct discord_call wanted,
		   const char *args);
/* "POST /channels/123/messages", without wait for an answer. */
uint64_t wire_ask(struct wire_stage *stage, struct wire_result *result, const char *line);
uint64_t wire_drop(struct wire_stage *stage, struct wire_result *result, const char *line); /* droppable */

/* Answers the n-th request. headers: "name: value\n..." or "". */
void wire_answer(struct wire_stage *stage, size_t n, int status, const char *headers, const char *body);
void wire_ok(struct wire_stage *stage, size_t n, const char *headers); /* 200 {"id":"1"} */
void wire_fail(struct wire_stage *stage, size_t n, enum http_how how, const char *why);
size_t wire_open_count(const struct wire_stage *stage); /* requests without an answer */
/* One call to its end, answered so. */
struct wire_result wire_once(struct wire_stage *stage, const char *line, int status, const char *headers,
			     const char *body);

#endif
