/* Messages on their way in: which are for us, what the core is told of them, and when an update is passed. */
#include "mem.h"
#include "stage_in.h"
#include <stdio.h>

#define MENTION ",'entities':[{'type':'mention','offset':0,'length':9}]"

static int open_stage(void **state)
{
	*state = in_open();
	return 0;
}

static int close_stage(void **state)
{
	in_close(*state);
	return 0;
}

static struct telegram_place place_of(const struct in_message *message)
{
	struct telegram_place place;

	assert_true(telegram_place_read(message->reply_to, &place));
	return place;
}

static void a_private_message_is_handed_over(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_private(stage, 7, "hello", "");
	message = in_only(stage, 0);
	in_waits(stage, 7); /* not before it is stored */
	assert_int_equal(message->kind, INCOMING_SAID);
	assert_string_equal(message->delivery, "777/7");
	assert_string_equal(message->semantic, "5/1007");
	assert_string_equal(message->conversation, "5");
	assert_string_equal(message->sender, "5");
	assert_string_equal(message->sender_name, "Ann Lee");
	assert_string_equal(message->text, "hello");
	assert_string_equal(message->cursor, "7");
	assert_int_equal(message->sent_ms, IN_NOW);
	assert_int_equal(message->flags, 0); /* a stranger by the house's rule: never vouched for */
	assert_int_equal(place_of(message).message, 1007);
	assert_true(place_of(message).private);
	in_ack(stage, 0, ACK_STORED);
	in_was(stage, 7, TELEGRAM_TAKEN);
	assert_int_equal(stage->works, 1);
	assert_int_equal(stage->work_place.message, 1007);
	assert_int_equal(telegram_inbound_owed(stage->bot.inbound), 0);
}

/* 13.1: the same update twice is passed twice and answered once. */
static void a_repeated_update_is_passed(void **state)
{
	struct in_stage *stage = *state;

	in_private(stage, 7, "hello", "");
	in_ack(stage, 0, ACK_STORED);
	in_private(stage, 7, "hello", "");
	assert_string_equal(stage->messages[0].delivery, stage->messages[1].delivery);
	assert_string_equal(stage->messages[0].semantic, stage->messages[1].semantic);
	in_ack(stage, 1, ACK_BEFORE);
	assert_int_equal(stage->told[7], 2);
	assert_int_equal(stage->works, 1);
}

static void groups_when_addressed(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_group(stage, 1, "lunch?", "");
	in_dropped(stage, 0, 1);
	in_group(stage, 2, "@UsherBot lunch?", MENTION);
	message = in_only(stage, 0);
	assert_string_equal(message->conversation, "-100");
	assert_string_equal(message->text, "lunch?");
	assert_string_equal(message->sender, "5");
	assert_true(place_of(message).group);
	in_ack(stage, 0, ACK_STORED);
	in_group(stage, 3, "@usherbot", MENTION); /* our name and nothing else calls us */
	assert_string_equal(in_only(stage, 1)->text, "@usherbot");
	in_ack(stage, 1, ACK_STORED);
	in_group(stage, 4, "yes",
		 ",'reply_to_message':{'message_id':900,'from':{'id':777},'text':'really?'}");
	assert_string_equal(in_only(stage, 2)->text, "> really?\n\nyes");
	in_ack(stage, 2, ACK_STORED);
	in_group(stage, 5, "yes", ",'reply_to_message':{'message_id':901,'from':{'id':6},'text':'really?'}");
	in_dropped(stage, 3, 5);
}

static void groups_by_the_setting(void **state)
{
	struct in_stage *stage = *state;

	stage->bot.config.groups = TELEGRAM_ALL;
	in_group(stage, 1, "lunch?", "");
	assert_string_equal(in_only(stage, 0)->text, "lunch?");
	in_ack(stage, 0, ACK_STORED);
	stage->bot.config.groups = TELEGRAM_NEVER;
	in_group(stage, 2, "@UsherBot lunch?", MENTION);
	in_dropped(stage, 1, 2);
	in_private(stage, 3, "hello", "");
	in_only(stage, 1);
}

