/* Messages on their way in: which are for us, under which keys, and when Slack is told "received". */
#include "mem.h"
#include "stage_in.h"

#define ROOT(user, ts, text)                                                                                 \
	"{'type':'message','channel':'C1','channel_type':'channel','user':'" user                            \
	"','team':'T1','text':'" text "','ts':'" ts "'}"
#define REPLY(user, ts, thread, text)                                                                        \
	"{'type':'message','channel':'C1','channel_type':'channel','user':'" user                            \
	"','team':'T1','text':'" text "','ts':'" ts "','thread_ts':'" thread "'}"
#define MENTION(user, ts, text)                                                                              \
	"{'type':'app_mention','channel':'C1','user':'" user "','team':'T1','text':'" text "','ts':'" ts "'" \
	"}"
#define DIRECT(user, ts, more)                                                                               \
	"{'type':'message','channel':'D1','channel_type':'im','user':'" user "','team':'T1','text':'hello'," \
	"'ts':'" ts "'" more "}"

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

static void place_is(const struct in_message *message, const char *thread, const char *ts)
{
	struct slack_place place;

	assert_true(slack_place_read(message->reply_to, &place));
	assert_string_equal(place.thread, thread);
	assert_string_equal(place.ts, ts);
	assert_string_equal(place.user, message->sender);
	slack_place_finish(&place);
}

static void a_mention_is_handed_over(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;
	uint64_t id = in_event(stage, "Ev1", ROOT("U1", "1799999999.000100", "<@UBOT> ask <@U2> &amp; me"));

	assert_int_equal(stage->count, 0); /* names first */
	in_name(stage);
	message = in_only(stage, 0);
	assert_int_equal(stage->oks + stage->laters, 0); /* not before it is stored */
	assert_string_equal(message->delivery, "T1/A1/Ev1");
	assert_string_equal(message->semantic, "T1/C1/1799999999.000100");
	assert_string_equal(message->conversation, "T1/C1/1799999999.000100");
	assert_string_equal(message->sender, "U1");
	assert_string_equal(message->sender_name, "Name of U1");
	assert_string_equal(message->text, "ask @Name of U2 & me");
	assert_int_equal(message->sent_ms, INT64_C(1799999999000));
	assert_int_equal(message->flags, INCOMING_VOUCHED);
	assert_string_equal(message->scope, "C1/1799999999.000100");
	assert_string_equal(message->cursor, "1799999999.000100");
	place_is(message, "1799999999.000100", "1799999999.000100");
	in_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->oks, 1);
	assert_int_equal(stage->acked_id, id);
	assert_int_equal(stage->works, 1);
	assert_string_equal(stage->work_title, "ask @Name of U2 & me");
}

/* Both events of a mention, in either order, are one message (7.3); and the one that is not for us by its own words does
 * not make the other one "seen" (pitfall 8). */
static void twins_have_one_key(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", ROOT("U1", "1799999999.000100", "<@UBOT> hi"));
	in_event(stage, "Ev2", MENTION("U1", "1799999999.000100", "<@UBOT> hi"));
	in_name(stage);
	assert_int_equal(stage->count, 2);
	assert_string_equal(stage->messages[0].semantic, stage->messages[1].semantic);
	assert_string_equal(stage->messages[0].conversation, stage->messages[1].conversation);
	assert_string_not_equal(stage->messages[0].delivery, stage->messages[1].delivery);
	in_ack(stage, 0, ACK_STORED);
	in_ack(stage, 1, ACK_BEFORE);
	assert_int_equal(stage->oks, 2);
	assert_int_equal(stage->works, 1);

	in_event(stage, "Ev3", ROOT("U1", "1799999999.000200", "hi")); /* its mention is not in the text */
	assert_int_equal(stage->count, 2);
	assert_int_equal(stage->oks, 3);
	in_event(stage, "Ev4", MENTION("U1", "1799999999.000200", "hi"));
	assert_int_equal(stage->count, 3);
}

static void what_is_not_said_to_us_is_not_stored(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", ROOT("U1", "1799999999.000100", "lunch?"));
	assert_int_equal(stage->count, 0);
	assert_int_equal(stage->oks, 1);
	out_expect_none(stage->out); /* and nobody is looked up for it */
}

