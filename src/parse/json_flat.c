/* Flattening. Where it is: a stack of levels and the path to the value. */
#include "json_flat.h"
#include "mem.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

enum {
	DEPTH = 256,
	TABLES = 1000,	     /* arrays of objects beyond them are text */
	COLUMNS = 2000,	     /* of a table */
	NAMES_MAX = 1 << 20, /* bytes of the names of all columns */
	RECORD_MAX = 16 << 20,
	PATH_MAX_BYTES = 1000,
};

struct flat_column {
	UT_hash_handle hh;
	size_t index;
	char name[];
};

struct flat_table {
	char *path;
	struct flat_column *columns; /* a hash; in the order in which they came */
	size_t count;
	int64_t rows;
	bool lists; /* its elements are arrays: columns have no names of their own */
};

struct level {
	bool array, table; /* table: an array whose elements are records */
	int64_t index;	   /* of the element of an array that comes next */
	size_t path;	   /* bytes of the path to here */
};

struct field {
	enum cell_type type;
	size_t start, len; /* in values */
	bool set;
};

struct flat {
	char *name;
	bool whole, over;
	int64_t events;
	struct err err;
	struct sink *sink; /* NULL: the first pass */
	struct level levels[DEPTH];
	size_t depth, record; /* record: the depth inside of it; 0: in none */
	size_t base;	      /* bytes of the path in front of a record's fields */
	struct buf path, values, line;
	struct flat_table tables[TABLES];
	size_t tables_count, next; /* next: the one whose array comes next in the second pass */
	struct flat_table *table;  /* that is read now */
	int64_t number;		   /* of the record, when told; 0: counted */
	size_t names_bytes;
	struct field *fields; /* of the record, by column */
	struct cell *cells;
	size_t room;
};

struct flat *flat_open(const char *name, bool whole)
{
	struct flat *flat = mem_zero(1, sizeof(*flat));
	const char *slash = strrchr(name, '/');

	flat->name = mem_text(slash ? slash + 1 : name);
	flat->whole = whole;
	return flat;
}

void flat_rewind(struct flat *flat, struct sink *sink)
{
	flat->sink = sink;
	flat->depth = flat->record = flat->base = flat->next = 0;
	flat->table = NULL;
	flat->number = 0;
	buf_clear(&flat->path);
	buf_clear(&flat->values);
}

void flat_number(struct flat *flat, int64_t number)
{
	flat->number = number;
}

int64_t flat_events(const struct flat *flat)
{
	return flat->events;
}

bool flat_over(const struct flat *flat)
{
	return flat->over;
}

const struct err *flat_err(const struct flat *flat)
{
	return &flat->err;
}

void flat_close(struct flat *flat)
{
	for (size_t i = 0; i < flat->tables_count; i++) {
		struct flat_column *column, *after;

		HASH_ITER (hh, flat->tables[i].columns, column, after) {
			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
			HASH_DEL(flat->tables[i].columns, column);
			free(column);
		}
		free(flat->tables[i].path);
	}
	free(flat->name);
	buf_free(&flat->path);
	buf_free(&flat->values);
	buf_free(&flat->line);
	free(flat->fields);
	free(flat->cells);
	free(flat);
}

/* ---- tables ---------------------------------------------------------------------------------------------------- */

static void table_tell(struct flat *flat, const struct flat_table *table)
{
	const char **names = mem_alloc((table->count + 1) * sizeof(*names));
	struct flat_column *column, *after;
	size_t i = 0;

	HASH_ITER (hh, table->columns, column, after)
		names[i++] = column->name;
	flat->over = !flat->sink->table(flat->sink, table->path[0] ? table->path : flat->name, table->path) ||
		     (!table->lists && !flat->sink->columns(flat->sink, names, table->count));
	free(names);
}

/* Begins the table of the array at the path; false: there are too many, it is text. */
static bool table_begin(struct flat *flat)
{
	struct flat_table *table;

	if (flat->next == TABLES)
		return false;
	table = &flat->tables[flat->next++];
	if (flat->sink == NULL) {
		*table = (struct flat_table){ .path = mem_text(buf_str(&flat->path)) };
		flat->tables_count = flat->next;
	}
	table->rows = 0;
	flat->table = table;
	if (flat->sink == NULL)
		return true;
	if (table->count > flat->room) {
		flat->room = table->count;
		flat->fields = mem_resize(flat->fields, flat->room, sizeof(*flat->fields));
		flat->cells = mem_resize(flat->cells, flat->room, sizeof(*flat->cells));
	}
	if (table->count > 0)
		memset(flat->fields, 0, table->count * sizeof(*flat->fields));
	table_tell(flat, table);
	return true;
}

