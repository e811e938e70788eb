/* OpenDocument texts: paragraphs, headings, lists, tables, notes where they are referred to. */
#include "flow.h"
#include "odf.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { LISTS_MAX = 15 };

struct odt {
	struct sax sax;
	struct flow flow;
	bool in_body, deleted_seen;
	unsigned paragraphs; /* open ones: text outside of them is layout */
	unsigned lists;
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
	} else if (!odt->in_body || left_out(odt, name)) {
		return;
	} else if (strcmp(name, "p") == 0 || strcmp(name, "h") == 0 || strcmp(name, "annotation") == 0) {
		/* Who wrote a comment and when stand beside its paragraphs. */
		paragraph_start(odt);
	} else if (strcmp(name, "list") == 0) {
		odt->lists++;
	} else if (strcmp(name, "list-item") == 0) {
		odt->item_new = true;
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

	/* A note leaves before the paragraph that refers to it, with its mark. */
	flow_paragraph_end(&odt->flow, heading, note ? 1 : item ? list : 0, note ? odt->citation : NULL);
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
	bool good = odf_read(&odt.sax, parse, input, sink, err);

	if (odt.deleted_seen)
		sink->warn(sink, "text whose deletion is tracked was left out");
	flow_free(&odt.flow);
	return good;
}

const struct reader odt_reader = {
	.kind = "odt",
	.mime = "application/vnd.oasis.opendocument.text",
	.read = odt_read,
};
