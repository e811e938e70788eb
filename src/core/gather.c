/* Fetches a turn's files and asks what others had said: everything at once, each with its own second tries, all within
 * the limit of the step. */
#include "budget.h"
#include "buf.h"
#include "counts.h"
#include "gather_inside.h"
#include "imports.h"
#include "installation.h"
#include "mem.h"
#include "text.h"
#include "turn_inside.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

enum {
	CONTEXT_LIMIT_MS = 5000,
	FILES_MAX = 64, /* of one turn, which may answer several messages */
	TRIES_MAX = 3,
	TRY_AGAIN_MS = 2000,
	FETCH_LIMIT_MS = 10 * 60 * 1000, /* for one file, its second tries among it; and for hearing one */
	PROGRESS_FROM_MS = 2000,
	PROGRESS_EVERY_MS = 3000, /* platforms count edits */
};

struct gathers *gathers_create(struct core *core)
{
	struct gathers *gathers = mem_zero(1, sizeof(*gathers));

	gathers->core = core;
	return gathers;
}

static void release_wait(struct wait *wait)
{
	installation_release(wait->inst);
	free(wait->path);
	free(wait);
}

void gather_free_wait(struct gathers *gathers, struct wait *wait)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): its neighbours in the table live */
	HASH_DEL(gathers->waits, wait);
	release_wait(wait);
}

void gathers_destroy(struct gathers *gathers)
{
	struct wait *wait, *next;

	if (gathers == NULL)
		return;
	wait = gathers->waits;
	HASH_CLEAR(hh, gathers->waits);
	for (; wait; wait = next) {
		next = wait->hh.next;
		release_wait(wait);
	}
	free(gathers);
}

/* The file goes with the turn: what is to stay was kept. */
static void free_item(struct gather *gather, struct item *item)
{
	reading_cancel(gather, item);
	if (item->path)
		unlink(item->path);
	if (item->chunks)
		unlink(item->chunks);
	free(item->path);
	free(item->chunks);
	free(item->mime);
	free(item->kind);
	free(item->sha256);
	free(item->outline);
	free(item->code);
	free(item->why);
	free(item->heard);
	free(item->unheard);
}

void gather_destroy(struct gather *gather)
{
	if (gather == NULL)
		return;
	for (struct wait *wait = gather->gathers->waits; wait; wait = wait->hh.next)
		if (wait->gather == gather)
			wait->gather = NULL;
	for (size_t i = 0; i < gather->count; i++)
		free_item(gather, &gather->items[i]);
	DL_DELETE(gather->gathers->all, gather);
	arena_destroy(gather->arena);
	free(gather->items);
	free(gather->context);
	free(gather->shown);
	free(gather);
}

struct wait *gather_wait(struct gather *gather, struct item *item, struct installation *inst)
{
	struct wait *wait = mem_zero(1, sizeof(*wait));

	wait->serial = core_serial(gather->gathers->core);
	wait->gather = gather;
	wait->item = item ? (size_t)(item - gather->items) : SIZE_MAX;
	wait->inst = installation_hold(inst);
	HASH_ADD(hh, gather->gathers->waits, serial, sizeof(wait->serial), wait);
	return wait;
}

struct wait *gather_find_wait(struct gathers *gathers, uint64_t serial)
{
	struct wait *wait;

	HASH_FIND(hh, gathers->waits, &serial, sizeof(serial), wait);
	return wait;
}

