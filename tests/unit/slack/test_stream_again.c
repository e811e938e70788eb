/* An answer whose turn is begun again: what the first beginning showed is found, stopped and replaced. */
#include "stage_growing.h"

static void a_new_attempt_leaves_the_old_stream(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_open(stage, &growing);
	out_pass(stage, 4000);
	out_ok(stage, out_expect(stage, "chat.appendStream"), NULL);
	growing.attempt = 2;
	growing.offset = 0;
	grow(stage, &growing, "Another beginning ");
	out_refuse(stage, out_expect(stage, "chat.stopStream"), "message_not_in_streaming_state");
	grow_much(stage, &growing, 5);
	out_pass(stage, 10000);
	out_expect_none(stage);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	free(growing.place);
}

/* Nothing of the first beginning was seen. */
static void a_new_attempt_may_use_an_empty_stream(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_open(stage, &growing);
	growing.attempt = 2;
	growing.offset = 0;
	grow_much(stage, &growing, 1);
	out_pass(stage, 4000);
	out_arg_is(out_expect(stage, "chat.appendStream"), "/markdown_text", "\"" WORDS "\"");
	free(growing.place);
}

static void what_an_earlier_life_showed_is_stopped_and_replaced(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel(), .placeholder = "C1/" TS, .attempt = 2 };

	grow_much(stage, &growing, 3);
	out_arg_is(out_expect(stage, "chat.stopStream"), "/ts", "\"" TS "\"");
	out_fail(stage, out_expect(stage, "chat.stopStream"), SLACK_MAYBE, 0);
	grow_much(stage, &growing, 3);
	out_pass(stage, 10000);
	out_expect_none(stage);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	free(growing.place);
}

static void what_an_earlier_life_did_not_keep_is_looked_for(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel(), .attempt = 2 };

	grow_much(stage, &growing, 3);
	out_pass(stage, 2000);
	out_ok(stage, out_expect(stage, "conversations.replies"),
	       "{\"messages\":[{\"ts\":\"" TS "\",\"user\":\"UBOT\",\"streaming_state\":\"in_progress\"}]}");
	assert_string_equal(stage->placed_remote, "C1/" TS);
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	free(growing.place);
}

/* Slack had no time at first: the beginning of the first answer would stand beside the second for ever. */
static void what_an_earlier_life_left_is_looked_for_again(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel(), .attempt = 2 };

	grow_much(stage, &growing, 3);
	out_pass(stage, 2000);
	out_fail(stage, out_expect(stage, "conversations.replies"), SLACK_LIMITED, 3000);
	out_pass(stage, 4000);
	out_ok(stage, out_expect(stage, "conversations.replies"),
	       "{\"messages\":[{\"ts\":\"" TS "\",\"user\":\"UBOT\",\"streaming_state\":\"in_progress\"}]}");
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	free(growing.place);
}

/* The second answer came at once, beside the beginning of the first. */
static void what_an_earlier_life_left_is_looked_for_before_a_quick_answer(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel(), .attempt = 2 };

	grow(stage, &growing, "Yes.");
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "conversations.replies"),
	       "{\"messages\":[{\"ts\":\"" TS "\",\"user\":\"UBOT\",\"streaming_state\":\"in_progress\"}]}");
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	growing.offset = 0;
	grow(stage, &growing, "Yes.");
	grow_end(stage, &growing); /* it is not known that there is something: the answer does not wait */
	out_fail(stage, out_expect(stage, "conversations.replies"), SLACK_LIMITED, 60000);
	out_ok(stage, out_expect(stage, "chat.postMessage"), OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	free(growing.place);
}

static void an_attempt_after_which_nothing_is_found_streams(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel(), .attempt = 2 };

	grow_much(stage, &growing, 3);
	out_pass(stage, 2000);
	out_ok(stage, out_expect(stage, "conversations.replies"), "{\"messages\":[]}");
	out_pass(stage, 500);
	out_ok(stage, out_expect(stage, "chat.startStream"), OPEN);
	free(growing.place);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, growing_setup, growing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_new_attempt_leaves_the_old_stream),
		TEST(a_new_attempt_may_use_an_empty_stream),
		TEST(what_an_earlier_life_showed_is_stopped_and_replaced),
		TEST(what_an_earlier_life_did_not_keep_is_looked_for),
		TEST(what_an_earlier_life_left_is_looked_for_again),
		TEST(what_an_earlier_life_left_is_looked_for_before_a_quick_answer),
		TEST(an_attempt_after_which_nothing_is_found_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
