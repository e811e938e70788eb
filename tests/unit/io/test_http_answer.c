/* What the caller learns from an answer, how answers come in pieces, and how limits and cancelling end a
 * call. */
#include "call_stage.h"
#include "clock.h"
#include "mem.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *answer_text;

static const char *serve(peer_fn *script)
{
	peer = peer_start(&(struct peer_setup){ .script = script });
	return peer_url(peer, "http", "/");
}

static void say_text(struct peer_link *link)
{
	while (peer_read(link))
		peer_say(link, answer_text);
}

static void test_headers_of_an_overloaded_service(void **state)
{
	(void)state;
	answer_text =
		"HTTP/1.1 529 Overloaded\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nrequest-id: req_1\r\n"
		"x-should-retry: true\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
	client_get(&client, serve(say_text), &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(result.status, 529);
	assert_int_equal(result.date_ms, 784111777000);
	assert_string_equal(result.request_id, "req_1");
	assert_string_equal(result.should_retry, "true");
	assert_string_equal(result.type, "application/json");
	assert_string_equal(result.body, "{}");
}

static char scopes[80], nothing[80], all[120];

static void keep_headers(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	const char *named = http_header(answer, "x-oauth-scopes"), *other = http_header(answer, "x-other");
	char *lines = http_header_all(answer, "www-authenticate");

	(void)ticket;
	snprintf(scopes, sizeof(scopes), "%s", named != NULL ? named : "(none)");
	snprintf(nothing, sizeof(nothing), "%s", other != NULL ? other : "(none)");
	snprintf(all, sizeof(all), "%s", lines != NULL ? lines : "(none)");
	free(lines);
	io_stop(((struct client *)owner)->io);
}

/* A platform tells rights and limits in headers of its own. */
static void test_any_header_by_name(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(say_text) };

	(void)state;
	answer_text = "HTTP/1.1 200 OK\r\nX-OAuth-Scopes: chat:write,im:history\r\nWWW-Authenticate: Basic "
		      "realm=\"a\"\r\n"
		      "Content-Length: 0\r\nwww-authenticate: Bearer scope=\"b\", DPoP\r\n\r\n";
	http_start(client.http, &call, NULL, keep_headers, &client, 0);
	client_run(&client);
	assert_string_equal(scopes, "chat:write,im:history");
	assert_string_equal(nothing, "(none)");
	assert_string_equal(all, "Basic realm=\"a\", Bearer scope=\"b\", DPoP");
	call.url = "http://127.0.0.1:1/";
	http_start(client.http, &call, NULL, keep_headers, &client, 0);
	client_run(&client);
	assert_string_equal(scopes, "(none)"); /* nobody answered */
	assert_string_equal(all, "(none)");
	assert_null(http_header(&(struct http_answer){ .status = 200 }, "date"));
}

/* Waiting too short gets us banned, waiting too long loses the user. */
static void test_retry_after(void **state)
{
	static const struct {
		const char *headers;
		int64_t wait_ms;
	} cases[] = {
		{ "Retry-After: 7\r\n", 7000 },
		{ "Retry-After: 0.25\r\n", 250 },
		{ "Retry-After: 0\r\n", 0 },
		{ "retry-after-ms: 1499.2\r\nRetry-After: 60\r\n", 1500 },
		{ "retry-after-ms: soon\r\nRetry-After: 60\r\n", 60000 },
		{ "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n",
		  30000 },
		{ "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\n",
		  0 },
		{ "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 0 },
		{ "Retry-After: -5\r\n", -1 },
		{ "Retry-After: inf\r\n", -1 },
		{ "Retry-After: 1e9\r\n", -1 },
		{ "Retry-After: 0x10\r\n", -1 },
		{ "Retry-After: 1.2.3\r\n", -1 },
		{ "Retry-After: \r\n", -1 },
		{ "Retry-After: 99999999999999999999999\r\n", 365LL * 86400 * 1000 },
		{ "", -1 },
	};
	const char *url = serve(say_text);
	static char text[500]; /* the server's thread reads it */

	(void)state;
	answer_text = text;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 429 Too Many\r\n%sContent-Length: 0\r\n\r\n",
			 cases[i].headers);
		client_get(&client, url, &result);
		assert_int_equal(result.status, 429);
		if (result.retry_after_ms != cases[i].wait_ms)
			fail_msg("%s gave %lld", cases[i].headers, (long long)result.retry_after_ms);
	}
}

static void test_retry_after_date_without_date_header(void **state)
{
	time_t then = time(NULL) + 90;
	struct tm parts;
	static char text[200];
	char date[60];

	(void)state;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &parts));
	snprintf(text, sizeof(text), "HTTP/1.1 503 Busy\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
		 date);
	answer_text = text;
	client_get(&client, serve(say_text), &result);
	assert_in_range(result.retry_after_ms, 60000, 90000);
}

