/* Signed webhooks as a platform: the table, and one hook's making and ending. Read this file first. */
#include "webhook.h"
#include "fetches.h"
#include "hook.h"
#include "mem.h"
#include <stdlib.h>

static struct webhook *hook_of(struct platform *platform)
{
	return (struct webhook *)(void *)platform;
}

const char *hook_origin(void)
{
	static char origin[CRYPTO_UUID_SIZE];

	return *origin ? origin : crypto_uuid(origin);
}

/* What was decided inside a call of the core is told here, in a later round. */
static void tell_soon(void *data)
{
	struct webhook *hook = data;

	hook_send_tell(hook);
	if (!hook->stopping || hook->stopped || hook->held || hook->sending || hook->hashings)
		return;
	hook->stopped = true;
	hook->host->stopped(hook->host);
}

void hook_settle(struct webhook *hook)
{
	if (hook->stopping && !hook->stopped && hook->held == NULL && hook->sending == NULL &&
	    hook->hashings == NULL)
		loop_timer_start(hook->soon, 0, 0);
}

static void webhook_destroy(struct platform *platform)
{
	struct webhook *hook = hook_of(platform);

	if (hook == NULL)
		return;
	web_release(hook->host->web, hook);
	hook_files_forget(hook);
	hook_refuse_held(hook);
	hook_send_finish(hook);
	fetches_destroy(hook->fetches);
	loop_timer_destroy(hook->sweep);
	loop_timer_destroy(hook->soon);
	hook_config_finish(&hook->config);
	free(hook);
}

static struct platform *webhook_create(struct platform_host *host, const struct settings *settings,
				       struct err *err)
{
	struct webhook *hook = mem_zero(1, sizeof(*hook));

	hook->host = host;
	if (!hook_config_read(&hook->config, settings, err)) {
		hook_config_finish(&hook->config);
		free(hook);
		return NULL;
	}
	hook->sweep = loop_timer_create(host->loop, hook_sweep, hook);
	hook->soon = loop_timer_create(host->loop, tell_soon, hook);
	hook_files_create(hook);
	return (struct platform *)(void *)hook;
}

static bool webhook_start(struct platform *platform, struct err *err)
{
	struct webhook *hook = hook_of(platform);
	char *post = mem_format("/webhook/%s", hook->config.name);
	size_t most = hook->config.body_max;
	char *poll = mem_format("/webhook/%s/messages/{id}", hook->config.name);
	bool claimed;

	if (hook->host->uploads && (int64_t)most < hook->host->file_max)
		most = (size_t)hook->host->file_max;
	claimed = web_claim(hook->host->web, &(struct web_route){ .method = "POST",
								  .path = post,
								  .body_max = most,
								  .fn = hook_receive_post,
								  .owner = hook,
								  .folder = hook->host->uploads }) &&
		  web_claim(hook->host->web, &(struct web_route){ "GET", poll, 0, hook_receive_poll, hook });

	if (claimed)
		hook->host->link(hook->host, LINK_UP, NULL);
	else
		err_set(err, ERR_REFUSED, "the address %s is taken: two hooks have the same name", post);
	free(post);
	free(poll);
	return claimed;
}

static void webhook_ack(struct platform *platform, uint64_t receipt, const struct ack *ack)
{
	hook_ack(hook_of(platform), receipt, ack);
}

static void webhook_send(struct platform *platform, const struct outgoing *out, uint64_t ticket)
{
	hook_send(hook_of(platform), out, ticket);
}

static void webhook_ended(struct platform *platform, const struct outgoing *out)
{
	hook_ended(hook_of(platform), out);
}

static void webhook_found(struct platform *platform, uint64_t ticket, const struct outgoing *out)
{
	hook_found(hook_of(platform), ticket, out);
}

static void webhook_fetch(struct platform *platform, const struct message_file *file, const char *path,
			  int64_t max, uint64_t ticket)
{
	hook_fetch(hook_of(platform), file, path, max, ticket);
}

static void webhook_stop(struct platform *platform)
{
	struct webhook *hook = hook_of(platform);

	hook->stopping = true;
	hook_release(hook);
	hook_settle(hook);
}

const struct platform_ops webhook_platform = {
	.abi = PLATFORM_ABI,
	.name = "webhook",
	.can = PLATFORM_RESENDS | PLATFORM_SHEDS_EARLY | PLATFORM_FILES,
	.retry_cap_s = 3600,
	.expire_s = 3 * 24 * 3600,
	.settings = webhook_settings,
	.create = webhook_create,
	.start = webhook_start,
	.ack = webhook_ack,
	.send = webhook_send,
	.ended = webhook_ended,
	.found = webhook_found,
	.fetch = webhook_fetch,
	.stop = webhook_stop,
	.destroy = webhook_destroy,
};
