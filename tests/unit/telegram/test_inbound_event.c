/* Buttons, the stop button, groups that move, and groups that take us in or put us out (sheet 5.5, 6.10, 10). */
#include "mem.h"
#include "stage_in.h"

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

static void press(struct in_stage *stage, unsigned number, const char *data)
{
	char *what =
		mem_format("'callback_query':{'id':'q%u','from':{'id':6,'first_name':'Bob'},'message':{"
			   "'message_id':50,'date':0,'chat':{'id':-100,'type':'supergroup'}},'data':'%s'}",
			   number, data);

	in_take(stage, number, what);
	free(what);
}

static void button_is_answered(struct in_stage *stage, const char *text)
{
	struct in_call *call = in_called(stage, "answerCallbackQuery");

	assert_non_null(json_text(call->args, "callback_query_id"));
	assert_int_equal(json_text(call->args, "text") != NULL, text != NULL);
	if (text)
		assert_string_equal(json_text(call->args, "text"), text);
	in_answer(stage, call,
		  &(struct telegram_answer){ .how = TELEGRAM_REFUSED, .why = "query is too old" });
}

static void our_buttons(void **state)
{
	struct in_stage *stage = *state;

	press(stage, 1, "say/approve ABCDEFGH"); /* a choice under an answer: said by who pressed */
	assert_int_equal(in_only(stage, 0)->kind, INCOMING_SAID);
	assert_string_equal(stage->messages[0].text, "approve ABCDEFGH");
	assert_int_equal(stage->messages[0].flags, INCOMING_COMMAND | INCOMING_ALONE);
	assert_string_equal(stage->messages[0].sender, "6"); /* who pressed, not who is answered */
	assert_string_equal(stage->messages[0].conversation, "-100");
	assert_non_null(
		strstr(stage->messages[0].reply_to, "\"press\":")); /* for what only that person is told */
	in_ack(stage, 0, ACK_STORED);
	in_was(stage, 1, TELEGRAM_TAKEN);
	in_pass(stage, 5000); /* an answer that takes longer does not let the button turn */
	button_is_answered(stage, NULL);
	assert_int_equal(stage->works, 0);
}

/* Data is the sender's to choose: what is not in the table does nothing, and nobody waits for it. */
static void forged_buttons_do_nothing(void **state)
{
	struct in_stage *stage = *state;
	static const char *const forged[] = { "link ABCD", "say/", "say", "", "Say/new", "usage;new" };

	for (unsigned i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		press(stage, i + 1, forged[i]);
		button_is_answered(stage, "This button does nothing any more.");
		in_dropped(stage, 0, i + 1);
	}
	in_take(stage, 20,
		"'callback_query':{'id':'q','from':{'id':6},'inline_message_id':'x','data':'say/new'}");
	button_is_answered(stage, "This button does nothing any more.");
	in_dropped(stage, 0, 20);
	stage->bot.config.groups = TELEGRAM_NEVER;
	press(stage, 21, "say/new");
	button_is_answered(stage, NULL);
	in_dropped(stage, 0, 21);
}

static void the_stop_of_a_growing_answer(void **state)
{
	struct in_stage *stage = *state;

	in_take(stage, 1, "'stopped_message_generation':{'chat':{'id':5,'type':'private'},'draft_id':3}");
	assert_int_equal(in_only(stage, 0)->kind, INCOMING_STOPPED);
	assert_string_equal(stage->messages[0].sender, "5");
	assert_string_equal(stage->messages[0].conversation, "5");
	assert_int_equal(stage->messages[0].flags, INCOMING_IF_PLACE);
}

static void member(struct in_stage *stage, unsigned number, const char *type, const char *old,
		   const char *now)
{
	char *what =
		mem_format("'my_chat_member':{'chat':{'id':%s,'type':'%s','title':'Team'},'from':{'id':5,"
			   "'first_name':'Ann'},'date':1,'old_chat_member':{'status':'%s'},"
			   "'new_chat_member':{'status':'%s'}}",
			   strcmp(type, "private") == 0 ? "5" : "-100", type, old, now);

	in_take(stage, number, what);
	free(what);
}

