/* Stays connected by Socket Mode (sheet 6.7): how many connections there are, and when the next is opened.
 *
 *   nothing -> address asked for -> handshake -> hello -> ready
 *   ready, told to go -> the same for a successor -> the old one drains -> closed
 */
#include "backoff.h"
#include "mem.h"
#include "metrics.h"
#include "socket_room.h"
#include "url.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static const struct socket_times slack_socket_times = {
	.hello = 30000,
	.linger = 2000,
	.drain = 10000,
	.cut = 1000,
	.first = 1000,
	.longest = 30000,
	.steady = 60000,
	.too_many = 60000,
	.disabled = 300000,
	.refused = 600000,
	.ping_s = 10,
	.dead_s = 30,
};

static struct metric open_sockets = {
	.name = "usher_slack_sockets",
	.help = "Connections of Socket Mode, those being opened and closed included",
	.type = METRIC_GAUGE,
	.label = "app",
};

static struct metric openings = {
	.name = "usher_slack_socket_openings_total",
	.help = "Attempts to open a connection of Socket Mode, by how they ended",
	.type = METRIC_COUNTER,
	.label = "app,how",
};

static void consider(struct slack_sockets *sockets);

static struct platform_host *host_of(const struct slack_sockets *sockets)
{
	return sockets->app->root->host;
}

static uint64_t now_of(const struct slack_sockets *sockets)
{
	return loop_now_ms(host_of(sockets)->loop);
}

void slack_sockets_counted(struct slack_sockets *sockets)
{
	const struct conn *conn;
	int count;

	DL_COUNT(sockets->conns, conn, count);
	metric_set(&open_sockets, (const char *[]){ sockets->app->config.name }, count);
}

static void count_opening(const struct slack_sockets *sockets, const char *how)
{
	metric_add(&openings, (const char *[]){ sockets->app->config.name, how }, 1);
}

static bool any_ready(const struct slack_sockets *sockets)
{
	const struct conn *conn;

	DL_FOREACH (sockets->conns, conn) {
		if (conn->state == CONN_READY)
			return true;
	}
	return false;
}

/* ---- pauses -------------------------------------------------------------------------------------------- */

static void on_retry(void *data)
{
	struct slack_sockets *sockets = data;

	sockets->retrying = false;
	consider(sockets);
}

static void retry_after(struct slack_sockets *sockets, uint64_t ms)
{
	uint64_t now = now_of(sockets);

	if (sockets->hold_until > now + ms)
		ms = sockets->hold_until - now;
	sockets->retrying = true;
	loop_timer_start(sockets->retry, ms, 0);
}

/* A pause that no other failure shortens. */
static void hold(struct slack_sockets *sockets, uint64_t ms)
{
	ms += backoff_ms(1, ms / 8, ms / 8);
	sockets->hold_until = now_of(sockets) + ms;
	retry_after(sockets, ms);
}

/* 1, 2, 4 ... 30 s, and up to half of it more, so that many don't come back in the same moment. */
static uint64_t next_pause(struct slack_sockets *sockets)
{
	uint64_t pause = sockets->times.first;

	for (unsigned i = 0; i < sockets->failures && pause < sockets->times.longest; i++)
		pause *= 2;
	if (pause > sockets->times.longest)
		pause = sockets->times.longest;
	sockets->failures++;
	return pause + backoff_ms(1, pause / 2, pause / 2);
}

static void down(struct slack_sockets *sockets, const char *why)
{
	if (!any_ready(sockets))
		slack_link(sockets->app, LINK_DOWN, why);
}

static void failed(struct slack_sockets *sockets, const char *why)
{
	log_info(host_of(sockets)->log, "no connection: %s", why);
	count_opening(sockets, "failed");
	down(sockets, why);
	retry_after(sockets, next_pause(sockets));
}

/* ---- opening ------------------------------------------------------------------------------------------- */

