/* A workspace from its start to its end: who are we, is the connection up, is anything still owed. */
#include "backoff.h"
#include "clock.h"
#include "mem.h"
#include "slack_room.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	ASK_BASE_MS = 1000,
	ASK_CAP_MS = 60000,
	LOOK_MS = 100,
	DEAD_FIRST_MS = 60000, /* a refused token is looked at again */
	DEAD_EACH_MS = 10 * 60000,
};

/* Whoever said that we were taken out, and waits for the acknowledgement. */
struct goodbye {
	struct slack_from from;
	struct goodbye *next;
};

struct slack_life {
	struct platform *workspace;
	struct loop_timer *again; /* auth.test, after a pause; also while the token is dead */
	struct loop_timer *soon;  /* is anything still owed? */
	uint64_t call;		  /* of slack_api, 0 none */
	unsigned attempts;
	unsigned looks; /* at a dead token, since it last worked for a while */
	uint64_t record_ticket;
	enum link_state shown;
	bool started;
	bool accepted;	     /* the token, by auth.test */
	int64_t accepted_ms; /* when last, Unix milliseconds */
	const char *doubt;   /* why it may have been taken out, while the token is asked; static */
	bool carrying;	     /* the root: the transport was begun */
	bool stopped;
	bool erased; /* taken out, and the core has erased what it kept */
	struct goodbye *goodbyes;
};

static void ask(void *data);

static bool is_root(const struct platform *workspace)
{
	return workspace->app->root == workspace;
}

/* ---- the link ------------------------------------------------------------------------------------------- */

static void tell(struct platform *workspace, enum link_state now, const char *why)
{
	bool up = now == LINK_UP && workspace->life->shown != LINK_UP;

	workspace->life->shown = now;
	workspace->host->link(workspace->host, now, why);
	if (up && workspace->token)
		slack_catch_up_begin(workspace);
}

static void show(struct platform *workspace)
{
	const struct slack_life *life = workspace->life;
	const struct slack *app = workspace->app;

	if (!life->started || workspace->stopping || (workspace->dead && workspace->token))
		return;
	if (workspace->disabled)
		tell(workspace, LINK_DOWN, "switched off by the operator");
	else if (workspace->token && !life->accepted)
		tell(workspace, LINK_CONNECTING, "asking Slack who we are");
	else
		tell(workspace, app->link, app->link_why);
}

void slack_link(struct slack *app, enum link_state now, const char *why)
{
	struct platform *one, *next;
	char *copy = mem_text(why);

	free(app->link_why);
	app->link_why = copy;
	app->link = now;
	show(app->root);
	HASH_ITER (hh, app->workspaces, one, next)
		if (one != app->root)
			show(one);
}

/* ---- the transport -------------------------------------------------------------------------------------- */

/* Over HTTP Slack comes to us, whether we want it or not: it is answered as long as we are there. */
static bool is_called(const struct platform *root)
{
	return root->app->config.transport == SLACK_HTTP;
}

static void carry(struct platform *root)
{
	struct slack *app = root->app;
	struct err err = { 0 };

	if (root->life->carrying || root->stopping || (root->disabled && !is_called(root)))
		return;
	root->life->carrying = true;
	if (app->config.transport == SLACK_SOCKET) {
		slack_link(app, LINK_CONNECTING, NULL);
		slack_sockets_start(app->sockets);
	} else if (slack_receive_start(app, &err)) {
		slack_link(app, LINK_UP, NULL);
	} else {
		log_error(root->host->log, "%s", err.text);
		slack_link(app, LINK_DOWN, err.text);
	}
}

static void drop(struct platform *root)
{
	if (!root->life->carrying || (is_called(root) && !root->stopping))
		return;
	root->life->carrying = false;
	if (root->app->config.transport == SLACK_SOCKET)
		slack_sockets_stop(root->app->sockets);
	else
		slack_receive_stop(root->app);
}

/* ---- who we are ----------------------------------------------------------------------------------------- */

static void warn_scopes(const struct platform *workspace)
{
	if (workspace->scopes == NULL)
		return;
	for (const struct slack_scope *scope = slack_scopes; scope->scope; scope++)
		if (!slack_scope_granted(workspace->scopes, scope->scope))
			log_warn(workspace->host->log,
				 "the bot lacks the scope %s: %s. Add it at "
				 "https://api.slack.com/apps/%s/oauth "
				 "and install the app again",
				 scope->scope, scope->without,
				 workspace->app->app_id ? workspace->app->app_id : "APP");
}

static void record(struct platform *root)
{
	char *settings = slack_record_write(root, root->app->app_id, NULL);
	struct install install = { .title = root->title, .settings = settings, .enabled = true };

	root->life->record_ticket = slack_ticket(root->app);
	root->host->install(root->host, &install, root->life->record_ticket);
	free(settings);
}

