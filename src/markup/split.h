/* Cutting a document into parts: what split.c (between blocks) and cut.c (inside them) share. */
#ifndef USHER_MARKUP_SPLIT_H
#define USHER_MARKUP_SPLIT_H

#include "tree.h"

struct split {
	struct arena *arena;
	size_t max;
	markup_measure_fn *measure;
	const void *owner;
	struct markup_node *document; /* the part being filled */
	bool filled;		      /* something stands in it */
};

/* The part as it is now is small enough. */
bool split_fits(const struct split *split);

/* Moves the longest beginning of `from` that fits and ends well into a new node of the same kind at the end of `to`.
 * from: a paragraph or heading, or a code block. False when there is none: nothing has changed, except that a link
 * which fits nowhere has become text. */
bool split_words(struct split *split, struct markup_node *to, struct markup_node *from);
bool split_lines(struct split *split, struct markup_node *to, struct markup_node *from);

/* Removes the last child, which `to` was just given. */
void split_take_back(struct markup_node *to);

/* The words of these inlines with the addresses of links behind them, in the arena. */
char *split_spell(struct arena *arena, const struct markup_node *node);

#endif