static void replies_count_where_we_take_part(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	slack_catch_up_begin(stage->workspace);
	in_event(stage, "Ev1", REPLY("U1", "1799999999.000200", "1799999999.000100", "and then?"));
	in_name(stage);
	message = in_only(stage, 0);
	assert_true(message->flags & INCOMING_IF_PLACE);
	assert_false(message->flags & INCOMING_JOINED);
	assert_string_equal(message->conversation, "T1/C1/1799999999.000100");
	assert_null(message->scope); /* nothing is kept of threads that are not ours */
	place_is(message, "1799999999.000100", "1799999999.000200"); /* never a reply's own ts */
	in_ack(stage, 0, ACK_NOT_ADDRESSED);
	assert_int_equal(stage->oks, 1);
	assert_int_equal(stage->works, 0);

	in_event(stage, "Ev2", REPLY("U1", "1799999999.000300", "1799999999.000100", "<@UBOT> help us"));
	message = in_only(stage, 1);
	assert_true(message->flags & INCOMING_JOINED);
	assert_false(message->flags & INCOMING_IF_PLACE);
	assert_string_equal(message->scope, "C1/1799999999.000100");
	assert_string_equal(message->cursor, "1799999999.000300");
	in_ack(stage, 1, ACK_STORED);
	in_event(stage, "Ev3", REPLY("U1", "1799999999.000400", "1799999999.000100", "thanks"));
	assert_string_equal(in_only(stage, 2)->cursor, "1799999999.000400"); /* now it is ours */
}

static void direct_messages_by_the_rule(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_event(stage, "Ev1", DIRECT("U1", "1799999999.000100", ""));
	in_name(stage);
	message = in_only(stage, 0);
	assert_string_equal(message->conversation, "T1/D1/1799999999.000100");
	place_is(message, "1799999999.000100", "1799999999.000100");
	stage->app->config.direct = SLACK_DIRECT_CHANNEL;
	in_event(stage, "Ev2", DIRECT("U1", "1799999999.000200", ""));
	message = in_only(stage, 1);
	assert_string_equal(message->conversation, "T1/D1");
	assert_string_equal(message->scope, "D1");
	place_is(message, "", "1799999999.000200");
	/* The assistant pane writes in threads: answered there, still one conversation. */
	in_event(stage, "Ev3", DIRECT("U1", "1799999999.000300", ",'thread_ts':'1799999999.000200'"));
	message = in_only(stage, 2);
	assert_string_equal(message->conversation, "T1/D1");
	place_is(message, "1799999999.000200", "1799999999.000300");
}

static void own_messages_are_dropped(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", DIRECT("UBOT", "1799999999.000100", ""));
	in_event(stage, "Ev2", DIRECT("U9", "1799999999.000200", ",'bot_id':'B1'"));
	in_event(stage, "Ev3", DIRECT("U9", "1799999999.000300", ",'app_id':'A1'"));
	in_event(stage, "Ev4", DIRECT("U9", "1799999999.000400", ",'bot_profile':{'app_id':'A1'}"));
	stage->app->config.bots = true;
	in_event(stage, "Ev5", DIRECT("UBOT", "1799999999.000500", ",'bot_id':'B1'"));
	assert_int_equal(stage->count, 0);
	assert_int_equal(stage->oks, 5);
}

static void bot_says(struct in_stage *stage, unsigned number)
{
	char *id = mem_format("EvB%u", number);
	char *event =
		mem_format("{'type':'message','channel':'C1','user':'U7','bot_id':'B7','team':'T1','text':"
			   "'<@UBOT> go','ts':'1799999999.%06u','thread_ts':'1799999999.000001'}",
			   100 + number);

	in_event(stage, id, event);
	in_event(stage, id, event); /* delivered twice: counts once */
	free(event);
	free(id);
}

static void two_bots_do_not_talk_for_ever(void **state)
{
	struct in_stage *stage = *state;

	bot_says(stage, 1);
	assert_int_equal(stage->count, 0); /* off */
	stage->app->config.bots = true;
	for (unsigned i = 2; i < 2 + SLACK_BOT_TURNS_MAX + 3; i++)
		bot_says(stage, i);
	in_name(stage);
	assert_int_equal(stage->count, 2 * SLACK_BOT_TURNS_MAX);
	in_event(stage, "Ev1",
		 REPLY("U1", "1799999999.000900", "1799999999.000001", "stop it")); /* a person */
	in_name(stage);
	bot_says(stage, 90);
	assert_int_equal(stage->count, 2 * SLACK_BOT_TURNS_MAX + 1 + 2);
}

