/* An answer is seen growing, as a stream, and nothing of that can lose or double it. */
#include "buf.h"
#include "mem.h"
#include "stage_growing.h"
#include <stdio.h>

static void an_answer_grows_and_is_then_replaced(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };
	struct out_call *call;

	grow_much(stage, &growing, 2);
	out_pass(stage, 2000);
	call = out_expect(stage, "chat.startStream");
	out_arg_is(call, "/channel", "\"C1\"");
	out_arg_is(call, "/thread_ts", "\"1799999990.000100\"");
	out_arg_is(call, "/recipient_user_id", "\"U1\"");
	out_arg_is(call, "/recipient_team_id", "\"T1\"");
	assert_in_range(call->wait_ms, 1, 500); /* 0 would be ten seconds: never before an answer */
	assert_int_equal(stage->placeds, 0);
	out_ok(stage, call, OPEN);
	assert_int_equal(stage->placeds, 1); /* before anything is added */
	assert_string_equal(stage->placed_uuid, OUT_ASKED);
	assert_string_equal(stage->placed_remote, "C1/" TS);
	out_pass(stage, 2000);
	call = out_expect(stage, "chat.appendStream");
	out_arg_is(call, "/ts", "\"" TS "\"");
	out_arg_is(call, "/markdown_text", "\"" WORDS WORDS "\"");
	out_ok(stage, call, NULL);
	grow(stage, &growing, "and more ");
	out_pass(stage, 4000);
	call = out_expect(stage, "chat.appendStream");
	out_arg_is(call, "/markdown_text", "\"and more \""); /* only what is new */
	out_ok(stage, call, NULL);
	grow_end(stage, &growing);
	out_arg_is(out_expect(stage, "chat.stopStream"), "/ts", "\"" TS "\"");
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	call = out_expect(stage, "chat.update");
	out_arg_is(call, "/ts", "\"" TS "\"");
	out_arg_is(call, "/text", "\"The answer.\"");
	out_ok(stage, call, OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	free(growing.place);
}

static void a_short_or_quick_answer_needs_no_stream(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow(stage, &growing, "Yes, of course.");
	out_pass(stage, 5000);
	out_expect_none(stage);
	grow_much(stage, &growing, 3);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.postMessage"), OPEN);
	out_pass(stage, 5000);
	out_expect_none(stage);
	free(growing.place);
}

static void no_stream_where_none_is_wanted(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_command(true, 0) };

	grow_much(stage, &growing, 3);
	out_pass(stage, 5000);
	out_expect_none(stage);
	free(growing.place);
	growing = (struct growing){ .place = out_channel() };
	stage->app.config.stream = false;
	grow_much(stage, &growing, 3);
	out_pass(stage, 5000);
	out_expect_none(stage);
	free(growing.place);
}

static void in_direct_messages_no_recipient_is_named(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_direct_thread() };
	struct out_call *call;

	grow_much(stage, &growing, 2);
	out_pass(stage, 2000);
	call = out_expect(stage, "chat.startStream");
	out_arg_is(call, "/recipient_user_id", "");
	out_ok(stage, call, OPEN);
	free(growing.place);
}

/* Slack reads "<!channel>" as a broadcast: it must not come in two pieces that are each harmless. */
static void a_word_is_never_cut(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_much(stage, &growing, 1);
	grow(stage, &growing, "Thirty more characters follow. <!chan");
	out_pass(stage, 2000);
	out_ok(stage, out_expect(stage, "chat.startStream"), OPEN);
	out_pass(stage, 4000);
	out_arg_is(out_expect(stage, "chat.appendStream"), "/markdown_text",
		   "\"" WORDS "Thirty more characters follow. \"");
	out_ok(stage, out_expect(stage, "chat.appendStream"), NULL);
	out_pass(stage, 4000);
	out_expect_none(stage);
	grow(stage, &growing, "nel> is there. ");
	out_pass(stage, 4000);
	assert_non_null(
		strstr(out_arg(out_expect(stage, "chat.appendStream"), "/markdown_text"), "is there. "));
	free(growing.place);
}

