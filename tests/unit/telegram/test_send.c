/* A final text is said once, whatever happens on its way, and who waits for it is told why it can't be said. */
#include <stdlib.h>

#include "stage_out.h"

#define HTML "<b>yes</b> &amp; no"

static void begin(struct out_stage *stage, const char *reply_to, const char *text)
{
	struct outgoing out = out_answer(reply_to, text);

	telegram_send(&stage->bot, &out, 1);
}

/* "…" is posted as message 50 and on record. */
static void place(struct out_stage *stage)
{
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':50}");
	out_held(stage, ERR_NONE);
}

/* Should we die at any point, either "…" alone stands there, or the text stands in the message that is on record. */
static void test_text_only_in_what_is_on_record(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, out_group(), HTML);
	call = out_expect(stage, "sendMessage");
	out_arg_is(call, "/chat_id", "-100");
	out_arg_is(call, "/text", "'…'");
	out_arg_is(call, "/reply_parameters", "{'message_id':7,'allow_sending_without_reply':true}");
	out_arg_is(call, "/message_thread_id", "");
	out_arg_is(call, "/parse_mode", "");
	assert_true(call->group && !call->droppable);
	assert_int_equal(call->chat, -100);
	out_ok(stage, call, "{'message_id':50}");
	out_expect_none(stage);
	assert_string_equal(stage->hold_remote, "-100/50");
	assert_int_equal(telegram_sends_running(stage->bot.sends), 1);
	out_held(stage, ERR_NONE);
	call = out_expect(stage, "editMessageText");
	out_arg_is(call, "/chat_id", "-100");
	out_arg_is(call, "/message_id", "50");
	out_arg_is(call, "/text", "'<b>yes</b> &amp; no'");
	out_arg_is(call, "/parse_mode", "'HTML'");
	out_arg_is(call, "/link_preview_options", "{'is_disabled':true}");
	assert_int_equal(stage->sents, 0);
	out_ok(stage, call, "{'message_id':50}");
	out_was_sent(stage, SENT_ACCEPTED, "-100/50");
	assert_int_equal(stage->sent_ticket, 1);
	assert_int_equal(telegram_sends_running(stage->bot.sends), 0);
	assert_int_equal(stage->settles, 1);
	out_close(stage);
}

static void test_choices_are_buttons(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_group(), HTML);
	struct out_call *call;

	(void)state;
	out.choices = "[{\"label\":\"Approve\",\"command\":\"approve ABCDEFGH\"},"
		      "{\"label\":\"Deny\",\"command\":\"deny ABCDEFGH\"}]";
	telegram_send(&stage->bot, &out, 1);
	place(stage);
	call = out_expect(stage, "editMessageText");
	out_arg_is(call, "/reply_markup",
		   "{'inline_keyboard':[[{'text':'Approve','callback_data':'say/approve ABCDEFGH'},"
		   "{'text':'Deny','callback_data':'say/deny ABCDEFGH'}]]}");
	out_ok(stage, call, "{'message_id':50}");
	out_was_sent(stage, SENT_ACCEPTED, "-100/50");
	out_close(stage);
}

/* What was decided can't be pressed any more; a text that has no room for that keeps its words. */
static void test_what_asked_says_how_it_ended(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_group(), HTML);
	struct out_call *call;

	(void)state;
	out.settled = true;
	out.remote_id = "-100/50";
	telegram_send(&stage->bot, &out, 1);
	call = out_expect(stage, "editMessageText");
	out_arg_is(call, "/message_id", "50");
	out_arg_is(call, "/reply_markup", "");
	out_refuse(stage, call, TELEGRAM_TOO_LONG, "Bad Request: message is too long");
	call = out_expect(stage, "editMessageReplyMarkup");
	out_arg_is(call, "/message_id", "50");
	out_ok(stage, call, "{'message_id':50}");
	out_was_sent(stage, SENT_ACCEPTED, NULL);
	telegram_send(&stage->bot, &out, 2);
	out_refuse(stage, out_expect(stage, "editMessageText"), TELEGRAM_NO_MESSAGE,
		   "Bad Request: message to edit not found");
	out_was_sent(stage, SENT_REJECTED, NULL);
	out_close(stage);
}

