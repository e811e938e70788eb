/* Updates as the server writes them, in one checked shape (sheet 5). */
#include "mem.h"
#include "stage_in.h"

#define GROUP  "'chat':{'id':-1001234567890,'type':'supergroup','title':'Team','is_forum':true}"
#define DIRECT "'chat':{'id':5,'type':'private','first_name':'Ann'}"
#define ANN    "'from':{'id':5,'is_bot':false,'first_name':'Ann'}"

/* Decodes; the update lives until the next call. */
static struct telegram_decoded decoded(const char *text)
{
	static json_t *update;
	struct telegram_decoded say;

	json_decref(update);
	update = in_json(text);
	telegram_decode(update, &say);
	if (say.kind <= TELEGRAM_IS_MALFORMED)
		assert_non_null(say.because);
	return say;
}

static void a_text(void **state)
{
	struct telegram_decoded say =
		decoded("{'update_id':1,'message':{'message_id':5,'date':1767323045," DIRECT "," ANN
			",'text':'/start abc','entities':[{'offset':0,'length':6,'type':'bot_command'}]}}");

	(void)state;
	assert_int_equal(say.kind, TELEGRAM_IS_SAID);
	assert_int_equal(say.update_id, 1);
	assert_int_equal(say.chat, 5);
	assert_true(say.is_private);
	assert_int_equal(say.message_id, 5);
	assert_int_equal(say.sender, 5);
	assert_int_equal(say.date_ms, INT64_C(1767323045000));
	assert_string_equal(say.text, "/start abc");
	assert_int_equal(json_array_size(say.entities), 1);
}

/* Pitfall 30. */
static void a_caption_is_a_text(void **state)
{
	struct telegram_decoded say = decoded(
		"{'update_id':1,'message':{'message_id':5,'date':1," DIRECT "," ANN
		",'photo':[{'file_id':'a'}],'caption':'look','caption_entities':[{}],'entities':[]}}");

	(void)state;
	assert_string_equal(say.text, "look");
	assert_int_equal(json_array_size(say.entities), 1);
}

/* Sheet 5.8: the general topic, and threads of replies, have no number that could be sent back. */
static void topics(void **state)
{
	(void)state;
	assert_int_equal(decoded("{'update_id':1,'message':{'message_id':5,'date':1," GROUP "," ANN
				 ",'text':'x','is_topic_message':true,'message_thread_id':42}}")
				 .topic,
			 42);
	assert_int_equal(decoded("{'update_id':1,'message':{'message_id':5,'date':1," GROUP "," ANN
				 ",'text':'x','is_topic_message':true,'message_thread_id':1}}")
				 .topic,
			 0);
	assert_int_equal(decoded("{'update_id':1,'message':{'message_id':5,'date':1," GROUP "," ANN
				 ",'text':'x','message_thread_id':42}}")
				 .topic,
			 0);
}

/* 13.1, fourth row; pitfall 14. */
static void the_reply_that_every_topic_message_is(void **state)
{
	(void)state;
	assert_int_equal(decoded("{'update_id':1,'message':{'message_id':5,'date':1," GROUP "," ANN
				 ",'text':'x','is_topic_message':true,'message_thread_id':42,"
				 "'reply_to_message':{'message_id':42,'from':{'id':777},"
				 "'forum_topic_created':{'name':'t'}}}}")
				 .reply_from,
			 0);
	assert_int_equal(decoded("{'update_id':1,'message':{'message_id':5,'date':1," GROUP "," ANN
				 ",'text':'x','is_topic_message':true,'message_thread_id':42,"
				 "'reply_to_message':{'message_id':42,'from':{'id':777}}}}")
				 .reply_from,
			 0);
	assert_int_equal(decoded("{'update_id':1,'message':{'message_id':5,'date':1," GROUP "," ANN
				 ",'text':'x','is_topic_message':true,'message_thread_id':42,"
				 "'reply_to_message':{'message_id':43,'from':{'id':777}}}}")
				 .reply_from,
			 777);
}

