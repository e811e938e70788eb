/* Puts a reply of the Responses API together: items by their place in the output, the whole response at the end. */
#include "mem.h"
#include "responses.h"
#include <stdlib.h>
#include <string.h>

/* ---- items --------------------------------------------------------------------------------------------------- */

static struct reply_call *call_of(struct reply *reply, int64_t index, const json_t *item)
{
	struct reply_call *call = reply_call_at(reply, index);
	const char *name = json_text(item, "name");

	if (call == NULL)
		call = reply_call_add(reply, index);
	if (call == NULL)
		return NULL;
	if (call->id == NULL)
		call->id = mem_text(json_text(item, "call_id"));
	if (call->name == NULL && name && *name)
		call->name = mem_text(name);
	return call;
}

/* The whole text is told once more at its end: it counts where no piece came before. */
static void argue_whole(struct reply *reply, struct reply_call *call, const char *text)
{
	if (call && text && call->arguments.len == 0)
		reply_call_argue(reply, call, text, strlen(text));
}

static bool is_type(const json_t *item, const char *type)
{
	const char *is = json_text(item, "type");

	return is && strcmp(is, type) == 0;
}

static void begin_item(struct reply *reply, int64_t index, const json_t *item)
{
	if (is_type(item, "function_call"))
		call_of(reply, index, item);
	else if (is_type(item, "message") && reply->text.len > 0) /* another one: its own paragraph */
		reply_say(reply, "\n\n", 2);
}

/* As it came, to be sent back: a call without the thoughts before it would be refused. */
static void keep_item(struct reply *reply, int64_t index, const json_t *item)
{
	const char *type = json_text(item, "type");
	struct reply_block *block = type ? reply_block_add(reply, index, type) : NULL;
	char *text;

	if (block == NULL)
		return;
	text = json_write(item);
	if (strlen(text) > REPLY_TEXT_MAX)
		reply->too_long = true;
	else
		buf_text(&block->text, text);
	free(text);
}

static void end_item(struct reply *reply, int64_t index, const json_t *item)
{
	if (!json_is_object(item) || reply_block_at(reply, index))
		return;
	if (is_type(item, "function_call"))
		argue_whole(reply, call_of(reply, index, item), json_text(item, "arguments"));
	keep_item(reply, index, item);
}

static void refuse(struct reply *reply, const char *text)
{
	reply->refusal = true;
	reply_say(reply, text, strlen(text));
}

/* Of an answer in one piece. */
static void say_item(struct reply *reply, const json_t *item)
{
	const json_t *part;
	size_t i;

	json_array_foreach (json_object_get(item, "content"), i, part) {
		const char *text = json_text(part, "text"), *refusal = json_text(part, "refusal");

		if (is_type(part, "output_text") && text)
			reply_say(reply, text, strlen(text));
		else if (is_type(part, "refusal") && refusal)
			refuse(reply, refusal);
		else if (is_type(part, "reasoning_text") && text)
			reply_think(reply, text, strlen(text));
	}
}

/* ---- the end and the bill ---------------------------------------------------------------------------------------- */

static void set_usage(struct reply *reply, const json_t *usage)
{
	const json_t *in = json_object_get(usage, "input_tokens_details"),
		     *out = json_object_get(usage, "output_tokens_details");

	if (!json_is_object(usage))
		return;
	reply->has_usage = true;
	reply->input_tokens = json_int(usage, "input_tokens", -1);
	reply->output_tokens = json_int(usage, "output_tokens", -1);
	reply->cached_tokens = json_int(in, "cached_tokens", -1);
	reply->written_tokens = json_int(in, "cache_write_tokens", -1);
	reply->reasoning_tokens = json_int(out, "reasoning_tokens", -1);
}

static void set_stop(struct reply *reply, const json_t *response)
{
	const char *status = json_text(response, "status");
	const char *why = json_text(json_object_get(response, "incomplete_details"), "reason");

	reply->finished = true;
	reply->stop = LLM_STOP_END;
	if (status && strcmp(status, "incomplete") == 0)
		reply->stop = why && strcmp(why, "content_filter") == 0 ? LLM_STOP_REFUSED : LLM_STOP_LENGTH;
}

static bool fail(struct reply *reply, const json_t *root, struct err *err)
{
	reply_error_take(&reply->error, root);
	reply->failed = true;
	return err_set(err, ERR_UNSURE, "the server told an error");
}

