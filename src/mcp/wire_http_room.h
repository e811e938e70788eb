/* The wire over HTTP from inside:
 *
 *   wire_http.c         the wire itself: what waits and goes out, its session, its end
 *   wire_http_post.c    one message sent, and what came back
 *   wire_http_stream.c  event streams: taken up again, the server's own messages, the old transport
 *   wire_http_status.c  what a status of HTTP means, in words
 *
 * An exchange is one message of ours until its answer is here, or a stream of the server's. It has at most one call of
 * HTTP at a time; between two it waits for its timer. Each event may destroy the wire: after one, look at its dead and
 * down before anything else. (sheet 5 and 6) */
#ifndef USHER_WIRE_HTTP_ROOM_H
#define USHER_WIRE_HTTP_ROOM_H

#include "http.h"
#include "mcp_room.h"
#include "sse.h"

enum {
	HTTP_EXCHANGES_MAX = 256,    /* of one wire, waiting ones included */
	HTTP_WAITING_MAX = 16 << 20, /* bytes of messages that have not gone out */
	HTTP_STREAM_MAX = 256 << 20, /* bytes of one stream that answers a request */
	HTTP_ID_MAX = 1024,	     /* bytes of an event's id, and of a session's */
	HTTP_SLACK_MS = 5000,	     /* rpc.c gives up first */
	HTTP_NOTE_MS = 30 * 1000,    /* for a message that gets no answer */
	HTTP_DELETE_MS = 3000,	     /* to say goodbye */
	HTTP_GRACE_MS = 5000,	     /* for a server that has answered and does not close the stream */
	HTTP_RESUMES_MAX = 3,	     /* in a row, without anything new */
	HTTP_REST_FIRST_MS = 1000,
	HTTP_REST_MAX_MS = 60 * 1000,
	HTTP_ENDPOINT_MS = 30 * 1000, /* until an old server has told where to send to */
};

enum exchange_kind {
	EXCHANGE_POST,
	EXCHANGE_LISTEN, /* the stream of the server's own messages */
	EXCHANGE_OLD,	 /* the stream of the transport of 2024-11-05: it carries all */
	EXCHANGE_DELETE,
};

enum exchange_body { BODY_UNKNOWN, BODY_JSON, BODY_EVENTS, BODY_OTHER };

struct exchange {
	struct wire *wire;
	struct exchange *prev, *next;
	enum exchange_kind kind;
	int64_t id;			     /* of our request; 0: nobody waits */
	bool initialize, initialized, reply; /* reply: our answer to the server */
	bool answered, waits;		     /* waits: in wire->waiting, else in wire->running */
	bool reading, dropped;		     /* dropped while its bytes are being read: freed afterwards */
	char *text;			     /* until it is sent; of initialize until it is answered */
	char **headers; /* of its own, ended by NULL; or NULL: a version with a handshake */
	size_t len;
	uint64_t until_ms; /* by loop_now_ms, 0: for ever */

	uint64_t call; /* of HTTP, 0: none */
	enum exchange_body body;
	struct buf json;
	struct sse sse;
	struct err err; /* why reading was stopped */

	bool resumes;  /* its call is a GET with Last-Event-ID */
	char *last_id; /* or NULL */
	bool heard;    /* something came on this call */
	bool has_retry;
	unsigned retry_ms, fails;
	struct loop_timer *timer;
};

struct wire {
	struct loop *loop;
	struct http *http;
	const struct log *log;
	const struct mcp_config *config;
	const struct wire_events *events;
	void *owner;
	struct exchange *waiting, *running;
	size_t count, waiting_bytes;
	char *session, *endpoint; /* endpoint: set by an old server */
	char version[24];
	bool old, closing, down, dead;
	struct err first; /* of the POST after which the old transport is tried */
	unsigned busy;	  /* calls of ours on the stack: the memory goes when the last returns */
	struct loop_timer *timer;
};

/* ---- wire_http.c -------------------------------------------------------------------------------------------- */

void wire_enter(struct wire *wire);
void wire_leave(struct wire *wire);

struct exchange *exchange_create(struct wire *wire, enum exchange_kind kind);
void exchange_free(struct exchange *exchange); /* one that was dropped while it was read */

/* To what runs, or back to the front of what waits. */
void exchange_move(struct exchange *exchange, bool waits);
void exchange_drop(
	struct exchange
		*exchange); /* out of its list, its call cancelled, freed as soon as nobody reads it */

/* Starts its call; method and headers follow from what it is. */
void exchange_go(struct exchange *exchange);

/* Its time comes after this: then it is taken up again, or given up, by what it is. */
void exchange_wait(struct exchange *exchange, unsigned delay_ms);

/* Starts what may go now. */
void wire_pump(struct wire *wire);

/* The end of all of it. Only from callbacks of http or timers. */
void wire_fall(struct wire *wire, enum wire_end how, const struct err *err);

/* The exchange is over: err of its request when that has no answer yet. Frees it. */
void exchange_settle(struct exchange *exchange, const struct err *err);

/* Passes on one message or a batch; notes the answer of its own request. False: the exchange is gone. */
bool exchange_take(struct exchange *exchange, const char *text, size_t len, struct err *err);

/* Keeps the session's id when the server gave one; value may be NULL. */
void wire_note_session(struct wire *wire, const char *value);

/* ---- wire_http_post.c ---------------------------------------------------------------------------------------- */

bool exchange_data(void *owner, uint64_t ticket, const char *data, size_t len);
void exchange_done(void *owner, uint64_t ticket, const struct http_answer *answer);

/* Acts on an answer that is no success, or none at all. Frees the exchange. */
void exchange_refused(struct exchange *exchange, const struct http_answer *answer);

/* ---- wire_http_stream.c -------------------------------------------------------------------------------------- */

void stream_time(struct exchange *exchange); /* what was waited for did not come, or the pause is over */
bool stream_feed(struct exchange *exchange, const char *data, size_t len);
void stream_post_ended(struct exchange *exchange,
		       const struct http_answer *answer); /* of a POST, or taken up again */
void stream_listen(struct wire *wire);
void stream_listen_ended(struct exchange *exchange, const struct http_answer *answer);
void stream_old(struct exchange *initialize, const struct err *err); /* err: what the new transport said */
void stream_old_ended(struct exchange *exchange, const struct http_answer *answer);

/* ---- wire_http_status.c (pure) -------------------------------------------------------------------------------- */

enum status_means {
	STATUS_LOST,	/* this request only; err has the kind that wire_events.lost wants */
	STATUS_EXPIRED, /* the session */
	STATUS_REFUSED, /* nothing changes by trying again */
	STATUS_OLD,	/* try the old transport */
};

struct status_said {
	int status;
	const char *type, *body; /* of the answer; "" when none */
	size_t len;
	const char *challenge, *location; /* WWW-Authenticate, Location; or NULL */
	bool session;			  /* one was named */
	bool initialize;
	bool token; /* credentials were sent */
};

enum status_means status_judge(const struct status_said *said, struct err *err_out);

/* By the media type alone: parameters and the case of letters do not matter. */
enum exchange_body status_body(const char *type);

/* Visible ASCII, not empty and not too long: what may stand in a header. */
bool status_header_fits(const char *value);

#endif