/* 13.1, row four, and pitfalls 13 and 14. */
static void topics_are_conversations(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_group(stage, 1, "hi",
		 ",'is_topic_message':true,'message_thread_id':42,'reply_to_message':{'message_id':42,"
		 "'from':{'id':777},'forum_topic_created':{'name':'t'}}");
	in_dropped(stage, 0, 1);
	in_group(stage, 2, "@UsherBot hi", MENTION ",'is_topic_message':true,'message_thread_id':42");
	message = in_only(stage, 0);
	assert_string_equal(message->conversation, "-100/42");
	assert_int_equal(place_of(message).topic, 42);
	in_ack(stage, 0, ACK_STORED);
	in_group(stage, 3, "@UsherBot hi", MENTION ",'message_thread_id':900");
	assert_string_equal(in_only(stage, 1)->conversation, "-100");
	assert_int_equal(place_of(&stage->messages[1]).topic, 0);
}

#define COMMAND(len) ",'entities':[{'type':'bot_command','offset':0,'length':" #len "}]"

static void command_is(struct in_stage *stage, unsigned number, const char *text, unsigned flags)
{
	const struct in_message *message = in_only(stage, stage->count - 1);

	assert_string_equal(message->text, text);
	assert_int_equal(message->flags, flags);
	in_ack(stage, stage->count - 1, ACK_STORED);
	in_was(stage, number, TELEGRAM_TAKEN);
}

enum { OURS = INCOMING_COMMAND | INCOMING_ALONE };

static void commands(void **state)
{
	struct in_stage *stage = *state;

	in_private(stage, 1, "/start", COMMAND(6));
	command_is(stage, 1, "help", OURS);
	in_private(stage, 2, "/start abc_DEF-9", COMMAND(6));
	command_is(stage, 2, "link abc_DEF-9", OURS);
	in_private(stage, 3, "/start no such payload", COMMAND(6));
	command_is(stage, 3, "help", OURS);
	in_private(stage, 4, "/NEW@usherbot", COMMAND(13));
	command_is(stage, 4, "new", OURS | INCOMING_NEW);
	in_private(stage, 5, "/usage", COMMAND(6));
	command_is(stage, 5, "usage", OURS);
	in_private(stage, 6, "/link AB CD", COMMAND(5));
	command_is(stage, 6, "link AB CD", OURS);
	in_private(stage, 7, "/language de", COMMAND(9));
	command_is(stage, 7, "language de", OURS);
	assert_int_equal(stage->works, 0); /* nobody waits for a model */
	in_private(stage, 8, "/new what is new?", COMMAND(4));
	command_is(stage, 8, "what is new?", INCOMING_NEW);
	in_private(stage, 9, "/help me with this", COMMAND(5));
	command_is(stage, 9, "/help me with this", 0);
	in_private(stage, 10, "/ASK@USHERBOT x", COMMAND(13)); /* 13.1, row three */
	command_is(stage, 10, "/ask x", 0);
	assert_int_equal(stage->works, 3);
}

/* 13.1, row two; pitfall 15; sheet 1.3. */
static void commands_in_groups(void **state)
{
	struct in_stage *stage = *state;

	in_group(stage, 1, "/ask@OtherBot x", COMMAND(13));
	in_dropped(stage, 0, 1);
	stage->bot.config.groups = TELEGRAM_ALL;
	in_group(stage, 2, "/new@OtherBot", COMMAND(13)); /* also where we answer everything */
	in_dropped(stage, 0, 2);
	stage->bot.config.groups = TELEGRAM_ADDRESSED;
	in_group(stage, 3, "/new", COMMAND(4));
	command_is(stage, 3, "new", OURS | INCOMING_NEW);
	in_group(stage, 4, "/roll 6", COMMAND(5)); /* we spoke last: the server says it is ours */
	command_is(stage, 4, "/roll 6", 0);
	stage->bot.reads_all = true;
	in_group(stage, 5, "/roll 6", COMMAND(5)); /* or any other bot's */
	in_dropped(stage, 2, 5);
	in_group(stage, 6, "/start@UsherBot abc", COMMAND(15)); /* codes count in private only */
	command_is(stage, 6, "help", OURS);
}

/* A code that everybody in the group reads is no secret. */
static void link_codes_go_to_the_private_chat(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_group(stage, 1, "/link", COMMAND(5));
	message = in_only(stage, 0);
	assert_string_equal(message->conversation, "5");
	assert_int_equal(place_of(message).chat, 5);
	assert_int_equal(place_of(message).message, 0);
	assert_true(place_of(message).private);
	in_ack(stage, 0, ACK_STORED);
	in_group(stage, 2, "/link", COMMAND(5) ",'sender_chat':{'id':-100,'title':'Team'}");
	assert_string_equal(in_only(stage, 1)->text, "help");
	assert_int_equal(place_of(&stage->messages[1]).chat, -100);
}

