/* From md4c's events to a tree. */
#include "buf.h"
#include "text.h"
#include "tree.h"
#include <limits.h>
#include <md4c.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONTAINERS_MAX = MARKUP_DEPTH_MAX - 10, /* leaves room for a table's rows and for inlines */
	FLAGS = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_PERMISSIVEURLAUTOLINKS |
		MD_FLAG_PERMISSIVEEMAILAUTOLINKS | MD_FLAG_NOHTML,
};

struct reader {
	struct arena *arena;
	struct markup_node *at;		  /* what is open */
	unsigned depth;			  /* of at; the document has 0 */
	unsigned flat_blocks, flat_spans; /* open ones that were not made: too deep */
	bool implied;	   /* at, or an inline's ancestor, is a paragraph that md4c left out (tight lists) */
	struct buf text;   /* neighbouring pieces become one node */
	bool code;	   /* the text is code */
	size_t work, most; /* callbacks and bytes so far, and what is too many */
};

static void open_node(struct reader *reader, enum markup_kind kind)
{
	reader->at = tree_add(reader->arena, reader->at, kind);
	reader->depth++;
}

static void close_node(struct reader *reader)
{
	reader->at = reader->at->parent;
	reader->depth--;
}

static bool holds_blocks(enum markup_kind kind)
{
	return kind == MARKUP_DOCUMENT || kind == MARKUP_QUOTE || kind == MARKUP_ITEM;
}

/* Words that stand where blocks belong get their paragraph. */
static void need_paragraph(struct reader *reader)
{
	if (!holds_blocks(reader->at->kind))
		return;
	open_node(reader, MARKUP_PARAGRAPH);
	reader->implied = true;
}

static void flush(struct reader *reader)
{
	size_t len = reader->text.len;

	if (len == 0)
		return;
	tree_text(reader->arena, reader->at, MARKUP_TEXT, arena_text_n(reader->arena, reader->text.data, len),
		  len);
	buf_clear(&reader->text);
}

/* md4c 0.4 does not end every span that it begins: no span outlives its block. */
static void end_words(struct reader *reader)
{
	flush(reader);
	while (reader->at->kind >= MARKUP_TEXT)
		close_node(reader);
	reader->flat_spans = 0;
	reader->code = false;
	if (reader->implied)
		close_node(reader);
	reader->implied = false;
}

/* False when this document makes more work than its length explains: parsing stops. */
static bool may(struct reader *reader, size_t work)
{
	reader->work += work + 1;
	return reader->work <= reader->most;
}

static void add_entity(struct buf *buf, const char *entity, size_t len)
{
	char text[4];
	size_t size = entity_text(entity, len, text);

	buf_add(buf, size ? text : entity, size ? size : len);
}

static char *attribute(struct reader *reader, const MD_ATTRIBUTE *attribute)
{
	struct buf buf = { 0 };
	char *text;

	for (size_t i = 0; attribute->size && attribute->substr_offsets[i] < attribute->size; i++) {
		const char *piece = attribute->text + attribute->substr_offsets[i];
		size_t len = attribute->substr_offsets[i + 1] - attribute->substr_offsets[i];

		if (attribute->substr_types[i] == MD_TEXT_ENTITY)
			add_entity(&buf, piece, len);
		else if (attribute->substr_types[i] == MD_TEXT_NULLCHAR)
			buf_text(&buf, "\ufffd");
		else
			buf_add(&buf, piece, len);
	}
	text = arena_text_n(reader->arena, buf_str(&buf), buf.len);
	buf_free(&buf);
	return text;
}

/* Quotes and lists nest without end; below the limit their blocks stand in what is open. A list needs room for its
 * items. */
static void open_container(struct reader *reader, enum markup_kind kind)
{
	unsigned need = kind == MARKUP_LIST ? 2 : 1;

	if (reader->flat_blocks || reader->depth + need > CONTAINERS_MAX)
		reader->flat_blocks++;
	else
		open_node(reader, kind);
}

static void open_list(struct reader *reader, bool ordered, unsigned start, bool tight)
{
	open_container(reader, MARKUP_LIST);
	if (reader->flat_blocks)
		return;
	reader->at->ordered = ordered;
	reader->at->start = start;
	reader->at->tight = tight;
}

static void open_item(struct reader *reader, const MD_BLOCK_LI_DETAIL *detail)
{
	open_container(reader, MARKUP_ITEM);
	if (reader->flat_blocks)
		return;
	reader->at->task = detail->is_task;
	reader->at->checked = detail->is_task && detail->task_mark != ' ';
}

static void open_code(struct reader *reader, const MD_BLOCK_CODE_DETAIL *detail)
{
	char *language = attribute(reader, &detail->lang);

	open_node(reader, MARKUP_CODE_BLOCK);
	reader->at->language = *language ? language : NULL;
	reader->code = true;
}

