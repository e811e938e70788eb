/* An http.h whose answers the test writes: nothing happens until it says so. */
#ifndef FAKE_HTTP_H
#define FAKE_HTTP_H

#include "http.h"

struct http *fake_http_create(void);
void fake_http_destroy(struct http *http);

/* The newest call that runs; NULL: none. Valid until it is answered or cancelled. */
struct fake_call {
	char *method, *url, *body, *headers; /* headers joined by \n */
	unsigned first_byte_ms, idle_ms, total_ms;
};
const struct fake_call *fake_http_call(const struct http *http);

/* A piece of a 2xx body for the newest call; false: the receiver wants no more. */
bool fake_http_data(struct http *http, const char *data, size_t len);

/* The end of the newest call. answer->body NULL becomes "". */
void fake_http_end(struct http *http, const struct http_answer *answer);

/* Short forms. */
void fake_http_stream(struct http *http, const char *text); /* one piece and a complete 200 */
void fake_http_status(struct http *http, int status, const char *body);
void fake_http_broken(struct http *http, enum http_how how);

#endif
