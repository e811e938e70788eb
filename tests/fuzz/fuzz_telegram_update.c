/* rooms: base io markup telegram */
#include "decode.h"
#include "json_edits.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct telegram_self us = { .id = 777, .username = "UsherBot" };

#define CHAT	"'chat':{'id':-4,'type':'group','title':'G'}"
#define DIRECT	"'chat':{'id':4,'type':'private','first_name':'Ann'}"
#define ANN	"'from':{'id':4,'is_bot':false,'first_name':'Ann','username':'ann'}"
#define MESSAGE "'message_id':5,'date':1767323045,"

static const char *const samples[] = {
	"{'update_id':1,'message':{" MESSAGE DIRECT "," ANN ",'text':'hello'}}",
	"{'update_id':1,'message':{" MESSAGE CHAT "," ANN ",'text':'/new@UsherBot now','entities':[{'type':"
	"'bot_command','offset':0,'length':13}]}}",
	"{'update_id':1,'message':{" MESSAGE CHAT "," ANN ",'text':'hi @UsherBot you','entities':[{'type':"
	"'mention','offset':3,'length':9}],'reply_to_message':{" MESSAGE CHAT
	",'from':{'id':777,'is_bot':true},"
	"'text':'x'}}}",
	"{'update_id':1,'edited_message':{" MESSAGE "'edit_date':7," DIRECT "," ANN ",'text':'other'}}",
	"{'update_id':1,'message':{" MESSAGE DIRECT "," ANN ",'caption':'see','media_group_id':'9','photo':[{"
	"'file_id':'F','file_unique_id':'u','width':1,'height':1,'file_size':9}]}}",
	"{'update_id':1,'message':{" MESSAGE DIRECT "," ANN ",'document':{'file_id':'F','file_unique_id':'u',"
	"'file_name':'a.pdf','mime_type':'application/pdf','file_size':9}}}",
	"{'update_id':1,'channel_post':{" MESSAGE
	"'chat':{'id':-9,'type':'channel','title':'News'},'text':'x'}}",
	"{'update_id':1,'message':{" MESSAGE CHAT "," ANN ",'migrate_to_chat_id':-1005}}",
	"{'update_id':1,'my_chat_member':{" CHAT "," ANN ",'date':1,'old_chat_member':{'status':'left'},"
	"'new_chat_member':{'status':'member'}}}",
	"{'update_id':1,'callback_query':{'id':'q'," ANN ",'data':'stop','message':{" MESSAGE CHAT "}}}",
};

static const char *const vocabulary[] = {
	"animation",
	"audio",
	"bot_command",
	"callback_query",
	"caption",
	"caption_entities",
	"channel",
	"channel_post",
	"chat",
	"checklist",
	"contact",
	"data",
	"date",
	"dice",
	"document",
	"edit_date",
	"edited_channel_post",
	"edited_message",
	"entities",
	"file",
	"file_id",
	"file_name",
	"file_size",
	"forum_topic_created",
	"from",
	"game",
	"group",
	"id",
	"is_automatic_forward",
	"is_bot",
	"is_member",
	"is_topic_message",
	"kicked",
	"left",
	"length",
	"live_photo",
	"location",
	"media_group_id",
	"mention",
	"message",
	"message_id",
	"message_thread_id",
	"migrate_from_chat_id",
	"migrate_to_chat_id",
	"mime_type",
	"my_chat_member",
	"new_chat_member",
	"offset",
	"old_chat_member",
	"paid_media",
	"photo",
	"poll",
	"private",
	"replies",
	"reply_to_message",
	"restricted",
	"rich_message",
	"sender_chat",
	"status",
	"sticker",
	"stopped_message_generation",
	"story",
	"supergroup",
	"text",
	"text_mention",
	"title",
	"type",
	"update_id",
	"user",
	"venue",
	"via_bot",
	"video",
	"video_note",
	"voice",
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const struct telegram_decoded *say)
{
	struct telegram_command command;
	char *rest;

	telegram_mentions(say->text, say->entities, &us);
	if (telegram_command_read(say->text, say->entities, &command)) {
		check(command.len <= strlen(say->text) && command.name[0]);
		check(command.args >= say->text && command.args <= say->text + strlen(say->text));
		telegram_command_is_for(&command, us.username);
	}
	if (say->text == NULL)
		return;
	rest = telegram_without_mentions(say->text, say->entities, &us);
	check(strlen(rest) <= strlen(say->text));
	check(text_valid(rest, strlen(rest)));
	free(rest);
}

static void check_message(const struct telegram_decoded *say)
{
	struct arena *arena = arena_create();
	struct message_file file;
	char name[MESSAGE_NAME_MAX + 1];
	char *words;

	check_text(say);
	words = telegram_words(say, say->text);
	check(strlen(words) <= MESSAGE_TEXT_MAX && text_valid(words, strlen(words)));
	free(words);
	free(telegram_words(say, NULL));
	if (telegram_name(say->name, name))
		check(text_valid(name, strlen(name)));
	if (telegram_file(say->message, arena, &file)) {
		check(telegram_file_id(file.url) != NULL);
		check(strlen(file.name) <= MESSAGE_NAME_MAX && strpbrk(file.name, "/\\\n") == NULL);
		check(text_valid(file.name, strlen(file.name)));
	}
	arena_destroy(arena);
}

/* What the next files rely on without looking again. */
static void check_decoded(const struct telegram_decoded *say)
{
	check(say->kind > TELEGRAM_IS_MALFORMED || say->because);
	check(say->update_id >= -1 && say->topic != 1);
	if (say->kind > TELEGRAM_IS_MALFORMED)
		check(say->update_id >= 0 && (say->chat || say->kind == TELEGRAM_IS_PRESSED));
	if (say->chat && say->kind > TELEGRAM_IS_MALFORMED)
		check(say->is_private + say->is_group + say->is_channel == 1);
	if (say->kind == TELEGRAM_IS_SAID || say->kind == TELEGRAM_IS_EDITED) {
		check(say->sender && say->message_id > 0 && say->message);
		check_message(say);
	}
	if (say->kind == TELEGRAM_IS_MOVED)
		check(say->moved_from && say->moved_to);
	if (say->kind == TELEGRAM_IS_PRESSED)
		check(say->button && say->from);
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
	json_t *update = json_read(text, edited ? strlen(edited) : size, NULL);
	struct telegram_decoded say;
	struct telegram_place place;

	telegram_decode(update, &say);
	check_decoded(&say);
	if (update) {
		say = (struct telegram_decoded){ .update_id = 1, .because = "" };
		telegram_decode_message(update, size & 1, &say);
		check_decoded(&say);
	}
	telegram_file_id(text);
	if (telegram_place_read(text, &place)) {
		char *again = telegram_place_write(&place);
		struct telegram_place same;

		check(telegram_place_read(again, &same) && same.chat == place.chat);
		free(again);
	}
	json_decref(update);
	free(text);
	return 0;
}