bool slack_life_recorded(struct platform *workspace, uint64_t ticket, const struct err *err)
{
	if (ticket != workspace->life->record_ticket)
		return false;
	if (err && err->kind != ERR_NONE)
		log_warn(workspace->host->log, "its row could not be brought up to date: %s", err->text);
	return true;
}

/* The socket was greeted before the bot's token was looked at. Its next greeting is refused, and says why. */
static void other_app(struct slack *app, const char *bots)
{
	log_error(app->root->host->log,
		  "bot_token belongs to the app %s, but the connection to %s: take both tokens from the same "
		  "app's pages",
		  bots, app->app_id);
	free(app->app_id);
	app->app_id = mem_text(bots);
	if (app->config.transport != SLACK_SOCKET || !app->root->life->carrying)
		return;
	slack_sockets_stop(app->sockets);
	slack_sockets_start(app->sockets);
}

/* Which app the token belongs to: asked once. */
static void app_known(struct platform *workspace, void *owner, uint64_t ticket,
		      const struct slack_answer *answer)
{
	struct slack *app = workspace->app;
	const char *id =
		answer->how == SLACK_OK ? json_text(json_object_get(answer->body, "bot"), "app_id") : NULL;

	(void)owner;
	(void)ticket;
	workspace->life->call = 0;
	if (slack_is(id, "A") && !slack_app_is(app, id))
		other_app(app, id);
	warn_scopes(workspace);
	record(workspace);
}

static void ask_app(struct platform *root)
{
	struct slack_call call = { .method = "bots.info" };

	if (root->bot_id == NULL) {
		warn_scopes(root);
		record(root);
		return;
	}
	call.args = json_pack("{s:s}", "bot", root->bot_id);
	root->life->call = slack_api(root, &call, app_known, NULL, slack_ticket(root->app));
}

static void accepted(struct platform *workspace, const struct slack_answer *answer)
{
	workspace->life->accepted = true;
	workspace->life->accepted_ms = clock_wall_ms();
	workspace->life->attempts = 0;
	if (answer->scopes) {
		free(workspace->scopes);
		workspace->scopes = mem_text(answer->scopes);
	}
	log_info(workspace->host->log, "we are %s in %s (%s)", workspace->bot_user_id,
		 workspace->title ? workspace->title : "a workspace without name", workspace->key);
	if (is_root(workspace)) {
		ask_app(workspace);
		carry(workspace);
	} else {
		warn_scopes(workspace);
	}
	show(workspace);
}

static void asked(struct platform *workspace, void *owner, uint64_t ticket, const struct slack_answer *answer)
{
	struct slack_life *life = owner;
	struct err err = { 0 };

	(void)ticket;
	life->call = 0;
	if (workspace->dead)
		return; /* slack_token_dead has said so */
	if (answer->how == SLACK_OK) {
		if (slack_identify(workspace, answer->body, &err))
			accepted(workspace, answer);
		else
			slack_token_dead(workspace, err.text);
		return;
	}
	if (life->attempts++ == 0)
		log_warn(workspace->host->log, "auth.test: %s; trying again",
			 answer->error ? answer->error : "?");
	loop_timer_start(life->again,
			 answer->how == SLACK_LIMITED
				 ? answer->retry_ms
				 : ASK_BASE_MS + backoff_ms(life->attempts, ASK_BASE_MS, ASK_CAP_MS),
			 0);
}

/* ---- is a dead token still dead? ------------------------------------------------------------------------- */

static void revived(struct platform *workspace, const struct slack_answer *answer)
{
	struct err err = { 0 };

	if (!slack_identify(workspace, answer->body, &err)) {
		log_debug(workspace->host->log, "the token works, but: %s", err.text);
		return;
	}
	log_info(workspace->host->log, "the token, which was refused, works again");
	loop_timer_stop(workspace->life->again);
	workspace->dead = false;
	slack_rotation_begin(workspace);
	accepted(workspace, answer);
}

/* Over while it counted as dead: who renews it finds out whether it can be. */
static void try_renewal(struct platform *workspace)
{
	struct slack_life *life = workspace->life;

	loop_timer_stop(life->again);
	workspace->dead = false;
	life->accepted = false;
	ask(workspace);
}

static void looked_again(struct platform *workspace, void *owner, uint64_t ticket,
			 const struct slack_answer *answer)
{
	struct slack_life *life = owner;

	(void)ticket;
	life->call = 0;
	if (!workspace->dead || workspace->removed)
		return;
	if (answer->how == SLACK_OK)
		revived(workspace, answer);
	else if (workspace->refresh_token && answer->error && strcmp(answer->error, "token_expired") == 0)
		try_renewal(workspace);
}

