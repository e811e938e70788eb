/* One hook from the inside: what the files of this room share. Loop thread only. */
#ifndef USHER_WEBHOOK_HOOK_H
#define USHER_WEBHOOK_HOOK_H

#include "config.h"
#include "crypto.h"
#include "failures.h"
#include "http.h"
#include "loop.h"
#include "platform.h"
#include "web.h"

#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

struct fetches;
struct held;
struct waiters;
struct sending;
struct hashing;
struct buf;

#define HOOK_UPLOAD "upload:" /* before the name of a file in host->uploads */

enum hook_limits {
	HOOK_HELD_MAX = 1000, /* requests that wait for an answer; further ones get their 202 at once */
	HOOK_ACK_MS = 30000,  /* a request that the core has not decided by then gets 503 */
	HOOK_STOP_MS = 5000,  /* the same while stopping */
	HOOK_SWEEP_MS = 250,  /* how late a wait may end */
	HOOK_GONE_MAX = 64,   /* addresses that are remembered to be gone */
	HOOK_REPEAT_S = 600,  /* without an id, equal bodies in one such stretch are one delivery */
};

struct webhook {
	struct platform_host *host;
	struct hook_config config;
	uint64_t last_ticket;
	bool stopping, stopped;
	struct held *held;	 /* every unanswered request, by ticket (answer.c) */
	struct waiters *waiters; /* those that wait for a message's end, by its uuid (answer.c) */
	size_t waiting;
	struct loop_timer *sweep;
	struct sending *sending;   /* callbacks under way, by ticket (send.c) */
	char *gone[HOOK_GONE_MAX]; /* addresses that answered 410, a ring: nothing is posted there before a
				      restart */
	unsigned gone_next;
	struct loop_timer *soon; /* things decided now and told in the next round */
	struct failures failures;
	struct hashing *hashings; /* bodies that are files (upload.c) */
	unsigned arriving;
	struct fetches *fetches; /* files.c */
};

/* Of this process: callbacks carry it, and a request that carries it is our own, come back. */
const char *hook_origin(void);

/* Something ended: tells the core "stopped" (in a later round) if that was the last thing. */
void hook_settle(struct webhook *hook);

/* receive.c: handlers of POST /webhook/NAME and GET /webhook/NAME/messages/UUID; owner is the hook. */
void hook_receive_post(void *owner, struct web_request *request);
void hook_receive_poll(void *owner, struct web_request *request);

/* upload.c: bodies that are files. */
bool hook_body_is_file(const struct webhook *hook, const struct web_request *request);
void hook_receive_file(struct webhook *hook, struct web_request *request);
void hook_files_forget(struct webhook *hook); /* the hook ends */

/* receive.c, for upload.c: the checks of a body that comes in pieces, refusals, and a file that has come and is genuine; its
 * path is taken over. */
struct hook_file {
	char *path;
	const char *sha256;
	int64_t size;
};
enum verified hook_check_head(const struct webhook *hook, const struct web_request *request);
struct verify_body *hook_check_begin(const struct webhook *hook, const struct web_request *request,
				     char **signature_out); /* NULL: the head said it all */
void hook_refuse(struct webhook *hook, struct web_request *request, enum verified why);
void hook_refuse_busy(struct web_request *request, const char *code, const char *why);
void hook_take_file(struct webhook *hook, struct web_request *request, const struct hook_file *file);

/* answer.c: requests that wait. Each returns a ticket, which crosses the wait in the request's place. */
uint64_t hook_hold(struct webhook *hook, struct web_request *request, unsigned wait_s, const char *ignored);
uint64_t hook_hold_poll(struct webhook *hook, struct web_request *request, const char *uuid);
void hook_hold_file(struct webhook *hook, uint64_t ticket,
		    char *path); /* removed unless it is stored; taken over */
void hook_ack(struct webhook *hook, uint64_t receipt, const struct ack *ack);
void hook_ended(struct webhook *hook, const struct outgoing *out);
void hook_found(struct webhook *hook, uint64_t ticket, const struct outgoing *out);
void hook_sweep(void *hook);
void hook_release(struct webhook *hook);
void hook_refuse_held(struct webhook *hook); /* whoever still waits gets 503 */

/* Counts a genuine request by what became of it. */
void hook_count(const struct webhook *hook, const char *outcome);

/* send.c: callbacks. */
void hook_send(struct webhook *hook, const struct outgoing *out, uint64_t ticket);
void hook_send_tell(struct webhook *hook); /* tells the core what was decided without a request */
void hook_send_finish(struct webhook *hook);

/* What one attempt's end means. retry_ms_out is set with SENT_LIMITED; why_out says why not. Pure. */
enum sent hook_send_outcome(const struct http_answer *answer, unsigned *retry_ms_out, struct err *why_out);

/* files.c: what lies at the addresses of a message's files. */
void hook_files_create(struct webhook *hook);
void hook_fetch(struct webhook *hook, const struct message_file *file, const char *path, int64_t max,
		uint64_t ticket);

/* encode.c: JSON for the outside, appended. Pure. */
struct receipt {
	const char *hook, *uuid, *conversation_uuid; /* conversation_uuid may be NULL */
	int64_t conversation_id;		     /* 0: none */
	enum message_state state;
	const char *poll_token; /* or NULL */
	const char *reason;	/* or NULL */
};
void hook_encode_receipt(struct buf *json, const struct receipt *receipt);
void hook_encode_result(struct buf *json, const char *uuid, const struct outgoing *out);
void hook_encode_callback(struct buf *json, const struct outgoing *out);

#endif
