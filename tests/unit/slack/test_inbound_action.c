/* Commands, shortcuts, buttons and the events around talking: each is acknowledged, and does what it says once. */
#include "mem.h"
#include "stage_in.h"

#define COMMAND(channel, text, trigger)                                                                      \
	"{'command':'/usher','text':'" text "','team_id':'T1','channel_id':'" channel "','user_id':'U1',"    \
	"'user_name':'ann','api_app_id':'A1','trigger_id':'" trigger "','is_enterprise_install':'false',"    \
	"'response_url':'https://hooks.slack.com/commands/1'}"

static int open_stage(void **state)
{
	*state = in_open();
	return 0;
}

static int close_stage(void **state)
{
	in_close(*state);
	return 0;
}

static const struct in_message *command(struct in_stage *stage, const char *json)
{
	size_t before = stage->count;

	in_take(stage, SLACK_COMMAND, json);
	in_name(stage);
	return in_only(stage, before);
}

static void commands_and_questions_are_told_apart(void **state)
{
	static const struct {
		const char *json, *text;
		bool command, fresh;
	} table[] = {
		{ COMMAND("C1", "help", "t1"), "help", true, false },
		{ COMMAND("C1", "", "t2"), "help", true, false },
		{ COMMAND("C1", "  NEW ", "t3"), "new", true, true },
		{ COMMAND("C1", "usage", "t4"), "usage", true, false },
		{ COMMAND("C1", "link  ab12", "t5"), "link ab12", true, false },
		{ COMMAND("C1", "link", "t6"), "link", true, false },
		{ COMMAND("C1", "Language  pt-BR ", "t9"), "language pt-BR", true, false },
		{ COMMAND("C1", "language", "t10"), "language", true, false },
		{ COMMAND("C1", "language of birds", "t11"), "language of birds", false, false },
		{ COMMAND("C1", "help me write", "t7"), "help me write", false, false },
		{ COMMAND("C1", "what is <https://a.example|this> &amp; that?", "t8"), NULL, false, false },
	};
	struct in_stage *stage = *state;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct in_message *message = command(stage, table[i].json);

		assert_int_equal(message->kind, INCOMING_SAID);
		assert_true(message->flags & INCOMING_ALONE);
		assert_true(message->flags & INCOMING_VOUCHED);
		assert_int_equal(!!(message->flags & INCOMING_COMMAND), table[i].command);
		assert_int_equal(!!(message->flags & INCOMING_NEW), table[i].fresh);
		if (table[i].text)
			assert_string_equal(message->text, table[i].text);
		assert_string_equal(message->conversation, "T1/C1/command/U1");
		assert_null(message->semantic);
		assert_null(message->scope);
	}
}

static void answers_go_to_the_asker(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message = command(stage, COMMAND("C1", "why?", "t1"));
	struct slack_place place;

	assert_true(slack_place_read(message->reply_to, &place));
	assert_string_equal(place.response_url, "https://hooks.slack.com/commands/1");
	assert_true(place.made_ms >= OUT_NOW);
	assert_string_equal(place.thread, "");
	slack_place_finish(&place);
	in_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->oks, 1);
}

/* The other side may send a command twice; the trigger tells one from another. */
static void a_command_has_one_key(void **state)
{
	struct in_stage *stage = *state;

	command(stage, COMMAND("C1", "why?", "t1"));
	command(stage, COMMAND("C1", "why?", "t1"));
	command(stage, COMMAND("C1", "why?", "t2"));
	assert_string_equal(stage->messages[0].delivery, stage->messages[1].delivery);
	assert_string_not_equal(stage->messages[0].delivery, stage->messages[2].delivery);
	assert_true(strncmp(stage->messages[0].delivery, "cmd/", 4) == 0);
}

/* "new" in our direct messages means them; between two other people it must not. */
static void new_in_direct_messages(void **state)
{
	struct in_stage *stage = *state;

	assert_string_equal(command(stage, COMMAND("D1", "new", "t1"))->conversation, "T1/D1/command/U1");
	stage->app->config.direct = SLACK_DIRECT_CHANNEL;
	assert_string_equal(command(stage, COMMAND("D1", "new", "t2"))->conversation, "T1/D1");
	in_take(stage, SLACK_COMMAND, COMMAND("D2", "new", "t3"));
	out_refuse(stage->out, out_expect(stage->out, "conversations.info"), "channel_not_found");
	assert_string_equal(in_only(stage, 2)->conversation, "T1/D2/command/U1");
}

#define SHORTCUT                                                                                             \
	"{'type':'message_action','callback_id':'usher_ask','team':{'id':'T1'},'user':{'id':'U1','name':'"   \
	"ann',"                                                                                              \
	"'team_id':'T1'},'channel':{'id':'C1'},'message_ts':'1799999999.000300','action_ts':'1800000000.5'," \
	"'trigger_id':'t1','response_url':'https://hooks.slack.com/app/"                                     \
	"1','message':{'user':'U2','ts':'1799999999.000300','thread_ts':'1799999999.000100',"                \
	"'text':'one\\ntwo'}}"

