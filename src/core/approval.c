/* Asks for approvals in words that need no button, and recognises what is answered. */
#include "approval.h"
#include "clock.h"
#include "json.h"
#include "literal.h"
#include "mem.h"
#include "text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ARGUMENTS_MAX = 3000, TEXT_LEAST = 32 }; /* bytes that are shown, of all and of one text */

static json_t *shortened(const json_t *value, size_t most);

/* Its beginning and its end: what stands between is counted. */
static json_t *short_text(const char *text, size_t len, size_t most)
{
	size_t head = text_fit(text, len, most * 2 / 3), tail = len - most / 3;

	if (len <= most)
		return json_stringn(text, len);
	while (tail < len && ((unsigned char)text[tail] & 0xc0) == 0x80)
		tail++;
	return json_sprintf("%.*s [... %zu bytes are not shown ...] %s", (int)head, text, tail - head,
			    text + tail);
}

static json_t *short_object(const json_t *object, size_t most)
{
	json_t *copy = json_object(), *one;
	const char *key;

	json_object_foreach ((json_t *)(uintptr_t)object, key, one)
		json_object_set_new(copy, key, shortened(one, most));
	return copy;
}

static json_t *short_array(const json_t *array, size_t most)
{
	json_t *copy = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach (array, i, one)
		json_array_append_new(copy, shortened(one, most));
	return copy;
}

/* Long texts in it are cut, keys never: what a call is about can't be pushed out of sight by filling one argument. */
static json_t *shortened(const json_t *value, size_t most)
{
	if (json_is_object(value))
		return short_object(value, most);
	if (json_is_array(value))
		return short_array(value, most);
	if (json_is_string(value))
		return short_text(json_string_value(value), json_string_length(value), most);
	return json_deep_copy(value);
}

/* As much of the arguments as a person can be shown, nothing in it unseen. The caller frees. */
static char *shown_arguments(const char *arguments)
{
	char *text = text_revealed(arguments, "");
	json_t *whole = NULL;

	for (size_t most = ARGUMENTS_MAX; strlen(text) > ARGUMENTS_MAX && most >= TEXT_LEAST; most /= 2) {
		json_t *copy;
		char *plain;

		whole = whole ? whole : json_read(arguments, strlen(arguments), NULL);
		copy = shortened(whole, most);
		plain = json_write(copy);
		json_decref(copy);
		free(text);
		text = text_revealed(plain, "");
		free(plain);
	}
	json_decref(whole);
	return text;
}

/* In a fence longer than any run of backticks in it: what a model wrote can't pass for our own words. */
static void add_fenced(struct buf *out, const char *text, size_t len)
{
	size_t run = 0, most = 2;

	for (size_t i = 0; i < len; i++) {
		run = text[i] == '`' ? run + 1 : 0;
		most = run > most ? run : most;
	}
	for (int end = 0; end < 2; end++) {
		for (size_t i = 0; i <= most; i++)
			buf_add(out, "`", 1);
		if (end == 0)
			buf_format(out, "json\n%.*s\n", (int)len, text);
	}
}

static void add_arguments(struct buf *out, const char *arguments)
{
	char *shown = shown_arguments(arguments), *all = text_revealed(arguments, "");
	size_t len = strlen(shown), fit = text_fit(shown, len, ARGUMENTS_MAX);

	add_fenced(out, shown, fit);
	if (fit < len)
		buf_format(
			out,
			"\n\n**There is more of this (%zu bytes in all) than can be shown: approve it only "
			"if you know the rest.**",
			strlen(arguments));
	else if (strcmp(shown, all) != 0)
		buf_format(out, "\n\nLong texts in it are shown in part (%zu bytes in all).",
			   strlen(arguments));
	free(shown);
	free(all);
}

void approval_words(struct buf *answer, const struct ai_approval *approvals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_format(answer, "\n\n**Your approval is needed** for `%s`:\n\n", approvals[i].tool);
		add_arguments(answer, approvals[i].arguments);
		buf_format(answer,
			   "\n\nWrite **approve %s** to let me do exactly this, or **deny %s**. It holds for "
			   "%d minutes.",
			   approvals[i].code, approvals[i].code, TOOL_APPROVAL_S / 60);
	}
}

static void add_end(struct buf *out, const struct store_settled *end, bool named)
{
	char at[CLOCK_TEXT_SIZE];

	clock_text(end->at_ms, at);
	if (named)
		buf_format(out, "%s: ", end->code);
	buf_format(out, "**%c%s**", toupper((unsigned char)end->state[0]), end->state + 1);
	if (end->who) {
		buf_text(out, " by ");
		literal_text(out, end->who);
	}
	buf_format(out, ", %.10s %.5s UTC", at, at + 11);
}

void approval_ends(struct buf *out, const struct store_settled *settled, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_text(out, i ? "  \n" : "");
		add_end(out, &settled[i], count > 1);
	}
}

bool approval_said(const char *text, bool *yes_out, char code_out[CODE_SIZE])
{
	size_t word;

	text += strspn(text, " \t\r\n/");
	word = strcspn(text, " \t\r\n");
	*yes_out = word == 7 && strncasecmp(text, "approve", word) == 0;
	if (!*yes_out && !(word == 4 && strncasecmp(text, "deny", word) == 0))
		return false;
	return code_read(text + word, code_out);
}
