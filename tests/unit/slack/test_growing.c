/* Where there are no streams an answer grows in a message that is edited, and that message becomes the answer. */
#include "buf.h"
#include "mem.h"
#include "stage_out.h"

#define TS    "1800000001.000100"
#define SHOWN "{\"channel\":\"D1\",\"ts\":\"" TS "\"}"
#define WORDS "These are ten words that stand for a growing answer. "

static int setup(void **state)
{
	*state = out_open();
	return 0;
}

static int teardown(void **state)
{
	out_close(*state);
	return 0;
}

static size_t grow(struct out_stage *stage, const char *place, unsigned attempt, size_t offset,
		   const char *text)
{
	static const char *const asked[] = { OUT_ASKED };

	slack_stream(&stage->workspace, &(struct outgoing_part){ .answers_to = asked,
								 .answers_to_count = 1,
								 .reply_to = place,
								 .attempt = attempt,
								 .offset = offset,
								 .text = text,
								 .len = strlen(text) });
	return offset + strlen(text);
}

static void end(struct out_stage *stage, const char *place)
{
	struct outgoing out = out_answer(place, "The answer.");

	stage->sents = 0;
	slack_send(&stage->workspace, &out, 7);
}

/* Ends with the placeholder standing there. */
static size_t begin(struct out_stage *stage, const char *place)
{
	size_t offset = grow(stage, place, 1, 0, WORDS WORDS);

	out_pass(stage, 2000);
	out_ok(stage, out_expect(stage, "chat.postMessage"), SHOWN);
	return offset;
}

static void an_answer_grows_by_edits(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_direct();
	struct out_call *call;
	size_t offset = grow(stage, place, 1, 0, WORDS WORDS);

	out_pass(stage, 2000);
	call = out_expect(stage, "chat.postMessage");
	out_arg_is(call, "/channel", "\"D1\"");
	out_arg_is(call, "/thread_ts", "");
	out_arg_is(call, "/unfurl_links", "false");
	out_arg_is(call, "/metadata",
		   "{\"event_type\":\"usher_growing\",\"event_payload\":{\"id\":\"" OUT_ASKED "\"}}");
	assert_string_equal(call->lane, "D1");
	assert_in_range(call->wait_ms, 1, 500);
	out_ok(stage, call, SHOWN);
	assert_string_equal(stage->placed_remote, "D1/" TS);
	grow(stage, place, 1, offset, "And more.");
	out_pass(stage, 2000);
	out_expect_none(stage); /* at most every three seconds */
	out_pass(stage, 2000);
	call = out_expect(stage, "chat.update");
	out_arg_is(call, "/ts", "\"" TS "\"");
	assert_non_null(strstr(out_arg(call, "/text"), "And more."));
	assert_non_null(strstr(out_arg(call, "/text"), "These are")); /* all of it, not what is new */
	out_ok(stage, call, SHOWN);
	out_pass(stage, 10000);
	out_expect_none(stage); /* nothing is new */
	end(stage, place);
	call = out_expect(stage, "chat.update"); /* at once, whatever the pace of edits */
	out_arg_is(call, "/text", "\"The answer.\"");
	assert_int_equal(call->wait_ms, 0);
	out_ok(stage, call, SHOWN);
	out_was_sent(stage, SENT_ACCEPTED, "D1/" TS);
	free(place);
}

static void where_streams_do_not_exist_edits_take_over(void **state)
{
	static const struct {
		const char *code;
		bool everywhere;
	} cases[] = { { "unknown_method", true },
		      { "feature_disabled", true },
		      { "channel_type_not_supported", false },
		      { "missing_recipient_team_id", false } };

	for (size_t i = 0; i < 4; i++) {
		struct out_stage *stage = out_open();
		char *place = out_channel();
		const char *other = OUT_UUID;

		grow(stage, place, 1, 0, WORDS WORDS);
		out_pass(stage, 2000);
		out_refuse(stage, out_expect(stage, "chat.startStream"), cases[i].code);
		out_pass(stage, 500);
		out_arg_is(out_expect(stage, "chat.postMessage"), "/thread_ts", "\"1799999990.000100\"");
		out_ok(stage, out_expect(stage, "chat.postMessage"), SHOWN);
		slack_stream(&stage->workspace, &(struct outgoing_part){ .answers_to = &other,
									 .answers_to_count = 1,
									 .reply_to = place,
									 .attempt = 1,
									 .text = WORDS WORDS,
									 .len = strlen(WORDS WORDS) });
		out_pass(stage, 4000);
		out_ok(stage,
		       out_expect(stage, cases[i].everywhere ? "chat.postMessage" : "chat.startStream"),
		       SHOWN);
		free(place);
		out_close(stage);
	}
	(void)state;
}

/* The feature may be switched on. */
static void streams_are_tried_again_after_an_hour(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_channel();

	grow(stage, place, 1, 0, WORDS WORDS);
	out_pass(stage, 2000);
	out_refuse(stage, out_expect(stage, "chat.startStream"), "feature_disabled");
	end(stage, place);
	out_ok(stage, out_expect(stage, "chat.postMessage"), SHOWN);
	out_pass(stage, 61 * 60000);
	grow(stage, place, 1, 0, WORDS WORDS);
	out_pass(stage, 2000);
	out_ok(stage, out_expect(stage, "chat.startStream"), SHOWN);
	free(place);
}

