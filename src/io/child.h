/* One child process that is spoken to in lines over its standard input and output. It gets the environment it is given and
 * nothing else, a process group of its own (what it starts ends with it), and no descriptor of ours but those it is to have. What it says on its
 * standard error goes to the log, bounded. Loop thread only. */
#ifndef USHER_CHILD_H
#define USHER_CHILD_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>

struct io;
struct log;
struct child;

enum {
	CHILD_WAITING_MAX = 4 << 20, /* bytes that wait to be read by it */
	CHILD_FDS_MAX = 4,
	CHILD_PATIENCE_MS = 2000, /* between closing its input, SIGTERM and SIGKILL */
};

struct child_options {
	const char *const *command; /* looked for in PATH of env; ended by NULL */
	const char *const *env;	    /* "NAME=value", ended by NULL: all of it */
	const char *cwd;	    /* or NULL: ours */
	const int *fds;		    /* descriptors it gets as 3, 4, ...; stay the caller's */
	size_t fd_count;	    /* at most CHILD_FDS_MAX */
	size_t line_max;	    /* a longer line is an error: the child is killed */
	const struct log *log;	    /* whose lines its standard error becomes; lives longer than the child */
};

struct child_events {
	/* One line of its standard output, without its end; NUL-terminated. */
	void (*line)(void *owner, struct child *child, const char *line, size_t len);
	/* It is gone, in a later round; the pointer dies. err: in one line how ("exited with status 3", "killed by signal 9",
	 * "wrote a line over ... bytes"); ERR_NONE when it ended with status 0 after child_close. */
	void (*ended)(void *owner, struct child *child, const struct err *err);
};

/* NULL and err when it can't be started. */
struct child *child_start(struct io *io, const struct child_options *options,
			  const struct child_events *events, void *owner, struct err *err);

/* Queues these bytes (with the end of the line). False: CHILD_WAITING_MAX would be passed, or its input is closed. */
bool child_send(struct child *child, const void *data, size_t len);

/* Asks it to end: closes its input, after CHILD_PATIENCE_MS SIGTERM to its group, then SIGKILL. ended follows. */
void child_close(struct child *child);

/* The signal that somebody else ended it with; 0: none. For its `ended`. */
int child_signal(const struct child *child);

/* Kills it and its group at once; no callback comes any more, the pointer dies. Takes NULL. */
void child_destroy(struct child *child);

#endif
