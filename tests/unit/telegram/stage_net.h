/* The platform on real sockets of this machine: its Bot API and whoever posts to us, in one loop with a bot under test.
 * The rest of the room is replaced by --wrap (tests.mk): what is taken, dead tokens. */
#ifndef STAGE_NET_H
#define STAGE_NET_H

#include "clock.h"
#include "io.h"
#include "mem.h"
#include "telegram_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NET_SEEN = 1000, NET_ANSWERS = 60 };
#define NET_TOKEN "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"

/* A request to the Bot API. */
struct net_seen {
	char *token, *method, *type, *body;
	size_t len;
	json_t *args; /* NULL: not JSON */
	uint64_t web_id;
	bool held;
};

/* What the Bot API says next to a method (NULL: to any); the default is {"ok":true,"result":true}, and for getUpdates
 * to wait, as it does when there is nothing. */
struct net_answer {
	const char *method;
	int status;
	char *body;
	const char *header, *value; /* one more header, or NULL */
	bool used;
};

/* An update that was handed over. */
struct net_taken {
	int64_t id;
	char *text;
	telegram_taken_fn *fn;
	void *owner;
	uint64_t ticket;
	bool told;
};

struct net_stage {
	struct platform_host host;
	struct io *io;
	struct web *web;
	struct http *http;
	struct log log;
	struct platform bot;
	char *base;
	struct loop_timer *tick;

	struct net_seen seen[NET_SEEN];
	size_t seen_count;
	struct net_answer answers[NET_ANSWERS];
	size_t answer_count;
	bool hold; /* requests wait for net_let_go */

	struct net_taken taken[NET_SEEN];
	size_t taken_count;
	enum { NET_TAKEN, NET_LATER, NET_SILENT } reply; /* at once */
	unsigned later_ms;
	unsigned links, ups, downs;
	enum link_state link;
	char link_why[400];
	unsigned deads;
	char dead_why[100];
};

struct net_stage *net_open(void);
void net_close(struct net_stage *stage); /* destroys what is left of the bot */

/* One short turn of the loop; a condition is waited for with a bound. */
void net_step(struct net_stage *stage);
#define NET_WAIT(stage, condition)                                                                           \
	do {                                                                                                 \
		uint64_t net_end = clock_mono_ms() + 20000;                                                  \
		while (!(condition)) {                                                                       \
			if (clock_mono_ms() > net_end)                                                       \
				fail_msg("did not happen in time: %s", #condition);                          \
			net_step(stage);                                                                     \
		}                                                                                            \
	} while (0)
void net_rest(struct net_stage *stage); /* some turns in which nothing should happen */

/* What is said to the next request of this method. body is a format. */
void net_say(struct net_stage *stage, const char *method, int status, const char *body, ...)
	__attribute__((format(printf, 4, 5)));
void net_let_go(struct net_stage *stage);			     /* the oldest request that is held */
size_t net_held(const struct net_stage *stage);			     /* how many are */
size_t net_asked(const struct net_stage *stage, const char *method); /* how often */
/* The n-th request of this method, from 0. */
const struct net_seen *net_request(const struct net_stage *stage, const char *method, size_t n);
void net_reply(struct net_stage *stage, size_t taken, enum telegram_taken how, unsigned retry_ms);
char *net_url(struct net_stage *stage, const char *path); /* the caller frees */

#endif
