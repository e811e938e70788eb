/* What the documents that usher was built from say about tables, one fact a line. */
#ifndef TEST_SEEDS_H
#define TEST_SEEDS_H

#include "buf.h"
#include <stdbool.h>

/* Appends all facts of the documents in this folder. One line each, words parted by a blank:
 *   TABLE column NAME TYPE   TABLE primary NAME   TABLE notnull NAME   TABLE nullable NAME   TABLE unique
 * NAME TABLE limit NAME N       TABLE default NAME VALUE     TABLE references NAME TABLE.COLUMN TABLE cascade
 * NAME TABLE.COLUMN                       TABLE index DEFINITION false when a document is missing. */
bool seeds_facts(const char *folder, struct buf *out);

/* A whole file; false when it can't be read. */
bool seeds_file(const char *path, struct buf *out);

#endif
