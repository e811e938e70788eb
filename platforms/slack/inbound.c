/* From a payload to the core and back: whose it is, what it is, names, hand over, acknowledge. Exactly one
 * acknowledgement for each, and "received" only for what is stored or not for us. */
#include "inbound.h"
#include "mem.h"
#include "metrics.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	OWED_MAX = 5000, /* payloads that wait for a name or for the core; further ones come again */
	BYTES_MAX =
		16
		<< 20, /* the same in bytes, of those that wait for a name: read they take several times as much */
	SWEEP_MS = 50,
	LATER_MS = 2000,
	BOTS_MAX = 2000,
	GESTURES_MAX = 5000,
	TITLE_MAX = 60,
};

static struct metric payloads = {
	.name = "usher_slack_payloads_total",
	.help = "Payloads by what became of them; dropped ones hold nothing for us",
	.type = METRIC_COUNTER,
	.label = "app,outcome",
};

static void count(const struct slack *app, const char *outcome)
{
	metric_add(&payloads, (const char *[]){ app->config.name, outcome }, 1);
}

/* ---- ends ------------------------------------------------------------------------------------------------ */

static void let_payload_go(struct slack_arrival *arrival)
{
	json_decref(arrival->payload);
	arrival->payload = NULL;
	arrival->workspace->app->inbound->bytes -= arrival->from.size;
	arrival->from.size = 0;
}

static void arrival_free(struct slack_arrival *arrival)
{
	let_payload_go(arrival);
	arena_destroy(arrival->arena);
	free(arrival);
}

/* Nothing is stored, and that is right. */
static void drop(struct slack_arrival *arrival, const char *outcome, const char *because)
{
	struct slack *app = arrival->workspace->app;

	count(app, outcome);
	log_debug(arrival->workspace->host->log, "nothing to hand over: %s", because);
	if (arrival->done)
		arrival->done(arrival->workspace, arrival->owner,
			      &(struct ack){ .how = ACK_NOT_ADDRESSED, .why = because });
	else
		slack_ack_ok(app, &arrival->from, NULL);
	arrival_free(arrival);
}

/* It could not be stored: it must come again. */
static void postpone(struct slack_arrival *arrival, unsigned retry_ms, const char *because)
{
	struct slack *app = arrival->workspace->app;

	count(app, "later");
	log_debug(arrival->workspace->host->log, "to be sent again: %s", because);
	if (arrival->done)
		arrival->done(arrival->workspace, arrival->owner,
			      &(struct ack){ .how = ACK_BUSY, .retry_ms = retry_ms, .why = because });
	else
		slack_ack_later(app, &arrival->from, retry_ms);
	arrival_free(arrival);
}

static bool is_open(const struct platform *workspace)
{
	return !workspace->stopping && !workspace->disabled && !workspace->dead;
}

/* Of one that is switched off or taken out the store ends what comes. It must not come again: Slack switches off the
 * events of an app that does not take them. */
static bool may_take(const struct platform *workspace)
{
	return is_open(workspace) || (!workspace->stopping && (workspace->disabled || workspace->removed));
}

/* The operator's word for the configured one counts for all that was added to it. */
static bool all_off(const struct slack *app)
{
	return app->root->disabled && !app->root->removed;
}

/* Nothing of it is wanted, and the store, which knows each row by itself, would not see why. */
static bool unwanted(const struct platform *workspace)
{
	const struct slack *app = workspace->app;

	return (workspace->removed && workspace->stopping) || (workspace != app->root && all_off(app));
}

/* ---- to the core ----------------------------------------------------------------------------------------- */

static void hand_over(struct slack_arrival *arrival)
{
	struct platform *workspace = arrival->workspace;
	struct slack_inbound *inbound = workspace->app->inbound;

	/* What was looked for is found again when the workspace is open. */
	if (arrival->done ? !is_open(workspace) : !may_take(workspace)) {
		postpone(arrival, LATER_MS, "the workspace is closed");
		slack_settle(workspace);
		return;
	}
	slack_arrival_name(arrival);
	arrival->in.receipt = slack_ticket(workspace->app);
	HASH_ADD(hh, inbound->owed, in.receipt, sizeof(arrival->in.receipt), arrival);
	count(workspace->app, "taken");
	workspace->host->incoming(workspace->host, &arrival->in);
	let_payload_go(
		arrival); /* large, and `in` was copied: from here on only place, scope and text count */
	arrival->say = (struct slack_decoded){ .kind = arrival->say.kind };
}

