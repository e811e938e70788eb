/* Where interactions happen (sheet 10.1), and what is pressed (sheet 16): each in its own conversation, from its own user. */
#include "stage_inter.h"

#define ASK                                                                                                  \
	"'type':2,'data':{'id':'1','name':'ask','type':1,'options':[{'type':3,'name':'prompt','value':'Why?" \
	"'}]}"
#define HEAD   "'id':'" INTER_ID "','token':'tok-1','channel_id':'50',"
#define MEMBER "'member':{'user':{'id':'60','username':'ann'}},"

/* ---- conversations -------------------------------------------------------------------------------------------------- */

static void conversations(void **state)
{
	static const struct {
		const char *what, *conversation;
		unsigned flags;
	} cases[] = {
		{ INTER_GUILD ASK, "50/60", 0 },
		{ INTER_DIRECT ASK, "51", 0 },
		/* an older form, that says no context */
		{ HEAD "'user':{'id':'60'}," ASK, "50", 0 },
		/* a thread is one conversation of all who speak in it */
		{ HEAD MEMBER "'guild_id':'40','context':0,'channel':{'id':'50','type':11}," ASK, "50",
		  INCOMING_JOINED },
		/* ... unless the bot itself is not there: everybody brought us along for themselves */
		{ HEAD MEMBER "'guild_id':'40','context':0,'authorizing_integration_owners':{'1':'60'},"
			      "'channel':{'id':'50','type':11}," ASK,
		  "50/60", 0 },
		{ HEAD "'user':{'id':'60'},'context':2,'authorizing_integration_owners':{'1':'60'}," ASK,
		  "50/60", 0 },
		{ HEAD "'user':{'id':'60'},'channel':{'id':'50','type':3}," ASK, "50/60", 0 },
	};
	struct inter_stage *stage = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		inter_http(stage, cases[i].what);
		assert_string_equal(inter_only(stage, i)->conversation, cases[i].conversation);
		assert_int_equal(stage->messages[i].flags, INCOMING_ALONE | cases[i].flags);
		assert_string_equal(stage->messages[i].sender, "60");
	}
}

/* A thread that is only known by its id; once it is stored, what follows there is for us without our name. */
static void a_thread_that_we_know(void **state)
{
	struct inter_stage *stage = *state;

	stage->channel = (struct discord_channel){ .id = 50, .guild = 40, .type = 12 };
	inter_http(stage, HEAD MEMBER "'guild_id':'40'," ASK);
	assert_string_equal(inter_only(stage, 0)->conversation, "50");
	assert_true(stage->followed == 0);
	inter_ack(stage, inter_only(stage, 0), ACK_STORED, MESSAGE_ACCEPTED);
	assert_true(stage->followed == 50);
}

static void a_plain_channel_is_not_followed(void **state)
{
	struct inter_stage *stage = *state;

	inter_http(stage, INTER_GUILD ASK);
	inter_ack(stage, inter_only(stage, 0), ACK_STORED, MESSAGE_ACCEPTED);
	assert_true(stage->followed == 0);
}

/* ---- who (sheet 10.1, 17) --------------------------------------------------------------------------------------------- */

static void the_user_of_both_forms(void **state)
{
	static const struct {
		const char *who, *sender, *name;
	} cases[] = {
		{ "'guild_id':'40','member':{'nick':'N','user':{'id':'7','global_name':'G','username':'u'}},",
		  "7", "N" },
		{ "'guild_id':'40','member':{'nick':null,'user':{'id':'7','global_name':'G'}},", "7", "G" },
		{ "'user':{'id':'18446744073709551615','username':'u'},", "18446744073709551615", "u" },
		{ "'user':{'id':'9007199254740993','global_name':'a\\nb'},", "9007199254740993", "a b" },
	};
	struct inter_stage *stage = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *what = mem_format(HEAD "%s" ASK, cases[i].who);

		inter_http(stage, what);
		assert_string_equal(inter_only(stage, i)->sender, cases[i].sender);
		assert_string_equal(stage->messages[i].sender_name, cases[i].name);
		free(what);
	}
}

static void what_is_no_interaction(void **state)
{
	static const char *const cases[] = {
		"",
		"'type':2",
		"'type':'2','id':'1'",
		"'id':'0','token':'t','channel_id':'50','user':{'id':'60'}," ASK,
		"'id':'x','token':'t','channel_id':'50','user':{'id':'60'}," ASK,
		"'id':'1','channel_id':'50','user':{'id':'60'}," ASK,
		"'id':'1','token':'','channel_id':'50','user':{'id':'60'}," ASK,
		"'id':'1','token':'a/../b','channel_id':'50','user':{'id':'60'}," ASK,
		"'id':'1','token':'a?b','channel_id':'50','user':{'id':'60'}," ASK,
		"'id':'1','token':'a%2fb','channel_id':'50','user':{'id':'60'}," ASK,
		"'id':'1','token':'..','channel_id':'50','user':{'id':'60'}," ASK,
		"'id':'1','token':'t','user':{'id':'60'}," ASK,
		"'id':'1','token':'t','channel_id':'50','member':{'nick':'x'}," ASK,
	};
	struct inter_stage *stage = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(inter_http(stage, cases[i]));
		assert_int_equal(stage->told, 0);
		inter_gateway(stage, cases[i]);
		assert_int_equal(stage->told, 1);
		assert_non_null(stage->response); /* it is let go, or it would come for ever */
	}
	assert_int_equal(stage->count + stage->call_count, 0);
}

