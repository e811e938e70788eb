/* A document in parts: whole blocks where they fit, else whole items and rows, else what cut.c can do. */
#include "split.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

/* A character is at most 4 bytes and is measured as at least one half: what weighs more need not be measured, so that
 * measuring never costs more than a part's length. */
enum { WEIGHT = 8 };

static bool lighter(const struct markup_node *node, size_t *room)
{
	if (node->len >= *room)
		return false;
	*room -= node->len + 1;
	for (const struct markup_node *child = node->first; child; child = child->next)
		if (*room == 0 || !lighter(child, room))
			return false;
	return true;
}

bool split_fits(const struct split *split)
{
	size_t room = split->max * WEIGHT;

	return lighter(split->document, &room) && split->measure(split->owner, split->document) <= split->max;
}

void split_take_back(struct markup_node *to)
{
	struct markup_node *before = NULL;

	for (struct markup_node *node = to->first; node != to->last; node = node->next)
		before = node;
	to->last = before;
	if (before)
		before->next = NULL;
	else
		to->first = NULL;
}

static void push(struct markup_node *parent, struct markup_node *node)
{
	node->parent = parent;
	node->next = parent->first;
	parent->first = node;
	if (parent->last == NULL)
		parent->last = node;
}

/* Moves up to n children if they fit together; returns how many. */
static size_t move_run(struct split *split, struct markup_node *to, struct markup_node *from, size_t n)
{
	struct markup_node *old = to->last, *child, *run;
	size_t count = 0;

	for (; count < n && (child = tree_shift(from)) != NULL; count++)
		tree_append(to, child);
	if (count == 0 || split_fits(split))
		return count;
	run = old ? old->next : to->first;
	to->last->next = from->first;
	if (from->first == NULL)
		from->last = to->last;
	from->first = run;
	for (child = run;; child = child->next) {
		child->parent = from;
		if (child == to->last)
			break;
	}
	to->last = old;
	if (old)
		old->next = NULL;
	else
		to->first = NULL;
	return 0;
}

/* Moves as many children as fit. Runs that double and then halve keep the number of measurements logarithmic. */
static size_t move_most(struct split *split, struct markup_node *to, struct markup_node *from)
{
	size_t total = 0, moved, n = 1;
	bool rising = true;

	while (n > 0 && from->first) {
		moved = move_run(split, to, from, n);
		total += moved;
		rising = rising && moved;
		n = rising ? n * 2 : n / 2;
	}
	if (total)
		split->filled = true;
	return total;
}

/* The next child would fit into a part of its own: better there than torn. */
static bool stands_alone(struct split *split, const struct markup_node *from, struct markup_node *child)
{
	struct markup_node saved = *child, *document = split->document;
	struct markup_node root = { .kind = MARKUP_DOCUMENT }, list = *from;
	bool fits;

	if (from->kind == MARKUP_LIST) {
		list.first = list.last = list.next = NULL;
		tree_append(&list, child);
		tree_append(&root, &list);
	} else {
		tree_append(&root, child);
	}
	split->document = &root;
	fits = split_fits(split);
	split->document = document;
	child->parent = saved.parent;
	child->next = saved.next;
	return fits;
}

static bool fill(struct split *split, struct markup_node *to, struct markup_node *from);

static size_t count(const struct markup_node *node)
{
	size_t n = 0;

	for (const struct markup_node *child = node->first; child; child = child->next)
		n++;
	return n;
}

/* A quote, list or item: what fits of it goes into a node like it. */
static bool split_container(struct split *split, struct markup_node *to, struct markup_node *from)
{
	struct markup_node *half = tree_shallow(split->arena, from);

	tree_append(to, half);
	fill(split, half, from);
	if (half->first == NULL) {
		split_take_back(to);
		return false;
	}
	if (from->kind == MARKUP_LIST)
		from->start += (unsigned)count(half) - (from->first && from->first->continued ? 1 : 0);
	else if (from->kind == MARKUP_ITEM)
		from->continued = true;
	return true;
}

/* Rows below a copy of the header; the header stays with the rows that remain. */
static bool split_rows(struct split *split, struct markup_node *to, struct markup_node *from)
{
	struct markup_node *half = tree_shallow(split->arena, from), *header = tree_shift(from);
	size_t moved;

	if (header == NULL)
		return false;
	tree_append(to, half);
	tree_append(half, tree_copy(split->arena, header));
	moved = move_most(split, half, from);
	if (moved == 0)
		split_take_back(to);
	if (from->first || moved == 0)
		push(from, header);
	from->continued = from->continued || moved;
	return moved > 0;
}

static bool descend(struct split *split, struct markup_node *to, struct markup_node *from)
{
	switch (from->kind) {
	case MARKUP_QUOTE:
	case MARKUP_LIST:
	case MARKUP_ITEM:
		return split_container(split, to, from);
	case MARKUP_TABLE:
		return split_rows(split, to, from);
	case MARKUP_CODE_BLOCK:
		return split_lines(split, to, from);
	case MARKUP_PARAGRAPH:
	case MARKUP_HEADING:
		return split_words(split, to, from);
	default:
		return false;
	}
}

/* Moves what fits from `from` to `to`, which stands in the part; true when nothing remains. */
static bool fill(struct split *split, struct markup_node *to, struct markup_node *from)
{
	for (;;) {
		struct markup_node *next;

		move_most(split, to, from);
		next = from->first;
		if (next == NULL)
			return true;
		if ((split->filled && stands_alone(split, from, next)) || !descend(split, to, next))
			return false;
		split->filled = true;
		if (next->first || next->len)
			return false;
		tree_shift(from);
	}
}