/* ---- waiting for names, in order ------------------------------------------------------------------------- */

/* Nobody is asked for the names of a workspace that is closed. */
static bool ready(const struct slack_arrival *arrival, uint64_t now)
{
	return !is_open(arrival->workspace) || now >= arrival->until_ms ||
	       slack_wanted_settled(arrival->workspace, &arrival->wanted);
}

static void leave_queue(struct slack_inbound *inbound, struct slack_arrival *arrival)
{
	struct slack_queue *queue = arrival->queue;

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it is in there, so the list has its ends */
	DL_DELETE(queue->first, arrival);
	arrival->queue = NULL;
	inbound->waiting--;
	if (queue->first)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the table has it */
	HASH_DEL(inbound->queues, queue);
	free(queue->key);
	free(queue);
}

/* Those at the head that need not wait any longer. */
static void advance(struct slack_inbound *inbound, struct slack_queue *queue)
{
	uint64_t now = loop_now_ms(inbound->app->root->host->loop);
	struct slack_arrival *arrival = queue->first, *next;

	for (; arrival && ready(arrival, now); arrival = next) {
		next = arrival->next;
		leave_queue(inbound, arrival);
		hand_over(arrival);
	}
}

static void advance_all(struct slack_inbound *inbound)
{
	struct slack_queue *queue, *next;

	HASH_ITER (hh, inbound->queues, queue, next)
		advance(inbound, queue);
	if (inbound->queues == NULL)
		loop_timer_stop(inbound->sweep);
}

static void sweep(void *data)
{
	advance_all(data);
}

void slack_inbound_named(struct platform *workspace)
{
	if (workspace->app->inbound)
		advance_all(workspace->app->inbound);
}

static struct slack_queue *queue_for(struct slack_inbound *inbound, const char *key)
{
	struct slack_queue *queue;

	HASH_FIND_STR(inbound->queues, key, queue);
	if (queue)
		return queue;
	queue = mem_zero(1, sizeof(*queue));
	queue->key = mem_text(key);
	if (inbound->queues == NULL)
		loop_timer_start(inbound->sweep, SWEEP_MS, SWEEP_MS);
	HASH_ADD_KEYPTR(hh, inbound->queues, queue->key, strlen(queue->key), queue);
	return queue;
}

/* Behind those of the same channel that wait already. */
static void line_up(struct slack_arrival *arrival)
{
	struct slack_inbound *inbound = arrival->workspace->app->inbound;
	uint64_t now = loop_now_ms(inbound->app->root->host->loop);
	const char *key = slack_message_key(arrival, "");
	struct slack_queue *queue;

	arrival->until_ms = now + SLACK_NAMES_WAIT_MS;
	HASH_FIND_STR(inbound->queues, key, queue);
	if (ready(arrival, now) && queue == NULL) {
		hand_over(arrival);
		return;
	}
	queue = queue_for(inbound, key);
	arrival->queue = queue;
	DL_APPEND(queue->first, arrival);
	inbound->waiting++;
}

/* ---- what a payload is ----------------------------------------------------------------------------------- */

typedef const char *build_fn(struct slack_arrival *arrival);
static build_fn *const builders[] = {
	[SLACK_IS_SAID] = slack_build_message,	    [SLACK_IS_EDITED] = slack_build_message,
	[SLACK_IS_DELETED] = slack_build_message,   [SLACK_IS_COMMAND] = slack_build_command,
	[SLACK_IS_SHORTCUT] = slack_build_shortcut, [SLACK_IS_RATED] = slack_build_rated,
	[SLACK_IS_CHOSEN] = slack_build_chosen,	    [SLACK_IS_STOPPED] = slack_build_stopped,
};

/* False: it is acknowledged later. */
typedef bool event_fn(struct platform *workspace, const struct slack_from *from,
		      const struct slack_decoded *say);
static event_fn *const events[] = {
	[SLACK_IS_OPENED] = slack_event_opened,
	[SLACK_IS_JOINED] = slack_event_joined,
	[SLACK_IS_REMOVED] = slack_event_removed,
	[SLACK_IS_TOO_MANY] = NULL, /* of the app, before any workspace */
};

static void enter(struct slack_arrival *arrival)
{
	const char *because = builders[arrival->say.kind](arrival);

	if (because)
		drop(arrival, "dropped", because);
	else
		line_up(arrival);
}

