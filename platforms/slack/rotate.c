/* Renews tokens that expire (sheet 3.4): one renewal at a time, kept before it is used, because the old refresh token
 * dies soon after the new one was given. A renewal whose answer was lost is asked again with the same one. */
#include "backoff.h"
#include "clock.h"
#include "mem.h"
#include "slack_room.h"
#include <stdlib.h>
#include <string.h>

enum {
	EARLY_MS = 2 * 3600 * 1000, /* renewed when less remains */
	LIFE_S = 43200,		    /* when the answer does not say */
	RECENT_MS = 30000,	    /* whoever learnt late that the old token is over need not renew again */
	PAUSE_MS = 1000,
	PAUSE_CAP_MS = 60000,
};

struct waiter {
	slack_fresh_fn *fn;
	void *owner;
	struct waiter *next;
};

enum rotate_state {
	ROTATE_IDLE,	/* the timer fires when it is due, or at once */
	ROTATE_ASKING,	/* call */
	ROTATE_KEEPING, /* keep_ticket */
	ROTATE_PAUSED,	/* the timer asks, or keeps, again */
};

struct slack_rotation {
	struct platform *workspace;
	enum rotate_state state;
	struct loop_timer *timer;
	uint64_t call, keep_ticket;
	unsigned failures;
	uint64_t renewed_ms; /* loop_now_ms, 0 never */
	struct platform new; /* token, refresh_token and expires_ms: not kept yet */
	struct platform old; /* token and refresh_token before these: they work for a while */
	char *secrets;	     /* the same as install.secrets, or NULL */
	struct waiter *waiters;
};

static void set_state(struct slack_rotation *rotation, enum rotate_state state)
{
	rotation->state = state;
	if (state == ROTATE_IDLE || state == ROTATE_PAUSED)
		slack_settle(rotation->workspace);
}

static void answer_waiters(struct slack_rotation *rotation, bool fresh)
{
	struct waiter *one = rotation->waiters, *next;

	rotation->waiters = NULL; /* who asks again inside stands in a new line */
	for (; one; one = next) {
		next = one->next;
		one->fn(rotation->workspace, one->owner, fresh);
		free(one);
	}
}

static void forget_new(struct slack_rotation *rotation)
{
	slack_forget(&rotation->new);
	free(rotation->secrets);
	rotation->secrets = NULL;
}

static void schedule(struct slack_rotation *rotation)
{
	const struct platform *workspace = rotation->workspace;
	int64_t left = workspace->expires_ms - EARLY_MS - clock_wall_ms();

	set_state(rotation, ROTATE_IDLE);
	if (workspace->expires_ms > 0 && workspace->refresh_token)
		loop_timer_start(rotation->timer, left > 0 ? (uint64_t)left : 0, 0);
}

/* Later: whoever waits is told so, and may come back. */
static void pause_for(struct slack_rotation *rotation, unsigned retry_ms, const char *why)
{
	uint64_t pause =
		retry_ms ? retry_ms : PAUSE_MS + backoff_ms(++rotation->failures, PAUSE_MS, PAUSE_CAP_MS);

	log_warn(rotation->workspace->host->log, "the token could not be renewed: %s; trying again", why);
	loop_timer_start(rotation->timer, pause, 0);
	set_state(rotation, ROTATE_PAUSED);
	answer_waiters(rotation, false);
}

static void give_up(struct slack_rotation *rotation, const char *why)
{
	set_state(rotation, ROTATE_IDLE);
	slack_token_dead(rotation->workspace, why);
	answer_waiters(rotation, false);
}

/* ---- keeping --------------------------------------------------------------------------------------------- */

static void keep(struct slack_rotation *rotation)
{
	struct platform *workspace = rotation->workspace;

	set_state(rotation, ROTATE_KEEPING);
	rotation->keep_ticket = slack_ticket(workspace->app);
	workspace->host->keep(workspace->host, rotation->secrets, rotation->keep_ticket);
}

static void use_new(struct slack_rotation *rotation)
{
	struct platform *workspace = rotation->workspace;

	slack_forget(&rotation->old);
	rotation->old.token = workspace->token;
	rotation->old.refresh_token = workspace->refresh_token;
	workspace->token = rotation->new.token;
	workspace->refresh_token = rotation->new.refresh_token;
	workspace->expires_ms = rotation->new.expires_ms;
	rotation->new.token = rotation->new.refresh_token = NULL;
	forget_new(rotation);
	rotation->failures = 0;
	rotation->renewed_ms = loop_now_ms(workspace->host->loop);
	log_info(workspace->host->log, "the token was renewed");
	schedule(rotation);
	answer_waiters(rotation, true);
}

void slack_kept(struct platform *workspace, uint64_t ticket, const struct err *err)
{
	struct slack_rotation *rotation = workspace->rotation;

	if (rotation->state != ROTATE_KEEPING || ticket != rotation->keep_ticket)
		return;
	if (err == NULL || err->kind == ERR_NONE) {
		use_new(rotation);
	} else if (err->kind == ERR_GONE) {
		forget_new(rotation);
		give_up(rotation, "its installation was removed");
	} else {
		pause_for(rotation, 0, err->text);
	}
}

/* ---- asking ---------------------------------------------------------------------------------------------- */

static bool read_new(struct slack_rotation *rotation, const json_t *body)
{
	const char *token = json_text(body, "access_token"), *refresh = json_text(body, "refresh_token");
	int64_t life_s = json_int(body, "expires_in", LIFE_S);

	if (token == NULL || *token == '\0' || refresh == NULL || *refresh == '\0')
		return false;
	if (life_s <= 0 || life_s > INT32_MAX)
		life_s = LIFE_S;
	forget_new(rotation);
	log_hide(token);
	log_hide(refresh);
	rotation->new.token = mem_text(token);
	rotation->new.refresh_token = mem_text(refresh);
	rotation->new.expires_ms = slack_expires_ms(life_s);
	rotation->secrets = slack_secrets_write(token, refresh, rotation->new.expires_ms);
	return true;
}

