/* Word documents: the text as it stands, tracked deletions and what is hidden left out. */
#include "docx_numbering.h"
#include "docx_styles.h"
#include "flow.h"
#include "package.h"
#include "sax.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct paragraph {
	bool heading, in_run, hidden;
	unsigned list; /* 0: no item */
	long number;   /* which list it is of */
};

struct docx {
	struct sax sax;
	struct flow flow;
	struct docx_styles styles;
	struct docx_numbering numbering;
	struct paragraph open[FLOW_OPEN_MAX];
	unsigned depth;
	const char *note; /* "footnote", while notes are read; NULL in the text */
	bool in_text, in_row_properties, row_dropped;
	long span, before;
	bool hidden_seen, deleted_seen;
};

static struct paragraph *paragraph(struct docx *docx)
{
	unsigned at = docx->depth ? docx->depth - 1 : 0;

	return &docx->open[at < FLOW_OPEN_MAX ? at : FLOW_OPEN_MAX - 1];
}

static long number_of(struct docx *docx, const char *attribute, long otherwise)
{
	const char *value = sax_attribute(&docx->sax, attribute);

	return value ? strtol(value, NULL, 10) : otherwise;
}

static bool switched_on(struct docx *docx)
{
	const char *value = sax_attribute(&docx->sax, "val");

	return value == NULL || (strcmp(value, "0") != 0 && strcmp(value, "false") != 0);
}

/* Properties of the paragraph or run that is open. */
static void property(struct docx *docx, const char *name)
{
	struct paragraph *open = paragraph(docx);
	const struct docx_style *by_style;
	const char *style;

	if (strcmp(name, "pStyle") == 0) {
		style = sax_attribute(&docx->sax, "val");
		open->heading = open->heading || docx_style_heading(&docx->styles, style);
		by_style = docx_style_list(&docx->styles, style);
		if (open->list == 0 && by_style) {
			open->list = by_style->level + 1;
			open->number = by_style->number;
		}
	} else if (strcmp(name, "outlineLvl") == 0) {
		open->heading = number_of(docx, "val", 9) < 9;
	} else if (strcmp(name, "ilvl") == 0) {
		open->list = (unsigned)(number_of(docx, "val", 0) & 15) + 1;
	} else if (strcmp(name, "numId") == 0) {
		open->number = number_of(docx, "val", 0);
		open->list = open->number == 0 ? 0 : open->list ? open->list : 1;
	} else if ((strcmp(name, "vanish") == 0 || strcmp(name, "webHidden") == 0) && open->in_run &&
		   switched_on(docx)) {
		open->hidden = true;
	}
}

static void said(struct docx *docx, const char *text)
{
	if (!paragraph(docx)->hidden)
		flow_text(&docx->flow, text, strlen(text));
}

/* What stands in a run beside its text. */
static void mark(struct docx *docx, const char *name)
{
	if (docx->depth == 0 || !paragraph(docx)->in_run)
		return;
	if (strcmp(name, "tab") == 0) {
		said(docx, "\t");
	} else if (strcmp(name, "br") == 0 || strcmp(name, "cr") == 0) {
		said(docx, "\n");
	} else if (strcmp(name, "noBreakHyphen") == 0) {
		said(docx, "-");
	} else if (strcmp(name, "footnoteReference") == 0 || strcmp(name, "endnoteReference") == 0) {
		char number[40];

		snprintf(number, sizeof(number), "[%s %ld]", *name == 'f' ? "footnote" : "endnote",
			 number_of(docx, "id", 0));
		said(docx, number);
	}
}

static bool table_start(struct docx *docx, const char *name)
{
	if (strcmp(name, "tbl") == 0) {
		flow_table_begin(&docx->flow);
	} else if (strcmp(name, "tr") == 0) {
		flow_row_begin(&docx->flow);
		docx->row_dropped = false;
		docx->before = 0;
	} else if (strcmp(name, "trPr") == 0) {
		docx->in_row_properties = true;
	} else if (strcmp(name, "tc") == 0) {
		if (docx->before > 0 && docx->flow.cells == 0) {
			flow_cell_begin(&docx->flow);
			flow_cell_end(&docx->flow, docx->before);
		}
		docx->before = 0;
		docx->span = 1;
		flow_cell_begin(&docx->flow);
	} else if (strcmp(name, "gridSpan") == 0 && docx->flow.tables == 1) {
		docx->span = number_of(docx, "val", 1);
	} else if (strcmp(name, "gridBefore") == 0 && docx->flow.tables == 1) {
		docx->before = number_of(docx, "val", 0);
	} else {
		return false;
	}
	return true;
}

/* Things that are not of the text as it stands: what was deleted, moved away, or said a second time for old programs. */
static bool left_out(struct docx *docx, const char *name)
{
	size_t len = strlen(name);

	if (strcmp(name, "del") == 0 || strcmp(name, "moveFrom") == 0) {
		if (docx->in_row_properties && docx->flow.tables == 1)
			docx->row_dropped = true;
		docx->deleted_seen = true;
	} else if (strcmp(name, "Fallback") != 0 && (len < 8 || strcmp(name + len - 8, "PrChange") != 0)) {
		return false;
	}
	sax_skip(&docx->sax);
	return true;
}

static void note_start(struct docx *docx, const char *name)
{
	const char *type = sax_attribute(&docx->sax, "type");
	char place[80];

	if (docx->note == NULL || strcmp(name, docx->note) != 0)
		return;
	/* The lines between text and notes are kept as notes too. */
	if (type && strcmp(type, "normal") != 0) {
		sax_skip(&docx->sax);
		return;
	}
	snprintf(place, sizeof(place), "%s %ld", name, number_of(docx, "id", 0));
	flow_place(&docx->flow, place);
}

