/* Markdown to a tree: what a model writes is understood as people mean it, and nothing it writes is lost, dangerous
 * or slow. */
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

static const char *const names[] = {
	[MARKUP_DOCUMENT] = "doc",   [MARKUP_PARAGRAPH] = "p", [MARKUP_HEADING] = "h",
	[MARKUP_QUOTE] = "quote",    [MARKUP_LIST] = "list",   [MARKUP_ITEM] = "item",
	[MARKUP_CODE_BLOCK] = "pre", [MARKUP_RULE] = "rule",   [MARKUP_TABLE] = "table",
	[MARKUP_ROW] = "row",	     [MARKUP_CELL] = "cell",   [MARKUP_TEXT] = "",
	[MARKUP_CODE] = "code",	     [MARKUP_STRONG] = "b",    [MARKUP_EMPHASIS] = "i",
	[MARKUP_STRIKE] = "s",	     [MARKUP_LINK] = "a",      [MARKUP_IMAGE] = "img",
	[MARKUP_BREAK] = "br",	     [MARKUP_SOFT] = "soft",
};

static void show(struct buf *buf, const struct markup_node *node)
{
	buf_text(buf, names[node->kind]);
	if (node->kind == MARKUP_HEADING)
		buf_format(buf, "%u", node->level);
	if (node->kind == MARKUP_LIST)
		buf_format(buf, "%s%s", node->ordered ? "#" : "", node->tight ? "" : "~");
	if (node->kind == MARKUP_LIST && node->ordered)
		buf_format(buf, "%u", node->start);
	if (node->task)
		buf_text(buf, node->checked ? "[x]" : "[ ]");
	if (node->align)
		buf_format(buf, ":%d", (int)node->align);
	if (node->language)
		buf_format(buf, ":%s", node->language);
	if (node->target)
		buf_format(buf, "<%s>", node->target);
	if (node->text)
		buf_format(buf, "'%s'", node->text);
	if (node->text)
		assert_int_equal(strlen(node->text), node->len);
	if (node->first == NULL)
		return;
	buf_text(buf, "(");
	for (const struct markup_node *child = node->first; child; child = child->next) {
		assert_ptr_equal(child->parent, node);
		show(buf, child);
		if (child->next)
			buf_text(buf, " ");
		else
			assert_ptr_equal(node->last, child);
	}
	buf_text(buf, ")");
}

static void assert_tree(const char *text, const char *expected)
{
	struct markup *markup = markup_parse(text, strlen(text));
	struct buf buf = { 0 };

	show(&buf, markup_root(markup));
	if (strcmp(buf_str(&buf), expected) != 0)
		print_error("of: %s\n", text);
	assert_string_equal(buf_str(&buf), expected);
	buf_free(&buf);
	markup_free(markup);
}

static void test_blocks(void **state)
{
	(void)state;
	assert_tree("", "doc");
	assert_tree("one\ntwo  \nthree\n\nfour", "doc(p('one' soft 'two' br 'three') p('four'))");
	assert_tree("# A *b*\n\nC\n-\n", "doc(h1('A ' i('b')) h2('C'))");
	assert_tree("> a\n> > b", "doc(quote(p('a') quote(p('b'))))");
	assert_tree("---", "doc(rule)");
	assert_tree("```c x\nint a;\n\n<b>\n```\n", "doc(pre:c'int a;\n\n<b>\n')");
	assert_tree("```\n", "doc(pre'')");
	assert_tree("    a\n\tb", "doc(pre'a\nb\n')");
}

static void test_lists(void **state)
{
	(void)state;
	assert_tree("- a\n- b\n  - c\n", "doc(list(item(p('a')) item(p('b') list(item(p('c'))))))");
	assert_tree("7. a\n8. b", "doc(list#7(item(p('a')) item(p('b'))))");
	assert_tree("- a\n\n- b", "doc(list~(item(p('a')) item(p('b'))))");
	assert_tree("- [ ] a\n- [x] b\n- c", "doc(list(item[ ](p('a')) item[x](p('b')) item(p('c'))))");
	assert_tree("- a\n  ```\n  x\n  ```\n  z", "doc(list(item(p('a') pre'x\n' p('z'))))");
	assert_tree("-\n- b", "doc(list(item item(p('b'))))");
}

static void test_table(void **state)
{
	(void)state;
	assert_tree("| a | *b* |\n|:--|--:|\n| 1 | `x\\|y` |\n| 2 |\n",
		    "doc(table(row(cell:1('a') cell:3(i('b'))) row(cell:1('1') cell:3(code'x|y'))"
		    " row(cell:1('2') cell:3)))");
}

