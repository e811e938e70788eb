/* What the offline responder does with files: it finds out what is wanted by a few plain phrases, and leaves the work to
 * the tools. */
#include "buf.h"
#include "json.h"
#include "local_room.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	LISTED_MAX = 20,
	FIRST_LINES_BYTES = 700,
	TABLES_SHOWN = 5,
	REASONS_SHOWN = 5,
	EXAMPLES_SHOWN = 3,
};

/* ---- which file is meant ---------------------------------------------------------------------------------------- */

/* Its number: of the last that came with the message; it stands there as core/gather_words.c writes it. 0: none did. */
static long number_of(const char *line, size_t len)
{
	static const char mark[] = ": import ";
	const char *at = memmem(line, len, mark, sizeof(mark) - 1), *found = NULL;

	for (; at; at = memmem(at, (size_t)(line + len - at), mark, sizeof(mark) - 1)) {
		at += sizeof(mark) - 1;
		found = at;
	}
	return found ? strtol(found, NULL, 10) : 0;
}

struct local_said local_said(const char *prompt, struct arena *arena)
{
	static const char mark[] = "(file: ", asked[] = "[Now you are asked:]\n";
	struct local_said said = { 0 };
	const char *line, *begin = prompt ? prompt : "", *end = NULL;

	for (line = begin; line; line = strchr(line, '\n')) {
		size_t len;

		line += *line == '\n';
		len = strcspn(line, "\n");
		if (strncmp(line, asked, sizeof(asked) - 1) == 0) {
			begin = line + sizeof(asked) - 1;
			end = NULL;
			said.file = 0;
			said.files = said.taken = 0;
		} else if (strncmp(line, mark, sizeof(mark) - 1) == 0) {
			long number = number_of(line, len);

			said.file = number ? number : said.file;
			if (number && said.taken < LOCAL_FILES_MAX)
				said.numbers[said.taken] = number;
			said.taken += number != 0;
			said.files++;
			end = end ? end : line;
		}
	}
	end = end ? end : begin + strlen(begin);
	while (end > begin && strchr(" \t\r\n", end[-1]))
		end--;
	said.words = arena_text_n(arena, begin, (size_t)(end - begin));
	return said;
}

/* A word that is the name of a file, in the arena; NULL: none. */
static const char *named_file(const char *words, struct arena *arena)
{
	while (*words) {
		size_t len = strcspn(words, " \t\r\n");
		const char *start = words;
		size_t n = len, after;

		while (n > 0 && strchr("\"'`(*", *start)) {
			start++;
			n--;
		}
		while (n > 0 && strchr("\"'`,.;:!?)*", start[n - 1]))
			n--;
		for (after = 0; after < n && start[n - 1 - after] != '.';)
			after++;
		if (after >= 2 && after <= 5 && after + 1 < n && !strstr(start, "://"))
			return arena_text_n(arena, start, n);
		words += len;
		words += strspn(words, " \t\r\n");
	}
	return NULL;
}

/* {"file": ...} of the one that is meant; NULL: it is not known yet which is the newest. */
static json_t *meant(const struct local_scene *scene)
{
	const char *name = named_file(scene->said.words, scene->arena);
	const json_t *newest;

	if (scene->said.file)
		return json_pack("{s:s}", "file", arena_format(scene->arena, "%ld", scene->said.file));
	if (name)
		return json_pack("{s:s}", "file", name);
	if (scene->last.tool == NULL || strcmp(scene->last.tool, "list_files") != 0)
		return NULL;
	newest = json_array_get(json_object_get(scene->last.result, "files"), 0);
	return newest ? json_pack("{s:s}", "file",
				  arena_format(scene->arena, "%lld",
					       (long long)json_int(newest, "import_id", 0)))
		      : NULL;
}

/* ---- converting --------------------------------------------------------------------------------------------------- */

static const char *type_of(const json_t *outline, const char *name)
{
	const json_t *table, *column;
	size_t i, c;

	json_array_foreach (json_object_get(outline, "tables"), i, table)
		json_array_foreach (json_object_get(table, "columns"), c, column)
			if (json_text(column, "name") && strcasecmp(json_text(column, "name"), name) == 0)
				return json_text(column, "type");
	return NULL;
}

