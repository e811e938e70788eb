/* The settings of an app: what would only fail at Slack must stop the start, say where, why and what to do. */
#include "settings_build.h"
#include "slack_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BOT "xoxb-1-2-abcdef"
#define APP "xapp-1-A0001-2-abcdef"

struct put {
	const char *name, *text;
};

static struct settings *made(const struct put *puts)
{
	struct settings *settings = settings_create(slack_settings, "platforms.slack[0]", "usher.conf:3");
	struct err err = { 0 };

	for (; puts->name; puts++)
		if (!settings_put(settings, puts->name, puts->text, "usher.conf:4", &err))
			fail_msg("%s", err.text);
	assert_true(settings_finish(settings, &err));
	return settings;
}

static void bad(const struct put *puts, const char *const *parts)
{
	struct settings *settings = made(puts);
	struct slack_config config;
	struct err err = { 0 };

	assert_false(slack_config_read(&config, settings, &err));
	for (; *parts; parts++)
		if (!strstr(err.text, *parts) || !strstr(err.text, "usher.conf:"))
			fail_msg("the message \"%s\" does not name \"%s\" and its place", err.text, *parts);
	assert_int_equal(err.kind, ERR_REFUSED);
	slack_config_finish(&config);
	settings_destroy(settings);
}

#define BAD(words, ...) bad((struct put[]){ __VA_ARGS__, { NULL, NULL } }, (const char *const[])words)
#define WORDS(...)                                                                                           \
	{                                                                                                    \
		__VA_ARGS__, NULL                                                                            \
	}

static void two_tokens_are_enough(void **state)
{
	struct settings *settings = made((struct put[]){
		{ "name", "acme" }, { "bot_token", BOT }, { "app_token", APP }, { NULL, NULL } });
	struct slack_config config;
	struct err err = { 0 };

	(void)state;
	if (!slack_config_read(&config, settings, &err))
		fail_msg("%s", err.text);
	assert_int_equal(config.transport, SLACK_SOCKET);
	assert_string_equal(config.bot_token, BOT);
	assert_string_equal(config.app_token, APP);
	assert_string_equal(config.api_base, "https://slack.com/api");
	assert_string_equal(config.authorize_url, "https://slack.com/oauth/v2/authorize");
	assert_int_equal(config.direct, SLACK_DIRECT_THREAD);
	assert_int_equal(config.members, SLACK_MEMBERS_ALLOW);
	assert_true(config.stream);
	assert_true(config.feedback);
	assert_false(config.bots);
	assert_int_equal(config.catch_up_hours, 24);
	assert_int_equal(config.catch_up_messages, 200);
	assert_int_equal(config.prompt_count, 0);
	slack_config_finish(&config);
	settings_destroy(settings);
}

static void everything_else_is_read(void **state)
{
	struct settings *settings = made((struct put[]){ { "name", "acme" },
							 { "transport", "http" },
							 { "bot_token", "xoxe.xoxb-1-abcdef" },
							 { "signing_secret", "8f742231b10e8888" },
							 { "api_base", "http://127.0.0.1:9/api" },
							 { "direct", "channel" },
							 { "members", "ask" },
							 { "stream", "false" },
							 { "feedback", "false" },
							 { "bots", "true" },
							 { "prompts", "What is new?" },
							 { "prompts", "Help me" },
							 { NULL, NULL } });
	struct slack_config config;
	struct err err = { 0 };

	(void)state;
	if (!slack_config_read(&config, settings, &err))
		fail_msg("%s", err.text);
	assert_int_equal(config.transport, SLACK_HTTP);
	assert_int_equal(config.direct, SLACK_DIRECT_CHANNEL);
	assert_int_equal(config.members, SLACK_MEMBERS_ASK);
	assert_false(config.stream);
	assert_false(config.feedback);
	assert_true(config.bots);
	assert_int_equal(config.prompt_count, 2);
	assert_string_equal(config.prompts[1], "Help me");
	slack_config_finish(&config);
	settings_destroy(settings);
}

static void missing_secrets_are_named(void **state)
{
	(void)state;
	BAD(WORDS("app_token", "xapp-", "connections:write"), { "name", "a" }, { "bot_token", BOT });
	BAD(WORDS("signing_secret", "Basic Information"), { "name", "a" }, { "bot_token", BOT },
	    { "transport", "http" });
	BAD(WORDS("signing_secret"), { "name", "a" }, { "bot_token", BOT }, { "transport", "http" },
	    { "signing_secret", "" });
	BAD(WORDS("bot_token", "client_id"), { "name", "a" }, { "app_token", APP });
	BAD(WORDS("client_secret", "belong together"), { "name", "a" }, { "app_token", APP },
	    { "client_id", "1.2" });
	BAD(WORDS("client_id", "belong together"), { "name", "a" }, { "bot_token", BOT },
	    { "app_token", APP }, { "client_secret", "abcdef" });
}

