/* The settings of a bot: what would only fail at Discord must stop the start, say where, why and what to do. */
#include "discord_room.h"
#include "settings_build.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
#define KEY   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

struct put {
	const char *name, *text;
};

static struct settings *made(const struct put *puts)
{
	struct settings *settings = settings_create(discord_settings, "platforms.discord[0]", "usher.conf:3");
	struct err err = { 0 };

	for (; puts->name; puts++)
		if (!settings_put(settings, puts->name, puts->text, "usher.conf:4", &err))
			fail_msg("%s", err.text);
	if (!settings_finish(settings, &err))
		fail_msg("%s", err.text);
	return settings;
}

static void bad(const struct put *puts, const char *const *parts)
{
	struct settings *settings = made(puts);
	struct discord_config config;
	struct err err = { 0 };

	assert_false(discord_config_read(&config, settings, &err));
	for (; *parts; parts++)
		if (!strstr(err.text, *parts) || !strstr(err.text, "usher.conf:"))
			fail_msg("the message \"%s\" does not name \"%s\" and its place", err.text, *parts);
	assert_int_equal(err.kind, ERR_REFUSED);
	discord_config_finish(&config);
	settings_destroy(settings);
}

static void good(const struct put *puts, struct discord_config *config_out, struct settings **settings_out)
{
	struct err err = { 0 };

	*settings_out = made(puts);
	if (!discord_config_read(config_out, *settings_out, &err))
		fail_msg("%s", err.text);
}

#define PUTS(...)	((struct put[]){ __VA_ARGS__, { NULL, NULL } })
#define BAD(words, ...) bad(PUTS(__VA_ARGS__), (const char *const[])words)
#define WORDS(...)                                                                                           \
	{                                                                                                    \
		__VA_ARGS__, NULL                                                                            \
	}

static void a_token_is_enough(void **state)
{
	struct discord_config config;
	struct settings *settings;

	(void)state;
	good(PUTS({ "name", "acme" }, { "bot_token", TOKEN }), &config, &settings);
	assert_string_equal(config.bot_token, TOKEN);
	assert_string_equal(config.api_base, "https://discord.com/api/v10");
	assert_null(config.file_base);
	assert_null(config.public_key);
	assert_int_equal(config.guilds, DISCORD_ADDRESSED);
	assert_true(config.message_content && config.preview && config.commands && config.compress);
	assert_false(config.threads || config.bots || config.embeds);
	assert_int_equal(config.command_guild, 0);
	assert_int_equal(config.shards, 0);
	assert_int_equal(config.identifies_a_day, 500);
	assert_int_equal(config.catch_up_hours, 24);
	assert_int_equal(config.catch_up_messages, 200);
	assert_int_equal(config.document_parts, 6);
	discord_config_finish(&config);
	settings_destroy(settings);
}

static void everything_else_is_read(void **state)
{
	struct discord_config config;
	struct settings *settings;

	(void)state;
	good(PUTS({ "name", "acme" }, { "bot_token", "short" }, { "public_key", KEY },
		  { "api_base", "http://127.0.0.1:8081/api/v10" }, { "file_base", "http://127.0.0.1:8082" },
		  { "guilds", "never" }, { "threads", "true" }, { "message_content", "false" },
		  { "bots", "true" }, { "preview", "false" }, { "embeds", "true" }, { "commands", "false" },
		  { "command_guild", "18446744073709551615" }, { "compress", "false" }, { "shards", "4" },
		  { "identifies_a_day", "10" }, { "catch_up_hours", "0" }, { "catch_up_messages", "1" },
		  { "document_parts", "0" }),
	     &config, &settings);
	assert_string_equal(config.public_key, KEY);
	assert_string_equal(config.file_base, "http://127.0.0.1:8082");
	assert_int_equal(config.guilds, DISCORD_NEVER);
	assert_true(config.threads && config.bots && config.embeds);
	assert_false(config.message_content || config.preview || config.commands || config.compress);
	assert_true(config.command_guild == UINT64_MAX);
	assert_int_equal(config.shards, 4);
	assert_int_equal(config.identifies_a_day, 10);
	assert_int_equal(config.catch_up_hours, 0);
	assert_int_equal(config.catch_up_messages, 1);
	assert_int_equal(config.document_parts, 0);
	discord_config_finish(&config);
	settings_destroy(settings);
	good(PUTS({ "name", "acme" }, { "bot_token", TOKEN }, { "guilds", "all" }), &config, &settings);
	assert_int_equal(config.guilds, DISCORD_ALL);
	discord_config_finish(&config);
	settings_destroy(settings);
}

