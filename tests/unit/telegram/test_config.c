/* The settings of a bot: what would only fail at Telegram must stop the start, say where, why and what to do. */
#include "settings_build.h"
#include "telegram_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"

struct put {
	const char *name, *text;
};

static struct settings *made(const struct put *puts)
{
	struct settings *settings =
		settings_create(telegram_settings, "platforms.telegram[0]", "usher.conf:3");
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
	struct telegram_config config;
	struct err err = { 0 };

	assert_false(telegram_config_read(&config, settings, &err));
	for (; *parts; parts++)
		if (!strstr(err.text, *parts) || !strstr(err.text, "usher.conf:"))
			fail_msg("the message \"%s\" does not name \"%s\" and its place", err.text, *parts);
	assert_int_equal(err.kind, ERR_REFUSED);
	telegram_config_finish(&config);
	settings_destroy(settings);
}

static void good(const struct put *puts, struct telegram_config *config_out, struct settings **settings_out)
{
	struct err err = { 0 };

	*settings_out = made(puts);
	if (!telegram_config_read(config_out, *settings_out, &err))
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
	struct telegram_config config;
	struct settings *settings;

	(void)state;
	good(PUTS({ "name", "acme" }, { "bot_token", TOKEN }), &config, &settings);
	assert_int_equal(config.transport, TELEGRAM_POLL);
	assert_string_equal(config.bot_token, TOKEN);
	assert_string_equal(config.api_base, "https://api.telegram.org");
	assert_string_equal(config.file_base, "https://api.telegram.org/file");
	assert_null(config.secret);
	assert_int_equal(config.groups, TELEGRAM_ADDRESSED);
	assert_false(config.local_files || config.channels || config.bots || config.take_over);
	assert_true(config.preview);
	assert_int_equal(config.old_minutes, 10);
	assert_int_equal(config.document_parts, 6);
	telegram_config_finish(&config);
	settings_destroy(settings);
}

static void everything_else_is_read(void **state)
{
	struct telegram_config config;
	struct settings *settings;

	(void)state;
	good(PUTS({ "name", "acme" }, { "bot_token", "7:short" }, { "transport", "webhook" },
		  { "api_base", "http://127.0.0.1:8081" }, { "file_base", "http://127.0.0.1:8082" },
		  { "local_files", "true" }, { "secret", "s3cr_et-1" }, { "groups", "never" },
		  { "channels", "true" }, { "bots", "true" }, { "preview", "false" }, { "take_over", "true" },
		  { "old_minutes", "0" }, { "document_parts", "0" }),
	     &config, &settings);
	assert_int_equal(config.transport, TELEGRAM_WEBHOOK);
	assert_string_equal(config.file_base, "http://127.0.0.1:8082");
	assert_string_equal(config.secret, "s3cr_et-1");
	assert_int_equal(config.groups, TELEGRAM_NEVER);
	assert_true(config.local_files && config.channels && config.bots && config.take_over);
	assert_false(config.preview);
	assert_int_equal(config.old_minutes, 0);
	assert_int_equal(config.document_parts, 0);
	telegram_config_finish(&config);
	settings_destroy(settings);
	good(PUTS({ "name", "acme" }, { "bot_token", TOKEN }, { "groups", "all" }), &config, &settings);
	assert_int_equal(config.groups, TELEGRAM_ALL);
	telegram_config_finish(&config);
	settings_destroy(settings);
}