static void test_inlines(void **state)
{
	(void)state;
	assert_tree("**a _b_** ~~c~~ `d`", "doc(p(b('a ' i('b')) ' ' s('c') ' ' code'd'))");
	assert_tree("`` a`b ``", "doc(p(code'a`b'))");
	assert_tree("[l *x*](http://e.x/?a=1&amp;b=2 \"t\")", "doc(p(a<http://e.x/?a=1&b=2>('l ' i('x'))))");
	assert_tree("![alt](i.png)", "doc(p(img<i.png>('alt')))");
	assert_tree("see https://e.x/a_b. Mail a@b.cc now",
		    "doc(p('see ' a<https://e.x/a_b>('https://e.x/a_b') '. Mail ' a<mailto:a@b.cc>('a@b.cc') "
		    "' now'))");
	assert_tree("<https://e.x>", "doc(p(a<https://e.x>('https://e.x')))");
	assert_tree("[a]\n\n[a]: http://x", "doc(p(a<http://x>('a')))");
}

/* md4c 0.4 begins a span for the star in the address and does not end it: what follows is a paragraph all the same. */
static void test_unbalanced(void **state)
{
	(void)state;
	assert_tree("*[x](b*c)\n\nnext", "doc(p(i(a<b*c>('x'))) p('next'))");
	assert_tree("- *![](b*c)\n- next", "doc(list(item(p(i(img<b*c>))) item(p('next'))))");
}

/* HTML is not taken in: a tag is shown, not obeyed. */
static void test_html_is_text(void **state)
{
	(void)state;
	assert_tree("<b>x</b> <!channel> <@U1>", "doc(p('<b>x</b> <!channel> <@U1>'))");
	assert_tree("<div>\n*a*\n</div>", "doc(p('<div>' soft i('a') soft '</div>'))");
}

static void test_entities(void **state)
{
	(void)state;
	assert_tree("&amp;&lt;&gt;&quot;&nbsp;&hellip;&#65;&#x42;", "doc(p('&<>\"\u00a0…AB'))");
	assert_tree("&unheard; &#0; &#xD800; &#x110000; &#10;a",
		    "doc(p('&unheard; \ufffd \ufffd \ufffd  a'))");
	assert_tree("`&amp;` \\&amp; \\*a\\*", "doc(p(code'&amp;' ' &amp; *a*'))");
}

static void test_plain(void **state)
{
	static const struct {
		const char *markdown, *plain;
	} cases[] = {
		{ "", "" },
		{ "# A\n\n**b** `c`\nd  \ne", "A\nb c d\ne" },
		{ "- a\n- b\n\n1. c", "a\nb\nc" },
		{ "|x|y|\n|---|---|\n|1|2|", "x y\n1 2" },
		{ "```sh\nls\n\npwd\n```\nz", "ls\n\npwd\nz" },
		{ "[l](http://a) ![i](b)", "l i" },
		{ "---\n> q", "q" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct markup *markup = markup_parse(cases[i].markdown, strlen(cases[i].markdown));
		char *plain = markup_plain(markup_root(markup));

		assert_string_equal(plain, cases[i].plain);
		free(plain);
		markup_free(markup);
	}
}

static unsigned depth(const struct markup_node *node)
{
	unsigned most = 0;

	for (const struct markup_node *child = node->first; child; child = child->next) {
		unsigned below = depth(child) + 1;

		most = below > most ? below : most;
	}
	return most;
}

/* However deep it nests, the tree is shallow and the words are there. */
static void test_depth(void **state)
{
	static const char *const open[] = { "> ", "- ", "1. ", "> - ", "*a **b ", "[", "![" };
	static const char *const close[] = { "", "", "", "", "** *", "](/u)", "](/u)" };

	(void)state;
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++) {
		struct buf buf = { 0 };
		struct markup *markup;
		char *plain;

		for (int k = 0; k < 60; k++)
			buf_text(&buf, open[i]);
		buf_text(&buf, "needle");
		for (int k = 0; k < 60; k++)
			buf_text(&buf, close[i]);
		markup = markup_parse(buf.data, buf.len);
		plain = markup_plain(markup_root(markup));
		assert_true(depth(markup_root(markup)) <= MARKUP_DEPTH_MAX);
		assert_non_null(strstr(plain, "needle"));
		free(plain);
		markup_free(markup);
		buf_free(&buf);
	}
}

