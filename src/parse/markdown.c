/* Markdown by md4c: texts stand at their headings, tables are tables. */
#include "charset.h"
#include "mem.h"
#include <libxml/HTMLparser.h>
#include <md4c.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

enum {
	WHOLE_MAX = 16 << 20, /* bytes: md4c wants the whole; larger ones are read as plain text */
	CELLS_MAX = 1000,
	LISTS_MAX = 16, /* lists in lists whose items are counted */
};

struct document {
	struct sink *sink;
	const char *name;
	bool over, in_table, told;
	char *heading;
	struct buf text, cells_text;
	size_t starts[CELLS_MAX], cells_count;
	int64_t row;
	bool head_row, titled;
	unsigned lists;		   /* open ones */
	unsigned items[LISTS_MAX]; /* of each the number of the next item; 0: it has none */
};

static void text_end(struct document *document)
{
	if (document->text.len > 0 && !document->over)
		document->over =
			!document->sink->text(document->sink, document->heading ? document->heading : "",
					      document->text.data, document->text.len);
	buf_clear(&document->text);
}

static void row_end(struct document *document)
{
	struct cell cells[CELLS_MAX];
	const char *names[CELLS_MAX], *place = document->heading ? document->heading : "";
	size_t count = document->cells_count;

	for (size_t i = 0; i < count; i++) {
		names[i] = document->cells_text.data + document->starts[i];
		cells[i].text = names[i];
		cells[i].len = strlen(names[i]);
		cells[i].type = cells[i].len ? CELL_TEXT : CELL_EMPTY;
	}
	document->row++;
	if (!document->told)
		document->over =
			!document->sink->table(document->sink, place[0] ? place : document->name, place);
	document->told = true;
	if (!document->over && document->head_row)
		document->over = !document->sink->columns(document->sink, names, count);
	else if (!document->over)
		document->over = !document->sink->row(document->sink, document->row, cells, count, "row");
	document->cells_count = 0;
	buf_clear(&document->cells_text);
}

static void list_begin(struct document *document, unsigned first, bool numbered)
{
	if (document->lists < LISTS_MAX)
		document->items[document->lists] = numbered ? (first ? first : 1) : 0;
	document->lists++;
}

/* What stands before an item: people refer to it by its number. */
static void item_mark(struct document *document)
{
	unsigned *item = document->lists > 0 && document->lists <= LISTS_MAX
				 ? &document->items[document->lists - 1]
				 : NULL;

	text_end(document);
	if (item != NULL && *item > 0)
		buf_format(&document->text, "%u. ", (*item)++);
	else
		buf_text(&document->text, "- ");
}

static int on_enter(MD_BLOCKTYPE type, void *detail, void *owner)
{
	struct document *document = owner;

	switch (type) {
	case MD_BLOCK_OL:
		text_end(document);
		list_begin(document, ((const MD_BLOCK_OL_DETAIL *)detail)->start, true);
		break;
	case MD_BLOCK_UL:
		text_end(document);
		list_begin(document, 0, false);
		break;
	case MD_BLOCK_LI:
		item_mark(document);
		break;
	case MD_BLOCK_TABLE:
		text_end(document);
		document->in_table = true;
		document->told = false;
		document->row = 0;
		break;
	case MD_BLOCK_THEAD:
		document->head_row = true;
		break;
	case MD_BLOCK_TBODY:
		document->head_row = false;
		break;
	case MD_BLOCK_H:
	case MD_BLOCK_CODE:
	case MD_BLOCK_HTML:
		text_end(document);
		break;
	default:
		break;
	}
	return document->over;
}

static void heading_end(struct document *document, const MD_BLOCK_H_DETAIL *detail)
{
	if (document->text.len > 0) {
		free(document->heading);
		document->heading = mem_text(document->text.data);
		if (detail->level == 1 && !document->titled)
			document->sink->title(document->sink, document->heading);
		document->titled |= detail->level == 1;
	}
	text_end(document);
}

