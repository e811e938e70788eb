/* Puts a reply of Ollama's own chat together: one JSON text a line, calls whole, usage in the last line. */
#include "mem.h"
#include "ollama.h"
#include <stdlib.h>
#include <string.h>

static void add_call(struct reply *reply, const json_t *item)
{
	const json_t *function = json_object_get(item, "function"),
		     *arguments = json_object_get(function, "arguments");
	struct reply_call *call = reply_call_add(reply, (int64_t)reply->call_count);
	char *text =
		json_is_object(arguments) ? json_write(arguments) : mem_text(json_string_value(arguments));

	if (call) {
		call->id = mem_text(json_text(item, "id"));
		call->name = mem_text(json_text(function, "name"));
		if (text)
			reply_call_argue(reply, call, text, strlen(text));
	}
	free(text);
}

static void add_message(struct reply *reply, const json_t *message)
{
	const char *text = json_text(message, "content"), *thought = json_text(message, "thinking");
	const json_t *item;
	size_t i;

	if (thought)
		reply_think(reply, thought, strlen(thought));
	if (text)
		reply_say(reply, text, strlen(text));
	json_array_foreach (json_object_get(message, "tool_calls"), i, item)
		if (json_is_object(item))
			add_call(reply, item);
}

/* A prompt that the server had cached whole has no count. */
static void finish(struct reply *reply, const json_t *root)
{
	const char *reason = json_text(root, "done_reason");

	reply->ended = reply->finished = true;
	reply->stop = reason && strcmp(reason, "length") == 0 ? LLM_STOP_LENGTH : LLM_STOP_END;
	reply->has_usage = json_object_get(root, "eval_count") != NULL;
	reply->input_tokens = json_int(root, "prompt_eval_count", -1);
	reply->output_tokens = json_int(root, "eval_count", -1);
	reply->cached_tokens = reply->written_tokens = reply->reasoning_tokens = -1;
}

static bool add_root(struct reply *reply, const json_t *root, struct err *err)
{
	if (json_object_get(root, "error")) {
		reply_error_take(&reply->error, root);
		reply->failed = true;
		return err_set(err, ERR_UNSURE, "the server broke off with an error");
	}
	add_message(reply, json_object_get(root, "message"));
	if (json_is_true(json_object_get(root, "done")))
		finish(reply, root);
	return true;
}

bool ollama_decode_line(struct reply *reply, const char *event, const char *data, size_t len, struct err *err)
{
	json_t *root;
	bool fine;

	(void)event;
	if (reply->ended || reply_blanks(data, len) == len)
		return true;
	root = reply_json(data, len, err);
	fine = root && add_root(reply, root, err);
	json_decref(root);
	return fine;
}

bool ollama_decode_body(struct reply *reply, const char *body, size_t len, struct err *err)
{
	bool fine = ollama_decode_line(reply, "", body, len, err);

	if (fine && !reply->ended)
		fine = err_set(err, ERR_UNSURE, "the server's answer has no end");
	return fine;
}

void ollama_raw(const struct reply *reply, struct buf *out)
{
	(void)reply;
	buf_text(out, "");
}
