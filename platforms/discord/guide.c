/* What an operator does at discord.com, step by step, and the link that adds the bot to a server. */
#include "buf.h"
#include "life.h"
#include "mem.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t permissions_asked(void)
{
	uint64_t bits = 0;

	for (const struct discord_permission *one = discord_permissions; one->bit; one++)
		bits |= one->bit;
	return bits;
}

static char *invite_text(const char *app_id)
{
	return mem_format("https://discord.com/oauth2/authorize?client_id=%s&scope=bot%%20applications."
			  "commands&permissions=%" PRIu64,
			  app_id, permissions_asked());
}

char *discord_invite(snowflake app_id)
{
	char id[SNOWFLAKE_SIZE];

	return invite_text(snowflake_text(app_id, id));
}

/* It can't hand a code over: whoever opens it adds the bot to a server. */
static char *guide_invite(const struct settings *settings, const char *known, const char *code)
{
	struct err err = { 0 };
	json_t *was = known ? json_read(known, strlen(known), &err) : NULL;
	snowflake app_id = snowflake_read(json_object_get(was, "app_id"));

	(void)settings;
	json_decref(was);
	return app_id && code == NULL ? discord_invite(app_id) : NULL;
}

static void add_intent(const struct settings *settings, struct buf *out)
{
	if (settings_bool(settings, "message_content"))
		buf_text(out,
			 "3. On the same page, below \"Privileged Gateway Intents\", switch on \"Message "
			 "Content Intent\" and save. Without it\n"
			 "   Discord refuses the connection; with message_content = false none is asked for, "
			 "and "
			 "in servers only\n"
			 "   messages that mention the bot can be read.\n");
	else
		buf_text(out, "3. message_content is false: no intent need be switched on, and in servers "
			      "only messages that mention the\n"
			      "   bot can be read.\n");
}

static void add_http(const char *name, const char *public_url, struct buf *out)
{
	buf_format(
		out,
		"\nSlash commands and buttons come over the same connection. To have them called instead, "
		"put\n"
		"%s/discord/%s/interactions\n"
		"into \"Interactions Endpoint URL\" of the page \"General Information\" while usher runs. To "
		"have Discord say who\n"
		"added the bot, put %s/discord/%s/events into \"Endpoint URL\" of the page \"Webhooks\", and "
		"choose\n"
		"\"Application Authorized\" and \"Application Deauthorized\".\n",
		public_url, name, public_url, name);
}

static void guide_print(const struct settings *settings, const char *public_url, struct buf *out)
{
	const char *name = settings_text(settings, "name");
	char *link = invite_text("APPLICATION_ID");

	buf_text(out,
		 "1. Open " DISCORD_PORTAL " and press \"New Application\"; its name is what people\n"
		 "   see. Use an application that nothing else uses: each program that connects with its "
		 "token hears everything.\n"
		 "2. On the page \"Bot\" press \"Reset Token\" and copy the token (it is shown once): it "
		 "is bot_token.\n");
	add_intent(settings, out);
	buf_format(out,
		   "4. Put it into the settings, named and not written out, and start usher:\n"
		   "\n  platforms = { discord = ( { name = \"%s\"; bot_token = \"env:DISCORD_BOT_TOKEN\"; } "
		   "); };\n\n",
		   name);
	buf_format(out,
		   "5. Open the link that is shown then, choose a server (you must be allowed to manage it) "
		   "and \"Authorize\":\n"
		   "   %s\n",
		   link);
	if (public_url)
		add_http(name, public_url, out);
	free(link);
}

const struct platform_guide discord_guide = {
	.title = "Discord",
	.print = guide_print,
	.first = "add the bot to a server and mention it there",
	.invite = guide_invite,
};
