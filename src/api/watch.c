/* Messages that somebody waits for: who waits, what is known of the answer, and how each of them is told. */
#include "api_room.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static struct watch *find_watch(struct platform *api, const char *uuid)
{
	struct watch *watch;

	HASH_FIND_STR(api->watches, uuid, watch);
	return watch;
}

static void free_watch(struct platform *api, struct watch *watch)
{
	HASH_DEL(api->watches, watch);
	buf_free(&watch->text);
	free(watch);
}

/* The calls of a pinned watch may all leave without taking it with them. */
static void unpin(struct platform *api, struct watch *watch)
{
	watch->pinned = false;
	if (watch->calls == NULL)
		free_watch(api, watch);
}

/* ---- joining and leaving ------------------------------------------------------------------------------- */

static void begin_hold(struct platform *api, struct call *call)
{
	if (api->timed == NULL)
		loop_timer_start(api->sweep, API_SWEEP_MS, 0);
	call->deadline_ms = loop_now_ms(api->host->loop) + api->hold_ms;
	call->timed = true;
	DL_APPEND2(api->timed, call, held_prev, held_next);
}

void watch_join(struct call *call)
{
	struct platform *api = call->door->api;
	struct watch *watch = find_watch(api, call->uuid);

	if (watch == NULL) {
		watch = mem_zero(1, sizeof(*watch));
		memcpy(watch->uuid, call->uuid, sizeof(watch->uuid));
		HASH_ADD_STR(api->watches, uuid, watch);
	}
	DL_APPEND(watch->calls, call);
	call->watch = watch;
	if (call->stream)
		watch->streams++;
	else
		begin_hold(api, call);
}

void watch_leave(struct call *call)
{
	struct platform *api = call->door->api;
	struct watch *watch = call->watch;

	if (watch == NULL)
		return;
	if (call->timed)
		DL_DELETE2(api->timed, call, held_prev, held_next);
	DL_DELETE(watch->calls, call);
	call->watch = NULL;
	call->timed = false;
	if (call->stream && --watch->streams == 0) {
		buf_free(&watch->text); /* nobody looks: what grows now is not kept */
		watch->synced = false;
	}
	if (watch->calls == NULL && !watch->pinned)
		free_watch(api, watch);
}

void watch_look(struct call *call)
{
	struct platform_host *host = call->door->api->host;

	call->step = CALL_LOOK;
	host->look(host, call->uuid, call->ticket);
}

/* ---- sent away without an answer ----------------------------------------------------------------------- */

static void answer_later(struct call *call)
{
	struct buf json = { 0 };

	call_add_location(call);
	answer_print_state(&json, call, NULL);
	call_answer(call, 202, &json);
	buf_free(&json);
}

void watch_sweep(void *data)
{
	struct platform *api = data;
	uint64_t now = loop_now_ms(api->host->loop);

	while (api->timed && api->timed->deadline_ms <= now)
		answer_later(api->timed);
	if (api->timed)
		loop_timer_start(api->sweep, API_SWEEP_MS, 0);
}

static void send_away(struct call *call)
{
	if (!call->owned)
		call_fail_retry(call, API_SHUTTING_DOWN, API_RETRY_S);
	else if (call->stream)
		events_fail(call, API_SHUTTING_DOWN, NULL);
	else
		answer_later(call);
}

void watch_begin(struct call *call)
{
	struct platform *api = call->door->api;

	call->step = CALL_HELD;
	watch_join(call);
	if (api->stopping) {
		send_away(call);
	} else if (call->stream) {
		call->watch->synced = true; /* nothing was said yet */
		events_open(call, "", 0, 0);
	}
}

void watch_stop(struct platform *api)
{
	struct call *call, *next;

	HASH_ITER (hh, api->calls, call, next)
		if (call->step == CALL_HELD || call->step == CALL_LOOK)
			send_away(call);
	loop_timer_stop(api->sweep);
}

/* ---- the answer grows ---------------------------------------------------------------------------------- */

static void show_growth(struct watch *watch)
{
	struct call *call, *next;

	DL_FOREACH_SAFE(watch->calls, call, next)
	if (call->opened)
		events_grow(call, buf_str(&watch->text), watch->text.len, watch->attempt);
}

/* Some of the answer passed us by: ask for all of it, unless somebody has asked already. */
static void catch_up(struct watch *watch)
{
	struct call *call = NULL, *asker = NULL;

	watch->synced = false;
	DL_FOREACH (watch->calls, call) {
		if (call->step == CALL_LOOK)
			return;
		if (call->stream && asker == NULL)
			asker = call;
	}
	if (asker)
		watch_look(asker);
}