static void a_character_is_never_cut(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };
	size_t shown = 0;

	for (size_t i = 0; i < 600; i++)
		grow(stage, &growing, "\xe2\x82\xac"); /* euro signs without a blank */
	grow(stage, &growing, "\xe2\x82");
	out_pass(stage, 2000);
	out_ok(stage, out_expect(stage, "chat.startStream"), OPEN);
	out_pass(stage, 4000);
	shown = json_string_length(
		json_object_get(out_expect(stage, "chat.appendStream")->args, "markdown_text"));
	assert_true(shown >= 1000 && shown % 3 == 0);
	free(growing.place);
}

static void a_message_takes_only_so_much(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };
	size_t shown = 0;

	grow_open(stage, &growing);
	for (size_t i = 0; i < 400; i++) { /* 21,200 characters */
		grow_much(stage, &growing, 1);
		out_pass(stage, 500);
		if (out_waiting(stage) > 0) {
			struct out_call *call = out_expect(stage, "chat.appendStream");

			shown += json_string_length(json_object_get(call->args, "markdown_text"));
			out_ok(stage, call, NULL);
		}
	}
	assert_in_range(shown, 8000, 12000);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	free(growing.place);
}

/* Slack allows 100 appends a minute, all streams of a workspace together. */
static void all_streams_share_one_pace(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_channel(), uuids[8][40];
	size_t offsets[8] = { 0 }, appends[8] = { 0 }, all = 0;

	for (unsigned round = 0; round < 250; round++) { /* a minute */
		for (unsigned i = 0; i < 8; i++) {
			const char *asked = uuids[i];

			snprintf(uuids[i], sizeof(uuids[i]), "0190aaaa-0000-7000-8000-00000000010%u", i);
			slack_stream(&stage->workspace, &(struct outgoing_part){ .answers_to = &asked,
										 .answers_to_count = 1,
										 .reply_to = place,
										 .attempt = 1,
										 .offset = offsets[i],
										 .text = WORDS,
										 .len = strlen(WORDS) });
			offsets[i] += strlen(WORDS);
		}
		out_pass(stage, 240);
		while (out_waiting(stage) > 0) {
			struct out_call *call = NULL;

			for (size_t i = 0; call == NULL; i++)
				if (stage->calls[i].state == OUT_WAITS)
					call = &stage->calls[i];
			if (strcmp(call->method, "chat.startStream") == 0) {
				char *open = mem_format("{\"ts\":\"1800000001.00000%zu\"}", all);

				out_ok(stage, call, open);
				free(open);
				all++;
			} else {
				const char *ts = json_text(call->args, "ts");

				appends[ts[strlen(ts) - 1] - '0']++;
				out_ok(stage, call, NULL);
			}
		}
	}
	all = 0;
	for (unsigned i = 0; i < 8; i++) {
		assert_in_range(appends[i], 5, 20); /* nobody starves */
		all += appends[i];
	}
	assert_in_range(all, 60, 95);
	free(place);
}

static void no_room_for_a_stream_is_no_harm(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_much(stage, &growing, 3);
	out_pass(stage, 2000);
	out_fail(stage, out_expect(stage, "chat.startStream"), SLACK_LIMITED, 30000);
	grow_much(stage, &growing, 3);
	out_pass(stage, 60000);
	out_expect_none(stage);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.postMessage"), OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	free(growing.place);
}

/* Blindly repeated, the text would stand there twice. */
static void an_unsure_append_is_never_repeated(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_open(stage, &growing);
	out_pass(stage, 4000);
	out_fail(stage, out_expect(stage, "chat.appendStream"), SLACK_MAYBE, 0);
	grow_much(stage, &growing, 10);
	out_pass(stage, 10000);
	out_expect_none(stage);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	free(growing.place);
}

