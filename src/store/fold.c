/* Folds what files say and what people look for into the same words. */
#include "fold.h"
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

enum {
	UNSPACED_FIRST = 0x0e00, /* no script without spaces has characters below */
	WORDS_MAX = 128,	 /* of a question */
	PREFIX_LEAST = 3,	 /* bytes of a word that may be the beginning of others */
};

/* Accents and vowel points that people leave out when they look for something. */
static bool is_accent(ucs4_t c)
{
	return (c >= 0x0300 && c <= 0x036f) || (c >= 0x0591 && c <= 0x05c7) || (c >= 0x064b && c <= 0x065f) ||
	       c == 0x0670 || (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x1dc0 && c <= 0x1dff);
}

static bool is_unspaced(ucs4_t c)
{
	static const char *const names[] = {
		"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"
	};
	const uc_script_t *script;

	if (c < UNSPACED_FIRST)
		return false;
	if (c == 0x30fc) /* belongs to two of them, so to none */
		return true;
	script = uc_script(c);
	for (size_t i = 0; script && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(script->name, names[i]) == 0)
			return true;
	return false;
}

enum kind { KIND_GAP, KIND_LETTER, KIND_MARK };

static enum kind kind_of(ucs4_t c)
{
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
			       ? KIND_LETTER
			       : KIND_GAP;
	if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M))
		return KIND_MARK;
	return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N) ? KIND_LETTER
											    : KIND_GAP;
}

/* Without accents: decomposed, the marks taken out, composed again (Hangul, Kana with their own marks). The caller frees. */
static uint8_t *fold_case(const char *text, size_t len, size_t *len_out)
{
	size_t parts_len = 0, kept = 0;
	uint8_t *parts = u8_casefold((const uint8_t *)text, len, NULL, UNINORM_NFKD, NULL, &parts_len),
		*whole;
	ucs4_t c;

	*len_out = 0;
	if (parts == NULL)
		return NULL;
	for (size_t i = 0; i < parts_len;) {
		int step = u8_mbtouc(&c, parts + i, parts_len - i);

		if (!is_accent(c)) {
			memmove(parts + kept, parts + i, (size_t)step);
			kept += (size_t)step;
		}
		i += (size_t)step;
	}
	whole = u8_normalize(UNINORM_NFC, parts, kept, NULL, len_out);
	free(parts);
	return whole;
}

static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

static void add_gap(struct buf *out, size_t begin)
{
	if (out->len > begin && out->data[out->len - 1] != ' ')
		buf_add(out, " ", 1);
}

static void fold_ascii(struct buf *out, const char *text, size_t len)
{
	size_t begin = out->len;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		char lower = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);

		if (kind_of(c) == KIND_GAP)
			add_gap(out, begin);
		else
			buf_add(out, &lower, 1);
	}
}

void fold_words(struct buf *out, const char *text, size_t len)
{
	size_t whole_len, begin = out->len;
	bool alone = false; /* the letter before is of a script without spaces */
	uint8_t *whole;
	ucs4_t c;

	if (is_ascii(text, len)) {
		fold_ascii(out, text, len);
		return;
	}
	whole = fold_case(text, len, &whole_len);
	for (size_t i = 0; whole && i < whole_len;) {
		int step = u8_mbtouc(&c, whole + i, whole_len - i);
		enum kind kind = kind_of(c);
		bool unspaced = kind == KIND_LETTER && is_unspaced(c);

		if (kind == KIND_GAP || unspaced || (kind == KIND_LETTER && alone))
			add_gap(out, begin);
		if (kind != KIND_GAP)
			buf_add(out, whole + i, (size_t)step);
		alone = kind == KIND_MARK ? alone : unspaced;
		i += (size_t)step;
	}
	free(whole);
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

static size_t word_len(const char *words, size_t len)
{
	const char *space = memchr(words, ' ', len);

	return space ? (size_t)(space - words) : len;
}

static bool begins_unspaced(const char *word, size_t len)
{
	ucs4_t c;

	u8_mbtouc(&c, (const uint8_t *)word, len);
	return is_unspaced(c);
}

/* One piece of what was asked, without white space in it: its words in order, a run of single characters as a phrase. */
static void add_piece(struct buf *out, const struct buf *folded, bool any, bool last, size_t *words)
{
	bool open = false;
	size_t i = 0;

	while (i < folded->len && *words < WORDS_MAX) {
		size_t len = word_len(folded->data + i, folded->len - i);
		bool unspaced = len > 0 && begins_unspaced(folded->data + i, len);
		bool end = i + len + 1 >= folded->len;

		if (len > 0) {
			if (open && unspaced)
				buf_text(out, " ");
			else
				buf_format(out, "%s%s\"", open ? "\"" : "",
					   *words == 0 ? ""
					   : any       ? " OR "
						       : " AND ");
			buf_add(out, folded->data + i, len);
			++*words;
			open = unspaced;
			if (!unspaced)
				buf_format(out, "\"%s", last && end && len >= PREFIX_LEAST ? "*" : "");
		}
		i += len + 1;
	}
	if (open)
		buf_text(out, "\"");
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool fold_query(struct buf *out, const char *text, size_t len, bool any)
{
	struct buf folded = { 0 };
	size_t words = 0;

	while (len > 0 && is_space(text[len - 1]))
		len--;
	for (size_t i = 0, end; i < len; i = end + 1) {
		for (end = i; end < len && !is_space(text[end]); end++)
			;
		buf_clear(&folded);
		fold_words(&folded, text + i, end - i);
		add_piece(out, &folded, any, end >= len, &words);
	}
	buf_free(&folded);
	return words > 0;
}
