/* How answers reach their place, and what the outbox is told. */
#include "buf.h"
#include "mem.h"
#include "stage_out.h"

enum { SETTLE_MS = 5000 }; /* before an unsure one is looked for */

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

/* Hands an answer over; the stage is told later. */
static void hand(struct out_stage *stage, char *place, const char *text)
{
	struct outgoing out = out_answer(place, text);

	slack_send(&stage->workspace, &out, 7);
	assert_int_equal(stage->sents, 0);
	free(place);
}

#define POSTED "{\"channel\":\"C1\",\"ts\":\"1800000001.000200\"}"

static void an_answer_goes_into_its_thread(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand(stage, out_channel(), "Hello");
	call = out_expect(stage, "chat.postMessage");
	out_arg_is(call, "/channel", "\"C1\"");
	out_arg_is(call, "/thread_ts", "\"1799999990.000100\"");
	out_arg_is(call, "/text", "\"Hello\"");
	out_arg_is(call, "/unfurl_links", "false");
	out_arg_is(call, "/unfurl_media", "false");
	out_arg_is(call, "/metadata",
		   "{\"event_type\":\"usher_reply\",\"event_payload\":{\"id\":\"" OUT_UUID "\"}}");
	out_arg_is(call, "/blocks", "");
	assert_string_equal(call->lane, "C1");
	assert_int_equal(slack_sends_running(stage->workspace.sends), 1);
	out_ok(stage, call, POSTED);
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
	assert_int_equal(stage->sent_ticket, 7);
	assert_int_equal(slack_sends_running(stage->workspace.sends), 0);
	assert_int_equal(stage->settles, 1); /* or stopping would wait for ever */
}

/* Pitfall 14: an empty thread_ts is refused. */
static void without_a_thread_none_is_named(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand(stage, out_direct(), "Hello");
	call = out_expect(stage, "chat.postMessage");
	out_arg_is(call, "/thread_ts", "");
	out_ok(stage, call, POSTED);
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
}

static void buttons_ask_about_the_reply(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	stage->app.config.feedback = true;
	hand(stage, out_channel(), "Hello");
	call = out_expect(stage, "chat.postMessage");
	out_arg_is(call, "/text", "\"Hello\"");
	out_arg_is(call, "/blocks/0/text/text", "\"Hello\"");
	out_arg_is(call, "/blocks/1/type", "\"context_actions\"");
	out_arg_is(call, "/blocks/1/elements/0/action_id", "\"usher_feedback\"");
	out_arg_is(call, "/blocks/1/elements/0/positive_button/value", "\"up:" OUT_UUID "\"");
	out_arg_is(call, "/blocks/1/elements/0/negative_button/value", "\"down:" OUT_UUID "\"");
	out_ok(stage, call, POSTED);
}

#define CHOICES                                                                                              \
	"[{\"label\":\"Approve\",\"command\":\"approve ABCDEFGH\"},"                                         \
	"{\"label\":\"Deny\",\"command\":\"deny ABCDEFGH\"}]"

/* What is chosen is in the button itself; its name differs from the others', or Slack refuses the message. */
static void choices_are_buttons(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_channel();
	struct outgoing out = out_answer(place, "Shall I?");
	struct out_call *call;

	stage->app.config.feedback = false;
	out.choices = CHOICES;
	slack_send(&stage->workspace, &out, 7);
	free(place);
	call = out_expect(stage, "chat.postMessage");
	out_arg_is(call, "/blocks/1/type", "\"actions\"");
	out_arg_is(call, "/blocks/1/elements/0/text/text", "\"Approve\"");
	out_arg_is(call, "/blocks/1/elements/0/value", "\"approve ABCDEFGH\"");
	out_arg_is(call, "/blocks/1/elements/1/action_id", "\"usher_choice:deny ABCDEFGH\"");
	out_arg_is(call, "/blocks/2", "");
	out_ok(stage, call, POSTED);
}

static void only_the_last_part_of_an_answer_asks(void **state)
{
	static const struct {
		unsigned part, parts;
		enum message_state state;
		bool asks;
	} cases[] = { { 0, 2, MESSAGE_ANSWERED, false },
		      { 1, 2, MESSAGE_ANSWERED, true },
		      { 0, 1, MESSAGE_FAILED, false } };
	struct out_stage *stage = *state;
	char *place = out_channel();

	stage->app.config.feedback = true;
	for (size_t i = 0; i < 3; i++) {
		struct outgoing out = out_answer(place, "Hello");
		struct out_call *call;

		out.part = cases[i].part;
		out.parts = cases[i].parts;
		out.state = cases[i].state;
		slack_send(&stage->workspace, &out, i);
		call = out_expect(stage, "chat.postMessage");
		assert_int_equal(out_arg(call, "/blocks")[0] != '\0', cases[i].asks);
		out_ok(stage, call, POSTED);
	}
	free(place);
}

