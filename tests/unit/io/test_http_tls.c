/* Tokens travel in these requests: a server that can't prove its name gets none of them. */
#include "client.h"
#include "peer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct client client;
static struct peer *peer;
static struct result result;
static char folder[] = "/tmp/usher-tls-XXXXXX", right[64], right_key[64], wrong[64], wrong_key[64];

static int make_certs(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(right, sizeof(right), "%s/right.crt", folder);
	snprintf(right_key, sizeof(right_key), "%s/right.key", folder);
	snprintf(wrong, sizeof(wrong), "%s/wrong.crt", folder);
	snprintf(wrong_key, sizeof(wrong_key), "%s/wrong.key", folder);
	peer_make_cert(folder, "right");
	peer_make_cert(folder, "wrong");
	return 0;
}

static int remove_certs(void **state)
{
	(void)state;
	unlink(right);
	unlink(right_key);
	unlink(wrong);
	unlink(wrong_key);
	return rmdir(folder);
}

static void answer(struct peer_link *link)
{
	while (peer_read(link))
		peer_say(link, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static int setup(void **state)
{
	(void)state;
	client_open(&client, NULL);
	peer = peer_start(
		&(struct peer_setup){ .script = answer, .cert_file = right, .key_file = right_key });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	client_close(&client);
	peer_stop(peer);
	return 0;
}

static void call_with(const char *url, const char *ca_file)
{
	struct http_call call = {
		.method = "POST", .url = url, .body = "t", .body_len = 1, .ca_file = ca_file
	};

	client_call(&client, &call, false, &result);
}

static void test_unknown_ca(void **state)
{
	const char *const files[] = { NULL, wrong };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		call_with(peer_url(peer, "https", "/"), files[i]);
		assert_int_equal(result.how, HTTP_NOT_SENT);
		assert_int_equal(result.err.kind, ERR_AGAIN);
	}
	assert_int_equal(peer->requests, 0);
}

static void test_own_ca(void **state)
{
	(void)state;
	call_with(peer_url(peer, "https", "/"), right);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_string_equal(result.body, "ok");
	call_with(peer_url(peer, "https", "/"), right);
	assert_int_equal(peer->connections, 1); /* handshakes are dear */
}

static void test_own_ca_for_all_calls(void **state)
{
	struct client own = client;

	(void)state;
	own.http = http_create(client.io, &(struct http_options){ .ca_file = right }, NULL);
	assert_non_null(own.http);
	client_get(&own, peer_url(peer, "https", "/"), &result);
	http_destroy(own.http);
	assert_int_equal(result.how, HTTP_ANSWERED);
}

/* The certificate is for 127.0.0.1 and localhost, not for this other name of the same machine. */
static void test_foreign_name(void **state)
{
	char url[100];

	(void)state;
	snprintf(url, sizeof(url), "https://127.0.0.2:%d/", peer->port);
	call_with(url, right);
	assert_int_equal(result.how, HTTP_NOT_SENT);
	assert_int_equal(peer->requests, 0);
}

/* A connection made with a trusted CA must not serve calls that trust another one. */
static void test_connections_keep_their_ca(void **state)
{
	(void)state;
	call_with(peer_url(peer, "https", "/"), right);
	assert_int_equal(result.how, HTTP_ANSWERED);
	call_with(peer_url(peer, "https", "/"), wrong);
	assert_int_equal(result.how, HTTP_NOT_SENT);
}

static void refuse_tls(struct peer_link *link)
{
	char hello[1];

	peer_receive(link, hello, sizeof(hello));
	peer_say(link, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void test_plain_server(void **state)
{
	struct peer *plain = peer_start(&(struct peer_setup){ .script = refuse_tls });

	(void)state;
	call_with(peer_url(plain, "https", "/"), right);
	peer_stop(plain);
	assert_int_equal(result.how, HTTP_NOT_SENT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_unknown_ca),
		CASE(test_own_ca),
		CASE(test_own_ca_for_all_calls),
		CASE(test_foreign_name),
		CASE(test_connections_keep_their_ca),
		CASE(test_plain_server),
	};

	return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
