/* One answer on its way, shared by the files that send it. Loop thread only. */
#ifndef USHER_SLACK_SENDING_H
#define USHER_SLACK_SENDING_H

#include "out.h"

enum send_step {
	SEND_LOOKING, /* its stream is being ended, or its thread read */
	SEND_SETTLED, /* told in the next round */
	SEND_REPLACE, /* the message that was shown while it grew */
	SEND_CLOSE,   /* a stream that is still open */
	SEND_POST,
	SEND_RESPOND,	    /* to the response_url of a command, or of a shortcut where we are no member */
	SEND_WHISPER,	    /* a command's answer without a response_url: one person sees it */
	SEND_FILE_ASK,	    /* where a file can be put */
	SEND_FILE_UPLOAD,   /* it is being put there */
	SEND_FILE_HOLD,	    /* its id is being made durable */
	SEND_FILE_COMPLETE, /* it is being put into the channel */
	SEND_FILE_LOOK,	    /* whether it stands there */
};

struct sending {
	uint64_t ticket;
	struct platform *workspace;
	char *uuid, *text;
	char *choices; /* JSON, shown as buttons; or NULL */
	struct outgoing_file
		*upload;	  /* the answer is this file; else NULL, also when it is said where it is */
	char *file_id, *file_url; /* of it at the platform; url: of this attempt; or NULL */
	unsigned attempt;
	struct slack_place place;
	char **answers_to;
	size_t answers_to_count;
	unsigned part;
	bool feedback, buttons; /* below: ratings; anything, unless Slack does not want it */
	bool unsure;		/* nothing is posted before the thread was read */
	bool closed;		/* a stream that was still open was closed once */
	bool changes;		/* what was sent is brought up to date: nothing is posted */
	bool stale;		/* what stood for the answer can't be replaced */
	int64_t created_ms;
	char *shown; /* ts of what stands for the answer, or NULL */
	enum send_step step;
	uint64_t api;
	struct slack_lookup *lookup;
	enum sent settled; /* with SEND_SETTLED: told in the next round */
	const char *why;   /* static */
	UT_hash_handle hh;
};

struct slack_sends {
	struct platform *workspace;
	struct sending *all;
	struct loop_timer *soon;
};

/* send.c: the ends; the sending is gone afterwards. maybe: what an unknown outcome means for this call. */
void send_tell(struct sending *sending, enum sent how, unsigned retry_ms, const char *remote_id,
	       const char *why);
void send_tell_accepted(struct sending *sending, const json_t *body);
void send_tell_outcome(struct sending *sending, const struct slack_answer *answer, enum sent maybe);

/* There is a response_url, and it may still be used. */
bool send_may_respond(const struct sending *sending);

/* send_steps.c */
void send_step(struct sending *sending, enum send_step step);
void send_replace(struct sending *sending, const char *ts); /* SEND_REPLACE of this message */
void send_post(struct sending *sending); /* SEND_POST, after reading the thread when it is unsure */
/* A call of the step that runs; its done gets the answer. */
void send_call(struct sending *sending, const char *method, json_t *args, const char *lane);
void send_answered(struct platform *workspace, void *owner, uint64_t ticket,
		   const struct slack_answer *answer);

/* send_file.c: the steps of a file; and it is said where it is instead, why it did not come itself. */
void send_file(struct sending *sending, const struct outgoing *out);
void send_link(struct sending *sending, const char *why);
void start_file_ask(struct sending *sending);
void done_file_ask(struct sending *sending, const struct slack_answer *answer);
void start_file_upload(struct sending *sending);
void done_file_upload(struct sending *sending, const struct slack_answer *answer);
void start_file_hold(struct sending *sending);
void start_file_complete(struct sending *sending);
void done_file_complete(struct sending *sending, const struct slack_answer *answer);
void start_file_look(struct sending *sending);
void done_file_look(struct sending *sending, const struct slack_answer *answer);

#endif
