/* Gives each installation of a platform its own door to the core. */
#include "installation.h"
#include "buf.h"
#include "files.h"
#include "gather.h"
#include "holds.h"
#include "ingress.h"
#include "installs.h"
#include "json.h"
#include "mem.h"
#include "turn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 600 }; /* "PLATFORM/NAME" of any installation */

static const char *const link_names[] = {
	[LINK_DOWN] = "down", [LINK_CONNECTING] = "connecting", [LINK_UP] = "up"
};

static struct installation *of_host(struct platform_host *host)
{
	return (struct installation *)host;
}

static void host_incoming(struct platform_host *host, const struct incoming *in)
{
	struct installation *inst = of_host(host);

	ingress_take(inst->core->ingress, inst, in);
}

static void host_sent(struct platform_host *host, uint64_t ticket, enum sent how, unsigned retry_ms,
		      const char *remote_id, const char *why)
{
	struct installation *inst = of_host(host);

	outbox_sent(inst->core->outbox, inst, ticket,
		    &(struct outbox_outcome){
			    .how = how, .retry_ms = retry_ms, .remote_id = remote_id, .why = why });
}

static void host_look(struct platform_host *host, const char *uuid, uint64_t ticket)
{
	struct installation *inst = of_host(host);

	ingress_look(inst->core->ingress, inst, uuid, ticket);
}

static void host_link(struct platform_host *host, enum link_state now, const char *why)
{
	struct installation *inst = of_host(host);

	if (now != inst->link)
		log_info(&inst->log, "link %s%s%s", link_names[now], why ? ": " : "", why ? why : "");
	inst->link = now;
	free(inst->link_why);
	inst->link_why = mem_text(why);
}

static void host_stopped(struct platform_host *host)
{
	of_host(host)->stopped = true;
}

static void host_install(struct platform_host *host, const struct install *install, uint64_t ticket)
{
	struct installation *inst = of_host(host);

	installs_install(inst->core->installs, inst, install, ticket);
}

static void host_removed(struct platform_host *host, const char *key, const char *why)
{
	struct installation *inst = of_host(host);

	installs_removed(inst->core->installs, inst, key, why);
}

static void host_keep(struct platform_host *host, const char *secrets, uint64_t ticket)
{
	struct installation *inst = of_host(host);

	installs_keep(inst->core->installs, inst, secrets, ticket);
}

static void host_remember(struct platform_host *host, const char *name, const char *text, uint64_t ticket)
{
	struct installation *inst = of_host(host);

	installs_note(inst->core->installs, inst, name, text, ticket);
}

static void host_placed(struct platform_host *host, const char *uuid, const char *remote_id)
{
	struct installation *inst = of_host(host);

	turns_placed(inst->core->turns, inst, uuid, remote_id);
}

static void host_hold(struct platform_host *host, uint64_t ticket, const char *remote_id)
{
	struct installation *inst = of_host(host);

	holds_take(inst->core->holds, inst, ticket, remote_id);
}

static void host_fetched(struct platform_host *host, uint64_t ticket, const struct fetched *fetched)
{
	struct installation *inst = of_host(host);

	gathers_fetched(inst->core->gathers, inst, ticket, fetched);
}

static void host_context(struct platform_host *host, uint64_t ticket, const char *text)
{
	struct installation *inst = of_host(host);

	gathers_context(inst->core->gathers, inst, ticket, text);
}

static void host_checked(struct platform_host *host, uint64_t ticket, const char *findings)
{
	struct installation *inst = of_host(host);

	installs_checked(inst->core->installs, inst, ticket, findings);
}

static bool shape_fits(const struct platform_ops *ops, struct err *err)
{
	if (ops->abi != PLATFORM_ABI)
		return err_set(err, ERR_REFUSED, "platform %s speaks contract version %u, this program %d",
			       ops->name, ops->abi, PLATFORM_ABI);
	if ((ops->can & PLATFORM_STREAMS) && ops->stream == NULL)
		return err_set(err, ERR_BUG, "platform %s says it streams but cannot", ops->name);
	if (ops->adopt && ops->installed == NULL)
		return err_set(err, ERR_BUG, "platform %s adopts but cannot be told how it went", ops->name);
	return true;
}

