/* `usher doctor` for an app and its workspaces: tokens, rights, address, clock, connection, each with its cure. */
#include "clock.h"
#include "findings.h"
#include "mem.h"
#include "slack_room.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { CLOCK_TOTAL_MS = 10000 };

struct check {
	struct slack_checks *checks;
	uint64_t ticket; /* the core's */
	uint64_t own;	 /* ours, for what is asked meanwhile */
	uint64_t call, http;
	size_t step;
	json_t *findings;
	char *app_id; /* of the bot token */
	struct check *next;
};

struct slack_checks {
	struct platform *workspace;
	struct check *running;
};

static const struct slack *app_of(const struct check *check)
{
	return check->checks->workspace->app;
}

static bool of_root(const struct check *check)
{
	return app_of(check)->root == check->checks->workspace;
}

static const char *app_id(const struct check *check)
{
	return check->app_id ? check->app_id : app_of(check)->app_id ? app_of(check)->app_id : "APP";
}

static struct check *find(struct slack_checks *checks, uint64_t own)
{
	struct check *check = checks->running;

	while (check && check->own != own)
		check = check->next;
	return check;
}

static void next(struct check *check);

static void call(struct check *check, struct slack_call *what, slack_api_fn *fn)
{
	struct platform *workspace = check->checks->workspace;

	check->call = slack_api(workspace, what, fn, check->checks, check->own);
}

/* ---- what needs no question -------------------------------------------------------------------------------- */

static void check_link(struct check *check)
{
	const struct platform *workspace = check->checks->workspace;
	const struct slack *app = workspace->app;

	if (workspace->disabled)
		findings_add(check->findings, FINDING_WARNING, "link",
			     "switched off; usher installation enable switches it on");
	else if (app->link == LINK_UP)
		findings_add(check->findings, FINDING_OK, "link", "%s",
			     app->config.transport == SLACK_SOCKET ? "connected (Socket Mode)"
								   : "waiting for Slack's requests");
	else
		findings_add(check->findings, FINDING_FAULT, "link", "not connected%s%s",
			     app->link_why ? ": " : "", app->link_why ? app->link_why : "");
	next(check);
}

/* After the token, which tells whose page it is. */
static void check_messages(struct check *check)
{
	const struct platform *workspace = check->checks->workspace;
	char time[CLOCK_TEXT_SIZE];

	if (workspace->stored_ms)
		findings_add(check->findings, FINDING_OK, "messages", "the last one came at %s",
			     clock_text(workspace->stored_ms, time));
	else
		findings_add(
			check->findings, FINDING_OK, "messages",
			"none since the start. If people can't write to it directly: App Home, Show Tabs, "
			"Messages "
			"Tab, and allow messages there: https://api.slack.com/apps/%s/app-home",
			app_id(check));
	next(check);
}

static void check_address(struct check *check)
{
	const struct slack *app = app_of(check);
	const char *url = app->root->host->public_url;

	if (!of_root(check) || app->config.transport != SLACK_HTTP)
		;
	else if (url == NULL)
		findings_add(check->findings, FINDING_FAULT, "address",
			     "listen.public_url is not set: Slack can't know where to call; set it to "
			     "https://... and "
			     "print the manifest again");
	else if (strncmp(url, "https://", 8) != 0)
		findings_add(check->findings, FINDING_WARNING, "address",
			     "%s is not https: Slack calls no such address", url);
	else
		findings_add(check->findings, FINDING_OK, "address",
			     "%s/slack/%s/events; requests are proved by the signing secret", url,
			     app->config.name);
	next(check);
}

/* ---- the bot token ------------------------------------------------------------------------------------------ */

static void check_scopes(struct check *check, const char *granted)
{
	size_t missing = 0;

	if (granted == NULL)
		return;
	for (const struct slack_scope *scope = slack_scopes; scope->scope; scope++) {
		if (slack_scope_granted(granted, scope->scope))
			continue;
		missing++;
		findings_add(check->findings,
			     strcmp(scope->scope, "chat:write") == 0 ? FINDING_FAULT : FINDING_WARNING,
			     "scopes",
			     "%s is missing: %s. Add it at https://api.slack.com/apps/%s/oauth and install "
			     "the app "
			     "again",
			     scope->scope, scope->without, app_id(check));
	}
	if (missing == 0)
		findings_add(check->findings, FINDING_OK, "scopes", "all that are needed");
}