static void add_column(json_t *columns, const json_t *outline, const char *name)
{
	const char *type = type_of(outline, name);
	json_t *column = json_pack("{s:s}", "name", name);

	if (type && strcmp(type, "text") != 0 && strcmp(type, "empty") != 0)
		json_object_set_new(column, "type", json_string(type));
	json_array_append_new(columns, column);
}

/* Without a name and without a value: what lies between a table and a note far beside it. */
static bool is_nothing(const json_t *column)
{
	const char *type = json_text(column, "type");

	return type && strcmp(type, "empty") == 0 && strncmp(json_text(column, "name"), "column ", 7) == 0;
}

/* Types as the columns mostly have them, of the largest table: the one that is taken. */
static void add_all_columns(json_t *columns, const json_t *outline)
{
	const json_t *table, *largest = NULL, *column;
	size_t i;

	json_array_foreach (json_object_get(outline, "tables"), i, table)
		if (largest == NULL || json_int(table, "rows", 0) > json_int(largest, "rows", 0))
			largest = table;
	json_array_foreach (json_object_get(largest, "columns"), i, column)
		if (json_text(column, "name") && !is_nothing(column))
			add_column(columns, outline, json_text(column, "name"));
}

static struct local_reply convert(struct local_scene *scene)
{
	const json_t *outline = json_object_get(scene->last.result, "outline");
	const struct local_wish *wish = &scene->wish;
	json_t *columns = json_array(), *arguments;

	if (json_array_size(json_object_get(outline, "tables")) == 0) {
		json_decref(columns);
		return local_say(arena_format(scene->arena,
					      "I found no table in %s, so there are no rows to %s.",
					      json_text(scene->last.result, "file"),
					      wish->kind == WISH_CHECK ? "check" : "convert"));
	}
	for (size_t i = 0; i < wish->column_count; i++)
		add_column(columns, outline, wish->columns[i]);
	if (wish->column_count == 0)
		add_all_columns(columns, outline);
	arguments = json_pack(
		"{s:s, s:s, s:o}", "file",
		arena_format(scene->arena, "%lld", (long long)json_int(scene->last.result, "import_id", 0)),
		"format", wish->format, "columns", columns);
	return local_call(scene, "convert_table", arguments);
}

/* One line for people. */
static void add_shown(struct buf *out, const char *text)
{
	char *shown = text_one_line(text);

	buf_text(out, shown);
	free(shown);
}

static void add_reason(struct buf *out, const json_t *reason)
{
	const char *column = json_text(reason, "column"), *why = json_text(reason, "reason");
	long long rows = (long long)json_int(reason, "rows", 0);
	const json_t *example;
	size_t i;

	buf_text(out, "\n- ");
	if (column && *column) {
		buf_text(out, "`");
		add_shown(out, column);
		buf_text(out, "`: ");
	}
	add_shown(out, why ? why : "");
	buf_format(out, " (%lld row%s)", rows, rows == 1 ? "" : "s");
	json_array_foreach (json_object_get(reason, "examples"), i, example) {
		if (i == EXAMPLES_SHOWN)
			break;
		buf_format(out, "%s row %lld", i ? "," : ":", (long long)json_int(example, "row", 0));
		if (json_text(example, "value") && *json_text(example, "value")) {
			buf_text(out, " \"");
			add_shown(out, json_text(example, "value"));
			buf_text(out, "\"");
		}
	}
}

static void add_reasons(struct buf *out, const json_t *reasons)
{
	for (size_t i = 0; i < json_array_size(reasons) && i < REASONS_SHOWN; i++)
		add_reason(out, json_array_get(reasons, i));
	if (json_array_size(reasons) > REASONS_SHOWN)
		buf_format(out, "\n- and %zu more reasons", json_array_size(reasons) - REASONS_SHOWN);
}

static struct local_reply take(struct local_scene *scene, struct buf *out)
{
	const char *text = arena_text(scene->arena, buf_str(out));

	buf_free(out);
	return local_say(text);
}

static struct local_reply tell_checked(struct local_scene *scene)
{
	const json_t *report = json_object_get(scene->last.result, "report");
	long long in = (long long)json_int(report, "rows_in", 0),
		  wrong = (long long)json_int(report, "rows_refused", 0);
	struct buf out = { 0 };

