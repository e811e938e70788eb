/* Which styles of a Word document make a heading or an item of a list. */
#ifndef USHER_DOCX_STYLES_H
#define USHER_DOCX_STYLES_H

#include "parse_room.h"

struct docx_style {
	char *id, *based_on;
	bool heading, list;
	long number; /* of the list; 0: only its style knows */
	unsigned level;
};

struct docx_styles {
	struct docx_style *all;
	size_t count;
};

bool docx_styles_read(struct docx_styles *styles, struct parse *parse, zip_t *zip, const char *part,
		      struct err *err);
void docx_styles_free(struct docx_styles *styles);

/* Through the styles that it is based on. */
bool docx_style_heading(const struct docx_styles *styles, const char *id);
/* The style that says which list; NULL: it is none. */
const struct docx_style *docx_style_list(const struct docx_styles *styles, const char *id);

#endif
