/* Which messages are for us, and what the core is told of them (sheet 9.2). */
#include "mem.h"
#include "places.h"
#include "stage_take.h"
#include <inttypes.h>
#include <stdio.h>

static int open_stage(void **state)
{
	*state = take_open();
	return 0;
}

static int close_stage(void **state)
{
	take_close(*state);
	return 0;
}

static bool is_id(const char *text, snowflake id)
{
	char other[SNOWFLAKE_SIZE];

	return text && strcmp(text, snowflake_text(id, other)) == 0;
}

static void a_direct_message_is_handed_over(void **state)
{
	struct take_stage *stage = *state;
	const struct take_note *note;

	take_direct(stage, 7, "hello", "");
	note = take_only(stage, 0);
	take_waits(stage, 7); /* not before it is stored */
	assert_int_equal(note->kind, INCOMING_SAID);
	assert_int_equal(note->flags, 0); /* a stranger by the house's rule: never vouched for */
	assert_string_equal(note->text, "hello");
	assert_string_equal(note->sender, "5");
	assert_string_equal(note->sender_name, "Ann");
	assert_true(is_id(note->conversation, TAKE_DM));
	assert_true(is_id(note->semantic, take_id(7)));
	assert_true(strncmp(note->delivery, "m/", 2) == 0 && is_id(note->delivery + 2, take_id(7)));
	assert_true(strncmp(note->scope, "direct/", 7) == 0 && is_id(note->scope + 7, TAKE_DM));
	assert_true(is_id(note->cursor, take_id(7)));
	assert_int_equal(note->sent_ms, TAKE_NOW);
	assert_int_equal(stage->place.channel, TAKE_DM);
	assert_int_equal(stage->place.guild, 0);
	assert_int_equal(stage->place.message, take_id(7));
	assert_int_equal(stage->place.user, 5);
	assert_false(stage->place.open_thread);
	take_ack(stage, 0, ACK_STORED);
	take_was(stage, 7);
	assert_int_equal(stage->works, 1);
	assert_int_equal(discord_inbound_owed(stage->bot.inbound), 0);
	assert_true(strncmp(stage->cursor, "direct/", 7) == 0);
}

/* Pitfall 7: a resume replays; the store knows it by the same key. */
static void a_replayed_message_has_the_same_key(void **state)
{
	struct take_stage *stage = *state;

	take_direct(stage, 7, "hello", "");
	take_ack(stage, 0, ACK_STORED);
	take_again(stage, 7);
	take_direct(stage, 7, "hello", "");
	assert_string_equal(stage->notes[0].delivery, stage->notes[1].delivery);
	take_ack(stage, 1, ACK_BEFORE);
	take_was(stage, 7);
	assert_int_equal(stage->works, 1);
}

/* A busy guild must cost nothing: no question to the store, no call. */
static void guilds_when_addressed(void **state)
{
	struct take_stage *stage = *state;
	const struct take_note *note;

	take_in(stage, 1, TAKE_TEXT, "lunch?", "");
	take_dropped(stage, 0, 1);
	take_in(stage, 2, 4711, "in a channel that is not known", "");
	take_dropped(stage, 0, 2);
	take_in(stage, 3, TAKE_TEXT, "@everyone", ",'mention_everyone':true"); /* pitfall 18 */
	take_dropped(stage, 0, 3);
	assert_int_equal(stage->call_count, 0);
	take_in(stage, 4, TAKE_TEXT, "<@777> lunch?", MENTION);
	note = take_only(stage, 0);
	assert_string_equal(note->text, "lunch?");
	assert_int_equal(note->flags, 0);
	assert_true(strncmp(note->scope, "channel/", 8) == 0);
	assert_non_null(strchr(note->conversation, '/'));
	assert_string_equal(strchr(note->conversation, '/'), "/5");
	assert_int_equal(stage->place.guild, TAKE_GUILD);
	take_ack(stage, 0, ACK_STORED);
	take_in(stage, 5, TAKE_TEXT, "<@!777>", MENTION); /* our name and nothing else calls us */
	assert_string_equal(take_only(stage, 1)->text, "@usher");
}

