/* Every method we call: how it wants its arguments, how often it may be called, and whether twice is as good as once.
 * Sources: sheet 13.3 and the methods' own sections. Where no figure is published, a careful one stands. */
#include "api_room.h"
#include <string.h>

enum { TIER_1 = 1, TIER_2 = 20, TIER_3 = 50, TIER_4 = 100, SEVERAL_HUNDRED = 600, SPECIAL = 200 };

/* Sorted by name. */
static const struct slack_method methods[] = {
	{ "agents.sessions.rename", SLACK_JSON, TIER_3, .harmless = true },
	{ "agents.sessions.setStatus", SLACK_JSON, TIER_3, .harmless = true },
	{ "apps.connections.open", SLACK_FORM, TIER_3, .harmless = true },
	{ "apps.event.authorizations.list", SLACK_FORM, TIER_4, .harmless = true },
	{ "apps.uninstall", SLACK_FORM, TIER_1, .harmless = true },
	{ "assistant.threads.setStatus", SLACK_JSON, SPECIAL, .harmless = true },
	{ "assistant.threads.setSuggestedPrompts", SLACK_JSON, TIER_4, .harmless = true },
	{ "assistant.threads.setTitle", SLACK_JSON, TIER_4, .harmless = true },
	{ "auth.revoke", SLACK_FORM, TIER_3, .harmless = true },
	{ "auth.teams.list", SLACK_FORM, TIER_2, .harmless = true },
	{ "auth.test", SLACK_FORM, SPECIAL, .harmless = true },
	{ "bots.info", SLACK_FORM, TIER_3, .harmless = true },
	{ "chat.appendStream", SLACK_JSON, TIER_4 },
	{ "chat.delete", SLACK_JSON, TIER_3, .harmless = true },
	{ "chat.postEphemeral", SLACK_JSON, TIER_4 },
	{ "chat.postMessage", SLACK_JSON, SEVERAL_HUNDRED, .posts = true },
	{ "chat.startStream", SLACK_JSON, TIER_2 },
	{ "chat.stopStream", SLACK_JSON, TIER_2 },
	{ "chat.update", SLACK_JSON, TIER_3, .harmless = true },
	{ "conversations.history", SLACK_FORM, TIER_3, .harmless = true },
	{ "conversations.info", SLACK_FORM, TIER_3, .harmless = true },
	{ "conversations.join", SLACK_JSON, TIER_3, .harmless = true },
	{ "conversations.list", SLACK_FORM, TIER_2, .harmless = true },
	{ "conversations.members", SLACK_FORM, TIER_4, .harmless = true },
	{ "conversations.open", SLACK_JSON, TIER_3, .harmless = true },
	{ "conversations.replies", SLACK_FORM, TIER_3, .harmless = true },
	{ "files.completeUploadExternal", SLACK_JSON, TIER_4 },
	{ "files.getUploadURLExternal", SLACK_FORM, TIER_4, .harmless = true },
	{ "files.info", SLACK_FORM, TIER_4, .harmless = true },
	{ "oauth.v2.access", SLACK_FORM, SPECIAL },
	{ "oauth.v2.exchange", SLACK_FORM, TIER_3 },
	{ "reactions.add", SLACK_JSON, TIER_3, .harmless = true },
	{ "reactions.remove", SLACK_JSON, TIER_2, .harmless = true },
	{ "team.info", SLACK_FORM, TIER_3, .harmless = true },
	{ "users.conversations", SLACK_FORM, TIER_3, .harmless = true },
	{ "users.info", SLACK_FORM, TIER_4, .harmless = true },
	{ "views.open", SLACK_JSON, TIER_4 },
};

const struct slack_method *slack_method_find(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

/* A fifth at once and seven tenths evenly: nine tenths of what is granted in the worst minute. */
struct pace slack_method_pace(const struct slack_method *method)
{
	unsigned flow = method->per_minute * 7 / 10, burst = method->per_minute / 5;

	return (struct pace){ .interval_ms = 60000 / (flow > 0 ? flow : 1), .burst = burst > 0 ? burst : 1 };
}
