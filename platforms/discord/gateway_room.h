/* The gateway from the inside: what gateway.c (all shards), identify.c (who may identify, and when), shard.c (one connection),
 * shard_in.c (what comes on it), address.c (where it goes), beat.c (the heartbeat), taking.c (events until they are taken),
 * position.c (how far they were) and the readers of frames share (sheet 4 to 8). */
#ifndef USHER_DISCORD_GATEWAY_ROOM_H
#define USHER_DISCORD_GATEWAY_ROOM_H

#include "buf.h"
#include "discord_room.h"
#include "ws.h"

enum gateway_limits {
	GATEWAY_SHARDS_MAX = 200,    /* names that host->remember keeps */
	GATEWAY_HELD = 1000,	     /* events of a shard that are not taken yet */
	GATEWAY_HELD_MAX = 32 << 20, /* and their bytes */
	GATEWAY_PARSE_MAX =
		8 << 20, /* bytes of an event without what nobody reads; as values they take ten times that */
	GATEWAY_SENDS = 120,	   /* messages of ours in a minute, beats included (sheet 8) */
	GATEWAY_SENDS_KEPT = 5,	   /* of them for beats only */
	GATEWAY_RESUMES = 3,	   /* in a row that failed: the session is given up (sheet 6.4) */
	GATEWAY_NAME_SIZE = 64,	   /* of an event */
	GATEWAY_SESSION_MAX = 200, /* bytes of a session's id */
	GATEWAY_URL_MAX = 500,
	GATEWAY_WHY = 400,
};

/* ---- codes.c: opcodes and close codes (sheet 5, 7) --------------------------------------------------------- */

enum gateway_op {
	OP_DISPATCH = 0,
	OP_HEARTBEAT = 1,
	OP_IDENTIFY = 2,
	OP_PRESENCE = 3,
	OP_VOICE_STATE = 4,
	OP_RESUME = 6,
	OP_RECONNECT = 7,
	OP_REQUEST_MEMBERS = 8,
	OP_INVALID_SESSION = 9,
	OP_HELLO = 10,
	OP_HEARTBEAT_ACK = 11,
	OP_REQUEST_SOUNDS = 31,
	OP_REQUEST_CHANNEL_INFO = 43,
};

struct shard;
struct gateway_frame;

struct gateway_opcode {
	int op;
	const char *name;
	void (*take)(struct shard *shard, const struct gateway_frame *frame); /* NULL: it never comes to us */
	bool sent;							      /* by clients */
};
const struct gateway_opcode *discord_opcode(int64_t op); /* NULL: unknown, to be ignored */

/* What the opcodes do that come to us (shard_in.c). */
void discord_take_dispatch(struct shard *shard, const struct gateway_frame *frame);
void discord_take_heartbeat(struct shard *shard, const struct gateway_frame *frame);
void discord_take_reconnect(struct shard *shard, const struct gateway_frame *frame);
void discord_take_invalid(struct shard *shard, const struct gateway_frame *frame);
void discord_take_hello(struct shard *shard, const struct gateway_frame *frame);
void discord_take_ack(struct shard *shard, const struct gateway_frame *frame);

enum gateway_then {
	GATEWAY_RESUME,
	GATEWAY_RESUME_ONCE, /* if that fails, the session is gone */
	GATEWAY_IDENTIFY,    /* the session is gone */
	GATEWAY_WAIT,	     /* a minute at least, then RESUME */
	GATEWAY_STOP,	     /* until the settings change */
	GATEWAY_RESHARD,     /* with more shards; when the settings fix their number: stop */
};

struct gateway_close {
	int code; /* 0: none, the connection broke off; -1: any other */
	const char *name;
	enum gateway_then then;
	const char *help; /* cause and cure, for the operator; NULL when there is nothing to be done */
};
const struct gateway_close *discord_close_code(int code); /* never NULL */

/* ---- frame.c: one message of the gateway, found by its few keys ----------------------------------------------- */

