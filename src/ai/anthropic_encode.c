/* Writes a Messages request straight into text. The system prompt stands beside the messages; results of tools are blocks
 * of one user message; the model's own blocks go back as they came, since its thoughts carry signatures. */
#include "anthropic.h"
#include "text.h"
#include <ctype.h>
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

enum { NAME_MAX_CHARS = 64 };

/* Ids and names that another service made, in the letters that this one takes. */
static void quote_name(struct buf *out, const char *text, size_t most)
{
	put(out, "\"");
	if (*text == '\0')
		put(out, "_");
	for (size_t i = 0; text[i] && i < most; i++)
		buf_add(out, isalnum((unsigned char)text[i]) || strchr("_-", text[i]) ? &text[i] : "_", 1);
	put(out, "\"");
}

static bool says(const char *text)
{
	return text && !text_blank(text); /* a blank text is refused as an empty one is */
}

/* The block just written is the last of what the service is to keep: it is read back for a tenth of its price within five
 * minutes, for which writing it costs a quarter more. */
static void put_mark(struct buf *out)
{
	buf_cut(out, out->len - 1);
	put(out, ",\"cache_control\":{\"type\":\"ephemeral\"}}");
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
	quote_name(out, message->call_id, SIZE_MAX);
	put(out, ",\"content\":");
	quote(out, says(message->text) ? message->text : "(no output)");
	put(out, "}");
}

/* Empty text blocks are refused, and so is an input that is not an object. */
static void put_calls(struct buf *out, const struct llm_message *message)
{
	const char *between = "";

	put(out, "[");
	if (says(message->text)) {
		put_text_block(out, message->text);
		between = ",";
	}
	for (size_t i = 0; i < message->call_count; i++) {
		json_t *input =
			json_read(message->calls[i].arguments, strlen(message->calls[i].arguments), NULL);

		put(out, between);
		put(out, "{\"type\":\"tool_use\",\"id\":");
		quote_name(out, message->calls[i].id, SIZE_MAX);
		put(out, ",\"name\":");
		quote_name(out, message->calls[i].name, NAME_MAX_CHARS);
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
		quote(out, says(message->text) ? message->text : "(nothing)");
	put(out, "}");
}

/* It goes on: what is sent now will be the beginning of the next request, too. A single question may be the only one. */
static bool says_before(const struct llm_request *request, size_t from)
{
	return request->messages[from - 1].role == LLM_ASSISTANT;
}

/* The messages from `from` on that make one message of the user; returns where the next begins. */
static size_t put_user(struct buf *out, const struct llm_request *request, size_t from, bool cache)
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
			put_text_block(out, says(messages[i].text) ? messages[i].text : "(nothing)");
		between = ",";
		for (size_t k = 0; k < messages[i].image_count; k++) {
			put(out, ",");
			put_image(out, &messages[i].images[k]);
		}
	}
	if (cache && from > 0 && i == request->message_count && says_before(request, from))
		put_mark(out);
	put(out, "]}");
	return i;
}

static void put_messages(struct buf *out, const struct llm_request *request, bool cache)
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
			i = put_user(out, request, i, cache);
		between = ",";
	}
	put(out, "]");
}

/* The tools stand before it, so that one mark is for both: they are the same in every conversation. */
static void put_system(struct buf *out, const struct llm_request *request, bool cache)
{
	bool any = false;

	for (size_t i = 0; i < request->message_count; i++) {
		if (request->messages[i].role != LLM_SYSTEM || !says(request->messages[i].text))
			continue;
		put(out, any ? "," : ",\"system\":[");
		put_text_block(out, request->messages[i].text);
		any = true;
	}
	if (any && cache)
		put_mark(out);
	put(out, any ? "]" : "");
}

static void put_tool(struct buf *out, const struct tool *tool)
{
	put(out, "{\"name\":");
	quote(out, tool->name);
	if (tool->description) {
		put(out, ",\"description\":");
		quote(out, tool->description);
	}
	put(out, ",\"input_schema\":");
	put(out, tool->parameters ? tool->parameters : "{\"type\":\"object\"}");
	put(out, "}");
}

/* Calls in the messages without their tools are refused, and other tools than before would break its thoughts. */
static void put_tools(struct buf *out, const struct llm_request *request)
{
	bool spent = request->tool_count == 0;
	const struct tool *const *tools = spent ? request->spent : request->tools;
	size_t count = spent ? request->spent_count : request->tool_count;

	if (count == 0)
		return;
	put(out, ",\"tools\":[");
	for (size_t i = 0; i < count; i++) {
		put(out, i > 0 ? "," : "");
		put_tool(out, tools[i]);
	}
	put(out, spent ? "],\"tool_choice\":{\"type\":\"none\"}" : "]");
}

void anthropic_encode_start(struct buf *out, const char *model, const struct llm_request *request, bool cache)
{
	put(out, "{\"model\":");
	quote(out, model);
	put_system(out, request, cache);
	put_messages(out, request, cache);
	put_tools(out, request);
}

void anthropic_encode_params(struct buf *out, const struct remote_params *params, bool temperature)
{
	unsigned hundredths = params->temperature >= 0 ? (unsigned)(params->temperature * 100 + 0.5) : 0;

	buf_format(out, ",\"max_tokens\":%ld",
		   params->max_output_tokens > 0 ? params->max_output_tokens : (long)ANTHROPIC_OUTPUT_TOKENS);
	if (params->temperature >= 0 && temperature) /* theirs ends at 1 */
		buf_format(out, ",\"temperature\":%u.%02u", hundredths >= 100 ? 1U : 0U,
			   hundredths >= 100 ? 0U : hundredths);
	if (params->stream)
		put(out, ",\"stream\":true");
	put(out, "}");
}
