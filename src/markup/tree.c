/* Nodes and how they hang together. */
#include "tree.h"

struct markup_node *tree_add(struct arena *arena, struct markup_node *parent, enum markup_kind kind)
{
	struct markup_node *node = arena_alloc(arena, sizeof(*node));

	node->kind = kind;
	if (parent)
		tree_append(parent, node);
	return node;
}

struct markup_node *tree_text(struct arena *arena, struct markup_node *parent, enum markup_kind kind,
			      const char *text, size_t len)
{
	struct markup_node *node = tree_add(arena, parent, kind);

	node->text = text;
	node->len = len;
	return node;
}

void tree_append(struct markup_node *parent, struct markup_node *node)
{
	node->parent = parent;
	node->next = NULL;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
}

struct markup_node *tree_shift(struct markup_node *parent)
{
	struct markup_node *node = parent->first;

	if (node == NULL)
		return NULL;
	parent->first = node->next;
	if (parent->first == NULL)
		parent->last = NULL;
	node->parent = NULL;
	node->next = NULL;
	return node;
}

struct markup_node *tree_shallow(struct arena *arena, const struct markup_node *node)
{
	struct markup_node *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *node;
	copy->parent = copy->first = copy->last = copy->next = NULL;
	return copy;
}

/* Depth is at most MARKUP_DEPTH_MAX. */
struct markup_node *tree_copy(struct arena *arena, const struct markup_node *node)
{
	struct markup_node *copy = tree_shallow(arena, node);

	for (const struct markup_node *child = node->first; child; child = child->next)
		tree_append(copy, tree_copy(arena, child));
	return copy;
}
