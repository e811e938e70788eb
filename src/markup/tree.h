/* Building trees: what the files of this room share. */
#ifndef USHER_MARKUP_TREE_H
#define USHER_MARKUP_TREE_H

#include "markup.h"
#include "mem.h"

struct markup {
	struct arena *arena;
	struct markup_node *root;
	size_t work; /* steps the parser was seen or reckoned to take */
};

/* A new node at the end of parent (or alone, with NULL). */
struct markup_node *tree_add(struct arena *arena, struct markup_node *parent, enum markup_kind kind);

/* A new leaf that holds this text; the text is not copied. */
struct markup_node *tree_text(struct arena *arena, struct markup_node *parent, enum markup_kind kind,
			      const char *text, size_t len);

/* Puts a node that stands nowhere at the end of parent. */
void tree_append(struct markup_node *parent, struct markup_node *node);

/* Takes out the first child; returns it, or NULL. */
struct markup_node *tree_shift(struct markup_node *parent);

/* The node without its children. Texts and addresses are shared. */
struct markup_node *tree_shallow(struct arena *arena, const struct markup_node *node);
struct markup_node *tree_copy(struct arena *arena, const struct markup_node *node);

/* The text of an entity ("&amp;", "&#65;"): up to 4 bytes into out and their number, 0 when it is none we know. */
size_t entity_text(const char *entity, size_t len, char out[4]);

/* An upper bound, up to a constant, of the steps md4c takes beyond linear ones for this text. */
size_t guard_work(const char *text, size_t len);

/* What markup_parse took for a document: for tests that count work instead of time. */
size_t markup_work(const struct markup *markup);

enum guard_limits {
	GUARD_WORK_MAX = 400 * 1000 * 1000, /* reckoned steps; above it a document is taken as plain lines */
	GUARD_CALLS = 16,		    /* callbacks, and bytes handed over, for each byte of the text */
	GUARD_FLOOR = 4096,		    /* ... and these in any case */
};

#endif