static void got_bot(struct platform *workspace, void *owner, uint64_t ticket,
		    const struct slack_answer *answer)
{
	struct check *check = find(owner, ticket);
	const char *id =
		answer->how == SLACK_OK ? json_text(json_object_get(answer->body, "bot"), "app_id") : NULL;

	if (check == NULL)
		return;
	check->call = 0;
	if (slack_is(id, "A"))
		check->app_id = mem_text(id);
	check_scopes(check, workspace->scopes);
	next(check);
}

static void got_token(struct platform *workspace, void *owner, uint64_t ticket,
		      const struct slack_answer *answer)
{
	struct check *check = find(owner, ticket);
	const char *team, *bot, *id;

	if (check == NULL)
		return;
	check->call = 0;
	if (answer->how != SLACK_OK) {
		bool dead = answer->how == SLACK_AUTH || answer->how == SLACK_REFUSED;

		findings_add(check->findings, dead ? FINDING_FAULT : FINDING_WARNING, "token", "%s%s%s",
			     dead ? "Slack refuses the bot token: " : "the bot token could not be tried: ",
			     answer->error ? answer->error : "no reason given",
			     !dead	      ? ""
			     : of_root(check) ? "; copy it again from \"OAuth & Permissions\""
					      : "; the app must be added again");
		next(check);
		return;
	}
	team = json_text(answer->body, "team");
	id = json_text(answer->body, "team_id");
	bot = json_text(answer->body, "bot_id");
	findings_add(check->findings, FINDING_OK, "token", "works in %s (%s)",
		     team ? team : "a workspace without name",
		     workspace->key ? workspace->key
		     : id	    ? id
				    : "no id");
	if (answer->scopes) {
		free(workspace->scopes);
		workspace->scopes = mem_text(answer->scopes);
	}
	if (slack_is(bot, "B")) {
		call(check,
		     &(struct slack_call){ .method = "bots.info", .args = json_pack("{s:s}", "bot", bot) },
		     got_bot);
		return;
	}
	check_scopes(check, workspace->scopes);
	next(check);
}

static void check_token(struct check *check)
{
	const struct platform *workspace = check->checks->workspace;

	if (workspace->token) {
		call(check, &(struct slack_call){ .method = "auth.test" }, got_token);
		return;
	}
	findings_add(
		check->findings, FINDING_OK, "token", "none: workspaces add the app at %s/slack/%s/install",
		workspace->host->public_url ? workspace->host->public_url : "", app_of(check)->config.name);
	next(check);
}

/* ---- the app token ------------------------------------------------------------------------------------------ */

/* "xapp-1-A0123-...": whose token it is stands in it. NULL: it does not. The caller frees. */
static char *app_of_token(const char *token)
{
	const char *at = strchr(token, '-'), *end;
	char *id;

	at = at ? strchr(at + 1, '-') : NULL;
	end = at ? strchr(at + 1, '-') : NULL;
	if (end == NULL)
		return NULL;
	id = mem_text_n(at + 1, (size_t)(end - at - 1));
	if (slack_is(id, "A"))
		return id;
	free(id);
	return NULL;
}

static void same_app(struct check *check)
{
	char *id = app_of_token(app_of(check)->config.app_token);

	if (id == NULL || check->app_id == NULL)
		findings_add(check->findings, FINDING_OK, "app token", "works");
	else if (strcmp(id, check->app_id) == 0)
		findings_add(check->findings, FINDING_OK, "app token",
			     "works, and belongs to the same app as the bot token (%s)", id);
	else
		findings_add(
			check->findings, FINDING_FAULT, "app token",
			"belongs to the app %s, but the bot token to %s: take both from one app; with these, "
			"nothing "
			"said to the bot would arrive",
			id, check->app_id);
	free(id);
}

