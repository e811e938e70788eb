/* rooms: base io markup discord */
#include "interaction.h"
#include "json_edits.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD "'id':'1500000000000000001','application_id':'70','token':'tok-1','version':1,'locale':'en-US',"
#define GUILD                                                                                                \
	HEAD "'guild_id':'40','channel_id':'50','channel':{'id':'50','type':11},'context':0,"                \
	     "'authorizing_integration_owners':{'0':'40'},'member':{'nick':'Annie','permissions':'8','user'" \
	     ":{"                                                                                            \
	     "'id':'60','username':'ann','global_name':'Ann'}},"
#define DIRECT                                                                                               \
	HEAD "'channel_id':'51','context':1,'channel':{'id':'51','type':1},'user':{'id':'60','username':'"   \
	     "ann'},"
#define FILES                                                                                                \
	"'resolved':{'attachments':{'90':{'id':'90','filename':'a.png','content_type':'image/"               \
	"png','size':12,"                                                                                    \
	"'url':'https://cdn.discordapp.com/a.png?ex=1'}}}"

static const char *const samples[] = {
	"{'application_id':'1','id':'2','token':'t','type':1,'version':1}",
	"{" GUILD
	"'type':2,'data':{'id':'1','name':'ask','type':1,'options':[{'type':3,'name':'prompt','value':"
	"'Why?'},{'type':11,'name':'file','value':'90'}]," FILES "}}",
	"{" DIRECT
	"'type':2,'data':{'id':'1','name':'link','type':1,'options':[{'type':3,'name':'code','value':"
	"'ABCD2345'}]}}",
	"{" DIRECT "'type':2,'data':{'id':'1','name':'new','type':1}}",
	"{" GUILD
	"'type':2,'data':{'id':'1','name':'Ask usher','type':3,'target_id':'80','resolved':{'messages':{"
	"'80':{'id':'80','channel_id':'50','content':'one <@60> "
	"two','author':{'id':'61','global_name':'Bob'},"
	"'attachments':[{'id':'91','filename':'b','size':1,'url':'https://cdn.discordapp.com/b'}],"
	"'message_snapshots':[{'message':{'content':'three'}}]}}}}}",
	"{" GUILD "'type':3,'message':{'id':'99'},'data':{'component_type':2,'custom_id':'stop'}}",
	"{" GUILD
	"'type':3,'data':{'component_type':2,'custom_id':'up/0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee'}}",
	"{" GUILD
	"'type':4,'data':{'name':'ask','type':1,'options':[{'type':3,'name':'prompt','focused':true}]}}",
	"{" DIRECT "'type':5,'data':{'custom_id':'form','components':[]}}",
};

static const char *const vocabulary[] = {
	"id",
	"token",
	"type",
	"data",
	"name",
	"options",
	"value",
	"ask",
	"link",
	"code",
	"language",
	"help",
	"usage",
	"prompt",
	"file",
	"resolved",
	"messages",
	"attachments",
	"target_id",
	"custom_id",
	"stop",
	"up/",
	"down/",
	"guild_id",
	"channel_id",
	"channel",
	"context",
	"member",
	"user",
	"nick",
	"username",
	"global_name",
	"content",
	"author",
	"url",
	"filename",
	"size",
	"0",
	"1",
	"80",
	"90",
	"authorizing_integration_owners",
	"message_snapshots",
	"message",
	"18446744073709551615",
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_texts(const struct incoming *in)
{
	const char *const keys[] = { in->delivery_key, in->sender, in->conversation };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		check(keys[i] && *keys[i] && strlen(keys[i]) <= MESSAGE_KEY_MAX);
	check(in->sender_name == NULL || strlen(in->sender_name) <= MESSAGE_NAME_MAX);
	check(in->text == NULL || strlen(in->text) <= MESSAGE_TEXT_MAX);
	check(in->text == NULL || text_valid(in->text, strlen(in->text)));
	check(in->kind != INCOMING_SAID || in->file_count || !text_blank(in->text));
	check(in->kind != INCOMING_RATED || in->target);
	check(in->file_count <= MESSAGE_FILES_MAX);
}

static void check_place(const struct incoming *in, const struct discord_interaction *say)
{
	struct discord_place place;

	check(strlen(in->reply_to) <= MESSAGE_REPLY_TO_MAX && discord_place_read(in->reply_to, &place));
	check(place.channel == say->channel && place.guild == say->guild && place.user == say->user);
	check(place.token == NULL || strcmp(place.token, say->token) == 0);
	discord_place_finish(&place);
}

/* Whatever came, it is answered in one of the ways there are, and what is stored is within the core's limits. */
static void build(struct platform *bot, const struct discord_interaction *say)
{
	struct discord_act act = { .bot = bot };
	struct arena *arena = arena_create();
	struct incoming in;
	int64_t type;

	if (discord_act_build(&act, say, arena, &in)) {
		check_texts(&in);
		check_place(&in, say);
		type = json_int(act.response, "type", 0);
		check(type == DISCORD_DEFERRED || type == DISCORD_SILENT);
	} else {
		type = json_int(act.response, "type", 0);
		check(type == DISCORD_MESSAGE || type == DISCORD_CHOICES);
	}
	json_decref(act.response);
	arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct edits edits = { samples,
			       vocabulary,
			       sizeof(samples) / sizeof(*samples),
			       sizeof(vocabulary) / sizeof(*vocabulary),
			       data,
			       data + size };
	char *edited = json_edits(&edits);
	char *text = edited ? edited : mem_text_n((const char *)data, size);
	json_t *interaction = json_read(text, edited ? strlen(edited) : size, NULL);
	struct platform_host host = { .name = "acme" };
	struct platform bot = { .host = &host, .app_id = 70, .user_id = 70 };
	struct discord_interaction say;

	bot.places = discord_places_create(&bot);
	discord_interaction_decode(interaction, &say);
	check((say.kind == INTERACTION_MALFORMED) == (say.because != NULL));
	if (say.kind > INTERACTION_PING) {
		check(say.id && say.user && say.channel && say.token);
		check(strcspn(say.token, "/?#%\\ ") == strlen(say.token));
		build(&bot, &say);
	}
	discord_places_destroy(bot.places);
	json_decref(interaction);
	free(text);
	return 0;
}
