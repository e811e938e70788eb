/* Formats that are text. */
#include "json.h"
#include "writer.h"
#include <string.h>

static bool nothing(struct writer *writer, struct err *err)
{
	(void)writer;
	(void)err;
	return true;
}

/* ---- CSV (RFC 4180) and TSV, quoted alike ----------------------------------------------------------------------- */

static void field_add(struct writer *writer, const char *text, size_t len, bool formulas)
{
	const char special[] = { '"', '\n', '\r', writer->delimiter };
	bool formula = formulas && writer_formula(text, len), quoted = false;
	struct buf *line = &writer->line;

	for (size_t i = 0; i < sizeof(special) && len > 0; i++)
		quoted = quoted || memchr(text, special[i], len) != NULL;
	quoted = quoted || (len > 0 && (text[0] == ' ' || text[len - 1] == ' '));
	if (quoted)
		buf_text(line, "\"");
	if (formula)
		buf_text(line, "'");
	while (quoted && len > 0) {
		const char *quote = memchr(text, '"', len);
		size_t part = quote ? (size_t)(quote - text) + 1 : len;

		buf_add(line, text, part);
		if (quote != NULL)
			buf_text(line, "\"");
		text += part;
		len -= part;
	}
	buf_add(line, text, len);
	if (quoted)
		buf_text(line, "\"");
}

static bool delimited_begin(struct writer *writer, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < writer->count; i++) {
		if (i > 0)
			buf_add(&writer->line, &writer->delimiter, 1);
		field_add(writer, writer->names[i], strlen(writer->names[i]), true);
	}
	buf_text(&writer->line, "\r\n");
	return true;
}

static bool delimited_row(struct writer *writer, const struct value_out *values)
{
	for (size_t i = 0; i < writer->count; i++) {
		if (i > 0)
			buf_add(&writer->line, &writer->delimiter, 1);
		field_add(writer, buf_str(&values[i].text), values[i].text.len, values[i].kind == OUT_TEXT);
	}
	/* A line with nothing on it is no row of one column. */
	if (writer->count == 1 && values[0].text.len == 0)
		buf_text(&writer->line, "\"\"");
	buf_text(&writer->line, "\r\n");
	return true;
}

const struct writer_kind writer_delimited = { delimited_begin, delimited_row, nothing, NULL, 0 };

/* ---- JSON ------------------------------------------------------------------------------------------------------------ */

static void object_add(struct writer *writer, const struct value_out *values)
{
	struct buf *line = &writer->line;

	buf_text(line, "{");
	for (size_t i = 0; i < writer->count; i++) {
		if (i > 0)
			buf_text(line, ",");
		json_quote(line, writer->names[i], strlen(writer->names[i]));
		buf_text(line, ":");
		if (values[i].kind == OUT_NULL)
			buf_text(line, "null");
		else if (values[i].kind == OUT_NUMBER || values[i].kind == OUT_BOOLEAN)
			buf_add(line, values[i].text.data, values[i].text.len);
		else
			json_quote(line, buf_str(&values[i].text), values[i].text.len);
	}
	buf_text(line, "}");
}

static bool json_begin(struct writer *writer, struct err *err)
{
	(void)err;
	buf_text(&writer->line, "[");
	return true;
}

static bool json_row(struct writer *writer, const struct value_out *values)
{
	buf_text(&writer->line, writer->rows ? ",\n" : "\n");
	object_add(writer, values);
	return true;
}

static bool json_end(struct writer *writer, struct err *err)
{
	(void)err;
	buf_text(&writer->line, writer->rows ? "\n]\n" : "]\n");
	return true;
}

static bool ndjson_row(struct writer *writer, const struct value_out *values)
{
	object_add(writer, values);
	buf_text(&writer->line, "\n");
	return true;
}

const struct writer_kind writer_json = { json_begin, json_row, json_end, NULL, 3 };
const struct writer_kind writer_ndjson = { nothing, ndjson_row, nothing, NULL, 0 };

/* ---- Markdown --------------------------------------------------------------------------------------------------------- */

/* Nothing in a value is markup, and a row is one line. */
static void cell_add(struct buf *line, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' || text[i] == '\r') {
			buf_text(line, " ");
			continue;
		}
		if (strchr("\\`*_[]<>|~", text[i]) != NULL)
			buf_text(line, "\\");
		buf_add(line, &text[i], 1);
	}
}

static bool markdown_begin(struct writer *writer, struct err *err)
{
	struct buf *line = &writer->line;

	(void)err;
	for (size_t i = 0; i < writer->count; i++) {
		buf_text(line, "| ");
		cell_add(line, writer->names[i], strlen(writer->names[i]));
		buf_text(line, " ");
	}
	buf_text(line, "|\n");
	for (size_t i = 0; i < writer->count; i++)
		buf_text(line, "| --- ");
	buf_text(line, "|\n");
	return true;
}

static bool markdown_row(struct writer *writer, const struct value_out *values)
{
	for (size_t i = 0; i < writer->count; i++) {
		buf_text(&writer->line, "| ");
		if (values[i].kind == OUT_NUMBER)
			buf_add(&writer->line, values[i].text.data, values[i].text.len);
		else
			cell_add(&writer->line, buf_str(&values[i].text), values[i].text.len);
		buf_text(&writer->line, " ");
	}
	buf_text(&writer->line, "|\n");
	return true;
}

const struct writer_kind writer_markdown = { markdown_begin, markdown_row, nothing, NULL, 0 };

/* ---- plain text: a paragraph for each row --------------------------------------------------------------------------- */

static bool text_row(struct writer *writer, const struct value_out *values)
{
	struct buf *line = &writer->line;

	if (writer->rows > 0)
		buf_text(line, "\n");
	for (size_t i = 0; i < writer->count; i++) {
		const char *text = buf_str(&values[i].text);

		if (values[i].kind == OUT_NULL)
			continue;
		buf_text(line, writer->names[i]);
		buf_text(line, ": ");
		for (size_t k = 0; k < values[i].text.len; k++)
			buf_add(line, text[k] == '\n' || text[k] == '\r' ? " " : &text[k], 1);
		buf_text(line, "\n");
	}
	return true;
}

const struct writer_kind writer_text = { nothing, text_row, nothing, NULL, 0 };

/* ---- only the report -------------------------------------------------------------------------------------------------- */

static bool none_row(struct writer *writer, const struct value_out *values)
{
	(void)writer;
	(void)values;
	return true;
}

const struct writer_kind writer_none = { nothing, none_row, nothing, NULL, 0 };
