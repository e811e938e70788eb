/* Dates: a day and a month changed round is a wrong invoice. */
#include "moment.h"
#include "value.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int begin(void **state)
{
	(void)state;
	moment_stage();
	return 0;
}

static int end(void **state)
{
	(void)state;
	moment_unstage();
	return 0;
}

static const struct {
	const char *text;
	enum moment_order order;
	const char *day_first, *month_first; /* NULL: the same */
} dates[] = {
	{ "2026-01-31", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "2026/1/3", ORDER_YEAR_FIRST, "2026-01-03T00:00:00", NULL },
	{ "20260131", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "2024-02-29", ORDER_YEAR_FIRST, "2024-02-29T00:00:00", NULL },
	{ "31.01.2026", ORDER_DAY_FIRST, "2026-01-31T00:00:00", NULL },
	{ "1.2.26", ORDER_DAY_FIRST, "2026-02-01T00:00:00", NULL },
	{ "31. 1. 2026", ORDER_DAY_FIRST, "2026-01-31T00:00:00", NULL },
	{ "31/01/2026", ORDER_DAY_FIRST, "2026-01-31T00:00:00", NULL },
	{ "01/31/2026", ORDER_MONTH_FIRST, "2026-01-31T00:00:00", NULL },
	{ "1/2/2026", ORDER_OPEN, "2026-02-01T00:00:00", "2026-01-02T00:00:00" },
	{ "1-2-99", ORDER_OPEN, "1999-02-01T00:00:00", "1999-01-02T00:00:00" },
	{ "31 January 2026", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "January 31, 2026", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "Jan 31st, 2026", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "Sat, 31 Jan 2026", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "31-Jan-26", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "1. März 2026", ORDER_YEAR_FIRST, "2026-03-01T00:00:00", NULL },
	{ "Samstag, 31. Januar 2026", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "31 de enero de 2026", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "1 août 2026", ORDER_YEAR_FIRST, "2026-08-01T00:00:00", NULL },
	{ "1 maggio 2026", ORDER_YEAR_FIRST, "2026-05-01T00:00:00", NULL },
	{ "5 de março de 2026", ORDER_YEAR_FIRST, "2026-03-05T00:00:00", NULL },
	{ "3 mei 2026", ORDER_YEAR_FIRST, "2026-05-03T00:00:00", NULL },
	{ "31 stycznia 2026", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "31 января 2026 г.", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "31 Ocak 2026", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "2026年1月31日", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "2026년 1월 31일", ORDER_YEAR_FIRST, "2026-01-31T00:00:00", NULL },
	{ "2026-01-31T10:05:06Z", ORDER_YEAR_FIRST, "2026-01-31T10:05:06Z", NULL },
	{ "2026-01-31T10:05:06.123+02:00", ORDER_YEAR_FIRST, "2026-01-31T10:05:06.123+02:00", NULL },
	{ "2026-01-31 10:05 -0500", ORDER_YEAR_FIRST, "2026-01-31T10:05:00-05:00", NULL },
	{ "31.01.2026 10:05 Uhr", ORDER_DAY_FIRST, "2026-01-31T10:05:00", NULL },
	{ "1/31/2026 10:05 PM", ORDER_MONTH_FIRST, "2026-01-31T22:05:00", NULL },
	{ "1/31/2026, 12:05:09 a.m.", ORDER_MONTH_FIRST, "2026-01-31T00:05:09", NULL },
	{ "٣١/٠١/٢٠٢٦", ORDER_DAY_FIRST, "2026-01-31T00:00:00", NULL },
};

static void dates_are_read_as_people_write_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		struct moment moment;
		struct buf day = { 0 }, month = { 0 };

		if (moment_scan(&moment, dates[i].text, strlen(dates[i].text)) != MOMENT_GOOD)
			fail_msg("%s", dates[i].text);
		assert_true(moment_write(&moment, true, true, &day));
		assert_true(moment_write(&moment, false, true, &month));
		if (moment.order != dates[i].order)
			fail_msg("%s: order %d", dates[i].text, (int)moment.order);
		assert_string_equal(buf_str(&day), dates[i].day_first);
		assert_string_equal(buf_str(&month),
				    dates[i].month_first ? dates[i].month_first : dates[i].day_first);
		buf_free(&day);
		buf_free(&month);
	}
}

