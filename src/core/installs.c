/* Keeps track of installations: what their rows say, who comes at the start, who leaves and when. */
#include "installs.h"
#include "clock.h"
#include "crypto.h"
#include "gather.h"
#include "installs_inside.h"
#include "mem.h"
#include "outbox.h"
#include "store_outbox.h"
#include "turn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { KEY_SIZE = 600, LEAVE_LIMIT_MS = 10000 };
static const int64_t CURSORS_MS =
	(int64_t)90 * 24 * 3600 * 1000; /* who was silent for longer is not expected */

struct installs *installs_create(struct core *core)
{
	struct installs *installs = mem_zero(1, sizeof(*installs));

	installs->core = core;
	return installs;
}

static void free_row(struct install_row *row)
{
	free(row->key);
	free(row->platform);
	free(row->name);
	free(row->title);
	free(row->settings);
	free(row);
}

void installs_destroy(struct installs *installs)
{
	struct install_row *row, *next;

	if (installs == NULL)
		return;
	while (installs->wishes)
		wish_free(installs->wishes);
	row = installs->rows;
	HASH_CLEAR(hh, installs->rows);
	for (; row; row = next) {
		next = row->hh.next;
		free_row(row);
	}
	while (installs->leaving) {
		struct installation *inst = installs->leaving;

		LL_DELETE(installs->leaving, inst);
		installation_release(inst);
	}
	free(installs);
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct install_row *installs_row(const struct installs *installs, const char *platform, const char *name)
{
	struct install_row *row;
	char key[KEY_SIZE];

	if (snprintf(key, sizeof(key), "%s/%s", platform, name) >= (int)sizeof(key))
		return NULL;
	HASH_FIND_STR(installs->rows, key, row);
	return row;
}

void installs_remember(struct installs *installs, const struct store_installation *read)
{
	struct install_row *row = installs_row(installs, read->platform, read->name);

	if (row == NULL) {
		row = mem_zero(1, sizeof(*row));
		row->key = mem_format("%s/%s", read->platform, read->name);
		row->platform = mem_text(read->platform);
		row->name = mem_text(read->name);
		HASH_ADD_KEYPTR(hh, installs->rows, row->key, strlen(row->key), row);
	}
	free(row->title);
	row->title = mem_text(read->title);
	free(row->settings);
	row->settings = read->secrets ? NULL : mem_text(read->settings);
	row->enabled = read->enabled;
	row->removed = read->removed;
	row->secrets = read->secrets != NULL;
}

bool installs_is_note(const struct installs *installs, const char *platform, const char *name)
{
	const struct install_row *row = installs_row(installs, platform, name);

	return row && !row->secrets && !row->removed &&
	       installation_find(installs->core, platform, name) == NULL &&
	       installation_root(installs->core, platform, name);
}

bool installs_was_removed(const struct installs *installs, const char *platform, const char *name)
{
	const struct install_row *row = installs_row(installs, platform, name);

	return row && row->removed;
}

/* ---- taking in what was added ---------------------------------------------------------------- */

static char *open_secrets(const struct core *core, const char *context, const char *sealed)
{
	char *text = NULL;

	for (size_t i = 0; i < core->options.key_count && text == NULL; i++)
		text = crypto_open(core->options.keys[i], context, sealed);
	return text;
}

/* NULL and err when they cannot be had. The caller frees. */
static char *secrets_of(const struct core *core, const struct store_installation *row, struct err *err)
{
	char *context, *secrets;

	if (row->secrets == NULL) {
		err_set(err, ERR_REFUSED,
			"%s/%s holds no secrets any more: whoever it belongs to has to add us again",
			row->platform, row->name);
		return NULL;
	}
	if (core->options.key_count == 0) {
		err_set(err, ERR_REFUSED, "the secrets of %s/%s are sealed and no key is set: set store.key",
			row->platform, row->name);
		return NULL;
	}
	context = mem_format("%s/%s", row->platform, row->name);
	secrets = open_secrets(core, context, row->secrets);
	free(context);
	if (secrets == NULL)
		err_set(err, ERR_REFUSED,
			"the secrets of %s/%s open with none of the keys: add the key they were sealed with "
			"to store.key, or have us added again",
			row->platform, row->name);
	return secrets;
}

struct installation *installs_adopt(struct installs *installs, const struct store_installation *row,
				    struct err *err)
{
	struct core *core = installs->core;
	struct installation *root = installation_root(core, row->platform, row->name), *inst;
	char *secrets;

	if (root == NULL || root->ops->adopt == NULL) {
		err_set(err, ERR_REFUSED, "what %s/%s was added to is not configured", row->platform,
			row->name);
		return NULL;
	}
	secrets = secrets_of(core, row, err);
	if (secrets == NULL)
		return NULL;
	inst = installation_adopt(root, row->name,
				  &(struct install){ .key = row->name + strlen(root->name) + 1,
						     .title = row->title,
						     .settings = row->settings,
						     .secrets = secrets,
						     .enabled = row->enabled },
				  err);
	explicit_bzero(secrets, strlen(secrets));
	free(secrets);
	if (inst)
		installation_list(inst);
	return inst;
}

/* ---- at the start ---------------------------------------------------------------------------- */

static void starting_over(struct installs *installs)
{
	void (*started)(struct core * core) = installs->started;

	if (installs->starting || installs->core->phase != CORE_RECOVERING || installs->core->failed)
		return;
	installs->started = NULL;
	started(installs->core);
}

static void done_row(void *owner, uint64_t ticket, const struct err *err,
		     const struct store_installation *rows, size_t count)
{
	struct installs *installs = owner;
	bool holds = core_answered(installs->core, err);
	struct wish *wish = wish_find(installs, ticket);

	if (!holds)
		core_fatal(installs->core, err);
	if (wish == NULL || !holds)
		return;
	wish_free(wish);
	for (size_t i = 0; i < count; i++)
		installs_remember(installs, &rows[i]);
	installs->starting--;
	starting_over(installs);
}

static void take_switch(struct installs *installs, struct installation *inst)
{
	const struct install_row *row = installs_row(installs, inst->ops->name, inst->name);
	struct wish *wish = wish_make(installs, WISH_ROW, NULL, inst->ops->name, inst->name);

	inst->enabled = row == NULL || row->enabled;
	if (!inst->enabled)
		log_info(&inst->log, "switched off");
	installs->starting++;
	core_asking(installs->core);
	store_install(installs->core->options.store,
		      &(struct store_install){ .platform = wish->platform, .name = wish->name }, done_row,
		      installs, wish->serial);
}

static void take_row(struct installs *installs, const struct store_installation *row)
{
	const struct installation *root = installation_root(installs->core, row->platform, row->name);
	struct err err = { 0 };

	if (root == NULL || row->removed || !row->enabled || !root->enabled || row->secrets == NULL)
		return;
	if (installation_find(installs->core, row->platform,
			      row->name)) /* configured itself, or read twice */
		return;
	if (installs_adopt(installs, row, &err) == NULL)
		log_error(installs->core->log, "left out: %s", err.text);
}

static void done_rows(void *owner, uint64_t ticket, const struct err *err,
		      const struct store_installation *rows, size_t count)
{
	struct installs *installs = owner;
	struct core *core = installs->core;
	size_t configured = core->installation_count;

	(void)ticket;
	if (!core_answered(core, err)) {
		core_fatal(core, err);
		return;
	}
	if (core->phase != CORE_RECOVERING)
		return; /* stopped meanwhile */
	for (size_t i = 0; i < count; i++)
		installs_remember(installs, &rows[i]);
	for (size_t i = 0; i < configured; i++)
		take_switch(installs, core->installations[i]);
	for (size_t i = 0; i < count; i++)
		take_row(installs, &rows[i]);
	starting_over(installs);
}

void installs_begin(struct installs *installs, void (*done)(struct core *core))
{
	installs->started = done;
	core_asking(installs->core);
	store_installations(installs->core->options.store, done_rows, installs, 0);
}

static void done_cursors(void *owner, uint64_t ticket, const struct err *err,
			 const struct store_cursor *cursors, size_t count)
{
	struct installs *installs = owner;
	bool holds = core_answered(installs->core, err);
	struct wish *wish = wish_find(installs, ticket);

	if (!holds)
		core_fatal(installs->core, err); /* without them messages would be missed */
	if (wish == NULL || !holds)
		return;
	installs_hand(wish->inst, cursors, count);
	wish_free(wish);
	installs->starting--;
	starting_over(installs);
}

static void done_texts(void *owner, uint64_t ticket, const struct err *err, const struct store_text *texts,
		       size_t count)
{
	struct installs *installs = owner;
	bool holds = core_answered(installs->core, err);
	struct wish *wish = wish_find(installs, ticket);

	if (!holds)
		core_fatal(installs->core, err); /* a plugin that has forgotten would do things twice */
	if (wish == NULL || !holds)
		return;
	installs_recall(wish->inst, texts, count);
	wish_free(wish);
	installs->starting--;
	starting_over(installs);
}

static struct wish *starting(struct installs *installs, enum wish_kind kind, struct installation *inst)
{
	installs->starting++;
	return wish_make(installs, kind, inst, inst->ops->name, inst->name);
}

void installs_past(struct installs *installs, void (*done)(struct core *core))
{
	struct core *core = installs->core;

	installs->started = done;
	installs_tell_notes(installs);
	for (size_t i = 0; i < core->installation_count; i++) {
		struct installation *inst = core->installations[i];

		if (inst->ops->cursor)
			installs_ask_cursors(starting(installs, WISH_CURSORS, inst), done_cursors);
		if (inst->ops->recall)
			installs_ask_texts(starting(installs, WISH_TEXTS, inst), done_texts);
	}
	starting_over(installs);
}

void installs_ask_cursors(struct wish *wish, store_cursors_fn *fn)
{
	struct core *core = wish->installs->core;

	core_asking(core);
	store_cursors(core->options.store, wish->platform, wish->name, clock_wall_ms() - CURSORS_MS, fn,
		      wish->installs, wish->serial);
}

void installs_hand(struct installation *inst, const struct store_cursor *cursors, size_t count)
{
	while (count-- > 0)
		inst->ops->cursor(inst->platform, cursors[count].scope, cursors[count].position);
}

/* ---- leaving --------------------------------------------------------------------------------- */

void installs_leave(struct installs *installs, struct installation *inst, bool removed, const char *why)
{
	struct core *core = installs->core;

	log_info(&inst->log, "leaves: %s", why);
	installation_unlist(inst);
	inst->gone = true;
	inst->gone_ms = loop_now_ms(core->options.loop);
	LL_PREPEND(installs->leaving, inst);
	if (removed)
		turns_remove(core->turns, inst);
	outbox_leave(core->outbox, inst, removed ? REPLY_CANCELLED : REPLY_PENDING, why);
	if (inst->started)
		inst->ops->stop(inst->platform);
	else
		inst->stopped = true;
	installs_look_later(installs);
}

static void let_go(struct installs *installs, struct installation *inst)
{
	LL_DELETE(installs->leaving, inst);
	outbox_forget(installs->core->outbox, inst);
	installation_drop_platform(inst);
	gathers_forget(installs->core->gathers, inst);
	installation_release(inst);
}

static void look_at_leaving(struct installs *installs)
{
	uint64_t now = loop_now_ms(installs->core->options.loop);
	struct installation *inst, *next;

	for (inst = installs->leaving; inst; inst = next) {
		next = inst->next;
		if (!inst->stopped && now - inst->gone_ms < LEAVE_LIMIT_MS)
			continue;
		if (!inst->stopped)
			log_warn(&inst->log, "does not stop; not waiting any longer");
		let_go(installs, inst);
	}
}

static void look(void *data)
{
	struct installs *installs = data;

	installs->posted = false;
	look_at_leaving(installs);
	wishes_look(installs);
}

void installs_look_later(struct installs *installs)
{
	if (installs->posted)
		return;
	installs->posted = true;
	loop_post(installs->core->options.loop, look, installs);
}

void installs_sweep(struct installs *installs)
{
	look_at_leaving(installs);
	wishes_look(installs);
}

bool installs_stopped(const struct installs *installs)
{
	for (const struct installation *inst = installs->leaving; inst; inst = inst->next)
		if (!inst->stopped)
			return false;
	return true;
}

void installs_give_up(struct installs *installs)
{
	for (struct installation *inst = installs->leaving; inst; inst = inst->next)
		inst->stopped = true;
}

void installs_take_down(struct installs *installs)
{
	struct core *core = installs->core;

	for (struct installation *inst = installs->leaving; inst; inst = inst->next)
		installation_drop_platform(inst);
	for (size_t i = core->installation_count; i-- > 0;)
		installation_drop_platform(core->installations[i]);
}
