/* Files for readers: see stage_made.h. */
#include "stage_made.h"
#include "buf.h"
#include "mem.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct lines {
	struct sink sink;
	struct buf text;
};

static struct buf *lines_of(struct sink *sink)
{
	return &((struct lines *)sink)->text;
}

/* On one line. */
static void shown(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_add(out, text[i] == '\n' ? "~" : text + i, 1);
}

static bool on_text(struct sink *sink, const char *place, const char *text, size_t len)
{
	buf_format(lines_of(sink), "T %s|", place);
	shown(lines_of(sink), text, len);
	buf_text(lines_of(sink), "\n");
	return true;
}

static bool on_table(struct sink *sink, const char *name, const char *place)
{
	buf_format(lines_of(sink), "# %s|%s\n", name, place);
	return true;
}

static bool on_row(struct sink *sink, int64_t number, const struct cell *cells, size_t count,
		   const char *unit)
{
	static const char *const TYPES[] = { "", "text", "number", "date", "bool", "error" };
	struct buf *out = lines_of(sink);

	assert_string_equal(unit, "row");
	if (out->len > 1 << 20)
		return true; /* enough to compare */
	buf_format(out, "R %lld", (long long)number);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(strlen(cells[i].text), cells[i].len);
		assert_true((cells[i].type == CELL_EMPTY) == (cells[i].len == 0));
		buf_format(out, "|%s%s", TYPES[cells[i].type], cells[i].len ? ":" : "");
		shown(out, cells[i].text, cells[i].len);
	}
	buf_text(out, "\n");
	return true;
}

static bool on_columns(struct sink *sink, const char *const *names, size_t count)
{
	(void)sink, (void)names, (void)count;
	return true;
}

static bool on_file(struct sink *sink, const char *name, const char *kind, const char *error)
{
	buf_format(lines_of(sink), "F %s|%s|%s\n", name, kind, error ? error : "");
	return true;
}

static void on_title(struct sink *sink, const char *title)
{
	buf_format(lines_of(sink), "= %s\n", title);
}

static void on_pages(struct sink *sink, int64_t pages)
{
	buf_format(lines_of(sink), "P %lld\n", (long long)pages);
}

static void on_warn(struct sink *sink, const char *warning)
{
	buf_format(lines_of(sink), "! %s\n", warning);
}

int made_bytes(const void *data, size_t len)
{
	int fd = memfd_create("stage", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, (const char *)data + at, len - at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	return fd;
}

int made_zip(const struct made_part *parts)
{
	zip_error_t error;
	zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
	zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &error);
	zip_stat_t stat;
	char *data;
	int fd;

	assert_non_null(zip);
	zip_source_keep(source);
	for (; parts->text; parts++)
		assert_true(zip_file_add(zip, parts->name,
					 zip_source_buffer(zip, parts->text, strlen(parts->text), 0),
					 0) >= 0);
	assert_int_equal(zip_close(zip), 0);
	zip_source_open(source);
	zip_source_stat(source, &stat);
	data = mem_alloc(stat.size + 1);
	assert_int_equal(zip_source_read(source, data, stat.size), stat.size);
	zip_source_close(source);
	zip_source_free(source);
	fd = made_bytes(data, stat.size);
	free(data);
	return fd;
}

int made_corpus(const char *name)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "tests/corpus/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

void made_read(struct made_read *read, const struct reader *reader, int fd)
{
	struct lines lines = { .sink = { on_text, on_table, on_row, on_columns, on_file, on_title, on_pages,
					 on_warn } };
	struct input input = { .fd = fd, .name = "file" };
	struct limits limits = read->parse.limits;
	struct stat file;
	static bool staged;

	if (!staged) {
		assert_true(type_stage(&read->err));
		readers_stage();
		staged = true;
	}
	if (limits.memory == 0)
		limits = *limits_most();
	*read = (struct made_read){ .parse = { .answers = -1, .limits = limits } };
	assert_int_equal(fstat(fd, &file), 0);
	input.size = file.st_size;
	read->good = reader->read(&read->parse, &input, &lines.sink, &read->err);
	read->lines = buf_take(&lines.text);
	close(fd);
}

void made_read_parts(struct made_read *read, const struct reader *reader, const struct made_part *parts)
{
	made_read(read, reader, made_zip(parts));
}

void made_done(struct made_read *read)
{
	free(read->lines);
	*read = (struct made_read){ 0 };
}

void made_has(const struct made_read *read, const char *line)
{
	char *whole = mem_format("\n%s\n", line), *lines = mem_format("\n%s", read->lines);

	if (!read->good)
		fail_msg("failed: %s", read->err.text);
	if (strstr(lines, whole) == NULL)
		fail_msg("no line \"%s\" in:\n%s", line, read->lines);
	free(whole);
	free(lines);
}

void made_has_not(const struct made_read *read, const char *part)
{
	if (strstr(read->lines, part))
		fail_msg("\"%s\" is in:\n%s", part, read->lines);
}

void made_failed(const struct made_read *read, const char *code)
{
	char start[40];

	snprintf(start, sizeof(start), "%s: ", code);
	if (read->good)
		fail_msg("it was read:\n%.2000s", read->lines);
	if (strncmp(read->err.text, start, strlen(start)) != 0)
		fail_msg("not %s, but %s", code, read->err.text);
}
