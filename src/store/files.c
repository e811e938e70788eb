/* Files that came with messages: as text in the inbox row, and their own rows once they were fetched. */
#include "files.h"
#include "buf.h"
#include "imports.h"
#include "json.h"
#include "store_install.h"
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
	if (list->count == list->space) {
		struct file_list old = *list;

		list->space = list->space * 2 + 8;
		list->files = arena_alloc(room, list->space * sizeof(*list->files));
		list->messages = arena_alloc(room, list->space * sizeof(*list->messages));
		for (size_t i = 0; i < old.count; i++) {
			list->files[i] = old.files[i];
			list->messages[i] = old.messages[i];
		}
	}
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

/* ---- fetched files ---------------------------------------------------------------------------------------
 */

struct file_ask {
	struct store_file file;
	store_file_fn *fn;
};

static bool set_file(struct db *db, struct job *job, const struct store_file *file, int64_t id,
		     struct err *err)
{
	const struct import_end end = { .id = id,
					.state = "failed",
					.code = "not_fetched",
					.error = file->error,
					.now_ms = clock_wall_ms() };

	if (file->error)
		return import_end(db, &end, err);
	return db_run(
		db, err, NULL,
		"UPDATE \"LLMAgentImport\" SET \"processingStatus\" = 'fetched', \"updatedAt\" = $2,"
		" \"fetchedAt\" = $2, size = nullif($3, -1), mime = $4, path = $5, sha256 = $6 WHERE id = $1"
		" AND \"processingStatus\" IN ('received', 'fetched')",
		"ititt"
		"t",
		id, room_time(job->room, end.now_ms), file->size < 0 ? -1 : file->size, file->mime,
		file->path, file->sha256);
}

/* A message whose author took it back has no files any more: those that were being fetched are not wanted. */
static bool run_file(struct db *db, struct job *job, struct err *err)
{
	const struct file_ask *ask = job->ask;
	const struct store_file *file = &ask->file;
	int64_t *id = arena_alloc(job->room, sizeof(*id));
	bool found;

	if (!db_one_int(db, err, &found, id,
			"SELECT i.id FROM inbox w JOIN \"LLMAgentImport\" i ON i.\"inboxId\" = w.id"
			" WHERE w.uuid = $1 AND i.\"fileIndex\" = $2",
			"ti", file->uuid, (int64_t)file->index))
		return false;
	if (!found)
		return err_set(err, ERR_GONE, "no message %s with files", file->uuid);
	job->answer = id;
	return set_file(db, job, file, *id, err);
}

static void give_file(struct job *job)
{
	const struct file_ask *ask = job->ask;
	const int64_t *id = job->answer;

	ask->fn(job->owner, job->ticket, &job->err, id ? *id : 0);
}

void store_file(struct store *store, const struct store_file *file, store_file_fn *fn, void *owner,
		uint64_t ticket)
{
	struct job *job = job_create(JOB_WRITE, run_file, give_file, sizeof(struct file_ask), owner, ticket);
	struct file_ask *ask = job->ask;

	ask->fn = fn;
	ask->file = *file;
	ask->file.uuid = job_text(job, file->uuid);
	ask->file.name = job_text(job, file->name);
	ask->file.url = job_text(job, file->url);
	ask->file.path = job_text(job, file->path);
	ask->file.mime = job_text(job, file->mime);
	ask->file.sha256 = job_text(job, file->sha256);
	ask->file.error = job_text(job, file->error);
	store_ask(store, job);
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
		if (!import_forget(db, room, ids[i], &left, err))
			return false;
		*left_out += left;
	}
	return true;
}
