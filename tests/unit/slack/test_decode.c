/* What Slack's payloads mean. A wrong reading here is a message lost, answered twice, or taken from the wrong person. */
#include "mem.h"
#include "stage_in.h"

static json_t *held; /* decoded strings are borrowed from it */

static struct slack_decoded decode(enum slack_payload type, const char *text)
{
	struct slack_decoded say;

	json_decref(held);
	held = in_json(text);
	slack_decode(type, held, &say);
	return say;
}

#define EVENT(event)                                                                                         \
	decode(SLACK_EVENT, "{'type':'event_callback','team_id':'T1','api_app_id':'A1','event_id':'Ev1',"    \
			    "'event':" event "}")

static void a_plain_message(void **state)
{
	struct slack_decoded say =
		EVENT("{'type':'message','channel':'C1','channel_type':'channel','user':'W1','team':'T9',"
		      "'text':'hi','ts':'1700000000.000100','client_msg_id':'abc-1'}");

	(void)state;
	assert_int_equal(say.kind, SLACK_IS_SAID);
	assert_string_equal(say.user, "W1"); /* users begin with W too */
	assert_string_equal(say.user_team, "T9");
	assert_string_equal(say.ts, "1700000000.000100");
	assert_string_equal(say.client_id, "abc-1");
	assert_null(say.thread);
	assert_false(say.direct || say.bot || say.mention);
}

static void whose_it_is(void **state)
{
	struct slack_decoded say;

	(void)state;
	/* Shared channels: the outer team may be the other company's (sheet 3.3). */
	say = decode(SLACK_EVENT, "{'type':'event_callback','team_id':'T2','event_id':'Ev1','authorizations':"
				  "[{'enterprise_id':null,'team_id':'T1'}],'event':{'type':'x'}}");
	assert_string_equal(say.team, "T1");
	say = decode(SLACK_EVENT, "{'type':'event_callback','team_id':'T2','context_team_id':'T3',"
				  "'event_id':'Ev1','event':{'type':'x'}}");
	assert_string_equal(say.team, "T3");
	/* Organisation-wide: no team at all (pitfall 16). */
	say = decode(SLACK_EVENT, "{'type':'event_callback','team_id':'T2','event_id':'Ev1','authorizations':"
				  "[{'enterprise_id':'E1','team_id':null,'is_enterprise_install':true}],"
				  "'event':{'type':'x'}}");
	assert_string_equal(say.enterprise, "E1");
	assert_null(say.team);
	assert_true(say.org);
	say = decode(SLACK_INTERACTIVE, "{'type':'shortcut','team':null,'enterprise':{'id':'E1'},"
					"'is_enterprise_install':true,'user':{'id':'U1'}}");
	assert_true(say.org);
	assert_string_equal(say.enterprise, "E1");
	assert_int_equal(say.kind, SLACK_IS_NOTHING);
}

static void rate_limits_have_no_event_inside(void **state)
{
	struct slack_decoded say =
		decode(SLACK_EVENT, "{'type':'app_rate_limited','team_id':'T1','minute_rate_limited':1,"
				    "'api_app_id':'A1'}");

	(void)state;
	assert_int_equal(say.kind, SLACK_IS_TOO_MANY);
	assert_string_equal(say.team, "T1");
}

static void subtypes_by_the_list(void **state)
{
	static const struct {
		const char *subtype;
		enum slack_kind kind;
	} table[] = {
		{ "file_share", SLACK_IS_SAID },
		{ "thread_broadcast", SLACK_IS_SAID },
		{ "me_message", SLACK_IS_SAID },
		{ "channel_join", SLACK_IS_NOTHING },
		{ "assistant_app_thread", SLACK_IS_NOTHING },
		{ "message_replied", SLACK_IS_NOTHING },
		{ "something_new", SLACK_IS_NOTHING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *json = mem_format("{'type':'event_callback','event_id':'Ev1','event':{'type':'message',"
					"'channel':'C1','user':'U1','ts':'1.000001','subtype':'%s'}}",
					table[i].subtype);
		struct slack_decoded say = decode(SLACK_EVENT, json);

		assert_int_equal(say.kind, table[i].kind);
		assert_true(say.kind != SLACK_IS_NOTHING || say.because);
		free(json);
	}
}

/* Modern bot posts have no subtype, but a bot_id and a user (pitfall 25). */
static void bots_are_seen_as_bots(void **state)
{
	struct slack_decoded say = EVENT("{'type':'message','channel':'C1','user':'U7','bot_id':'B7',"
					 "'ts':'1.000001','bot_profile':{'app_id':'A7','name':'Seven'}}");

	(void)state;
	assert_true(say.bot);
	assert_string_equal(say.by_app, "A7");
	say = EVENT("{'type':'message','subtype':'bot_message','bot_id':'B7','username':'old',"
		    "'channel':'C1','ts':'1.000001'}");
	assert_int_equal(say.kind, SLACK_IS_SAID);
	assert_true(say.bot);
	assert_null(say.user);
	assert_string_equal(say.user_name, "old");
}

static void slack_itself_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(EVENT("{'type':'message','channel':'D1','user':'USLACKBOT','ts':'1.000001'}").kind,
			 SLACK_IS_NOTHING);
}

