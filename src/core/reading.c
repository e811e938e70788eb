/* The way of one file after it was fetched: kept, read by the parser child, heard, and each of its states noted by the store
 * before the next begins. */
#include "gather_inside.h"
#include "imports.h"
#include "mem.h"
#include "turn_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void step(struct gather *gather, struct item *item, enum import_state to);

static const struct core_options *options_of(const struct gather *gather)
{
	return &gather->gathers->core->options;
}

static const char *name_of(const struct item *item)
{
	return item->file.name && *item->file.name ? item->file.name : "file";
}

static void not_taken(struct item *item, const char *code, const char *why)
{
	free(item->code);
	free(item->why);
	item->code = mem_text(code);
	item->why = mem_text(why);
}

void reading_failed(struct gather *gather, struct item *item, const char *code, const char *why)
{
	not_taken(item, code, why);
	step(gather, item, IMPORT_FAILED);
}

void reading_lost(struct gather *gather, struct item *item, const char *why)
{
	not_taken(item, "gone", why);
	gather_done_item(gather, item);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static void done_checked(void *owner, uint64_t ticket, const struct err *err)
{
	struct gathers *gathers = owner;

	(void)ticket; /* the next state says as much */
	if (!core_answered(gathers->core, err))
		log_debug(gathers->core->log, "the type of a file is not on record yet: %s", err->text);
}

static void note_checked(struct gather *gather, struct item *item, const struct import_progress *progress)
{
	struct core *core = gather->gathers->core;

	item->reached = IMPORT_CHECKED;
	item->kind = mem_text(progress->kind);
	free(item->mime);
	item->mime = mem_text(progress->mime);
	core_asking(core);
	store_import_step(
		core->options.store,
		&(struct store_import_step){
			.id = item->id, .state = IMPORT_CHECKED, .kind = item->kind, .mime = item->mime },
		done_checked, gather->gathers, 0);
}

static void on_progress(void *owner, uint64_t ticket, const struct import_progress *progress)
{
	struct gathers *gathers = owner;
	struct wait *wait = gather_find_wait(gathers, ticket);
	struct gather *gather = wait ? wait->gather : NULL;
	struct item *item = gather ? &gather->items[wait->item] : NULL;

	if (item == NULL)
		return;
	item->waits = progress->waits;
	item->rows = progress->rows >= 0 ? progress->rows : item->rows;
	item->pages = progress->pages >= 0 ? progress->pages : item->pages;
	if (progress->checked && item->reached < IMPORT_CHECKED)
		note_checked(gather, item, progress);
}

static void on_read(void *owner, uint64_t ticket, const struct err *err, const char *code,
		    const struct import_outline *outline)
{
	struct gather *gather;
	struct item *item = gather_answered(owner, ticket, &gather);

	if (item == NULL)
		return;
	if (err->kind != ERR_NONE && err->kind != ERR_REFUSED) { /* ours: nothing for the person's eyes */
		log_error(&gather->turn->log, "files can't be read (usher doctor): %s", err->text);
		reading_failed(gather, item, "reader",
			       "files can't be read here at the moment: please tell the operator");
		return;
	}
	if (err->kind != ERR_NONE) {
		reading_failed(gather, item, code ? code : "reader", err->text);
		return;
	}
	item->outline = mem_text(outline->json);
	step(gather, item, IMPORT_EXTRACTED);
}

static const struct import_events events = { .progress = on_progress, .read = on_read };

static void read_file(struct gather *gather, struct item *item)
{
	item->state = ITEM_READS;
	item->ticket = gather_wait(gather, item, NULL)->serial;
	if (item->chunks)
		unlink(item->chunks);
	free(item->chunks);
	item->chunks = imports_work_path(options_of(gather)->imports);
	imports_read(options_of(gather)->imports, item->path, name_of(item), item->chunks, &events,
		     gather->gathers, item->ticket);
}

static bool is_voice(const struct gather *gather, const struct item *item)
{
	const struct ai *ai = options_of(gather)->ai;

	return ai_hears(ai, item->file.mime) || (item->mime && ai_hears(ai, item->mime));
}

/* There is nothing to read in it: what is said is heard. */
static void take_voice(struct gather *gather, struct item *item)
{
	char *mime = mem_text(item->mime ? item->mime : item->file.mime);
	FILE *file;

	if (item->reached < IMPORT_CHECKED)
		note_checked(gather, item,
			     &(struct import_progress){ .checked = true, .kind = "audio", .mime = mime });
	free(mime);
	free(item->chunks);
	item->chunks = imports_work_path(options_of(gather)->imports);
	file = fopen(item->chunks, "we");
	if (file == NULL || fclose(file) != 0) {
		reading_failed(gather, item, "disk", "there is no place to put it");
		return;
	}
	item->outline =
		mem_text("{\"kind\":\"audio\",\"text_bytes\":0,\"chunks\":0,\"head\":\"\",\"cut\":false,"
			 "\"warnings\":[],\"tables\":[],\"files\":[]}");
	step(gather, item, IMPORT_EXTRACTED);
}

/* It lies at its path. */
static void go_on(struct gather *gather, struct item *item)
{
	bool voice = is_voice(gather, item);

	if (item->reached < IMPORT_EXTRACTED && voice)
		take_voice(gather, item);
	else if (item->reached < IMPORT_EXTRACTED)
		read_file(gather, item);
	else if (voice)
		hearing_begin(gather, item);
	else
		gather_done_item(gather, item);
}

/* ---- keeping ------------------------------------------------------------------------------------------- */

static void done_kept(void *owner, uint64_t ticket, const struct err *err, const struct import_blob *blob)
{
	struct gather *gather;
	struct item *item = gather_answered(owner, ticket, &gather);

	if (item == NULL)
		return;
	if (err->kind != ERR_NONE) {
		log_error(&gather->turn->log, "a file can't be kept: %s", err->text);
		reading_failed(gather, item, "disk", "there is no place to keep it");
		return;
	}
	free(item->sha256);
	item->sha256 = mem_text(blob->sha256);
	item->size = blob->size;
	item->stored = blob->stored;
	step(gather, item, IMPORT_FETCHED);
}

void reading_kept(struct gather *gather, struct item *item)
{
	item->state = ITEM_KEEPS;
	item->ticket = gather_wait(gather, item, NULL)->serial;
	imports_keep(options_of(gather)->imports, gather->turn->question.caller.org_id, item->path, done_kept,
		     gather->gathers, item->ticket);
}

static void done_opened(void *owner, uint64_t ticket, const struct err *err)
{
	struct gather *gather;
	struct item *item = gather_answered(owner, ticket, &gather);

	if (item == NULL)
		return;
	if (err->kind == ERR_NONE) {
		go_on(gather, item);
	} else {
		log_error(&gather->turn->log, "a file that was kept: %s", err->text);
		reading_failed(gather, item, "gone", "what was kept of it can't be read");
	}
}

void reading_on(struct gather *gather, struct item *item)
{
	item->state = ITEM_OPENS;
	item->ticket = gather_wait(gather, item, NULL)->serial;
	imports_fetch(options_of(gather)->imports, gather->turn->question.caller.org_id, item->sha256,
		      item->path, done_opened, gather->gathers, item->ticket);
}

/* ---- states -------------------------------------------------------------------------------------------- */

/* The store refuses a file: there is no room for it in the organisation, or its message was taken back. */
static void refused(struct gather *gather, struct item *item, const struct err *err)
{
	log_warn(&gather->turn->log, "import %lld: %s", (long long)item->id, err->text);
	if (err->kind == ERR_REFUSED && item->reached == IMPORT_FETCHED) {
		reading_failed(gather, item, "quota", err->text);
		return;
	}
	if (item->why == NULL)
		not_taken(item, "gone",
			  err->kind == ERR_GONE ? "it was taken back, or cancelled"
						: "it could not be recorded");
	gather_done_item(gather, item);
}

static void done_step(void *owner, uint64_t ticket, const struct err *err)
{
	struct gathers *gathers = owner;
	bool holds = core_answered(gathers->core, err);
	struct gather *gather;
	struct item *item = gather_answered(gathers, ticket, &gather);

	if (item == NULL)
		return;
	if (!holds && core_may_ask_again(err)) {
		item->state = ITEM_AGAIN;
		item->retry_ms = loop_now_ms(gathers->core->options.loop) + CORE_RETRY_MS;
	} else if (!holds) {
		refused(gather, item, err);
	} else if (item->reached == IMPORT_FAILED) {
		gather_done_item(gather, item);
	} else {
		go_on(gather, item);
	}
}

static void ask_step(struct gather *gather, struct item *item)
{
	struct core *core = gather->gathers->core;
	uint64_t ticket = gather_wait(gather, item, NULL)->serial;
	bool failed = item->reached == IMPORT_FAILED;

	item->state = ITEM_STEPS;
	core_asking(core);
	if (item->reached == IMPORT_EXTRACTED)
		store_import_extracted(core->options.store, item->id, item->outline, item->chunks, done_step,
				       gather->gathers, ticket);
	else
		store_import_step(
			core->options.store,
			&(struct store_import_step){ .id = item->id,
						     .state = item->reached,
						     .org_id = gather->turn->question.caller.org_id,
						     .mime = item->mime ? item->mime : item->file.mime,
						     .sha256 = item->sha256,
						     .size = item->size,
						     .stored = item->stored,
						     .code = failed ? item->code : NULL,
						     .error = failed ? item->why : NULL,
						     .quota = core->options.quota },
			done_step, gather->gathers, ticket);
}

static void step(struct gather *gather, struct item *item, enum import_state to)
{
	item->reached = to;
	ask_step(gather, item);
}

/* What no row names yet may have been removed meanwhile (imports_quiet): kept again. */
void reading_again(struct gather *gather, struct item *item)
{
	if (item->reached == IMPORT_FETCHED)
		reading_kept(gather, item);
	else
		ask_step(gather, item);
}

/* ---- giving up ------------------------------------------------------------------------------------------ */

void reading_cancel(struct gather *gather, struct item *item)
{
	struct wait *wait = gather_find_wait(gather->gathers, item->ticket);

	if (item->state == ITEM_READS)
		imports_cancel(options_of(gather)->imports, gather->gathers, item->ticket);
	else if (item->state == ITEM_HEARS)
		hearing_cancel(gather, item);
	else
		return; /* what is under way ends by itself and finds nobody */
	if (wait)
		gather_free_wait(gather->gathers, wait);
}

void reading_too_long(struct gather *gather, struct item *item)
{
	bool hears = item->state == ITEM_HEARS;

	if (!hears && item->state != ITEM_READS)
		return; /* the store, and the disk, are waited for */
	reading_cancel(gather, item);
	if (hears) {
		item->unheard = mem_text("it took too long");
		gather_done_item(gather, item);
	} else {
		reading_failed(gather, item, "too_slow", "reading it took too long");
	}
}
