/* Interactions (sheet 10): what people ask by a command is stored before it is answered, in the right conversation, and
 * answered where they wait for it. */
#include "stage_inter.h"

#define ASK                                                                                                  \
	"'type':2,'data':{'id':'1','name':'ask','type':1,'options':[{'type':3,'name':'prompt','value':'Why?" \
	"'}]}"
#define WORD(name) "'type':2,'data':{'id':'1','name':'" name "','type':1}"
#define CALLBACK   "/interactions/" INTER_ID "/tok-1/callback"

/* ---- stored first ------------------------------------------------------------------------------------------------- */

static void a_question_is_stored_then_deferred(void **state)
{
	struct inter_stage *stage = *state;
	const struct inter_message *message;
	const struct inter_call *call;

	inter_gateway(stage, INTER_GUILD ASK);
	message = inter_only(stage, 0);
	assert_int_equal(stage->told, 0); /* nothing is said before the commit */
	assert_int_equal(stage->call_count, 0);
	assert_int_equal(discord_interact_owed(stage->bot.interactions), 1);
	assert_int_equal(message->kind, INCOMING_SAID);
	assert_int_equal(message->flags, INCOMING_ALONE);
	assert_string_equal(message->delivery, "i/" INTER_ID);
	assert_string_equal(message->sender, "60");
	assert_string_equal(message->sender_name, "Annie");
	assert_string_equal(message->conversation, "50/60");
	assert_string_equal(message->text, "Why?");
	assert_true(message->sent_ms == snowflake_ms(snowflake_parse(INTER_ID)));
	assert_string_equal(message->token, "tok-1");
	assert_true(message->place.guild == 40 && message->place.channel == 50 && message->place.user == 60);
	assert_true(message->place.message == 0 && message->place.made_ms == INTER_NOW);
	assert_false(message->place.whisper || message->place.open_thread);

	inter_ack(stage, message, ACK_STORED, MESSAGE_ACCEPTED);
	assert_int_equal(inter_type(stage), DISCORD_DEFERRED);
	call = inter_called(stage, "POST", CALLBACK);
	assert_true(call->no_token);
	assert_int_equal(json_int(call->args, "type", 0), DISCORD_DEFERRED);
	assert_false(inter_whispers(call->args));
	assert_int_equal(discord_interact_owed(stage->bot.interactions), 1);
	inter_answer(stage, inter_called(stage, "POST", CALLBACK),
		     &(struct discord_answer){ .how = DISCORD_OK });
	assert_int_equal(discord_interact_owed(stage->bot.interactions), 0);
	assert_int_equal(stage->settles, 2);
}

/* Over HTTP the response is that of the request: a second one would be refused. */
static void over_http_nothing_is_posted(void **state)
{
	struct inter_stage *stage = *state;

	assert_true(inter_http(stage, INTER_GUILD ASK));
	assert_int_equal(stage->told, 0);
	inter_ack(stage, inter_only(stage, 0), ACK_STORED, MESSAGE_ACCEPTED);
	assert_int_equal(inter_type(stage), DISCORD_DEFERRED);
	assert_int_equal(stage->call_count, 0);
}

/* It comes again, or the person is told by the platform: what is not stored is never answered. */
static void what_can_not_be_stored_comes_again(void **state)
{
	static const enum ack_how hows[] = { ACK_BUSY, ACK_FAILED };
	struct inter_stage *stage = *state;

	for (size_t i = 0; i < 2; i++) {
		inter_gateway(stage, INTER_GUILD ASK);
		inter_ack(stage, inter_only(stage, i), hows[i], MESSAGE_ACCEPTED);
		assert_int_equal(stage->told, 1);
		assert_null(stage->response);
		assert_int_equal(stage->call_count, 0);
	}
	stage->bot.stopping = true;
	inter_gateway(stage, INTER_GUILD ASK);
	assert_int_equal(stage->count, 2);
	assert_int_equal(stage->told, 1);
	assert_null(stage->response);
}

