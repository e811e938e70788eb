/* Who people and channels are, as far as this workspace has told us. Loop thread only. */
#ifndef USHER_SLACK_NAMES_H
#define USHER_SLACK_NAMES_H

#include "slack_room.h"

enum slack_names_limits {
	SLACK_NAMES_WAIT_MS = 800, /* a message waits no longer for names than that */
	SLACK_NAMES_MAX = 5000,	   /* kept of one workspace; those not used for longest go first */
};

/* Borrowed until the next call for this workspace. */
struct slack_known {
	const char *name; /* display name, of a channel without "#" */
	const char *team; /* a person's workspace, or NULL */
	const char *org;  /* a person's organisation, or NULL */
	bool stranger;	  /* of another company (Slack Connect) */
	bool guest;	  /* let into single channels only */
	bool bot;
	bool direct; /* a channel: a direct message with us */
};

/* What is known of 'U' (a person or bot) or 'C' (a channel), also when it is old. NULL: nothing, yet. */
const struct slack_known *slack_known(struct platform *workspace, char kind, const char *id);

/* True: there is nothing to wait for, it is known or can't be had now. False: it is being asked; when it ends,
 * slack_inbound_named and slack_context_named are called. Asking begins here. */
bool slack_names_settled(struct platform *workspace, char kind, const char *id);

/* For slack_words; owner is the workspace. */
slack_name_fn slack_name;

/* The ids that slack_words will ask for. */
enum { SLACK_WANTED_MAX = 12 };
struct slack_wanted {
	struct {
		char kind, id[SLACK_ID_MAX + 1];
	} one[SLACK_WANTED_MAX];
	size_t count;
};
void slack_wanted_add(struct slack_wanted *wanted, char kind, const char *id); /* id may be NULL */
void slack_wanted_scan(struct slack_wanted *wanted, const char *mrkdwn);
bool slack_wanted_settled(struct platform *workspace, const struct slack_wanted *wanted);

#endif
