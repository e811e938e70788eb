/* Whatever Markdown a model writes, every message that is made of it passes the stand-in platform's own reading of HTML
 * (tests/servers/telegram/read-html.mjs), and the messages together hold every word and every address. Else an answer
 * would be refused, or arrive with holes. */
#include "buf.h"
#include "json.h"
#include "markup.h"
#include "mem.h"
#include "telegram_html.h"
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

enum { WRITTEN = 1600, SOUPS = 1200 };

/* One document, and what must be seen of it: words in their order, and addresses. */
struct paper {
	struct buf markdown;
	json_t *words, *addresses;
	unsigned seed, tokens;
	size_t parts;
};

static unsigned pick(struct paper *paper, unsigned n)
{
	paper->seed = paper->seed * 1103515245u + 12345u;
	return (paper->seed >> 16) % n;
}

#define PICK(paper, list) ((list)[pick(paper, sizeof(list) / sizeof(*(list)))])

/* ---- what a model writes ------------------------------------------------------------------------------------------ */

static void token(struct paper *paper)
{
	static const char *const begins[] = { "w", "W", "ж", "日本", "é", "𝄞" };
	unsigned form = pick(paper, 18);
	char *text = mem_format("%s%uz", begins[form < sizeof(begins) / sizeof(*begins) ? form : 0],
				paper->tokens++);

	buf_text(&paper->markdown, text);
	json_array_append_new(paper->words, json_string(text));
	free(text);
}

static void address(struct paper *paper)
{
	static const char *const begins[] = { "https://e.example/",
					      "http://x.example:8080/?a=1&b=",
					      "HTTPS://E.example/#",
					      "tg://user?id=",
					      "mailto:",
					      "ftp://f.example/",
					      "/",
					      "" };
	char *text = mem_format("u%uz", paper->tokens++);

	buf_format(&paper->markdown, "%s%s", PICK(paper, begins), text);
	json_array_append_new(paper->addresses, json_string(text));
	free(text);
}

/* What has bitten renderers before. */
static const char *const signs[] = {
	"*",
	"**",
	"_",
	"__",
	"`",
	"``",
	"<",
	">",
	"&",
	"&amp;",
	"&nbsp;",
	"&#128512;",
	"&#0;",
	"&copy;",
	"&lt;b&gt;",
	"<b>",
	"</b>",
	"<br>",
	"<!--",
	"-->",
	"@ann",
	"@all",
	"/help",
	"/stop@x",
	"tg://x",
	"\\",
	"\\*",
	"👋",
	"👩‍👩‍👧",
	"e\u0301",
	"a\u030a",
	"\u200b",
	"\u202e",
	"\u2028",
	"\u2060",
	"\t",
	"\x01",
	"\x7f",
	"\u00a0",
	"[",
	"]",
	"!",
	"#",
	"x@e.example",
	"$x^2$",
	"||",
	"***",
	"<a href=\"tg://user?id=1\">",
	"</a>",
	"<tg-spoiler>",
	"\u0600",
	"\ufeff",
	"2*3*4",
	"snake_case_name",
	"e.example/a_b",
	"https://e.example/_a_(b)",
	"\r",
	"\U000e0001",
	"...",
	"\"",
	"'",
};

static void noise(struct paper *paper)
{
	buf_text(&paper->markdown, PICK(paper, signs));
}

static void inlines(struct paper *paper, unsigned depth);

static void between(struct paper *paper, const char *mark, unsigned depth)
{
	buf_text(&paper->markdown, mark);
	inlines(paper, depth + 1);
	buf_text(&paper->markdown, mark);
}

static void linked(struct paper *paper, unsigned depth)
{
	buf_text(&paper->markdown, pick(paper, 4) ? "[" : "![");
	inlines(paper, depth + 1);
	buf_text(&paper->markdown, "](");
	address(paper);
	buf_text(&paper->markdown, ")");
}

static void inlines(struct paper *paper, unsigned depth)
{
	static const char *const marks[] = { "**", "*", "_", "__", "~~", "***", "`" };
	unsigned n = 1 + pick(paper, depth ? 3 : 8);

	for (unsigned i = 0; i < n; i++) {
		unsigned what = pick(paper, 10);

		token(paper);
		buf_text(&paper->markdown, pick(paper, 5) ? " " : "");
		if (what < 2 && depth < 3)
			between(paper, PICK(paper, marks), depth);
		else if (what == 2 && depth == 0)
			linked(paper, depth);
		else if (what < 6 && depth == 0)
			noise(paper);
		buf_text(&paper->markdown, pick(paper, 5) ? " " : "");
	}
	token(paper);
}

