/* HTML, as a stream of libxml2's events: no tree, no network, no entities of its own. Texts stand at their headings, tables of
 * data are tables; tables that only lay out a page are text. */
#include "charset.h"
#include "mem.h"
#include <ctype.h>
#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	TEXT_MAX = 1 << 20, /* bytes of a paragraph or cell */
	PIECE = 1 << 14,    /* bytes given to libxml2 at once */
	CELLS_MAX = 1000,
	SPAN_MAX = 100, /* columns that one cell may cover */
	META_LOOK = 4096,
	LISTS_MAX = 16, /* lists in lists whose items are counted */
	ITEM_MAX = 1000000,
};

struct html_cell {
	size_t start, len;
};

struct html {
	struct sink *sink;
	const char *name;
	bool over;
	unsigned skip; /* depth inside of elements that are not shown */
	bool in_title;
	struct buf text, title; /* the paragraph so far */
	char *heading;
	/* The outermost table. */
	unsigned tables;	  /* depth */
	bool layout, told, heads; /* told: the sink knows of it; heads: the row has nothing but headings */
	int64_t row;
	struct buf cells_text;
	struct html_cell cells[CELLS_MAX];
	size_t cells_count;
	unsigned span;
	unsigned lists;			/* open ones */
	unsigned long items[LISTS_MAX]; /* of each the number of the next item; 0: it has none */
};

static bool one_of(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcasecmp(name, *names) == 0)
			return true;
	return false;
}

static bool is_hidden(const char *name)
{
	static const char *const names[] = { "script", "style",	 "noscript", "template", "svg",
					     "math",   "object", "iframe",   NULL };

	return one_of(name, names);
}

static bool is_block(const char *name)
{
	static const char *const names[] = { "p",	"div",	  "br",	   "hr",     "ul",	   "ol",
					     "dl",	"li",	  "dt",	   "dd",     "pre",	   "section",
					     "article", "header", "table", "footer", "blockquote", "figure",
					     "form",	"main",	  "nav",   "aside",  "body",	   "address",
					     "caption", "tr",	  "td",	   "th",     NULL };

	return one_of(name, names);
}

