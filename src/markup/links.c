/* The rule about links, carried out on the tree of a document, which is then written again. */
#include "links.h"
#include "address.h"
#include "buf.h"
#include "markup.h"
#include "text.h"
#include "tree.h"
#include "write.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SPELLED_MAX = 512 /* bytes of an address that are shown */ };

struct links {
	char *hosts[LINKS_HOSTS_MAX];
	bool below[LINKS_HOSTS_MAX]; /* and what is below it */
	size_t count;
};

struct links *links_create(void)
{
	return mem_zero(1, sizeof(struct links));
}

void links_destroy(struct links *links)
{
	if (links == NULL)
		return;
	for (size_t i = 0; i < links->count; i++)
		free(links->hosts[i]);
	free(links);
}

static bool knows_host(const struct links *links, const char *host)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->below[i] ? url_below(host, links->hosts[i]) : strcmp(host, links->hosts[i]) == 0)
			return true;
	return false;
}

static void add_host(struct links *links, const char *host, bool below)
{
	if (links->count == LINKS_HOSTS_MAX || (!below && knows_host(links, host)))
		return;
	links->hosts[links->count] = mem_text(host);
	links->below[links->count++] = below;
}

void links_allow(struct links *links, const char *host)
{
	char name[ADDRESS_HOST_SIZE];

	if (address_host(host, strlen(host), true, name))
		add_host(links, name, true);
}

static bool is_known(const struct links *links, const char *address, size_t len, bool bare)
{
	char host[ADDRESS_HOST_SIZE];

	return address_host(address, len, bare, host) && knows_host(links, host);
}

/* ---- what a person wrote --------------------------------------------------------------------- */

static void take_text(struct links *links, const char *text, size_t len)
{
	char host[ADDRESS_HOST_SIZE];

	for (size_t at = 0, from, size; address_next(text, len, &at, &from, &size);)
		if (address_host(text + from, size, true, host))
			add_host(links, host, false);
}

static void take_said(struct links *links, const struct markup_node *node)
{
	if (node->kind == MARKUP_QUOTE)
		return;
	if (node->target)
		take_text(links, node->target, strlen(node->target));
	if (node->text)
		take_text(links, node->text, node->len);
	for (const struct markup_node *child = node->first; child; child = child->next)
		take_said(links, child);
}

void links_said(struct links *links, const char *text, size_t len)
{
	struct markup *markup = markup_parse(text, len);

	take_said(links, markup_root(markup));
	markup_free(markup);
}

static bool has_quote(const struct markup_node *node)
{
	bool found = node->kind == MARKUP_QUOTE;

	for (const struct markup_node *child = node->first; child && !found; child = child->next)
		found = has_quote(child);
	return found;
}

bool links_quotes(const char *text, size_t len)
{
	struct markup *markup;
	bool found;

	if (memchr(text, '>', len) == NULL)
		return false;
	markup = markup_parse(text, len);
	found = has_quote(markup_root(markup));
	markup_free(markup);
	return found;
}

/* ---- links and images ------------------------------------------------------------------------ */

struct guard {
	const struct links *links;
	struct arena *arena;
	bool changed; /* something was not as it may be */
	bool tags;    /* something looks like HTML or an entity: it is only to be written again, as text */
};

/* Host and path: what shows of an address. */
static size_t spell(struct arena *arena, const char *address, size_t len, const char **out)
{
	static const char *const plain[] = { "https://", "http://", "mailto:" };
	struct buf text = { 0 };
	size_t skip = 0;

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain) && skip == 0; i++)
		if (len >= strlen(plain[i]) && strncasecmp(address, plain[i], strlen(plain[i])) == 0)
			skip = strlen(plain[i]);
	for (size_t at = skip; at < len;) {
		size_t hidden = address_hidden(address + at, len - at);

		if (hidden == 0)
			buf_add(&text, address[at] == '\n' || address[at] == '\r' ? " " : address + at, 1);
		at += hidden ? hidden : 1;
	}
	len = text_fit(buf_str(&text), text.len, SPELLED_MAX);
	*out = len < text.len ? arena_format(arena, "%.*s…", (int)len, text.data)
			      : arena_text_n(arena, buf_str(&text), len);
	buf_free(&text);
	return strlen(*out);
}

