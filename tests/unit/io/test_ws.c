/* One outgoing web socket against servers that behave and servers that do not: whole messages, pings, one
 * end. */
#include "io.h"
#include "loop.h"
#include "peer.h"
#include "ws.h"
#include <endian.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct io *io;
static struct loop_timer *limit;
static struct peer *peer;

/* ---- the server's side: RFC 6455 by hand, so that a script may break it
 * ------------------------------------ */

enum { TEXT = 0x81, BINARY = 0x82, CLOSE = 0x88, PING = 0x89, PONG = 0x8a, FRAME_MAX = 300000 };

struct frame {
	unsigned char kind; /* first byte: FIN and opcode */
	size_t len;
	unsigned char data[FRAME_MAX + 1];
};

static bool take_exactly(struct peer_link *link, void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		long got = peer_receive(link, at, len);

		if (got <= 0)
			return false;
		at += got;
		len -= (size_t)got;
	}
	return true;
}

static bool accept_socket(struct peer_link *link)
{
	unsigned char digest[SHA_DIGEST_LENGTH], answer[64];
	char text[200], whole[400];
	const char *key;

	if (!peer_read(link))
		return false;
	key = strcasestr(link->text, "sec-websocket-key:");
	if (key == NULL || strcasestr(link->text, "permessage-deflate") != NULL)
		return false;
	key += strlen("sec-websocket-key:");
	key += strspn(key, " ");
	snprintf(text, sizeof(text), "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)strcspn(key, " \r"),
		 key);
	SHA1((const unsigned char *)text, strlen(text), digest);
	EVP_EncodeBlock(answer, digest, sizeof(digest));
	snprintf(whole, sizeof(whole),
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Accept: %s\r\n\r\n",
		 answer);
	peer_say(link, whole);
	return true;
}

static void send_frame(struct peer_link *link, int kind, const void *data, size_t len)
{
	unsigned char head[10] = { (unsigned char)kind };
	size_t head_len = 2;

	if (len < 126) {
		head[1] = (unsigned char)len;
	} else if (len < 65536) {
		uint16_t size = htobe16((uint16_t)len);

		head[1] = 126;
		memcpy(head + 2, &size, sizeof(size));
		head_len = 4;
	} else {
		uint64_t size = htobe64(len);

		head[1] = 127;
		memcpy(head + 2, &size, sizeof(size));
		head_len = 10;
	}
	peer_send(link, head, head_len);
	peer_send(link, data, len);
}

static bool read_frame(struct peer_link *link, struct frame *frame)
{
	unsigned char head[2], mask[4], size[8] = { 0 };

	if (!take_exactly(link, head, 2) || (head[1] & 0x80) == 0)
		return false; /* a client must mask */
	frame->kind = head[0];
	frame->len = head[1] & 0x7f;
	if (frame->len >= 126) {
		size_t bytes = frame->len == 126 ? 2 : 8;
		uint64_t long_size;

		if (!take_exactly(link, size + 8 - bytes, bytes))
			return false;
		memcpy(&long_size, size, sizeof(long_size));
		frame->len = be64toh(long_size);
	}
	if (frame->len > FRAME_MAX || !take_exactly(link, mask, 4) ||
	    !take_exactly(link, frame->data, frame->len))
		return false;
	for (size_t i = 0; i < frame->len; i++)
		frame->data[i] ^= mask[i % 4];
	frame->data[frame->len] = '\0';
	return true;
}

/* Sends back what comes and answers a close, as a good server does. */
static void echo(struct peer_link *link)
{
	struct frame *frame = calloc(1, sizeof(*frame));
	bool open = accept_socket(link);

	while (open && read_frame(link, frame)) {
		send_frame(link, frame->kind, frame->data, frame->len);
		open = frame->kind != CLOSE;
	}
	free(frame);
}

/* ---- the client's side -----------------------------------------------------------------------------------
 */

static struct {
	struct ws *ws;
	int opens, messages, closes, code;
	struct err err;
	bool binary;
	char *data;
	size_t len;
	bool close_after_message, destroy_after_message;
} seen;

static void took_too_long(void *data)
{
	(void)data;
	fail_msg("nothing happened for twenty seconds");
}

static void run(void)
{
	loop_timer_start(limit, 20000, 0);
	io_run(io);
	loop_timer_stop(limit);
}

