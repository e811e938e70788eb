/* What is known of a server's authorization, and who acts when a token is missing. */
#include "oauth.h"
#include "clock.h"
#include "crypto.h"
#include "mem.h"
#include "oauth_inside.h"
#include <stdlib.h>
#include <string.h>

bool oauth_by_machine(const struct oauth *oauth)
{
	return oauth->options.config->oauth_machine;
}

char *oauth_redirect_uri(const struct oauth *oauth)
{
	return mem_format("%s/%s", oauth->options.callback, oauth->options.config->name);
}

const json_t *oauth_grant(const struct oauth *oauth, const char *issuer)
{
	return issuer ? json_object_get(oauth->grants, issuer) : NULL;
}

/* ---- the token in force ------------------------------------------------------------------------------------- */

static void use_token(struct oauth *oauth, const char *token)
{
	char *old = oauth->token;

	oauth->token = mem_text(token);
	oauth->options.config->token = oauth->token;
	log_hide(oauth->token);
	if (old)
		log_unhide(old);
	free(old);
	oauth->worked = true;
}

static bool can_refresh(const struct oauth *oauth)
{
	return json_text(oauth_grant(oauth, oauth->issuer), "refresh") != NULL;
}

/* In time before its end, if there is anything to renew it with. */
static void plan(struct oauth *oauth)
{
	const json_t *grant = oauth_grant(oauth, oauth->issuer);
	int64_t until = json_int(grant, "until", 0), left;

	loop_timer_stop(oauth->timer);
	if (can_refresh(oauth) &&
	    json_object_get(grant, "refreshing")) { /* the process ended in the middle of it */
		loop_timer_start(oauth->timer, 0, 0);
		return;
	}
	if (until == 0 || !(can_refresh(oauth) || oauth_by_machine(oauth)))
		return;
	left = until - clock_wall_ms();
	left = left > 4LL * OAUTH_EARLY_MS ? left - OAUTH_EARLY_MS : left * 3 / 4;
	loop_timer_start(oauth->timer, left > OAUTH_LEAST_MS ? (uint64_t)left : OAUTH_LEAST_MS, 0);
}

/* The newest one with a token is in force. */
static void choose(struct oauth *oauth)
{
	int64_t newest = -1;
	const char *issuer;
	json_t *grant;

	free(oauth->issuer);
	oauth->issuer = NULL;
	json_object_foreach (oauth->grants, issuer, grant) {
		if (json_text(grant, "access") && json_int(grant, "at", 0) > newest) {
			newest = json_int(grant, "at", 0);
			free(oauth->issuer);
			oauth->issuer = mem_text(issuer);
		}
	}
	use_token(oauth, json_text(oauth_grant(oauth, oauth->issuer), "access"));
	free(oauth->asked);
	oauth->asked = mem_text(json_text(oauth_grant(oauth, oauth->issuer), "scope"));
	plan(oauth);
}

static const char *client_secret(const json_t *grant)
{
	return json_text(json_object_get(grant, "client"), "secret");
}

/* Refresh tokens and secrets of registrations never stand in the log; those that are over need not be
 * remembered for that. */
static void put_grant(struct oauth *oauth, json_t *grant)
{
	const char *issuer = json_text(grant, "issuer");
	const json_t *old = oauth_grant(oauth, issuer);

	log_hide(json_text(grant, "refresh"));
	log_hide(client_secret(grant));
	log_unhide(json_text(old, "refresh"));
	log_unhide(client_secret(old));
	json_object_set_new(oauth->grants, issuer, grant);
	oauth->unlearned = false;
}

void oauth_recall(struct oauth *oauth, const char *text)
{
	json_t *grant = json_read(text, strlen(text), NULL);
	const char *issuer = json_text(grant, "issuer");

	if (issuer)
		put_grant(oauth, grant);
	else
		json_decref(grant);
	choose(oauth);
}

/* ---- keeping ---------------------------------------------------------------------------------------------------- */

void oauth_keep(struct oauth *oauth, json_t *grant)
{
	char *text = json_write(grant);

	json_decref(oauth->fresh);
	oauth->fresh = grant;
	oauth->keeps = true;
	oauth->options.keep(oauth->options.owner, json_text(grant, "issuer"), text);
	free(text);
}

