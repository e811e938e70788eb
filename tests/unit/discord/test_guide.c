/* What an operator reads before there is a bot, and the link that adds it to a server. */
#include "buf.h"
#include "discord_room.h"
#include "settings_build.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct settings *made(bool content)
{
	struct settings *settings = settings_create(discord_settings, "platforms.discord[0]", "usher.conf:3");
	struct err err = { 0 };

	assert_true(settings_put(settings, "name", "acme", "usher.conf:4", &err));
	if (!content)
		assert_true(settings_put(settings, "message_content", "false", "usher.conf:4", &err));
	assert_true(settings_finish(settings, &err));
	return settings;
}

static char *printed(bool content, const char *public_url)
{
	struct settings *settings = made(content);
	struct buf out = { 0 };

	discord_guide.print(settings, public_url, &out);
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

/* Somebody who never made a bot finds each step, and the switch that everybody misses. */
static void the_steps(void **state)
{
	static const char *const parts[] = { "https://discord.com/developers/applications",
					     "New Application",
					     "Reset Token",
					     "Privileged Gateway Intents",
					     "Message Content Intent",
					     "name = \"acme\"",
					     "DISCORD_BOT_TOKEN",
					     "Authorize",
					     "scope=bot%20applications.commands",
					     "permissions=309237763136" };
	char *text = printed(true, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		has(text, parts[i]);
	has_not(text, "interactions");
	has_not(text, "public_url");
	free(text);
	text = printed(false, NULL);
	has(text, "message_content is false");
	has_not(text, "Privileged Gateway Intents");
	free(text);
}

static void a_public_address_may_be_called(void **state)
{
	char *text = printed(true, "https://usher.example.org");

	(void)state;
	has(text, "https://usher.example.org/discord/acme/interactions");
	has(text, "https://usher.example.org/discord/acme/events");
	free(text);
}

/* More than it needs scares those who are to add it; ADMINISTRATOR and pinging everybody are never asked for. */
static void the_permissions_are_exactly_these(void **state)
{
	uint64_t bits = 0;

	(void)state;
	for (const struct discord_permission *one = discord_permissions; one->bit; one++) {
		assert_true(one->bit && (one->bit & (one->bit - 1)) == 0 && (bits & one->bit) == 0);
		assert_true(*one->name && *one->without);
		bits |= one->bit;
	}
	assert_true(bits == 309237763136);
	assert_true((bits & (UINT64_C(1) << 3)) == 0 && (bits & (UINT64_C(1) << 17)) == 0);
}

static void the_link_that_adds_it(void **state)
{
	struct settings *settings = made(true);
	char *link = discord_guide.invite(settings, "{\"app_id\":\"1099511627775999999\"}", NULL);

	(void)state;
	assert_string_equal(link, "https://discord.com/oauth2/authorize?client_id=1099511627775999999&"
				  "scope=bot%20applications.commands&permissions=309237763136");
	free(link);
	/* It carries no code: whoever opens it must not be told that it makes them the owner. */
	assert_null(discord_guide.invite(settings, "{\"app_id\":\"1099511627775999999\"}", "Ab-1_z"));
	assert_null(discord_guide.invite(settings, NULL, NULL));
	assert_null(discord_guide.invite(settings, "{}", NULL));
	assert_null(discord_guide.invite(settings, "{\"app_id\":\"x&y\"}", NULL));
	assert_null(discord_guide.invite(settings, "nonsense", NULL));
	assert_null(discord_guide.talks); /* what is not taken from the gateway is not said again */
	settings_destroy(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_steps),
		cmocka_unit_test(a_public_address_may_be_called),
		cmocka_unit_test(the_permissions_are_exactly_these),
		cmocka_unit_test(the_link_that_adds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
