/* The platform on real sockets of this machine: its Web API, its web sockets and whoever posts to us, all in one loop
 * with an app under test. The rest of the room is replaced by --wrap (tests.mk): what is taken, the link, tokens. */
#ifndef STAGE_NET_H
#define STAGE_NET_H

#include "clock.h"
#include "io.h"
#include "mem.h"
#include "slack_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NET_SEEN = 3000, NET_SOCKETS = 200, NET_ANSWERS = 50 };

/* A request to the Web API, or to a response_url. */
struct net_seen {
	char *method, *authorization, *type, *body;
	uint64_t web_id;
	bool held;
};

/* What the Web API says next; the default is {"ok":true}. */
struct net_answer {
	int status;
	const char *body;
	const char *header, *value; /* one more header, or NULL */
};

/* The platform's end of a connection. */
struct net_socket {
	struct web_socket *socket; /* NULL: gone */
	unsigned acks;
	char last[4096]; /* the newest text it got */
};

struct net_taken {
	struct slack_from from;
	enum slack_payload kind;
	char *payload;
};

enum net_reply { NET_OK, NET_LATER, NET_BAD, NET_SILENT };

struct net_stage {
	struct platform_host host;
	struct io *io;
	struct web *web;
	struct http *http;
	struct log log;
	struct slack app;
	struct platform root;
	char *base;
	struct loop_timer *tick;

	/* the Web API */
	struct net_seen seen[NET_SEEN];
	size_t seen_count;
	struct net_answer answers[NET_ANSWERS];
	size_t answer_next, answer_count;
	bool hold; /* requests wait for net_let_go */

	/* Socket Mode */
	const char *ws_url; /* given instead of the right one, or NULL */
	bool no_hello, no_upgrade;
	const char *hello_app;
	struct net_socket sockets[NET_SOCKETS];
	size_t socket_count, open_sockets, most_sockets;

	/* what the rest of the room heard */
	struct net_taken taken[NET_SEEN];
	size_t taken_count;
	enum net_reply reply; /* at once */
	const char *reply_payload;
	unsigned links, ups, downs;
	enum link_state link;
	char link_why[400];
	unsigned deads, freshes;
	char dead_why[100];
	enum { NET_FRESH, NET_STALE, NET_DEAD } fresh;
};

struct net_stage *net_open(void);
void net_close(struct net_stage *stage);

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

void net_say(struct net_stage *stage, int status, const char *body);
void net_say_header(struct net_stage *stage, int status, const char *body, const char *header,
		    const char *value);
void net_let_go(struct net_stage *stage);			     /* the oldest request that is held */
size_t net_held(const struct net_stage *stage);			     /* how many are */
size_t net_asked(const struct net_stage *stage, const char *method); /* how often */

void net_send(struct net_stage *stage, size_t socket, const char *text);
void net_hello(struct net_stage *stage, size_t socket);
char *net_url(struct net_stage *stage, const char *path); /* the caller frees */

#endif