static void add_code(struct guard *guard, struct markup_node *to, const char *address, size_t len)
{
	const char *spelled;
	size_t size = spell(guard->arena, address, len, &spelled);

	if (size)
		tree_text(guard->arena, to, MARKUP_CODE, spelled, size);
}

static bool is_own_name(const struct markup_node *link)
{
	char *words = markup_plain(link);
	const char *target = link->target, *bare = strstr(target, "://");
	bool same = strcmp(words, target) == 0 || (bare && strcmp(words, bare + 3) == 0) ||
		    (strncasecmp(target, "mailto:", 7) == 0 && strcmp(words, target + 7) == 0) || !*words;

	free(words);
	return same;
}

static void guard_targets(struct guard *guard, struct markup_node *node);

/* Its words, and behind them where it leads to, as code. */
static void disarm(struct guard *guard, struct markup_node *to, struct markup_node *link)
{
	struct markup_node *child;

	guard->changed = true;
	if (!is_own_name(link)) {
		guard_targets(guard, link);
		while ((child = tree_shift(link)))
			tree_append(to, child);
		if (*link->target)
			tree_text(guard->arena, to, MARKUP_TEXT, " ", 1);
	}
	add_code(guard, to, link->target, strlen(link->target));
}

static void guard_targets(struct guard *guard, struct markup_node *node)
{
	struct markup_node old = *node, *child;

	node->first = node->last = NULL;
	while ((child = tree_shift(&old))) {
		if (child->target && !is_known(guard->links, child->target, strlen(child->target), false)) {
			disarm(guard, node, child);
			continue;
		}
		guard_targets(guard, child);
		tree_append(node, child);
	}
}

/* ---- plain text ------------------------------------------------------------------------------ */

/* The text of a block as a platform would see it, without what does not show, and where each byte came from. */
struct flat {
	struct buf text;
	struct place {
		struct markup_node *node; /* NULL: a border */
		size_t at;
	} * places; /* of each byte */
	size_t room;
	bool tags; /* something looks like HTML or an entity */
};

static void put(struct flat *flat, const char *text, size_t len, struct markup_node *node, size_t at)
{
	if (flat->room < flat->text.len + len) {
		flat->room = 2 * (flat->text.len + len) + 64;
		flat->places = mem_resize(flat->places, flat->room, sizeof(*flat->places));
	}
	for (size_t i = 0; i < len; i++)
		flat->places[flat->text.len + i] = (struct place){ node, at + i };
	buf_add(&flat->text, text, len);
}

static bool is_tag(const char *text, size_t len)
{
	return len > 1 && text[0] == '<' &&
	       (strchr("/!?", text[1]) || ((text[1] | 0x20) >= 'a' && (text[1] | 0x20) <= 'z'));
}

/* "&period;" that we do not decode but another program may: it is written as text, too. */
static bool is_entity(const char *text, size_t len)
{
	size_t end = 1;

	while (end < len && text[0] == '&' && (isalnum((unsigned char)text[end]) || text[end] == '#'))
		end++;
	return end > 1 && end < len && text[end] == ';';
}

static void flatten(struct flat *flat, struct markup_node *node)
{
	bool apart = node->kind == MARKUP_LINK || node->kind == MARKUP_IMAGE || node->kind == MARKUP_CODE ||
		     node->kind == MARKUP_SOFT || node->kind == MARKUP_BREAK;

	if (apart)
		put(flat, "\n", 1, NULL, 0);
	for (size_t at = 0; node->kind == MARKUP_TEXT && at < node->len;) {
		size_t hidden = address_hidden(node->text + at, node->len - at);

		flat->tags = flat->tags || is_tag(node->text + at, node->len - at) ||
			     is_entity(node->text + at, node->len - at);
		if (hidden == 0)
			put(flat, node->text + at, 1, node, at);
		at += hidden ? hidden : 1;
	}
	for (struct markup_node *child = node->first; child; child = child->next)
		flatten(flat, child);
	if (apart)
		put(flat, "\n", 1, NULL, 0);
}

