/* Hands due replies to plugins, a bounded number at a time, and sees each attempt through to its record. */
#include "clock.h"
#include "counts.h"
#include "installation.h"
#include "installs.h"
#include "keep.h"
#include "log.h"
#include "mem.h"
#include "outbox_inside.h"
#include "outcome.h"
#include "store_outbox.h"
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

enum { AGAIN_SOON_MS = 1000, SWITCHED_OFF_MS = 60000, NOT_CONFIGURED_MS = 300000 };

/* ---- making and freeing ---------------------------------------------------------------------- */

static void timer_fired(void *data)
{
	struct outbox *outbox = data;

	outbox->due_ms = 0;
	outbox_wake(outbox);
}

struct outbox *outbox_create(struct core *core)
{
	struct outbox *outbox = mem_zero(1, sizeof(*outbox));

	outbox->core = core;
	outbox->timer = loop_timer_create(core->options.loop, timer_fired, outbox);
	return outbox;
}

static char *owned(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void release(struct sending *sending)
{
	outbox_file_done(sending);
	installation_release(sending->inst);
	arena_destroy(sending->arena);
	free(owned(sending->outcome.remote_id));
	free(owned(sending->outcome.why));
	free(sending);
}

static void free_sending(struct outbox *outbox, struct sending *sending)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it is in there, so there is a table */
	HASH_DEL(outbox->by_serial, sending);
	release(sending);
}

void outbox_destroy(struct outbox *outbox)
{
	struct sending *sending, *next;

	if (outbox == NULL)
		return;
	outbox_files_destroy(outbox);
	HASH_CLEAR(hh_place, outbox->by_place);
	sending = outbox->by_serial;
	HASH_CLEAR(hh, outbox->by_serial);
	for (; sending; sending = next) {
		next = sending->hh.next;
		release(sending);
	}
	loop_timer_destroy(outbox->timer);
	free(outbox);
}

static struct sending *find_place(const struct outbox *outbox, int64_t conversation_id)
{
	struct sending *sending = NULL;

	if (conversation_id)
		HASH_FIND(hh_place, outbox->by_place, &conversation_id, sizeof(conversation_id), sending);
	return sending;
}

/* ---- recording an outcome (T6) --------------------------------------------------------------- */

static void arm(struct outbox *outbox, int64_t next_ms)
{
	int64_t delay = next_ms - clock_wall_ms();

	if (next_ms == 0 || (outbox->due_ms && outbox->due_ms <= next_ms))
		return;
	outbox->due_ms = next_ms;
	loop_timer_start(outbox->timer, delay > 0 ? (uint64_t)delay : 0, 0);
}

static void ask_settle(struct outbox *outbox, struct sending *sending);

static void done_settle(void *owner, uint64_t ticket, const struct err *err)
{
	struct outbox *outbox = owner;
	bool holds = core_answered(outbox->core, err);
	struct sending *sending;

	HASH_FIND(hh, outbox->by_serial, &ticket, sizeof(ticket), sending);
	if (sending == NULL)
		return;
	if (!holds && core_may_ask_again(err)) {
		sending->retried = true;
		sending->retry_ms = loop_now_ms(outbox->core->options.loop) + CORE_RETRY_MS;
		return;
	}
	if (!holds)
		log_error(outbox->core->log, "outcome of reply %lld is not on record: %s",
			  (long long)sending->reply_id, err->text);
	arm(outbox, sending->outcome.next_ms);
	if (sending->retried || sending->settled)
		outbox_wake(outbox); /* what lined up behind it meanwhile could not be due */
	DL_DELETE(outbox->settling, sending);
	outbox->settling_count--;
	free_sending(outbox, sending);
}

static void ask_settle(struct outbox *outbox, struct sending *sending)
{
	sending->retry_ms = 0;
	core_asking(outbox->core);
	store_sent(outbox->core->options.store, &sending->outcome, done_settle, outbox, sending->serial);
}