static struct slack_arrival *arrival_new(struct platform *workspace, const struct slack_decoded *say)
{
	struct slack_arrival *arrival = mem_zero(1, sizeof(*arrival));

	arrival->workspace = workspace;
	arrival->say = *say;
	arrival->arena = arena_create();
	return arrival;
}

/* Who we are is still being asked: whose this is can't be told yet. */
static bool not_yet_known(const struct slack *app)
{
	return app->root->token && app->root->key == NULL && !app->root->dead;
}

/* Without a workspace. True: acknowledged here. */
static bool settled_early(struct slack *app, const struct slack_from *from, const struct slack_decoded *say)
{
	const char *outcome = NULL;

	if (say->kind == SLACK_IS_MALFORMED) {
		count(app, "malformed");
		slack_ack_bad(app, from, say->because);
		return true;
	}
	if (app->app_id && say->app && strcmp(app->app_id, say->app) != 0) {
		outcome = "another_app";
	} else if (say->kind == SLACK_IS_NOTHING) {
		log_debug(app->root->host->log, "nothing for us: %s", say->because);
		outcome = "nothing";
	} else if (say->kind == SLACK_IS_TOO_MANY) {
		slack_event_too_many(app, say);
		outcome = "rate_limited";
	}
	if (outcome == NULL)
		return false;
	count(app, outcome);
	slack_ack_ok(app, from, NULL);
	return true;
}

static void nobodys(struct slack *app, const struct slack_from *from)
{
	/* It may be of the workspace that is being added just now. */
	bool off = all_off(app);
	bool later = !off && (not_yet_known(app) || slack_installs_busy(app->installs));

	count(app, off ? "switched_off" : later ? "later" : "nobodys");
	if (later)
		slack_ack_later(app, from, LATER_MS);
	else
		slack_ack_ok(app, from, NULL);
}

static void take_for(struct platform *workspace, const struct slack_from *from,
		     const struct slack_decoded *say, json_t *payload)
{
	struct slack *app = workspace->app;
	struct slack_arrival *arrival;

	if (say->kind >= SLACK_IS_OPENED) {
		count(app, "event");
		if (events[say->kind](workspace, from, say))
			slack_ack_ok(app, from, NULL);
		return;
	}
	if (unwanted(workspace)) {
		count(app, "switched_off");
		slack_ack_ok(app, from, NULL);
		return;
	}
	if (!may_take(workspace) || slack_inbound_owed(app->inbound) >= OWED_MAX ||
	    app->inbound->bytes + from->size > BYTES_MAX) {
		count(app, "later");
		slack_ack_later(app, from, LATER_MS);
		return;
	}
	if (from->way == SLACK_FROM_HTTP && from->retry > 0 && is_open(workspace))
		slack_catch_up_retried(workspace);
	arrival = arrival_new(workspace, say);
	arrival->from = *from;
	app->inbound->bytes += from->size;
	arrival->payload = json_incref(payload);
	enter(arrival);
}

void slack_take(struct slack *app, const struct slack_from *from, enum slack_payload kind, json_t *payload)
{
	struct slack_decoded say;
	struct platform *workspace;

	slack_decode(kind, payload, &say);
	if (!settled_early(app, from, &say)) {
		workspace = slack_find(app, say.enterprise, say.team, say.org);
		if (workspace)
			take_for(workspace, from, &say, payload);
		else
			nobodys(app, from);
	}
	json_decref(payload);
}

void slack_take_caught(struct platform *workspace, const char *channel, const char *channel_type,
		       const json_t *message, slack_caught_fn *done, void *owner)
{
	bool direct = channel_type && strcmp(channel_type, "im") == 0;
	json_t *kept = json_pack("{s:s, s:O}", "channel", channel, "message", message);
	struct slack_arrival *arrival;
	struct slack_decoded say;

	slack_decode_listed(json_text(kept, "channel"), direct, json_object_get(kept, "message"), &say);
	arrival = arrival_new(workspace, &say);
	arrival->payload = kept;
	arrival->done = done;
	arrival->owner = owner;
	arrival->in.flags = INCOMING_LATE;
	if (say.kind != SLACK_IS_SAID)
		drop(arrival, "dropped", say.because);
	else if (!is_open(workspace))
		postpone(arrival, LATER_MS, "the workspace is closed");
	else
		enter(arrival);
}

