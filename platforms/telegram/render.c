/* Markdown to the platform's HTML, from the tree: what is text stays text, whatever it looks like (sheet 7.4). */
#include "html.h"
#include "markup.h"
#include "mem.h"
#include "out.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RULE_LINE "———"
#define NOTHING	  "…"

static void inlines(struct html *html, const struct markup_node *node);
static void blocks(struct html *html, const struct markup_node *node, unsigned gap);

/* ---- inlines --------------------------------------------------------------------------------------------------- */

static void marked(struct html *html, const struct markup_node *node, enum html_kind kind)
{
	unsigned before = html->want[kind];

	html->want[kind] = 1;
	inlines(html, node);
	html->want[kind] = before;
}

/* What the platform makes no link of is shown behind its words. */
static void address_as_text(struct html *html, const struct markup_node *node, const char *label)
{
	const char *address = node->target;
	bool seen = !text_unseen(label);

	if (strncasecmp(address, "mailto:", strlen("mailto:")) == 0)
		address += strlen("mailto:");
	inlines(html, node);
	if (*address == '\0' || strcmp(label, address) == 0)
		return;
	html_text(html, seen ? " (" : "(", seen ? 2 : 1);
	html_text(html, address, strlen(address));
	html_text(html, ")", 1);
}

static void link(struct html *html, const struct markup_node *node)
{
	char *label = markup_plain(node);

	if (html->want[HTML_LINK]) {
		inlines(html, node); /* links can't be nested: an image that is a link is its words */
	} else if (!html_may_link(node->target)) {
		address_as_text(html, node, label);
	} else {
		html->want[HTML_LINK] = html_id(html);
		html->address = node->target;
		if (text_unseen(label))
			html_text(html, node->target, strlen(node->target));
		else
			inlines(html, node);
		html->want[HTML_LINK] = 0;
	}
	free(label);
}