struct gateway_frame {
	int64_t op;
	bool has_seq;
	uint64_t seq;
	char name[GATEWAY_NAME_SIZE]; /* of the event; "" none, or none that we could know */
	const char *d;		      /* in the text that was read; NULL: none, or null */
	size_t d_len;
};
/* Finds op, s, t and where d begins and ends; d is only skipped. False: not an object with one of each. Pure. */
bool discord_frame_read(struct gateway_frame *frame_out, const char *text, size_t len);

/* d of an event, without what nobody reads. NULL and err when it is larger than GATEWAY_PARSE_MAX or not JSON. The caller
 * releases. */
json_t *discord_frame_value(const char *name, const char *d, size_t len, struct err *err);
/* The same as text: what is kept of an event that has to wait. */
void discord_frame_trim(struct buf *out, const char *name, const char *d, size_t len);

/* ---- inflate.c: zlib-stream (sheet 8) -------------------------------------------------------------------------- */

enum inflate_how {
	INFLATE_MORE,  /* the message goes on in the next frame */
	INFLATE_WHOLE, /* it is complete */
	INFLATE_BAD,   /* broken, or larger than max: this connection is of no use any more */
};
struct discord_inflate;
struct discord_inflate *discord_inflate_create(size_t max);
/* *text_out is valid until the next call. err only with INFLATE_BAD. */
enum inflate_how discord_inflate_add(struct discord_inflate *inflate, const void *data, size_t len,
				     const char **text_out, size_t *len_out, struct err *err);
void discord_inflate_destroy(struct discord_inflate *inflate); /* takes NULL */

/* ---- address.c: where the gateway is. Pure ------------------------------------------------------------------------ */

/* The token goes only where TLS says who listens, or to this machine when the API itself is there, as in tests. text may
 * be NULL. */
bool discord_address_trusted(const struct discord_config *config, const char *text, bool *loopback_out);
/* A session is resumed only at a host of the domain that GET /gateway/bot named: "gateway-us-east1-b.discord.gg" of
 * "gateway.discord.gg". On this machine all are one. */
bool discord_address_kin(const char *main_url, const char *resume_url);
/* The same query for every address: the stored one has none (sheet 6.3). The caller frees. */
char *discord_address_whole(const struct discord_config *config, const char *base);

/* ---- one shard --------------------------------------------------------------------------------------------------- */

enum shard_state {
	SHARD_OFF,	   /* nothing is to be done */
	SHARD_PAUSE,	   /* until the next attempt */
	SHARD_FULL,	   /* until some of the events that wait are taken */
	SHARD_CONNECTING,  /* from the name to the end of the upgrade */
	SHARD_GREETING,	   /* HELLO is due */
	SHARD_QUEUED,	   /* may not identify yet */
	SHARD_IDENTIFYING, /* READY is due */
	SHARD_RESUMING,	   /* RESUMED is due; each event of the replay gives it more time */
	SHARD_READY,
	SHARD_CLOSING, /* our close frame is out, nothing is taken any more; then the attempt that `pause` says */
};

/* Milliseconds. Tests make them short. */
struct gateway_times {
	unsigned hello, ready, resumed;	    /* deadlines */
	unsigned cut;			    /* from our close frame to cutting the connection */
	unsigned first, longest;	    /* pauses after failures, doubled, 30 % more or less */
	unsigned steady;		    /* ready for so long: the next failure is the first again */
	unsigned again_least, again_spread; /* pause after an invalid session */
	unsigned limited;		    /* pause after 4008 */
	unsigned bucket, bucket_spread;	    /* between IDENTIFYs of one bucket */
	unsigned remember;		    /* how far everything was taken is written so often */
	unsigned beat_least;		    /* no shorter interval is believed */
	unsigned margin;		    /* "seen" stays so far behind, for clocks that differ */
	unsigned ask; /* pause when the addresses could not be asked for, doubled up to longest */
};
extern const struct gateway_times discord_gateway_times;

