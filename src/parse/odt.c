/* OpenDocument texts: paragraphs, headings, lists, tables, notes where they are referred to. */
#include "flow.h"
#include "mem.h"
#include "odf.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LISTS_MAX = 15,
	STYLES_MAX = 1000, /* of lists with numbers; those of further ones are left out */
	STYLE_NAME = 64,   /* bytes */
	ITEM_MAX = 1000000,
};

/* A list's style, and which of its levels are numbered: bit 0 is the first. */
struct list_style {
	char name[STYLE_NAME];
	unsigned numbered;
};

struct list {
	const struct list_style *style; /* NULL: marks only */
	long next;
};

struct odt {
	struct sax sax;
	struct flow flow;
	bool in_body, deleted_seen;
	unsigned paragraphs; /* open ones: text outside of them is layout */
	unsigned lists;
	struct list list[LISTS_MAX];
	struct list_style *styles;
	size_t styles_count;
	bool item_new; /* the first paragraph of an item gets its mark */
	bool in_citation, note_new;
	char citation[40]; /* what the note that is open is called, "[1]" */
	long span;
};

/* Things that are not of the text as it stands. */
static bool left_out(struct odt *odt, const char *name)
{
	if (strcmp(name, "tracked-changes") == 0)
		odt->deleted_seen = true;
	else if (strcmp(name, "sequence-decls") != 0 && strcmp(name, "forms") != 0 &&
		 strcmp(name, "desc") != 0 && strcmp(name, "object") != 0)
		return false;
	sax_skip(&odt->sax);
	return true;
}

