/* Puts a reply together from the chunks of a stream or from one body, tolerant of what the many servers that
 * call themselves compatible do differently. */
#include "json.h"
#include "mem.h"
#include "openai.h"
#include <stdlib.h>
#include <string.h>

/* ---- text ---------------------------------------------------------------------------------------------- */

/* A string, or (Mistral) a list of parts of which only text is shown. */
static void add_content(struct reply *reply, const json_t *content)
{
	const json_t *part;
	size_t i;

	if (json_is_string(content)) {
		reply_say(reply, json_string_value(content), json_string_length(content));
		return;
	}
	json_array_foreach (content, i, part) {
		const char *type = json_text(part, "type"), *text = json_text(part, "text");

		if (text && (type == NULL || strcmp(type, "text") == 0))
			reply_say(reply, text, strlen(text));
	}
}

static void add_reasoning(struct reply *reply, const json_t *delta)
{
	const char *name = json_text(delta, "reasoning_content") ? "reasoning_content" : "reasoning";
	const char *text = json_text(delta, name);
	const json_t *details = json_object_get(delta, "reasoning_details");

	if (text && *text) {
		if (reply->reasoning_name == NULL)
			reply->reasoning_name = mem_text(name);
		reply_think(reply, text, strlen(text));
	}
	if (json_is_array(details) && json_array_size(details) > 0) {
		free(reply->reasoning_details);
		reply->reasoning_details = json_write(details);
	}
}

/* ---- the end and the bill ------------------------------------------------------------------------------ */

static void set_stop(struct reply *reply, const char *reason)
{
	static const struct {
		const char *reason;
		enum llm_stop stop;
	} known[] = {
		{ "length", LLM_STOP_LENGTH },	   { "model_length", LLM_STOP_LENGTH },
		{ "max_tokens", LLM_STOP_LENGTH }, { "content_filter", LLM_STOP_REFUSED },
		{ "tool_calls", LLM_STOP_TOOLS },  { "function_call", LLM_STOP_TOOLS },
	};

	reply->finished = true;
	reply->stop = LLM_STOP_END;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(reason, known[i].reason) == 0)
			reply->stop = known[i].stop;
	if (strcmp(reason, "error") == 0)
		reply->failed = true;
}

/* Some servers send it with every chunk: the last one counts, they are never added up. */
static void set_usage(struct reply *reply, const json_t *usage)
{
	const json_t *cost = json_object_get(usage, "cost");
	int64_t cached = json_int(json_object_get(usage, "prompt_tokens_details"), "cached_tokens", -1);

	if (!json_is_object(usage))
		return;
	reply->has_usage = true;
	reply->input_tokens = json_int(usage, "prompt_tokens", -1);
	reply->output_tokens = json_int(usage, "completion_tokens", -1);
	reply->cached_tokens = cached >= 0 ? cached : json_int(usage, "prompt_cache_hit_tokens", -1);
	reply->written_tokens =
		json_int(json_object_get(usage, "prompt_tokens_details"), "cache_write_tokens", -1);
	reply->reasoning_tokens =
		json_int(json_object_get(usage, "completion_tokens_details"), "reasoning_tokens", -1);
	if (json_is_number(cost) && json_number_value(cost) >= 0 && json_number_value(cost) < 1e6) {
		reply->has_cost = true;
		reply->cost_micros = (int64_t)(json_number_value(cost) * 1e6 + 0.5);
	}
}

/* ---- chunks and bodies --------------------------------------------------------------------------------- */

/* message and delta have the same members. */
static void add_message(struct reply *reply, const json_t *message)
{
	const char *refusal = json_text(message, "refusal");

	add_content(reply, json_object_get(message, "content"));
	if (refusal && *refusal) {
		reply->refusal = true;
		reply_say(reply, refusal, strlen(refusal));
	}
	add_reasoning(reply, message);
	openai_decode_calls(reply, json_object_get(message, "tool_calls"));
}

static bool tells_error(struct reply *reply, const json_t *root, const char *event)
{
	bool named = strcmp(event, "error") == 0;
	const json_t *groq = json_object_get(root, "x_groq");

	if (json_object_get(root, "choices") == NULL || json_is_object(json_object_get(root, "error")))
		reply->failed |= reply_error_take(&reply->error, root);
	else if (json_object_get(groq, "error"))
		reply->failed |= reply_error_take(&reply->error, groq);
	return reply->failed || named;
}

