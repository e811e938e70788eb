/* Fetches what lies at an address into a new file: one GET, never repeated, redirects not followed. Loop thread only. */
#ifndef USHER_DOWNLOAD_H
#define USHER_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io;
struct http;
struct download;

enum download_how {
	DOWNLOADED,	    /* it is at the path, complete and durable */
	DOWNLOAD_ANSWERED,  /* another status than 2xx; nothing is at the path, as in the cases that follow */
	DOWNLOAD_TOO_LARGE, /* more than max bytes */
	DOWNLOAD_CUT,	    /* no complete answer */
	DOWNLOAD_DISK,	    /* it could not be written, or came faster than it could */
};

enum { DOWNLOAD_HEAD_MAX = 64 };

struct download_end {
	enum download_how how;
	int status;
	int64_t size;
	const char *type;     /* Content-Type without its parameters, or "" */
	const char *location; /* of ANSWERED, or NULL */
	const char *head;     /* how it begins, ended by a NUL that does not count */
	const char *why;      /* of DISK and CUT, for the log: it may hold the address; or NULL */
};

/* Once, in a later round, unless abandoned. end is borrowed for the call. */
typedef void download_fn(void *owner, uint64_t ticket, const struct download_end *end);

struct download_call {
	const char *url;
	const char *const *headers; /* "Name: value", ended by NULL; may be NULL */
	const char *path;	    /* does not exist yet; made with mode 0600 */
	int64_t max;
	unsigned total_ms, idle_ms;
	bool guarded, guard_loopback; /* http.h: the address comes from outside */
};

struct download *download_start(struct io *io, struct http *http, const struct download_call *call,
				download_fn *fn, void *owner, uint64_t ticket);

/* No callback comes, the file is removed. Takes NULL. */
void download_abandon(struct download *download);

#endif
