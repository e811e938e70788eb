/* A long document in parts: each part is small enough and well formed, and all parts together say what the whole said. */
#include "buf.h"
#include "mem.h"
#include "tree.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct parts {
	struct markup *markup;
	const struct markup_node *const *part;
	size_t count;
};

static size_t measured;

/* Words, and two characters for each node of form: as a platform's renderer would count. */
static size_t form(const struct markup_node *node)
{
	size_t n = node->kind >= MARKUP_TEXT && node->kind <= MARKUP_CODE ? 0 : 2;

	for (const struct markup_node *child = node->first; child; child = child->next)
		n += form(child);
	return n + (node->target ? strlen(node->target) : 0);
}

static size_t measure(const void *owner, const struct markup_node *document)
{
	char *plain = markup_plain(document);
	size_t n = strlen(plain) + form(document);

	assert_string_equal(owner, "owner");
	assert_int_equal(document->kind, MARKUP_DOCUMENT);
	measured += n;
	free(plain);
	return n;
}

static struct parts split(const char *text, size_t max)
{
	struct parts parts = { .markup = markup_parse(text, strlen(text)) };

	parts.count = markup_split(parts.markup, max, measure, "owner", &parts.part);
	assert_true(parts.count >= 1);
	for (size_t i = 0; i < parts.count; i++)
		if (measure("owner", parts.part[i]) > max)
			fail_msg("part %zu measures %zu of %zu", i, measure("owner", parts.part[i]), max);
	return parts;
}

/* The parts' words, each part on lines of its own between "|". */
static char *words(const struct parts *parts)
{
	struct buf buf = { 0 };

	for (size_t i = 0; i < parts->count; i++) {
		char *plain = markup_plain(parts->part[i]);

		buf_format(&buf, "%s%s", i ? "|" : "", plain);
		free(plain);
	}
	return buf_take(&buf);
}

static void assert_parts(const char *text, size_t max, const char *expected)
{
	struct parts parts = split(text, max);
	char *seen = words(&parts);

	assert_string_equal(seen, expected);
	free(seen);
	markup_free(parts.markup);
}

static void test_short(void **state)
{
	(void)state;
	assert_parts("", 64, "");
	assert_parts("one\n\ntwo", 64, "one\ntwo");
}

#define A20 "aaaaaaaaaaaaaaaaaaaa"
#define B20 "bbbbbbbbbbbbbbbbbbbb"
#define C20 "cccccccccccccccccccc"

static void test_between_blocks(void **state)
{
	(void)state;
	assert_parts(A20 A20 "\n\n" B20 "\n\n" C20, 64, A20 A20 "|" B20 "\n" C20);
	assert_parts("- " A20 A20 "\n- " B20 "\n- " C20, 64, A20 A20 "|" B20 "\n" C20);
	assert_parts("> " A20 A20 "\n>\n> " B20 "\n>\n> " C20, 64, A20 A20 "|" B20 "\n" C20);
}

/* A heading is not left behind at the end of a part. */
static void test_heading_stays(void **state)
{
	(void)state;
	assert_parts(A20 B20 "\n\n# H\n\n" C20 C20, 64, A20 B20 "|H\n" C20 C20);
}

static void test_words_and_sentences(void **state)
{
	(void)state;
	assert_parts("one two three four five six. Seven eight nine ten eleven twelve thirteen", 64,
		     "one two three four five six.|Seven eight nine ten eleven twelve thirteen");
	assert_parts("one two three four five six seven eight nine ten eleven **twelve thirteen fourteen** x",
		     64,
		     "one two three four five six seven eight nine ten eleven|twelve thirteen fourteen x");
}

/* Letters with marks, flags and families are one character to people. */
static void test_graphemes(void **state)
{
	static const char *const family = "👩‍👩‍👧‍👦";
	struct buf buf = { 0 };
	struct parts parts;

	(void)state;
	for (int i = 0; i < 20; i++)
		buf_text(&buf, family);
	parts = split(buf.data, 64);
	assert_int_equal(parts.count, 10);
	for (size_t i = 0; i < parts.count; i++) {
		char *plain = markup_plain(parts.part[i]);

		assert_int_equal(strlen(plain) % strlen(family), 0);
		free(plain);
	}
	markup_free(parts.markup);
	buf_free(&buf);
}

static const struct markup_node *nth(const struct markup_node *node, size_t n)
{
	node = node->first;
	while (n-- && node)
		node = node->next;
	assert_non_null(node);
	return node;
}

