/* What the bot asks for when it is added, and what it can't do where that was not given (sheet 2.1). The sum of the bits
 * stands in the link that adds it. */
#include "discord_room.h"

#define BIT(n) (UINT64_C(1) << (n))

const struct discord_permission discord_permissions[] = {
	{ BIT(10), "View Channels", "it sees no channel and hears nothing there" },
	{ BIT(11), "Send Messages", "it can't answer in channels" },
	{ BIT(38), "Send Messages in Threads", "it can't answer in threads and forum posts" },
	{ BIT(16), "Read Message History",
	  "it can't reply to a message, and what was said while it was away is not read" },
	{ BIT(15), "Attach Files",
	  "long answers can't come as a file, files it makes are only said where they are" },
	{ BIT(35), "Create Public Threads", "no thread is opened for a conversation (setting threads)" },
	{ BIT(14), "Embed Links", "links in its answers do not unfold (setting embeds)" },
	{ BIT(6), "Add Reactions", "it can't react to messages" },
	{ 0, NULL, NULL },
};
