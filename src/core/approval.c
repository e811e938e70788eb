/* Asks for approvals in words that need no button, and recognises what is answered. */
#include "approval.h"
#include "clock.h"
#include "mem.h"
#include "text.h"
#include "words.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ARGUMENTS_MAX = 1500 /* bytes that are shown: the hash holds for all of them */ };

/* In a fence longer than any run of backticks in it: what a model wrote can't pass for our own words. */
static void add_arguments(struct buf *out, const char *arguments)
{
	size_t len = text_fit(arguments, strlen(arguments), ARGUMENTS_MAX), run = 0, most = 2;

	for (size_t i = 0; i < len; i++) {
		run = arguments[i] == '`' ? run + 1 : 0;
		most = run > most ? run : most;
	}
	for (int end = 0; end < 2; end++) {
		for (size_t i = 0; i <= most; i++)
			buf_add(out, "`", 1);
		if (end == 0)
			buf_format(out, "json\n%.*s%s\n", (int)len, arguments, arguments[len] ? " ..." : "");
	}
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
		words_plain(out, end->who);
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
