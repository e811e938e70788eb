/* Outgoing HTTP requests: one call, pieces of the answer if wanted, one end. libcurl on our loop.
 * TLS is always verified. Redirects are never followed. Proxies are used only when `proxy` is set.
 * A request is never silently sent twice (durability.md, finding 1). Loop thread only. */
#ifndef USHER_HTTP_H
#define USHER_HTTP_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io;
struct http;
struct http_running;

struct http_options {
	const char *ca_file; /* a private CA in addition to nothing else: replaces the system's; NULL: the
				system's */
	const char *proxy;   /* or NULL */
	const char *agent;   /* User-Agent */
};

struct http *http_create(struct io *io, const struct http_options *options, struct err *err);

/* What it was made with, for other ways out of the same process; or NULL. */
const char *http_proxy(const struct http *http);
const char *http_ca_file(const struct http *http);

/* Cancels what runs (no callback comes). Not from inside a callback of its own. Takes NULL. */
void http_destroy(struct http *http);

/* One part of multipart/form-data (RFC 7578): a field, or with file_name a file. */
struct http_part {
	const char *name;
	const char *file_name; /* or NULL */
	const char *type;      /* Content-Type of the part, or NULL */
	const void *data;      /* copied */
	size_t len;
	const char *path; /* instead of data: a file, read as it is sent; it must stay until the end */
};

struct http_call {
	const char *method;	    /* "GET", "POST", ... */
	const char *url;	    /* http or https */
	const char *const *headers; /* "Name: value", ended by NULL; may be NULL */
	const void *body;	    /* copied; NULL: none */
	size_t body_len;
	const struct http_part
		*parts; /* instead of a body; then the method is POST, and no header names a type */
	size_t part_count;
	unsigned connect_ms;	/* 0: 10 s */
	unsigned first_byte_ms; /* until the status line; 0: total_ms */
	unsigned idle_ms;	/* without a byte; 0: no such limit */
	unsigned total_ms;	/* 0: 30 s */
	size_t answer_max;	/* bytes of body that are collected or passed on; 0: 64 KiB */
	bool guarded; /* the URL comes from a user: only public addresses (guard.h), fresh connection */
	bool guard_loopback; /* guarded, but loopback is allowed (settings: for receivers on this machine) */
	const char *ca_file; /* for this call, or NULL */
};

enum http_how {
	HTTP_NOT_SENT, /* no byte of the request left: name, connect, TLS, guard, bad URL */
	HTTP_MAYBE,    /* it left and no complete answer came */
	HTTP_ANSWERED, /* a complete answer with any status */
};

struct http_answer {
	enum http_how how;
	struct err err;	  /* why, when not answered; ERR_REFUSED when the guard or the URL is the cause */
	bool too_large;	  /* not answered, because the answer had more than answer_max */
	int status;	  /* also set when a stream broke off after the headers */
	const char *body; /* NUL-terminated; collected unless on_data was given (then only the first 64 KiB of
			     non-2xx bodies) */
	size_t len;
	const char *type;	  /* Content-Type or "" */
	int64_t retry_after_ms;	  /* from retry-after-ms or Retry-After (seconds or date); -1 none */
	int64_t date_ms;	  /* Date header as Unix ms, 0 none */
	const char *request_id;	  /* x-request-id or request-id, or NULL */
	const char *should_retry; /* x-should-retry, or NULL */
	int64_t first_byte_ms;	  /* since the start, -1 none */
	int64_t total_ms;
	const struct http_running *of; /* for http_header; NULL: an answer without headers */
};

/* Any other header of the answer: the first of this name, in any case of letters; NULL when there is none. Borrowed,
 * like the answer, for the call of on_done. */
const char *http_header(const struct http_answer *answer, const char *name);

/* All headers of this name as one value, with ", " between (RFC 9110 5.3): for those that may come in several lines. NULL when
 * there is none. The caller frees. */
char *http_header_all(const struct http_answer *answer, const char *name);

/* As http_header while the answer still comes: for on_data, whose call it is (id: http_start's). Borrowed until on_data returns.
 * NULL: none of this name, or no such call. */
const char *http_header_of(const struct http *http, uint64_t id, const char *name);

/* Pieces of a 2xx body. Return false to stop: the end then comes as HTTP_MAYBE. */
typedef bool http_data_fn(void *owner, uint64_t ticket, const char *data, size_t len);
/* Exactly once, in a later round, unless cancelled. answer is borrowed for the call. */
typedef void http_done_fn(void *owner, uint64_t ticket, const struct http_answer *answer);

/* on_data may be NULL. Returns an id for http_cancel, never 0. */
uint64_t http_start(struct http *http, const struct http_call *call, http_data_fn *on_data,
		    http_done_fn *on_done, void *owner, uint64_t ticket);

/* No callback comes afterwards. Unknown ids are ignored. May be called from on_data and on_done. */
void http_cancel(struct http *http, uint64_t id);

/* How many calls run. */
size_t http_running(const struct http *http);

/* A URL that could ever be called when guarded: scheme, no user part, port, host form. For a friendly error
 * at configuration time; the address itself is checked when connecting. */
bool http_url_allowed(const char *url, bool loopback, struct err *err);

/* Where a reference leads (RFC 3986) that was found at the http or https URL base. The caller frees; NULL and err when it
 * leads nowhere that could be called. Who sends secrets there compares the origins (base/url.h). */
char *http_url_join(const char *base, const char *reference, struct err *err);

#endif
