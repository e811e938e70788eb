/* Writes Markdown in one way, with everything escaped that could be read as something else. */
#include "write.h"
#include "buf.h"
#include "mem.h"
#include <stdio.h>
#include <string.h>

/* ---- words ----------------------------------------------------------------------------------- */

struct words {
	struct buf *out;
	bool fresh; /* a line begins: blanks mean something there, and so do marks of blocks */
	bool cell;
};

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/* "1." and "1)" at the beginning of a line; returns the digits. */
static size_t number(const char *text, size_t len)
{
	size_t digits = 0;

	while (digits < len && text[digits] >= '0' && text[digits] <= '9')
		digits++;
	return digits && digits < len && strchr(".)", text[digits]) && text[digits] ? digits : 0;
}

static void write_text(struct words *words, const char *text, size_t len)
{
	for (size_t at = 0; at < len; at++) {
		char c = text[at];
		size_t digits = words->fresh ? number(text + at, len - at) : 0;

		if (is_white(c)) {
			if (!words->fresh &&
			    (words->out->len == 0 || words->out->data[words->out->len - 1] != ' '))
				buf_add(words->out, " ", 1);
			continue;
		}
		if (digits) {
			buf_add(words->out, text + at, digits);
			at += digits;
			c = text[at];
			buf_add(words->out, "\\", 1);
		} else if (strchr("\\`*_[]<>&|~#!$", c) || (words->fresh && strchr("-+=:", c))) {
			buf_add(words->out, "\\", 1);
		}
		buf_add(words->out, &c, 1);
		words->fresh = false;
	}
}

