/* Server-sent events by the standard's own examples, and at the limits. */
#include "sse.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

static bool note(void *owner, const char *event, const char *data, size_t len)
{
	assert_int_equal(strlen(data), len);
	buf_format(owner, "(%s|%s)", event, data);
	return strcmp(data, "stop") != 0;
}

static const struct {
	const char *stream, *events;
} rows[] = {
	{ "data: YHOO\ndata: +2\ndata: 10\n\n", "(|YHOO\n+2\n10)" },
	{ ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
	  "(|first event)(|second event)(| third event)" },
	{ "data\n\ndata\ndata\n\ndata:", "(|)(|\n)(|)" },
	{ "data:test\n\ndata: test\n\n", "(|test)(|test)" },
	{ "event: add\ndata: 1\n\ndata: 2\n\n", "(add|1)(|2)" }, /* the name holds for one event */
	{ "event: add\n\ndata: 2\n\n", "(|2)" },
	{ "data: a\r\n\r\ndata: b\r\rdata: c\n\n", "(|a)(|b)(|c)" },
	{ "\xef\xbb\xbf"
	  "data: a\n\n",
	  "(|a)" },
	{ "data: a\n\n\xef\xbb\xbf"
	  "data: b\n\n",
	  "(|a)" },				     /* only at the very start */
	{ "data: a\r\ndata: b\r\n\r\n", "(|a\nb)" }, /* one line break, not two */
	{ "data: no blank line", "(|no blank line)" },
	{ "nonsense\nfoo: bar\n\n", "" },
	{ "data: stop\n\ndata: late\n\n", "(|stop)" },
	{ "event: a-name-that-is-longer-than-any-we-know\ndata: x\n\n",
	  "(a-name-that-is-longer-than-any-|x)" },
	{ "", "" },
};

static void test_streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = strlen(rows[i].stream);

		for (size_t piece = 1; piece <= len + 1; piece++) {
			struct sse sse = { .line_max = 100 };
			struct buf seen = { 0 };

			for (size_t at = 0; at < len; at += piece)
				sse_feed(&sse, rows[i].stream + at, len - at < piece ? len - at : piece, note,
					 &seen);
			sse_end(&sse, note, &seen);
			assert_string_equal(buf_str(&seen), rows[i].events);
			sse_finish(&sse);
			buf_free(&seen);
		}
	}
}

static void test_line_limit(void **state)
{
	struct sse sse = { .line_max = 20 };
	struct buf seen = { 0 };

	(void)state;
	assert_true(sse_feed(&sse, "data: 12345678901234\n\n", 22, note, &seen)); /* just fits */
	assert_false(sse_feed(&sse, "data: 123456789012345\n\n", 23, note, &seen));
	assert_false(sse_feed(&sse, "data: x\n\n", 9, note, &seen)); /* and nothing after */
	assert_false(sse_end(&sse, note, &seen));
	sse_finish(&sse);
	sse = (struct sse){ .line_max = 20 };
	assert_true(sse_feed(&sse, "data: 1234567890\n", 17, note, &seen));
	assert_false(sse_feed(&sse, "data: 12345678901\n", 18, note, &seen)); /* an event of many lines */
	assert_string_equal(buf_str(&seen), "(|12345678901234)");
	sse_finish(&sse);
	buf_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_streams),
					    cmocka_unit_test(test_line_limit) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
