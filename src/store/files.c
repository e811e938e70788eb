/* Files that came with messages: as text in the inbox row, and what goes with it. */
#include "files.h"
#include "buf.h"
#include "imports.h"
#include "json.h"
#include <string.h>

static void add_text(struct buf *out, const char *key, const char *text)
{
	if (text == NULL)
		return;
	buf_format(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", key);
	json_quote(out, text, strlen(text));
}

const char *files_write(struct arena *room, const struct message_file *files, size_t count)
{
	struct buf out = { 0 };
	const char *text;

	if (count == 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		buf_text(&out, i ? ",{" : "[{");
		add_text(&out, "url", files[i].url);
		add_text(&out, "name", files[i].name);
		add_text(&out, "mime", files[i].mime);
		if (files[i].size >= 0)
			buf_format(&out, ",\"size\":%lld", (long long)files[i].size);
		buf_text(&out, "}");
	}
	buf_text(&out, "]");
	text = arena_text_n(room, buf_str(&out), out.len);
	buf_free(&out);
	return text;
}

static void add_file(struct arena *room, struct file_list *list, const json_t *file, size_t message)
{
	size_t space = list->space;

	list->files = arena_grow(room, list->files, list->count, &space, sizeof(*list->files));
	list->messages = arena_grow(room, list->messages, list->count, &list->space, sizeof(*list->messages));
	list->messages[list->count] = message;
	list->files[list->count++] = (struct message_file){
		.url = arena_text(room, json_text(file, "url")),
		.name = arena_text(room, json_text(file, "name")),
		.mime = arena_text(room, json_text(file, "mime")),
		.size = json_int(file, "size", -1),
	};
}

void files_read(struct arena *room, const char *text, size_t message, struct file_list *list)
{
	json_t *document, *file;
	size_t i;

	if (text == NULL || strcmp(text, "[]") == 0)
		return;
	document = json_read(text, strlen(text), NULL);
	json_array_foreach (document, i, file)
		add_file(room, list, file, message);
	json_decref(document);
}

/* ---- files of what was taken back ------------------------------------------------------------------------
 */

bool files_forget(struct db *db, struct arena *room, int64_t inbox_id, unsigned *left_out, struct err *err)
{
	int64_t ids[MESSAGE_FILES_MAX];
	struct query query;
	size_t count = 0;
	bool left;

	*left_out = 0;
	db_query(db, &query, "SELECT id FROM \"LLMAgentImport\" WHERE \"inboxId\" = $1", "i", inbox_id);
	while (count < MESSAGE_FILES_MAX && db_row(&query))
		ids[count++] = db_int(&query, 0);
	if (!db_end(&query, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!import_untell(db, room, ids[i], false, err) ||
		    !import_forget(db, room, ids[i], &left, err))
			return false;
		*left_out += left;
	}
	return true;
}