/* ---- from the core --------------------------------------------------------------------------------------- */

/* A newcomer has no conversation yet; one that the workspace vouches for will have it in a moment. */
static bool is_answered(const struct slack_arrival *arrival, const struct ack *ack)
{
	return ack->how == ACK_STORED && ack->state != MESSAGE_IGNORED && ack->uuid && arrival->shows_work &&
	       (ack->conversation_id || (arrival->in.flags & INCOMING_VOUCHED));
}

static void stored(struct slack_arrival *arrival, const struct ack *ack)
{
	struct platform *workspace = arrival->workspace;
	const char *text = arrival->in.text;
	char *title;

	if (arrival->scope)
		slack_catch_up_cursor(workspace, arrival->scope, arrival->place.ts);
	if (!is_answered(arrival, ack))
		return;
	title = mem_text_n(text, text_fit(text, strcspn(text, "\r\n"), TITLE_MAX));
	slack_working_begin(workspace, ack->uuid, &arrival->place, title);
	free(title);
}

static bool comes_again(enum ack_how how)
{
	return how == ACK_BUSY || how == ACK_FAILED;
}

void slack_acked(struct platform *workspace, uint64_t receipt, const struct ack *ack)
{
	struct slack *app = workspace->app;
	struct slack_arrival *arrival;

	if (app->inbound == NULL)
		return;
	HASH_FIND(hh, app->inbound->owed, &receipt, sizeof(receipt), arrival);
	if (arrival == NULL)
		return;
	HASH_DEL(app->inbound->owed, arrival);
	count(app, ack_name(ack->how));
	if (ack->how == ACK_INVALID)
		log_warn(workspace->host->log, "a message is not taken: %s", ack->why ? ack->why : "?");
	if (ack->how == ACK_STORED || ack->how == ACK_BEFORE)
		stored(arrival, ack);
	if (arrival->done)
		arrival->done(workspace, arrival->owner, ack);
	else if (comes_again(ack->how))
		slack_ack_later(app, &arrival->from, ack->retry_ms);
	else
		slack_ack_ok(app, &arrival->from, NULL);
	arrival_free(arrival);
	slack_settle(workspace);
}

size_t slack_inbound_owed(const struct slack_inbound *inbound)
{
	return inbound ? HASH_COUNT(inbound->owed) + inbound->waiting : 0;
}

/* ---- life ------------------------------------------------------------------------------------------------ */

struct slack_inbound *slack_inbound_create(struct slack *app)
{
	struct slack_inbound *inbound = mem_zero(1, sizeof(*inbound));

	inbound->app = app;
	inbound->bots.max = BOTS_MAX;
	inbound->gestures.max = GESTURES_MAX;
	inbound->sweep = loop_timer_create(app->root->host->loop, sweep, inbound);
	return inbound;
}

/* workspace NULL: everybody's. tell: Slack is to send them again; else nobody is told. */
static void forget(struct slack_inbound *inbound, const struct platform *workspace, bool tell)
{
	struct slack_arrival *arrival, *next, *gone = NULL;
	struct slack_queue *queue, *next_queue;

	HASH_ITER (hh, inbound->owed, arrival, next) {
		if (workspace && arrival->workspace != workspace)
			continue;
		HASH_DEL(inbound->owed, arrival);
		LL_PREPEND(gone, arrival);
	}
	HASH_ITER (hh, inbound->queues, queue, next_queue) {
		if (workspace && queue->first->workspace != workspace)
			continue;
		while ((arrival = queue->first) != NULL) {
			bool last = arrival->next == NULL;

			leave_queue(inbound, arrival);
			LL_PREPEND(gone, arrival);
			if (last)
				break;
		}
	}
	for (arrival = gone; arrival; arrival = next) {
		next = arrival->next;
		if (tell && arrival->done == NULL)
			slack_ack_later(inbound->app, &arrival->from, LATER_MS);
		arrival_free(arrival);
	}
}

void slack_inbound_forget(struct platform *workspace)
{
	if (workspace->app->inbound)
		forget(workspace->app->inbound, workspace, true);
}

void slack_inbound_destroy(struct slack_inbound *inbound)
{
	if (inbound == NULL)
		return;
	forget(inbound, NULL, false);
	recents_finish(&inbound->bots);
	recents_finish(&inbound->gestures);
	loop_timer_destroy(inbound->sweep);
	inbound->app->inbound = NULL;
	free(inbound);
}
