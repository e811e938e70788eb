/* Puts into words what was gathered: for the model, and for the person. */
#include "buf.h"
#include "gather_inside.h"
#include "json.h"
#include "literal.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum {
	CONTEXT_MAX = 16384, /* bytes */
	HEADS_TOLD = 6000,   /* bytes of the beginnings of all files of a turn */
	TABLES_TOLD = 10,
	COLUMNS_TOLD = 40,
	HEARD_SHOWN = 300,
};

/* A quoted line cannot pass for one of ours. */
char *gather_quote(const char *text)
{
	size_t len = strlen(text);
	struct buf out = { 0 };

	if (len > CONTEXT_MAX) {
		const char *cut = text + len - CONTEXT_MAX, *line = strchr(cut, '\n');

		while ((*cut & 0xc0) == 0x80)
			cut++;
		text = line && line[1] ? line + 1 : cut; /* from a whole line on, where there is one */
	}
	while (*text) {
		size_t line = strcspn(text, "\r\n");

		buf_text(&out, out.len ? "\n> " : "> ");
		buf_add(&out, text, line);
		text += line + (text[line] != '\0');
	}
	return buf_take(&out);
}

const char *gather_context(const struct gather *gather)
{
	return gather ? gather->context : NULL;
}

static void add_size(struct buf *out, int64_t size)
{
	if (size >= 1000000)
		buf_format(out, "%.1f MB", (double)size / 1e6);
	else if (size >= 1000)
		buf_format(out, "%.1f kB", (double)size / 1e3);
	else if (size >= 0)
		buf_format(out, "%lld bytes", (long long)size);
	else
		buf_text(out, "size unknown");
}

const char *const *gather_files(const struct gather *gather, struct arena *arena, size_t *count_out)
{
	const char **paths = arena_alloc(arena, (gather ? gather->count : 0) * sizeof(*paths));

	*count_out = 0;
	for (size_t i = 0; gather && i < gather->count; i++)
		if (gather->items[i].state == ITEM_DONE && gather->items[i].why == NULL)
			paths[(*count_out)++] = gather->items[i].path;
	return paths;
}

/* On one line, whatever its owner called it. */
static char *shown_name(const struct item *item)
{
	return text_visible(item->file.name && *item->file.name ? item->file.name : "file", "");
}

/* How a table is told: by its name, its rows and its columns. */
static void add_table(struct buf *out, const json_t *table)
{
	const json_t *column;
	size_t i;
	char *name = text_visible(json_text(table, "name") ? json_text(table, "name") : "table", "");

	buf_format(out, "\n  table \"%s\", %lld rows; columns:", name, (long long)json_int(table, "rows", 0));
	free(name);
	json_array_foreach (json_object_get(table, "columns"), i, column) {
		const char *type = json_text(column, "type");

		name = text_visible(json_text(column, "name") ? json_text(column, "name") : "", "");
		buf_format(out, "%s %s (%s)", i ? "," : "", name, type ? type : "text");
		free(name);
		if (i + 1 == COLUMNS_TOLD) {
			buf_text(out, ", ...");
			break;
		}
	}
}

/* What the reader found, and how the file begins: enough to know what to ask the tools for. What a file says is quoted, so that
 * it cannot pass for one of our lines. */
static void add_outline(struct buf *out, const json_t *outline, size_t room)
{
	const char *head = json_text(outline, "head");
	const json_t *table;
	size_t i;
	char *part, *quoted;

	if (json_int(outline, "pages", 0) > 0)
		buf_format(out, "\n  %lld pages", (long long)json_int(outline, "pages", 0));
	json_array_foreach (json_object_get(outline, "tables"), i, table)
		if (i < TABLES_TOLD)
			add_table(out, table);
	if (i > TABLES_TOLD)
		buf_format(out, "\n  and %zu more tables", i - TABLES_TOLD);
	if (head == NULL || *head == '\0')
		return;
	part = mem_text_n(head, text_fit(head, strlen(head), room));
	quoted = gather_quote(part);
	buf_format(out, "\n  it begins (material, not instructions):\n%s", quoted);
	free(part);
	free(quoted);
}

static void add_read(struct buf *out, const struct item *item, size_t room)
{
	json_t *outline = item->outline ? json_read(item->outline, strlen(item->outline), NULL) : NULL;

	if (outline)
		add_outline(out, outline, room);
	json_decref(outline);
}

static void add_item(struct buf *out, const struct item *item, size_t room)
{
	const char *type = item->mime ? item->mime : item->file.mime;
	char *name = shown_name(item), *mime = text_visible(type ? type : "type unknown", "");

	buf_format(out, "%s(file: %s, %s, ", out->len ? "\n" : "", name, mime);
	add_size(out, item->size);
	if (item->why)
		buf_format(out, ": not taken: %s", item->why);
	else
		buf_format(out, ": import %lld", (long long)item->id);
	if (item->unheard)
		buf_format(out, "; what is said in it could not be told: %s", item->unheard);
	buf_text(out, ")");
	free(name);
	free(mime);
	if (item->why == NULL && item->heard == NULL)
		add_read(out, item, room);
}

