/* Reads tables out of documents written for people: Markdown tables, SQL, lists of fields. */
#include "seeds.h"
#include "mem.h"
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS_MAX = 8, NAME_MAX_LEN = 64 };

bool seeds_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "re");
	char piece[4096];
	size_t len;

	if (file == NULL)
		return false;
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(out, piece, len);
	fclose(file);
	return true;
}

static char *trim(char *text)
{
	size_t len;

	while (*text == ' ' || *text == '\t' || *text == '`')
		text++;
	len = strlen(text);
	while (len > 0 && strchr(" \t\r`", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The cells of "| a | b |"; 0 for other lines and for separators. */
static size_t cells_of(char *line, char *cells[CELLS_MAX])
{
	size_t count = 0;
	char *rest = NULL;

	if (line[0] != '|' || starts(line, "|--") || starts(line, "| --"))
		return 0;
	for (char *cell = strtok_r(line, "|", &rest); cell && count < CELLS_MAX;
	     cell = strtok_r(NULL, "|", &rest))
		cells[count++] = trim(cell);
	return count;
}

/* ---- one Markdown table a chapter --------------------------------------------------------------- */

static void interactions_column(char *cells[], struct buf *out)
{
	const char *table = "ai_agent_interactions";

	buf_format(out, "%s column %s %s\n", table, cells[0],
		   starts(cells[1], "timestamp") ? "timestamp" : cells[1]);
	if (starts(cells[4], "Primary key"))
		buf_format(out, "%s primary %s\n", table, cells[0]);
	buf_format(out, "%s %s %s\n", table, strcmp(cells[2], "NO") == 0 ? "notnull" : "nullable", cells[0]);
	if (strcmp(cells[3], "-") != 0)
		buf_format(out, "%s default %s %s\n", table, cells[0], cells[3]);
}

/* The same words as in a CREATE INDEX of ours. */
static void interactions_index(char *definition, struct buf *out)
{
	static const char *const extra[] = { "public.", "USING btree " };

	for (size_t i = 0; i < 2; i++) {
		char *at = strstr(definition, extra[i]);

		if (at != NULL)
			memmove(at, at + strlen(extra[i]), strlen(at + strlen(extra[i])) + 1);
	}
	buf_format(out, "ai_agent_interactions index %s\n", definition);
}

static void interactions(char *text, struct buf *out)
{
	char *rest = NULL, chapter[NAME_MAX_LEN] = "";

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *cells[CELLS_MAX];
		size_t count;

		if (starts(line, "## "))
			snprintf(chapter, sizeof(chapter), "%s", line + 3);
		count = cells_of(line, cells);
		if (count == 0 || strcmp(cells[0], "Column") == 0 || strcmp(cells[0], "Index Name") == 0)
			continue;
		if (strcmp(chapter, "Columns") == 0 && count >= 5)
			interactions_column(cells, out);
		else if (strcmp(chapter, "Foreign Keys") == 0 && count >= 2)
			buf_format(out, "ai_agent_interactions references %s %s\n", cells[0], cells[1]);
		else if (strcmp(chapter, "Indexes") == 0 && count >= 2)
			interactions_index(cells[1], out);
	}
}

/* ---- CREATE TABLE statements -------------------------------------------------------------------- */

static void reference(const char *table, const char *column, const char *kind, const char *target,
		      struct buf *out)
{
	char name[NAME_MAX_LEN], key[NAME_MAX_LEN];

	if (sscanf(target, "REFERENCES %63[a-z_](%63[a-z_])", name, key) == 2)
		buf_format(out, "%s %s %s %s.%s\n", table, kind, column, name, key);
}

static void sql_column(const char *table, char *line, struct buf *out)
{
	char name[NAME_MAX_LEN], type[NAME_MAX_LEN], value[NAME_MAX_LEN];
	const char *target = strstr(line, "REFERENCES");
	const char *given = strstr(line, "DEFAULT ");
	int limit;

	if (sscanf(line, "CONSTRAINT %*s FOREIGN KEY (%63[a-z_])", name) == 1) {
		reference(table, name, "references", target, out);
		return;
	}
	if (sscanf(line, "%63[a-z0-9_] %63[A-Z]", name, type) != 2)
		return;
	lower(type);
	buf_format(out, "%s column %s %s\n", table, name, type);
	if (strstr(line, "PRIMARY KEY"))
		buf_format(out, "%s primary %s\n", table, name);
	else
		buf_format(out, "%s %s %s\n", table, strstr(line, "NOT NULL") ? "notnull" : "nullable", name);
	if (strstr(line, "UNIQUE"))
		buf_format(out, "%s unique %s\n", table, name);
	if (sscanf(line, "%*s VARCHAR(%d)", &limit) == 1)
		buf_format(out, "%s limit %s %d\n", table, name, limit);
	if (given != NULL && sscanf(given, "DEFAULT %63[A-Z_0-9]", value) == 1)
		buf_format(out, "%s default %s %s\n", table, name, value);
	if (target != NULL)
		reference(table, name, strstr(line, "ON DELETE CASCADE") ? "cascade" : "references", target,
			  out);
}

static void statements(char *text, struct buf *out)
{
	char *rest = NULL, table[NAME_MAX_LEN] = "";

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line = trim(line);
		if (sscanf(line, "CREATE TABLE %63[a-z_] (", table) == 1)
			continue;
		if (starts(line, ");"))
			table[0] = '\0';
		else if (table[0] != '\0')
			sql_column(table, line, out);
	}
}

/* ---- a name, a sentence, and cells on lines of their own ---------------------------------------- */

static void camel_columns(const char *table, char *names, struct buf *out)
{
	char *rest = NULL;

	for (char *name = strtok_r(names, ", ", &rest); name; name = strtok_r(NULL, ", ", &rest))
		buf_format(out, "%s column %s -\n", table, name);
}

static void camel(char *text, struct buf *out)
{
	char *rest = NULL, *before = NULL, *table = NULL, *last = NULL;
	bool name_is_next = true;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t len = strlen(line);
		bool cell = len > 1 && line[len - 1] == '|' && line[0] != '|';

		if (starts(line, "| Column")) {
			table = before; /* the sentence lies between */
			name_is_next = true;
		} else if (cell && table != NULL) {
			line[len - 1] = '\0';
			if (name_is_next)
				camel_columns(table, trim(line), out);
			else if (strcmp(trim(line), "Primary key") == 0)
				buf_format(out, "%s primary id\n", table);
			name_is_next = !name_is_next;
		} else if (line[0] != '|') {
			table = NULL;
			before = last;
			last = line;
		}
	}
}

