/* Markdown as Slack shows it: form where Slack has one, and nothing the model writes becomes a call, a command or a
 * link to another place than it names. */
#include "buf.h"
#include "mem.h"
#include "slack_room.h"
#include "text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define Z "\u200b"

static char *one(const char *markdown)
{
	char **texts, *text;

	assert_int_equal(slack_split(NULL, markdown, &texts), 1);
	text = texts[0];
	free(texts);
	return text;
}

struct row {
	const char *markdown, *mrkdwn;
};

static void assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = one(rows[i].markdown);

		if (strcmp(text, rows[i].mrkdwn) != 0)
			print_error("of: %s\n", rows[i].markdown);
		assert_string_equal(text, rows[i].mrkdwn);
		free(text);
	}
}

#define ASSERT_ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof(*(rows)))

static void test_inlines(void **state)
{
	static const struct row rows[] = {
		{ "", "…" },
		{ "[]()", "…" },
		{ "plain", "plain" },
		{ "**b** *i* ~~s~~ `c`", "*b* _i_ ~s~ `c`" },
		{ "***both***", "*_both_*" },
		{ "**a *b* c**", "*a _b_ c*" },
		{ "**a __b__ c**", "*a b c*" },
		{ "a**b**c", "a" Z "*b*" Z "c" },
		{ "日本**語**です", "日本" Z "*語*" Z "です" },
		{ "**a**_b_", "*a*" Z "_b_" },
		{ "`a`b", "`a`" Z "b" },
		{ "**one\ntwo**", "*one*\n*two*" },
		{ "a  \nb", "a\nb" },
		{ "``a`b``", "`a\u02cbb`" },
		{ "**`x`**", "*`x`*" },
		{ "a & b < c > d", "a &amp; b &lt; c &gt; d" },
		{ "`a && b <c>`", "`a &amp;&amp; b &lt;c&gt;`" },
		{ "&copy; &lt;b&gt;", "© &lt;b&gt;" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

/* Stars and underscores that are no form stay what they are and form nothing. */
static void test_literal_signs(void **state)
{
	static const struct row rows[] = {
		{ "2 * 3 * 4", "2 * 3 * 4" },
		{ "snake_case_name", "snake_case_name" },
		{ "\\*not bold\\*", "*" Z "not bold" Z "*" Z },
		{ "\\_x\\_ \\~y\\~ \\`z\\`", "_" Z "x" Z "_" Z " ~" Z "y" Z "~" Z " `" Z "z" Z "`" Z },
		{ "\\_\\_init\\_\\_", "_" Z "_" Z "init" Z "_" Z "_" Z },
		{ "**a\\*b**", "*a*b*" },
		{ "~ 5 ~ 6", "~ 5 ~ 6" },
		{ "\\> no quote", Z "&gt; no quote" },
		{ "a \\> b", "a &gt; b" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_calls(void **state)
{
	static const struct row rows[] = {
		{ "<!channel> <!here|x>", "&lt;!channel&gt; &lt;!here|x&gt;" },
		{ "<@U123> <#C1|general> <!subteam^S1>",
		  "&lt;@U123&gt; &lt;#C1|general&gt; &lt;!subteam^S1&gt;" },
		{ "&lt;!channel&gt;", "&lt;!channel&gt;" },
		{ "\\<!channel\\>", "&lt;!channel&gt;" },
		{ "`<!everyone>`", "`&lt;!everyone&gt;`" },
		{ "```\n<!everyone>\n```", "```\n&lt;!everyone&gt;\n```" },
		{ "@channel @Here @everyone me@here.org",
		  "@" Z "channel @" Z "Here @" Z "everyone <mailto:me@here.org|me@here.org>" },
		{ "[x](!channel)", "x (!channel)" },
		{ "[x](<!channel>)", "x (!channel)" },
		{ "[<!here>](http://e.x)", "<http://e.x|&lt;!here&gt;>" },
		{ "![<!here>](<!here>)", "&lt;!here&gt; (!here)" },
		{ "[x](@U1)", "x (@U1)" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_links(void **state)
{
	static const struct row rows[] = {
		{ "[l](https://e.x/a?b=1&c=2)", "<https://e.x/a?b=1&amp;c=2|l>" },
		{ "https://e.x/a_b_c", "<https://e.x/a_b_c>" },
		{ "<https://e.x>", "<https://e.x>" },
		{ "[a **b** c](http://e.x)", "<http://e.x|a b c>" },
		{ "**[a](http://e.x)**", "*<http://e.x|a>*" },
		{ "[a|b](<http://e.x/|y>)", "<http://e.x/%7Cy|a|b>" },
		{ "[a](<http://e.x/ y>)", "<http://e.x/%20y|a>" },
		{ "[```](http://e.x) [a_b *c\\*](http://e.x)",
		  "<http://e.x|\u02cb\u02cb\u02cb> <http://e.x|a_b " Z "*" Z "c" Z "*" Z ">" },
		{ "[a](http://e.x/\\>y)", "<http://e.x/%3Ey|a>" },
		{ "[](http://e.x)", "<http://e.x>" },
		{ "![alt](https://e.x/i.png)", "<https://e.x/i.png|alt>" },
		{ "![](https://e.x/i.png)", "<https://e.x/i.png>" },
		{ "[a](javascript:alert(1))", "a (javascript:alert(1))" },
		{ "[a](slack://open)", "a (slack://open)" },
		{ "[a](/docs)", "a (/docs)" },
		{ "[a](HTTPS://E.x)", "<HTTPS://E.x|a>" },
		{ "[a](http://)", "a (http://)" },
		{ "[mail](mailto:a@b.cc)", "<mailto:a@b.cc|mail>" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_blocks(void **state)
{
	static const struct row rows[] = {
		{ "# Title **b**\n\ntext", "*Title b*\n\ntext" },
		{ "a\n\nb", "a\n\nb" },
		{ "> a\n> b\n>\n> c\n\nd", "> a\n> b\n> \n> c\n\nd" },
		{ "> a\n> > b", "> a\n> \n> b" },
		{ "---", "──────────" },
		{ "```python\nx = 1\n```", "```\nx = 1\n```" },
		{ "````\n```\nb\n```\n````", "```\n``" Z "`\nb\n``" Z "`\n```" },
		{ "```\n```", "```\n \n```" },
		{ "> a\n>\n> ```\n> x\n> ```\n>\n> b", "> a\n\n```\nx\n```\n> \n> b" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_lists(void **state)
{
	static const struct row rows[] = {
		{ "- a\n- b", "• a\n• b" },
		{ "3. a\n4. b", "3. a\n4. b" },
		{ "- a\n  - b\n    1. c\n- d", "• a\n    • b\n        1. c\n• d" },
		{ "- [ ] todo\n- [x] done", "☐ todo\n☑ done" },
		{ "- a\n\n- b", "• a\n\n• b" },
		{ "- a\n\n  more\n- b", "• a\n\n    more\n\n• b" },
		{ "- a\n  ```\n  x\n  ```\n- b", "• a\n```\nx\n```\n• b" },
		{ "- ```\n  x\n  ```", "• \n```\nx\n```" },
		{ "-\n- b", "• \n• b" },
		{ "- - a", "• \n    • a" },
		{ "> - a\n> - b", "> • a\n> • b" },
		{ "intro:\n\n- a\n\nend", "intro:\n\n• a\n\nend" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void test_tables(void **state)
{
	static const struct row rows[] = {
		{ "| Name | Qty |\n|---|---:|\n| Apple | 3 |\n| **Kiwi** | 12 |",
		  "```\nName  | Qty\n------+----\nApple |   3\nKiwi  |  12\n```" },
		{ "| 名前 | x |\n|:---:|---|\n| a | b |", "```\n名前 | x\n-----+--\n a   | b\n```" },
		{ "| a | b |\n|---|---|\n| [l](http://e.x) | `c` |",
		  "```\na              | b\n---------------+--\nl (http://e.x) | c\n```" },
		{ "| a | b |\n|---|---|\n| \\`\\`\\` | <!here> |",
		  "```\na   | b\n----+--------\n``" Z "` | &lt;!here&gt;\n```" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

/* ---- any text ------------------------------------------------------------------------------------------------ */

/* Every "<" begins a link of ours, every "&" an entity, every ">" ends a link or begins a quoted line. */
static void assert_harmless(const char *text)
{
	const char *schemes[] = { "<http://", "<https://", "<mailto:" };

	assert_true(*text && text_valid(text, strlen(text)));
	for (const char *at = text; *at; at++) {
		size_t inside = strcspn(at + 1, "<>\n ");

		if (*at == '&')
			assert_true(strncmp(at, "&amp;", 5) == 0 || strncmp(at, "&lt;", 4) == 0 ||
				    strncmp(at, "&gt;", 4) == 0);
		if (*at == '>')
			assert_true((at == text || at[-1] == '\n') && at[1] == ' ');
		if (*at != '<')
			continue;
		assert_true(strncasecmp(at, schemes[0], 8) == 0 || strncasecmp(at, schemes[1], 9) == 0 ||
			    strncasecmp(at, schemes[2], 8) == 0);
		at += 1 + inside;
		at += strcspn(at, "<>\n");
		assert_int_equal(*at, '>');
	}
}

static size_t units(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static size_t fences(const char *text)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, "```")) != NULL; at += 3)
		n++;
	return n;
}

static void assert_parts(const char *markdown)
{
	char **texts;
	size_t count = slack_split(NULL, markdown, &texts);

	assert_true(count >= 1);
	for (size_t i = 0; i < count; i++) {
		assert_harmless(texts[i]);
		assert_true(units(texts[i]) <= SLACK_TEXT_MAX);
		assert_int_equal(fences(texts[i]) % 2, 0);
		free(texts[i]);
	}
	free(texts);
}

static void test_any_text(void **state)
{
	static const char *const pieces[] = {
		"<",	       "!channel>",   "@U1",	      "@here ",	 "<http://e.x", "|",
		">",	       "&",	      "lt;",	      "[",	 "](",		")",
		"http://",     "`",	      "```\n",	      "**",	 "*",		"_",
		"~~",	       "\n",	      "\n\n",	      "> ",	 "- ",		"1. ",
		"| a |",       "\n|---|\n",   "word",	      " ",	 "é",		"日本",
		"👍🏽",    "#",	      "mailto:a@b.c", "\\",	 "&#60;",	"&lt;!",
		"![",	       "a.b/c?d=e&f", "\t",	      "    x\n", "—",		"<!date^1^{date}|x>",
		"javascript:",
	};
	unsigned seed = 7;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct buf buf = { 0 };

		for (unsigned n = round % 60; n > 0; n--) {
			seed = seed * 1103515245u + 12345u;
			buf_text(&buf, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(*pieces))]);
		}
		assert_parts(buf_str(&buf));
		buf_free(&buf);
	}
}

/* What models really answer: code, lists in lists, tables, quotes and links, long enough for several messages. */
static void test_long_answer(void **state)
{
	static const char *const answer =
		"## How to rotate the key\n\nYou need **two** steps, see [the "
		"guide](https://docs.e.x/keys?a=1&b=2):\n\n"
		"1. Create a new key:\n\n   ```bash\n   openssl rand -base64 32 > key.new && chmod 600 "
		"key.new\n   ```\n\n"
		"2. Tell the daemon:\n   - edit `usher.conf`\n   - *reload* it (`kill -HUP $PID`)\n\n"
		"| Setting | Meaning | Default |\n|---|---|---:|\n| `store.key` | the new key | none |\n"
		"| `store.key_previous` | the old one, **until** all is sealed again | none |\n\n"
		"> Note: <!channel> is not called, and a < b && c > d stays.\n\n---\n\n"
		"- [x] done\n- [ ] open\n\nThat is snake_case, 2*3*4 and a * b. ~~No~~ more.\n\n";
	struct buf buf = { 0 };
	char **texts, *first = one(answer);
	size_t count;

	(void)state;
	assert_non_null(strstr(first, "*How to rotate the key*\n\nYou need *two* steps, see "
				      "<https://docs.e.x/keys?a=1&amp;b=2|the guide>:"));
	assert_non_null(
		strstr(first, "```\nopenssl rand -base64 32 &gt; key.new &amp;&amp; chmod 600 key.new\n```"));
	assert_non_null(strstr(first, "    • edit `usher.conf`\n    • _reload_ it (`kill -HUP $PID`)"));
	assert_non_null(strstr(first, "> Note: &lt;!channel&gt; is not called"));
	free(first);
	for (int i = 0; i < 30; i++)
		buf_text(&buf, answer);
	count = slack_split(NULL, buf.data, &texts);
	assert_true(count >= 6 && count <= 15);
	for (size_t i = 0; i < count; i++) {
		assert_true(i + 1 == count || units(texts[i]) > SLACK_TEXT_MAX / 2);
		assert_true(units(texts[i]) <= SLACK_TEXT_MAX);
		free(texts[i]);
	}
	free(texts);
	assert_parts(buf.data);
	buf_free(&buf);
}

/* Escaping counts: a text of "&" alone is five times as long to Slack. */
static void test_escaped_length(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	for (int i = 0; i < 3000; i++)
		buf_text(&buf, "&<>");
	assert_parts(buf.data);
	buf_text(&buf, "\n\n```\n");
	for (int i = 0; i < 3000; i++)
		buf_text(&buf, "&```\n");
	assert_parts(buf.data);
	buf_free(&buf);
}

static void test_plain(void **state)
{
	static const struct row rows[] = {
		{ "*b* _i_ ~s~ `c`", "b i s c" },
		{ "a" Z "*b*" Z "c", "a" Z "b" Z "c" },
		{ "*" Z "x" Z "*" Z " 2 * 3 snake_case", "*" Z "x" Z "*" Z " 2 * 3 snake_case" },
		{ "<https://e.x/?a&amp;b|l> <http://y>", "l (https://e.x/?a&amp;b) http://y" },
		{ "> q\n> r", "q\nr" },
		{ "```\na *b* &lt;\n```\nx", "a *b* &lt;\nx" },
		{ "&lt;!channel&gt;", "&lt;!channel&gt;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *plain = slack_plain(rows[i].markdown);

		assert_string_equal(plain, rows[i].mrkdwn);
		free(plain);
	}
}

static void remove_borders(char *text)
{
	for (char *at = text; (at = strstr(at, Z)) != NULL;)
		memmove(at, at + strlen(Z), strlen(at + strlen(Z)) + 1);
}

/* However a stream is cut, no piece and no joint of two pieces calls anybody. */
static void test_stream_text(void **state)
{
	static const char *const text =
		"a < b <!channel> <@U1> <#C1> @channel @Everyone x@y.z &lt;!here> &amp; AT&T <b> @he";
	size_t len = strlen(text);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		char *left = slack_stream_text(text, cut), *right = slack_stream_text(text + cut, len - cut);
		char *joined = mem_format("%s%s", left, right);

		assert_null(strstr(joined, "<!"));
		assert_null(strstr(joined, "<@"));
		assert_null(strstr(joined, "<#"));
		assert_null(strcasestr(joined, "@channel"));
		assert_null(strcasestr(joined, "@everyone"));
		remove_borders(joined);
		assert_string_equal(joined, text);
		free(left);
		free(right);
		free(joined);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inlines),	    cmocka_unit_test(test_literal_signs),
		cmocka_unit_test(test_calls),	    cmocka_unit_test(test_links),
		cmocka_unit_test(test_blocks),	    cmocka_unit_test(test_lists),
		cmocka_unit_test(test_tables),	    cmocka_unit_test(test_any_text),
		cmocka_unit_test(test_long_answer), cmocka_unit_test(test_escaped_length),
		cmocka_unit_test(test_plain),	    cmocka_unit_test(test_stream_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
