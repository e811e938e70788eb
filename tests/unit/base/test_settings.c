/* Settings: what an operator mistypes must be named, and defaults must arrive as if they had been written. */
#include "mem.h"
#include "settings_build.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct setting inner[] = {
	{ "name", SETTING_TEXT, .required = true, .help = "a name" },
	{ "secret", SETTING_SECRET, .help = "a secret" },
	{ NULL },
};
static const struct setting table[] = {
	{ "port", SETTING_INT, "8080", .min = 0, .max = 65535, .help = "port" },
	{ "ratio", SETTING_NUMBER, "0.5", .help = "ratio" },
	{ "on", SETTING_BOOL, "true", .help = "switch" },
	{ "mode", SETTING_CHOICE, "pair", "pair|allow|deny", .help = "mode" },
	{ "list", SETTING_TEXTS, "/a,/b", .help = "list" },
	{ "one", SETTING_GROUP, .inside = table + 8, .help = "an empty group" },
	{ "many", SETTING_GROUPS, .inside = inner, .help = "groups" },
	{ "plain", SETTING_TEXT, .help = "text" },
	{ NULL },
};

static struct settings *group;
static struct err err;

static int begin(void **state)
{
	(void)state;
	group = settings_create(table, "", "test.conf");
	err_clear(&err);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	settings_destroy(group);
	return 0;
}

static void defaults_arrive(void **state)
{
	(void)state;
	assert_true(settings_finish(group, &err));
	assert_int_equal(settings_int(group, "port"), 8080);
	assert_true(settings_bool(group, "on"));
	assert_string_equal(settings_text(group, "mode"), "pair");
	assert_int_equal(settings_count(group, "list"), 2);
	assert_string_equal(settings_text_at(group, "list", 1), "/b");
	assert_non_null(settings_group(group, "one"));
	assert_int_equal(settings_count(group, "many"), 0);
	assert_null(settings_text(group, "plain"));
	assert_false(settings_given(group, "port"));
}

static void a_mistyped_name_gets_the_nearest(void **state)
{
	(void)state;
	assert_false(settings_put(group, "prot", "1", "test.conf:3", &err));
	assert_non_null(strstr(err.text, "test.conf:3"));
	assert_non_null(strstr(err.text, "\"prot\""));
	assert_non_null(strstr(err.text, "did you mean \"port\""));
	assert_false(settings_put(group, "completely-else", "1", "test.conf:4", &err));
	assert_null(strstr(err.text, "did you mean"));
}

static void wrong_values_say_what_was_expected(void **state)
{
	static const struct {
		const char *name, *value, *expected;
	} wrong[] = {
		{ "port", "70000", "a whole number from 0 to 65535" },
		{ "port", "80a", "a whole number" },
		{ "port", "", "a whole number" },
		{ "ratio", "much", "a number" },
		{ "ratio", "nan", "a number" },
		{ "ratio", "inf", "a number" },
		{ "on", "yes", "true or false" },
		{ "mode", "pairs", "pair|allow|deny" },
		{ "mode", "pai", "pair|allow|deny" },
		{ "one", "x", "a group" },
		{ "plain", "\xff", "UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(settings_put(group, wrong[i].name, wrong[i].value, "f:1", &err));
		assert_non_null(strstr(err.text, wrong[i].expected));
		assert_non_null(strstr(err.text, wrong[i].name));
	}
}

static void a_missing_required_one_is_named(void **state)
{
	(void)state;
	settings_put_group_take(group, "many", settings_create(inner, "many[0]", "f:7"));
	assert_false(settings_finish(group, &err));
	assert_non_null(strstr(err.text, "f:7"));
	assert_non_null(strstr(err.text, "\"name\""));
}

static void secrets_are_resolved_and_literals_noticed(void **state)
{
	struct settings *one = settings_create(inner, "many[0]", "f:7");
	char path[] = "/tmp/usher-test-XXXXXX", *named;
	int fd = mkstemp(path);

	(void)state;
	settings_put_group_take(group, "many", one);
	assert_int_equal(write(fd, "from-the-file\n", 14), 14);
	close(fd);
	setenv("USHER_TEST_SECRET", "from-the-environment", 1);
	assert_true(settings_put(one, "secret", "env:USHER_TEST_SECRET", "f:8", &err));
	assert_string_equal(settings_text(one, "secret"), "from-the-environment");
	assert_false(settings_secret_literal(one, "secret"));
	named = mem_format("file:%s", path);
	assert_true(settings_put(one, "secret", named, "f:8", &err));
	assert_string_equal(settings_text(one, "secret"), "from-the-file");
	assert_true(settings_put(one, "secret", "written out", "f:8", &err));
	assert_true(settings_secret_literal(one, "secret"));
	assert_false(settings_put(one, "secret", "env:USHER_TEST_NOT_SET", "f:9", &err));
	assert_non_null(strstr(err.text, "USHER_TEST_NOT_SET"));
	assert_int_equal(truncate(path, 0), 0); /* as a deployment that failed half-way leaves it */
	assert_false(settings_put(one, "secret", named, "f:9", &err));
	assert_non_null(strstr(err.text, "empty"));
	assert_non_null(strstr(err.text, path));
	free(named);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(defaults_arrive, begin, finish),
		cmocka_unit_test_setup_teardown(a_mistyped_name_gets_the_nearest, begin, finish),
		cmocka_unit_test_setup_teardown(wrong_values_say_what_was_expected, begin, finish),
		cmocka_unit_test_setup_teardown(a_missing_required_one_is_named, begin, finish),
		cmocka_unit_test_setup_teardown(secrets_are_resolved_and_literals_noticed, begin, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
