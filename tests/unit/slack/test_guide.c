/* What an operator pastes at Slack: a manifest that lacks a line is a bot that does not hear or cannot answer. */
#include "buf.h"
#include "settings_build.h"
#include "slack_room.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct put {
	const char *name, *text;
};

static char *printed(const struct put *puts, const char *public_url)
{
	struct settings *settings = settings_create(slack_settings, "platforms.slack[0]", "usher.conf:3");
	struct buf out = { 0 };
	struct err err = { 0 };

	for (; puts->name; puts++)
		assert_true(settings_put(settings, puts->name, puts->text, "usher.conf:4", &err));
	assert_true(settings_finish(settings, &err));
	slack_guide.print(settings, public_url, &out);
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

static const struct put socket_app[] = { { "name", "acme" }, { NULL, NULL } };
static const struct put http_app[] = { { "name", "acme" }, { "transport", "http" }, { NULL, NULL } };
static const struct put shared_app[] = { { "name", "acme" }, { "client_id", "1.2" }, { NULL, NULL } };

static void socket_mode_needs_no_address(void **state)
{
	char *text = printed(socket_app, NULL);

	(void)state;
	has(text, "\n  socket_mode_enabled: true\n");
	has_not(text, "request_url");
	has_not(text, "redirect_urls");
	has_not(text, "\n#");
	has_not(text, "  # ");
	free(text);
}

static void nothing_of_the_template_is_left(void **state)
{
	static const struct put *const apps[] = { socket_app, http_app, shared_app };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *text = printed(apps[i], "https://usher.example.org");

		has_not(text, "{events}");
		has_not(text, "{redirect}");
		has_not(text, "#http");
		has_not(text, "#oauth");
		has_not(text, "# socket");
		has_not(text, "# own");
		has_not(text, "# prompts");
		free(text);
	}
}

static void http_names_where_to_call(void **state)
{
	char *text = printed(http_app, "https://usher.example.org");

	(void)state;
	has(text, "\n  socket_mode_enabled: false\n");
	has_not(text, "socket_mode_enabled: true");
	has(text, "\n  event_subscriptions:\n    request_url: https://usher.example.org/slack/acme/events\n");
	has(text, "\n    is_enabled: true\n    request_url: https://usher.example.org/slack/acme/events\n");
	has(text, "\n      url: https://usher.example.org/slack/acme/events\n");
	has(text, "Signing Secret");
	has_not(text, "App-Level Tokens");
	free(text);
	text = printed(http_app, NULL);
	has(text, "Set listen.public_url first");
	free(text);
}

static void others_come_back_to_us(void **state)
{
	char *text = printed(shared_app, "https://usher.example.org");

	(void)state;
	has(text, "\n  redirect_urls:\n    - https://usher.example.org/slack/acme/oauth\n");
	has(text, "\n  org_deploy_enabled: true\n");
	has_not(text, "org_deploy_enabled: false");
	has(text, "https://usher.example.org/slack/acme/install");
	has(text, "Manage Distribution");
	free(text);
}

/* Asked for and not in the manifest, or in it and not asked for: both show as a scope that is missing for ever. */
static void the_scopes_are_those_we_check(void **state)
{
	char *text = printed(socket_app, NULL), *at, *end;
	size_t count = 0, listed = 0;

	(void)state;
	for (const struct slack_scope *scope = slack_scopes; scope->scope; scope++, count++) {
		char line[100];

		snprintf(line, sizeof(line), "\n      - %s\n", scope->scope);
		has(text, line);
	}
	at = strstr(text, "\n    bot:\n");
	end = strstr(text, "\nsettings:");
	assert_true(at && end && at < end);
	for (at = strstr(at, "      - "); at && at < end; at = strstr(at + 1, "      - "))
		listed++;
	assert_int_equal(listed, count);
	free(text);
}

static void everything_we_react_to_is_subscribed(void **state)
{
	static const char *const lines[] = { "- agent_session_stopped",
					     "- app_home_opened",
					     "- app_mention",
					     "- app_uninstalled",
					     "- member_joined_channel",
					     "- message.channels",
					     "- message.groups",
					     "- message.im",
					     "- message.mpim",
					     "- tokens_revoked",
					     "messages_tab_enabled: true",
					     "messages_tab_read_only_enabled: false",
					     "agent_view:",
					     "callback_id: usher_ask",
					     "command: /usher",
					     "interactivity:\n    is_enabled: true" };
	char *text = printed(socket_app, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		has(text, lines[i]);
	free(text);
}

static void the_steps_name_the_pages(void **state)
{
	static const char *const pages[] = {
		"https://api.slack.com/apps", "Create New App",	  "From a manifest",   "Install App",
		"Basic Information",	      "App-Level Tokens", "connections:write", "OAuth & Permissions",
		"Bot User OAuth Token",	      "SLACK_BOT_TOKEN"
	};
	char *text = printed(socket_app, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		has(text, pages[i]);
	free(text);
}

/* A prompt is free text: it must not end its line or become YAML of its own. */
static void own_prompts_replace_ours(void **state)
{
	char *text = printed(
		(struct put[]){ { "name", "acme" }, { "prompts", "Say: \"yes\" # or\nno" }, { NULL, NULL } },
		NULL);

	(void)state;
	has(text, "    suggested_prompts:\n      - title: \"Say: \\\"yes\\\" # or\\nno\"\n"
		  "        message: \"Say: \\\"yes\\\" # or\\nno\"\n  shortcuts:\n");
	has_not(text, "What can you do?");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socket_mode_needs_no_address),
		cmocka_unit_test(nothing_of_the_template_is_left),
		cmocka_unit_test(http_names_where_to_call),
		cmocka_unit_test(others_come_back_to_us),
		cmocka_unit_test(the_scopes_are_those_we_check),
		cmocka_unit_test(everything_we_react_to_is_subscribed),
		cmocka_unit_test(the_steps_name_the_pages),
		cmocka_unit_test(own_prompts_replace_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