static void a_shortcut_asks_about_a_message(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;
	struct slack_place place;

	in_take(stage, SLACK_INTERACTIVE, SHORTCUT);
	in_name(stage);
	message = in_only(stage, 0);
	assert_int_equal(message->kind, INCOMING_SAID);
	assert_string_equal(message->text, "About this message from Name of U2:\n> one\n> two\n");
	assert_string_equal(message->conversation, "T1/C1/1799999999.000100");
	assert_string_equal(message->sender, "U1");
	assert_true(message->flags & INCOMING_JOINED);
	assert_null(message->semantic); /* it is not the message itself */
	assert_true(slack_place_read(message->reply_to, &place));
	assert_string_equal(place.response_url,
			    "https://hooks.slack.com/app/1"); /* for where we are no member */
	assert_false(slack_place_whispers(&place));
	slack_place_finish(&place);
	in_take(stage, SLACK_INTERACTIVE, SHORTCUT);
	assert_string_equal(in_only(stage, 1)->delivery, stage->messages[0].delivery);
	in_take(stage, SLACK_INTERACTIVE, "{'type':'shortcut','team':{'id':'T1'},'user':{'id':'U1'}}");
	assert_int_equal(stage->oks, 1);
}

static void thumbs_are_handed_on(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_take(stage, SLACK_INTERACTIVE,
		"{'type':'block_actions','team':{'id':'T1'},'user':{'id':'U1','team_id':'T1'},'container':{"
		"'message_ts':'1799999999.000400','channel_id':'C1','thread_ts':'1799999999.000100'},'"
		"actions':[{"
		"'action_id':'usher_feedback','type':'feedback_buttons','action_ts':'1800000000.5','value':'"
		"up:" OUT_UUID "'}]}");
	in_name(stage);
	message = in_only(stage, 0);
	assert_int_equal(message->kind, INCOMING_RATED);
	assert_string_equal(message->text, "up");
	assert_string_equal(message->target, OUT_UUID);
	assert_string_equal(message->conversation, "T1/C1/1799999999.000100");
	in_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->works, 0);
	in_take(stage, SLACK_INTERACTIVE,
		"{'type':'block_actions','team':{'id':'T1'},'user':{'id':'U1'},'actions':[{'action_id':'"
		"other'}]}");
	assert_int_equal(stage->count, 1);
	assert_int_equal(stage->oks, 2);
}

/* Said by who pressed, in the thread of the answer; nothing else of a button of that name counts. */
static void choices_are_said(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_take(stage, SLACK_INTERACTIVE,
		"{'type':'block_actions','team':{'id':'T1'},'user':{'id':'U2','team_id':'T1'},'container':{"
		"'message_ts':'1799999999.000400','channel_id':'C1','thread_ts':'1799999999.000100'},'"
		"actions':[{'action_id':'usher_choice:approve ABCDEFGH','type':'button',"
		"'action_ts':'1800000000.5','value':'approve ABCDEFGH'}]}");
	in_name(stage);
	message = in_only(stage, 0);
	assert_int_equal(message->kind, INCOMING_SAID);
	assert_string_equal(message->text, "approve ABCDEFGH");
	assert_string_equal(message->sender, "U2");
	assert_string_equal(message->conversation, "T1/C1/1799999999.000100");
	assert_true(message->flags & INCOMING_COMMAND);
	in_ack(stage, 0, ACK_STORED);
	in_take(stage, SLACK_INTERACTIVE,
		"{'type':'block_actions','team':{'id':'T1'},'user':{'id':'U2'},'container':{"
		"'message_ts':'1799999999.000400','channel_id':'C1'},'actions':[{'action_id':'usher_choice:x'"
		","
		"'action_ts':'1800000000.6','value':''}]}");
	assert_int_equal(stage->count, 1);
}

static void stop_reaches_the_turn_and_the_stream(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_event(stage, "Ev1",
		 "{'type':'agent_session_stopped','channel':'C1','user':'U1','thread_ts':"
		 "'1799999999.000100','streaming_message_ts':['1799999999.000500',7]}");
	in_name(stage);
	message = in_only(stage, 0);
	assert_int_equal(message->kind, INCOMING_STOPPED);
	assert_string_equal(message->conversation, "T1/C1/1799999999.000100");
	assert_int_equal(stage->stops, 1);
	assert_string_equal(stage->stopped_ts, "1799999999.000500");
}

static void opening_the_pane_shows_prompts(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", "{'type':'app_home_opened','user':'U1','channel':'D1','tab':'messages'}");
	assert_int_equal(stage->prompts, 1);
	assert_string_equal(stage->prompt_thread, "");
	in_event(stage, "Ev2",
		 "{'type':'assistant_thread_started','assistant_thread':{'user_id':'U1',"
		 "'channel_id':'D1','thread_ts':'1799999999.000100'}}");
	assert_int_equal(stage->prompts, 2);
	assert_string_equal(stage->prompt_thread, "1799999999.000100");
	in_event(stage, "Ev3", "{'type':'member_joined_channel','user':'UBOT','channel':'C1'}");
	in_event(stage, "Ev4", "{'type':'app_context_changed','user':'U1','channel':'D1'}");
	assert_int_equal(stage->oks, 4);
	assert_int_equal(stage->count, 0);
	out_expect_none(stage->out);
}

static void taken_out_is_acknowledged_by_whoever_sees_to_it(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", "{'type':'tokens_revoked','tokens':{'bot':['UBOT']}}");
	assert_int_equal(stage->removals, 1);
	assert_int_equal(stage->oks, 0);
	out_expect_none(stage->out); /* never calls with the token in hand */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(commands_and_questions_are_told_apart),
		TEST(answers_go_to_the_asker),
		TEST(a_command_has_one_key),
		TEST(new_in_direct_messages),
		TEST(a_shortcut_asks_about_a_message),
		TEST(thumbs_are_handed_on),
		TEST(choices_are_said),
		TEST(stop_reaches_the_turn_and_the_stream),
		TEST(opening_the_pane_shows_prompts),
		TEST(taken_out_is_acknowledged_by_whoever_sees_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