static void what_did_not_leave_is_appended_later(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_open(stage, &growing);
	out_pass(stage, 4000);
	out_fail(stage, out_expect(stage, "chat.appendStream"), SLACK_LIMITED, 20000);
	out_pass(stage, 19000);
	out_expect_none(stage);
	out_pass(stage, 2000);
	out_fail(stage, out_expect(stage, "chat.appendStream"), SLACK_NOT_SENT, 0);
	out_pass(stage, 10000);
	out_arg_is(out_expect(stage, "chat.appendStream"), "/markdown_text", "\"" WORDS WORDS "\"");
	free(growing.place);
}

/* Pitfall 13: Slack ends a stream after some five minutes. */
static void a_stream_that_slack_ended_is_replaced_all_the_same(void **state)
{
	static const char *const codes[] = { "message_not_in_streaming_state", "stopped_by_user" };

	for (size_t i = 0; i < 2; i++) {
		struct out_stage *stage = *state;
		struct growing growing = { .place = out_channel() };

		grow_open(stage, &growing);
		out_pass(stage, 4000);
		out_refuse(stage, out_expect(stage, "chat.appendStream"), codes[i]);
		grow_much(stage, &growing, 10);
		out_pass(stage, 10000);
		out_expect_none(stage);
		grow_end(stage, &growing);
		out_ok(stage, out_expect(stage, "chat.update"), OPEN);
		out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
		free(growing.place);
	}
}

static void a_stopped_stream_grows_no_more(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_open(stage, &growing);
	slack_stream_stopped(&stage->workspace, "C2", TS); /* another one */
	slack_stream_stopped(&stage->workspace, "C1", TS);
	grow_much(stage, &growing, 10);
	out_pass(stage, 10000);
	out_expect_none(stage);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	free(growing.place);
}

static void the_final_text_waits_for_what_runs(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };
	struct out_call *call;

	grow_much(stage, &growing, 3);
	out_pass(stage, 2000);
	call = out_expect(stage, "chat.startStream");
	grow_end(stage, &growing);
	assert_int_equal(out_waiting(stage), 1);
	out_ok(stage, call, OPEN);
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	free(growing.place);
}

