/* What a turn asks: the text of its messages, and where its parts came from. */
#include "prompt.h"
#include "audit.h"
#include "json.h"
#include "memory.h"
#include <stdlib.h>
#include <string.h>

const char prompt_deleted[] = "(deleted by its author)";

const char *prompt_text(struct arena *room, const struct letter *letters, size_t count)
{
	size_t len = 0;
	char *text, *end;

	if (count == 1)
		return letters[0].body;
	for (size_t i = 0; i < count; i++)
		len += strlen(letters[i].body) + 1;
	text = end = arena_alloc(room, len);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*end++ = '\n';
		end = stpcpy(end, letters[i].body);
	}
	return text;
}

static void write_messages(struct buf *out, const struct letter *letters, size_t count)
{
	buf_text(out, "\"messages\":[");
	for (size_t i = 0; i < count; i++) {
		buf_text(out, i ? ",{\"uuid\":" : "{\"uuid\":");
		json_quote(out, letters[i].uuid, strlen(letters[i].uuid));
		buf_text(out, ",\"delivery_key\":");
		json_quote(out, letters[i].delivery_key, strlen(letters[i].delivery_key));
		buf_text(out, ",\"text\":");
		json_quote(out, letters[i].body, strlen(letters[i].body));
		buf_text(out, "}");
	}
	buf_text(out, "]");
}

static void write_member(struct buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_format(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
	json_quote(out, text, strlen(text));
}

const char *prompt_structured(struct arena *room, const struct letter *letters, size_t count,
			      const struct prompt_more *more)
{
	struct buf out = { 0 };
	const char *text;

	if (count <= 1 &&
	    (more == NULL || (more->context == NULL && more->heard == NULL && more->request == NULL)))
		return NULL;
	buf_text(&out, "{");
	write_member(&out, "context", more ? more->context : NULL);
	write_member(&out, "heard", more ? more->heard : NULL);
	if (count > 1) {
		buf_text(&out, out.len > 1 ? "," : "");
		write_messages(&out, letters, count);
	}
	if (more && more->request)
		buf_format(&out, "%s\"request\":%s", out.len > 1 ? "," : "", more->request);
	buf_text(&out, "}");
	text = arena_text_n(room, buf_str(&out), out.len);
	buf_free(&out);
	return text;
}

/* Most have neither, and are not read. */
struct prompt_more prompt_more(struct arena *room, const char *structured)
{
	static const char *const first[] = { "{\"context\":", "{\"heard\":" };
	struct prompt_more more = { 0 };
	json_t *document;

	if (structured == NULL || (strncmp(structured, first[0], strlen(first[0])) != 0 &&
				   strncmp(structured, first[1], strlen(first[1])) != 0))
		return more;
	document = json_read(structured, strlen(structured), NULL);
	more.context = arena_text(room, json_text(document, "context"));
	more.heard = arena_text(room, json_text(document, "heard"));
	json_decref(document);
	return more;
}

static const char *request_of(struct arena *room, const char *structured)
{
	json_t *document = structured ? json_read(structured, strlen(structured), NULL) : NULL;
	const json_t *request = json_object_get(document, "request");
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	const char *kept = arena_text(room, text);

	free(text);
	json_decref(document);
	return kept;
}

/* Its messages as they are now, and what is kept with it. */
struct held {
	struct letter letters[STORE_MERGE_MAX];
	size_t count;
	struct prompt_more more;
};

static bool read_held(struct db *db, struct arena *room, int64_t turn_id, struct held *held, struct err *err)
{
	struct query query;

	*held = (struct held){ 0 };
	db_query(db, &query,
		 "SELECT w.uuid, w.delivery_key, w.body FROM inbox w WHERE w.turn_id = $1 ORDER BY w.seq",
		 "i", turn_id);
	while (held->count < STORE_MERGE_MAX && db_row(&query))
		held->letters[held->count++] = (struct letter){ .uuid = room_text(room, &query, 0),
								.delivery_key = room_text(room, &query, 1),
								.body = room_text(room, &query, 2) };
	if (!db_end(&query, err))
		return false;
	db_query(db, &query, "SELECT \"structuredUserPrompt\" FROM \"LLMConversationMessage\" WHERE id = $1",
		 "i", turn_id);
	if (db_row(&query)) {
		held->more = prompt_more(room, db_text(&query, 0));
		held->more.request = request_of(room, db_text(&query, 0));
	}
	return db_end(&query, err);
}

bool prompt_rebuild(struct db *db, struct arena *room, int64_t turn_id, struct err *err)
{
	struct held held;

	if (!read_held(db, room, turn_id, &held, err))
		return false;
	return memory_changed(db, turn_id, err) &&
	       db_run(db, err, NULL,
		      "UPDATE \"LLMConversationMessage\" SET \"userPrompt\" = $2,"
		      " \"structuredUserPrompt\" = $3 WHERE id = $1",
		      "itt", turn_id,
		      held.count ? prompt_text(room, held.letters, held.count) : prompt_deleted,
		      prompt_structured(room, held.letters, held.count, &held.more));
}

bool prompt_remember(struct db *db, struct arena *room, int64_t turn_id, const struct prompt_more *more,
		     struct err *err)
{
	struct held held;

	if (!read_held(db, room, turn_id, &held, err))
		return false;
	return db_run(db, err, NULL,
		      "UPDATE \"LLMConversationMessage\" SET \"structuredUserPrompt\" = $2 WHERE id = $1",
		      "it", turn_id, prompt_structured(room, held.letters, held.count, more));
}

#define TASK "(SELECT m.\"llmTaskId\" FROM \"LLMConversationMessage\" m WHERE m.id = $1)"

bool prompt_erase(struct db *db, struct arena *room, int64_t turn_id, struct err *err)
{
	static const struct audit_why why = { .what = "message", .why = "taken back by its author" };
	int64_t task_id = 0;
	bool found;

	return db_run(db, err, NULL,
		      "UPDATE \"LLMTask\" SET \"llmRawPrompt\" = (SELECT m.\"userPrompt\" FROM"
		      " \"LLMConversationMessage\" m WHERE m.id = $1) WHERE id = " TASK,
		      "i", turn_id) &&
	       db_one_int(db, err, &found, &task_id, "SELECT coalesce(" TASK ", 0)", "i", turn_id) &&
	       (task_id == 0 || audit_empty_task(db, task_id, &why, prompt_deleted, err)) &&
	       memory_forget(db, room, turn_id, &why, prompt_deleted, err);
}