/* Pitfall 23. */
static void old_commands_are_not_carried_out(void **state)
{
	struct in_stage *stage = *state;
	char *what = mem_format("'message':{'message_id':4,'date':%lld,'chat':{'id':5,'type':'private'},"
				"'from':{'id':5,'first_name':'Ann'},'text':'%s','entities':[{'type':"
				"'bot_command','offset':0,'length':4}]}",
				(long long)(IN_NOW / 1000 - 660), "/new");

	in_take(stage, 1, what);
	assert_int_equal(in_only(stage, 0)->flags, INCOMING_IGNORE);
	assert_string_equal(stage->messages[0].delivery, "777/1");
	in_ack(stage, 0, ACK_STORED);
	in_was(stage, 1, TELEGRAM_TAKEN);
	memcpy(strstr(what, "/new"), "what", 4); /* but questions are answered */
	in_take(stage, 2, what);
	assert_int_equal(in_only(stage, 1)->flags & INCOMING_IGNORE, 0);
	assert_int_equal(stage->messages[1].flags & INCOMING_LATE, INCOMING_LATE);
	free(what);
}

static void from_bot(struct in_stage *stage, unsigned number, const char *chat, const char *from)
{
	char *what = mem_format("'message':{'message_id':%u,'date':1799999999,'chat':%s,'from':%s,'text':"
				"'@UsherBot hi'" MENTION "}",
				number, chat, from);

	in_take(stage, number, what);
	free(what);
}

static void bots_are_dropped_unless_wanted(void **state)
{
	struct in_stage *stage = *state;
	const char *group = "{'id':-100,'type':'group'}", *bot = "{'id':6,'is_bot':true,'first_name':'B'}";

	from_bot(stage, 1, group, bot);
	in_dropped(stage, 0, 1);
	stage->bot.config.bots = true;
	for (unsigned i = 2; i < 2 + TELEGRAM_BOT_TURNS_MAX; i++) {
		from_bot(stage, i, group, bot);
		in_only(stage, i - 2);
		in_ack(stage, i - 2, ACK_STORED);
	}
	from_bot(stage, 1 + TELEGRAM_BOT_TURNS_MAX, group, bot); /* once more: the store knows it */
	in_ack(stage, TELEGRAM_BOT_TURNS_MAX, ACK_BEFORE);
	from_bot(stage, 20, group, bot);
	in_dropped(stage, TELEGRAM_BOT_TURNS_MAX + 1, 20);
	in_group(stage, 21, "stop it", ""); /* a person spoke, though not to us */
	in_dropped(stage, TELEGRAM_BOT_TURNS_MAX + 1, 21);
	from_bot(stage, 22, group, bot);
	in_only(stage, TELEGRAM_BOT_TURNS_MAX + 1);
	from_bot(stage, 23, group, "{'id':777,'is_bot':true}"); /* never ourselves */
	in_dropped(stage, TELEGRAM_BOT_TURNS_MAX + 2, 23);
}

/* Pitfall 17: the made-up user of an anonymous admin is a bot, the admin is not. */
static void anonymous_admins_and_channels(void **state)
{
	struct in_stage *stage = *state;

	in_take(stage, 1,
		"'message':{'message_id':4,'date':1799999999,'chat':{'id':-100,'type':'supergroup'},"
		"'from':{'id':1087968824,'is_bot':true},'sender_chat':{'id':-100,'title':'Team'},"
		"'text':'@UsherBot hi'" MENTION "}");
	assert_string_equal(in_only(stage, 0)->sender, "-100");
	assert_string_equal(stage->messages[0].sender_name, "Team");
	in_ack(stage, 0, ACK_STORED);
	in_take(stage, 2,
		"'message':{'message_id':5,'date':1799999999,'chat':{'id':-100,'type':'supergroup'},"
		"'from':{'id':777000},'sender_chat':{'id':-9,'title':'News'},'is_automatic_forward':true,"
		"'text':'@UsherBot hi'" MENTION "}");
	in_dropped(stage, 1, 2); /* the post itself is answered, or nothing is */
}

