/* What the tests of the outgoing web socket share: a server's side of RFC 6455 written by hand, so that a script may
 * break it, and a client that keeps what it hears. */
#include "ws_stage.h"
#include "loop.h"
#include <endian.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct ws_stage stage;

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

bool ws_accept(struct peer_link *link)
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

void ws_send_frame(struct peer_link *link, int kind, const void *data, size_t len)
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

bool ws_read_frame(struct peer_link *link, struct ws_frame *frame)
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

void ws_echo(struct peer_link *link)
{
	struct ws_frame *frame = calloc(1, sizeof(*frame));
	bool open = ws_accept(link);

	while (open && ws_read_frame(link, frame)) {
		ws_send_frame(link, frame->kind, frame->data, frame->len);
		open = frame->kind != CLOSE;
	}
	free(frame);
}

static void took_too_long(void *data)
{
	(void)data;
	fail_msg("nothing happened for twenty seconds");
}

void stage_run(void)
{
	loop_timer_start(stage.limit, 120000, 0);
	io_run(stage.io);
	loop_timer_stop(stage.limit);
}

static void on_open(void *owner, struct ws *ws)
{
	assert_ptr_equal(owner, &stage);
	assert_ptr_equal(ws, stage.ws);
	stage.opens++;
	io_stop(stage.io);
}

static void on_message(void *owner, struct ws *ws, bool binary, const void *data, size_t len)
{
	assert_ptr_equal(owner, &stage);
	stage.messages++;
	stage.binary = binary;
	free(stage.data);
	stage.data = malloc(len + 1);
	memcpy(stage.data, data, len);
	stage.data[len] = '\0';
	stage.len = len;
	if (stage.close_after_message)
		ws_close(ws, 1000, "enough");
	else
		io_stop(stage.io);
	if (stage.destroy_after_message)
		ws_destroy(ws);
}

static void on_closed(void *owner, struct ws *ws, int code, const struct err *err)
{
	assert_ptr_equal(owner, &stage);
	assert_ptr_equal(ws, stage.ws);
	stage.closes++;
	stage.code = code;
	stage.err = *err;
	stage.ws = NULL;
	io_stop(stage.io);
}

const struct ws_events stage_events = { .open = on_open, .message = on_message, .closed = on_closed };

void stage_connect_with(const struct ws_options *options)
{
	struct err err = { 0 };

	stage.ws = ws_connect(stage.io, options, &stage_events, &stage, &err);
	assert_non_null(stage.ws);
	assert_int_equal(stage.closes, 0); /* never inside the call that asked for it */
}

void stage_connect_to(peer_fn *script)
{
	stage.peer = peer_start(&(struct peer_setup){ .script = script });
	stage_connect_with(&(struct ws_options){ .url = peer_url(stage.peer, "ws", "/gateway?v=10"),
						 .message_max = 100000 });
}

void stage_open_to(peer_fn *script)
{
	stage_connect_to(script);
	stage_run();
	assert_int_equal(stage.opens, 1);
	assert_int_equal(stage.closes, 0);
}

void stage_run_to_end(void)
{
	while (stage.closes == 0)
		stage_run();
	assert_int_equal(stage.closes, 1);
}

int stage_setup(void **state)
{
	(void)state;
	memset(&stage, 0, sizeof(stage));
	stage.io = io_create(NULL);
	stage.limit = loop_timer_create(io_loop(stage.io), took_too_long, NULL);
	return stage.io == NULL;
}

int stage_teardown(void **state)
{
	(void)state;
	ws_destroy(stage.ws);
	loop_timer_destroy(stage.limit);
	io_destroy(stage.io);
	if (stage.peer != NULL)
		peer_stop(stage.peer);
	stage.peer = NULL;
	free(stage.data);
	assert_true(stage.closes <= 1);
	return 0;
}