static void mentions_without_ts(void **state)
{
	struct slack_decoded say = EVENT("{'type':'app_mention','channel':'C1','user':'U1','text':'x',"
					 "'event_ts':'1700000000.000300'}");

	(void)state;
	assert_int_equal(say.kind, SLACK_IS_SAID);
	assert_true(say.mention);
	assert_string_equal(say.ts, "1700000000.000300");
}

#define CHANGED(now, before)                                                                                 \
	EVENT("{'type':'message','subtype':'message_changed','channel':'C1','channel_type':'channel',"       \
	      "'ts':'9.000009','message':" now ",'previous_message':" before "}")

static void edits_are_other_words_by_a_person(void **state)
{
	struct slack_decoded say;

	(void)state;
	say = CHANGED("{'user':'U1','ts':'1.000001','thread_ts':'1.000001','text':'b',"
		      "'edited':{'user':'U1','ts':'8.000000'}}",
		      "{'user':'U1','ts':'1.000001','text':'a'}");
	assert_int_equal(say.kind, SLACK_IS_EDITED);
	assert_string_equal(say.ts, "1.000001"); /* not the event's own */
	assert_string_equal(say.edit_ts, "8.000000");
	/* A link was unfurled. */
	say = CHANGED("{'user':'U1','ts':'1.000001','text':'a','attachments':[{}]}",
		      "{'user':'U1','ts':'1.000001','text':'a'}");
	assert_int_equal(say.kind, SLACK_IS_NOTHING);
	say = CHANGED(
		"{'user':'U1','ts':'1.000001','text':'a','edited':{'ts':'8.000000'},'attachments':[{}]}",
		"{'user':'U1','ts':'1.000001','text':'a','edited':{'ts':'8.000000'}}");
	assert_int_equal(say.kind, SLACK_IS_NOTHING);
	/* A preview was taken away: edited by its author, with the same words. */
	say = CHANGED(
		"{'user':'U1','ts':'1.000001','text':'a','edited':{'ts':'9.000000'}}",
		"{'user':'U1','ts':'1.000001','text':'a','edited':{'ts':'8.000000'},'attachments':[{}]}");
	assert_int_equal(say.kind, SLACK_IS_NOTHING);
}

static void deletions(void **state)
{
	struct slack_decoded say =
		EVENT("{'type':'message','subtype':'message_deleted','channel':'C1','ts':'9.000009',"
		      "'deleted_ts':'1.000001','previous_message':{'user':'U1','ts':'1.000001',"
		      "'thread_ts':'0.500000','text':'a'}}");

	(void)state;
	assert_int_equal(say.kind, SLACK_IS_DELETED);
	assert_string_equal(say.ts, "1.000001");
	assert_string_equal(say.thread, "0.500000");
	/* A root with replies leaves a tombstone. */
	say = CHANGED("{'user':'USLACKBOT','subtype':'tombstone','ts':'1.000001','text':'gone'}",
		      "{'user':'U1','ts':'1.000001','text':'a'}");
	assert_int_equal(say.kind, SLACK_IS_DELETED);
	assert_string_equal(say.user, "U1");
}

static void revoked_tokens_of_people_are_not_ours(void **state)
{
	(void)state;
	assert_int_equal(EVENT("{'type':'tokens_revoked','tokens':{'oauth':['U1'],'bot':[]}}").kind,
			 SLACK_IS_NOTHING);
	assert_int_equal(EVENT("{'type':'tokens_revoked','tokens':{'bot':['UBOT']}}").kind, SLACK_IS_REMOVED);
	assert_int_equal(EVENT("{'type':'app_uninstalled'}").kind, SLACK_IS_REMOVED);
}

static void only_the_messages_tab_opens_a_talk(void **state)
{
	(void)state;
	assert_int_equal(EVENT("{'type':'app_home_opened','user':'U1','channel':'D1','tab':'home'}").kind,
			 SLACK_IS_NOTHING);
	assert_int_equal(EVENT("{'type':'app_home_opened','user':'U1','channel':'D1','tab':'messages'}").kind,
			 SLACK_IS_OPENED);
}

