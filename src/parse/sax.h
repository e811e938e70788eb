/* XML as it comes, element by element, out of an entry of an archive: nothing of the document is kept. No DTD (a document
 * with one is refused, so there are no entities but the five of XML itself), no network, at most SAX_DEPTH_MAX elements
 * deep, character sets only those that need no file to be opened. */
#ifndef USHER_SAX_H
#define USHER_SAX_H

#include "buf.h"
#include "parse_room.h"

enum { SAX_DEPTH_MAX = 500 };

/* Filled by who reads; first member of what the calls need, which cast. Names are without their namespace's prefix. Any call
 * may be NULL. */
struct sax {
	void (*start)(struct sax *sax, const char *name);
	void (*end)(struct sax *sax, const char *name);
	void (*text)(struct sax *sax, const char *text, size_t len); /* in pieces, never inside a character */

	/* The rest is sax.c's own. */
	void *parser;
	const unsigned char **attributes;
	int attribute_count;
	char *values; /* handed out during one start */
	size_t values_len, values_room;
	unsigned depth, skipping;
	bool stopped, failed, doctype;
	struct err err;
};

/* Reads the entry called name; false: err. A missing entry is "damaged". Takes what is unpacked from the limit. */
bool sax_read(struct sax *sax, struct parse *parse, zip_t *zip, const char *name, struct err *err);

/* The value of an attribute of the element that begins, of any namespace, or of one whose name ends so; NULL: not there. Only
 * inside a start call; lives until it returns. Each may be asked for twice. */
const char *sax_attribute(struct sax *sax, const char *name);
const char *sax_attribute_of(struct sax *sax, const char *namespace_end, const char *name);

/* Inside a start call: nothing of this element will be told, not even its end. */
void sax_skip(struct sax *sax);

/* Enough: sax_read returns true at once. */
void sax_stop(struct sax *sax);

/* What is read makes no sense, or too much of it: sax_read returns false with what sax->err says. */
void sax_abandon(struct sax *sax);

#endif
