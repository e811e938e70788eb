/* Who is let in, who is told no, and where their messages go. */
#include "asking.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_case(void **state)
{
	*state = asking_create();
	asking_know(*state, "ann");
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

/* A stranger's message is kept while we think about them, and answered once they are let in. */
static void stranger_is_admitted(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("zoe", "room", "k1", "May I?"), again = says("zoe", "room", "k2", "Hello?");
	const struct store_accepted *got = ask_accept(a, &in, true), *in2;

	in.sender_name = "Zoe";
	assert_int_equal(got->how, ACCEPT_NEW);
	assert_int_equal(got->state, MESSAGE_ACCEPTED);
	assert_null(got->speaker);
	assert_null(got->turn);
	assert_int_equal(got->conversation_id, 0);

	got = ask_admit(a, got->inbox_id, true);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_int_equal(got->state, MESSAGE_CLAIMED);
	assert_int_equal(got->speaker->role, ROLE_MEMBER);
	assert_true(got->speaker->active);
	assert_string_equal(got->turn->text, "May I?");
	assert_string_equal(got->turn->speaker.org_id, ROOM_DEFAULT_ORG);

	in2 = ask_accept(a, &again, true);
	assert_string_equal(in2->speaker->profile_id, got->speaker->profile_id);
	assert_int_equal(in2->conversation_id, got->conversation_id);
	assert_null(ask_admit(a, got->inbox_id, true));
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_null(ask_admit(a, 4711, true));
	assert_int_equal(a->err.kind, ERR_GONE);
	assert_string_equal(answer_with(a, got->turn->id, "Sure", true)->next->text, "Hello?");
}

/* Two messages before the decision: one person, one conversation. */
static void stranger_speaks_twice(void **state)
{
	struct asking *a = *state;
	struct incoming one = says("zoe", "room", "k1", "one"), two = says("zoe", "room", "k2", "two");
	int64_t first = ask_accept(a, &one, true)->inbox_id, second = ask_accept(a, &two, true)->inbox_id;
	const struct store_accepted *got = ask_admit(a, first, true);

	assert_null(ask_admit(a, second, true)->turn);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM user_profiles WHERE display_name = 'zoe'"), 1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMConversation\""), 1);
	assert_string_equal(answer_with(a, got->turn->id, "1", true)->next->text, "two");
}

/* A stranger learns how to be let in, at most three codes at a time, and the message ends. */
static void stranger_gets_codes(void **state)
{
	struct asking *a = *state;
	char key[16], code[24];

	for (int i = 0; i < 4; i++) {
		struct store_refusal refusal = { .reason = "pairing",
						 .notice = "Your code",
						 .full_notice = "Ask the operator",
						 .code = code };
		const struct asked_refusal *told;
		struct incoming in;

		snprintf(key, sizeof(key), "k%d", i);
		snprintf(code, sizeof(code), "ABCD000%d", i);
		in = says("zoe", "room", key, "Hi");
		refusal.inbox_id = ask_accept(a, &in, true)->inbox_id;
		told = ask_refuse(a, &refusal);
		assert_int_equal(a->err.kind, ERR_NONE);
		assert_string_equal(told->ended->text, i < 3 ? "Your code" : "Ask the operator");
		assert_int_equal(told->ended->state, MESSAGE_REFUSED);
		assert_string_equal(told->ended->reason, "pairing");
		assert_string_equal(told->reply->out.delivery_keys[0], key);
		assert_string_equal(told->reply->out.reply_to, "https://reply");
		assert_int_equal(told->reply->conversation_id, 0);
		ask_refuse(a, &refusal);
		assert_int_equal(a->err.kind, ERR_REFUSED);
	}
	assert_int_equal(asking_int(a, "SELECT count(*) FROM pairing_codes WHERE state = 'pending'"), 3);
	asking_sql(a, "UPDATE pairing_codes SET expires_at = '2020-01-01T00:00:00.000Z'");
	strcpy(key, "k9");
	{
		struct incoming in = says("zoe", "room", key, "Hi");
		struct store_refusal refusal = { .reason = "pairing",
						 .notice = "Your code",
						 .code = "WXYZ0000" };

		refusal.inbox_id = ask_accept(a, &in, true)->inbox_id;
		assert_string_equal(ask_refuse(a, &refusal)->ended->text, "Your code");
	}
	assert_int_equal(asking_int(a, "SELECT count(*) FROM pairing_codes WHERE state = 'pending'"), 1);
}

/* Silence is possible too: nothing is sent to somebody we were told to ignore. */
static void refused_without_a_word(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("zoe", "room", "k1", "Hi");
	struct store_refusal refusal = { .reason = "stranger" };
	const struct store_accepted *got = ask_accept(a, &in, true);

	refusal.inbox_id = got->inbox_id;
	assert_null(ask_refuse(a, &refusal)->reply);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox"), 0);
	assert_string_equal(ask_look(a, got->uuid)->reason, "stranger");
}

