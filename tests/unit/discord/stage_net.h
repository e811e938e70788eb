/* The platform on a real socket of this machine, REST API and files, in one loop with a bot whose calls are under test. */
#ifndef STAGE_NET_H
#define STAGE_NET_H

#include "clock.h"
#include "io.h"
#include "mem.h"
#include "rest_room.h"
#include "web.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LO_TOKEN "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"

struct lo_stage;
/* Every request comes here: answer it. */
typedef void lo_request_fn(struct lo_stage *stage, struct web_request *request);

struct lo_stage {
	struct platform_host host;
	struct io *io;
	struct web *web;
	struct http *http;
	struct log log;
	struct platform bot;
	char *base; /* "http://127.0.0.1:PORT" */
	char *api;
	struct loop_timer *tick;
	lo_request_fn *fn;
	void *own; /* the test's */
};

/* Paths of up to eight parts, below /api/v10 (the REST API) and elsewhere. */
struct lo_stage *lo_open(lo_request_fn *fn);
void lo_close(struct lo_stage *stage);
void lo_step(struct lo_stage *stage);
#define LO_WAIT(stage, condition)                                                                            \
	do {                                                                                                 \
		uint64_t lo_end = clock_mono_ms() + 20000;                                                   \
		while (!(condition)) {                                                                       \
			if (clock_mono_ms() > lo_end)                                                        \
				fail_msg("did not happen in time: %s", #condition);                          \
			lo_step(stage);                                                                      \
		}                                                                                            \
	} while (0)

#endif
