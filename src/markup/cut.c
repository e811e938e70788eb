/* Inside a block: words at the end of a sentence or word, code at the end of a line, at last between two characters
 * as people see them. A position counts bytes of text; a link, an image and the end of a line count one. */
#include "buf.h"
#include "split.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <unigbrk.h>

enum { LOOK_AHEAD = 256 /* bytes behind a position that decide whether a character ends there */ };

static bool is_text(const struct markup_node *node)
{
	return node->kind == MARKUP_TEXT || node->kind == MARKUP_CODE;
}

static bool is_whole(const struct markup_node *node)
{
	return node->kind == MARKUP_LINK || node->kind == MARKUP_IMAGE || node->kind == MARKUP_BREAK ||
	       node->kind == MARKUP_SOFT;
}

/* Copies the children of `from` as far as *room goes. */
static void copy_beginning(struct arena *arena, struct markup_node *to, const struct markup_node *from,
			   size_t *room)
{
	for (const struct markup_node *child = from->first; child && *room; child = child->next) {
		struct markup_node *copy;

		if (is_text(child)) {
			size_t len = text_fit(child->text, child->len, *room);

			*room = len < child->len ? 0 : *room - len;
			if (len)
				tree_text(arena, to, child->kind, arena_text_n(arena, child->text, len), len);
		} else if (is_whole(child)) {
			*room -= 1;
			tree_append(to, tree_copy(arena, child));
		} else {
			copy = tree_shallow(arena, child);
			tree_append(to, copy);
			copy_beginning(arena, copy, child, room);
			if (copy->first == NULL && child->first)
				split_take_back(to);
		}
	}
}

/* Removes what copy_beginning copied. */
static void drop_beginning(struct markup_node *from, size_t *room)
{
	while (from->first && *room) {
		struct markup_node *child = from->first;

		if (is_text(child)) {
			size_t len = text_fit(child->text, child->len, *room);

			child->text += len;
			child->len -= len;
			*room = child->len ? 0 : *room - len;
		} else if (is_whole(child)) {
			*room -= 1;
		} else {
			drop_beginning(child, room);
		}
		if (child->first && !is_whole(child))
			return;
		if (is_text(child) && child->len)
			return;
		tree_shift(from);
	}
}

/* The same positions as bytes: what is no text is a letter, line ends are blanks; code has no blanks. */
static void flatten(struct buf *buf, const struct markup_node *from, size_t most)
{
	for (const struct markup_node *child = from->first; child && buf->len < most; child = child->next) {
		size_t start = buf->len;

		if (is_text(child)) {
			buf_add(buf, child->text, text_fit(child->text, child->len, most - start));
			for (size_t i = start; child->kind == MARKUP_CODE && i < buf->len; i++)
				if (buf->data[i] == ' ')
					buf->data[i] = '_';
		} else if (is_whole(child)) {
			buf_text(buf, child->kind == MARKUP_LINK || child->kind == MARKUP_IMAGE ? "x" : "\n");
		} else {
			flatten(buf, child, most);
		}
	}
}

static bool is_white(char c)
{
	return c == ' ' || c == '\n' || c == '\t';
}

/* A sentence ends before this position, which stands behind white space. */
static bool ends_sentence(const char *text, size_t at)
{
	while (at > 0 && is_white(text[at - 1]))
		at--;
	while (at > 0 && strchr("\"')]*_", text[at - 1]) && text[at - 1])
		at--;
	return at > 0 &&
	       (strchr(".!?:;", text[at - 1]) != NULL || (at > 2 && memcmp(text + at - 3, "。", 3) == 0));
}

/* The last position up to `most` where a character as people see it ends. u8_grapheme_breaks looks at the whole text,
 * which families and flags need. */
static size_t character_end(const char *text, size_t len, size_t most)
{
	char *breaks = mem_alloc(len);
	size_t at = most;

	if (most >= len) {
		at = len;
	} else {
		u8_grapheme_breaks((const uint8_t *)text, len, breaks);
		while (at > 0 && !breaks[at])
			at--;
	}
	free(breaks);
	return at > 0 ? at : text_fit(text, len, most);
}

/* Where to cut so that at most `most` of the text stays; 0: not here. least: of words alone, fewer are not worth it. */
static size_t choose(const char *text, size_t len, size_t most, size_t least)
{
	size_t word = 0;

	if (most >= len)
		return len;
	for (size_t at = most; at > 0 && (word == 0 || at >= most / 3); at--) {
		if (is_white(text[at]) == is_white(text[at - 1]))
			continue;
		if (word == 0)
			word = at;
		if (ends_sentence(text, at))
			return at;
	}
	if (word > least)
		return word;
	return least ? 0 : character_end(text, len, most);
}

/* A blank or line end at the beginning shows nothing. */
static void trim_start(struct markup_node *node)
{
	while (node->first) {
		struct markup_node *child = node->first;

		if (child->kind == MARKUP_TEXT) {
			while (child->len && is_white(*child->text))
				child->text++, child->len--;
			if (child->len)
				return;
		} else if (child->kind == MARKUP_CODE || child->kind == MARKUP_LINK ||
			   child->kind == MARKUP_IMAGE) {
			return;
		} else if (!is_whole(child)) {
			trim_start(child);
			if (child->first)
				return;
		}
		tree_shift(node);
	}
}

static void trim_end(struct arena *arena, struct markup_node *node)
{
	struct markup_node *last;
	size_t len;

	while ((last = node->last) != NULL && (last->kind == MARKUP_SOFT || last->kind == MARKUP_BREAK))
		split_take_back(node);
	if (last == NULL || last->kind != MARKUP_TEXT)
		return;
	for (len = last->len; len && is_white(last->text[len - 1]);)
		len--;
	if (len && len < last->len) {
		last->text = arena_text_n(arena, last->text, len);
		last->len = len;
	}
}

