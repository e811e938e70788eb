/* Markdown as a terminal shows it: no signs of form but those that help to read. */
#include "buf.h"
#include "cli.h"
#include "markup.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *block(const struct markup_node *node);

/* ---- words of a line --------------------------------------------------------------------------------------- */

static void add_inlines(struct buf *out, const struct markup_node *node);

/* What somebody else wrote: its control characters are shown, not sent to the terminal. */
static void add_text(struct buf *out, const struct markup_node *node)
{
	char *text = mem_text_n(node->text, node->len), *visible = text_visible(text, "\n\t");

	buf_text(out, visible);
	free(visible);
	free(text);
}

static void add_address(struct buf *out, const struct markup_node *node, size_t start)
{
	char *target = text_visible(node->target, "");

	if (out->len == start)
		buf_text(out, target);
	else if (strcmp(buf_str(out) + start, target) != 0)
		buf_format(out, " (%s)", target);
	free(target);
}

static void add_inline(struct buf *out, const struct markup_node *node)
{
	size_t start = out->len;

	if (node->text) {
		add_text(out, node);
	} else if (node->kind == MARKUP_SOFT || node->kind == MARKUP_BREAK) {
		buf_text(out, "\n");
	} else {
		buf_text(out, node->kind == MARKUP_STRONG ? "\033[1m" : "");
		add_inlines(out, node);
		buf_text(out, node->kind == MARKUP_STRONG ? "\033[22m" : "");
		if (node->target)
			add_address(out, node, start);
	}
}

static void add_inlines(struct buf *out, const struct markup_node *node)
{
	for (const struct markup_node *child = node->first; child; child = child->next)
		add_inline(out, child);
}

/* ---- blocks ------------------------------------------------------------------------------------------------ */

/* Behind the first sign stands the first line, behind blanks of its width, or behind the sign again, each other one. */
static void add_lines(struct buf *out, const char *sign, bool repeat, const char *text)
{
	bool first = true;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (first || repeat)
			buf_text(out, sign);
		else if (len > 0)
			buf_blanks(out, strlen(sign));
		buf_add(out, text, len);
		buf_text(out, "\n");
		text += len + (text[len] == '\n');
		first = false;
	}
	if (first)
		buf_format(out, "%s\n", sign);
}

static void add_blocks(struct buf *out, const struct markup_node *node, bool tight)
{
	for (const struct markup_node *child = node->first; child; child = child->next) {
		char *text = block(child);

		if (child != node->first && !tight)
			buf_text(out, "\n");
		buf_text(out, text);
		free(text);
	}
}

static void add_item(struct buf *out, const struct markup_node *list, const struct markup_node *item,
		     unsigned number)
{
	struct buf words = { 0 };
	char sign[24] = "- ";

	if (item->task)
		snprintf(sign, sizeof(sign), "[%c] ", item->checked ? 'x' : ' ');
	else if (list->ordered)
		snprintf(sign, sizeof(sign), "%u. ", number);
	add_blocks(&words, item, list->tight);
	add_lines(out, sign, false, buf_str(&words));
	buf_free(&words);
}

static void add_list(struct buf *out, const struct markup_node *list)
{
	unsigned number = list->start;

	for (const struct markup_node *item = list->first; item; item = item->next) {
		if (item != list->first && !list->tight)
			buf_text(out, "\n");
		add_item(out, list, item, number++);
	}
}

static void add_table(struct buf *out, const struct markup_node *table)
{
	char *lines = markup_table(table), *visible = text_visible(lines, "\n");

	buf_text(out, visible);
	free(visible);
	free(lines);
}

/* With its last line feed. The caller frees. */
static char *block(const struct markup_node *node)
{
	struct buf out = { 0 }, words = { 0 };

	switch (node->kind) {
	case MARKUP_LIST:
		add_list(&out, node);
		break;
	case MARKUP_TABLE:
		add_table(&out, node);
		break;
	case MARKUP_CODE_BLOCK:
		add_text(&words, node);
		add_lines(&out, "    ", true, buf_str(&words));
		break;
	case MARKUP_QUOTE:
		add_blocks(&words, node, false);
		add_lines(&out, "> ", true, buf_str(&words));
		break;
	case MARKUP_RULE:
		buf_text(&out, "----\n");
		break;
	case MARKUP_HEADING:
		buf_text(&out, "\033[1m");
		add_inlines(&out, node);
		buf_text(&out, "\033[22m\n");
		break;
	default:
		add_inlines(&out, node);
		buf_text(&out, "\n");
	}
	buf_free(&words);
	return buf_take(&out);
}

char *cli_words(const char *markdown)
{
	struct markup *markup = markup_parse(markdown, strlen(markdown));
	struct buf out = { 0 };

	add_blocks(&out, markup_root(markup), false);
	markup_free(markup);
	return buf_take(&out);
}

void cli_put_words(FILE *out, const char *markdown)
{
	const char *terminal = getenv("TERM");
	char *words;

	if (!isatty(fileno(out)) || terminal == NULL || strcmp(terminal, "dumb") == 0) {
		cli_put(out, markdown);
		fputs("\n", out);
		return;
	}
	words = cli_words(markdown);
	fputs(words, out);
	free(words);
}
