/* rooms: base io markup discord */
#include "decode.h"
#include "json_edits.h"
#include "mem.h"
#include "places.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD  "'id':'9007199254740993','channel_id':'7'"
#define ANN   ",'author':{'id':'5','username':'ann','global_name':'Ann'}"
#define STAMP "'2027-01-15T08:00:01.123000+00:00'"

static const char *const samples[] = {
	"{" HEAD ANN
	",'type':0,'content':'<@777> hi <@5> <#7> </ask:5> <:wave:6> <a:party:6> <t:1800000000:R> `x`',"
	"'mentions':[{'id':'777','username':'usher'},{'id':'5','username':'ann','member':{'nick':'A'}}]}",
	"{" HEAD ANN ",'guild_id':'6','member':{'nick':'Boss'},'type':19,'content':'yes','message_reference':"
	"{'message_id':"
	"'3'},'referenced_message':{'content':'really?','author':{'id':'777'}}}",
	"{" HEAD ANN
	",'content':'','message_reference':{'type':1},'message_snapshots':[{'message':{'content':'see',"
	"'attachments':[{'id':'9','url':'https://x/','filename':'a.png'}],'sticker_items':[{'name':'s'}]}}]}",
	"{" HEAD ANN ",'content':'other','edited_timestamp':" STAMP "}",
	"{" HEAD ANN
	",'content':'','attachments':[{'id':'9','url':'https://cdn.discordapp.com/a?ex=1','filename':'a/b',"
	"'size':9,'content_type':'image/png'}]}",
	"{" HEAD ",'author':{'id':'8','bot':true},'webhook_id':'8','content':'','embeds':[{'title':'t','"
	"description':'d'}]}",
	"{" HEAD ANN
	",'content':'','poll':{'question':{'text':'q'},'answers':[{'poll_media':{'text':'a'}}]}}",
	"{'id':'7','type':11,'parent_id':'6','owner_id':'777','name':'t','last_message_id':'5'}",
};

static const char *const vocabulary[] = {
	"answers",
	"application_id",
	"attachments",
	"author",
	"bot",
	"channel_id",
	"content",
	"content_type",
	"description",
	"edited_timestamp",
	"embeds",
	"filename",
	"flags",
	"global_name",
	"guild_id",
	"id",
	"member",
	"mention_channels",
	"mentions",
	"mention_roles",
	"message",
	"message_id",
	"message_reference",
	"message_snapshots",
	"name",
	"nick",
	"nonce",
	"owner_id",
	"parent_id",
	"poll",
	"poll_media",
	"question",
	"referenced_message",
	"size",
	"sticker_items",
	"system",
	"text",
	"title",
	"type",
	"url",
	"username",
	"webhook_id",
	"777",
	"5",
	"18446744073709551615",
	"<@777>",
	"<@!5>",
	"<#7>",
	"</a b:5>",
	"<:x:5>",
	"<t:1:F>",
	"``<@5>`",
	"2027-01-15T08:00:01+25:99",
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(char *text, size_t max)
{
	check(strlen(text) <= max && text_valid(text, strlen(text)));
	free(text);
}

static void check_files(const struct discord_decoded *say)
{
	struct arena *arena = arena_create();
	struct message_file *files;
	size_t left, count = discord_files_of(say, arena, &files, &left);

	check(count <= MESSAGE_FILES_MAX);
	for (size_t i = 0; i < count; i++) {
		check(files[i].url[0] && strlen(files[i].url) <= MESSAGE_REPLY_TO_MAX);
		check(files[i].name == NULL || strpbrk(files[i].name, "/\\\n") == NULL);
		check(files[i].size >= -1);
	}
	arena_destroy(arena);
}

/* What the next files rely on without looking again. */
static void check_decoded(const struct platform *bot, const struct discord_decoded *say)
{
	char name[MESSAGE_NAME_MAX + 1], thread[DISCORD_THREAD_NAME_MAX + 1];

	check((say->because != NULL) == (say->kind <= DISCORD_IS_MALFORMED));
	if (say->kind <= DISCORD_IS_MALFORMED)
		return;
	check(say->id && say->channel && say->author);
	check(say->kind != DISCORD_IS_EDITED || (say->edited_at && say->content));
	if (discord_person(say->author_object, say->member, name))
		check(*name && text_valid(name, strlen(name)) && strpbrk(name, "\r\n") == NULL);
	discord_mentions_us(bot, say);
	discord_is_bare(say->message);
	discord_thread_name(say->content ? say->content : "", name, thread);
	check(*thread && text_valid(thread, strlen(thread)) && strpbrk(thread, "\r\n") == NULL);
	check_text(discord_own_words(bot, say->message), SIZE_MAX);
	check_text(discord_words(bot, say->message), MESSAGE_TEXT_MAX);
	check_files(say);
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
	json_t *message = json_read(text, edited ? strlen(edited) : size, NULL);
	struct platform bot = { .user_id = 777 };
	struct discord_decoded say;
	struct discord_channel channel;

	bot.places = discord_places_create(NULL);
	if (message) {
		if (discord_channel_take(bot.places, message, 6, &channel))
			check(discord_channel_find(bot.places, channel.id)->type == channel.type);
		discord_decode(message, size & 2 ? 6 : 0, size & 1, &say);
		check_decoded(&bot, &say);
	}
	check(discord_time_ms(text) > INT64_MIN);
	discord_places_destroy(bot.places);
	json_decref(message);
	free(text);
	return 0;
}