static void open_cell(struct reader *reader, const MD_BLOCK_TD_DETAIL *detail)
{
	static const enum markup_align aligns[] = {
		[MD_ALIGN_DEFAULT] = MARKUP_ALIGN_NONE,
		[MD_ALIGN_LEFT] = MARKUP_ALIGN_LEFT,
		[MD_ALIGN_CENTER] = MARKUP_ALIGN_CENTER,
		[MD_ALIGN_RIGHT] = MARKUP_ALIGN_RIGHT,
	};

	open_node(reader, MARKUP_CELL);
	reader->at->align = aligns[detail->align];
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *owner)
{
	struct reader *reader = owner;
	const MD_BLOCK_OL_DETAIL *ordered = detail;

	end_words(reader);
	if (type == MD_BLOCK_QUOTE)
		open_container(reader, MARKUP_QUOTE);
	else if (type == MD_BLOCK_UL)
		open_list(reader, false, 1, ((MD_BLOCK_UL_DETAIL *)detail)->is_tight);
	else if (type == MD_BLOCK_OL)
		open_list(reader, true, ordered->start, ordered->is_tight);
	else if (type == MD_BLOCK_LI)
		open_item(reader, detail);
	else if (type == MD_BLOCK_HR)
		open_node(reader, MARKUP_RULE);
	else if (type == MD_BLOCK_H) {
		open_node(reader, MARKUP_HEADING);
		reader->at->level = ((MD_BLOCK_H_DETAIL *)detail)->level;
	} else if (type == MD_BLOCK_CODE)
		open_code(reader, detail);
	else if (type == MD_BLOCK_P)
		open_node(reader, MARKUP_PARAGRAPH);
	else if (type == MD_BLOCK_TABLE)
		open_node(reader, MARKUP_TABLE);
	else if (type == MD_BLOCK_TR)
		open_node(reader, MARKUP_ROW);
	else if (type == MD_BLOCK_TH || type == MD_BLOCK_TD)
		open_cell(reader, detail);
	return may(reader, 0) ? 0 : -1;
}

static void close_code(struct reader *reader)
{
	struct markup_node *node = reader->at;

	node->len = reader->text.len;
	node->text = arena_text_n(reader->arena, buf_str(&reader->text), node->len);
	buf_clear(&reader->text);
	reader->code = false;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *owner)
{
	struct reader *reader = owner;
	bool container =
		type == MD_BLOCK_QUOTE || type == MD_BLOCK_UL || type == MD_BLOCK_OL || type == MD_BLOCK_LI;

	(void)detail;
	if (type == MD_BLOCK_CODE)
		close_code(reader);
	end_words(reader);
	if (container && reader->flat_blocks)
		reader->flat_blocks--;
	else if (type != MD_BLOCK_DOC && type != MD_BLOCK_THEAD && type != MD_BLOCK_TBODY)
		close_node(reader);
	return may(reader, 0) ? 0 : -1;
}

static enum markup_kind span_kind(MD_SPANTYPE type)
{
	switch (type) {
	case MD_SPAN_EM:
		return MARKUP_EMPHASIS;
	case MD_SPAN_STRONG:
		return MARKUP_STRONG;
	case MD_SPAN_DEL:
		return MARKUP_STRIKE;
	case MD_SPAN_A:
		return MARKUP_LINK;
	case MD_SPAN_IMG:
		return MARKUP_IMAGE;
	default:
		return MARKUP_TEXT;
	}
}

static int enter_span(MD_SPANTYPE type, void *detail, void *owner)
{
	struct reader *reader = owner;
	enum markup_kind kind = span_kind(type);
	const MD_ATTRIBUTE *target = kind == MARKUP_LINK    ? &((MD_SPAN_A_DETAIL *)detail)->href
				     : kind == MARKUP_IMAGE ? &((MD_SPAN_IMG_DETAIL *)detail)->src
							    : NULL;

	if (!may(reader, target ? target->size : 0))
		return -1;
	need_paragraph(reader);
	flush(reader);
	if (type == MD_SPAN_CODE) {
		reader->code = true;
	} else if (reader->flat_spans || reader->depth + 2 > MARKUP_DEPTH_MAX) {
		reader->flat_spans++;
	} else {
		open_node(reader, kind);
		if (target)
			reader->at->target = attribute(reader, target);
	}
	return 0;
}

/* A link too deep to be made: its address follows its words. */
static void spell_target(struct reader *reader, const MD_ATTRIBUTE *target)
{
	buf_text(&reader->text, " (");
	buf_text(&reader->text, attribute(reader, target));
	buf_text(&reader->text, ")");
}

/* In a table "\|" is a bar, in code too: else the cell would end there. md4c leaves the backslash. */
static bool in_cell(const struct markup_node *node)
{
	while (node->kind >= MARKUP_TEXT)
		node = node->parent;
	return node->kind == MARKUP_CELL;
}