static void take_part(struct platform *api, struct watch *watch, const struct outgoing_part *part)
{
	size_t known;

	if (part->attempt < watch->attempt)
		return;
	if (part->attempt > watch->attempt && part->offset == 0) {
		buf_clear(&watch->text);
		watch->attempt = part->attempt;
		watch->synced = true;
	}
	if (!watch->synced || part->attempt > watch->attempt || part->offset > watch->text.len) {
		catch_up(watch);
		return;
	}
	known = watch->text.len - part->offset;
	if (known >= part->len)
		return;
	buf_add(&watch->text, part->text + known, part->len - known);
	watch->pinned = true;
	show_growth(watch);
	unpin(api, watch);
}

void watch_stream(struct platform *api, const struct outgoing_part *part)
{
	for (size_t i = 0; i < part->answers_to_count; i++) {
		struct watch *watch = find_watch(api, part->answers_to[i]);

		if (watch && watch->streams)
			take_part(api, watch, part);
	}
}

/* ---- the end ------------------------------------------------------------------------------------------- */

/* Our delivery keys begin with the profile that sent the message. */
static bool owns(const struct call *call, const struct outgoing *out)
{
	size_t len = strlen(call->caller.profile);

	if (call->owned)
		return true;
	for (size_t i = 0; i < out->answers_to_count; i++)
		if (strcmp(out->answers_to[i], call->uuid) == 0)
			return strncmp(out->delivery_keys[i], call->caller.profile, len) == 0 &&
			       out->delivery_keys[i][len] == ':';
	return false;
}

static void answer_call(struct call *call, const struct outgoing *out)
{
	struct buf json = { 0 };

	if (!owns(call, out)) {
		call_fail(call, API_MESSAGE_NOT_FOUND);
	} else if (call->stream) {
		events_end(call, out);
	} else if (out->state == MESSAGE_ANSWERED) {
		answer_print(&json, call, out);
		call_answer(call, 200, &json);
	} else {
		call_add_location(call);
		call_fail_why(call, error_of_end(out->state, out->reason), out->text);
	}
	buf_free(&json);
}

void watch_ended(struct platform *api, const struct outgoing *out)
{
	for (size_t i = 0; i < out->answers_to_count; i++) {
		struct watch *watch = find_watch(api, out->answers_to[i]);

		if (watch == NULL)
			continue;
		watch->pinned = true;
		while (watch->calls)
			answer_call(watch->calls, out);
		unpin(api, watch);
	}
}

/* ---- what the core knows ------------------------------------------------------------------------------- */

static void take_ids(struct call *call, const struct outgoing *out)
{
	call->owned = true;
	call->state = out->state;
	call->conversation_id = out->conversation_id;
	if (out->conversation_uuid && strlen(out->conversation_uuid) < sizeof(call->conversation_uuid))
		memcpy(call->conversation_uuid, out->conversation_uuid, strlen(out->conversation_uuid) + 1);
}

/* Not ended yet: a stream begins, or goes on, with what there is. */
static void show_running(struct platform *api, struct call *call, const struct outgoing *out)
{
	struct watch *watch = call->watch;

	call->step = CALL_HELD;
	if (!call->stream)
		return;
	watch->pinned = true;
	if (!watch->synced) {
		buf_clear(&watch->text);
		buf_text(&watch->text, out->text ? out->text : "");
		watch->attempt = out->attempt;
		watch->synced = true;
	}
	if (!call->opened)
		events_open(call, buf_str(&watch->text), watch->text.len, watch->attempt);
	show_growth(watch);
	unpin(api, watch);
}

void watch_found(struct platform *api, uint64_t ticket, const struct outgoing *out)
{
	struct call *call = call_claim(api, ticket, CALL_LOOK);
	struct buf json = { 0 };

	if (call == NULL)
		return; /* answered meanwhile, or the client is gone */
	if (out == NULL || !owns(call, out)) {
		if (call->opened)
			events_fail(call, API_MESSAGE_NOT_FOUND, NULL);
		else
			call_fail(call, API_MESSAGE_NOT_FOUND);
		return;
	}
	take_ids(call, out);
	if (call->status) {
		answer_print_state(&json, call, out);
		call_answer(call, 200, &json);
		buf_free(&json);
	} else if (answer_final(out->state)) {
		answer_call(call, out);
	} else if (api->stopping && !call->opened) {
		send_away(call); /* came in while we stopped: nothing would tell it the end */
	} else {
		show_running(api, call, out);
	}
}
