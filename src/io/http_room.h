/* What the files of the HTTP client share: the client, its calls and the curl handles they run on. */
#ifndef USHER_HTTP_ROOM_H
#define USHER_HTTP_ROOM_H

#include "buf.h"
#include "http.h"
#include <curl/curl.h>
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark clang knows */
#include <uthash.h>
#include <uv.h>

enum {
	HTTP_SHARD_CALLS = 256, /* transfers on one multi handle: curl's search for a connection is linear */
	HTTP_SHARDS_MAX = 128,	/* beyond 32,768 calls the shards grow instead */
	HTTP_SHARD_IDLE_MS = 90000, /* an unused shard is closed, and its kept connections with it */
	HTTP_SWEEP_MS = 200,	    /* how exact first_byte_ms and idle_ms are */
	HTTP_OPENED_MAX = 8,	    /* sockets of one call: its addresses, one after the other */
	HTTP_SPARE_MAX = 64,	    /* easy handles kept for the next calls */
	HTTP_LOOKUPS_MAX = 32, /* calls without a socket yet: each may cost a thread that resolves its name */
	HTTP_DATE_SIZE = 40,   /* "Sun, 06 Nov 1994 08:49:37 GMT" and its like */
	HTTP_HEAD_MAX = 65536, /* bytes of the answer's headers */
};

/* Users' URLs and our own never share a multi handle, names or connections (security.md R44). */
enum http_trust { HTTP_OURS, HTTP_USERS, HTTP_TRUSTS };

/* Each state is a place; only http.c moves a call. */
enum http_state {
	CALL_WAITING, /* http->waiting[trust]: not with curl yet */
	CALL_RUNNING, /* in shard->multi */
	CALL_ENDED,   /* http->ended: out of curl, on_done comes in this or the next round */
	CALL_DOOMED,  /* http->doomed: cancelled while curl was on the stack, unknown to the outside */
};

/* One curl multi handle with its timer. */
struct http_shard {
	struct http *http;
	CURLM *multi;
	uv_timer_t timer;
	size_t running;
	uint64_t unused_since;
	enum http_trust trust;
};

/* A descriptor of curl's. The uv_poll_t stays with the descriptor, not with the transfer: starting and
 * closing one for each transfer costs up to twice the CPU. */
struct http_socket {
	uv_poll_t poll;
	struct http_shard *shard;
	curl_socket_t fd;
	int events;
	bool idle;	 /* no transfer uses it, the connection is kept */
	bool connection; /* opened by us: closed through us too. Others are curl's own pipes */
};

struct http_running {
	struct http *http;
	struct http_running *prev, *next; /* the list of its state */
	UT_hash_handle hh;		  /* http->calls, all but the doomed */
	uint64_t id;
	enum http_state state;
	enum http_trust trust;
	struct http_shard *shard;
	CURL *easy;

	char *url, *host, *method, *ca_file;
	struct curl_slist *headers;
	void *body;
	size_t body_len;
	struct http_part *parts; /* copies of the caller's */
	size_t part_count;
	curl_mime *form; /* made of them */
	unsigned connect_ms, first_byte_ms, idle_ms, total_ms;
	size_t answer_max;
	bool guard_loopback;
	http_data_fn *on_data;
	http_done_fn *on_done;
	void *owner;
	uint64_t ticket;

	bool by_name;	     /* the host is a name, not an address */
	bool looking_up;     /* counted in http->lookups */
	bool blocked;	     /* the guard met an address it does not allow */
	bool stopped;	     /* on_data said so */
	bool too_large;	     /* the answer, or its headers */
	bool sent;	     /* curl was allowed to send the request; that happens once */
	const char *overdue; /* the limit of ours that passed, or NULL */
	CURLcode result;
	struct err refused;				  /* why it was not even begun */
	uint64_t started_at, first_byte_at, last_byte_at; /* monotonic ms, 0: not yet */
	int status;					  /* of the last headers that came to their end */
	size_t head_len, passed_len;
	struct buf collected;
	char why[CURL_ERROR_SIZE];
	curl_socket_t opened[HTTP_OPENED_MAX]; /* sockets made for it */
	unsigned opened_count;
};

struct http {
	struct io *io;
	uv_loop_t *uv;
	char *ca_file, *private_ca, *proxy, *agent; /* private_ca: as named, or NULL */
	CURLSH *share; /* names and TLS sessions of our own calls, over all shards */
	struct http_shard *shards[HTTP_TRUSTS][HTTP_SHARDS_MAX];
	struct http_socket **sockets; /* by descriptor */
	size_t sockets_room;
	struct http_running *calls; /* by id, in the order of their start */
	struct http_running *waiting[HTTP_TRUSTS], *ended, *doomed;
	size_t lookups[HTTP_TRUSTS];
	uint64_t last_id;
	CURL *spare[HTTP_TRUSTS][HTTP_SPARE_MAX];
	size_t spares[HTTP_TRUSTS];
	char date[HTTP_DATE_SIZE]; /* the last Date that was read, and what it meant; 0 none */
	int64_t date_ms;
	unsigned inside; /* curl is on the stack: its handles must not be added or removed */
	uv_timer_t sweep, soon;
	uint64_t sweep_ms;     /* its period now, 0: stopped */
	unsigned open_handles; /* uv handles of this struct that are not closed yet */
};

/* http_socket.c: curl's descriptors and timers on the loop */
struct http_shard *http_shard_pick(struct http *http, enum http_trust trust);
void http_shard_close(struct http_shard *shard);
curl_socket_t http_socket_open(struct http *http, const struct curl_sockaddr *address);
int http_socket_close(void *http, curl_socket_t fd);
/* curl closes the sockets of connections that were still being made without telling: after its call has ended, each that
 * it opened is looked at (check: closed?), and what is found later is let go (gone: it is). */
void http_socket_check(struct http *http, curl_socket_t fd);
void http_socket_gone(struct http *http, curl_socket_t fd);

/* http.c: after curl returned: moves calls on and delivers what has ended */
void http_settle(struct http *http, struct http_shard *shard);

/* http_request.c: an easy handle for this call, or false and call->refused */
bool http_request_check(struct http_running *call, const struct http_call *wanted);
bool http_request_begin(struct http_running *call, CURLM *multi);
void http_request_end(struct http_running *call);   /* the handle is out of its multi: keep or clean it */
void http_request_known(struct http_running *call); /* its name is resolved, or no longer of interest */

/* http_form.c: multipart/form-data */
void http_form_keep(struct http_running *call, const struct http_part *parts, size_t count);
void http_form_set(struct http_running *call);	 /* to its easy handle */
void http_form_clear(struct http_running *call); /* from its easy handle */
void http_form_free(struct http_running *call);

/* http_answer.c: what a transfer that ended means */
void http_answer_read(struct http_running *call, struct http_answer *answer_out);

/* http_url.c */
bool http_url_parse(const char *url, bool guarded, bool loopback, char **url_out, char **host_out,
		    struct err *err);

#endif