static void replies_to_us(void **state)
{
	struct take_stage *stage = *state;

	take_in(stage, 1, TAKE_TEXT, "yes",
		",'type':19,'message_reference':{'message_id':'900'},'referenced_message':{'id':'900','"
		"content':"
		"'really?','author':{'id':'777'}}");
	assert_string_equal(take_only(stage, 0)->text, "> really?\n\nyes");
	take_ack(stage, 0, ACK_STORED);
	take_in(stage, 2, TAKE_TEXT, "yes",
		",'type':19,'message_reference':{'message_id':'901'},'referenced_message':{'id':'901','"
		"content':"
		"'really?','author':{'id':'6'}}");
	take_dropped(stage, 1, 2);
	/* null: deleted; absent: not loaded. Both are still messages. */
	take_in(stage, 3, TAKE_TEXT, "<@777> yes",
		",'type':19,'message_reference':{'message_id':'901'},'referenced_message':null" MENTION);
	assert_string_equal(take_only(stage, 1)->text, "yes");
	take_ack(stage, 1, ACK_STORED);
	take_in(stage, 4, TAKE_TEXT, "yes", ",'type':19,'message_reference':{'message_id':'902'}");
	take_dropped(stage, 2, 4);
	take_in(stage, 5, TAKE_TEXT, "ours", ",'author':{'id':'777'}");
	{
		char more[200];

		snprintf(more, sizeof(more), ",'type':19,'message_reference':{'message_id':'%" PRIu64 "'}",
			 take_id(5));
		take_in(stage, 6, TAKE_TEXT, "yes", more);
	}
	assert_string_equal(take_only(stage, 2)->text, "yes");
}

static void our_role_calls_us(void **state)
{
	struct take_stage *stage = *state;
	char role[200];

	snprintf(role, sizeof(role), "{'guild_id':'%" PRIu64 "','role':{'id':'31','tags':{'bot_id':'777'}}}",
		 TAKE_GUILD);
	take_event(stage, 1, "GUILD_ROLE_CREATE", role);
	take_in(stage, 2, TAKE_TEXT, "<@&31> hi", ",'mention_roles':['31']");
	assert_string_equal(take_only(stage, 0)->text, "hi");
	take_ack(stage, 0, ACK_STORED);
	take_in(stage, 3, TAKE_TEXT, "<@&32> hi", ",'mention_roles':['32']");
	take_dropped(stage, 1, 3);
	snprintf(role, sizeof(role), "{'guild_id':'%" PRIu64 "','role_id':'31'}", TAKE_GUILD);
	take_event(stage, 4, "GUILD_ROLE_DELETE", role);
	take_in(stage, 5, TAKE_TEXT, "<@&31> hi", ",'mention_roles':['31']");
	take_dropped(stage, 1, 5);
}

static void guilds_by_the_setting(void **state)
{
	struct take_stage *stage = *state;

	stage->bot.config.guilds = DISCORD_ALL;
	take_in(stage, 1, TAKE_TEXT, "lunch?", "");
	take_only(stage, 0);
	take_ack(stage, 0, ACK_STORED);
	stage->bot.config.guilds = DISCORD_NEVER;
	take_in(stage, 2, TAKE_TEXT, "<@777> lunch?", MENTION);
	take_dropped(stage, 1, 2);
	take_direct(stage, 3, "hello", "");
	take_only(stage, 1);
}