/* Pitfall 27. */
static void refused_blocks_do_not_cost_the_answer(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	stage->app.config.feedback = true;
	hand(stage, out_channel(), "Hello");
	out_refuse(stage, out_expect(stage, "chat.postMessage"), "invalid_blocks");
	call = out_expect(stage, "chat.postMessage");
	out_arg_is(call, "/blocks", "");
	out_arg_is(call, "/text", "\"Hello\"");
	out_ok(stage, call, POSTED);
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
}

static void each_outcome_is_told_as_what_it_is(void **state)
{
	static const struct {
		enum slack_how how;
		unsigned retry_ms;
		enum sent sent;
	} cases[] = { { SLACK_NOT_SENT, 0, SENT_NOT },
		      { SLACK_MAYBE, 0, SENT_MAYBE },
		      { SLACK_LIMITED, 3000, SENT_LIMITED },
		      { SLACK_AUTH, 0, SENT_AUTH } };
	struct out_stage *stage = *state;

	for (size_t i = 0; i < 4; i++) {
		stage->sents = 0;
		hand(stage, out_channel(), "Hello");
		out_fail(stage, out_expect(stage, "chat.postMessage"), cases[i].how, cases[i].retry_ms);
		out_was_sent(stage, cases[i].sent, NULL);
		assert_int_equal(stage->sent_retry_ms, cases[i].retry_ms);
		out_why_has(stage, "it did not work");
	}
}

/* The outbox asks again after two minutes of silence: two attempts beside each other would say it twice. */
static void an_attempt_that_takes_too_long_goes_on_alone(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_channel();
	struct outgoing out = out_answer(place, "Hello");

	slack_send(&stage->workspace, &out, 7);
	out.unsure = true;
	out.attempt = 2;
	slack_send(&stage->workspace, &out, 8);
	assert_int_equal(out_waiting(stage), 1);
	out_ok(stage, out_expect(stage, "chat.postMessage"), POSTED);
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
	assert_int_equal(stage->sent_ticket, 8);
	assert_int_equal(slack_sends_running(stage->workspace.sends), 0);
	out_expect_none(stage);
	free(place);
}

/* Pitfall 31, and what an operator reads in the dead letters. */
static void refusals_name_cause_and_cure(void **state)
{
	static const struct {
		const char *code, *words;
		enum sent sent;
	} cases[] = { { "channel_not_found", "not a member: invite", SENT_REJECTED },
		      { "not_in_channel", "invite", SENT_REJECTED },
		      { "is_archived", "unarchive", SENT_REJECTED },
		      { "restricted_action_thread_locked", "unlock", SENT_REJECTED },
		      { "messages_tab_disabled", "Messages tab", SENT_REJECTED },
		      { "msg_too_long", "longer", SENT_REJECTED },
		      { "missing_scope", "channels:history", SENT_REJECTED },
		      { "missing_scope", "https://api.slack.com/apps/A1/oauth", SENT_REJECTED },
		      { "something_new", "something_new", SENT_REJECTED },
		      { "message_limit_exceeded", "too many", SENT_LIMITED },
		      { "team_added_to_org", "organisation", SENT_NOT },
		      { "messaging_processing_failed", "failed", SENT_MAYBE } };
	struct out_stage *stage = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stage->sents = 0;
		hand(stage, out_channel(), "Hello");
		out_refuse(stage, out_expect(stage, "chat.postMessage"), cases[i].code);
		out_was_sent(stage, cases[i].sent, NULL);
		out_why_has(stage, cases[i].words);
		assert_int_equal(stage->sent_retry_ms > 0, cases[i].sent == SENT_LIMITED);
	}
}

static void what_can_not_be_sent_is_told_in_a_later_round(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, mem_text("nonsense"), "Hello");
	assert_int_equal(slack_sends_running(stage->workspace.sends), 1);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_REJECTED, NULL);
	stage->sents = 0;
	hand(stage, out_channel(), NULL);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_REJECTED, NULL);
	stage->sents = 0;
	stage->workspace.dead = true;
	hand(stage, out_channel(), "Hello");
	out_pass(stage, 0);
	out_was_sent(stage, SENT_AUTH, NULL);
	out_expect_none(stage);
}

