/* One strict reading of JSON everywhere: what one room refuses, no other room may take. */
#include "buf.h"
#include "json.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void hostile_documents_are_refused(void **state)
{
	static const char *const refused[] = {
		"",
		"{",
		"{\"a\":1,\"a\":2}",
		"\"\\u0000\"",
		"\"\\ud800\"",
		"\"\\udc00\\ud800\"",
		"\"\xff\"",
		"\"\xc0\xaf\"",
		"9223372036854775808",
		"-9223372036854775809",
		"1e999",
		"01",
		"nul",
		"{} {}",
		"[1,]",
		"{\"a\":1,}",
		"'a'",
		"\"\t\"",
		"+1",
		".5",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		err_clear(&err);
		assert_null(json_read(refused[i], strlen(refused[i]), &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	assert_null(json_read("\"a\0b\"", 5, &err));
}

static void depth_64_is_read_and_65_refused(void **state)
{
	char text[131];
	json_t *value;
	struct err err;

	(void)state;
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	value = json_read(text + 1, 128, &err);
	assert_non_null(value);
	json_decref(value);
	assert_null(json_read(text, 130, &err));
	assert_non_null(strstr(err.text, "64"));
}

static void brackets_in_strings_are_not_depth(void **state)
{
	struct buf text = { 0 };
	json_t *value;
	struct err err;

	(void)state;
	buf_text(&text, "\"\\\"");
	for (int i = 0; i < 100; i++)
		buf_text(&text, "[{");
	buf_text(&text, "\"");
	value = json_read(text.data, text.len, &err);
	assert_non_null(value);
	json_decref(value);
	buf_free(&text);
}

static void largest_numbers_survive(void **state)
{
	struct err err;
	json_t *value = json_read("{\"a\":9223372036854775807,\"b\":12.0,\"c\":1e300}", 44, &err);

	(void)state;
	assert_true(json_int(value, "a", 0) == INT64_MAX);
	assert_int_equal(json_int(value, "b", 0), 12);
	assert_int_equal(json_int(value, "c", -7), -7);
	assert_int_equal(json_int(value, "d", -8), -8);
	json_decref(value);
}

/* RFC 6901 section 5. */
static void pointers_lead_where_the_rfc_says(void **state)
{
	static const char document[] =
		"{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
		"\"k\\\"l\":6,\" \":7,\"m~n\":8}";
	static const char *const found[][2] = {
		{ "/foo/0", "\"bar\"" }, { "/", "0" },	   { "/a~1b", "1" }, { "/c%d", "2" },
		{ "/e^f", "3" },	 { "/g|h", "4" },  { "/i\\j", "5" }, { "/k\"l", "6" },
		{ "/ ", "7" },		 { "/m~0n", "8" },
	};
	static const char *const nothing[] = { "/foo/2",
					       "/foo/01",
					       "/foo/-1",
					       "/foo/-",
					       "/foo/x",
					       "/no",
					       "/foo/0/x",
					       "foo",
					       "/m~n",
					       "/~2",
					       "/foo/99999999999999999999",
					       "/foo/" };
	struct err err;
	json_t *value = json_read(document, strlen(document), &err);

	(void)state;
	assert_ptr_equal(json_pointer(value, ""), value);
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		char *text = json_write(json_pointer(value, found[i][0]));

		assert_string_equal(text, found[i][1]);
		free(text);
	}
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		assert_null(json_pointer(value, nothing[i]));
	json_decref(value);
}

static void quoted_text_reads_back_the_same(void **state)
{
	static const char text[] = "plain \"quoted\" back\\slash \n\r\t\x01\x1f \x7f gr\xc3\xbc\xc3\x9f"
				   "e";
	struct buf out = { 0 };
	struct err err;
	json_t *value;

	(void)state;
	json_quote(&out, text, strlen(text));
	value = json_read(out.data, out.len, &err);
	assert_string_equal(json_string_value(value), text);
	json_decref(value);
	buf_free(&out);
}

/* Plain text is looked through eight bytes at a time: wherever the other ones stand, they are found. */
static void what_must_be_escaped_is_found_everywhere(void **state)
{
	static const char odd[] = "\"\\\x01\x1f\n";

	(void)state;
	for (size_t at = 0; at < 19; at++) {
		for (size_t i = 0; i < sizeof(odd) - 1; i++) {
			char text[] = "!#[]~\x7f \xc3\xbf!#[]~\x7f \xc3\xbf!";
			struct buf out = { 0 };
			json_t *value;

			if ((unsigned char)text[at] >= 0x80)
				continue;
			text[at] = odd[i];
			json_quote(&out, text, strlen(text));
			value = json_read(out.data, out.len, NULL);
			assert_string_equal(json_string_value(value), text);
			json_decref(value);
			buf_free(&out);
		}
	}
}

/* Errors are logged: what somebody said, and secrets, are not. */
static void test_errors_quote_nothing(void **state)
{
	static const char *const texts[] = { "{\"text\":\"said\\u0000so\"}", "{\"said\":1,\"said\":2}",
					     "{\"a\":-99999999999999999999}", "said" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct err err = { 0 };

		assert_null(json_read(texts[i], strlen(texts[i]), &err));
		assert_null(strstr(err.text, "said"));
		assert_null(strstr(err.text, "999"));
		assert_non_null(strstr(err.text, "(line 1, column "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_quote_nothing),
		cmocka_unit_test(hostile_documents_are_refused),
		cmocka_unit_test(depth_64_is_read_and_65_refused),
		cmocka_unit_test(brackets_in_strings_are_not_depth),
		cmocka_unit_test(largest_numbers_survive),
		cmocka_unit_test(pointers_lead_where_the_rfc_says),
		cmocka_unit_test(quoted_text_reads_back_the_same),
		cmocka_unit_test(what_must_be_escaped_is_found_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
