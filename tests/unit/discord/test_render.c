/* Markdown as Discord shows it: form where it has one, text that stays text, and nobody is called. */
#include "discord_md.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define B "\u200b"
#define J "\u2060"

struct row {
	const char *markdown, *shown;
};

static void assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char **texts;

		assert_int_equal(discord_split(NULL, rows[i].markdown, &texts), 1);
		if (strcmp(texts[0], rows[i].shown) != 0)
			print_error("of: %s\n", rows[i].markdown);
		assert_string_equal(texts[0], rows[i].shown);
		if (discord_md_fault(texts[0]))
			fail_msg("%s: %s", discord_md_fault(texts[0]), texts[0]);
		free(texts[0]);
		free(texts);
	}
}

#define ASSERT_ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof(*(rows)))

static void test_inlines(void **state)
{
	static const struct row rows[] = {
		{ "plain", "plain" },
		{ "**b** *i* ~~s~~ `c`", "**b** *i* ~~s~~ `c`" },
		{ "***both***", "***both***" },
		{ "_i_ __b__", "*i* **b**" },
		{ "**a *b* c**", "**a *b* c**" },
		{ "a**b**c", "a**b**c" },
		{ "**a***b*", "**a**" B "*b*" },
		{ "**one\ntwo**", "**one**\n**two**" },
		{ "**a `b` c**", "**a `b` c**" },
		{ "``a`b`` ` `` `", "``a`b`` `` `" B "` ``" },
		{ "`` ` ``", "`` ` ``" },
		{ "&amp;\x01 b", "&  b" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

/* What would be form here though it is none in Markdown, or was escaped. */
static void test_literal_signs(void **state)
{
	static const struct row rows[] = {
		{ "a\\*b\\* snake_case_name 2 * 3", "a\\*b\\* snake\\_case\\_name 2 \\* 3" },
		{ "\\_\\_u\\_\\_", "\\_\\_u\\_\\_" },
		{ "||spoiler||", "\\|\\|spoiler\\|\\|" },
		{ "~one~ \\`c\\`", "~~one~~ \\`c\\`" },
		{ "\\# no\n\\- no\n\\> no\n\\-# no\n1\\. no", "\\# no\n\\- no\n\\> no\n\\-# no\n1\\. no" },
		{ "a # b - c > d 1. e", "a # b - c > d 1. e" },
		{ "- \\# no", "- \\# no" },
		{ "\\[a\\](https://e.x)", "\\[a]\\(https://e.x)" },
		{ "back\\\\slash", "back\\\\slash" },
		{ "http://localhost:8080/a_b", "http://localhost:8080/a_b" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

/* A model that was talked into it would call everybody, or show what looks like somebody's name. */
static void test_calls(void **state)
{
	static const struct row rows[] = {
		{ "@everyone and @here", "@" J "everyone and @" J "here" },
		{ "@**everyone**", "@" J "**everyone**" },
		{ "ann@example.com @ann", "ann@example.com @ann" },
		{ "<@123> <@&4> <#5> <t:7:R> \\</c:8>", "\\<@123> \\<@&4> \\<#5> \\<t:7:R> \\</c:8>" },
		{ "a < b, <b>x</b>", "a < b, \\<b>x\\</b>" },
		{ "`<@1>`", "`<@1>`" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_links(void **state)
{
	static const struct row rows[] = {
		{ "[l](https://e.x/?a&b)", "[l](https://e.x/?a&b)" },
		{ "[l](https://e.x/a_(b))", "[l](https://e.x/a_%28b%29)" },
		{ "![alt](https://e.x/i.png)", "[alt](https://e.x/i.png)" },
		{ "![](https://e.x/i.png)", "https://e.x/i.png" },
		{ "**[a *b*](http://e.x) c**", "**[a b](http://e.x) c**" },
		/* shown with its brackets otherwise (pitfall 22) */
		{ "[https://e.x/a](https://e.x/a)", "https://e.x/a" },
		{ "https://e.x/a_b", "https://e.x/a_b" },
		{ "[https://bank.x](https://e.x)", "https://bank.x (<https://e.x>)" },
		{ "[www.e.x](https://e.x)", "www.e.x (<https://e.x>)" },
		{ "[a[b]](https://e.x)", "a\\[b] (<https://e.x>)" },
		{ "<https://e.x/a>foo", "<https://e.x/a>foo" },
		{ "(https://e.x/a), https://e.x/b.", "(<https://e.x/a>), https://e.x/b." },
		{ "(see https://e.x/a) x", "(see https://e.x/a) x" },
		/* what is no link here */
		{ "[l](/docs/a.md)", "l (/docs/a.md)" },
		{ "[l](mailto:a@e.x)", "l (a@e.x)" },
		{ "[a@e.x](mailto:a@e.x)", "a@e.x" },
		{ "[l](javascript:x)", "l (javascript:x)" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_blocks(void **state)
{
	static const struct row rows[] = {
		{ "# One\n## Two\n### Three\ntext", "# One\n\n## Two\n\n### Three\n\ntext" },
		{ "#### Four\n###### **Six** `x`", "**Four**\n\n**Six `x`**" },
		{ "a\n\n---\n\nb", "a\n\nb" },
		{ "```sh\na *b*\n  c\n```\nx", "```sh\na *b*\n  c\n```\n\nx" },
		{ "```a\"b\nx\n```", "```\nx\n```" },
		{ "````\n```\n````", "```\n``" B "`\n```" },
		{ "> a **b**\n>\n> c\n\nd", "> a **b**\n> \n> c\n\nd" },
		{ "> a\n> > b", "> a\n> \n> > b" },
		{ "> ```\n> x\n> y\n> ```\n> z", "> ```\n> x\n> y\n> ```\n> \n> z" },
		{ "> # h", "> # h" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_lists(void **state)
{
	static const struct row rows[] = {
		{ "- a\n- **b**\n  - c\n    - d", "- a\n- **b**\n  - c\n    - d" },
		{ "3. a\n4. b\n   - c", "3. a\n4. b\n   - c" },
		{ "- [ ] a\n- [x] b", "- ☐ a\n- ☑ b" },
		{ "- a\n\n  b\n- c", "- a\n\n  b\n\n- c" },
		{ "- ```\n  x\n  ```\n- b", "- \n```\nx\n```\n- b" },
		{ "- # h", "- **h**" },
		{ "-\n- b", "- \n- b" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_tables(void **state)
{
	static const struct row rows[] = {
		{ "| a | **b** |\n|---|--:|\n| 日本 | <1 |", "```\na    |  b\n-----+---\n日本 | <1\n```" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

/* A refused message would be no answer at all (50006). */
static void test_nothing(void **state)
{
	static const struct row rows[] = {
		{ "", "…" },	       { "[]()", "…" }, { "---", "…" },	   { "\u200b\u2060", "…" },
		{ "```\n\n```", "…" }, { "#", "…" },	{ "&nbsp;", "…" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inlines), cmocka_unit_test(test_literal_signs),
		cmocka_unit_test(test_calls),	cmocka_unit_test(test_links),
		cmocka_unit_test(test_blocks),	cmocka_unit_test(test_lists),
		cmocka_unit_test(test_tables),	cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
