/* What a call gave, as one JSON object for the model: text, and a line in place of everything that is none (sheet 8). */
#include "buf.h"
#include "mem.h"
#include "server.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

struct gathered {
	struct buf text;
	size_t whole; /* bytes there were */
	bool spoken;  /* there is text, not only what stands for something else */
};

static void add(struct gathered *gathered, const char *text, size_t len)
{
	size_t room = gathered->text.len < MCP_RESULT_MAX ? MCP_RESULT_MAX - gathered->text.len : 0;

	gathered->whole += len;
	buf_add(&gathered->text, text, text_fit(text, len, room));
}

static void add_text(struct gathered *gathered, const char *text)
{
	add(gathered, text, strlen(text));
}

/* Base64 is never shown to the model: it would only fill its window. */
static void add_bytes(struct gathered *gathered, const char *kind, const json_t *block, const char *key)
{
	const char *type = json_text(block, "mimeType"), *data = json_text(block, key);
	char *line = mem_format("[%s, %.100s, %zu bytes]", kind, type ? type : "of an unknown type",
				data ? strlen(data) / 4 * 3 : 0);

	add_text(gathered, line);
	free(line);
}

static void add_resource(struct gathered *gathered, const json_t *resource)
{
	const char *uri = json_text(resource, "uri"), *text = json_text(resource, "text");
	char *line = mem_format("[resource %.500s]\n", uri ? uri : "without an address");

	add_text(gathered, line);
	free(line);
	if (text) {
		add_text(gathered, text);
		gathered->spoken = true;
	} else {
		add_bytes(gathered, "file", resource, "blob");
	}
}

static void add_link(struct gathered *gathered, const json_t *block)
{
	const char *uri = json_text(block, "uri"), *name = json_text(block, "title");
	const char *about = json_text(block, "description");
	char *line;

	if (name == NULL)
		name = json_text(block, "name");
	line = mem_format("[link to %.200s: %.500s%s%.500s]", name ? name : "a resource",
			  uri ? uri : "no address", about ? ", " : "", about ? about : "");
	add_text(gathered, line);
	free(line);
}

static void add_block(struct gathered *gathered, const json_t *block)
{
	const char *type = json_text(block, "type"), *text = json_text(block, "text");
	char *line;

	if (gathered->whole)
		add_text(gathered, "\n");
	if (type && strcmp(type, "text") == 0 && text) {
		add_text(gathered, text);
		gathered->spoken = true;
	} else if (type && (strcmp(type, "image") == 0 || strcmp(type, "audio") == 0)) {
		add_bytes(gathered, type, block, "data");
	} else if (type && strcmp(type, "resource") == 0) {
		add_resource(gathered, json_object_get(block, "resource"));
	} else if (type && strcmp(type, "resource_link") == 0) {
		add_link(gathered, block);
	} else {
		line = mem_format("[something of the unknown type %.60s]", type ? type : "?");
		add_text(gathered, line);
		free(line);
	}
}

static void put(struct buf *out, const char *key, const struct gathered *gathered)
{
	struct buf text = { 0 };

	buf_add(&text, buf_str(&gathered->text), gathered->text.len);
	if (gathered->whole > gathered->text.len)
		buf_format(&text, "\n[cut here: these are the first %zu of %zu bytes]", gathered->text.len,
			   gathered->whole);
	buf_format(out, "{\"%s\":", key);
	json_quote(out, buf_str(&text), text.len);
	buf_free(&text);
}

/* Servers repeat it as text: only what has not been said already is added. False: it was too long, and cut into text. */
static void add_structured(struct gathered *gathered, const json_t *structured, struct buf *out)
{
	char *text = json_write(structured);
	size_t len = strlen(text);

	if (len <= MCP_RESULT_MAX - gathered->text.len)
		buf_format(out, "\"structured\":%s", text);
	else
		add(gathered, text, len);
	free(text);
}

char *result_json(const json_t *result, bool *failed_out)
{
	const json_t *structured = json_object_get(result, "structuredContent"), *block;
	struct gathered gathered = { 0 };
	struct buf out = { 0 }, more = { 0 };
	size_t i;

	json_array_foreach (json_object_get(result, "content"), i, block) {
		add_block(&gathered, block);
	}
	*failed_out = json_is_true(json_object_get(result, "isError"));
	if (structured && !gathered.spoken)
		add_structured(&gathered, structured, &more);
	if (gathered.whole == 0 && more.len == 0)
		add_text(&gathered, *failed_out ? "the tool failed without a word" : "(no output)");
	if (gathered.whole) {
		put(&out, *failed_out ? "error" : "text", &gathered);
		buf_format(&out, "%s%s}", more.len ? "," : "", buf_str(&more));
	} else if (*failed_out) { /* a failure always says "error" */
		buf_format(&out, "{\"error\":\"the tool failed\",%s}", buf_str(&more));
	} else {
		buf_format(&out, "{%s}", buf_str(&more));
	}
	buf_free(&gathered.text);
	buf_free(&more);
	return buf_take(&out);
}

char *result_error(const char *text)
{
	struct gathered gathered = { 0 };
	struct buf out = { 0 };

	add_text(&gathered, text);
	put(&out, "error", &gathered);
	buf_text(&out, "}");
	buf_free(&gathered.text);
	return buf_take(&out);
}