static struct installation *make(struct core *core, const struct platform_ops *ops, const char *name)
{
	struct installation *inst = mem_zero(1, sizeof(*inst));

	inst->core = core;
	inst->ops = ops;
	inst->holders = 1;
	inst->enabled = true;
	inst->name = mem_text(name);
	inst->log_name = mem_format("%s/%s", ops->name, name);
	inst->log = (struct log){ .parent = core->log, .name = inst->log_name };
	inst->host = (struct platform_host){
		.name = inst->name,
		.public_url = core->options.public_url,
		.can_install = core->options.key_count > 0,
		.loop = core->options.loop,
		.io = core->options.io,
		.log = &inst->log,
		.uploads = core->options.imports ? core->options.uploads : NULL,
		.file_max = core->options.file_max,
		.incoming = host_incoming,
		.sent = host_sent,
		.look = host_look,
		.link = host_link,
		.stopped = host_stopped,
		.install = host_install,
		.removed = host_removed,
		.keep = host_keep,
		.remember = host_remember,
		.placed = host_placed,
		.hold = host_hold,
		.fetched = host_fetched,
		.context = host_context,
		.checked = host_checked,
	};
	return inst;
}

struct installation *installation_create(struct core *core, const struct platform_ops *ops,
					 const struct settings *settings, struct web *web, struct http *http,
					 struct err *err)
{
	struct installation *inst;
	const char *name;

	if (!shape_fits(ops, err))
		return NULL;
	name = settings_text(settings, "name");
	if (installation_find(core, ops->name, name)) {
		err_set(err, ERR_REFUSED, "%s: two installations of %s are named \"%s\"",
			settings_where(settings, "name"), ops->name, name);
		return NULL;
	}
	inst = make(core, ops, name);
	inst->host.web = web;
	inst->host.http = http;
	inst->platform = ops->create(&inst->host, settings, err);
	if (inst->platform == NULL) {
		err_add(err, "%s/%s", ops->name, name);
		installation_release(inst);
		return NULL;
	}
	return inst;
}

struct installation *installation_adopt(struct installation *root, const char *name,
					const struct install *install, struct err *err)
{
	struct installation *inst = make(root->core, root->ops, name);

	inst->root = installation_hold(root);
	inst->host.web = root->host.web;
	inst->host.http = root->host.http;
	inst->platform = root->ops->adopt(root->platform, &inst->host, install, err);
	if (inst->platform == NULL) {
		err_add(err, "%s", inst->log_name);
		installation_release(inst);
		return NULL;
	}
	return inst;
}

void installation_list(struct installation *inst)
{
	struct core *core = inst->core;

	core->installations =
		mem_resize(core->installations, core->installation_count + 1, sizeof(struct installation *));
	core->installations[core->installation_count++] = inst;
	HASH_ADD_KEYPTR(hh, core->by_name, inst->log_name, strlen(inst->log_name), inst);
}

void installation_unlist(struct installation *inst)
{
	struct core *core = inst->core;
	size_t at = 0;

	while (core->installations[at] != inst)
		at++;
	core->installation_count--;
	memmove(&core->installations[at], &core->installations[at + 1],
		(core->installation_count - at) * sizeof(struct installation *));
	HASH_DEL(core->by_name, inst);
}

void installation_drop_platform(struct installation *inst)
{
	struct platform *platform = inst->platform;

	inst->platform = NULL;
	inst->stopped = true;
	if (platform)
		inst->ops->destroy(platform);
}

struct installation *installation_hold(struct installation *inst)
{
	if (inst)
		inst->holders++;
	return inst;
}