static void edits_and_deletions_name_their_target(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_event(stage, "Ev1",
		 "{'type':'message','subtype':'message_changed','channel':'C1','message':{'user':'U1','team':"
		 "'T1',"
		 "'text':'<@UBOT> "
		 "b','ts':'1799999999.000100','edited':{'user':'U1','ts':'1799999999.000900'}},"
		 "'previous_message':{'text':'<@UBOT> a','ts':'1799999999.000100'}}");
	in_name(stage);
	message = in_only(stage, 0);
	assert_int_equal(message->kind, INCOMING_EDITED);
	assert_string_equal(message->target, "T1/C1/1799999999.000100");
	assert_string_not_equal(message->semantic, message->target);
	assert_string_equal(message->text, "b");
	assert_string_equal(message->conversation, "T1/C1/1799999999.000100");
	assert_false(message->flags & INCOMING_IF_PLACE); /* its author may still wait to be let in */
	assert_null(message->scope);
	in_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->works, 0);

	in_event(stage, "Ev2",
		 "{'type':'message','subtype':'message_deleted','channel':'C1','deleted_ts':'1799999999."
		 "000100',"
		 "'previous_message':{'user':'U1','text':'a','ts':'1799999999.000100'}}");
	message = in_only(stage, 1);
	assert_true(message->flags & INCOMING_IF_PLACE); /* others' talk is not stored */
	assert_int_equal(message->kind, INCOMING_DELETED);
	assert_string_equal(message->target, "T1/C1/1799999999.000100");
	/* Our own answer was deleted, or edited by us: none of it comes back as news (pitfall 24). */
	in_event(stage, "Ev3",
		 "{'type':'message','subtype':'message_deleted','channel':'C1','deleted_ts':'1799999999."
		 "000300',"
		 "'previous_message':{'user':'UBOT','bot_id':'B1','text':'a','ts':'1799999999.000300'}}");
	in_event(
		stage, "Ev4",
		"{'type':'message','subtype':'message_changed','channel':'C1','message':{'user':'UBOT','bot_"
		"id':"
		"'B1','text':'b','ts':'1799999999.000300','edited':{'user':'UBOT','ts':'1799999999.000900'}},"
		"'previous_message':{'text':'a'}}");
	assert_int_equal(stage->count, 2);
}

/* The same gesture came again some 40 s later with another ts (durability.md 2.3). */
static void a_phantom_has_the_first_ones_key(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", DIRECT("U1", "1799999999.000100", ",'client_msg_id':'c-1'"));
	in_name(stage);
	out_pass(stage->out, 39000);
	in_event(stage, "Ev2", DIRECT("U1", "1800000038.000100", ",'client_msg_id':'c-1'"));
	in_event(stage, "Ev3", DIRECT("U1", "1800000038.000200", ",'client_msg_id':'c-2'"));
	assert_int_equal(stage->count, 3);
	assert_string_equal(stage->messages[1].semantic, stage->messages[0].semantic);
	assert_string_not_equal(stage->messages[2].semantic, stage->messages[0].semantic);
	out_pass(stage->out, 11 * 60 * 1000);
	in_event(stage, "Ev4", DIRECT("U1", "1800000700.000100", ",'client_msg_id':'c-1'"));
	assert_string_equal(stage->messages[3].semantic, "T1/D1/1800000700.000100");
}

static void membership_lets_in(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", DIRECT("U1", "1799999999.000100", ""));
	in_name(stage);
	assert_true(stage->messages[0].flags & INCOMING_VOUCHED);
	in_event(stage, "Ev2", DIRECT("U1", "1799999999.000200", ",'user_team':'T9'")); /* another company */
	assert_false(stage->messages[1].flags & INCOMING_VOUCHED);
	in_event(stage, "Ev3", DIRECT("U5", "1799999999.000300", ""));
	out_ok(stage->out, out_expect(stage->out, "users.info"),
	       "{\"user\":{\"name\":\"x\",\"is_restricted\":true}}"); /* a guest */
	assert_false(stage->messages[2].flags & INCOMING_VOUCHED);
	in_event(stage, "Ev4", DIRECT("U6", "1799999999.000400", ""));
	out_ok(stage->out, out_expect(stage->out, "users.info"), "{\"user\":{\"is_stranger\":true}}");
	assert_false(stage->messages[3].flags & INCOMING_VOUCHED);
	in_event(stage, "Ev5", DIRECT("U8", "1799999999.000500", ""));
	out_refuse(stage->out, out_expect(stage->out, "users.info"), "missing_scope");
	assert_true(stage->messages[4].flags & INCOMING_VOUCHED); /* the event's own word */
	stage->app->config.members = SLACK_MEMBERS_ASK;
	in_event(stage, "Ev6", DIRECT("U1", "1799999999.000600", ""));
	assert_false(stage->messages[5].flags & INCOMING_VOUCHED);
}

