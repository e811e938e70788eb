/* Writes a request of the Responses API straight into text. The system prompt stands beside the items; calls and results
 * are items of their own; what the model made itself goes back as it came, since its thoughts are sealed. */
#include "openai.h"
#include "responses.h"
#include "text.h"
#include <string.h>

static void put(struct buf *out, const char *text)
{
	buf_add(out, text, strlen(text));
}

static void quote(struct buf *out, const char *text)
{
	json_quote(out, text, strlen(text));
}

static bool says(const char *text)
{
	return text && !text_blank(text);
}

static void put_instructions(struct buf *out, const struct llm_request *request)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < request->message_count; i++)
		if (request->messages[i].role == LLM_SYSTEM && says(request->messages[i].text))
			buf_format(&text, "%s%s", text.len ? "\n\n" : "", request->messages[i].text);
	if (text.len > 0) {
		put(out, ",\"instructions\":");
		json_quote(out, text.data, text.len);
	}
	buf_free(&text);
}

static void put_user(struct buf *out, const struct llm_message *message)
{
	put(out, "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":");
	quote(out, message->text ? message->text : "");
	put(out, "}");
	for (size_t i = 0; i < message->image_count; i++) {
		put(out, ",{\"type\":\"input_image\",\"detail\":\"auto\",\"image_url\":\"data:");
		put(out, message->images[i].mime);
		put(out, ";base64,");
		put(out, message->images[i].base64);
		put(out, "\"}");
	}
	put(out, "]}");
}

static void put_said(struct buf *out, const char *text)
{
	put(out,
	    "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":");
	quote(out, text);
	put(out, "}]}");
}

static void put_call(struct buf *out, const struct llm_call *call)
{
	put(out, "{\"type\":\"function_call\",\"call_id\":");
	quote(out, call->id);
	put(out, ",\"name\":");
	quote(out, call->name);
	put(out, ",\"arguments\":");
	quote(out, call->arguments);
	put(out, "}");
}

/* The items between the brackets of what came; false: there are none. */
static bool put_raw(struct buf *out, const char *raw)
{
	size_t len = raw ? strlen(raw) : 0;

	if (len <= 2 || raw[0] != '[' || raw[len - 1] != ']')
		return false;
	buf_add(out, raw + 1, len - 2);
	return true;
}

static void put_assistant(struct buf *out, const struct llm_message *message)
{
	const char *between = "";

	if (put_raw(out, message->raw))
		return;
	if (says(message->text) || message->call_count == 0) {
		put_said(out, says(message->text) ? message->text : "(nothing)");
		between = ",";
	}
	for (size_t i = 0; i < message->call_count; i++) {
		put(out, between);
		put_call(out, &message->calls[i]);
		between = ",";
	}
}

static void put_result(struct buf *out, const struct llm_message *message)
{
	put(out, "{\"type\":\"function_call_output\",\"call_id\":");
	quote(out, message->call_id);
	put(out, ",\"output\":");
	quote(out, message->text && *message->text ? message->text : "(no output)");
	put(out, "}");
}

static void put_items(struct buf *out, const struct llm_request *request)
{
	const char *between = "";

	put(out, ",\"input\":[");
	for (size_t i = 0; i < request->message_count; i++) {
		const struct llm_message *message = &request->messages[i];

		if (message->role == LLM_SYSTEM)
			continue;
		put(out, between);
		if (message->role == LLM_USER)
			put_user(out, message);
		else if (message->role == LLM_TOOL)
			put_result(out, message);
		else
			put_assistant(out, message);
		between = ",";
	}
	put(out, "]");
}

/* strict is true here when it is left out, and few schemas of other people's tools would pass. */
static void put_tool(struct buf *out, const struct tool *tool)
{
	put(out, "{\"type\":\"function\",\"strict\":false,\"name\":");
	quote(out, tool->name);
	if (tool->description) {
		put(out, ",\"description\":");
		quote(out, tool->description);
	}
	put(out, ",\"parameters\":");
	put(out, tool->parameters ? tool->parameters : "{\"type\":\"object\",\"properties\":{}}");
	put(out, "}");
}

void responses_encode_start(struct buf *out, const char *model, const struct llm_request *request)
{
	put(out, "{\"model\":");
	quote(out, model);
	put_instructions(out, request);
	put_items(out, request);
	if (request->tool_count == 0)
		return;
	put(out, ",\"tools\":[");
	for (size_t i = 0; i < request->tool_count && i < OPENAI_TOOLS_MAX; i++) {
		put(out, i > 0 ? "," : "");
		put_tool(out, request->tools[i]);
	}
	put(out, "]");
}

void responses_encode_params(struct buf *out, const struct remote_params *params,
			     const struct responses_quirks *quirks)
{
	unsigned hundredths = params->temperature >= 0 ? (unsigned)(params->temperature * 100 + 0.5) : 0;

	put(out, ",\"store\":false");
	if (!quirks->no_include)
		put(out, ",\"include\":[\"reasoning.encrypted_content\"]");
	if (params->max_output_tokens > 0)
		buf_format(out, ",\"max_output_tokens\":%ld", params->max_output_tokens);
	if (params->temperature >= 0 && !quirks->no_temperature)
		buf_format(out, ",\"temperature\":%u.%02u", hundredths / 100, hundredths % 100);
	put(out, params->stream ? ",\"stream\":true}" : "}");
}

static bool set_once(bool *quirk)
{
	bool news = !*quirk;

	*quirk = true;
	return news;
}

bool responses_adapt(struct responses_quirks *quirks, const struct reply_error *error,
		     const struct remote_params *params)
{
	if (params->temperature >= 0 && reply_blames(error, "temperature"))
		return set_once(&quirks->no_temperature);
	if (reply_blames(error, "include") || (error->message && strstr(error->message, "ncrypted content")))
		return set_once(&quirks->no_include);
	return false;
}

/* "Function tools with reasoning_effort are not supported ... use /v1/responses", "only supported in v1/responses". */
bool responses_wanted(const struct reply_error *error)
{
	return error->message && strstr(error->message, "v1/responses");
}
