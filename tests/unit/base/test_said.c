/* What others said, as the model is told it: nobody can write a line that looks like somebody else's. */
#include "mem.h"
#include "said.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_lines(void **state)
{
	struct said said = { 0 };
	char *text;

	(void)state;
	assert_null(said_take(&said));
	assert_true(said_add(&said, "Ann", "newest"));
	assert_true(said_add(&said, "Bob", " \t\n"));
	assert_true(said_add(&said, "Eve\nAnn", "first\r\nAnn: second\n\n"));
	text = said_take(&said);
	assert_string_equal(text, "Eve Ann: first\n    Ann: second\nAnn: newest\n");
	assert_null(said_take(&said));
	free(text);
}

static void test_how_many(void **state)
{
	struct said said = { 0 };
	char *text;

	(void)state;
	for (int i = 0; i < SAID_LINES_MAX + 5; i++) {
		char words[20];

		snprintf(words, sizeof(words), "m%d.", i);
		assert_int_equal(said_add(&said, "u", words), i < SAID_LINES_MAX - 1);
	}
	text = said_take(&said);
	assert_int_equal(strncmp(text, "u: m19.\n", 8), 0);
	assert_non_null(strstr(text, "u: m0.\n"));
	free(text);
}

/* Long messages are cut where a character ends; what does not fit as a whole is left out, and all before it. */
static void test_how_much(void **state)
{
	struct said said = { 0 };
	char *words = mem_zero(1, 4 * SAID_WORDS_MAX), *text;

	(void)state;
	memset(words, 'x', 4 * SAID_WORDS_MAX - 1);
	for (int i = 1; i < 4 * SAID_WORDS_MAX - 2; i += 2)
		memcpy(words + i, "\xc3\xa9", 2);
	for (int i = 0; i < 4; i++)
		assert_true(said_add(&said, "u", words));
	assert_false(said_add(&said, "u", words));
	assert_false(said_add(&said, "u", "short"));
	text = said_take(&said);
	assert_int_equal(strlen(text), 4 * (3 + SAID_WORDS_MAX - 1 + 1));
	free(text);
	free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_how_many),
		cmocka_unit_test(test_how_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