static void on_open(void *owner, struct ws *ws)
{
	assert_ptr_equal(owner, &seen);
	assert_ptr_equal(ws, seen.ws);
	seen.opens++;
	io_stop(io);
}

static void on_message(void *owner, struct ws *ws, bool binary, const void *data, size_t len)
{
	assert_ptr_equal(owner, &seen);
	seen.messages++;
	seen.binary = binary;
	free(seen.data);
	seen.data = malloc(len + 1);
	memcpy(seen.data, data, len);
	seen.data[len] = '\0';
	seen.len = len;
	if (seen.close_after_message)
		ws_close(ws, 1000, "enough");
	else
		io_stop(io);
	if (seen.destroy_after_message)
		ws_destroy(ws);
}

static void on_closed(void *owner, struct ws *ws, int code, const struct err *err)
{
	assert_ptr_equal(owner, &seen);
	assert_ptr_equal(ws, seen.ws);
	seen.closes++;
	seen.code = code;
	seen.err = *err;
	seen.ws = NULL;
	io_stop(io);
}

static const struct ws_events events = { .open = on_open, .message = on_message, .closed = on_closed };

static void connect_with(const struct ws_options *options)
{
	struct err err = { 0 };

	seen.ws = ws_connect(io, options, &events, &seen, &err);
	assert_non_null(seen.ws);
	assert_int_equal(seen.closes, 0); /* never inside the call that asked for it */
}

static void connect_to(peer_fn *script)
{
	peer = peer_start(&(struct peer_setup){ .script = script });
	connect_with(
		&(struct ws_options){ .url = peer_url(peer, "ws", "/gateway?v=10"), .message_max = 100000 });
}

static void open_to(peer_fn *script)
{
	connect_to(script);
	run();
	assert_int_equal(seen.opens, 1);
	assert_int_equal(seen.closes, 0);
}

static void run_to_end(void)
{
	while (seen.closes == 0)
		run();
	assert_int_equal(seen.closes, 1);
}

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	io = io_create(NULL);
	limit = loop_timer_create(io_loop(io), took_too_long, NULL);
	return io == NULL;
}

static int teardown(void **state)
{
	(void)state;
	ws_destroy(seen.ws);
	loop_timer_destroy(limit);
	io_destroy(io);
	if (peer != NULL)
		peer_stop(peer);
	peer = NULL;
	free(seen.data);
	assert_true(seen.closes <= 1);
	return 0;
}

/* ---- tests -----------------------------------------------------------------------------------------------
 */

static void test_echo(void **state)
{
	(void)state;
	open_to(echo);
	assert_memory_equal(peer->links[0].text, "GET /gateway?v=10 HTTP/1.1\r\n", 28);
	assert_true(ws_send(seen.ws, false, "hello", 5));
	run();
	assert_false(seen.binary);
	assert_string_equal(seen.data, "hello");
	assert_true(ws_send(seen.ws, true, "a\0b", 3));
	run();
	assert_true(seen.binary);
	assert_int_equal(seen.len, 3);
	assert_memory_equal(seen.data, "a\0b", 3);
	assert_true(ws_send(seen.ws, false, "", 0));
	run();
	assert_int_equal(seen.len, 0);
	assert_int_equal(seen.messages, 3);
}

static void test_large_message(void **state)
{
	char *large = malloc(100000);

	(void)state;
	open_to(echo);
	for (size_t i = 0; i < 100000; i++)
		large[i] = (char)('a' + i % 23);
	assert_true(ws_send(seen.ws, false, large, 100000));
	run();
	assert_int_equal(seen.len, 100000);
	assert_memory_equal(seen.data, large, 100000);
	free(large);
}

static void test_order_is_kept(void **state)
{
	char text[20];

	(void)state;
	open_to(echo);
	for (int i = 0; i < 50; i++)
		assert_true(
			ws_send(seen.ws, false, text, (size_t)snprintf(text, sizeof(text), "message %d", i)));
	while (seen.messages < 50)
		run();
	assert_string_equal(seen.data, "message 49");
}

static void send_fragments(struct peer_link *link)
{
	if (!accept_socket(link))
		return;
	send_frame(link, 0x01, "one ", 4);
	send_frame(link, PING, "in between", 10);
	send_frame(link, 0x00, "two ", 4);
	send_frame(link, 0x80, "three", 5);
	peer_wait_gone(link);
}