/* With the token named, for the calls of a dead one go nowhere. */
static void look_again(struct platform *workspace)
{
	struct slack_life *life = workspace->life;
	struct slack_call call = { .method = "auth.test", .token = workspace->token };

	if (workspace->removed || workspace->token == NULL)
		return;
	loop_timer_start(life->again, DEAD_EACH_MS, 0);
	if (life->call)
		return;
	life->looks++;
	life->call = slack_api(workspace, &call, looked_again, life, slack_ticket(workspace->app));
}

static void ask(void *data)
{
	struct platform *workspace = data;
	struct slack_call call = { .method = "auth.test" };

	if (workspace->stopping || workspace->disabled)
		return;
	if (workspace->dead)
		look_again(workspace);
	else if (workspace->life->call == 0)
		workspace->life->call =
			slack_api(workspace, &call, asked, workspace->life, slack_ticket(workspace->app));
}

/* ---- the end of a token --------------------------------------------------------------------------------- */

static char *cure(const struct platform *workspace)
{
	const struct slack *app = workspace->app;
	const char *url = app->root->host->public_url;

	if (!is_root(workspace))
		return mem_format("the app must be added again: %s/slack/%s/install",
				  url ? url : "PUBLIC_URL", app->config.name);
	return mem_format(
		"copy the Bot User OAuth Token of https://api.slack.com/apps/%s/oauth into bot_token "
		"and reload",
		app->app_id ? app->app_id : "APP");
}

/* One that works for auth.test and nothing else is not looked at again and again. */
static void watch_dead(struct platform *workspace, const char *text)
{
	struct slack_life *life = workspace->life;

	if (life && life->accepted_ms && clock_wall_ms() - life->accepted_ms > DEAD_EACH_MS)
		life->looks = 0;
	if (life == NULL || life->looks == 0)
		log_error(workspace->host->log, "%s", text);
	else
		log_warn(workspace->host->log, "%s", text);
	if (life && life->started && !workspace->stopping)
		loop_timer_start(life->again, life->looks ? DEAD_EACH_MS : DEAD_FIRST_MS, 0);
}

void slack_token_dead(struct platform *workspace, const char *why)
{
	struct slack_life *life = workspace->life;
	char *what, *text;

	if (workspace->dead)
		return;
	workspace->dead = true;
	what = cure(workspace);
	text = mem_format("Slack refuses the token (%s), which is tried again every 10 minutes; %s",
			  why ? why : "no reason given", what);
	watch_dead(workspace, text);
	if (life && life->started && !workspace->stopping)
		tell(workspace, LINK_DOWN, text);
	free(what);
	free(text);
	if (life == NULL || !is_root(workspace))
		return;
	if (workspace->app->config.client_id)
		carry(workspace); /* the others' workspaces do not depend on ours */
	else
		drop(workspace);
}

static void answer_goodbyes(struct platform *workspace, bool later)
{
	struct goodbye *all = workspace->life->goodbyes, *one, *next;

	workspace->life->goodbyes = NULL;
	LL_FOREACH_SAFE(all, one, next)
	{
		if (later)
			slack_ack_later(workspace->app, &one->from, ASK_BASE_MS);
		else
			slack_ack_ok(workspace->app, &one->from, NULL);
		free(one);
	}
}

/* The core lets go of a workspace after its row says so: by stopping it, or by switching it off when it is the root. */
static void erased(struct platform *workspace)
{
	struct slack_life *life = workspace->life;

	life->erased = workspace->removed;
	answer_goodbyes(workspace, life->doubt != NULL);
}

static void hear(struct platform *workspace, const struct slack_from *from)
{
	struct goodbye *one = mem_zero(1, sizeof(*one));

	one->from = *from;
	LL_APPEND(workspace->life->goodbyes, one);
	if (workspace->life->erased)
		erased(workspace);
}

void slack_removed(struct platform *workspace, const struct slack_from *from, const char *why)
{
	if (from)
		hear(workspace, from);
	if (workspace->removed)
		return; /* it may be said twice, in two ways (sheet 3.5) */
	workspace->removed = true;
	workspace->dead = true;
	log_warn(workspace->host->log, "taken out: %s", why);
	tell(workspace, LINK_DOWN, why);
	if (is_root(workspace) && workspace->app->config.client_id == NULL)
		drop(workspace);
	workspace->host->removed(workspace->host, NULL, why);
}

/* ---- told late that we were taken out -------------------------------------------------------------------- */

bool slack_life_later_than(const struct platform *workspace, int64_t unix_s)
{
	return unix_s > 0 && unix_s < workspace->life->accepted_ms / 1000;
}

