/* Messages missed while the connection was down: read from where the cursors stand, one call and one message at a time,
 * through the same gate as live ones. Cursors are of threads ("C1/1700000000.000100") and of direct messages that are
 * one conversation ("D1"); where a channel's roots are read from follows from them. A mention inside a thread that we
 * were no part of is not found: that would mean to read every thread of every channel. */
#include "catch_up.h"
#include "clock.h"
#include "decode.h"
#include "mem.h"
#include "recent.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	CURSORS_MAX = 10000,
	PAGE = 200,	      /* messages a call */
	RUN_CALLS_MAX = 2000, /* of one run; what is left waits for the next */
	RUN_MESSAGES_MAX = 10000,
	TRIES_MAX = 8,	 /* of one call, before others are made */
	AGAIN_MS = 2000, /* the first pause after a failure; doubled up to a minute */
	AGAIN_MAX_MS = 60000,
	RETRIED_MS = 10 * 60000,
	OVERLAP_MS = 60000, /* roots are read a little from before: copies are recognised, holes are not */
};

/* Something to read: a thread's replies, or a channel's roots. */
struct scope {
	char channel[SLACK_ID_MAX + 1], thread[SLACK_ID_MAX + 1]; /* "" roots */
	char from[SLACK_ID_MAX + 1];				  /* later ones only */
	struct scope *prev, *next;
};

struct slack_catch_up {
	struct platform *workspace;
	struct recents cursors; /* by scope */
	struct recents holds;	/* channels with scopes to read; count says how many */
	bool begun;		/* ever */
	bool runs, again;	/* again: the link was down once more meanwhile */
	uint64_t retried_ms;	/* when a repeated delivery began one last; 0 never */
	bool warned;		/* of a missing scope */
	bool waiting;		/* for what becomes of the message handed over */
	unsigned ignore;	/* decisions about messages of a run that was ended */
	struct scope *scopes;	/* the first one is being read */
	json_t *found;		/* its messages, oldest first once `handing` */
	size_t at;
	bool handing;
	char *page;
	unsigned calls, messages, tries;
	unsigned refused; /* by the core, one after the other */
	uint64_t call;
	struct loop_timer *timer;
};

static void step(void *data);

/* ---- cursors --------------------------------------------------------------------------------------------- */

struct slack_catch_up *slack_catch_up_create(struct platform *workspace)
{
	struct slack_catch_up *up = mem_zero(1, sizeof(*up));

	up->workspace = workspace;
	up->cursors.max = CURSORS_MAX;
	up->holds.max = CURSORS_MAX;
	up->timer = loop_timer_create(workspace->host->loop, step, up);
	return up;
}

void slack_catch_up_cursor(struct platform *workspace, const char *scope, const char *position)
{
	struct recent *cursor;

	if (workspace->catch_up == NULL || slack_ts_check(position) == NULL ||
	    strlen(scope) > 2 * SLACK_ID_MAX + 1)
		return;
	cursor = recents_touch(&workspace->catch_up->cursors, scope);
	if (slack_ts_after(position, cursor->text))
		recents_set(cursor, position);
}

bool slack_catch_up_holds(const struct platform *workspace, const char *channel)
{
	struct slack_catch_up *up = workspace->catch_up;

	if (up == NULL || workspace->app->config.catch_up_hours == 0)
		return false;
	if (!up->begun)
		return up->cursors.all != NULL;
	return recents_find(&up->holds, channel) != NULL;
}

bool slack_catch_up_follows(const struct platform *workspace, const char *scope)
{
	return workspace->catch_up && recents_find(&workspace->catch_up->cursors, scope);
}

/* ---- what to read ---------------------------------------------------------------------------------------- */

/* A position of this wall time, as Slack writes them. */
static void position_at(int64_t wall_ms, char out[SLACK_ID_MAX + 1])
{
	snprintf(out, SLACK_ID_MAX + 1, "%lld.%03lld000", (long long)(wall_ms / 1000),
		 (long long)(wall_ms % 1000));
}

static bool has_scope(const struct slack_catch_up *up, const char *channel, const char *thread)
{
	const struct scope *scope;

	LL_FOREACH (up->scopes, scope) {
		if (strcmp(scope->channel, channel) == 0 && strcmp(scope->thread, thread) == 0)
			return true;
	}
	return false;
}

