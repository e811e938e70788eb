/* The one shape that every platform's messages are turned into, and the one shape answers have. */
#ifndef USHER_MESSAGE_H
#define USHER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of what is accepted from outside, checked by core/ingress before anything is stored. */
enum message_limits {
	MESSAGE_TEXT_MAX = 65536,    /* bytes of UTF-8 in one message */
	MESSAGE_KEY_MAX = 255,	     /* bytes of a delivery key, sender or conversation key */
	MESSAGE_NAME_MAX = 255,	     /* bytes of a display name */
	MESSAGE_REPLY_TO_MAX = 4096, /* bytes of a reply address */
	MESSAGE_FILES_MAX = 20,	     /* files named by one message */
	MESSAGE_CHOICES_MAX = 10, /* of one answer; each label and command is short ASCII, under 64 bytes */
	MESSAGE_UUID_SIZE = 37,	  /* a UUID as text with its NUL */
};

/* A file that came with a message, by reference. Borrowed for the call. */
struct message_file {
	const char *url;  /* where it can be fetched: a URL, or the plugin's own words for ops.fetch */
	const char *name; /* or NULL */
	const char *mime; /* or NULL */
	int64_t size;	  /* bytes, -1 unknown */
};

#define MESSAGE_NOT_YOURS "not_yours"

enum incoming_flags {
	INCOMING_ALONE = 1 << 0,  /* wants an answer of its own: never merged with its neighbours */
	INCOMING_LATE = 1 << 1,	  /* fetched after an outage; the model is told so */
	INCOMING_NEW = 1 << 2,	  /* start a new conversation whatever the key says */
	INCOMING_IGNORE = 1 << 3, /* valid but nothing to answer: stored as ignored with the reason in text */
	INCOMING_IF_PLACE =
		1
		<< 4, /* only if its conversation exists (we were not called by name): else ACK_NOT_ADDRESSED */
	INCOMING_COMMAND = 1 << 5, /* text is a command of ours ("help", "new"): the core answers, no model */
	INCOMING_VOUCHED = 1 << 6, /* the platform's own membership lets this sender in: no pairing */
	INCOMING_JOINED = 1 << 7,  /* others spoke here before: a new conversation asks ops.context for it */
	INCOMING_MORE =
		1 << 8, /* more of the same act comes at once as messages of their own (the pictures of an
				      album): its turn waits a moment, so that one answer serves all of it */
	INCOMING_ANYBODYS =
		1 << 9, /* with DELETED: the platform itself took target away and does not say whose
				       it was; sender is nobody in particular */
};

/* What a person did. All but SAID are about something earlier: stored as ignored, with the effect named here,
 * in the same transaction. */
enum incoming_kind {
	INCOMING_SAID, /* said something */
	INCOMING_EDITED, /* changed what target (a semantic key) said to text; what waits is answered as changed */
	INCOMING_DELETED, /* took back target (a semantic key); what waits is not answered, its text is erased */
	INCOMING_RATED, /* text "up" or "down" about the answer whose reply uuid is target; the last one counts */
	INCOMING_STOPPED, /* stop the turn that runs in this conversation */
	INCOMING_MOVED, /* the place has a new key: active conversations whose key is target, or begins with target
			   and "/", go on under conversation instead */
};

/* One message as a plugin hands it to the core. Everything is borrowed for the call; the core copies. */
struct incoming {
	enum incoming_kind kind;
	uint64_t receipt; /* the plugin's own ticket, given back by platform_ops.ack */
	const char *
		delivery_key; /* the same delivery has the same key (durability.md 2.3), unique per installation */
	const char *semantic_key; /* the same human act seen twice, or NULL */
	const char *fingerprint;  /* hash of the body: the same key with another one is a conflict; or NULL */
	const char *sender;	  /* the platform's id of who speaks */
	const char *sender_name;  /* how they are called there, or NULL */
	const char *profile;	  /* the API knows its speaker by key: user_profiles.id; NULL elsewhere */
	const char *
		conversation; /* the platform's key of the place (channel and thread); NULL with INCOMING_NEW */
	int64_t conversation_id; /* the API names a conversation by id instead; 0 otherwise */
	const char *text; /* what was said, UTF-8; may be blank beside files, NULL when only target counts */
	const char *
		reply_to; /* where the answer is sent, in the plugin's own words; NULL: the asker fetches it */
	const struct message_file *files;
	size_t file_count;
	int64_t sent_ms;    /* the platform's time, Unix milliseconds; 0 unknown */
	unsigned flags;	    /* enum incoming_flags */
	const char *target; /* what kinds other than SAID are about; else NULL */
	/* Moves the cursor of this scope forward in the transaction that decides about the message, whatever was
	 * decided (stored, stored before, not said to us): it is not looked at again. Both or neither. Positions are
	 * decimal numbers, possibly with a fraction of fixed width: the longer text is the later one, equally long
	 * ones compare by byte. */
	const char *cursor_scope, *cursor;
};

