/* An answer while it grows: pieces in order, attempts that begin again, and what its first message would be. */
#include "growing.h"
#include "mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 16 };

static bool take(struct growing *growing, unsigned attempt, size_t offset, const char *text)
{
	return growing_take(growing,
			    &(struct outgoing_part){
				    .attempt = attempt, .offset = offset, .text = text, .len = strlen(text) },
			    MOST);
}

static void pieces_follow_each_other(void **state)
{
	struct growing growing = { 0 };

	(void)state;
	assert_true(take(&growing, 1, 0, "Hello"));
	assert_true(growing.fresh);
	assert_true(take(&growing, 1, 5, " you"));
	assert_string_equal(buf_str(&growing.text), "Hello you");
	assert_false(take(&growing, 1, 12, "!")); /* a piece is missing */
	assert_string_equal(buf_str(&growing.text), "Hello you");
	growing_clear(&growing);
}

static void a_later_attempt_begins_again(void **state)
{
	struct growing growing = { 0 };

	(void)state;
	assert_true(take(&growing, 1, 0, "The first"));
	assert_true(take(&growing, 2, 0, "Another"));
	assert_true(take(&growing, 1, 9, " goes on")); /* too late: nobody waits for it */
	assert_string_equal(buf_str(&growing.text), "Another");
	assert_false(take(&growing, 3, 4, "its end"));
	assert_string_equal(buf_str(&growing.text), "");
	growing_clear(&growing);
}

/* Only as much is kept as is shown; what comes behind is counted, or the piece after it would seem to be missing. */
static void a_long_answer_is_bounded(void **state)
{
	struct growing growing = { 0 };

	(void)state;
	assert_true(take(&growing, 1, 0, "twelve bytes"));
	assert_true(take(&growing, 1, 12, "and more"));
	assert_int_equal(growing.text.len, MOST);
	growing.fresh = false;
	assert_true(take(&growing, 1, 20, "nobody sees this"));
	assert_false(growing.fresh);
	assert_int_equal(growing.received, 36);
	growing_clear(&growing);
}

/* Stands for a platform whose messages hold eight bytes; it closes nothing. */
static size_t split_in_eights(struct platform *platform, const char *text, char ***texts_out)
{
	size_t len = strlen(text), count = len ? (len + 7) / 8 : 1;
	char **texts = mem_alloc(count * sizeof(*texts));

	(void)platform;
	for (size_t i = 0; i < count; i++)
		texts[i] = mem_text_n(text + i * 8, i + 1 < count ? 8 : len - i * 8);
	*texts_out = texts;
	return count;
}

static void its_first_message_ends_with_a_whole_letter(void **state)
{
	struct growing growing = { 0 };
	char *first;

	(void)state;
	assert_true(take(&growing, 1, 0, "caf\xc3")); /* half of an e with an accent */
	first = growing_first(&growing, NULL, split_in_eights);
	assert_string_equal(first, "caf");
	assert_false(growing.fresh);
	free(first);
	assert_true(take(&growing, 1, 4, "\xa9 au lait"));
	first = growing_first(&growing, NULL, split_in_eights);
	assert_string_equal(first, "caf\xc3\xa9 au");
	free(first);
	growing_clear(&growing);
}

static void who_waits_is_counted_once(void **state)
{
	struct waiters waiters = { 0 };
	char uuid[MESSAGE_UUID_SIZE];

	(void)state;
	waiters_add(&waiters, "a");
	waiters_add(&waiters, "b");
	waiters_add(&waiters, "a");
	assert_int_equal(waiters.count, 2);
	waiters_drop(&waiters, "a");
	waiters_drop(&waiters, "a");
	waiters_drop(&waiters, "nobody");
	assert_int_equal(waiters.count, 1);
	assert_string_equal(waiters.uuids[0], "b");
	for (unsigned i = 0; i < 2 * WAITERS_MAX; i++) {
		snprintf(uuid, sizeof(uuid), "uuid-%u", i);
		waiters_add(&waiters, uuid);
	}
	assert_int_equal(waiters.count, WAITERS_MAX);
	waiters_drop(&waiters, "b");
	waiters_add(&waiters, "longer than any uuid can be, so it is none of ours");
	assert_int_equal(waiters.count, WAITERS_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_follow_each_other),
		cmocka_unit_test(a_later_attempt_begins_again),
		cmocka_unit_test(a_long_answer_is_bounded),
		cmocka_unit_test(its_first_message_ends_with_a_whole_letter),
		cmocka_unit_test(who_waits_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
