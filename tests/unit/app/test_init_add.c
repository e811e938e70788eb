/* A settings file is extended where its syntax says, and everything else in it stays as it was written. */
#include "init.h"
#include "mem.h"
#include "settings_build.h"
#include "settings_file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ITEM "{ name = \"x\"; }"

static void assert_added(const char *text, const char *group, const char *list, const char *expected)
{
	char *added = init_add(text, group, list, list ? ITEM : "a = 1;");

	assert_string_equal(added, expected);
	free(added);
}

static void missing_levels_are_made(void **state)
{
	(void)state;
	assert_added("", "platforms", "p", "\nplatforms = {\n  p = (\n    " ITEM "\n  );\n};\n");
	assert_added("a = 1;", "platforms", "p",
		     "a = 1;\n\nplatforms = {\n  p = (\n    " ITEM "\n  );\n};\n");
	assert_added("platforms = { q = ( ); };", "platforms", "p",
		     "platforms = {\n  p = (\n    " ITEM "\n  ); q = ( ); };");
	assert_added("", "listen", NULL, "\nlisten = {\n  a = 1;\n};\n");
	assert_added("listen : { port = 1; }", "listen", NULL, "listen : {\n  a = 1; port = 1; }");
}

static void a_list_grows(void **state)
{
	(void)state;
	assert_added("platforms = { p = ( ); };", "platforms", "p",
		     "platforms = { p = (\n    " ITEM "\n   ); };");
	assert_added("platforms = { p = ( { b = 2; } ); };", "platforms", "p",
		     "platforms = { p = (\n    " ITEM ", { b = 2; } ); };");
}

/* What looks like the place but is a comment, a text, a longer name or deeper down is not it. */
static void look_alikes_are_passed_over(void **state)
{
	(void)state;
	assert_added("# platforms = { p = (\nx = \"platforms = { p = ( \\\" \"; // platforms = {\n/* "
		     "platforms = {\n*/"
		     "my_platforms = { p = (); }; platforms_ = { }; y = { platforms = { p = (); }; };\n"
		     "platforms /* here */ = # and\n { q = { p = (); }; p = ( # none\n ); };",
		     "platforms", "p",
		     "# platforms = { p = (\nx = \"platforms = { p = ( \\\" \"; // platforms = {\n/* "
		     "platforms = {\n*/"
		     "my_platforms = { p = (); }; platforms_ = { }; y = { platforms = { p = (); }; };\n"
		     "platforms /* here */ = # and\n { q = { p = (); }; p = (\n    " ITEM
		     "\n   # none\n ); };");
}

/* Files that end in the middle of something are no reason to read on behind their end. */
static void unfinished_files_end(void **state)
{
	static const char *const texts[] = { "\"",
					     "\"\\",
					     "/*",
					     "/",
					     "#",
					     "platforms",
					     "platforms =",
					     "platforms = {",
					     "platforms = { p = (",
					     "}})",
					     "@include \"x\"\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *added = init_add(texts[i], "platforms", "p", ITEM);

		assert_non_null(strstr(added, ITEM));
		free(added);
	}
}

static void texts_are_quoted(void **state)
{
	char *quoted = init_quote("a\"b\\c\nd\u00e9");

	(void)state;
	assert_string_equal(quoted, "\"a\\\"b\\\\c\\x0Ad\u00e9\"");
	free(quoted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_levels_are_made),
		cmocka_unit_test(a_list_grows),
		cmocka_unit_test(look_alikes_are_passed_over),
		cmocka_unit_test(unfinished_files_end),
		cmocka_unit_test(texts_are_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
