/* Answers to commands and shortcuts: who sees them, and which way they go. */
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

#define RESPOND "respond https://hooks.slack.com/commands/1"

static void a_command_is_answered_to_who_gave_it(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand(stage, out_command(false, 1000), "Hello");
	call = out_expect(stage, RESPOND);
	out_arg_is(call, "/response_type", "\"ephemeral\"");
	out_arg_is(call, "/replace_original", "false");
	out_arg_is(call, "/text", "\"Hello\"");
	out_ok(stage, call, NULL);
	out_was_sent(stage, SENT_ACCEPTED, NULL);
}

static void a_late_answer_to_a_command_goes_another_way(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand(stage, out_command(false, 30 * 60000), "Hello");
	call = out_expect(stage, "chat.postEphemeral");
	out_arg_is(call, "/user", "\"U1\"");
	out_ok(stage, call, "{\"message_ts\":\"1800000002.000100\"}");
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000002.000100");
	stage->sents = 0;
	hand(stage, out_command(true, 30 * 60000), "Hello");
	out_ok(stage, out_expect(stage, "chat.postMessage"), POSTED);
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
}

/* A response_url may be used five times. */
static void the_fifth_part_goes_another_way(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_command(false, 1000);

	for (unsigned part = 0; part < 6; part++) {
		struct outgoing out = out_answer(place, "Hello");

		out.part = part;
		out.parts = 6;
		slack_send(&stage->workspace, &out, part);
		out_ok(stage, out_expect(stage, part < 4 ? RESPOND : "chat.postEphemeral"), NULL);
	}
	free(place);
}

static void a_used_up_address_is_left_for_another_way(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_command(false, 1000), "Hello");
	out_refuse(stage, out_expect(stage, RESPOND), "used_url");
	out_ok(stage, out_expect(stage, "chat.postEphemeral"), NULL);
	out_was_sent(stage, SENT_ACCEPTED, NULL);
	stage->sents = 0;
	hand(stage, out_command(true, 1000), "Hello");
	out_refuse(stage, out_expect(stage, RESPOND), "expired_url");
	out_refuse(stage, out_expect(stage, "chat.postMessage"), "channel_not_found");
	out_was_sent(stage, SENT_REJECTED, NULL);
}

/* A shortcut asks about a message in any channel; where we are no member, only who asked sees the answer. */
static void a_shortcut_is_answered_also_where_we_are_no_member(void **state)
{
	static const struct {
		const char *error;
		int64_t ago_ms;
		bool whispered;
	} table[] = {
		{ "not_in_channel", 1000, true },
		{ "channel_not_found", 1000, true },
		{ "is_archived", 1000, false },
		{ "not_in_channel", 30 * 60000, false }, /* the address is too old */
	};
	struct out_stage *stage = *state;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char url[] = "https://hooks.slack.com/commands/1";
		struct slack_place place = { .channel = "C1",
					     .thread = "1799999990.000100",
					     .user = "U1",
					     .ts = "1799999990.000100",
					     .response_url = url,
					     .made_ms = OUT_NOW - table[i].ago_ms };

		stage->sents = 0;
		hand(stage, slack_place_write(&place), "Hello");
		out_refuse(stage, out_expect(stage, "chat.postMessage"), table[i].error);
		if (table[i].whispered)
			out_ok(stage, out_expect(stage, RESPOND), NULL);
		out_was_sent(stage, table[i].whispered ? SENT_ACCEPTED : SENT_REJECTED, NULL);
		stage->sents = 0;
		if (!table[i].whispered)
			continue;
		hand(stage, slack_place_write(&place), "Hello");
		out_refuse(stage, out_expect(stage, "chat.postMessage"), table[i].error);
		out_refuse(stage, out_expect(stage, RESPOND), "used_url"); /* and no other way is left */
		out_was_sent(stage, SENT_REJECTED, NULL);
	}
}

/* What one person sees can't be read back: rather held than twice. */
static void an_unsure_answer_to_a_command_is_held(void **state)
{
	static const enum slack_how hows[] = { SLACK_MAYBE, SLACK_NOT_SENT };
	static const enum sent sents[] = { SENT_UNKNOWN, SENT_NOT };
	struct out_stage *stage = *state;

	for (size_t i = 0; i < 2; i++) {
		stage->sents = 0;
		hand(stage, out_command(false, 1000), "Hello");
		out_fail(stage, out_expect(stage, RESPOND), hows[i], 0);
		out_was_sent(stage, sents[i], NULL);
		stage->sents = 0;
		hand(stage, out_command(false, 30 * 60000), "Hello");
		out_fail(stage, out_expect(stage, "chat.postEphemeral"), hows[i], 0);
		out_was_sent(stage, sents[i], NULL);
	}
}

static void hand_unsure(struct out_stage *stage, char *place)
{
	struct outgoing out = out_answer(place, "Hello");

	stage->sents = 0;
	out.unsure = true;
	slack_send(&stage->workspace, &out, 7);
	free(place);
}

static void after_a_crash_an_answer_to_a_command_is_held(void **state)
{
	struct out_stage *stage = *state;

	hand_unsure(stage, out_command(true, 1000));
	out_pass(stage, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	hand_unsure(stage, out_command(false, 30 * 60000));
	out_pass(stage, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	hand_unsure(stage, out_command(true, 30 * 60000)); /* it was a post: it can be found */
	out_pass(stage, SETTLE_MS);
	out_ok(stage, out_expect(stage, "conversations.history"), "{\"messages\":[]}");
	out_ok(stage, out_expect(stage, "chat.postMessage"), POSTED);
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_command_is_answered_to_who_gave_it),
		TEST(a_late_answer_to_a_command_goes_another_way),
		TEST(the_fifth_part_goes_another_way),
		TEST(a_used_up_address_is_left_for_another_way),
		TEST(a_shortcut_is_answered_also_where_we_are_no_member),
		TEST(an_unsure_answer_to_a_command_is_held),
		TEST(after_a_crash_an_answer_to_a_command_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
