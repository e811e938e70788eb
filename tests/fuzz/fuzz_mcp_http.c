/* rooms: base io mcp */
/* Whatever a server answers over HTTP: in any split the same is told, nothing after the end, and nothing of a wire that is
 * gone is touched. The calls never leave: the loop runs only while there are none. */
#include "http.h"
#include "io.h"
#include "wire_http_room.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct io *io;
static struct http *http;
static const char *no_headers[] = { NULL };
static const struct mcp_config config = {
	.name = "s", .url = "http://a.example/mcp", .token = "t", .headers = no_headers
};

struct look {
	struct wire *wire;
	struct buf seen;
	unsigned until_destroyed; /* events, 0: never */
	bool down, lost;
};

static void after(struct look *look)
{
	struct wire *wire = look->wire;

	if (look->until_destroyed == 0 || --look->until_destroyed > 0)
		return;
	look->wire = NULL;
	wire_http.destroy(wire);
}

static void on_message(void *owner, json_t *message)
{
	struct look *look = owner;
	char *text = json_write(message);

	if (look->down || look->wire == NULL)
		abort();
	buf_text(&look->seen, text ? text : "?");
	free(text);
	after(look);
}

static void on_lost(void *owner, int64_t id, const struct err *err)
{
	struct look *look = owner;

	if (look->down || look->wire == NULL || look->lost || id != 7 || err->kind == ERR_NONE)
		abort();
	look->lost = true;
	buf_format(&look->seen, "lost %d %s\n", (int)err->kind, err->text);
	after(look);
}

static void on_down(void *owner, enum wire_end how, const struct err *err)
{
	struct look *look = owner;

	if (look->down || look->wire == NULL || err->kind == ERR_NONE)
		abort();
	look->down = true;
	buf_format(&look->seen, "down %d %s\n", (int)how, err->text);
	after(look);
}

static const struct wire_events events = { on_message, on_lost, on_down };

static bool feed(struct look *look, struct exchange *exchange, const char *bytes, size_t size, size_t piece)
{
	for (size_t at = 0; at < size; at += piece)
		if (!exchange_data(exchange, 0, bytes + at, size - at < piece ? size - at : piece))
			return look->wire != NULL && look->wire->running != NULL;
	return true;
}

static void answer(struct exchange *exchange, unsigned how, const char *bytes, size_t size)
{
	static const int statuses[] = { 200, 200, 202, 400, 401, 403, 404, 405, 429, 500, 302, 0 };
	static const char *const types[] = { "application/json", "text/event-stream", "text/html" };
	struct http_answer said = { .how = HTTP_ANSWERED,
				    .status = statuses[how % 12],
				    .type = types[how / 12 % 3],
				    .body = size ? bytes : "",
				    .len = size };

	if (said.status == 0) {
		said.how = HTTP_MAYBE;
		said.status = 200;
		err_set(&said.err, ERR_UNSURE, "cut");
	}
	http_cancel(http, exchange->call);
	exchange_done(exchange, 0, &said);
}

/* kind: of exchange and of body; the same for every split. */
static char *run(const uint8_t head[3], const char *bytes, size_t size, size_t piece)
{
	struct wire_options options = { .io = io, .http = http, .config = &config };
	struct wire_note note = { .id = head[0] & 1 ? 7 : 0, .method = "tools/call", .total_ms = 1000 };
	struct look look = { .until_destroyed = head[0] >> 4 };
	struct exchange *exchange;

	look.wire = wire_http.open(&options, &events, &look, NULL);
	if (!wire_http.send(look.wire, "{}", 2, &note))
		abort();
	exchange = look.wire->running;
	if (head[0] & 2)
		wire_note_session(look.wire, "s-1234567");
	if (head[0] & 4) {
		exchange->kind = EXCHANGE_OLD;
		exchange->id = 0;
		exchange_wait(exchange, 1000);
		err_set(&look.wire->first, ERR_REFUSED, "not there");
	}
	exchange->body = head[0] & 8 ? BODY_EVENTS : BODY_JSON;
	if (feed(&look, exchange, bytes, size, piece))
		answer(exchange, head[1], bytes, size);
	wire_http.destroy(look.wire);
	return buf_take(&look.seen);
}

static void stop(void *data)
{
	io_stop(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_options options = { .agent = "fuzz" };
	char *whole, *pieces, *text;

	if (io == NULL) {
		io = io_create(NULL);
		http = http_create(io, &options, NULL);
	}
	if (size < 3)
		return 0;
	text = malloc(size - 3 + 1);
	memcpy(text, data + 3, size - 3);
	text[size - 3] = '\0';
	whole = run(data, text, size - 3, size);
	pieces = run(data, text, size - 3, data[2] % 16 + 1u);
	if (strcmp(whole, pieces) != 0)
		abort();
	free(whole);
	free(pieces);
	free(text);
	loop_post(io_loop(io), stop, io); /* what was closed is freed */
	io_run(io);
	return 0;
}
