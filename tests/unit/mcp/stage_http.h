/* A wire over HTTP whose calls and whose time are under the test's hand: nothing is answered before the test says so.
 * The functions in the places of io's own are called net_NAME (tests.mk), those of the loop in_NAME (stage_loop.h). */
#ifndef STAGE_HTTP_H
#define STAGE_HTTP_H

#include "buf.h"
#include "http.h"
#include "mcp_room.h"
#include "stage_loop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NET_CALLS = 600 };

struct net_call {
	char *line, *headers, *body; /* "POST http://..."; headers "Name: value\n..." */
	bool ended, cancelled;
	unsigned total_ms;
	http_data_fn *data;
	http_done_fn *done;
	void *owner;
	uint64_t at;
};

struct net_stage {
	struct wire *wire;
	struct mcp_config config;
	const char *given[4];
	struct net_call calls[NET_CALLS];
	size_t count;
	struct buf
		seen; /* what the wire told: "message {...}\n", "lost 3 unsure: why\n", "down ended: why\n" */
	bool destroys;	     /* the next event destroys the wire */
	int64_t forgets;     /* the next event forgets this request */
	const char *headers; /* of the answer being told */
};

struct net_stage *net_open(void); /* http://a.example/mcp, token "swordfish-1" and a header X-Team: red */
void net_close(struct net_stage *stage);

bool net_send(struct net_stage *stage, const char *text, int64_t id, const char *method);
/* POST number 1 answered by JSON; session: its id, or NULL; initialized is sent and accepted as POST 2. When the wire
 * asks for a stream, that is call 3. */
void net_begin(struct net_stage *stage, const char *session);
void net_call_tool(struct net_stage *stage, int64_t id); /* sends tools/call */

/* Bytes of a 2xx answer to call n (from 1). headers: "Name: value\n". Returns what on_data said. */
bool net_data(struct net_stage *stage, size_t n, const char *headers, const char *bytes);
void net_end(struct net_stage *stage, size_t n, int status, const char *headers, const char *body);
void net_break(struct net_stage *stage, size_t n, enum http_how how, const char *why);
/* A whole answer: its bytes if it is a success, then its end. */
void net_answer(struct net_stage *stage, size_t n, int status, const char *headers, const char *body);

const char *net_seen(struct net_stage *stage); /* since the last look */
bool net_has(const struct net_stage *stage, size_t n, const char *header);

#define EVENTS "Content-Type: text/event-stream\n"
#define JSON   "Content-Type: application/json\n"

#endif