static void noted(struct in_stage *stage, enum err_kind kind)
{
	telegram_installed(&stage->bot, stage->install_ticket, &(struct err){ .kind = kind, .text = "why" },
			   kind ? NULL : "bot/-100");
	in_pass(stage, 0);
}

static void groups_that_take_us_in(void **state)
{
	struct in_stage *stage = *state;

	member(stage, 1, "supergroup", "left", "member");
	in_pass(stage, 0);
	in_waits(stage, 1); /* not passed before it is on record */
	assert_int_equal(stage->installs, 1);
	assert_string_equal(stage->install_key, "-100");
	assert_string_equal(stage->install_title, "Team");
	assert_string_equal(stage->install_settings,
			    "{\"type\":\"supergroup\",\"added_by\":\"5\",\"added_by_name\":\"Ann\"}");
	noted(stage, ERR_AGAIN);
	in_was(stage, 1, TELEGRAM_LATER);
	member(stage, 1, "supergroup", "left", "member");
	noted(stage, ERR_NONE);
	assert_int_equal(stage->how[1], TELEGRAM_TAKEN);
	member(stage, 2, "supergroup", "member", "administrator");
	in_dropped(stage, 0, 2);
	assert_int_equal(stage->installs, 2);
	member(stage, 3, "supergroup", "administrator", "kicked");
	in_dropped(stage, 0, 3);
	assert_string_equal(stage->removed_key, "-100");
	member(stage, 4, "channel", "left", "administrator");
	noted(stage, ERR_REFUSED); /* can't be kept: said in the log, not asked for ever */
	in_was(stage, 4, TELEGRAM_TAKEN);
}

static void people_who_block_us_are_no_installation(void **state)
{
	struct in_stage *stage = *state;

	member(stage, 1, "private", "member", "kicked");
	in_dropped(stage, 0, 1);
	member(stage, 2, "private", "kicked", "member");
	in_dropped(stage, 0, 2);
	assert_int_equal(stage->installs + stage->removals, 0);
}

/* Told twice, in either order: one key, and the note moves with it. */
static void groups_that_move(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_take(stage, 1,
		"'message':{'message_id':9,'date':1,'chat':{'id':-4,'type':'group','title':'Team'},'from':{"
		"'id':5,'first_name':'Ann'},'migrate_to_chat_id':-1004}");
	message = in_only(stage, 0);
	assert_int_equal(message->kind, INCOMING_MOVED);
	assert_string_equal(message->target, "-4");
	assert_string_equal(message->conversation, "-1004");
	in_ack(stage, 0, ACK_STORED);
	in_waits(stage, 1);
	assert_string_equal(stage->removed_key, "-4");
	assert_string_equal(stage->install_key, "-1004");
	noted(stage, ERR_NONE);
	in_was(stage, 1, TELEGRAM_TAKEN);
	in_take(stage, 2,
		"'message':{'message_id':1,'date':1,'chat':{'id':-1004,'type':'supergroup','title':'Team'},"
		"'sender_chat':{'id':-1004},'migrate_from_chat_id':-4}");
	message = in_only(stage, 1);
	assert_string_equal(message->semantic, stage->messages[0].semantic);
	assert_string_equal(message->target, "-4");
	in_ack(stage, 1, ACK_BEFORE);
	noted(stage, ERR_NONE);
	in_was(stage, 2, TELEGRAM_TAKEN);
}

/* The store could not take it: the note must not move before the conversations. */
static void a_move_that_is_not_stored_comes_again(void **state)
{
	struct in_stage *stage = *state;

	in_take(stage, 1,
		"'message':{'message_id':9,'date':1,'chat':{'id':-4,'type':'group'},'migrate_to_chat_id':-"
		"1004}");
	assert_string_equal(in_only(stage, 0)->sender,
			    "-1004"); /* nobody said it, but a sender there must be */
	in_ack(stage, 0, ACK_BUSY);
	in_was(stage, 1, TELEGRAM_LATER);
	assert_int_equal(stage->installs + stage->removals, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(our_buttons),
		TEST(forged_buttons_do_nothing),
		TEST(the_stop_of_a_growing_answer),
		TEST(groups_that_take_us_in),
		TEST(people_who_block_us_are_no_installation),
		TEST(groups_that_move),
		TEST(a_move_that_is_not_stored_comes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