static void docx_start(struct sax *sax, const char *name)
{
	struct docx *docx = (struct docx *)sax;

	if (docx->flow.enough) {
		sax_stop(sax);
	} else if (strcmp(name, "p") == 0) {
		docx->depth++;
		*paragraph(docx) = (struct paragraph){ 0 };
		flow_paragraph_begin(&docx->flow);
	} else if (strcmp(name, "r") == 0) {
		paragraph(docx)->in_run = true;
		paragraph(docx)->hidden = false;
	} else if (strcmp(name, "t") == 0) {
		docx->in_text = true;
		docx->hidden_seen = docx->hidden_seen || paragraph(docx)->hidden;
	} else if (!left_out(docx, name) && !table_start(docx, name)) {
		note_start(docx, name);
		property(docx, name);
		mark(docx, name);
	}
}

static void paragraph_end(struct docx *docx)
{
	struct paragraph *open = paragraph(docx);
	char mark[NUMBERING_MARK_MAX] = "-";
	unsigned list = open->list;

	/* Blank ones have their number too. */
	if (list > 0)
		docx_numbering_next(&docx->numbering, open->number, list - 1, mark);
	if (open->heading)
		list = strcmp(mark, "-") == 0 ? 0 : 1;
	flow_paragraph_end(&docx->flow, open->heading, list, mark);
	docx->depth -= docx->depth > 0;
}

static void docx_end(struct sax *sax, const char *name)
{
	struct docx *docx = (struct docx *)sax;

	if (strcmp(name, "p") == 0) {
		paragraph_end(docx);
	} else if (strcmp(name, "r") == 0) {
		paragraph(docx)->in_run = false;
		paragraph(docx)->hidden = false;
	} else if (strcmp(name, "t") == 0) {
		docx->in_text = false;
	} else if (strcmp(name, "tc") == 0) {
		flow_cell_end(&docx->flow, docx->flow.tables == 1 ? docx->span : 1);
	} else if (strcmp(name, "trPr") == 0) {
		docx->in_row_properties = false;
	} else if (strcmp(name, "tr") == 0) {
		flow_row_end(&docx->flow, docx->row_dropped);
	} else if (strcmp(name, "tbl") == 0) {
		flow_table_end(&docx->flow);
	}
}

static void docx_text(struct sax *sax, const char *text, size_t len)
{
	struct docx *docx = (struct docx *)sax;

	if (docx->in_text && !paragraph(docx)->hidden)
		flow_text(&docx->flow, text, len);
}

/* One part with running text; a missing one has none. */
static bool part_read(struct docx *docx, struct parse *parse, zip_t *zip, const char *part, struct err *err)
{
	docx->depth = 0;
	docx->flow.depth = docx->flow.tables = docx->flow.cells = 0;
	docx->in_text = docx->in_row_properties = docx->row_dropped = false;
	if (part == NULL || docx->flow.enough || !package_has(zip, part))
		return true;
	return sax_read(&docx->sax, parse, zip, part, err);
}

/* What stands beside the text: once each, after it. */
static bool beside_read(struct docx *docx, struct parse *parse, zip_t *zip, const struct relations *relations,
			struct err *err)
{
	static const struct {
		const char *type, *note, *place;
	} BESIDE[] = {
		{ "header", NULL, "page header" },    { "footer", NULL, "page footer" },
		{ "footnotes", "footnote", "" },      { "endnotes", "endnote", "" },
		{ "comments", "comment", "comment" },
	};

	for (size_t i = 0; i < sizeof(BESIDE) / sizeof(BESIDE[0]); i++)
		for (size_t k = 0; k < relations->count; k++) {
			if (strcmp(relations->all[k].type, BESIDE[i].type) != 0)
				continue;
			docx->note = BESIDE[i].note;
			flow_place(&docx->flow, BESIDE[i].place);
			if (!part_read(docx, parse, zip, relations->all[k].target, err))
				return false;
		}
	return true;
}

static bool document_read(struct docx *docx, struct parse *parse, zip_t *zip, struct err *err)
{
	struct relations relations = { 0 };
	char *part = package_main(parse, zip, err);
	const char *styles, *numbering;
	bool good = part != NULL && relations_read(&relations, parse, zip, part, err);

	if (good) {
		package_title(parse, zip, "docProps/core.xml", docx->flow.sink);
		styles = relations_by_type(&relations, "styles");
		good = styles == NULL || !package_has(zip, styles) ||
		       docx_styles_read(&docx->styles, parse, zip, styles, err);
		numbering = relations_by_type(&relations, "numbering");
		if (good && numbering && package_has(zip, numbering))
			good = docx_numbering_read(&docx->numbering, parse, zip, numbering, err);
	}
	good = good && part_read(docx, parse, zip, part, err) &&
	       beside_read(docx, parse, zip, &relations, err);
	if (docx->hidden_seen)
		docx->flow.sink->warn(docx->flow.sink, "hidden text was left out");
	if (docx->deleted_seen)
		docx->flow.sink->warn(docx->flow.sink, "text whose deletion is tracked was left out");
	relations_free(&relations);
	free(part);
	return good;
}

static bool docx_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct docx docx = { .sax = { .start = docx_start, .end = docx_end, .text = docx_text },
			     .flow.sink = sink };
	zip_t *zip = zip_input_open(input, err);
	bool good = zip != NULL && document_read(&docx, parse, zip, err);

	docx_styles_free(&docx.styles);
	docx_numbering_free(&docx.numbering);
	flow_free(&docx.flow);
	if (zip)
		zip_discard(zip);
	return good;
}

const struct reader docx_reader = {
	.kind = "docx",
	.mime = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	.read = docx_read,
};
