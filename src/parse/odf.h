/* What texts and sheets of OpenDocument have in common. */
#ifndef USHER_ODF_H
#define USHER_ODF_H

#include "sax.h"

/* Opens the archive, refuses encrypted ones, tells the title, reads content.xml; with styles styles.xml before it, whose elements
 * are told to the same sax. */
bool odf_read(struct sax *sax, bool styles, struct parse *parse, const struct input *input, struct sink *sink,
	      struct err *err);

/* Blanks, tabs and line breaks, which are elements: tells text what they mean. False: name is none of them. */
bool odf_blank(struct sax *sax, const char *name);

#endif