/* how: without reply_id; copied. */
static void settle_as(struct outbox *outbox, struct sending *sending, const struct store_sent *how)
{
	bool wake = how->state != REPLY_PENDING && sending->behind;

	sending->state = SENDING_SETTLES;
	sending->outcome = *how;
	sending->outcome.reply_id = sending->reply_id;
	sending->outcome.remote_id = mem_text(how->remote_id);
	sending->outcome.why = mem_text(how->why);
	DL_APPEND(outbox->settling, sending);
	outbox->settling_count++;
	ask_settle(outbox, sending);
	if (wake || outbox->again)
		outbox_wake(outbox);
}

static void settle(struct outbox *outbox, struct sending *sending, enum reply_state state, const char *why)
{
	settle_as(outbox, sending, &(struct store_sent){ .state = state, .why = why });
}

/* Nothing left the house: the store keeps it until next_ms. It expires when its time has come, not before. */
static void put_back(struct outbox *outbox, struct sending *sending, int64_t after_ms, const char *why)
{
	int64_t next_ms = clock_wall_ms() + after_ms;

	if (sending->expires_ms && next_ms > sending->expires_ms)
		next_ms = sending->expires_ms;
	settle_as(outbox, sending,
		  &(struct store_sent){
			  .state = REPLY_PENDING, .next_ms = next_ms, .why = why, .waits = true });
}

/* ---- sending --------------------------------------------------------------------------------- */

static void run(struct outbox *outbox, struct sending *sending, const struct store_reply *reply)
{
	struct installation *inst = sending->inst;

	sending->state = SENDING_RUNS;
	sending->since_ms = loop_now_ms(outbox->core->options.loop);
	DL_APPEND(outbox->running, sending);
	if (sending->conversation_id)
		HASH_ADD(hh_place, outbox->by_place, conversation_id, sizeof(sending->conversation_id),
			 sending);
	outbox->in_flight++;
	inst->line.in_flight++;
	if (reply->file && (inst->ops->can & PLATFORM_FILES))
		outbox_file_begin(outbox, sending, reply);
	else
		outbox_hand_over(outbox->core, inst, reply, sending->serial);
}

static void leave_plugin(struct outbox *outbox, struct sending *sending)
{
	DL_DELETE(outbox->running, sending);
	if (sending->conversation_id)
		HASH_DELETE(hh_place, outbox->by_place, sending);
	outbox->in_flight--;
	sending->inst->line.in_flight--;
	sending->brings = false;
	outbox_file_done(sending);
}

static void queue(struct outbox *outbox, struct sending *sending, const struct store_reply *reply)
{
	struct outbox_line *line = &sending->inst->line;

	sending->state = SENDING_QUEUED;
	sending->behind = true; /* perhaps: outbox_behind finds only those with the plugin */
	sending->arena = arena_create();
	sending->reply = keep_reply(sending->arena, reply);
	DL_APPEND(line->queue, sending);
	line->queued++;
	outbox->queued++;
}

static bool has_place(const struct outbox *outbox, const struct outbox_line *line)
{
	size_t most = line->refused ? 1 : OUTBOX_LINE_MAX;

	return line->in_flight < most && outbox->in_flight < OUTBOX_IN_FLIGHT_MAX;
}

static int64_t probe_after_ms(const struct outbox *outbox, const struct outbox_line *line)
{
	uint64_t now = loop_now_ms(outbox->core->options.loop);

	return line->probe_ms > now ? (int64_t)(line->probe_ms - now) : 0;
}

/* Why it is not to be sent now; after_ms_out: when to look again. NULL: it is. */
static const char *held_back(const struct outbox *outbox, const struct sending *sending,
			     const struct store_reply *reply, int64_t *after_ms_out)
{
	const struct installation *inst = sending->inst;
	const struct outbox_line *line = inst ? &inst->line : NULL;

	*after_ms_out = AGAIN_SOON_MS;
	if (outbox->core->phase != CORE_RUNNING) {
		*after_ms_out = 0;
		return "stopping";
	}
	if (inst == NULL || inst->gone || !inst->started) {
		if (installs_coming(outbox->core->installs, reply->platform, reply->installation))
			return "its installation is about to start";
		*after_ms_out = NOT_CONFIGURED_MS;
		return "its installation is not configured, or switched off";
	}
	if (!installation_on(inst)) {
		*after_ms_out = SWITCHED_OFF_MS;
		return "its installation is switched off";
	}
	if (line->refused && (line->in_flight || probe_after_ms(outbox, line))) {
		*after_ms_out = probe_after_ms(outbox, line) + AGAIN_SOON_MS;
		return "credentials refused";
	}
	if (find_place(outbox, sending->conversation_id))
		return "behind another reply";
	if (!has_place(outbox, line) && line->queued >= OUTBOX_QUEUE_MAX)
		return "too many sends at once";
	return NULL;
}