/* A half-copied token would come back as a bare "Not Found". */
static void what_is_no_token(void **state)
{
	static const char *const tokens[] = {
		"",
		"110201543",
		":AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
		"bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
		"110201543:AAHdqTcvCH1vGWJxf",
		"110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/x",
		"1102015431102015431:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
		"@usher_bot",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		BAD(WORDS("bot_token", "@BotFather"), { "name", "a" }, { "bot_token", tokens[i] });
	BAD(WORDS("bot_token", "missing", "@BotFather"), { "name", "a" });
	BAD(WORDS("bot_token", "line break"), { "name", "a" }, { "bot_token", TOKEN "\nx: y" });
	/* Short secrets are for servers on this machine only. */
	BAD(WORDS("bot_token"), { "name", "a" }, { "bot_token", "7:short" },
	    { "api_base", "https://bots.example.org" });
	BAD(WORDS("bot_token"), { "name", "a" }, { "bot_token", "7:short" },
	    { "api_base", "http://10.0.0.7:8081" });
}

/* A message about a token must not hold it: it goes into logs. */
static void the_message_does_not_hold_the_token(void **state)
{
	struct settings *settings = made(PUTS({ "name", "a" }, { "bot_token", "5550001:AAHalfASecret" }));
	struct telegram_config config;
	struct err err = { 0 };

	(void)state;
	assert_false(telegram_config_read(&config, settings, &err));
	assert_null(strstr(err.text, "5550001"));
	assert_null(strstr(err.text, "AAHalfASecret"));
	telegram_config_finish(&config);
	settings_destroy(settings);
}

static void wrong_names_secrets_and_addresses(void **state)
{
	static const char *const urls[] = { "http://example.org",	 "ftp://example.org",
					    "https://api.telegram.org/", "https://",
					    "http://127.0.0.1.evil/",	 "http://127.0.0.1@evil.io",
					    "https://a.org?x=1",	 "http://134744072",
					    "http://172.32.0.1",	 "http://8.8.8.8:8081" };

	(void)state;
	BAD(WORDS("name", "letters"), { "name", "a/b" }, { "bot_token", TOKEN });
	BAD(WORDS("name"), { "name", "" }, { "bot_token", TOKEN });
	BAD(WORDS("secret", "letters"), { "name", "a" }, { "bot_token", TOKEN }, { "secret", "a.b" });
	BAD(WORDS("secret"), { "name", "a" }, { "bot_token", TOKEN }, { "secret", "" });
	BAD(WORDS("local_files", "api_base"), { "name", "a" }, { "bot_token", TOKEN },
	    { "local_files", "true" });
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		BAD(WORDS("api_base", "https"), { "name", "a" }, { "bot_token", TOKEN },
		    { "api_base", urls[i] });
		BAD(WORDS("file_base", "https"), { "name", "a" }, { "bot_token", TOKEN },
		    { "file_base", urls[i] });
	}
}

/* The server one runs oneself speaks plain HTTP only (sheet 2.2). */
static void a_server_of_ones_own(void **state)
{
	static const char *const urls[] = { "http://localhost:8081",	"http://[::1]:8081",
					    "http://10.1.2.3:8081",	"http://172.16.0.1",
					    "http://192.168.1.9:8081",	"http://telegram-bot-api:8081",
					    "https://bots.example.org", "http://127.0.0.9:1/base" };

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct telegram_config config;
		struct settings *settings;

		good(PUTS({ "name", "a" }, { "bot_token", TOKEN }, { "api_base", urls[i] }), &config,
		     &settings);
		telegram_config_finish(&config);
		settings_destroy(settings);
	}
}

static bool fits(const struct telegram_config *config, const struct settings *settings,
		 const char *public_url, struct err *err)
{
	struct platform_host host = { .public_url = public_url };

	err_clear(err);
	return telegram_config_fits(config, settings, &host, err);
}

static void a_webhook_needs_an_address(void **state)
{
	struct telegram_config config;
	struct settings *settings;
	struct err err = { 0 };

	(void)state;
	good(PUTS({ "name", "a" }, { "bot_token", TOKEN }, { "transport", "webhook" }), &config, &settings);
	assert_false(fits(&config, settings, NULL, &err));
	assert_non_null(strstr(err.text, "listen.public_url"));
	assert_non_null(strstr(err.text, "transport = \"poll\""));
	assert_non_null(strstr(err.text, "usher.conf:"));
	assert_false(fits(&config, settings, "http://usher.example.org", &err));
	assert_false(fits(&config, settings, "http://10.0.0.1", &err)); /* Telegram can't get there */
	assert_true(fits(&config, settings, "https://usher.example.org", &err));
	assert_true(fits(&config, settings, "http://127.0.0.1:8080", &err));
	telegram_config_finish(&config);
	settings_destroy(settings);
	good(PUTS({ "name", "a" }, { "bot_token", TOKEN }), &config, &settings);
	assert_true(fits(&config, settings, NULL, &err));
	telegram_config_finish(&config);
	settings_destroy(settings);
}

static void a_misspelt_setting_is_named_with_its_neighbour(void **state)
{
	struct settings *settings =
		settings_create(telegram_settings, "platforms.telegram[0]", "usher.conf:3");
	struct err err = { 0 };

	(void)state;
	assert_false(settings_put(settings, "bot_tokn", TOKEN, "usher.conf:4", &err));
	assert_non_null(strstr(err.text, "bot_token"));
	settings_destroy(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_enough),
		cmocka_unit_test(everything_else_is_read),
		cmocka_unit_test(what_is_no_token),
		cmocka_unit_test(the_message_does_not_hold_the_token),
		cmocka_unit_test(wrong_names_secrets_and_addresses),
		cmocka_unit_test(a_server_of_ones_own),
		cmocka_unit_test(a_webhook_needs_an_address),
		cmocka_unit_test(a_misspelt_setting_is_named_with_its_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
