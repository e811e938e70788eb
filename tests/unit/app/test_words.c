/* Answers on a terminal are read by people: no signs of Markdown, and nothing of what others wrote that moves the cursor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli.h"
#include <stdlib.h>
#include <string.h>

static void shown(const char *markdown, const char *expected)
{
	char *words = cli_words(markdown);

	assert_string_equal(words, expected);
	free(words);
}

static void words_are_shown_without_signs(void **state)
{
	(void)state;
	shown("", "");
	shown("I made **`a.json`** of it: *2* of 4 rows.",
	      "I made \033[1ma.json\033[22m of it: 2 of 4 rows.\n");
	shown("people\\.csv: import 8  \nb\\.csv", "people.csv: import 8\nb.csv\n");
	shown("# Two\n\nfiles & more", "\033[1mTwo\033[22m\n\nfiles & more\n");
	shown("[here](https://example.org/a) and <https://example.org>",
	      "here (https://example.org/a) and https://example.org\n");
}

static void lists_quotes_and_code_keep_their_lines(void **state)
{
	(void)state;
	shown("- a\n- b\n  c\n  1. d\n", "- a\n- b\n  c\n  1. d\n");
	shown("9. a\n10. b\n\n    c", "9. a\n\n10. b\n\n    c\n");
	shown("- [x] a\n- [ ] b", "[x] a\n[ ] b\n");
	shown("> a\n> b\n>\n> c", "> a\n> b\n> \n> c\n");
	shown("```\na\n\n b\n```\n\n---", "    a\n    \n     b\n\n----\n");
	shown("| a | b |\n|---|--:|\n| x | 10 |", "a |  b\n--+---\nx | 10\n");
}

static void control_characters_are_shown(void **state)
{
	const char *const hostile[] = { "a \033[2J b",
					"`\033[2J`",
					"```\n\033[2J\n```",
					"| \033[2J |\n|---|",
					"[a](<https://e.org/\033[2J>)",
					"# \033]0;x\007",
					"&#27;[2J" };

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		char *words = cli_words(hostile[i]);

		assert_null(strstr(words, "\033[2J"));
		assert_null(strstr(words, "\033]"));
		assert_null(strchr(words, '\007'));
		free(words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_shown_without_signs),
		cmocka_unit_test(lists_quotes_and_code_keep_their_lines),
		cmocka_unit_test(control_characters_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
