/* Installations that are taken out, by the other side or by the operator; switched on and off; checked. */
#include "installs_inside.h"
#include "json.h"
#include "mem.h"
#include "outbox.h"
#include "store_outbox.h"
#include "turn.h"
#include <stdlib.h>
#include <string.h>

/* ---- taking out ------------------------------------------------------------------------------ */

/* What is ours of it: nothing is answered or sent any more, and the plugin object goes. */
static void take_out(struct wish *wish)
{
	struct installs *installs = wish->installs;
	struct installation *inst = installation_find(installs->core, wish->platform, wish->name);
	struct install_row *row = installs_row(installs, wish->platform, wish->name);

	if (row)
		row->removed = true;
	if (inst == NULL)
		return;
	inst->removed = true;
	if (inst->root) {
		installs_leave(installs, inst, true, wish->why);
		return;
	}
	turns_remove(installs->core->turns, inst);
	outbox_leave(installs->core->outbox, inst, REPLY_CANCELLED, wish->why);
	if (inst->ops->enable)
		inst->ops->enable(inst->platform, false);
}

static void done_remove(void *owner, uint64_t ticket, const struct err *err)
{
	struct installs *installs = owner;
	struct err copy = *err;
	struct wish *wish;

	core_answered(installs->core, err);
	wish = wish_find(installs, ticket);
	if (wish == NULL)
		return;
	if (!wish->done_here)
		take_out(wish);
	wish->done_here = true;
	if (core_may_ask_again(&copy) && wish->fn == NULL) {
		wish->state = WISH_AGAIN;
		wish->retry_ms = loop_now_ms(installs->core->options.loop) + CORE_RETRY_MS;
	} else {
		wish_end(wish, &copy);
	}
}

void wish_remove(struct wish *wish)
{
	struct core *core = wish->installs->core;

	wish->state = WISH_ASKED;
	core_asking(core);
	store_remove(core->options.store, wish->platform, wish->name, wish->why, done_remove, wish->installs,
		     wish->serial);
}

void installs_removed(struct installs *installs, struct installation *inst, const char *key, const char *why)
{
	struct installation *target;
	struct wish *wish;
	char *name;

	if (inst->gone) /* another one has its place already, or it is out */
		return;
	if (key && inst->root) {
		log_error(&inst->log, "\"%s\" is not its own to take out", key);
		return;
	}
	name = key ? mem_format("%s/%s", inst->name, key) : mem_text(inst->name);
	target = installation_find(installs->core, inst->ops->name, name);
	if (target)
		target->removed = true; /* at once: what is sent from here on would fail */
	wish = wish_make(installs, WISH_REMOVE, inst, inst->ops->name, name);
	wish->why = mem_text(why ? why : "removed");
	log_info(target ? &target->log : &inst->log, "taken out: %s", wish->why);
	wish_remove(wish);
	free(name);
}

/* ---- the operator's switch ------------------------------------------------------------------- */

static void tell_switch(struct installation *inst)
{
	if (inst->ops->enable && inst->platform && !inst->removed)
		inst->ops->enable(inst->platform, installation_on(inst));
}

static bool is_below(const struct installation *inst, const struct installation *root)
{
	return inst->root == root;
}

/* What a configured one switches, it switches for all that was added to it. */
static void apply_switch(struct wish *wish, struct installation *inst)
{
	struct core *core = wish->installs->core;

	inst->enabled = wish->how == CORE_ENABLE;
	log_info(&inst->log, "switched %s by the operator", inst->enabled ? "on" : "off");
	tell_switch(inst);
	for (size_t i = 0; i < core->installation_count && inst->root == NULL; i++)
		if (is_below(core->installations[i], inst))
			tell_switch(core->installations[i]);
}

static void take_texts(struct wish *wish, const struct store_installation *row)
{
	wish->title = mem_text(row->title);
	wish->settings = mem_text(row->settings);
	wish->secrets = mem_text(row->secrets);
}

/* Added to the one that was switched on, and on itself. */
static bool comes_too(const struct wish *wish, const struct store_installation *row)
{
	const struct core *core = wish->installs->core;
	const struct installation *root = installation_root(core, row->platform, row->name);

	return root && strcmp(row->platform, wish->platform) == 0 && strcmp(root->name, wish->name) == 0 &&
	       row->enabled && !row->removed && row->secrets &&
	       !installation_find(core, row->platform, row->name);
}