enum taking { TAKING_GIVEN, TAKING_WAITS };

/* One event from the moment it was handed over until it is taken. */
struct held_event {
	struct discord_event event;
	enum taking state;
	uint64_t life;	   /* of the session it came with */
	int64_t came_ms;   /* Unix milliseconds */
	snowflake channel; /* what is in one channel is kept in order; 0 none */
	bool waited;	   /* it could not be stored once, or stands behind such a one of its channel */
	uint64_t due;	   /* not handed over again before */
	char name[GATEWAY_NAME_SIZE];
	char *d; /* text, once it has to wait; NULL: none */
	size_t d_len;
	struct held_event *prev, *next;
};

struct shard {
	struct discord_gateway *gateway;
	unsigned id;
	enum shard_state state;
	struct ws *ws;		  /* NULL: no connection */
	struct loop_timer *timer; /* of the state */
	char why[GATEWAY_WHY];	  /* why it is not ready */

	/* one connection; all of it begins anew with the next */
	struct discord_inflate *inflate;
	struct loop_timer *beat;
	uint64_t interval;
	bool awaits_ack;
	uint64_t beat_at;     /* when the latest beat went out, loop milliseconds */
	int64_t beat_wall_ms; /* and by the other clock: until then everything has come once it is acknowledged */
	uint64_t sends[GATEWAY_SENDS]; /* when the latest went out, a ring */
	unsigned send_next;
	bool resumes; /* this connection is to resume, or did */
	uint64_t ready_at;

	/* what comes after the connection */
	uint64_t pause;	   /* with SHARD_CLOSING */
	unsigned failures; /* since it was steady */
	unsigned lost;	   /* RESUMEs in a row that were not answered with RESUMED */
	unsigned misses;   /* attempts in a row that did not come as far as HELLO */
	bool granted;	   /* its IDENTIFY is being written down */

	/* the session */
	char *session, *resume_url; /* NULL: none */
	uint64_t seq;		    /* the newest that came */
	bool has_seq;
	uint64_t life;	 /* counts sessions, so that numbers of one are not taken for another's */
	snowflake seen;	 /* up to here everything was taken */
	int64_t came_ms; /* up to here everything has come, Unix milliseconds */
	bool behind;	 /* a catch-up runs: seen stands still, and the session is not written down */

	/* events on their way */
	struct held_event *held; /* in the order they came */
	unsigned held_count;
	size_t held_bytes;
	struct loop_timer *again;

	/* what is durable */
	char *written; /* the note, NULL: none, or not known */
	char *writing; /* the one under way */
};

/* A note of an earlier process, until the number of shards is known. */
struct shard_note {
	unsigned id, shards;
	char *session, *url;
	uint64_t seq;
	snowflake seen;
	struct shard_note *next;
};

struct discord_gateway {
	struct platform *bot;
	struct gateway_times times;
	bool wanted; /* started and not stopped */
	bool for_good;
	struct shard *shards;
	unsigned count;	   /* of the shards; 0: not known yet */
	unsigned at_least; /* shards, after 4011 */
	struct shard_note *notes;
	char *url;     /* the main address, without its query */
	uint64_t call; /* GET /gateway/bot, or 0 */
	struct loop_timer *ask;
	unsigned ask_failures;
	uint64_t last_number;
	struct loop_timer *remember;
	bool remembering; /* the timer runs */

	/* identify.c */
	unsigned concurrency;
	uint64_t *buckets;	 /* [concurrency] not before, loop milliseconds */
	struct loop_timer *turn; /* to the next grant */
	unsigned remaining;	 /* as the platform says */
	uint64_t renewed;	 /* when that is renewed, loop milliseconds */
	int64_t since;		 /* of our own count, Unix milliseconds; 0 never */
	unsigned identifies;
	bool writing_count;

	bool shown;
	enum link_state link;
	char why[GATEWAY_WHY];
};