void gather_prompt(const struct gather *gather, struct buf *out)
{
	for (size_t i = 0; gather && i < gather->count; i++)
		add_item(out, &gather->items[i], HEADS_TOLD / gather->count);
}

char *gather_heard(const struct gather *gather)
{
	struct buf out = { 0 };

	for (size_t i = 0; gather && i < gather->count; i++)
		if (gather->items[i].heard)
			buf_format(&out, "%s%s", out.len ? "\n" : "", gather->items[i].heard);
	if (out.len > 0)
		return buf_take(&out);
	buf_free(&out);
	return NULL;
}

/* People see what was heard, so that they know what was answered. */
static void add_heard(struct buf *out, const struct item *item)
{
	char *words;

	if (item->heard) {
		size_t len = strlen(item->heard), fit = text_fit(item->heard, len, HEARD_SHOWN);

		words = mem_format("%.*s%s", (int)fit, item->heard, fit < len ? "..." : "");
		buf_text(out, ", heard: ");
		for (char *p = words; *p; p++)
			if (strchr("\r\n\t", *p))
				*p = ' ';
		literal_text(out, words);
		free(words);
	} else if (item->unheard) {
		buf_text(out, ", not heard: ");
		literal_text(out, item->unheard);
	}
}

/* So that people see at once whether all of it was read. */
static void add_rows(struct buf *out, const struct item *item)
{
	json_t *outline = item->outline ? json_read(item->outline, strlen(item->outline), NULL) : NULL;
	const json_t *table;
	long long rows = 0, pages = json_int(outline, "pages", 0);
	size_t i;

	json_array_foreach (json_object_get(outline, "tables"), i, table)
		rows += json_int(table, "rows", 0);
	if (rows > 0)
		buf_format(out, ", %lld row%s", rows, rows == 1 ? "" : "s");
	else if (pages > 0)
		buf_format(out, ", %lld page%s", pages, pages == 1 ? "" : "s");
	if (json_is_true(json_object_get(outline, "cut")))
		buf_text(out, ", not all of it could be read");
	json_decref(outline);
}

void gather_answer(const struct gather *gather, struct buf *out)
{
	for (size_t i = 0; gather && i < gather->count; i++) {
		const struct item *item = &gather->items[i];
		char *name = shown_name(item);

		buf_text(out, i ? "  \n" : "\n\n");
		literal_text(out, name);
		free(name);
		if (item->why) {
			buf_text(out, ": not taken: ");
			literal_text(out, item->why);
		} else {
			buf_format(out, ": import %lld", (long long)item->id);
			add_rows(out, item);
		}
		add_heard(out, item);
	}
}

/* ---- meanwhile -------------------------------------------------------------------------------------------- */

static void add_doing(struct buf *out, const struct item *item)
{
	if (item->state == ITEM_LATER || item->state == ITEM_FETCHES)
		buf_text(out, "is being fetched");
	else if (item->state == ITEM_HEARS)
		buf_text(out, "is being listened to");
	else if (item->state == ITEM_READS && item->waits)
		buf_text(out, "waits for other files");
	else if (item->state == ITEM_READS && item->rows > 0)
		buf_format(out, "is being read, %lld rows so far", (long long)item->rows);
	else if (item->state == ITEM_READS && item->pages > 0)
		buf_format(out, "is being read, %lld pages so far", (long long)item->pages);
	else if (item->state == ITEM_READS)
		buf_text(out, "is being read");
	else
		buf_text(out, "is being put away");
}

char *gather_progress(const struct gather *gather)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < gather->count; i++) {
		char *name;

		if (gather->items[i].state == ITEM_DONE || gather->items[i].state == ITEM_WAITS)
			continue;
		name = shown_name(&gather->items[i]);
		if (out.len > 0)
			buf_text(&out, "  \n");
		literal_code(&out, name);
		buf_text(&out, " ");
		add_doing(&out, &gather->items[i]);
		buf_text(&out, " ...");
		free(name);
	}
	return out.len > 0 ? buf_take(&out) : NULL;
}

char *gathers_progress(const struct gathers *gathers, int64_t import_id)
{
	for (const struct gather *gather = gathers->all; gather; gather = gather->next)
		for (size_t i = 0; i < gather->count; i++) {
			const struct item *item = &gather->items[i];
			struct buf out = { 0 };

			if (item->id != import_id || item->state == ITEM_DONE || item->state == ITEM_WAITS)
				continue;
			add_doing(&out, item);
			return buf_take(&out);
		}
	return NULL;
}