static void one_that_breaks_a_limit_is_told_so(void **state)
{
	struct inter_stage *stage = *state;

	inter_gateway(stage, INTER_GUILD ASK);
	inter_ack(stage, inter_only(stage, 0), ACK_INVALID, MESSAGE_ACCEPTED);
	assert_int_equal(inter_type(stage), DISCORD_MESSAGE);
	assert_string_equal(inter_words(stage), "I can't take this: a reason.");
	assert_true(inter_whispers(stage->response));
	inter_called(stage, "POST", CALLBACK);
}

/* A replay: deferred again while an answer is to come; one that was let go would wait for ever. */
static void one_that_comes_twice(void **state)
{
	struct inter_stage *stage = *state;

	inter_http(stage, INTER_GUILD ASK);
	inter_ack(stage, inter_only(stage, 0), ACK_BEFORE, MESSAGE_CLAIMED);
	assert_int_equal(inter_type(stage), DISCORD_DEFERRED);
	inter_http(stage, INTER_GUILD ASK);
	inter_ack(stage, inter_only(stage, 1), ACK_BEFORE, MESSAGE_ANSWERED);
	assert_int_equal(inter_type(stage),
			 DISCORD_DEFERRED); /* killed before: the answer still has to take its place */
	inter_http(stage, INTER_GUILD ASK);
	inter_ack(stage, inter_only(stage, 2), ACK_BEFORE, MESSAGE_IGNORED);
	assert_int_equal(inter_type(stage), DISCORD_MESSAGE);
	assert_true(inter_whispers(stage->response));
	assert_string_equal(stage->messages[0].delivery, stage->messages[1].delivery);
	assert_false(discord_interact_acked(&stage->bot, stage->messages[1].receipt,
					    &(struct ack){ .how = ACK_STORED })); /* somebody else's */
}

/* ---- the callback (sheet 10.3, pitfall 16) --------------------------------------------------------------------------- */

static struct inter_call *deferred(struct inter_stage *stage)
{
	inter_gateway(stage, INTER_GUILD ASK);
	inter_ack(stage, &stage->messages[stage->count - 1], ACK_STORED, MESSAGE_ACCEPTED);
	return inter_called(stage, "POST", CALLBACK);
}

static void what_is_over_is_not_repeated(void **state)
{
	static const struct discord_answer answers[] = {
		{ .how = DISCORD_REFUSED, .refusal = DISCORD_UNKNOWN_INTERACTION, .code = 10062, .why = "x" },
		{ .how = DISCORD_REFUSED, .refusal = DISCORD_ALREADY, .code = 40060, .why = "x" },
		{ .how = DISCORD_REFUSED, .code = 50035, .why = "x" },
		{ .how = DISCORD_AUTH },
	};
	struct inter_stage *stage = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		inter_answer(stage, deferred(stage), &answers[i]);
		assert_int_equal(inter_waiting(stage), 0);
		assert_int_equal(stage->call_count, i + 1);
	}
	assert_int_equal(discord_interact_owed(stage->bot.interactions), 0);
}

/* The second of two callbacks is refused, so one that may have arrived may be repeated; not after the platform gave up. */
static void a_lost_callback_is_repeated_in_time(void **state)
{
	struct inter_stage *stage = *state;
	struct discord_answer maybe = { .how = DISCORD_MAYBE, .why = "cut off" };

	inter_answer(stage, deferred(stage), &maybe);
	inter_answer(stage, inter_called(stage, "POST", CALLBACK), &maybe);
	inter_answer(stage, inter_called(stage, "POST", CALLBACK), &maybe);
	assert_int_equal(inter_waiting(stage), 0);
	assert_int_equal(stage->call_count, 3);

	deferred(stage);
	stage_loop_pass(3000);
	inter_answer(stage, inter_called(stage, "POST", CALLBACK), &maybe);
	assert_int_equal(inter_waiting(stage), 0);
}