static bool is_heading(const char *name)
{
	return (name[0] == 'h' || name[0] == 'H') && name[1] >= '1' && name[1] <= '6' && name[2] == '\0';
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static void trim(struct buf *text)
{
	while (text->len > 0 && isspace((unsigned char)text->data[text->len - 1]))
		buf_cut(text, text->len - 1);
}

static void paragraph_end(struct html *html)
{
	trim(&html->text);
	if (html->text.len > 0 && !html->over)
		html->over = !html->sink->text(html->sink, html->heading ? html->heading : "",
					       html->text.data, html->text.len);
	buf_clear(&html->text);
}

static void heading_end(struct html *html)
{
	trim(&html->text);
	if (html->text.len > 0) {
		free(html->heading);
		html->heading = mem_text(buf_str(&html->text));
	}
	paragraph_end(html);
}

/* White space of any length is one blank, as a browser shows it. */
static void text_add(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len && out->len < TEXT_MAX; i++) {
		bool space = strchr(" \t\r\n\f", text[i]) != NULL;

		if (space && (out->len == 0 || out->data[out->len - 1] == ' '))
			continue;
		buf_add(out, space ? " " : text + i, 1);
	}
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static void cell_end(struct html *html)
{
	trim(&html->text);
	for (unsigned i = 0; i < html->span && html->cells_count < CELLS_MAX; i++) {
		html->cells[html->cells_count++] =
			(struct html_cell){ html->cells_text.len, i ? 0 : html->text.len };
		if (i == 0)
			buf_add(&html->cells_text, buf_str(&html->text), html->text.len);
		buf_add(&html->cells_text, "", 1);
	}
	buf_clear(&html->text);
	html->span = 0;
}

static void cells_as_text(struct html *html)
{
	for (size_t i = 0; i < html->cells_count && !html->over; i++) {
		buf_add(&html->text, html->cells_text.data + html->cells[i].start, html->cells[i].len);
		paragraph_end(html);
	}
}

static void cells_as_row(struct html *html)
{
	struct cell *cells = mem_zero(html->cells_count, sizeof(*cells));
	const char **names = mem_alloc(html->cells_count * sizeof(*names));
	const char *place = html->heading ? html->heading : "";

	for (size_t i = 0; i < html->cells_count; i++) {
		names[i] = html->cells_text.data + html->cells[i].start;
		cells[i] = (struct cell){ html->cells[i].len ? CELL_TEXT : CELL_EMPTY, names[i],
					  html->cells[i].len };
	}
	html->row++;
	if (!html->told)
		html->over = !html->sink->table(html->sink, place[0] ? place : html->name, place);
	if (!html->over && !html->told && html->heads)
		html->over = !html->sink->columns(html->sink, names, html->cells_count);
	else if (!html->over)
		html->over = !html->sink->row(html->sink, html->row, cells, html->cells_count, "row");
	html->told = true;
	free(cells);
	free(names);
}

static void row_end(struct html *html)
{
	if (html->span > 0)
		cell_end(html);
	if (html->cells_count == 0 || html->over)
		return;
	/* One column is no table but a page's frame. */
	if (!html->told && html->cells_count < 2)
		html->layout = true;
	if (html->layout)
		cells_as_text(html);
	else
		cells_as_row(html);
	html->cells_count = 0;
	buf_clear(&html->cells_text);
	html->heads = true;
}

/* A number that is an attribute, between 1 and most; 0: there is none. */
static unsigned long attribute_number(const xmlChar **attributes, const char *name, unsigned long most)
{
	for (; attributes != NULL && attributes[0] != NULL; attributes += 2)
		if (strcasecmp((const char *)attributes[0], name) == 0 && attributes[1] != NULL) {
			unsigned long value = strtoul((const char *)attributes[1], NULL, 10);

			return value < 1 ? 1 : value > most ? most : value;
		}
	return 0;
}

static unsigned span_of(const xmlChar **attributes)
{
	unsigned long span = attribute_number(attributes, "colspan", SPAN_MAX);

	return span ? (unsigned)span : 1;
}

static void table_begins(struct html *html)
{
	if (html->tables++ > 0) {
		/* A table in a table: the outer one lays out the page. */
		if (!html->told) {
			if (html->span > 0)
				cell_end(html);
			cells_as_text(html);
			html->cells_count = 0;
			buf_clear(&html->cells_text);
			html->tables = 1;
			html->layout = false;
		}
		return;
	}
	html->layout = html->told = false;
	html->heads = true;
	html->row = 0;
	html->cells_count = 0;
	buf_clear(&html->cells_text);
}

static void table_ends(struct html *html)
{
	if (html->tables == 0 || --html->tables > 0)
		return;
	row_end(html);
	html->told = false;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static bool is_list(const char *name)
{
	return one_of(name, (const char *const[]){ "ol", "ul", "menu", NULL });
}

static void list_begins(struct html *html, const char *name, const xmlChar **attributes)
{
	unsigned long start = attribute_number(attributes, "start", ITEM_MAX);

	if (html->lists < LISTS_MAX)
		html->items[html->lists] = strcasecmp(name, "ol") != 0 ? 0 : start ? start : 1;
	html->lists++;
}

/* What stands before an item: people refer to it by its number. */
static void item_mark(struct html *html, const xmlChar **attributes)
{
	unsigned long *item =
		html->lists > 0 && html->lists <= LISTS_MAX ? &html->items[html->lists - 1] : NULL;
	unsigned long value = attribute_number(attributes, "value", ITEM_MAX);

	if (item == NULL || *item == 0) {
		text_add(&html->text, "- ", 2);
		return;
	}
	*item = value ? value : *item;
	buf_format(&html->text, "%lu. ", (*item)++);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static bool in_cell(const struct html *html)
{
	return html->tables > 0 && html->span > 0;
}

static void on_start(void *owner, const xmlChar *element, const xmlChar **attributes)
{
	struct html *html = owner;
	const char *name = (const char *)element;

	if (html->over)
		return;
	if (is_hidden(name))
		html->skip++;
	if (html->skip > 0)
		return;
	html->in_title = html->in_title || strcasecmp(name, "title") == 0;
	if (in_cell(html) && html->tables == 1 &&
	    one_of(name, (const char *const[]){ "tr", "td", "th", NULL }))
		cell_end(html);
	else if (in_cell(html) && (is_block(name) || is_heading(name)))
		text_add(&html->text, " ", 1);
	else if (!in_cell(html) && (is_block(name) || is_heading(name)))
		paragraph_end(html);
	if (strcasecmp(name, "table") == 0)
		table_begins(html);
	else if (html->tables == 1 && strcasecmp(name, "tr") == 0)
		row_end(html);
	else if (html->tables == 1 && (strcasecmp(name, "td") == 0 || strcasecmp(name, "th") == 0)) {
		html->span = span_of(attributes);
		html->heads = html->heads && strcasecmp(name, "th") == 0;
	} else if (is_list(name)) {
		list_begins(html, name, attributes);
	} else if (strcasecmp(name, "li") == 0 && !in_cell(html)) {
		item_mark(html, attributes);
	}
}

static void on_end(void *owner, const xmlChar *element)
{
	struct html *html = owner;
	const char *name = (const char *)element;

	if (is_hidden(name)) {
		html->skip -= html->skip > 0;
		return;
	}
	if (html->over || html->skip > 0)
		return;
	html->lists -= html->lists > 0 && is_list(name);
	if (strcasecmp(name, "title") == 0 && html->in_title) {
		trim(&html->title);
		if (html->title.len > 0)
			html->sink->title(html->sink, buf_str(&html->title));
		html->in_title = false;
	} else if (strcasecmp(name, "table") == 0) {
		table_ends(html);
	} else if (html->tables == 1 && strcasecmp(name, "tr") == 0) {
		row_end(html);
	} else if (in_cell(html) && html->tables == 1 &&
		   (strcasecmp(name, "td") == 0 || strcasecmp(name, "th") == 0)) {
		cell_end(html);
	} else if (in_cell(html)) {
		if (is_block(name) || is_heading(name))
			text_add(&html->text, " ", 1);
	} else if (is_heading(name)) {
		heading_end(html);
	} else if (is_block(name)) {
		paragraph_end(html);
	}
}

static void on_text(void *owner, const xmlChar *text, int len)
{
	struct html *html = owner;

	if (html->over || html->skip > 0 || len <= 0)
		return;
	text_add(html->in_title ? &html->title : &html->text, (const char *)text, (size_t)len);
	if (html->text.len >= TEXT_MAX && !in_cell(html))
		paragraph_end(html);
}

/* What the page says about its character set; NULL: nothing. The caller frees. */
static char *declared_charset(const struct input *input)
{
	char head[META_LOOK + 1], *at;
	size_t len = input_read(input, 0, head, META_LOOK), n;

	for (size_t i = 0; i < len; i++)
		if (head[i] == '\0')
			head[i] = ' ';
	head[len] = '\0';
	at = strcasestr(head, "charset");
	if (at == NULL)
		return NULL;
	at += strlen("charset");
	at += strspn(at, " \t=\"'");
	n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:.");
	return n > 0 && n < 40 ? mem_text_n(at, n) : NULL;
}

static htmlParserCtxtPtr parser_open(struct html *html)
{
	htmlSAXHandler events = { .startElement = on_start,
				  .endElement = on_end,
				  .characters = on_text,
				  .ignorableWhitespace = on_text,
				  .cdataBlock = on_text };
	htmlParserCtxtPtr parser =
		htmlCreatePushParserCtxt(&events, html, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);

	if (parser == NULL)
		abort(); /* no memory */
	events = *parser->sax;
	htmlCtxtUseOptions(parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
					   HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	*parser->sax = events;
	return parser;
}

static bool html_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct html *html = mem_zero(1, sizeof(*html));
	char *declared = declared_charset(input);
	struct stream *stream = stream_open(parse, input, declared);
	htmlParserCtxtPtr parser = parser_open(html);
	const char *data;
	size_t len;

	(void)err;
	html->sink = sink;
	html->name = input->name;
	while (!html->over && stream_next(stream, &data, &len))
		for (size_t at = 0; at < len && !html->over; at += PIECE)
			htmlParseChunk(parser, data + at, (int)(len - at < PIECE ? len - at : PIECE), 0);
	htmlParseChunk(parser, NULL, 0, 1);
	html->tables = html->tables > 1 ? 1 : html->tables;
	table_ends(html);
	paragraph_end(html);
	htmlFreeParserCtxt(parser);
	stream_close(stream);
	buf_free(&html->text);
	buf_free(&html->title);
	buf_free(&html->cells_text);
	free(html->heading);
	free(html);
	free(declared);
	return true;
}

const struct reader html_reader = { "html", "text/html", html_read };