static void test_list_goes_on_counting(void **state)
{
	struct parts parts =
		split("4. " A20 "\n5. " B20 "\n6. " C20 "\n7. " A20 B20 C20 " " B20 "\n8. d", 64);
	unsigned number = 4;

	(void)state;
	for (size_t i = 0; i < parts.count; i++) {
		const struct markup_node *list = nth(parts.part[i], 0);

		assert_int_equal(list->kind, MARKUP_LIST);
		assert_int_equal(list->start, number - (list->first->continued ? 1 : 0));
		for (const struct markup_node *item = list->first; item; item = item->next)
			number += !item->continued;
	}
	assert_int_equal(number, 9);
	markup_free(parts.markup);
}

static void test_table_header_again(void **state)
{
	struct parts parts = split("|h|k|\n|---|---|\n|" A20 "|1|\n|" B20 "|2|\n|" C20 "|3|\n", 64);

	(void)state;
	assert_int_equal(parts.count, 3);
	for (size_t i = 0; i < 3; i++) {
		char *plain = markup_plain(nth(parts.part[i], 0)->first);

		assert_string_equal(plain, "h k");
		free(plain);
	}
	markup_free(parts.markup);
}

/* A row too long for any part loses its table, not its words or links. */
static void test_row_too_long(void **state)
{
	(void)state;
	assert_parts("|h|k|\n|---|---|\n|" A20 A20 "|" B20 B20 "|\n|c|d|\n", 64,
		     "h\nk\n" A20 A20 "|" B20 B20 "|h k\nc d");
}

static void test_code(void **state)
{
	struct parts parts = split("```py\n" A20 "\n\n" B20 "\n" C20 "\n" A20 B20 C20 A20 "\n```\nend", 64);
	static const char *const expected[] = { A20 "\n\n" B20 "\n", C20 "\n", A20 B20 C20 "\n", A20 "\n" };
	size_t i = 0;

	(void)state;
	for (; i < 4; i++) {
		const struct markup_node *code = nth(parts.part[i], 0);

		assert_int_equal(code->kind, MARKUP_CODE_BLOCK);
		assert_string_equal(code->language, "py");
		if (i != 2)
			assert_string_equal(code->text, expected[i]);
	}
	markup_free(parts.markup);
}

/* A link is never torn; one whose address fits nowhere becomes text that can be cut. */
static void test_links(void **state)
{
	struct parts parts = split("aaa [link with many words](http://e.x/) aaa [two words](http://e.x/y) "
				   "[three words](http://e.x/z)",
				   64);
	char *seen;

	(void)state;
	for (size_t i = 0; i < parts.count; i++)
		for (const struct markup_node *n = nth(parts.part[i], 0)->first; n; n = n->next)
			if (n->kind == MARKUP_LINK)
				assert_string_equal(n->target + strlen(n->target) - 1,
						    n->first->text[1] == 'i'   ? "/"
						    : n->first->text[1] == 'w' ? "y"
									       : "z");
	markup_free(parts.markup);
	parts = split("a [label](http://e.x/" A20 A20 A20 A20 ") b", 64);
	seen = words(&parts);
	assert_non_null(strstr(seen, "label"));
	assert_non_null(strstr(seen, "(http"));
	assert_null(strstr(seen, "]("));
	free(seen);
	markup_free(parts.markup);
}

/* ---- any document ------------------------------------------------------------------------------------------ */

static unsigned seed;