static void test_fragments_become_one_message(void **state)
{
	(void)state;
	open_to(send_fragments);
	while (seen.messages == 0)
		run();
	assert_int_equal(seen.messages, 1);
	assert_string_equal(seen.data, "one two three");
}

static void ask_for_pong(struct peer_link *link)
{
	struct frame *frame = calloc(1, sizeof(*frame));

	if (accept_socket(link)) {
		send_frame(link, PING, "still there?", 12);
		while (read_frame(link, frame) && frame->kind != PONG)
			continue;
		send_frame(link, TEXT, frame->data, frame->len);
		peer_wait_gone(link);
	}
	free(frame);
}

static void test_pings_are_answered(void **state)
{
	(void)state;
	open_to(ask_for_pong);
	while (seen.messages == 0)
		run();
	assert_string_equal(seen.data, "still there?");
}

/* Says what it was sent when the other side is silent, and never speaks by itself. */
static void wait_for_ping(struct peer_link *link)
{
	struct frame *frame = calloc(1, sizeof(*frame));

	if (accept_socket(link) && read_frame(link, frame))
		send_frame(link, TEXT, frame->kind == PING ? "ping" : "other", frame->kind == PING ? 4 : 5);
	peer_wait_gone(link);
	free(frame);
}

static void mute(struct peer_link *link)
{
	if (accept_socket(link))
		peer_wait_gone(link);
}

static void connect_impatient(peer_fn *script)
{
	peer = peer_start(&(struct peer_setup){ .script = script });
	connect_with(&(struct ws_options){ .url = peer_url(peer, "ws", "/"), .ping_s = 1, .dead_s = 2 });
	run();
	assert_int_equal(seen.opens, 1);
}

static void test_silent_connection_is_pinged(void **state)
{
	(void)state;
	connect_impatient(wait_for_ping);
	while (seen.messages == 0 && seen.closes == 0)
		run();
	assert_string_equal(seen.data, "ping");
}

/* The peer's machine is gone without a word: nobody else would ever tell. */
static void test_dead_peer_is_noticed(void **state)
{
	(void)state;
	connect_impatient(mute);
	run_to_end();
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.err.kind, ERR_AGAIN);
}

static void close_with_code(struct peer_link *link)
{
	struct frame *frame = calloc(1, sizeof(*frame));

	if (accept_socket(link)) {
		send_frame(link, CLOSE,
			   "\x0f\xa4"
			   "bad token",
			   11); /* 4004 */
		read_frame(link, frame);
	}
	free(frame);
}

static void test_close_code_of_the_peer(void **state)
{
	(void)state;
	connect_to(close_with_code);
	run_to_end();
	assert_int_equal(seen.code, 4004);
	assert_int_equal(seen.err.kind, ERR_AGAIN);
	assert_non_null(strstr(seen.err.text, "4004 bad token"));
}

static void vanish(struct peer_link *link)
{
	accept_socket(link);
	peer_reset(link);
}

static void test_connection_that_breaks(void **state)
{
	(void)state;
	connect_to(vanish);
	run_to_end();
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.err.kind, ERR_AGAIN);
}

static atomic_int told_code;

/* What close code the client sends when it is sent too much. */
static void send_too_much(struct peer_link *link)
{
	struct frame *frame = calloc(1, sizeof(*frame));
	char *block = calloc(1, 60000);

	if (accept_socket(link)) {
		send_frame(link, 0x01, block, 60000);
		send_frame(link, 0x80, block, 60000);
		for (int i = 0; i < 20; i++) /* and goes on, whatever the client says */
			send_frame(link, BINARY, block, 60000);
		if (read_frame(link, frame) && frame->kind == CLOSE && frame->len >= 2)
			atomic_store(&told_code, frame->data[0] << 8 | frame->data[1]);
		send_frame(link, CLOSE, frame->data, 2);
	}
	free(block);
	free(frame);
}

static void test_too_large_message(void **state)
{
	(void)state;
	atomic_store(&told_code, 0);
	connect_to(send_too_much);
	run_to_end();
	assert_int_equal(seen.messages, 0);
	assert_non_null(strstr(seen.err.text, "too large"));
	peer_stop(peer);
	peer = NULL;
	assert_int_equal(atomic_load(&told_code), 1009);
}