/* The update is tried again by the outbox: it must still know what to replace. */
static void a_second_attempt_replaces_the_same_message(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_open(stage, &growing);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	out_fail(stage, out_expect(stage, "chat.update"), SLACK_NOT_SENT, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	grow_end(stage, &growing); /* a copy of the test's own: nothing is known of the stream any more */
	out_ok(stage, out_expect(stage, "chat.postMessage"), OPEN);
	free(growing.place);
}

static void an_unsure_start_is_looked_for_before_the_answer(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_much(stage, &growing, 3);
	out_pass(stage, 2000);
	out_fail(stage, out_expect(stage, "chat.startStream"), SLACK_MAYBE, 0);
	grow_end(stage, &growing);
	out_fail(stage, out_expect(stage, "conversations.replies"), SLACK_LIMITED, 3000);
	assert_int_equal(stage->sents, 0);
	out_pass(stage, 4000);
	out_ok(stage, out_expect(stage, "conversations.replies"),
	       "{\"messages\":[{\"ts\":\"" TS "\",\"user\":\"UBOT\",\"streaming_state\":\"in_progress\"}]}");
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	out_ok(stage, out_expect(stage, "chat.update"), OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	free(growing.place);
}

/* The token dies while the final text waits for its turn to look: the outbox hears of it, and a stop does not wait. */
static void a_final_text_that_waits_is_told_when_the_token_dies(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_much(stage, &growing, 3);
	out_pass(stage, 2000);
	out_fail(stage, out_expect(stage, "chat.startStream"), SLACK_MAYBE, 0);
	grow_end(stage, &growing);
	out_fail(stage, out_expect(stage, "conversations.replies"), SLACK_LIMITED, 3000);
	stage->workspace.dead = true;
	out_pass(stage, 4000);
	out_fail(stage, out_expect(stage, "conversations.replies"), SLACK_AUTH, 0);
	out_fail(stage, out_expect(stage, "chat.postMessage"), SLACK_AUTH, 0);
	out_was_sent(stage, SENT_AUTH, NULL);
	assert_int_equal(slack_sends_running(stage->workspace.sends), 0);
	free(growing.place);
}

static void an_unsure_start_that_can_not_be_found_does_not_hold_the_answer(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_much(stage, &growing, 3);
	out_pass(stage, 2000);
	out_fail(stage, out_expect(stage, "chat.startStream"), SLACK_MAYBE, 0);
	grow_end(stage, &growing);
	for (size_t i = 0; i < 3; i++) {
		out_fail(stage, out_expect(stage, "conversations.replies"), SLACK_NOT_SENT, 0);
		out_pass(stage, 3000);
	}
	out_ok(stage, out_expect(stage, "chat.postMessage"), OPEN);
	out_was_sent(stage, SENT_ACCEPTED, "C1/" TS);
	free(growing.place);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------ */

static void a_missing_piece_ends_the_show(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_open(stage, &growing);
	growing.offset += 10;
	grow_much(stage, &growing, 10);
	out_pass(stage, 10000);
	out_expect_none(stage);
	free(growing.place);
}

static void an_answer_that_never_came_is_given_up(void **state)
{
	struct out_stage *stage = *state;
	struct growing growing = { .place = out_channel() };

	grow_open(stage, &growing);
	out_pass(stage, 4000);
	out_ok(stage, out_expect(stage, "chat.appendStream"), NULL);
	out_pass(stage, 11 * 60000);
	out_ok(stage, out_expect(stage, "chat.stopStream"), NULL);
	out_pass(stage, 12 * 60000);
	out_expect_none(stage);
	grow_end(stage, &growing);
	out_ok(stage, out_expect(stage, "chat.postMessage"), OPEN);
	free(growing.place);
}

static void there_are_only_so_many_streams(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_channel(), uuid[40];
	const char *asked = uuid;

	for (unsigned i = 0; i < 400; i++) {
		snprintf(uuid, sizeof(uuid), "0190aaaa-0000-7000-8000-%012u", i);
		slack_stream(&stage->workspace, &(struct outgoing_part){ .answers_to = &asked,
									 .answers_to_count = 1,
									 .reply_to = place,
									 .attempt = 1,
									 .text = WORDS WORDS,
									 .len = strlen(WORDS WORDS) });
	}
	out_pass(stage, 2000);
	assert_in_range(out_waiting(stage), 1, 200);
	free(place);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, growing_setup, growing_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_answer_grows_and_is_then_replaced),
		TEST(a_short_or_quick_answer_needs_no_stream),
		TEST(no_stream_where_none_is_wanted),
		TEST(in_direct_messages_no_recipient_is_named),
		TEST(a_word_is_never_cut),
		TEST(a_character_is_never_cut),
		TEST(a_message_takes_only_so_much),
		TEST(all_streams_share_one_pace),
		TEST(no_room_for_a_stream_is_no_harm),
		TEST(an_unsure_append_is_never_repeated),
		TEST(what_did_not_leave_is_appended_later),
		TEST(a_stream_that_slack_ended_is_replaced_all_the_same),
		TEST(a_stopped_stream_grows_no_more),
		TEST(the_final_text_waits_for_what_runs),
		TEST(a_second_attempt_replaces_the_same_message),
		TEST(an_unsure_start_is_looked_for_before_the_answer),
		TEST(a_final_text_that_waits_is_told_when_the_token_dies),
		TEST(an_unsure_start_that_can_not_be_found_does_not_hold_the_answer),
		TEST(a_missing_piece_ends_the_show),
		TEST(an_answer_that_never_came_is_given_up),
		TEST(there_are_only_so_many_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
