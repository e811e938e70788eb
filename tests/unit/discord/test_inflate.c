/* zlib-stream: one stream for all messages of a connection, cut into frames anywhere, and never larger than we allow. */
#include "gateway_room.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

enum { ROOM = 1 << 20 };

static size_t pack(z_stream *zip, const char *text, size_t len, unsigned char *out, int how)
{
	zip->next_in = (unsigned char *)(uintptr_t)text;
	zip->avail_in = (unsigned)len;
	zip->next_out = out;
	zip->avail_out = ROOM;
	deflate(zip, how);
	assert_int_equal(zip->avail_in, 0);
	return ROOM - zip->avail_out;
}

static void test_messages_of_one_stream(void **state)
{
	struct discord_inflate *inflate = discord_inflate_create(1000);
	unsigned char *packed = mem_alloc(ROOM);
	z_stream zip = { 0 };
	struct err err = { 0 };
	const char *text;
	size_t len, text_len;

	(void)state;
	deflateInit(&zip, 9);
	for (int i = 0; i < 5; i++) { /* from the second on, it refers to what came before */
		len = pack(&zip, "{\"op\":11,\"some\":\"words\"}", 24, packed, Z_SYNC_FLUSH);
		assert_int_equal(discord_inflate_add(inflate, packed, len, &text, &text_len, &err),
				 INFLATE_WHOLE);
		assert_int_equal(text_len, 24);
		assert_memory_equal(text, "{\"op\":11,\"some\":\"words\"}", 24);
	}
	for (int i = 0; i < 3; i++) { /* and in frames of one byte each */
		len = pack(&zip, "{\"op\":1}", 8, packed, Z_SYNC_FLUSH);
		for (size_t at = 0; at < len - 1; at++)
			assert_int_equal(discord_inflate_add(inflate, packed + at, 1, &text, &text_len, &err),
					 INFLATE_MORE);
		assert_int_equal(discord_inflate_add(inflate, packed + len - 1, 1, &text, &text_len, &err),
				 INFLATE_WHOLE);
		assert_int_equal(text_len, 8);
		assert_memory_equal(text, "{\"op\":1}", 8);
	}
	deflateEnd(&zip);
	free(packed);
	discord_inflate_destroy(inflate);
}

static void test_bombs_and_broken_streams(void **state)
{
	struct discord_inflate *inflate = discord_inflate_create(100000);
	unsigned char *packed = mem_alloc(ROOM);
	char *zeros = mem_zero(1, 100001);
	z_stream zip = { 0 };
	struct err err = { 0 };
	const char *text;
	size_t len, text_len;

	(void)state;
	deflateInit(&zip, 9);
	len = pack(&zip, zeros, 100000, packed, Z_SYNC_FLUSH);
	assert_int_equal(discord_inflate_add(inflate, packed, len, &text, &text_len, &err), INFLATE_WHOLE);
	assert_int_equal(text_len, 100000);
	len = pack(&zip, zeros, 100001, packed, Z_SYNC_FLUSH);
	assert_true(len < 1000);
	assert_int_equal(discord_inflate_add(inflate, packed, len, &text, &text_len, &err), INFLATE_BAD);
	assert_non_null(strstr(err.text, "100000"));
	discord_inflate_destroy(inflate);
	inflate = discord_inflate_create(1000);
	assert_int_equal(discord_inflate_add(inflate, "plain text", 10, &text, &text_len, &err), INFLATE_BAD);
	discord_inflate_destroy(inflate);
	deflateReset(&zip);
	inflate = discord_inflate_create(1000);
	len = pack(&zip, "{}", 2, packed, Z_FINISH); /* a stream that ends has no place here */
	assert_int_equal(discord_inflate_add(inflate, packed, len, &text, &text_len, &err), INFLATE_BAD);
	discord_inflate_destroy(inflate);
	discord_inflate_destroy(NULL);
	deflateEnd(&zip);
	free(packed);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_of_one_stream),
		cmocka_unit_test(test_bombs_and_broken_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