/* The newest first. */
static void note(const struct oauth *oauth, uint64_t times[OAUTH_TRIES_MAX])
{
	memmove(times + 1, times, (OAUTH_TRIES_MAX - 1) * sizeof(*times));
	times[0] = loop_now_ms(oauth->options.loop);
}

static bool enough(const struct oauth *oauth, const uint64_t times[OAUTH_TRIES_MAX])
{
	uint64_t oldest = times[OAUTH_TRIES_MAX - 1];

	return oldest && loop_now_ms(oauth->options.loop) - oldest < OAUTH_WINDOW_MS;
}

void oauth_kept(struct oauth *oauth, const struct err *err)
{
	json_t *grant = oauth->fresh;

	if (!oauth->keeps)
		return; /* forgotten meanwhile */
	oauth->keeps = false;
	oauth->fresh = NULL;
	if (err->kind != ERR_NONE) {
		json_decref(grant);
		oauth_end(oauth, err);
		return;
	}
	put_grant(oauth, grant);
	if (oauth->what == OAUTH_REFRESH && json_object_get(grant, "refreshing")) {
		flow_refreshing(oauth);
		return;
	}
	if (oauth->what == OAUTH_LOGIN || (oauth->what == OAUTH_MACHINE && !json_text(grant, "access"))) {
		flow_registered(oauth);
		return;
	}
	if (oauth->what != OAUTH_REFRESH)
		note(oauth, oauth->tries);
	choose(oauth);
	oauth->worked = false;
	oauth_end(oauth, &(struct err){ 0 });
}

/* ---- the end of what was begun ------------------------------------------------------------------------------------ */

static void tell_login(struct oauth *oauth, const struct err *err)
{
	oauth_login_fn *fn = oauth->login_fn;

	oauth->login_fn = NULL;
	if (fn)
		fn(oauth->login_owner, oauth->login_ticket, err, oauth->login_url);
}

void oauth_end(struct oauth *oauth, const struct err *err)
{
	bool person = oauth->what == OAUTH_LOGIN || oauth->what == OAUTH_CODE;
	bool good = err->kind == ERR_NONE;

	if (oauth->what == OAUTH_REFRESH && !good)
		loop_timer_start(oauth->timer, OAUTH_RETRY_MS, 0);
	if (good)
		err_clear(&oauth->person);
	if (person) {
		oauth->login = good ? LOGIN_DONE : LOGIN_FAILED;
		oauth->login_err = *err;
	}
	oauth->err = *err;
	oauth->ended = true;
	oauth->what = OAUTH_IDLE;
	oauth->stepping = false;
	flow_clear(oauth);
	loop_timer_start(oauth->later, 0, 0);
}

static void on_later(void *data)
{
	struct oauth *oauth = data;
	struct err err = oauth->err;

	if (!oauth->ended) { /* the address is ready */
		tell_login(oauth, &(struct err){ 0 });
		return;
	}
	oauth->ended = false;
	if (err.kind != ERR_NONE)
		log_warn(oauth->options.log, "%s", err.text);
	if (oauth->login_fn)
		tell_login(oauth, &err);
	oauth->options.done(oauth->options.owner, &err);
}

static void on_renew(void *data)
{
	struct oauth *oauth = data;

	if (oauth->what != OAUTH_IDLE || oauth->keeps)
		loop_timer_start(oauth->timer, OAUTH_RETRY_MS, 0);
	else if (can_refresh(oauth))
		flow_refresh(oauth);
	else if (oauth_by_machine(oauth))
		flow_begin(oauth, OAUTH_MACHINE);
}

/* ---- what the server wants ------------------------------------------------------------------------------------------ */

static void want_more(struct oauth *oauth)
{
	char *all = oauth_scope_union(oauth->asked, oauth->challenge.scope);

	free(oauth->asked);
	oauth->asked = all;
}

bool oauth_challenged(struct oauth *oauth, int status, const char *header)
{
	struct oauth_challenge challenge;

	oauth_challenge_read(header, &challenge);
	if (status == 403 && !(challenge.error && strcmp(challenge.error, "insufficient_scope") == 0)) {
		oauth_challenge_free(&challenge);
		return false;
	}
	oauth_challenge_free(&oauth->challenge);
	oauth->challenge = challenge;
	oauth->challenged = status;
	oauth->was_fresh = status == 401 && oauth->token && !oauth->worked;
	if (status != 403)
		return false;
	want_more(oauth);
	err_set(&oauth->person, ERR_REFUSED,
		"it wants more rights (%s) for this: a person grants them with: usher tool login %s",
		oauth->asked ? oauth->asked : "not named", oauth->options.config->name);
	if (oauth->stepping)
		return true;
	if (!oauth_by_machine(oauth) || oauth->what != OAUTH_IDLE || enough(oauth, oauth->tries))
		return false;
	oauth->challenged = 0;
	oauth->stepping = true;
	flow_begin(oauth, OAUTH_MACHINE);
	return true;
}

