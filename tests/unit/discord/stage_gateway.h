/* The gateway on real sockets of this machine, in one loop with a bot under test. What is taken, what is remembered and
 * the REST API are the test's (--wrap, tests.mk: gate_NAME). */
#ifndef STAGE_GATEWAY_H
#define STAGE_GATEWAY_H

#include "clock.h"
#include "gateway_room.h"
#include "io.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GATE_SOCKETS = 60, GATE_TEXTS = 40, GATE_TAKEN = 1200, GATE_NOTES = 20 };

/* The platform's end of a connection. */
struct gate_socket {
	struct web_socket *socket; /* NULL: gone */
	char *path;
	json_t *texts[GATE_TEXTS]; /* what was said, beats aside */
	size_t count;
	unsigned beats;
	json_t *beat; /* d of the latest */
	int code;     /* it was closed with */
	void *zip;    /* the stream it compresses with */
};

struct gate_taken {
	struct discord_event event;
	char name[GATEWAY_NAME_SIZE];
	char *d;
};

struct gate_note {
	char *name, *text; /* text NULL: forgotten */
	unsigned writes;
};

struct gate_stage {
	struct platform_host host;
	struct io *io;
	struct web *web;
	struct http *http;
	struct log log;
	struct platform bot;
	char *base, *url;
	struct loop_timer *tick;
	int64_t clock_off_ms; /* the wall clock goes wrong by this */

	unsigned asked;		 /* GET /gateway/bot */
	enum discord_how answer; /* to it */
	int shards, concurrency, remaining, reset_after;

	bool no_hello, no_upgrade, no_acks;
	const char *hello; /* instead of the usual one */
	struct gate_socket sockets[GATE_SOCKETS];
	size_t socket_count;
	unsigned sessions, texts;

	struct gate_taken taken[GATE_TAKEN];
	size_t taken_count;
	bool keep;	   /* events are not answered at once */
	unsigned again_ms; /* the answer, when at once */

	struct gate_note notes[GATE_NOTES];
	size_t note_count;
	unsigned refuse_notes; /* so many of the next fail */
	bool silent_notes;     /* they are not answered */

	enum link_state link;
	unsigned ups, downs;
	char link_why[500];
	unsigned deads, settled;
	char dead_why[500];
};

struct gate_stage *gate_open(void);
void gate_close(struct gate_stage *stage);
void gate_step(struct gate_stage *stage);
void gate_rest(struct gate_stage *stage); /* some turns in which nothing should happen */
#define GATE_WAIT(stage, condition)                                                                          \
	do {                                                                                                 \
		uint64_t gate_end = clock_mono_ms() + 20000;                                                 \
		while (!(condition)) {                                                                       \
			if (clock_mono_ms() > gate_end)                                                      \
				fail_msg("did not happen in time: %s", #condition);                          \
			gate_step(stage);                                                                    \
		}                                                                                            \
	} while (0)

void gate_send(struct gate_stage *stage, size_t socket, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void gate_end(struct gate_stage *stage, size_t socket, int code);
/* Waits for the n-th connection and what it says first, which must have this opcode; its d, borrowed. */
const json_t *gate_said(struct gate_stage *stage, size_t socket, int op);
void gate_ready(struct gate_stage *stage, size_t socket);   /* after its IDENTIFY */
void gate_resumed(struct gate_stage *stage, size_t socket); /* after its RESUME */
void gate_message(struct gate_stage *stage, size_t socket, int seq, const char *channel);
struct gate_stage *gate_connected(void); /* one shard, ready; nothing is taken yet but READY */
const char *gate_note(const struct gate_stage *stage, const char *name); /* or NULL */
struct shard *gate_shard(struct gate_stage *stage, unsigned id);

#endif