/* The chain is broken for good; anything else may be the settings' fault, or pass. */
static bool chain_broken(const struct slack_answer *answer)
{
	static const char *const errors[] = { "invalid_refresh_token", "token_revoked", "account_inactive",
					      "invalid_auth", NULL };

	if (answer->how != SLACK_REFUSED && answer->how != SLACK_AUTH)
		return false;
	for (size_t i = 0; errors[i]; i++)
		if (answer->error && strcmp(answer->error, errors[i]) == 0)
			return true;
	return false;
}

/* A crash between the answer and our commit may have lost the pair that replaced this one. The token itself works on
 * until it expires, unless somebody waits because it did. */
static bool still_good(const struct slack_rotation *rotation, const struct slack_answer *answer)
{
	return rotation->waiters == NULL && rotation->workspace->expires_ms > clock_wall_ms() &&
	       strcmp(answer->error, "invalid_refresh_token") == 0;
}

static void use_up(struct slack_rotation *rotation, const char *why)
{
	const struct platform *workspace = rotation->workspace;
	int64_t left = workspace->expires_ms - clock_wall_ms();

	log_error(workspace->host->log,
		  "the token can't be renewed (%s) and ends in %lld minutes: the app must be added again "
		  "before",
		  why, (long long)(left / 60000));
	set_state(rotation, ROTATE_IDLE);
	loop_timer_start(rotation->timer, left > 0 ? (uint64_t)left : 0, 0);
}

static void renewed(struct platform *workspace, void *owner, uint64_t ticket,
		    const struct slack_answer *answer)
{
	struct slack_rotation *rotation = owner;

	(void)ticket;
	rotation->call = 0;
	if (workspace->dead)
		give_up(rotation, NULL);
	else if (answer->how == SLACK_OK && read_new(rotation, answer->body))
		keep(rotation);
	else if (answer->how == SLACK_OK)
		pause_for(rotation, 0, "Slack's answer holds no tokens");
	else if (chain_broken(answer) && still_good(rotation, answer))
		use_up(rotation, answer->error);
	else if (chain_broken(answer))
		give_up(rotation, answer->error);
	else
		pause_for(rotation, answer->retry_ms, answer->error ? answer->error : "no answer");
}

static void ask(struct slack_rotation *rotation)
{
	struct platform *workspace = rotation->workspace;
	const struct slack_config *config = &workspace->app->config;
	char *basic = mem_format("%s:%s", config->client_id, config->client_secret);
	struct slack_call call = {
		.method = "oauth.v2.access",
		.args = json_pack("{s:s, s:s}", "grant_type", "refresh_token", "refresh_token",
				  workspace->refresh_token),
		.basic = basic,
	};

	set_state(rotation, ROTATE_ASKING);
	rotation->call = slack_api(workspace, &call, renewed, rotation, slack_ticket(workspace->app));
	free(basic);
}

static void on_timer(void *data)
{
	struct slack_rotation *rotation = data;
	const struct platform *workspace = rotation->workspace;

	if (workspace->stopping || workspace->dead) {
		set_state(rotation, ROTATE_IDLE);
		answer_waiters(rotation, false);
	} else if (rotation->secrets) {
		keep(rotation);
	} else if (rotation->renewed_ms && rotation->waiters &&
		   loop_now_ms(workspace->host->loop) - rotation->renewed_ms < RECENT_MS) {
		schedule(rotation);
		answer_waiters(rotation, true);
	} else if (workspace->refresh_token == NULL || workspace->app->config.client_id == NULL) {
		give_up(rotation, "token_expired, and there is nothing to renew it with");
	} else {
		ask(rotation);
	}
}

/* ---- from outside ---------------------------------------------------------------------------------------- */

void slack_fresh(struct platform *workspace, slack_fresh_fn *fn, void *owner)
{
	struct slack_rotation *rotation = workspace->rotation;
	struct waiter **last = &rotation->waiters;

	while (*last)
		last = &(*last)->next;
	*last = mem_alloc(sizeof(**last));
	**last = (struct waiter){ fn, owner, NULL };
	if (rotation->state == ROTATE_IDLE)
		loop_timer_start(rotation->timer, 0, 0);
}

bool slack_rotation_busy(const struct platform *workspace)
{
	return workspace->rotation->state == ROTATE_ASKING || workspace->rotation->state == ROTATE_KEEPING;
}

void slack_rotation_begin(struct platform *workspace)
{
	if (workspace->rotation->state == ROTATE_IDLE)
		schedule(workspace->rotation);
}

struct slack_rotation *slack_rotation_create(struct platform *workspace)
{
	struct slack_rotation *rotation = mem_zero(1, sizeof(*rotation));

	rotation->workspace = workspace;
	rotation->timer = loop_timer_create(workspace->host->loop, on_timer, rotation);
	return rotation;
}

void slack_rotation_destroy(struct slack_rotation *rotation)
{
	struct waiter *next;

	if (rotation == NULL)
		return;
	if (rotation->call)
		slack_api_cancel(rotation->workspace, rotation->call);
	loop_timer_destroy(rotation->timer);
	for (; rotation->waiters; rotation->waiters = next) {
		next = rotation->waiters->next;
		free(rotation->waiters);
	}
	forget_new(rotation);
	slack_forget(&rotation->old);
	free(rotation);
}
