/* Writes a request of Ollama's own chat straight into text: arguments are objects, pictures bare base64, and a result names
 * its tool. */
#include "ollama.h"
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
		const struct llm_call *call = &message->calls[i];
		json_t *arguments = json_read(call->arguments, strlen(call->arguments), NULL);

		put(out, i > 0 ? ",{\"function\":{\"name\":" : "{\"function\":{\"name\":");
		quote(out, call->name);
		put(out, ",\"arguments\":");
		put(out, json_is_object(arguments) ? call->arguments : "{}");
		put(out, "}}");
		json_decref(arguments);
	}
	put(out, "]");
}

static void put_images(struct buf *out, const struct llm_message *message)
{
	put(out, ",\"images\":[");
	for (size_t i = 0; i < message->image_count; i++) {
		put(out, i > 0 ? ",\"" : "\"");
		put(out, message->images[i].base64);
		put(out, "\"");
	}
	put(out, "]");
}

static void put_message(struct buf *out, const struct llm_message *message)
{
	static const char *const roles[] = { [LLM_SYSTEM] = "system",
					     [LLM_USER] = "user",
					     [LLM_ASSISTANT] = "assistant",
					     [LLM_TOOL] = "tool" };

	buf_format(out, "{\"role\":\"%s\",\"content\":", roles[message->role]);
	quote(out, message->text ? message->text : "");
	if (message->role == LLM_TOOL && message->tool) {
		put(out, ",\"tool_name\":");
		quote(out, message->tool);
	}
	if (message->call_count > 0)
		put_calls(out, message);
	if (message->image_count > 0)
		put_images(out, message);
	put(out, "}");
}

void ollama_encode_start(struct buf *out, const char *model, const struct llm_request *request)
{
	put(out, "{\"model\":");
	quote(out, model);
	put(out, ",\"messages\":[");
	for (size_t i = 0; i < request->message_count; i++) {
		put(out, i > 0 ? "," : "");
		put_message(out, &request->messages[i]);
	}
	put(out, "]");
}

void ollama_encode_tools(struct buf *out, const struct llm_request *request)
{
	put(out, request->tool_count > 0 ? ",\"tools\":[" : "");
	for (size_t i = 0; i < request->tool_count; i++) {
		const struct tool *tool = request->tools[i];

		put(out, i > 0 ? ",{\"type\":\"function\",\"function\":{\"name\":"
			       : "{\"type\":\"function\",\"function\":{\"name\":");
		quote(out, tool->name);
		put(out, ",\"description\":");
		quote(out, tool->description ? tool->description : "");
		put(out, ",\"parameters\":");
		put(out, tool->parameters ? tool->parameters : "{\"type\":\"object\",\"properties\":{}}");
		put(out, "}}");
	}
	put(out, request->tool_count > 0 ? "]" : "");
}

static bool is_number(const char *text)
{
	size_t len = strspn(text, "-0123456789");

	return len > 0 && text[len] == '\0';
}

void ollama_encode_params(struct buf *out, const struct remote_params *params,
			  const struct ollama_options *options)
{
	unsigned hundredths = params->temperature >= 0 ? (unsigned)(params->temperature * 100 + 0.5) : 0;

	buf_format(out, ",\"stream\":%s,\"options\":{\"num_ctx\":%ld", params->stream ? "true" : "false",
		   options->context_tokens);
	if (params->max_output_tokens > 0)
		buf_format(out, ",\"num_predict\":%ld", params->max_output_tokens);
	if (params->temperature >= 0)
		buf_format(out, ",\"temperature\":%u.%02u", hundredths / 100, hundredths % 100);
	put(out, "}");
	if (options->keep_alive) {
		put(out, ",\"keep_alive\":");
		if (is_number(options->keep_alive))
			put(out, options->keep_alive);
		else
			quote(out, options->keep_alive);
	}
	put(out, "}");
}
