/* The list of commands that Telegram shows: set when it differs, and only then (sheet 6.8). */
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

static void listed(struct in_stage *stage, const json_t *list)
{
	telegram_commands_register(&stage->bot);
	in_answer(stage, in_called(stage, "getMyCommands"),
		  &(struct telegram_answer){ .how = TELEGRAM_OK, .result = list });
}

static void the_list_is_set_once(void **state)
{
	struct in_stage *stage = *state;
	json_t *none = json_array(), *richer;
	const json_t *list, *command;
	struct in_call *call;
	size_t i, calls;

	listed(stage, none);
	json_decref(none);
	call = in_called(stage, "setMyCommands");
	list = json_object_get(call->args, "commands");
	assert_int_equal(json_array_size(list), 5);
	json_array_foreach (list, i, command) {
		assert_true(telegram_command_known(json_text(command, "command")));
		assert_in_range(strlen(json_text(command, "description")), 1, 256);
	}
	in_answer(stage, call, &(struct telegram_answer){ .how = TELEGRAM_OK });
	richer = json_deep_copy(list);
	json_object_set_new(json_array_get(richer, 0), "is_ephemeral", json_false());
	calls = stage->call_count;
	listed(stage, richer);
	assert_int_equal(stage->call_count, calls + 1); /* asked, and left alone */
	json_object_set_new(json_array_get(richer, 0), "description", json_string("another"));
	listed(stage, richer);
	in_called(stage, "setMyCommands");
	json_decref(richer);
}

/* It is no reason not to work. */
static void a_refusal_is_only_said(void **state)
{
	struct in_stage *stage = *state;

	telegram_commands_register(&stage->bot);
	in_answer(stage, in_called(stage, "getMyCommands"),
		  &(struct telegram_answer){ .how = TELEGRAM_LIMITED, .retry_ms = 5000 });
	assert_int_equal(stage->call_count, 1);
	listed(stage, NULL);
	in_answer(stage, in_called(stage, "setMyCommands"),
		  &(struct telegram_answer){ .how = TELEGRAM_REFUSED, .why = "no" });
	assert_false(stage->bot.dead);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_list_is_set_once, open_stage, close_stage),
		cmocka_unit_test_setup_teardown(a_refusal_is_only_said, open_stage, close_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