static void days_that_do_not_exist_are_told_from_texts(void **state)
{
	static const char *const impossible[] = {
		"31.02.2026",	    "2026-02-29",	"29/02/2100",	      "31.04.2026",
		"13/13/2026",	    "2026-13-01",	"00.01.2026",	      "32 January 2026",
		"2026-01-31 25:00", "2026-01-31 10:61", "1/31/2026 13:00 PM", "February 30, 2026"
	};
	static const char *const none[] = { "",
					    "abc",
					    "12",
					    "1.234,50",
					    "2026",
					    "Jan 2026",
					    "1 2 2026",
					    "1/2-2026",
					    "1.2.3.2026",
					    "31 listopad 2026",
					    "10:05",
					    "01/02",
					    "a/b/2026",
					    "2026-01-31 foo",
					    "123/01/2026",
					    "31 Januar Februar 2026",
					    "2026-01-31T10:05:06+99:00",
					    "\xff/01/2026",
					    "1000000000" };

	(void)state;
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		struct moment moment;

		if (moment_scan(&moment, impossible[i], strlen(impossible[i])) != MOMENT_IMPOSSIBLE)
			fail_msg("%s", impossible[i]);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct moment moment;

		if (moment_scan(&moment, none[i], strlen(none[i])) != MOMENT_NONE)
			fail_msg("%s", none[i]);
	}
}

static void moments_are_compared_by_day_and_time(void **state)
{
	(void)state;
	assert_true(moment_compare("2026-01-31", "2026-02-01") < 0);
	assert_int_equal(moment_compare("2026-01-31", "2026-01-31"), 0);
	assert_int_equal(moment_compare("2026-01-31", "2026-01-31T00:00:00"), 0);
	assert_true(moment_compare("2026-01-31T00:00:01", "2026-01-31") > 0);
	assert_true(moment_compare("2026-01-31", "2026-01-31T10:00:00") < 0);
}

static void yes_and_no_are_known_in_many_languages(void **state)
{
	static const struct {
		const char *text;
		int truth;
	} all[] = {
		{ "yes", 1 },	{ "Yes", 1 },	{ "NO", 0 },	  { "true", 1 },   { "False", 0 },
		{ "1", 1 },	{ "0", 0 },	{ "x", 1 },	  { "X", 1 },	   { "ja", 1 },
		{ "Nein", 0 },	{ "oui", 1 },	{ "non", 0 },	  { "Sí", 1 },	   { "si", 1 },
		{ "sim", 1 },	{ "não", 0 },	{ "tak", 1 },	  { "nie", 0 },	   { "да", 1 },
		{ "Нет", 0 },	{ "evet", 1 },	{ "hayır", 0 },	  { "はい", 1 },   { "いいえ", 0 },
		{ "是", 1 },	{ "否", 0 },	{ "예", 1 },	  { "아니요", 0 }, { "نعم", 1 },
		{ "لا", 0 },	{ "wahr", 1 },	{ "faux", 0 },	  { "✓", 1 },	   { "☐", 0 },
		{ "-", 0 },	{ "on", 1 },	{ "off", 0 },	  { "", -1 },	   { "maybe", -1 },
		{ "2", -1 },	{ "?", -1 },	{ "yes no", -1 }, { "kyllä", 1 },  { "yanlış", 0 },
		{ "Fałsz", 0 }, { "Doğru", 1 }, { "ΟΧΙ", 0 },	  { "हाँ", 1 },	   { "नहीं", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		bool tick;
		int truth = truth_of(all[i].text, strlen(all[i].text), &tick);

		if (truth != all[i].truth)
			fail_msg("%s: %d", all[i].text, truth);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_read_as_people_write_them),
		cmocka_unit_test(days_that_do_not_exist_are_told_from_texts),
		cmocka_unit_test(moments_are_compared_by_day_and_time),
		cmocka_unit_test(yes_and_no_are_known_in_many_languages),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
