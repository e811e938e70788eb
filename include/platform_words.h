/* What the core and a platform plugin tell each other, as values: acknowledgements, outcomes, places that add us, files,
 * guides. Who says which to whom is in platform.h. Everything is borrowed for the call. */
#ifndef USHER_PLATFORM_WORDS_H
#define USHER_PLATFORM_WORDS_H

#include "err.h"
#include "message.h"
#include "settings.h"

struct buf;

enum platform_can {
	PLATFORM_STREAMS = 1 << 0, /* wants the answer as it grows: ops.stream is set */
	PLATFORM_RESENDS =
		1 << 1, /* the receiver drops a second copy by uuid: an unsure send may be repeated */
	PLATFORM_SHEDS_EARLY =
		1
		<< 2, /* its senders are told and remember: refused first, from level 2 (durability.md 2.8) */
	PLATFORM_READS_BACK = 1 << 3, /* can find out whether an unsure send arrived: it is handed over again
					 with out->unsure */
	PLATFORM_FILES =
		1 << 4, /* takes files: send gets out->file. Others get a line that says where it is */
	PLATFORM_SETTLES = 1 << 5, /* can change what was sent: send gets out->settled */
};

enum platform_limits { PLATFORM_TEXT_MAX = 4096 };

/* How accepting a message ended. Only after STORED and BEFORE may the platform be told "received". */
enum ack_how {
	ACK_STORED,	     /* committed */
	ACK_BEFORE,	     /* this delivery was committed earlier */
	ACK_CONFLICT,	     /* this delivery key was used for another body */
	ACK_INVALID,	     /* breaks a limit or is not UTF-8: nothing stored */
	ACK_NO_CONVERSATION, /* no such conversation for this speaker: nothing stored */
	ACK_ARCHIVED,	     /* that conversation is read-only: nothing stored */
	ACK_NOT_ADDRESSED,   /* INCOMING_IF_PLACE and there is no such conversation: nothing stored */
	ACK_DISABLED,	     /* the speaker's profile is switched off: nothing stored (API only) */
	ACK_BUSY,	     /* back-pressure: nothing stored, try again after retry_ms */
	ACK_FAILED,	     /* the store can't: nothing known to be stored, try again after retry_ms */
};

/* "stored", "repeated", "busy": short words for counters and logs. */
const char *ack_name(enum ack_how how);

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
	const char *reply_to;	 /* as in the newest of these messages; may be NULL */
	const char *placeholder; /* remote id of what an earlier beginning showed (host.placed), or NULL */
	unsigned attempt;	 /* rises when the answer had to be begun again */
	size_t offset;		 /* bytes of the answer before this piece */
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
	SENT_UNKNOWN,  /* whether an earlier attempt arrived can't be found out: held for the operator */
};

/* "accepted", "not_sent", ...: for metrics and the log. Static. */
const char *sent_name(enum sent how);

/* One place where somebody added us (a workspace, a guild), kept as a row of "LLMAgentInstallation". */
struct install {
	const char *key;   /* "T123": unique under the configured installation; the row's name is "acme/T123".
				 NULL: the configured installation itself */
	const char *title; /* what people call it */
	const char *settings; /* JSON object, shown to operators: no secrets */
	const char *secrets;  /* JSON object, sealed at rest (AES-256-GCM); NULL: none, or erased. With a
				 key: a note that we are there, never adopted (a group of a bot that has one token for all) */
	bool enabled;	      /* the operator's switch; ignored by host.install */
};

/* How fetching a file ended. Borrowed for the call. */
struct fetched {
	enum fetched_how {
		FETCHED,	 /* it is at the path, complete */
		FETCHED_NOT,	 /* not now: network, or the platform is not ready; why says more */
		FETCHED_REFUSED, /* too large, not what it says it is, gone: why is for the person */
	} how;
	int64_t size;
	const char *mime; /* as found, or NULL */
	const char *why;  /* one line for people; NULL with FETCHED */
};

/* What a plugin tells an operator who sets it up. Pure functions: no connection, no installation. */
struct platform_guide {
	const char *title; /* the name that people know it by */
	/* Appends what to paste where (a manifest, a link), filled in. settings: of the installation, checked. */
	void (*print)(const struct settings *settings, const char *public_url, struct buf *out);
	const char *first; /* what to do to be answered first: "mention the bot in a channel" */
	/* The link that hands this code over ("link CODE") to that installation when it is opened; NULL when there is
	 * none yet. code NULL: the link alone. known: JSON of what host.install wrote of it (key NULL), or NULL. The
	 * caller frees. May be NULL. */
	char *(*invite)(const struct settings *settings, const char *known, const char *code);
	/* It can run and be talked to before it is set up: needs no address of ours, and what is not acknowledged is
	 * said again later. NULL: never. */
	bool (*talks)(const struct settings *settings);
};

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

#endif
