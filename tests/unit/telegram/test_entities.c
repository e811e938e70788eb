/* Mentions and commands by their entities: offsets count UTF-16 units (sheet 5.6, 5.7, 13.1). */
#include "mem.h"
#include "stage_in.h"

static const struct telegram_self us = { .id = 777, .username = "mybot" };

static void stripped_is(const char *text, const char *entities, const char *expected)
{
	json_t *list = in_json(entities);
	char *rest = telegram_without_mentions(text, list, &us);

	assert_string_equal(rest, expected);
	free(rest);
	json_decref(list);
}

static bool mentioned(const char *text, const char *entities)
{
	json_t *list = in_json(entities);
	bool is = telegram_mentions(text, list, &us);

	json_decref(list);
	return is;
}

static void units_are_mapped_to_bytes(void **state)
{
	(void)state;
	assert_int_equal(telegram_unit_at("Hi 👋 @bot", 6), 8); /* the sheet's own example */
	assert_int_equal(telegram_unit_at("äß€", 2), 4);
	assert_int_equal(telegram_unit_at("äß€", 3), 7);
	assert_int_equal(telegram_unit_at("abc", 3), 3);
	assert_int_equal(telegram_unit_at("abc", 4), SIZE_MAX);
	assert_int_equal(telegram_unit_at("👋", 1), SIZE_MAX); /* inside a pair */
	assert_int_equal(telegram_unit_at("👋👋", 2), 4);
}

/* 13.1, first row. */
static void a_mention_behind_an_emoji_is_found_and_removed(void **state)
{
	static const char text[] = "👋 @MyBot hi", entities[] = "[{'type':'mention','offset':3,'length':6}]";

	(void)state;
	assert_true(mentioned(text, entities));
	stripped_is(text, entities, "👋 hi");
}

static void only_entities_count(void **state)
{
	(void)state;
	assert_false(mentioned("@mybot", "[]"));
	assert_false(mentioned("@mybot", "[{'type':'code','offset':0,'length':6}]"));
	assert_false(mentioned("@mybot2", "[{'type':'mention','offset':0,'length':7}]"));
	assert_false(mentioned("@mybot", "[{'type':'mention','offset':0,'length':7}]")); /* behind the end */
	assert_false(mentioned("@mybot", "[{'type':'mention','offset':-1,'length':6}]"));
	assert_false(mentioned("@mybot", "[{'type':'mention','offset':9223372036854775807,'length':6}]"));
	assert_true(mentioned("@MYBOT", "[7,null,{'type':'mention','offset':0,'length':6}]"));
}

static void those_without_a_username_are_mentioned_by_id(void **state)
{
	(void)state;
	assert_true(mentioned("Ann hi", "[{'type':'text_mention','offset':0,'length':3,'user':{'id':777}}]"));
	assert_false(mentioned("Ann hi", "[{'type':'text_mention','offset':0,'length':3,'user':{'id':5}}]"));
}

static void what_is_left_reads_well(void **state)
{
	(void)state;
	stripped_is("@mybot", "[{'type':'mention','offset':0,'length':6}]", "");
	stripped_is("@mybot what is this?", "[{'type':'mention','offset':0,'length':6}]", "what is this?");
	stripped_is("tell @mybot\nplease", "[{'type':'mention','offset':5,'length':6}]", "tell \nplease");
	stripped_is("ask @mybot or @ann or @mybot",
		    "[{'type':'mention','offset':4,'length':6},{'type':'mention','offset':14,'length':4},"
		    "{'type':'mention','offset':22,'length':6}]",
		    "ask or @ann or");
	/* Given twice, or in the wrong order: nothing is cut twice. */
	stripped_is("a @mybot b",
		    "[{'type':'mention','offset':2,'length':6},{'type':'mention','offset':2,'length':6}]",
		    "a b");
}

static void command_is(const char *text, const char *entities, const char *name, const char *args, bool ours)
{
	json_t *list = in_json(entities);
	struct telegram_command command;

	assert_true(telegram_command_read(text, list, &command));
	assert_string_equal(command.name, name);
	assert_string_equal(command.args, args);
	assert_int_equal(telegram_command_is_for(&command, "mybot"), ours);
	json_decref(list);
}

/* 13.1, second and third row. */
static void commands_name_their_bot(void **state)
{
	(void)state;
	command_is("/ASK@MYBOT x", "[{'type':'bot_command','offset':0,'length':10}]", "ask", "x", true);
	command_is("/ask@OtherBot x", "[{'type':'bot_command','offset':0,'length':13}]", "ask", "x", false);
	command_is("/new", "[{'type':'bot_command','offset':0,'length':4}]", "new", "", true);
	command_is("/ask@my x", "[{'type':'bot_command','offset':0,'length':7}]", "ask", "x", false);
	command_is("/link\n ABC", "[{'type':'bot_command','offset':0,'length':5}]", "link", "ABC", true);
}

static void what_is_no_command(void **state)
{
	struct telegram_command command;
	json_t *list = in_json("[{'type':'bot_command','offset':4,'length':4}]");

	(void)state;
	assert_false(telegram_command_read("see /new", list, &command)); /* not at the beginning */
	assert_false(telegram_command_read(NULL, list, &command));
	json_decref(list);
	list = in_json("[{'type':'bot_command','offset':0,'length':1}]");
	assert_false(telegram_command_read("/ x", list, &command));
	json_decref(list);
	list = in_json("[{'type':'bot_command','offset':0,'length':40}]");
	assert_false(telegram_command_read("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", list, &command));
	json_decref(list);
	assert_false(telegram_command_read("/new", NULL, &command));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_mapped_to_bytes),
		cmocka_unit_test(a_mention_behind_an_emoji_is_found_and_removed),
		cmocka_unit_test(only_entities_count),
		cmocka_unit_test(those_without_a_username_are_mentioned_by_id),
		cmocka_unit_test(what_is_left_reads_well),
		cmocka_unit_test(commands_name_their_bot),
		cmocka_unit_test(what_is_no_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
