/* Puts into words what was gathered: for the model, and for the person. */
#include "buf.h"
#include "gather_inside.h"
#include "mem.h"
#include "text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONTEXT_MAX = 16384, /* bytes */
	HEARD_SHOWN = 300,
};

/* A quoted line cannot pass for one of ours. */
char *gather_quote(const char *text)
{
	size_t len = strlen(text);
	struct buf out = { 0 };

	if (len > CONTEXT_MAX) {
		const char *cut = text + len - CONTEXT_MAX, *line = strchr(cut, '\n');

		while ((*cut & 0xc0) == 0x80)
			cut++;
		text = line && line[1] ? line + 1 : cut; /* from a whole line on, where there is one */
	}
	while (*text) {
		size_t line = strcspn(text, "\r\n");

		buf_text(&out, out.len ? "\n> " : "> ");
		buf_add(&out, text, line);
		text += line + (text[line] != '\0');
	}
	return buf_take(&out);
}

const char *gather_context(const struct gather *gather)
{
	return gather ? gather->context : NULL;
}

static void add_size(struct buf *out, int64_t size)
{
	if (size >= 1000000)
		buf_format(out, "%.1f MB", (double)size / 1e6);
	else if (size >= 1000)
		buf_format(out, "%.1f kB", (double)size / 1e3);
	else if (size >= 0)
		buf_format(out, "%lld bytes", (long long)size);
	else
		buf_text(out, "size unknown");
}

static void add_fate(struct buf *out, const struct item *item)
{
	if (item->why)
		buf_format(out, "not taken: %s", item->why);
	else
		buf_format(out, "received as import %lld", (long long)item->import_id);
}

const char *const *gather_files(const struct gather *gather, struct arena *arena, size_t *count_out)
{
	const char **paths = arena_alloc(arena, (gather ? gather->count : 0) * sizeof(*paths));

	*count_out = 0;
	for (size_t i = 0; gather && i < gather->count; i++)
		if (gather->items[i].state == ITEM_DONE && gather->items[i].why == NULL)
			paths[(*count_out)++] = gather->items[i].path;
	return paths;
}

/* On one line, whatever its owner called it. */
static char *shown_name(const struct item *item)
{
	return text_visible(item->file.name && *item->file.name ? item->file.name : "file", "");
}

void gather_prompt(const struct gather *gather, struct buf *out)
{
	for (size_t i = 0; gather && i < gather->count; i++) {
		const struct item *item = &gather->items[i];
		const char *type = item->mime ? item->mime : item->file.mime;
		char *name = shown_name(item), *mime = text_visible(type ? type : "type unknown", "");

		buf_format(out, "%s(file: %s, %s, ", out->len ? "\n" : "", name, mime);
		add_size(out, item->size);
		buf_text(out, ": ");
		add_fate(out, item);
		if (item->unheard)
			buf_format(out, "; what is said in it could not be told: %s", item->unheard);
		buf_text(out, ")");
		free(name);
		free(mime);
	}
	if (gather && gather->left_out)
		buf_format(out, "\n(%zu more files: not taken: too many at once)", gather->left_out);
}

char *gather_heard(const struct gather *gather)
{
	struct buf out = { 0 };

	for (size_t i = 0; gather && i < gather->count; i++)
		if (gather->items[i].heard)
			buf_format(&out, "%s%s", out.len ? "\n" : "", gather->items[i].heard);
	if (out.len > 0)
		return buf_take(&out);
	buf_free(&out);
	return NULL;
}

/* CommonMark takes a backslash in front of any punctuation for that character and nothing else. */
static void add_plain(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (ispunct((unsigned char)*text))
			buf_text(out, "\\");
		buf_add(out, text, 1);
	}
}

/* People see what was heard, so that they know what was answered. */
static void add_heard(struct buf *out, const struct item *item)
{
	char *words;

	if (item->heard) {
		size_t len = strlen(item->heard), fit = text_fit(item->heard, len, HEARD_SHOWN);

		words = mem_format("%.*s%s", (int)fit, item->heard, fit < len ? "..." : "");
		buf_text(out, ", heard: ");
		for (char *p = words; *p; p++)
			if (strchr("\r\n\t", *p))
				*p = ' ';
		add_plain(out, words);
		free(words);
	} else if (item->unheard) {
		buf_text(out, ", not heard: ");
		add_plain(out, item->unheard);
	}
}

void gather_answer(const struct gather *gather, struct buf *out)
{
	for (size_t i = 0; gather && i < gather->count; i++) {
		const struct item *item = &gather->items[i];
		char *name = shown_name(item);

		buf_text(out, i ? "  \n" : "\n\n");
		add_plain(out, name);
		free(name);
		if (item->why) {
			buf_text(out, ": not taken: ");
			add_plain(out, item->why);
		} else {
			buf_format(out, ": received (import %lld)", (long long)item->import_id);
		}
		add_heard(out, item);
	}
	if (gather && gather->left_out)
		buf_format(out, "  \n%zu more files: not taken, too many at once", gather->left_out);
}