/* Others need not see who pressed a button that is not theirs. */
static void test_who_may_not_press_is_told_alone(void **state)
{
	struct out_stage *stage = out_open();
	struct telegram_place place = { .chat = -100, .group = true, .press = "77" };
	char *reply_to = telegram_place_write(&place);
	struct outgoing out = out_answer(reply_to, "<b>Not</b> yours");
	struct out_call *call;

	(void)state;
	out.reason = MESSAGE_NOT_YOURS;
	telegram_send(&stage->bot, &out, 1);
	call = out_expect(stage, "answerCallbackQuery");
	out_arg_is(call, "/callback_query_id", "'77'");
	out_arg_is(call, "/text", "'Not yours'");
	out_arg_is(call, "/show_alert", "true");
	out_refuse(stage, call, TELEGRAM_BAD_MARKUP, "Bad Request: query is too old");
	out_was_sent(stage, SENT_ACCEPTED, NULL);
	out_expect_none(stage);
	out_close(stage);
	free(reply_to);
}

static void test_places(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_topic(), HTML);
	struct out_call *call;

	(void)state;
	out.part = 1;
	out.parts = 2;
	telegram_send(&stage->bot, &out, 1);
	call = out_expect(stage, "sendMessage"); /* a later part answers nothing */
	out_arg_is(call, "/message_thread_id", "5");
	out_arg_is(call, "/reply_parameters", "");
	out_fail(stage, call, TELEGRAM_NOT_SENT, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	begin(stage, out_private(), HTML);
	call = out_expect(stage, "sendMessage");
	out_arg_is(call, "/reply_parameters", "");
	assert_false(call->group);
	out_fail(stage, call, TELEGRAM_NOT_SENT, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	begin(stage, out_channel(), HTML);
	call = out_expect(stage, "sendMessage");
	out_arg_is(call, "/reply_parameters", "");
	assert_true(call->group);
	out_fail(stage, call, TELEGRAM_LIMITED, 400000);
	out_was_sent(stage, SENT_LIMITED, NULL);
	assert_int_equal(stage->sent_retry_ms, 400000);
	out_close(stage);
}

/* An attempt after a crash: the message is on record, so nothing is posted. */
static void test_goes_on_where_it_stood(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_group(), HTML);
	struct out_call *call;

	(void)state;
	out.remote_id = "-100/50";
	out.unsure = true;
	telegram_send(&stage->bot, &out, 1);
	call = out_expect(stage, "editMessageText");
	assert_int_equal(stage->holds, 0);
	out_refuse(stage, call, TELEGRAM_NOT_MODIFIED, "message is not modified");
	out_was_sent(stage, SENT_ACCEPTED, "-100/50");
	out_close(stage);
}

/* What stood there while the answer grew takes its text, after it is on record. */
static void test_takes_the_preview(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_group(), HTML);

	(void)state;
	out.placeholder = "-100/40";
	telegram_send(&stage->bot, &out, 1);
	out_expect_none(stage);
	assert_string_equal(stage->hold_remote, "-100/40");
	out_held(stage, ERR_NONE);
	out_arg_is(out_expect(stage, "editMessageText"), "/message_id", "40");
	out_ok(stage, out_expect(stage, "editMessageText"), "true");
	out_was_sent(stage, SENT_ACCEPTED, "-100/40");
	out.placeholder = "-99/40"; /* of a group that moved: another message has this number now */
	telegram_send(&stage->bot, &out, 2);
	out_fail(stage, out_expect(stage, "sendMessage"), TELEGRAM_MAYBE, 0);
	out_was_sent(stage, SENT_MAYBE, NULL);
	out_close(stage);
}

