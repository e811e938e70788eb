/* Presentations: slides in the order in which they are shown, what stands on them, the speaker's notes. */
#include "buf.h"
#include "flow.h"
#include "mem.h"
#include "package.h"
#include "sax.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLIDES_MAX = 10000 };

struct pptx {
	struct sax sax;
	struct flow flow;
	bool in_text, hidden;
	unsigned level; /* of the paragraph that is open */
	bool bullet;
	const char *unwanted; /* kinds of placeholders to leave out, "|dt|ftr|" */
	bool left_out;	      /* the shape that is open is one of them */
};

static void shape_start(struct pptx *pptx, const char *name)
{
	const char *type;

	if (strcmp(name, "sp") == 0) {
		pptx->left_out = false;
	} else if (strcmp(name, "ph") == 0 && (type = sax_attribute(&pptx->sax, "type")) != NULL) {
		char *word = mem_format("|%s|", type);

		pptx->left_out = *type && strchr(type, '|') == NULL && strstr(pptx->unwanted, word);
		free(word);
	}
}

static void table_start(struct pptx *pptx, const char *name)
{
	if (strcmp(name, "tbl") == 0)
		flow_table_begin(&pptx->flow);
	else if (strcmp(name, "tr") == 0)
		flow_row_begin(&pptx->flow);
	else if (strcmp(name, "tc") == 0)
		flow_cell_begin(&pptx->flow);
}

static void slide_start(struct sax *sax, const char *name)
{
	struct pptx *pptx = (struct pptx *)sax;
	const char *value;

	if (pptx->flow.enough) {
		sax_stop(sax);
	} else if (strcmp(name, "Fallback") == 0) {
		sax_skip(sax);
	} else if (strcmp(name, "sld") == 0) {
		value = sax_attribute(sax, "show");
		pptx->hidden = value && (strcmp(value, "0") == 0 || strcmp(value, "false") == 0);
	} else if (strcmp(name, "p") == 0) {
		pptx->level = 0;
		pptx->bullet = false;
		flow_paragraph_begin(&pptx->flow);
	} else if (strcmp(name, "pPr") == 0) {
		value = sax_attribute(sax, "lvl");
		pptx->level = value ? (unsigned)strtol(value, NULL, 10) & 15 : 0;
	} else if (strcmp(name, "buChar") == 0 || strcmp(name, "buAutoNum") == 0) {
		pptx->bullet = true;
	} else if (strcmp(name, "t") == 0) {
		pptx->in_text = true;
	} else if (strcmp(name, "br") == 0) {
		flow_text(&pptx->flow, "\n", 1);
	} else {
		shape_start(pptx, name);
		table_start(pptx, name);
	}
}

static void slide_end(struct sax *sax, const char *name)
{
	struct pptx *pptx = (struct pptx *)sax;

	if (strcmp(name, "p") == 0)
		flow_paragraph_end(&pptx->flow, false, pptx->bullet || pptx->level > 0 ? pptx->level + 1 : 0,
				   NULL);
	else if (strcmp(name, "t") == 0)
		pptx->in_text = false;
	else if (strcmp(name, "tc") == 0)
		flow_cell_end(&pptx->flow, 1);
	else if (strcmp(name, "tr") == 0)
		flow_row_end(&pptx->flow, false);
	else if (strcmp(name, "tbl") == 0)
		flow_table_end(&pptx->flow);
}

static void slide_text(struct sax *sax, const char *text, size_t len)
{
	struct pptx *pptx = (struct pptx *)sax;

	if (pptx->in_text && !pptx->left_out)
		flow_text(&pptx->flow, text, len);
}

static bool part_read(struct pptx *pptx, struct parse *parse, zip_t *zip, const char *part,
		      const char *unwanted, struct err *err)
{
	pptx->flow.depth = pptx->flow.tables = pptx->flow.cells = 0;
	pptx->in_text = pptx->left_out = pptx->hidden = false;
	pptx->unwanted = unwanted;
	return sax_read(&pptx->sax, parse, zip, part, err);
}