/* ---- lists of fields ---------------------------------------------------------------------------- */

/* "### Message" and "- `id`: UUID (Primary Key) - ...". A user there is a profile here. */
static void fields(char *text, struct buf *out)
{
	char *rest = NULL, entity[NAME_MAX_LEN] = "", name[NAME_MAX_LEN], type[NAME_MAX_LEN];
	bool listing = false;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "### %63[A-Za-z]", entity) == 1) {
			lower(entity);
			if (strcmp(entity, "user") == 0)
				snprintf(entity, sizeof(entity), "user_profiles");
		}
		if (line[0] == '*' || line[0] == '#')
			listing = starts(line, "**Fields**");
		if (!listing || sscanf(line, "- `%63[a-z_]`: %63[A-Za-z]", name, type) != 2)
			continue;
		lower(type);
		buf_format(out, "%s column %s %s\n", entity, name, type);
	}
}

/* ---- queries in prose --------------------------------------------------------------------------- */

static void queries(char *text, struct buf *out)
{
	char *rest = NULL, name[NAME_MAX_LEN], list[256];

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *at = strstr(line, " WHERE "), *words = NULL;

		if (sscanf(line, "INSERT INTO %63[a-z_] (%255[a-z_, ])", name, list) == 2)
			camel_columns(name, list, out);
		if (at == NULL || sscanf(line, "SELECT * FROM %63[a-z_]", name) != 1)
			continue;
		for (char *word = strtok_r(at, " =?", &words); word; word = strtok_r(NULL, " =?", &words))
			if (islower((unsigned char)word[0]))
				buf_format(out, "%s column %s -\n", name, word);
	}
}

bool seeds_facts(const char *folder, struct buf *out)
{
	static const struct {
		const char *pattern;
		void (*read)(char *text, struct buf *out);
	} documents[] = {
		{ "000_*", interactions }, { "001_*", statements }, { "002_*", camel },
		{ "003_*", fields },	   { "004_*", queries },
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		char *pattern = mem_format("%s/%s", folder, documents[i].pattern);
		struct buf text = { 0 };
		glob_t found = { 0 };
		bool read = glob(pattern, 0, NULL, &found) == 0 && seeds_file(found.gl_pathv[0], &text);

		if (read)
			documents[i].read(text.data, out);
		buf_free(&text);
		globfree(&found);
		free(pattern);
		if (!read)
			return false;
	}
	return true;
}