static void add_scope(struct slack_catch_up *up, const char *channel, const char *thread, const char *from)
{
	unsigned hours = up->workspace->app->config.catch_up_hours;
	struct scope *scope = mem_zero(1, sizeof(*scope));
	char least[SLACK_ID_MAX + 1];

	position_at(clock_wall_ms() - (int64_t)hours * 3600 * 1000, least);
	memcpy(scope->channel, channel, strlen(channel) + 1);
	memcpy(scope->thread, thread, strlen(thread) + 1);
	from = slack_ts_after(from, least) ? from : least;
	memcpy(scope->from, from, strlen(from) + 1);
	DL_APPEND(up->scopes, scope);
	recents_touch(&up->holds, channel)->count++;
}

/* What was read of the first scope is forgotten. */
static void lay_aside(struct slack_catch_up *up)
{
	json_decref(up->found);
	up->found = NULL;
	up->handing = false;
	up->at = 0;
	up->tries = 0;
	free(up->page);
	up->page = NULL;
}

static void end_scope(struct slack_catch_up *up)
{
	struct scope *scope = up->scopes;
	struct recent *hold = recents_find(&up->holds, scope->channel);

	if (hold && --hold->count == 0)
		recents_drop(&up->holds, hold);
	DL_DELETE(up->scopes, scope);
	free(scope);
	lay_aside(up);
}

/* Behind the others. Its channel stays held: live messages that moved a cursor now would hide what was missed. */
static void put_off(struct slack_catch_up *up)
{
	struct scope *scope = up->scopes;

	DL_DELETE(up->scopes, scope);
	DL_APPEND(up->scopes, scope);
	lay_aside(up);
}

/* "C1/1700.1" or "D1"; false: not one of ours. */
static bool split(const char *key, char channel[SLACK_ID_MAX + 1], const char **thread_out)
{
	size_t len = strcspn(key, "/");

	if (len == 0 || len > SLACK_ID_MAX)
		return false;
	memcpy(channel, key, len);
	channel[len] = '\0';
	*thread_out = key[len] ? key + len + 1 : "";
	return slack_id_check(channel) && (**thread_out == '\0' || slack_ts_check(*thread_out));
}

static void add_roots(struct slack_catch_up *up, struct recents *latest)
{
	struct recent *channel, *next;
	char from[SLACK_ID_MAX + 1];

	HASH_ITER (hh, latest->all, channel, next) {
		int64_t ms = slack_ts_ms(channel->text);

		position_at(ms > OVERLAP_MS ? ms - OVERLAP_MS : 0, from);
		add_scope(up, channel->key, "", from);
	}
}

/* The newest position of a channel, of whatever thread: everything before it was seen when it came. */
static void find_scopes(struct slack_catch_up *up)
{
	int64_t least = clock_wall_ms() - (int64_t)up->workspace->app->config.catch_up_hours * 3600 * 1000;
	struct recents latest = { .max = CURSORS_MAX };
	struct recent *cursor, *next;

	HASH_ITER (hh, up->cursors.all, cursor, next) {
		char channel[SLACK_ID_MAX + 1];
		struct recent *newest;
		const char *thread;

		if (!split(cursor->key, channel, &thread) || slack_ts_ms(cursor->text) < least) {
			recents_drop(&up->cursors, cursor);
			continue;
		}
		newest = recents_touch(&latest, channel);
		if (slack_ts_after(cursor->text, newest->text))
			recents_set(newest, cursor->text);
		if (*thread)
			add_scope(up, channel, thread, cursor->text);
	}
	add_roots(up, &latest);
	recents_finish(&latest);
}

static void clear(struct slack_catch_up *up)
{
	while (up->scopes)
		end_scope(up);
	up->runs = up->again = false;
	up->ignore += up->waiting;
	up->waiting = false;
}

static void finish(struct slack_catch_up *up)
{
	struct platform *workspace = up->workspace;
	bool again = up->again;

	if (up->messages)
		log_info(workspace->host->log, "%u missed messages were found, by %u calls", up->messages,
			 up->calls);
	clear(up);
	if (again)
		slack_catch_up_begin(workspace);
}