static void line(struct paper *paper, const char *before)
{
	buf_text(&paper->markdown, before);
	inlines(paper, 0);
	buf_text(&paper->markdown, pick(paper, 8) ? "\n" : "  \n");
}

static void fence(struct paper *paper, const char *before)
{
	static const char *const languages[] = { "",	"c",  "c++",  "objective-c", "a b",
						 "<x>", "\"", "{.x}", "\u65e5" };
	static const char *const code[] = {
		"<b>&amp;</b>", "if (a < b && c > d) {", "\tx", "  ", "`", "**", "@ann", "</pre>"
	};
	unsigned n = pick(paper, 12);

	buf_format(&paper->markdown, "%s```%s\n", before, PICK(paper, languages));
	for (unsigned i = 0; i < n; i++) {
		buf_format(&paper->markdown, "%s%s ", before, PICK(paper, code));
		token(paper);
		buf_text(&paper->markdown, "\n");
	}
	buf_format(&paper->markdown, "%s%s\n", before, pick(paper, 12) ? "```" : "");
}

static void table(struct paper *paper, const char *before)
{
	unsigned rows = 1 + pick(paper, 8), columns = 1 + pick(paper, 6);

	for (unsigned row = 0; row <= rows; row++) {
		buf_text(&paper->markdown, before);
		for (unsigned column = 0; column < columns; column++) {
			buf_text(&paper->markdown, pick(paper, 3) ? "| " : "| **x** <i> & ");
			token(paper);
		}
		buf_text(&paper->markdown, " |\n");
		if (row > 0)
			continue;
		buf_text(&paper->markdown, before);
		for (unsigned column = 0; column < columns; column++)
			buf_text(&paper->markdown, pick(paper, 2) ? "|---" : "|:-:");
		buf_text(&paper->markdown, "|\n");
	}
}

static void blocks(struct paper *paper, const char *before, unsigned depth);

static void inside(struct paper *paper, const char *before, const char *sign, const char *more,
		   unsigned depth)
{
	char *deeper = mem_format("%s%s", before, more);

	buf_format(&paper->markdown, "%s%s", before, sign);
	inlines(paper, 0);
	buf_format(&paper->markdown, "\n%s\n", deeper);
	if (pick(paper, 2) && depth < 4)
		blocks(paper, deeper, depth + 1);
	free(deeper);
}

static void block(struct paper *paper, const char *before, unsigned depth)
{
	static const char *const headings[] = { "# ", "## ", "###### " };
	static const char *const items[] = { "- ", "* ", "- [x] ", "- [ ] " };
	char *heading = mem_format("%s%s", before, PICK(paper, headings));

	switch (pick(paper, 10)) {
	case 0:
		line(paper, heading);
		break;
	case 1:
		fence(paper, before);
		break;
	case 2:
		table(paper, before);
		break;
	case 3:
		buf_format(&paper->markdown, "%s---\n", before);
		break;
	case 4:
		inside(paper, before, "> ", "> ", depth);
		break;
	case 5:
		inside(paper, before, PICK(paper, items), "  ", depth);
		break;
	case 6:
		inside(paper, before, "7. ", "   ", depth);
		break;
	default:
		for (unsigned i = 1 + pick(paper, 3); i > 0; i--)
			line(paper, before);
	}
	free(heading);
}

static void blocks(struct paper *paper, const char *before, unsigned depth)
{
	unsigned n = 1 + pick(paper, depth ? 3 : 10);

	if (depth == 0 && pick(paper, 20) == 0)
		n *= 15; /* several messages long */
	for (unsigned i = 0; i < n; i++) {
		block(paper, before, depth);
		buf_format(&paper->markdown, "%s\n", before);
	}
}

/* Signs in any order, as no model writes them. Here the tree's own words are what must be seen. */
static void soup(struct paper *paper)
{
	static const char *const more[] = { "\n", "\n\n", "```",     "~~~", "- ", "1. ",
					    "> ", "|",	  "|---|\n", "](",  ")",  "    " };
	unsigned n = 1 + pick(paper, 150);
	struct markup *markup;
	char *words;

	for (unsigned i = 0; i < n; i++) {
		if (pick(paper, 2))
			noise(paper);
		else
			buf_text(&paper->markdown, PICK(paper, more));
	}
	markup = markup_parse(buf_str(&paper->markdown), paper->markdown.len);
	words = markup_plain(markup_root(markup));
	json_array_append_new(paper->words, json_string(words));
	free(words);
	markup_free(markup);
}