static void spell(struct buf *buf, const struct markup_node *node)
{
	size_t start = buf->len;

	if (is_text(node))
		buf_add(buf, node->text, node->len);
	else if (node->kind == MARKUP_SOFT || node->kind == MARKUP_BREAK)
		buf_text(buf, "\n");
	for (const struct markup_node *child = node->first; child; child = child->next)
		spell(buf, child);
	if (node->target == NULL || (buf->len > start && strcmp(buf->data + start, node->target) == 0))
		return;
	buf_format(buf, buf->len > start ? " (%s)" : "%s", node->target);
}

char *split_spell(struct arena *arena, const struct markup_node *node)
{
	struct buf buf = { 0 };
	char *text;

	spell(&buf, node);
	text = arena_text_n(arena, buf_str(&buf), buf.len);
	buf_free(&buf);
	return text;
}

/* The first thing in this paragraph is a link: it becomes its words. */
static bool link_to_text(struct arena *arena, struct markup_node *node)
{
	while (node && !is_text(node) && !is_whole(node))
		node = node->first;
	if (node == NULL || node->target == NULL)
		return false;
	node->text = split_spell(arena, node);
	node->len = strlen(node->text);
	node->kind = MARKUP_TEXT;
	node->target = NULL;
	node->first = node->last = NULL;
	return true;
}

static void empty(struct markup_node *node)
{
	node->first = node->last = NULL;
}

static bool words_fit(struct split *split, struct markup_node *half, const struct markup_node *from,
		      size_t room, bool *whole_out)
{
	struct arena *scratch = arena_create();
	bool fits;

	copy_beginning(scratch, half, from, &room);
	*whole_out = room > 0;
	fits = split_fits(split);
	empty(half);
	arena_destroy(scratch);
	return fits;
}

static bool lines_fit(struct split *split, struct markup_node *half, const struct markup_node *from,
		      size_t room, bool *whole_out)
{
	size_t len = text_fit(from->text, from->len, room);
	struct buf text = { 0 };
	bool fits;

	buf_add(&text, from->text, len);
	if (len == 0 || text.data[len - 1] != '\n')
		buf_add(&text, "\n", 1);
	*whole_out = room >= from->len;
	half->text = text.data;
	half->len = text.len;
	fits = split_fits(split);
	buf_free(&text);
	half->text = "";
	half->len = 0;
	return fits;
}

/* The longest beginning that fits. */
static size_t most_that_fits(struct split *split, struct markup_node *half, const struct markup_node *from)
{
	bool (*fits)(struct split *, struct markup_node *, const struct markup_node *, size_t, bool *) =
		from->kind == MARKUP_CODE_BLOCK ? lines_fit : words_fit;
	size_t low = 0, high, step = split->max;
	bool whole;

	for (; fits(split, half, from, low + step, &whole); step *= 2) {
		low += step;
		if (whole)
			return low;
	}
	for (high = low + step; high - low > 1;) {
		size_t middle = low + (high - low) / 2;

		if (fits(split, half, from, middle, &whole))
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Copies the beginning and ends it well; where that does not fit, all that was measured. */
static size_t keep_words(struct split *split, struct markup_node *half, const struct markup_node *from,
			 size_t at, size_t most)
{
	size_t room = at;

	copy_beginning(split->arena, half, from, &room);
	trim_end(split->arena, half);
	if (split_fits(split))
		return at;
	empty(half);
	room = most;
	copy_beginning(split->arena, half, from, &room);
	return most;
}

bool split_words(struct split *split, struct markup_node *to, struct markup_node *from)
{
	struct markup_node *half = tree_shallow(split->arena, from);
	struct buf flat = { 0 };
	size_t most, at = 0;

	trim_start(from);
	tree_append(to, half);
	do
		most = most_that_fits(split, half, from);
	while (most == 0 && !split->filled && link_to_text(split->arena, from));
	flatten(&flat, from, most + LOOK_AHEAD);
	if (most && flat.len)
		at = choose(flat.data, flat.len, most, split->filled ? split->max / 4 : 0);
	buf_free(&flat);
	if (at)
		at = keep_words(split, half, from, at, most);
	if (half->first == NULL) {
		split_take_back(to);
		return false;
	}
	drop_beginning(from, &at);
	trim_start(from);
	return true;
}

/* Behind the last line that fits, or inside a line that is too long for a part of its own. */
static size_t choose_line(const struct markup_node *from, size_t most, const struct split *split)
{
	const char *end = most < from->len ? memrchr(from->text, '\n', most) : NULL;
	size_t lines = end ? (size_t)(end - from->text) + 1 : 0, ahead = from->len - most;

	if (most >= from->len)
		return from->len;
	if (split->filled)
		return lines > split->max / 4 ? lines : 0;
	return lines ? lines
		     : character_end(from->text, most + (ahead > LOOK_AHEAD ? LOOK_AHEAD : ahead), most);
}

bool split_lines(struct split *split, struct markup_node *to, struct markup_node *from)
{
	struct markup_node *half = tree_shallow(split->arena, from);
	size_t most, at;
	char *text;

	tree_append(to, half);
	most = most_that_fits(split, half, from);
	at = most ? choose_line(from, most, split) : 0;
	if (at == 0) {
		split_take_back(to);
		return false;
	}
	text = arena_alloc(split->arena, at + 2);
	memcpy(text, from->text, at);
	half->len = text[at - 1] == '\n' ? at : at + 1;
	text[half->len - 1] = '\n';
	half->text = text;
	from->text += at;
	from->len -= at;
	return true;
}
