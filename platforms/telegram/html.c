/* Words, tags and line beginnings. Tags are opened only before a word and closed before what does not belong to them,
 * so that none is ever empty. */
#include "html.h"
#include "inbound.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { INDENT = 4, INDENT_MAX = 6, OWN_MAX = 16 };

static const char *const tags[] = {
	[HTML_QUOTE] = "blockquote", [HTML_LINK] = "a",	  [HTML_BOLD] = "b",
	[HTML_ITALIC] = "i",	     [HTML_STRIKE] = "s",
};

static bool is_blank(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

/* Of names and commands; the platform has no others. */
static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

unsigned html_id(struct html *html)
{
	return ++html->last_id;
}

/* ---- bytes ---------------------------------------------------------------------------------------------------- */

static void put(struct html *html, char c)
{
	html->units += ((unsigned char)c & 0xc0) == 0x80 ? 0 : (unsigned char)c >= 0xf0 ? 2 : 1;
	if (c == '&')
		buf_text(&html->out, "&amp;");
	else if (c == '<')
		buf_text(&html->out, "&lt;");
	else if (c == '>')
		buf_text(&html->out, "&gt;");
	else
		buf_add(&html->out, &c, 1);
}

static void put_all(struct html *html, const char *text)
{
	for (; *text; text++)
		put(html, *text);
}

static void put_address(struct html *html, const char *address)
{
	for (const char *c = address; *c; c++) {
		if (is_blank(*c) || strchr("<>|\"`\\^{}", *c))
			buf_format(&html->out, "%%%02X", (unsigned)(unsigned char)*c);
		else if (*c == '&')
			buf_text(&html->out, "&amp;");
		else
			buf_add(&html->out, c, 1);
	}
}

/* ---- what calls somebody ------------------------------------------------------------------------------------------ */

static void forget_word(struct html *html)
{
	html->tail[0] = '\0';
	html->call = HTML_NO_CALL;
	html->own = 0;
}

static char last_byte(const struct html *html)
{
	size_t len = strlen(html->tail);

	return (char)(len ? html->tail[len - 1] : ' ');
}

static void remember(struct html *html, char c)
{
	size_t len = strlen(html->tail);

	if (len + 1 == sizeof(html->tail)) {
		memmove(html->tail, html->tail + 1, len);
		len--;
	}
	html->tail[len] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	html->tail[len + 1] = '\0';
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), size = strlen(end);

	return len >= size && strcmp(text + len - size, end) == 0;
}

/* Addresses of the platform's own ("tg://...") do things when they are tapped on. */
static bool begins_address(const struct html *html, char next)
{
	return next == '/' && (ends_with(html->tail, "tg:/") || ends_with(html->tail, "ton:/") ||
			       ends_with(html->tail, "tonsite:/"));
}

static bool would_call(const struct html *html, char next)
{
	if (begins_address(html, next))
		return true;
	if (html->call == HTML_SIGN)
		return is_word(next);
	return html->call == HTML_COMMAND && html->own == 0 && (is_word(next) || next == '@' || next == '/');
}

/* The letters of a command of ours that stands behind a slash, 0 when it is none: it stays something to tap on. */
static size_t own_command(const char *text, size_t len)
{
	char name[OWN_MAX + 1];
	size_t size = 0;

	while (size < len && size < OWN_MAX && is_word(text[size]))
		size++;
	memcpy(name, text, size);
	name[size] = '\0';
	if (size < len && (is_word(text[size]) || text[size] == '@' || text[size] == '/'))
		return 0;
	return telegram_command_known(name) ? size : 0;
}

static bool is_path(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && is_word(text[i]))
		i++;
	return i < len && text[i] == '/';
}

/* text stands behind c, which was just put. Inside words nothing calls. */
static void watch(struct html *html, char c, char before, const char *text, size_t len)
{
	if (html->own > 0) {
		html->own--;
		return;
	}
	html->call = HTML_NO_CALL;
	if (is_word(before) || (c != '@' && c != '/'))
		return;
	if (c == '@') {
		html->call = HTML_SIGN;
	} else if (before != '/' && before != '<' && before != '>' && !is_path(text, len)) {
		html->own = own_command(text, len);
		html->call = html->own ? HTML_COMMAND : HTML_SIGN;
	}
}

/* ---- tags and lines ------------------------------------------------------------------------------------------------- */

static void close_marks(struct html *html, unsigned keep)
{
	while (html->opened > keep)
		buf_format(&html->out, "</%s>", tags[html->open[--html->opened].kind]);
}

/* bare: for code, which stands in nothing but a quotation (sheet 7.3). */
static bool is_wanted(const struct html *html, const struct html_mark *mark, bool bare)
{
	return html->want[mark->kind] == mark->id && (!bare || mark->kind == HTML_QUOTE);
}

static bool is_open(const struct html *html, enum html_kind kind)
{
	for (unsigned i = 0; i < html->opened; i++)
		if (html->open[i].kind == kind)
			return true;
	return false;
}

/* Where one mark stands inside another, the platform cuts the outer one into three. */
static void count_mark(struct html *html)
{
	html->marks++;
	for (unsigned i = 0; i < html->opened; i++)
		html->marks += html->open[i].kind >= HTML_BOLD ? 2 : 0;
}

static void open_mark(struct html *html, enum html_kind kind)
{
	if (!html->want[kind] || is_open(html, kind))
		return;
	count_mark(html);
	html->open[html->opened++] = (struct html_mark){ kind, html->want[kind] };
	if (kind == HTML_LINK) {
		buf_text(&html->out, "<a href=\"");
		put_address(html, html->address);
		buf_text(&html->out, "\">");
	} else {
		buf_format(&html->out, "<%s>", tags[kind]);
	}
}

