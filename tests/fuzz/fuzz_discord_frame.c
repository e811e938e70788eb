/* rooms: base io markup discord */
/* Any frame of the gateway, plain or as pieces of a zlib-stream: found or refused, and what is found can be read as well as
 * by the strict reader. */
#include "gateway_room.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SMALL = 1 << 16 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What the strict reader takes, we find, and alike. */
static void compare(const struct gateway_frame *frame, bool found, const json_t *whole)
{
	const json_t *d = json_object_get(whole, "d");
	int64_t op = json_int(whole, "op", -1);

	if (found && json_is_object(whole) && json_is_integer(json_object_get(whole, "op")))
		must(frame->op == op);
	if (found && frame->d != NULL && d != NULL) {
		json_t *read = json_read(frame->d, frame->d_len, NULL);

		must(read == NULL || json_equal(read, d));
		json_decref(read);
	}
}

static void check_frame(const char *text, size_t size)
{
	struct gateway_frame frame;
	bool found = discord_frame_read(&frame, text, size);
	json_t *whole = json_read(text, size, NULL), *value;
	struct err err = { 0 };

	must(strlen(frame.name) < GATEWAY_NAME_SIZE);
	must(!found || frame.op >= 0);
	if (frame.d != NULL)
		must(frame.d >= text && frame.d + frame.d_len <= text + size && frame.d_len > 0);
	compare(&frame, found, whole);
	if (found && frame.d != NULL) {
		value = discord_frame_value("GUILD_CREATE", frame.d, frame.d_len, &err);
		must((value == NULL) == (err.kind != ERR_NONE));
		must(json_object_get(value, "members") == NULL || !json_is_object(value));
		json_decref(value);
	}
	json_decref(whole);
}

/* The same bytes as a stream, in pieces whose lengths they tell. */
static void check_stream(const uint8_t *data, size_t size)
{
	struct discord_inflate *inflate = discord_inflate_create(SMALL);
	struct err err = { 0 };

	for (size_t at = 0; at < size;) {
		size_t len = 1 + data[at] % 64;
		const char *text;
		size_t text_len;
		enum inflate_how how;

		if (len > size - at)
			len = size - at;
		how = discord_inflate_add(inflate, data + at, len, &text, &text_len, &err);
		must((how == INFLATE_BAD) == (err.kind != ERR_NONE));
		if (how == INFLATE_BAD)
			break;
		if (how == INFLATE_WHOLE) {
			must(text_len <= SMALL);
			check_frame(text, text_len);
		}
		at += len;
	}
	discord_inflate_destroy(inflate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_copy(data, size); /* exactly so many bytes: no NUL behind them */

	check_frame(text, size);
	check_stream(data, size);
	free(text);
	return 0;
}
