/* The settings file as an operator writes it: what is taken, what is refused and how the refusal reads. */
#include "mem.h"
#include "settings_build.h"
#include "settings_file.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static struct err err;

static struct settings *load_by(struct settings *(*loader)(const char *path, struct err *err),
				const char *text)
{
	int fd = memfd_create("settings", MFD_CLOEXEC);
	char path[64];
	struct settings *settings;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err_clear(&err);
	settings = loader(path, &err);
	close(fd);
	return settings;
}

static struct settings *load(const char *text)
{
	return load_by(config_load, text);
}

static void without_a_file_the_defaults_run(void **state)
{
	struct settings *settings = config_load(NULL, &err);
	char *socket = config_socket(settings);

	(void)state;
	assert_int_equal(settings_int(settings_group(settings, "listen"), "port"), 8080);
	assert_string_equal(settings_text(settings_group(settings, "users"), "strangers"), "pair");
	assert_string_equal(socket, "var/usher.sock");
	free(socket);
	settings_destroy(settings);
}

static void the_file_of_the_design_is_taken(void **state)
{
	struct settings *settings =
		load("listen = { address = \"127.0.0.1\"; port = 8081; public_url = "
		     "\"https://bot.example.org\"; };\n"
		     "store = { url = \"sqlite:/var/lib/usher/usher.db\"; };\n"
		     "models = ( { name = \"main\"; provider = \"openai\"; base_url = "
		     "\"http://127.0.0.1:1/v1\"; model = \"m\"; "
		     "api_key = \"k\"; } );\n"
		     "assistant = { model = \"main\"; system_prompt = \"x\"; history_messages = 20; };\n"
		     "platforms = { webhook = ( { name = \"crm\"; secret = "
		     "\"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"; } ); };\n");
	char *socket;

	(void)state;
	assert_non_null(settings);
	socket = config_socket(settings);
	assert_string_equal(socket, "/var/lib/usher/usher.sock");
	assert_int_equal(settings_count(settings, "models"), 1);
	assert_string_equal(
		settings_text(settings_group_at(settings_group(settings, "platforms"), "webhook", 0), "name"),
		"crm");
	free(socket);
	settings_destroy(settings);
}

static void refusals_name_place_and_cure(void **state)
{
	static const struct {
		const char *text, *says;
	} refused[] = {
		{ "listen = { prot = 1; };", "did you mean \"port\"" },
		{ "\n\nlisten = { port = \"x\"; };", ":3: listen.port: expected a whole number" },
		{ "listen = { port = 99999; };", "from 0 to 65535" },
		{ "listen = 5;", "expected a group" },
		{ "store = { url = ( \"a\" ); };", "expected one value" },
		{ "platforms = { slakc = (); };", "unknown setting" },
		{ "platforms = { webhook = ( { name = \"a b\"; secret = \"12345678\"; } ); };",
		  "letters, digits" },
		{ "platforms = { webhook = ( { name = \"a\"; secret = \"12345678\"; }, { name = \"a\"; "
		  "secret = \"12345678\"; } ); };",
		  "two installations" },
		{ "platforms = { webhook = ( { secret = \"12345678\"; } ); };", "needs \"name\"" },
		{ "listen = {", "syntax error" },
		{ "models = ( 5 );", "expected a group" },
		{ "platforms = { webhook = { name = \"a\"; }; };",
		  "platforms.webhook: expected a list of groups ( { ... }, ... ), found a group" },
		{ "platforms = { webhook = ( { name = \"a\"; text = { }; } ); };",
		  "a text or a list of texts" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_null(load(refused[i].text));
		if (strstr(err.text, refused[i].says) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err.text, refused[i].says);
	}
}

/* An operator's shell does not have the daemon's environment and credentials: `usher status` works all the same. */
static void commands_do_not_need_the_secrets(void **state)
{
	static const char text[] =
		"listen = { port = 8081; };\n"
		"models = ( { name = \"main\"; provider = \"openai\"; model = \"m\"; api_key = "
		"\"env:USHER_TEST_NOT_SET\"; } );\n"
		"platforms = { webhook = ( { name = \"crm\"; secret = \"credential:crm\"; } ); };\n";
	struct settings *settings = load(text);

	(void)state;
	assert_null(settings);
	assert_non_null(strstr(err.text, "USHER_TEST_NOT_SET"));
	settings = load_by(config_load_open, text);
	assert_non_null(settings);
	assert_int_equal(settings_int(settings_group(settings, "listen"), "port"), 8081);
	settings_destroy(settings);
	assert_null(load_by(config_load_open, "listen = { prot = 1; };\n"));
}

static void the_built_in_prices_are_whole(void **state)
{
	struct prices prices;
	size_t longer = 0, written = 0;

	(void)state;
	assert_true(prices_load(NULL, &prices, &err));
	assert_true(prices.count > 30);
	assert_int_equal(strlen(prices.date), 10);
	for (size_t i = 0; i < prices.count; i++) {
		const struct ai_price *row = &prices.rows[i];

		assert_true(row->output >= row->input || row->output == 0);
		assert_true(row->long_from == 0 || row->long_input > row->input);
		assert_true(row->written < 0 || row->written > row->input); /* writing is what costs more */
		longer += row->long_from > 0;
		written += row->written > 0;
	}
	assert_true(longer > 10);
	assert_true(written > 20);
	prices_free(&prices);
}

/* A price that reads as 0 would be shown as free of charge, and no budget would hold. */
static void a_price_that_is_none_is_refused(void **state)
{
	static const char *const refused[] = { "input = \"0.25\"; output = 1.0;",
					       "input = -1; output = 1;",
					       "input = 1; output = 1; cached = \"x\";",
					       "input = 1; output = 1; written = \"x\";",
					       "input = 1;",
					       "input = 1; output = 1; long_from = 9; long_input = 2;",
					       "input = 1; output = 1; long_input = 2; long_output = 2;" };
	char path[] = "/tmp/usher-test-XXXXXX";
	struct prices prices;
	int fd = mkstemp(path);

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		lseek(fd, 0, SEEK_SET);
		dprintf(fd, "prices = ( { provider = \"p\"; model = \"m\"; %s } );", refused[i]);
		err_clear(&err);
		assert_false(prices_load(path, &prices, &err));
		assert_non_null(strstr(err.text, "a price needs"));
	}
	unlink(path);
	assert_false(prices_load(path, &prices, &err));
	assert_non_null(strstr(err.text, "No such file"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_the_defaults_run),
		cmocka_unit_test(the_file_of_the_design_is_taken),
		cmocka_unit_test(refusals_name_place_and_cure),
		cmocka_unit_test(commands_do_not_need_the_secrets),
		cmocka_unit_test(the_built_in_prices_are_whole),
		cmocka_unit_test(a_price_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
