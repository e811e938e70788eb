/* Puts a reply of the Messages API together: blocks by index, counts that are told again and again and never added up. */
#include "anthropic.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

/* ---- blocks -------------------------------------------------------------------------------------------------- */

static void keep(struct reply *reply, struct buf *out, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	if (out->len + strlen(text) > REPLY_TEXT_MAX)
		reply->too_long = true;
	else
		buf_text(out, text);
}

static void say(struct reply *reply, struct reply_block *block, const char *text)
{
	keep(reply, &block->text, text);
	if (text)
		reply_say(reply, text, strlen(text));
}

/* The input of a call: an object, empty at the beginning of a stream. */
static void begin_call(struct reply *reply, int64_t index, const json_t *content)
{
	struct reply_call *call = reply_call_add(reply, index);
	const json_t *input = json_object_get(content, "input");
	char *text;

	if (call == NULL)
		return;
	call->id = mem_text(json_text(content, "id"));
	call->name = mem_text(json_text(content, "name"));
	if (!json_is_object(input) || json_object_size(input) == 0)
		return;
	text = json_write(input);
	reply_call_argue(reply, call, text, strlen(text));
	free(text);
}

static void begin_block(struct reply *reply, int64_t index, const json_t *content)
{
	const char *type = json_text(content, "type");
	struct reply_block *block = type ? reply_block_add(reply, index, type) : NULL;

	if (block == NULL)
		return;
	if (strcmp(type, "text") == 0) {
		say(reply, block, json_text(content, "text"));
	} else if (strcmp(type, "thinking") == 0) {
		keep(reply, &block->text, json_text(content, "thinking"));
		keep(reply, &block->more, json_text(content, "signature"));
	} else if (strcmp(type, "redacted_thinking") == 0) {
		keep(reply, &block->text, json_text(content, "data"));
	} else if (strcmp(type, "tool_use") == 0) {
		begin_call(reply, index, content);
	}
}

static void add_delta(struct reply *reply, int64_t index, const json_t *delta)
{
	const char *type = json_text(delta, "type"), *json = json_text(delta, "partial_json");
	const char *thought = json_text(delta, "thinking");
	struct reply_block *block = reply_block_at(reply, index);
	struct reply_call *call = reply_call_at(reply, index);

	if (type == NULL || block == NULL)
		return;
	if (strcmp(type, "text_delta") == 0) {
		say(reply, block, json_text(delta, "text"));
	} else if (strcmp(type, "input_json_delta") == 0 && call && json) {
		reply_call_argue(reply, call, json, strlen(json));
	} else if (strcmp(type, "thinking_delta") == 0 && thought) {
		keep(reply, &block->text, thought);
		reply_think(reply, thought, strlen(thought));
	} else if (strcmp(type, "signature_delta") == 0) {
		keep(reply, &block->more, json_text(delta, "signature"));
	}
}

/* ---- the end and the bill ---------------------------------------------------------------------------------------- */

static void set_stop(struct reply *reply, const char *reason)
{
	reply->finished = true;
	reply->stop = LLM_STOP_END;
	if (strcmp(reason, "max_tokens") == 0 || strcmp(reason, "model_context_window_exceeded") == 0)
		reply->stop = LLM_STOP_LENGTH;
	else if (strcmp(reason, "refusal") == 0)
		reply->stop = LLM_STOP_REFUSED;
	else if (strcmp(reason, "tool_use") == 0)
		reply->stop = LLM_STOP_TOOLS;
}

/* input_tokens leaves out what was read from the cache or written to it; ours is all that was sent. A later count takes
 * the place of an earlier one, where it is told. */
static void set_usage(struct reply *reply, const json_t *usage)
{
	int64_t input = json_int(usage, "input_tokens", -1), output = json_int(usage, "output_tokens", -1);
	int64_t read = json_int(usage, "cache_read_input_tokens", -1);
	int64_t written = json_int(usage, "cache_creation_input_tokens", -1);

	if (!json_is_object(usage))
		return;
	if (!reply->has_usage)
		reply->input_tokens = reply->output_tokens = reply->reasoning_tokens = -1;
	reply->has_usage = true;
	if (input >= 0) {
		reply->cached_tokens = read > 0 ? read : 0;
		reply->written_tokens = written > 0 ? written : 0;
		reply->input_tokens = input + reply->cached_tokens + reply->written_tokens;
	}
	if (output >= 0)
		reply->output_tokens = output;
	reply->reasoning_tokens = json_int(json_object_get(usage, "output_tokens_details"), "thinking_tokens",
					   reply->reasoning_tokens);
}

/* ---- events and bodies --------------------------------------------------------------------------------------------- */

static bool tells_error(struct reply *reply, const json_t *root, struct err *err)
{
	const char *type = json_text(root, "type");

	if ((type == NULL || strcmp(type, "error") != 0) && json_object_get(root, "error") == NULL)
		return false;
	reply_error_take(&reply->error, root);
	reply->failed = true;
	err_set(err, ERR_UNSURE, "the server broke off with an error");
	return true;
}