	if (wrong == 0)
		buf_format(&out, "I found nothing wrong in %lld rows.", in);
	else
		buf_format(&out, "%lld of %lld rows %s wrong:", wrong, in, wrong == 1 ? "is" : "are");
	add_reasons(&out, json_object_get(report, "reasons"));
	buf_text(&out, "\n\nI checked that each value is what its column mostly holds, like numbers or "
		       "dates; whether "
		       "it is true I can't know.");
	return take(scene, &out);
}

static struct local_reply tell_made(struct local_scene *scene)
{
	const json_t *report = json_object_get(scene->last.result, "report");
	const char *name = json_text(scene->last.result, "file"),
		   *link = json_text(scene->last.result, "link");
	long long in = (long long)json_int(report, "rows_in", 0),
		  made = (long long)json_int(report, "rows_out", 0),
		  refused = (long long)json_int(report, "rows_refused", 0),
		  blank = (long long)json_int(report, "rows_blank", 0);
	struct buf out = { 0 };

	buf_text(&out, "I made **");
	add_shown(&out, name ? name : "the file");
	buf_format(&out, "** of it: %lld of %lld rows are in it", made, in);
	if (blank)
		buf_format(&out, ", %lld %s empty", blank, blank == 1 ? "is" : "are");
	if (refused)
		buf_format(&out, ", %lld %s left out:", refused, refused == 1 ? "was" : "were");
	else
		buf_text(&out, ".");
	add_reasons(&out, json_object_get(report, "reasons"));
	if (link)
		buf_format(&out, "\n\n%s", link);
	return take(scene, &out);
}

/* ---- what a file is ------------------------------------------------------------------------------------------------ */

static void add_table(struct buf *out, const json_t *table)
{
	const json_t *column;
	size_t i;

	buf_text(out, "\n- table \"");
	add_shown(out, json_text(table, "name") ? json_text(table, "name") : "");
	buf_format(out, "\", %lld rows; columns:", (long long)json_int(table, "rows", 0));
	json_array_foreach (json_object_get(table, "columns"), i, column) {
		buf_text(out, i ? ", `" : " `");
		add_shown(out, json_text(column, "name") ? json_text(column, "name") : "");
		buf_format(out, "` (%s)", json_text(column, "type") ? json_text(column, "type") : "text");
	}
}

static void add_outline(struct buf *out, const json_t *result)
{
	const json_t *outline = json_object_get(result, "outline"), *table;
	const char *kind = json_text(outline, "kind"),
		   *text = json_text(json_array_get(json_object_get(result, "pieces"), 0), "text");
	size_t i;

	buf_text(out, "**");
	add_shown(out, json_text(result, "file") ? json_text(result, "file") : "the file");
	buf_format(out, "** (%s", kind ? kind : "unknown");
	if (json_int(outline, "pages", 0) > 0)
		buf_format(out, ", %lld pages", (long long)json_int(outline, "pages", 0));
	buf_text(out, ")");
	json_array_foreach (json_object_get(outline, "tables"), i, table)
		if (i < TABLES_SHOWN)
			add_table(out, table);
	if (text && *text) {
		buf_text(out, "\n\nIt begins:\n\n");
		text_quote(out, text, FIRST_LINES_BYTES);
	}
}

static struct local_reply tell_outline(struct local_scene *scene)
{
	struct buf out = { 0 };

	if (text_blank(scene->said.words)) {
		buf_text(&out, "I have read ");
		add_outline(&out, scene->last.result);
		buf_text(
			&out,
			"\n\nAsk me what it says, to turn a table into JSON, CSV or Excel, or which rows are "
			"wrong.");
		return take(scene, &out);
	}
	buf_text(
		&out,
		"I am usher's built-in offline responder, not a language model, so I can't summarise. What I "
		"can tell of ");
	add_outline(&out, scene->last.result);
	return take(scene, &out);
}

static struct local_reply tell_list(struct local_scene *scene)
{
	const json_t *files = json_object_get(scene->last.result, "files"), *file;
	struct buf out = { 0 };
	size_t i;

