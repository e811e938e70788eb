/* Words, marks and line beginnings. Marks are opened only before a word and closed before the line ends: lines have
 * prefixes that must not stand inside of them. */
#include "md.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	enum md_mark mark;
	const char *sign;
} marks[] = { { MD_BOLD, "**" }, { MD_ITALIC, "*" }, { MD_STRIKE, "~~" } };

static bool is_blank(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static char last(const struct md *md)
{
	return (char)(md->out.len ? md->out.data[md->out.len - 1] : '\n');
}

/* ---- marks and lines ---------------------------------------------------------------------------------------- */

static void close_marks(struct md *md, unsigned keep)
{
	while (md->opened > keep) {
		const char *sign = marks[md->open[--md->opened]].sign;

		if (last(md) == *sign && !md->closed)
			buf_text(&md->out, MD_BORDER);
		buf_text(&md->out, sign);
		md->closed = true;
		md->address = false;
	}
}

static void quote_signs(struct md *md, unsigned quotes)
{
	for (unsigned i = 0; i < quotes; i++)
		buf_text(&md->out, "> ");
}

static void end_lines(struct md *md)
{
	close_marks(md, 0);
	for (; md->lines && md->out.len; md->lines--) {
		if (!md->begun)
			quote_signs(md, md->gap_quotes);
		buf_text(&md->out, "\n");
		md->begun = false;
	}
	md->lines = 0;
	md->blanks = 0;
	md->address = md->closed = false;
}

void md_line(struct md *md, unsigned n)
{
	if (md->lines == 0 || md->quotes < md->gap_quotes)
		md->gap_quotes = md->quotes;
	if (n > md->lines)
		md->lines = n;
}

static void begin(struct md *md, bool indented)
{
	size_t indent = md->indent < MD_INDENT_MAX ? md->indent : MD_INDENT_MAX, bullet = strlen(md->bullet);

	if (md->lines)
		end_lines(md);
	if (md->begun)
		return;
	quote_signs(md, md->quotes);
	if (indented)
		buf_blanks(&md->out, indent > bullet ? indent - bullet : 0);
	buf_text(&md->out, md->bullet);
	md->bullet[0] = '\0';
	md->begun = md->fresh = md->digits = true;
	md->closed = md->address = false;
	md->blanks = 0;
}

void md_begin(struct md *md)
{
	begin(md, true);
}

static bool is_open(const struct md *md, unsigned i)
{
	for (unsigned k = 0; k < md->opened; k++)
		if (md->open[k] == i)
			return true;
	return false;
}

/* A visible character comes: the line is begun, marks that end are closed before the blanks, new ones opened after. */
static void arrive(struct md *md)
{
	unsigned keep = 0;

	begin(md, true);
	while (keep < md->opened && (md->want & marks[md->open[keep]].mark))
		keep++;
	close_marks(md, keep);
	if (md->blanks) {
		buf_blanks(&md->out, md->blanks);
		md->closed = md->address = false;
	}
	md->blanks = 0;
	for (unsigned i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (!(md->want & marks[i].mark) || is_open(md, i))
			continue;
		if (md->closed)
			buf_text(&md->out, MD_BORDER);
		md->open[md->opened++] = i;
		buf_text(&md->out, marks[i].sign);
		md->closed = md->address = false;
	}
}

/* ---- words ----------------------------------------------------------------------------------------------------- */

/* The rest of what calls everybody stands there, or could: the text goes on elsewhere. */
static bool calls_all(const char *text, size_t len)
{
	static const char *const names[] = { "everyone", "here" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t size = strlen(names[i]);

		if (strncasecmp(text, names[i], len < size ? len : size) == 0)
			return true;
	}
	return false;
}

static bool begins_address(const char *text, size_t len)
{
	return (len > 7 && strncasecmp(text, "http://", 7) == 0) ||
	       (len > 8 && strncasecmp(text, "https://", 8) == 0);
}

/* It would be read as something else than itself. next: 0 when it is not known. */
static bool means_something(const struct md *md, char c, char next)
{
	switch (c) {
	case '\\':
	case '*':
	case '~':
	case '`':
	case '|':
	case '[':
		return true;
	case '_':
		return !md->address;
	case '<':
		return !is_blank(next) || next == '\0';
	case '(':
		return last(md) == ']';
	case '>':
	case '#':
	case '-':
	case '+':
		return md->fresh;
	case '.':
		return md->digits && !md->fresh;
	default:
		return false;
	}
}

static void put_visible(struct md *md, const char *text, size_t len)
{
	bool word;

	arrive(md);
	word = is_word(last(md)) && !md->closed;
	if (!word && begins_address(text, len))
		md->address = true;
	if (means_something(md, *text, (char)(len > 1 ? text[1] : '\0')))
		buf_text(&md->out, "\\");
	buf_add(&md->out, text, 1);
	if (*text == '@' && calls_all(text + 1, len - 1))
		buf_text(&md->out, MD_JOINER);
	md->digits &= is_digit(*text);
	md->fresh = md->closed = false;
}

void md_text(struct md *md, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			md_line(md, 1);
		else if (is_blank(text[i]))
			md->blanks += md->begun && md->lines == 0;
		else
			put_visible(md, text + i, len - i);
	}
}