void oauth_worked(struct oauth *oauth)
{
	oauth->worked = true;
}

bool oauth_asked(const struct oauth *oauth)
{
	return oauth->challenged != 0 || oauth->stepping;
}

bool oauth_stepping(const struct oauth *oauth)
{
	return oauth->stepping;
}

static const char *why_person(const struct oauth *oauth)
{
	if (oauth->was_fresh)
		return "it refuses the token that its authorization server has just made;";
	if (oauth->token)
		return "its authorization has ended;";
	if (oauth->challenge.metadata || oauth->options.config->oauth)
		return "it wants a token by OAuth (401);";
	return "it wants credentials (401): set token, or";
}

static enum oauth_recovery person(struct oauth *oauth, struct err *err)
{
	if (oauth->challenged == 401)
		err_set(&oauth->person, ERR_REFUSED, "%s a person authorizes usher with: usher tool login %s",
			why_person(oauth), oauth->options.config->name);
	oauth->challenged = 0;
	*err = oauth->person;
	return OAUTH_PERSON;
}

static enum oauth_recovery machine(struct oauth *oauth, struct err *err)
{
	if (oauth->was_fresh || enough(oauth, oauth->tries)) {
		oauth->challenged = 0;
		err_set(err, ERR_REFUSED,
			"its authorization server gives tokens that it does not take: its operator has to "
			"look at the client %s",
			oauth->options.config->oauth_id);
		return OAUTH_NO;
	}
	oauth->challenged = 0;
	flow_begin(oauth, OAUTH_MACHINE);
	return OAUTH_BUSY;
}

enum oauth_recovery oauth_recover(struct oauth *oauth, struct err *err)
{
	bool known = oauth->challenge.bearer || oauth->options.config->oauth || oauth->token;

	if (oauth->what != OAUTH_IDLE && oauth->what != OAUTH_LOGIN) {
		oauth->challenged = 0;
		err_set(err, ERR_AGAIN, "a token is asked for");
		return OAUTH_BUSY;
	}
	if (!known) {
		oauth->challenged = 0;
		return OAUTH_NO;
	}
	err_set(err, ERR_AGAIN, "a token is asked for");
	if (oauth_by_machine(oauth))
		return machine(oauth, err);
	if (oauth->challenged == 401 && !oauth->was_fresh && can_refresh(oauth) &&
	    !enough(oauth, oauth->refusals)) {
		oauth->challenged = 0;
		note(oauth, oauth->refusals);
		flow_refresh(oauth);
		return OAUTH_BUSY;
	}
	return person(oauth, err);
}

bool oauth_needs_person(const struct oauth *oauth, struct err *err)
{
	bool needs = !oauth_by_machine(oauth) && !can_refresh(oauth);

	if (needs)
		err_set(err, ERR_REFUSED, "%s; a person authorizes usher there with: usher tool login %s",
			oauth->err.text, oauth->options.config->name);
	return needs;
}

bool oauth_runs_out(const struct oauth *oauth, struct err *err)
{
	return oauth->token && oauth->unlearned && oauth_needs_person(oauth, err);
}

/* ---- a person ------------------------------------------------------------------------------------------------------ */