/* The children of a node, in front of everything. */
static void push_children(struct markup_node *rest, struct markup_node *node)
{
	if (node->first == NULL)
		return;
	for (struct markup_node *child = node->first; child; child = child->next)
		child->parent = rest;
	node->last->next = rest->first;
	if (rest->first == NULL)
		rest->last = node->last;
	rest->first = node->first;
}

/* A row that fits nowhere: each cell on its line. */
static struct markup_node *row_paragraph(struct split *split, struct markup_node *row)
{
	struct markup_node *paragraph = tree_add(split->arena, NULL, MARKUP_PARAGRAPH), *child;

	for (struct markup_node *cell = row->first; cell; cell = cell->next) {
		if (cell != row->first)
			tree_add(split->arena, paragraph, MARKUP_BREAK);
		while ((child = tree_shift(cell)) != NULL)
			tree_append(paragraph, child);
	}
	return paragraph;
}

static void unwrap_table(struct split *split, struct markup_node *rest, struct markup_node *table)
{
	struct markup_node *header = tree_shift(table), *row = tree_shift(table);
	bool shown = table->continued;

	if (row && table->first) {
		push(table, tree_copy(split->arena, header));
		table->continued = true;
		push(rest, table);
	}
	if (row)
		push(rest, row_paragraph(split, row));
	if (header && !shown)
		push(rest, row_paragraph(split, header));
}

static void unwrap_list(struct markup_node *rest, struct markup_node *list)
{
	struct markup_node *item = tree_shift(list);

	list->start++;
	if (list->first)
		push(rest, list);
	if (item)
		push_children(rest, item);
}

static bool is_plain(const struct markup_node *node)
{
	if (node->kind != MARKUP_PARAGRAPH)
		return false;
	for (const struct markup_node *child = node->first; child; child = child->next)
		if (child->kind != MARKUP_TEXT && child->kind != MARKUP_BREAK && child->kind != MARKUP_SOFT)
			return false;
	return true;
}

static struct markup_node *plain_paragraph(struct split *split, const struct markup_node *node)
{
	struct markup_node *paragraph = tree_add(split->arena, NULL, MARKUP_PARAGRAPH);
	const char *text = node->kind == MARKUP_CODE_BLOCK ? node->text : split_spell(split->arena, node);

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len)
			tree_text(split->arena, paragraph, MARKUP_TEXT, arena_text_n(split->arena, text, len),
				  len);
		text += len;
		if (*text == '\n' && *++text)
			tree_add(split->arena, paragraph, MARKUP_BREAK);
	}
	return paragraph;
}

/* Not even one character of a plain paragraph fits, which no sane measure says: the part is too long by one. */
static void force(struct split *split, struct markup_node *rest, struct markup_node *paragraph)
{
	struct markup_node *child = tree_shift(paragraph), *half;
	size_t len;

	if (child == NULL)
		return;
	half = tree_add(split->arena, split->document, MARKUP_PARAGRAPH);
	split->filled = true;
	if (child->kind == MARKUP_TEXT && child->len > 4) {
		len = text_fit(child->text, child->len, 4);
		tree_text(split->arena, half, MARKUP_TEXT, arena_text_n(split->arena, child->text, len), len);
		child->text += len;
		child->len -= len;
		push(paragraph, child);
	} else {
		tree_append(half, child);
	}
	if (paragraph->first)
		push(rest, paragraph);
}

/* The first block fits nowhere as it is: one level of form is given up. */
static void unwrap(struct split *split, struct markup_node *rest)
{
	struct markup_node *node = tree_shift(rest);

	if (node->kind == MARKUP_QUOTE) {
		push_children(rest, node);
	} else if (node->kind == MARKUP_LIST) {
		unwrap_list(rest, node);
	} else if (node->kind == MARKUP_TABLE) {
		unwrap_table(split, rest, node);
	} else if (is_plain(node)) {
		force(split, rest, node);
	} else if (node->kind == MARKUP_RULE) {
		tree_append(split->document, node);
		split->filled = true;
	} else {
		push(rest, plain_paragraph(split, node));
	}
}

/* A heading does not stand at the end of a part, away from what it is about. */
static void keep_heading(struct split *split, struct markup_node *rest)
{
	struct markup_node *last = split->document->last;

	if (rest->first == NULL || rest->first->kind == MARKUP_HEADING || last->kind != MARKUP_HEADING ||
	    last == split->document->first)
		return;
	split_take_back(split->document);
	push(rest, last);
}

static bool next_part(struct split *split, struct markup_node *rest)
{
	bool done;

	split->document = tree_add(split->arena, NULL, MARKUP_DOCUMENT);
	split->filled = false;
	done = fill(split, split->document, rest);
	while (!split->filled && rest->first) {
		unwrap(split, rest);
		done = !split->filled && fill(split, split->document, rest);
	}
	if (split->document->first)
		keep_heading(split, rest);
	return !done && rest->first;
}

size_t markup_split(struct markup *markup, size_t max, markup_measure_fn *measure, const void *owner,
		    const struct markup_node *const **parts_out)
{
	struct split split = { .arena = markup->arena, .max = max, .measure = measure, .owner = owner };
	struct markup_node *rest = tree_copy(markup->arena, markup->root);
	const struct markup_node **parts = NULL, **kept;
	size_t n = 0, room = 0;
	bool more;

	do {
		more = next_part(&split, rest);
		if (n > 0 && split.document->first == NULL)
			break;
		if (n == room) {
			room = room ? room * 2 : 8;
			parts = mem_resize(parts, room, sizeof(void *));
		}
		parts[n++] = split.document;
	} while (more);
	kept = arena_alloc(markup->arena, n * sizeof(void *));
	memcpy(kept, parts, n * sizeof(void *));
	free(parts);
	*parts_out = kept;
	return n;
}
