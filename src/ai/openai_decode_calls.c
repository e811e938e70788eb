/* Puts tool calls together from their pieces, whatever a server does with indexes, ids and names. */
#include "json.h"
#include "mem.h"
#include "openai.h"
#include <stdlib.h>
#include <string.h>

static bool complete(const struct reply_call *call)
{
	json_t *value = json_read(buf_str(&call->arguments), call->arguments.len, NULL);
	bool object = json_is_object(value);

	json_decref(value);
	return object;
}

/* Which call a piece belongs to. Indexes may be missing or all 0, ids may be missing, names may be repeated:
 * a new id, or a name with arguments when those so far are whole, opens a new call. */
static struct reply_call *call_of(struct reply *reply, int64_t index, const char *id, bool opens)
{
	struct reply_call *found = NULL;

	for (size_t i = 0; id && i < reply->call_count; i++)
		if (reply->calls[i].id && strcmp(reply->calls[i].id, id) == 0)
			return &reply->calls[i];
	for (size_t i = 0; i < reply->call_count; i++)
		if (index < 0 || reply->calls[i].index == index)
			found = &reply->calls[i]; /* the latest */
	if (found == NULL || (id && found->id) || (id && index < 0) ||
	    (opens && found->name && complete(found)))
		return reply_call_add(reply, index);
	return found;
}

static void add_call(struct reply *reply, const json_t *piece)
{
	const json_t *function = json_object_get(piece, "function");
	const json_t *arguments = json_object_get(function, "arguments");
	const json_t *extra = json_object_get(piece, "extra_content");
	const char *id = json_text(piece, "id"), *name = json_text(function, "name");
	char *text =
		json_is_object(arguments) ? json_write(arguments) : mem_text(json_string_value(arguments));
	struct reply_call *call;

	if (id && *id == '\0')
		id = NULL;
	if (name && *name == '\0')
		name = NULL;
	call = call_of(reply, json_int(piece, "index", -1), id, name && text && *text);
	if (call) {
		if (call->id == NULL)
			call->id = mem_text(id);
		if (call->name == NULL)
			call->name = mem_text(name);
		if (json_is_object(extra) && call->extra == NULL)
			call->extra = json_write(extra);
		if (text)
			reply_call_argue(reply, call, text, strlen(text));
	}
	free(text);
}

void openai_decode_calls(struct reply *reply, const json_t *list)
{
	const json_t *piece;
	size_t i;

	json_array_foreach (list, i, piece)
		if (json_is_object(piece))
			add_call(reply, piece);
}
