/* Settings of a server: what makes no sense is refused with the line, and a child gets no more than it must. */
#include "mcp_room.h"
#include "settings_build.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct settings *group(const char *const *pairs)
{
	struct settings *settings = settings_create(mcp_settings, "tools.mcp[0]", "usher.conf:3");
	struct err err = { 0 };

	for (; *pairs; pairs += 2)
		if (!settings_put(settings, pairs[0], pairs[1], "usher.conf:4", &err))
			fail_msg("%s", err.text);
	if (!settings_finish(settings, &err))
		fail_msg("%s", err.text);
	return settings;
}

#define GROUP(...) group((const char *const[]){ __VA_ARGS__, NULL })

static void refuses(struct settings *settings, const char *why)
{
	struct mcp_config config;
	struct err err = { 0 };

	assert_false(config_read(settings, &config, &err));
	if (strstr(err.text, why) == NULL || strstr(err.text, "usher.conf:") == NULL)
		fail_msg("%s, without %s", err.text, why);
	settings_destroy(settings);
}

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	refuses(GROUP("name", "a"), "either a command or a url");
	refuses(GROUP("name", "a", "command", "x", "url", "https://x"), "either a command or a url");
	refuses(GROUP("name", "a", "url", "ftp://x"), "https://");
	refuses(GROUP("name", "a", "command", ""), "program is missing");
	refuses(GROUP("name", "a b", "command", "x"), "name");
	refuses(GROUP("name", "1a", "command", "x"), "name");
	refuses(GROUP("name", "a__b", "command", "x"),
		"name"); /* tools of two servers could come to one name */
	refuses(GROUP("name", "a_", "command", "x"), "name");
	refuses(GROUP("name", "a", "command", "x", "classes", "tool=often"), "classes");
	refuses(GROUP("name", "a", "command", "x", "classes", "=read"), "classes");
	refuses(GROUP("name", "a", "command", "x", "headers", "no colon"), "headers");
	refuses(GROUP("name", "a", "command", "x", "headers", "A: b\r\nC: d"), "headers");
	refuses(GROUP("name", "a", "command", "x", "env", "A B=1"), "env");
	refuses(GROUP("name", "a", "command", "x", "env", "USHER_TEST_NOT_SET"), "is not set");
}

/* The same with { name = value } pairs of oauth. */
static struct settings *with_oauth(const char *const *pairs, const char *const *inside)
{
	struct settings *settings = settings_create(mcp_settings, "tools.mcp[0]", "usher.conf:3");
	const struct setting *row = settings_row(settings, "oauth", "", NULL);
	struct settings *oauth = settings_create(row->inside, "tools.mcp[0].oauth", "usher.conf:5");
	struct err err = { 0 };

	for (; *pairs; pairs += 2)
		assert_true(settings_put(settings, pairs[0], pairs[1], "usher.conf:4", &err));
	for (; *inside; inside += 2)
		assert_true(settings_put(oauth, inside[0], inside[1], "usher.conf:5", &err));
	settings_put_group_take(settings, "oauth", oauth);
	assert_true(settings_finish(settings, &err));
	return settings;
}

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What could only fail later, with a secret on its way, is said at the start. */
static void an_authorization_that_cannot_work_is_refused(void **state)
{
	const char *const *far = PAIRS("name", "a", "url", "https://x/mcp");
	const char *const *clear = PAIRS("name", "a", "url", "http://x.example/mcp");
	struct settings *good = with_oauth(far, PAIRS("client_id", "me", "client_secret", "not-told-1"));
	struct mcp_config config;

	(void)state;
	refuses(with_oauth(clear, PAIRS("client_id", "me")), "https");
	refuses(with_oauth(far, PAIRS("client_secret", "not-told-1")), "client_id");
	refuses(with_oauth(far, PAIRS("grant", "client_credentials", "client_id", "me")), "client_secret");
	refuses(with_oauth(far, PAIRS("client_id", "me", "private_key", "no key")), "oauth.private_key");
	refuses(with_oauth(far, PAIRS("issuer", "http://as.example")), "oauth.issuer");
	refuses(with_oauth(PAIRS("name", "a", "url", "https://x/mcp", "token", "not-told-2"),
			   PAIRS("scope", "all")),
		"token is set");
	assert_true(config_read(good, &config, NULL));
	assert_true(config.oauth && !config.oauth_machine);
	config_finish(&config);
	settings_destroy(good);
}

static const char *value(const struct mcp_config *config, const char *name)
{
	size_t len = strlen(name);

	for (char **one = config->env; *one; one++)
		if (strncmp(*one, name, len) == 0 && (*one)[len] == '=')
			return *one + len + 1;
	return NULL;
}

/* The daemon's own environment holds the keys of models and bots. */
static void the_environment_is_what_is_named(void **state)
{
	struct settings *settings = GROUP("name", "a", "command", "x", "command", "--y", "env",
					  "USHER_TEST_GIVEN", "env", "MODE=a=b", "env", "HOME=/elsewhere");
	struct mcp_config config;
	struct err err = { 0 };

	(void)state;
	setenv("USHER_TEST_SECRET", "sixteen letters!", 1);
	setenv("USHER_TEST_GIVEN", "given", 1);
	setenv("SHELL", "() { :; }", 1);
	assert_true(config_read(settings, &config, &err));
	assert_null(value(&config, "USHER_TEST_SECRET"));
	assert_null(value(&config, "SHELL")); /* a function of a shell */
	assert_string_equal(value(&config, "USHER_TEST_GIVEN"), "given");
	assert_string_equal(value(&config, "MODE"), "a=b");
	assert_string_equal(value(&config, "HOME"), "/elsewhere");
	assert_non_null(value(&config, "PATH"));
	assert_string_equal(config.command[1], "--y");
	assert_null(config.command[2]);
	config_finish(&config);
	settings_destroy(settings);
}

static void names_with_stars_are_matched(void **state)
{
	struct settings *settings = GROUP("name", "a", "command", "x", "allow", "read*file", "allow", "*",
					  "deny", "*e*e*x", "classes", "read_*=read", "classes", "*=once");
	struct mcp_config config;
	enum tool_class class;
	struct err err = { 0 };

	(void)state;
	assert_true(config_read(settings, &config, &err));
	assert_true(config_offers(&config, "read_file"));
	assert_true(config_offers(&config, "exe"));
	assert_false(config_offers(&config, "e_e_x_e_x"));
	assert_false(config_offers(&config, "eex"));
	assert_true(config_offers(&config, ""));
	assert_true(config_class(&config, "read_it", &class));
	assert_int_equal(class, TOOL_READ);
	assert_true(config_class(&config, "write", &class));
	assert_int_equal(class, TOOL_ONCE);
	config_finish(&config);
	settings_destroy(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(an_authorization_that_cannot_work_is_refused),
		cmocka_unit_test(the_environment_is_what_is_named),
		cmocka_unit_test(names_with_stars_are_matched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
