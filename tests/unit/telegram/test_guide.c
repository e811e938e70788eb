/* What an operator reads before there is a bot, and the links that people open. */
#include "buf.h"
#include "settings_build.h"
#include "telegram_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct settings *made(bool webhook)
{
	struct settings *settings =
		settings_create(telegram_settings, "platforms.telegram[0]", "usher.conf:3");
	struct err err = { 0 };

	assert_true(settings_put(settings, "name", "acme", "usher.conf:4", &err));
	if (webhook)
		assert_true(settings_put(settings, "transport", "webhook", "usher.conf:4", &err));
	assert_true(settings_finish(settings, &err));
	return settings;
}

static char *printed(bool webhook, const char *public_url)
{
	struct settings *settings = made(webhook);
	struct buf out = { 0 };

	telegram_guide.print(settings, public_url, &out);
	settings_destroy(settings);
	return buf_take(&out);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in\n%s", part, text);
}

/* Somebody who never made a bot finds each step, and the one that keeps bots deaf in groups. */
static void the_steps(void **state)
{
	static const char *const parts[] = {
		"https://t.me/BotFather", "/newbot",	       "/token",
		"ends in \"bot\"",	  "/setprivacy",       "Disable",
		"add it again",		  "press Start",       "https://t.me/USERNAME",
		"name = \"acme\"",	  "TELEGRAM_BOT_TOKEN"
	};
	char *text = printed(false, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		has(text, parts[i]);
	has_not(text, "webhook");
	has_not(text, "public_url");
	free(text);
}

static void a_webhook_names_its_address(void **state)
{
	char *text = printed(true, "https://usher.example.org");

	(void)state;
	has(text, "https://usher.example.org/telegram/acme/update");
	has(text, "transport = \"webhook\"");
	has_not(text, "Set listen.public_url first");
	free(text);
	text = printed(true, NULL);
	has(text, "Set listen.public_url first");
	free(text);
}

/* The link of `usher pair invite` makes its opener the owner: one that leads to another bot would give that away. */
static void the_link_that_hands_a_code_over(void **state)
{
	struct settings *settings = made(false);
	char *link = telegram_guide.invite(settings, "{\"username\":\"usher_bot\",\"bot_id\":7}", "Ab-1_z");

	(void)state;
	assert_string_equal(link, "https://t.me/usher_bot?start=Ab-1_z");
	free(link);
	link = telegram_guide.invite(settings, "{\"username\":\"usher_bot\"}", NULL);
	assert_string_equal(link, "https://t.me/usher_bot");
	free(link);
	assert_null(telegram_guide.invite(settings, NULL, "code"));
	assert_null(telegram_guide.invite(settings, "{}", "code"));
	assert_null(telegram_guide.invite(settings, "{\"username\":\"\"}", "code"));
	assert_null(telegram_guide.invite(settings, "nonsense", "code"));
	settings_destroy(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_steps),
		cmocka_unit_test(a_webhook_names_its_address),
		cmocka_unit_test(the_link_that_hands_a_code_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