/* One address in the text of a block, by its first and last byte. */
struct found {
	struct place first, last;
};

struct founds {
	struct found *all;
	size_t count, at; /* the next to be cut out */
	bool inside;	  /* it has begun in an earlier node */
};

/* It stands there in one piece: signs of form in it, and what does not show, are no border for us, but may be one for others. */
static bool is_whole(const struct place *places, size_t size)
{
	for (size_t i = 1; i < size; i++)
		if (places[i].node != places[0].node || places[i].at != places[0].at + i)
			return false;
	return true;
}

static void find(const struct guard *guard, const struct flat *flat, struct founds *founds)
{
	const char *text = flat->text.data;
	size_t room = 0;

	for (size_t at = 0, from, size; address_next(text, flat->text.len, &at, &from, &size);) {
		if (size <= ADDRESS_WORD_MAX && is_whole(flat->places + from, size) &&
		    is_known(guard->links, text + from, size, true))
			continue;
		if (founds->count == room) {
			room = 2 * room + 8;
			founds->all = mem_resize(founds->all, room, sizeof(*founds->all));
		}
		founds->all[founds->count++] =
			(struct found){ flat->places[from], flat->places[from + size - 1] };
	}
}

/* A text node as the pieces that it becomes. Nodes come in the order of the text. */
static void cut(struct guard *guard, struct founds *founds, struct markup_node *to, struct markup_node *node)
{
	size_t at = 0;

	while (founds->at < founds->count) {
		const struct found *found = &founds->all[founds->at];
		size_t from = founds->inside ? 0 : found->first.at, end = node->len;

		if (!founds->inside && found->first.node != node)
			break;
		if (from > at)
			tree_text(guard->arena, to, MARKUP_TEXT, node->text + at, from - at);
		founds->inside = found->last.node != node;
		if (!founds->inside)
			end = found->last.at + 1;
		add_code(guard, to, node->text + from, end - from);
		at = end;
		if (founds->inside)
			return;
		founds->at++;
	}
	if (at < node->len)
		tree_text(guard->arena, to, MARKUP_TEXT, node->text + at, node->len - at);
}

static void cut_all(struct guard *guard, struct founds *founds, struct markup_node *node)
{
	struct markup_node old = *node, *child;

	node->first = node->last = NULL;
	while ((child = tree_shift(&old))) {
		if (child->kind == MARKUP_TEXT) {
			cut(guard, founds, node, child);
			continue;
		}
		cut_all(guard, founds, child);
		tree_append(node, child);
	}
}

/* Platforms show headings as plain text: code is none there. */
static void plain_heading(struct guard *guard, struct markup_node *node)
{
	struct markup_node old = *node, *strong, *child;

	if (node->kind != MARKUP_HEADING)
		return;
	node->kind = MARKUP_PARAGRAPH;
	node->first = node->last = NULL;
	strong = tree_add(guard->arena, node, MARKUP_STRONG);
	while ((child = tree_shift(&old)))
		tree_append(strong, child);
}

static void guard_words(struct guard *guard, struct markup_node *node)
{
	struct flat flat = { 0 };
	struct founds founds = { 0 };
	bool before = guard->changed;

	guard->changed = false;
	guard_targets(guard, node);
	for (struct markup_node *child = node->first; child; child = child->next)
		flatten(&flat, child);
	if (flat.text.len)
		find(guard, &flat, &founds);
	if (founds.count)
		cut_all(guard, &founds, node);
	guard->changed = guard->changed || founds.count;
	if (guard->changed)
		plain_heading(guard, node);
	guard->changed = guard->changed || before;
	guard->tags = guard->tags || flat.tags;
	free(founds.all);
	free(flat.places);
	buf_free(&flat.text);
}

static bool holds_words(const struct markup_node *node)
{
	return node->kind == MARKUP_PARAGRAPH || node->kind == MARKUP_HEADING || node->kind == MARKUP_CELL;
}

static void guard_block(struct guard *guard, struct markup_node *node)
{
	if (holds_words(node)) {
		guard_words(guard, node);
		return;
	}
	for (struct markup_node *child = node->first; child; child = child->next)
		guard_block(guard, child);
}

