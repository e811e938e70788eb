/* Files inside files: unpacked into memory under the limits, read with the reader of their type. */
#include "mem.h"
#include "parse_room.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct inner {
	struct parse *parse;
	struct input input;
	char *name, *where;
};

struct inner *parse_inner(struct parse *parse, const struct input *outer, const char *name,
			  int64_t size_claimed, struct err *err)
{
	const struct limits *limits = &parse->limits;
	struct inner *inner;
	int fd;

	if (outer->depth >= limits->depth) {
		parse->spent = true;
		parse_fail(err, "too_large", "There are more than %lld archives inside each other.",
			   (long long)limits->depth);
		return NULL;
	}
	if (parse->entries >= limits->entries) {
		parse->spent = true;
		parse_fail(err, "too_large", "There are more than %lld files inside.",
			   (long long)limits->entries);
		return NULL;
	}
	if (size_claimed > limits->unpacked - parse->unpacked) {
		parse->spent = true;
		parse_fail(err, "too_large", "Unpacked it is larger than %lld MB.",
			   (long long)(limits->unpacked >> 20));
		return NULL;
	}
	fd = memfd_create("inner", MFD_CLOEXEC);
	if (fd < 0) {
		parse_fail(err, "too_large", "There is no memory for the files inside.");
		return NULL;
	}
	parse->entries++;
	inner = mem_zero(1, sizeof(*inner));
	inner->parse = parse;
	inner->name = mem_text(name);
	inner->where = outer->where ? mem_format("%s, %s", outer->where, name) : mem_text(name);
	inner->input = (struct input){
		.fd = fd, .name = inner->name, .where = inner->where, .depth = outer->depth + 1
	};
	return inner;
}

/* What is unpacked is memory, and counts as such. */
bool parse_inner_add(struct inner *inner, const void *data, size_t len, struct err *err)
{
	struct parse *parse = inner->parse;

	parse->spent |= (int64_t)len > parse->limits.unpacked - parse->unpacked;
	if (parse->spent)
		return parse_fail(err, "too_large", "Unpacked it is larger than %lld MB.",
				  (long long)(parse->limits.unpacked >> 20));
	if ((int64_t)len > parse->limits.memory - parse->held)
		return parse_fail(err, "too_large", "A file inside is larger than the memory of %lld MB.",
				  (long long)(parse->limits.memory >> 20));
	for (size_t at = 0; at < len;) {
		ssize_t n = write(inner->input.fd, (const char *)data + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return parse_fail(err, "too_large", "There is no memory for a file inside.");
		at += (size_t)n;
		inner->input.size += n;
		parse->unpacked += n;
		parse->held += n;
	}
	return true;
}

/* ---- places inside: "a/b.csv, rows 2-20" ------------------------------------------------------------------------ */

struct within {
	struct sink sink;
	struct sink *outer;
	const char *name;
};

static char *place_within(const struct within *within, const char *place)
{
	return place[0] ? mem_format("%s, %s", within->name, place) : mem_text(within->name);
}

static bool within_text(struct sink *sink, const char *place, const char *text, size_t len)
{
	struct within *within = (struct within *)sink;
	char *whole = place_within(within, place);
	bool more = within->outer->text(within->outer, whole, text, len);

	free(whole);
	return more;
}

static bool within_table(struct sink *sink, const char *name, const char *place)
{
	struct within *within = (struct within *)sink;
	char *whole = place_within(within, place);
	bool more = within->outer->table(within->outer, name, whole);

	free(whole);
	return more;
}

static bool within_row(struct sink *sink, int64_t number, const struct cell *cells, size_t count,
		       const char *unit)
{
	struct within *within = (struct within *)sink;

	return within->outer->row(within->outer, number, cells, count, unit);
}

static bool within_columns(struct sink *sink, const char *const *names, size_t count)
{
	struct within *within = (struct within *)sink;

	return within->outer->columns(within->outer, names, count);
}

static bool within_file(struct sink *sink, const char *name, const char *kind, const char *error)
{
	struct within *within = (struct within *)sink;
	char *whole = place_within(within, name);
	bool more = within->outer->file(within->outer, whole, kind, error);

	free(whole);
	return more;
}

static void within_title(struct sink *sink, const char *title)
{
	(void)sink; /* the title of a part is not that of the whole */
	(void)title;
}

static void within_pages(struct sink *sink, int64_t pages)
{
	(void)sink;
	(void)pages;
}

static void within_warn(struct sink *sink, const char *warning)
{
	struct within *within = (struct within *)sink;
	char *whole = mem_format("%s: %s", within->name, warning);

	within->outer->warn(within->outer, whole);
	free(whole);
}

static bool inner_read(struct inner *inner, struct sink *sink, struct err *err)
{
	struct within within = {
		.sink = { within_text, within_table, within_row, within_columns, within_file, within_title,
			  within_pages, within_warn },
		.outer = sink,
		.name = inner->name,
	};
	const char *kind = "unknown", *mime = "application/octet-stream", *error;
	const struct reader *reader = inner->input.size ? parse_type(&inner->input, &kind, &mime) : NULL;
	struct err own = { 0 };
	bool silent = kind_without_text(kind) && reader == NULL;

	/* Its own fault is told with its name and the others are read; a limit of the whole ends the whole. */
	if (reader == NULL) {
		if (!silent)
			parse_file(inner->parse, NULL, mime, &inner->input, sink, &own);
		error = strstr(own.text, ": ");
		sink->file(sink, inner->name, kind, error ? error + 2 : NULL);
		return true;
	}
	if (!sink->file(sink, inner->name, kind, NULL))
		return true;
	if (parse_file(inner->parse, reader, mime, &inner->input, &within.sink, &own))
		return true;
	if (inner->parse->spent) {
		*err = own;
		return false;
	}
	error = strstr(own.text, ": ");
	sink->file(sink, inner->name, kind, error ? error + 2 : own.text);
	return true;
}

static void inner_close(struct inner *inner)
{
	inner->parse->held -= inner->input.size;
	close(inner->input.fd);
	free(inner->name);
	free(inner->where);
	free(inner);
}

bool parse_inner_end(struct inner *inner, struct sink *sink, struct err *err)
{
	bool good = inner_read(inner, sink, err);

	inner_close(inner);
	return good;
}

void parse_inner_drop(struct inner *inner)
{
	inner_close(inner);
}
