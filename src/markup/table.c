/* Tables as plain text: lines aligned by what the characters take on a screen, for platforms that have none. */
#include "buf.h"
#include "markup.h"
#include "mem.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uniwidth.h>

/* Wider cells are shown whole and push the rest of their line to the right: one long cell makes no line long. */
enum { COLUMN_MAX = 40 };

struct column {
	size_t width;
	enum markup_align align;
};

struct table {
	struct column *columns;
	size_t count;
};

static size_t width(const char *text)
{
	int columns = u8_strwidth((const uint8_t *)text, "UTF-8");

	return columns < 0 ? 0 : (size_t)columns;
}

static void add_words(struct buf *buf, const struct markup_node *node)
{
	size_t start = buf->len;

	if (node->text)
		buf_add(buf, node->text, node->len);
	for (const struct markup_node *child = node->first; child; child = child->next)
		add_words(buf, child);
	if (node->target && (buf->len == start || strcmp(buf->data + start, node->target) != 0))
		buf_format(buf, buf->len > start ? " (%s)" : "%s", node->target);
}

/* Plain text holds no links: the address follows the words. */
static char *cell_words(const struct markup_node *cell)
{
	struct buf buf = { 0 };

	add_words(&buf, cell);
	for (size_t i = 0; i < buf.len; i++)
		if ((unsigned char)buf.data[i] < ' ')
			buf.data[i] = ' ';
	return buf_take(&buf);
}

static struct table measure(const struct markup_node *node)
{
	struct table table = { 0 };

	for (const struct markup_node *row = node->first; row; row = row->next) {
		size_t i = 0;

		for (const struct markup_node *cell = row->first; cell; cell = cell->next, i++) {
			char *words = cell_words(cell);
			size_t wide = width(words);

			if (i == table.count) {
				table.columns =
					mem_resize(table.columns, ++table.count, sizeof(*table.columns));
				table.columns[i] = (struct column){ .align = cell->align };
			}
			wide = wide < COLUMN_MAX ? wide : COLUMN_MAX;
			if (wide > table.columns[i].width)
				table.columns[i].width = wide;
			free(words);
		}
	}
	return table;
}

static void pad(struct buf *buf, const char *sign, size_t n)
{
	while (n--)
		buf_text(buf, sign);
}

static void add_cell(struct buf *buf, const char *words, const struct column *column, bool last)
{
	size_t wide = width(words), space = wide < column->width ? column->width - wide : 0, left = 0;

	if (column->align == MARKUP_ALIGN_RIGHT)
		left = space;
	else if (column->align == MARKUP_ALIGN_CENTER)
		left = space / 2;
	pad(buf, " ", left);
	buf_text(buf, words);
	if (!last)
		pad(buf, " ", space - left);
}

static void add_row(struct buf *buf, const struct markup_node *row, const struct table *table)
{
	size_t i = 0;

	for (const struct markup_node *cell = row->first; cell; cell = cell->next, i++) {
		char *words = cell_words(cell);

		if (i > 0)
			buf_text(buf, " | ");
		add_cell(buf, words, &table->columns[i], i + 1 == table->count);
		free(words);
	}
	buf_text(buf, "\n");
}

static void add_line(struct buf *buf, const struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		if (i > 0)
			buf_text(buf, "-+-");
		pad(buf, "-", table->columns[i].width);
	}
	buf_text(buf, "\n");
}

char *markup_table(const struct markup_node *node)
{
	struct table table = measure(node);
	struct buf buf = { 0 };

	for (const struct markup_node *row = node->first; row; row = row->next) {
		add_row(&buf, row, &table);
		if (row == node->first)
			add_line(&buf, &table);
	}
	free(table.columns);
	return buf_take(&buf);
}