	if (json_array_size(files) == 0)
		return local_say("There are no files yet. Send me one.");
	buf_text(&out, "These files are there, the newest first:\n");
	json_array_foreach (files, i, file) {
		buf_format(&out, "\n- %lld: ", (long long)json_int(file, "import_id", 0));
		add_shown(&out, json_text(file, "name") ? json_text(file, "name") : "");
		if (json_text(file, "error")) {
			buf_text(&out, " (");
			add_shown(&out, json_text(file, "error"));
			buf_text(&out, ")");
		}
	}
	return take(scene, &out);
}

/* ---- step by step --------------------------------------------------------------------------------------------------- */

/* A wrong column is answered with those there are. */
static struct local_reply tell_error(struct local_scene *scene)
{
	const json_t *tables = json_object_get(scene->last.result, "tables"), *table;
	const char *error = json_text(scene->last.result, "error");
	struct buf out = { 0 };
	size_t i;

	buf_text(&out, "That did not work: ");
	add_shown(&out, error ? error : "no reason was told");
	json_array_foreach (tables, i, table)
		if (i < TABLES_SHOWN)
			add_table(&out, table);
	return take(scene, &out);
}

static struct local_reply begin(struct local_scene *scene)
{
	json_t *file = meant(scene);

	if (file)
		return local_call(scene, "read_file", file);
	if (scene->said.files > 0)
		return local_say("I can't work on it: the file could not be taken.");
	if (scene->last.tool)
		return local_say("There are no files yet. Send me one.");
	return local_call(scene, "list_files", json_pack("{s:i}", "limit", 1));
}

static struct local_reply go_on(struct local_scene *scene)
{
	const char *tool = scene->last.tool;
	const json_t *result = scene->last.result;
	bool list = tool && strcmp(tool, "list_files") == 0;

	if (tool && (!json_is_object(result) ||
		     (json_object_get(result, "error") && json_object_get(result, "pieces") == NULL)))
		return tell_error(scene);
	if (scene->wish.kind == WISH_LIST)
		return list ? tell_list(scene)
			    : local_call(scene, "list_files", json_pack("{s:i}", "limit", LISTED_MAX));
	if (tool == NULL || list)
		return begin(scene);
	if (strcmp(tool, "read_file") == 0)
		return scene->wish.kind == WISH_SUMMARY ? tell_outline(scene) : convert(scene);
	return scene->wish.kind == WISH_CHECK ? tell_checked(scene) : tell_made(scene);
}

/* What was done with one of several is headed by its name, where it does not tell that itself. */
static void add_one(struct buf *out, const struct local_scene *one, const struct local_result *first,
		    const char *text)
{
	const char *name = json_text(first->result, "file");

	buf_text(out, out->len ? "\n\n" : "");
	if (one->wish.kind != WISH_SUMMARY || json_object_get(one->last.result, "error")) {
		buf_text(out, "**");
		if (name)
			add_shown(out, name);
		else
			buf_format(out, "import %ld", one->said.file);
		buf_text(out, "**: ");
	}
	buf_text(out, text);
}

/* Several files came: one after the other, as if each were the only one. What was done for the first ones is gone through again. */
static struct local_reply each(struct local_scene *scene)
{
	struct buf out = { 0 };
	size_t next = 0, count = scene->said.taken < LOCAL_FILES_MAX ? scene->said.taken : LOCAL_FILES_MAX;

	for (size_t i = 0; i < count; i++) {
		struct local_scene one = *scene;
		const struct local_result *first = &one.last;
		struct local_reply reply;

		one.said.file = scene->said.numbers[i];
		one.last = (struct local_result){ 0 };
		while ((reply = go_on(&one)).call.id && next < scene->results) {
			first = first == &one.last ? &scene->list[next] : first;
			one.last = scene->list[next++];
		}
		if (reply.call.id) {
			buf_free(&out);
			return reply;
		}
		add_one(&out, &one, first, reply.text);
	}
	if (scene->said.files > count)
		buf_format(&out,
			   "\n\nI did %zu of %zu files. Say the name of another one to have it done, too.",
			   count, scene->said.files);
	return take(scene, &out);
}

bool local_files(struct local_scene *scene, struct local_reply *reply_out)
{
	if (!local_offered(scene, "list_files") || !local_offered(scene, "read_file") ||
	    (scene->wish.kind >= WISH_CHECK && !local_offered(scene, "convert_table")))
		return false;
	*reply_out = scene->said.taken > 1 && scene->wish.kind != WISH_LIST ? each(scene) : go_on(scene);
	return true;
}