/* In a thread everybody talks with us together, without our name; others' threads are none of our business. */
static void threads_are_conversations(void **state)
{
	struct take_stage *stage = *state;
	const struct take_note *note;

	take_in(stage, 1, TAKE_THREAD, "hi", "");
	take_dropped(stage, 0, 1);
	take_in(stage, 2, TAKE_THREAD, "<@777> hi", MENTION);
	note = take_only(stage, 0);
	assert_true(is_id(note->conversation, TAKE_THREAD));
	assert_int_equal(note->flags, INCOMING_JOINED);
	take_ack(stage, 0, ACK_STORED);
	assert_true(discord_follows(stage->bot.places, TAKE_THREAD));
	take_in(stage, 3, TAKE_THREAD, "and more", "");
	note = take_only(stage, 1);
	assert_int_equal(note->flags, INCOMING_IF_PLACE);
	assert_true(is_id(note->conversation, TAKE_THREAD));
	take_ack(stage, 1, ACK_NOT_ADDRESSED);
	take_was(stage, 3);
	/* A channel that is no thread is not followed like one. */
	take_in(stage, 4, TAKE_TEXT, "<@777> hi", MENTION);
	take_ack(stage, 2, ACK_STORED);
	take_in(stage, 5, TAKE_TEXT, "lunch?", "");
	take_dropped(stage, 3, 5);
}

static void a_thread_of_ours_needs_no_name(void **state)
{
	struct take_stage *stage = *state;
	char d[300];

	snprintf(d, sizeof(d), "{'id':'44','type':11,'owner_id':'777','guild_id':'%" PRIu64 "'}", TAKE_GUILD);
	take_event(stage, 1, "THREAD_CREATE", d);
	take_was(stage, 1);
	take_in(stage, 2, 44, "go on", "");
	assert_int_equal(take_only(stage, 0)->flags, INCOMING_IF_PLACE);
	take_ack(stage, 0, ACK_STORED);
	take_event(stage, 3, "THREAD_DELETE", "{'id':'44'}");
	take_in(stage, 4, 44, "go on", "");
	take_dropped(stage, 1, 4);
}

/* Pitfalls 19, 20: the thread has the id of the message that it is made from. */
static void a_mention_opens_a_thread(void **state)
{
	struct take_stage *stage = *state;
	const struct take_note *note;

	stage->bot.config.threads = true;
	take_in(stage, 1, TAKE_TEXT, "<@777> # how *do* I?\\nmore", MENTION);
	note = take_only(stage, 0);
	assert_true(is_id(note->conversation, take_id(1)));
	assert_true(stage->place.open_thread);
	assert_int_equal(stage->place.channel, TAKE_TEXT);
	assert_string_equal(stage->place.thread_name, "how do I?");
	take_ack(stage, 0, ACK_STORED);
	assert_true(discord_follows(stage->bot.places, take_id(1)));
	take_in(stage, 2, TAKE_THREAD, "<@777> hi", MENTION);
	assert_false(stage->place.open_thread);
	discord_channel_learn(stage->bot.places,
			      &(struct discord_channel){ .id = 66, .guild = TAKE_GUILD, .type = 2 });
	take_in(stage, 3, 66, "<@777> hi", MENTION); /* the chat of a voice channel has none */
	assert_false(stage->place.open_thread);
	assert_string_equal(stage->notes[2].conversation, "66/5");
}

/* What decides about the conversation is asked for, in the channel's line, and only for messages to us. */
static void an_unknown_channel_is_asked_for(void **state)
{
	struct take_stage *stage = *state;
	json_t *body = quoted_json("{'id':'88','type':11,'name':'t'}");

	take_in(stage, 1, 88, "<@777> hi", MENTION);
	take_in(stage, 2, 88, "<@777> more", ",'channel_type':11" MENTION);
	assert_int_equal(stage->count, 0);
	assert_int_equal(stage->call_count, 1);
	assert_string_equal(stage->calls[0].path, "/channels/88");
	take_answer(stage, &(struct discord_answer){ .how = DISCORD_OK, .body = body });
	assert_string_equal(take_only(stage, 0)->conversation, "88");
	take_ack(stage, 0, ACK_STORED);
	assert_string_equal(take_only(stage, 1)->text, "more");
	take_ack(stage, 1, ACK_STORED);
	take_in(stage, 3, 89, "<@777> hi", MENTION);
	take_answer(stage, &(struct discord_answer){ .how = DISCORD_MAYBE, .why = "cut off" });
	assert_string_equal(take_only(stage, 2)->conversation, "89/5");
	json_decref(body);
}