static void channel_posts_by_the_setting(void **state)
{
	struct in_stage *stage = *state;
	static const char post[] = "'channel_post':{'message_id':4,'date':1799999999,'chat':{'id':-9,'type':"
				   "'channel','title':'News'},'text':'what do you think?'}";

	in_take(stage, 1, post);
	in_dropped(stage, 0, 1);
	stage->bot.config.channels = true;
	in_take(stage, 2, post);
	assert_string_equal(in_only(stage, 0)->sender, "-9");
	assert_string_equal(stage->messages[0].sender_name, "News");
	assert_false(place_of(&stage->messages[0]).group);
}

static void quotes_stand_in_front(void **state)
{
	struct in_stage *stage = *state;
	char *text = mem_format(",'reply_to_message':{'message_id':9,'from':{'id':777},'text':'%02000d'}", 0);

	in_private(stage, 1, "why?",
		   ",'reply_to_message':{'message_id':9,'from':{'id':777},'text':'long\\nanswer'},"
		   "'quote':{'text':'this\\npart','position':4}");
	assert_string_equal(in_only(stage, 0)->text, "> this\n> part\n\nwhy?");
	in_ack(stage, 0, ACK_STORED);
	in_private(stage, 2, "why?", text); /* bounded */
	assert_true(strlen(in_only(stage, 1)->text) < TELEGRAM_QUOTE_MAX + 30);
	assert_non_null(strstr(stage->messages[1].text, " …\n\nwhy?"));
	in_ack(stage, 1, ACK_STORED);
	in_private(stage, 3, "see", ",'forward_origin':{'type':'user','sender_user':{'first_name':'Bob'}}");
	assert_string_equal(in_only(stage, 2)->text, "[forwarded from Bob]\nsee");
	free(text);
}

static void file_is(struct in_stage *stage, unsigned number, const char *media, const char *url,
		    const char *name, const char *mime, int64_t size)
{
	char *what =
		mem_format("'message':{'message_id':%u,'date':1799999999,'chat':{'id':5,'type':'private'},"
			   "'from':{'id':5,'first_name':'Ann'},%s}",
			   number, media);
	const struct in_message *message;

	in_take(stage, number, what);
	message = in_only(stage, stage->count - 1);
	assert_int_equal(message->file_count, 1);
	assert_string_equal(message->file_url[0], url);
	assert_string_equal(message->file_name[0], name);
	assert_string_equal(message->file_mime[0], mime);
	assert_int_equal(message->file_size, size);
	in_ack(stage, stage->count - 1, ACK_STORED);
	in_was(stage, number, TELEGRAM_TAKEN);
	free(what);
}

static void files_of_every_kind(void **state)
{
	struct in_stage *stage = *state;

	file_is(stage, 1, "'photo':[{'file_id':'small','file_size':1},{'file_id':'large','file_size':9}]",
		"file_id:large", "photo.jpg", "image/jpeg", 9);
	file_is(stage, 2, "'document':{'file_id':'d','file_name':'a/b\\n.pdf','mime_type':'application/pdf'}",
		"file_id:d", "a_b_.pdf", "application/pdf", -1);
	file_is(stage, 3, "'voice':{'file_id':'v','file_size':3,'mime_type':'audio/ogg'}", "file_id:v",
		"voice.ogg", "audio/ogg", 3);
	file_is(stage, 4, "'audio':{'file_id':'a','file_name':'song.mp3'}", "file_id:a", "song.mp3",
		"audio/mpeg", -1);
	file_is(stage, 5, "'video':{'file_id':'w','file_size':5000000000}", "file_id:w", "video.mp4",
		"video/mp4", INT64_C(5000000000));
	file_is(stage, 6, "'video_note':{'file_id':'n'}", "file_id:n", "video.mp4", "video/mp4", -1);
	file_is(stage, 7, "'animation':{'file_id':'g'},'document':{'file_id':'g','mime_type':'video/mp4'}",
		"file_id:g", "file", "video/mp4", -1);
}