/* Whoever speaks for the first time sees at once that they were heard, if they will be answered. */
static void newcomers_see_a_sign_too(void **state)
{
	struct in_stage *stage = *state;

	stage->newcomer = true;
	in_event(stage, "Ev1", DIRECT("U1", "1799999999.000100", ""));
	in_name(stage);
	in_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->works, 1);
	stage->app->config.members = SLACK_MEMBERS_ASK; /* they may be refused */
	in_event(stage, "Ev2", DIRECT("U1", "1799999999.000200", ""));
	in_ack(stage, 1, ACK_STORED);
	assert_int_equal(stage->works, 1);
}

static void order_is_kept_while_one_waits(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", DIRECT("U1", "1799999999.000100", ""));
	in_name(stage);
	in_event(stage, "Ev2", DIRECT("U2", "1799999999.000200", "")); /* unknown: waits */
	in_event(stage, "Ev3", DIRECT("U1", "1799999999.000300", "")); /* known, but behind it */
	in_event(stage, "Ev4", ROOT("U1", "1799999999.000400", "<@UBOT> other place"));
	assert_int_equal(stage->count, 2);
	assert_string_equal(stage->messages[1].delivery, "T1/A1/Ev4");
	assert_int_equal(slack_inbound_owed(stage->app->inbound), 4);
	out_pass(stage->out, 700);
	assert_int_equal(stage->count, 2);
	out_pass(stage->out, 200); /* nobody waits longer: the id will do */
	assert_int_equal(stage->count, 4);
	assert_string_equal(stage->messages[2].delivery, "T1/A1/Ev2");
	assert_null(stage->messages[2].sender_name);
	assert_string_equal(stage->messages[3].delivery, "T1/A1/Ev3");
	in_name(stage); /* the next one has it */
	in_event(stage, "Ev5", DIRECT("U2", "1799999999.000500", ""));
	assert_string_equal(stage->messages[4].sender_name, "Name of U2");
}

static void slack_is_told_by_what_became_of_it(void **state)
{
	static const struct {
		enum ack_how how;
		bool later;
	} table[] = {
		{ ACK_STORED, false },	 { ACK_BEFORE, false },	       { ACK_CONFLICT, false },
		{ ACK_INVALID, false },	 { ACK_NOT_ADDRESSED, false }, { ACK_ARCHIVED, false },
		{ ACK_DISABLED, false }, { ACK_BUSY, true },	       { ACK_FAILED, true },
	};
	struct in_stage *stage = *state;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unsigned oks = stage->oks, laters = stage->laters;
		uint64_t id = in_event(stage, "Ev1", DIRECT("U1", "1799999999.000100", ""));

		in_name(stage);
		in_ack(stage, i, table[i].how);
		assert_int_equal(stage->acked_id, id);
		assert_int_equal(stage->oks - oks, !table[i].later);
		assert_int_equal(stage->laters - laters, table[i].later);
		in_ack(stage, i, table[i].how); /* once only */
		assert_int_equal(stage->oks + stage->laters, i + 1);
	}
	assert_int_equal(stage->retry_ms, 1500);
	assert_int_equal(slack_inbound_owed(stage->app->inbound), 0);
	assert_true(stage->out->settles >= 9);
}

/* One token for all workspaces of an organisation (pitfall 16). */
static void organisations_have_no_team(void **state)
{
	struct in_stage *stage = *state;
	struct platform *workspace = stage->workspace;
	const struct in_message *message;

	HASH_DEL(stage->app->workspaces, workspace);
	free(workspace->key);
	free(workspace->team_id);
	workspace->key = mem_text("E1");
	workspace->enterprise_id = mem_text("E1");
	workspace->team_id = NULL;
	workspace->org = true;
	HASH_ADD_KEYPTR(hh, stage->app->workspaces, workspace->key, strlen(workspace->key), workspace);
	in_take(stage, SLACK_EVENT,
		"{'type':'event_callback','api_app_id':'A1','team_id':'T5','event_id':'Ev1','authorizations':"
		"[{"
		"'enterprise_id':'E1','team_id':null,'is_enterprise_install':true}],"
		"'event':" DIRECT("U1", "1799999999.000100", "") "}");
	in_name(stage);
	message = in_only(stage, 0);
	assert_string_equal(message->delivery, "E1/A1/Ev1");
	assert_string_equal(message->conversation, "E1/D1/1799999999.000100");
	assert_true(message->flags & INCOMING_VOUCHED);
	/* Taken out of one workspace of several: the others go on. */
	in_take(stage, SLACK_EVENT,
		"{'type':'event_callback','api_app_id':'A1','team_id':'T5','event_id':'Ev2',"
		"'authorizations':[{'enterprise_id':'E1','team_id':'T5'}],"
		"'event':{'type':'app_uninstalled'}}");
	assert_int_equal(stage->removals, 0);
	assert_int_equal(stage->oks, 1);
}