void oauth_login(struct oauth *oauth, oauth_login_fn *fn, void *owner, uint64_t ticket)
{
	struct err err = { 0 };

	if (oauth->options.callback == NULL)
		err_set(&err, ERR_REFUSED, "there is nowhere to come back to");
	else if (oauth_by_machine(oauth))
		err_set(&err, ERR_REFUSED, "%s authorizes itself (oauth.grant): nobody has to log in",
			oauth->options.config->name);
	else if ((oauth->what != OAUTH_IDLE && oauth->what != OAUTH_LOGIN) || oauth->keeps || oauth->login_fn)
		err_set(&err, ERR_AGAIN, "it is being authorized right now");
	else if (oauth->challenge.error && oauth->person.kind != ERR_NONE && enough(oauth, oauth->tries))
		err_set(&err, ERR_REFUSED,
			"it was authorized %d times in ten minutes and still wants more: look at it with its "
			"operator, or begin anew with: usher tool logout %s",
			OAUTH_TRIES_MAX, oauth->options.config->name);
	if (err.kind != ERR_NONE) {
		fn(owner, ticket, &err, NULL);
		return;
	}
	oauth->login_fn = fn;
	oauth->login_owner = owner;
	oauth->login_ticket = ticket;
	oauth->login = LOGIN_WORKING;
	flow_begin(oauth, OAUTH_LOGIN);
}

static void on_limit(void *data)
{
	struct oauth *oauth = data;
	struct err err = { 0 };

	err_set(&err, ERR_REFUSED, "nobody came back within ten minutes: usher tool login %s",
		oauth->options.config->name);
	oauth_end(oauth, &err);
}

const char *oauth_login_state(const struct oauth *oauth, struct err *err)
{
	static const char *const names[] = { "none", "working", "waiting", "done", "failed" };

	*err = oauth->login == LOGIN_FAILED ? oauth->login_err : (struct err){ 0 };
	return names[oauth->login];
}

static bool same_text(const char *a, const char *b)
{
	return a && b && crypto_equal(a, strlen(a), b, strlen(b));
}

/* A state is good once: whatever comes with it. One that is not ours ends nothing. */
bool oauth_redirected(struct oauth *oauth, const struct mcp_redirect *redirect, struct err *err)
{
	struct err why = { 0 };

	if (oauth->login != LOGIN_WAITING || !same_text(redirect->state, oauth->state))
		return err_set(err, ERR_REFUSED,
			       "this answer belongs to no login that is under way; begin with: usher tool "
			       "login %s",
			       oauth->options.config->name);
	loop_timer_stop(oauth->limit);
	free(oauth->state);
	oauth->state = NULL;
	oauth->login = LOGIN_WORKING;
	if (!oauth_iss_fits(&oauth->server, redirect->iss, &why))
		;
	else if (redirect->error)
		err_set(&why, ERR_REFUSED, "it was not authorized: %.60s %.120s", redirect->error,
			redirect->text ? redirect->text : "");
	else if (redirect->code == NULL)
		err_set(&why, ERR_REFUSED, "the answer of the browser holds no code");
	if (why.kind != ERR_NONE) {
		*err = why;
		oauth_end(oauth, &why);
		return false;
	}
	flow_code(oauth, redirect->code);
	return true;
}

/* ---- the object -------------------------------------------------------------------------------------------------------- */

struct oauth *oauth_create(const struct oauth_options *options)
{
	struct oauth *oauth = mem_zero(1, sizeof(*oauth));

	*oauth = (struct oauth){ .options = *options, .grants = json_object() };
	oauth->later = loop_timer_create(options->loop, on_later, oauth);
	oauth->timer = loop_timer_create(options->loop, on_renew, oauth);
	oauth->limit = loop_timer_create(options->loop, on_limit, oauth);
	return oauth;
}

void oauth_forget(struct oauth *oauth)
{
	struct err err = { 0 };

	json_object_clear(oauth->grants);
	json_decref(oauth->fresh);
	oauth->fresh = NULL;
	oauth->keeps = false;
	memset(oauth->tries, 0, sizeof(oauth->tries));
	memset(oauth->refusals, 0, sizeof(oauth->refusals));
	oauth_challenge_free(&oauth->challenge);
	oauth->challenged = 0;
	err_clear(&oauth->person);
	if (oauth->what != OAUTH_IDLE) {
		err_set(&err, ERR_REFUSED, "its authorization was taken back");
		oauth_end(oauth, &err);
	}
	choose(oauth);
}

void oauth_destroy(struct oauth *oauth)
{
	if (oauth == NULL)
		return;
	flow_clear(oauth);
	loop_timer_destroy(oauth->later);
	loop_timer_destroy(oauth->timer);
	loop_timer_destroy(oauth->limit);
	oauth_challenge_free(&oauth->challenge);
	json_decref(oauth->grants);
	json_decref(oauth->fresh);
	log_unhide(oauth->token);
	free(oauth->token);
	free(oauth->issuer);
	free(oauth->asked);
	free(oauth);
}
