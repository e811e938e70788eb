/* Our own tools for files: listing, searching, reading in pieces, making other files, sharing, deleting; each within the
 * reach of the person who speaks. Loop thread. */
#ifndef USHER_FILETOOLS_H
#define USHER_FILETOOLS_H

#include "tool.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filetools;
struct imports;
struct loop;
struct store;

/* All borrowed. */
struct filetools_options {
	struct loop *loop;
	struct store *store;
	struct imports *imports; /* NULL: files stay references, none are made */
	int64_t quota;		 /* bytes an organisation may keep; 0: any number */
	void (*erased)(
		void *owner); /* a file was deleted: what is kept of it may go from the disk; may be NULL */
	void *owner;
};

struct filetools *filetools_create(const struct filetools_options *options);

/* All of them. A call's key may be NULL: nothing tells a repetition. */
const struct tool *const *filetools_tools(const struct filetools *tools, size_t *count_out);

/* Nothing can be done with it where there is no file. */
bool filetools_need_files(const struct tool *tool);

void filetools_destroy(
	struct filetools *tools); /* after the store is closed and imports are gone; takes NULL */

#endif
