/* An answer of any length arrives whole, in messages that the platform takes. */
#include "buf.h"
#include "discord_md.h"
#include "markup.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* The messages are good, and hold all of it. The caller frees. */
static size_t split(const char *markdown, char ***texts_out)
{
	struct markup *markup = markup_parse(markdown, strlen(markdown));
	char *words = markup_plain(markup_root(markup));
	struct buf shown = { 0 };
	size_t count = discord_split(NULL, markdown, texts_out);

	for (size_t i = 0; i < count; i++) {
		if (discord_md_fault((*texts_out)[i]))
			fail_msg("%s: %s", discord_md_fault((*texts_out)[i]), (*texts_out)[i]);
		buf_text(&shown, (*texts_out)[i]);
	}
	if (!discord_md_holds(buf_str(&shown), words))
		fail_msg("lost: %s", markdown);
	buf_free(&shown);
	free(words);
	markup_free(markup);
	return count;
}

static void drop(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static size_t parts(const char *markdown)
{
	char **texts;
	size_t count = split(markdown, &texts);

	drop(texts, count);
	return count;
}

/* Code points, not bytes and not UTF-16 units (pitfall 24). */
static void test_length(void **state)
{
	static const char *const characters[] = { "a", "é", "日", "𝄞" };

	(void)state;
	for (size_t i = 0; i < sizeof(characters) / sizeof(*characters); i++) {
		struct buf buf = { 0 };

		for (int k = 0; k < 2000; k++)
			buf_text(&buf, characters[i]);
		assert_int_equal(parts(buf.data), 1);
		buf_text(&buf, characters[i]);
		assert_int_equal(parts(buf.data), 2);
		buf_free(&buf);
	}
	assert_int_equal(discord_points("aé日𝄞"), 4);
}

/* Backslashes count, too. */
static void test_escapes_count(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	for (int i = 0; i < 300; i++)
		buf_text(&buf, "a_b_c ");
	assert_int_equal(parts(buf.data), 2);
	buf_free(&buf);
}

static void test_code_is_reopened(void **state)
{
	struct buf buf = { 0 };
	char **texts;
	size_t count;

	(void)state;
	buf_text(&buf, "```c\n");
	for (int i = 0; i < 500; i++)
		buf_format(&buf, "int x%d;\n", i);
	count = split(buf.data, &texts);
	assert_in_range(count, 3, 4);
	for (size_t i = 0; i < count; i++) {
		assert_memory_equal(texts[i], "```c\nint x", 10);
		assert_string_equal(texts[i] + strlen(texts[i]) - 5, ";\n```");
	}
	drop(texts, count);
	buf_free(&buf);
}

/* Never inside a link, an address or an escape. */
static void test_whole_tokens(void **state)
{
	struct buf buf = { 0 };
	char **texts;
	size_t count;

	(void)state;
	for (int i = 0; i < 200; i++)
		buf_format(&buf, "https://e.x/a/%d/b [label %d](https://e.x/%d) ", i, i, i);
	count = split(buf.data, &texts);
	assert_in_range(count, 4, 8);
	for (size_t i = 0; i < count; i++) {
		size_t opened = 0, closed = 0;

		for (const char *at = texts[i]; *at; at++) {
			opened += *at == '[';
			closed += *at == ')';
		}
		assert_int_equal(opened, closed);
		assert_true(strncmp(texts[i], "https://e.x/a/", 14) == 0 || texts[i][0] == '[');
	}
	drop(texts, count);
	buf_free(&buf);
}

static void test_quotes_and_tables(void **state)
{
	struct buf buf = { 0 };
	char **texts;
	size_t count;

	(void)state;
	for (int i = 0; i < 300; i++)
		buf_format(&buf, "> line %d of what was said\n", i);
	count = split(buf.data, &texts);
	for (size_t i = 0; i < count; i++)
		assert_memory_equal(texts[i], "> ", 2);
	drop(texts, count);
	buf_clear(&buf);
	buf_text(&buf, "| name | value |\n|---|---|\n");
	for (int i = 0; i < 300; i++)
		buf_format(&buf, "| n%d | v%d |\n", i, i);
	count = split(buf.data, &texts);
	for (size_t i = 0; i < count; i++)
		assert_memory_equal(texts[i], "```\nname | value", 16);
	drop(texts, count);
	buf_free(&buf);
}

static void test_any_text(void **state)
{
	static const char *const pieces[] = {
		"**",	"*",	  "_",	  "~~",	     "`",	"```",	"\n",	    "\n\n",   "> ",
		"- ",	"1. ",	  "# ",	  "|",	     "|---|\n", "[",	"](",	    ")",      "https://e.x/",
		"![",	"<",	  "<@1>", "&amp;",   "\"",	"@",	"everyone", "a",      "word ",
		"here", "👋",	  "日本", "e\u0301", "  ",	"    ", "\t",	    "---\n",  "- [x] ",
		"\\",	"\u200b", "it's", "x.y",     "||",	"-# ",	">>> ",	    "````\n", "#### ",
	};
	unsigned seed = 7;

	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		struct buf buf = { 0 };

		for (unsigned i = 0; i < 1 + round % 60; i++) {
			seed = seed * 1103515245u + 12345u;
			buf_text(&buf, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(*pieces))]);
		}
		parts(buf_str(&buf));
		buf_free(&buf);
	}
}

/* Longer than somebody would scroll: the beginning, and all of it as a file. */
static void test_document(void **state)
{
	struct platform bot = { .config = { .document_parts = 3 } };
	struct buf buf = { 0 };
	char **texts;

	(void)state;
	for (int i = 0; i < 3 * 2000; i++)
		buf_text(&buf, "a");
	assert_int_equal(discord_split(&bot, buf.data, &texts), 3);
	drop(texts, 3);
	buf_text(&buf, " **end**");
	assert_int_equal(discord_split(&bot, buf.data, &texts), 2);
	assert_null(discord_md_fault(texts[0]));
	assert_memory_equal(texts[1], DISCORD_DOCUMENT, strlen(DISCORD_DOCUMENT));
	assert_string_equal(texts[1] + strlen(DISCORD_DOCUMENT), buf.data);
	drop(texts, 2);
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_escapes_count),
		cmocka_unit_test(test_code_is_reopened),
		cmocka_unit_test(test_whole_tokens),
		cmocka_unit_test(test_quotes_and_tables),
		cmocka_unit_test(test_any_text),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
