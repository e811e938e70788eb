/* Words, marks and line beginnings. Marks are opened only before a word and closed before the line ends, because
 * Slack reads none that touches a blank or spans lines. */
#include "mrkdwn.h"
#include <string.h>
#include <strings.h>

/* A backtick can't be written inside code or a link; one that looks like it can. */
#define LIKE_BACKTICK "\u02cb"

enum { INDENT = 4, INDENT_MAX = 6 };

static const struct {
	enum mrkdwn_mark mark;
	char sign;
} marks[] = { { MRKDWN_BOLD, '*' }, { MRKDWN_ITALIC, '_' }, { MRKDWN_STRIKE, '~' } };

static bool is_sign(char c)
{
	return c == '*' || c == '_' || c == '~' || c == '`';
}

static bool is_blank(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

/* Control characters show as blanks. */
static char visible(char c)
{
	return (char)(is_blank(c) ? ' ' : c);
}

/* What is not ASCII counts as a letter: a border too many shows nothing. */
static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static void border(struct mrkdwn *out)
{
	if (out->last == MRKDWN_BORDER || out->last <= MRKDWN_SPACE)
		return;
	buf_text(&out->out, MRKDWN_ZWSP);
	out->last = MRKDWN_BORDER;
}

static void put(struct mrkdwn *out, char c)
{
	switch (c) {
	case '&':
		buf_text(&out->out, "&amp;");
		return;
	case '<':
		buf_text(&out->out, "&lt;");
		return;
	case '>':
		buf_text(&out->out, "&gt;");
		return;
	default:
		buf_add(&out->out, &c, 1);
	}
}

static void close_marks(struct mrkdwn *out, unsigned keep)
{
	while (out->opened > keep) {
		buf_add(&out->out, &out->open[--out->opened], 1);
		out->last = MRKDWN_CLOSED;
	}
}

static void end_lines(struct mrkdwn *out)
{
	close_marks(out, 0);
	out->blanks = 0;
	for (; out->lines && out->out.len; out->lines--) {
		if (out->begun || !out->quoted_gap)
			buf_text(&out->out, "\n");
		else
			buf_text(&out->out, "> \n");
		out->begun = false;
	}
	out->lines = 0;
}

void mrkdwn_line(struct mrkdwn *out, unsigned n)
{
	if (n > out->lines)
		out->lines = n;
	out->quoted_gap = out->quotes > 0;
}

void mrkdwn_begin(struct mrkdwn *out)
{
	unsigned depth = out->bullet[0] && out->lists ? out->lists - 1 : out->lists;

	if (out->lines)
		end_lines(out);
	if (out->begun)
		return;
	if (out->quotes)
		buf_text(&out->out, "> ");
	buf_blanks(&out->out, (size_t)(depth < INDENT_MAX ? depth : INDENT_MAX) * INDENT);
	buf_text(&out->out, out->bullet);
	out->bullet[0] = '\0';
	out->begun = true;
	out->blanks = 0;
	out->last = MRKDWN_START;
}

static bool is_open(const struct mrkdwn *out, char sign)
{
	return memchr(out->open, sign, out->opened) != NULL;
}

static bool is_wanted(const struct mrkdwn *out, char sign)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (marks[i].sign == sign)
			return out->want & marks[i].mark;
	return false;
}

/* A visible character comes: the line is begun, marks that end are closed before the blanks, new ones opened after. */
static void arrive(struct mrkdwn *out)
{
	unsigned keep = 0;

	mrkdwn_begin(out);
	while (keep < out->opened && is_wanted(out, out->open[keep]))
		keep++;
	close_marks(out, keep);
	if (out->blanks) {
		buf_blanks(&out->out, out->blanks);
		out->last = MRKDWN_SPACE;
	}
	out->blanks = 0;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (!(out->want & marks[i].mark) || is_open(out, marks[i].sign))
			continue;
		if (out->last == MRKDWN_WORD || out->last == MRKDWN_CLOSED)
			border(out);
		out->open[out->opened++] = marks[i].sign;
		buf_add(&out->out, &marks[i].sign, 1);
		out->last = MRKDWN_OTHER;
	}
}

/* A sign that is meant as itself. Inside a word or between blanks nothing reads it as a mark; elsewhere it stands
 * between borders, so that it neither begins nor ends anything. */
static void put_sign(struct mrkdwn *out, char sign, char next)
{
	bool inside = sign != '`' && out->last == MRKDWN_WORD && is_word(next);
	bool apart = out->last <= MRKDWN_SPACE && (next == ' ' || next == '\n');

	if (!inside && !apart)
		border(out);
	buf_add(&out->out, &sign, 1);
	out->last = MRKDWN_OTHER;
	if (!inside && !apart)
		border(out);
}