static void ends_with_callbacks_under_way(void **state)
{
	struct inter_stage *stage = *state;

	deferred(stage);
	inter_gateway(stage, INTER_GUILD ASK);
	discord_interact_forget(&stage->bot, stage);
	inter_ack(stage, &stage->messages[1], ACK_STORED, MESSAGE_ACCEPTED);
	assert_int_equal(stage->told, 0); /* forgotten, and answered all the same */
	assert_int_equal(inter_waiting(stage), 2);
	inter_gateway(stage, INTER_GUILD ASK);
	discord_interactions_destroy(stage->bot.interactions);
	assert_int_equal(inter_waiting(stage), 0);
	stage->bot.interactions = discord_interactions_create(&stage->bot);
}

/* ---- commands ------------------------------------------------------------------------------------------------------ */

static void commands_of_ours(void **state)
{
	static const struct {
		const char *what, *text;
		bool whisper, renews;
	} cases[] = {
		{ INTER_GUILD WORD("new"), "new", false, true },
		{ INTER_GUILD WORD("help"), "help", true, false },
		{ INTER_GUILD WORD("usage"), "usage", true, false },
		{ INTER_GUILD WORD("link"), "link", true, false },
		{ INTER_GUILD "'type':2,'data':{'name':'link','type':1,'options':[{'type':3,'name':'code',"
			      "'value':' ABCD\\n2345 '}]}",
		  "link ABCD 2345", true, false },
		{ INTER_DIRECT
		  "'type':2,'data':{'name':'language','type':1,'options':[{'type':3,'name':'code',"
		  "'value':'de'}]}",
		  "language de", true, false },
	};
	struct inter_stage *stage = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct inter_message *message;

		inter_http(stage, cases[i].what);
		message = inter_only(stage, i);
		assert_string_equal(message->text, cases[i].text);
		assert_int_equal(message->flags,
				 INCOMING_COMMAND | INCOMING_ALONE | (cases[i].renews ? INCOMING_NEW : 0));
		assert_int_equal(message->place.whisper, cases[i].whisper);
		assert_string_equal(message->token, "tok-1");
		inter_ack(stage, message, ACK_STORED, MESSAGE_ACCEPTED);
		assert_int_equal(inter_type(stage), DISCORD_DEFERRED);
		assert_int_equal(inter_whispers(stage->response), cases[i].whisper);
	}
}

/* Commands of an earlier version, options that nobody made: answered, and nothing of it is stored. */
static void what_is_answered_at_once(void **state)
{
	static const struct {
		const char *what;
		enum discord_response type;
	} cases[] = {
		{ INTER_GUILD WORD("gone"), DISCORD_MESSAGE },
		{ INTER_GUILD WORD("ask"), DISCORD_MESSAGE },
		{ INTER_GUILD "'type':2,'data':{'name':'ask','type':1,'options':[{'type':3,'name':'prompt',"
			      "'value':' \\n'}]}",
		  DISCORD_MESSAGE },
		{ INTER_GUILD "'type':2,'data':{'name':'ask','type':1,'options':{'prompt':7}}",
		  DISCORD_MESSAGE },
		{ INTER_GUILD "'type':2,'data':{'name':'someone','type':2,'target_id':'60'}",
		  DISCORD_MESSAGE },
		{ INTER_GUILD "'type':2,'data':{'type':1}", DISCORD_MESSAGE },
		{ INTER_GUILD "'type':3,'data':{'component_type':2}", DISCORD_MESSAGE },
		{ INTER_GUILD "'type':4,'data':{'name':'ask','type':1,'options':[{'type':3,'name':'prompt',"
			      "'value':'W','focused':true}]}",
		  DISCORD_CHOICES },
		{ INTER_GUILD "'type':5,'data':{'custom_id':'form','components':[]}", DISCORD_MESSAGE },
		{ INTER_GUILD "'type':99,'data':{}", DISCORD_MESSAGE },
	};
	struct inter_stage *stage = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		inter_gateway(stage, cases[i].what);
		assert_int_equal(inter_type(stage), cases[i].type);
		if (cases[i].type == DISCORD_MESSAGE)
			assert_true(inter_whispers(stage->response));
		else
			assert_int_equal(json_array_size(json_object_get(
						 json_object_get(stage->response, "data"), "choices")),
					 0);
		inter_answer(stage, inter_called(stage, "POST", CALLBACK),
			     &(struct discord_answer){ .how = DISCORD_OK });
	}
	assert_int_equal(stage->count, 0);
}