static void malformed_ones_are_told_apart(void **state)
{
	static const char *const events[] = {
		"[]",
		"{}",
		"{'type':'event_callback'}",
		"{'type':'event_callback','event_id':'Ev1','event':7}",
		"{'type':'event_callback','event':{'type':'message'}}",
		"{'type':'event_callback','event_id':'Ev1','event':{'type':'message','user':'U1'}}",
		"{'type':'event_callback','event_id':'Ev1','event':{'type':'message','channel':'C1',"
		"'user':'U1','ts':1700000000.0001}}", /* a ts is a text */
		"{'type':'event_callback','event_id':'Ev1','event':{'type':'message','channel':'C 1',"
		"'user':'U1','ts':'1.000001'}}",
		"{'type':'event_callback','event_id':'Ev1','event':{'type':'message','channel':'C1',"
		"'ts':'1.000001'}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct slack_decoded say = decode(SLACK_EVENT, events[i]);

		assert_int_equal(say.kind, SLACK_IS_MALFORMED);
		assert_non_null(say.because);
	}
	assert_int_equal(decode(SLACK_COMMAND, "{'user_id':'U1'}").kind, SLACK_IS_MALFORMED);
	assert_int_equal(decode(SLACK_INTERACTIVE, "{}").kind, SLACK_IS_MALFORMED);
	assert_int_equal(decode(SLACK_EVENT, "{'type':'something'}").kind, SLACK_IS_NOTHING);
}

#define CLICK(value)                                                                                         \
	decode(SLACK_INTERACTIVE,                                                                            \
	       "{'type':'block_actions','team':{'id':'T1'},'user':{'id':'U1'},"                              \
	       "'container':{'type':'message','message_ts':'1.000001','channel_id':'C1'},"                   \
	       "'actions':[{'action_id':'usher_feedback','action_ts':'2.000001',"                            \
	       "'value':'" value "'}]}")

static void ratings_are_checked(void **state)
{
	struct slack_decoded say = CLICK("down:" OUT_UUID);

	(void)state;
	assert_int_equal(say.kind, SLACK_IS_RATED);
	assert_string_equal(say.text, "down");
	assert_string_equal(say.target, OUT_UUID);
	assert_string_equal(say.channel, "C1");
	assert_int_equal(CLICK("up").kind, SLACK_IS_MALFORMED);
	assert_int_equal(CLICK("up:anything else").kind, SLACK_IS_MALFORMED);
	assert_int_equal(CLICK("sideways:" OUT_UUID).kind, SLACK_IS_MALFORMED);
}

static char *words(const char *text)
{
	json_t *message = in_json(text);
	char *mrkdwn = slack_message_mrkdwn(message);

	json_decref(message);
	return mrkdwn;
}

static void words_are(const char *json, const char *expected)
{
	char *found = words(json);

	assert_string_equal(found, expected);
	free(found);
}

static void words_of_blocks_when_there_is_no_text(void **state)
{
	(void)state;
	words_are("{'text':'a','blocks':[{'type':'section','text':{'type':'mrkdwn','text':'b'}}]}", "a");
	words_are("{'text':'','blocks':[{'type':'rich_text','elements':[{'type':'rich_text_section',"
		  "'elements':[{'type':'user','user_id':'UBOT'},{'type':'text','text':' 1 < 2 & <!channel>'},"
		  "{'type':'emoji','name':'wave'}]},{'type':'rich_text_list','elements':["
		  "{'type':'rich_text_section','elements':[{'type':'text','text':'one'}]},"
		  "{'type':'rich_text_section','elements':[{'type':'text','text':'two'}]}]},"
		  "{'type':'rich_text_preformatted','elements':[{'type':'text','text':'x = 1;'}]}]}]}",
		  "<@UBOT> 1 &lt; 2 &amp; &lt;!channel&gt;:wave:\n\xe2\x80\xa2 one\n\xe2\x80\xa2 two\n"
		  "```\nx = 1;\n```\n");
	words_are("{'blocks':[{'type':'header','text':{'type':'plain_text','text':'H'}},{'type':'section',"
		  "'text':{'type':'mrkdwn','text':'*b*'},'fields':[{'type':'plain_text','text':'f'}]}]}",
		  "H\n*b*\nf");
	words_are("{'text':'see','attachments':[{'is_share':true,'author_name':'Bo','text':'old words'},"
		  "{'text':'a preview'}]}",
		  "see\n(forwarded from Bo) old words");
}