static char told_reason[200];
static atomic_bool told_first;

static void take_close(struct peer_link *link)
{
	struct frame *frame = calloc(1, sizeof(*frame));
	bool open = accept_socket(link);

	while (open && read_frame(link, frame)) {
		if (frame->kind == CLOSE) {
			atomic_store(&told_code, frame->data[0] << 8 | frame->data[1]);
			snprintf(told_reason, sizeof(told_reason), "%s", frame->data + 2);
			send_frame(link, CLOSE, frame->data, 2);
			open = false;
		} else {
			atomic_store(&told_first, true);
		}
	}
	free(frame);
}

static void test_closing_sends_what_waits_first(void **state)
{
	(void)state;
	atomic_store(&told_code, 0);
	open_to(take_close);
	assert_true(ws_send(seen.ws, false, "last words", 10));
	ws_close(seen.ws, 4321, "bye");
	assert_false(ws_send(seen.ws, false, "too late", 8));
	ws_close(seen.ws, 1000, "again");
	run_to_end();
	assert_int_equal(seen.err.kind, ERR_NONE);
	assert_true(atomic_load(&told_first));
	assert_int_equal(atomic_load(&told_code), 4321);
	assert_string_equal(told_reason, "bye");
}

static void test_closing_from_inside_a_message(void **state)
{
	(void)state;
	open_to(echo);
	seen.close_after_message = true;
	assert_true(ws_send(seen.ws, false, "x", 1));
	run_to_end();
	assert_int_equal(seen.messages, 1);
}

static void test_destroying_from_inside_a_message(void **state)
{
	(void)state;
	open_to(echo);
	seen.destroy_after_message = true;
	assert_true(ws_send(seen.ws, false, "x", 1));
	run();
	seen.ws = NULL; /* teardown sees to it that no end is told and nothing is left */
	assert_int_equal(seen.closes, 0);
}

static void test_destroying_at_every_stage(void **state)
{
	(void)state;
	connect_to(echo);
	ws_destroy(seen.ws); /* while its name is resolved */
	peer_stop(peer);
	open_to(echo);
	ws_destroy(seen.ws);
	peer_stop(peer);
	seen.opens = 0;
	open_to(echo);
	ws_close(seen.ws, 1000, "");
	ws_destroy(seen.ws); /* while it closes */
	seen.ws = NULL;
	assert_int_equal(seen.closes, 0);
}

static void test_queue_is_bounded(void **state)
{
	char *block = calloc(1, 1 << 20);
	int taken = 0;

	(void)state;
	open_to(mute);
	while (taken < 10 && ws_send(seen.ws, true, block, 1 << 20))
		taken++;
	assert_int_equal(taken, 4);
	free(block);
}

/* ---- connections that never come -------------------------------------------------------------------------
 */

static void say_401(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
}

static void say_wrong_key(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link,
			 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			 "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
	peer_wait_gone(link);
}

static void hang_up(struct peer_link *link)
{
	peer_read(link);
}

static void test_refusals(void **state)
{
	static peer_fn *const scripts[] = { say_401, say_wrong_key, hang_up };

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		seen.closes = 0;
		connect_to(scripts[i]);
		run_to_end();
		assert_int_equal(seen.opens, 0);
		assert_int_equal(seen.code, 0);
		assert_int_equal(seen.err.kind, ERR_AGAIN);
		peer_stop(peer);
		peer = NULL;
	}
}

static void test_refused_port(void **state)
{
	char url[100];

	(void)state;
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", peer_closed_port());
	connect_with(&(struct ws_options){ .url = url });
	run_to_end();
	assert_int_equal(seen.err.kind, ERR_AGAIN);
}

static void test_unknown_name(void **state)
{
	(void)state;
	connect_with(&(struct ws_options){ .url = "wss://no-such-host.invalid/" });
	run_to_end();
	assert_int_equal(seen.err.kind, ERR_AGAIN);
	assert_non_null(strstr(seen.err.text, "no-such-host.invalid"));
}

