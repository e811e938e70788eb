/* The list of commands (sheet 11): written when it is another than the one on record, and only then; and within what the
 * platform takes. */
#include "commands.h"
#include "stage_inter.h"
#include "text.h"
#include <unistr.h>

static struct discord_commands *commands_of(struct inter_stage *stage)
{
	return stage->bot.commands;
}

static int open_stage(void **state)
{
	struct inter_stage *stage = inter_open(NULL);

	stage->bot.commands = discord_commands_create(&stage->bot);
	*state = stage;
	return 0;
}

static int close_stage(void **state)
{
	struct inter_stage *stage = *state;

	discord_commands_destroy(stage->bot.commands);
	assert_null(stage->bot.commands);
	assert_int_equal(inter_waiting(stage), 0);
	inter_close(stage);
	stage_loop_close();
	return 0;
}

#define GLOBAL "/applications/70/commands"

static void kept(struct inter_stage *stage, enum err_kind kind)
{
	assert_non_null(stage->note_fn);
	stage->note_fn(&stage->bot, stage->note_owner, &(struct err){ .kind = kind });
	stage->note_fn = NULL;
}

static void write_ok(struct inter_stage *stage, const char *path)
{
	inter_answer(stage, inter_called(stage, "PUT", path), &(struct discord_answer){ .how = DISCORD_OK });
}

/* ---- when they are written --------------------------------------------------------------------------------------- */

static void written_once(void **state)
{
	struct inter_stage *stage = *state;
	char *note;

	discord_commands_register(commands_of(stage));
	discord_commands_register(commands_of(stage)); /* READY comes many times (pitfall 9) */
	assert_false(inter_called(stage, "PUT", GLOBAL)->no_token);
	write_ok(stage, GLOBAL);
	discord_commands_register(commands_of(stage));
	kept(stage, ERR_NONE);
	discord_commands_register(commands_of(stage));
	assert_int_equal(stage->call_count, 1);
	assert_int_equal(stage->notes, 1);

	/* after a restart */
	note = mem_text(stage->note);
	discord_commands_destroy(stage->bot.commands);
	stage->bot.commands = discord_commands_create(&stage->bot);
	assert_false(discord_commands_recall(commands_of(stage), "shard/0", "{}"));
	assert_true(discord_commands_recall(commands_of(stage), "commands", note));
	discord_commands_register(commands_of(stage));
	assert_int_equal(stage->call_count, 1);
	free(note);
}

static void written_when_they_are_others(void **state)
{
	struct inter_stage *stage = *state;

	assert_true(discord_commands_recall(commands_of(stage), "commands", "70/0/of an older version"));
	discord_commands_register(commands_of(stage));
	write_ok(stage, GLOBAL);
	kept(stage, ERR_NONE);
	stage->bot.app_id = 71; /* another application, other lists */
	discord_commands_register(commands_of(stage));
	write_ok(stage, "/applications/71/commands");
	kept(stage, ERR_NONE);
	assert_int_equal(stage->call_count, 2);
}

static void not_written_at_all(void **state)
{
	struct inter_stage *stage = *state;

	stage->bot.app_id = 0; /* not known yet */
	discord_commands_register(commands_of(stage));
	stage->bot.app_id = 70;
	stage->bot.config.commands = false;
	discord_commands_register(commands_of(stage));
	assert_int_equal(stage->call_count, 0);
}

/* In one guild, to try them there; and what was tried there is taken away when they are for all. */
static void in_one_guild(void **state)
{
	struct inter_stage *stage = *state;
	const json_t *list, *one;
	size_t i;

	stage->bot.config.command_guild = 40;
	discord_commands_register(commands_of(stage));
	list = inter_called(stage, "PUT", "/applications/70/guilds/40/commands")->args;
	json_array_foreach (list, i, one)
		assert_null(json_object_get(one, "contexts")); /* of global ones only */
	write_ok(stage, "/applications/70/guilds/40/commands");
	kept(stage, ERR_NONE);
	stage->bot.config.command_guild = 0;
	discord_commands_register(commands_of(stage));
	assert_int_equal(
		json_array_size(inter_called(stage, "PUT", "/applications/70/guilds/40/commands")->args), 0);
	write_ok(stage, "/applications/70/guilds/40/commands");
	assert_true(json_array_size(inter_called(stage, "PUT", GLOBAL)->args) > 0);
	write_ok(stage, GLOBAL);
	kept(stage, ERR_NONE);
}

/* We were taken out of that guild: then there is nothing to take away. */
static void the_guild_before_is_gone(void **state)
{
	struct inter_stage *stage = *state;

	assert_true(discord_commands_recall(commands_of(stage), "commands", "70/40/x"));
	discord_commands_register(commands_of(stage));
	inter_answer(
		stage, inter_called(stage, "PUT", "/applications/70/guilds/40/commands"),
		&(struct discord_answer){
			.how = DISCORD_REFUSED, .refusal = DISCORD_NO_ACCESS, .code = 50001, .why = "x" });
	write_ok(stage, GLOBAL);
	kept(stage, ERR_NONE);
}

/* ---- failures ------------------------------------------------------------------------------------------------------ */

