/* What the command line asks for reaches the store as it was meant, or not at all. */
#include "admin_args.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void texts_and_null_arrive_in_order(void **state)
{
	static const char body[] = "{\"args\":[\"ann\",null,\"\"]}";
	struct admin_args args;
	struct err err = { 0 };

	(void)state;
	assert_true(admin_args_read(&args, body, strlen(body), &err));
	assert_int_equal(args.count, 3);
	assert_string_equal(args.texts[0], "ann");
	assert_null(args.texts[1]);
	assert_string_equal(args.texts[2], "");
	admin_args_free(&args);
}

/* A number taken for "not given" would, say, retire everybody's messages instead of one person's. */
static void anything_else_is_refused(void **state)
{
	static const char *const refused[] = {
		"",
		"[]",
		"{}",
		"{\"args\":{}}",
		"{\"args\":[1]}",
		"{\"args\":[true]}",
		"{\"args\":[[\"a\"]]}",
		"{\"args\":[\"a\"],\"args\":[]}",
		("{\"args\":[null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
		 "null]}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct admin_args args;
		struct err err = { 0 };

		assert_false(admin_args_read(&args, refused[i], strlen(refused[i]), &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_and_null_arrive_in_order),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
