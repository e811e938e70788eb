/* Slack as a platform: the table, and how an app and its workspaces are made and taken apart. Read this file first. */
#include "slack.h"
#include "clock.h"
#include "mem.h"
#include "slack_room.h"
#include <stdlib.h>
#include <string.h>

/* What takes in, sends or asks. Nothing is told to the core any more. */
static void workspace_end(struct platform *workspace)
{
	workspace->stopping = true;
	slack_sends_destroy(workspace->sends);
	slack_streams_destroy(workspace->streams);
	slack_working_destroy(workspace->working);
	slack_catch_up_destroy(workspace->catch_up);
	slack_files_destroy(workspace->files);
	slack_names_destroy(workspace->names); /* lets inbound.c and context.c go of it */
	slack_rotation_destroy(workspace->rotation);
	slack_checks_destroy(workspace->checks);
}

/* The lanes come last: all others cancel their calls there. */
static void workspace_free(struct platform *workspace)
{
	slack_life_destroy(workspace->life);
	slack_lanes_destroy(workspace->lanes);
	slack_unlist(workspace);
	slack_forget(workspace);
	free(workspace);
}

static void app_free(struct slack *app)
{
	slack_installs_destroy(app->installs);
	workspace_end(app->root);
	slack_inbound_destroy(app->inbound);
	slack_sockets_destroy(app->sockets);
	slack_receive_destroy(app);
	workspace_free(app->root);
	slack_config_finish(&app->config);
	free(app->app_id);
	free(app->link_why);
	free(app);
}

static void slack_destroy(struct platform *platform)
{
	if (platform == NULL)
		return;
	if (platform->app->root == platform) {
		app_free(platform->app);
		return;
	}
	workspace_end(platform);
	workspace_free(platform);
}

static void workspace_furnish(struct platform *workspace)
{
	workspace->lanes = slack_lanes_create(workspace);
	workspace->life = slack_life_create(workspace);
	workspace->checks = slack_checks_create(workspace);
	workspace->rotation = slack_rotation_create(workspace);
	workspace->names = slack_names_create(workspace);
	workspace->files = slack_files_create(workspace);
	workspace->catch_up = slack_catch_up_create(workspace);
	workspace->working = slack_working_create(workspace);
	workspace->streams = slack_streams_create(workspace);
	workspace->sends = slack_sends_create(workspace);
}

static struct platform *slack_create(struct platform_host *host, const struct settings *settings,
				     struct err *err)
{
	struct slack *app = mem_zero(1, sizeof(*app));
	struct platform *root;

	if (!slack_config_read(&app->config, settings, err) ||
	    !slack_config_fits(&app->config, settings, host, err)) {
		slack_config_finish(&app->config);
		free(app);
		return NULL;
	}
	root = mem_zero(1, sizeof(*root));
	root->host = host;
	root->app = app;
	root->token = mem_text(app->config.bot_token);
	log_hide(root->token); /* slack_forget takes it back */
	app->root = root;
	workspace_furnish(root);
	app->inbound = slack_inbound_create(app);
	if (app->config.transport == SLACK_SOCKET)
		app->sockets = slack_sockets_create(app);
	if (app->config.client_id)
		app->installs = slack_installs_create(app);
	if (root->token && strncmp(root->token, "xoxe.", 5) == 0)
		log_warn(host->log,
			 "bot_token is one that expires within 12 hours, and nothing renews it: turn token "
			 "rotation off, or set client_id and add the app at /slack/%s/install",
			 app->config.name);
	return root;
}

static struct platform *slack_adopt(struct platform *root, struct platform_host *host,
				    const struct install *install, struct err *err)
{
	struct platform *workspace = mem_zero(1, sizeof(*workspace));

	workspace->host = host;
	workspace->app = root->app;
	if (!slack_record_read(workspace, install, err) ||
	    !slack_secrets_read(workspace, install->secrets, err) || !slack_list(workspace, err)) {
		slack_forget(workspace);
		free(workspace);
		return NULL;
	}
	workspace->disabled = !install->enabled;
	workspace_furnish(workspace);
	return workspace;
}

static void workspace_ack(struct platform *workspace, uint64_t receipt, const struct ack *ack)
{
	if (ack->how == ACK_STORED)
		workspace->stored_ms = clock_wall_ms();
	slack_acked(workspace, receipt, ack);
}

static void workspace_stream(struct platform *workspace, const struct outgoing_part *part)
{
	if (workspace->app->config.stream && !workspace->disabled && !workspace->dead)
		slack_stream(workspace, part);
}

static void root_installed(struct platform *root, uint64_t ticket, const struct err *err, const char *name)
{
	if (!slack_life_recorded(root, ticket, err) && root->app->installs)
		slack_installed(root->app->installs, ticket, err, name);
}

const struct platform_ops slack_platform = {
	.abi = PLATFORM_ABI,
	.name = "slack",
	.channel_parts = 2, /* workspace and channel; behind them stands the thread */
	.can = PLATFORM_STREAMS | PLATFORM_READS_BACK | PLATFORM_FILES | PLATFORM_SETTLES,
	.retry_cap_s = 600,
	.expire_s = 24 * 3600,
	.settings = slack_settings,
	.create = slack_create,
	.start = slack_life_start,
	.ack = workspace_ack,
	.send = slack_send,
	.stream = workspace_stream,
	.ended = slack_working_end,
	.split = slack_split,
	.fetch = slack_fetch,
	.context = slack_context,
	.cursor = slack_catch_up_cursor,
	.adopt = slack_adopt,
	.installed = root_installed,
	.kept = slack_kept,
	.held = slack_held,
	.enable = slack_life_enable,
	.check = slack_check,
	.guide = &slack_guide,
	.stop = slack_life_stop,
	.destroy = slack_destroy,
};
