/* Encoded words: see words.h. Character sets go through ICU, which needs no files that a library would open now. */
#include "words.h"
#include "buf.h"
#include "mem.h"
#include "parse.h"
#include "text.h"
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

enum { RAW_MAX = 64 << 10, CHARSET_MAX = 40 };

struct word {
	const char *charset, *data;
	size_t charset_len, len, whole;
	char how; /* 'b', 'q' */
};

static bool word_at(const char *text, struct word *word)
{
	const char *mark, *end;

	if (strncmp(text, "=?", 2) != 0 || (mark = strchr(text + 2, '?')) == NULL || mark[1] == '\0' ||
	    mark[2] != '?' || (end = strstr(mark + 3, "?=")) == NULL)
		return false;
	*word = (struct word){ .charset = text + 2,
			       .charset_len = (size_t)(mark - text) - 2,
			       .how = (char)(mark[1] | 0x20),
			       .data = mark + 3,
			       .len = (size_t)(end - mark) - 3,
			       .whole = (size_t)(end + 2 - text) };
	/* "utf-8*en" names a language too. */
	if (memchr(word->charset, '*', word->charset_len))
		word->charset_len = strcspn(word->charset, "*");
	return (word->how == 'b' || word->how == 'q') && word->charset_len > 0 &&
	       word->charset_len < CHARSET_MAX;
}

static void word_bytes(const struct word *word, struct buf *out)
{
	if (word->how == 'b') {
		char *data = mem_alloc(word->len + 4);
		guint32 save = 0;
		int state = 0;

		buf_add(out, data,
			g_mime_encoding_base64_decode_step((const unsigned char *)word->data, word->len,
							   (unsigned char *)data, &state, &save));
		free(data);
		return;
	}
	for (size_t i = 0; i < word->len; i++) {
		int high = -1, low = -1;
		char c = word->data[i];

		if (c == '_')
			c = ' ';
		if (c == '=' && i + 2 < word->len) {
			high = text_hex_digit(word->data[i + 1]);
			low = text_hex_digit(word->data[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			c = (char)(high * 16 + low);
			i += 2;
		}
		buf_add(out, &c, 1);
	}
}

struct words {
	struct buf out, bytes; /* bytes: of words of one character set, which may break inside a character */
	char charset[CHARSET_MAX];
};

static void bytes_flush(struct words *words)
{
	size_t len;
	char *text;

	if (words->bytes.len == 0)
		return;
	text = parse_utf8(words->bytes.data, words->bytes.len, words->charset, &len, NULL);
	buf_add(&words->out, text, len);
	free(text);
	buf_clear(&words->bytes);
}

static void words_read(struct words *words, const char *text)
{
	struct word word;

	while (*text) {
		const char *next = text + strspn(text, " \t\r\n");

		/* White space between encoded words is not meant. */
		if (words->bytes.len > 0 && next != text && word_at(next, &word))
			text = next;
		if (!word_at(text, &word)) {
			bytes_flush(words);
			buf_add(&words->out, text++, 1);
			continue;
		}
		if (strncasecmp(words->charset, word.charset, word.charset_len) != 0 ||
		    words->charset[word.charset_len] != '\0') {
			bytes_flush(words);
			memcpy(words->charset, word.charset, word.charset_len);
			words->charset[word.charset_len] = '\0';
		}
		word_bytes(&word, &words->bytes);
		text += word.whole;
	}
	bytes_flush(words);
}

char *words_decode(const char *raw, unsigned long max)
{
	struct words words = { 0 };
	size_t len = strnlen(raw, RAW_MAX), plain_len;
	char *plain = parse_utf8(raw, len, "utf-8", &plain_len, NULL), *whole, *line;

	words_read(&words, plain);
	whole = text_repair(buf_str(&words.out), words.out.len);
	line = text_one_line(whole);
	line[text_fit(line, strlen(line), max)] = '\0';
	free(whole);
	free(plain);
	buf_free(&words.out);
	buf_free(&words.bytes);
	return line;
}