/* Unknown ends: "…" may be there twice, the text may be put in again. */
static void test_lost_answers(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin(stage, out_private(), HTML);
	out_fail(stage, out_expect(stage, "sendMessage"), TELEGRAM_MAYBE, 0);
	out_was_sent(stage, SENT_MAYBE, NULL);
	begin(stage, out_private(), HTML);
	out_ok(stage, out_expect(stage, "sendMessage"), "true"); /* that is no message */
	out_was_sent(stage, SENT_MAYBE, NULL);
	begin(stage, out_private(), HTML);
	place(stage);
	out_fail(stage, out_expect(stage, "editMessageText"), TELEGRAM_MAYBE, 0);
	out_was_sent(stage, SENT_MAYBE, NULL);
	out_close(stage);
}

static void test_hold_fails(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, out_private(), HTML);
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':50}");
	out_held(stage, ERR_AGAIN);
	call = out_expect(stage, "deleteMessage"); /* nobody would know of it */
	out_arg_is(call, "/message_id", "50");
	out_ok(stage, call, "true");
	out_was_sent(stage, SENT_NOT, NULL);
	begin(stage, out_private(), HTML);
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':51}");
	out_held(stage, ERR_GONE); /* it may be on record */
	out_expect_none(stage);
	out_was_sent(stage, SENT_NOT, NULL);
	out_held(stage, ERR_NONE); /* of nobody */
	out_close(stage);
}

static void test_form_refused(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, out_private(), HTML);
	place(stage);
	out_refuse(stage, out_expect(stage, "editMessageText"), TELEGRAM_BAD_MARKUP,
		   "Bad Request: can't parse entities");
	call = out_expect(stage, "editMessageText");
	out_arg_is(call, "/text", "'yes & no'");
	out_arg_is(call, "/parse_mode", "");
	out_refuse(stage, call, TELEGRAM_BAD_MARKUP, "Bad Request: can't parse entities");
	out_was_sent(stage, SENT_REJECTED, NULL);
	out_close(stage);
}

static void test_topic_and_reply_gone(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, out_topic(), HTML);
	out_refuse(stage, out_expect(stage, "sendMessage"), TELEGRAM_NO_TOPIC, "message thread not found");
	call = out_expect(stage, "sendMessage");
	out_arg_is(call, "/message_thread_id", "");
	out_arg_is(call, "/reply_parameters/message_id", "7");
	out_refuse(stage, call, TELEGRAM_NO_REPLY, "message to be replied not found");
	call = out_expect(stage, "sendMessage");
	out_arg_is(call, "/reply_parameters", "");
	out_refuse(stage, call, TELEGRAM_NO_TOPIC, "message thread not found"); /* and still */
	out_was_sent(stage, SENT_REJECTED, NULL);
	out_close(stage);
}

/* A group that became a supergroup is followed, once; its messages are not carried over. */
static void test_moved(void **state)
{
	struct out_stage *stage = out_open();
	struct out_call *call;

	(void)state;
	begin(stage, out_group(), HTML);
	out_refuse(stage, out_expect(stage, "sendMessage"), TELEGRAM_MOVED, "upgraded");
	call = out_expect(stage, "sendMessage");
	out_arg_is(call, "/chat_id", "-1009");
	out_arg_is(call, "/reply_parameters", "");
	assert_int_equal(call->chat, -1009);
	out_refuse(stage, call, TELEGRAM_MOVED, "upgraded");
	out_was_sent(stage, SENT_REJECTED, NULL);
	begin(stage, out_group(), HTML);
	place(stage);
	out_refuse(stage, out_expect(stage, "editMessageText"), TELEGRAM_MOVED, "upgraded");
	out_arg_is(out_expect(stage, "sendMessage"), "/chat_id", "-1009");
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':3}");
	assert_string_equal(stage->hold_remote, "-1009/3");
	out_held(stage, ERR_NONE);
	out_arg_is(out_expect(stage, "editMessageText"), "/chat_id", "-1009");
	out_ok(stage, out_expect(stage, "editMessageText"), "{}");
	out_was_sent(stage, SENT_ACCEPTED, "-1009/3");
	out_close(stage);
}

