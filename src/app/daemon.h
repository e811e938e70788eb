/* The running daemon: wiring, start, reload, stop. */
#ifndef USHER_DAEMON_H
#define USHER_DAEMON_H

#include <stdbool.h>

struct daemon_options {
	const char *config; /* settings file, or NULL for the defaults */
	bool try_it;	    /* make a key named "try" and print a curl line that uses it */
	char **argv;	    /* to start anew with after a reload */
};

/* Name of the account that the operator of this machine acts as. */
extern const char daemon_operator[];

/* Runs until SIGTERM or SIGINT. Returns the exit status: 0, 1 (could not start), 74 (storage failed). */
int daemon_run(const struct daemon_options *options);

#endif
