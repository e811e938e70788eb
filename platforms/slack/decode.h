/* Slack's payloads in one checked shape. Pure: no workspace, no clock, nothing kept. */
#ifndef USHER_SLACK_DECODE_H
#define USHER_SLACK_DECODE_H

#include "slack_room.h"

struct buf;

enum slack_kind {
	SLACK_IS_NOTHING,   /* valid, but nothing for us: because */
	SLACK_IS_MALFORMED, /* lacks what its type promises: because */
	SLACK_IS_SAID,	    /* a message, by whichever of the events that report it */
	SLACK_IS_EDITED,    /* a person changed their words */
	SLACK_IS_DELETED,
	SLACK_IS_COMMAND,  /* slash command */
	SLACK_IS_SHORTCUT, /* the message shortcut: asked about a message */
	SLACK_IS_RATED,	   /* thumbs under an answer */
	SLACK_IS_CHOSEN,   /* a button under an answer that says a command: text */
	SLACK_IS_STOPPED,  /* the Stop button */
	SLACK_IS_OPENED,   /* a person opened the place to talk to us */
	SLACK_IS_JOINED,   /* somebody, perhaps we, came into a channel */
	SLACK_IS_REMOVED,  /* taken out by the other side */
	SLACK_IS_TOO_MANY, /* Slack holds events back: app_rate_limited */
};

/* Everything is borrowed from the payload. Ids and ts are non-empty, at most SLACK_ID_MAX bytes of letters, digits,
 * '.', '-' and '_', or NULL; a ts is also a decimal number. They are never turned into numbers. */
struct slack_decoded {
	enum slack_kind kind;
	const char *because; /* why nothing, malformed, or removed; static */

	const char *enterprise, *team; /* whose: for slack_find */
	bool org;		       /* that installation is organisation-wide */
	const char *app;	       /* api_app_id, or NULL */
	const char *event_id;	       /* of events */
	int64_t event_s;	       /* when Slack made it, Unix seconds; 0 unknown */

	const char *user;      /* who did it; NULL for some bots */
	const char *user_team; /* that user's workspace or organisation, or NULL */
	const char *user_name; /* as the payload calls them, or NULL */
	bool external;	       /* the channel is shared with other companies */

	const char *channel;
	bool direct;	    /* a direct message with us */
	const char *ts;	    /* the message it is about */
	const char *thread; /* the thread's root, also of the root itself; NULL: none */

	bool mention;		     /* Slack itself says that we were mentioned */
	const char *bot_id, *by_app; /* who wrote it when no person did, or NULL */
	bool bot;
	const char *client_id; /* client_msg_id: the sending client's own attempt */
	const json_t *message; /* what holds text, blocks, files */
	const char *edit_ts;   /* of EDITED */
	const char *text;      /* of COMMAND: after the command; of RATED: "up" or "down" */
	const char *target;    /* of RATED: the reply's uuid */
	const char *response_url;
	const char *action, *action_ts; /* what tells one click from another; action may be NULL */
	const json_t *streams;		/* of STOPPED: array of ts, or NULL */
};

void slack_decode(enum slack_payload type, const json_t *payload, struct slack_decoded *out);

/* A message as conversations.history and .replies give it; whose is not filled in. */
void slack_decode_listed(const char *channel, bool direct, const json_t *message, struct slack_decoded *out);

/* A valid id, or NULL. */
const char *slack_id(const json_t *object, const char *key);
const char *slack_id_check(const char *id);
const char *slack_ts(const json_t *object, const char *key);
const char *slack_ts_check(const char *ts);

/* Unix milliseconds of a valid ts; 0 for what is none. */
int64_t slack_ts_ms(const char *ts);

/* Later than, by the rule of cursors: the longer text, else by byte. */
bool slack_ts_after(const char *a, const char *b);

/* decode_message.c */
void slack_decode_message(const json_t *event, bool mention, struct slack_decoded *out);
/* decode_action.c */
void slack_decode_command(const json_t *payload, struct slack_decoded *out);
void slack_decode_interactive(const json_t *payload, struct slack_decoded *out);

/* words.c: the mrkdwn of a message: its text, or what its blocks hold when it has none, and what was forwarded with
 * it. At most some MESSAGE_TEXT_MAX bytes. The caller frees. */
char *slack_message_mrkdwn(const json_t *message);
/* <@USER> stands in the text, or in the blocks. */
bool slack_message_mentions(const json_t *message, const char *user);
/* Without a leading <@USER>. The caller frees. */
char *slack_without_mention(const char *mrkdwn, const char *user);

/* file_url.c: a file of a message as ops.fetch gets it back: its address with "#" and its id, or
 * "slack-file:ID?why" when there is no address to fetch from. The caller frees; NULL: not a file. */
char *slack_file_url(const json_t *file);

/* What such a text says. Pieces are borrowed from it. */
struct slack_file_ref {
	char url[4097]; /* "" none */
	char id[SLACK_ID_MAX + 1];
	char why[SLACK_ID_MAX + 1]; /* "check_file_info", "external", "tombstone", ...; "" none */
};
bool slack_file_ref_read(const char *text, struct slack_file_ref *ref_out);

#endif