static bool notes_read(struct pptx *pptx, struct parse *parse, zip_t *zip, const char *part, int64_t number,
		       struct err *err)
{
	struct relations relations;
	const char *notes = NULL;
	bool good = relations_read(&relations, parse, zip, part, err);
	char place[40];

	if (good)
		notes = relations_by_type(&relations, "notesSlide");
	if (notes && package_has(zip, notes) && !pptx->flow.enough) {
		snprintf(place, sizeof(place), "slide %lld, notes", (long long)number);
		flow_place(&pptx->flow, place);
		good = part_read(pptx, parse, zip, notes, "|sldNum|dt|hdr|ftr|sldImg|", err);
	}
	relations_free(&relations);
	return good;
}

static bool slide_read(struct pptx *pptx, struct parse *parse, zip_t *zip, const char *part, int64_t number,
		       struct err *err)
{
	char place[40], warning[80];

	snprintf(place, sizeof(place), "slide %lld", (long long)number);
	flow_place(&pptx->flow, place);
	if (!part_read(pptx, parse, zip, part, "|sldNum|dt|ftr|", err))
		return false;
	if (pptx->hidden) {
		snprintf(warning, sizeof(warning), "slide %lld is hidden when it is shown",
			 (long long)number);
		pptx->flow.sink->warn(pptx->flow.sink, warning);
	}
	parse_progress(parse, -1, -1, number);
	return notes_read(pptx, parse, zip, part, number, err);
}

/* ---- the order of slides --------------------------------------------------------------------------------- */

struct order_sax {
	struct sax sax;
	char **ids;
	size_t count;
};

static void order_start(struct sax *sax, const char *name)
{
	struct order_sax *own = (struct order_sax *)sax;
	const char *id;

	if (strcmp(name, "sldId") != 0 || (id = sax_attribute_of(sax, "/relationships", "id")) == NULL)
		return;
	if (own->count == SLIDES_MAX) {
		parse_fail(&sax->err, "too_large", "There are more than %d slides.", SLIDES_MAX);
		sax_abandon(sax);
		return;
	}
	if ((own->count & (own->count + 1)) == 0)
		own->ids = mem_resize(own->ids, (own->count + 1) * 2, sizeof(*own->ids));
	own->ids[own->count++] = mem_text(id);
}

static bool slides_read(struct pptx *pptx, struct parse *parse, zip_t *zip, const struct order_sax *order,
			const struct relations *relations, struct err *err)
{
	for (size_t i = 0; i < order->count && !pptx->flow.enough; i++) {
		const char *part = relations_by_id(relations, order->ids[i]);

		if (part == NULL)
			return parse_fail(err, "damaged", "Slide %zu is missing.", i + 1);
		if (!slide_read(pptx, parse, zip, part, (int64_t)i + 1, err))
			return false;
	}
	pptx->flow.sink->pages(pptx->flow.sink, (int64_t)order->count);
	return true;
}

static bool presentation_read(struct pptx *pptx, struct parse *parse, zip_t *zip, struct err *err)
{
	struct order_sax order = { .sax.start = order_start };
	struct relations relations = { 0 };
	char *part = package_main(parse, zip, err);
	bool good = part != NULL && relations_read(&relations, parse, zip, part, err) &&
		    sax_read(&order.sax, parse, zip, part, err);

	if (good) {
		package_title(parse, zip, "docProps/core.xml", pptx->flow.sink);
		good = slides_read(pptx, parse, zip, &order, &relations, err);
	}
	for (size_t i = 0; i < order.count; i++)
		free(order.ids[i]);
	free(order.ids);
	relations_free(&relations);
	free(part);
	return good;
}

static bool pptx_read(struct parse *parse, const struct input *input, struct sink *sink, struct err *err)
{
	struct pptx pptx = { .sax = { .start = slide_start, .end = slide_end, .text = slide_text },
			     .flow.sink = sink };
	zip_t *zip = zip_input_open(input, err);
	bool good = zip != NULL && presentation_read(&pptx, parse, zip, err);

	flow_free(&pptx.flow);
	if (zip)
		zip_discard(zip);
	return good;
}

const struct reader pptx_reader = {
	.kind = "pptx",
	.mime = "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	.read = pptx_read,
};