static int on_leave(MD_BLOCKTYPE type, void *detail, void *owner)
{
	struct document *document = owner;

	switch (type) {
	case MD_BLOCK_H:
		heading_end(document, detail);
		break;
	case MD_BLOCK_TD:
	case MD_BLOCK_TH:
		if (document->cells_count < CELLS_MAX) {
			document->starts[document->cells_count++] = document->cells_text.len;
			buf_add(&document->cells_text, buf_str(&document->text), document->text.len);
			buf_add(&document->cells_text, "", 1);
		}
		buf_clear(&document->text);
		break;
	case MD_BLOCK_TR:
		row_end(document);
		break;
	case MD_BLOCK_OL:
	case MD_BLOCK_UL:
		document->lists -= document->lists > 0;
		break;
	case MD_BLOCK_TABLE:
		document->in_table = false;
		break;
	case MD_BLOCK_P:
	case MD_BLOCK_LI:
	case MD_BLOCK_CODE:
	case MD_BLOCK_HTML:
		text_end(document);
		break;
	default:
		break;
	}
	return document->over;
}

static int on_span(MD_SPANTYPE type, void *detail, void *owner)
{
	(void)type;
	(void)detail;
	(void)owner;
	return 0;
}

/* "&amp;", "&#38;", "&#x26;" */
static void entity_add(struct buf *out, const char *text, size_t len)
{
	char *name = mem_text_n(text + 1, len > 2 ? len - 2 : 0);
	const htmlEntityDesc *known = htmlEntityLookup((const xmlChar *)name);
	unsigned long value = known ? known->value : 0;
	uint8_t bytes[6];
	int n;

	if (name[0] == '#')
		value = name[1] == 'x' || name[1] == 'X' ? strtoul(name + 2, NULL, 16)
							 : strtoul(name + 1, NULL, 10);
	n = value > 0 && value < 0x110000 ? u8_uctomb(bytes, (ucs4_t)value, sizeof(bytes)) : -1;
	if (n > 0)
		buf_add(out, bytes, (size_t)n);
	else
		buf_add(out, text, len);
	free(name);
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *owner)
{
	struct document *document = owner;

	switch (type) {
	case MD_TEXT_NULLCHAR:
		buf_text(&document->text, " ");
		break;
	case MD_TEXT_BR:
	case MD_TEXT_SOFTBR:
		buf_text(&document->text, document->in_table ? " " : "\n");
		break;
	case MD_TEXT_ENTITY:
		entity_add(&document->text, text, size);
		break;
	case MD_TEXT_HTML:
		break; /* marks, not words */
	default:
		buf_add(&document->text, text, size);
	}
	return document->over;
}

static bool markdown_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	static const MD_PARSER parser = { .flags = MD_DIALECT_GITHUB,
					  .enter_block = on_enter,
					  .leave_block = on_leave,
					  .enter_span = on_span,
					  .leave_span = on_span,
					  .text = on_text };
	struct document *document;
	struct stream *stream;
	struct buf text = { 0 };
	const char *data;
	size_t len;
	bool good;

	if (input->size > WHOLE_MAX)
		return text_reader.read(parse, input, sink, err);
	stream = stream_open(parse, input, NULL);
	while (stream_next(stream, &data, &len))
		buf_add(&text, data, len);
	stream_close(stream);
	document = mem_zero(1, sizeof(*document));
	document->sink = sink;
	document->name = input->name;
	good = md_parse(buf_str(&text), (MD_SIZE)text.len, &parser, document) == 0 || document->over;
	text_end(document);
	buf_free(&text);
	buf_free(&document->text);
	buf_free(&document->cells_text);
	free(document->heading);
	free(document);
	return good || parse_fail(err, "too_large", "There is no memory for the document.");
}

const struct reader markdown_reader = { "markdown", "text/markdown", markdown_read };
