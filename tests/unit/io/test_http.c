/* One outgoing call against servers that behave and servers that do not: what the caller is told must be
 * true. */
#include "client.h"
#include "peer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct client client;
static struct peer *peer;
static struct result result;

static int setup(void **state)
{
	(void)state;
	memset(&result, 0, sizeof(result));
	client_open(&client, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	client_close(&client);
	if (peer != NULL)
		peer_stop(peer);
	peer = NULL;
	return 0;
}

static const char *serve(peer_fn *script)
{
	peer = peer_start(&(struct peer_setup){ .script = script });
	return peer_url(peer, "http", "/x?token=hidden");
}

/* Answers every request of a connection with its own text, so that a test sees what was sent. */
static void echo(struct peer_link *link)
{
	char head[200];

	while (peer_read(link)) {
		snprintf(head, sizeof(head),
			 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Request-Id: "
			 "r-%u\r\nContent-Length: %zu\r\n\r\n",
			 link->number, link->len);
		peer_say(link, head);
		peer_send(link, link->text, link->len);
	}
}

static void test_get(void **state)
{
	const char *const headers[] = { "X-Mine: yes", NULL };
	struct http_call call = { .method = "GET", .url = serve(echo), .headers = headers };

	(void)state;
	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(result.status, 200);
	assert_int_equal(result.err.kind, ERR_NONE);
	assert_string_equal(result.type, "text/plain");
	assert_string_equal(result.request_id, "r-1");
	assert_memory_equal(result.body, "GET /x?token=hidden HTTP/1.1\r\n", 30);
	assert_non_null(strstr(result.body, "X-Mine: yes\r\n"));
	assert_non_null(strstr(result.body, "User-Agent: usher-test\r\n"));
	assert_null(strstr(result.body, "Accept-Encoding")); /* a packed answer could unpack to anything */
	assert_int_equal(result.retry_after_ms, -1);
	assert_true(result.first_byte_ms >= 0 && result.total_ms >= result.first_byte_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_get, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