static void things_without_words(void **state)
{
	struct in_stage *stage = *state;
	static const struct {
		const char *thing, *words;
	} table[] = {
		{ "'sticker':{'file_id':'s','emoji':'👍'}", "[sticker 👍]" },
		{ "'location':{'latitude':52.5,'longitude':13.25}",
		  "[location: latitude 52.500000, longitude 13.250000]" },
		{ "'contact':{'phone_number':'+1','first_name':'Bob'}", "[contact: Bob, +1]" },
		{ "'poll':{'question':'Tea?','options':[{'text':'yes'},{'text':'no'}]}",
		  "[poll: Tea?]\n* yes\n* no" },
		{ "'dice':{'emoji':'🎲','value':4}", "[🎲 4]" },
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *what = mem_format("'message':{'message_id':%u,'date':1799999999,'chat':{'id':5,'type':"
					"'private'},'from':{'id':5,'first_name':'Ann'},%s}",
					i + 1, table[i].thing);

		in_take(stage, i + 1, what);
		assert_string_equal(in_only(stage, i)->text, table[i].words);
		in_ack(stage, i, ACK_STORED);
		free(what);
	}
}

#define EDIT(text, more)                                                                                     \
	"'edited_message':{'message_id':1001,'date':1799999999,'edit_date':1799999999,'chat':{'id':-100,"    \
	"'type':'supergroup'},'from':{'id':5,'first_name':'Ann'},'text':'" text "'" more "}"

/* Pitfall 24: never answered again, and two edits within one second both count. */
static void edits_change_what_was_said(void **state)
{
	struct in_stage *stage = *state;
	const struct in_message *message;

	in_take(stage, 2, EDIT("@UsherBot tea?", MENTION));
	message = in_only(stage, 0);
	assert_int_equal(message->kind, INCOMING_EDITED);
	assert_string_equal(message->target, "-100/1001");
	assert_null(message->semantic);
	assert_string_equal(message->text, "tea?");
	assert_int_equal(message->flags, 0);
	in_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->works, 0);
	in_take(stage, 3, EDIT("coffee?", ""));
	assert_int_equal(in_only(stage, 1)->flags, INCOMING_IF_PLACE);
	assert_string_not_equal(stage->messages[0].delivery, stage->messages[1].delivery);
	in_ack(stage, 1, ACK_NOT_ADDRESSED);
	in_was(stage, 3, TELEGRAM_TAKEN);
	in_take(stage, 4, EDIT("/new", ",'entities':[{'type':'bot_command','offset':0,'length':4}]"));
	in_dropped(stage, 2, 4);
}

/* ---- order, back-pressure, the cursor --------------------------------------------------------------------- */

static void a_chat_is_kept_in_order(void **state)
{
	struct in_stage *stage = *state;

	in_private(stage, 1, "one", "");
	in_private(stage, 2, "two", "");
	in_group(stage, 3, "@UsherBot hi", MENTION);
	assert_int_equal(stage->count, 2); /* two waits for one, the other chat does not */
	assert_string_equal(stage->messages[1].conversation, "-100");
	in_ack(stage, 0, ACK_BUSY);
	in_was(stage, 1, TELEGRAM_LATER);
	assert_int_equal(stage->retry_ms[1], 1500);
	in_was(stage, 2, TELEGRAM_LATER); /* it may not pass the first */
	in_private(stage, 4, "three", "");
	in_pass(stage, 0);
	in_was(stage, 4, TELEGRAM_LATER);
	assert_int_equal(stage->count, 2);
	in_private(stage, 1, "one", "");
	in_private(stage, 2, "two", "");
	in_private(stage, 4, "three", "");
	in_ack(stage, 2, ACK_STORED);
	in_ack(stage, 3, ACK_STORED);
	in_ack(stage, 4, ACK_STORED);
	assert_string_equal(stage->messages[2].text, "one");
	assert_string_equal(stage->messages[3].text, "two");
	assert_string_equal(stage->messages[4].text, "three");
	assert_int_equal(stage->how[4], TELEGRAM_TAKEN);
}

/* Pitfall 1: a restart asks from the cursor on, so nothing that is still open may be below it. */
static void the_cursor_passes_nothing_that_is_open(void **state)
{
	struct in_stage *stage = *state;

	in_private(stage, 10, "one", "");
	in_group(stage, 11, "@UsherBot hi", MENTION);
	assert_string_equal(stage->messages[0].cursor, "10");
	assert_string_equal(stage->messages[1].cursor, "9"); /* 10 is not stored yet */
	in_ack(stage, 1, ACK_STORED);
	in_ack(stage, 0, ACK_FAILED);
	in_was(stage, 10, TELEGRAM_LATER);
	in_group(stage, 12, "@UsherBot hi", MENTION);
	assert_string_equal(stage->messages[2].cursor, "9"); /* and still is not */
	in_ack(stage, 2, ACK_STORED);
	in_private(stage, 10, "one", "");
	in_ack(stage, 3, ACK_STORED);
	in_group(stage, 13, "@UsherBot hi", MENTION);
	assert_string_equal(stage->messages[4].cursor, "13");
}