/* The end of a message's way; every accepted message reaches exactly one of the last five (README.md). */
enum message_state {
	MESSAGE_ACCEPTED,    /* stored, waits for its turn */
	MESSAGE_CLAIMED,     /* its turn runs */
	MESSAGE_ANSWERED,    /* an answer is stored (its delivery is the outbox's matter) */
	MESSAGE_IGNORED,     /* by rule, reason given */
	MESSAGE_REFUSED,     /* the speaker may not, reason given */
	MESSAGE_FAILED,	     /* could not be answered; the speaker got a notice */
	MESSAGE_QUARANTINED, /* set aside after repeated crashes */
};

/* A file that is sent. Borrowed for the call, but path stays until host->sent. */
struct outgoing_file {
	const char *path; /* plain, to be read from its beginning */
	const char *name, *mime;
	int64_t size;
	const char *link; /* a download link that ends after a time, or NULL */
};

/* An answer, or what there is of it, as the core hands it to a plugin. Borrowed for the call. */
struct outgoing {
	const char *uuid;	       /* id of this reply, the same in every attempt: the idempotency key */
	const char *const *answers_to; /* uuids of the accepted messages this answers */
	size_t answers_to_count;
	const char *const *delivery_keys; /* the delivery keys of the same messages, same order */
	enum message_state state;	  /* of those messages */
	/* Short code when not answered ("model_unavailable"); MESSAGE_NOT_YOURS: answered, for nobody but who spoke, where
	 * the platform has a way to do that; else NULL. */
	const char *reason;
	const char *reply_to; /* as in the message; NULL when the asker fetches the answer */
	const char *
		text; /* Markdown, or what ops.split made of it; the notice when not answered; NULL while there is none */
	unsigned part,
		parts; /* a long answer goes out in parts (ops.split), each with its own uuid: 0 of 1 */
	const char *remote_id; /* of the message that an earlier attempt held for it (host.hold), or NULL */
	bool unsure; /* an earlier attempt may have arrived: PLATFORM_READS_BACK looks for it before sending, others hold
			what can't be repeated (a file) */
	const char *
		placeholder; /* remote id of what was shown while the answer grew (host.placed), with part 0; or NULL */
	/* A reply that is a file: a part behind the text's, with an own uuid; text is then NULL. Where the platform can't
	 * take it, its link is said instead. NULL: not a file. */
	const struct outgoing_file *file;
	const char *tool_calls; /* JSON array [{name,arguments,result}], never NULL */
	/* With the last part: what its reader may press or, where nothing can be pressed, write: JSON array
	 * [{"label","command"}], at most MESSAGE_CHOICES_MAX. A press is the command said by who pressed it
	 * (INCOMING_COMMAND) in this conversation. NULL: nothing. */
	const char *choices;
	/* For who fetches the answer (ended and found): the files that were made with it, JSON array
	 * [{"name","mime","size","link"}]; link: a URL that ends after a time, only its path where there is no public_url, or
	 * null. (From the store to the core: "org" and "sha256" in the place of link.) NULL: none. */
	const char *files;
	/* A message of ours that was sent, remote_id, becomes this: its choices are decided, or over. Only with
	 * PLATFORM_SETTLES. May be done any number of times; where it can't be done (SENT_REJECTED) it stays as it was, and
	 * where only the text can't be put in, its choices go. */
	bool settled;
	int64_t conversation_id;
	const char *conversation_uuid;
	int64_t created_ms; /* when the answer was stored, Unix milliseconds */
	unsigned attempt;   /* 1 for the first sending; the same again after SENT_LIMITED */
};

/* "accepted", "claimed", ...: the words stored in inbox.state and shown to people. */
const char *message_state_name(enum message_state state);

/* The reverse; returns false for an unknown word. */
bool message_state_parse(const char *name, enum message_state *state_out);

/* What was said, behind what others had said before (both UTF-8; context NULL or empty: only what was said), as the
 * model reads it, now and in the history of later turns. The caller frees. */
char *message_with_context(const char *context, const char *text);

/* What was written, and behind it what was said in voice notes (heard NULL or empty: nothing). The caller frees. */
char *message_with_heard(const char *text, const char *heard);

/* A copy of its own, of the words, not of what is at the path; NULL for NULL. The caller frees it with the other, which
 * takes NULL. */
struct outgoing_file *message_file_keep(const struct outgoing_file *file);
void message_file_free(struct outgoing_file *file);

/* What is said instead of a file that can't be sent there, in Markdown: its name, why not (NULL: nothing is said of it; not
 * Markdown) and where it is. The caller frees. */
char *message_file_words(const struct outgoing_file *file, const char *why);

/* The first of what ops.split made; frees the array and the others. The caller frees. */
char *message_first_part(char **texts, size_t count);

/* What somebody asks about: another message, quoted line by line, with its author's name (NULL: somebody). UTF-8. The
 * caller frees. */
char *message_about(const char *author, const char *words);

#endif
