/* Messages in one shape, and nothing else (sheet 9.1; pitfalls 21, 27). */
#include "mem.h"
#include "stage_take.h"

static json_t *decode(const char *text, bool edited, struct discord_decoded *out)
{
	json_t *message = quoted_json(text);

	discord_decode(message, 0, edited, out);
	return message;
}

#define HEAD "'id':'9007199254740993','channel_id':'9007199254740995'"
#define ANN  ",'author':{'id':'5','username':'ann'}"

static void is(const char *text, bool edited, enum discord_kind kind, const char *because)
{
	struct discord_decoded say;
	json_t *message = decode(text, edited, &say);

	assert_int_equal(say.kind, kind);
	if (because)
		assert_non_null(strstr(say.because, because));
	else
		assert_null(say.because);
	json_decref(message);
}

static void ids_keep_all_their_digits(void **state)
{
	struct discord_decoded say;
	json_t *message = decode("{" HEAD ANN ",'guild_id':'9007199254740997','content':'x'}", false, &say);

	(void)state;
	assert_true(say.id == UINT64_C(9007199254740993));
	assert_true(say.channel == UINT64_C(9007199254740995));
	assert_true(say.guild == UINT64_C(9007199254740997));
	assert_true(say.sent_ms == snowflake_ms(UINT64_C(9007199254740993)));
	json_decref(message);
}

static void kinds(void **state)
{
	(void)state;
	is("{" HEAD ANN "}", false, DISCORD_IS_SAID, NULL);
	is("{" HEAD ANN ",'type':19}", false, DISCORD_IS_SAID, NULL);
	is("{" HEAD ANN ",'type':7}", false, DISCORD_IS_NOTHING, "nothing that somebody said");
	is("{" HEAD ANN ",'type':23}", false, DISCORD_IS_NOTHING, "nothing that somebody said");
	is("{" HEAD ANN ",'flags':64}", false, DISCORD_IS_NOTHING, "an answer to a command");
	is("{" HEAD ",'author':{'id':'5','system':true}}", false, DISCORD_IS_NOTHING, "platform itself");
	is("{" HEAD "}", false, DISCORD_IS_MALFORMED, "author");
	is("{'id':'5'}", false, DISCORD_IS_MALFORMED, "channel");
	is("{'id':'-5','channel_id':'6'}", false, DISCORD_IS_MALFORMED, "id");
	is("[]", false, DISCORD_IS_MALFORMED, "id");
	is("{" HEAD ANN ",'content':'x','edited_timestamp':'2027-01-15T08:00:00.000000+00:00'}", true,
	   DISCORD_IS_EDITED, NULL);
	is("{" HEAD ANN ",'content':'x','edited_timestamp':null}", true, DISCORD_IS_NOTHING,
	   "not by its author");
	is("{" HEAD ANN ",'content':'x','edited_timestamp':'now; or never'}", true, DISCORD_IS_NOTHING,
	   "author");
	is("{" HEAD ANN ",'edited_timestamp':'2027-01-15T08:00:00.000000+00:00'}", true, DISCORD_IS_NOTHING,
	   "words");
	is("{" HEAD "}", true, DISCORD_IS_NOTHING, "author"); /* a partial update is no fault */
}

static void replies_and_forwards(void **state)
{
	struct discord_decoded say;
	json_t *message;

	(void)state;
	message =
		decode("{" HEAD ANN ",'type':19,'message_reference':{'message_id':'3'},'referenced_message':{"
		       "'author':{'id':'4'}}}",
		       false, &say);
	assert_int_equal(say.reply_to, 3);
	assert_int_equal(say.reply_author, 4);
	json_decref(message);
	message = decode("{" HEAD ANN ",'type':19,'message_reference':{'type':0,'message_id':'3'},"
			 "'referenced_message':null}",
			 false, &say);
	assert_int_equal(say.reply_to, 3);
	assert_int_equal(say.reply_author, 0);
	json_decref(message);
	message = decode("{" HEAD ANN
			 ",'message_reference':{'type':1,'message_id':'3'},'message_snapshots':[{'message':{"
			 "'content':'x'}}]}",
			 false, &say);
	assert_int_equal(say.reply_to, 0);
	assert_false(discord_is_bare(message));
	json_decref(message);
}

static void webhooks_speak_for_themselves(void **state)
{
	struct discord_decoded say;
	json_t *message =
		decode("{" HEAD ",'author':{'id':'5','username':'Deploy'},'webhook_id':'8'}", false, &say);

	(void)state;
	assert_true(say.is_bot);
	assert_int_equal(say.author, 8);
	assert_int_equal(say.webhook, 8);
	json_decref(message);
}

static void times(void **state)
{
	(void)state;
	assert_int_equal(discord_time_ms("2027-01-15T08:00:01.123456+00:00"), INT64_C(1800000001123));
	assert_int_equal(discord_time_ms("2027-01-15T10:00:01+02:00"), INT64_C(1800000001000));
	assert_int_equal(discord_time_ms("2027-01-15T08:00:01Z"), INT64_C(1800000001000));
	assert_int_equal(discord_time_ms("yesterday"), 0);
	assert_int_equal(discord_time_ms(NULL), 0);
}

static void names(void **state)
{
	json_t *user = quoted_json("{'username':'ann','global_name':'Ann\\nLee','id':'1'}");
	json_t *member = quoted_json("{'nick':'Boss'}"), *none = quoted_json("{'nick':null}");
	char name[MESSAGE_NAME_MAX + 1];

	(void)state;
	assert_true(discord_person(user, member, name));
	assert_string_equal(name, "Boss");
	assert_true(discord_person(user, none, name));
	assert_string_equal(name, "Ann Lee");
	json_object_del(user, "global_name");
	assert_true(discord_person(user, NULL, name));
	assert_string_equal(name, "ann");
	assert_false(discord_person(NULL, NULL, name));
	json_decref(user);
	json_decref(member);
	json_decref(none);
}

static void more_files_than_are_taken(void **state)
{
	json_t *message = quoted_json("{" HEAD ANN ",'attachments':[]}");
	struct arena *arena = arena_create();
	struct discord_decoded say;
	struct message_file *files;
	size_t left;

	(void)state;
	for (int i = 0; i < 23; i++)
		json_array_append_new(json_object_get(message, "attachments"),
				      json_pack("{s:s, s:s}", "id", "5", "url", "https://x/"));
	discord_decode(message, 0, false, &say);
	assert_int_equal(discord_files_of(&say, arena, &files, &left), MESSAGE_FILES_MAX);
	assert_int_equal(left, 3);
	assert_int_equal(files[0].size, -1);
	json_decref(message);
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_keep_all_their_digits),
		cmocka_unit_test(kinds),
		cmocka_unit_test(replies_and_forwards),
		cmocka_unit_test(webhooks_speak_for_themselves),
		cmocka_unit_test(times),
		cmocka_unit_test(names),
		cmocka_unit_test(more_files_than_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
