/* What an operator does in Telegram, step by step, and the link that people open. */
#include "buf.h"
#include "json.h"
#include "mem.h"
#include "telegram_room.h"
#include <string.h>

/* "https://t.me/usher_bot", when the settings' bot has been met before. */
static const char *username_of(const json_t *known)
{
	const char *username = json_text(known, "username");

	return username && *username ? username : NULL;
}

static char *guide_invite(const struct settings *settings, const char *known, const char *code)
{
	struct err err = { 0 };
	json_t *was = known ? json_read(known, strlen(known), &err) : NULL;
	const char *username = username_of(was);
	char *link = NULL;

	(void)settings;
	if (username)
		link = code ? mem_format("https://t.me/%s?start=%s", username, code)
			    : mem_format("https://t.me/%s", username);
	json_decref(was);
	return link;
}

static bool guide_talks(const struct settings *settings)
{
	return strcmp(settings_text(settings, "transport"), "poll") == 0;
}

static void add_settings(struct buf *out, const char *name, bool webhook)
{
	buf_format(
		out,
		"\n  platforms = { telegram = ( { name = \"%s\"; bot_token = \"env:TELEGRAM_BOT_TOKEN\";%s "
		"} ); };\n\n",
		name, webhook ? " transport = \"webhook\";" : "");
}

static void add_groups(struct buf *out)
{
	buf_text(out, "For groups: a new bot hears only commands and replies to it there (privacy mode). To "
		      "mention it by name or to let\n"
		      "it hear everything, send @BotFather /setprivacy, choose the bot and \"Disable\", and "
		      "only then add it to\n"
		      "the group; where it is in already, take it out and add it again.\n");
}

static void guide_print(const struct settings *settings, const char *public_url, struct buf *out)
{
	const char *name = settings_text(settings, "name");
	bool webhook = strcmp(settings_text(settings, "transport"), "webhook") == 0;

	if (webhook && public_url == NULL)
		buf_text(out, "Set listen.public_url first: Telegram calls there.\n\n");
	buf_text(out,
		 "1. Open Telegram, search for @BotFather (https://t.me/BotFather) and press Start.\n"
		 "2. Send /newbot, then a name for people to see, then a username that ends in \"bot\".\n"
		 "   For a bot that exists, send /token instead and choose it. Use a bot that nothing else "
		 "uses.\n"
		 "3. Copy the token (it looks like 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw): it is "
		 "bot_token.\n"
		 "4. Put it into the settings, named and not written out, and start usher:\n");
	add_settings(out, name, webhook);
	if (webhook)
		buf_format(out, "   Telegram calls %s/telegram/%s/update; usher tells it so by itself.\n",
			   public_url ? public_url : "https://PUBLIC_URL", name);
	buf_text(out, "5. Open the link that is shown then (https://t.me/USERNAME), press Start, and write "
		      "to it.\n\n");
	add_groups(out);
}

const struct platform_guide telegram_guide = {
	.title = "Telegram",
	.print = guide_print,
	.first = "open the bot in Telegram, press Start, and write to it",
	.invite = guide_invite,
	.talks = guide_talks,
};