static bool was_removed(const struct outbox *outbox, const struct sending *sending,
			const struct store_reply *reply)
{
	return sending->inst
		       ? sending->inst->removed
		       : installs_was_removed(outbox->core->installs, reply->platform, reply->installation);
}

/* Begins to send it, or finds out why not now. */
static void begin(struct outbox *outbox, struct sending *sending, const struct store_reply *reply)
{
	int64_t after_ms;
	const char *why = held_back(outbox, sending, reply, &after_ms);

	if (was_removed(outbox, sending, reply))
		settle(outbox, sending, REPLY_CANCELLED, "its installation was taken out");
	else if (outbox->core->phase == CORE_RUNNING && sending->expires_ms &&
		 clock_wall_ms() >= sending->expires_ms)
		settle(outbox, sending, REPLY_EXPIRED, "not sent in time");
	else if (sending->settled && sending->inst && !(sending->inst->ops->can & PLATFORM_SETTLES))
		settle(outbox, sending, REPLY_CANCELLED, "what was sent can't be changed there");
	else if (why)
		put_back(outbox, sending, after_ms, why);
	else if (has_place(outbox, &sending->inst->line))
		run(outbox, sending, reply);
	else
		queue(outbox, sending, reply);
}

static void take(struct outbox *outbox, const struct store_reply *reply, bool behind)
{
	struct sending *sending = mem_zero(1, sizeof(*sending));

	sending->serial = core_serial(outbox->core);
	sending->inst =
		installation_hold(installation_find(outbox->core, reply->platform, reply->installation));
	sending->reply_id = reply->id;
	sending->conversation_id = reply->conversation_id;
	sending->expires_ms = reply->expires_ms;
	sending->attempt = reply->out.attempt;
	sending->settled = reply->settled_count > 0;
	sending->behind = behind || reply->out.part + 1 < reply->out.parts;
	HASH_ADD(hh, outbox->by_serial, serial, sizeof(sending->serial), sending);
	begin(outbox, sending, reply);
}

void outbox_take(struct outbox *outbox, const struct store_reply *reply)
{
	take(outbox, reply, false);
}

static struct sending *unqueue(struct outbox *outbox, struct outbox_line *line)
{
	struct sending *sending = line->queue;

	DL_DELETE(line->queue, sending);
	line->queued--;
	outbox->queued--;
	return sending;
}

static void pump_queues(void *data)
{
	struct outbox *outbox = data;
	const struct core *core = outbox->core;

	outbox->posted = false;
	for (size_t i = 0; i < core->installation_count; i++) {
		struct outbox_line *line = &core->installations[i]->line;

		while (line->queue && (line->refused || has_place(outbox, line))) {
			struct sending *sending = unqueue(outbox, line);

			begin(outbox, sending, sending->reply);
		}
	}
}

/* Not at once: the plugin that freed the place is still on the stack. */
static void pump_later(struct outbox *outbox)
{
	if (outbox->posted || outbox->queued == 0)
		return;
	outbox->posted = true;
	loop_post(outbox->core->options.loop, pump_queues, outbox);
}

/* ---- how it ended ---------------------------------------------------------------------------- */

static void note_credentials(struct outbox *outbox, struct installation *inst,
			     const struct outbox_outcome *outcome)
{
	struct outbox_line *line = &inst->line;

	if (outcome->how == SENT_AUTH) {
		snprintf(line->why, sizeof(line->why), "%s",
			 outcome->why ? outcome->why : "credentials refused");
		line->probe_ms = loop_now_ms(outbox->core->options.loop) + OUTBOX_PROBE_MS;
		line->refused = true;
		log_error(&inst->log, "sending is paused, our credentials were refused: %s", line->why);
	} else if (line->refused && outcome->how != SENT_NOT && outcome->how != SENT_MAYBE) {
		line->refused = false;
		log_info(&inst->log, "sending goes on");
	}
}