bool mrkdwn_calls_all(const char *text, size_t len, bool cut)
{
	static const char *const names[] = { "channel", "here", "everyone", "group" };

	if (len == 0 || text[0] != '@')
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t size = strlen(names[i]);

		if (len > size ? strncasecmp(text + 1, names[i], size) == 0
			       : cut && strncasecmp(text + 1, names[i], len - 1) == 0)
			return true;
	}
	return false;
}

static void put_visible(struct mrkdwn *out, const char *text, size_t len)
{
	bool first;

	arrive(out);
	first = out->last == MRKDWN_START;
	if (is_sign(*text)) {
		put_sign(out, *text, (char)(len > 1 ? text[1] : '\0'));
		return;
	}
	/* Slack's own clients write a quote as "&gt;" at the beginning of a line. */
	if ((out->last == MRKDWN_CLOSED && is_word(*text)) || (first && *text == '>'))
		buf_text(&out->out, MRKDWN_ZWSP);
	put(out, *text);
	if (mrkdwn_calls_all(text, len, false))
		buf_text(&out->out, MRKDWN_ZWSP);
	out->last = is_word(*text) ? MRKDWN_WORD : MRKDWN_OTHER;
}

void mrkdwn_text(struct mrkdwn *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			mrkdwn_line(out, 1);
		else if (is_blank(text[i]))
			out->blanks += out->begun && out->lines == 0;
		else
			put_visible(out, text + i, len - i);
	}
}

void mrkdwn_code(struct mrkdwn *out, const char *text, size_t len)
{
	arrive(out);
	if (out->last == MRKDWN_WORD || out->last == MRKDWN_CLOSED)
		border(out);
	buf_text(&out->out, "`");
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '`')
			buf_text(&out->out, LIKE_BACKTICK);
		else
			put(out, visible(text[i]));
	}
	buf_text(&out->out, "`");
	out->last = MRKDWN_CLOSED;
}

static bool may_open(const char *address)
{
	static const char *const schemes[] = { "http://", "https://", "mailto:" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t len = strlen(schemes[i]);

		if (strncasecmp(address, schemes[i], len) == 0)
			return !is_blank(address[len]);
	}
	return false;
}

static void put_address(struct mrkdwn *out, const char *address)
{
	for (const char *c = address; *c; c++) {
		if (is_blank(*c) || strchr("<>|\"`\\^{}", *c))
			buf_format(&out->out, "%%%02X", (unsigned)(unsigned char)*c);
		else
			put(out, *c);
	}
}

/* Words only: no sign in them begins or ends anything, neither here nor behind the link. */
static void put_label(struct mrkdwn *out, const char *label)
{
	for (const char *c = label; *c; c++) {
		bool apart = is_sign(*c) && (c == label || !is_word(c[-1]) || !is_word(c[1]));

		if (*c == '`')
			buf_text(&out->out, LIKE_BACKTICK);
		else if (apart)
			buf_format(&out->out, MRKDWN_ZWSP "%c" MRKDWN_ZWSP, *c);
		else
			put(out, visible(*c));
	}
}

bool mrkdwn_link(struct mrkdwn *out, const char *address, const char *label)
{
	if (!may_open(address))
		return false;
	arrive(out);
	buf_text(&out->out, "<");
	put_address(out, address);
	if (*label && strcmp(label, address) != 0) {
		buf_text(&out->out, "|");
		put_label(out, label);
	}
	buf_text(&out->out, ">");
	out->last = MRKDWN_OTHER;
	return true;
}

void mrkdwn_block(struct mrkdwn *out, const char *text, size_t len)
{
	size_t ticks = 0;

	if (out->bullet[0])
		mrkdwn_begin(out);
	mrkdwn_line(out, 1);
	out->quoted_gap = false;
	end_lines(out);
	buf_text(&out->out, "```\n");
	for (size_t i = 0; i < len; i++) {
		ticks = text[i] == '`' ? ticks + 1 : 0;
		if (ticks > 2)
			buf_text(&out->out, MRKDWN_ZWSP);
		ticks = ticks > 2 ? 1 : ticks;
		put(out, (char)(text[i] == '\n' || text[i] == '\t' ? text[i] : visible(text[i])));
	}
	if (len == 0)
		buf_text(&out->out, " ");
	if (len == 0 || text[len - 1] != '\n')
		buf_text(&out->out, "\n");
	buf_text(&out->out, "```");
	out->begun = true;
	out->last = MRKDWN_OTHER;
	mrkdwn_line(out, 1);
}

char *mrkdwn_finish(struct mrkdwn *out)
{
	close_marks(out, 0);
	return buf_take(&out->out);
}
