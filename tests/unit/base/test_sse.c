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

/* A stream that breaks off is taken up again after the last whole event, as long later as the server wishes. */
static const struct {
	const char *stream, *last_id;
	int retry_ms; /* -1: not told */
} ends[] = {
	{ "data: a\n\n", "", -1 },
	{ "id: 1\ndata: a\n\nid: 2\ndata: b\n\n", "2", -1 },
	{ "id: 1\ndata: a\n\nid: 2\ndata: b\n", "1", -1 }, /* the second may come again */
	{ "id: 1\nretry: 500\ndata: \n\n", "1", 500 },
	{ "id: only\n\n", "only", -1 }, /* without data: no event, yet it counts */
	{ "id: 1\ndata: a\n\ndata: b\n\n", "1", -1 },
	{ "id: 1\n\nid\n\n", "", -1 }, /* taken back */
	{ "retry: 1s\nretry: -5\nretry:\nretry: 9999999999\n\n", "", -1 },
	{ "retry: 0\n\n", "", 0 },
};

static void test_taken_up_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t len = strlen(ends[i].stream);

		for (size_t piece = 1; piece <= len; piece++) {
			struct sse sse = { .line_max = 100 };
			struct buf seen = { 0 };

			for (size_t at = 0; at < len; at += piece)
				sse_feed(&sse, ends[i].stream + at, len - at < piece ? len - at : piece, note,
					 &seen);
			assert_string_equal(buf_str(&sse.last_id), ends[i].last_id);
			assert_int_equal(sse.has_retry ? (int)sse.retry_ms : -1, ends[i].retry_ms);
			sse_finish(&sse);
			buf_free(&seen);
		}
	}
}

static void test_ids_with_nul(void **state)
{
	struct sse sse = { .line_max = 100 };
	struct buf seen = { 0 };

	(void)state;
	assert_true(sse_feed(&sse, "id: 1\n\nid: a\0b\n\n", 17, note, &seen));
	assert_string_equal(buf_str(&sse.last_id), "1");
	sse_finish(&sse);
	buf_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_streams), cmocka_unit_test(test_line_limit),
					    cmocka_unit_test(test_taken_up_again),
					    cmocka_unit_test(test_ids_with_nul) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
