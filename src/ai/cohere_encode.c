/* Writes a chat request (v2) straight into text. */
#include "cohere.h"
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

static void put_calls(struct buf *out, const struct llm_message *message)
{
	put(out, ",\"tool_calls\":[");
	for (size_t i = 0; i < message->call_count; i++) {
		put(out, i > 0 ? ",{\"id\":" : "{\"id\":");
		quote(out, message->calls[i].id);
		put(out, ",\"type\":\"function\",\"function\":{\"name\":");
		quote(out, message->calls[i].name);
		put(out, ",\"arguments\":");
		quote(out, message->calls[i].arguments);
		put(out, "}}");
	}
	put(out, "]");
}

/* What it said beside its calls is the plan, in its own message or in another model's. */
static void put_assistant(struct buf *out, const struct llm_message *message)
{
	json_t *raw = message->raw ? json_read(message->raw, strlen(message->raw), NULL) : NULL;
	const char *plan = json_text(raw, "tool_plan") ? json_text(raw, "tool_plan") : message->text;

	put(out, "{\"role\":\"assistant\"");
	if (message->call_count == 0) {
		put(out, ",\"content\":");
		quote(out, message->text ? message->text : "");
	} else {
		if (plan && *plan) {
			put(out, ",\"tool_plan\":");
			quote(out, plan);
		}
		put_calls(out, message);
	}
	put(out, "}");
	json_decref(raw);
}

static void put_parts(struct buf *out, const struct llm_message *message)
{
	put(out, "[{\"type\":\"text\",\"text\":");
	quote(out, message->text ? message->text : "");
	put(out, "}");
	for (size_t i = 0; i < message->image_count; i++) {
		put(out, ",{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:");
		put(out, message->images[i].mime);
		put(out, ";base64,");
		put(out, message->images[i].base64);
		put(out, "\"}}");
	}
	put(out, "]");
}

static void put_message(struct buf *out, const struct llm_message *message)
{
	if (message->role == LLM_ASSISTANT) {
		put_assistant(out, message);
		return;
	}
	if (message->role == LLM_TOOL) {
		put(out, "{\"role\":\"tool\",\"tool_call_id\":");
		quote(out, message->call_id);
		put(out, ",\"content\":");
		quote(out, message->text && !text_blank(message->text) ? message->text : "(no output)");
	} else {
		put(out, message->role == LLM_SYSTEM ? "{\"role\":\"system\",\"content\":"
						     : "{\"role\":\"user\",\"content\":");
		if (message->image_count > 0)
			put_parts(out, message);
		else
			quote(out, message->text ? message->text : "");
	}
	put(out, "}");
}

static void put_tools(struct buf *out, const struct llm_request *request)
{
	bool spent = request->tool_count == 0;
	const struct tool *const *tools = spent ? request->spent : request->tools;
	size_t count = spent ? request->spent_count : request->tool_count;

	put(out, count > 0 ? ",\"tools\":[" : "");
	for (size_t i = 0; i < count; i++) {
		put(out, i > 0 ? ",{\"type\":\"function\",\"function\":{\"name\":"
			       : "{\"type\":\"function\",\"function\":{\"name\":");
		quote(out, tools[i]->name);
		put(out, ",\"description\":");
		quote(out, tools[i]->description ? tools[i]->description : "");
		put(out, ",\"parameters\":");
		put(out,
		    tools[i]->parameters ? tools[i]->parameters : "{\"type\":\"object\",\"properties\":{}}");
		put(out, "}}");
	}
	if (count > 0)
		put(out, spent ? "],\"tool_choice\":\"NONE\"" : "]");
}

void cohere_encode_start(struct buf *out, const char *model, const struct llm_request *request)
{
	put(out, "{\"model\":");
	quote(out, model);
	put(out, ",\"messages\":[");
	for (size_t i = 0; i < request->message_count; i++) {
		put(out, i > 0 ? "," : "");
		put_message(out, &request->messages[i]);
	}
	put(out, "]");
	put_tools(out, request);
}

void cohere_encode_params(struct buf *out, const struct remote_params *params)
{
	unsigned hundredths = params->temperature >= 0 ? (unsigned)(params->temperature * 100 + 0.5) : 0;

	if (params->max_output_tokens > 0)
		buf_format(out, ",\"max_tokens\":%ld", params->max_output_tokens);
	if (params->temperature >= 0) /* theirs ends at 1 */
		buf_format(out, ",\"temperature\":%u.%02u", hundredths >= 100 ? 1U : 0U,
			   hundredths >= 100 ? 0U : hundredths);
	buf_format(out, ",\"stream\":%s}", params->stream ? "true" : "false");
}
