/* Requests that wait until what they brought is stored: at most so many, each at most so long, then 503 with
 * Retry-After, so that it is sent again. Loop thread only. */
#ifndef USHER_HELD_H
#define USHER_HELD_H

#include "web.h"

struct loop;
struct web_held;

/* patience_ms: from web_held_add to the 503; most: how many may wait. */
struct web_held *web_held_create(struct web *web, struct loop *loop, unsigned patience_ms, size_t most);

/* false: too many wait, it was answered 503. Its id (web_id) is the handle from now on. */
bool web_held_add(struct web_held *held, struct web_request *request);

/* To be answered now, by the caller. NULL: unknown, gone, or answered when its time was over. */
struct web_request *web_held_take(struct web_held *held, uint64_t id);

/* 503 with Retry-After in whole seconds, at least one. Ends the request. */
void web_answer_later(struct web_request *request, unsigned retry_ms);

/* What still waits gets 503. Takes NULL. */
void web_held_destroy(struct web_held *held);

#endif
