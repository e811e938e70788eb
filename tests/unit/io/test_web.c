/* The web server over real connections: framing, order, refusals and limits as a peer sees them. */
#include "mem.h"
#include "web_server.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct server server;

static int begin(void **state)
{
	(void)state;
	server_start(&server, &(struct server_options){ 0 });
	return 0;
}

static int end(void **state)
{
	(void)state;
	server_stop(&server);
	return 0;
}

#define POST_ABC "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"

static void test_answer_head(void **state)
{
	struct reply reply;
	int fd = dial(&server);

	(void)state;
	put(fd, "GET /hello HTTP/1.1\r\nHost: a\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n");
	reply_read(fd, &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.body, "hello");
	assert_true(reply_has(&reply, "Content-Type: text/plain"));
	assert_true(reply_has(&reply, "X-Content-Type-Options: nosniff"));
	assert_true(reply_has(&reply, "X-Twice: yes"));
	assert_non_null(strstr(reply.head, "\r\nDate: "));
	assert_null(strstr(reply.head, "Set-Cookie"));
	assert_null(strstr(reply.head, "Connection: close"));
	reply_free(&reply);
	put(fd, POST_ABC); /* kept alive */
	expect_reply(fd, 200, "abc");
	close(fd);
}

static void test_head_has_no_body(void **state)
{
	int fd = dial(&server);

	(void)state;
	put(fd, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_within(fd, "Content-Length: 5\r\n\r\n");
	put(fd, HELLO);
	expect_reply(fd, 200, "hello");
	close(fd);
}

static void test_byte_by_byte(void **state)
{
	int fd = dial(&server);

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (const char *at = POST_ABC; *at != '\0'; at++)
			put_bytes(fd, at, 1);
		expect_reply(fd, 200, "abc");
	}
	for (const char *at = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
			      "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n";
	     *at != '\0'; at++)
		put_bytes(fd, at, 1);
	expect_reply(fd, 200, "abcde");
	close(fd);
}

/* Several requests in one segment are answered in order; libwebsockets' own HTTP role hangs on these. */
static void test_pipelined(void **state)
{
	int fd = dial(&server);

	(void)state;
	put(fd, POST_ABC "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nde");
	expect_reply(fd, 200, "abc");
	expect_reply(fd, 200, "de");
	put(fd, HELLO POST_ABC "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" HELLO);
	expect_reply(fd, 200, "hello");
	expect_reply(fd, 200, "abc");
	expect_reply(fd, 404, NULL);
	expect_reply(fd, 200, "hello");
	close(fd);
}

