/* Keys, folders and addresses: what can't be right is refused at the start, with its place and cure. */
#include "derived.h"
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

#define HEX    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static struct settings *load(const char *text)
{
	struct err err = { 0 };
	int fd = memfd_create("settings", MFD_CLOEXEC);
	char path[64];
	struct settings *settings;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	settings = config_load(path, &err);
	close(fd);
	assert_non_null(settings);
	return settings;
}

static void without_keys_there_are_none(void **state)
{
	struct settings *settings = load("");
	struct derived derived;
	struct err err = { 0 };

	(void)state;
	assert_true(derived_read(settings, &derived, &err));
	assert_int_equal(derived.key_count, 0);
	assert_null(derived.public_url);
	assert_string_equal(derived.data_dir, "var");
	assert_int_equal(derived.file_max, 100 << 20);
	derived_finish(&derived);
	assert_null(derived.data_dir);
	settings_destroy(settings);
}

/* The first key seals: were they swapped, the old key would go on being used. */
static void keys_come_in_order_in_both_spellings(void **state)
{
	struct settings *settings =
		load("store = { url = \"sqlite:usher.db\"; key = \"" BASE64 "\"; key_previous = \""
		     "ff" HEX "\"; };");
	struct derived derived;
	struct err err = { 0 };

	(void)state;
	assert_false(derived_read(settings, &derived, &err));
	assert_non_null(strstr(err.text, "store.key_previous"));
	settings_destroy(settings);
	settings = load("store = { url = \"sqlite:usher.db\"; key = \"" BASE64 "\"; key_previous = \"" HEX
			"\"; };"
			" limits = { file_mb = 0; }; listen = { public_url = \"https://a.example/b//\"; };");
	err_clear(&err);
	assert_true(derived_read(settings, &derived, &err));
	assert_int_equal(derived.key_count, 2);
	assert_memory_equal(derived.keys[0], derived.keys[1], CRYPTO_KEY_SIZE);
	assert_int_equal(derived.keys[0][31], 31);
	assert_string_equal(derived.public_url, "https://a.example/b");
	assert_null(derived.data_dir);
	derived_finish(&derived);
	settings_destroy(settings);
}

static void wrong_ones_are_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} refused[] = {
		{ "store = { key = \"abc\"; };", "openssl rand" },
		{ "store = { key_previous = \"" HEX "\"; };", "set store.key too" },
		{ "listen = { public_url = \"bot.example.org\"; };",
		  "listen.public_url: expected an address" },
		{ "listen = { public_url = \"https://\"; };", "expected an address" },
		{ "listen = { public_url = \"https://a b\"; };", "expected an address" },
		{ "listen = { public_url = \"https://a/?b\"; };", "expected an address" },
		{ "assistant = { link_hosts = [\"example.org\", \"https://x\"]; };", "names of hosts" },
		{ "assistant = { link_hosts = [\"\"]; };", "names of hosts" },
		{ "assistant = { reset_daily = \"24:00\"; };", "expected a time of day" },
		{ "assistant = { reset_daily = \"4:60\"; };", "expected a time of day" },
		{ "assistant = { reset_daily = \":30\"; };", "expected a time of day" },
		{ "assistant = { reset_daily = \"4\"; };", "expected a time of day" },
		{ "assistant = { reset_daily = \"04:00 UTC\"; };", "expected a time of day" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct settings *settings = load(refused[i].text);
		struct derived derived;
		struct err err = { 0 };

		assert_false(derived_read(settings, &derived, &err));
		assert_non_null(strstr(err.text, refused[i].says));
		assert_non_null(strstr(err.text, ":1: "));
		settings_destroy(settings);
	}
}

/* The second one would answer what the first one answers. */
static void one_bot_is_set_up_once(void **state)
{
	struct settings *settings = load("platforms = { discord = ( { name = \"a\"; bot_token = \"x\"; },\n"
					 "{ name = \"b\"; bot_token = \"y\"; },\n"
					 "{ name = \"c\"; bot_token = \"x\"; } ); };");
	struct derived derived;
	struct err err = { 0 };

	(void)state;
	assert_false(derived_read(settings, &derived, &err));
	assert_non_null(strstr(err.text, ":3: platforms.discord: \"a\" and \"c\" have the same bot_token"));
	settings_destroy(settings);
	settings = load("platforms = { discord = ( { name = \"a\"; bot_token = \"x\"; } );"
			" telegram = ( { name = \"a\"; bot_token = \"x\"; } ); };");
	assert_true(derived_read(settings, &derived, &err));
	derived_finish(&derived);
	settings_destroy(settings);
}

static void a_time_of_day(void **state)
{
	struct settings *settings = load("assistant = { reset_daily = \"04:05\"; };");
	struct derived derived;
	struct err err = { 0 };

	(void)state;
	assert_true(derived_read(settings, &derived, &err));
	assert_int_equal(derived.reset_minute, 4 * 60 + 5);
	derived_finish(&derived);
	settings_destroy(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_keys_there_are_none),
		cmocka_unit_test(one_bot_is_set_up_once),
		cmocka_unit_test(keys_come_in_order_in_both_spellings),
		cmocka_unit_test(wrong_ones_are_refused),
		cmocka_unit_test(a_time_of_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