static void failures_pass(void **state)
{
	static const struct discord_answer answers[] = {
		{ .how = DISCORD_NOT_SENT, .why = "x" },
		{ .how = DISCORD_MAYBE, .why = "x" },
		{ .how = DISCORD_LIMITED, .why = "x", .retry_ms = 1000 },
		{ .how = DISCORD_REFUSED, .refusal = DISCORD_WAIT, .code = 130000, .why = "x" },
	};
	struct inter_stage *stage = *state;

	discord_commands_register(commands_of(stage));
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		inter_answer(stage, inter_called(stage, "PUT", GLOBAL), &answers[i]);
		assert_int_equal(inter_waiting(stage), 0);
		stage_loop_pass(2 * 3600 * 1000);
	}
	write_ok(stage, GLOBAL);
	kept(stage, ERR_AGAIN); /* it is written: only the note is asked for again */
	assert_int_equal(inter_waiting(stage), 0);
	stage_loop_pass(2 * 3600 * 1000);
	assert_int_equal(inter_waiting(stage), 0);
	assert_int_equal(stage->notes, 2);
	kept(stage, ERR_NONE);
}

/* 200 creates a day (30034): not asked again and again. */
static void no_more_today(void **state)
{
	struct inter_stage *stage = *state;
	struct discord_answer limit = { .how = DISCORD_REFUSED, .code = 30034, .why = "x" };

	discord_commands_register(commands_of(stage));
	inter_answer(stage, inter_called(stage, "PUT", GLOBAL), &limit);
	stage_loop_pass(3 * 3600 * 1000);
	assert_int_equal(inter_waiting(stage), 0);
	stage_loop_pass(4 * 3600 * 1000);
	limit.retry_ms = 60000;
	inter_answer(stage, inter_called(stage, "PUT", GLOBAL), &limit);
	stage_loop_pass(60000);
	write_ok(stage, GLOBAL);
	kept(stage, ERR_NONE);
}

/* A bot without its commands still answers. */
static void refused_for_good(void **state)
{
	static const struct discord_answer answers[] = {
		{ .how = DISCORD_REFUSED, .code = 50035, .why = "x" },
		{ .how = DISCORD_REFUSED, .refusal = DISCORD_NO_ACCESS, .code = 50001, .why = "x" },
		{ .how = DISCORD_AUTH, .why = "x" },
	};
	struct inter_stage *stage = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		discord_commands_register(commands_of(stage));
		inter_answer(stage, inter_called(stage, "PUT", GLOBAL), &answers[i]);
		stage_loop_pass(48 * 3600 * 1000);
		assert_int_equal(inter_waiting(stage), 0);
	}
	assert_int_equal(stage->notes, 0);
}

static void ends_while_it_writes(void **state)
{
	struct inter_stage *stage = *state;

	discord_commands_register(commands_of(stage)); /* close_stage cancels it */
	inter_called(stage, "PUT", GLOBAL);
}

/* ---- what they are (sheet 11) ---------------------------------------------------------------------------------------- */

static size_t points(const char *text)
{
	return u8_mbsnlen((const uint8_t *)text, strlen(text));
}

static void check_name(const char *name)
{
	assert_in_range(points(name), 1, 32);
	assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_"), strlen(name));
}

/* Names, descriptions and values together: the platform counts them. */
static size_t check_options(const json_t *options)
{
	const json_t *option;
	bool optional = false;
	size_t i, total = 0;

	assert_in_range(json_array_size(options), 0, 25);
	json_array_foreach (options, i, option) {
		bool required = json_is_true(json_object_get(option, "required"));
		int64_t type = json_int(option, "type", 0), max = json_int(option, "max_length", 1);

		check_name(json_text(option, "name"));
		assert_in_range(points(json_text(option, "description")), 1, 100);
		assert_true(type == 3 || type == 11);
		assert_in_range(max, 1, 6000);
		assert_in_range(json_int(option, "min_length", 0), 0, max);
		assert_false(required && optional); /* required ones first */
		optional = !required;
		total += points(json_text(option, "name")) + points(json_text(option, "description"));
	}
	return total;
}

static void within_the_limits(void **state)
{
	const json_t *one;
	size_t i, chat = 0, about = 0;

	(void)state;
	for (int global = 0; global < 2; global++) {
		json_t *list = discord_commands_list(global);

		chat = about = 0;
		json_array_foreach (list, i, one) {
			const char *name = json_text(one, "name"),
				   *description = json_text(one, "description");
			size_t total = points(name);

			for (size_t before = 0; before < i; before++)
				assert_string_not_equal(name,
							json_text(json_array_get(list, before), "name"));
			assert_int_equal(json_array_size(json_object_get(one, "contexts")), global ? 3 : 0);
			if (json_int(one, "type", 0) == 3) {
				about++;
				assert_in_range(points(name), 1, 32);
				assert_null(description);
				continue;
			}
			chat++;
			assert_int_equal(json_int(one, "type", 0), 1);
			check_name(name);
			assert_in_range(points(description), 1, 100);
			total += points(description) + check_options(json_object_get(one, "options"));
			assert_in_range(total, 1, 8000);
		}
		json_decref(list);
	}
	assert_int_equal(chat, 6);
	assert_int_equal(about, 1);
}

/* Each one that is listed is understood. */
static void each_is_understood(void **state)
{
	struct inter_stage *stage = *state;
	json_t *list = discord_commands_list(true);
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		char *what =
			mem_format(INTER_DIRECT
				   "'type':2,'data':{'name':'%s','type':%d,'target_id':'80','options':[{"
				   "'type':3,'name':'prompt','value':'Why?'}],'resolved':{'messages':{'80':{"
				   "'id':'80','content':'x'}}}}",
				   json_text(one, "name"), (int)json_int(one, "type", 0));

		inter_http(stage, what);
		assert_int_equal(stage->count, i + 1);
		free(what);
	}
	json_decref(list);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(written_once),
		TEST(written_when_they_are_others),
		TEST(not_written_at_all),
		TEST(in_one_guild),
		TEST(the_guild_before_is_gone),
		TEST(failures_pass),
		TEST(no_more_today),
		TEST(refused_for_good),
		TEST(ends_while_it_writes),
		TEST(within_the_limits),
		TEST(each_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
