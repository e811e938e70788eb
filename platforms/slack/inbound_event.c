/* Events that are no messages: somebody opens the place to talk, we are invited, we are taken out, too much is sent. */
#include "inbound.h"
#include "metrics.h"
#include <string.h>

static struct metric held_back = {
	.name = "usher_slack_rate_limited_total",
	.help = "Minutes in which the platform held back events because there were too many",
	.type = METRIC_COUNTER,
	.label = "app",
};

bool slack_event_opened(struct platform *workspace, const struct slack_from *from,
			const struct slack_decoded *say)
{
	(void)from;
	if (!workspace->disabled)
		slack_prompts(workspace, say->channel, say->thread);
	return true;
}

/* The filter of our own messages does not count here: it is how we learn that we were invited (sheet 7.4). Nothing is
 * stored: what was said before is not for us, and a fresh place replays nothing. */
bool slack_event_joined(struct platform *workspace, const struct slack_from *from,
			const struct slack_decoded *say)
{
	(void)from;
	if (workspace->bot_user_id && strcmp(say->user, workspace->bot_user_id) == 0)
		log_info(workspace->host->log, "we were invited to the channel %s", say->channel);
	return true;
}

/* An organisation's installation is not gone because one of its workspaces took the app out. */
bool slack_event_removed(struct platform *workspace, const struct slack_from *from,
			 const struct slack_decoded *say)
{
	if (workspace->org && say->team && !say->org && strcmp(say->team, workspace->key) != 0) {
		log_info(workspace->host->log, "%s, %s, which is one of several", say->because, say->team);
		return true;
	}
	if (slack_life_later_than(workspace, say->event_s))
		slack_doubt(workspace, from, say->because);
	else
		slack_removed(workspace, from, say->because);
	return false;
}

void slack_event_too_many(struct slack *app, const struct slack_decoded *say)
{
	metric_add(&held_back, (const char *[]){ app->config.name }, 1);
	log_warn(app->root->host->log,
		 "more than 30,000 events an hour: those of workspace %s are held back by the platform",
		 say->team ? say->team : "?");
}
