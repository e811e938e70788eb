/* "Add to Slack" (sheet 3): the button page, the way back from Slack, and a workspace that is there to stay.
 * A code is good once, so nothing here is repeated by itself: who installs is told to start again. */
#include "buf.h"
#include "mem.h"
#include "page.h"
#include "slack_room.h"
#include "state.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define COOKIE "usher-install"

enum { RUNNING_MAX = 100, CODE_MAX = 1024 };

/* One installation under way. made holds who and what; it is no workspace of ours yet. */
struct installing {
	struct slack_installs *installs;
	uint64_t ticket;
	uint64_t web_id;
	uint64_t call; /* 0: the core keeps it */
	char *installed_by;
	struct platform made;
	struct installing *next;
};

struct slack_installs {
	struct slack *app;
	struct slack_states *states;
	char *redirect_uri;
	char *start;  /* the button page */
	char *folder; /* the path that both pages are below, as the browser sees it */
	struct installing *running;
	size_t count;
	bool stopping;
};

/* ---- pages ------------------------------------------------------------------------------------------------ */

static void say(struct slack_installs *installs, struct web_request *request, int status, const char *title,
		const char *line)
{
	const char *const lines[] = { line, NULL };
	struct slack_page page = { .status = status, .title = title, .lines = lines };

	if (request == NULL)
		return; /* they have closed the page; what was begun went on all the same */
	if (status >= 400) {
		page.button = "Start again";
		page.href = installs->start;
	}
	slack_page_answer(request, &page);
}

static struct web_request *asker(const struct installing *one)
{
	return web_find(one->installs->app->root->host->web, one->web_id);
}

static void installing_free(struct installing *one)
{
	if (one->call)
		slack_api_cancel(one->installs->app->root, one->call);
	slack_forget(&one->made);
	free(one->installed_by);
	free(one);
}

static void installing_end(struct installing *one)
{
	struct slack_installs *installs = one->installs;

	LL_DELETE(installs->running, one);
	installs->count--;
	installing_free(one);
	slack_settle(installs->app->root);
}

static void finish(struct installing *one, int status, const char *title, const char *line)
{
	say(one->installs, asker(one), status, title, line);
	installing_end(one);
}

static void try_again(struct installing *one, const char *why)
{
	log_warn(one->installs->app->root->host->log, "an installation did not come about: %s", why);
	finish(one, 503, "That did not work",
	       "Slack's answer did not arrive. Nothing was added; please try again.");
}

/* ---- the button ------------------------------------------------------------------------------------------- */

static void add_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c))
			buf_add(out, text, 1);
		else
			buf_format(out, "%%%02X", c);
	}
}

static void add_argument(struct buf *out, char mark, const char *name, const char *value)
{
	buf_format(out, "%c%s=", mark, name);
	add_escaped(out, value);
}

static char *authorize_link(const struct slack_installs *installs, const char *state)
{
	const struct slack_config *config = &installs->app->config;
	struct buf url = { 0 }, scopes = { 0 };

	for (const struct slack_scope *scope = slack_scopes; scope->scope; scope++)
		buf_format(&scopes, "%s%s", scopes.len ? "," : "", scope->scope);
	buf_text(&url, config->authorize_url);
	add_argument(&url, '?', "client_id", config->client_id);
	add_argument(&url, '&', "scope", buf_str(&scopes));
	add_argument(&url, '&', "user_scope", "");
	add_argument(&url, '&', "redirect_uri", installs->redirect_uri);
	add_argument(&url, '&', "state", state);
	buf_free(&scopes);
	return buf_take(&url);
}

/* An empty value takes the cookie back. Lax: it must come along when Slack sends the browser back to us. */
static void set_cookie(const struct slack_installs *installs, struct web_request *request, const char *value)
{
	bool secure = strncmp(installs->redirect_uri, "https:", 6) == 0;
	char *line = mem_format(COOKIE "=%s; Path=%s; Max-Age=%d; HttpOnly; SameSite=Lax%s", value,
				installs->folder, *value ? STATE_SECONDS : 0, secure ? "; Secure" : "");

	web_add_header(request, "set-cookie", line);
	free(line);
}

