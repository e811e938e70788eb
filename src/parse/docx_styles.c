/* styles.xml: names of headings are the same in every language of Word ("heading 1"). */
#include "docx_styles.h"
#include "mem.h"
#include "sax.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STYLES_MAX = 10000, BASED_ON_MAX = 10, LEVELS = 9 };

struct styles_sax {
	struct sax sax;
	struct docx_styles *styles;
	struct docx_style *open;
};

static void style_begin(struct styles_sax *own)
{
	struct docx_styles *styles = own->styles;
	const char *id = sax_attribute(&own->sax, "styleId");

	own->open = NULL;
	if (id == NULL)
		return;
	if (styles->count == STYLES_MAX) {
		parse_fail(&own->sax.err, "too_large", "The document has more than %d styles.", STYLES_MAX);
		sax_abandon(&own->sax);
		return;
	}
	if ((styles->count & (styles->count + 1)) == 0)
		styles->all = mem_resize(styles->all, (styles->count + 1) * 2, sizeof(*styles->all));
	own->open = &styles->all[styles->count++];
	*own->open = (struct docx_style){ .id = mem_text(id) };
}

static void style_start(struct sax *sax, const char *name)
{
	struct styles_sax *own = (struct styles_sax *)sax;
	struct docx_style *open = own->open;
	const char *value;

	if (strcmp(name, "style") == 0) {
		style_begin(own);
		return;
	}
	if (open == NULL)
		return;
	if (strcmp(name, "numPr") == 0)
		open->list = true;
	value = sax_attribute(sax, "val");
	if (value == NULL)
		return;
	if (strcmp(name, "name") == 0)
		open->heading = open->heading || strncasecmp(value, "heading ", 8) == 0 ||
				strcasecmp(value, "title") == 0;
	else if (strcmp(name, "basedOn") == 0 && open->based_on == NULL)
		open->based_on = mem_text(value);
	else if (strcmp(name, "numId") == 0)
		open->number = strtol(value, NULL, 10);
	else if (strcmp(name, "ilvl") == 0)
		open->level = (unsigned)strtol(value, NULL, 10) & 15;
	else if (strcmp(name, "outlineLvl") == 0)
		open->heading = open->heading || strtol(value, NULL, 10) < LEVELS;
}

static void style_end(struct sax *sax, const char *name)
{
	if (strcmp(name, "style") == 0)
		((struct styles_sax *)sax)->open = NULL;
}

bool docx_styles_read(struct docx_styles *styles, struct parse *parse, zip_t *zip, const char *part,
		      struct err *err)
{
	struct styles_sax own = { .sax = { .start = style_start, .end = style_end }, .styles = styles };

	return sax_read(&own.sax, parse, zip, part, err);
}

void docx_styles_free(struct docx_styles *styles)
{
	for (size_t i = 0; i < styles->count; i++) {
		free(styles->all[i].id);
		free(styles->all[i].based_on);
	}
	free(styles->all);
	*styles = (struct docx_styles){ 0 };
}

static const struct docx_style *style_find(const struct docx_styles *styles, const char *id)
{
	for (size_t i = 0; id && i < styles->count; i++)
		if (strcmp(styles->all[i].id, id) == 0)
			return &styles->all[i];
	return NULL;
}

bool docx_style_heading(const struct docx_styles *styles, const char *id)
{
	const struct docx_style *style = style_find(styles, id);

	for (int i = 0; style && i < BASED_ON_MAX; i++, style = style_find(styles, style->based_on))
		if (style->heading)
			return true;
	return false;
}

const struct docx_style *docx_style_list(const struct docx_styles *styles, const char *id)
{
	const struct docx_style *style = style_find(styles, id);

	for (int i = 0; style && i < BASED_ON_MAX; i++, style = style_find(styles, style->based_on))
		if (style->list)
			return style;
	return NULL;
}
