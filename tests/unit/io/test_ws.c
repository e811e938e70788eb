/* One outgoing web socket against servers that behave and servers that do not: whole messages, pings, one
 * end. */
#include "ws_stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_echo(void **state)
{
	(void)state;
	stage_open_to(ws_echo);
	assert_memory_equal(stage.peer->links[0].text, "GET /gateway?v=10 HTTP/1.1\r\n", 28);
	assert_true(ws_send(stage.ws, false, "hello", 5));
	stage_run();
	assert_false(stage.binary);
	assert_string_equal(stage.data, "hello");
	assert_true(ws_send(stage.ws, true, "a\0b", 3));
	stage_run();
	assert_true(stage.binary);
	assert_int_equal(stage.len, 3);
	assert_memory_equal(stage.data, "a\0b", 3);
	assert_true(ws_send(stage.ws, false, "", 0));
	stage_run();
	assert_int_equal(stage.len, 0);
	assert_int_equal(stage.messages, 3);
}

static void test_large_message(void **state)
{
	char *large = malloc(100000);

	(void)state;
	stage_open_to(ws_echo);
	for (size_t i = 0; i < 100000; i++)
		large[i] = (char)('a' + i % 23);
	assert_true(ws_send(stage.ws, false, large, 100000));
	stage_run();
	assert_int_equal(stage.len, 100000);
	assert_memory_equal(stage.data, large, 100000);
	free(large);
}

static void test_order_is_kept(void **state)
{
	char text[20];

	(void)state;
	stage_open_to(ws_echo);
	for (int i = 0; i < 50; i++)
		assert_true(ws_send(stage.ws, false, text,
				    (size_t)snprintf(text, sizeof(text), "message %d", i)));
	while (stage.messages < 50)
		stage_run();
	assert_string_equal(stage.data, "message 49");
}

static void send_fragments(struct peer_link *link)
{
	if (!ws_accept(link))
		return;
	ws_send_frame(link, 0x01, "one ", 4);
	ws_send_frame(link, PING, "in between", 10);
	ws_send_frame(link, 0x00, "two ", 4);
	ws_send_frame(link, 0x80, "three", 5);
	peer_wait_gone(link);
}

static void test_fragments_become_one_message(void **state)
{
	(void)state;
	stage_open_to(send_fragments);
	while (stage.messages == 0)
		stage_run();
	assert_int_equal(stage.messages, 1);
	assert_string_equal(stage.data, "one two three");
}

static void ask_for_pong(struct peer_link *link)
{
	struct ws_frame *frame = calloc(1, sizeof(*frame));

	if (ws_accept(link)) {
		ws_send_frame(link, PING, "still there?", 12);
		while (ws_read_frame(link, frame) && frame->kind != PONG)
			continue;
		ws_send_frame(link, TEXT, frame->data, frame->len);
		peer_wait_gone(link);
	}
	free(frame);
}

static void test_pings_are_answered(void **state)
{
	(void)state;
	stage_open_to(ask_for_pong);
	while (stage.messages == 0)
		stage_run();
	assert_string_equal(stage.data, "still there?");
}

/* Says what it was sent when the other side is silent, and never speaks by itself. */
static void wait_for_ping(struct peer_link *link)
{
	struct ws_frame *frame = calloc(1, sizeof(*frame));

	if (ws_accept(link) && ws_read_frame(link, frame))
		ws_send_frame(link, TEXT, frame->kind == PING ? "ping" : "other",
			      frame->kind == PING ? 4 : 5);
	peer_wait_gone(link);
	free(frame);
}

static void mute(struct peer_link *link)
{
	if (ws_accept(link))
		peer_wait_gone(link);
}

static void connect_impatient(peer_fn *script)
{
	stage.peer = peer_start(&(struct peer_setup){ .script = script });
	stage_connect_with(
		&(struct ws_options){ .url = peer_url(stage.peer, "ws", "/"), .ping_s = 1, .dead_s = 2 });
	stage_run();
	assert_int_equal(stage.opens, 1);
}

static void test_silent_connection_is_pinged(void **state)
{
	(void)state;
	connect_impatient(wait_for_ping);
	while (stage.messages == 0 && stage.closes == 0)
		stage_run();
	assert_string_equal(stage.data, "ping");
}

/* The peer's machine is gone without a word: nobody else would ever tell. */
static void test_dead_peer_is_noticed(void **state)
{
	(void)state;
	connect_impatient(mute);
	stage_run_to_end();
	assert_int_equal(stage.code, 0);
	assert_int_equal(stage.err.kind, ERR_AGAIN);
}

static void close_with_code(struct peer_link *link)
{
	struct ws_frame *frame = calloc(1, sizeof(*frame));

	if (ws_accept(link)) {
		ws_send_frame(link, CLOSE,
			      "\x0f\xa4"
			      "bad token",
			      11); /* 4004 */
		ws_read_frame(link, frame);
	}
	free(frame);
}

static void test_close_code_of_the_peer(void **state)
{
	(void)state;
	stage_connect_to(close_with_code);
	stage_run_to_end();
	assert_int_equal(stage.code, 4004);
	assert_int_equal(stage.err.kind, ERR_AGAIN);
	assert_non_null(strstr(stage.err.text, "4004 bad token"));
}