/* What is delivered to a webhook comes in any order of chats: a position would lose what another chat still waits for. */
static void webhooks_keep_no_cursor(void **state)
{
	struct in_stage *stage = *state;

	stage->bot.config.transport = TELEGRAM_WEBHOOK;
	in_private(stage, 1, "one", "");
	assert_null(in_only(stage, 0)->cursor);
	in_ack(stage, 0, ACK_BUSY);
	in_private(stage, 2, "two",
		   ""); /* the other side keeps the order; an expired one must block nobody */
	in_only(stage, 1);
}

static void a_poison_update_is_kept_and_passed(void **state)
{
	struct in_stage *stage = *state;

	in_take(stage, 1, "'message':{'text':'no chat'}");
	assert_int_equal(in_only(stage, 0)->flags, INCOMING_IGNORE);
	assert_string_equal(stage->messages[0].delivery, "777/1");
	in_ack(stage, 0, ACK_STORED);
	in_was(stage, 1, TELEGRAM_TAKEN);
	in_private(stage, 2, "breaks a limit", "");
	in_ack(stage, 1, ACK_INVALID);
	in_waits(stage, 2);
	assert_int_equal(in_only(stage, 2)->flags, INCOMING_IGNORE);
	assert_string_equal(stage->messages[2].delivery, "777/2");
	in_ack(stage, 2, ACK_INVALID); /* even so */
	in_was(stage, 2, TELEGRAM_TAKEN);
	in_take(stage, 3, "'shared_widget_query':{'id':'x'}");
	in_dropped(stage, 3, 3);
}

static void an_update_without_its_number_is_passed(void **state)
{
	struct in_stage *stage = *state;
	json_t *update = in_json("{'message':{'text':'x'}}");

	telegram_take(&stage->bot, update, NULL, NULL, 0);
	json_decref(update);
	assert_int_equal(telegram_inbound_owed(stage->bot.inbound), 1);
	assert_int_equal(stage->count, 0);
}

static void nothing_is_taken_while_it_cant_be(void **state)
{
	struct in_stage *stage = *state;

	stage->bot.disabled = true;
	in_private(stage, 1, "one", "");
	in_pass(stage, 0);
	in_was(stage, 1, TELEGRAM_LATER);
	stage->bot.disabled = false;
	in_private(stage, 1, "one", "");
	in_private(stage, 2, "two", "");
	stage->bot.stopping = true;
	in_ack(stage, 0, ACK_STORED);
	in_was(stage, 2, TELEGRAM_LATER); /* what waited is not begun any more */
	assert_int_equal(stage->count, 1);
	assert_int_equal(telegram_inbound_owed(stage->bot.inbound), 0);
	assert_true(stage->settles > 0);
}

/* The core may still owe answers when the bot ends. */
static void what_is_open_is_let_go(void **state)
{
	struct in_stage *stage = *state;

	in_private(stage, 1, "one", "");
	in_private(stage, 2, "two", "");
	in_take(stage, 3, "'poll':{'id':'x'}");
	in_group(stage, 4, "lunch?", "");
	assert_int_equal(telegram_inbound_owed(stage->bot.inbound), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_private_message_is_handed_over),
		TEST(a_repeated_update_is_passed),
		TEST(groups_when_addressed),
		TEST(groups_by_the_setting),
		TEST(topics_are_conversations),
		TEST(commands),
		TEST(commands_in_groups),
		TEST(link_codes_go_to_the_private_chat),
		TEST(old_commands_are_not_carried_out),
		TEST(bots_are_dropped_unless_wanted),
		TEST(anonymous_admins_and_channels),
		TEST(channel_posts_by_the_setting),
		TEST(quotes_stand_in_front),
		TEST(files_of_every_kind),
		TEST(things_without_words),
		TEST(edits_change_what_was_said),
		TEST(a_chat_is_kept_in_order),
		TEST(the_cursor_passes_nothing_that_is_open),
		TEST(webhooks_keep_no_cursor),
		TEST(a_poison_update_is_kept_and_passed),
		TEST(an_update_without_its_number_is_passed),
		TEST(nothing_is_taken_while_it_cant_be),
		TEST(what_is_open_is_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