static void close_code_span(struct reader *reader)
{
	struct buf *text = &reader->text;
	bool cell = in_cell(reader->at);
	size_t len = 0;

	for (size_t i = 0; i < text->len; i++)
		if (!cell || text->data[i] != '\\' || i + 1 == text->len || text->data[i + 1] != '|')
			text->data[len++] = text->data[i];
	if (len)
		tree_text(reader->arena, reader->at, MARKUP_CODE,
			  arena_text_n(reader->arena, text->data, len), len);
	buf_clear(text);
	reader->code = false;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *owner)
{
	struct reader *reader = owner;

	if (type == MD_SPAN_CODE) {
		close_code_span(reader);
	} else if (reader->flat_spans) {
		reader->flat_spans--;
		if (type == MD_SPAN_A)
			spell_target(reader, &((MD_SPAN_A_DETAIL *)detail)->href);
		else if (type == MD_SPAN_IMG)
			spell_target(reader, &((MD_SPAN_IMG_DETAIL *)detail)->src);
	} else {
		flush(reader);
		if (reader->at->kind == span_kind(type))
			close_node(reader);
	}
	return may(reader, 0) ? 0 : -1;
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *owner)
{
	struct reader *reader = owner;

	if (!may(reader, size))
		return -1;
	if (!reader->code)
		need_paragraph(reader);
	if (type == MD_TEXT_ENTITY) {
		add_entity(&reader->text, text, size);
	} else if (type == MD_TEXT_NULLCHAR) {
		buf_text(&reader->text, "\ufffd");
	} else if (!reader->code && (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR)) {
		flush(reader);
		tree_add(reader->arena, reader->at, type == MD_TEXT_BR ? MARKUP_BREAK : MARKUP_SOFT);
	} else {
		buf_add(&reader->text, text, size);
	}
	return 0;
}

static bool read_document(struct reader *reader, const char *text, size_t len)
{
	static const MD_PARSER parser = {
		.flags = FLAGS,
		.enter_block = enter_block,
		.leave_block = leave_block,
		.enter_span = enter_span,
		.leave_span = leave_span,
		.text = on_text,
	};

	return len < UINT_MAX / 2 && md_parse(text, (MD_SIZE)len, &parser, reader) == 0;
}

/* What can't be parsed with reasonable work is shown as it was written: lines in paragraphs. */
static void read_lines(struct reader *reader, const char *text, size_t len)
{
	bool fresh = true;

	for (size_t at = 0; at < len;) {
		const char *line = text + at;
		size_t size = 0;

		while (at + size < len && line[size] != '\n' && line[size] != '\0')
			size++;
		at += size + 1;
		if (size && line[size - 1] == '\r')
			size--;
		if (size == 0) {
			fresh = true;
			continue;
		}
		if (fresh)
			end_words(reader);
		else
			tree_add(reader->arena, reader->at, MARKUP_BREAK);
		fresh = false;
		need_paragraph(reader);
		tree_text(reader->arena, reader->at, MARKUP_TEXT, arena_text_n(reader->arena, line, size),
			  size);
	}
}

static char *repair(const char *text, size_t len)
{
	char *copy = mem_text_n(text, len), *repaired;

	for (size_t i = 0; i < len; i++)
		if (copy[i] == '\0')
			copy[i] = ' ';
	repaired = text_repair(copy, len);
	free(copy);
	return repaired;
}

struct markup *markup_parse(const char *text, size_t len)
{
	struct markup *markup = mem_zero(1, sizeof(*markup));
	size_t most = len > SIZE_MAX / GUARD_CALLS - GUARD_FLOOR ? SIZE_MAX : len * GUARD_CALLS + GUARD_FLOOR;
	char *repaired = NULL;
	struct reader reader = { .most = most };

	if (!text_valid(text, len)) {
		repaired = repair(text, len);
		text = repaired;
		len = strlen(repaired);
	}
	reader.arena = markup->arena = arena_create();
	reader.at = markup->root = tree_add(reader.arena, NULL, MARKUP_DOCUMENT);
	markup->work = guard_work(text, len);
	if (markup->work > GUARD_WORK_MAX || !read_document(&reader, text, len)) {
		buf_clear(&reader.text);
		markup->work = len;
		reader = (struct reader){ .arena = reader.arena, .text = reader.text, .most = SIZE_MAX };
		reader.at = markup->root = tree_add(reader.arena, NULL, MARKUP_DOCUMENT);
		read_lines(&reader, text, len);
	}
	markup->work += reader.work;
	buf_free(&reader.text);
	free(repaired);
	return markup;
}

const struct markup_node *markup_root(const struct markup *markup)
{
	return markup->root;
}

size_t markup_work(const struct markup *markup)
{
	return markup->work;
}

void markup_free(struct markup *markup)
{
	if (markup == NULL)
		return;
	arena_destroy(markup->arena);
	free(markup);
}
