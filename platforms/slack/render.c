/* Markdown to mrkdwn, from the tree: what is text stays text, whatever it looks like (sheet 16). */
#include "markup.h"
#include "mem.h"
#include "mrkdwn.h"
#include "slack_room.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE_LINE "──────────"
#define NOTHING	  "…"

static void inlines(struct mrkdwn *out, const struct markup_node *node);
static void blocks(struct mrkdwn *out, const struct markup_node *node, unsigned gap);

static void marked(struct mrkdwn *out, const struct markup_node *node, enum mrkdwn_mark mark)
{
	unsigned before = out->want;

	out->want |= mark;
	inlines(out, node);
	out->want = before;
}

/* An address that is no link for Slack is shown behind its words. */
static void address_as_text(struct mrkdwn *out, const struct markup_node *node, const char *label)
{
	inlines(out, node);
	if (*node->target == '\0' || strcmp(label, node->target) == 0)
		return;
	mrkdwn_text(out, *label ? " (" : "(", *label ? 2 : 1);
	mrkdwn_text(out, node->target, strlen(node->target));
	mrkdwn_text(out, ")", 1);
}

static void link(struct mrkdwn *out, const struct markup_node *node)
{
	char *label = markup_plain(node);

	if (!mrkdwn_link(out, node->target, label))
		address_as_text(out, node, label);
	free(label);
}

static void inlines(struct mrkdwn *out, const struct markup_node *node)
{
	for (const struct markup_node *child = node->first; child; child = child->next) {
		if (child->kind == MARKUP_TEXT)
			mrkdwn_text(out, child->text, child->len);
		else if (child->kind == MARKUP_CODE)
			mrkdwn_code(out, child->text, child->len);
		else if (child->kind == MARKUP_STRONG)
			marked(out, child, MRKDWN_BOLD);
		else if (child->kind == MARKUP_EMPHASIS)
			marked(out, child, MRKDWN_ITALIC);
		else if (child->kind == MARKUP_STRIKE)
			marked(out, child, MRKDWN_STRIKE);
		else if (child->kind == MARKUP_LINK || child->kind == MARKUP_IMAGE)
			link(out, child);
		else
			mrkdwn_line(out, 1);
	}
}

static void item(struct mrkdwn *out, const struct markup_node *node, const struct markup_node *list,
		 unsigned number)
{
	if (node->continued)
		out->bullet[0] = '\0';
	else if (node->task)
		snprintf(out->bullet, sizeof(out->bullet), "%s ", node->checked ? "☑" : "☐");
	else if (list->ordered)
		snprintf(out->bullet, sizeof(out->bullet), "%u. ", number);
	else
		snprintf(out->bullet, sizeof(out->bullet), "• ");
	blocks(out, node, list->tight ? 1 : 2);
	if (out->bullet[0])
		mrkdwn_begin(out);
}

static void list(struct mrkdwn *out, const struct markup_node *node)
{
	unsigned number = node->start;

	if (out->bullet[0]) {
		mrkdwn_begin(out);
		mrkdwn_line(out, 1);
	}
	for (const struct markup_node *child = node->first; child; child = child->next) {
		out->lists++;
		item(out, child, node, number++);
		out->lists--;
		if (child->next)
			mrkdwn_line(out, node->tight ? 1 : 2);
	}
}

/* mrkdwn has no tables. */
static void table(struct mrkdwn *out, const struct markup_node *node)
{
	char *lines = markup_table(node);

	mrkdwn_block(out, lines, strlen(lines));
	free(lines);
}

static void block(struct mrkdwn *out, const struct markup_node *node)
{
	switch (node->kind) {
	case MARKUP_HEADING:
		marked(out, node, MRKDWN_BOLD);
		break;
	case MARKUP_QUOTE:
		out->quotes++;
		blocks(out, node, 2);
		out->quotes--;
		break;
	case MARKUP_LIST:
		list(out, node);
		break;
	case MARKUP_CODE_BLOCK:
		mrkdwn_block(out, node->text, node->len);
		break;
	case MARKUP_RULE:
		mrkdwn_text(out, RULE_LINE, strlen(RULE_LINE));
		break;
	case MARKUP_TABLE:
		table(out, node);
		break;
	default:
		inlines(out, node);
	}
}

static void blocks(struct mrkdwn *out, const struct markup_node *node, unsigned gap)
{
	for (const struct markup_node *child = node->first; child; child = child->next) {
		block(out, child);
		if (child->next)
			mrkdwn_line(out, gap);
	}
}

static char *render(const struct markup_node *document)
{
	struct mrkdwn out = { 0 };
	char *text;

	blocks(&out, document, 2);
	text = mrkdwn_finish(&out);
	if (*text)
		return text;
	free(text);
	return mem_text(NOTHING);
}

/* Characters, those outside the basic plane twice: whichever way Slack counts, it counts no more. */
static size_t count(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) == 0x80 ? 0 : (unsigned char)*text >= 0xf0 ? 2 : 1;
	return n;
}

static size_t measure(const void *owner, const struct markup_node *document)
{
	char *text = render(document);
	size_t n = count(text);

	(void)owner;
	free(text);
	return n;
}

size_t slack_split(struct platform *workspace, const char *markdown, char ***texts_out)
{
	struct markup *markup = markup_parse(markdown, strlen(markdown));
	const struct markup_node *const *parts;
	size_t n = markup_split(markup, SLACK_TEXT_MAX, measure, NULL, &parts);

	(void)workspace;
	*texts_out = mem_zero(n, sizeof(**texts_out));
	for (size_t i = 0; i < n; i++)
		(*texts_out)[i] = render(parts[i]);
	markup_free(markup);
	return n;
}