static unsigned roll(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

static void some_words(struct buf *buf, unsigned n)
{
	static const char *const pieces[] = {
		"alpha",       "**bold words**",
		"*slanted*",   "`code x`",
		"~~gone~~",    "[li nk](http://e.x)",
		"snake_case",  "Ende.",
		"été",	       "日本語。",
		"<b>",	       "2 * 3",
		"*a **b** c*", "x\\*y",
		"&amp;",       "a/b?",
		"👍🏽",    "loooooooooooooooooooooooong",
	};

	while (n--) {
		buf_text(buf, pieces[roll(sizeof(pieces) / sizeof(*pieces))]);
		buf_text(buf, n == 0 ? "\n" : roll(8) ? " " : "\n");
	}
}

static void indent(struct buf *buf, unsigned depth)
{
	while (depth--)
		buf_text(buf, "   ");
}

static void some_list(struct buf *buf, unsigned depth)
{
	for (unsigned n = 1 + roll(6); n > 0; n--) {
		struct buf one = { 0 };

		indent(buf, depth);
		buf_text(buf, roll(2) ? "1. " : "1. [x] ");
		some_words(&one, 1 + roll(6));
		for (char *p = one.data; *p; p++)
			*p = *p == '\n' && p[1] ? ' ' : *p;
		buf_text(buf, one.data);
		buf_free(&one);
		if (depth < 4 && roll(4) == 0)
			some_list(buf, depth + 1);
	}
}

static void some_block(struct buf *buf)
{
	unsigned rows = roll(12);

	switch (roll(7)) {
	case 0:
		buf_text(buf, "## ");
		some_words(buf, 1);
		break;
	case 1:
		some_list(buf, 0);
		break;
	case 2:
		buf_text(buf, "|h1|h2|\n|---|--:|\n");
		while (rows--)
			buf_format(buf, "|%u|**c** %u|\n", roll(1000), roll(1000));
		break;
	case 3:
		buf_text(buf, "```js\n");
		while (rows--)
			buf_format(buf, "%*sline(%u) && `x`;\n", (int)roll(8), "", roll(100));
		buf_text(buf, "```\n");
		break;
	case 4:
		buf_text(buf, "> ");
		some_words(buf, 1 + roll(20));
		break;
	default:
		some_words(buf, 1 + roll(60));
	}
	buf_text(buf, "\n");
}

/* All words but white space and tables' headers, which may be repeated. */
static void bare(struct buf *buf, const struct markup_node *node)
{
	if (node->kind == MARKUP_ROW && node == node->parent->first)
		return;
	for (size_t i = 0; i < node->len; i++)
		if (node->text[i] != ' ' && node->text[i] != '\n')
			buf_add(buf, &node->text[i], 1);
	for (const struct markup_node *child = node->first; child; child = child->next)
		bare(buf, child);
}

static void count_kinds(const struct markup_node *node, size_t counts[MARKUP_SOFT + 1])
{
	counts[node->kind] += !node->continued;
	for (const struct markup_node *child = node->first; child; child = child->next)
		count_kinds(child, counts);
}

static void test_any_document(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		size_t max = round % 4 == 0   ? 100
			     : round % 4 == 1 ? 160
					      : 700,
		       in[MARKUP_SOFT + 1] = { 0 }, out[MARKUP_SOFT + 1] = { 0 };
		struct buf text = { 0 }, whole = { 0 }, joined = { 0 };
		struct parts parts;

		seed = round;
		for (unsigned n = roll(30); n > 0; n--)
			some_block(&text);
		parts = split(buf_str(&text), max);
		bare(&whole, markup_root(parts.markup));
		count_kinds(markup_root(parts.markup), in);
		for (size_t i = 0; i < parts.count; i++) {
			size_t before = joined.len;

			bare(&joined, parts.part[i]);
			count_kinds(parts.part[i], out);
			if (parts.count > 1)
				assert_true(joined.len > before || parts.part[i]->first);
		}
		assert_string_equal(buf_str(&joined), buf_str(&whole));
		assert_int_equal(in[MARKUP_LINK], out[MARKUP_LINK]);
		if (max > 160)
			assert_int_equal(in[MARKUP_ITEM], out[MARKUP_ITEM]);
		markup_free(parts.markup);
		buf_free(&text);
		buf_free(&whole);
		buf_free(&joined);
	}
}

/* Measuring is the dear part: its sum grows with the document, not with its square. */
static void test_work(void **state)
{
	static const char *const patterns[] = { "a\n\n",   "word ",	     "- a\n",
						"a",	   "|a|b|\n",	     "> a\n> - b\n\n",
						"    x\n", "1. a\n   - b\n", "[a](http://b) " };

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		struct buf buf = { 0 };
		struct parts parts;
		size_t n = 200000 / strlen(patterns[i]);

		if (patterns[i][0] == '|')
			buf_text(&buf, "|h|h|\n|---|---|\n");
		while (n--)
			buf_text(&buf, patterns[i]);
		measured = 0;
		parts = split(buf.data, 1000);
		assert_true(parts.count > 50);
		assert_true(measured < 200 * buf.len);
		markup_free(parts.markup);
		buf_free(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_between_blocks),
		cmocka_unit_test(test_heading_stays),
		cmocka_unit_test(test_words_and_sentences),
		cmocka_unit_test(test_graphemes),
		cmocka_unit_test(test_list_goes_on_counting),
		cmocka_unit_test(test_table_header_again),
		cmocka_unit_test(test_row_too_long),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_any_document),
		cmocka_unit_test(test_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
