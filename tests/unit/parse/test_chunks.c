/* Chunks: what a person quotes must be whole sentences with a place that leads there. */
#include "chunks.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistr.h>

#include <cmocka.h>

static void merged(const char *a, const char *b, const char *want)
{
	struct place place, next;
	struct buf out = { 0 };
	bool good;

	place_read(&place, a);
	place_read(&next, b);
	good = place_merge(&place, &next);
	assert_int_equal(good, want != NULL);
	place_write(&place, &out);
	assert_string_equal(buf_str(&out), want ? want : a);
	buf_free(&out);
}

static void places_that_go_on_become_one(void **state)
{
	(void)state;
	merged("page 3", "page 3", "page 3");
	merged("page 3", "page 4", "pages 3-4");
	merged("lines 1-4", "lines 6-9", "lines 1-9");
	merged("sheet Orders, rows 2-3", "sheet Orders, row 4", "sheet Orders, rows 2-4");
	merged("sheet Orders, row 4", "sheet Items, row 5", NULL);
	merged("page 3", "slide 4", NULL);
	merged("page 4", "page 3", NULL);
	merged("Chapter", "Chapter", "Chapter");
	merged("", "", "");
	merged("line 12345678901234567890", "line 5", NULL);
}

static void texts_are_cut_where_a_reader_takes_breath(void **state)
{
	const char *two = "One sentence ends here. Another one follows it and is longer.";
	const char *words = "wordswithoutend andmorewordsthat donotend ever";
	const char *family = "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7";

	(void)state;
	assert_int_equal(chunk_fit(two, strlen(two), 40), strlen("One sentence ends here. "));
	assert_int_equal(chunk_fit(words, strlen(words), 20), strlen("wordswithoutend "));
	assert_int_equal(chunk_fit("short", 5, 20), 5);
	/* A family of three has no beginning of its own; bytes must still stay characters. */
	assert_int_equal(chunk_fit(family, strlen(family), 9), 7);
}

static void every_chunk_is_small_valid_and_nothing_is_lost(void **state)
{
	struct chunks chunks = { .fd = -1, .room = 1 << 20 };
	char text[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 11 == 10 ? ' ' : 'x';
	for (int i = 0; i < 3; i++)
		assert_true(chunks_add(&chunks, "page 1", text, sizeof(text)));
	chunks_end(&chunks);
	assert_true(chunks.count >= 9);
	/* Blanks at the cuts are all that may go. */
	assert_true(chunks.text_bytes > 3 * 5000 - chunks.count * 2);
	assert_true(chunks.head.len <= EXTRACT_HEAD_MAX);
	chunks_free(&chunks);
}

static void output_ends_at_its_limit(void **state)
{
	struct chunks chunks = { .fd = -1, .room = 3000 };
	char text[1500];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 5; i++)
		chunks_add(&chunks, "page 1", text, sizeof(text));
	chunks_end(&chunks);
	assert_true(chunks.full);
	assert_int_equal(chunks.count, 1);
	chunks_free(&chunks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_that_go_on_become_one),
		cmocka_unit_test(texts_are_cut_where_a_reader_takes_breath),
		cmocka_unit_test(every_chunk_is_small_valid_and_nothing_is_lost),
		cmocka_unit_test(output_ends_at_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