static void authors_that_are_not_answered(void **state)
{
	struct take_stage *stage = *state;

	take_direct(stage, 1, "ours", ",'author':{'id':'777'},'nonce':'abcp'");
	take_dropped(stage, 0, 1);
	assert_string_equal(stage->nonce, "abcp"); /* a create whose answer was lost */
	assert_int_equal(stage->nonce_message, take_id(1));
	take_direct(stage, 2, "an answer to a command",
		    ",'author':{'id':'9'},'webhook_id':'778','application_id':'778'");
	take_dropped(stage, 0, 2);
	take_direct(stage, 3, "beep", ",'author':{'id':'9','bot':true}");
	take_dropped(stage, 0, 3);
	take_in(stage, 4, TAKE_TEXT, "<@777> hook", ",'author':{'id':'10'},'webhook_id':'10'" MENTION);
	take_dropped(stage, 0, 4);
	take_direct(stage, 5, "system", ",'author':{'id':'643945264868098049','system':true}");
	take_dropped(stage, 0, 5);
	take_direct(stage, 6, "pinned", ",'type':6");
	take_dropped(stage, 0, 6);
	take_direct(stage, 8, "starter", ",'type':21");
	take_dropped(stage, 0, 8);
	take_direct(stage, 9, "of a command", ",'type':20");
	take_dropped(stage, 0, 9);
	take_direct(stage, 10, "loading", ",'flags':128");
	take_dropped(stage, 0, 10);
	take_event(stage, 11, "MESSAGE_CREATE", "{'id':'x'}");
	take_dropped(stage, 0, 11);
}

/* Two bots that answer each other end; a person's word begins anew. */
static void bots_in_a_row(void **state)
{
	static const char bot[] = ",'author':{'id':'9','bot':true}" MENTION;
	struct take_stage *stage = *state;
	unsigned number = 1;
	size_t said;

	stage->bot.config.bots = true;
	for (; number <= DISCORD_BOT_TURNS_MAX; number++) {
		take_in(stage, number, TAKE_TEXT, "beep", bot);
		take_ack(stage, stage->count - 1, ACK_STORED);
		take_again(stage, number);
		take_in(stage, number, TAKE_TEXT, "beep", bot); /* replayed: counts once */
		take_ack(stage, stage->count - 1, ACK_BEFORE);
	}
	said = stage->count;
	assert_int_equal(said, 2 * DISCORD_BOT_TURNS_MAX);
	take_in(stage, number, TAKE_TEXT, "beep", ",'author':{'id':'10'},'webhook_id':'10'" MENTION);
	take_dropped(stage, said, number);
	take_in(stage, number + 1, TAKE_TEXT, "stop that", "");
	take_in(stage, number + 2, TAKE_TEXT, "beep", bot);
	take_only(stage, said);
}

static void command_is(struct take_stage *stage, const char *text, unsigned flags)
{
	const struct take_note *note = take_only(stage, stage->count - 1);

	assert_string_equal(note->text, text);
	assert_int_equal(note->flags, flags);
	take_ack(stage, stage->count - 1, ACK_STORED);
}