/* Somebody switched off is recognised, and not answered by the model. */
static void switched_off(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "Hi"), key = says("key/1", NULL, "k2", "Hi");
	const struct store_accepted *got;

	asking_sql(a, "UPDATE user_profiles SET status = 'disabled'");
	got = ask_accept(a, &in, true);
	assert_int_equal(got->how, ACCEPT_NEW);
	assert_false(got->speaker->active);
	assert_null(got->turn);
	assert_int_equal(got->conversation_id, 0);
	assert_null(ask_admit(a, got->inbox_id, true));
	assert_int_equal(a->err.kind, ERR_REFUSED);

	key.profile = asking_text(a, "SELECT id FROM user_profiles");
	assert_int_equal(ask_accept(a, &key, true)->how, ACCEPT_DISABLED);
	key.profile = "00000000-0000-7000-8000-0000000000ff";
	assert_int_equal(ask_accept(a, &key, true)->how, ACCEPT_DISABLED);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox"), 1);
}

/* The chat endpoint names conversations by number: only one's own, and only those that are open. */
static void conversations_by_number(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("key/1", NULL, "k1", "Hi"), place;
	const struct store_accepted *got;
	int64_t id;

	asking_know(a, "bob");
	in.profile = asking_text(a, "SELECT id FROM user_profiles WHERE display_name = 'ann'");
	in.flags = INCOMING_NEW | INCOMING_ALONE;
	in.reply_to = NULL;
	got = ask_accept(a, &in, true);
	id = got->conversation_id;
	assert_null(answer_with(a, got->turn->id, "Hello", true)->reply); /* who asks fetches the answer */

	in.delivery_key = "k2";
	assert_int_not_equal(ask_accept(a, &in, true)->conversation_id, id);
	in.delivery_key = "k3";
	in.flags = INCOMING_ALONE;
	in.conversation_id = id;
	assert_int_equal(ask_accept(a, &in, true)->conversation_id, id);
	in.delivery_key = "k4";
	in.profile = asking_text(a, "SELECT id FROM user_profiles WHERE display_name = 'bob'");
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_NO_CONVERSATION);
	in.conversation_id = 4711;
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_NO_CONVERSATION);
	in.profile = asking_text(a, "SELECT id FROM user_profiles WHERE display_name = 'ann'");
	in.conversation_id = id;
	asking_sql(a, "UPDATE \"LLMConversation\" SET state = 'archived'");
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_ARCHIVED);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM inbox"), 3);

	/* A platform's place goes on in a new conversation. */
	place = says("ann", "room", "k5", "Hi");
	id = ask_accept(a, &place, true)->conversation_id;
	asking_sql(a, "UPDATE \"LLMConversation\" SET state = 'archived'");
	place.delivery_key = "k6";
	assert_int_not_equal(ask_accept(a, &place, true)->conversation_id, id);
}

/* "Start anew" holds for what comes after it too. */
static void fresh_conversation(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "Hi");
	int64_t old = ask_accept(a, &in, true)->conversation_id, fresh;

	in.delivery_key = "k2";
	in.flags = INCOMING_NEW;
	fresh = ask_accept(a, &in, true)->conversation_id;
	assert_int_not_equal(fresh, old);
	in.delivery_key = "k3";
	in.flags = 0;
	assert_int_equal(ask_accept(a, &in, true)->conversation_id, fresh);
}

/* What needs no answer is on record with its reason, and starts nothing. */
static void ignored_by_rule(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "k1", "not for us");
	const struct store_accepted *got;

	in.flags = INCOMING_IGNORE;
	got = ask_accept(a, &in, true);
	assert_int_equal(got->state, MESSAGE_IGNORED);
	assert_null(got->turn);
	assert_string_equal(asking_text(a, "SELECT state || ': ' || reason FROM inbox"),
			    "ignored: not for us");
	assert_int_equal(ask_accept(a, &in, true)->how, ACCEPT_BEFORE);
}

/* A message that is nothing but a file still gets a turn, and the file is on record. */
static void only_a_file(void **state)
{
	struct asking *a = *state;
	const struct message_file file = {
		.url = "https://files/1", .name = "a \"b\".pdf", .mime = "application/pdf", .size = 12
	};
	struct incoming in = says("ann", "room", "k1", "");
	const struct store_accepted *got;

	in.files = &file;
	in.file_count = 1;
	got = ask_accept(a, &in, true);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(got->turn->text, "(file: a \"b\".pdf)");
	assert_string_equal(asking_text(a, "SELECT json_extract(files, '$[0].name') FROM inbox"),
			    "a \"b\".pdf");
}

/* A title is cut at a character, not inside one. */
static void title_is_whole(void **state)
{
	struct asking *a = *state;
	char text[301];
	struct incoming in;

	for (size_t i = 0; i < 150; i++)
		memcpy(text + 2 * i, "\xc3\xa4", 2);
	text[300] = '\0';
	in = says("ann", "room", "k1", text);
	ask_accept(a, &in, true);
	assert_int_equal(asking_int(a, "SELECT length(title) FROM \"LLMConversation\""), 80);
	text[160] = '\0';
	assert_string_equal(asking_text(a, "SELECT title FROM \"LLMConversation\""), text);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(stranger_is_admitted),   CASE(stranger_speaks_twice), CASE(stranger_gets_codes),
		CASE(refused_without_a_word), CASE(switched_off),	   CASE(conversations_by_number),
		CASE(fresh_conversation),     CASE(ignored_by_rule),	   CASE(only_a_file),
		CASE(title_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