static void conclude(struct outbox *outbox, struct sending *sending, const struct outbox_outcome *outcome)
{
	struct installation *inst = sending->inst;
	int64_t next_ms;
	enum reply_state state = outcome_judge(&(struct outcome_facts){ .how = outcome->how,
									.can = inst->ops->can,
									.attempt = sending->attempt,
									.retry_cap_s = inst->ops->retry_cap_s,
									.retry_ms = outcome->retry_ms,
									.now_ms = clock_wall_ms(),
									.expires_ms = sending->expires_ms },
					       &next_ms);

	if (inst->removed && state == REPLY_PENDING) { /* there is no second attempt */
		state = outcome->how == SENT_MAYBE ? REPLY_UNKNOWN : REPLY_CANCELLED;
		next_ms = 0;
	}
	note_credentials(outbox, inst, outcome);
	if (!sending->settled)
		count_reply(inst->ops->name, sent_name(outcome->how));
	if (state != REPLY_SENT && sending->settled)
		log_info(&inst->log, "what asked for an approval does not say how it ended%s: %s",
			 state == REPLY_PENDING ? " yet" : "", outcome->why ? outcome->why : "?");
	else if (state != REPLY_SENT)
		log_warn(&inst->log, "reply %lld, attempt %u: %s%s%s%s", (long long)sending->reply_id,
			 sending->attempt, sent_name(outcome->how),
			 state == REPLY_PENDING ? "" : ", given up", outcome->why ? ": " : "",
			 outcome->why ? outcome->why : "");
	leave_plugin(outbox, sending);
	settle_as(outbox, sending,
		  &(struct store_sent){ .state = state,
					.remote_id = outcome->remote_id,
					.why = outcome->why,
					.next_ms = next_ms,
					.unsure = state == REPLY_PENDING && outcome->how == SENT_MAYBE,
					.waits = state == REPLY_PENDING && outcome->how == SENT_LIMITED });
	pump_later(outbox);
}

void outbox_return(struct outbox *outbox, struct sending *sending, int64_t after_ms, const char *why)
{
	leave_plugin(outbox, sending);
	put_back(outbox, sending, after_ms, why);
	pump_later(outbox);
}

void outbox_reject(struct outbox *outbox, struct sending *sending, const char *why)
{
	struct installation *inst = sending->inst;

	count_reply(inst->ops->name, sent_name(SENT_REJECTED));
	log_error(&inst->log, "reply %lld, given up: %s", (long long)sending->reply_id, why);
	leave_plugin(outbox, sending);
	settle(outbox, sending, REPLY_REJECTED, why);
	pump_later(outbox);
}

static struct sending *find_running(const struct outbox *outbox, const struct installation *inst,
				    uint64_t ticket)
{
	struct sending *sending;

	HASH_FIND(hh, outbox->by_serial, &ticket, sizeof(ticket), sending);
	return sending && sending->state == SENDING_RUNS && !sending->brings && sending->inst == inst
		       ? sending
		       : NULL;
}

int64_t outbox_sending(const struct outbox *outbox, const struct installation *inst, uint64_t ticket)
{
	const struct sending *sending = find_running(outbox, inst, ticket);

	return sending ? sending->reply_id : 0;
}

void outbox_sent(struct outbox *outbox, struct installation *inst, uint64_t ticket,
		 const struct outbox_outcome *outcome)
{
	struct sending *sending = find_running(outbox, inst, ticket);

	if (sending)
		conclude(outbox, sending, outcome);
	else
		log_debug(&inst->log, "the end of a send came too late");
}

static const struct outbox_outcome silent = { .how = SENT_MAYBE, .why = "the send did not end in time" };

/* The plugin will not tell how it ended; what it never got has not left the house. */
static void end_silently(struct outbox *outbox, struct sending *sending)
{
	if (sending->brings) /* of one that was taken out it is cancelled when it is due again */
		outbox_return(outbox, sending, AGAIN_SOON_MS, "its file was not there in time");
	else
		conclude(outbox, sending, &silent);
}