static void doubted(struct platform *workspace, void *owner, uint64_t ticket,
		    const struct slack_answer *answer)
{
	struct slack_life *life = owner;
	const char *why = life->doubt;

	(void)ticket;
	life->call = 0;
	life->doubt = NULL;
	if (workspace->dead) {
		slack_removed(workspace, NULL, why);
		return;
	}
	if (answer->how == SLACK_OK)
		log_info(workspace->host->log, "told late that %s; it was added again since", why);
	answer_goodbyes(workspace, answer->how != SLACK_OK);
}

void slack_doubt(struct platform *workspace, const struct slack_from *from, const char *why)
{
	struct slack_life *life = workspace->life;
	struct slack_call call = { .method = "auth.test" };

	if (workspace->dead) {
		slack_removed(workspace, from, why);
		return;
	}
	hear(workspace, from);
	if (life->call && life->doubt == NULL) {
		answer_goodbyes(workspace, true); /* something else is being asked: Slack says it again */
		return;
	}
	life->doubt = why;
	if (life->call == 0)
		life->call = slack_api(workspace, &call, doubted, life, slack_ticket(workspace->app));
}

/* ---- starting and stopping ------------------------------------------------------------------------------- */

/* The root also waits for what belongs to no workspace. */
static bool app_owes(const struct slack *app)
{
	return slack_inbound_owed(app->inbound) > 0 ||
	       (app->sockets && app->root->life->started && !slack_sockets_idle(app->sockets)) ||
	       slack_installs_busy(app->installs);
}

static void look(void *data)
{
	struct platform *workspace = data;

	if (!workspace->stopping || workspace->life->stopped || slack_sends_running(workspace->sends) > 0 ||
	    slack_rotation_busy(workspace) || (is_root(workspace) && app_owes(workspace->app)))
		return;
	workspace->life->stopped = true;
	loop_timer_stop(workspace->life->soon);
	workspace->host->stopped(workspace->host);
}

void slack_settle(struct platform *workspace)
{
	if (workspace->stopping && !workspace->life->stopped)
		loop_timer_start(workspace->life->soon, 0, LOOK_MS);
}

struct slack_life *slack_life_create(struct platform *workspace)
{
	struct slack_life *life = mem_zero(1, sizeof(*life));

	life->workspace = workspace;
	life->again = loop_timer_create(workspace->host->loop, ask, workspace);
	life->soon = loop_timer_create(workspace->host->loop, look, workspace);
	return life;
}

/* Once its token is settled; at once when it is off, for nothing is asked about the token then. */
static bool may_carry(const struct platform *root)
{
	bool settled = root->token == NULL || root->life->accepted || root->dead;

	return root->disabled || (settled && (root->app->config.client_id || !root->dead));
}

/* Goes on where it stands: the token is asked about, or the connection taken up. */
static void awake(struct platform *workspace)
{
	if (workspace->token && (!workspace->life->accepted || workspace->dead))
		ask(workspace); /* not while it is switched off */
	if (is_root(workspace) && may_carry(workspace))
		carry(workspace);
}

bool slack_life_start(struct platform *workspace, struct err *err)
{
	struct slack *app = workspace->app;

	if (is_root(workspace) && app->installs && !slack_installs_start(app->installs, err))
		return false;
	workspace->life->started = true;
	if (workspace->token)
		slack_rotation_begin(workspace);
	awake(workspace);
	show(workspace);
	return true;
}

/* Taken out of its own workspace, the configured app still serves those of others. */
static bool serves_others(const struct platform *workspace)
{
	return workspace->removed && workspace->app->config.client_id;
}

void slack_life_enable(struct platform *workspace, bool enabled)
{
	if (!enabled)
		erased(workspace);
	if (workspace->disabled == !enabled)
		return;
	workspace->disabled = !enabled;
	if (!workspace->life->started || workspace->stopping)
		return;
	if (enabled)
		awake(workspace);
	else if (is_root(workspace) && !serves_others(workspace))
		drop(workspace);
	show(workspace);
}

void slack_life_stop(struct platform *workspace)
{
	struct slack_life *life = workspace->life;

	if (workspace->stopping)
		return;
	workspace->stopping = true;
	erased(workspace);
	loop_timer_stop(life->again);
	if (life->call)
		slack_api_cancel(workspace, life->call);
	life->call = 0;
	if (is_root(workspace)) {
		drop(workspace);
		slack_installs_stop(workspace->app->installs);
	}
	slack_settle(workspace);
}

void slack_life_destroy(struct slack_life *life)
{
	struct goodbye *one, *next;

	if (life == NULL)
		return;
	LL_FOREACH_SAFE(life->goodbyes, one, next) /* sent again, and then nobody's */
	free(one);
	if (life->call)
		slack_api_cancel(life->workspace, life->call);
	loop_timer_destroy(life->again);
	loop_timer_destroy(life->soon);
	free(life);
}
