/* Checked settings: the building side. */
#include "settings_build.h"
#include "log.h"
#include "mem.h"
#include "settings_room.h"
#include "text.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_MAX = 16384, NEAR_DISTANCE = 3, WORD_MAX = 64 };

static size_t rows(const struct setting *table)
{
	size_t count = 0;

	while (table[count].name)
		count++;
	return count;
}

struct settings *settings_create(const struct setting *table, const char *path, const char *where)
{
	struct settings *group = mem_zero(1, sizeof(*group));

	group->table = table;
	group->path = mem_text(path);
	group->where = mem_text(where);
	group->values = mem_zero(rows(table), sizeof(*group->values));
	return group;
}

/* Levenshtein distance of two short words. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], b_len = strlen(b);

	if (strlen(a) > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			row[j] = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
			if (change < row[j])
				row[j] = change;
		}
	}
	return row[b_len];
}

const char *settings_nearest(const char *word, const char *const *candidates)
{
	const char *best = NULL;
	size_t least = NEAR_DISTANCE + 1;

	for (; *candidates; candidates++) {
		size_t d = distance(word, *candidates);

		if (d < least && d < strlen(word)) {
			least = d;
			best = *candidates;
		}
	}
	return best;
}

static size_t row_index(const struct settings *group, const char *name)
{
	size_t i = 0;

	while (group->table[i].name && strcmp(group->table[i].name, name) != 0)
		i++;
	return i;
}

const struct setting *settings_row(const struct settings *group, const char *name, const char *where,
				   struct err *err)
{
	const struct setting *row = &group->table[row_index(group, name)];
	const char **names, *near;

	if (row->name)
		return row;
	names = mem_zero(rows(group->table) + 1, sizeof(*names));
	for (size_t i = 0; group->table[i].name; i++)
		names[i] = group->table[i].name;
	near = settings_nearest(name, names);
	free(names);
	err_set(err, ERR_REFUSED, "%s: unknown setting \"%s\" in %s%s%s%s", where, name,
		*group->path ? group->path : "the top level", near ? "; did you mean \"" : "",
		near ? near : "", near ? "\"?" : "");
	return NULL;
}

static bool wrong(const struct settings *group, const struct setting *row, const char *where, struct err *err,
		  const char *expected, const char *text)
{
	return err_set(err, ERR_REFUSED, "%s: %s%s%s: expected %s, found \"%s\"", where, group->path,
		       *group->path ? "." : "", row->name, expected, text);
}

static bool put_number(const struct settings *group, const struct setting *row, struct value *value,
		       const char *text, const char *where, struct err *err)
{
	bool whole = row->type == SETTING_INT;
	char *end, expected[96];

	errno = 0;
	value->number = whole ? (double)strtol(text, &end, 10) : strtod(text, &end);
	if (*text == '\0' || *end != '\0' || errno || !isfinite(value->number))
		return wrong(group, row, where, err, whole ? "a whole number" : "a number", text);
	if ((row->min != 0 || row->max != 0) && (value->number < row->min || value->number > row->max)) {
		snprintf(expected, sizeof(expected), "%s from %.10g to %.10g",
			 whole ? "a whole number" : "a number", row->min, row->max);
		return wrong(group, row, where, err, expected, text);
	}
	return true;
}

static bool put_bool(const struct settings *group, const struct setting *row, struct value *value,
		     const char *text, const char *where, struct err *err)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return wrong(group, row, where, err, "true or false", text);
	value->number = yes;
	return true;
}

static bool put_choice(const struct settings *group, const struct setting *row, struct value *value,
		       const char *text, const char *where, struct err *err)
{
	size_t len = strlen(text);

	for (const char *p = row->choices; *p; p += strcspn(p, "|"), p += *p == '|') {
		if (strcspn(p, "|") == len && strncmp(p, text, len) == 0) {
			free(value->text);
			value->text = mem_text(text);
			return true;
		}
	}
	return wrong(group, row, where, err, row->choices, text);
}

/* A secret's file: its first line counts, so that editors may end it with a newline. */
static char *read_secret(const char *path, struct err *err)
{
	char *text = mem_zero(SECRET_MAX, 1);
	FILE *file = fopen(path, "re");
	size_t len;

	if (file == NULL) {
		err_set(err, ERR_REFUSED, "cannot read the secret's file %s: %s", path, strerror(errno));
		free(text);
		return NULL;
	}
	len = fread(text, 1, SECRET_MAX - 1, file);
	fclose(file);
	text[len] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (*text)
		return text;
	err_set(err, ERR_REFUSED, "the secret's file %s has an empty first line", path);
	free(text);
	return NULL;
}

static char *resolve_secret(const char *text, bool *literal_out, struct err *err)
{
	*literal_out = false;
	if (strncmp(text, "env:", 4) == 0) {
		const char *value = getenv(text + 4);

		if (value == NULL || *value == '\0')
			err_set(err, ERR_REFUSED, "the environment variable %s is not set", text + 4);
		return value && *value ? mem_text(value) : NULL;
	}
	if (strncmp(text, "file:", 5) == 0)
		return read_secret(text + 5, err);
	if (strncmp(text, "credential:", 11) == 0) {
		const char *folder = getenv("CREDENTIALS_DIRECTORY");
		char *path = mem_format("%s/%s", folder ? folder : "", text + 11), *value = NULL;

		if (folder == NULL)
			err_set(err, ERR_REFUSED, "credential:%s needs systemd's LoadCredential=", text + 11);
		else
			value = read_secret(path, err);
		free(path);
		return value;
	}
	*literal_out = true;
	return mem_text(text);
}

