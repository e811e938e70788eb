/* The estimate of tokens: the same for a text wherever its bytes lie, so that what fits is not a matter of chance. */
#include "tokens.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_known_ones(void **state)
{
	(void)state;
	assert_int_equal(tokens_of(NULL), 0);
	assert_int_equal(tokens_of(""), 0);
	assert_int_equal(tokens_of("abc"), 1);
	assert_int_equal(tokens_of("abcde"), 2);
	assert_int_equal(tokens_of("\xc3\xa4\xc3\xb6\xc3\xbc"), 3); /* six bytes at two and a half */
	assert_int_equal(tokens_of("abcd\xc3\xa4"), 2);
}

/* Every length and every place of one character of another script. */
static void test_wherever_it_stands(void **state)
{
	char text[42];

	(void)state;
	for (size_t len = 2; len < sizeof(text) - 1; len++) {
		for (size_t at = 0; at + 2 <= len; at++) {
			memset(text, 'a', len);
			text[len] = '\0';
			memcpy(text + at, "\xc3\xa4", 2);
			assert_int_equal(tokens_of(text), (len - 2 + 3) / 4 + 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_known_ones),
					    cmocka_unit_test(test_wherever_it_stands) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
