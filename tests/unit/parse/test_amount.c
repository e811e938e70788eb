/* Numbers: an amount read wrongly by a factor of a thousand is worse than one refused. */
#include "amount.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text;
	enum amount_marks marks;
	const char *point, *comma; /* what it is with either decimal mark; NULL: the same */
} numbers[] = {
	{ "0", MARKS_NONE, "0", NULL },
	{ "12", MARKS_NONE, "12", NULL },
	{ "-12", MARKS_NONE, "-12", NULL },
	{ "+12", MARKS_NONE, "12", NULL },
	{ "007", MARKS_NONE, "7", NULL },
	{ "-0", MARKS_NONE, "0", NULL },
	{ "12.50", MARKS_POINT, "12.50", NULL },
	{ "12,50", MARKS_COMMA, "12.50", NULL },
	{ ".5", MARKS_POINT, "0.5", NULL },
	{ "0,123", MARKS_COMMA, "0.123", NULL },
	{ "0.123", MARKS_POINT, "0.123", NULL },
	{ "1.234", MARKS_OPEN, "1.234", "1234" },
	{ "1,234", MARKS_OPEN, "1234", "1.234" },
	{ "1234.567", MARKS_POINT, "1234.567", NULL },
	{ "1,234.56", MARKS_POINT, "1234.56", NULL },
	{ "1.234,56", MARKS_COMMA, "1234.56", NULL },
	{ "1.234.567", MARKS_COMMA, "1234567", NULL },
	{ "1,234,567", MARKS_POINT, "1234567", NULL },
	{ "12,34,567.5", MARKS_POINT, "1234567.5", NULL },   /* India */
	{ "1'234'567.50", MARKS_POINT, "1234567.50", NULL }, /* Switzerland */
	{ "1\xe2\x80\x99"
	  "234.50",
	  MARKS_POINT, "1234.50", NULL },
	{ "1 234,50", MARKS_COMMA, "1234.50", NULL },
	{ "1\xc2\xa0"
	  "234",
	  MARKS_NONE, "1234", NULL },
	{ "1\xe2\x80\xaf"
	  "234,5",
	  MARKS_COMMA, "1234.5", NULL },
	{ "$1,234.50", MARKS_POINT, "1234.50", NULL },
	{ "US$ 12.50", MARKS_POINT, "12.50", NULL },
	{ "1.234,56 €", MARKS_COMMA, "1234.56", NULL },
	{ "EUR 12", MARKS_NONE, "12", NULL },
	{ "12 CHF", MARKS_NONE, "12", NULL },
	{ "Fr. 12.50", MARKS_POINT, "12.50", NULL },
	{ "99,90 zł", MARKS_COMMA, "99.90", NULL },
	{ "R$ 5,00", MARKS_COMMA, "5.00", NULL },
	{ "-$5", MARKS_NONE, "-5", NULL },
	{ "$-5", MARKS_NONE, "-5", NULL },
	{ "5-", MARKS_NONE, "-5", NULL }, /* SAP */
	{ "(1,234.50)", MARKS_POINT, "-1234.50", NULL },
	{ "($5)", MARKS_NONE, "-5", NULL },
	{ "\xe2\x88\x92"
	  "5",
	  MARKS_NONE, "-5", NULL }, /* a real minus sign */
	{ "12 %", MARKS_NONE, "0.12", NULL },
	{ "12,5%", MARKS_COMMA, "0.125", NULL },
	{ "150%", MARKS_NONE, "1.50", NULL },
	{ "1.5E+3", MARKS_POINT, "1500", NULL },
	{ "2e-3", MARKS_NONE, "0.002", NULL },
	{ "0.1000000000000000055511151231257827", MARKS_POINT, "0.1000000000000000055511151231257827", NULL },
	{ "123456789012345678901234567890", MARKS_NONE, "123456789012345678901234567890", NULL },
	{ "١٢٫٥", MARKS_POINT, "12.5", NULL }, /* Arabic digits */
};

static void numbers_are_read_as_people_write_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct amount amount;
		struct buf point = { 0 }, comma = { 0 };

		if (!amount_scan(&amount, numbers[i].text, strlen(numbers[i].text)))
			fail_msg("%s", numbers[i].text);
		assert_true(amount_write(&amount, '.', &point));
		assert_true(amount_write(&amount, ',', &comma));
		if (amount.marks != numbers[i].marks)
			fail_msg("%s: marks %d", numbers[i].text, (int)amount.marks);
		assert_string_equal(buf_str(&point), numbers[i].point);
		assert_string_equal(buf_str(&comma), numbers[i].comma ? numbers[i].comma : numbers[i].point);
		buf_free(&point);
		buf_free(&comma);
	}
}

static void what_is_no_number_is_refused(void **state)
{
	static const char *const all[] = { "",		 "-",	     "abc",	   "12abc",    "1.2.3",
					   "1,2,3",	 "12:30",    "1-2",	   "--5",      "(5",
					   "5)",	 "((5))",    "(-5)",	   "1.23.456", "%",
					   "% 5",	 "1,23,4",   "1 23",	   "1'23",     "0x10",
					   "NaN",	 "inf",	     "1e",	   "1e99999",  "EUR",
					   "5 XQZ",	 "1.234.56", "1 234 56",   "5\xff",    "01.02.2026",
					   "2026-01-31", "5 %%",     "1,234.567,8" };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct amount amount;

		if (amount_scan(&amount, all[i], strlen(all[i])))
			fail_msg("%s was taken for a number", all[i]);
	}
}

static void whole_numbers_stay_within_64_bits(void **state)
{
	static const struct {
		const char *text, *out;
		enum amount_whole whole;
	} all[] = {
		{ "5", "5", AMOUNT_WHOLE },
		{ "5.00", "5", AMOUNT_WHOLE },
		{ "-5.0", "-5", AMOUNT_WHOLE },
		{ "5.5", "5.5", AMOUNT_BROKEN },
		{ "9223372036854775807", "9223372036854775807", AMOUNT_WHOLE },
		{ "9223372036854775808", "9223372036854775808", AMOUNT_HUGE },
		{ "-9223372036854775808", "-9223372036854775808", AMOUNT_WHOLE },
		{ "-9223372036854775809", "-9223372036854775809", AMOUNT_HUGE },
		{ "99999999999999999999", "99999999999999999999", AMOUNT_HUGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct buf number = { 0 };

		buf_text(&number, all[i].text);
		assert_int_equal(amount_whole(&number), all[i].whole);
		assert_string_equal(buf_str(&number), all[i].out);
		buf_free(&number);
	}
}

static void numbers_are_compared_exactly(void **state)
{
	static const char *const rising[] = {
		"-100", "-99.5", "-1", "-0.5", "0",    "0.1", "0.10000000000000000001",
		"0.2",	"1",	 "9",  "10",   "10.5", "100"
	};
	const size_t count = sizeof(rising) / sizeof(rising[0]);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++) {
			int order = amount_compare(rising[i], rising[k]);

			if ((order > 0) != (i > k) || (order < 0) != (i < k))
				fail_msg("%s and %s: %d", rising[i], rising[k], order);
		}
	assert_int_equal(amount_compare("1.50", "1.5"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_as_people_write_them),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(whole_numbers_stay_within_64_bits),
		cmocka_unit_test(numbers_are_compared_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
