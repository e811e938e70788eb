/* rooms: base io */
/* Bytes of a connection as the web server reads them: head, target, query, body in chunks. Whatever the
 * pieces in which they arrive, the verdict must be the same, and nothing outside the bounds is touched. */
#include "buf.h"
#include "chunk.h"
#include "head.h"
#include "mem.h"
#include "target.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 1000 };

struct outcome {
	int status;
	size_t head, body, used;
	enum chunk_result result;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void read_target(const struct head *head)
{
	struct target target;
	size_t room = target_room(head->target_len);
	char *space = mem_alloc(room);

	if (target_read(&target, head->target, head->target_len, space)) {
		check(target.end > space && target.end <= space + room);
		for (unsigned i = 0; i < target.count; i++)
			check(strlen(target.segments[i]) < room);
		target_query(&target, "q");
		check(strlen(target.path) <= head->target_len);
	}
	free(space);
}

static void read_body(const char *data, size_t len, size_t piece, struct outcome *outcome)
{
	struct chunk chunk = { 0 };
	struct buf body = { 0 };
	size_t used;

	while (outcome->result == CHUNK_MORE && outcome->used < len) {
		size_t part = len - outcome->used < piece ? len - outcome->used : piece;

		outcome->result = chunk_read(&chunk, data + outcome->used, part, &body, BODY_MAX, &used);
		check(used > 0 && used <= part && body.len <= BODY_MAX);
		outcome->used += used;
	}
	outcome->body = body.len;
	buf_free(&body);
}

static struct outcome read_all(const char *data, size_t len, size_t piece)
{
	struct outcome outcome = { .result = CHUNK_MORE };
	struct head_scan scan = { 0 };
	struct head head;
	const struct web_fault *fault = NULL;
	char *text = mem_alloc(WEB_HEAD_MAX);
	size_t most = len < WEB_HEAD_MAX ? len : WEB_HEAD_MAX, have = 0;

	memcpy(text, data, most);
	while (fault == NULL && outcome.head == 0 && have < most) {
		have = most - have < piece ? most : have + piece;
		fault = head_scan(&scan, text, have, &outcome.head);
	}
	if (fault == NULL && outcome.head > 0) {
		fault = head_read(&head, text, scan.start, outcome.head);
		if (fault == NULL) {
			check(head.target_len <= WEB_TARGET_MAX && head.target_len <= scan.first_len);
			check(!(head.has_length && head.chunked));
			read_target(&head);
			read_body(data + outcome.head, len - outcome.head, piece, &outcome);
		}
	}
	outcome.status = fault == NULL ? 0 : fault->status;
	free(text);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;

	if (size < 1)
		return 0;
	whole = read_all((const char *)data + 1, size - 1, SIZE_MAX / 2);
	pieces = read_all((const char *)data + 1, size - 1, 1 + data[0] % 16);
	/* A head that grows beyond a limit may be refused earlier, by another name, when it arrives in
	 * pieces. */
	check((whole.status == 0) == (pieces.status == 0) || whole.head == 0 || pieces.head == 0);
	if (whole.status == 0 && pieces.status == 0)
		check(whole.head == pieces.head && whole.body == pieces.body && whole.used == pieces.used &&
		      whole.result == pieces.result);
	return 0;
}