/* What only people can cure (sheet 6.1), and how. */
static const char *cure(const char *error)
{
	static const struct {
		const char *error, *cure;
	} cures[] = {
		{ "not_authed", "set app_token to the app-level token (xapp-...)" },
		{ "invalid_auth",
		  "app_token is not valid: make one under Basic Information, App-Level Tokens" },
		{ "token_revoked",
		  "app_token was revoked: make one under Basic Information, App-Level Tokens" },
		{ "not_allowed_token_type", "app_token is no app-level token (xapp-...)" },
		{ "missing_scope", "the app-level token lacks the scope connections:write" },
		{ "account_inactive", "the app or who made app_token is no longer active: make a new one" },
		{ "user_removed_from_team", "who made app_token left the workspace: make a new one" },
		{ "team_disabled", "the workspace is switched off" },
		{ "forbidden_team", "the workspace does not allow this app" },
	};

	for (size_t i = 0; i < sizeof(cures) / sizeof(*cures); i++)
		if (strcmp(error, cures[i].error) == 0)
			return cures[i].cure;
	return NULL;
}

static void refused(struct slack_sockets *sockets, const char *error, const char *what_helps)
{
	char *why = mem_format("%s: %s", error, what_helps);

	log_error(host_of(sockets)->log, "no connection: %s", why);
	count_opening(sockets, "refused");
	down(sockets, why);
	hold(sockets, sockets->times.refused);
	free(why);
}

/* Plain only where the API itself is on this machine, as in tests. */
static bool url_allowed(const struct slack_sockets *sockets, const char *text)
{
	struct url url, base;

	if (!url_read(text, &url))
		return false;
	if (strcmp(url.scheme, "wss") == 0)
		return true;
	return strcmp(url.scheme, "ws") == 0 && url_loopback(&url) &&
	       url_read(sockets->app->config.api_base, &base) && url_loopback(&base);
}

/* The address holds a ticket: it is in no log and no error. */
static void connect_to(struct slack_sockets *sockets, const char *url)
{
	struct err err = { 0 };

	if (url == NULL || !url_allowed(sockets, url))
		failed(sockets, "apps.connections.open gave no address of a web socket with TLS");
	else if (slack_conn_open(sockets, url, &err) == NULL)
		failed(sockets, err.text);
}

static void on_address(struct platform *root, void *owner, uint64_t ticket, const struct slack_answer *answer)
{
	struct slack_sockets *sockets = owner;
	const char *what_helps = answer->error != NULL ? cure(answer->error) : NULL;

	(void)root;
	(void)ticket;
	sockets->call = 0;
	if (answer->how == SLACK_OK) {
		connect_to(sockets, json_text(answer->body, "url"));
	} else if (answer->how == SLACK_LIMITED) {
		count_opening(sockets, "limited");
		down(sockets, "apps.connections.open is rate limited");
		retry_after(sockets, answer->retry_ms);
	} else if (what_helps != NULL) {
		refused(sockets, answer->error, what_helps);
	} else {
		failed(sockets, answer->error);
	}
}

/* Room for a successor: the oldest of those that only drain goes. */
static void make_room(struct slack_sockets *sockets)
{
	struct conn *conn, *next;
	int count;

	DL_COUNT(sockets->conns, conn, count);
	DL_FOREACH_SAFE(sockets->conns, conn, next)
	{
		if (count >= CONNS_MAX && conn->state >= CONN_DRAINING) {
			slack_conn_cut(conn);
			count--;
		}
	}
}

static void begin_opening(struct slack_sockets *sockets)
{
	struct slack_call call = { .method = "apps.connections.open",
				   .token = sockets->app->config.app_token };

	make_room(sockets);
	sockets->call = slack_api(sockets->app->root, &call, on_address, sockets, 0);
}

/* One that stays, or one that is on its way, is enough. */
static bool enough(const struct slack_sockets *sockets)
{
	const struct conn *conn;

	if (sockets->call != 0)
		return true;
	DL_FOREACH (sockets->conns, conn) {
		if (conn->state <= CONN_GREETING || (conn->state == CONN_READY && !conn->leaving))
			return true;
	}
	return false;
}

static void consider(struct slack_sockets *sockets)
{
	if (sockets->wanted && !sockets->retrying && !enough(sockets))
		begin_opening(sockets);
}

/* ---- what connections tell ----------------------------------------------------------------------------- */

static void steady(struct slack_sockets *sockets, const struct conn *conn)
{
	if (conn->state == CONN_READY && now_of(sockets) - conn->since >= sockets->times.steady)
		sockets->failures = 0;
}

