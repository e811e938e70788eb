/* Turns the settings of one app into checked values: says at the start what would only fail later. */
#include "config_checks.h"
#include "mem.h"
#include "slack_room.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { PROMPTS_MAX = 4, PROMPT_MAX = 300 };

const struct setting slack_settings[] = {
	{ "name", SETTING_TEXT, .required = true,
	  .help = "part of the addresses: /slack/NAME/events; letters, digits, - and _" },
	{ "transport", SETTING_CHOICE, .fallback = "socket", .choices = "socket|http",
	  .help = "socket: usher connects to Slack, no public address needed (Socket Mode); http: Slack "
		  "calls "
		  "PUBLIC_URL/slack/NAME/events" },
	{ "bot_token", SETTING_SECRET,
	  .help = "xoxb-..., from \"OAuth & Permissions\" after the app was installed; not needed when only "
		  "others add the app (client_id)" },
	{ "app_token", SETTING_SECRET,
	  .help = "xapp-..., from \"Basic Information\", App-Level Tokens, with connections:write; required "
		  "for socket" },
	{ "signing_secret", SETTING_SECRET,
	  .help = "from \"Basic Information\", App Credentials; proves that a request is Slack's; required "
		  "for http" },
	{ "client_id", SETTING_TEXT,
	  .help = "from \"Basic Information\", App Credentials: other workspaces may add the app at "
		  "/slack/NAME/install" },
	{ "client_secret", SETTING_SECRET, .help = "belongs to client_id" },
	{ "api_base", SETTING_TEXT, .fallback = "https://slack.com/api", .help = "where the Web API is" },
	{ "authorize_url", SETTING_TEXT, .fallback = "https://slack.com/oauth/v2/authorize",
	  .help = "where people agree to add the app" },
	{ "direct", SETTING_CHOICE, .fallback = "thread", .choices = "thread|channel",
	  .help = "direct messages: thread makes each top-level message a conversation of its own, answered "
		  "in "
		  "its "
		  "thread; channel makes all of them one" },
	{ "members", SETTING_CHOICE, .fallback = "allow", .choices = "allow|ask",
	  .help = "people of the workspace: let in, or treated as users.strangers says" },
	{ "stream", SETTING_BOOL, .fallback = "true", .help = "show answers while they grow" },
	{ "feedback", SETTING_BOOL, .fallback = "true", .help = "thumbs under an answer" },
	{ "bots", SETTING_BOOL, .fallback = "false",
	  .help = "answer other bots too, at most five times in a row" },
	{ "catch_up_hours", SETTING_INT, .fallback = "24", .min = 0, .max = 720,
	  .help = "after an outage, messages of so many hours are fetched and answered; 0: none" },
	{ "catch_up_messages", SETTING_INT, .fallback = "200", .min = 1, .max = 1000,
	  .help = "at most so many of each channel or thread" },
	{ "prompts", SETTING_TEXTS,
	  .help = "suggested first messages of the assistant pane, at most four; otherwise general ones" },
	{ .name = NULL },
};

/* What a token given in the wrong place really is, to say so. */
static const struct token_kind {
	const char *start, *what;
} token_kinds[] = {
	{ "xoxb-", "a bot token" },
	{ "xoxe.xoxb-", "a bot token" },
	{ "xapp-", "an app-level token, which belongs into app_token" },
	{ "xoxp-", "a user token, which acts as a person; take the \"Bot User OAuth Token\" beside it" },
	{ "xoxe.xoxp-", "a user token, which acts as a person; take the \"Bot User OAuth Token\" beside it" },
	{ "xoxe-", "a refresh token, which only gets new tokens" },
	{ "xoxa-", "a token of an app type that Slack has given up" },
	{ "xoxs-", "a token of a browser, which acts as a person" },
	{ NULL, "no token of Slack's" },
};

