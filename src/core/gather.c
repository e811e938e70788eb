/* Fetches a turn's files and asks what others had said: everything at once, each with its own second tries, all within
 * the limit of the step. */
#include "budget.h"
#include "buf.h"
#include "counts.h"
#include "gather_inside.h"
#include "installation.h"
#include "mem.h"
#include "store_install.h"
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
	FILES_MAX = 20, /* of one turn */
	TRIES_MAX = 3,
	TRY_AGAIN_MS = 2000,
};

/* A question under way. A plugin that answers when nobody waits any more leaves a file behind, which goes. */
struct wait {
	uint64_t serial;
	struct gather *gather; /* NULL: nobody waits */
	size_t item;
	struct installation *inst; /* who was asked, held; NULL: the store */
	char *path;
	UT_hash_handle hh;
};

struct gathers {
	struct core *core;
	struct gather *all;
	struct wait *waits;
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

static void free_wait(struct gathers *gathers, struct wait *wait)
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

void gather_destroy(struct gather *gather)
{
	if (gather == NULL)
		return;
	for (struct wait *wait = gather->gathers->waits; wait; wait = wait->hh.next)
		if (wait->gather == gather)
			wait->gather = NULL;
	for (size_t i = 0; i < gather->count; i++) {
		free(gather->items[i].path);
		free(gather->items[i].mime);
		free(gather->items[i].why);
		free(gather->items[i].heard);
		free(gather->items[i].unheard);
		if (gather->items[i].state == ITEM_HEARS)
			ai_hear_cancel(gather->gathers->core->options.ai, gather->items[i].hears, NULL, NULL);
	}
	DL_DELETE(gather->gathers->all, gather);
	arena_destroy(gather->arena);
	free(gather->items);
	free(gather->context);
	free(gather);
}

static struct wait *wait_for(struct gather *gather, size_t item, struct installation *inst)
{
	struct wait *wait = mem_zero(1, sizeof(*wait));

	wait->serial = core_serial(gather->gathers->core);
	wait->gather = gather;
	wait->item = item;
	wait->inst = installation_hold(inst);
	HASH_ADD(hh, gather->gathers->waits, serial, sizeof(wait->serial), wait);
	return wait;
}

static struct wait *find_wait(struct gathers *gathers, uint64_t serial)
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
	if (!under_way(gather) || gather->asks_context)
		return;
	for (size_t i = 0; i < gather->count; i++)
		if (gather->items[i].state != ITEM_DONE)
			return;
	turn_go(gather->turn, TURN_THINK);
}

/* ---- hearing --------------------------------------------------------------------------------- */

static void done_heard_record(void *owner, uint64_t ticket, const struct err *err)
{
	struct gathers *gathers = owner;

	if (!core_answered(gathers->core, err))
		log_warn(gathers->core->log,
			 "what hearing a voice note took is not on record (turn %lld): %s", (long long)ticket,
			 err->text);
}

static void journal_heard(void *owner, const struct ai_attempt *attempts, size_t count)
{
	struct gather *gather = owner;
	struct core *core = gather->gathers->core;

	core_asking(core);
	store_journal(core->options.store, gather->turn->id, NULL, 0, attempts, count, done_heard_record,
		      gather->gathers, (uint64_t)gather->turn->id);
}

static void done_heard(void *owner, uint64_t ticket, const struct ai_heard *heard)
{
	struct gathers *gathers = owner;
	struct wait *wait = find_wait(gathers, ticket);
	struct gather *gather = wait ? wait->gather : NULL;
	struct item *item = gather ? &gather->items[wait->item] : NULL;

	count_attempts(heard->attempts, heard->attempt_count);
	if (wait)
		free_wait(gathers, wait);
	if (item == NULL)
		return;
	if (heard->attempt_count > 0)
		journal_heard(gather, heard->attempts, heard->attempt_count);
	if (heard->err.kind == ERR_NONE)
		item->heard = mem_text(heard->text);
	else
		item->unheard = mem_text(heard->err.text);
	item->state = ITEM_DONE;
	look_done(gather);
}

static void done_hear_reserve(void *owner, uint64_t ticket, const struct err *err,
			      const struct store_reserved *reserved)
{
	struct gathers *gathers = owner;
	bool holds = core_answered(gathers->core, err);
	struct wait *wait = find_wait(gathers, ticket);
	struct gather *gather = wait ? wait->gather : NULL;
	struct err why = { 0 };

	if (gather == NULL)
		return; /* what was held is given back with the end of the turn */
	if (!holds) {
		err_set(&why, ERR_AGAIN, "no money could be set aside for it");
	} else if (!reserved->granted) {
		budget_why(&why, gather->items[wait->item].reserving, reserved);
		log_warn(&gather->turn->log, "budget: %s", why.text);
		why = (struct err){ 0 };
		err_set(&why, ERR_REFUSED, "%s", budget_words(gather->arena, reserved));
	}
	ai_hear_reserved(gathers->core->options.ai, ticket, &why);
}

