/* Both directions of the contract between the core and a platform plugin. Loop thread only, both ways.
 * Every call copies what it keeps. No call is answered inside itself: answers come in a later loop round. */
#ifndef USHER_PLATFORM_H
#define USHER_PLATFORM_H

#include "err.h"
#include "message.h"
#include "settings.h"

enum { PLATFORM_ABI = 1 };

struct loop;
struct web;
struct http;
struct log;
struct platform;
struct platform_host;

enum platform_can {
	PLATFORM_STREAMS = 1 << 0, /* wants the answer as it grows: ops.stream is set */
	PLATFORM_RESENDS =
		1 << 1, /* the receiver drops a second copy by uuid: an unsure send may be repeated */
	PLATFORM_SHEDS_EARLY =
		1
		<< 2, /* its senders are told and remember: refused first, from level 2 (durability.md 2.8) */
};

/* How accepting a message ended. Only after STORED and BEFORE may the platform be told "received". */
enum ack_how {
	ACK_STORED,	     /* committed */
	ACK_BEFORE,	     /* this delivery was committed earlier */
	ACK_CONFLICT,	     /* this delivery key was used for another body */
	ACK_INVALID,	     /* breaks a limit or is not UTF-8: nothing stored */
	ACK_NO_CONVERSATION, /* no such conversation for this speaker: nothing stored */
	ACK_ARCHIVED,	     /* that conversation is read-only: nothing stored */
	ACK_DISABLED,	     /* the speaker's profile is switched off: nothing stored (API only) */
	ACK_BUSY,	     /* back-pressure: nothing stored, try again after retry_ms */
	ACK_FAILED,	     /* the store can't: nothing known to be stored, try again after retry_ms */
};

struct ack {
	enum ack_how how;
	const char *uuid;	 /* id of the accepted message; NULL when nothing is stored */
	int64_t conversation_id; /* 0 while the speaker is not admitted */
	const char *conversation_uuid;
	enum message_state state; /* with ACK_BEFORE: where the first copy is now */
	unsigned retry_ms;
	const char *why; /* one line for people */
};

/* A piece of a growing answer. offset + len is the length so far; a new attempt starts again at offset 0. */
struct outgoing_part {
	const char *const *answers_to; /* uuids of the messages being answered */
	size_t answers_to_count;
	unsigned attempt; /* rises when the answer had to be begun again */
	size_t offset;	  /* bytes of the answer before this piece */
	const char *text;
	size_t len;
};

/* What could have happened to one attempt to send (durability.md 2.5). */
enum sent {
	SENT_ACCEPTED, /* the platform has it */
	SENT_NOT,      /* it never left: try again */
	SENT_MAYBE,    /* it may have arrived */
	SENT_LIMITED,  /* the platform asks to wait retry_ms; not a failure */
	SENT_REJECTED, /* for good: no retry */
	SENT_AUTH,     /* our credentials are refused: stop sending for this installation */
};

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

/* What the core may ask of a plugin. */
struct platform_ops {
	unsigned abi;			/* PLATFORM_ABI; refused at start if it differs */
	const char *name;		/* "webhook": settings section, log prefix, column value */
	unsigned can;			/* enum platform_can */
	unsigned retry_cap_s;		/* the longest pause between attempts to send */
	unsigned expire_s;		/* an answer not sent by then goes to the dead letters */
	const struct setting *settings; /* read and checked before create() */

	/* Builds one configured installation; `name` is always among its settings. NULL and err on failure. */
	struct platform *(*create)(struct platform_host *host, const struct settings *settings,
				   struct err *err);
	/* Begins to connect or claims its web paths; returns at once. */
	bool (*start)(struct platform *platform, struct err *err);
	/* What became of the message handed over with this receipt. */
	void (*ack)(struct platform *platform, uint64_t receipt, const struct ack *ack);
	/* Sends to out->reply_to. Answer: host->sent with the same ticket. */
	void (*send)(struct platform *platform, const struct outgoing *out, uint64_t ticket);
	/* The answer grew. Only with PLATFORM_STREAMS. */
	void (*stream)(struct platform *platform, const struct outgoing_part *part);
	/* Messages of this installation reached their end; whoever waits on a connection may be told. May be NULL. */
	void (*ended)(struct platform *platform, const struct outgoing *out);
	/* Answer to host->look: out is NULL when this installation has no such message. May be NULL. */
	void (*found)(struct platform *platform, uint64_t ticket, const struct outgoing *out);
	/* Take in nothing new and let running sends finish. Answer: host->stopped. Turns that still run may call ack,
	 * stream, ended and found until destroy. */
	void (*stop)(struct platform *platform);
	/* Frees everything; takes NULL. */
	void (*destroy)(struct platform *platform);
};

/* What a plugin may tell or ask the core; one per installation. The rooms' handles are borrowed. */
struct platform_host {
	struct loop *loop;
	struct web *web;   /* our web server: claim paths under /{platform}/{name} */
	struct http *http; /* outgoing requests */
	struct log *log;   /* prints "webhook/crm: ..." */

	/* A message came in. Answer: ops->ack with in->receipt, exactly once. */
	void (*incoming)(struct platform_host *host, const struct incoming *in);
	/* How a send ended; retry_ms only with SENT_LIMITED; remote_id and why may be NULL. */
	void (*sent)(struct platform_host *host, uint64_t ticket, enum sent how, unsigned retry_ms,
		     const char *remote_id, const char *why);
	/* Where is this accepted message? Answer: ops->found. */
	void (*look)(struct platform_host *host, const char *uuid, uint64_t ticket);
	/* The connection to the platform changed; why may be NULL. */
	void (*link)(struct platform_host *host, enum link_state now, const char *why);
	/* Answer to ops->stop. */
	void (*stopped)(struct platform_host *host);
};

#endif