void slack_catch_up_begin(struct platform *workspace)
{
	struct slack_catch_up *up = workspace->catch_up;

	if (up == NULL)
		return;
	up->begun = true;
	if (up->runs) {
		up->again = true;
		return;
	}
	if (workspace->app->config.catch_up_hours == 0)
		return;
	find_scopes(up);
	if (up->scopes == NULL)
		return;
	up->runs = true;
	up->calls = up->messages = 0;
	loop_timer_start(up->timer, 0, 0);
}

void slack_catch_up_retried(struct platform *workspace)
{
	struct slack_catch_up *up = workspace->catch_up;
	uint64_t now = loop_now_ms(workspace->host->loop);

	if (up == NULL || (up->retried_ms && now - up->retried_ms < RETRIED_MS))
		return;
	up->retried_ms = now;
	slack_catch_up_begin(workspace);
}

void slack_catch_up_destroy(struct slack_catch_up *up)
{
	if (up == NULL)
		return;
	if (up->call)
		slack_api_cancel(up->workspace, up->call);
	clear(up);
	recents_finish(&up->cursors);
	recents_finish(&up->holds);
	loop_timer_destroy(up->timer);
	up->workspace->catch_up = NULL;
	free(up);
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static void go_on(struct slack_catch_up *up, uint64_t after_ms)
{
	loop_timer_start(up->timer, after_ms, 0);
}

static void try_again(struct slack_catch_up *up, unsigned asked_ms)
{
	uint64_t pause = AGAIN_MS;

	up->tries++;
	for (unsigned i = 1; i < up->tries && pause < AGAIN_MAX_MS; i++)
		pause *= 2;
	if (pause > AGAIN_MAX_MS)
		pause = AGAIN_MAX_MS;
	go_on(up, asked_ms ? asked_ms : pause);
}

/* History comes newest first, replies oldest first and with the root. */
static void keep_page(struct slack_catch_up *up, const json_t *body)
{
	const struct scope *scope = up->scopes;
	size_t most = up->workspace->app->config.catch_up_messages, i;
	const json_t *messages = json_object_get(body, "messages");
	json_t *message;

	if (up->found == NULL)
		up->found = json_array();
	json_array_foreach (messages, i, message) {
		const char *ts = slack_ts(message, "ts");

		if (ts == NULL || !slack_ts_after(ts, scope->from) || json_array_size(up->found) >= most)
			continue;
		if (scope->thread[0])
			json_array_append(up->found, message);
		else
			json_array_insert(up->found, 0, message);
	}
}

static const char *next_page(const struct slack_catch_up *up, const json_t *body)
{
	const char *cursor = json_text(json_object_get(body, "response_metadata"), "next_cursor");

	if (cursor == NULL || *cursor == '\0')
		return NULL;
	if (json_array_size(up->found) >= up->workspace->app->config.catch_up_messages) {
		log_warn(up->workspace->host->log, "%s: more than %u missed messages, the rest is left out",
			 up->scopes->channel, up->workspace->app->config.catch_up_messages);
		return NULL;
	}
	return cursor;
}

static void take_page(struct slack_catch_up *up, const json_t *body)
{
	const char *cursor;

	keep_page(up, body);
	cursor = next_page(up, body);
	free(up->page);
	up->page = mem_text(cursor);
	up->tries = 0;
	up->handing = cursor == NULL;
	go_on(up, 0);
}

/* Gone, or not ours any more: nobody asks about it again. */
static void give_up(struct slack_catch_up *up, const struct slack_answer *answer)
{
	const struct scope *scope = up->scopes;
	const struct log *log = up->workspace->host->log;
	char key[2 * SLACK_ID_MAX + 2];

	if (answer->needed && !up->warned) {
		log_warn(log, "missed messages can't be read without the scope %s", answer->needed);
		up->warned = true;
	} else if (answer->needed == NULL) {
		log_info(log, "missed messages of %s: %s", scope->channel,
			 answer->error ? answer->error : "refused");
	}
	snprintf(key, sizeof(key), "%s%s%s", scope->channel, scope->thread[0] ? "/" : "", scope->thread);
	if (answer->needed == NULL)
		recents_drop(&up->cursors, recents_find(&up->cursors, key));
	end_scope(up);
	go_on(up, 0);
}

static void answered(struct platform *workspace, void *owner, uint64_t ticket,
		     const struct slack_answer *answer)
{
	struct slack_catch_up *up = owner;

	(void)ticket;
	up->call = 0;
	switch (answer->how) {
	case SLACK_OK:
		take_page(up, answer->body);
		return;
	case SLACK_LIMITED: /* not a failure */
		go_on(up, answer->retry_ms ? answer->retry_ms : AGAIN_MS);
		return;
	case SLACK_REFUSED:
		give_up(up, answer);
		return;
	case SLACK_AUTH:
		clear(up);
		return;
	case SLACK_NOT_SENT:
	case SLACK_MAYBE:
		break;
	}
	if (up->tries < TRIES_MAX) {
		try_again(up, 0);
		return;
	}
	log_warn(workspace->host->log, "missed messages of %s: %s; they are asked for again later",
		 up->scopes->channel, answer->error ? answer->error : "no answer");
	put_off(up);
	go_on(up, AGAIN_MAX_MS);
}

static void ask(struct slack_catch_up *up)
{
	const struct scope *scope = up->scopes;
	struct slack_call call = {
		.method = scope->thread[0] ? "conversations.replies" : "conversations.history",
		.args = json_object(),
	};

	json_object_set_new(call.args, "channel", json_string(scope->channel));
	if (scope->thread[0])
		json_object_set_new(call.args, "ts", json_string(scope->thread));
	json_object_set_new(call.args, "oldest", json_string(scope->from));
	json_object_set_new(call.args, "limit", json_integer(PAGE));
	if (up->page)
		json_object_set_new(call.args, "cursor", json_string(up->page));
	up->calls++;
	up->call = slack_api(up->workspace, &call, answered, up, slack_ticket(up->workspace->app));
}

/* ---- handing over ---------------------------------------------------------------------------------------- */

/* Its replies may have been missed too, and no cursor knows of its thread. */
static void look_inside(struct slack_catch_up *up, const json_t *message)
{
	const char *ts = slack_ts(message, "ts"), *latest = slack_ts(message, "latest_reply");

	if (up->scopes->thread[0] == '\0' && ts && latest && slack_ts_after(latest, ts) &&
	    !has_scope(up, up->scopes->channel, ts))
		add_scope(up, up->scopes->channel, ts, ts);
}

static void decided(struct platform *workspace, void *owner, const struct ack *ack)
{
	struct slack_catch_up *up = owner;

	if (up->ignore) {
		up->ignore--;
		return;
	}
	up->waiting = false;
	if (ack->how == ACK_BUSY || ack->how == ACK_FAILED) {
		if (++up->refused == TRIES_MAX)
			log_warn(workspace->host->log, "missed messages can't be stored: %s; trying on",
				 ack->why ? ack->why : "?");
		try_again(up, ack->retry_ms);
		return;
	}
	up->refused = 0;
	if (ack->how == ACK_STORED || ack->how == ACK_BEFORE)
		look_inside(up, json_array_get(up->found, up->at));
	up->messages += ack->how == ACK_STORED;
	up->tries = 0;
	up->at++;
	go_on(up, 0);
}

static void hand(struct slack_catch_up *up)
{
	const struct scope *scope = up->scopes;

	up->waiting = true;
	slack_take_caught(up->workspace, scope->channel, scope->channel[0] == 'D' ? "im" : "channel",
			  json_array_get(up->found, up->at), decided, up);
}

static void step(void *data)
{
	struct slack_catch_up *up = data;
	struct platform *workspace = up->workspace;

	if (!up->runs || up->call || up->waiting)
		return;
	if (workspace->dead || workspace->disabled || workspace->stopping) {
		clear(up);
		return;
	}
	if (up->scopes && up->handing && up->at >= json_array_size(up->found))
		end_scope(up);
	if (up->scopes && (up->calls >= RUN_CALLS_MAX || up->messages >= RUN_MESSAGES_MAX)) {
		log_warn(workspace->host->log, "too much was missed: the rest is left out");
		clear(up);
	}
	if (up->scopes == NULL)
		finish(up);
	else if (up->handing)
		hand(up);
	else
		ask(up);
}
