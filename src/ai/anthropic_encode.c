/* Writes a Messages request straight into text. The system prompt stands beside the messages; results of tools are blocks
 * of one user message; the model's own blocks go back as they came, since its thoughts carry signatures. */
#include "anthropic.h"
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

static void put_text_block(struct buf *out, const char *text)
{
	put(out, "{\"type\":\"text\",\"text\":");
	quote(out, text);
	put(out, "}");
}

static void put_image(struct buf *out, const struct llm_image *image)
{
	put(out, "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":");
	quote(out, image->mime);
	put(out, ",\"data\":\"");
	put(out, image->base64);
	put(out, "\"}}");
}

static void put_result(struct buf *out, const struct llm_message *message)
{
	put(out, "{\"type\":\"tool_result\",\"tool_use_id\":");
	quote(out, message->call_id);
	put(out, ",\"content\":");
	quote(out, message->text && *message->text ? message->text : "(no output)");
	put(out, "}");
}

/* Empty text blocks are refused, and so is an input that is not an object. */
static void put_calls(struct buf *out, const struct llm_message *message)
{
	const char *between = "";

	put(out, "[");
	if (message->text && *message->text) {
		put_text_block(out, message->text);
		between = ",";
	}
	for (size_t i = 0; i < message->call_count; i++) {
		json_t *input =
			json_read(message->calls[i].arguments, strlen(message->calls[i].arguments), NULL);

		put(out, between);
		put(out, "{\"type\":\"tool_use\",\"id\":");
		quote(out, message->calls[i].id);
		put(out, ",\"name\":");
		quote(out, message->calls[i].name);
		put(out, ",\"input\":");
		put(out, json_is_object(input) ? message->calls[i].arguments : "{}");
		put(out, "}");
		between = ",";
		json_decref(input);
	}
	put(out, "]");
}

static void put_assistant(struct buf *out, const struct llm_message *message)
{
	put(out, "{\"role\":\"assistant\",\"content\":");
	if (message->raw && *message->raw == '[')
		put(out, message->raw);
	else if (message->call_count > 0)
		put_calls(out, message);
	else
		quote(out, message->text && *message->text ? message->text : "(nothing)");
	put(out, "}");
}

/* The messages from `from` on that make one message of the user; returns where the next begins. */
static size_t put_user(struct buf *out, const struct llm_request *request, size_t from)
{
	const struct llm_message *messages = request->messages;
	const char *between = "";
	size_t i = from;

	put(out, "{\"role\":\"user\",\"content\":[");
	for (; i < request->message_count && messages[i].role != LLM_ASSISTANT; i++) {
		if (messages[i].role == LLM_SYSTEM)
			continue;
		put(out, between);
		if (messages[i].role == LLM_TOOL)
			put_result(out, &messages[i]);
		else
			put_text_block(out, messages[i].text && *messages[i].text ? messages[i].text
										  : "(nothing)");
		between = ",";
		for (size_t k = 0; k < messages[i].image_count; k++) {
			put(out, ",");
			put_image(out, &messages[i].images[k]);
		}
	}
	put(out, "]}");
	return i;
}

static void put_messages(struct buf *out, const struct llm_request *request)
{
	const char *between = "";
	size_t i = 0;

	put(out, ",\"messages\":[");
	while (i < request->message_count && request->messages[i].role == LLM_SYSTEM)
		i++;
	while (i < request->message_count) {
		put(out, between);
		if (request->messages[i].role == LLM_ASSISTANT)
			put_assistant(out, &request->messages[i++]);
		else
			i = put_user(out, request, i);
		between = ",";
	}
	put(out, "]");
}

static void put_system(struct buf *out, const struct llm_request *request)
{
	bool any = false;

	for (size_t i = 0; i < request->message_count; i++) {
		if (request->messages[i].role != LLM_SYSTEM || request->messages[i].text == NULL ||
		    *request->messages[i].text == '\0')
			continue;
		put(out, any ? "," : ",\"system\":[");
		put_text_block(out, request->messages[i].text);
		any = true;
	}
	put(out, any ? "]" : "");
}

static void put_tools(struct buf *out, const struct llm_request *request)
{
	put(out, request->tool_count > 0 ? ",\"tools\":[" : "");
	for (size_t i = 0; i < request->tool_count; i++) {
		const struct tool *tool = request->tools[i];

		put(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		quote(out, tool->name);
		if (tool->description) {
			put(out, ",\"description\":");
			quote(out, tool->description);
		}
		put(out, ",\"input_schema\":");
		put(out, tool->parameters ? tool->parameters : "{\"type\":\"object\"}");
		put(out, "}");
	}
	put(out, request->tool_count > 0 ? "]" : "");
}

void anthropic_encode_start(struct buf *out, const char *model, const struct llm_request *request)
{
	put(out, "{\"model\":");
	quote(out, model);
	put_system(out, request);
	put_messages(out, request);
	put_tools(out, request);
}

void anthropic_encode_params(struct buf *out, const struct remote_params *params, bool temperature)
{
	unsigned hundredths = (unsigned)(params->temperature * 100 + 0.5);

	buf_format(out, ",\"max_tokens\":%ld",
		   params->max_output_tokens > 0 ? params->max_output_tokens : (long)ANTHROPIC_OUTPUT_TOKENS);
	if (params->temperature >= 0 && temperature) /* theirs ends at 1 */
		buf_format(out, ",\"temperature\":%u.%02u", hundredths >= 100 ? 1U : 0U,
			   hundredths >= 100 ? 0U : hundredths);
	if (params->stream)
		put(out, ",\"stream\":true");
	put(out, "}");
}