/* Pitfall 17: `from` is made up where a chat speaks, and missing in channels. */
static void who_speaks(void **state)
{
	struct telegram_decoded say =
		decoded("{'update_id':1,'message':{'message_id':5,'date':1," GROUP
			",'from':{'id':1087968824,'is_bot':true,'username':'GroupAnonymousBot'},"
			"'sender_chat':{'id':-1001234567890,'title':'Team'},'text':'x'}}");
	char name[MESSAGE_NAME_MAX + 1];

	(void)state;
	assert_int_equal(say.sender, INT64_C(-1001234567890));
	assert_true(say.by_chat);
	assert_false(say.is_bot);
	assert_true(telegram_name(say.name, name));
	assert_string_equal(name, "Team");
	say = decoded(
		"{'update_id':1,'channel_post':{'message_id':5,'date':1,'chat':{'id':-9,'type':'channel',"
		"'title':'News'},'text':'x'}}");
	assert_int_equal(say.kind, TELEGRAM_IS_SAID);
	assert_true(say.is_channel);
	assert_int_equal(say.sender, -9);
	assert_true(decoded("{'update_id':1,'message':{'message_id':5,'date':1," GROUP
			    ",'from':{'id':6,'is_bot':true},'text':'x'}}")
			    .is_bot);
}

static void edits_have_their_own_time(void **state)
{
	struct telegram_decoded say =
		decoded("{'update_id':1,'edited_message':{'message_id':5,'date':1,'edit_date':7," DIRECT
			"," ANN ",'text':'x'}}");

	(void)state;
	assert_int_equal(say.kind, TELEGRAM_IS_EDITED);
	assert_int_equal(say.date_ms, 7000);
	/* A live location moves by edits. */
	assert_int_equal(
		decoded("{'update_id':1,'edited_message':{'message_id':5,'date':1,'edit_date':7," DIRECT
			"," ANN ",'location':{'latitude':1,'longitude':2}}}")
			.kind,
		TELEGRAM_IS_NOTHING);
}

static void groups_that_move(void **state)
{
	struct telegram_decoded say = decoded(
		"{'update_id':1,'message':{'message_id':5,'date':1,'chat':{'id':-4,'type':'group'}," ANN
		",'migrate_to_chat_id':-1004}}");

	(void)state;
	assert_int_equal(say.kind, TELEGRAM_IS_MOVED);
	assert_int_equal(say.moved_from, -4);
	assert_int_equal(say.moved_to, -1004);
	say = decoded("{'update_id':2,'message':{'message_id':1,'date':1,'chat':{'id':-1004,'type':"
		      "'supergroup'},'migrate_from_chat_id':-4}}");
	assert_int_equal(say.kind, TELEGRAM_IS_MOVED);
	assert_int_equal(say.moved_from, -4);
	assert_int_equal(say.moved_to, -1004);
}

static void membership_is(const char *old, const char *now, bool was_in, bool is_in)
{
	char *text = mem_format("{'update_id':1,'my_chat_member':{" GROUP "," ANN
				",'date':1,'old_chat_member':{%s},'new_chat_member':{%s}}}",
				old, now);
	struct telegram_decoded say = decoded(text);

	assert_int_equal(say.kind, TELEGRAM_IS_MEMBER);
	assert_int_equal(say.was_in, was_in);
	assert_int_equal(say.is_in, is_in);
	free(text);
}

/* Sheet 5.5, each row. */
static void membership(void **state)
{
	(void)state;
	membership_is("'status':'left'", "'status':'member'", false, true);
	membership_is("'status':'kicked'", "'status':'administrator'", false, true);
	membership_is("'status':'member'", "'status':'left'", true, false);
	membership_is("'status':'administrator'", "'status':'kicked'", true, false);
	membership_is("'status':'member'", "'status':'restricted','is_member':false", true, false);
	membership_is("'status':'member'", "'status':'restricted','is_member':true", true, true);
	membership_is("'status':'member'", "'status':'administrator'", true, true);
	assert_int_equal(decoded("{'update_id':1,'my_chat_member':{" GROUP "," ANN "}}").kind,
			 TELEGRAM_IS_MALFORMED);
}

