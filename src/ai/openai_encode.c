/* Writes a chat completions request straight into text: this is the hot path, and a tree of objects would
 * cost more than all else a message needs. */
#include "json.h"
#include "mem.h"
#include "openai.h"
#include <stdlib.h>
#include <string.h>

static void put(struct buf *out, const char *text)
{
	buf_add(out, text, strlen(text));
}

static void quote(struct buf *out, const char *text)
{
	json_quote(out, text, strlen(text));
}

static void put_call(struct buf *out, const struct llm_call *call, const json_t *raw)
{
	const json_t *extra = json_object_get(raw, "extra_content");

	put(out, "{\"id\":");
	quote(out, call->id);
	put(out, ",\"type\":\"function\",\"function\":{\"name\":");
	quote(out, call->name);
	put(out, ",\"arguments\":");
	quote(out, call->arguments);
	put(out, "}");
	if (extra) {
		char *text = json_write(extra);

		put(out, ",\"extra_content\":");
		put(out, text);
		free(text);
	}
	put(out, "}");
}

/* Whatever else the server's own message held (reasoning it wants to see again) goes back as it came. */
static void put_foreign_members(struct buf *out, const json_t *raw)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)raw, key, value) {
		char *text;

		if (strcmp(key, "role") == 0 || strcmp(key, "content") == 0 || strcmp(key, "tool_calls") == 0)
			continue;
		put(out, ",");
		quote(out, key);
		put(out, ":");
		text = json_write(value);
		put(out, text);
		free(text);
	}
}

static void put_assistant(struct buf *out, const struct llm_message *message)
{
	json_t *raw = message->raw ? json_read(message->raw, strlen(message->raw), NULL) : NULL;
	const json_t *raw_calls = json_object_get(raw, "tool_calls");

	put(out, "{\"role\":\"assistant\",\"content\":");
	if (message->text && *message->text)
		quote(out, message->text);
	else
		put(out, "null");
	put_foreign_members(out, raw);
	put(out, ",\"tool_calls\":[");
	for (size_t i = 0; i < message->call_count; i++) {
		if (i > 0)
			put(out, ",");
		put_call(out, &message->calls[i], json_array_get(raw_calls, i));
	}
	put(out, "]}");
	json_decref(raw);
}

/* Text and pictures as parts (the user's only). */
static void put_parts(struct buf *out, const struct llm_message *message)
{
	put(out, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":");
	quote(out, message->text ? message->text : "");
	put(out, "}");
	for (size_t i = 0; i < message->image_count; i++) {
		put(out, ",{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:");
		put(out, message->images[i].mime);
		put(out, ";base64,");
		put(out, message->images[i].base64);
		put(out, "\"}}");
	}
	put(out, "]}");
}

static void put_message(struct buf *out, const struct llm_message *message)
{
	static const char *const roles[] = { [LLM_SYSTEM] = "{\"role\":\"system\",\"content\":",
					     [LLM_USER] = "{\"role\":\"user\",\"content\":",
					     [LLM_ASSISTANT] = "{\"role\":\"assistant\",\"content\":" };

	if (message->role == LLM_ASSISTANT && message->call_count > 0) {
		put_assistant(out, message);
		return;
	}
	if (message->role == LLM_USER && message->image_count > 0) {
		put_parts(out, message);
		return;
	}
	if (message->role == LLM_TOOL) {
		put(out, "{\"role\":\"tool\",\"tool_call_id\":");
		quote(out, message->call_id);
		put(out, ",\"content\":");
		quote(out, message->text && *message->text ? message->text : "(no output)");
	} else {
		put(out, roles[message->role]);
		quote(out, message->text ? message->text : "");
	}
	put(out, "}");
}

static void put_tool(struct buf *out, const struct tool *tool)
{
	put(out, "{\"type\":\"function\",\"function\":{\"name\":");
	quote(out, tool->name);
	if (tool->description) {
		put(out, ",\"description\":");
		quote(out, tool->description);
	}
	if (tool->parameters) {
		put(out, ",\"parameters\":");
		put(out, tool->parameters);
	}
	put(out, "}}");
}

void openai_encode_start(struct buf *out, const char *model, const struct llm_request *request)
{
	put(out, "{\"model\":");
	quote(out, model);
	put(out, ",\"messages\":[");
	for (size_t i = 0; i < request->message_count; i++) {
		if (i > 0)
			put(out, ",");
		put_message(out, &request->messages[i]);
	}
	put(out, "]");
	if (request->tool_count == 0)
		return; /* an empty list is refused */
	put(out, ",\"tools\":[");
	for (size_t i = 0; i < request->tool_count && i < OPENAI_TOOLS_MAX; i++) {
		if (i > 0)
			put(out, ",");
		put_tool(out, request->tools[i]);
	}
	put(out, "]");
}

/* printf would follow the locale's decimal point; two digits are what anybody writes. */
static void put_hundredths(struct buf *out, double value)
{
	unsigned hundredths = (unsigned)(value * 100 + 0.5);

	buf_format(out, "%u.%02u", hundredths / 100, hundredths % 100);
}

void openai_encode_params(struct buf *out, const struct remote_params *params,
			  const struct openai_quirks *quirks)
{
	if (params->max_output_tokens > 0 && !quirks->no_max_tokens)
		buf_format(out, ",\"%s\":%ld",
			   quirks->completion_tokens ? "max_completion_tokens" : "max_tokens",
			   params->max_output_tokens);
	if (params->temperature >= 0 && !quirks->no_temperature) {
		put(out, ",\"temperature\":");
		put_hundredths(out, params->temperature);
	}
	if (params->stream)
		put(out, ",\"stream\":true");
	if (params->stream && !quirks->no_stream_options)
		put(out, ",\"stream_options\":{\"include_usage\":true}");
	put(out, "}");
}