/* ---- what stood for the answer is replaced ------------------------------------------------------------------ */

static void hand_placed(struct out_stage *stage, bool unsure)
{
	char *place = out_channel();
	struct outgoing out = out_answer(place, "Hello");

	out.placeholder = "C1/1799999991.000300";
	out.unsure = unsure;
	slack_send(&stage->workspace, &out, 7);
	free(place);
}

static void the_placeholder_becomes_the_answer(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand_placed(stage, false);
	call = out_expect(stage, "chat.update");
	out_arg_is(call, "/channel", "\"C1\"");
	out_arg_is(call, "/ts", "\"1799999991.000300\"");
	out_arg_is(call, "/text", "\"Hello\"");
	out_arg_is(call, "/blocks", "[]"); /* those of the stream would hide the text */
	out_arg_is(call, "/metadata/event_payload/id", "\"" OUT_UUID "\"");
	out_ok(stage, call, "{\"channel\":\"C1\",\"ts\":\"1799999991.000300\"}");
	out_was_sent(stage, SENT_ACCEPTED, "C1/1799999991.000300");
}

static void an_unsure_update_is_simply_repeated(void **state)
{
	struct out_stage *stage = *state;

	hand_placed(stage, true); /* no reading back either */
	out_fail(stage, out_expect(stage, "chat.update"), SLACK_MAYBE, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	stage->sents = 0;
	hand_placed(stage, true);
	out_refuse(stage, out_expect(stage, "chat.update"), "update_failed");
	out_was_sent(stage, SENT_NOT, NULL);
}

static void an_open_stream_is_closed_first(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand_placed(stage, false);
	out_refuse(stage, out_expect(stage, "chat.update"), "streaming_state_conflict");
	call = out_expect(stage, "chat.stopStream");
	out_arg_is(call, "/ts", "\"1799999991.000300\"");
	out_refuse(stage, call, "message_not_in_streaming_state");
	out_ok(stage, out_expect(stage, "chat.update"), "{\"channel\":\"C1\",\"ts\":\"1799999991.000300\"}");
	out_was_sent(stage, SENT_ACCEPTED, "C1/1799999991.000300");
}

static void a_stream_that_stays_open_is_tried_later(void **state)
{
	struct out_stage *stage = *state;

	hand_placed(stage, false);
	out_refuse(stage, out_expect(stage, "chat.update"), "streaming_state_conflict");
	out_fail(stage, out_expect(stage, "chat.stopStream"), SLACK_LIMITED, 1000);
	out_refuse(stage, out_expect(stage, "chat.update"), "streaming_state_conflict");
	out_was_sent(stage, SENT_LIMITED, NULL);
	assert_true(stage->sent_retry_ms > 0);
}

static void a_deleted_placeholder_does_not_cost_the_answer(void **state)
{
	static const char *const codes[] = { "message_not_found", "cant_update_message",
					     "edit_window_closed" };
	struct out_stage *stage = *state;

	for (size_t i = 0; i < 3; i++) {
		stage->sents = 0;
		hand_placed(stage, false);
		out_refuse(stage, out_expect(stage, "chat.update"), codes[i]);
		out_ok(stage, out_expect(stage, "chat.postMessage"), POSTED);
		out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
	}
}

/* The post that took its place may have arrived in the attempt before. */
static void a_lost_placeholder_and_an_unsure_post_are_read_back(void **state)
{
	struct out_stage *stage = *state;

	hand_placed(stage, true);
	out_refuse(stage, out_expect(stage, "chat.update"), "message_not_found");
	out_pass(stage, SETTLE_MS);
	out_ok(stage, out_expect(stage, "conversations.replies"),
	       "{\"messages\":[{\"ts\":\"1800000000.000400\",\"user\":\"UBOT\",\"metadata\":{\"event_type\":"
	       "\"usher_reply\",\"event_payload\":{\"id\":\"" OUT_UUID "\"}}}]}");
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000000.000400");
	out_expect_none(stage);
}

static void buttons_under_a_placeholder_may_be_refused_too(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	stage->app.config.feedback = true;
	hand_placed(stage, false);
	call = out_expect(stage, "chat.update");
	out_arg_is(call, "/blocks/1/type", "\"context_actions\"");
	out_refuse(stage, call, "invalid_blocks");
	call = out_expect(stage, "chat.update");
	out_arg_is(call, "/blocks", "[]");
	out_ok(stage, call, NULL);
	out_was_sent(stage, SENT_ACCEPTED, NULL);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static char *repeat(const char *line, size_t times)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < times; i++)
		buf_text(&text, line);
	return buf_take(&text);
}

