/* Kept files that nothing names any more: at the start, every few minutes, and soon after something was erased they go, row first and
 * then file, a few at a time. Nothing is kept meanwhile, so that no file goes that a row is about to name. Then the words of what went
 * leave the index, in small steps; at the start in any case, since a kill may have come in between. */
#include "daemon_room.h"
#include "imports.h"
#include "mem.h"
#include "store_imports.h"
#include <stdlib.h>

enum { AT_ONCE = 64, SOON_MS = 2000, STEP_MS = 100, AGAIN_MS = 60 * 1000, WHILE_MS = 300 * 1000 };

struct blobs {
	struct daemon *daemon;
	struct loop_timer *timer, *step; /* a round; a step of the index of words */
	bool asked;			 /* a round is under way */
	bool again;			 /* more was erased meanwhile */
	struct import_scan *scan;	 /* of what lies on the disk, once at the start; then NULL */
	bool words;			 /* something was erased since the index of words was merged */
};

static void next_round(struct blobs *blobs, unsigned wait_ms)
{
	if (blobs->again)
		wait_ms = SOON_MS;
	blobs->asked = blobs->again = false;
	loop_timer_start(blobs->timer, wait_ms, 0);
}

static void on_merged(void *owner, uint64_t ticket, const struct err *err, bool more)
{
	struct blobs *blobs = owner;

	(void)ticket;
	if (blobs->daemon->imports == NULL)
		return; /* the daemon ends */
	if (err->kind != ERR_NONE) {
		log_warn(&blobs->daemon->log, "erasing words waits: %s", err->text);
		next_round(blobs, AGAIN_MS);
	} else if (more) {
		loop_timer_start(blobs->step, STEP_MS, 0);
	} else {
		blobs->words = false;
		next_round(blobs, WHILE_MS);
	}
}

static void merge(void *data)
{
	struct blobs *blobs = data;

	store_words_merge(blobs->daemon->store, on_merged, blobs, 0);
}

static void on_unnamed(void *owner, uint64_t ticket, const struct err *err, const struct store_blob *list,
		       size_t count)
{
	struct blobs *blobs = owner;
	struct imports *imports = blobs->daemon->imports;

	(void)ticket;
	if (imports == NULL)
		return; /* the daemon ends; these files stay without a row */
	if (err->kind != ERR_NONE)
		log_warn(&blobs->daemon->log, "erasing files waits: %s", err->text);
	for (size_t i = 0; err->kind == ERR_NONE && i < count; i++)
		imports_drop(imports, list[i].org_id, list[i].sha256);
	imports_resume(imports);
	blobs->words |= count > 0;
	if (err->kind != ERR_NONE)
		next_round(blobs, AGAIN_MS);
	else if (count == AT_ONCE || blobs->scan)
		next_round(blobs, STEP_MS);
	else if (blobs->words)
		merge(blobs);
	else
		next_round(blobs, WHILE_MS);
}

static void on_found(void *owner, uint64_t ticket, const struct err *err)
{
	struct blobs *blobs = owner;

	(void)ticket;
	if (err->kind != ERR_NONE)
		log_warn(&blobs->daemon->log, "files without a row may stay until the next start: %s",
			 err->text);
}

/* What a kill left between a file and its row is named, for the question that follows. */
static void scan_some(struct blobs *blobs)
{
	struct import_name names[AT_ONCE];
	struct store_blob found[AT_ONCE];
	size_t count;
	bool more = imports_scan_next(blobs->scan, names, AT_ONCE, &count);

	for (size_t i = 0; i < count; i++) {
		found[i] = (struct store_blob){ .org_id = names[i].org_id, .sha256 = names[i].sha256 };
		if (names[i].unsealed)
			imports_seal(blobs->daemon->imports, names[i].org_id, names[i].sha256);
	}
	store_blobs_found(blobs->daemon->store, found, count, on_found, blobs, 0);
	if (more)
		return;
	imports_scan_end(blobs->scan);
	blobs->scan = NULL;
}

static void on_quiet(void *owner)
{
	struct blobs *blobs = owner;

	if (blobs->scan)
		scan_some(blobs);
	store_blobs_unnamed(blobs->daemon->store, AT_ONCE, on_unnamed, blobs, 0);
}

static void look(void *data)
{
	struct blobs *blobs = data;

	blobs->asked = true;
	imports_quiet(blobs->daemon->imports, on_quiet, blobs);
}

struct blobs *blobs_start(struct daemon *daemon)
{
	struct blobs *blobs;

	if (daemon->imports == NULL)
		return NULL;
	blobs = mem_zero(1, sizeof(*blobs));
	blobs->daemon = daemon;
	blobs->timer = loop_timer_create(io_loop(daemon->io), look, blobs);
	blobs->step = loop_timer_create(io_loop(daemon->io), merge, blobs);
	blobs->scan = imports_scan_begin(daemon->imports);
	blobs->words = true;
	loop_timer_start(blobs->timer, SOON_MS, 0);
	return blobs;
}

void blobs_look(struct blobs *blobs)
{
	if (blobs == NULL)
		return;
	blobs->words = true;
	blobs->again = blobs->asked;
	if (!blobs->asked)
		loop_timer_start(blobs->timer, SOON_MS, 0);
}

void blobs_destroy(struct blobs *blobs)
{
	if (blobs) {
		imports_scan_end(blobs->scan);
		loop_timer_destroy(blobs->timer);
		loop_timer_destroy(blobs->step);
	}
	free(blobs);
}