void installation_release(struct installation *inst)
{
	if (inst == NULL || --inst->holders)
		return;
	installation_drop_platform(inst);
	installation_release(inst->root);
	free(inst->name);
	free(inst->log_name);
	free(inst->link_why);
	free(inst);
}

static struct installation *find(const struct core *core, const char *key)
{
	struct installation *inst;

	HASH_FIND_STR(core->by_name, key, inst);
	return inst;
}

struct installation *installation_find(const struct core *core, const char *platform, const char *name)
{
	char key[KEY_SIZE];

	if (snprintf(key, sizeof(key), "%s/%s", platform, name) >= (int)sizeof(key))
		return NULL;
	return find(core, key);
}

/* A configured name may hold a "/" itself: the longest one counts. */
struct installation *installation_root(const struct core *core, const char *platform, const char *name)
{
	char key[KEY_SIZE], *cut;

	if (snprintf(key, sizeof(key), "%s/%s", platform, name) >= (int)sizeof(key))
		return NULL;
	while ((cut = strrchr(key, '/')) > key + strlen(platform)) {
		struct installation *inst;

		*cut = '\0';
		inst = find(core, key);
		if (inst && inst->root == NULL)
			return inst;
	}
	return NULL;
}

bool installation_on(const struct installation *inst)
{
	return inst->enabled && !inst->removed && (inst->root == NULL || inst->root->enabled);
}

void installation_ended(struct installation *inst, const struct outgoing *out)
{
	struct outgoing told = *out;
	char *files;

	if (inst == NULL || inst->platform == NULL || inst->ops->ended == NULL)
		return;
	told.files = files = files_linked(inst->core, out->files);
	inst->ops->ended(inst->platform, &told);
	free(files);
}

size_t installation_split(struct installation *inst, const char *text, struct arena *arena,
			  const char *const **parts_out)
{
	const char **parts;
	char **texts = NULL;
	size_t count;

	*parts_out = NULL;
	if (inst == NULL || inst->platform == NULL || inst->ops->split == NULL)
		return 0;
	count = inst->ops->split(inst->platform, text, &texts);
	parts = arena_alloc(arena, count * sizeof(*parts));
	for (size_t i = 0; i < count; i++) {
		parts[i] = arena_text(arena, texts[i]);
		free(texts[i]);
	}
	free(texts);
	if (count)
		*parts_out = parts;
	return count;
}

char *installation_notice(struct installation *inst, const char *text)
{
	struct arena *arena;
	const char *const *parts;
	char *notice;

	if (text == NULL)
		return NULL;
	arena = arena_create();
	notice = mem_text(installation_split(inst, text, arena, &parts) ? parts[0] : text);
	arena_destroy(arena);
	return notice;
}

uint32_t installation_expire_s(const struct installation *inst)
{
	return inst && inst->ops->expire_s ? inst->ops->expire_s : CORE_EXPIRE_S;
}

const char *installation_link(const struct installation *inst)
{
	return link_names[inst->link];
}

static void status_text(struct buf *out, const char *key, const char *value)
{
	buf_format(out, ",\"%s\":", key);
	if (value)
		json_quote(out, value, strlen(value));
	else
		buf_text(out, "null");
}

void installations_status(const struct core *core, struct buf *out)
{
	buf_text(out, "[");
	for (size_t i = 0; i < core->installation_count; i++) {
		const struct installation *inst = core->installations[i];
		const char *paused = outbox_paused(core->outbox, inst);

		buf_format(out, "%s{\"platform\":", i ? "," : "");
		json_quote(out, inst->ops->name, strlen(inst->ops->name));
		status_text(out, "name", inst->name);
		status_text(out, "link", link_names[inst->link]);
		status_text(out, "why", inst->link_why);
		status_text(out, "paused", paused);
		buf_format(out, ",\"enabled\":%s,\"sending\":%zu}", installation_on(inst) ? "true" : "false",
			   inst->line.in_flight);
	}
	buf_text(out, "]");
}