static void hear_reserve(void *owner, uint64_t ticket, const struct ai_reserve *ask)
{
	struct gathers *gathers = owner;
	struct core *core = gathers->core;
	struct wait *wait = find_wait(gathers, ticket);
	struct turn *turn = wait && wait->gather ? wait->gather->turn : NULL;

	if (turn == NULL)
		return;
	if (ask->micros < 0 && budget_may_be_unknown(core, ask->name)) {
		ai_hear_reserved(core->options.ai, ticket, &(struct err){ 0 });
		return;
	}
	wait->gather->items[wait->item].reserving = budget_keep(wait->gather->arena, ask);
	core_asking(core);
	store_reserve(
		core->options.store,
		&(struct store_reserve){ .id = ask->id,
					 .turn_id = turn->id,
					 .provider = ask->provider,
					 .model = ask->model,
					 .micros = ask->micros,
					 .channel_parts = turn->inst ? turn->inst->ops->channel_parts : 0,
					 .limits = core->options.limits },
		done_hear_reserve, gathers, ticket);
}

static bool wants_hearing(const struct gather *gather, const struct item *item)
{
	const char *mime = item->mime ? item->mime : item->file.mime;

	return item->why == NULL && under_way(gather) && ai_hears(gather->gathers->core->options.ai, mime);
}

static void hear(struct gather *gather, struct item *item)
{
	struct gathers *gathers = gather->gathers;
	const struct ai_hear_events events = { done_heard, gather->budgeted ? hear_reserve : NULL };

	item->state = ITEM_HEARS;
	item->hears = wait_for(gather, (size_t)(item - gather->items), NULL)->serial;
	ai_hear(gathers->core->options.ai, item->path, item->mime ? item->mime : item->file.mime, &events,
		gathers, item->hears);
}

/* ---- recording ------------------------------------------------------------------------------- */

static void done_file(void *owner, uint64_t ticket, const struct err *err, int64_t import_id)
{
	struct gathers *gathers = owner;
	bool holds = core_answered(gathers->core, err);
	struct wait *wait = find_wait(gathers, ticket);
	struct gather *gather = wait ? wait->gather : NULL;
	struct item *item = gather ? &gather->items[wait->item] : NULL;

	if (wait)
		free_wait(gathers, wait);
	if (item == NULL)
		return;
	item->state = ITEM_DONE;
	item->import_id = import_id;
	if (!holds && core_may_ask_again(err)) {
		item->state = ITEM_AGAIN;
		item->retry_ms = loop_now_ms(gathers->core->options.loop) + CORE_RETRY_MS;
	} else if (!holds) {
		log_error(&gather->turn->log, "a file is not on record: %s", err->text);
		if (item->why == NULL) {
			unlink(item->path);
			item->why = mem_text("it could not be recorded");
		}
	} else if (wants_hearing(gather, item)) {
		hear(gather, item);
	}
	look_done(gather);
}

static void record(struct gather *gather, struct item *item)
{
	struct core *core = gather->gathers->core;
	size_t at = (size_t)(item - gather->items);

	item->state = ITEM_RECORDS;
	core_asking(core);
	store_file(core->options.store,
		   &(struct store_file){ .uuid = item->uuid,
					 .index = item->index,
					 .name = item->file.name,
					 .url = item->file.url,
					 .path = item->why ? NULL : item->path,
					 .mime = item->mime ? item->mime : item->file.mime,
					 .size = item->size,
					 .error = item->why },
		   done_file, gather->gathers, wait_for(gather, at, NULL)->serial);
}

static void not_taken(struct gather *gather, struct item *item, const char *why)
{
	item->why = mem_text(why);
	record(gather, item);
}

/* ---- fetching -------------------------------------------------------------------------------- */

static void fetch(struct gather *gather, struct item *item)
{
	struct installation *inst = gather->turn->inst;
	const struct core_options *options = &gather->gathers->core->options;
	struct wait *wait;

	if (inst == NULL || inst->platform == NULL) {
		not_taken(gather, item, "the platform is not connected");
		return;
	}
	if (unlink(item->path) != 0 && errno != ENOENT) { /* of a beginning that died */
		log_error(&gather->turn->log, "%s: %s", item->path, strerror(errno));
		not_taken(gather, item, "there is no place to put it");
		return;
	}
	wait = wait_for(gather, (size_t)(item - gather->items), inst);
	wait->path = mem_text(item->path);
	item->state = ITEM_FETCHES;
	item->tries++;
	inst->ops->fetch(inst->platform, &item->file, item->path, options->file_max, wait->serial);
}

void gathers_fetched(struct gathers *gathers, struct installation *inst, uint64_t ticket,
		     const struct fetched *fetched)
{
	struct wait *wait = find_wait(gathers, ticket);
	struct gather *gather;
	struct item *item;

	if (wait == NULL || wait->inst != inst || wait->path == NULL)
		return;
	gather = under_way(wait->gather) ? wait->gather : NULL;
	item = gather ? &gather->items[wait->item] : NULL;
	if (item == NULL || item->state != ITEM_FETCHES) { /* too late */
		unlink(wait->path);
		free_wait(gathers, wait);
		return;
	}
	free_wait(gathers, wait);
	free(item->mime);
	item->mime = mem_text(fetched->mime);
	if (fetched->how == FETCHED) {
		item->size = fetched->size;
		record(gather, item);
	} else if (fetched->how == FETCHED_NOT && item->tries < TRIES_MAX) {
		item->state = ITEM_LATER;
		item->retry_ms =
			loop_now_ms(gathers->core->options.loop) + (uint64_t)TRY_AGAIN_MS * item->tries;
	} else {
		not_taken(gather, item, fetched->why ? fetched->why : "it could not be fetched");
	}
}