static size_t longest_run(const char *text, size_t len, char c)
{
	size_t run = 0, longest = 0;

	for (size_t i = 0; i < len; i++) {
		run = text[i] == c ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void repeat(struct buf *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_text(out, text);
}

/* One more backtick than there are in it, and blanks where its own ones could be taken for them. */
static void write_code(struct words *words, const struct markup_node *node)
{
	size_t ticks = longest_run(node->text, node->len, '`') + 1;
	bool apart = node->text[0] == '`' || node->text[node->len - 1] == '`' ||
		     (is_white(node->text[0]) && is_white(node->text[node->len - 1]));

	/* Two runs of backticks that touch would be one. */
	if (words->out->len && words->out->data[words->out->len - 1] == '`')
		buf_text(words->out, "&#8203;");
	repeat(words->out, "`", ticks);
	buf_text(words->out, apart ? " " : "");
	for (size_t i = 0; i < node->len; i++) {
		if (words->cell && node->text[i] == '|')
			buf_text(words->out, "\\");
		buf_add(words->out, is_white(node->text[i]) ? " " : node->text + i, 1);
	}
	buf_text(words->out, apart ? " " : "");
	repeat(words->out, "`", ticks);
	words->fresh = false;
}

static void write_target(struct words *words, const char *target)
{
	buf_text(words->out, "<");
	for (const char *c = target; *c; c++) {
		if (is_white(*c)) {
			buf_format(words->out, "&#%d;", *c);
			continue;
		}
		if (strchr("<>\\|", *c) || (*c == '&' && strchr(c, ';')))
			buf_text(words->out, "\\");
		buf_add(words->out, c, 1);
	}
	buf_text(words->out, ">");
}

static void write_words(struct words *words, const struct markup_node *parent);

/* "<https://example.org>" is enough for an address that is its own text. */
static bool is_bare(const struct markup_node *link)
{
	const struct markup_node *text = link->first;

	return text && text->next == NULL && text->kind == MARKUP_TEXT &&
	       strcmp(text->text, link->target) == 0 &&
	       (strncmp(text->text, "https://", 8) == 0 || strncmp(text->text, "http://", 7) == 0) &&
	       strpbrk(text->text, "<>\\&| \t\n\r\v\f") == NULL;
}

static void write_link(struct words *words, const struct markup_node *node)
{
	if (node->kind == MARKUP_LINK && is_bare(node)) {
		buf_format(words->out, "<%s>", node->target);
		words->fresh = false;
		return;
	}
	buf_text(words->out, node->kind == MARKUP_IMAGE ? "![" : "[");
	words->fresh = false;
	write_words(words, node);
	buf_text(words->out, "](");
	write_target(words, node->target);
	buf_text(words->out, ")");
}

static void write_between(struct words *words, const char *sign, const struct markup_node *node)
{
	size_t before = words->out->len;
	bool fresh = words->fresh;

	buf_text(words->out, sign);
	words->fresh = false;
	write_words(words, node);
	if (words->out->len > before + strlen(sign)) {
		buf_text(words->out, sign);
		return;
	}
	buf_cut(words->out, before); /* signs around nothing would be text */
	words->fresh = fresh;
}

static void end_line(struct words *words, const char *with)
{
	while (words->out->len && words->out->data[words->out->len - 1] == ' ')
		buf_cut(words->out, words->out->len - 1);
	buf_text(words->out, with);
	words->fresh = true;
}

static void write_word(struct words *words, const struct markup_node *node)
{
	if (node->kind == MARKUP_TEXT)
		write_text(words, node->text, node->len);
	else if (node->kind == MARKUP_CODE)
		write_code(words, node);
	else if (node->kind == MARKUP_STRONG)
		write_between(words, "**", node);
	else if (node->kind == MARKUP_EMPHASIS)
		write_between(words, "*", node);
	else if (node->kind == MARKUP_STRIKE)
		write_between(words, "~~", node);
	else if (node->kind == MARKUP_LINK || node->kind == MARKUP_IMAGE)
		write_link(words, node);
	else if (words->cell)
		write_text(words, " ", 1);
	else if (!words->fresh)
		end_line(words, node->kind == MARKUP_BREAK ? "\\\n" : "\n");
}

static void write_words(struct words *words, const struct markup_node *parent)
{
	for (const struct markup_node *node = parent->first; node; node = node->next)
		write_word(words, node);
}

/* line: it may not hold the end of one. */
static void write_line(struct buf *out, const struct markup_node *node, bool line)
{
	struct buf text = { 0 };
	struct words words = { .out = &text, .fresh = true, .cell = line };
	size_t len;

	write_words(&words, node);
	end_line(&words, "");
	len = text.len;
	while (len && text.data[len - 1] == '\n')
		len -= len > 1 && text.data[len - 2] == '\\' ? 2 : 1;
	if (len)
		buf_add(out, text.data, len);
	buf_free(&text);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void write_blocks(struct buf *out, const struct markup_node *parent, bool tight);

/* Lines of text behind `first`, then `rest`; blank lines without blanks at the end. */
static void indent(struct buf *out, const struct buf *text, const char *first, const char *rest)
{
	const char *sign = first;
	size_t at = 0;

	do {
		const char *line = text->len ? text->data + at : "";
		const char *end = text->len ? memchr(line, '\n', text->len - at) : NULL;
		size_t len = end ? (size_t)(end - line) : text->len - at, wide = strlen(sign);

		if (at)
			buf_text(out, "\n");
		while (len == 0 && wide && sign[wide - 1] == ' ')
			wide--;
		buf_add(out, sign, wide);
		buf_add(out, line, len);
		at += len + 1;
		sign = rest;
	} while (at < text->len);
}

static void write_quote(struct buf *out, const struct markup_node *node)
{
	struct buf inner = { 0 };

	write_blocks(&inner, node, false);
	indent(out, &inner, "> ", "> ");
	buf_free(&inner);
}

static void write_item(struct buf *out, const struct markup_node *item, bool tight, const char *mark)
{
	struct buf inner = { 0 };
	char rest[24];

	if (item->task)
		buf_text(&inner, item->checked ? "[x] " : "[ ] ");
	write_blocks(&inner, item, tight);
	memset(rest, ' ', sizeof(rest));
	rest[strlen(mark)] = '\0';
	indent(out, &inner, mark, rest);
	buf_free(&inner);
}

/* second: the list before it is of the same kind, and another mark keeps them apart. */
static void write_list(struct buf *out, const struct markup_node *list, bool second)
{
	unsigned number = list->start;
	char mark[16] = "";

	for (const struct markup_node *item = list->first; item; item = item->next, number++) {
		snprintf(mark, sizeof(mark), second ? "+ " : "- ");
		if (list->ordered)
			snprintf(mark, sizeof(mark), "%u%c ", number % 1000000000, second ? ')' : '.');
		if (item != list->first)
			buf_text(out, list->tight ? "\n" : "\n\n");
		write_item(out, item, list->tight, mark);
	}
}

static void write_code_block(struct buf *out, const struct markup_node *node)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+#._-";
	size_t run = longest_run(node->text, node->len, '`'), ticks = run < 3 ? 3 : run + 1;

	repeat(out, "`", ticks);
	if (node->language && node->language[strspn(node->language, plain)] == '\0')
		buf_text(out, node->language);
	buf_text(out, "\n");
	buf_add(out, node->text, node->len);
	if (node->len && node->text[node->len - 1] != '\n')
		buf_text(out, "\n");
	repeat(out, "`", ticks);
}

static void write_row(struct buf *out, const struct markup_node *row)
{
	for (const struct markup_node *cell = row->first; cell; cell = cell->next) {
		buf_text(out, "| ");
		write_line(out, cell, true);
		buf_text(out, " ");
	}
	buf_text(out, "|");
}

static void write_table(struct buf *out, const struct markup_node *table)
{
	static const char *const rules[] = { [MARKUP_ALIGN_NONE] = "| --- ",
					     [MARKUP_ALIGN_LEFT] = "| :-- ",
					     [MARKUP_ALIGN_CENTER] = "| :-: ",
					     [MARKUP_ALIGN_RIGHT] = "| --: " };

	for (const struct markup_node *row = table->first; row; row = row->next) {
		if (row != table->first)
			buf_text(out, "\n");
		write_row(out, row);
		if (row != table->first)
			continue;
		buf_text(out, "\n");
		for (const struct markup_node *cell = row->first; cell; cell = cell->next)
			buf_text(out, rules[cell->align]);
		buf_text(out, "|");
	}
}

static void write_block(struct buf *out, const struct markup_node *node, bool second)
{
	if (node->kind == MARKUP_HEADING) {
		repeat(out, "#", node->level);
		buf_text(out, " ");
		write_line(out, node, true);
	} else if (node->kind == MARKUP_QUOTE) {
		write_quote(out, node);
	} else if (node->kind == MARKUP_LIST) {
		write_list(out, node, second);
	} else if (node->kind == MARKUP_CODE_BLOCK) {
		write_code_block(out, node);
	} else if (node->kind == MARKUP_RULE) {
		buf_text(out, "***");
	} else if (node->kind == MARKUP_TABLE) {
		write_table(out, node);
	} else {
		write_line(out, node, false);
	}
}

/* In a tight list blocks stand below each other, if the second one can end the first. */
static const char *between(const struct markup_node *node, const struct markup_node *next, bool tight)
{
	bool ends = next->kind == MARKUP_CODE_BLOCK || next->kind == MARKUP_HEADING ||
		    (next->kind == MARKUP_LIST && next->first && next->first->first &&
		     (!next->ordered || next->start == 1));

	return tight && ends && node->kind == MARKUP_PARAGRAPH ? "\n" : "\n\n";
}

static void write_blocks(struct buf *out, const struct markup_node *parent, bool tight)
{
	bool second = false;

	for (const struct markup_node *node = parent->first; node; node = node->next) {
		const struct markup_node *next = node->next;

		write_block(out, node, second);
		if (next)
			buf_text(out, between(node, next, tight));
		second = next && !second && node->kind == MARKUP_LIST && next->kind == MARKUP_LIST &&
			 node->ordered == next->ordered;
	}
}

char *markup_write(const struct markup_node *document)
{
	struct buf out = { 0 };

	write_blocks(&out, document, false);
	return buf_take(&out);
}