static size_t fences(const char *text)
{
	size_t count = 0;

	while ((text = strstr(text, "```"))) {
		count++;
		text += 3;
	}
	return count;
}

/* Without line ends and fences. */
static char *words_of(const char *text)
{
	struct buf words = { 0 };

	for (; *text; text++)
		if (*text != '\n' && *text != '`')
			buf_add(&words, text, 1);
	return buf_take(&words);
}

/* Every section fits and holds whole code blocks; without the fences nothing is lost. */
static void check_sections(const char *text, size_t least)
{
	json_t *blocks = slack_blocks(text, OUT_UUID, NULL);
	size_t sections = json_array_size(blocks) - 1;
	struct buf all = { 0 };
	char *words, *kept;

	assert_non_null(blocks);
	assert_true(sections >= least);
	for (size_t i = 0; i < sections; i++) {
		const char *part = json_text(json_object_get(json_array_get(blocks, i), "text"), "text");

		assert_true(strlen(part) <= 3000);
		assert_int_equal(fences(part) % 2, 0);
		buf_text(&all, part);
	}
	words = words_of(text);
	kept = words_of(buf_str(&all));
	assert_string_equal(kept, words);
	free(words);
	free(kept);
	buf_free(&all);
	json_decref(blocks);
}

static void sections_fit_and_keep_code_whole(void **state)
{
	char *plain = repeat("a line of words, and more words behind them\n", 85);
	char *code = repeat("int line_of_code = 42; /* some words */\n", 90);
	char *fenced = mem_format("before\n```\n%s```\nafter", code);
	char *edge = repeat("0123456789012345678901234567890123456789012345678\n", 59);
	char *closing = mem_format("```\n%s0123456789012345678901234567890123456789\n```\nafter", edge);

	(void)state;
	check_sections("short", 1);
	check_sections(plain, 2);
	check_sections(fenced, 2);
	check_sections(closing, 1);
	free(plain);
	free(code);
	free(fenced);
	free(edge);
	free(closing);
}

/* A line that can't be cut goes out as text, without buttons. */
static void a_line_too_long_for_a_section_has_no_buttons(void **state)
{
	struct out_stage *stage = *state;
	char *line = repeat("word ", 700);
	struct out_call *call;

	assert_null(slack_blocks(line, OUT_UUID, NULL));
	assert_null(slack_blocks(" \n ", OUT_UUID, NULL));
	stage->app.config.feedback = true;
	hand(stage, out_channel(), line);
	call = out_expect(stage, "chat.postMessage");
	out_arg_is(call, "/blocks", "");
	out_ok(stage, call, POSTED);
	free(line);
}

static void what_still_runs_is_cancelled(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_channel();
	struct outgoing out = out_answer(place, "Hello");

	slack_send(&stage->workspace, &out, 1);
	out.uuid = OUT_ASKED; /* another one */
	out.unsure = true;
	slack_send(&stage->workspace, &out, 2);
	out_pass(stage, SETTLE_MS);
	assert_int_equal(out_waiting(stage), 2);
	free(place); /* teardown destroys and looks */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_answer_goes_into_its_thread),
		TEST(without_a_thread_none_is_named),
		TEST(buttons_ask_about_the_reply),
		TEST(choices_are_buttons),
		TEST(only_the_last_part_of_an_answer_asks),
		TEST(refused_blocks_do_not_cost_the_answer),
		TEST(each_outcome_is_told_as_what_it_is),
		TEST(an_attempt_that_takes_too_long_goes_on_alone),
		TEST(refusals_name_cause_and_cure),
		TEST(what_can_not_be_sent_is_told_in_a_later_round),
		TEST(the_placeholder_becomes_the_answer),
		TEST(an_unsure_update_is_simply_repeated),
		TEST(an_open_stream_is_closed_first),
		TEST(a_stream_that_stays_open_is_tried_later),
		TEST(a_deleted_placeholder_does_not_cost_the_answer),
		TEST(a_lost_placeholder_and_an_unsure_post_are_read_back),
		TEST(buttons_under_a_placeholder_may_be_refused_too),
		TEST(sections_fit_and_keep_code_whole),
		TEST(a_line_too_long_for_a_section_has_no_buttons),
		TEST(what_still_runs_is_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
