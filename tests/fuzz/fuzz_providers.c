/* rooms: base ai io */
/* Any bytes as a reply of Anthropic, Cohere, Ollama or OpenAI's responses, event by event and as one body: what was put together must be sane, and
 * what would be sent back valid JSON. */
#include "anthropic.h"
#include "cohere.h"
#include "json.h"
#include "ollama.h"
#include "responses.h"
#include "sse.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef bool event_fn(struct reply *reply, const char *event, const char *data, size_t len, struct err *err);

struct feeding {
	struct reply reply;
	event_fn *event;
};

static bool on_event(void *owner, const char *event, const char *data, size_t len)
{
	struct feeding *feeding = owner;
	struct err err = { 0 };

	return feeding->event(&feeding->reply, event, data, len, &err);
}

static void check(const struct reply *reply, void (*raw)(const struct reply *, struct buf *))
{
	struct buf out = { 0 };
	json_t *root;

	if (reply->text.len > REPLY_TEXT_MAX || reply->call_count > REPLY_CALLS_MAX ||
	    reply->block_count > REPLY_BLOCKS_MAX)
		abort();
	raw(reply, &out);
	if (out.len > 0) {
		root = json_loadb(out.data, out.len, 0, NULL);
		if (root == NULL)
			abort();
		json_decref(root);
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static event_fn *const events[] = { anthropic_decode_event, cohere_decode_event, ollama_decode_line,
					    responses_decode_event };
	static bool (*const bodies[])(struct reply *, const char *, size_t,
				      struct err *) = { anthropic_decode_body, cohere_decode_body,
							ollama_decode_body, responses_decode_body };
	static void (*const raws[])(const struct reply *, struct buf *) = { anthropic_raw, cohere_raw,
									    ollama_raw, responses_raw };
	size_t which = size > 0 ? data[0] % 4 : 0;
	const char *text = (const char *)data + (size > 0);
	struct feeding feeding = { .event = events[which] };
	struct sse sse = { .line_max = REMOTE_LINE_MAX };
	struct err err = { 0 };
	char *copy;

	size -= size > 0;
	copy = strndup(text, size);
	if (sse_feed(&sse, copy, strlen(copy), on_event, &feeding))
		sse_end(&sse, on_event, &feeding);
	reply_said(&feeding.reply);
	check(&feeding.reply, raws[which]);
	reply_finish(&feeding.reply);
	bodies[which](&feeding.reply, copy, strlen(copy), &err);
	reply_said(&feeding.reply);
	check(&feeding.reply, raws[which]);
	reply_finish(&feeding.reply);
	sse_finish(&sse);
	free(copy);
	return 0;
}