static struct flat_column *column_of(struct flat *flat, const char *name, size_t len)
{
	struct flat_column *column;

	HASH_FIND(hh, flat->table->columns, name, len, column);
	if (column != NULL || flat->sink != NULL)
		return column;
	if (flat->table->count == COLUMNS || flat->names_bytes + len > NAMES_MAX)
		return NULL;
	column = mem_zero(1, sizeof(*column) + len + 1);
	memcpy(column->name, name, len);
	column->index = flat->table->count++;
	flat->names_bytes += len;
	HASH_ADD(hh, flat->table->columns, name, len, column);
	return column;
}

static void field_add(struct flat *flat, enum cell_type type, const char *text, size_t len)
{
	const char *name = buf_str(&flat->path) + flat->base;
	size_t name_len = flat->path.len - flat->base;
	struct flat_column *column;
	struct field *field;

	if (name_len > 0 && *name == '.') {
		name++;
		name_len--;
	}
	column = name_len ? column_of(flat, name, name_len) : column_of(flat, "value", 5);
	if (flat->sink == NULL)
		return;
	if (column == NULL || flat->values.len + len > RECORD_MAX) {
		flat->sink->warn(flat->sink,
				 "Some records have too many fields: the last of them are left out.");
		return;
	}
	field = &flat->fields[column->index];
	if (field->set && field->len > 0) {
		/* Several values of one list. */
		size_t start = flat->values.len;

		if (flat->values.len + field->len + len > RECORD_MAX)
			return;
		if (field->start + field->len + 1 == start) {
			start = field->start;
			buf_cut(&flat->values, start + field->len);
		} else {
			char *before = mem_text_n(flat->values.data + field->start, field->len);

			buf_add(&flat->values, before, field->len);
			free(before);
		}
		buf_text(&flat->values, ", ");
		buf_add(&flat->values, text, len);
		*field = (struct field){ CELL_TEXT, start, flat->values.len - start, true };
	} else {
		*field = (struct field){ type, flat->values.len, len, true };
		buf_add(&flat->values, text, len);
	}
	buf_add(&flat->values, "", 1);
}

static void record_end(struct flat *flat)
{
	struct flat_table *table = flat->table;
	int64_t number = flat->number;

	flat->record = 0;
	if (flat->sink == NULL || table == NULL)
		return;
	if (number == 0)
		number = ++table->rows;
	for (size_t i = 0; i < table->count; i++) {
		const struct field *field = &flat->fields[i];

		flat->cells[i] = field->set ? (struct cell){ field->type, flat->values.data + field->start,
							     field->len }
					    : (struct cell){ CELL_EMPTY, "", 0 };
	}
	flat->over = !flat->sink->row(flat->sink, number, flat->cells, table->count,
				      flat->number ? "line" : "record");
	if (table->count > 0)
		memset(flat->fields, 0, table->count * sizeof(*flat->fields));
	buf_clear(&flat->values);
}

void flat_drop(struct flat *flat)
{
	flat->depth = flat->record = 0;
	buf_clear(&flat->path);
	buf_clear(&flat->values);
	if (flat->sink != NULL && flat->table != NULL && flat->table->count > 0)
		memset(flat->fields, 0, flat->table->count * sizeof(*flat->fields));
}

/* ---- texts -------------------------------------------------------------------------------------------------------- */

/* The place is the first step of the path: values of one part of the file stand together. */
static void line_tell(struct flat *flat, const char *text, size_t len)
{
	const char *path = buf_str(&flat->path);
	char *place;

	if (flat->sink == NULL || len == 0)
		return;
	place = mem_text_n(path, strcspn(path, ".["));
	buf_clear(&flat->line);
	if (path[0] != '\0') {
		buf_text(&flat->line, path);
		buf_text(&flat->line, ": ");
	}
	buf_add(&flat->line, text, len);
	flat->over = !flat->sink->text(flat->sink, place, flat->line.data, flat->line.len);
	free(place);
}

/* ---- events ------------------------------------------------------------------------------------------------------- */