static void a_token_of_any_length(void **state)
{
	struct inter_stage *stage = *state;
	char token[INTERACTION_TOKEN_MAX + 2], *what;

	memset(token, 'A', sizeof(token));
	token[INTERACTION_TOKEN_MAX + 1] = '\0';
	what = mem_format("'id':'1','token':'%s','channel_id':'50','user':{'id':'60'}," ASK, token);
	assert_false(inter_http(stage, what));
	free(what);
	what = mem_format("'id':'1','token':'%s','channel_id':'50','user':{'id':'60'}," ASK, token + 1);
	assert_true(inter_http(stage, what));
	assert_int_equal(stage->count, 1);
	free(what);
}

static void a_ping_gets_a_pong(void **state)
{
	struct inter_stage *stage = *state;

	assert_true(inter_http(stage, "'application_id':'1','id':'2','token':'t','type':1,'version':1"));
	assert_int_equal(inter_type(stage), DISCORD_PONG);
	assert_int_equal(json_object_size(stage->response), 1);
}

static void of_another_application(void **state)
{
	static const char foreign[] = "'id':'1','token':'t','application_id':'71','channel_id':'50',"
				      "'user':{'id':'60'}," ASK;
	struct inter_stage *stage = *state;

	assert_false(inter_http(stage, foreign));
	inter_gateway(stage, foreign);
	assert_int_equal(stage->told, 1); /* let go, not asked for again */
	assert_int_equal(stage->count + stage->call_count, 0);
	stage->bot.app_id = 0; /* not known yet */
	assert_true(inter_http(stage, foreign));
	assert_int_equal(stage->count, 1);
}

/* ---- where we are not to answer ----------------------------------------------------------------------------------------- */

static void closed_places(void **state)
{
	struct inter_stage *stage = *state;

	stage->off = 40;
	inter_http(stage, INTER_GUILD ASK);
	assert_int_equal(inter_type(stage), DISCORD_MESSAGE);
	assert_true(inter_whispers(stage->response));
	stage->off = 41;
	stage->bot.config.guilds = DISCORD_NEVER;
	inter_http(stage, INTER_GUILD ASK);
	assert_int_equal(inter_type(stage), DISCORD_MESSAGE);
	assert_int_equal(stage->count, 0);
	inter_http(stage, INTER_DIRECT ASK);
	assert_int_equal(stage->count, 1);
	stage->bot.disabled = true;
	inter_http(stage, INTER_DIRECT ASK);
	assert_null(stage->response);
	stage->bot.disabled = false;
	stage->bot.dead = true;
	inter_http(stage, INTER_DIRECT ASK);
	assert_null(stage->response);
	assert_int_equal(stage->count, 1);
}

/* ---- presses ------------------------------------------------------------------------------------------------------------ */

#define PRESS(id)                                                                                            \
	INTER_GUILD "'type':3,'message':{'id':'99'},'data':{'component_type':2,'custom_id':'" id "'}"

static void presses(void **state)
{
	struct inter_stage *stage = *state;
	const struct inter_message *message;

	inter_http(stage, PRESS("say/approve ABC-123"));
	message = inter_only(stage, 0);
	assert_int_equal(message->kind, INCOMING_SAID);
	assert_int_equal(message->flags, INCOMING_COMMAND | INCOMING_ALONE);
	assert_string_equal(message->sender, "60"); /* who pressed, whoever was answered */
	assert_string_equal(message->conversation, "50/60");
	assert_string_equal(message->text, "approve ABC-123");
	assert_null(message->token); /* the message with the button is no answer to this */
	assert_int_equal(stage->told, 0);
	inter_ack(stage, message, ACK_STORED, MESSAGE_ACCEPTED);
	assert_int_equal(inter_type(stage), DISCORD_SILENT);
	inter_http(stage, PRESS("say/approve ABC-123"));
	inter_ack(stage, inter_only(stage, 1), ACK_BEFORE, MESSAGE_IGNORED);
	assert_int_equal(inter_type(stage), DISCORD_SILENT);
}

/* Anybody can send anything as custom_id. */
static void presses_of_nothing(void **state)
{
	static const char *const cases[] = { PRESS(""), PRESS("stop"), PRESS("up/1"), PRESS("say"),
					     PRESS("say/") };
	struct inter_stage *stage = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		inter_http(stage, cases[i]);
		assert_int_equal(inter_type(stage), DISCORD_MESSAGE);
		assert_true(inter_whispers(stage->response));
	}
	assert_int_equal(stage->count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, inter_setup, inter_teardown)
	const struct CMUnitTest tests[] = {
		TEST(conversations),
		TEST(a_thread_that_we_know),
		TEST(a_plain_channel_is_not_followed),
		TEST(the_user_of_both_forms),
		TEST(what_is_no_interaction),
		TEST(a_token_of_any_length),
		TEST(a_ping_gets_a_pong),
		TEST(of_another_application),
		TEST(closed_places),
		TEST(presses),
		TEST(presses_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