/* Discord says no more than "401" and "4004" to all of these. */
static void what_is_no_token(void **state)
{
	static const char *const tokens[] = {
		"MTk4NjIyNDgzNDcxOTI1MjQ4",
		"MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ",
		"MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.",
		"MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7",
		TOKEN ".more",
		TOKEN "=",
		".Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
		"198622483471925248",
		"mfa.VkO_2G4Qv3T--NO--lWetW_tjND--TOKEN--QFTm6YGtzq9PH--4U--tG0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		BAD(WORDS("bot_token", "Reset Token"), { "name", "a" }, { "bot_token", tokens[i] });
	BAD(WORDS("bot_token", "missing", "https://discord.com/developers/applications"), { "name", "a" });
	BAD(WORDS("bot_token", "missing"), { "name", "a" }, { "bot_token", "" });
	BAD(WORDS("bot_token", "line break"), { "name", "a" }, { "bot_token", TOKEN "\nx: y" });
	/* Short ones are for servers on this machine only. */
	BAD(WORDS("bot_token"), { "name", "a" }, { "bot_token", "short" },
	    { "api_base", "https://proxy.example.org/api/v10" });
	BAD(WORDS("bot_token"), { "name", "a" }, { "bot_token", "short" },
	    { "api_base", "http://10.0.0.7:8081/api/v10" });
}

/* Copied from an example of a library, or from the wrong line of the page. */
static void well_known_mistakes_are_named(void **state)
{
	(void)state;
	BAD(WORDS("bot_token", "leave the word"), { "name", "a" }, { "bot_token", "Bot " TOKEN });
	BAD(WORDS("bot_token", "leave the word"), { "name", "a" }, { "bot_token", "Bearer " TOKEN });
	BAD(WORDS("bot_token", "public key"), { "name", "a" }, { "bot_token", KEY });
}

/* A message about a token must not hold it: it goes into logs. */
static void the_message_does_not_hold_the_token(void **state)
{
	struct settings *settings =
		made(PUTS({ "name", "a" }, { "bot_token", "MTk5.HalfOf.ASecretThatIsOurs" }));
	struct discord_config config;
	struct err err = { 0 };

	(void)state;
	assert_false(discord_config_read(&config, settings, &err));
	assert_null(strstr(err.text, "MTk5"));
	assert_null(strstr(err.text, "ASecret"));
	discord_config_finish(&config);
	settings_destroy(settings);
}

static void wrong_names_keys_and_addresses(void **state)
{
	static const char *const urls[] = { "http://example.org", "ftp://example.org",
					    "https://a.org/",	  "https://",
					    "http://8.8.8.8",	  "http://127.0.0.1@evil.io" };

	(void)state;
	BAD(WORDS("name", "letters"), { "name", "a/b" }, { "bot_token", TOKEN });
	BAD(WORDS("public_key", "64 hex"), { "name", "a" }, { "bot_token", TOKEN }, { "public_key", "" });
	BAD(WORDS("public_key", "Public Key"), { "name", "a" }, { "bot_token", TOKEN },
	    { "public_key", KEY "00" });
	BAD(WORDS("public_key"), { "name", "a" }, { "bot_token", TOKEN },
	    { "public_key", "x75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" });
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		BAD(WORDS("api_base", "https"), { "name", "a" }, { "bot_token", TOKEN },
		    { "api_base", urls[i] });
		BAD(WORDS("file_base", "https"), { "name", "a" }, { "bot_token", TOKEN },
		    { "file_base", urls[i] });
	}
	BAD(WORDS("api_base", "version 10"), { "name", "a" }, { "bot_token", TOKEN },
	    { "api_base", "https://discord.com/api" });
	BAD(WORDS("command_guild", "Copy Server ID"), { "name", "a" }, { "bot_token", TOKEN },
	    { "command_guild", "Acme" });
	BAD(WORDS("command_guild"), { "name", "a" }, { "bot_token", TOKEN },
	    { "command_guild", "18446744073709551616" });
}