static void buttons(void **state)
{
	struct telegram_decoded say = decoded(
		"{'update_id':1,'callback_query':{'id':'q1'," ANN ",'chat_instance':'x','data':'stop',"
		"'message':{'message_id':9,'date':0," GROUP "}}}"); /* one that is shown no more */

	(void)state;
	assert_int_equal(say.kind, TELEGRAM_IS_PRESSED);
	assert_string_equal(say.button, "q1");
	assert_string_equal(say.data, "stop");
	assert_int_equal(say.message_id, 9);
	assert_int_equal(say.from, 5);
	/* Of an inline message: there is no chat, but somebody waits. */
	say = decoded("{'update_id':1,'callback_query':{'id':'q1'," ANN ",'inline_message_id':'z'}}");
	assert_int_equal(say.kind, TELEGRAM_IS_PRESSED);
	assert_int_equal(say.chat, 0);
}

static void kind_is(const char *text, enum telegram_kind kind)
{
	assert_int_equal(decoded(text).kind, kind);
}

/* What we do not know must not stop anything (sheet 5). */
static void what_is_nothing_for_us(void **state)
{
	(void)state;
	kind_is("{'update_id':1}", TELEGRAM_IS_NOTHING);
	kind_is("{'update_id':1,'widget_query':{'id':'x'}}", TELEGRAM_IS_NOTHING);
	kind_is("{'update_id':1,'message_reaction':{" GROUP ",'message_id':4}}", TELEGRAM_IS_NOTHING);
	kind_is("{'update_id':1,'business_message':{'message_id':5,'date':1," DIRECT "," ANN ",'text':'x'}}",
		TELEGRAM_IS_NOTHING);
	kind_is("{'update_id':1,'message':{'message_id':5,'date':1," GROUP "," ANN
		",'new_chat_members':[{'id':777}]}}",
		TELEGRAM_IS_NOTHING);
	kind_is("{'update_id':1,'message':{'message_id':5,'date':1," GROUP "," ANN ",'pinned_message':{}}}",
		TELEGRAM_IS_NOTHING);
	kind_is("{'update_id':1,'message':{'message_id':0,'date':1," GROUP "," ANN ",'text':'ephemeral'}}",
		TELEGRAM_IS_NOTHING);
	kind_is("{'update_id':1,'message':{'message_id':1,'date':1,'chat':{'id':4,'type':'cave'}," ANN
		",'text':'x'}}",
		TELEGRAM_IS_NOTHING);
	kind_is("{'update_id':1,'stopped_message_generation':{" GROUP ",'draft_id':4}}", TELEGRAM_IS_NOTHING);
}

static void what_lacks_its_parts(void **state)
{
	(void)state;
	kind_is("{}", TELEGRAM_IS_MALFORMED);
	kind_is("[]", TELEGRAM_IS_MALFORMED);
	kind_is("{'update_id':-4}", TELEGRAM_IS_MALFORMED);
	kind_is("{'update_id':'1','message':{}}", TELEGRAM_IS_MALFORMED);
	kind_is("{'update_id':1,'message':'hello'}", TELEGRAM_IS_MALFORMED);
	kind_is("{'update_id':1,'message':{'text':'x'}}", TELEGRAM_IS_MALFORMED);
	kind_is("{'update_id':1,'message':{'message_id':5," GROUP ",'text':'x'}}", TELEGRAM_IS_MALFORMED);
	kind_is("{'update_id':1,'callback_query':{'id':'q'}}", TELEGRAM_IS_MALFORMED);
}

static void the_stop_button(void **state)
{
	struct telegram_decoded say = decoded("{'update_id':1,'stopped_message_generation':{" DIRECT
					      ",'message_thread_id':7,'draft_id':4}}");

	(void)state;
	assert_int_equal(say.kind, TELEGRAM_IS_STOPPED);
	assert_int_equal(say.sender, 5);
	assert_int_equal(say.topic, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text),
		cmocka_unit_test(a_caption_is_a_text),
		cmocka_unit_test(topics),
		cmocka_unit_test(the_reply_that_every_topic_message_is),
		cmocka_unit_test(who_speaks),
		cmocka_unit_test(edits_have_their_own_time),
		cmocka_unit_test(groups_that_move),
		cmocka_unit_test(membership),
		cmocka_unit_test(buttons),
		cmocka_unit_test(what_is_nothing_for_us),
		cmocka_unit_test(what_lacks_its_parts),
		cmocka_unit_test(the_stop_button),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
