/* Answers shown while they grow, shared by the files that show them. Loop thread only.
 *
 * What is shown is a preview: the final text replaces it (send.c), so nothing here is ever sent twice to be safe. */
#ifndef USHER_SLACK_STREAMS_H
#define USHER_SLACK_STREAMS_H

#include "buf.h"
#include "out.h"

enum streams_limits {
	STREAMS_MAX = 200,	    /* answers watched at a time; further ones are not shown growing */
	STREAM_CHARACTERS = 11000,  /* shown at most (sheet 12: 12,000 in one message) */
	STREAM_WAIT_MS = 1500,	    /* an answer that is over sooner is not worth a stream, */
	STREAM_LEAST = 80,	    /* nor is one of fewer characters */
	STREAM_OFF_MS = 3600000,    /* where streams do not exist, they are tried again after this */
	STREAM_FOREVER_MS = 600000, /* nothing was heard of the answer for so long: it is given up */
};

enum stream_state {
	STREAM_GATHERING, /* nothing is shown yet */
	STREAM_OPEN,	  /* shown, and grows */
	STREAM_LEFT,	  /* nothing more is shown; what is there waits for the final text */
};

/* One call at a time. */
enum stream_doing {
	STREAM_IDLE,
	STREAM_LOOKING,	 /* for what an earlier attempt left */
	STREAM_STARTING, /* a stream, or a message that will be edited */
	STREAM_ADDING,	 /* more text */
	STREAM_STOPPING,
};

struct stream {
	uint64_t id;
	struct platform *workspace;
	char *uuid; /* the first message answered */
	struct slack_place place;
	unsigned attempt;
	enum stream_state state;
	enum stream_doing doing;
	bool edits; /* a message is edited instead */
	bool look; /* an earlier attempt may have left something: look before starting, or before the final text */
	bool unsure;		   /* our own start may have worked: look before the final text */
	unsigned looks;		   /* in vain */
	bool streaming;		   /* Slack takes it for open */
	bool stop;		   /* close it without waiting for the final text */
	char ts[SLACK_ID_MAX + 1]; /* of what is shown, "" nothing */
	struct buf text;	   /* the answer so far, at most STREAM_CHARACTERS */
	size_t characters, received, shown, adding; /* in text; bytes of the answer; of text */
	char *edited;				    /* what the edited message says */
	char *editing;				    /* what it will say when the call has worked */
	uint64_t first_ms, touched_ms, added_ms, not_before_ms;
	uint64_t api;
	struct slack_lookup *lookup;
	slack_stream_end_fn *end; /* the final text waits */
	void *end_owner;
	uint64_t end_ticket;
	struct stream *prev, *next;
};

struct slack_streams {
	struct platform *workspace;
	struct stream *all; /* oldest first */
	size_t count;
	uint64_t last_id;
	struct loop_timer *tick;
	bool idle;			       /* nothing of them grows */
	uint64_t next_append_ms, next_edit_ms; /* the pace of the workspace, all its streams together */
	uint64_t off_until_ms;		       /* no streams here, edits instead */
};

/* stream.c: something that was waited for has happened; the stream may be gone afterwards. */
void stream_settle(struct stream *stream);
void stream_leave(struct stream *stream); /* nothing more is shown */
/* What is shown from now on is kept with the turn, before anything is added to it. */
void stream_placed(struct stream *stream, const char *ts);
uint64_t stream_now(const struct stream *stream);

/* stream_native.c, stream_edit.c: each begins one call if it is time for it. */
void stream_native_start(struct stream *stream);
void stream_native_add(struct stream *stream, size_t active);
void stream_native_stop(struct stream *stream);
void stream_edit_start(struct stream *stream);
void stream_edit_add(struct stream *stream);

#endif
