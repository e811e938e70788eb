/* The running daemon: wiring, start, reload, stop. */
#ifndef USHER_DAEMON_H
#define USHER_DAEMON_H

#include "settings.h"

struct daemon_options {
	const char *config; /* settings file, or NULL for the defaults */
	bool try_it;	    /* make a key named "try" and print a curl line that uses it */
	char **argv;	    /* to start anew with after a reload */
};

/* Name of the account that the operator of this machine acts as. */
extern const char daemon_operator[];

/* Runs until SIGTERM or SIGINT. Returns the exit status: 0, 1 (could not start), 74 (storage failed). */
int daemon_run(const struct daemon_options *options);

struct io;

/* Would a start with these settings work, as far as can be told without the database and the port? False and
 * err when not. For doctor, and before a reload; loop thread only, blocks for some milliseconds. */
bool daemon_try(const struct settings *settings, struct io *io, struct err *err);

/* Makes this one installation, which is not among the settings yet, and lets it look at its tokens and rights (30 s at
 * most) without starting it. findings_out: as in platform_host.checked, what it says about its connection left out;
 * the caller's. False and err when it can't be made. Runs a loop of its own. */
struct platform_ops;
bool daemon_try_one(const struct settings *settings, const struct platform_ops *ops,
		    const struct settings *one, const char *public_url, char **findings_out, struct err *err);

/* A conversation with an installation that is not among the settings yet. */
struct daemon_talk {
	const char *text;      /* Markdown: what the first message is answered with */
	unsigned long seconds; /* at most */
	int stop_fd;	       /* readable: give up */
	/* What the installation has found out about itself, JSON as in platform_guide.invite; may be called again. */
	void (*met)(void *data, const char *known);
	void *data;
};

/* Lets this one installation really run until somebody has said something and was answered. Nothing is stored and nothing
 * acknowledged: the platform says it again to the daemon. False and err when it can't be made or connected, when nobody
 * came in time, or when it was given up (ERR_GONE). Runs a loop of its own. */
bool daemon_talk_one(const struct settings *settings, const struct platform_ops *ops,
		     const struct settings *one, const char *public_url, const struct daemon_talk *talk,
		     struct err *err);

#endif