static bool under_way(const struct gather *gather)
{
	return gather && gather->turn->state == TURN_GATHER;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void look_done(struct gather *gather)
{
	if (!under_way(gather) || gather->asks_context || (gather->count && !gather->known))
		return;
	for (size_t i = 0; i < gather->count; i++)
		if (gather->items[i].state != ITEM_DONE)
			return;
	turn_go(gather->turn, TURN_THINK);
}

void gather_done_item(struct gather *gather, struct item *item)
{
	item->state = ITEM_DONE;
	look_done(gather);
}

struct item *gather_answered(struct gathers *gathers, uint64_t ticket, struct gather **gather_out)
{
	struct wait *wait = gather_find_wait(gathers, ticket);
	struct gather *gather = wait ? wait->gather : NULL;
	struct item *item = gather && wait->item < gather->count ? &gather->items[wait->item] : NULL;

	if (wait)
		gather_free_wait(gathers, wait);
	*gather_out = gather;
	return item && item->state != ITEM_DONE ? item : NULL; /* given up meanwhile */
}

/* ---- fetching -------------------------------------------------------------------------------- */

/* Not now: later, a few times. */
static void fetch_later(struct gather *gather, struct item *item, const char *why)
{
	if (item->tries < TRIES_MAX) {
		item->state = ITEM_LATER;
		item->retry_ms = loop_now_ms(gather->gathers->core->options.loop) +
				 (uint64_t)TRY_AGAIN_MS * item->tries;
	} else {
		reading_failed(gather, item, "fetch", why ? why : "it could not be fetched");
	}
}

static void fetch(struct gather *gather, struct item *item)
{
	struct installation *inst = gather->turn->inst;
	const struct core_options *options = &gather->gathers->core->options;
	struct wait *wait;

	item->tries++;
	if (inst == NULL || inst->platform == NULL) { /* it may be about to start again */
		fetch_later(gather, item, "the platform is not connected");
		return;
	}
	if (unlink(item->path) != 0 && errno != ENOENT) { /* of an earlier try */
		log_error(&gather->turn->log, "%s: %s", item->path, strerror(errno));
		reading_failed(gather, item, "disk", "there is no place to put it");
		return;
	}
	wait = gather_wait(gather, item, inst);
	wait->path = mem_text(item->path);
	item->state = ITEM_FETCHES;
	inst->ops->fetch(inst->platform, &item->file, item->path, options->file_max, wait->serial);
}

void gathers_fetched(struct gathers *gathers, struct installation *inst, uint64_t ticket,
		     const struct fetched *fetched)
{
	struct wait *wait = gather_find_wait(gathers, ticket);
	struct gather *gather;
	struct item *item;

	if (wait == NULL || wait->inst != inst || wait->path == NULL)
		return;
	gather = under_way(wait->gather) ? wait->gather : NULL;
	item = gather ? &gather->items[wait->item] : NULL;
	if (item == NULL || item->state != ITEM_FETCHES) { /* too late */
		unlink(wait->path);
		gather_free_wait(gathers, wait);
		return;
	}
	gather_free_wait(gathers, wait);
	free(item->mime);
	item->mime = mem_text(fetched->mime);
	if (fetched->how == FETCHED) {
		item->size = fetched->size;
		reading_kept(gather, item);
	} else if (fetched->how == FETCHED_NOT) {
		fetch_later(gather, item, fetched->why);
	} else {
		reading_failed(gather, item, "fetch",
			       fetched->why ? fetched->why : "it could not be fetched");
	}
}

/* ---- context --------------------------------------------------------------------------------- */

void gathers_context(struct gathers *gathers, struct installation *inst, uint64_t ticket, const char *text)
{
	struct wait *wait = gather_find_wait(gathers, ticket);
	struct gather *gather;

	if (wait == NULL || wait->inst != inst || wait->path)
		return;
	gather = under_way(wait->gather) ? wait->gather : NULL;
	gather_free_wait(gathers, wait);
	if (gather == NULL || !gather->asks_context)
		return;
	gather->asks_context = false;
	if (text && !text_valid(text, strlen(text)))
		log_warn(&gather->turn->log, "what was said before is not UTF-8: left out");
	else if (text && !text_blank(text))
		gather->context = gather_quote(text);
	look_done(gather);
}

static void ask_context(struct gather *gather)
{
	struct installation *inst = gather->turn->inst;

	gather->asks_context = true;
	inst->ops->context(inst->platform, gather->turn->reply_to, gather_wait(gather, NULL, inst)->serial);
}

/* ---- the step -------------------------------------------------------------------------------- */

static bool wants_files(const struct turn *turn)
{
	return turn->question.file_count && turn->inst->ops->fetch && turn->core->options.imports;
}

static bool wants_context(const struct turn *turn, bool fresh)
{
	return fresh && (turn->flags & INCOMING_JOINED) && turn->reply_to && turn->inst->ops->context;
}

bool gather_wanted(const struct turn *turn, bool fresh)
{
	if (turn->inst == NULL || turn->inst->platform == NULL)
		return false;
	return wants_files(turn) || wants_context(turn, fresh);
}

static struct message_file keep_file(struct arena *arena, const struct message_file *file)
{
	return (struct message_file){ .url = arena_text(arena, file->url),
				      .name = arena_text(arena, file->name),
				      .mime = arena_text(arena, file->mime),
				      .size = file->size };
}

static void make_items(struct gather *gather)
{
	const struct turn_question *question = &gather->turn->question;
	unsigned index = 0;

	gather->count = question->file_count;
	gather->items = mem_zero(gather->count, sizeof(*gather->items));
	for (size_t i = 0; i < gather->count; i++) {
		size_t message = question->file_messages[i];

		index = i && question->file_messages[i - 1] == message ? index + 1 : 0;
		gather->items[i] = (struct item){
			.file = keep_file(gather->arena, &question->files[i]),
			.message = message,
			.index = index,
			.size = question->files[i].size,
			.rows = -1,
			.pages = -1,
			.path = imports_work_path(gather->gathers->core->options.imports),
		};
	}
}

/* Where it stopped before a crash, it goes on. */
static void begin_item(struct gather *gather, struct item *item, const struct store_import *known)
{
	if (known) {
		item->id = known->id;
		item->reached = known->state;
		item->mime = mem_text(known->mime);
		item->kind = mem_text(known->kind);
		item->sha256 = mem_text(known->sha256);
		item->outline = mem_text(known->outline);
		item->code = mem_text(known->code);
		item->why = mem_text(known->error);
		item->size = known->size >= 0 ? known->size : item->size;
	}
	if (known == NULL)
		reading_lost(gather, item, "its message was taken back");
	else if (item->reached == IMPORT_FAILED)
		gather_done_item(gather, item);
	else if ((size_t)(item - gather->items) >= FILES_MAX)
		reading_failed(gather, item, "too_many", "too many files at once");
	else if (item->sha256)
		reading_on(gather, item);
	else
		fetch(gather, item);
}

static const struct store_import *find_known(const struct item *item, const struct store_import *imports,
					     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (imports[i].message == item->message && imports[i].index == item->index)
			return &imports[i];
	return NULL;
}

static void lose_all(struct gather *gather)
{
	for (size_t i = 0; i < gather->count && under_way(gather); i++)
		reading_lost(gather, &gather->items[i], "the database could not say what is known of it");
}

static void done_known(void *owner, uint64_t ticket, const struct err *err,
		       const struct store_import *imports, size_t count)
{
	struct gathers *gathers = owner;
	bool holds = core_answered(gathers->core, err);
	struct gather *gather;
	uint64_t now = loop_now_ms(gathers->core->options.loop);

	gather_answered(gathers, ticket, &gather);
	if (!under_way(gather))
		return;
	if (!holds && core_may_ask_again(err)) {
		gather->ask_ms = now + CORE_RETRY_MS;
		return;
	}
	gather->known = true;
	if (!holds) {
		log_error(&gather->turn->log, "its files: %s", err->text);
		lose_all(gather);
		return;
	}
	for (size_t i = 0; i < gather->count && under_way(gather); i++) {
		gather->items[i].began_ms = now;
		begin_item(gather, &gather->items[i], find_known(&gather->items[i], imports, count));
	}
}

static void ask_known(struct gather *gather)
{
	struct core *core = gather->gathers->core;

	gather->ask_ms = 0;
	core_asking(core);
	store_imports(core->options.store, gather->turn->uuids, gather->turn->count, done_known,
		      gather->gathers, gather_wait(gather, NULL, NULL)->serial);
}

void start_gather(struct turn *turn)
{
	struct gathers *gathers = turn->core->gathers;
	struct gather *gather = mem_zero(1, sizeof(*gather));

	gather->gathers = gathers;
	gather->turn = turn;
	gather->arena = arena_create();
	gather->began_ms = loop_now_ms(turn->core->options.loop);
	gather->budgeted = budget_in_force(turn->core, turn->question.recalled);
	turn->gather = gather;
	DL_APPEND(gathers->all, gather);
	if (wants_context(turn, turn->question.recalled->count == 0))
		ask_context(gather);
	if (wants_files(turn)) {
		make_items(gather);
		ask_known(gather);
	}
}

void leave_gather(struct turn *turn)
{
	struct gather *gather = turn->gather;

	for (size_t i = 0; i < gather->count; i++) {
		reading_cancel(gather, &gather->items[i]);
		gather->items[i].state = ITEM_DONE;
	}
}

static void give_up_context(struct gather *gather)
{
	log_info(&gather->turn->log, "what was said before is left out: no answer from the platform");
	gather->asks_context = false;
}

/* What has not come is not taken; the store is waited for. */
static void give_up(struct gather *gather, struct item *item)
{
	if (item->state == ITEM_FETCHES || item->state == ITEM_LATER)
		reading_failed(gather, item, "too_slow", "it took too long");
	else
		reading_too_long(gather, item);
}

void late_gather(struct turn *turn)
{
	struct gather *gather = turn->gather;

	if (gather->asks_context)
		give_up_context(gather);
	for (size_t i = 0; i < gather->count && under_way(gather); i++)
		give_up(gather, &gather->items[i]);
	if (under_way(gather))
		look_done(gather);
}

static void sweep_items(struct gather *gather, uint64_t now)
{
	if (gather->ask_ms && gather->ask_ms <= now)
		ask_known(gather);
	for (size_t i = 0; i < gather->count && under_way(gather); i++) {
		struct item *item = &gather->items[i];

		if ((item->state == ITEM_FETCHES || item->state == ITEM_LATER || item->state == ITEM_HEARS) &&
		    now - item->began_ms >= FETCH_LIMIT_MS)
			give_up(gather, item);
		else if (item->state == ITEM_LATER && item->retry_ms <= now)
			fetch(gather, item);
		else if (item->state == ITEM_AGAIN && item->retry_ms <= now)
			reading_again(gather, item);
	}
}

/* Only of what takes its time: most files are read before anybody has looked. */
static void show_progress(struct gather *gather, uint64_t now)
{
	char *words;

	if (now - gather->began_ms < PROGRESS_FROM_MS || now - gather->shown_ms < PROGRESS_EVERY_MS)
		return;
	words = gather_progress(gather);
	if (words && (gather->shown == NULL || strcmp(words, gather->shown) != 0)) {
		gather->shown_ms = now;
		turn_show(gather->turn, words);
		free(gather->shown);
		gather->shown = words;
	} else {
		free(words);
	}
}

void gathers_sweep(struct gathers *gathers)
{
	uint64_t now = loop_now_ms(gathers->core->options.loop);
	struct gather *gather, *next;

	for (gather = gathers->all; gather; gather = next) {
		next = gather->next;
		if (!under_way(gather))
			continue;
		sweep_items(gather, now);
		if (under_way(gather))
			show_progress(gather, now);
		if (under_way(gather) && gather->asks_context && now - gather->began_ms >= CONTEXT_LIMIT_MS) {
			give_up_context(gather);
			look_done(gather);
		}
	}
}

void gathers_end(struct gathers *gathers, int64_t import_id)
{
	struct gather *gather;

	for (gather = gathers->all; gather; gather = gather->next) {
		for (size_t i = 0; under_way(gather) && i < gather->count; i++) {
			struct item *item = &gather->items[i];

			if (item->id != import_id || item->state == ITEM_DONE)
				continue;
			reading_cancel(gather, item);
			reading_lost(gather, item, "it was cancelled");
			return; /* the turn may have gone on: nothing of it is to be looked at any more */
		}
	}
}

void gathers_forget(struct gathers *gathers, const struct installation *inst)
{
	struct wait *wait, *next;

	for (wait = gathers->waits; wait; wait = next) {
		struct gather *gather;

		next = wait->hh.next;
		if (wait->inst != inst)
			continue;
		gather = under_way(wait->gather) ? wait->gather : NULL;
		if (gather && wait->path && gather->items[wait->item].state == ITEM_FETCHES)
			gather->items[wait->item].state = ITEM_LATER; /* another object may be there now */
		if (wait->path)
			unlink(wait->path);
		gather_free_wait(gathers, wait);
	}
}