/* ---- what the platform makes of it ---------------------------------------------------------------------------------- */

static void hand_over(struct paper *paper, FILE *to)
{
	char **texts;

	paper->parts = telegram_split(NULL, buf_str(&paper->markdown), &texts);
	for (size_t i = 0; i < paper->parts; i++) {
		struct buf out = { 0 };

		json_quote(&out, texts[i], strlen(texts[i]));
		fprintf(to, "%s\n", buf_str(&out));
		buf_free(&out);
		free(texts[i]);
	}
	free(texts);
}

static void read_all(FILE *from, FILE *to)
{
	char node[] = "node", script[] = "tests/servers/telegram/read-html.mjs";
	char *const program[] = { node, script, NULL };
	posix_spawn_file_actions_t files;
	int status;
	pid_t child;

	rewind(from);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, fileno(from), STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, fileno(to), STDOUT_FILENO);
	assert_int_equal(posix_spawnp(&child, node, &files, NULL, program, environ), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	posix_spawn_file_actions_destroy(&files);
	assert_int_equal(status, 0);
	rewind(to);
}

/* The answers to one document, one after the other; whole: also the addresses of links. */
static void collect(const struct paper *paper, FILE *from, struct buf *seen, struct buf *whole)
{
	char *text = NULL;
	size_t size = 0;

	for (size_t i = 0; i < paper->parts; i++) {
		ssize_t len = getline(&text, &size, from);
		struct err err = { 0 };
		json_t *answer = len > 0 ? json_read(text, (size_t)len, &err) : NULL;

		if (answer == NULL || json_text(answer, "text") == NULL ||
		    json_int(answer, "dropped", -1) != 0)
			fail_msg("%.300s\nof part %zu of: %s", len > 0 ? text : "no answer", i + 1,
				 paper->markdown.data);
		buf_text(seen, json_text(answer, "text"));
		buf_add(whole, text, (size_t)len);
		json_decref(answer);
	}
	free(text);
}

static void assert_seen(const struct paper *paper, const char *seen, const char *whole, bool soups)
{
	size_t i;
	const json_t *word;

	json_array_foreach (paper->words, i, word) {
		const char *found = soups ? NULL : strstr(seen, json_string_value(word));

		if (soups ? !telegram_html_holds(seen, json_string_value(word)) : found == NULL)
			fail_msg("lost: %s\nof: %s\nseen: %s", json_string_value(word), paper->markdown.data,
				 seen);
		seen = soups ? seen : found + strlen(json_string_value(word));
	}
	json_array_foreach (paper->addresses, i, word)
		if (strstr(whole, json_string_value(word)) == NULL)
			fail_msg("lost: %s\nof: %s\nseen: %s", json_string_value(word), paper->markdown.data,
				 whole);
}

static void check_all(struct paper *papers, size_t count, bool soups)
{
	FILE *asked = tmpfile(), *answered = tmpfile();

	assert_true(asked != NULL && answered != NULL);
	for (size_t i = 0; i < count; i++) {
		papers[i] = (struct paper){ .seed = (unsigned)i * 7919u + soups,
					    .words = json_array(),
					    .addresses = json_array() };
		if (soups)
			soup(&papers[i]);
		else
			blocks(&papers[i], "", 0);
		hand_over(&papers[i], asked);
	}
	read_all(asked, answered);
	for (size_t i = 0; i < count; i++) {
		struct buf seen = { 0 }, whole = { 0 };

		collect(&papers[i], answered, &seen, &whole);
		assert_seen(&papers[i], buf_str(&seen), buf_str(&whole), soups);
		buf_free(&seen);
		buf_free(&whole);
		buf_free(&papers[i].markdown);
		json_decref(papers[i].words);
		json_decref(papers[i].addresses);
	}
	fclose(asked);
	fclose(answered);
}

static void test_written(void **state)
{
	static struct paper papers[WRITTEN];

	(void)state;
	check_all(papers, WRITTEN, false);
}

static void test_soups(void **state)
{
	static struct paper papers[SOUPS];

	(void)state;
	check_all(papers, SOUPS, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_soups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