/* While the first answer is awaited the others wait, and the CPU rests. */
static void test_pipelined_behind_a_pending_one(void **state)
{
	int fd = dial(&server);

	(void)state;
	put(fd, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx" HELLO POST_ABC);
	wait_stat(&server, "held", 1);
	put(fd, HELLO);
	assert_int_equal(status_of(&server, "POST /release HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
			 204);
	expect_reply(fd, 200, "released");
	expect_reply(fd, 200, "hello");
	expect_reply(fd, 200, "abc");
	expect_reply(fd, 200, "hello");
	close(fd);
}

/* A peer that sends without end behind a pending request is not read into memory. */
static void test_read_ahead_is_bounded(void **state)
{
	static char junk[65536];
	int fd = dial(&server);
	size_t sent = 0;
	ssize_t got;

	(void)state;
	memset(junk, 'x', sizeof(junk));
	put(fd, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
	wait_stat(&server, "held", 1);
	while (sent < 64u << 20 && (got = send(fd, junk, sizeof(junk), MSG_DONTWAIT)) > 0)
		sent += (size_t)got;
	assert_true(sent < 64u << 20);
	assert_int_equal(status_of(&server, HELLO), 200);
	assert_int_equal(status_of(&server, "POST /release HTTP/1.1\r\nHost: a\r\n\r\n"), 204);
	expect_reply(fd, 200, "released");
	expect_reply(fd, 414, NULL); /* the junk is a request line without end */
	close(fd);
}

static void test_chunked(void **state)
{
	int fd = dial(&server);

	(void)state;
	put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		"chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" HELLO);
	expect_reply(fd, 200, "abc");
	expect_reply(fd, 200, "hello");
	put(fd, "POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n");
	expect_reply(fd, 413, NULL);
	assert_true(at_end(fd));
	close(fd);
	assert_int_equal(status_of(&server,
				   "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "3\nabc"),
			 400);
}

static void test_large_body(void **state)
{
	size_t len = 1 << 20;
	char *body = mem_alloc(len);
	struct reply reply;
	int fd = dial(&server);

	(void)state;
	for (size_t i = 0; i < len; i++)
		body[i] = (char)(i * 31);
	put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n");
	put_bytes(fd, body, len);
	reply_read(fd, &reply);
	assert_int_equal(reply.len, len);
	assert_memory_equal(reply.body, body, len);
	reply_free(&reply);
	free(body);
	put(fd, HELLO);
	expect_reply(fd, 200, "hello");
	close(fd);
}

/* Refused from the announcement alone: no handler, no memory, and the answer arrives although the body keeps
 * coming. */
static void test_announced_body_too_large(void **state)
{
	static char piece[65536];
	long kib = stat_of(&server, "kib");
	struct reply reply;
	int fd = dial(&server);

	(void)state;
	put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n");
	for (int i = 0; i < 10; i++)
		put_bytes(fd, piece, sizeof(piece));
	reply_read(fd, &reply);
	assert_int_equal(reply.status, 413);
	assert_true(reply_has(&reply, "Connection: close"));
	assert_non_null(strstr(reply.body, "\"PAYLOAD_TOO_LARGE\""));
	reply_free(&reply);
	close(fd);
	assert_true(stat_of(&server, "kib") - kib < 4096);
}

static void test_expect_continue(void **state)
{
	int fd = dial(&server);

	(void)state;
	put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	expect_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	put(fd, "abc");
	expect_reply(fd, 200, "abc");
	put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc");
	expect_reply(fd, 200, "abc"); /* the body is here: nothing to continue */
	put(fd, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n");
	expect_reply(fd, 413, NULL); /* the final status at once */
	close(fd);
}

static const struct {
	const char *request;
	int status;
} refusals[] = {
	{ "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404 },
	{ "POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", 404 },
	{ "PUT /both HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", 405 },
	{ "TRACE /hello HTTP/1.1\r\nHost: a\r\n\r\n", 405 },
	{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404 },
	{ "FROB / HTTP/1.1\r\nHost: a\r\n\r\n", 501 },
	{ "GET /hello HTTP/2.0\r\n\r\n", 505 },
	{ "GET /hello HTTP/1.1\r\n\r\n", 400 },
	{ "GET /hello HTTP/1.1\nHost: a\n\n", 400 },
	{ "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	{ "POST /echo HTTP/1.0\r\n\r\nabc", 411 },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400 },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n0\r\n\r\n",
	  400 },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501 },
	{ "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", 417 },
	{ "\x16\x03\x01\x02\n", 400 }, /* TLS to the plain port */
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		assert_int_equal(status_of(&server, refusals[i].request), refusals[i].status);
}

static void test_allow(void **state)
{
	struct reply reply;
	int fd = dial(&server);

	(void)state;
	put(fd, "DELETE /both HTTP/1.1\r\nHost: a\r\n\r\n");
	reply_read(fd, &reply);
	assert_int_equal(reply.status, 405);
	assert_true(reply_has(&reply, "Allow: GET, HEAD, POST"));
	reply_free(&reply);
	put(fd, HELLO); /* nothing was unread: still usable */
	expect_reply(fd, 200, "hello");
	close(fd);
}

/* A request behind a refused one must not be served: its start can't be known. */
static void test_nothing_behind_a_refusal(void **state)
{
	long handled = stat_of(&server, "handled");
	int fd = dial(&server);

	(void)state;
	put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 40\r\n\r\n" POST_ABC
			POST_ABC);
	expect_reply(fd, 400, NULL);
	assert_true(at_end(fd));
	close(fd);
	assert_int_equal(stat_of(&server, "handled"), handled);
}

static void test_limits(void **state)
{
	char *text = mem_alloc(40000);
	int fd = dial(&server);

	(void)state;
	memset(text, 'a', 40000);
	memcpy(text, "GET /", 5);
	put_bytes(fd, text, 5000); /* no end of line yet */
	expect_reply(fd, 414, NULL);
	close(fd);
	fd = dial(&server);
	put(fd, "GET /hello HTTP/1.1\r\nHost: a\r\nX: ");
	put_bytes(fd, text + 100, 30000);
	expect_reply(fd, 431, NULL);
	close(fd);
	fd = dial(&server);
	put(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < WEB_HEADERS_MAX; i++)
		put(fd, "A: b\r\n");
	put(fd, "\r\n");
	expect_reply(fd, 431, NULL);
	close(fd);
	free(text);
}

static void test_old_clients(void **state)
{
	struct reply reply;
	int fd = dial(&server);

	(void)state;
	put(fd, "GET /hello HTTP/1.0\r\n\r\n");
	reply_read(fd, &reply);
	assert_int_equal(reply.status, 200);
	assert_true(reply_has(&reply, "Connection: close"));
	reply_free(&reply);
	assert_true(at_end(fd));
	close(fd);
	fd = dial(&server);
	put(fd, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	expect_reply(fd, 200, "hello");
	assert_true(at_end(fd));
	close(fd);
	fd = dial(&server);
	put(fd, "POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
	expect_reply(fd, 200, "abc");
	close(fd);
}

static void test_params(void **state)
{
	int fd = dial(&server);

	(void)state;
	put(fd, "GET /param/one%2Ftwo/x/%C3%A4?q=a+b%26c&e= HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_reply(fd, 200, "one/two|\xc3\xa4|/param/one/two/x/\xc3\xa4|a b&c|");
	put(fd, "GET http://a/param/1/x/2 HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_reply(fd, 200, "1|2|/param/1/x/2|-|-");
	close(fd);
}

/* The peer has shut its side behind the request: what is answered at once still arrives. */
static void test_half_closed(void **state)
{
	int fd = dial(&server);

	(void)state;
	put(fd, POST_ABC);
	shutdown(fd, SHUT_WR);
	expect_reply(fd, 200, "abc");
	assert_true(at_end(fd));
	close(fd);
	fd = dial(&server);
	put(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"); /* a lie */
	shutdown(fd, SHUT_WR);
	assert_true(at_end(fd));
	close(fd);
	assert_int_equal(status_of(&server, HELLO), 200);
}

/* A slow reader of large answers that pipelines: everything arrives, in order, and the CPU rests meanwhile.
 */
static void test_slow_reader(void **state)
{
	struct reply reply;
	long cpu;
	int fd = dial(&server);

	(void)state;
	for (int i = 0; i < 4; i++)
		put(fd, "GET /big/6000000 HTTP/1.1\r\nHost: a\r\n\r\n");
	cpu = stat_of(&server, "cpu_us");
	for (int i = 0; i < 30; i++) {
		usleep(10000);
		put(fd, "\r"); /* input that comes while output waits */
	}
	cpu = stat_of(&server, "cpu_us") - cpu;
	if (cpu > 150000)
		fail_msg("%ld us of CPU while nothing happens", cpu);
	for (int i = 0; i < 4; i++) {
		reply_read(fd, &reply);
		assert_int_equal(reply.len, 6000000);
		reply_free(&reply);
	}
	close(fd);
}

/* Downloads arrive whole through a slow reader, the connection stays good for the next request, and one that is cut short
 * can't be taken for whole. */
static void test_file(void **state)
{
	struct reply reply;
	int fd = dial(&server);

	(void)state;
	put(fd, "HEAD /file/7000000 HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_within(fd, "Content-Length: 7000000\r\n\r\n");
	put(fd, "GET /file/7000000 HTTP/1.1\r\nHost: a\r\n\r\nGET /file/0 HTTP/1.1\r\nHost: a\r\n\r\n" HELLO);
	reply_read(fd, &reply);
	assert_int_equal(reply.len, 7000000);
	reply_free(&reply);
	expect_reply(fd, 200, "");
	expect_reply(fd, 200, "hello");
	put(fd, "GET /file/1000?short=1 HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_within(fd, "Content-Length: 1001\r\n\r\n");
	for (int i = 0; i < 1000; i++)
		expect_text(fd, "x");
	assert_true(at_end(fd));
	close(fd);
}

/* However a body comes, the file holds its bytes, and the next request on the connection is the next request. */
static void test_body_to_a_file(void **state)
{
	int fd = dial(&server);

	(void)state;
	put(fd, "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" HELLO);
	expect_reply(fd, 200, "abc");
	expect_reply(fd, 200, "hello");
	put(fd, "POST /keep HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\n");
	put(fd, "c\r\n0\r\n\r\n");
	expect_reply(fd, 200, "abc");
	put(fd, "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	expect_reply(fd, 200, "");
	put(fd, "POST /keep HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	expect_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	put(fd, "x");
	put(fd, "yz");
	expect_reply(fd, 200, "xyz");
	close(fd);
}

/* A file does not begin with its end when more of it arrives in the very moment in which its body may go on. */
static void test_body_to_a_file_in_order(void **state)
{
	int fd = dial(&server), let = dial(&server), nap = dial(&server);
	struct reply reply;

	(void)state;
	put(fd, "POST /keep/held HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
	wait_stat(&server, "held", 1);
	put(nap, "POST /nap HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	usleep(50000); /* not in time: nothing is shown, and nothing fails */
	put(let, "POST /let HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	put(fd, "def");
	reply_read(nap, &reply);
	reply_free(&reply);
	expect_reply(let, 204, NULL);
	expect_reply(fd, 200, "abcdef");
	close(fd);
	close(let);
	close(nap);
}

/* Hostile senders are refused with the file half written, and one who waits for leave to send is refused without. */
static void test_body_to_a_file_refused(void **state)
{
	static const struct {
		const char *request;
		int status;
	} rows[] = {
		{ "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413 },
		{ "POST /keep HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3e8\r\n",
		  413 },
		{ "POST /keep HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nx\r\n",
		  400 },
		{ "POST /keep/nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 503 },
		{ "POST /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
		  401 },
		{ "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na", 401 },
		{ "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\n\r\n", 413 },
		{ "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n", 413 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(status_of(&server, rows[i].request), rows[i].status);
}

/* A handler that wants the body in memory after all gets it as on any other route. */
static void test_body_back_into_memory(void **state)
{
	int fd = dial(&server);

	(void)state;
	put(fd, "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" HELLO);
	expect_reply(fd, 200, "abc");
	expect_reply(fd, 200, "hello");
	put(fd, "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	expect_reply(fd, 200, "");
	put(fd, "POST /collect HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	expect_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	put(fd, "x");
	put(fd, "yz");
	expect_reply(fd, 200, "xyz");
	put(fd,
	    "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
	expect_reply(fd, 200, "ab");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_head),
		cmocka_unit_test(test_head_has_no_body),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_pipelined_behind_a_pending_one),
		cmocka_unit_test(test_read_ahead_is_bounded),
		cmocka_unit_test(test_chunked),
		cmocka_unit_test(test_large_body),
		cmocka_unit_test(test_announced_body_too_large),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_nothing_behind_a_refusal),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_old_clients),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_body_to_a_file),
		cmocka_unit_test(test_body_to_a_file_in_order),
		cmocka_unit_test(test_body_to_a_file_refused),
		cmocka_unit_test(test_body_back_into_memory),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
