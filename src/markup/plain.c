/* The words of a tree. */
#include "buf.h"
#include "tree.h"

struct words {
	struct buf text;
	bool line; /* a line feed is due before the next word */
};

static void add(struct words *words, const char *text, size_t len)
{
	if (len == 0)
		return;
	if (words->line && words->text.len)
		buf_add(&words->text, "\n", 1);
	words->line = false;
	buf_add(&words->text, text, len);
}

static void walk(struct words *words, const struct markup_node *node)
{
	size_t len = node->len;

	switch (node->kind) {
	case MARKUP_TEXT:
	case MARKUP_CODE:
		add(words, node->text, len);
		return;
	case MARKUP_CODE_BLOCK:
		words->line = true;
		add(words, node->text, len && node->text[len - 1] == '\n' ? len - 1 : len);
		words->line = true;
		return;
	case MARKUP_SOFT:
		add(words, " ", 1);
		return;
	case MARKUP_BREAK:
		words->line = true;
		return;
	default:
		break;
	}
	/* Cells of a row stand on one line. */
	if (node->kind < MARKUP_CELL)
		words->line = true;
	for (const struct markup_node *child = node->first; child; child = child->next) {
		if (child->kind == MARKUP_CELL && child != node->first)
			add(words, " ", 1);
		walk(words, child);
	}
	if (node->kind < MARKUP_CELL)
		words->line = true;
}

char *markup_plain(const struct markup_node *node)
{
	struct words words = { 0 };

	walk(&words, node);
	return buf_take(&words.text);
}