/* ---- context --------------------------------------------------------------------------------- */

void gathers_context(struct gathers *gathers, struct installation *inst, uint64_t ticket, const char *text)
{
	struct wait *wait = find_wait(gathers, ticket);
	struct gather *gather;

	if (wait == NULL || wait->inst != inst || wait->path)
		return;
	gather = under_way(wait->gather) ? wait->gather : NULL;
	free_wait(gathers, wait);
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
	inst->ops->context(inst->platform, gather->turn->reply_to, wait_for(gather, 0, inst)->serial);
}

/* ---- the step -------------------------------------------------------------------------------- */

static bool wants_files(const struct turn *turn)
{
	return turn->question.file_count && turn->inst->ops->fetch && turn->core->options.data_dir;
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
	const struct turn *turn = gather->turn;
	const struct turn_question *question = &turn->question;
	unsigned index = 0;

	gather->count = question->file_count < FILES_MAX ? question->file_count : FILES_MAX;
	gather->left_out = question->file_count - gather->count;
	gather->items = mem_zero(gather->count, sizeof(*gather->items));
	for (size_t i = 0; i < gather->count; i++) {
		size_t message = question->file_messages[i];

		index = i && question->file_messages[i - 1] == message ? index + 1 : 0;
		gather->items[i] =
			(struct item){ .file = keep_file(gather->arena, &question->files[i]),
				       .uuid = turn->uuids[message],
				       .index = index,
				       .size = question->files[i].size,
				       .path = mem_format("%s/files/%s-%u", turn->core->options.data_dir,
							  turn->uuids[message], index) };
	}
}

static bool make_folder(struct gather *gather)
{
	char *path = mem_format("%s/files", gather->gathers->core->options.data_dir);
	bool made = mkdir(path, 0700) == 0 || errno == EEXIST;

	if (!made)
		log_error(&gather->turn->log, "%s: %s", path, strerror(errno));
	free(path);
	return made;
}

static void fetch_all(struct gather *gather)
{
	bool place;

	make_items(gather);
	place = make_folder(gather);
	for (size_t i = 0; i < gather->count; i++)
		if (place)
			fetch(gather, &gather->items[i]);
		else
			not_taken(gather, &gather->items[i], "there is no place to put it");
}

void start_gather(struct turn *turn)
{
	struct gathers *gathers = turn->core->gathers;
	struct gather *gather = mem_zero(1, sizeof(*gather));

	gather->gathers = gathers;
	gather->turn = turn;
	gather->arena = arena_create();
	gather->budgeted = budget_in_force(turn->core, turn->question.recalled);
	gather->began_ms = loop_now_ms(turn->core->options.loop);
	turn->gather = gather;
	DL_APPEND(gathers->all, gather);
	if (wants_context(turn, turn->question.recalled->count == 0))
		ask_context(gather);
	if (wants_files(turn))
		fetch_all(gather);
}

static void give_up_context(struct gather *gather)
{
	log_info(&gather->turn->log, "what was said before is left out: no answer from the platform");
	gather->asks_context = false;
}

static void give_up_hearing(struct gather *gather, struct item *item)
{
	struct wait *wait = find_wait(gather->gathers, item->hears);

	ai_hear_cancel(gather->gathers->core->options.ai, item->hears, journal_heard, gather);
	if (wait)
		free_wait(gather->gathers, wait);
	item->unheard = mem_text("it took too long");
	item->state = ITEM_DONE;
}

/* What has not come is not taken; the store is waited for. */
void late_gather(struct turn *turn)
{
	struct gather *gather = turn->gather;

	if (gather->asks_context)
		give_up_context(gather);
	for (size_t i = 0; i < gather->count; i++)
		if (gather->items[i].state == ITEM_FETCHES || gather->items[i].state == ITEM_LATER)
			not_taken(gather, &gather->items[i], "it took too long");
		else if (gather->items[i].state == ITEM_HEARS)
			give_up_hearing(gather, &gather->items[i]);
	look_done(gather);
}

static void sweep_items(struct gather *gather, uint64_t now)
{
	for (size_t i = 0; i < gather->count; i++) {
		struct item *item = &gather->items[i];

		if (item->retry_ms > now)
			continue;
		if (item->state == ITEM_LATER)
			fetch(gather, item);
		else if (item->state == ITEM_AGAIN)
			record(gather, item);
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
		if (gather->asks_context && now - gather->began_ms >= CONTEXT_LIMIT_MS) {
			give_up_context(gather);
			look_done(gather);
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
		free_wait(gathers, wait);
	}
}
