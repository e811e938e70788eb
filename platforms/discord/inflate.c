/* zlib-stream (sheet 8): one context for the life of a connection; a message ends where the input is flushed. */
#include "gateway_room.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { STEP = 64 << 10, KEPT = 1 << 20, TAIL = 4 };

struct discord_inflate {
	z_stream stream;
	size_t max;
	struct buf text;
	bool whole;		  /* text is a message that was given out */
	unsigned char tail[TAIL]; /* the last bytes that came */
};

struct discord_inflate *discord_inflate_create(size_t max)
{
	struct discord_inflate *zip = mem_zero(1, sizeof(*zip));

	zip->max = max;
	if (inflateInit(&zip->stream) != Z_OK)
		abort(); /* out of memory, as in base/mem.h */
	return zip;
}

void discord_inflate_destroy(struct discord_inflate *zip)
{
	if (zip == NULL)
		return;
	inflateEnd(&zip->stream);
	buf_free(&zip->text);
	free(zip);
}

static void keep_tail(struct discord_inflate *zip, const unsigned char *data, size_t len)
{
	if (len >= TAIL) {
		memcpy(zip->tail, data + len - TAIL, TAIL);
		return;
	}
	memmove(zip->tail, zip->tail + len, TAIL - len);
	memcpy(zip->tail + TAIL - len, data, len);
}

static bool flushed(const struct discord_inflate *zip)
{
	static const unsigned char end[TAIL] = { 0, 0, 0xff, 0xff };

	return memcmp(zip->tail, end, TAIL) == 0;
}

/* A message was given out: its memory is kept for the next, unless it was a giant. */
static void begin_anew(struct discord_inflate *zip)
{
	if (zip->text.room > KEPT)
		buf_free(&zip->text);
	else
		buf_clear(&zip->text);
	zip->whole = false;
}

static bool inflate_some(struct discord_inflate *zip, struct err *err)
{
	unsigned char out[STEP];
	z_stream *stream = &zip->stream;
	int how;

	do {
		stream->next_out = out;
		stream->avail_out = STEP;
		how = inflate(stream, Z_SYNC_FLUSH);
		if (how == Z_BUF_ERROR)
			break; /* nothing left to do */
		if (how != Z_OK)
			return err_set(err, ERR_REFUSED, "the compressed stream is broken");
		if (STEP - stream->avail_out > zip->max - zip->text.len)
			return err_set(err, ERR_REFUSED, "a message is larger than %zu bytes", zip->max);
		buf_add(&zip->text, out, STEP - stream->avail_out);
	} while (stream->avail_out == 0);
	return stream->avail_in == 0 || err_set(err, ERR_REFUSED, "the compressed stream is broken");
}

enum inflate_how discord_inflate_add(struct discord_inflate *zip, const void *data, size_t len,
				     const char **text_out, size_t *len_out, struct err *err)
{
	if (zip->whole)
		begin_anew(zip);
	if (len == 0)
		return INFLATE_MORE;
	keep_tail(zip, data, len);
	zip->stream.next_in = (unsigned char *)(uintptr_t)data;
	zip->stream.avail_in = (unsigned)len;
	if (!inflate_some(zip, err))
		return INFLATE_BAD;
	if (!flushed(zip))
		return INFLATE_MORE;
	zip->whole = true;
	*text_out = buf_str(&zip->text);
	*len_out = zip->text.len;
	return INFLATE_WHOLE;
}
