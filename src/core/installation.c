/* Gives each configured installation of a platform its own door to the core. */
#include "installation.h"
#include "buf.h"
#include "counts.h"
#include "ingress.h"
#include "json.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

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

static bool shape_fits(const struct platform_ops *ops, struct err *err)
{
	if (ops->abi != PLATFORM_ABI)
		return err_set(err, ERR_REFUSED, "platform %s speaks contract version %u, this program %d",
			       ops->name, ops->abi, PLATFORM_ABI);
	if ((ops->can & PLATFORM_STREAMS) && ops->stream == NULL)
		return err_set(err, ERR_BUG, "platform %s says it streams but cannot", ops->name);
	return true;
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
	inst = mem_zero(1, sizeof(*inst));
	inst->core = core;
	inst->ops = ops;
	inst->name = mem_text(name);
	inst->log_name = mem_format("%s/%s", ops->name, name);
	inst->log = (struct log){ .parent = core->log, .name = inst->log_name };
	inst->host = (struct platform_host){
		.loop = core->options.loop,
		.web = web,
		.http = http,
		.log = &inst->log,
		.incoming = host_incoming,
		.sent = host_sent,
		.look = host_look,
		.link = host_link,
		.stopped = host_stopped,
	};
	inst->platform = ops->create(&inst->host, settings, err);
	if (inst->platform == NULL) {
		err_add(err, "%s/%s", ops->name, name);
		installation_destroy(inst);
		return NULL;
	}
	return inst;
}

void installation_destroy(struct installation *inst)
{
	if (inst == NULL)
		return;
	inst->ops->destroy(inst->platform);
	free(inst->name);
	free(inst->log_name);
	free(inst->link_why);
	free(inst);
}

/* A handful of installations: walking them is cheaper than keeping an index. */
struct installation *installation_find(const struct core *core, const char *platform, const char *name)
{
	for (size_t i = 0; i < core->installation_count; i++) {
		struct installation *inst = core->installations[i];

		if (strcmp(inst->name, name) == 0 && strcmp(inst->ops->name, platform) == 0)
			return inst;
	}
	return NULL;
}

void installation_ended(struct installation *inst, const struct outgoing *out)
{
	if (inst && inst->ops->ended)
		inst->ops->ended(inst->platform, out);
}

uint32_t installation_expire_s(const struct installation *inst)
{
	return inst && inst->ops->expire_s ? inst->ops->expire_s : CORE_EXPIRE_S;
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
		buf_format(out, ",\"sending\":%zu}", inst->line.in_flight);
	}
	buf_text(out, "]");
}
