/* One outgoing call after the other on a loop of its own, and what came of each. */
#ifndef USHER_TEST_CLIENT_H
#define USHER_TEST_CLIENT_H

#include "http.h"
#include "io.h"

struct client {
	struct io *io;
	struct http *http;
	struct loop_timer *limit;
};

/* What a call gave; strings are copies that live until the next call or client_close. */
struct result {
	int ends; /* how often on_done came */
	enum http_how how;
	struct err err;
	int status;
	char body[4096], type[100], request_id[100], should_retry[20];
	size_t len;
	bool too_large;
	int64_t retry_after_ms, date_ms, first_byte_ms, total_ms;
	char data[4096]; /* pieces from on_data */
	size_t data_len, pieces;
	bool stop_at_data; /* on_data says no */
	struct client *client;
};

void client_open(struct client *client, const struct http_options *options);
void client_close(struct client *client);

/* Runs the loop until io_stop; fails the test after twenty seconds. */
void client_run(struct client *client);

/* Starts a call whose end stops the loop. */
uint64_t client_start(struct client *client, const struct http_call *call, bool stream,
		      struct result *result);

/* Starts it and runs to its end. */
void client_call(struct client *client, const struct http_call *call, bool stream, struct result *result);
void client_get(struct client *client, const char *url, struct result *result);

#endif
