/* What the Bot API takes as HTML, more strictly than it does: exactly the tags that we write, closed in order, never
 * empty, nested by the rules of the protocol sheet (7.1, 7.3), within its limits, and calling nobody. For tests. */
#ifndef TELEGRAM_HTML_H
#define TELEGRAM_HTML_H

#include "buf.h"
#include "telegram_room.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct telegram_html {
	const char *fault; /* NULL: none */
	struct buf words;
	struct {
		const char *name; /* "b"; "lang" for code in pre */
		size_t begin;	  /* in words */
	} open[16];
	size_t depth, marks;
};

static inline bool telegram_html_in(const struct telegram_html *html, const char *name)
{
	for (size_t i = 0; i < html->depth; i++)
		if (strcmp(html->open[i].name, name) == 0)
			return true;
	return false;
}

static inline const char *telegram_html_link(const char *address, size_t len)
{
	if (strncasecmp(address, "http://", 7) != 0 && strncasecmp(address, "https://", 8) != 0)
		return "a link to something else than the web";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)address[i] <= ' ' || strchr("<>", address[i]))
			return "a sign in an address that has no place there";
	return NULL;
}

static inline void telegram_html_open(struct telegram_html *html, const char *tag, size_t len)
{
	static const char *const known[] = { "b", "i", "s", "code", "pre", "blockquote" };
	const char *name = NULL;
	bool in_code = telegram_html_in(html, "code") || telegram_html_in(html, "pre");

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i]) == len && memcmp(tag, known[i], len) == 0)
			name = known[i];
	if (len > 9 && memcmp(tag, "a href=\"", 8) == 0 && memchr(tag + 8, '"', len - 8) == tag + len - 1) {
		name = "a";
		html->fault = telegram_html_link(tag + 8, len - 9);
	}
	if (len > 22 && memcmp(tag, "code class=\"language-", 21) == 0 && tag[len - 1] == '"') {
		name = "lang";
		in_code = html->depth == 0 || strcmp(html->open[html->depth - 1].name, "pre") != 0 ||
			  html->open[html->depth - 1].begin != html->words.len;
	} else if (name && html->depth && !in_code &&
		   (strcmp(name, "code") == 0 || strcmp(name, "pre") == 0)) {
		in_code = html->depth > 1 || !telegram_html_in(html, "blockquote");
	}
	if (name == NULL)
		html->fault = "an unknown tag";
	else if (in_code)
		html->fault = "something in code, or code in something";
	else if (telegram_html_in(html, name))
		html->fault = "a tag in itself";
	else if (strcmp(name, "blockquote") == 0 && html->depth)
		html->fault = "a quotation in something";
	if (html->fault)
		return;
	html->open[html->depth].name = name;
	html->open[html->depth++].begin = html->words.len;
	html->marks += strcmp(name, "lang") != 0;
}

static inline void telegram_html_close(struct telegram_html *html, const char *tag, size_t len)
{
	const char *name = html->depth ? html->open[html->depth - 1].name : "";

	if (strcmp(name, "lang") == 0)
		name = "code";
	if (strlen(name) != len || memcmp(tag, name, len) != 0)
		html->fault = "a tag closed out of order";
	else if (html->open[--html->depth].begin == html->words.len)
		html->fault = "an empty tag";
}

static inline const char *telegram_html_sign(struct telegram_html *html, const char *at)
{
	static const char *const signs[][2] = { { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" } };

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (strncmp(at, signs[i][0], strlen(signs[i][0])) == 0) {
			buf_text(&html->words, signs[i][1]);
			return at + strlen(signs[i][0]);
		}
	if (*at == '&' || *at == '>')
		html->fault = "a sign that is not escaped";
	buf_add(&html->words, at, 1);
	return at + 1;
}

/* In the words outside code: a mention, a command that is none of ours, or an address of the platform's own. */
static inline const char *telegram_html_calls(const char *words)
{
	static const char *const ours[] = { "start", "new", "help", "usage", "link", "language" };

	for (const char *at = words; *at; at++) {
		char before = (char)(at > words ? at[-1] : ' ');
		size_t len =
			strspn(at + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		bool known = false;

		if (strncasecmp(at, "tg://", 5) == 0 || strncasecmp(at, "ton://", 6) == 0)
			return "an address of the platform's own";
		if (isalnum((unsigned char)before) || before == '_' || len == 0)
			continue;
		if (*at == '@')
			return "a mention";
		for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
			known |= strlen(ours[i]) == len && memcmp(at + 1, ours[i], len) == 0 &&
				 at[len + 1] != '@';
		if (*at == '/' && !strchr("/<>", before) && at[len + 1] != '/' && !known)
			return "a command";
	}
	return NULL;
}

static inline const char *telegram_html_limits(const struct telegram_html *html, const char *text)
{
	bool blank = true;

	for (const char *at = buf_str(&html->words); *at; at++)
		blank &= isspace((unsigned char)*at) != 0;
	if (html->depth)
		return "a tag is not closed";
	if (blank)
		return "nothing is said";
	if (html->marks > 100)
		return "too many entities";
	if (strlen(text) > TELEGRAM_RAW_MAX)
		return "too many bytes";
	return telegram_units(html->words.data, html->words.len) > TELEGRAM_TEXT_MAX ? "too long" : NULL;
}

/* NULL, or what is wrong. words_out: what people read; the caller frees. */
static inline const char *telegram_html_fault(const char *text, char **words_out)
{
	struct telegram_html html = { 0 };
	struct buf loud = { 0 }; /* the words; in code nothing calls */

	for (const char *at = text; *at && html.fault == NULL;) {
		size_t end = strcspn(at, ">"), before = html.words.len;

		if (*at != '<') {
			at = telegram_html_sign(&html, at);
			if (telegram_html_in(&html, "code") || telegram_html_in(&html, "pre"))
				buf_text(&loud, isalnum((unsigned char)at[-1]) || at[-1] == '_' ? "x" : ".");
			else
				buf_add(&loud, html.words.data + before, html.words.len - before);
			continue;
		}
		if (at[end] == '\0')
			html.fault = "a tag without an end";
		else if (at[1] == '/')
			telegram_html_close(&html, at + 2, end - 2);
		else
			telegram_html_open(&html, at + 1, end - 1);
		at += end + 1;
	}
	if (html.fault == NULL)
		html.fault = telegram_html_limits(&html, text);
	if (html.fault == NULL)
		html.fault = telegram_html_calls(buf_str(&loud));
	buf_free(&loud);
	*words_out = buf_take(&html.words);
	return html.fault;
}

/* What people see of it in ASCII, in the order of `words`, stands in `shown`: nothing is lost. */
static inline bool telegram_html_holds(const char *shown, const char *words)
{
	for (; *words; words++) {
		if (*words <= ' ' || *words == 0x7f)
			continue;
		while (*shown && *shown != *words)
			shown++;
		if (*shown++ == '\0')
			return false;
	}
	return true;
}

#endif