static bool failed(const json_t *response)
{
	const char *status = json_text(response, "status");

	return json_is_object(json_object_get(response, "error")) ||
	       (status && (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0));
}

static void take_id(struct reply *reply, const json_t *response)
{
	const char *id = json_text(response, "id");

	if (reply->id == NULL && id && *id)
		reply->id = mem_text(id);
}

/* Items are taken from here only when none was told by itself before: not every server counts them the same twice. */
static bool take_response(struct reply *reply, const json_t *response, struct err *err)
{
	bool silent = reply->content_bytes == 0 && reply->call_count == 0, whole = reply->block_count == 0;
	const json_t *item;
	size_t i;

	take_id(reply, response);
	set_usage(reply, json_object_get(response, "usage"));
	if (failed(response))
		return fail(reply, response, err);
	json_array_foreach (whole ? json_object_get(response, "output") : NULL, i, item) {
		if (silent) {
			begin_item(reply, (int64_t)i, item);
			say_item(reply, item);
		}
		end_item(reply, (int64_t)i, item);
	}
	set_stop(reply, response);
	reply->ended = true;
	return true;
}

/* ---- events and bodies --------------------------------------------------------------------------------------------- */

static void take_delta(struct reply *reply, const char *type, int64_t index, const json_t *root)
{
	const char *text = json_text(root, "delta");
	size_t len = text ? strlen(text) : 0;

	if (len == 0)
		return;
	if (strcmp(type, "response.output_text.delta") == 0)
		reply_say(reply, text, len);
	else if (strcmp(type, "response.refusal.delta") == 0)
		refuse(reply, text);
	else if (strncmp(type, "response.reasoning", 18) == 0)
		reply_think(reply, text, len);
	else if (strcmp(type, "response.function_call_arguments.delta") == 0 && reply_call_at(reply, index))
		reply_call_argue(reply, reply_call_at(reply, index), text, len);
}

static bool take_event(struct reply *reply, const char *type, const json_t *root, struct err *err)
{
	const json_t *item = json_object_get(root, "item"), *response = json_object_get(root, "response");
	int64_t index = json_int(root, "output_index", 0);

	if (strcmp(type, "error") == 0 || (*type == '\0' && json_is_object(json_object_get(root, "error"))))
		return fail(reply, root, err);
	if (strcmp(type, "response.completed") == 0 || strcmp(type, "response.incomplete") == 0 ||
	    strcmp(type, "response.failed") == 0)
		return take_response(reply, response, err);
	if (strcmp(type, "response.created") == 0)
		take_id(reply, response);
	else if (strcmp(type, "response.output_item.added") == 0)
		begin_item(reply, index, item);
	else if (strcmp(type, "response.output_item.done") == 0)
		end_item(reply, index, item);
	else if (strcmp(type, "response.function_call_arguments.done") == 0)
		argue_whole(reply, reply_call_at(reply, index), json_text(root, "arguments"));
	else
		take_delta(reply, type, index, root);
	return true;
}

bool responses_decode_event(struct reply *reply, const char *event, const char *data, size_t len,
			    struct err *err)
{
	json_t *root;
	const char *type;
	bool fine;

	if (reply->ended || reply_blanks(data, len) == len || (len == 6 && memcmp(data, "[DONE]", 6) == 0))
		return true;
	root = reply_json(data, len, err);
	if (root == NULL)
		return false;
	type = json_text(root, "type") ? json_text(root, "type") : event;
	fine = take_event(reply, type, root, err);
	json_decref(root);
	return fine;
}

bool responses_decode_body(struct reply *reply, const char *body, size_t len, struct err *err)
{
	json_t *root = reply_json(body, len, err);
	bool fine = root != NULL;

	if (fine && !failed(root) && !json_is_array(json_object_get(root, "output")))
		fine = err_set(err, ERR_UNSURE, "the server's answer holds no output");
	fine = fine && take_response(reply, root, err);
	json_decref(root);
	return fine;
}

/* ---- what is sent back ------------------------------------------------------------------------------------------------ */

void responses_raw(const struct reply *reply, struct buf *out)
{
	const char *between = "";

	buf_text(out, "[");
	for (size_t i = 0; i < reply->block_count; i++) {
		if (reply->blocks[i].text.len == 0)
			continue;
		buf_text(out, between);
		buf_text(out, buf_str(&reply->blocks[i].text));
		between = ",";
	}
	buf_text(out, "]");
}
