/* The calling side of the HTTP tests: waits for ends by events, never by sleeping. */
#include "client.h"
#include "loop.h"
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void took_too_long(void *data)
{
	(void)data;
	fail_msg("nothing happened for twenty seconds");
}

void client_open(struct client *client, const struct http_options *options)
{
	static const struct http_options plain = { .agent = "usher-test" };
	struct err err = { 0 };

	client->io = io_create(&err);
	assert_non_null(client->io);
	client->http = http_create(client->io, options != NULL ? options : &plain, &err);
	assert_non_null(client->http);
	client->limit = loop_timer_create(io_loop(client->io), took_too_long, NULL);
}

void client_close(struct client *client)
{
	loop_timer_destroy(client->limit);
	http_destroy(client->http);
	io_destroy(client->io);
}

void client_run(struct client *client)
{
	loop_timer_start(client->limit, 120000, 0);
	io_run(client->io);
	loop_timer_stop(client->limit);
}

static bool take_data(void *owner, uint64_t ticket, const char *data, size_t len)
{
	struct result *result = owner;

	assert_int_equal(ticket, 7);
	if (result->data_len + len < sizeof(result->data)) {
		memcpy(result->data + result->data_len, data, len);
		result->data_len += len;
	}
	result->pieces++;
	return !result->stop_at_data;
}

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text != NULL ? text : "");
}

static void take_end(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct result *result = owner;

	assert_int_equal(ticket, 7);
	result->ends++;
	result->how = answer->how;
	result->err = answer->err;
	result->status = answer->status;
	copy(result->body, sizeof(result->body), answer->body);
	if (answer->len < sizeof(result->body)) /* bytes behind a NUL too */
		memcpy(result->body, answer->body, answer->len);
	result->too_large = answer->too_large;
	copy(result->type, sizeof(result->type), answer->type);
	copy(result->request_id, sizeof(result->request_id), answer->request_id);
	copy(result->should_retry, sizeof(result->should_retry), answer->should_retry);
	result->len = answer->len;
	result->retry_after_ms = answer->retry_after_ms;
	result->date_ms = answer->date_ms;
	result->first_byte_ms = answer->first_byte_ms;
	result->total_ms = answer->total_ms;
	io_stop(result->client->io);
}

uint64_t client_start(struct client *client, const struct http_call *call, bool stream, struct result *result)
{
	uint64_t id;

	memset(result->data, 0, sizeof(result->data));
	result->client = client;
	id = http_start(client->http, call, stream ? take_data : NULL, take_end, result, 7);
	assert_int_not_equal(id, 0);
	assert_int_equal(result->ends, 0); /* never inside the call that asked for it */
	return id;
}

void client_call(struct client *client, const struct http_call *call, bool stream, struct result *result)
{
	bool stop = result->stop_at_data;

	memset(result, 0, sizeof(*result));
	result->stop_at_data = stop;
	client_start(client, call, stream, result);
	client_run(client);
	assert_int_equal(result->ends, 1);
}

void client_get(struct client *client, const char *url, struct result *result)
{
	client_call(client, &(struct http_call){ .method = "GET", .url = url }, false, result);
}