static void vanish(struct peer_link *link)
{
	ws_accept(link);
	peer_reset(link);
}

static void test_connection_that_breaks(void **state)
{
	(void)state;
	stage_connect_to(vanish);
	stage_run_to_end();
	assert_int_equal(stage.code, 0);
	assert_int_equal(stage.err.kind, ERR_AGAIN);
}

static atomic_int told_code;

/* What close code the client sends when it is sent too much. */
static void send_too_much(struct peer_link *link)
{
	struct ws_frame *frame = calloc(1, sizeof(*frame));
	char *block = calloc(1, 60000);

	if (ws_accept(link)) {
		ws_send_frame(link, 0x01, block, 60000);
		ws_send_frame(link, 0x80, block, 60000);
		for (int i = 0; i < 20; i++) /* and goes on, whatever the client says */
			ws_send_frame(link, BINARY, block, 60000);
		if (ws_read_frame(link, frame) && frame->kind == CLOSE && frame->len >= 2)
			atomic_store(&told_code, frame->data[0] << 8 | frame->data[1]);
		ws_send_frame(link, CLOSE, frame->data, 2);
	}
	free(block);
	free(frame);
}

static void test_too_large_message(void **state)
{
	(void)state;
	atomic_store(&told_code, 0);
	stage_connect_to(send_too_much);
	stage_run_to_end();
	assert_int_equal(stage.messages, 0);
	assert_non_null(strstr(stage.err.text, "too large"));
	peer_stop(stage.peer);
	stage.peer = NULL;
	assert_int_equal(atomic_load(&told_code), 1009);
}

static char told_reason[200];
static atomic_bool told_first;

static void take_close(struct peer_link *link)
{
	struct ws_frame *frame = calloc(1, sizeof(*frame));
	bool open = ws_accept(link);

	while (open && ws_read_frame(link, frame)) {
		if (frame->kind == CLOSE) {
			atomic_store(&told_code, frame->data[0] << 8 | frame->data[1]);
			snprintf(told_reason, sizeof(told_reason), "%s", frame->data + 2);
			ws_send_frame(link, CLOSE, frame->data, 2);
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
	stage_open_to(take_close);
	assert_true(ws_send(stage.ws, false, "last words", 10));
	ws_close(stage.ws, 4321, "bye");
	assert_false(ws_send(stage.ws, false, "too late", 8));
	ws_close(stage.ws, 1000, "again");
	stage_run_to_end();
	assert_int_equal(stage.err.kind, ERR_NONE);
	assert_true(atomic_load(&told_first));
	assert_int_equal(atomic_load(&told_code), 4321);
	assert_string_equal(told_reason, "bye");
}

static void test_closing_from_inside_a_message(void **state)
{
	(void)state;
	stage_open_to(ws_echo);
	stage.close_after_message = true;
	assert_true(ws_send(stage.ws, false, "x", 1));
	stage_run_to_end();
	assert_int_equal(stage.messages, 1);
}

static void test_destroying_from_inside_a_message(void **state)
{
	(void)state;
	stage_open_to(ws_echo);
	stage.destroy_after_message = true;
	assert_true(ws_send(stage.ws, false, "x", 1));
	stage_run();
	stage.ws = NULL; /* teardown sees to it that no end is told and nothing is left */
	assert_int_equal(stage.closes, 0);
}

static void test_destroying_at_every_stage(void **state)
{
	(void)state;
	stage_connect_to(ws_echo);
	ws_destroy(stage.ws); /* while its name is resolved */
	peer_stop(stage.peer);
	stage_open_to(ws_echo);
	ws_destroy(stage.ws);
	peer_stop(stage.peer);
	stage.opens = 0;
	stage_open_to(ws_echo);
	ws_close(stage.ws, 1000, "");
	ws_destroy(stage.ws); /* while it closes */
	stage.ws = NULL;
	assert_int_equal(stage.closes, 0);
}

static void test_queue_is_bounded(void **state)
{
	char *block = calloc(1, 1 << 20);
	int taken = 0;

	(void)state;
	stage_open_to(mute);
	while (taken < 10 && ws_send(stage.ws, true, block, 1 << 20))
		taken++;
	assert_int_equal(taken, 4);
	free(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_CASE(test_echo),
		STAGE_CASE(test_large_message),
		STAGE_CASE(test_order_is_kept),
		STAGE_CASE(test_fragments_become_one_message),
		STAGE_CASE(test_pings_are_answered),
		STAGE_CASE(test_silent_connection_is_pinged),
		STAGE_CASE(test_dead_peer_is_noticed),
		STAGE_CASE(test_close_code_of_the_peer),
		STAGE_CASE(test_connection_that_breaks),
		STAGE_CASE(test_too_large_message),
		STAGE_CASE(test_closing_sends_what_waits_first),
		STAGE_CASE(test_closing_from_inside_a_message),
		STAGE_CASE(test_destroying_from_inside_a_message),
		STAGE_CASE(test_destroying_at_every_stage),
		STAGE_CASE(test_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