static const char *token_kind(const char *token)
{
	const struct token_kind *kind = token_kinds;

	while (kind->start && strncmp(token, kind->start, strlen(kind->start)) != 0)
		kind++;
	return kind->what;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool wrong(const struct settings *settings, const char *name, struct err *err)
{
	return config_wrong(settings, "slack", name, err);
}

static bool check_bot_token(const struct slack_config *config, const struct settings *settings,
			    struct err *err)
{
	if (config->bot_token == NULL && config->client_id == NULL) {
		err_set(err, ERR_REFUSED,
			"missing: set the Bot User OAuth Token (xoxb-...) of your workspace, or client_id "
			"and "
			"client_secret so that workspaces can add the app");
		return wrong(settings, "bot_token", err);
	}
	if (config->bot_token == NULL || starts(config->bot_token, "xoxb-") ||
	    starts(config->bot_token, "xoxe.xoxb-"))
		return true;
	err_set(err, ERR_REFUSED, "this is %s; a bot token starts with xoxb-", token_kind(config->bot_token));
	return wrong(settings, "bot_token", err);
}

static bool check_app_token(const struct slack_config *config, const struct settings *settings,
			    struct err *err)
{
	if (config->app_token == NULL && config->transport == SLACK_HTTP)
		return true;
	if (config->app_token && starts(config->app_token, "xapp-"))
		return true;
	if (config->app_token == NULL)
		err_set(err, ERR_REFUSED,
			"missing: transport = \"socket\" needs an app-level token (xapp-...) with "
			"connections:write, made at \"Basic Information\", App-Level Tokens");
	else
		err_set(err, ERR_REFUSED, "this is %s; an app-level token starts with xapp-",
			token_kind(config->app_token));
	return wrong(settings, "app_token", err);
}

static bool check_signing_secret(const struct slack_config *config, const struct settings *settings,
				 struct err *err)
{
	if (config->transport == SLACK_SOCKET || (config->signing_secret && *config->signing_secret))
		return true;
	err_set(err, ERR_REFUSED,
		"missing: with transport = \"http\" nothing else tells Slack's requests from others'; it "
		"stands "
		"at \"Basic Information\", App Credentials");
	return wrong(settings, "signing_secret", err);
}

static bool check_client(const struct slack_config *config, const struct settings *settings, struct err *err)
{
	const char *missing = config->client_id ? "client_secret" : "client_id";

	if ((config->client_id == NULL) == (config->client_secret == NULL))
		return true;
	err_set(err, ERR_REFUSED, "missing: client_id and client_secret belong together");
	return wrong(settings, missing, err);
}

static bool read_prompts(struct slack_config *config, const struct settings *settings, struct err *err)
{
	size_t count = settings_count(settings, "prompts");
	const char **prompts = mem_zero(count + 1, sizeof(*prompts));

	config->prompts = prompts;
	config->prompt_count = count;
	if (count > PROMPTS_MAX) {
		err_set(err, ERR_REFUSED, "at most %d, Slack shows no more", PROMPTS_MAX);
		return wrong(settings, "prompts", err);
	}
	for (size_t i = 0; i < count; i++) {
		const char *prompt = settings_text_at(settings, "prompts", i);
		size_t len = strlen(prompt);

		prompts[i] = prompt;
		if (len <= PROMPT_MAX && text_valid(prompt, len) && !text_blank(prompt))
			continue;
		err_set(err, ERR_REFUSED, "expected texts of 1 to %d bytes of UTF-8", PROMPT_MAX);
		return wrong(settings, "prompts", err);
	}
	return true;
}

static void read_values(struct slack_config *config, const struct settings *settings)
{
	*config = (struct slack_config){
		.name = settings_text(settings, "name"),
		.transport =
			strcmp(settings_text(settings, "transport"), "http") == 0 ? SLACK_HTTP : SLACK_SOCKET,
		.bot_token = settings_text(settings, "bot_token"),
		.app_token = settings_text(settings, "app_token"),
		.signing_secret = settings_text(settings, "signing_secret"),
		.client_id = settings_text(settings, "client_id"),
		.client_secret = settings_text(settings, "client_secret"),
		.api_base = settings_text(settings, "api_base"),
		.authorize_url = settings_text(settings, "authorize_url"),
		.direct = strcmp(settings_text(settings, "direct"), "channel") == 0 ? SLACK_DIRECT_CHANNEL
										    : SLACK_DIRECT_THREAD,
		.members = strcmp(settings_text(settings, "members"), "ask") == 0 ? SLACK_MEMBERS_ASK
										  : SLACK_MEMBERS_ALLOW,
		.stream = settings_bool(settings, "stream"),
		.feedback = settings_bool(settings, "feedback"),
		.bots = settings_bool(settings, "bots"),
		.catch_up_hours = (unsigned)settings_int(settings, "catch_up_hours"),
		.catch_up_messages = (unsigned)settings_int(settings, "catch_up_messages"),
	};
}

bool slack_config_read(struct slack_config *config, const struct settings *settings, struct err *err)
{
	static const char *const plain[] = { "bot_token", "app_token", "signing_secret", "client_id",
					     "client_secret" };

	read_values(config, settings);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!config_check_plain(settings, "slack", plain[i], err))
			return false;
	return config_check_name(settings, "slack", err) && check_client(config, settings, err) &&
	       check_bot_token(config, settings, err) && check_app_token(config, settings, err) &&
	       check_signing_secret(config, settings, err) &&
	       config_check_url(settings, "slack", "api_base", CONFIG_THIS_MACHINE, err) &&
	       config_check_url(settings, "slack", "authorize_url", CONFIG_THIS_MACHINE, err) &&
	       read_prompts(config, settings, err);
}

bool slack_config_fits(const struct slack_config *config, const struct settings *settings,
		       const struct platform_host *host, struct err *err)
{
	if (config->client_id == NULL)
		return true;
	if (host->public_url == NULL || !config_url_private(host->public_url, CONFIG_THIS_MACHINE)) {
		err_set(err, ERR_REFUSED,
			"needs listen.public_url with https://: people's browsers come back to it with the "
			"permission to join their workspace");
		return wrong(settings, "client_id", err);
	}
	if (host->can_install)
		return true;
	err_set(err, ERR_REFUSED,
		"needs a key to keep the tokens of other workspaces with: set store.key to env:USHER_KEY, "
		"made "
		"by openssl rand -base64 32");
	return wrong(settings, "client_id", err);
}

void slack_config_finish(struct slack_config *config)
{
	free((void *)(uintptr_t)config->prompts); /* ours, const only for readers */
	*config = (struct slack_config){ 0 };
}