/* Two backticks, so that one may stand inside; of more in a row, borders keep them apart (three would begin a block). */
void md_code(struct md *md, const char *text, size_t len)
{
	bool ticks = memchr(text, '`', len) != NULL;

	if (len == 0)
		return;
	arrive(md);
	if (last(md) == '`')
		buf_text(&md->out, MD_BORDER);
	buf_text(&md->out, ticks ? "``" : "`");
	if (text[0] == '`')
		buf_text(&md->out, " ");
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && text[i] == '`' && text[i - 1] == '`')
			buf_text(&md->out, MD_BORDER);
		buf_add(&md->out, is_blank(text[i]) ? " " : &text[i], 1);
	}
	if (text[len - 1] == '`')
		buf_text(&md->out, " ");
	buf_text(&md->out, ticks ? "``" : "`");
	md->fresh = md->digits = md->closed = md->address = false;
}

/* ---- blocks of code ---------------------------------------------------------------------------------------------- */

static bool is_language(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	for (size_t i = 0; i < len; i++)
		if ((name[i] & 0x80) || (!is_word(name[i]) && !strchr("+-#.", name[i])))
			return false;
	return len > 0 && len <= MD_LANGUAGE_MAX;
}

static bool is_empty(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_blank(text[i]))
			return false;
	return true;
}

static void put_lines(struct md *md, const char *text, size_t len)
{
	size_t ticks = 0;

	for (size_t i = 0; i < len; i++) {
		ticks = text[i] == '`' ? ticks + 1 : 0;
		if (ticks > 2)
			buf_text(&md->out, MD_BORDER);
		ticks = ticks > 2 ? 1 : ticks;
		buf_add(&md->out, is_blank(text[i]) && text[i] != '\n' && text[i] != '\t' ? " " : &text[i],
			1);
		if (text[i] == '\n')
			quote_signs(md, md->quotes);
	}
}

void md_block(struct md *md, const char *text, size_t len, const char *language)
{
	if (is_empty(text, len))
		return;
	if (md->bullet[0])
		md_begin(md);
	if (md->begun)
		md_line(md, 1);
	begin(md, false);
	buf_format(&md->out, "```%s\n", is_language(language) ? language : "");
	quote_signs(md, md->quotes);
	put_lines(md, text, text[len - 1] == '\n' ? len - 1 : len);
	buf_text(&md->out, "\n");
	quote_signs(md, md->quotes);
	buf_text(&md->out, "```");
	md->fresh = false;
	md_line(md, 1);
}

/* ---- links --------------------------------------------------------------------------------------------------------- */

bool md_may_link(const char *address)
{
	return begins_address(address, strlen(address));
}

/* A label that looks like an address shows its brackets (pitfall 22); one with brackets ends too early. */
bool md_may_label(const char *label)
{
	return strpbrk(label, "[]") == NULL && strstr(label, "://") == NULL &&
	       strncasecmp(label, "www.", 4) != 0;
}

/* Signs that the platform may take for the end of it, or for a mark around it. */
static void put_address(struct md *md, const char *address, const char *signs)
{
	for (const char *c = address; *c; c++) {
		if (is_blank(*c) || strchr(signs, *c) || (*c == '@' && calls_all(c + 1, strlen(c + 1))))
			buf_format(&md->out, "%%%02X", (unsigned)(unsigned char)*c);
		else
			buf_add(&md->out, c, 1);
	}
	md->fresh = md->digits = md->closed = false;
}

void md_link(struct md *md, const char *address, const char *label)
{
	arrive(md);
	buf_text(&md->out, "[");
	for (md->fresh = false; *label; label++) {
		if (!is_blank(*label))
			put_visible(md, label, strlen(label));
		else
			md->blanks++;
	}
	md->blanks = 0;
	buf_text(&md->out, "](");
	put_address(md, address, "<>|\"`\\^{}()*~");
	buf_text(&md->out, ")");
	md->address = false;
}

void md_address(struct md *md, const char *address, bool fenced)
{
	size_t len = strlen(address);

	fenced |= strchr(".,:;\"'!?)]", address[len - 1]) != NULL;
	arrive(md);
	if (is_word(last(md)))
		buf_text(&md->out, MD_BORDER);
	buf_text(&md->out, fenced ? "<" : "");
	put_address(md, address, "<>|\"`\\^{}*~");
	buf_text(&md->out, fenced ? ">" : "");
	md->address = false;
}

char *md_finish(struct md *md)
{
	close_marks(md, 0);
	return buf_take(&md->out);
}