static void test_too_large_answer_is_cut(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(say_text), .answer_max = 10 };

	(void)state;
	answer_text = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901";
	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_MAYBE);
	assert_int_equal(result.status, 200);
	assert_int_equal(result.len, 10);
	answer_text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234567890";
	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_string_equal(result.body, "1234567890");
}

/* Sends until the other side has enough. */
static void endless(struct peer_link *link)
{
	char block[65536];

	memset(block, 'z', sizeof(block));
	if (!peer_read(link))
		return;
	peer_say(link, "HTTP/1.1 200 OK\r\n\r\n");
	for (int i = 0; i < 1600 && !link->peer->stopping; i++)
		peer_send(link, block, sizeof(block));
}

static void test_huge_answer_is_cut_by_default(void **state)
{
	(void)state;
	client_get(&client, serve(endless), &result);
	assert_int_equal(result.how, HTTP_MAYBE);
	assert_int_equal(result.status, 200);
	assert_int_equal(result.len, 65536);
	assert_true(result.too_large);
	assert_non_null(strstr(result.err.text, "too large"));
}

static void test_huge_stream_is_cut(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(endless), .answer_max = 100000 };

	(void)state;
	client_call(&client, &call, true, &result);
	assert_int_equal(result.how, HTTP_MAYBE);
	assert_int_equal(result.status, 200);
	assert_true(result.pieces > 0);
}

static void test_stream_passes_pieces(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(say_text) };

	(void)state;
	answer_text =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
	client_call(&client, &call, true, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_string_equal(result.data, "abcdefg");
	assert_int_equal(result.len, 0); /* not collected too */
}

static void test_error_body_is_not_streamed(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(say_text) };

	(void)state;
	answer_text = "HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\n{\"bad\":1}";
	client_call(&client, &call, true, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(result.pieces, 0);
	assert_string_equal(result.body, "{\"bad\":1}");
}

static void say_long_error(struct peer_link *link)
{
	static char page[1 << 20];

	if (!peer_read(link))
		return;
	memset(page, 'x', sizeof(page));
	peer_say(link, "HTTP/1.1 500 Broken\r\nContent-Length: 1048576\r\n\r\n");
	peer_send(link, page, sizeof(page));
}

/* A reader of pieces allows 64 MB for an answer; a broken server must not have us keep that for every call.
 */
static void test_long_error_is_cut(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(say_long_error), .answer_max = 64 << 20 };

	(void)state;
	client_call(&client, &call, true, &result);
	assert_int_equal(result.how, HTTP_ANSWERED);
	assert_int_equal(result.status, 500);
	assert_int_equal(result.len, 65536);
}

static void test_stopping_a_stream(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(endless) };

	(void)state;
	result.stop_at_data = true;
	client_call(&client, &call, true, &result);
	assert_int_equal(result.how, HTTP_MAYBE);
	assert_int_equal(result.status, 200);
	assert_int_equal(result.pieces, 1);
}

/* ---- time ---------------------------------------------------------------------------------------------- */

static void never_answer(struct peer_link *link)
{
	if (peer_read(link))
		peer_wait_gone(link);
}

static void stall_in_body(struct peer_link *link)
{
	if (!peer_read(link))
		return;
	peer_say(link, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
	peer_wait_gone(link);
}

static void test_slow_first_byte(void **state)
{
	struct http_call call = { .method = "POST", .url = serve(never_answer), .first_byte_ms = 100 };

	(void)state;
	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_MAYBE);
	assert_int_equal(result.status, 0);
	assert_in_range(result.total_ms, 100, 10000);
	for (int i = 0; peer->requests == 0 && i < 20000; i++)
		usleep(1000); /* the peer's thread may be late */
	assert_int_equal(peer->requests, 1);
}

static void test_stall_in_body(void **state)
{
	struct http_call call = { .method = "POST", .url = serve(stall_in_body), .idle_ms = 100 };

	(void)state;
	client_call(&client, &call, true, &result);
	assert_int_equal(result.how, HTTP_MAYBE);
	assert_int_equal(result.status, 200);
	assert_string_equal(result.data, "half");
	assert_in_range(result.total_ms, 100, 10000);
}

static void test_total_time(void **state)
{
	struct http_call call = { .method = "POST", .url = serve(stall_in_body), .total_ms = 150 };

	(void)state;
	client_call(&client, &call, false, &result);
	assert_int_equal(result.how, HTTP_MAYBE);
	assert_in_range(result.total_ms, 140, 10000);
}

/* ---- cancelling ---------------------------------------------------------------------------------------- */

static int cancelled_calls;
static uint64_t own_id, other_id;

static bool cancel_both(void *owner, uint64_t ticket, const char *data, size_t len)
{
	(void)owner;
	(void)ticket;
	(void)data;
	(void)len;
	cancelled_calls++;
	http_cancel(client.http, own_id);
	http_cancel(client.http, other_id);
	http_cancel(client.http, 12345);
	return true;
}