static void test_handshake_that_hangs(void **state)
{
	(void)state;
	peer = peer_start(&(struct peer_setup){ .script = peer_wait_gone });
	connect_with(&(struct ws_options){ .url = peer_url(peer, "ws", "/"), .connect_ms = 200 });
	run_to_end();
	assert_int_equal(seen.opens, 0);
	assert_non_null(strstr(seen.err.text, "in time"));
}

static void test_wrong_urls(void **state)
{
	static const char *const urls[] = { "http://127.0.0.1/",     "ws://", "nonsense", "",
					    "wss://user@a.example/", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct err err = { 0 };

		assert_null(ws_connect(io, &(struct ws_options){ .url = urls[i] }, &events, &seen, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
}

static void test_proxy_of_the_environment_is_ignored(void **state)
{
	(void)state;
	setenv("http_proxy", "127.0.0.1:9", 1);
	loop_timer_destroy(limit);
	io_destroy(io);
	setup(NULL); /* the library reads the variable when it starts */
	unsetenv("http_proxy");
	open_to(echo);
}

/* ---- TLS -------------------------------------------------------------------------------------------------
 */

static char folder[] = "/tmp/usher-ws-XXXXXX", cert[64], key[64], other[64], other_key[64];

static int make_certs(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(cert, sizeof(cert), "%s/right.crt", folder);
	snprintf(key, sizeof(key), "%s/right.key", folder);
	snprintf(other, sizeof(other), "%s/wrong.crt", folder);
	snprintf(other_key, sizeof(other_key), "%s/wrong.key", folder);
	peer_make_cert(folder, "right");
	peer_make_cert(folder, "wrong");
	return 0;
}

static int remove_certs(void **state)
{
	(void)state;
	unlink(cert);
	unlink(key);
	unlink(other);
	unlink(other_key);
	return rmdir(folder);
}

static void connect_tls(const char *host, const char *ca_file)
{
	char url[100];

	snprintf(url, sizeof(url), "wss://%s:%d/", host, peer->port);
	seen.closes = seen.opens = 0;
	connect_with(&(struct ws_options){ .url = url, .ca_file = ca_file });
	run();
}

static void test_tls(void **state)
{
	(void)state;
	peer = peer_start(&(struct peer_setup){ .script = echo, .cert_file = cert, .key_file = key });
	connect_tls("localhost", NULL); /* a CA nobody knows */
	assert_int_equal(seen.closes, 1);
	assert_int_equal(seen.opens, 0);
	connect_tls("localhost", other); /* another private CA */
	assert_int_equal(seen.closes, 1);
	connect_tls("127.0.0.2", cert); /* a name the certificate does not have */
	assert_int_equal(seen.closes, 1);
	assert_int_equal(peer->requests, 0);
	for (int i = 0; i < 2; i++) {
		connect_tls("localhost", cert);
		assert_int_equal(seen.opens, 1);
		assert_true(ws_send(seen.ws, false, "secret", 6));
		run();
		assert_string_equal(seen.data, "secret");
		ws_close(seen.ws, 1000, "");
		run_to_end();
	}
}

static void test_missing_ca_file(void **state)
{
	struct ws_options options = { .url = "wss://127.0.0.1:9/", .ca_file = "/nonexistent/ca.pem" };
	struct err err = { 0 };

	(void)state;
	assert_null(ws_connect(io, &options, &events, &seen, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "/nonexistent/ca.pem"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_echo),
		CASE(test_large_message),
		CASE(test_order_is_kept),
		CASE(test_fragments_become_one_message),
		CASE(test_pings_are_answered),
		CASE(test_silent_connection_is_pinged),
		CASE(test_dead_peer_is_noticed),
		CASE(test_close_code_of_the_peer),
		CASE(test_connection_that_breaks),
		CASE(test_too_large_message),
		CASE(test_closing_sends_what_waits_first),
		CASE(test_closing_from_inside_a_message),
		CASE(test_destroying_from_inside_a_message),
		CASE(test_destroying_at_every_stage),
		CASE(test_queue_is_bounded),
		CASE(test_refusals),
		CASE(test_refused_port),
		CASE(test_unknown_name),
		CASE(test_handshake_that_hangs),
		CASE(test_wrong_urls),
		CASE(test_proxy_of_the_environment_is_ignored),
		CASE(test_tls),
		CASE(test_missing_ca_file),
	};

	return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
