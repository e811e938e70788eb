/* Plain text in any character set: paragraphs with their lines. */
#include "text.h"
#include "buf.h"
#include "charset.h"
#include <stdio.h>
#include <string.h>

enum { PARAGRAPH_MAX = 4096 }; /* bytes: longer ones are handed on in parts */

struct writer {
	struct sink *sink;
	struct buf text;
	int64_t first, line; /* of the paragraph; the one that is read now */
	bool blank;	     /* nothing but white space in the line so far */
	bool over;	     /* the sink has enough */
};

static void paragraph_end(struct writer *writer, int64_t last)
{
	char place[64];

	while (writer->text.len > 0 && writer->text.data[writer->text.len - 1] == '\n')
		buf_cut(&writer->text, writer->text.len - 1);
	if (writer->text.len > 0 && !writer->over) {
		if (writer->first == last)
			snprintf(place, sizeof(place), "line %lld", (long long)last);
		else
			snprintf(place, sizeof(place), "lines %lld-%lld", (long long)writer->first,
				 (long long)last);
		writer->over = !writer->sink->text(writer->sink, place, writer->text.data, writer->text.len);
	}
	buf_clear(&writer->text);
}

static void part_add(struct writer *writer, const char *data, size_t len)
{
	while (len > 0 && !writer->over) {
		size_t room = PARAGRAPH_MAX - writer->text.len,
		       n = len < room ? len : text_fit(data, len, room);

		if (n == 0) {
			paragraph_end(writer, writer->line);
			continue;
		}
		if (writer->text.len == 0)
			writer->first = writer->line;
		buf_add(&writer->text, data, n);
		data += n;
		len -= n;
		if (writer->text.len >= PARAGRAPH_MAX - 4)
			paragraph_end(writer, writer->line);
	}
}

static void lines_add(struct writer *writer, const char *data, size_t len)
{
	while (len > 0 && !writer->over) {
		const char *end = memchr(data, '\n', len);
		size_t part = end ? (size_t)(end - data) : len;

		for (size_t i = 0; i < part && writer->blank; i++)
			writer->blank = strchr(" \t\r\f", data[i]) != NULL;
		if (!writer->blank)
			part_add(writer, data, part - (part > 0 && data[part - 1] == '\r'));
		if (end == NULL)
			return;
		if (writer->blank)
			paragraph_end(writer, writer->line - 1);
		else if (writer->text.len > 0)
			part_add(writer, "\n", 1);
		writer->blank = true;
		writer->line++;
		data += part + 1;
		len -= part + 1;
	}
}

static bool text_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct writer writer = { .sink = sink, .line = 1, .blank = true };
	struct stream *stream = stream_open(parse, input, NULL);
	const char *data;
	size_t len;

	(void)err;
	while (!writer.over && stream_next(stream, &data, &len))
		lines_add(&writer, data, len);
	paragraph_end(&writer, writer.blank && writer.line > writer.first ? writer.line - 1 : writer.line);
	stream_close(stream);
	buf_free(&writer.text);
	return true;
}

const struct reader text_reader = { "text", "text/plain", text_read };