static void repeat(struct buf *buf, const char *text, size_t bytes)
{
	for (size_t len = strlen(text), n = bytes / len; n > 0; n--)
		buf_add(buf, text, len);
}

static size_t work_of(const char *before, const char *pattern, const char *after, size_t bytes,
		      size_t *len_out)
{
	struct buf buf = { 0 };
	struct markup *markup;
	size_t work;

	buf_text(&buf, before);
	repeat(&buf, pattern, bytes / 2);
	repeat(&buf, after, bytes / 2);
	markup = markup_parse(buf.data, buf.len);
	work = markup_work(markup);
	*len_out = buf.len;
	markup_free(markup);
	buf_free(&buf);
	return work;
}

/* Hostile texts of a size a model can produce take bounded work, counted, not timed: the daemon's loop is not held. */
static void test_hostile(void **state)
{
	static const struct {
		const char *before, *pattern, *after;
	} cases[] = {
		{ "", "[", "]" },
		{ "", "`", "a" },
		{ "", "*a _b ", "_*" },
		{ "", "> ", "x\n" },
		{ "", "1. ", "\n\n" },
		{ "", "- a\n", "\n" },
		{ "", "a|", "\n" },
		{ "a\n\n", "|a|b", "|\n" },
		{ "", "[a](b\n", "x" },
		{ "", "~~a ", "b~~ " },
		{ "", "(http://a.b/c", ")" },
		{ "", "[a]: /u\n\n", "[a] " },
		{ "[a]: http://xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n\n",
		  "[a] ", "b" },
		{ "", "![a", "](u)" },
		{ "", "a@b.c\n", "<a@b.c>" },
		{ "", "\\", "&amp;" },
		{ "", "<a", ">" },
		{ "", "```\n", "~~~\n" },
		{ "", "a\r", "[a](b\r" },
		{ "", "| a ", "\n|---|\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len, work = work_of(cases[i].before, cases[i].pattern, cases[i].after, 1 << 19, &len);

		assert_true(work <= GUARD_WORK_MAX + GUARD_CALLS * len + GUARD_FLOOR);
	}
}

/* A table of many columns and many short rows is padded by the parser: it grows with the product, unless stopped. */
static void test_sparse_table(void **state)
{
	struct buf buf = { 0 };
	struct markup *markup;
	char *plain;

	(void)state;
	repeat(&buf, "h|", 20000);
	buf_text(&buf, "\n");
	repeat(&buf, "---|", 40000);
	buf_text(&buf, "\n");
	repeat(&buf, "x\n", 20000);
	markup = markup_parse(buf.data, buf.len);
	assert_true(markup_work(markup) <= (GUARD_CALLS + 2) * buf.len + GUARD_FLOOR);
	plain = markup_plain(markup_root(markup));
	assert_non_null(strstr(plain, "x\nx\nx"));
	free(plain);
	markup_free(markup);
	buf_free(&buf);
}

/* What would take too long is shown as it was written. */
static void test_too_much(void **state)
{
	struct buf buf = { 0 };
	struct markup *markup;
	char *plain;

	(void)state;
	for (int i = 0; i < 40000; i++)
		buf_text(&buf, "[a](b)\n");
	buf_text(&buf, "\n\n**end**");
	markup = markup_parse(buf.data, buf.len);
	plain = markup_plain(markup_root(markup));
	assert_true(strncmp(plain, "[a](b)\n[a](b)\n", 14) == 0);
	assert_string_equal(strrchr(plain, '\n'), "\n**end**");
	assert_true(markup_work(markup) <= 2 * buf.len);
	free(plain);
	markup_free(markup);
	buf_free(&buf);
}

static void test_broken_bytes(void **state)
{
	struct markup *markup = markup_parse("a\0b\xff*c*", 8);
	char *plain = markup_plain(markup_root(markup));

	(void)state;
	assert_string_equal(plain, "a b\ufffdc");
	free(plain);
	markup_free(markup);
	markup_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),	     cmocka_unit_test(test_lists),
		cmocka_unit_test(test_table),	     cmocka_unit_test(test_inlines),
		cmocka_unit_test(test_html_is_text), cmocka_unit_test(test_unbalanced),
		cmocka_unit_test(test_entities),     cmocka_unit_test(test_plain),
		cmocka_unit_test(test_depth),	     cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_sparse_table), cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_broken_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