static void take_message(struct reply *reply, const json_t *message)
{
	const char *id = json_text(message, "id"), *reason = json_text(message, "stop_reason");
	const json_t *content;
	size_t i;

	if (reply->id == NULL && id)
		reply->id = mem_text(id);
	set_usage(reply, json_object_get(message, "usage"));
	json_array_foreach (json_object_get(message, "content"), i, content)
		begin_block(reply, (int64_t)i, content);
	if (reason)
		set_stop(reply, reason);
}

static void take_event(struct reply *reply, const char *type, const json_t *root)
{
	const json_t *delta = json_object_get(root, "delta");
	int64_t index = json_int(root, "index", 0);
	const char *reason = json_text(delta, "stop_reason");

	if (strcmp(type, "message_start") == 0) {
		take_message(reply, json_object_get(root, "message"));
	} else if (strcmp(type, "content_block_start") == 0) {
		begin_block(reply, index, json_object_get(root, "content_block"));
	} else if (strcmp(type, "content_block_delta") == 0) {
		add_delta(reply, index, delta);
	} else if (strcmp(type, "message_delta") == 0) {
		set_usage(reply, json_object_get(root, "usage"));
		if (reason)
			set_stop(reply, reason);
	} else if (strcmp(type, "message_stop") == 0) {
		reply->ended = true;
	}
}

bool anthropic_decode_event(struct reply *reply, const char *event, const char *data, size_t len,
			    struct err *err)
{
	json_t *root;
	const char *type;
	bool fine;

	if (reply->ended || reply_blanks(data, len) == len)
		return true;
	root = reply_json(data, len, err);
	if (root == NULL)
		return false;
	type = json_text(root, "type") ? json_text(root, "type") : event;
	fine = !tells_error(reply, root, err);
	if (fine)
		take_event(reply, type, root);
	json_decref(root);
	return fine;
}

bool anthropic_decode_body(struct reply *reply, const char *body, size_t len, struct err *err)
{
	json_t *root = reply_json(body, len, err);
	bool fine = root && !tells_error(reply, root, err);

	if (fine && !json_is_array(json_object_get(root, "content")))
		fine = err_set(err, ERR_UNSURE, "the server's answer holds no content");
	if (fine)
		take_message(reply, root);
	reply->ended = fine;
	json_decref(root);
	return fine;
}

/* ---- what is sent back ------------------------------------------------------------------------------------------------ */

static void put_member(struct buf *out, const char *name, const struct buf *text)
{
	buf_format(out, ",\"%s\":", name);
	json_quote(out, buf_str(text), text->len);
}

static void put_call(struct buf *out, const struct reply *reply, int64_t index)
{
	for (size_t i = 0; i < reply->call_count; i++) {
		const struct reply_call *call = &reply->calls[i];
		const char *id = call->id ? call->id : "", *name = call->name ? call->name : "";
		json_t *input;

		if (call->index != index)
			continue;
		input = json_read(buf_str(&call->arguments), call->arguments.len, NULL);
		buf_text(out, ",\"id\":");
		json_quote(out, id, strlen(id));
		buf_text(out, ",\"name\":");
		json_quote(out, name, strlen(name));
		buf_text(out, ",\"input\":");
		buf_text(out, json_is_object(input) ? buf_str(&call->arguments) : "{}");
		json_decref(input);
		return;
	}
}

static bool empty(const struct reply_block *block)
{
	return strcmp(block->type, "text") == 0 && text_blank(buf_str(&block->text)); /* would be refused */
}

/* Kinds that we know: what a server adds beside them can't be put together here, so it is left out. */
static bool known(const struct reply_block *block)
{
	static const char *const types[] = { "text", "thinking", "redacted_thinking", "tool_use" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(block->type, types[i]) == 0)
			return true;
	return false;
}

void anthropic_raw(const struct reply *reply, struct buf *out)
{
	const char *between = "";

	buf_text(out, "[");
	for (size_t i = 0; i < reply->block_count; i++) {
		const struct reply_block *block = &reply->blocks[i];

		if (empty(block) || !known(block))
			continue;
		buf_format(out, "%s{\"type\":\"%s\"", between, block->type);
		if (strcmp(block->type, "text") == 0) {
			put_member(out, "text", &block->text);
		} else if (strcmp(block->type, "thinking") == 0) {
			put_member(out, "thinking", &block->text);
			put_member(out, "signature", &block->more);
		} else if (strcmp(block->type, "redacted_thinking") == 0) {
			put_member(out, "data", &block->text);
		} else {
			put_call(out, reply, block->index);
		}
		buf_text(out, "}");
		between = ",";
	}
	buf_text(out, "]");
}