static void paragraph_start(struct odt *odt)
{
	odt->paragraphs++;
	flow_paragraph_begin(&odt->flow);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static void style_start(struct odt *odt, const char *name)
{
	const char *is, *level;
	struct list_style *style;
	long number;

	if (strcmp(name, "list-style") == 0 && odt->styles_count < STYLES_MAX) {
		is = sax_attribute(&odt->sax, "name");
		if (odt->styles == NULL)
			odt->styles = mem_zero(STYLES_MAX, sizeof(*odt->styles));
		style = &odt->styles[odt->styles_count++];
		memcpy(style->name, is ? is : "", is ? strnlen(is, STYLE_NAME - 1) : 0);
	} else if (strcmp(name, "list-level-style-number") == 0 && odt->styles_count > 0) {
		level = sax_attribute(&odt->sax, "level");
		number = level ? strtol(level, NULL, 10) : 0;
		if (number >= 1 && number <= LISTS_MAX)
			odt->styles[odt->styles_count - 1].numbered |= 1u << (number - 1);
	}
}

static const struct list_style *style_find(const struct odt *odt, const char *name)
{
	for (size_t i = 0; i < odt->styles_count; i++)
		if (strncmp(odt->styles[i].name, name, STYLE_NAME - 1) == 0)
			return &odt->styles[i];
	return NULL;
}

static void list_start(struct odt *odt)
{
	const char *style = sax_attribute(&odt->sax, "style-name"),
		   *on = sax_attribute(&odt->sax, "continue-numbering");

	if (odt->lists < LISTS_MAX) {
		struct list *list = &odt->list[odt->lists];

		list->style = style ? style_find(odt, style) : odt->lists > 0 ? list[-1].style : NULL;
		if (on == NULL || strcmp(on, "true") != 0 || list->next == 0)
			list->next = 1;
	}
	odt->lists++;
}

static void item_start(struct odt *odt)
{
	const char *start = sax_attribute(&odt->sax, "start-value");
	long value = start ? strtol(start, NULL, 10) : 0;

	odt->item_new = true;
	if (value > 0 && value < ITEM_MAX && odt->lists > 0 && odt->lists <= LISTS_MAX)
		odt->list[odt->lists - 1].next = value;
}

/* The number of an item as people refer to it; NULL: it has none. */
static const char *item_mark(struct odt *odt, char *out, size_t size)
{
	struct list *list = odt->lists <= LISTS_MAX ? &odt->list[odt->lists - 1] : NULL;

	if (list == NULL || list->style == NULL || !(list->style->numbered >> (odt->lists - 1) & 1))
		return NULL;
	snprintf(out, size, "%ld.", list->next++);
	return out;
}

static void table_start(struct odt *odt, const char *name)
{
	const char *span;

	if (strcmp(name, "table") == 0) {
		flow_table_begin(&odt->flow);
	} else if (strcmp(name, "table-row") == 0) {
		flow_row_begin(&odt->flow);
	} else if (strcmp(name, "table-cell") == 0 || strcmp(name, "covered-table-cell") == 0) {
		span = sax_attribute(&odt->sax, "number-columns-repeated");
		if (odt->flow.cells == 0)
			odt->span = span ? strtol(span, NULL, 10) : 1;
		flow_cell_begin(&odt->flow);
	}
}

static void citation_add(struct odt *odt, const char *text, size_t len)
{
	size_t at = strlen(odt->citation), room = sizeof(odt->citation) - 1 - at;

	len = text_fit(text, len, room);
	memcpy(odt->citation + at, text, len);
	odt->citation[at + len] = '\0';
}

static void odt_start(struct sax *sax, const char *name)
{
	struct odt *odt = (struct odt *)sax;

	if (odt->flow.enough) {
		sax_stop(sax);
	} else if (strcmp(name, "body") == 0) {
		odt->in_body = true;
	} else if (!odt->in_body) {
		style_start(odt, name);
	} else if (left_out(odt, name)) {
		return;
	} else if (strcmp(name, "p") == 0 || strcmp(name, "h") == 0 || strcmp(name, "annotation") == 0) {
		/* Who wrote a comment and when stand beside its paragraphs. */
		paragraph_start(odt);
	} else if (strcmp(name, "list") == 0) {
		list_start(odt);
	} else if (strcmp(name, "list-item") == 0) {
		item_start(odt);
	} else if (strcmp(name, "note-citation") == 0) {
		odt->in_citation = true;
		memcpy(odt->citation, "[", sizeof("["));
	} else if (strcmp(name, "note-body") == 0) {
		odt->note_new = true;
	} else if (odt->paragraphs == 0 || !odf_blank(sax, name)) {
		table_start(odt, name);
	}
}

static void paragraph_end(struct odt *odt, bool heading)
{
	unsigned list = odt->lists < LISTS_MAX ? odt->lists : LISTS_MAX;
	bool note = odt->note_new && odt->paragraphs > 1,
	     item = !note && list > 0 && odt->item_new && !heading;
	char number[24];
	const char *mark = note ? odt->citation : item ? item_mark(odt, number, sizeof(number)) : NULL;

	/* A note leaves before the paragraph that refers to it, with its mark. */
	flow_paragraph_end(&odt->flow, heading, note ? 1 : item ? list : 0, mark);
	odt->item_new = odt->item_new && !item;
	odt->note_new = false;
	odt->paragraphs -= odt->paragraphs > 0;
}

static void odt_end(struct sax *sax, const char *name)
{
	struct odt *odt = (struct odt *)sax;

	if (!odt->in_body)
		return;
	if (strcmp(name, "p") == 0 || strcmp(name, "h") == 0) {
		paragraph_end(odt, *name == 'h');
	} else if (strcmp(name, "annotation") == 0) {
		paragraph_end(odt, false);
	} else if (strcmp(name, "list") == 0) {
		odt->lists -= odt->lists > 0;
	} else if (strcmp(name, "note-citation") == 0) {
		odt->in_citation = false;
		citation_add(odt, "]", 1);
		flow_text(&odt->flow, odt->citation, strlen(odt->citation));
	} else if (strcmp(name, "table-cell") == 0 || strcmp(name, "covered-table-cell") == 0) {
		flow_cell_end(&odt->flow, odt->flow.tables == 1 ? odt->span : 1);
	} else if (strcmp(name, "table-row") == 0) {
		flow_row_end(&odt->flow, false);
	} else if (strcmp(name, "table") == 0) {
		flow_table_end(&odt->flow);
	} else if (strcmp(name, "body") == 0) {
		odt->in_body = false;
	}
}

static void odt_text(struct sax *sax, const char *text, size_t len)
{
	struct odt *odt = (struct odt *)sax;

	if (odt->in_citation)
		citation_add(odt, text, len);
	else if (odt->paragraphs > 0)
		flow_text(&odt->flow, text, len);
}

static bool odt_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct odt odt = { .sax = { .start = odt_start, .end = odt_end, .text = odt_text },
			   .flow.sink = sink };
	bool good = odf_read(&odt.sax, true, parse, input, sink, err);

	if (odt.deleted_seen)
		sink->warn(sink, "text whose deletion is tracked was left out");
	flow_free(&odt.flow);
	free(odt.styles);
	return good;
}

const struct reader odt_reader = {
	.kind = "odt",
	.mime = "application/vnd.oasis.opendocument.text",
	.read = odt_read,
};
