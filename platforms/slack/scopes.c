/* What the bot may do, scope by scope, and what is missing without each. */
#include "slack_room.h"
#include <string.h>

const struct slack_scope slack_scopes[] = {
	{ "app_mentions:read", "it does not hear when it is mentioned" },
	{ "assistant:write", "the assistant pane shows no title and no suggested prompts" },
	{ "channels:history",
	  "it does not hear follow-ups in threads of public channels, nor finds missed ones" },
	{ "channels:read", "it does not know the names of public channels" },
	{ "chat:write", "it can't answer at all" },
	{ "commands", "/usher and the message shortcut do not exist" },
	{ "files:read", "it can't fetch files that people send it" },
	{ "files:write", "files that it makes are not sent, only said where they are" },
	{ "groups:history",
	  "it does not hear follow-ups in threads of private channels, nor finds missed ones" },
	{ "groups:read", "it does not know the names of private channels" },
	{ "im:history", "it does not hear direct messages" },
	{ "im:read", "it does not know its direct messages" },
	{ "mpim:history", "it does not hear group messages" },
	{ "mpim:read", "it does not know group messages" },
	{ "users:read", "it does not know people's names" },
	{ NULL, NULL },
};

bool slack_scope_granted(const char *granted, const char *scope)
{
	size_t len = strlen(scope);

	while (granted && *granted) {
		size_t one;

		granted += strspn(granted, ", ");
		one = strcspn(granted, ", ");
		if (one == len && memcmp(granted, scope, len) == 0)
			return true;
		granted += one;
	}
	return false;
}
