/* What all writers share: pieces that are written whole, and the limit. */
#include "writer.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 64 << 10 };

static const struct writer_kind *const KINDS[SPEC_FORMATS] = {
	&writer_delimited, &writer_delimited, &writer_json, &writer_ndjson,
	&writer_xlsx,	   &writer_markdown,  &writer_text, &writer_none,
};

bool writer_put(int fd, const char *data, size_t len, struct err *err)
{
	for (size_t at = 0; fd >= 0 && at < len;) {
		ssize_t n = write(fd, data + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return parse_fail(err, "too_large", "The output can't be written: %s.",
					  strerror(errno));
		at += (size_t)n;
	}
	return true;
}

/* Programs may drop a byte order mark and blanks in front. */
static size_t unseen(const char *text, size_t len)
{
	size_t at = 0;

	for (;;) {
		if (at < len && text[at] == ' ')
			at++;
		else if (len - at >= 3 && memcmp(text + at, "\xef\xbb\xbf", 3) == 0)
			at += 3;
		else
			return at;
	}
}

bool writer_formula(const char *text, size_t len)
{
	static const char *const signs[] = { "=", "@", "＝", "＠", "+", "-", "＋", "－", "\t", "\r" };
	enum { ALWAYS = 4, ALL = sizeof(signs) / sizeof(signs[0]) };
	size_t skip = unseen(text, len), sign = 0, i;

	text += skip;
	len -= skip;
	for (i = 0; i < ALL; i++) {
		sign = strlen(signs[i]);
		if (len >= sign && memcmp(text, signs[i], sign) == 0)
			break;
	}
	/* Amounts of money that were asked for as text are no formulas. */
	return i < ALWAYS ||
	       (i < ALL && (len == sign || strspn(text + sign, "0123456789., %'") < len - sign));
}

void writer_open(struct writer *writer, enum spec_format format, const char *const *names, size_t count,
		 int fd, int64_t room)
{
	*writer = (struct writer){ .kind = KINDS[format],
				   .fd = fd,
				   .room = room,
				   .names = names,
				   .count = count,
				   .delimiter = format == SPEC_TSV ? '\t' : ',' };
}

/* Takes what was appended to line, if there is room; the tail must find room behind it. */
static bool line_take(struct writer *writer, size_t tail, struct err *err)
{
	bool fits = writer->bytes + (int64_t)(writer->line.len + tail) <= writer->room;

	if (fits) {
		buf_add(&writer->out, writer->line.data, writer->line.len);
		writer->bytes += (int64_t)writer->line.len;
	}
	buf_clear(&writer->line);
	if (fits && writer->out.len >= PIECE) {
		fits = writer_put(writer->fd, writer->out.data, writer->out.len, err);
		buf_clear(&writer->out);
	}
	return fits;
}

bool writer_begin(struct writer *writer, struct err *err)
{
	if (!writer->kind->begin(writer, err))
		return false;
	return line_take(writer, writer->kind->tail, err) ||
	       parse_fail(err, "too_large", "Not even the names of the columns fit into %lld bytes.",
			  (long long)writer->room);
}

bool writer_row(struct writer *writer, const struct value_out *values)
{
	if (!writer->kind->row(writer, values)) {
		buf_clear(&writer->line);
		return false;
	}
	if (!line_take(writer, writer->kind->tail, NULL)) {
		writer->why = "the size that is allowed";
		return false;
	}
	writer->rows++;
	return true;
}

bool writer_end(struct writer *writer, struct err *err)
{
	if (!writer->kind->end(writer, err) || !line_take(writer, 0, err))
		return false;
	return writer_put(writer->fd, buf_str(&writer->out), writer->out.len, err);
}

void writer_close(struct writer *writer)
{
	if (writer->kind->close != NULL)
		writer->kind->close(writer);
	buf_free(&writer->out);
	buf_free(&writer->line);
}