static bool limit_met(struct flat *flat, const char *message)
{
	flat->over = true;
	return parse_fail(&flat->err, "too_large", "%s", message);
}

static bool path_add(struct flat *flat, const char *text, size_t len)
{
	if (flat->path.len + len > PATH_MAX_BYTES)
		len = flat->path.len < PATH_MAX_BYTES ? text_fit(text, len, PATH_MAX_BYTES - flat->path.len)
						      : 0;
	buf_add(&flat->path, text, len);
	return true;
}

/* A value begins: the path leads to it. container: it is an object or an array. */
static void value_begin(struct flat *flat, bool container)
{
	struct level *level = flat->depth ? &flat->levels[flat->depth - 1] : NULL;
	char step[32];
	int len;

	flat->events++;
	if (level == NULL) {
		buf_clear(&flat->path);
		if (flat->whole && flat->record == 0) {
			if (flat->table == NULL)
				table_begin(flat);
			flat->record = 1;
			flat->base = 0;
		}
		return;
	}
	if (!level->array)
		return;
	if (level->index++ == 0 && container && flat->record == 0) {
		buf_cut(&flat->path, level->path);
		level->table = table_begin(flat);
	}
	buf_cut(&flat->path, level->path);
	if (flat->record > 0) {
		/* Values of a list share a column; objects in it have their own. */
		if (!container && flat->depth >= flat->record && flat->path.len > flat->base)
			return;
		len = snprintf(step, sizeof(step), ".%lld", (long long)level->index);
	} else {
		len = snprintf(step, sizeof(step), "[%lld]", (long long)level->index - 1);
	}
	path_add(flat, step, (size_t)len);
	if (level->table) {
		flat->record = flat->depth + 1;
		flat->base = flat->path.len;
	}
}

static int value_tell(struct flat *flat, enum cell_type type, const char *text, size_t len)
{
	value_begin(flat, false);
	if (flat->over)
		return 0;
	if (flat->record > 0)
		field_add(flat, type, text, len);
	else
		line_tell(flat, text, len);
	/* A record that is one plain value. */
	if (flat->record > flat->depth)
		record_end(flat);
	return !flat->over;
}

static int container_begin(struct flat *flat, bool array)
{
	value_begin(flat, true);
	if (flat->over)
		return 0;
	if (array && flat->record == flat->depth + 1 && flat->table->count == 0)
		flat->table->lists = true;
	if (flat->depth == DEPTH)
		return limit_met(flat, "The values are nested too deeply.");
	flat->levels[flat->depth++] = (struct level){ .array = array, .path = flat->path.len };
	return 1;
}

static int container_end(struct flat *flat)
{
	flat->depth--;
	buf_cut(&flat->path, flat->levels[flat->depth].path);
	if (flat->levels[flat->depth].table)
		flat->table = NULL;
	if (flat->record > flat->depth)
		record_end(flat);
	return !flat->over;
}

static int on_null(void *owner)
{
	return value_tell(owner, CELL_EMPTY, "", 0);
}

static int on_boolean(void *owner, int value)
{
	return value_tell(owner, CELL_BOOL, value ? "true" : "false", value ? 4 : 5);
}

static int on_number(void *owner, const char *text, size_t len)
{
	return value_tell(owner, CELL_NUMBER, text, len);
}

static int on_string(void *owner, const unsigned char *text, size_t len)
{
	return value_tell(owner, len ? CELL_TEXT : CELL_EMPTY, (const char *)text, len);
}

static int on_map(void *owner)
{
	return container_begin(owner, false);
}

static int on_key(void *owner, const unsigned char *key, size_t len)
{
	struct flat *flat = owner;

	flat->events++;
	buf_cut(&flat->path, flat->levels[flat->depth - 1].path);
	if (flat->path.len > 0)
		path_add(flat, ".", 1);
	return path_add(flat, (const char *)key, len);
}

static int on_end(void *owner)
{
	return container_end(owner);
}

static int on_array(void *owner)
{
	return container_begin(owner, true);
}

const yajl_callbacks *flat_callbacks(void)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = on_null,
		.yajl_boolean = on_boolean,
		.yajl_number = on_number,
		.yajl_string = on_string,
		.yajl_start_map = on_map,
		.yajl_map_key = on_key,
		.yajl_end_map = on_end,
		.yajl_start_array = on_array,
		.yajl_end_array = on_end,
	};

	return &callbacks;
}