static void inlines(struct html *html, const struct markup_node *node)
{
	for (const struct markup_node *child = node->first; child; child = child->next) {
		if (child->kind == MARKUP_TEXT)
			html_text(html, child->text, child->len);
		else if (child->kind == MARKUP_CODE)
			html_code(html, child->text, child->len);
		else if (child->kind == MARKUP_STRONG)
			marked(html, child, HTML_BOLD);
		else if (child->kind == MARKUP_EMPHASIS)
			marked(html, child, HTML_ITALIC);
		else if (child->kind == MARKUP_STRIKE)
			marked(html, child, HTML_STRIKE);
		else if (child->kind == MARKUP_LINK || child->kind == MARKUP_IMAGE)
			link(html, child);
		else
			html_break(html, 1);
	}
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

static void item(struct html *html, const struct markup_node *node, const struct markup_node *list,
		 unsigned number)
{
	if (node->continued)
		html->bullet[0] = '\0';
	else if (node->task)
		snprintf(html->bullet, sizeof(html->bullet), "%s ", node->checked ? "☑" : "☐");
	else if (list->ordered)
		snprintf(html->bullet, sizeof(html->bullet), "%u. ", number);
	else
		snprintf(html->bullet, sizeof(html->bullet), "• ");
	blocks(html, node, list->tight ? 1 : 2);
	if (html->bullet[0])
		html_begin(html);
}

/* What begins on a line of its own leaves the bullet on the one before. */
static void leave_bullet(struct html *html)
{
	if (html->bullet[0] == '\0')
		return;
	html_begin(html);
	html_line(html, 1);
}

static void list(struct html *html, const struct markup_node *node)
{
	unsigned number = node->start;

	leave_bullet(html);
	for (const struct markup_node *child = node->first; child; child = child->next) {
		html->lists++;
		item(html, child, node, number++);
		html->lists--;
		if (child->next)
			html_line(html, node->tight ? 1 : 2);
	}
}

/* Quotations can't be nested: inner ones have a sign at the beginning of their lines. */
static void quote(struct html *html, const struct markup_node *node)
{
	unsigned lists = html->lists;

	leave_bullet(html);
	html->lists = 0;
	if (html->quotes++ == 0)
		html->want[HTML_QUOTE] = html_id(html);
	blocks(html, node, 2);
	if (--html->quotes == 0)
		html->want[HTML_QUOTE] = 0;
	html->lists = lists;
}

static void table(struct html *html, const struct markup_node *node)
{
	char *lines = markup_table(node);

	html_block(html, lines, strlen(lines), NULL);
	free(lines);
}

static void block(struct html *html, const struct markup_node *node)
{
	switch (node->kind) {
	case MARKUP_HEADING:
		marked(html, node, HTML_BOLD);
		break;
	case MARKUP_QUOTE:
		quote(html, node);
		break;
	case MARKUP_LIST:
		list(html, node);
		break;
	case MARKUP_CODE_BLOCK:
		html_block(html, node->text, node->len, node->language);
		break;
	case MARKUP_RULE:
		html_text(html, RULE_LINE, strlen(RULE_LINE));
		break;
	case MARKUP_TABLE:
		table(html, node);
		break;
	default:
		inlines(html, node);
	}
}

static void blocks(struct html *html, const struct markup_node *node, unsigned gap)
{
	for (const struct markup_node *child = node->first; child; child = child->next) {
		block(html, child);
		if (child->next)
			html_line(html, gap);
	}
}

/* ---- parts ----------------------------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* As many of TELEGRAM_TEXT_MAX as it takes of the scarcest of what a message has: units, bytes, entities. */
static size_t measure(const void *owner, const struct markup_node *document)
{
	struct html html = { 0 };
	size_t bytes, used;
	char *text;

	(void)owner;
	blocks(&html, document, 2);
	text = html_finish(&html);
	bytes = strlen(text);
	free(text);
	used = larger(html.units, html.marks * TELEGRAM_TEXT_MAX / HTML_MARKS_MAX);
	return larger(used, (bytes * TELEGRAM_TEXT_MAX + TELEGRAM_RAW_MAX - 1) / TELEGRAM_RAW_MAX);
}

static char *render(const void *owner, const struct markup_node *document)
{
	struct html html = { 0 };
	char *text, *words;
	bool empty;

	(void)owner;
	blocks(&html, document, 2);
	text = html_finish(&html);
	words = telegram_plain(text);
	empty = text_unseen(words);
	free(words);
	if (!empty)
		return text;
	free(text);
	return mem_text(NOTHING);
}

size_t telegram_split(struct platform *bot, const char *markdown, char ***texts_out)
{
	struct markup_form form = { .max = TELEGRAM_TEXT_MAX,
				    .measure = measure,
				    .render = render,
				    .file_from = bot ? bot->config.document_parts : 0,
				    .file_max = TELEGRAM_UPLOAD_MAX };

	return markup_texts(markdown, &form, texts_out);
}

size_t telegram_units(const char *text, size_t len)
{
	size_t units = 0;

	for (size_t i = 0; i < len; i++)
		units += ((unsigned char)text[i] & 0xc0) == 0x80 ? 0 : (unsigned char)text[i] >= 0xf0 ? 2 : 1;
	return units;
}

/* ---- and back ---------------------------------------------------------------------------------------------------- */

/* One character, or what stands for one; returns what follows. */
static const char *character(struct buf *out, const char *at)
{
	static const struct {
		const char *entity, *sign;
	} entities[] = { { "&lt;", "<" }, { "&gt;", ">" }, { "&quot;", "\"" }, { "&amp;", "&" } };

	for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++)
		if (strncmp(at, entities[i].entity, strlen(entities[i].entity)) == 0) {
			buf_text(out, entities[i].sign);
			return at + strlen(entities[i].entity);
		}
	buf_add(out, at, 1);
	return at + 1;
}

#define LINK_TAG "<a href=\""

static void read_address(struct buf *out, const char *tag)
{
	buf_clear(out);
	for (tag += strlen(LINK_TAG); *tag && *tag != '"';)
		tag = character(out, tag);
}

static char *plain(const char *html, bool addresses)
{
	struct buf out = { 0 }, address = { 0 };
	size_t label = 0;

	for (const char *at = html; *at;) {
		size_t tag = *at == '<' ? strcspn(at, ">") : 0;

		if (tag == 0 || at[tag] == '\0') {
			at = character(&out, at);
			continue;
		}
		if (strncmp(at, LINK_TAG, strlen(LINK_TAG)) == 0) {
			read_address(&address, at);
			label = out.len;
		} else if (addresses && address.len && strncmp(at, "</a>", 4) == 0 &&
			   strcmp(buf_str(&out) + label, address.data) != 0) {
			buf_format(&out, " (%s)", address.data);
		}
		at += tag + 1;
	}
	buf_free(&address);
	return buf_take(&out);
}

char *telegram_plain(const char *html)
{
	char *text = plain(html, true);

	if (telegram_units(text, strlen(text)) <= TELEGRAM_TEXT_MAX)
		return text;
	free(text);
	return plain(html, false);
}
