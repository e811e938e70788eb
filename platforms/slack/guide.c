/* What an operator does at api.slack.com, step by step, and the manifest to paste there, filled in. */
#include "buf.h"
#include "mem.h"
#include "slack_room.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { PROMPTS_MAX = 4, PROMPT_TITLE_MAX = 75 };

/* etc/slack-manifest.yaml; its head tells how its lines are marked. */
extern const char _binary_etc_slack_manifest_yaml_start[], _binary_etc_slack_manifest_yaml_end[];

struct filling {
	const struct settings *settings;
	bool http, oauth;
	char *events, *redirect;
};

static bool begins(const char *line, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static bool ends(const char *line, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(line + len - strlen(with), with, strlen(with)) == 0;
}

static void add_filled(struct buf *out, const char *line, size_t len, const struct filling *filling)
{
	const char *open = memchr(line, '{', len);

	if (open && begins(open, len - (size_t)(open - line), "{events}"))
		buf_format(out, "%.*s%s", (int)(open - line), line, filling->events);
	else if (open && begins(open, len - (size_t)(open - line), "{redirect}"))
		buf_format(out, "%.*s%s", (int)(open - line), line, filling->redirect);
	else
		buf_add(out, line, len);
	buf_text(out, "\n");
}

static void add_prompts(struct buf *out, const struct settings *settings)
{
	for (size_t i = 0; i < settings_count(settings, "prompts") && i < PROMPTS_MAX; i++) {
		const char *prompt = settings_text_at(settings, "prompts", i);
		size_t len = strlen(prompt);

		buf_text(out, "      - title: "); /* a JSON text is a YAML one */
		json_quote(out, prompt, text_fit(prompt, len, PROMPT_TITLE_MAX));
		buf_text(out, "\n        message: ");
		json_quote(out, prompt, len);
		buf_text(out, "\n");
	}
}

static void add_line(struct buf *out, const char *line, size_t len, const struct filling *filling)
{
	static const char http[] = "#http ", oauth[] = "#oauth ", prompts[] = "    suggested_prompts:";
	bool own = settings_count(filling->settings, "prompts") > 0;

	if (begins(line, len, http)) {
		if (filling->http)
			add_filled(out, line + strlen(http), len - strlen(http), filling);
	} else if (begins(line, len, oauth)) {
		if (filling->oauth)
			add_filled(out, line + strlen(oauth), len - strlen(oauth), filling);
	} else if (ends(line, len, "  # socket")) {
		if (!filling->http)
			add_filled(out, line, len - strlen("  # socket"), filling);
	} else if (ends(line, len, "  # own")) {
		if (!filling->oauth)
			add_filled(out, line, len - strlen("  # own"), filling);
	} else if (ends(line, len, "  # prompts")) {
		if (!own)
			add_filled(out, line, len - strlen("  # prompts"), filling);
	} else if (!begins(line, len, "#")) {
		add_filled(out, line, len, filling);
		if (own && begins(line, len, prompts))
			add_prompts(out, filling->settings);
	}
}

static void add_manifest(struct buf *out, const struct filling *filling)
{
	const char *at = _binary_etc_slack_manifest_yaml_start;

	/* cppcheck-suppress comparePointers ; both ends of one object, as the linker names them */
	while (at < _binary_etc_slack_manifest_yaml_end) {
		size_t left = (size_t)(_binary_etc_slack_manifest_yaml_end - at);
		const char *end = memchr(at, '\n', left);
		size_t len = end ? (size_t)(end - at) : left;

		add_line(out, at, len, filling);
		at += len + (end ? 1 : 0);
	}
}

static void add_socket_steps(struct buf *out)
{
	buf_text(out, "3. On the page \"Basic Information\", below \"App-Level Tokens\", press \"Generate "
		      "Token and "
		      "Scopes\", give it any\n"
		      "   name, add the scope connections:write and press \"Generate\". Copy the token "
		      "(xapp-...): it is "
		      "app_token.\n");
}

static void add_http_steps(struct buf *out, const struct filling *filling)
{
	buf_format(out,
		   "3. On the page \"Basic Information\", below \"App Credentials\", show the \"Signing "
		   "Secret\" and "
		   "copy it: it is\n"
		   "   signing_secret. Slack calls %s\n"
		   "   when the manifest is saved; if usher did not run yet, open \"Event Subscriptions\" "
		   "afterwards "
		   "and press \"Retry\".\n",
		   filling->events);
}

static void add_oauth_steps(struct buf *out, const struct filling *filling, const char *public_url)
{
	buf_format(out,
		   "\nFor workspaces of others: on the page \"Basic Information\", below \"App "
		   "Credentials\", copy "
		   "\"Client ID\" and\n"
		   "\"Client Secret\": they are client_id and client_secret. On the page \"Manage "
		   "Distribution\" "
		   "activate public\n"
		   "distribution. Then whoever wants the app in their workspace opens\n"
		   "%s/slack/%s/install\n",
		   public_url, settings_text(filling->settings, "name"));
}

static void add_settings(struct buf *out, const struct filling *filling)
{
	buf_format(out, "\n  platforms = { slack = ( { name = \"%s\"; bot_token = \"env:SLACK_BOT_TOKEN\";\n",
		   settings_text(filling->settings, "name"));
	buf_text(out, filling->http
			      ? "    transport = \"http\"; signing_secret = \"env:SLACK_SIGNING_SECRET\";"
			      : "    app_token = \"env:SLACK_APP_TOKEN\";");
	if (filling->oauth)
		buf_text(out, "\n    client_id = \"...\"; client_secret = \"env:SLACK_CLIENT_SECRET\";");
	buf_text(out, " } ); };\n");
}

static void guide_print(const struct settings *settings, const char *public_url, struct buf *out)
{
	const char *name = settings_text(settings, "name");
	const char *url = public_url ? public_url : "https://PUBLIC_URL";
	struct filling filling = {
		.settings = settings,
		.http = strcmp(settings_text(settings, "transport"), "http") == 0,
		.oauth = settings_text(settings, "client_id") != NULL,
		.events = mem_format("%s/slack/%s/events", url, name),
		.redirect = mem_format("%s/slack/%s/oauth", url, name),
	};

	if (public_url == NULL && (filling.http || filling.oauth))
		buf_text(out, "Set listen.public_url first: it stands in the manifest.\n\n");
	buf_text(out,
		 "1. Open https://api.slack.com/apps, press \"Create New App\", choose \"From a manifest\", "
		 "pick the workspace,\n"
		 "   and paste this as YAML:\n\n");
	add_manifest(out, &filling);
	buf_text(out, "\n2. On the page \"Install App\" press \"Install to ...\" and \"Allow\".\n");
	if (filling.http)
		add_http_steps(out, &filling);
	else
		add_socket_steps(out);
	buf_text(out,
		 "4. On the page \"OAuth & Permissions\" copy the \"Bot User OAuth Token\" (xoxb-...): it is "
		 "bot_token.\n"
		 "5. Put them into the settings, named and not written out, and start usher:\n");
	add_settings(out, &filling);
	if (filling.oauth)
		add_oauth_steps(out, &filling, url);
	free(filling.events);
	free(filling.redirect);
}

const struct platform_guide slack_guide = {
	.title = "Slack",
	.print = guide_print,
	.first = "send the bot a direct message, or invite it to a channel (/invite @usher) and mention it "
		 "there",
};
