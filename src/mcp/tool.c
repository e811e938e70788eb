/* One tool as a server describes it: what of it is kept, what the model is told, and under which name (sheet 8). */
#include "buf.h"
#include "mem.h"
#include "server.h"
#include "text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_HEAD = 55, SUFFIX_DIGITS = 8 };

/* ---- names ------------------------------------------------------------------------------------------------- */

static char safe(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' ? c : '_';
}

/* Providers take letters, digits, _ and -, 64 of them: one name out of bounds, and they refuse all tools. */
void tool_name(const char *server, const char *original, bool hashed, char *out)
{
	struct buf name = { 0 };
	char *whole = mem_format("%s__%s", server, original), *both = mem_format("%s\n%s", server, original);
	char hash[CRYPTO_SHA256_HEX];

	if (!isalpha((unsigned char)*whole))
		buf_text(&name, "t_");
	for (const char *at = whole; *at; at++) {
		char c = safe(*at);

		buf_add(&name, &c, 1);
	}
	if (hashed || name.len > MCP_NAME_MAX) {
		buf_cut(&name, NAME_HEAD);
		crypto_sha256_hex(both, strlen(both), hash);
		buf_format(&name, "_%.*s", SUFFIX_DIGITS, hash);
	}
	memcpy(out, name.data, name.len + 1);
	buf_free(&name);
	free(whole);
	free(both);
}

/* ---- the schema ---------------------------------------------------------------------------------------------- */

static bool deeper_than(const json_t *value, unsigned levels)
{
	const json_t *inside;
	const char *key;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		return false;
	if (levels == 0)
		return true;
	if (json_is_array(value)) {
		json_array_foreach (value, i, inside) {
			if (deeper_than(inside, levels - 1))
				return true;
		}
		return false;
	}
	json_object_foreach ((json_t *)(uintptr_t)value, key, inside) {
		if (deeper_than(inside, levels - 1))
			return true;
	}
	return false;
}

/* What every provider takes: an object with `properties`, and no choices between whole objects. The server checks the
 * arguments by its own schema all the same. Nothing that a $ref names is ever fetched. */
static char *for_the_model(const json_t *schema)
{
	static const char *const refused[] = { "$schema", "$id",  "anyOf", "oneOf", "allOf",
					       "not",	  "enum", "if",	   "then",  "else" };
	json_t *copy = json_copy((json_t *)(uintptr_t)schema);
	char *text;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		json_object_del(copy, refused[i]);
	json_object_set_new(copy, "type", json_string("object"));
	if (!json_is_object(json_object_get(copy, "properties")))
		json_object_set_new(copy, "properties", json_object());
	text = json_write(copy);
	json_decref(copy);
	return text;
}

