/* JSON in one piece and JSON by lines, streamed through yajl. */
#include "charset.h"
#include "json_flat.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 16 << 20 };

static void *take(void *owner, size_t size)
{
	(void)owner;
	return mem_alloc(size);
}

static void *resize(void *owner, void *old, size_t size)
{
	(void)owner;
	return mem_resize(old, size, 1);
}

static void give_back(void *owner, void *memory)
{
	(void)owner;
	free(memory);
}

/* yajl takes it for granted that it gets what it asks for. */
static yajl_handle handle_open(struct flat *flat)
{
	yajl_alloc_funcs memory = { take, resize, give_back, NULL };
	yajl_handle yajl = yajl_alloc(flat_callbacks(), &memory, flat);

	yajl_config(yajl, yajl_dont_validate_strings, 1);
	return yajl;
}

/* Where in the text it is wrong, without the text itself. */
static bool wrong_at(struct err *err, int64_t offset)
{
	return parse_fail(err, "damaged", "This is not valid JSON: the fault is at byte %lld.",
			  (long long)offset);
}

/* yajl reads a value that is cut off from its beginning again with each piece. */
struct feed {
	yajl_handle yajl;
	struct flat *flat;
	yajl_status status;
	struct buf pending;
	size_t quiet; /* bytes of the value that does not end */
	int64_t done; /* bytes that were right */
};

/* Waits for as much as there was of a value before it gives it on, so that all of it is read twice at most. */
static void feed_add(struct feed *feed, const char *data, size_t len, bool last)
{
	int64_t before = flat_events(feed->flat);

	buf_add(&feed->pending, data, len);
	if (feed->pending.len == 0 || (feed->pending.len < feed->quiet && !last))
		return;
	feed->status = yajl_parse(feed->yajl, (const unsigned char *)feed->pending.data, feed->pending.len);
	if (feed->status == yajl_status_ok)
		feed->done += (int64_t)feed->pending.len;
	else
		feed->done += (int64_t)yajl_get_bytes_consumed(feed->yajl);
	feed->quiet = flat_events(feed->flat) == before ? feed->quiet + feed->pending.len : 0;
	buf_clear(&feed->pending);
}

static bool json_pass(struct parse *parse, const struct input *input, struct flat *flat, struct err *err)
{
	struct stream *stream = stream_open(parse, input, NULL);
	struct feed feed = { .yajl = handle_open(flat), .flat = flat, .status = yajl_status_ok };
	const char *data;
	size_t len;

	yajl_config(feed.yajl, yajl_allow_multiple_values, 1);
	while (feed.status == yajl_status_ok && stream_next(stream, &data, &len))
		feed_add(&feed, data, len, false);
	if (feed.status == yajl_status_ok)
		feed_add(&feed, "", 0, true);
	if (feed.status == yajl_status_ok)
		feed.status = yajl_complete_parse(feed.yajl);
	yajl_free(feed.yajl);
	stream_close(stream);
	buf_free(&feed.pending);
	if (flat_err(flat)->kind != ERR_NONE) {
		*err = *flat_err(flat);
		return false;
	}
	return flat_over(flat) || feed.status == yajl_status_ok || wrong_at(err, feed.done);
}

static bool json_file_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct flat *flat = flat_open(input->name, false);
	bool good = json_pass(parse, input, flat, err);

	if (good) {
		flat_rewind(flat, sink);
		good = json_pass(parse, input, flat, err);
	}
	flat_close(flat);
	return good;
}

/* ---- by lines ------------------------------------------------------------------------------------------------------ */

struct lines {
	struct flat *flat;
	struct sink *sink; /* NULL: the first pass */
	struct buf line;
	int64_t number, bad;
};

static void line_end(struct lines *lines)
{
	const char *text = buf_str(&lines->line);
	size_t len = lines->line.len;
	yajl_handle yajl;
	yajl_status status;
	char *warning;

	lines->number++;
	if (strspn(text, " \t\r") == len)
		return;
	flat_number(lines->flat, lines->number);
	yajl = handle_open(lines->flat);
	status = yajl_parse(yajl, (const unsigned char *)text, len);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(yajl);
	yajl_free(yajl);
	if (status == yajl_status_ok || flat_over(lines->flat))
		return;
	flat_drop(lines->flat);
	lines->bad++;
	if (lines->sink == NULL)
		return;
	warning = mem_format("Line %lld is not valid JSON and was left out.", (long long)lines->number);
	lines->sink->warn(lines->sink, warning);
	free(warning);
}

static bool lines_add(struct lines *lines, const char *data, size_t len, struct err *err)
{
	while (len > 0 && !flat_over(lines->flat)) {
		const char *end = memchr(data, '\n', len);
		size_t part = end ? (size_t)(end - data) : len;

		if (lines->line.len + part > LINE_MAX_BYTES)
			return parse_fail(err, "too_large", "Line %lld is longer than %d MB.",
					  (long long)lines->number + 1, LINE_MAX_BYTES >> 20);
		buf_add(&lines->line, data, part);
		if (end == NULL)
			return true;
		line_end(lines);
		buf_clear(&lines->line);
		data += part + 1;
		len -= part + 1;
	}
	return true;
}

static bool lines_pass(struct parse *parse, const struct input *input, struct lines *lines, struct err *err)
{
	struct stream *stream = stream_open(parse, input, NULL);
	bool good = true;
	const char *data;
	size_t len;

	while (good && !flat_over(lines->flat) && stream_next(stream, &data, &len)) {
		good = lines_add(lines, data, len, err);
		parse_progress(parse, -1, input->depth ? -1 : lines->number, -1);
	}
	if (good && lines->line.len > 0 && !flat_over(lines->flat))
		line_end(lines);
	stream_close(stream);
	if (flat_err(lines->flat)->kind != ERR_NONE) {
		*err = *flat_err(lines->flat);
		return false;
	}
	return good;
}

static bool ndjson_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct lines lines = { .flat = flat_open(input->name, true) };
	bool good = lines_pass(parse, input, &lines, err);

	if (good && lines.bad > 0 && lines.bad == lines.number)
		good = parse_fail(err, "damaged", "No line of it is valid JSON.");
	if (good) {
		flat_rewind(lines.flat, sink);
		lines = (struct lines){ .flat = lines.flat, .sink = sink, .line = lines.line };
		buf_clear(&lines.line);
		good = lines_pass(parse, input, &lines, err);
	}
	buf_free(&lines.line);
	flat_close(lines.flat);
	return good;
}

const struct reader json_reader = { "json", "application/json", json_file_read };
const struct reader ndjson_reader = { "ndjson", "application/x-ndjson", ndjson_read };
