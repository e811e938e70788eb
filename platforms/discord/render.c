/* Markdown as models write it to Markdown as the platform shows it, from the tree: what is text stays text, whatever it
 * looks like (sheet 18). */
#include "markup.h"
#include "md.h"
#include "mem.h"
#include "out.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOTHING "…"

enum { HEADINGS = 3 }; /* levels that the platform knows */

static void inlines(struct md *md, const struct markup_node *node);
static void blocks(struct md *md, const struct markup_node *node, unsigned gap);

/* ---- inlines --------------------------------------------------------------------------------------------------- */

static void marked(struct md *md, const struct markup_node *node, enum md_mark mark)
{
	unsigned before = md->want;

	md->want |= mark;
	inlines(md, node);
	md->want = before;
}

/* What stands behind it would be read as a part of it. One sign at its end would not. */
static bool runs_on(const struct markup_node *node)
{
	const struct markup_node *next = node->next;
	size_t sign;

	if (next == NULL || next->kind == MARKUP_BREAK || next->kind == MARKUP_SOFT)
		return false;
	if (next->kind != MARKUP_TEXT || next->len == 0)
		return true;
	sign = strchr(".,:;)", *next->text) ? 1 : 0;
	return next->len > sign ? !strchr(" \n\t", next->text[sign]) : next->next != NULL;
}

static void address_as_text(struct md *md, const struct markup_node *node, const char *label)
{
	const char *address = node->target;
	bool seen = !text_unseen(label);

	if (strncasecmp(address, "mailto:", strlen("mailto:")) == 0)
		address += strlen("mailto:");
	inlines(md, node);
	if (*address == '\0' || strcmp(label, address) == 0)
		return;
	md_text(md, seen ? " (" : "(", seen ? 2 : 1);
	if (md_may_link(address))
		md_address(md, address, true);
	else
		md_text(md, address, strlen(address));
	md_text(md, ")", 1);
}

static bool is_bare(const struct markup_node *node, const char *label)
{
	return text_unseen(label) || strcmp(label, node->target) == 0;
}

/* An image is shown as a link to it: the platform knows no other form (sheet 18). */
static void link(struct md *md, const struct markup_node *node)
{
	char *label = markup_plain(node);

	if (!md_may_link(node->target) || (!is_bare(node, label) && !md_may_label(label)))
		address_as_text(md, node, label);
	else if (is_bare(node, label))
		md_address(md, node->target, runs_on(node));
	else
		md_link(md, node->target, label);
	free(label);
}

static void inlines(struct md *md, const struct markup_node *node)
{
	for (const struct markup_node *child = node->first; child; child = child->next) {
		if (child->kind == MARKUP_TEXT)
			md_text(md, child->text, child->len);
		else if (child->kind == MARKUP_CODE)
			md_code(md, child->text, child->len);
		else if (child->kind == MARKUP_STRONG)
			marked(md, child, MD_BOLD);
		else if (child->kind == MARKUP_EMPHASIS)
			marked(md, child, MD_ITALIC);
		else if (child->kind == MARKUP_STRIKE)
			marked(md, child, MD_STRIKE);
		else if (child->kind == MARKUP_LINK || child->kind == MARKUP_IMAGE)
			link(md, child);
		else
			md_line(md, 1);
	}
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

/* A sign of its own, or one of a list, begins the line; lines end where a heading would. */
static void heading(struct md *md, const struct markup_node *node)
{
	bool known = node->level <= HEADINGS && md->bullet[0] == '\0' && md->indent == 0;
	char *words = markup_plain(node);

	known = known && strchr(words, '\n') == NULL && !text_unseen(words);
	if (known)
		snprintf(md->bullet, sizeof(md->bullet), "%.*s ", (int)node->level, "###");
	if (known)
		inlines(md, node);
	else
		marked(md, node, MD_BOLD);
	free(words);
}

static void item(struct md *md, const struct markup_node *node, const struct markup_node *list,
		 unsigned number)
{
	char sign[16];
	size_t before = md->indent;

	if (list->ordered)
		snprintf(sign, sizeof(sign), "%u. ", number);
	else
		snprintf(sign, sizeof(sign), "- ");
	md->indent += strlen(sign);
	if (!node->continued)
		snprintf(md->bullet, sizeof(md->bullet), "%s%s", sign,
			 !node->task	 ? ""
			 : node->checked ? "☑ "
					 : "☐ ");
	blocks(md, node, list->tight ? 1 : 2);
	if (md->bullet[0])
		md_begin(md);
	md->indent = before;
}

/* What begins on a line of its own leaves the bullet on the one before. */
static void leave_bullet(struct md *md)
{
	if (md->bullet[0] == '\0')
		return;
	md_begin(md);
	md_line(md, 1);
}

static void list(struct md *md, const struct markup_node *node)
{
	unsigned number = node->start;

	leave_bullet(md);
	for (const struct markup_node *child = node->first; child; child = child->next) {
		item(md, child, node, number++);
		if (child->next)
			md_line(md, node->tight ? 1 : 2);
	}
}

static void quote(struct md *md, const struct markup_node *node)
{
	size_t before = md->indent;

	leave_bullet(md);
	md->indent = 0;
	md->quotes++;
	blocks(md, node, 2);
	md->quotes--;
	md->indent = before;
}

/* There are no tables: columns in a fixed-width font. */
static void table(struct md *md, const struct markup_node *node)
{
	char *lines = markup_table(node);

	md_block(md, lines, strlen(lines), NULL);
	free(lines);
}

static void block(struct md *md, const struct markup_node *node)
{
	switch (node->kind) {
	case MARKUP_HEADING:
		heading(md, node);
		break;
	case MARKUP_QUOTE:
		quote(md, node);
		break;
	case MARKUP_LIST:
		list(md, node);
		break;
	case MARKUP_CODE_BLOCK:
		md_block(md, node->text, node->len, node->language);
		break;
	case MARKUP_RULE: /* an empty line, which stands between blocks anyway */
		break;
	case MARKUP_TABLE:
		table(md, node);
		break;
	default:
		inlines(md, node);
	}
}

static void blocks(struct md *md, const struct markup_node *node, unsigned gap)
{
	for (const struct markup_node *child = node->first; child; child = child->next) {
		block(md, child);
		if (child->next)
			md_line(md, gap);
	}
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

static char *render(const void *owner, const struct markup_node *document)
{
	struct md md = { 0 };
	char *text;

	(void)owner;
	blocks(&md, document, 2);
	text = md_finish(&md);
	if (!text_unseen(text))
		return text;
	free(text);
	return mem_text(NOTHING);
}

size_t discord_points(const char *text)
{
	size_t points = 0;

	for (; *text; text++)
		points += ((unsigned char)*text & 0xc0) != 0x80;
	return points;
}

static size_t measure(const void *owner, const struct markup_node *document)
{
	char *text = render(owner, document);
	size_t points = discord_points(text);

	free(text);
	return points;
}

size_t discord_split(struct platform *bot, const char *markdown, char ***texts_out)
{
	struct markup_form form = { .max = DISCORD_TEXT_MAX,
				    .measure = measure,
				    .render = render,
				    .file_from = bot ? bot->config.document_parts : 0,
				    .file_max = DISCORD_UPLOAD_MAX };

	return markup_texts(markdown, &form, texts_out);
}
