/* Listing, searching and reading: what files say goes to the model in bounded parts. */
#include "filetools_room.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORDS_MAX = 16,
	QUOTES = 8, /* usual number */
	QUOTES_MAX = 20,
	NAMES_MAX = 10,
	LISTED = 20,
	LISTED_MAX = 50,
	READ_BYTES = 16000,
	TABLES_TOLD = 10,
	COLUMNS_TOLD = 60,
};

/* ---- what is known of tables ------------------------------------------------------------------------------------ */

static json_t *told_columns(const json_t *table)
{
	json_t *told = json_array();
	const json_t *column;
	size_t i;

	json_array_foreach (json_object_get(table, "columns"), i, column) {
		const char *name = json_text(column, "name"), *type = json_text(column, "type");

		if (i == COLUMNS_TOLD)
			break;
		json_array_append_new(told, json_pack("{s:s, s:s}", "name", name ? name : "", "type",
						      type ? type : "text"));
	}
	return told;
}

static json_t *told_tables(const json_t *outline)
{
	json_t *told = json_array();
	const json_t *table;
	size_t i;

	json_array_foreach (json_object_get(outline, "tables"), i, table) {
		const char *name = json_text(table, "name");

		if (i == TABLES_TOLD)
			break;
		json_array_append_new(told, json_pack("{s:s, s:I, s:o}", "name", name ? name : "", "rows",
						      (json_int_t)json_int(table, "rows", 0), "columns",
						      told_columns(table)));
	}
	return told;
}

json_t *file_outline(const json_t *outline)
{
	static const char *const same[] = { "kind", "title", "pages", "cut", "warnings", NULL };
	json_t *told;

	if (!json_is_object(outline))
		return NULL;
	told = json_object();
	for (size_t i = 0; same[i]; i++)
		if (json_object_get(outline, same[i]))
			json_object_set(told, same[i], json_object_get(outline, same[i]));
	if (json_array_size(json_object_get(outline, "tables")) > 0)
		json_object_set_new(told, "tables", told_tables(outline));
	return told;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* As the store takes them, in the arena. */
static const char *words_of(struct file_call *call, const char *query)
{
	char *written = json_words(query, WORDS_MAX);
	const char *text = arena_text(call->arena, written);

	free(written);
	return text;
}

static void on_listed(void *tools, uint64_t serial, const struct err *err, const char *json)
{
	struct file_call *call = file_call_of(tools, serial);
	json_t *files, *answer;

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE) {
		file_fail(call, err);
		return;
	}
	files = json_read(json, strlen(json), NULL);
	answer = json_object();
	if (call->quotes)
		json_object_set(answer, "quotes", call->quotes);
	json_object_set_new(answer, "files", files ? files : json_array());
	file_answer(call, answer);
}

static void list(struct file_call *call, int64_t limit)
{
	const char *args[] = { call->reach.org_id, call->reach.profile_id,
			       arena_format(call->arena, "%" PRId64, call->reach.conversation_id),
			       words_of(call, file_argument(call, "query")),
			       arena_format(call->arena, "%" PRId64, limit) };

	store_report(call->tools->options.store, "list_files", args, 5, on_listed, call->tools, call->serial);
}

static int64_t limit_of(struct file_call *call, int64_t usual, int64_t most)
{
	int64_t limit = file_number(call, "limit", usual);

	return limit < 1 ? usual : limit < most ? limit : most;
}

void file_list(struct file_call *call)
{
	list(call, limit_of(call, LISTED, LISTED_MAX));
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

static void on_quotes(void *tools, uint64_t serial, const struct err *err, const char *json)
{
	struct file_call *call = file_call_of(tools, serial);

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE) {
		file_fail(call, err);
		return;
	}
	call->quotes = json_read(json, strlen(json), NULL);
	if (call->about.id)
		file_answer(call, json_pack("{s:O}", "quotes", call->quotes));
	else
		list(call, NAMES_MAX);
}

static void search(struct file_call *call)
{
	store_knowledge_search(call->tools->options.store, &call->reach, file_argument(call, "query"),
			       call->about.id, (unsigned)limit_of(call, QUOTES, QUOTES_MAX), on_quotes,
			       call->tools, call->serial);
}

void file_search(struct file_call *call)
{
	if (file_argument(call, "query") == NULL)
		file_refuse(call, "query is missing: words to look for");
	else if (file_argument(call, "file"))
		file_find(call, search);
	else
		search(call);
}

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static json_t *head_of(struct file_call *call)
{
	json_t *head = json_pack("{s:I, s:s, s:s}", "import_id", (json_int_t)call->about.id, "file",
				 call->about.name, "status", import_state_name(call->about.state));
	json_t *outline = file_outline(call->about.outline);

	if (call->about.error)
		json_object_set_new(head, "error", json_string(call->about.error));
	if (outline)
		json_object_set_new(head, "outline", outline);
	return head;
}

static void on_pieces(void *tools, uint64_t serial, const struct err *err, const char *json)
{
	struct file_call *call = file_call_of(tools, serial);
	json_t *head, *pieces;

	if (call == NULL)
		return;
	if (err->kind != ERR_NONE) {
		file_fail(call, err);
		return;
	}
	head = head_of(call);
	pieces = json_read(json, strlen(json), NULL);
	json_object_update_new(head, pieces);
	file_answer(call, head);
}

static void read_pieces(struct file_call *call)
{
	char why[400];

	if (call->about.state == IMPORT_FAILED && call->about.outline == NULL) {
		snprintf(why, sizeof(why), "this file was not read: %.300s",
			 call->about.error ? call->about.error : "it failed");
		file_refuse(call, why);
		return;
	}
	store_knowledge_read(call->tools->options.store, &call->reach, call->about.id,
			     file_number(call, "from", 0), READ_BYTES, on_pieces, call->tools, call->serial);
}

void file_read(struct file_call *call)
{
	file_find(call, read_pieces);
}