static void commands_in_words(void **state)
{
	enum { OURS = INCOMING_COMMAND | INCOMING_ALONE };
	struct take_stage *stage = *state;

	take_direct(stage, 1, "/help", "");
	command_is(stage, "help", OURS);
	take_direct(stage, 2, "/NEW", "");
	command_is(stage, "new", OURS | INCOMING_NEW);
	take_direct(stage, 3, "/link AB CD", "");
	command_is(stage, "link AB CD", OURS);
	take_direct(stage, 4, "/language de", "");
	command_is(stage, "language de", OURS);
	assert_int_equal(stage->works, 0); /* nobody waits for a model */
	take_direct(stage, 5, "/new what is new?", "");
	command_is(stage, "what is new?", INCOMING_NEW);
	take_direct(stage, 6, "/help me with this", "");
	command_is(stage, "/help me with this", 0);
	take_direct(stage, 8, "help", "");
	command_is(stage, "help", 0);
	take_in(stage, 9, TAKE_TEXT, "<@777> /link AB", MENTION); /* codes count where nobody reads along */
	command_is(stage, "help", OURS);
}

static void files(void **state)
{
	struct take_stage *stage = *state;
	const struct take_note *note;

	take_direct(stage, 1, "",
		    ",'attachments':[{'id':'91','filename':'../a\\nb.png','size':12,'content_type':'image/"
		    "png','url':"
		    "'https://cdn.discordapp.com/a?ex=1'},{'id':'92','url':''},{'filename':'no "
		    "id','url':'https://x/'}]");
	note = take_only(stage, 0);
	assert_int_equal(note->file_count, 1);
	assert_string_equal(note->file_name[0], ".._a_b.png");
	assert_string_equal(note->file_mime[0], "image/png");
	assert_non_null(strstr(note->file_url[0], "/91 https://cdn.discordapp.com/a?ex=1"));
}

/* Pitfall 26: the switch in the portal is off, and nothing of ours is wrong. */
static void bare_messages_are_not_stored(void **state)
{
	struct take_stage *stage = *state;

	discord_follow(stage->bot.places, TAKE_THREAD);
	take_in(stage, 1, TAKE_THREAD, "", ",'embeds':[],'attachments':[],'components':[]");
	take_dropped(stage, 0, 1);
	assert_true(stage->bot.inbound->hinted_ms > 0);
	take_direct(stage, 2, " ", "");
	take_dropped(stage, 0, 2);
}

static void what_is_read_again_is_late(void **state)
{
	struct take_stage *stage = *state;

	take_caught(stage, 1, TAKE_TEXT, "lunch?", "");
	assert_int_equal(stage->caught, 1);
	assert_false(stage->caught_ack);
	take_caught(stage, 2, TAKE_TEXT, "<@777> lunch?", MENTION);
	assert_int_equal(take_only(stage, 0)->flags, INCOMING_LATE);
	assert_int_equal(stage->place.guild, TAKE_GUILD); /* messages of the REST API name none */
	assert_int_equal(stage->caught, 1);
	take_ack(stage, 0, ACK_STORED);
	assert_int_equal(stage->caught, 2);
	assert_int_equal(stage->caught_how, ACK_STORED);
	stage->bot.config.bots = true;
	take_caught(stage, 3, TAKE_TEXT, "beep", ",'author':{'id':'9','bot':true}" MENTION);
	assert_int_equal(stage->caught, 3);
	stage->bot.stopping = true;
	take_caught(stage, 4, TAKE_TEXT, "<@777> lunch?", MENTION);
	assert_int_equal(stage->caught_how, ACK_BUSY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(a_direct_message_is_handed_over),
		TEST(a_replayed_message_has_the_same_key),
		TEST(guilds_when_addressed),
		TEST(replies_to_us),
		TEST(our_role_calls_us),
		TEST(guilds_by_the_setting),
		TEST(threads_are_conversations),
		TEST(a_thread_of_ours_needs_no_name),
		TEST(a_mention_opens_a_thread),
		TEST(an_unknown_channel_is_asked_for),
		TEST(authors_that_are_not_answered),
		TEST(bots_in_a_row),
		TEST(commands_in_words),
		TEST(files),
		TEST(bare_messages_are_not_stored),
		TEST(what_is_read_again_is_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