/* ---- documents ------------------------------------------------------------------------------- */

/* Others than our parser may read the text itself: as long as no address stands anywhere in it there is none for them. */
static bool is_clean(const struct links *links, const char *markdown, size_t len)
{
	char *shown = mem_alloc(len + 1);
	size_t size = 0;
	bool clean = true;

	for (size_t at = 0; at < len;) {
		size_t hidden = address_hidden(markdown + at, len - at);

		if (hidden == 0)
			shown[size++] = markdown[at];
		at += hidden ? hidden : 1;
	}
	for (size_t at = 0, from, n; clean && address_next(shown, size, &at, &from, &n);)
		clean = size == len && is_known(links, shown + from, n, true);
	free(shown);
	return clean;
}

/* Returns whether the document is to be written again. */
static bool guard_tree(const struct links *links, struct markup *markup)
{
	struct guard guard = { .links = links, .arena = markup->arena };

	guard_block(&guard, markup->root);
	return guard.changed || guard.tags;
}

static bool passes(const struct links *links, const char *markdown)
{
	struct markup *markup = markup_parse(markdown, strlen(markdown));
	struct guard guard = { .links = links, .arena = markup->arena };

	guard_block(&guard, markup->root);
	markup_free(markup);
	return !guard.changed;
}

/* Everything as code: for what comes out different when it is read again. */
static char *all_code(const char *markdown, size_t len)
{
	struct arena *arena = arena_create();
	struct markup_node *root = tree_add(arena, NULL, MARKUP_DOCUMENT);
	char *repaired, *text = mem_text_n(markdown, len);

	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	repaired = text_repair(text, len);
	tree_text(arena, root, MARKUP_CODE_BLOCK, repaired, strlen(repaired));
	free(text);
	text = markup_write(root);
	free(repaired);
	arena_destroy(arena);
	return text;
}

char *links_guard(const struct links *links, const char *markdown, size_t len)
{
	struct markup *markup = markup_parse(markdown, len);
	bool valid = text_valid(markdown, len), changed = guard_tree(links, markup);
	char *written = NULL;

	if (changed || !valid || !is_clean(links, markdown, len))
		written = markup_write(markup_root(markup));
	markup_free(markup);
	if (written && !passes(links, written)) {
		free(written);
		written = all_code(markdown, len);
	}
	return written ? written : mem_text_n(markdown, len);
}

/* Without signs that may still become something, and without the last word. */
static size_t settled(const char *text, size_t from, size_t len)
{
	size_t end = from + strcspn(text + from, "\\`*_[]<>&|~#!=\n");

	if (end > len)
		end = len;
	while (end > from && text[end - 1] != ' ')
		end--;
	while (end > from && text[end - 1] == ' ')
		end--;
	return end;
}

/* How much of the last block's text can be shown already. closed: what is written of the blocks before it. */
static size_t shown_of(const char *all, const char *closed, const struct markup_node *last)
{
	size_t size = strlen(closed), from, end;

	if (last == NULL || last->kind != MARKUP_PARAGRAPH || strncmp(all, closed, size) != 0)
		return size;
	from = size + strspn(all + size, "\n");
	end = settled(all, from, strlen(all));
	return end > from ? end : size;
}

static void take_last(struct markup_node *parent)
{
	struct markup_node old = *parent, *child;

	parent->first = parent->last = NULL;
	while ((child = tree_shift(&old)) && old.first)
		tree_append(parent, child);
}

char *links_growing(const struct links *links, const char *markdown, size_t len)
{
	struct markup *markup = markup_parse(markdown, len);
	const struct markup_node *last = markup->root->last;
	char *all, *closed, *shown;
	size_t size;

	guard_tree(links, markup);
	all = markup_write(markup->root);
	take_last(markup->root);
	closed = markup_write(markup->root);
	size = shown_of(all, closed, last);
	shown = mem_text_n(size > strlen(closed) ? all : closed, size);
	if (!passes(links, shown))
		shown[0] = '\0';
	markup_free(markup);
	free(closed);
	free(all);
	return shown;
}
