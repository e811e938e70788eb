/* Markdown as Telegram shows it: form where it has one, HTML that it never refuses, and nothing the model writes is lost
 * or calls anybody. */
#include "markup.h"
#include "mem.h"
#include "telegram_html.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define J "\u2060"

static char *one(const char *markdown)
{
	char **texts, *text;

	assert_int_equal(telegram_split(NULL, markdown, &texts), 1);
	text = texts[0];
	free(texts);
	return text;
}

struct row {
	const char *markdown, *html;
};

static void assert_good(const char *html, struct buf *shown)
{
	char *words;
	const char *fault = telegram_html_fault(html, &words);

	if (fault)
		fail_msg("%s: %s", fault, html);
	if (shown)
		buf_text(shown, words);
	free(words);
}

static void assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = one(rows[i].markdown);

		if (strcmp(text, rows[i].html) != 0)
			print_error("of: %s\n", rows[i].markdown);
		assert_string_equal(text, rows[i].html);
		assert_good(text, NULL);
		free(text);
	}
}

#define ASSERT_ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof(*(rows)))

static void test_inlines(void **state)
{
	static const struct row rows[] = {
		{ "plain", "plain" },
		{ "**b** *i* ~~s~~ `c`", "<b>b</b> <i>i</i> <s>s</s> <code>c</code>" },
		{ "***both***", "<b><i>both</i></b>" },
		{ "**a *b* c**", "<b>a <i>b</i> c</b>" },
		{ "**a __b__ c**", "<b>a b c</b>" },
		{ "a**b**c", "a<b>b</b>c" },
		{ "**one\ntwo**", "<b>one\ntwo</b>" },
		{ "**a `b` c**", "<b>a</b> <code>b</code> <b>c</b>" },
		{ "a < b && c > d \"e\" 'f'", "a &lt; b &amp;&amp; c &gt; d \"e\" 'f'" },
		{ "<b>no</b> <br> &nbsp;&lt;", "&lt;b&gt;no&lt;/b&gt; &lt;br&gt; \u00a0&lt;" },
		{ "`<b>` ``a`b``", "<code>&lt;b&gt;</code> <code>a`b</code>" },
		{ "a\\*b\\* \x01 c", "a*b*   c" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

/* A refused message would be no answer at all. */
static void test_nothing(void **state)
{
	static const struct row rows[] = {
		{ "", "…" },
		{ "[]()", "…" },
		{ "\n \n", "…" },
		{ "\u200b\u2060", "…" },
		{ "```\n\n```", "…" },
		{ "&nbsp;\u2800", "…" },
		{ "**\u200d**\ufeff", "…" },
		{ "` `", "…" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_links(void **state)
{
	static const struct row rows[] = {
		{ "[l](https://e.x/?a&b=\"c\")", "<a href=\"https://e.x/?a&amp;b=%22c%22\">l</a>" },
		{ "https://e.x/a", "<a href=\"https://e.x/a\">https://e.x/a</a>" },
		{ "**[a *b*](http://e.x) c**", "<a href=\"http://e.x\"><b>a <i>b</i></b></a> <b>c</b>" },
		{ "[a `b` c](http://e.x)", "<a href=\"http://e.x\">a b c</a>" },
		{ "![alt](https://e.x/i.png)", "<a href=\"https://e.x/i.png\">alt</a>" },
		{ "![](https://e.x/i.png)", "<a href=\"https://e.x/i.png\">https://e.x/i.png</a>" },
		{ "[![alt](https://e.x/i)](https://e.y)", "<a href=\"https://e.y\">alt</a>" },
		{ "[a](https://e.x)[b](https://e.x)",
		  "<a href=\"https://e.x\">a</a><a href=\"https://e.x\">b</a>" },
		/* what would be dropped without an error */
		{ "[l](http://localhost:80/x)", "l (http://localhost:80/x)" },
		{ "[l](/docs/a.md)", "l (/docs/a.md)" },
		{ "[l](https://e.x:99999/)", "l (https://e.x:99999/)" },
		{ "[l](https://e.x:8443/)", "<a href=\"https://e.x:8443/\">l</a>" },
		{ "[l](mailto:a@e.x)", "l (a@e.x)" },
		{ "[a@e.x](mailto:a@e.x)", "a@e.x" },
		/* what does something when it is tapped on, or hides where it leads */
		{ "[l](tg://user?id=7)", "l (tg:/" J "/" J "user?id=7)" },
		{ "[l](javascript:x)", "l (javascript:x)" },
		{ "[l](https://bank.x@e.x/)", "l (https://bank.x@e.x/)" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

/* A model that was talked into it would call people, or command other bots, in every group. */
static void test_calls(void **state)
{
	static const struct row rows[] = {
		{ "@ann (@bob) .@c", "@" J "ann (@" J "bob) .@" J "c" },
		{ "@**ann** [@](http://e.x)bob", "@" J "<b>ann</b> <a href=\"http://e.x\">@</a>" J "bob" },
		{ "ann@e.x a_@b", "ann@e.x a_@b" },
		{ "`@ann` @`ann`", "<code>@ann</code> @" J "<code>ann</code>" },
		{ "/ban (/ban)", "/" J "ban (/" J "ban)" },
		{ "/new, /help. /usage", "/new, /help. /usage" },
		{ "/new@otherbot /newest", "/" J "new@otherbot /" J "newest" },
		{ "/new[@otherbot](http://e.x)", "/new" J "<a href=\"http://e.x\">@" J "otherbot</a>" },
		{ "and/or /etc/x 1/2 //c", "and/or /etc/x 1/2 //c" },
		{ "tg://resolve TON://x", "tg:/" J "/" J "resolve TON:/" J "/" J "x" },
		{ "a\n@b", "a\n@" J "b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text = one(rows[i].markdown);

		assert_string_equal(text, rows[i].html);
		free(text);
	}
}

static void test_blocks(void **state)
{
	static const struct row rows[] = {
		{ "# One\n\n## **Two** `x`\ntext", "<b>One</b>\n\n<b>Two</b> <code>x</code>\n\ntext" },
		{ "a\n\n---\n\nb", "a\n\n———\n\nb" },
		{ "```sh\na <b>\n  c\n```\nx",
		  "<pre><code class=\"language-sh\">a &lt;b&gt;\n  c</code></pre>\n\nx" },
		{ "```a\"b\nx\n```", "<pre>x</pre>" },
		{ "```\n  in\n```", "<pre>  in</pre>" },
		{ "> a **b**\n>\n> c\n\nd", "<blockquote>a <b>b</b>\n\nc</blockquote>\n\nd" },
		{ "> a\n\n\n<!-- -->\n> b",
		  "<blockquote>a</blockquote>\n\n&lt;!-- --&gt;\n\n<blockquote>b</blockquote>" },
		{ "> a\n> > b", "<blockquote>a\n\n&gt; b</blockquote>" },
		{ "> ```\n> x\n> ```\n> y", "<blockquote><pre>x</pre>\n\ny</blockquote>" },
		{ "> - a\n>   - b", "<blockquote>• a\n    • b</blockquote>" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_lists(void **state)
{
	static const struct row rows[] = {
		{ "- a\n- **b**\n  - c\n    - d", "• a\n• <b>b</b>\n    • c\n        • d" },
		{ "3. a\n4. b", "3. a\n4. b" },
		{ "- [ ] a\n- [x] b", "☐ a\n☑ b" },
		{ "- a\n\n  b\n- c", "• a\n\n    b\n\n• c" },
		{ "- ```\n  x\n  ```\n- b", "• \n<pre>x</pre>\n• b" },
		{ "- > q\n- b", "• \n<blockquote>q</blockquote>\n• b" },
		{ "-\n- b", "• \n• b" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_tables(void **state)
{
	static const struct row rows[] = {
		{ "| a | **b** |\n|---|--:|\n| 日本 | <1 |",
		  "<pre>a    |  b\n-----+---\n日本 | &lt;1</pre>" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

/* The parts of anything are taken, and hold all of it. Returns how many there are. */
static size_t assert_parts(const char *markdown)
{
	struct markup *markup = markup_parse(markdown, strlen(markdown));
	char **texts, *words = markup_plain(markup_root(markup));
	struct buf shown = { 0 };
	size_t count = telegram_split(NULL, markdown, &texts);

	for (size_t i = 0; i < count; i++) {
		assert_good(texts[i], &shown);
		free(texts[i]);
	}
	assert_true(telegram_html_holds(buf_str(&shown), words));
	buf_free(&shown);
	free(texts);
	free(words);
	markup_free(markup);
	return count;
}

static void test_any_text(void **state)
{
	static const char *const pieces[] = {
		"**",	 "*",	   "_",	  "~~",	    "`",       "```",	  "\n", "\n\n", "> ",
		"- ",	 "1. ",	   "# ",  "|",	    "|---|\n", "[",	  "](", ")",	"https://e.x/",
		"![",	 "<",	   ">",	  "&",	    "&amp;",   "\"",	  "@",	"/",	"a",
		"word ", "new",	   "tg:", "👋",	    "日本",    "e\u0301", "  ", "    ", "\t",
		"---\n", "- [x] ", "\\",  "\u200b", "it's",    "x.y",	  "@b",
	};
	unsigned seed = 7;

	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		struct buf buf = { 0 };
		unsigned count = 1 + round % 60;

		for (unsigned i = 0; i < count; i++) {
			seed = seed * 1103515245u + 12345u;
			buf_text(&buf, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(*pieces))]);
		}
		assert_parts(buf_str(&buf));
		buf_free(&buf);
	}
}

static const char answer[] =
	"## How to rotate the key\n\nYou need **two** steps, see [the "
	"guide](https://docs.e.x/keys?a=1&b=2):\n\n"
	"1. Create a new key:\n\n   ```bash\n   openssl rand -base64 32 > key.new && chmod 600 key.new\n   "
	"```\n\n"
	"2. Tell the daemon:\n   - edit `usher.conf`\n   - *reload* it (`kill -HUP $PID`)\n\n"
	"| Setting | Meaning | Default |\n|---|---|---:|\n| `store.key` | the new key | none |\n\n"
	"> Note: @channel is not called, and a < b && c > d stays.\n\n---\n\n"
	"- [x] done\n- [ ] open\n\nThat is snake_case, 2*3*4 and a * b. ~~No~~ more. 👋\n\n";

/* What models really answer, long enough for several messages, each well filled. */
static void test_long_answer(void **state)
{
	struct buf buf = { 0 };
	size_t count;

	(void)state;
	for (int i = 0; i < 60; i++)
		buf_text(&buf, answer);
	count = assert_parts(buf.data);
	assert_in_range(count, 7, 14);
	buf_free(&buf);
}

/* Characters outside the basic plane are two units; entities are one, however long they are written. */
static void test_length(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	for (int i = 0; i < 4096; i++)
		buf_text(&buf, "𝄞");
	assert_int_equal(assert_parts(buf.data), 2);
	buf_clear(&buf);
	for (int i = 0; i < 4096; i++)
		buf_text(&buf, "&");
	assert_int_equal(assert_parts(buf.data), 1);
	buf_text(&buf, "&");
	assert_int_equal(assert_parts(buf.data), 2);
	buf_free(&buf);
}

/* Form beyond a hundred entities would be dropped silently; addresses count though nobody sees them. */
static void test_scarce(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	for (int i = 0; i < 250; i++)
		buf_format(&buf, "`c%d` x ", i);
	assert_int_equal(assert_parts(buf.data), 3);
	buf_clear(&buf);
	for (int i = 0; i < 40; i++)
		buf_format(&buf, "[l%d](https://e.x/%01000d) ", i, 0);
	assert_int_equal(assert_parts(buf.data), 2);
	buf_free(&buf);
}

static void test_code_is_reopened(void **state)
{
	struct buf buf = { 0 };
	char **texts;

	(void)state;
	buf_text(&buf, "```c\n");
	for (int i = 0; i < 1000; i++)
		buf_format(&buf, "int x%d;\n", i);
	assert_int_equal(telegram_split(NULL, buf.data, &texts), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_memory_equal(texts[i], "<pre><code class=\"language-c\">int x", 35);
		assert_non_null(strstr(texts[i], ";</code></pre>"));
		free(texts[i]);
	}
	free(texts);
	buf_free(&buf);
}

/* Longer than somebody would scroll: the beginning, and all of it as a file. */
static void test_document(void **state)
{
	struct platform bot = { .config = { .document_parts = 3 } };
	struct buf buf = { 0 };
	char **texts;

	(void)state;
	for (int i = 0; i < 3 * 4000; i++)
		buf_text(&buf, "a");
	assert_int_equal(telegram_split(&bot, buf.data, &texts), 3);
	for (size_t i = 0; i < 3; i++)
		free(texts[i]);
	free(texts);
	buf_text(&buf, " **end**");
	for (int i = 0; i < 1000; i++)
		buf_text(&buf, "b");
	assert_int_equal(telegram_split(&bot, buf.data, &texts), 2);
	assert_good(texts[0], NULL);
	assert_memory_equal(texts[1], "<document>\n", 11);
	assert_string_equal(texts[1] + 11, buf.data);
	free(texts[0]);
	free(texts[1]);
	free(texts);
	buf_free(&buf);
}

/* What goes out when form is refused after all. */
static void test_plain(void **state)
{
	static const struct row rows[] = {
		{ "<b>a</b> &lt;b&gt; &amp;amp; \"c\"", "a <b> &amp; \"c\"" },
		{ "<a href=\"https://e.x/?a&amp;b\"><b>l</b></a>.", "l (https://e.x/?a&b)." },
		{ "<a href=\"https://e.x\">https://e.x</a>", "https://e.x" },
		{ "<pre><code class=\"language-c\">x &lt; y</code></pre>", "x < y" },
		{ "a < b & c", "a < b & c" },
	};
	struct buf buf = { 0 };
	char *plain;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		plain = telegram_plain(rows[i].markdown);
		assert_string_equal(plain, rows[i].html);
		free(plain);
	}
	for (int i = 0; i < 100; i++)
		buf_text(&buf, "<a href=\"https://e.x/123456789012345678901234567890\">l</a>");
	plain = telegram_plain(buf.data); /* too long with addresses */
	assert_int_equal(strlen(plain), 100);
	free(plain);
	buf_free(&buf);
}

static void test_units(void **state)
{
	(void)state;
	assert_int_equal(telegram_units("aé日👋", strlen("aé日👋")), 5);
	assert_int_equal(telegram_units("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inlines),	    cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_links),	    cmocka_unit_test(test_calls),
		cmocka_unit_test(test_blocks),	    cmocka_unit_test(test_lists),
		cmocka_unit_test(test_tables),	    cmocka_unit_test(test_any_text),
		cmocka_unit_test(test_long_answer), cmocka_unit_test(test_length),
		cmocka_unit_test(test_scarce),	    cmocka_unit_test(test_code_is_reopened),
		cmocka_unit_test(test_document),    cmocka_unit_test(test_plain),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
