/* Running text: see flow.h. Everything open is bounded: long paragraphs leave in pieces, long cells are cut. */
#include "flow.h"
#include "mem.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_MAX = 64 << 10, CELL_MAX = 256 << 10, ROW_MAX = 8 << 20 };

void flow_free(struct flow *flow)
{
	for (unsigned i = 0; i < FLOW_OPEN_MAX; i++)
		buf_free(&flow->open[i]);
	buf_free(&flow->row);
	free(flow->starts);
	flow->starts = NULL;
}

void flow_place(struct flow *flow, const char *place)
{
	size_t len = text_fit(place, strlen(place), FLOW_PLACE_MAX);

	snprintf(flow->place, sizeof(flow->place), "%.*s%s", (int)len, place, place[len] ? "…" : "");
}

static struct buf *paragraph_open(struct flow *flow)
{
	unsigned at = flow->depth == 0 ? 0 : flow->depth - 1;

	return &flow->open[at < FLOW_OPEN_MAX ? at : FLOW_OPEN_MAX - 1];
}

void flow_paragraph_begin(struct flow *flow)
{
	flow->depth++;
	if (flow->depth <= FLOW_OPEN_MAX)
		buf_clear(paragraph_open(flow));
}

static void send(struct flow *flow, const char *text, size_t len)
{
	if (!flow->enough && !flow->sink->text(flow->sink, flow->place, text, len))
		flow->enough = true;
}

static void cell_add(struct flow *flow, const char *text, size_t len)
{
	size_t cell = flow->row.len - flow->starts[flow->columns];
	size_t room = cell < CELL_MAX && flow->row.len < ROW_MAX ? CELL_MAX - cell : 0;

	if (len > room) {
		len = text_fit(text, len, room);
		if (!flow->cut_cell)
			flow->sink->warn(flow->sink, "a cell of a table was too long and was cut");
		flow->cut_cell = true;
	}
	buf_add(&flow->row, text, len);
}

void flow_text(struct flow *flow, const char *text, size_t len)
{
	struct buf *open = paragraph_open(flow);

	if (flow->depth == 0)
		return;
	buf_add(open, text, len);
	if (open->len < PIECE_MAX)
		return;
	len = text_whole(open->data, open->len);
	if (flow->cells > 0)
		cell_add(flow, open->data, len);
	else
		send(flow, open->data, len);
	buf_drop(open, len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void trim(struct buf *text)
{
	size_t front = 0;

	while (front < text->len && is_blank(text->data[front]))
		front++;
	if (front > 0)
		buf_drop(text, front);
	while (text->len > 0 && is_blank(text->data[text->len - 1]))
		buf_cut(text, text->len - 1);
}

static void section_begin(struct flow *flow, const char *heading)
{
	char *line = text_one_line(heading);

	if (*line)
		flow_place(flow, line);
	free(line);
}

static void item_mark(struct buf *text, unsigned list, const char *mark)
{
	struct buf whole = { 0 };

	for (unsigned i = 1; i < list && i < 10; i++)
		buf_text(&whole, "  ");
	buf_text(&whole, mark ? mark : "-");
	buf_text(&whole, " ");
	buf_add(&whole, text->data, text->len);
	buf_free(text);
	*text = whole;
}

void flow_paragraph_end(struct flow *flow, bool heading, unsigned list, const char *mark)
{
	struct buf *open = paragraph_open(flow);

	if (flow->depth == 0)
		return;
	trim(open);
	if (open->len > 0) {
		if (heading && flow->cells == 0)
			section_begin(flow, open->data);
		if (list > 0)
			item_mark(open, list, mark);
		if (flow->cells > 0) {
			if (flow->row.len > flow->starts[flow->columns])
				cell_add(flow, "\n", 1);
			cell_add(flow, open->data, open->len);
		} else {
			send(flow, open->data, open->len);
		}
	}
	if (flow->depth <= FLOW_OPEN_MAX)
		buf_clear(open);
	flow->depth--;
}

void flow_table_begin(struct flow *flow)
{
	char name[40], place[sizeof(flow->place) + 48];

	if (flow->tables++ > 0)
		return;
	snprintf(name, sizeof(name), "table %lld", (long long)++flow->table_count);
	snprintf(place, sizeof(place), "%s%s%s", flow->place, *flow->place ? ", " : "", name);
	flow->row_number = 0;
	if (!flow->enough && !flow->sink->table(flow->sink, name, place))
		flow->enough = true;
}

void flow_row_begin(struct flow *flow)
{
	if (flow->tables != 1)
		return;
	if (flow->starts == NULL)
		flow->starts = mem_zero(FLOW_COLUMNS_MAX + 1, sizeof(*flow->starts));
	buf_clear(&flow->row);
	flow->columns = 0;
	flow->starts[0] = 0;
}

void flow_cell_begin(struct flow *flow)
{
	if (flow->tables == 0 || flow->starts == NULL)
		return;
	flow->cells++; /* a table in a cell is text of that cell */
}

void flow_cell_end(struct flow *flow, long span)
{
	if (flow->cells == 0 || --flow->cells > 0)
		return;
	for (long i = 0; i < span && i < FLOW_COLUMNS_MAX && flow->columns < FLOW_COLUMNS_MAX; i++) {
		buf_add(&flow->row, "", 1);
		flow->starts[++flow->columns] = flow->row.len;
	}
}

void flow_row_end(struct flow *flow, bool dropped)
{
	struct cell *cells;

	if (flow->tables != 1 || flow->starts == NULL || dropped)
		return;
	cells = mem_zero(flow->columns + 1, sizeof(*cells));
	for (size_t i = 0; i < flow->columns; i++) {
		cells[i].text = flow->row.data + flow->starts[i];
		cells[i].len = flow->starts[i + 1] - flow->starts[i] - 1;
		cells[i].type = cells[i].len ? CELL_TEXT : CELL_EMPTY;
	}
	if (!flow->enough && !flow->sink->row(flow->sink, ++flow->row_number, cells, flow->columns, "row"))
		flow->enough = true;
	free(cells);
}

void flow_table_end(struct flow *flow)
{
	if (flow->tables > 0)
		flow->tables--;
	if (flow->tables == 0)
		flow->cells = 0;
}