static void files_of_options(void **state)
{
	struct inter_stage *stage = *state;
	const struct inter_message *message;

	inter_http(stage, INTER_GUILD
		   "'type':2,'data':{'name':'ask','type':1,'options':[{'type':3,'name':'prompt','value':''},"
		   "{'type':11,'name':'file','value':'90'}],'resolved':{'attachments':{'90':{'id':'90',"
		   "'filename':'a.png','content_type':'image/png','size':12,'url':'https://cdn/a.png?ex=1'},"
		   "'91':{'id':'91','filename':'other','size':1,'url':'https://cdn/b'}}}}");
	message = inter_only(stage, 0);
	assert_int_equal(message->file_count, 1); /* the one that was chosen, and it needs no words */
	assert_string_equal(message->file_url, "50/0/90 https://cdn/a.png?ex=1");
	assert_string_equal(message->file_name, "a.png");
	assert_string_equal(message->text, "");
}

/* ---- the message command ---------------------------------------------------------------------------------------------- */

#define ABOUT(message)                                                                                       \
	"'type':2,'data':{'id':'1','name':'Ask "                                                             \
	"usher','type':3,'target_id':'80','resolved':{'messages':{'80':"                                     \
	"{'id':'80','channel_id':'50','author':{'id':'61','global_name':'Bob'}," message "}}}}"

static void asked_about_a_message(void **state)
{
	struct inter_stage *stage = *state;
	const struct inter_message *message;

	inter_http(stage, INTER_GUILD ABOUT("'content':'one\\ntwo'"));
	message = inter_only(stage, 0);
	assert_string_equal(message->text, "About this message from Bob:\n> one\n> two\n");
	assert_string_equal(message->sender, "60"); /* not who wrote it */
	assert_true(message->place.message == 80 && message->place.user == 60);
	assert_int_equal(message->flags, INCOMING_ALONE);
	inter_http(stage, INTER_GUILD ABOUT("'content':'','attachments':[{'id':'91','filename':'b','size':1,"
					    "'url':'https://cdn/b'}]"));
	assert_int_equal(inter_only(stage, 1)->file_count, 1);
	assert_string_equal(inter_only(stage, 1)->file_url, "50/80/91 https://cdn/b");
	inter_http(stage, INTER_GUILD ABOUT("'content':''"));
	assert_int_equal(stage->count, 2);
	assert_int_equal(inter_type(stage), DISCORD_MESSAGE);
	inter_http(stage, INTER_GUILD "'type':2,'data':{'name':'Ask usher','type':3,'target_id':'80'}");
	assert_int_equal(inter_type(stage), DISCORD_MESSAGE);
}

static void a_long_message_is_cut(void **state)
{
	struct inter_stage *stage = *state;
	char *lines = mem_alloc(60001), *what;

	for (size_t i = 0; i < 60000; i += 4)
		memcpy(lines + i, "x\\n", 4);
	for (size_t i = 3; i < 60000; i += 4)
		lines[i] = 'y';
	lines[60000] = '\0';
	what = mem_format(INTER_GUILD ABOUT("'content':'%s%s'"), lines, lines);
	inter_http(stage, what);
	assert_non_null(strstr(inter_only(stage, 0)->text, "cut off"));
	free(what);
	free(lines);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, inter_setup, inter_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_question_is_stored_then_deferred),
		TEST(over_http_nothing_is_posted),
		TEST(what_can_not_be_stored_comes_again),
		TEST(one_that_breaks_a_limit_is_told_so),
		TEST(one_that_comes_twice),
		TEST(what_is_over_is_not_repeated),
		TEST(a_lost_callback_is_repeated_in_time),
		TEST(ends_with_callbacks_under_way),
		TEST(commands_of_ours),
		TEST(what_is_answered_at_once),
		TEST(files_of_options),
		TEST(asked_about_a_message),
		TEST(a_long_message_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