static void must_not_end(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	(void)owner;
	(void)ticket;
	(void)answer;
	fail_msg("a cancelled call ended");
}

/* A server that takes no more connections: the one that is tried stays half open. Its sockets, the first listens. */
static int fill_up(int fds[4])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);

	for (int i = 0; i < 4; i++)
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fds[0], (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fds[0], 0), 0);
	assert_int_equal(getsockname(fds[0], (struct sockaddr *)&address, &len), 0);
	for (int i = 1; i < 4; i++)
		connect(fds[i], (struct sockaddr *)&address, sizeof(address));
	return ntohs(address.sin_port);
}

/* curl closes such a socket without telling: what the loop watched of it stayed for ever, and stopping ended in abort. */
static void test_given_up_while_connecting(void **state)
{
	int fds[4], port = fill_up(fds);
	char *url = mem_format("http://127.0.0.1:%d/", port);
	struct http_call call = { .method = "GET", .url = url, .total_ms = 200 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		client_call(&client, &call, false, &result);
		assert_int_equal(result.ends, 1);
		assert_int_not_equal(result.how, HTTP_ANSWERED);
	}
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	free(url); /* the end of the test destroys the client, which looks for what was forgotten */
}

static void test_cancel_while_data_comes(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(stall_in_body) };
	int tries = 0;

	(void)state;
	cancelled_calls = 0;
	other_id = http_start(client.http, &call, NULL, must_not_end, NULL, 0);
	own_id = http_start(client.http, &call, cancel_both, must_not_end, NULL, 0);
	call.first_byte_ms =
		600; /* ends later than anything the other two could still do, if the machine has the time */
	call.idle_ms = 300;
	do
		client_call(&client, &call, false, &result);
	while (cancelled_calls == 0 && ++tries < 50);
	assert_int_equal(cancelled_calls, 1);
	assert_int_equal(http_running(client.http), 0);
}

static void cancel_other(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	(void)ticket;
	(void)answer;
	http_cancel(client.http, own_id); /* itself: unknown by now */
	http_cancel(client.http, other_id);
	client_start(&client, owner, false, &result); /* a new call from inside an end */
}

/* Both are refused in the same round; the first end cancels the second. */
static void test_cancel_while_ending(void **state)
{
	struct http_call bad = { .method = "GET", .url = "gopher://127.0.0.1/" };
	struct http_call good = { .method = "GET", .url = serve(say_text) };

	(void)state;
	answer_text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	own_id = http_start(client.http, &bad, NULL, cancel_other, &good, 0);
	other_id = http_start(client.http, &bad, NULL, must_not_end, NULL, 0);
	assert_int_equal(http_running(client.http), 2);
	client_run(&client);
	assert_int_equal(result.ends, 1);
	assert_int_equal(result.status, 200);
}

static void test_cancel_before_it_begins(void **state)
{
	struct http_call call = { .method = "GET", .url = serve(say_text) };

	(void)state;
	answer_text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	http_cancel(client.http, http_start(client.http, &call, NULL, must_not_end, NULL, 0));
	client_call(&client, &call, false, &result);
	assert_int_equal(peer->requests, 1);
}

/* The daemon ends while calls run: no callback, nothing left. The teardown's checks are the test. */
static void test_destroy_while_running(void **state)
{
	struct http_call call = { .method = "POST", .url = serve(never_answer), .body = "b", .body_len = 1 };
	struct http_call marker = { .method = "GET", .url = call.url, .first_byte_ms = 100 };

	(void)state;
	for (int i = 0; i < 20; i++)
		http_start(client.http, &call, NULL, must_not_end, NULL, 0);
	client_call(&client, &marker, false, &result);
	assert_int_equal(http_running(client.http), 20);
	http_start(client.http, &call, NULL, must_not_end, NULL, 0); /* one that never began */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, client_setup, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_headers_of_an_overloaded_service),
		CASE(test_any_header_by_name),
		CASE(test_retry_after),
		CASE(test_retry_after_date_without_date_header),
		CASE(test_too_large_answer_is_cut),
		CASE(test_huge_answer_is_cut_by_default),
		CASE(test_huge_stream_is_cut),
		CASE(test_stream_passes_pieces),
		CASE(test_error_body_is_not_streamed),
		CASE(test_long_error_is_cut),
		CASE(test_stopping_a_stream),
		CASE(test_slow_first_byte),
		CASE(test_stall_in_body),
		CASE(test_total_time),
		CASE(test_given_up_while_connecting),
		CASE(test_cancel_while_data_comes),
		CASE(test_cancel_while_ending),
		CASE(test_cancel_before_it_begins),
		CASE(test_destroy_while_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