static void got_connection(struct platform *workspace, void *owner, uint64_t ticket,
			   const struct slack_answer *answer)
{
	struct check *check = find(owner, ticket);

	(void)workspace;
	if (check == NULL)
		return;
	check->call = 0;
	if (answer->how == SLACK_OK)
		same_app(check);
	else if (answer->how == SLACK_AUTH || answer->how == SLACK_REFUSED)
		findings_add(
			check->findings, FINDING_FAULT, "app token",
			"Slack refuses it: %s; make one with connections:write at "
			"https://api.slack.com/apps/%s/general, App-Level Tokens, and switch Socket Mode on",
			answer->error ? answer->error : "no reason given", app_id(check));
	else
		findings_add(check->findings, FINDING_WARNING, "app token", "could not be tried: %s",
			     answer->error ? answer->error : "no answer");
	next(check);
}

static void check_app_token(struct check *check)
{
	const struct slack_config *config = &app_of(check)->config;

	if (!of_root(check) || config->transport != SLACK_SOCKET) {
		next(check);
		return;
	}
	call(check, &(struct slack_call){ .method = "apps.connections.open", .token = config->app_token },
	     got_connection);
}

/* ---- the clock ---------------------------------------------------------------------------------------------- */

static void got_time(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct check *check = find(owner, ticket);

	if (check == NULL)
		return;
	check->http = 0;
	if (answer->how != HTTP_ANSWERED || answer->date_ms == 0) {
		findings_add(check->findings, FINDING_WARNING, "clock",
			     "could not be compared with Slack's: %s",
			     answer->how == HTTP_ANSWERED ? "no date in its answer" : answer->err.text);
		next(check);
		return;
	}
	findings_clock(check->findings, "Slack", clock_wall_ms() - answer->date_ms,
		       "Slack's requests are refused as too old");
	next(check);
}

static void check_clock(struct check *check)
{
	const struct platform *workspace = check->checks->workspace;
	char *url;

	if (!of_root(check)) {
		next(check);
		return;
	}
	url = mem_format("%s/api.test", app_of(check)->config.api_base);
	check->http =
		http_start(workspace->host->http,
			   &(struct http_call){ .method = "GET", .url = url, .total_ms = CLOCK_TOTAL_MS },
			   NULL, got_time, check->checks, check->own);
	free(url);
}

/* ---- one after the other -------------------------------------------------------------------------------------- */

static void (*const steps[])(struct check *check) = {
	check_link, check_address, check_token, check_app_token, check_messages, check_clock,
};

static void check_free(struct check *check)
{
	struct platform *workspace = check->checks->workspace;

	if (check->call)
		slack_api_cancel(workspace, check->call);
	if (check->http)
		http_cancel(workspace->host->http, check->http);
	json_decref(check->findings);
	free(check->app_id);
	free(check);
}

static void check_end(struct check *check)
{
	struct platform_host *host = check->checks->workspace->host;
	char *text = json_write(check->findings);
	uint64_t ticket = check->ticket;

	LL_DELETE(check->checks->running, check);
	check_free(check);
	host->checked(host, ticket, text);
	free(text);
}

static void next(struct check *check)
{
	if (check->step < sizeof(steps) / sizeof(steps[0]))
		steps[check->step++](check);
	else
		check_end(check);
}

void slack_check(struct platform *workspace, uint64_t ticket)
{
	struct check *check = mem_zero(1, sizeof(*check));

	check->checks = workspace->checks;
	check->ticket = ticket;
	check->own = slack_ticket(workspace->app);
	check->findings = json_array();
	LL_PREPEND(workspace->checks->running, check);
	next(check);
}

struct slack_checks *slack_checks_create(struct platform *workspace)
{
	struct slack_checks *checks = mem_zero(1, sizeof(*checks));

	checks->workspace = workspace;
	return checks;
}

void slack_checks_destroy(struct slack_checks *checks)
{
	struct check *check, *after;

	if (checks == NULL)
		return;
	LL_FOREACH_SAFE(checks->running, check, after)
	check_free(check);
	free(checks);
}
