/* Tables where a platform has none: people still see columns, whatever stands in the cells. */
#include "markup.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_table(const char *markdown, const char *lines)
{
	struct markup *markup = markup_parse(markdown, strlen(markdown));
	const struct markup_node *table = markup_root(markup)->first;
	char *text;

	assert_int_equal(table->kind, MARKUP_TABLE);
	text = markup_table(table);
	assert_string_equal(text, lines);
	free(text);
	markup_free(markup);
}

static void test_columns(void **state)
{
	(void)state;
	assert_table("| a | long head | n |\n|---|:---:|---:|\n| **b** | x | 1 |\n| ccc | `y` | 22 |",
		     "a   | long head |  n\n"
		     "----+-----------+---\n"
		     "b   |     x     |  1\n"
		     "ccc |     y     | 22\n");
}

/* A character may take two columns of the screen, or none. */
static void test_width(void **state)
{
	(void)state;
	assert_table("| a | b |\n|---|---|\n| 日本 | x |\n| e\u0301 | y |",
		     "a    | b\n-----+--\n日本 | x\ne\u0301    | y\n");
}

static void test_links(void **state)
{
	(void)state;
	assert_table("| a |\n|---|\n| [l](https://e.x) |\n| <https://e.y> |",
		     "a\n---------------\nl (https://e.x)\nhttps://e.y\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