/* Somebody deletes "…" before the text is in it. */
static void test_deleted_meanwhile(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin(stage, out_private(), HTML);
	for (int i = 0; i < 3; i++) {
		place(stage);
		out_refuse(stage, out_expect(stage, "editMessageText"), TELEGRAM_NO_MESSAGE,
			   "message to edit not found");
	}
	out_expect_none(stage);
	out_was_sent(stage, SENT_NOT, NULL);
	assert_int_equal(stage->holds, 3);
	out_close(stage);
}

static void test_no_way(void **state)
{
	static const struct {
		enum telegram_refusal refusal;
		const char *why, *words;
	} rows[] = {
		{ TELEGRAM_CHAT_GONE, "Forbidden: bot was blocked by the user", "has blocked the bot" },
		{ TELEGRAM_CHAT_GONE, "Forbidden: user is deactivated", "account is deleted" },
		{ TELEGRAM_CHAT_GONE, "Forbidden: bot was kicked from the supergroup chat", "add it again" },
		{ TELEGRAM_CHAT_GONE, "Bad Request: chat not found", "gone" },
		{ TELEGRAM_CHAT_GONE, "Forbidden: bot can't initiate conversation with a user", "Start" },
		{ TELEGRAM_OTHER, "Bad Request: not enough rights to send text messages to the chat",
		  "administrator" },
		{ TELEGRAM_OTHER, "Bad Request: TOPIC_CLOSED", "open it again" },
		{ TELEGRAM_OTHER, "Bad Request: something new", "something new" },
	};
	struct out_stage *stage = out_open();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(stage, out_private(), HTML);
		out_refuse(stage, out_expect(stage, "sendMessage"), rows[i].refusal, rows[i].why);
		out_was_sent(stage, SENT_REJECTED, NULL);
		out_why_has(stage, rows[i].words);
	}
	begin(stage, out_private(), HTML);
	out_fail(stage, out_expect(stage, "sendMessage"), TELEGRAM_AUTH, 0);
	out_was_sent(stage, SENT_AUTH, NULL);
	begin(stage, out_private(), HTML);
	out_refuse(stage, out_expect(stage, "sendMessage"), TELEGRAM_CONFLICT, "Conflict");
	out_was_sent(stage, SENT_NOT, NULL);
	out_close(stage);
}

/* Known without asking; told in a later round. */
static void test_known_at_once(void **state)
{
	struct out_stage *stage = out_open();

	(void)state;
	begin(stage, "nonsense", HTML);
	assert_int_equal(stage->sents, 0);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_REJECTED, NULL);
	begin(stage, NULL, HTML);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_REJECTED, NULL);
	begin(stage, out_private(), NULL);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_REJECTED, NULL);
	stage->bot.disabled = true;
	begin(stage, out_private(), HTML);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	stage->bot.dead = true;
	begin(stage, out_private(), HTML);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_AUTH, NULL);
	out_expect_none(stage);
	out_close(stage);
}

/* The outbox loses patience and hands the same reply over again: two attempts at once would say it twice. */
static void test_one_attempt_at_a_time(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_private(), HTML);

	(void)state;
	telegram_send(&stage->bot, &out, 1);
	telegram_send(&stage->bot, &out, 2);
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':50}");
	assert_int_equal(stage->hold_ticket, 2);
	telegram_send(&stage->bot, &out, 3);
	assert_int_equal(stage->holds, 2);
	assert_int_equal(stage->hold_ticket, 3);
	telegram_held(&stage->bot, 2, &(struct err){ .kind = ERR_GONE });
	assert_int_equal(stage->sents, 0);
	out_held(stage, ERR_NONE);
	telegram_send(&stage->bot, &out, 4);
	out_ok(stage, out_expect(stage, "editMessageText"), "{}");
	out_was_sent(stage, SENT_ACCEPTED, "9/50");
	assert_int_equal(stage->sent_ticket, 4);
	out_expect_none(stage);
	out_close(stage);
}

/* ---- long answers as a file ---------------------------------------------------------------------------------- */

static struct outgoing file_answer(void)
{
	struct outgoing out = out_answer(out_topic(), TELEGRAM_DOCUMENT "# All\n\nof it");

	out.part = 1;
	out.parts = 2;
	return out;
}

