/* Puts a reply of Cohere's chat (v2) together. In a stream, calls come one by one as an object, in a body as a list; counts
 * may be reals. */
#include "cohere.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

/* ---- pieces ---------------------------------------------------------------------------------------------------- */

static void plan(struct reply *reply, const char *text)
{
	if (text)
		reply_think(reply, text, strlen(text));
}

static void say(struct reply *reply, const json_t *content)
{
	const char *text = json_text(content, "text");

	if (text)
		reply_say(reply, text,
			  strlen(text)); /* a "thinking" beside it is not shown, nor wanted back */
	else if (json_text(content, "thinking"))
		reply->content_bytes += strlen(json_text(content, "thinking"));
}

static void argue(struct reply *reply, struct reply_call *call, const json_t *function)
{
	const json_t *arguments = json_object_get(function, "arguments");
	char *text =
		json_is_object(arguments) ? json_write(arguments) : mem_text(json_string_value(arguments));

	if (call && text)
		reply_call_argue(reply, call, text, strlen(text));
	free(text);
}

static void begin_call(struct reply *reply, int64_t index, const json_t *piece)
{
	const json_t *function = json_object_get(piece, "function");
	struct reply_call *call = json_is_object(piece) ? reply_call_add(reply, index) : NULL;

	if (call == NULL)
		return;
	call->id = mem_text(json_text(piece, "id"));
	call->name = mem_text(json_text(function, "name"));
	argue(reply, call, function);
}

/* ---- the end and the bill ---------------------------------------------------------------------------------------- */

static void set_stop(struct reply *reply, const char *reason)
{
	reply->finished = true;
	reply->stop = LLM_STOP_END;
	if (strcmp(reason, "MAX_TOKENS") == 0)
		reply->stop = LLM_STOP_LENGTH;
	else if (strcmp(reason, "TOOL_CALL") == 0)
		reply->stop = LLM_STOP_TOOLS;
	else if (strcmp(reason, "ERROR_TOXIC") == 0)
		reply->stop = LLM_STOP_REFUSED;
	else if (strcmp(reason, "ERROR") == 0 || strcmp(reason, "TIMEOUT") == 0)
		reply->failed = true;
}

/* What is paid for counts; what the model saw may be more. */
static void set_usage(struct reply *reply, const json_t *usage)
{
	const json_t *billed = json_object_get(usage, "billed_units"),
		     *seen = json_object_get(usage, "tokens");
	const json_t *counts = json_is_object(billed) ? billed : seen;

	if (!json_is_object(counts))
		return;
	reply->has_usage = true;
	reply->input_tokens = json_int(counts, "input_tokens", -1);
	reply->output_tokens = json_int(counts, "output_tokens", -1);
	reply->cached_tokens = json_int(usage, "cached_tokens", -1);
	reply->written_tokens = reply->reasoning_tokens = -1;
}

static bool ends(struct reply *reply, const json_t *root, struct err *err)
{
	const char *reason = json_text(root, "finish_reason"), *why = json_text(root, "error");

	set_usage(reply, json_object_get(root, "usage"));
	if (reason)
		set_stop(reply, reason);
	if (reply->failed && reply->error.message == NULL)
		reply->error.message = mem_text(why ? why : "it ended its answer with an error");
	if (reply->failed)
		return err_set(err, ERR_UNSURE, "the server broke off with an error");
	return true;
}

/* ---- events and bodies --------------------------------------------------------------------------------------------- */

static bool take_event(struct reply *reply, const char *type, const json_t *root, struct err *err)
{
	const json_t *delta = json_object_get(root, "delta"), *message = json_object_get(delta, "message");
	const json_t *call = json_object_get(message, "tool_calls");
	int64_t index = json_int(root, "index", 0);

	if (strcmp(type, "message-start") == 0 && reply->id == NULL)
		reply->id = mem_text(json_text(root, "id"));
	else if (strcmp(type, "content-start") == 0 || strcmp(type, "content-delta") == 0)
		say(reply, json_object_get(message, "content"));
	else if (strcmp(type, "tool-plan-delta") == 0)
		plan(reply, json_text(message, "tool_plan"));
	else if (strcmp(type, "tool-call-start") == 0)
		begin_call(reply, index, call);
	else if (strcmp(type, "tool-call-delta") == 0)
		argue(reply, reply_call_at(reply, index), json_object_get(call, "function"));
	if (strcmp(type, "message-end") != 0)
		return true;
	reply->ended = ends(reply, delta, err);
	return reply->ended;
}

static bool tells_error(struct reply *reply, const json_t *root, struct err *err)
{
	if (json_text(root, "type") || !json_text(root, "message"))
		return false;
	reply_error_take(&reply->error, root);
	reply->failed = true;
	err_set(err, ERR_UNSURE, "the server broke off with an error");
	return true;
}

bool cohere_decode_event(struct reply *reply, const char *event, const char *data, size_t len,
			 struct err *err)
{
	size_t blank = reply_blanks(data, len);
	json_t *root;
	bool fine;

	if (reply->ended || blank == len || (len - blank >= 6 && memcmp(data + blank, "[DONE]", 6) == 0))
		return true;
	root = reply_json(data, len, err);
	if (root == NULL)
		return false;
	fine = !tells_error(reply, root, err) &&
	       take_event(reply, json_text(root, "type") ? json_text(root, "type") : event, root, err);
	json_decref(root);
	return fine;
}

bool cohere_decode_body(struct reply *reply, const char *body, size_t len, struct err *err)
{
	json_t *root = reply_json(body, len, err), *item;
	const json_t *message = json_object_get(root, "message");
	const char *id = json_text(root, "id");
	bool fine = root && !tells_error(reply, root, err);
	size_t i;

	if (fine && !json_is_object(message))
		fine = err_set(err, ERR_UNSURE, "the server's answer holds no message");
	if (fine) {
		reply->id = mem_text(id);
		plan(reply, json_text(message, "tool_plan"));
		json_array_foreach (json_object_get(message, "content"), i, item)
			say(reply, item);
		json_array_foreach (json_object_get(message, "tool_calls"), i, item)
			begin_call(reply, (int64_t)i, item);
		fine = ends(reply, root, err);
	}
	reply->ended = fine;
	json_decref(root);
	return fine;
}

void cohere_raw(const struct reply *reply, struct buf *out)
{
	buf_text(out, "{\"tool_plan\":");
	json_quote(out, buf_str(&reply->reasoning), reply->reasoning.len);
	buf_text(out, "}");
}