static void everything_is_heard_with_the_intent_only(void **state)
{
	(void)state;
	BAD(WORDS("guilds", "message_content"), { "name", "a" }, { "bot_token", TOKEN }, { "guilds", "all" },
	    { "message_content", "false" });
}

static void a_misspelt_setting_is_named_with_its_neighbour(void **state)
{
	struct settings *settings = settings_create(discord_settings, "platforms.discord[0]", "usher.conf:3");
	struct err err = { 0 };

	(void)state;
	assert_false(settings_put(settings, "bot_tokn", TOKEN, "usher.conf:4", &err));
	assert_non_null(strstr(err.text, "bot_token"));
	settings_destroy(settings);
}

/* Ids as doubles lose their last digits, and then nobody is found (pitfall 27). */
static void ids_keep_every_digit(void **state)
{
	char text[SNOWFLAKE_SIZE];
	json_t *id = json_string("1099511627775999999");

	(void)state;
	assert_string_equal(snowflake_text(snowflake_read(id), text), "1099511627775999999");
	json_decref(id);
	assert_string_equal(snowflake_text(UINT64_MAX, text), "18446744073709551615");
	assert_string_equal(snowflake_text(0, text), "");
	id = json_integer(175928847299117063);
	assert_true(snowflake_read(id) == 175928847299117063);
	json_decref(id);
	assert_true(snowflake_read(NULL) == 0);
	assert_true(snowflake_read(json_null()) == 0);
	id = json_real(1e18);
	assert_true(snowflake_read(id) == 0);
	json_decref(id);
}

static void what_is_no_id(void **state)
{
	static const char *const texts[] = { "",
					     "0",
					     "007",
					     "-1",
					     "+1",
					     " 1",
					     "1 ",
					     "1a",
					     "0x1",
					     "@me",
					     "18446744073709551616",
					     "99999999999999999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(snowflake_parse(texts[i]) == 0);
	assert_true(snowflake_parse(NULL) == 0);
}

/* The example of the reference. */
static void ids_tell_their_time(void **state)
{
	(void)state;
	assert_true(snowflake_ms(175928847299117063) == 1462015105796);
	assert_true(snowflake_ms(snowflake_at(1462015105796)) == 1462015105796);
	assert_true(snowflake_at(1462015105796) <= 175928847299117063);
	assert_true(snowflake_at(1462015105797) > 175928847299117063);
	assert_true(snowflake_at(0) == 0);
	assert_true(snowflake_at(INT64_MAX) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_enough),
		cmocka_unit_test(everything_else_is_read),
		cmocka_unit_test(what_is_no_token),
		cmocka_unit_test(well_known_mistakes_are_named),
		cmocka_unit_test(the_message_does_not_hold_the_token),
		cmocka_unit_test(wrong_names_keys_and_addresses),
		cmocka_unit_test(everything_is_heard_with_the_intent_only),
		cmocka_unit_test(a_misspelt_setting_is_named_with_its_neighbour),
		cmocka_unit_test(ids_keep_every_digit),
		cmocka_unit_test(what_is_no_id),
		cmocka_unit_test(ids_tell_their_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