static void on_install(void *owner, struct web_request *request)
{
	static const char *const lines[] = {
		"Slack will ask which workspace it is for, and show what the app may do there.",
		"Afterwards, mention it in a channel it was invited to, or send it a direct message.", NULL
	};
	struct slack_installs *installs = owner;
	const struct platform_host *host = installs->app->root->host;
	char state[STATE_SIZE], cookie[STATE_SIZE], *link;

	if (installs->stopping) {
		say(installs, request, 503, "One moment", "We are about to restart. Please try again.");
		return;
	}
	slack_state_new(installs->states, loop_now_ms(host->loop), state, cookie);
	set_cookie(installs, request, cookie);
	link = authorize_link(installs, state);
	slack_page_answer(request, &(struct slack_page){ .status = 200,
							 .title = "Add the app to your workspace",
							 .lines = lines,
							 .button = "Add to Slack",
							 .href = link });
	free(link);
}

/* ---- keeping ---------------------------------------------------------------------------------------------- */

static struct installing *find(struct slack_installs *installs, uint64_t ticket)
{
	struct installing *one = installs->running;

	while (one && one->ticket != ticket)
		one = one->next;
	return one;
}

static void keep(struct installing *one)
{
	struct slack *app = one->installs->app;
	struct platform *made = &one->made;
	char *settings = slack_record_write(made, app->app_id, one->installed_by);
	char *secrets = slack_secrets_write(made->token, made->refresh_token, made->expires_ms);

	app->root->host->install(app->root->host,
				 &(struct install){ .key = made->key,
						    .title = made->title,
						    .settings = settings,
						    .secrets = secrets,
						    .enabled = true },
				 one->ticket);
	free(settings);
	free(secrets);
}

/* "It has not got ...": what they unticked, or the app does not ask for. */
static char *missing_line(const struct platform *made)
{
	struct buf line = { 0 };

	for (const struct slack_scope *scope = slack_scopes; scope->scope; scope++)
		if (!slack_scope_granted(made->scopes, scope->scope))
			buf_format(&line, "%s%s", line.len ? ", " : "Slack did not grant: ", scope->scope);
	return line.len ? buf_take(&line) : NULL;
}

void slack_installed(struct slack_installs *installs, uint64_t ticket, const struct err *err,
		     const char *name)
{
	struct installing *one = find(installs, ticket);
	const struct log *log = installs->app->root->host->log;
	struct web_request *request;
	char *title, *missing;

	if (one == NULL || one->call)
		return;
	if (name == NULL) {
		log_warn(log, "%s could not be kept: %s", one->made.key, err ? err->text : "no reason given");
		finish(one, 503, "That did not work", "It could not be taken in. Please try again.");
		return;
	}
	log_info(log, "%s was added by %s", name, one->installed_by ? one->installed_by : "somebody");
	title = mem_format("Added to %s", one->made.title ? one->made.title : one->made.key);
	missing = missing_line(&one->made);
	request = asker(one);
	if (request)
		slack_page_answer(request,
				  &(struct slack_page){ .status = 200,
							.title = title,
							.lines = (const char *const[]){
								"Mention it in a channel it was invited to, "
								"or send it a direct message.",
								missing, NULL } });
	free(title);
	free(missing);
	installing_end(one);
}

/* ---- who it is ----------------------------------------------------------------------------------------------
 */

static void identified(struct platform *root, void *owner, uint64_t ticket, const struct slack_answer *answer)
{
	struct installing *one = find(owner, ticket);
	struct err err = { 0 };

	if (one == NULL)
		return;
	one->call = 0;
	if (answer->how != SLACK_OK) {
		try_again(one, answer->error ? answer->error : "no answer to auth.test");
		return;
	}
	if (!slack_fill(&one->made, answer->body, &err)) {
		try_again(one, err.text);
		return;
	}
	if (root->token && root->key && strcmp(root->key, one->made.key) == 0) {
		finish(one, 409, "It is there already",
		       "This workspace is the one the app was set up in; it needs no second installation.");
		return;
	}
	if (answer->scopes && one->made.scopes == NULL)
		one->made.scopes = mem_text(answer->scopes);
	keep(one);
}

