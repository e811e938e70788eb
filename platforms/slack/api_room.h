/* Calls of the Web API from the inside: what the api*.c files share.
 *
 *   slack_api -> waiting -> (pace, lane) -> running -> answered
 *                                              token_expired -> refreshing -> running, once
 */
#ifndef USHER_SLACK_API_ROOM_H
#define USHER_SLACK_API_ROOM_H

#include "buf.h"
#include "pace.h"
#include "slack_room.h"

/* ---- api_method.c: every method we call, in one table ---------------------------------------------------- */

enum slack_body { SLACK_FORM, SLACK_JSON };

struct slack_method {
	const char *name;
	enum slack_body body;
	unsigned per_minute; /* what the platform grants at least */
	bool harmless;	     /* doing it twice is the same as doing it once (sheet 17) */
	bool posts;	     /* a new message: one a second in its lane, and 429 is about the lane */
};

/* NULL: not in the table. */
const struct slack_method *slack_method_find(const char *name);

/* A rate below what is granted: in any minute burst and steady flow stay under it. */
struct pace slack_method_pace(const struct slack_method *method);

/* ---- api_body.c: requests ---------------------------------------------------------------------------------- */

/* args as the method wants them, appended. Objects in a form are JSON texts (sheet 13.1). */
void slack_body_write(struct buf *out, enum slack_body body, const json_t *args);

/* "authorization: Bearer ..." or Basic; NULL when there are bytes in it that no header may hold. The caller frees. */
char *slack_authorization(const char *token, const char *basic);

/* ---- api_error.c: what an answer means (sheet 13.2, durability.md 2.5) -------------------------------------- */

enum slack_error_class {
	SLACK_ERROR_CALL,      /* about this call: the caller's matter */
	SLACK_ERROR_DEAD,      /* the token is refused for good */
	SLACK_ERROR_EXPIRED,   /* a fresh token may work */
	SLACK_ERROR_LIMITED,   /* too fast */
	SLACK_ERROR_LATER,     /* not done, later it may be */
	SLACK_ERROR_AMBIGUOUS, /* may be done in part */
	SLACK_ERROR_CONFIG,    /* rights or settings: for the operator */
	SLACK_ERROR_GONE,      /* the method is not there any more */
	SLACK_ERROR_BUG,       /* we said something wrong */
};

/* An answer of the API, or (plain) of a response_url, which says "ok", JSON or the text of an error (sheet 9).
 * Borrows from http and from what is kept here until slack_reading_finish. */
struct slack_reading {
	struct slack_answer answer;
	enum slack_error_class class;
	json_t *document;
	char why[100];
};
void slack_reading_begin(struct slack_reading *reading_out, const struct http_answer *http, bool plain);
void slack_reading_finish(struct slack_reading *reading);

/* ---- api.c ------------------------------------------------------------------------------------------------- */

enum {
	API_WAITING_MAX = 2000,	      /* calls of one workspace that wait for their turn */
	API_WAITING_BYTES = 16 << 20, /* and the bytes of their bodies */
	API_WAIT_MS = 10000,	      /* longest wait unless the call says otherwise */
	API_TOTAL_MS = 15000,	      /* of the request unless the call says otherwise */
	API_UPLOAD_MS = 75000, /* of a file: with the calls around it, it ends before the outbox gives up */
	API_ANSWER_MAX = 8 << 20, /* bytes: a page of history with its blocks */
	API_LANE_MS = 1000,	  /* between messages in one channel */
	API_LANE_BURST = 3,	  /* messages at once in one channel after a rest */
	API_LANES_SWEPT = 256,	  /* from so many on, lanes at rest are forgotten */
	API_RETRY_MS = 5000,	  /* after a limit that does not say how long */
};

enum api_state { API_WAITING, API_RUNNING, API_REFRESHING, API_DECIDED, API_ENDED };

struct api_pace_of {
	const struct slack_method *method;
	struct pace pace;
	unsigned waiting;    /* calls */
	char complained[48]; /* the error that was logged last; said once until the method works again */
	UT_hash_handle hh;   /* lanes->methods, by the method's address */
};

/* What goes out one after the other: a channel. */
struct api_lane {
	struct pace posts;
	unsigned waiting, posting; /* calls that wait, and those among them that post */
	bool busy;		   /* one of it is under way */
	uint64_t blocked;	   /* the round in which an earlier one of it has to wait */
	UT_hash_handle hh;	   /* lanes->lanes, by key */
	char key[];
};

struct api_call {
	struct slack_lanes *lanes;
	uint64_t id, http_id;
	enum api_state state;
	struct api_pace_of *method; /* NULL for a response_url */
	struct api_lane *lane;	    /* or NULL */
	char *url, *authorization;  /* authorization: of a token of its own; NULL: the workspace's, or none */
	char *used;		    /* the workspace's token it went out with, or NULL */
	bool in_lane;		    /* its lane is busy with it */
	bool fresh;		    /* went out again with a newer token; not twice */
	struct buf body;
	struct outgoing_file *upload; /* instead of a body, or NULL */
	enum slack_body form;
	unsigned total_ms;
	uint64_t deadline;	     /* to begin by */
	struct slack_answer decided; /* its error is a literal */
	slack_api_fn *fn;
	void *owner;
	uint64_t ticket;
	struct api_call *prev, *next; /* lanes->waiting or lanes->decided */
	UT_hash_handle hh;	      /* lanes->calls, by id */
};

struct slack_lanes {
	struct platform *workspace;
	struct api_pace_of *methods;
	struct api_lane *lanes;
	struct api_call *calls;		    /* all, in the order they came */
	struct api_call *waiting, *decided; /* by their state */
	unsigned waiting_count;
	size_t waiting_bytes;
	uint64_t last_id, round;
	bool refreshing;	  /* slack_fresh has been asked */
	struct loop_timer *timer; /* when something of the waiting may go, or must be told */
};

/* api_queue.c: who waits for what */
struct api_pace_of *slack_api_method_of(struct slack_lanes *lanes, const struct slack_method *method);
struct api_lane *slack_api_lane_of(struct slack_lanes *lanes, const char *key);
void slack_api_lane_done(struct slack_lanes *lanes, struct api_lane *lane); /* the one under way has ended */
uint64_t slack_api_wait(const struct api_call *call,
			uint64_t now_ms); /* for pace and pauses, all ahead counted */
bool slack_api_queue_full(const struct slack_lanes *lanes, size_t bytes);
void slack_api_queue(struct api_call *call);
void slack_api_unqueue(struct api_call *call);
/* The next call that may go now, taken from the queue, its lane and rates charged; or one that has waited too long
 * (*late_out). NULL: none, and *wait_out says for how long (UINT64_MAX: until something ends). */
struct api_call *slack_api_next(struct slack_lanes *lanes, uint64_t now_ms, bool *late_out,
				uint64_t *wait_out);

#endif
