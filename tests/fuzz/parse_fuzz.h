/* A reader under the fuzzer: its input as a file, or as the part of an archive that matters. */
#ifndef USHER_PARSE_FUZZ_H
#define USHER_PARSE_FUZZ_H

#include "parse_room.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int64_t rows_left;

static bool fuzz_text(struct sink *sink, const char *place, const char *text, size_t len)
{
	(void)sink;
	if (place == NULL || (len > 0 && text[len - 1] == (char)0x7f && strlen(place) > 100000))
		abort();
	return true;
}

static bool fuzz_table(struct sink *sink, const char *name, const char *place)
{
	return fuzz_text(sink, place, name, strlen(name));
}

/* Every cell is whole text; a fuzzer learns nothing from the millionth row. */
static bool fuzz_row(struct sink *sink, int64_t number, const struct cell *cells, size_t count,
		     const char *unit)
{
	(void)sink, (void)number, (void)unit;
	for (size_t i = 0; i < count; i++)
		if (strlen(cells[i].text) != cells[i].len)
			abort();
	return --rows_left > 0;
}

static bool fuzz_columns(struct sink *sink, const char *const *names, size_t count)
{
	(void)sink, (void)names, (void)count;
	return true;
}

static bool fuzz_file(struct sink *sink, const char *name, const char *kind, const char *error)
{
	(void)sink, (void)kind, (void)error;
	if (*name == '/' || strstr(name, "../"))
		abort();
	return true;
}

static void fuzz_title(struct sink *sink, const char *title)
{
	(void)sink;
	if (strchr(title, '\n'))
		abort();
}

static void fuzz_pages(struct sink *sink, int64_t pages)
{
	(void)sink, (void)pages;
}

static void fuzz_warn(struct sink *sink, const char *warning)
{
	(void)sink, (void)warning;
}

/* Takes the descriptor. What fails does so with a code. */
static void fuzz_read(const struct reader *reader, int fd)
{
	struct sink sink = { fuzz_text, fuzz_table, fuzz_row,	fuzz_columns,
			     fuzz_file, fuzz_title, fuzz_pages, fuzz_warn };
	struct parse parse = { .answers = -1, .limits = *limits_most() };
	struct input input = { .fd = fd, .name = "file", .size = lseek(fd, 0, SEEK_END) };
	struct err err = { 0 };
	static bool staged;

	if (!staged) {
		if (!type_stage(&err))
			abort();
		readers_stage();
		staged = true;
	}
	rows_left = 100000;
	parse.limits.unpacked = 64 << 20;
	parse.limits.entries = 100;
	if (!reader->read(&parse, &input, &sink, &err) && strstr(err.text, ": ") == NULL)
		abort();
	close(fd);
}

static inline int fuzz_file_of(const void *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	return fd;
}

struct fuzz_part {
	const char *name, *text; /* NULL: what the fuzzer made */
};

static inline void fuzz_parts(const struct reader *reader, const struct fuzz_part *parts, const void *data,
			      size_t len)
{
	zip_error_t error;
	zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
	zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &error);
	zip_stat_t stat;
	char *whole;

	zip_source_keep(source);
	for (; parts->name; parts++) {
		zip_int64_t at =
			zip_file_add(zip, parts->name,
				     parts->text ? zip_source_buffer(zip, parts->text, strlen(parts->text), 0)
						 : zip_source_buffer(zip, data, len, 0),
				     0);

		zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0);
	}
	if (zip_close(zip) != 0)
		abort();
	zip_source_open(source);
	zip_source_stat(source, &stat);
	whole = malloc(stat.size);
	if (zip_source_read(source, whole, stat.size) != (zip_int64_t)stat.size)
		abort();
	zip_source_close(source);
	zip_source_free(source);
	fuzz_read(reader, fuzz_file_of(whole, stat.size));
	free(whole);
}

#define FUZZ_RELS		   "<Relationships>"
#define FUZZ_REL(id, type, target) "<Relationship Id=\"" id "\" Type=\"x/" type "\" Target=\"" target "\"/>"

#endif
