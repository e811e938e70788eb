/* Finds the parts of a message in any JSON document by the pointers of the settings. */
#include "mapping.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a pointer may lead to: words are texts, ids may be numbers. */
enum wanted { WORDS, ID };

/* A text that is not blank; NULL for what is not wanted. */
static const char *value_text(struct arena *arena, const json_t *value, enum wanted wanted)
{
	const char *text = json_string_value(value);

	if (text)
		return text_blank(text) ? NULL : text;
	if (wanted == ID && json_is_number(value)) {
		char *number = json_write(value);

		text = arena_text(arena, number);
		free(number);
	}
	return text;
}

static const char *first(const struct mapped *mapped, const struct pointers *pointers, enum wanted wanted)
{
	for (size_t i = 0; i < pointers->count; i++) {
		const char *text =
			value_text(mapped->arena, json_pointer(mapped->document, pointers->at[i]), wanted);

		if (text)
			return text;
	}
	return NULL;
}

/* A display name is for people: a long one is cut where it would be refused. */
static const char *name_fit(struct arena *arena, const char *name)
{
	return name ? arena_text_n(arena, name, text_fit(name, strlen(name), MESSAGE_NAME_MAX)) : NULL;
}

/* The first of these keys that holds a text. */
static const char *any_text(const json_t *object, const char *const *keys)
{
	for (; *keys; keys++)
		if (json_text(object, *keys))
			return json_text(object, *keys);
	return NULL;
}

/* An item of a list of files: an address, or an object that has one. False: it names no file. */
static bool file_read(const json_t *item, struct message_file *out)
{
	static const char *const urls[] = { "url", "href", "download_url", "content_url", NULL };
	static const char *const names[] = { "name", "filename", "file_name", "title", NULL };
	static const char *const types[] = { "mime", "mime_type", "mimetype", "content_type", "type", NULL };
	int64_t size = json_int(item, "size", -1);

	*out = (struct message_file){
		.url = json_is_string(item) ? json_string_value(item) : any_text(item, urls),
		.name = any_text(item, names),
		.mime = any_text(item, types),
		.size = size < 0 ? -1 : size,
	};
	return out->url &&
	       (strncasecmp(out->url, "https://", 8) == 0 || strncasecmp(out->url, "http://", 7) == 0);
}

static enum body_fault map_files(const struct pointers *pointers, struct mapped *out, struct err *err)
{
	const json_t *list = NULL;

	for (size_t i = 0; i < pointers->count && !json_is_array(list); i++)
		list = json_pointer(out->document, pointers->at[i]);
	if (!json_is_array(list))
		return BODY_OK;
	out->files = arena_alloc(out->arena, MESSAGE_FILES_MAX * sizeof(*out->files));
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct message_file file;

		if (!file_read(json_array_get(list, i), &file))
			continue;
		if (out->file_count == MESSAGE_FILES_MAX) {
			err_set(err, ERR_REFUSED, "at most %d files come with a message", MESSAGE_FILES_MAX);
			return BODY_MEANING;
		}
		out->files[out->file_count++] = file;
	}
	return BODY_OK;
}

enum body_fault hook_map(const struct mapping *mapping, const char *type, const char *body, size_t len,
			 struct mapped *out, struct err *err)
{
	enum body_fault fault = hook_body_read(type, body, len, out, err);

	if (fault != BODY_OK)
		return fault;
	out->sender = mapping->default_sender;
	out->conversation = mapping->default_conversation;
	if (out->plain) {
		out->text = text_blank(out->plain) ? NULL : out->plain;
	} else {
		const char *sender = first(out, &mapping->sender, ID),
			   *place = first(out, &mapping->conversation, ID);

		out->text = first(out, &mapping->text, WORDS);
		out->sender = sender ? sender : out->sender;
		out->sender_name = name_fit(out->arena, first(out, &mapping->sender_name, WORDS));
		out->conversation = place ? place : out->conversation;
		out->id = first(out, &mapping->id, ID);
		out->reply_url = first(out, &mapping->reply_url, WORDS);
		fault = map_files(&mapping->files, out, err);
	}
	if (out->conversation == NULL)
		out->conversation = out->sender;
	return fault;
}

void hook_mapped_finish(struct mapped *mapped)
{
	json_decref(mapped->document);
	arena_destroy(mapped->arena);
	*mapped = (struct mapped){ 0 };
}
