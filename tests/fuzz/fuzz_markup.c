/* rooms: base markup */
/* Any bytes as Markdown: a shallow tree of valid texts, and parts that are small enough and lose no character. */
#include "buf.h"
#include "mem.h"
#include "text.h"
#include "tree.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t measure(const void *owner, const struct markup_node *document)
{
	char *plain = markup_plain(document);
	size_t n = strlen(plain);

	(void)owner;
	free(plain);
	return n;
}

static bool holds_words(enum markup_kind kind)
{
	return kind >= MARKUP_CELL || kind == MARKUP_PARAGRAPH || kind == MARKUP_HEADING;
}

/* Characters that show, addresses aside. */
static size_t visible(const struct markup_node *node, unsigned depth)
{
	size_t n = 0;

	if (depth > MARKUP_DEPTH_MAX ||
	    (node->text && (!text_valid(node->text, node->len) || node->text[node->len])))
		abort();
	for (size_t i = 0; i < node->len; i++)
		n += node->text[i] != ' ' && node->text[i] != '\n' && node->text[i] != '\t';
	for (const struct markup_node *child = node->first; child; child = child->next) {
		if (holds_words(node->kind) != (child->kind >= MARKUP_TEXT))
			abort();
		if (child->parent != node || (child->next == NULL && node->last != child))
			abort();
		n += visible(child, depth + 1);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct markup *markup = markup_parse((const char *)data, size);
	size_t max = size ? 64 + data[0] : 64, before = visible(markup_root(markup), 0), after = 0, count;
	const struct markup_node *const *parts;

	if (markup_work(markup) > GUARD_WORK_MAX + GUARD_CALLS * 3 * size + GUARD_FLOOR)
		abort();
	count = markup_split(markup, max, measure, NULL, &parts);
	for (size_t i = 0; i < count; i++) {
		after += visible(parts[i], 0);
		if (measure(NULL, parts[i]) > max || (count > 1 && parts[i]->first == NULL))
			abort();
	}
	if (count == 0 || after < before || visible(markup_root(markup), 0) != before)
		abort();
	markup_free(markup);
	return 0;
}