static void identify(struct installing *one)
{
	struct platform *root = one->installs->app->root;
	struct slack_call call = { .method = "auth.test", .token = one->made.token };

	one->call = slack_api(root, &call, identified, one->installs, one->ticket);
}

/* ---- the exchange ----------------------------------------------------------------------------------------- */

static char *text_of(const json_t *object, const char *name)
{
	const char *text = json_text(object, name);

	return text && *text ? mem_text(text) : NULL;
}

/* False: not what oauth.v2.access answers (sheet 3.2). */
static bool read_grant(struct installing *one, const json_t *body)
{
	struct platform *made = &one->made;
	const json_t *enterprise = json_object_get(body, "enterprise"), *team = json_object_get(body, "team");
	const char *user = json_text(json_object_get(body, "authed_user"), "id");
	int64_t life_s = json_int(body, "expires_in", 0);

	made->org = json_is_true(json_object_get(body, "is_enterprise_install"));
	made->key = text_of(made->org ? enterprise : team, "id");
	made->title = text_of(made->org ? enterprise : team, "name");
	made->token = text_of(body, "access_token");
	made->refresh_token = text_of(body, "refresh_token");
	made->scopes = text_of(body, "scope");
	made->expires_ms = life_s > 0 && life_s < INT32_MAX ? slack_expires_ms(life_s) : 0;
	one->installed_by = slack_is(user, "UW") ? mem_text(user) : NULL;
	log_hide(made->token);
	log_hide(made->refresh_token);
	return made->token && slack_is(made->key, made->org ? "E" : "T");
}

static void refused(struct installing *one, const char *error)
{
	static const char *const theirs[] = { "invalid_code", "code_already_used", "code_expired", NULL };
	const struct log *log = one->installs->app->root->host->log;

	for (size_t i = 0; theirs[i]; i++) {
		if (strcmp(error, theirs[i]) != 0)
			continue;
		finish(one, 400, "That took too long",
		       "Slack's permission was used already or is too old. Nothing was added.");
		return;
	}
	log_error(log, "Slack refuses an installation: %s (oauth.v2.access)", error);
	finish(one, 502, "That did not work",
	       "Slack does not accept how this app is set up. Its operator finds the reason in the log.");
}

static void exchanged(struct platform *root, void *owner, uint64_t ticket, const struct slack_answer *answer)
{
	struct installing *one = find(owner, ticket);

	if (one == NULL)
		return;
	one->call = 0;
	if (answer->how == SLACK_REFUSED || answer->how == SLACK_AUTH) {
		refused(one, answer->error ? answer->error : "unknown");
	} else if (answer->how != SLACK_OK) {
		try_again(one, answer->error ? answer->error : "no answer to oauth.v2.access");
	} else if (!slack_app_is(root->app, json_text(answer->body, "app_id"))) {
		log_error(root->host->log, "client_id belongs to the app %s, the other settings to %s",
			  json_text(answer->body, "app_id"), root->app->app_id);
		refused(one, "two different apps in the settings");
	} else if (!read_grant(one, answer->body)) {
		try_again(one, "oauth.v2.access does not say which workspace it is");
	} else {
		identify(one);
	}
}

static void exchange(struct slack_installs *installs, struct web_request *request, const char *code)
{
	struct slack *app = installs->app;
	struct installing *one = mem_zero(1, sizeof(*one));
	char *basic = mem_format("%s:%s", app->config.client_id, app->config.client_secret);
	struct slack_call call = {
		.method = "oauth.v2.access",
		.args = json_pack("{s:s, s:s}", "code", code, "redirect_uri", installs->redirect_uri),
		.basic = basic,
	};

	one->installs = installs;
	one->ticket = slack_ticket(app);
	one->web_id = web_id(request);
	one->made.app = app;
	one->made.host = app->root->host;
	LL_PREPEND(installs->running, one);
	installs->count++;
	one->call = slack_api(app->root, &call, exchanged, installs, one->ticket);
	free(basic);
}