/* shard.c */
void discord_shard_open(struct shard *shard, struct discord_gateway *gateway, unsigned id);
void discord_shard_begin(struct shard *shard, uint64_t pause); /* connects after this pause */
void discord_shard_identify(struct shard *shard);	       /* it may now */
void discord_shard_stop(struct shard *shard);		       /* closes; SHARD_OFF in the end */
void discord_shard_close(struct shard *shard);		       /* frees what it has; no callback comes */
/* Ends the connection with a close code that keeps the session, and tries again after the pause that is due, or this one. */
void discord_shard_again(struct shard *shard, uint64_t least, const char *why);
void discord_shard_go(struct shard *shard, const char *why); /* the same, the first time without a pause */
void discord_shard_invalid(struct shard *shard, bool resumable); /* op 9 */
void discord_shard_greeted(struct shard *shard);		 /* HELLO came */
void discord_shard_ready(struct shard *shard);			 /* READY or RESUMED came */
void discord_shard_replayed(struct shard *shard);		 /* the replay goes on */
void discord_shard_resume_reading(struct shard *shard);		 /* some of what waited was taken */

/* shard_in.c: what comes on the connection */
void discord_shard_message(struct shard *shard, bool binary, const void *data, size_t len);

/* beat.c: the heartbeat, and the only way out, which keeps the platform's limits */
bool discord_shard_send(struct shard *shard, const char *text, size_t len, bool beat);
loop_fn discord_on_beat;
void discord_beat_start(struct shard *shard, uint64_t interval);
void discord_beat_stop(struct shard *shard);
void discord_beat_now(struct shard *shard);
void discord_beat_acked(struct shard *shard);

/* taking.c */
/* Hands an event over. False: too much waits, it was not taken note of. */
bool discord_taking_give(struct shard *shard, const struct gateway_frame *frame);
bool discord_taking_full(const struct shard *shard);
void discord_taking_hand_over(struct shard *shard); /* those again that may go now */
void discord_taking_forget(struct shard *shard);    /* all of them: later answers find nothing */

/* position.c */
void discord_position_ready(struct shard *shard, const json_t *ready); /* a new session */
void discord_position_begun(struct shard *shard);		       /* and READY was handed over */
void discord_position_drop(struct shard *shard);		       /* the session is gone */
void discord_position_moved(struct shard *shard); /* something was taken, or has come: written soon */
void discord_position_write(struct shard *shard); /* now, unless it is written already or must not be yet */
bool discord_position_written(const struct shard *shard); /* nothing is left to write */
void discord_position_rewind(struct shard *shard);	  /* what was not taken comes again */
bool discord_position_recall(struct discord_gateway *gateway, const char *name, const char *text);
void discord_position_give_out(struct discord_gateway *gateway);  /* the notes, to the shards */
void discord_position_take_back(struct discord_gateway *gateway); /* the shards' time, to notes */
void discord_position_forget_notes(struct discord_gateway *gateway);

/* identify.c */
void discord_identify_limits(struct discord_gateway *gateway, const json_t *limit); /* session_start_limit */
void discord_identify_wish(struct discord_gateway *gateway); /* a shard is SHARD_QUEUED */
/* How long no IDENTIFY may go out because of a budget, 0: it may. */
uint64_t discord_identify_wait(struct discord_gateway *gateway, char why_out[GATEWAY_WHY]);
bool discord_identify_recall(struct discord_gateway *gateway, const char *name, const char *text);

/* gateway.c, told by the shards */
void discord_gateway_changed(struct discord_gateway *gateway); /* of the link, or something has ended */
void discord_gateway_fatal(struct discord_gateway *gateway, const char *why);
void discord_gateway_reshard(struct discord_gateway *gateway);
void discord_gateway_count(const struct discord_gateway *gateway,
			   const char *how); /* attempts, by how they ended */
struct shard *discord_gateway_shard(const struct discord_gateway *gateway, unsigned id); /* or NULL */

#endif