static bool put_secret(const struct settings *group, const struct setting *row, struct value *value,
		       const char *text, const char *where, struct err *err)
{
	char *secret = resolve_secret(text, &value->literal, err);

	if (secret == NULL)
		return err_add(err, "%s: %s%s%s", where, group->path, *group->path ? "." : "", row->name);
	log_hide(secret);
	free(value->text);
	value->text = secret;
	return true;
}

static void add_text(struct value *value, const char *text)
{
	value->texts = mem_resize(value->texts, value->count + 1, sizeof(*value->texts));
	value->texts[value->count++] = mem_text(text);
}

static bool put_value(const struct settings *group, const struct setting *row, struct value *value,
		      const char *text, const char *where, struct err *err)
{
	switch (row->type) {
	case SETTING_TEXT:
		free(value->text);
		value->text = mem_text(text);
		return true;
	case SETTING_SECRET:
		return put_secret(group, row, value, text, where, err);
	case SETTING_INT:
	case SETTING_NUMBER:
		return put_number(group, row, value, text, where, err);
	case SETTING_BOOL:
		return put_bool(group, row, value, text, where, err);
	case SETTING_CHOICE:
		return put_choice(group, row, value, text, where, err);
	case SETTING_TEXTS:
		add_text(value, text);
		return true;
	case SETTING_GROUP:
		return wrong(group, row, where, err, "a group { ... }", text);
	case SETTING_GROUPS:
		return wrong(group, row, where, err, "a list of groups ( { ... }, ... )", text);
	}
	return false;
}

bool settings_put(struct settings *group, const char *name, const char *text, const char *where,
		  struct err *err)
{
	const struct setting *row = settings_row(group, name, where, err);
	struct value *value;

	if (row == NULL)
		return false;
	value = &group->values[row - group->table];
	if (!text_valid(text, strlen(text)))
		return wrong(group, row, where, err, "UTF-8 text", "bytes that are not");
	value->given = true;
	free(value->where);
	value->where = mem_text(where);
	return put_value(group, row, value, text, where, err);
}

void settings_put_group_take(struct settings *group, const char *name, struct settings *inside)
{
	struct value *value = &group->values[row_index(group, name)];

	value->given = true;
	value->groups = mem_resize(value->groups, value->count + 1, sizeof(struct settings *));
	value->groups[value->count++] = inside;
}

/* A fallback of a list is written with commas: "/text,/message". */
static bool put_fallback(struct settings *group, const struct setting *row, struct value *value,
			 struct err *err)
{
	if (row->type != SETTING_TEXTS)
		return put_value(group, row, value, row->fallback, "built in", err);
	for (const char *p = row->fallback; *p; p += strcspn(p, ","), p += *p == ',') {
		char *item = mem_text_n(p, strcspn(p, ","));

		add_text(value, item);
		free(item);
	}
	return true;
}

static bool finish_row(struct settings *group, const struct setting *row, struct value *value,
		       struct err *err)
{
	struct settings *inside;
	char *path;

	for (size_t i = 0; value->groups && i < value->count; i++)
		if (!settings_finish(value->groups[i], err))
			return false;
	if (value->given)
		return true;
	if (row->required)
		return err_set(err, ERR_REFUSED, "%s: %s needs \"%s\" (%s)", group->where, group->path,
			       row->name, row->help);
	if (row->fallback)
		return put_fallback(group, row, value, err);
	if (row->type != SETTING_GROUP)
		return true;
	path = mem_format("%s%s%s", group->path, *group->path ? "." : "", row->name);
	inside = settings_create(row->inside, path, group->where);
	settings_put_group_take(group, row->name, inside);
	free(path);
	value->given = false;
	return settings_finish(inside, err);
}

bool settings_finish(struct settings *group, struct err *err)
{
	for (size_t i = 0; group->table[i].name; i++)
		if (!finish_row(group, &group->table[i], &group->values[i], err))
			return false;
	return true;
}

const char *settings_path(const struct settings *group)
{
	return group->path;
}

bool settings_secret_literal(const struct settings *group, const char *name)
{
	return group->values[row_index(group, name)].literal;
}

const struct setting *settings_table(const struct settings *group)
{
	return group->table;
}

void settings_destroy(struct settings *group)
{
	if (group == NULL)
		return;
	for (size_t i = 0; group->table[i].name; i++) {
		struct value *value = &group->values[i];

		for (size_t k = 0; k < value->count; k++) {
			if (value->texts)
				free(value->texts[k]);
			if (value->groups)
				settings_destroy(value->groups[k]);
		}
		free(value->texts);
		free(value->groups);
		free(value->text);
		free(value->where);
	}
	free(group->values);
	free(group->path);
	free(group->where);
	free(group);
}