void outbox_sweep(struct outbox *outbox)
{
	uint64_t now = loop_now_ms(outbox->core->options.loop);
	struct sending *sending, *next;

	while (outbox->running && now - outbox->running->since_ms >= OUTBOX_SEND_LIMIT_MS)
		end_silently(outbox, outbox->running);
	for (sending = outbox->settling; sending; sending = next) {
		next = sending->next;
		if (sending->retry_ms && sending->retry_ms <= now)
			ask_settle(outbox, sending);
	}
}

/* ---- installations that leave ---------------------------------------------------------------- */

void outbox_leave(struct outbox *outbox, struct installation *inst, enum reply_state state, const char *why)
{
	while (inst->line.queue) {
		struct sending *sending = unqueue(outbox, &inst->line);

		if (state == REPLY_PENDING)
			put_back(outbox, sending, AGAIN_SOON_MS, why);
		else
			settle(outbox, sending, state, why);
	}
}

void outbox_forget(struct outbox *outbox, const struct installation *inst)
{
	struct sending *sending, *next;

	for (sending = outbox->running; sending; sending = next) {
		next = sending->next;
		if (sending->inst == inst)
			end_silently(outbox, sending);
	}
}

/* ---- what is due ----------------------------------------------------------------------------- */

static void done_due(void *owner, uint64_t ticket, const struct err *err, const struct store_reply *replies,
		     size_t count, int64_t next_ms)
{
	struct outbox *outbox = owner;
	size_t limit = (size_t)ticket;

	outbox->asked = false;
	if (!core_answered(outbox->core, err)) {
		log_warn(outbox->core->log, "due replies: %s", err->text);
		arm(outbox, clock_wall_ms() + CORE_RETRY_MS);
		return;
	}
	/* What was due had waited: others of its conversation may have lined up behind it. */
	for (size_t i = 0; i < count; i++)
		take(outbox, &replies[i], true);
	arm(outbox, next_ms);
	if (count == limit || outbox->again)
		outbox_wake(outbox);
}

void outbox_wake(struct outbox *outbox)
{
	enum { AT_ONCE = 64 };
	size_t room = OUTBOX_IN_FLIGHT_MAX - outbox->in_flight;
	size_t limit = room < AT_ONCE ? room : AT_ONCE;

	if (outbox->core->phase != CORE_RUNNING || outbox->core->failed)
		return;
	outbox->again = outbox->asked || limit == 0;
	if (outbox->again)
		return;
	outbox->asked = true;
	core_asking(outbox->core);
	store_due(outbox->core->options.store, limit, done_due, outbox, limit);
}

void outbox_behind(struct outbox *outbox, int64_t conversation_id)
{
	struct sending *before = find_place(outbox, conversation_id);

	if (before)
		before->behind = true;
	else
		outbox_wake(outbox);
}

/* ---- stopping and looking -------------------------------------------------------------------- */

void outbox_close(struct outbox *outbox, bool all)
{
	struct sending *sending, *next;

	loop_timer_stop(outbox->timer);
	for (size_t i = 0; i < outbox->core->installation_count; i++) {
		struct outbox_line *line = &outbox->core->installations[i]->line;

		while (line->queue)
			put_back(outbox, unqueue(outbox, line), 0, "stopping");
	}
	if (!all)
		return;
	while (outbox->running)
		end_silently(outbox, outbox->running);
	for (sending = outbox->settling; sending; sending = next) {
		next = sending->next;
		if (sending->retry_ms == 0)
			continue;
		DL_DELETE(outbox->settling, sending);
		outbox->settling_count--;
		free_sending(outbox, sending);
	}
}

size_t outbox_in_flight(const struct outbox *outbox)
{
	return outbox->in_flight;
}

size_t outbox_settling(const struct outbox *outbox)
{
	return outbox->settling_count;
}

const char *outbox_paused(const struct outbox *outbox, const struct installation *inst)
{
	(void)outbox;
	return inst->line.refused ? inst->line.why : NULL;
}
