/* A hook's settings: what would only fail at the first message must stop the start and say why. */
#include "config.h"
#include "settings_build.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

struct put {
	const char *name, *text;
};

static struct settings *made(const struct put *puts)
{
	struct settings *settings = settings_create(webhook_settings, "platforms.webhook[0]", "usher.conf:3");
	struct err err = { 0 };

	for (; puts->name; puts++)
		assert_true(settings_put(settings, puts->name, puts->text, "usher.conf:4", &err));
	assert_true(settings_finish(settings, &err));
	return settings;
}

static void good(const struct put *puts, struct hook_config *config)
{
	struct settings *settings = made(puts);
	struct err err = { 0 };

	if (!hook_config_read(config, settings, &err))
		fail_msg("%s", err.text);
	settings_destroy(settings);
}

static void bad(const struct put *puts, const char *part)
{
	struct settings *settings = made(puts);
	struct hook_config config;
	struct err err = { 0 };

	assert_false(hook_config_read(&config, settings, &err));
	if (!strstr(err.text, part) || !strstr(err.text, "usher.conf:"))
		fail_msg("the message \"%s\" does not name %s and its place", err.text, part);
	hook_config_finish(&config);
	settings_destroy(settings);
}

static void least_settings(void **state)
{
	struct hook_config config;

	(void)state;
	good((struct put[]){ { "name", "crm" }, { "secret", SECRET }, { NULL, NULL } }, &config);
	assert_int_equal(config.auth, AUTH_STANDARD);
	assert_int_equal(config.tolerance_s, 300);
	assert_int_equal(config.wait_max_s, 60);
	assert_int_equal(config.body_max, 1 << 20);
	assert_int_equal(config.keys.count, 1);
	assert_string_equal(config.mapping.default_sender, "crm");
	assert_memory_equal(config.reply_key.bytes, config.keys.at[0].bytes, 32);
	hook_config_finish(&config);
}

static void mistakes_are_named(void **state)
{
	(void)state;
	bad((struct put[]){ { "name", "crm" }, { NULL, NULL } }, "secret");
	bad((struct put[]){ { "name", "crm" }, { "auth", "bearer" }, { NULL, NULL } }, "secret");
	bad((struct put[]){ { "name", "crm" }, { "secret", "whsec_short" }, { NULL, NULL } }, "openssl rand");
	bad((struct put[]){ { "name", "crm" }, { "auth", "bearer" }, { "secret", "short" }, { NULL, NULL } },
	    "openssl rand");
	bad((struct put[]){ { "name", "a/b" }, { "secret", SECRET }, { NULL, NULL } }, "name");
	bad((struct put[]){ { "name", "" }, { "secret", SECRET }, { NULL, NULL } }, "name");
	bad((struct put[]){ { "name", "crm" }, { "secret", SECRET }, { "text", "text" }, { NULL, NULL } },
	    "JSON Pointer");
	bad((struct put[]){ { "name", "crm" }, { "secret", SECRET }, { "id", "/a~2" }, { NULL, NULL } },
	    "JSON Pointer");
	bad((struct put[]){ { "name", "crm" },
			    { "secret", SECRET },
			    { "reply_url", "ftp://example.org/" },
			    { NULL, NULL } },
	    "reply_url");
	bad((struct put[]){ { "name", "crm" },
			    { "secret", SECRET },
			    { "reply_url", "http://127.0.0.1:9/cb" },
			    { NULL, NULL } },
	    "reply_url");
	bad((struct put[]){ { "name", "crm" },
			    { "secret", SECRET },
			    { "reply_url_pointer", "/cb" },
			    { NULL, NULL } },
	    "reply_hosts");
	bad((struct put[]){ { "name", "crm" },
			    { "auth", "none" },
			    { "reply_url", "https://example.org/cb" },
			    { NULL, NULL } },
	    "reply_secret");
}

static void two_keys_while_one_replaces_another(void **state)
{
	struct hook_config config;

	(void)state;
	good((struct put[]){ { "name", "crm" },
			     { "auth", "github" },
			     { "secret", "It's a Secret to Everybody" },
			     { "secret_previous", "It was a Secret to Everybody" },
			     { NULL, NULL } },
	     &config);
	assert_int_equal(config.keys.count, 2);
	hook_config_finish(&config);
}

/* A body may say where the answer goes; it must not be able to send it anywhere else (or to be a probe of
 * ours). */
static void answers_go_to_listed_hosts_only(void **state)
{
	static const char *const yes[] = { "https://api.example.org/cb",
					   "https://API.example.ORG:8443/cb?x=1", "https://a.b.example.net/",
					   "https://own.example.com/exactly/this" };
	static const char *const no[] = {
		"https://api.example.org.evil.example/",
		"https://evilapi.example.org/",
		"https://example.net/",
		"https://notexample.net/",
		"https://own.example.com/exactly/that",
		"https://api.example.org@evil.example/",
		"https://evil.example/api.example.org",
		"https://evil.example\\@api.example.org/",
		"https://evil.example#@api.example.org/",
		"https://evil.example?@api.example.org/",
		"ftp://api.example.org/",
		"file:///etc/hostname",
		"//api.example.org/",
		"api.example.org",
		"",
	};
	struct hook_config config;
	struct err err = { 0 };

	(void)state;
	good((struct put[]){ { "name", "crm" },
			     { "secret", SECRET },
			     { "reply_url", "https://own.example.com/exactly/this" },
			     { "reply_url_pointer", "/callback" },
			     { "reply_hosts", "api.example.org" },
			     { "reply_hosts", ".example.net" },
			     { NULL, NULL } },
	     &config);
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!hook_reply_allowed(&config, yes[i], &err))
			fail_msg("%s is refused: %s", yes[i], err.text);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (hook_reply_allowed(&config, no[i], &err))
			fail_msg("%s is allowed", no[i]);
	hook_config_finish(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_settings),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(two_keys_while_one_replaces_another),
		cmocka_unit_test(answers_go_to_listed_hosts_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
