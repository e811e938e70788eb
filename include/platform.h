/* Both directions of the contract between the core and a platform plugin. Loop thread only, both ways.
 * Every call copies what it keeps. No call is answered inside itself: answers come in a later loop round. */
#ifndef USHER_PLATFORM_H
#define USHER_PLATFORM_H

#include "platform_words.h"

enum { PLATFORM_ABI = 3 };

struct loop;
struct io;
struct web;
struct http;
struct log;
struct platform;
struct platform_host;

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
	/* The answer grew. Only with PLATFORM_STREAMS, and not while earlier replies of its conversation are on their
	 * way: it would stand above them. */
	void (*stream)(struct platform *platform, const struct outgoing_part *part);
	/* Messages of this installation reached their end; whoever waits on a connection may be told. May be NULL. */
	void (*ended)(struct platform *platform, const struct outgoing *out);
	/* Renders an answer or a notice (Markdown) into the messages the platform takes, none empty, in the plugin's
	 * own form: each is one row of the outbox and what send gets as out->text. Nothing is lost. texts_out: an
	 * array that the caller frees, and each of its texts; returns how many, at least one. Pure: of an adopted one
	 * whose object is not there, root is asked. NULL: send gets the Markdown itself. */
	size_t (*split)(struct platform *platform, const char *text, char ***texts_out);
	/* Fetches a file of an accepted message to this path (which exists not yet; mode 0600), at most max bytes.
	 * Answer: host->fetched. May be NULL: files stay references. */
	void (*fetch)(struct platform *platform, const struct message_file *file, const char *path,
		      int64_t max, uint64_t ticket);
	/* What others said at this reply address before we were called. Answer: host->context, within 5 s. May be
	 * NULL. */
	void (*context)(struct platform *platform, const char *reply_to, uint64_t ticket);
	/* Called between create or adopt and start, for each cursor that moved in the last 90 days, at most the newest
	 * 10,000: those that moved last come last. May be NULL. */
	void (*cursor)(struct platform *platform, const char *scope, const char *position);
	/* Called between create or adopt and start, for each text kept with host->remember. May be NULL. */
	void (*recall)(struct platform *platform, const char *name, const char *text);
	/* Answer to host->remember; err is never NULL. Unless ERR_NONE it is not kept: ask again later. May be NULL. */
	void (*remembered)(struct platform *platform, uint64_t ticket, const struct err *err);
	/* A place that was only noted (host->install without secrets) is on record: called on the configured
	 * installation between create and start for each that was not removed, and again when the operator switched
	 * it off or on (install->enabled). Nothing is taken in from, or sent to, one that is off: the plugin sees to
	 * that. May be NULL. */
	void (*known)(struct platform *root, const struct install *install);
	/* A place that added the configured installation `root`: called for each row at start (before start), and when
	 * host->install made a new one (followed by start). An enabled row with secrets only. host is its own. What it
	 * returns is used like what create returns: ack, send, stop and destroy get it; it is destroyed before root.
	 * NULL and err on failure. May be NULL: nobody can add it. */
	struct platform *(*adopt)(struct platform *root, struct platform_host *host,
				  const struct install *install, struct err *err);
	/* Answer to host->install; err is never NULL: ERR_NONE, or why it failed, and then name (of the row) is NULL.
	 * ERR_REFUSED also when the secrets are kept, but the operator has switched that place off. */
	void (*installed)(struct platform *root, uint64_t ticket, const struct err *err, const char *name);
	/* Answer to host->keep; err is never NULL. ERR_AGAIN, ERR_FULL: nothing changed, ask again later. ERR_GONE: it
	 * was taken out or added again meanwhile, these secrets are not wanted. May be NULL. */
	void (*kept)(struct platform *platform, uint64_t ticket, const struct err *err);
	/* Answer to host->hold; err is never NULL. Unless ERR_NONE: end the attempt. ERR_GONE: it has ended already (it
	 * may be kept all the same); else it is not kept. May be NULL. */
	void (*held)(struct platform *platform, uint64_t ticket, const struct err *err);
	/* The operator switched this installation, or what it was added to, off (false) or on again. Off: connections
	 * are closed, nothing is taken in or sent. One that is off at the start is told so before start. Removed ones
	 * are stopped and destroyed instead; a configured one that was taken out is told false. May be NULL. */
	void (*enable)(struct platform *platform, bool enabled);
	/* Looks at tokens, rights and connection for `usher doctor`. Answer: host->checked. May be NULL. */
	void (*check)(struct platform *platform, uint64_t ticket);
	/* How many parts of a conversation's key ("T1/C1/123.4": 3) name the channel it is in, for budgets of channels; 0:
	 * all of them. */
	unsigned channel_parts;
	const struct platform_guide *guide; /* for `usher init`; or NULL */
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
	const char *name;	/* of the installation: "acme", or "acme/T123" for one that was adopted */
	const char *public_url; /* listen.public_url without a final slash, or NULL */
	bool can_install;	/* a key to seal secrets with is set: host->install takes secrets */
	struct loop *loop;
	struct io *io;	   /* for outgoing web sockets */
	struct web *web;   /* our web server: claim paths under /{platform}/{name} */
	struct http *http; /* outgoing requests */
	struct log *log;   /* prints "webhook/crm: ..." */
	const char *
		uploads; /* a folder for bodies that are files: names in it are UUIDs, and a message names them
				"upload:UUID"; what no import waits for is removed there after a while. NULL: no files
				are kept */
	int64_t file_max; /* bytes of one */

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
	/* Somebody added us, or added us again: the row and its secrets are made durable, its organisation is made
	 * when new; then adopt (again: the old one is stopped and destroyed first) and start, then ops->installed.
	 * Only on the host of a configured installation. */
	void (*install)(struct platform_host *host, const struct install *install, uint64_t ticket);
	/* The other side took us out: secrets are erased, nothing more is answered or sent; the plugin object is
	 * stopped and destroyed in a later round (not so a configured one: it stays, disabled until the next start).
	 * Conversations stay. key: which of a configured installation's; NULL: this host's own. */
	void (*removed)(struct platform_host *host, const char *key, const char *why);
	/* New secrets of this adopted installation: durable when ops->kept says so. Use them only then. */
	void (*keep)(struct platform_host *host, const char *secrets, uint64_t ticket);
	/* A text of the plugin's own under this name, instead of the one before; NULL forgets it. At most
	 * PLATFORM_TEXT_MAX bytes; a few hundred names. Durable when ops->remembered says so; waits for company like
	 * any commit. */
	void (*remember)(struct platform_host *host, const char *name, const char *text, uint64_t ticket);
	/* Something stands for the answer to these messages from now on (a stream, "..."): kept, and handed over with
	 * the answer, also after a crash. uuid: any of outgoing_part.answers_to. */
	void (*placed)(struct platform_host *host, const char *uuid, const char *remote_id);
	/* A message of ours already stands at the platform for the reply of this ticket: durable when ops->held says so,
	 * and handed over as out->remote_id in later attempts. Only while the ticket is being sent. */
	void (*hold)(struct platform_host *host, uint64_t ticket, const char *remote_id);
	/* Answers to ops->fetch, ops->context (text NULL: nothing; one line for each thing said, oldest first; of a long
	 * one the end is used) and ops->check. FETCHED_NOT is tried again, twice at most. findings: JSON array of
	 * {"check","result":"ok|warning|fault","message"}. */
	void (*fetched)(struct platform_host *host, uint64_t ticket, const struct fetched *fetched);
	void (*context)(struct platform_host *host, uint64_t ticket, const char *text);
	void (*checked)(struct platform_host *host, uint64_t ticket, const char *findings);
};

#endif
