/* Running text of office formats (docx, odt, pptx): paragraphs, headings as places, lists, tables. Readers say what begins
 * and ends; this keeps what is open and tells the sink. */
#ifndef USHER_FLOW_H
#define USHER_FLOW_H

#include "buf.h"
#include "parse_room.h"

enum { FLOW_OPEN_MAX = 8, FLOW_COLUMNS_MAX = 1000, FLOW_PLACE_MAX = 300 };

struct flow {
	struct sink *sink;
	bool enough;			 /* the sink wants no more */
	struct buf open[FLOW_OPEN_MAX];	 /* paragraphs inside paragraphs: text boxes */
	unsigned depth;			 /* of open paragraphs; beyond FLOW_OPEN_MAX they run into the last */
	char place[FLOW_PLACE_MAX + 16]; /* "Prices", the heading */
	int64_t table_count;
	unsigned tables; /* open ones, one inside the other */
	unsigned cells;	 /* cells open, one in each table */
	struct buf row;	 /* texts of the cells of the outer table's row, each with its NUL */
	size_t *starts;	 /* of the cells in row */
	size_t columns;
	int64_t row_number;
	bool cut_cell;
};

void flow_free(struct flow *flow);

/* What follows stands there: "slide 4", "footnote 2". Longer ones are cut. */
void flow_place(struct flow *flow, const char *place);

void flow_paragraph_begin(struct flow *flow);
void flow_text(struct flow *flow, const char *text, size_t len);
/* heading: what follows is its section. list: 0 none, 1 an item, 2 an item of a list in a list... mark: what stands before
 * an item, NULL: "-". */
void flow_paragraph_end(struct flow *flow, bool heading, unsigned list, const char *mark);

void flow_table_begin(struct flow *flow);
void flow_row_begin(struct flow *flow);
void flow_cell_begin(struct flow *flow);
/* span: columns that the cell covers, at least 1. */
void flow_cell_end(struct flow *flow, long span);
/* dropped: as if it had not been there (a deletion that is tracked). */
void flow_row_end(struct flow *flow, bool dropped);
void flow_table_end(struct flow *flow);

#endif
