/* UTF-8 by libunistring. */
#include "text.h"
#include "buf.h"
#include "mem.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* Most of what is compared is ASCII. */
static bool fold_ascii(char *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] >= 0x80)
			return false;
		out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
	}
	out[len] = '\0';
	return true;
}

char *text_fold(const char *text, size_t len)
{
	char *out = mem_alloc(len + 1);
	uint8_t *folded;
	size_t folded_len;

	if (fold_ascii(out, text, len))
		return out;
	free(out);
	folded = u8_casefold((const uint8_t *)text, len, NULL, UNINORM_NFC, NULL, &folded_len);
	if (folded == NULL) /* no memory, or not UTF-8 after all */
		return mem_text_n(text, len);
	out = mem_text_n((const char *)folded, folded_len);
	free(folded);
	return out;
}

int text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool text_valid(const char *text, size_t len)
{
	return memchr(text, '\0', len) == NULL && u8_check((const uint8_t *)text, len) == NULL;
}

bool text_blank(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	ucs4_t c;

	while ((at = u8_next(&c, at)))
		if (!uc_is_property_white_space(c))
			return false;
	return true;
}

bool text_unseen(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	ucs4_t c;

	while ((at = u8_next(&c, at)) != NULL)
		if (!uc_is_property_white_space(c) && !uc_is_property_default_ignorable_code_point(c) &&
		    !uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc) && c != 0x2800 && c != 0xfffc)
			return false;
	return true;
}

size_t text_fit(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

size_t text_whole(const char *text, size_t len)
{
	size_t start = len, want;
	unsigned char lead;

	while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return len;
	lead = (unsigned char)text[--start];
	want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	return len - start < want ? start : len;
}

char *text_repair(const char *text, size_t len)
{
	struct buf out = { 0 };

	while (len > 0) {
		const uint8_t *bad = u8_check((const uint8_t *)text, len);
		size_t good = bad ? (size_t)((const char *)bad - text) : len;

		buf_add(&out, text, good);
		text += good;
		len -= good;
		if (bad) {
			buf_text(&out, "\xef\xbf\xbd");
			text++;
			len--;
		}
	}
	return buf_take(&out);
}

static bool breaks_line(ucs4_t c)
{
	return uc_is_property_white_space(c) || uc_is_property_bidi_control(c) ||
	       uc_is_general_category(c, UC_CATEGORY_Cc);
}

char *text_one_line(const char *text)
{
	const uint8_t *at = (const uint8_t *)text, *next;
	struct buf out = { 0 };
	bool blank = false;
	ucs4_t c;

	for (; (next = u8_next(&c, at)); at = next) {
		if (breaks_line(c)) {
			blank = true;
			continue;
		}
		if (blank && out.len)
			buf_text(&out, " ");
		blank = false;
		buf_add(&out, (const char *)at, (size_t)(next - at));
	}
	return buf_take(&out);
}

char *text_visible(const char *text, const char *kept)
{
	struct buf out = { 0 };

	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p, next = (unsigned char)p[1];

		if ((c < 0x20 || c == 0x7f) && strchr(kept, c) == NULL)
			buf_format(&out, "\\x%02x", c);
		else if (c == 0xc2 && next >= 0x80 && next <= 0x9f)
			buf_format(&out, "\\x%02x", (unsigned char)*++p);
		else
			buf_add(&out, p, 1);
	}
	return buf_take(&out);
}

/* What nobody sees may make two names look alike, or turn "txt.exe" round. */
static bool hides(ucs4_t c)
{
	return uc_is_property_bidi_control(c) || uc_is_property_default_ignorable_code_point(c);
}

/* Between letters of such scripts, and in pictures, joiners are spelling; behind ASCII they only hide. */
static bool belongs(ucs4_t c, ucs4_t before)
{
	return (c == 0x200c || c == 0x200d || c == 0xfe0f) && before > 0x7f &&
	       (!hides(before) || (c == 0x200d && before == 0xfe0f));
}

static void put_escape(struct buf *out, ucs4_t c)
{
	if (c > 0xffff) {
		buf_format(out, "\\u%04x", 0xd800 + ((c - 0x10000) >> 10));
		c = 0xdc00 + ((c - 0x10000) & 0x3ff);
	}
	buf_format(out, "\\u%04x", c);
}

char *text_revealed(const char *text, const char *kept)
{
	const uint8_t *at = (const uint8_t *)text, *next;
	struct buf out = { 0 };
	ucs4_t c, before = 0;

	for (; (next = u8_next(&c, at)); before = c, at = next) {
		bool control =
			uc_is_general_category(c, UC_CATEGORY_Cc) && !(c < 0x80 && strchr(kept, (int)c));

		if (control || c == 0x2028 || c == 0x2029 || c == 0x2800 || (hides(c) && !belongs(c, before)))
			put_escape(&out, c);
		else
			buf_add(&out, (const char *)at, (size_t)(next - at));
	}
	return buf_take(&out);
}

static bool breaks_name(ucs4_t c)
{
	return c == '/' || c == '\\' || c == 0x2028 || c == 0x2029 ||
	       uc_is_general_category(c, UC_CATEGORY_Cc);
}

char *text_file_name(const char *name, size_t max)
{
	char *whole = text_repair(name, strlen(name)), *copy;
	const uint8_t *at = (const uint8_t *)whole, *next;
	struct buf out = { 0 };
	ucs4_t c;

	for (; (next = u8_next(&c, at)); at = next) {
		if (breaks_name(c))
			buf_text(&out, "_");
		else if (!hides(c))
			buf_add(&out, (const char *)at, (size_t)(next - at));
	}
	if (out.len == 0 && *name)
		buf_text(&out, "_");
	copy = mem_text_n(buf_str(&out), text_fit(buf_str(&out), out.len, max));
	buf_free(&out);
	free(whole);
	return copy;
}

void text_quote(struct buf *out, const char *text, size_t max)
{
	size_t len = strlen(text), fits = text_fit(text, len, max), line;

	for (const char *at = text, *end = text + fits; at < end; at += line + 1) {
		line = strcspn(at, "\n");
		if (line > (size_t)(end - at))
			line = (size_t)(end - at);
		buf_text(out, "> ");
		buf_add(out, at, line);
		if (at + line == end && fits < len)
			buf_text(out, " …");
		buf_text(out, "\n");
	}
	if (fits)
		buf_text(out, "\n");
}

bool text_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) { /* the last star takes one more */
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