static bool schema_fine(const json_t *schema, struct err *err)
{
	const json_t *type = json_object_get(schema, "type");
	char *text;
	size_t len;

	if (!json_is_object(schema))
		return err_set(err, ERR_REFUSED, "it has no input schema");
	if (type && (!json_is_string(type) || strcmp(json_string_value(type), "object") != 0))
		return err_set(err, ERR_REFUSED, "its input is not an object");
	if (deeper_than(schema, MCP_SCHEMA_LEVELS))
		return err_set(err, ERR_REFUSED, "its input schema has more than %d levels",
			       MCP_SCHEMA_LEVELS);
	text = json_write(schema);
	len = strlen(text);
	free(text);
	return len <= MCP_SCHEMA_MAX ||
	       err_set(err, ERR_REFUSED, "its input schema has %zu bytes, over %d", len, MCP_SCHEMA_MAX);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

/* The order of a server's keys says nothing: the same tool must have the same hash tomorrow. The title counts where the model
 * is told it for want of a description. The caller frees. */
static char *pinned_part(const json_t *from)
{
	static const char *const pinned[] = { "name", "description", "inputSchema", "annotations", "title" };
	const char *told = json_text(from, "description");
	size_t count = sizeof(pinned) / sizeof(pinned[0]) - (told && *told ? 1 : 0);
	json_t *kept = json_object();
	char *text;

	for (size_t i = 0; i < count; i++) {
		json_t *value = json_object_get(from, pinned[i]);

		if (value)
			json_object_set(kept, pinned[i], value);
	}
	text = json_dumps(kept, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(kept);
	return text;
}

static char *description_of(const json_t *from, const char *name)
{
	const char *text = json_text(from, "description");

	if (text == NULL || *text == '\0')
		text = json_text(from, "title");
	if (text == NULL || *text == '\0')
		text = json_text(json_object_get(from, "annotations"), "title");
	if (text == NULL || *text == '\0')
		text = name;
	return mem_text_n(text, text_fit(text, strlen(text), MCP_DESCRIPTION_MAX));
}

bool tool_read(const char *server, const json_t *from, struct mcp_tool *tool, struct err *err)
{
	const char *name = json_text(from, "name");
	const char *tasks = json_text(json_object_get(from, "execution"), "taskSupport");
	const json_t *schema = json_object_get(from, "inputSchema");

	if (name == NULL || *name == '\0' || strlen(name) > MCP_ORIGINAL_MAX)
		return err_set(err, ERR_REFUSED, "a tool has no name, or one of over %d bytes",
			       MCP_ORIGINAL_MAX);
	if (tasks && strcmp(tasks, "required") == 0)
		return err_set(err, ERR_REFUSED, "it only runs as a task, which is not offered here");
	if (!schema_fine(schema, err))
		return false;
	*tool = (struct mcp_tool){ .original = mem_text(name),
				   .description = description_of(from, name),
				   .parameters = for_the_model(schema),
				   .reads = json_is_true(json_object_get(json_object_get(from, "annotations"),
									 "readOnlyHint")) };
	tool->schema = json_write(schema);
	tool_name(server, name, false, tool->name);
	tool->definition = pinned_part(from);
	crypto_sha256_hex(tool->definition, strlen(tool->definition), tool->hash);
	return true;
}

void tool_finish(struct mcp_tool *tool)
{
	free(tool->original);
	free(tool->description);
	free(tool->parameters);
	free(tool->schema);
	free(tool->definition);
	*tool = (struct mcp_tool){ 0 };
}

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

void tool_list_add(struct tool_list *list, const struct mcp_tool *tool)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 16;
		list->tools = mem_resize(list->tools, list->room, sizeof(*list->tools));
	}
	list->tools[list->count++] = *tool;
}

static int by_original(const void *a, const void *b)
{
	const struct mcp_tool *one = a, *other = b;

	return strcmp(one->original, other->original);
}

static void drop_doubles(struct tool_list *list, const struct log *log)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (kept && strcmp(list->tools[kept - 1].original, list->tools[i].original) == 0) {
			log_warn(log, "tool %s is listed twice: the second one is left out",
				 list->tools[i].original);
			tool_finish(&list->tools[i]);
		} else {
			list->tools[kept++] = list->tools[i];
		}
	}
	list->count = kept;
}

static bool taken(const struct tool_list *list, size_t before, const char *name)
{
	for (size_t i = 0; i < before; i++)
		if (strcasecmp(list->tools[i].name, name) == 0)
			return true;
	return false;
}

void tool_list_settle(struct tool_list *list, const char *server, const struct log *log)
{
	if (list->count)
		qsort(list->tools, list->count, sizeof(*list->tools), by_original);
	drop_doubles(list, log);
	for (size_t i = 0; i < list->count; i++)
		if (taken(list, i, list->tools[i].name))
			tool_name(server, list->tools[i].original, true, list->tools[i].name);
}

const struct mcp_tool *tool_list_find(const struct tool_list *list, const char *original)
{
	struct mcp_tool wanted = { .original = (char *)(uintptr_t)original };

	return list->count ? bsearch(&wanted, list->tools, list->count, sizeof(*list->tools), by_original)
			   : NULL;
}

void tool_list_finish(struct tool_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		tool_finish(&list->tools[i]);
	free(list->tools);
	*list = (struct tool_list){ 0 };
}