static bool add_root(struct reply *reply, const json_t *root, const char *member, const char *event)
{
	const json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
	const char *reason = json_text(choice, "finish_reason"), *id = json_text(root, "id");

	set_usage(reply, json_object_get(root, "usage"));
	if (!reply->has_usage)
		set_usage(reply, json_object_get(json_object_get(root, "x_groq"), "usage"));
	if (tells_error(reply, root, event)) {
		reply->failed = true;
		return false;
	}
	if (reply->id == NULL && id && *id)
		reply->id = mem_text(id);
	if (json_int(choice, "index", 0) == 0)
		add_message(reply, json_object_get(choice, member));
	if (reason && *reason)
		set_stop(reply, reason);
	return !reply->failed;
}

/* Two events without a blank line between reach us as two lines of one. */
static bool decode_lines(struct reply *reply, const char *event, const char *data, size_t len,
			 struct err *err)
{
	const char *end = data + len;

	while (data < end) {
		const char *lf = memchr(data, '\n', (size_t)(end - data));
		const char *stop = lf ? lf : end;

		if (!openai_decode_event(reply, event, data, (size_t)(stop - data), err))
			return false;
		data = stop + 1;
	}
	return true;
}

static bool decode_piece(struct reply *reply, const char *event, const char *data, size_t len)
{
	struct openai_piece piece = { 0 };
	bool quick = *event == '\0' && !reply->failed && openai_quick(data, len, &piece);

	if (quick && reply->id == NULL && piece.id_len > 0)
		reply->id = mem_text_n(piece.id, piece.id_len);
	if (quick)
		reply_say(reply, buf_str(&piece.content), piece.content.len);
	if (quick && piece.stop)
		set_stop(reply, "stop");
	buf_free(&piece.content);
	return quick;
}

bool openai_decode_event(struct reply *reply, const char *event, const char *data, size_t len,
			 struct err *err)
{
	size_t blank = reply_blanks(data, len);
	json_t *root;
	bool fine;

	data += blank;
	len -= blank;
	while (len > 0 && reply_blanks(data + len - 1, 1) == 1)
		len--;
	if (len == 0 || reply->ended)
		return true;
	if (len == 6 && memcmp(data, "[DONE]", 6) == 0) {
		reply->ended = true;
		return true;
	}
	if (decode_piece(reply, event, data, len))
		return true;
	root = reply_json(data, len, memchr(data, '\n', len) ? NULL : err);
	if (root == NULL)
		return memchr(data, '\n', len) ? decode_lines(reply, event, data, len, err) : false;
	fine = add_root(reply, root, "delta", event) ||
	       err_set(err, ERR_UNSURE, "the server broke off with an error");
	json_decref(root);
	return fine;
}

bool openai_decode_body(struct reply *reply, const char *body, size_t len, struct err *err)
{
	json_t *root = reply_json(body, len, err);
	bool fine;

	if (root == NULL)
		return false;
	fine = add_root(reply, root, "message", "");
	if (!fine)
		err_set(err, ERR_UNSURE, "the server answered with an error");
	else if (!json_is_object(json_array_get(json_object_get(root, "choices"), 0)))
		fine = err_set(err, ERR_UNSURE, "the server's answer holds no choices");
	reply->ended = fine;
	json_decref(root);
	return fine;
}

/* ---- what is sent back --------------------------------------------------------------------------------- */

static void put_member(struct buf *out, const char *name, const char *text, size_t len)
{
	buf_format(out, ",\"%s\":", name);
	json_quote(out, text, len);
}

static void put_raw_call(struct buf *out, const struct reply_call *call)
{
	buf_text(out, "{\"type\":\"function\"");
	if (call->id)
		put_member(out, "id", call->id, strlen(call->id));
	buf_text(out, ",\"function\":{\"name\":");
	json_quote(out, call->name ? call->name : "", call->name ? strlen(call->name) : 0);
	put_member(out, "arguments", buf_str(&call->arguments), call->arguments.len);
	buf_text(out, "}");
	if (call->extra) {
		buf_text(out, ",\"extra_content\":");
		buf_text(out, call->extra);
	}
	buf_text(out, "}");
}

void openai_raw(const struct reply *reply, struct buf *out)
{
	buf_text(out, "{\"role\":\"assistant\"");
	put_member(out, "content", buf_str(&reply->text), reply->text.len);
	if (reply->reasoning_name)
		put_member(out, reply->reasoning_name, buf_str(&reply->reasoning), reply->reasoning.len);
	if (reply->reasoning_details) {
		buf_text(out, ",\"reasoning_details\":");
		buf_text(out, reply->reasoning_details);
	}
	if (reply->call_count > 0)
		buf_text(out, ",\"tool_calls\":[");
	for (size_t i = 0; i < reply->call_count; i++) {
		if (i > 0)
			buf_text(out, ",");
		put_raw_call(out, &reply->calls[i]);
	}
	buf_text(out, reply->call_count > 0 ? "]}" : "}");
}
