/* One answer on its way, shared by the files that send it. Loop thread only.
 *
 *   what stands there is asked of the preview -> PLACE -> HOLD -> EDIT    a text
 *                                                 HOLD -> UPLOAD           a file; refused: its link as a text
 *   SETTLE                                                                   what was sent is brought up to date
 */
#ifndef USHER_TELEGRAM_SENDING_H
#define USHER_TELEGRAM_SENDING_H

#include "out.h"

/* Held before a file is uploaded: an attempt that dies after this may have sent it. Taken back with NOTHING when it is
 * known not to have. */
#define SENDING_UPLOAD	"upload"
#define SENDING_NOTHING "nothing"

enum telegram_send_step {
	SEND_ASKING,  /* what stands for it */
	SEND_SETTLED, /* told in the next round */
	SEND_PLACE,   /* "…" is being posted */
	SEND_HOLD,    /* and being made durable, before anything is said in it */
	SEND_EDIT,    /* the text is being put in */
	SEND_UPLOAD,  /* the file is being sent */
	SEND_REFUSE,  /* who pressed a button that is for somebody else is told so alone */
	SEND_SETTLE,  /* what was sent says how it ended, and has other buttons or none */
};

enum send_limits {
	SEND_PLACES_MAX = 3, /* placeholders in one attempt: people may delete them */
};

struct sending {
	uint64_t ticket;
	struct platform *bot;
	char *uuid, *text; /* HTML or, once that was refused, plain */
	char *choices;	   /* JSON, shown as buttons; or NULL */
	const char *file;  /* in text: contents to be sent as a file, else NULL */
	struct outgoing_file
		*upload; /* the answer is this file; else NULL, also when it is said where it is */
	struct telegram_place place;
	char **answers_to;
	size_t answers_to_count;
	unsigned part;
	bool plain, no_reply, no_topic, moved;
	bool bare;	       /* with SEND_SETTLE: only the buttons change */
	int64_t chat, message; /* of ours, that stands for it; message 0: none */
	int64_t made;	       /* posted by this attempt and not on record yet, 0 none */
	bool held;	       /* it is on record */
	unsigned places;
	enum telegram_send_step step;
	uint64_t api;
	enum sent settled; /* with SEND_SETTLED */
	const char *why;   /* static */
	UT_hash_handle hh;
};

struct telegram_sends {
	struct platform *bot;
	struct sending *all;
	struct loop_timer *soon;
};

/* send.c: the ends; the sending is gone afterwards. */
void telegram_send_tell(struct sending *sending, enum sent how, unsigned retry_ms, const char *remote_id,
			const char *why);
void telegram_send_tell_outcome(struct sending *sending, const struct telegram_answer *answer);
void telegram_send_tell_accepted(struct sending *sending, int64_t message);

/* send.c: it is said where the file is instead, why it did not come itself being one of ours. */
void telegram_send_link(struct sending *sending, const char *why);

/* send_steps.c */
void telegram_send_step(struct sending *sending, enum telegram_send_step step);
void send_found(struct sending *sending, int64_t chat,
		int64_t message);	 /* this stands for it; 0: nothing does */
void send_held(struct sending *sending); /* what was held is durable */
/* The placeholder of this attempt is of no use. */
void send_take_back(struct sending *sending);

#endif
