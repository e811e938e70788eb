/* Socket Mode from the inside: what socket.c (how many connections, and when) and conn.c (one of them) share. */
#ifndef USHER_SLACK_SOCKET_ROOM_H
#define USHER_SLACK_SOCKET_ROOM_H

#include "frame.h"
#include "transport.h"
#include "ws.h"

enum conn_state {
	CONN_HANDSHAKE, /* from the name to the end of the upgrade */
	CONN_GREETING,	/* the platform owes us its hello */
	CONN_READY,
	CONN_DRAINING, /* another one is ready; this one still delivers and gets what it is owed */
	CONN_CLOSING,  /* our close frame is out; nothing is taken from it any more */
};

/* One connection. Its number goes with each payload, so that an acknowledgement never takes another way. */
struct conn {
	uint64_t number;
	struct slack_sockets *sockets;
	struct ws *ws;
	enum conn_state state;
	bool leaving;	/* the platform will close it soon: a successor is wanted */
	size_t owed;	/* payloads handed over and not acknowledged yet */
	uint64_t since; /* of the state, loop milliseconds */
	struct loop_timer *timer;
	struct conn *prev, *next; /* sockets->conns, oldest first */
};

/* Milliseconds unless they say _s; sheet 6.6 and 6.7. Tests make them short. */
struct socket_times {
	unsigned hello;	 /* from the upgrade to hello */
	unsigned linger; /* a draining connection may still bring something for so long */
	unsigned drain;	 /* and is closed after this long in any case */
	unsigned
		cut; /* from our close frame to cutting the connection, which the platform often leaves open */
	unsigned first;	  /* pause after the first failure; doubles */
	unsigned longest; /* up to this */
	unsigned steady;  /* a connection that was ready for so long makes the next failure the first again */
	unsigned too_many; /* pause after too_many_websockets */
	unsigned disabled; /* pause while Socket Mode is switched off */
	unsigned refused;  /* pause after a refusal that only people can cure */
	unsigned ping_s;   /* seconds of silence after which we ask, and after which it is dead */
	unsigned dead_s;
};

enum { CONNS_MAX = 3 }; /* two, and one that drains */

struct slack_sockets {
	struct slack *app;
	struct socket_times times;
	bool wanted; /* started and not stopped */
	struct conn *conns;
	uint64_t last_number;
	uint64_t call; /* apps.connections.open under way, or 0 */
	struct loop_timer *retry;
	bool retrying;	     /* it runs: nothing is opened before */
	uint64_t hold_until; /* nothing shortens the pause before this, loop milliseconds */
	unsigned failures;   /* since a connection was steady */
};

/* conn.c */
struct conn *slack_conn_open(struct slack_sockets *sockets, const char *url, struct err *err);
void slack_conn_drain(struct conn *conn);
void slack_conn_close(struct conn *conn); /* close frame now, cut soon after */
void slack_conn_cut(struct conn *conn);	  /* frees it; slack_sockets_gone is not called */

/* socket.c, told by conn.c */
void slack_sockets_ready(struct conn *conn, const char *app_id); /* hello came */
void slack_sockets_leaving(struct conn *conn, enum slack_disconnect why);
/* It ended by itself, in this state, and is no longer among the conns; the pointer dies afterwards. */
void slack_sockets_gone(struct conn *conn, enum conn_state state, const char *why);
void slack_sockets_counted(struct slack_sockets *sockets); /* a connection came or went */

#endif
