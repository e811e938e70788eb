/* Staged files: the room as it is, without the sandbox. */
#include "stage.h"
#include "charset.h"
#include "extract_sink.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool line_end(struct sink *sink)
{
	struct recorder *recorder = (struct recorder *)sink;

	buf_text(&recorder->stage->seen, "\n");
	return ++recorder->told != recorder->stage->stop_after;
}

static struct buf *seen(struct sink *sink)
{
	return &((struct recorder *)sink)->stage->seen;
}

static bool on_text(struct sink *sink, const char *place, const char *text, size_t len)
{
	buf_format(seen(sink), "text|%s|", place);
	buf_add(seen(sink), text, len);
	return line_end(sink);
}

static bool on_table(struct sink *sink, const char *name, const char *place)
{
	buf_format(seen(sink), "table|%s|%s", name, place);
	return line_end(sink);
}

static bool on_row(struct sink *sink, int64_t number, const struct cell *cells, size_t count,
		   const char *unit)
{
	static const char *const marks[] = { "", "", "#", "@", "?", "!" };

	buf_format(seen(sink), "%s %lld", unit, (long long)number);
	for (size_t i = 0; i < count; i++)
		buf_format(seen(sink), "|%s%s", marks[cells[i].type], cells[i].text);
	return line_end(sink);
}

static bool on_columns(struct sink *sink, const char *const *names, size_t count)
{
	buf_text(seen(sink), "columns");
	for (size_t i = 0; i < count; i++)
		buf_format(seen(sink), "|%s", names[i]);
	return line_end(sink);
}

static bool on_file(struct sink *sink, const char *name, const char *kind, const char *error)
{
	buf_format(seen(sink), "file|%s|%s|%s", name, kind, error ? error : "");
	return line_end(sink);
}

static void on_title(struct sink *sink, const char *title)
{
	buf_format(seen(sink), "title|%s\n", title);
}

static void on_pages(struct sink *sink, int64_t pages)
{
	buf_format(seen(sink), "pages|%lld\n", (long long)pages);
}

static void on_warn(struct sink *sink, const char *warning)
{
	buf_format(seen(sink), "warn|%s\n", warning);
}

struct sink *stage_sink(struct stage *stage)
{
	stage->recorder.stage = stage;
	stage->recorder.sink =
		(struct sink){ on_text, on_table, on_row, on_columns, on_file, on_title, on_pages, on_warn };
	return &stage->recorder.sink;
}

void stage_begin(struct stage *stage)
{
	static bool loaded;

	*stage = (struct stage){ .parse = { .limits = *limits_most(), .answers = -1 } };
	if (!loaded && !type_stage(&stage->err))
		abort();
	loaded = true;
}

static const struct reader *input_make(struct stage *stage, const char *name, const void *data, size_t len)
{
	int fd = memfd_create("staged", MFD_CLOEXEC);

	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, (const char *)data + at, len - at);

		if (n <= 0)
			abort();
		at += (size_t)n;
	}
	stage->input = (struct input){ .fd = fd, .size = (int64_t)len, .name = name };
	return parse_type(&stage->input, &stage->kind, &stage->mime);
}

void stage_read(struct stage *stage, const char *name, const void *data, size_t len)
{
	const struct reader *reader = input_make(stage, name, data, len);

	stage->good =
		parse_file(&stage->parse, reader, stage->mime, &stage->input, stage_sink(stage), &stage->err);
}

void stage_extract(struct stage *stage, const char *name, const void *data, size_t len)
{
	const struct reader *reader = input_make(stage, name, data, len);
	int out = memfd_create("chunks", MFD_CLOEXEC);
	struct extract *extract = extract_open(&stage->parse, out);
	char piece[4096];
	ssize_t n;

	stage->good = parse_file(&stage->parse, reader, stage->mime, &stage->input, extract_sink(extract),
				 &stage->err);
	stage->outline = extract_done(extract, stage->kind, stage->mime);
	extract_close(extract);
	lseek(out, 0, SEEK_SET);
	while ((n = read(out, piece, sizeof(piece))) > 0)
		buf_add(&stage->chunks, piece, (size_t)n);
	close(out);
}

void stage_end(struct stage *stage)
{
	if (stage->input.name != NULL)
		close(stage->input.fd);
	buf_free(&stage->seen);
	buf_free(&stage->chunks);
	json_decref(stage->outline);
}
