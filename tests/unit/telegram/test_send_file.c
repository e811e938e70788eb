/* Files that are answers: they come once, where they belong; what Telegram does not take is said with its link. */
#include "stage_out.h"

static struct outgoing_file table = {
	.path = "/w/1", .name = "all sums.csv", .mime = "text/csv", .size = 7, .link = "https://u.example/d/1"
};

static struct outgoing answer(const char *place)
{
	struct outgoing out = out_answer(place, NULL);

	out.file = &table;
	out.part = 1;
	out.parts = 2;
	return out;
}

static void test_goes_into_its_topic(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = answer(out_topic());
	struct out_call *call;

	(void)state;
	telegram_send(&stage->bot, &out, 1);
	assert_string_equal(stage->hold_remote, "upload"); /* before anything can arrive */
	out_expect_none(stage);
	out_held(stage, ERR_NONE);
	call = out_expect(stage, "sendDocument");
	assert_string_equal(call->file_path, "/w/1");
	assert_string_equal(call->file_name, "all sums.csv");
	assert_null(call->file);
	out_arg_is(call, "/chat_id", "-100");
	out_arg_is(call, "/message_thread_id", "5");
	out_arg_is(call, "/caption", "");
	out_ok(stage, call, "{'message_id':60}");
	out_was_sent(stage, SENT_ACCEPTED, "-100/60");
	out_close(stage);
}

/* What may have arrived is not sent again; what has not, is. */
static void test_is_never_sent_twice(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = answer(out_private());

	(void)state;
	telegram_send(&stage->bot, &out, 1);
	out_held(stage, ERR_NONE);
	out_fail(stage, out_expect(stage, "sendDocument"), TELEGRAM_LIMITED, 5000);
	out_was_sent(stage, SENT_LIMITED, "nothing");
	out.remote_id = "nothing";
	telegram_send(&stage->bot, &out, 2);
	out_held(stage, ERR_NONE);
	out_fail(stage, out_expect(stage, "sendDocument"), TELEGRAM_MAYBE, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	out.remote_id = "upload"; /* killed while it was under way */
	out.unsure = true;
	telegram_send(&stage->bot, &out, 3);
	out_pass(stage, 0);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	out_expect_none(stage);
	out_close(stage);
}

static void link_follows(struct out_stage *stage)
{
	struct out_call *call = out_expect(stage, "sendMessage");

	out_ok(stage, call, "{'message_id':61}");
	assert_string_equal(stage->hold_remote, "9/61");
	out_held(stage, ERR_NONE);
	call = out_expect(stage, "editMessageText");
	assert_non_null(strstr(json_text(call->args, "text"), "https://u.example/d/1"));
	assert_non_null(strstr(json_text(call->args, "text"), "all sums.csv"));
	out_ok(stage, call, "{'message_id':61}");
	out_was_sent(stage, SENT_ACCEPTED, "9/61");
}

static void test_too_large_is_a_link(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = answer(out_private());

	(void)state;
	table.size = TELEGRAM_SEND_MAX + 1;
	telegram_send(&stage->bot, &out, 1);
	link_follows(stage);
	stage->bot.config.local_files = true; /* a server of one's own takes more */
	telegram_send(&stage->bot, &out, 2);
	out_held(stage, ERR_NONE);
	out_ok(stage, out_expect(stage, "sendDocument"), "{'message_id':62}");
	out_was_sent(stage, SENT_ACCEPTED, "9/62");
	table.size = 7;
	out_close(stage);
}

static void test_refused_is_a_link(void **state)
{
	struct out_stage *stage = out_open();
	struct outgoing out = answer(out_private());

	(void)state;
	telegram_send(&stage->bot, &out, 1);
	out_held(stage, ERR_NONE);
	out_refuse(stage, out_expect(stage, "sendDocument"), TELEGRAM_FILE, "Request Entity Too Large");
	link_follows(stage);
	out.remote_id = "9/61"; /* killed between the two: the link goes into the same message */
	out.unsure = true;
	telegram_send(&stage->bot, &out, 2);
	out_ok(stage, out_expect(stage, "editMessageText"), "{'message_id':61}");
	out_was_sent(stage, SENT_ACCEPTED, "9/61");
	out_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_into_its_topic),
		cmocka_unit_test(test_is_never_sent_twice),
		cmocka_unit_test(test_too_large_is_a_link),
		cmocka_unit_test(test_refused_is_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