static void close_unwanted(struct html *html, bool bare)
{
	unsigned keep = 0;

	while (keep < html->opened && is_wanted(html, &html->open[keep], bare))
		keep++;
	close_marks(html, keep);
}

static void end_lines(struct html *html)
{
	for (; html->lines && html->out.len; html->lines--) {
		put(html, '\n');
		html->begun = false;
	}
	html->lines = 0;
	html->blanks = 0;
	forget_word(html);
}

void html_break(struct html *html, unsigned n)
{
	if (n > html->lines)
		html->lines = n;
}

void html_line(struct html *html, unsigned n)
{
	unsigned keep =
		html->opened && html->open[0].kind == HTML_QUOTE && is_wanted(html, &html->open[0], true);

	close_marks(html, keep);
	html_break(html, n);
}

static void begin(struct html *html, bool bare)
{
	unsigned depth = html->bullet[0] && html->lists ? html->lists - 1 : html->lists;

	close_unwanted(html, bare);
	if (html->lines)
		end_lines(html);
	if (html->begun)
		return;
	open_mark(html, HTML_QUOTE);
	for (unsigned i = 1; i < html->quotes; i++)
		put_all(html, "> ");
	for (unsigned i = 0; i < (depth < INDENT_MAX ? depth : INDENT_MAX) * INDENT; i++)
		put(html, ' ');
	put_all(html, html->bullet);
	html->bullet[0] = '\0';
	html->begun = true;
	html->blanks = 0;
}

void html_begin(struct html *html)
{
	begin(html, false);
}

/* A visible character comes. */
static void arrive(struct html *html, char next, bool bare)
{
	begin(html, bare);
	if (html->blanks)
		forget_word(html);
	for (; html->blanks; html->blanks--)
		put(html, ' ');
	if (would_call(html, next)) {
		put_all(html, HTML_JOINER);
		forget_word(html);
	}
	for (enum html_kind kind = HTML_LINK; kind < HTML_KINDS && !bare; kind++)
		open_mark(html, kind);
}

/* ---- text and code ---------------------------------------------------------------------------------------------------- */

static void put_visible(struct html *html, const char *text, size_t len)
{
	char before;

	arrive(html, *text, false);
	before = last_byte(html);
	put(html, *text);
	watch(html, *text, before, text + 1, len - 1);
	remember(html, *text);
}

void html_text(struct html *html, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			html_break(html, 1);
		else if (is_blank(text[i]))
			html->blanks += html->begun && html->lines == 0;
		else
			put_visible(html, text + i, len - i);
	}
}

static void put_code(struct html *html, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(html, (char)(text[i] == '\n' || text[i] == '\t' || !is_blank(text[i]) ? text[i] : ' '));
}

void html_code(struct html *html, const char *text, size_t len)
{
	if (html->want[HTML_LINK] || len == 0) { /* no code in links */
		html_text(html, text, len);
		return;
	}
	arrive(html, text[0], true);
	buf_text(&html->out, "<code>");
	put_code(html, text, len);
	buf_text(&html->out, "</code>");
	html->marks++;
	forget_word(html);
	remember(html, (char)(is_word(text[len - 1]) ? 'x' : '.'));
}

static bool is_language(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	for (size_t i = 0; i < len; i++)
		if (!is_word(name[i]) && !strchr("+-#.", name[i]))
			return false;
	return len > 0 && len <= HTML_LANGUAGE_MAX;
}

/* A blank one would be no message. */
static bool is_empty(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_blank(text[i]))
			return false;
	return true;
}

void html_block(struct html *html, const char *text, size_t len, const char *language)
{
	bool named = is_language(language);

	if (is_empty(text, len))
		return;
	if (html->bullet[0])
		html_begin(html);
	html_line(html, 1);
	close_unwanted(html, true);
	end_lines(html);
	open_mark(html, HTML_QUOTE);
	if (named)
		buf_format(&html->out, "<pre><code class=\"language-%s\">", language);
	else
		buf_text(&html->out, "<pre>");
	put_code(html, text, text[len - 1] == '\n' ? len - 1 : len);
	buf_text(&html->out, named ? "</code></pre>" : "</pre>");
	html->marks++;
	html->begun = true;
	html_line(html, 1);
}

/* ---- links -------------------------------------------------------------------------------------------------------------- */

static bool is_port(const char *text, size_t len)
{
	return len > 0 && len <= 5 && *text != '0' && strspn(text, "0123456789") >= len &&
	       strtoul(text, NULL, 10) <= 65535;
}

/* As the platform reads it: a name with a dot, after it perhaps a port. Names with a person's before it ("a@b.c") hide
 * where they lead. */
static bool is_host(const char *host, size_t len)
{
	const char *colon = memchr(host, ':', len);
	size_t size = colon ? (size_t)(colon - host) : len;

	for (size_t i = 0; i < size; i++)
		if (is_blank(host[i]) || strchr("<>|\"`\\^{}'%@[]", host[i]))
			return false;
	return memchr(host, '.', size) != NULL && host[0] != '.' && host[size - 1] != '.' &&
	       (colon == NULL || is_port(colon + 1, len - size - 1));
}

bool html_may_link(const char *address)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t len = strlen(schemes[i]);

		if (strncasecmp(address, schemes[i], len) == 0)
			return is_host(address + len, strcspn(address + len, "/?#"));
	}
	return false;
}

char *html_finish(struct html *html)
{
	close_marks(html, 0);
	return buf_take(&html->out);
}
