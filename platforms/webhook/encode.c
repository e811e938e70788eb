/* Writes what the outside gets to read: receipts, results and callback bodies. */
#include "buf.h"
#include "clock.h"
#include "hook.h"
#include <string.h>

static void add_text(struct buf *json, const char *key, const char *value)
{
	buf_format(json, ",\"%s\":", key);
	if (value)
		json_quote(json, value, strlen(value));
	else
		buf_text(json, "null");
}

static void add_conversation(struct buf *json, int64_t id, const char *uuid)
{
	if (id)
		buf_format(json, ",\"conversation_id\":%lld", (long long)id);
	else
		buf_text(json, ",\"conversation_id\":null");
	add_text(json, "conversation_uuid", uuid);
}

static void add_list(struct buf *json, const char *key, const char *const *texts, size_t count)
{
	buf_format(json, ",\"%s\":[", key);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_text(json, ",");
		json_quote(json, texts[i], strlen(texts[i]));
	}
	buf_text(json, "]");
}

void hook_encode_receipt(struct buf *json, const struct receipt *receipt)
{
	buf_format(json, "{\"id\":\"%s\",\"status\":\"%s\"", receipt->uuid,
		   message_state_name(receipt->state));
	add_conversation(json, receipt->conversation_id, receipt->conversation_uuid);
	buf_format(json, ",\"url\":\"/webhook/%s/messages/%s\"", receipt->hook, receipt->uuid);
	if (receipt->poll_token)
		add_text(json, "poll_token", receipt->poll_token);
	if (receipt->reason)
		add_text(json, "reason", receipt->reason);
	buf_text(json, "}");
}

/* To be said back as they are, by whoever shows the answer. */
static void add_choices(struct buf *json, const struct outgoing *out)
{
	if (out->choices)
		buf_format(json, ",\"choices\":%s", out->choices);
}

void hook_encode_result(struct buf *json, const char *uuid, const struct outgoing *out)
{
	buf_format(json, "{\"id\":\"%s\",\"status\":\"%s\"", uuid, message_state_name(out->state));
	add_conversation(json, out->conversation_id, out->conversation_uuid);
	if (out->reason)
		add_text(json, "reason", out->reason);
	if (out->text) {
		buf_text(json, ",\"reply\":{\"text\":");
		json_quote(json, out->text, strlen(out->text));
		buf_text(json, ",\"tool_calls\":");
		buf_text(json, out->tool_calls);
		add_choices(json, out);
		if (out->files)
			buf_format(json, ",\"files\":%s", out->files);
		buf_text(json, "}");
	}
	buf_text(json, "}");
}

static const char *event_type(enum message_state state)
{
	switch (state) {
	case MESSAGE_FAILED:
	case MESSAGE_QUARANTINED:
		return "message.failed";
	case MESSAGE_REFUSED:
		return "message.refused";
	case MESSAGE_IGNORED:
		return "message.ignored";
	case MESSAGE_ACCEPTED:
	case MESSAGE_CLAIMED:
	case MESSAGE_ANSWERED:
		break;
	}
	return "message.created";
}

/* A reply that is a file: its link, which is the same in every attempt, and not its bytes. */
static void add_file(struct buf *json, const struct outgoing_file *file)
{
	buf_text(json, ",\"files\":[{\"name\":");
	json_quote(json, file->name, strlen(file->name));
	add_text(json, "mime", file->mime);
	buf_format(json, ",\"size\":%lld", (long long)file->size);
	add_text(json, "link", file->link);
	buf_text(json, "}]");
}

/* Made of stored values only, so that each attempt has the same bytes. */
void hook_encode_callback(struct buf *json, const struct outgoing *out)
{
	char when[CLOCK_TEXT_SIZE];

	buf_format(json, "{\"type\":\"%s\",\"timestamp\":\"%s\",\"data\":{\"id\":\"%s\"",
		   event_type(out->state), clock_text(out->created_ms, when), out->uuid);
	add_conversation(json, out->conversation_id, out->conversation_uuid);
	add_list(json, "in_reply_to", out->delivery_keys, out->answers_to_count);
	add_list(json, "message_ids", out->answers_to, out->answers_to_count);
	add_text(json, "status", message_state_name(out->state));
	if (out->reason)
		add_text(json, "reason", out->reason);
	add_text(json, "text", out->text);
	buf_text(json, ",\"tool_calls\":");
	buf_text(json, out->tool_calls);
	add_choices(json, out);
	if (out->file)
		add_file(json, out->file);
	buf_text(json, "}}");
}
