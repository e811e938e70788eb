/* What plugins wish for their installations: being added, removed, their secrets kept. */
#include "buf.h"
#include "crypto.h"
#include "installs_inside.h"
#include "json.h"
#include "mem.h"
#include "outbox.h"
#include "turn.h"
#include <stdlib.h>
#include <string.h>

enum { CHECK_LIMIT_MS = 30000, NAME_MAX_LEN = 255, SECRETS_MAX = 65536 };

struct wish *wish_make(struct installs *installs, enum wish_kind kind, struct installation *inst,
		       const char *platform, const char *name)
{
	struct wish *wish = mem_zero(1, sizeof(*wish));

	wish->installs = installs;
	wish->kind = kind;
	wish->serial = core_serial(installs->core);
	wish->since_ms = loop_now_ms(installs->core->options.loop);
	wish->inst = installation_hold(inst);
	wish->platform = mem_text(platform);
	wish->name = mem_text(name);
	HASH_ADD(hh, installs->wishes, serial, sizeof(wish->serial), wish);
	return wish;
}

struct wish *wish_find(const struct installs *installs, uint64_t serial)
{
	struct wish *wish;

	HASH_FIND(hh, installs->wishes, &serial, sizeof(serial), wish);
	return wish;
}

void wish_free(struct wish *wish)
{
	HASH_DEL(wish->installs->wishes, wish);
	installation_release(wish->inst);
	installation_release(wish->brought);
	free(wish->platform);
	free(wish->name);
	free(wish->title);
	free(wish->settings);
	free(wish->secrets);
	free(wish->why);
	free(wish);
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void tell_operator(const struct wish *wish, const struct err *err)
{
	const struct install_row *row = installs_row(wish->installs, wish->platform, wish->name);
	const struct installation *inst = installation_find(wish->installs->core, wish->platform, wish->name);
	struct buf json = { 0 };

	if (err->kind != ERR_NONE || row == NULL) {
		wish->fn(wish->owner, wish->ticket, err, NULL);
		return;
	}
	buf_text(&json, "{\"platform\":");
	json_quote(&json, row->platform, strlen(row->platform));
	buf_text(&json, ",\"name\":");
	json_quote(&json, row->name, strlen(row->name));
	buf_text(&json, ",\"title\":");
	if (row->title)
		json_quote(&json, row->title, strlen(row->title));
	else
		buf_text(&json, "null");
	buf_format(&json, ",\"enabled\":%s,\"removed\":%s,\"link\":", row->enabled ? "true" : "false",
		   row->removed ? "true" : "false");
	buf_format(&json, "%s%s%s}", inst ? "\"" : "", inst ? installation_link(inst) : "null",
		   inst ? "\"" : "");
	wish->fn(wish->owner, wish->ticket, err, buf_str(&json));
	buf_free(&json);
}

static void tell_plugin(const struct wish *wish, const struct err *err)
{
	const struct installation *inst = wish->inst;

	if (inst == NULL || inst->platform == NULL)
		return;
	if (wish->kind == WISH_INSTALL && inst->ops->installed)
		inst->ops->installed(inst->platform, wish->ticket, err,
				     err->kind == ERR_NONE ? wish->name : NULL);
	else if (wish->kind == WISH_KEEP && inst->ops->kept)
		inst->ops->kept(inst->platform, wish->ticket, err);
	else if (wish->kind == WISH_NOTE && inst->ops->remembered)
		inst->ops->remembered(inst->platform, wish->ticket, err);
}

void wish_end(struct wish *wish, const struct err *err)
{
	if (err->kind != ERR_NONE)
		log_warn(wish->installs->core->log, "%s/%s: %s", wish->platform, wish->name, err->text);
	if (wish->fn && wish->kind == WISH_CHECK)
		wish->fn(wish->owner, wish->ticket, err, err->kind == ERR_NONE ? wish->why : NULL);
	else if (wish->fn)
		tell_operator(wish, err);
	else
		tell_plugin(wish, err);
	wish_free(wish);
}

void wish_end_later(struct wish *wish, enum err_kind kind, const char *text)
{
	wish->state = WISH_ENDING;
	if (kind != ERR_NONE)
		err_set(&wish->err, kind, "%s", text);
	installs_look_later(wish->installs);
}

static void end_well(struct wish *wish)
{
	static const struct err none;

	wish_end(wish, &none);
}

static void end_with(struct wish *wish, enum err_kind kind, const char *text)
{
	struct err err = { 0 };

	err_set(&err, kind, "%s", text);
	wish_end(wish, &err);
}

/* ---- bringing up ----------------------------------------------------------------------------- */

static void start_brought(struct wish *wish)
{
	struct installation *inst = wish->brought;
	struct core *core = wish->installs->core;
	struct err err = { 0 };

	if (inst->gone || core->phase != CORE_RUNNING) { /* its row is durable all the same */
		end_well(wish);
		return;
	}
	if (!inst->ops->start(inst->platform, &err)) {
		err_add(&err, "%s does not start", inst->log_name);
		installs_leave(wish->installs, inst, false, "it does not start");
		wish_end(wish, &err);
		return;
	}
	inst->started = true;
	log_info(&inst->log, "added");
	turns_move(core->turns, inst);
	end_well(wish);
	outbox_wake(core->outbox);
}

/* What a place knew is handed to its plugin object, unless that is gone or the store can't tell; NULL: nobody wishes it. */
static struct wish *past_told(struct installs *installs, uint64_t ticket, const struct err *err,
			      const char *what, bool *hand_out)
{
	bool holds = core_answered(installs->core, err);
	struct wish *wish = wish_find(installs, ticket);

	if (wish && !holds)
		log_warn(&wish->brought->log, "%s is not known: %s", what, err->text);
	*hand_out = wish && holds && wish->brought->platform;
	return wish;
}

static void done_texts(void *owner, uint64_t ticket, const struct err *err, const struct store_text *texts,
		       size_t count)
{
	bool hand;
	struct wish *wish = past_told(owner, ticket, err, "what it remembered", &hand);

	if (hand)
		installs_recall(wish->brought, texts, count);
	if (wish)
		start_brought(wish);
}

static void done_cursors(void *owner, uint64_t ticket, const struct err *err,
			 const struct store_cursor *cursors, size_t count)
{
	bool hand;
	struct wish *wish = past_told(owner, ticket, err, "where it was", &hand);

	if (hand)
		installs_hand(wish->brought, cursors, count);
	if (wish && wish->brought->ops->recall)
		installs_ask_texts(wish, done_texts);
	else if (wish)
		start_brought(wish);
}

static bool may_come(struct wish *wish, struct err *err)
{
	const struct installs *installs = wish->installs;
	const struct install_row *row = installs_row(installs, wish->platform, wish->name);
	const struct installation *root = installation_root(installs->core, wish->platform, wish->name);

	if (row == NULL || row->removed)
		return err_set(err, ERR_GONE, "it was removed meanwhile");
	if (!row->enabled || (root && !root->enabled))
		return err_set(err, ERR_REFUSED, "it is kept, but switched off by the operator");
	return true;
}

static bool name_leaves(const struct wish *wish)
{
	for (const struct installation *inst = wish->installs->leaving; inst; inst = inst->next)
		if (strcmp(inst->name, wish->name) == 0 && strcmp(inst->ops->name, wish->platform) == 0)
			return true;
	return false;
}

void wish_bring(struct wish *wish)
{
	struct installs *installs = wish->installs;
	struct installation *old = installation_find(installs->core, wish->platform, wish->name), *inst;
	struct err err = { 0 };

	if (installs->core->phase != CORE_RUNNING) {
		end_well(wish);
		return;
	}
	if (!may_come(wish, &err)) {
		wish_end(wish, &err);
		return;
	}
	if (old)
		installs_leave(installs, old, false, "added again");
	if (name_leaves(wish)) {
		wish->state = WISH_WAITS;
		return;
	}
	inst = installs_adopt(installs,
			      &(struct store_installation){ .platform = wish->platform,
							    .name = wish->name,
							    .title = wish->title,
							    .settings = wish->settings,
							    .secrets = wish->secrets,
							    .enabled = true },
			      &err);
	if (inst == NULL) {
		wish_end(wish, &err);
		return;
	}
	wish->brought = installation_hold(inst);
	wish->state = WISH_ASKED;
	if (inst->ops->cursor)
		installs_ask_cursors(wish, done_cursors);
	else if (inst->ops->recall)
		installs_ask_texts(wish, done_texts);
	else
		start_brought(wish);
}

/* ---- being added ----------------------------------------------------------------------------- */

static void done_install(void *owner, uint64_t ticket, const struct err *err,
			 const struct store_installation *rows, size_t count)
{
	struct installs *installs = owner;
	bool holds = core_answered(installs->core, err);
	struct wish *wish = wish_find(installs, ticket);

	if (wish == NULL)
		return;
	for (size_t i = 0; i < count && holds; i++)
		installs_remember(installs, &rows[i]);
	if (!holds)
		wish_end(wish, err);
	else if (wish->secrets)
		wish_bring(wish);
	else
		end_well(wish); /* the configured one's own row, or a note */
}

static char *seal(const struct wish *wish, const char *secrets)
{
	char *context = mem_format("%s/%s", wish->platform, wish->name);
	char *sealed = crypto_seal(wish->installs->core->options.keys[0], context, secrets);

	free(context);
	return sealed;
}

static const char *install_broken(const struct installation *inst, const struct install *install)
{
	if (inst->root || inst->gone)
		return "only a configured installation can be added";
	if (install->key == NULL)
		return NULL;
	if (*install->key == '\0' || strlen(inst->name) + 1 + strlen(install->key) > NAME_MAX_LEN)
		return "the key of the place is empty or too long";
	if (install->secrets == NULL)
		return NULL;
	if (inst->ops->adopt == NULL || inst->core->options.key_count == 0)
		return "no key to seal secrets with is set: set store.key";
	return strlen(install->secrets) > SECRETS_MAX ? "there are too many secrets" : NULL;
}

void installs_install(struct installs *installs, struct installation *inst, const struct install *install,
		      uint64_t ticket)
{
	const char *broken = install_broken(inst, install);
	struct wish *wish = wish_make(installs, WISH_INSTALL, inst, inst->ops->name, NULL);

	wish->ticket = ticket;
	wish->name = install->key && !broken ? mem_format("%s/%s", inst->name, install->key)
					     : mem_text(inst->name);
	if (broken) {
		wish_end_later(wish, ERR_REFUSED, broken);
		return;
	}
	wish->title = mem_text(install->title);
	wish->settings = mem_text(install->settings);
	wish->secrets = install->key && install->secrets ? seal(wish, install->secrets) : NULL;
	core_asking(installs->core);
	store_install(installs->core->options.store,
		      &(struct store_install){ .platform = wish->platform,
					       .name = wish->name,
					       .title = wish->title,
					       .settings = wish->settings,
					       .secrets = wish->secrets,
					       .own_org = wish->secrets != NULL },
		      done_install, installs, wish->serial);
}

static bool is_wished(const struct installs *installs, enum wish_kind kind, const char *platform,
		      const char *name)
{
	for (const struct wish *wish = installs->wishes; wish; wish = wish->hh.next)
		if (wish->kind == kind && strcmp(wish->name, name) == 0 &&
		    strcmp(wish->platform, platform) == 0)
			return true;
	return false;
}

bool installs_coming(const struct installs *installs, const char *platform, const char *name)
{
	return is_wished(installs, WISH_INSTALL, platform, name) ||
	       is_wished(installs, WISH_SWITCH, platform, name) ||
	       is_wished(installs, WISH_BRING, platform, name);
}

/* ---- new secrets ----------------------------------------------------------------------------- */

void wish_done(void *owner, uint64_t ticket, const struct err *err)
{
	struct installs *installs = owner;
	struct wish *wish;

	core_answered(installs->core, err);
	wish = wish_find(installs, ticket);
	if (wish)
		wish_end(wish, err);
}

void installs_keep(struct installs *installs, struct installation *inst, const char *secrets, uint64_t ticket)
{
	struct wish *wish = wish_make(installs, WISH_KEEP, inst, inst->ops->name, inst->name);

	wish->ticket = ticket;
	if (inst->root == NULL || installs->core->options.key_count == 0) {
		wish_end_later(wish, ERR_REFUSED, "only what was added has secrets that are kept");
		return;
	}
	if (inst->gone || inst->removed) {
		wish_end_later(wish, ERR_GONE, "it was removed, or added again");
		return;
	}
	/* Older secrets must not replace those it is just being added with. */
	if (is_wished(installs, WISH_INSTALL, inst->ops->name, inst->name)) {
		wish_end_later(wish, ERR_AGAIN, "it is being added again");
		return;
	}
	if (strlen(secrets) > SECRETS_MAX) {
		wish_end_later(wish, ERR_REFUSED, "too many secrets");
		return;
	}
	wish->secrets = seal(wish, secrets);
	core_asking(installs->core);
	store_keep(installs->core->options.store, wish->platform, wish->name, wish->secrets, wish_done,
		   installs, wish->serial);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void look(struct wish *wish, uint64_t now)
{
	bool asks_plugin = wish->kind == WISH_CHECK && wish->state == WISH_ASKED;

	if (wish->state == WISH_ENDING) {
		struct err err = wish->err;

		wish_end(wish, &err);
	} else if (wish->state == WISH_AGAIN && wish->retry_ms <= now) {
		wish_remove(wish);
	} else if (wish->state == WISH_WAITS) {
		wish_bring(wish);
	} else if (asks_plugin && wish->inst->platform == NULL) {
		end_with(wish, ERR_GONE, "it was removed meanwhile");
	} else if (asks_plugin && now - wish->since_ms >= CHECK_LIMIT_MS) {
		end_with(wish, ERR_AGAIN, "no answer to the check within 30 s");
	}
}

void wishes_look(struct installs *installs)
{
	uint64_t now = loop_now_ms(installs->core->options.loop);
	struct wish *wish, *next;

	for (wish = installs->wishes; wish; wish = next) {
		next = wish->hh.next;
		look(wish, now);
	}
}