void slack_sockets_ready(struct conn *conn, const char *app_id)
{
	struct slack_sockets *sockets = conn->sockets;
	struct conn *other, *next;

	if (!sockets->wanted) {
		slack_conn_close(conn);
		return;
	}
	if (!slack_app_is(sockets->app, app_id)) {
		slack_conn_close(conn); /* what it delivers is meant for another bot */
		refused(sockets, "tokens belong to different apps",
			"take both tokens from the same app's pages");
		return;
	}
	count_opening(sockets, "ready");
	DL_FOREACH_SAFE(sockets->conns, other, next)
	{
		if (other != conn && other->state == CONN_READY)
			slack_conn_drain(other);
	}
	if (sockets->app->link != LINK_UP) /* a successor is nothing new */
		slack_link(sockets->app, LINK_UP, NULL);
}

static void close_all_but(struct slack_sockets *sockets, const struct conn *kept)
{
	struct conn *conn, *next;

	if (sockets->call != 0)
		slack_api_cancel(sockets->app->root, sockets->call);
	sockets->call = 0;
	DL_FOREACH_SAFE(sockets->conns, conn, next)
	{
		if (conn != kept)
			slack_conn_close(conn);
	}
}

/* The newest one that is ready, rather one that was not told to go. */
static struct conn *best(const struct slack_sockets *sockets, struct conn *otherwise)
{
	struct conn *conn, *found = NULL;

	DL_FOREACH (sockets->conns, conn) {
		if (conn->state == CONN_READY && conn != otherwise &&
		    (found == NULL || found->leaving || !conn->leaving))
			found = conn;
	}
	return found != NULL ? found : otherwise;
}

void slack_sockets_leaving(struct conn *conn, enum slack_disconnect why)
{
	struct slack_sockets *sockets = conn->sockets;

	steady(sockets, conn);
	if (why == SLACK_LINK_DISABLED) {
		close_all_but(sockets, NULL);
		log_error(host_of(sockets)->log, "Socket Mode is switched off for this app");
		down(sockets, "Socket Mode is switched off: enable it on the app's page Socket Mode");
		hold(sockets, sockets->times.disabled);
	} else if (why == SLACK_TOO_MANY) {
		close_all_but(sockets, best(sockets, conn));
		log_warn(host_of(sockets)->log, "too many connections: who else uses this app_token?");
		down(sockets, "too many connections are open for this app_token");
		hold(sockets, sockets->times.too_many);
	} else {
		conn->leaving = true;
		consider(sockets);
	}
}

void slack_sockets_gone(struct conn *conn, enum conn_state state, const char *why)
{
	struct slack_sockets *sockets = conn->sockets;

	if (!sockets->wanted || state >= CONN_DRAINING)
		return;
	steady(sockets, conn);
	if (state < CONN_READY) {
		failed(sockets, why);
		return;
	}
	if (!any_ready(sockets))
		slack_link(sockets->app, LINK_CONNECTING, why);
	if (!conn->leaving && !enough(sockets))
		retry_after(sockets, next_pause(sockets));
	else
		consider(sockets);
}

/* ---- beginning and end --------------------------------------------------------------------------------- */

struct slack_sockets *slack_sockets_create(struct slack *app)
{
	struct slack_sockets *sockets = mem_zero(1, sizeof(*sockets));

	sockets->app = app;
	sockets->times = slack_socket_times;
	sockets->retry = loop_timer_create(host_of(sockets)->loop, on_retry, sockets);
	return sockets;
}

void slack_sockets_start(struct slack_sockets *sockets)
{
	sockets->wanted = true;
	slack_link(sockets->app, LINK_CONNECTING, NULL);
	consider(sockets);
}

void slack_sockets_stop(struct slack_sockets *sockets)
{
	struct conn *conn, *next;

	sockets->wanted = false;
	sockets->retrying = false;
	sockets->hold_until = 0;
	loop_timer_stop(sockets->retry);
	if (sockets->call != 0)
		slack_api_cancel(sockets->app->root, sockets->call);
	sockets->call = 0;
	DL_FOREACH_SAFE(sockets->conns, conn, next)
	{
		if (conn->state == CONN_READY || conn->state == CONN_DRAINING)
			slack_conn_drain(conn);
		else
			slack_conn_close(conn);
	}
}

bool slack_sockets_idle(const struct slack_sockets *sockets)
{
	return sockets->conns == NULL && sockets->call == 0;
}

void slack_sockets_destroy(struct slack_sockets *sockets)
{
	if (sockets == NULL)
		return;
	slack_sockets_stop(sockets);
	while (sockets->conns != NULL)
		slack_conn_cut(sockets->conns);
	loop_timer_destroy(sockets->retry);
	free(sockets);
}
