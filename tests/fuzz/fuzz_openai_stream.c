/* rooms: base ai io */
/* Any bytes as a reply: as a stream, as one body, as an error and as text to repair. What was decoded must be
 * sane and must go back into a request as valid JSON. */
#include "json.h"
#include "openai.h"
#include "sse.h"
#include "text.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What the short way takes, a JSON library reads the same. */
static void check_quick(const char *data, size_t size)
{
	struct openai_piece piece = { 0 };

	if (openai_quick(data, size, &piece)) {
		json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
		const json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
		const json_t *content = json_object_get(json_object_get(choice, "delta"), "content");
		const char *text = json_string_value(content);
		const char *reason = json_string_value(json_object_get(choice, "finish_reason"));

		if (piece.stop != (reason && strcmp(reason, "stop") == 0))
			abort();
		if (root == NULL || json_array_size(json_object_get(root, "choices")) != 1 ||
		    strcmp(buf_str(&piece.content), text ? text : "") != 0)
			abort();
		json_decref(root);
	}
	buf_free(&piece.content);
}

static bool on_event(void *owner, const char *event, const char *data, size_t len)
{
	struct err err = { 0 };

	check_quick(data, len);
	return openai_decode_event(owner, event, data, len, &err);
}

static void check(const struct reply *reply)
{
	struct llm_call call = { "id", "name", "{}" };
	struct llm_message message = { .role = LLM_ASSISTANT, .calls = &call, .call_count = 1 };
	struct llm_request request = { .messages = &message, .message_count = 1, .temperature = -1 };
	struct remote_params params = { true, -1, 0 };
	struct openai_quirks quirks = { 0 };
	struct buf raw = { 0 }, out = { 0 };
	json_t *json;

	if (!text_valid(buf_str(&reply->text), reply->text.len) || reply->text.len > REPLY_TEXT_MAX)
		abort();
	openai_raw(reply, &raw);
	message.raw = buf_str(&raw);
	openai_encode_start(&out, "m", &request);
	openai_encode_params(&out, &params, &quirks);
	json = json_loadb(out.data, out.len, 0, NULL);
	if (json == NULL)
		abort();
	json_decref(json);
	buf_free(&raw);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sse sse = { .line_max = REMOTE_LINE_MAX };
	struct reply reply = { 0 };
	struct reply_error error = { 0 };
	struct err err = { 0 };
	char *copy = malloc(size + 1), *fixed;

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	copy[size] = '\0';
	sse_feed(&sse, copy, size, on_event, &reply);
	sse_end(&sse, on_event, &reply);
	reply_said(&reply);
	check(&reply);
	reply_finish(&reply);
	sse_finish(&sse);
	openai_decode_body(&reply, copy, size, &err);
	reply_said(&reply);
	check(&reply);
	reply_finish(&reply);
	check_quick(copy, size);
	reply_error_read(&error, copy, size);
	reply_fault(&error, 400, NULL, copy);
	reply_hint_ms(copy);
	reply_error_finish(&error);
	fixed = reply_repair(copy, size);
	if (!text_valid(fixed, strlen(fixed)))
		abort();
	free(fixed);
	free(copy);
	return 0;
}