static void test_file(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = file_answer();
	struct out_call *call;

	(void)state;
	telegram_send(&stage->bot, &out, 1);
	out_expect_none(stage);
	assert_string_equal(stage->hold_remote, "upload");
	out_held(stage, ERR_NONE);
	call = out_expect(stage, "sendDocument");
	assert_string_equal(call->file, "# All\n\nof it");
	assert_string_equal(call->file_name, "answer.md");
	out_arg_is(call, "/chat_id", "-100");
	out_arg_is(call, "/message_thread_id", "5");
	out_refuse(stage, call, TELEGRAM_NO_TOPIC, "message thread not found");
	call = out_expect(stage, "sendDocument");
	out_arg_is(call, "/message_thread_id", "");
	out_ok(stage, call, "{'message_id':60}");
	out_was_sent(stage, SENT_ACCEPTED, "-100/60");
	out_close(stage);
}

/* A file that may have arrived is not sent again; one that has not is. */
static void test_file_of_unknown_end(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = file_answer();

	(void)state;
	telegram_send(&stage->bot, &out, 1);
	out_held(stage, ERR_NONE);
	out_fail(stage, out_expect(stage, "sendDocument"), TELEGRAM_MAYBE, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);

	out.unsure = true; /* we died, it was under way */
	out.remote_id = "upload";
	telegram_send(&stage->bot, &out, 2);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);

	out.remote_id = NULL; /* we died before */
	telegram_send(&stage->bot, &out, 3);
	out_held(stage, ERR_NONE);
	out_fail(stage, out_expect(stage, "sendDocument"), TELEGRAM_LIMITED, 5000);
	out_was_sent(stage, SENT_LIMITED, "nothing");
	out.remote_id = "nothing"; /* so that this one is sent */
	telegram_send(&stage->bot, &out, 4);
	out_held(stage, ERR_NONE);
	out_ok(stage, out_expect(stage, "sendDocument"), "{'message_id':60}");
	out_was_sent(stage, SENT_ACCEPTED, "-100/60");
	out_close(stage);
}

static void test_destroyed_on_the_way(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = out_answer(out_private(), HTML);

	(void)state;
	telegram_send(&stage->bot, &out, 1);
	out.uuid = "other";
	telegram_send(&stage->bot, &out, 2);
	out_ok(stage, out_expect(stage, "sendMessage"), "{'message_id':50}");
	out.uuid = "third";
	out.reply_to = "";
	telegram_send(&stage->bot, &out, 3);
	assert_int_equal(telegram_sends_running(stage->bot.sends), 3);
	out_close(stage);
}

static void test_remote_ids(void **state)
{
	int64_t chat, message;

	(void)state;
	assert_true(telegram_remote_read("-1001234567890/7", &chat, &message));
	assert_true(chat == INT64_C(-1001234567890) && message == 7);
	assert_false(telegram_remote_read("upload", &chat, &message));
	assert_false(telegram_remote_read("5/", &chat, &message));
	assert_false(telegram_remote_read("5/7x", &chat, &message));
	assert_false(telegram_remote_read("0/7", &chat, &message));
	assert_false(telegram_remote_read("5/-7", &chat, &message));
	assert_false(telegram_remote_read("99999999999999999999/7", &chat, &message));
	assert_false(telegram_remote_read(NULL, &chat, &message));
	assert_true(chat == 0 && message == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_only_in_what_is_on_record),
		cmocka_unit_test(test_choices_are_buttons),
		cmocka_unit_test(test_what_asked_says_how_it_ended),
		cmocka_unit_test(test_who_may_not_press_is_told_alone),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_goes_on_where_it_stood),
		cmocka_unit_test(test_takes_the_preview),
		cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_hold_fails),
		cmocka_unit_test(test_form_refused),
		cmocka_unit_test(test_topic_and_reply_gone),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_deleted_meanwhile),
		cmocka_unit_test(test_no_way),
		cmocka_unit_test(test_known_at_once),
		cmocka_unit_test(test_one_attempt_at_a_time),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_of_unknown_end),
		cmocka_unit_test(test_destroyed_on_the_way),
		cmocka_unit_test(test_remote_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
