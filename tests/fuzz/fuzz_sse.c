/* rooms: base */
/* Any bytes as an event stream: whatever the split, the events are the same. */
#include "sse.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool note(void *owner, const char *event, const char *data, size_t len)
{
	buf_text(owner, event);
	buf_add(owner, "|", 1);
	buf_add(owner, data, len);
	buf_add(owner, "\n", 1);
	return true;
}

static void run(const uint8_t *data, size_t size, size_t piece, struct buf *seen)
{
	struct sse sse = { .line_max = 500 };

	for (size_t at = 0; at < size; at += piece)
		sse_feed(&sse, (const char *)data + at, size - at < piece ? size - at : piece, note, seen);
	sse_end(&sse, note, seen);
	sse_finish(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = { 0 }, pieces = { 0 };

	if (size == 0)
		return 0;
	run(data + 1, size - 1, size, &whole);
	run(data + 1, size - 1, data[0] % 16 + 1u, &pieces);
	if (whole.len != pieces.len || memcmp(buf_str(&whole), buf_str(&pieces), whole.len) != 0)
		abort();
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