static void mentions_are_found_where_they_count(void **state)
{
	json_t *in_text = in_json("{'text':'hey <@UBOT|usher>, do it'}");
	json_t *in_blocks = in_json("{'text':'hey','blocks':[{'type':'rich_text','elements':[{'type':"
				    "'rich_text_section','elements':[{'type':'user','user_id':'UBOT'}]}]}]}");
	json_t *other = in_json("{'text':'<@UBOTX> &lt;@UBOT&gt; <@UBOT'}");

	(void)state;
	assert_true(slack_message_mentions(in_text, "UBOT"));
	assert_true(slack_message_mentions(in_blocks, "UBOT"));
	assert_false(slack_message_mentions(other, "UBOT"));
	assert_false(slack_message_mentions(in_text, NULL));
	json_decref(in_text);
	json_decref(in_blocks);
	json_decref(other);
}

static void only_the_leading_mention_goes(void **state)
{
	static const char *const table[][2] = {
		{ "<@UBOT> hi <@UBOT>", "hi <@UBOT>" },
		{ " <@UBOT|x>: hi", "hi" },
		{ "hi <@UBOT>", "hi <@UBOT>" },
		{ "<@UBOT2> hi", "<@UBOT2> hi" },
		{ "<@UBOT>", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *rest = slack_without_mention(table[i][0], "UBOT");

		assert_string_equal(rest, table[i][1]);
		free(rest);
	}
}

static void positions_are_ordered_as_cursors_are(void **state)
{
	(void)state;
	assert_true(slack_ts_after("1700000000.000200", "1700000000.000100"));
	assert_true(slack_ts_after("1700000000.000200", ""));
	assert_true(slack_ts_after("10000000000.000000", "9999999999.999999"));
	assert_false(slack_ts_after("1700000000.000100", "1700000000.000100"));
	assert_int_equal(slack_ts_ms("1700000000.123456"), INT64_C(1700000000123));
	assert_int_equal(slack_ts_ms("x"), 0);
	assert_null(slack_ts_check("1.2.3"));
	assert_null(slack_ts_check(""));
	assert_null(slack_ts_check("-1.000000"));
}

static void files_become_one_line(void **state)
{
	static const struct {
		const char *json, *url, *why;
	} table[] = {
		{ "{'id':'F1','url_private':'https://files.slack.com/a','url_private_download':"
		  "'https://files.slack.com/a/download'}",
		  "https://files.slack.com/a/download", "" },
		{ "{'id':'F1','file_access':'check_file_info'}", "", "check_file_info" },
		{ "{'id':'F1','mode':'tombstone'}", "", "tombstone" },
		{ "{'id':'F1','mode':'hidden_by_limit'}", "", "hidden_by_limit" },
		{ "{'id':'F1','is_external':true,'url_private':'https://elsewhere.example/x'}", "",
		  "external" },
	};
	struct slack_file_ref ref;
	json_t *none = in_json("{'name':'x'}");

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		json_t *file = in_json(table[i].json);
		char *text = slack_file_url(file);

		assert_true(slack_file_ref_read(text, &ref));
		assert_string_equal(ref.id, "F1");
		assert_string_equal(ref.url, table[i].url);
		assert_string_equal(ref.why, table[i].why);
		free(text);
		json_decref(file);
	}
	assert_null(slack_file_url(none));
	assert_false(slack_file_ref_read("https://files.slack.com/a", &ref));
	assert_false(slack_file_ref_read("slack-file:F1", &ref));
	json_decref(none);
}

static int let_go(void **state)
{
	(void)state;
	json_decref(held);
	held = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_message),
		cmocka_unit_test(whose_it_is),
		cmocka_unit_test(rate_limits_have_no_event_inside),
		cmocka_unit_test(subtypes_by_the_list),
		cmocka_unit_test(bots_are_seen_as_bots),
		cmocka_unit_test(slack_itself_says_nothing),
		cmocka_unit_test(mentions_without_ts),
		cmocka_unit_test(edits_are_other_words_by_a_person),
		cmocka_unit_test(deletions),
		cmocka_unit_test(revoked_tokens_of_people_are_not_ours),
		cmocka_unit_test(only_the_messages_tab_opens_a_talk),
		cmocka_unit_test(malformed_ones_are_told_apart),
		cmocka_unit_test(ratings_are_checked),
		cmocka_unit_test(words_of_blocks_when_there_is_no_text),
		cmocka_unit_test(mentions_are_found_where_they_count),
		cmocka_unit_test(only_the_leading_mention_goes),
		cmocka_unit_test(positions_are_ordered_as_cursors_are),
		cmocka_unit_test(files_become_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, let_go);
}
