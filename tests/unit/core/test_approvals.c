/* Calls that need a person's yes: what they are asked, what counts as an answer, and what follows from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "approval.h"
#include "house.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
	return house_setup(state, &(struct core_options){ 0 });
}

static const struct ai_approval wanted[] = { { "ACDEFGHJ", "mail__send",
					       "{\"to\":\"bob\",\"text\":\"```\"}" } };

static void test_the_question_stands_below_the_answer(void **state)
{
	struct house *house = *state;
	struct ai_result result = { .text = "I need your yes.",
				    .tool_calls = "[]",
				    .request = "{}",
				    .approvals = wanted,
				    .approval_count = 1 };
	const char *text;

	house_think(house, 1, 5);
	fake_ai_result(house->ai, fake_ai_thought(house->ai, 0), &result);
	text = house_question(house, Q_ANSWER)->text;
	assert_ptr_equal(strstr(text, "I need your yes."), text);
	assert_non_null(strstr(text, "`mail__send`"));
	assert_non_null(strstr(
		text, "````json\n{\"to\":\"bob\",\"text\":\"```\"}\n````")); /* it can't close the fence */
	assert_non_null(strstr(text, "**approve ACDEFGHJ**"));
	assert_non_null(strstr(text, "**deny ACDEFGHJ**"));
	house_answered(house);
}

static char *asked_about(const char *arguments)
{
	struct buf out = { 0 };

	approval_words(&out, &(struct ai_approval){ "ACDEFGHJ", "files__write", arguments }, 1);
	return buf_take(&out);
}

/* A document that fills one argument must not push another one out of sight. */
static void test_nothing_is_pushed_out_of_sight(void **state)
{
	struct buf arguments = { 0 };
	char *text;

	(void)state;
	buf_text(&arguments, "{\"note\":\"begins");
	for (int i = 0; i < 5000; i++)
		buf_text(&arguments, "\u00e4");
	buf_text(&arguments, "ends\",\"list\":[{\"path\":\"/etc/passwd\"}],\"n\":7}");
	text = asked_about(buf_str(&arguments));
	assert_non_null(strstr(text, "\"note\":\"begins"));
	assert_non_null(strstr(text, " bytes are not shown ...] "));
	assert_non_null(strstr(text, "ends\",\"list\":[{\"path\":\"/etc/passwd\"}],\"n\":7}\n```"));
	assert_non_null(strstr(text, "Long texts in it are shown in part (10059 bytes in all)."));
	assert_true(strlen(text) < 4000);
	assert_true(text_valid(text, strlen(text)));
	free(text);
	buf_free(&arguments);
}

static void test_more_than_can_be_shown_is_said(void **state)
{
	struct buf arguments = { 0 };
	char *text;

	(void)state;
	buf_text(&arguments, "{\"a\":[0");
	for (int i = 0; i < 5000; i++)
		buf_text(&arguments, ",1");
	buf_text(&arguments, "]}");
	text = asked_about(buf_str(&arguments));
	assert_non_null(strstr(text, "**There is more of this (10009 bytes in all) than can be shown"));
	free(text);
	buf_free(&arguments);
}

static void test_what_nobody_sees_is_shown(void **state)
{
	char *text = asked_about("{\"path\":\"/srv/\u202efdp.exe\",\"t\":\"a\U000e0041\"}");

	(void)state;
	assert_non_null(strstr(text, "{\"path\":\"/srv/\\u202efdp.exe\",\"t\":\"a\\udb40\\udc41\"}"));
	assert_null(strstr(text, "in part"));
	free(text);
}

static void command(struct house *house, const char *text)
{
	struct store_turn turn = *house_room_turn("one", 1, 5, INCOMING_COMMAND);

	turn.text = text;
	house_begin(house, &turn);
}

static void test_a_yes_begins_with_the_call(void **state)
{
	struct house *house = *state;
	struct question *q;
	struct thought *thought;

	command(house, "approve acde-fghj");
	q = house_question(house, Q_ACT);
	assert_string_equal(q->text, "approval_decide");
	assert_string_equal(q->args, "ACDEFGHJ,ann,approve,1");
	fake_answer_json(
		house->store, q, NULL,
		"{\"tool\":\"mail__send\",\"arguments\":\"{\\\"to\\\":\\\"bob\\\"}\",\"approved\":true}");
	house_recall(house);
	thought = fake_ai_thought(house->ai, 0);
	assert_non_null(thought);
	assert_string_equal(thought->approved, "mail__send {\"to\":\"bob\"}");
	assert_non_null(strstr(thought->prompt, "I approve the call of mail__send"));
	fake_ai_answer(house->ai, thought, "Sent.");
	assert_string_equal(house_question(house, Q_ANSWER)->text, "Sent.");
	house_answered(house);
}

static void test_a_no_ends_it(void **state)
{
	struct house *house = *state;
	struct question *q;

	command(house, "Deny ACDEFGHJ");
	q = house_question(house, Q_ACT);
	assert_string_equal(q->args, "ACDEFGHJ,ann,deny,1");
	fake_answer_json(house->store, q, NULL,
			 "{\"tool\":\"mail__send\",\"arguments\":\"{}\",\"approved\":false}");
	assert_non_null(strstr(house_question(house, Q_ANSWER)->text, "**mail__send** is not done"));
	house_answered(house);
	assert_int_equal(fake_ai_count(house->ai), 0);
}

static void test_what_is_too_late_is_told(void **state)
{
	static const struct err late = { .kind = ERR_REFUSED,
					 .text = "this approval has expired: ask me again" };
	struct house *house = *state;

	command(house, "approve ACDEFGHJ");
	fake_answer_json(house->store, house_question(house, Q_ACT), &late, NULL);
	assert_non_null(strstr(house_question(house, Q_ANSWER)->text, "has expired"));
	house_answered(house);
}

static void test_what_is_an_answer(void **state)
{
	static const char *const no[] = { "approve",
					  "approve this please",
					  "I approve ACDEFGHJ",
					  "approve ACDEFGHJ now",
					  "approved ACDEFGHJ",
					  "deny",
					  "",
					  "approve 12345678" };
	char code[CODE_SIZE];
	bool yes;

	(void)state;
	assert_true(approval_said("approve ACDEFGHJ", &yes, code) && yes);
	assert_string_equal(code, "ACDEFGHJ");
	assert_true(approval_said("  /DENY acdefghj \n", &yes, code) && !yes);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (approval_said(no[i], &yes, code))
			fail_msg("\"%s\" is no answer", no[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_question_stands_below_the_answer, setup,
						house_teardown),
		cmocka_unit_test_setup_teardown(test_a_yes_begins_with_the_call, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_a_no_ends_it, setup, house_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_too_late_is_told, setup, house_teardown),
		cmocka_unit_test(test_nothing_is_pushed_out_of_sight),
		cmocka_unit_test(test_more_than_can_be_shown_is_said),
		cmocka_unit_test(test_what_nobody_sees_is_shown),
		cmocka_unit_test(test_what_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