/* ---- the way back ----------------------------------------------------------------------------------------- */

/* The value of our cookie, cut out of the header. The caller frees; NULL: none. */
static char *read_cookie(const struct web_request *request)
{
	const char *at = web_header(request, "cookie");

	while (at && *at) {
		size_t len;

		at += strspn(at, "; \t");
		len = strcspn(at, ";");
		if (len > sizeof(COOKIE) && strncmp(at, COOKIE "=", sizeof(COOKIE)) == 0)
			return mem_text_n(at + sizeof(COOKIE), len - sizeof(COOKIE));
		at += len;
	}
	return NULL;
}

static bool code_fits(const char *code)
{
	size_t len = code ? strlen(code) : 0;

	for (size_t i = 0; i < len; i++)
		if (code[i] <= ' ' || code[i] > '~')
			return false;
	return len > 0 && len <= CODE_MAX;
}

static void on_oauth(void *owner, struct web_request *request)
{
	struct slack_installs *installs = owner;
	const char *code = web_query(request, "code"), *error = web_query(request, "error");
	char *cookie = read_cookie(request);
	enum state_use use = slack_state_use(installs->states, loop_now_ms(installs->app->root->host->loop),
					     web_query(request, "state"), cookie);

	free(cookie);
	if (use == STATE_FINE)
		set_cookie(installs, request, "");
	if (use != STATE_FINE)
		say(installs, request, 400, "Please start again",
		    "This page was reached too late, twice, or in another browser than the one it was begun "
		    "in. Nothing was added.");
	else if (error && strcmp(error, "access_denied") == 0)
		say(installs, request, 400, "Nothing was added", "You did not give Slack your permission.");
	else if (!code_fits(code))
		say(installs, request, 400, "Please start again", "Slack sent no permission along.");
	else if (installs->stopping || installs->count >= RUNNING_MAX)
		say(installs, request, 503, "One moment", "We can't do this just now. Please try again.");
	else
		exchange(installs, request, code);
}

/* ---- beginning and end ------------------------------------------------------------------------------------ */

/* What a proxy in front takes off before it calls us: "/bots" of "https://example.org/bots". */
static const char *url_path(const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;

	return path ? path : "";
}

struct slack_installs *slack_installs_create(struct slack *app)
{
	struct slack_installs *installs = mem_zero(1, sizeof(*installs));
	const char *url = app->root->host->public_url;

	installs->app = app;
	installs->states = slack_states_create();
	installs->redirect_uri = mem_format("%s/slack/%s/oauth", url, app->config.name);
	installs->start = mem_format("%s/slack/%s/install", url, app->config.name);
	installs->folder = mem_format("%s/slack/%s", url_path(url), app->config.name);
	return installs;
}

bool slack_installs_start(struct slack_installs *installs, struct err *err)
{
	struct web *web = installs->app->root->host->web;
	char *start = mem_format("/slack/%s/install", installs->app->config.name);
	char *back = mem_format("/slack/%s/oauth", installs->app->config.name);
	bool claimed = web_claim(web, &(struct web_route){ "GET", start, 0, on_install, installs }) &&
		       web_claim(web, &(struct web_route){ "GET", back, 0, on_oauth, installs });

	if (!claimed)
		err_set(err, ERR_REFUSED, "the address %s is taken: two apps have the same name", start);
	free(start);
	free(back);
	return claimed;
}

bool slack_installs_busy(const struct slack_installs *installs)
{
	return installs && installs->count > 0;
}

void slack_installs_stop(struct slack_installs *installs)
{
	if (installs)
		installs->stopping = true;
}

void slack_installs_destroy(struct slack_installs *installs)
{
	struct installing *one, *after;

	if (installs == NULL)
		return;
	web_release(installs->app->root->host->web, installs);
	LL_FOREACH_SAFE(installs->running, one, after)
	{
		say(installs, asker(one), 503, "One moment", "We are restarting. Please try again.");
		installing_free(one);
	}
	slack_states_destroy(installs->states);
	free(installs->redirect_uri);
	free(installs->start);
	free(installs->folder);
	free(installs);
}
