/* Names that others chose, in Markdown: nothing of them becomes markup, and as code none leads anywhere. */
#include "buf.h"
#include "literal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect(void (*write)(struct buf *, const char *), const char *text, const char *wanted)
{
	struct buf out = { 0 };

	write(&out, text);
	assert_string_equal(buf_str(&out), wanted);
	buf_free(&out);
}

static void test_text(void **state)
{
	(void)state;
	expect(literal_text, "", "");
	expect(literal_text, "a*b*\r\n# c", "a\\*b\\*  \\# c");
	expect(literal_text,
	       "Gr\xc3\xb6\xc3\x9f"
	       "e.csv",
	       "Gr\xc3\xb6\xc3\x9f"
	       "e\\.csv");
}

static void test_code(void **state)
{
	(void)state;
	expect(literal_code, "plan.evil.md", "`plan.evil.md`");
	expect(literal_code, "a` <https://evil.test> `b", "`` a` <https://evil.test> `b ``");
	expect(literal_code, "``", "``` `` ```");
	expect(literal_code, "one\n\ntwo", "`one  two`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_code),
	};

	return cmocka_run_group_tests_name("literal", tests, NULL, NULL);
}