static void an_edit_of_unknown_end_is_simply_repeated(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_direct();
	size_t offset = begin(stage, place);

	grow(stage, place, 1, offset, "And more.");
	out_pass(stage, 4000);
	out_fail(stage, out_expect(stage, "chat.update"), SLACK_MAYBE, 0);
	out_pass(stage, 4000);
	out_fail(stage, out_expect(stage, "chat.update"), SLACK_LIMITED, 30000);
	out_pass(stage, 29000);
	out_expect_none(stage);
	out_pass(stage, 2000);
	out_fail(stage, out_expect(stage, "chat.update"), SLACK_NOT_SENT, 0);
	out_pass(stage, 6000);
	out_ok(stage, out_expect(stage, "chat.update"), SHOWN);
	free(place);
}

static void a_message_that_somebody_deleted_grows_no_more(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_direct();
	size_t offset = begin(stage, place);

	grow(stage, place, 1, offset, "And more.");
	out_pass(stage, 4000);
	out_refuse(stage, out_expect(stage, "chat.update"), "message_not_found");
	out_pass(stage, 10000);
	out_expect_none(stage);
	end(stage, place);
	out_refuse(stage, out_expect(stage, "chat.update"), "message_not_found");
	out_ok(stage, out_expect(stage, "chat.postMessage"), SHOWN);
	out_was_sent(stage, SENT_ACCEPTED, "D1/" TS);
	free(place);
}

/* It would stand beside the answer. */
static void an_unsure_placeholder_is_looked_for(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_direct();

	grow(stage, place, 1, 0, WORDS WORDS);
	out_pass(stage, 2000);
	out_fail(stage, out_expect(stage, "chat.postMessage"), SLACK_MAYBE, 0);
	out_pass(stage, 10000);
	out_expect_none(stage); /* no second one */
	end(stage, place);
	out_ok(stage, out_expect(stage, "conversations.history"),
	       "{\"messages\":[{\"ts\":\"" TS "\",\"user\":\"UBOT\",\"metadata\":{\"event_type\":"
	       "\"usher_growing\",\"event_payload\":{\"id\":\"" OUT_ASKED "\"}}}]}");
	out_arg_is(out_expect(stage, "chat.update"), "/ts", "\"" TS "\"");
	out_ok(stage, out_expect(stage, "chat.update"), SHOWN);
	out_was_sent(stage, SENT_ACCEPTED, "D1/" TS);
	free(place);
}

static void a_refused_placeholder_is_left_to_the_answer(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_direct();

	grow(stage, place, 1, 0, WORDS WORDS);
	out_pass(stage, 2000);
	out_fail(stage, out_expect(stage, "chat.postMessage"), SLACK_LIMITED, 5000);
	out_pass(stage, 6000);
	out_refuse(stage, out_expect(stage, "chat.postMessage"), "is_archived");
	out_pass(stage, 10000);
	out_expect_none(stage);
	end(stage, place);
	out_refuse(stage, out_expect(stage, "chat.postMessage"), "is_archived");
	out_was_sent(stage, SENT_REJECTED, NULL);
	free(place);
}

/* Unlike a stream, an edited message can forget its first beginning. */
static void a_new_attempt_takes_over_the_message(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_direct();
	struct out_call *call;

	begin(stage, place);
	grow(stage, place, 2, 0, "Another beginning.");
	out_pass(stage, 4000);
	call = out_expect(stage, "chat.update");
	assert_null(strstr(out_arg(call, "/text"), "These are"));
	assert_non_null(strstr(out_arg(call, "/text"), "Another beginning."));
	out_ok(stage, call, SHOWN);
	free(place);
}

/* Slack allows 50 updates a minute; final texts need most of them. */
static void all_edits_share_one_pace(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_direct();
	const char *uuids[] = { OUT_ASKED, OUT_UUID };
	size_t offsets[2] = { 0 }, edits[2] = { 0 }, placeds = 0;

	for (unsigned round = 0; round < 60; round++) {
		for (unsigned i = 0; i < 2; i++) {
			slack_stream(&stage->workspace, &(struct outgoing_part){ .answers_to = &uuids[i],
										 .answers_to_count = 1,
										 .reply_to = place,
										 .attempt = 1,
										 .offset = offsets[i],
										 .text = WORDS,
										 .len = strlen(WORDS) });
			offsets[i] += strlen(WORDS);
		}
		out_pass(stage, 1000);
		while (out_waiting(stage) > 0) {
			struct out_call *call = &stage->calls[stage->call_count - 1];

			if (strcmp(call->method, "chat.postMessage") == 0) {
				out_ok(stage, call, placeds++ ? "{\"ts\":\"1.1\"}" : "{\"ts\":\"1.0\"}");
			} else {
				edits[strcmp(json_text(call->args, "ts"), "1.1") == 0]++;
				out_ok(stage, call, NULL);
			}
		}
	}
	assert_in_range(edits[0] + edits[1], 12, 21);
	assert_in_range(edits[0], 6, 12); /* in turn */
	free(place);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_answer_grows_by_edits),
		cmocka_unit_test(where_streams_do_not_exist_edits_take_over),
		TEST(streams_are_tried_again_after_an_hour),
		TEST(an_edit_of_unknown_end_is_simply_repeated),
		TEST(a_message_that_somebody_deleted_grows_no_more),
		TEST(an_unsure_placeholder_is_looked_for),
		TEST(a_refused_placeholder_is_left_to_the_answer),
		TEST(a_new_attempt_takes_over_the_message),
		TEST(all_edits_share_one_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