static void done_rows(void *owner, uint64_t ticket, const struct err *err,
		      const struct store_installation *rows, size_t count)
{
	struct installs *installs = owner;
	bool holds = core_answered(installs->core, err);
	struct wish *wish = wish_find(installs, ticket);
	bool own = false;

	if (wish == NULL)
		return;
	for (size_t i = 0; i < count && holds; i++) {
		installs_remember(installs, &rows[i]);
		if (strcmp(rows[i].platform, wish->platform) == 0 && strcmp(rows[i].name, wish->name) == 0 &&
		    installation_find(installs->core, wish->platform, wish->name) == NULL) {
			take_texts(wish, &rows[i]);
			own = true;
		} else if (comes_too(wish, &rows[i])) {
			struct wish *other =
				wish_make(installs, WISH_BRING, NULL, rows[i].platform, rows[i].name);

			take_texts(other, &rows[i]);
			wish_bring(other);
		}
	}
	if (own)
		wish_bring(wish);
	else
		wish_end(wish, err);
}

static void done_switch(void *owner, uint64_t ticket, const struct err *err)
{
	struct installs *installs = owner;
	bool holds = core_answered(installs->core, err);
	struct wish *wish = wish_find(installs, ticket);
	struct installation *inst;
	struct install_row *row;

	if (wish == NULL)
		return;
	if (!holds) {
		wish_end(wish, err);
		return;
	}
	row = installs_row(installs, wish->platform, wish->name);
	if (row)
		row->enabled = wish->how == CORE_ENABLE;
	inst = installation_find(installs->core, wish->platform, wish->name);
	if (inst)
		apply_switch(wish, inst);
	if (row)
		installs_tell_note(installs, row);
	if (wish->how == CORE_DISABLE || (inst && inst->root) ||
	    installs_is_note(installs, wish->platform, wish->name)) {
		wish_end(wish, err);
		return;
	}
	core_asking(installs->core); /* the secrets of what comes up now are in its row */
	store_installations(installs->core->options.store, done_rows, installs, wish->serial);
}

void core_switch(struct core *core, enum core_switch how, const char *platform, const char *name,
		 store_json_fn *fn, void *owner, uint64_t ticket)
{
	struct installs *installs = core->installs;
	const struct installation *inst = installation_find(core, platform, name);
	struct wish *wish =
		wish_make(installs, how == CORE_REMOVE ? WISH_REMOVE : WISH_SWITCH, NULL, platform, name);

	wish->fn = fn;
	wish->owner = owner;
	wish->ticket = ticket;
	wish->how = how;
	if (installs_row(installs, platform, name) == NULL) {
		wish_end_later(wish, ERR_GONE, "there is no such installation");
	} else if (how != CORE_REMOVE && installs_is_note(installs, platform, name) &&
		   !installs_note_switches(installs, platform, name)) {
		wish_end_later(wish, ERR_REFUSED,
			       "this place has no switch of its own: it is served by what it was added to");
	} else if (how != CORE_REMOVE) {
		core_asking(core);
		store_enable(core->options.store, platform, name, how == CORE_ENABLE, done_switch, installs,
			     wish->serial);
	} else if (inst && inst->root == NULL) {
		wish_end_later(wish, ERR_REFUSED,
			       "it is configured: take it out of the settings file, or disable it");
	} else {
		wish->why = mem_text("removed by the operator");
		wish_remove(wish);
	}
}

/* ---- checking -------------------------------------------------------------------------------- */

void core_check(struct core *core, const char *platform, const char *name, store_json_fn *fn, void *owner,
		uint64_t ticket)
{
	struct installs *installs = core->installs;
	struct installation *inst = installation_find(core, platform, name);
	bool note = installs_is_note(installs, platform, name);
	struct wish *wish = wish_make(installs, WISH_CHECK, inst, platform, name);

	wish->fn = fn;
	wish->owner = owner;
	wish->ticket = ticket;
	if (inst == NULL && !note && installs_row(installs, platform, name)) {
		wish_end_later(wish, ERR_REFUSED,
			       "it does not run: it is switched off, removed, or its secrets do not open");
	} else if (inst == NULL && !note) {
		wish_end_later(wish, ERR_GONE, "there is no such installation");
	} else if (inst == NULL || inst->ops->check == NULL) {
		wish->why = mem_text("[]");
		wish_end_later(wish, ERR_NONE, NULL);
	} else {
		inst->ops->check(inst->platform, wish->serial);
	}
}

void installs_checked(struct installs *installs, struct installation *inst, uint64_t ticket,
		      const char *findings)
{
	struct wish *wish = wish_find(installs, ticket);

	if (wish == NULL || wish->kind != WISH_CHECK || wish->inst != inst || wish->state != WISH_ASKED)
		return;
	wish->why = mem_text(findings);
	wish_end_later(wish, ERR_NONE, NULL);
}
