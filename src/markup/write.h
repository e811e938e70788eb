/* A tree as Markdown that is read as the same tree. */
#ifndef USHER_MARKUP_WRITE_H
#define USHER_MARKUP_WRITE_H

#include "markup.h"

/* Of a document. The caller frees. */
char *markup_write(const struct markup_node *document);

#endif