static void files_come_along(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_event(stage, "Ev1",
		 "{'type':'message','subtype':'file_share','channel':'D1','channel_type':'im','user':'U1','"
		 "team':"
		 "'T1','text':'','ts':'1799999999.000100','files':[{'id':'F1','name':'plan.pdf','mimetype':"
		 "'application/pdf','size':10,'url_private_download':'https://files.slack.com/x'},{'id':'F2',"
		 "'mode':'tombstone'}]}");
	in_name(stage);
	message = in_only(stage, 0);
	assert_int_equal(message->file_count, 2);
	assert_string_equal(message->file_url, "https://files.slack.com/x#F1");
	assert_string_equal(message->file_name, "plan.pdf");
	assert_string_equal(message->text, ""); /* the core has words for that */
	in_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->works, 1);
}

static void a_bare_mention_still_calls(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", ROOT("U1", "1799999999.000100", "<@UBOT>"));
	in_name(stage);
	assert_string_equal(in_only(stage, 0)->text, "@Name of UBOT");
	in_event(stage, "Ev2", DIRECT("U1", "1799999999.000200", ",'subtype':'me_message'"));
	assert_int_equal(stage->count, 2);
	in_event(stage, "Ev3",
		 "{'type':'message','channel':'D1','user':'U1','ts':'1799999999.000300','text':' '}");
	assert_int_equal(stage->count, 2); /* nothing at all */
	assert_int_equal(stage->oks, 1);
}

static void long_texts_are_cut_not_lost(void **state)
{
	struct in_stage *stage = *state;
	char *text = mem_alloc(90001), *event;
	const struct in_message *message;

	memset(text, 'x', 90000);
	text[90000] = '\0';
	event = mem_format(
		"{'type':'message','channel':'D1','user':'U1','team':'T1','ts':'1799999999.000100',"
		"'text':'%s'}",
		text);
	in_event(stage, "Ev1", event);
	in_name(stage);
	message = in_only(stage, 0);
	assert_true(strlen(message->text) > 65000);
	assert_non_null(strstr(message->text, "too long"));
	free(event);
	free(text);
}

/* Names that don't come must not fill the memory with what waits for them: Slack keeps it, and sends it again. */
static void what_waits_is_bounded_in_bytes(void **state)
{
	struct in_stage *stage = *state;
	struct slack_from from = { .way = SLACK_FROM_HTTP, .id = 900, .size = 9 << 20 };
	static const char *const ts[] = { "1", "2", "3" };

	for (int i = 0; i < 3; i++) {
		char *json = mem_format(
			"{'type':'event_callback','event_id':'Ev%s','team_id':'T1','api_app_id':'A1',"
			"'event':{'type':'message','channel':'D1','user':'U1','team':'T1',"
			"'ts':'179999999%s.000100','text':'hello'}}",
			ts[i], ts[i]);

		if (i == 2)
			in_name(stage);
		slack_take(stage->app, &from, SLACK_EVENT, in_json(json));
		free(json);
	}
	assert_int_equal(stage->laters, 1); /* the second */
	assert_int_equal(stage->count, 2);
	assert_int_equal(stage->app->inbound->bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_waits_is_bounded_in_bytes),
		TEST(a_mention_is_handed_over),
		TEST(twins_have_one_key),
		TEST(what_is_not_said_to_us_is_not_stored),
		TEST(replies_count_where_we_take_part),
		TEST(direct_messages_by_the_rule),
		TEST(own_messages_are_dropped),
		TEST(two_bots_do_not_talk_for_ever),
		TEST(edits_and_deletions_name_their_target),
		TEST(a_phantom_has_the_first_ones_key),
		TEST(membership_lets_in),
		TEST(newcomers_see_a_sign_too),
		TEST(order_is_kept_while_one_waits),
		TEST(slack_is_told_by_what_became_of_it),
		TEST(organisations_have_no_team),
		TEST(files_come_along),
		TEST(a_bare_mention_still_calls),
		TEST(long_texts_are_cut_not_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