/* People copy the wrong one of four tokens: the message says which they took. */
static void wrong_tokens_are_recognised(void **state)
{
	(void)state;
	BAD(WORDS("bot_token", "user token", "Bot User OAuth Token"), { "name", "a" },
	    { "bot_token", "xoxp-1-2" }, { "app_token", APP });
	BAD(WORDS("bot_token", "app-level token", "app_token"), { "name", "a" }, { "bot_token", APP },
	    { "app_token", APP });
	BAD(WORDS("bot_token", "refresh token"), { "name", "a" }, { "bot_token", "xoxe-1-abcdef" },
	    { "app_token", APP });
	BAD(WORDS("bot_token", "no token of Slack's"), { "name", "a" }, { "bot_token", "secret" },
	    { "app_token", APP });
	BAD(WORDS("app_token", "a bot token", "xapp-"), { "name", "a" }, { "bot_token", BOT },
	    { "app_token", BOT });
	BAD(WORDS("bot_token", "line break"), { "name", "a" }, { "bot_token", BOT "\nx: y" },
	    { "app_token", APP });
}

static void wrong_names_and_addresses(void **state)
{
	(void)state;
	BAD(WORDS("name", "letters"), { "name", "a/b" }, { "bot_token", BOT }, { "app_token", APP });
	BAD(WORDS("name"), { "name", "" }, { "bot_token", BOT }, { "app_token", APP });
	for (size_t i = 0; i < 7; i++) {
		static const char *const urls[] = {
			"http://example.org/api",   "ftp://slack.com",
			"https://slack.com/api/",   "https://",
			"http://127.0.0.1.evil/x",  "http://127.0.0.1@evil.example/x",
			"https://slack.com/api?x=1"
		};

		BAD(WORDS("api_base", "https"), { "name", "a" }, { "bot_token", BOT }, { "app_token", APP },
		    { "api_base", urls[i] });
		BAD(WORDS("authorize_url"), { "name", "a" }, { "bot_token", BOT }, { "app_token", APP },
		    { "authorize_url", urls[i] });
	}
}

static void wrong_prompts(void **state)
{
	char longer[302];

	(void)state;
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	BAD(WORDS("prompts", "at most 4"), { "name", "a" }, { "bot_token", BOT }, { "app_token", APP },
	    { "prompts", "1" }, { "prompts", "2" }, { "prompts", "3" }, { "prompts", "4" },
	    { "prompts", "5" });
	BAD(WORDS("prompts"), { "name", "a" }, { "bot_token", BOT }, { "app_token", APP },
	    { "prompts", "  " });
	BAD(WORDS("prompts"), { "name", "a" }, { "bot_token", BOT }, { "app_token", APP },
	    { "prompts", longer });
}

static void a_misspelt_setting_is_named_with_its_neighbour(void **state)
{
	struct settings *settings = settings_create(slack_settings, "platforms.slack[0]", "usher.conf:3");
	struct err err = { 0 };

	(void)state;
	assert_false(settings_put(settings, "bot_tokn", BOT, "usher.conf:4", &err));
	assert_non_null(strstr(err.text, "bot_token"));
	settings_destroy(settings);
}

/* Others may add the app only where a browser can come back and tokens can be sealed. */
static void others_need_an_address_and_a_key(void **state)
{
	struct settings *settings = made((struct put[]){ { "name", "acme" },
							 { "app_token", APP },
							 { "client_id", "1.2" },
							 { "client_secret", "abcdef" },
							 { NULL, NULL } });
	struct platform_host host = { .can_install = true };
	struct slack_config config;
	struct err err = { 0 };

	(void)state;
	if (!slack_config_read(&config, settings, &err)) /* without a bot token of our own */
		fail_msg("%s", err.text);
	assert_false(slack_config_fits(&config, settings, &host, &err));
	assert_non_null(strstr(err.text, "listen.public_url"));
	assert_non_null(strstr(err.text, "usher.conf:"));
	host.public_url = "http://usher.example.org";
	assert_false(slack_config_fits(&config, settings, &host, &err));
	host.public_url = "https://usher.example.org";
	assert_true(slack_config_fits(&config, settings, &host, &err));
	host.public_url = "http://127.0.0.1:8080";
	assert_true(slack_config_fits(&config, settings, &host, &err));
	host.can_install = false;
	assert_false(slack_config_fits(&config, settings, &host, &err));
	assert_non_null(strstr(err.text, "store.key"));
	assert_non_null(strstr(err.text, "openssl rand -base64 32"));
	slack_config_finish(&config);
	settings_destroy(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_tokens_are_enough),
		cmocka_unit_test(everything_else_is_read),
		cmocka_unit_test(missing_secrets_are_named),
		cmocka_unit_test(wrong_tokens_are_recognised),
		cmocka_unit_test(wrong_names_and_addresses),
		cmocka_unit_test(wrong_prompts),
		cmocka_unit_test(a_misspelt_setting_is_named_with_its_neighbour),
		cmocka_unit_test(others_need_an_address_and_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
