/* Strangers with a code, what stands for a reply, and the language somebody asked for. */
#include "asking.h"
#include "crypto.h"
#include "store_people.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOOD "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BAD  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	asking_sql(a, "UPDATE user_profiles SET role = 'owner' WHERE display_name = 'ann'");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

static void on_act(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct asking *a = owner;

	(void)ticket;
	a->err = *err;
	a->got = arena_text(a->room, json);
	if (--a->waiting == 0)
		io_stop(a->io);
}

static const char *act(struct asking *a, const char *name, const char *one, const char *two)
{
	const char *args[] = { one, two };

	a->waiting++;
	store_act(a->store, name, args, two ? 2 : 1, on_act, a, 1);
	asking_wait(a);
	return a->got;
}

static const char *ann(struct asking *a)
{
	return asking_text(a, "SELECT id FROM user_profiles WHERE display_name = 'ann'");
}

static const struct store_accepted *knock(struct asking *a, const char *sender, const char *key)
{
	struct incoming in = says(sender, "room", key, "link ABCD");

	in.flags = INCOMING_COMMAND;
	return ask_accept(a, &in, true);
}

static void on_accepted(void *owner, uint64_t ticket, const struct err *err, const struct store_accepted *got)
{
	struct asking *a = owner;

	(void)ticket;
	a->err = *err;
	a->got = copy_accepted(a->room, got);
	if (--a->waiting == 0)
		io_stop(a->io);
}

static const struct store_accepted *admit(struct asking *a, int64_t inbox_id, const char *code_hash)
{
	a->waiting++;
	store_admit(
		a->store,
		&(struct store_admission){ .inbox_id = inbox_id, .may_claim = true, .code_hash = code_hash },
		on_accepted, a, 1);
	asking_wait(a);
	return a->got;
}

static const struct asked_refusal *refuse(struct asking *a, int64_t inbox_id)
{
	char code[16];

	snprintf(code, sizeof(code), "C%lld", (long long)inbox_id);
	return ask_refuse(a, &(struct store_refusal){ .inbox_id = inbox_id,
						      .reason = "pairing",
						      .notice = "who are you?",
						      .code = code,
						      .full_notice = "enough",
						      .wrong_code = true });
}

/* The owner sets up a second platform: with the code from the terminal they are themselves there, at once. */
static void a_stranger_with_a_good_code_is_let_in(void **state)
{
	struct asking *a = *state;
	const struct store_accepted *got;

	act(a, "link_make", ann(a), GOOD);
	got = knock(a, "ann-abroad", "k1");
	assert_null(got->speaker);
	assert_string_equal(got->text, "link ABCD");
	got = admit(a, got->inbox_id, GOOD);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(got->speaker->profile_id, ann(a));
	assert_int_equal(got->state, MESSAGE_CLAIMED);
	assert_int_equal(got->turn->flags, INCOMING_COMMAND);
	assert_string_equal(got->turn->text, "link ABCD");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM user_profiles"), 1);
	assert_string_equal(asking_text(a, "SELECT used_by FROM link_codes"), "webhook/crm/ann-abroad");
	assert_null(admit(a, knock(a, "eve", "k2")->inbox_id, GOOD)); /* overheard */
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM platform_identities"), 2);
}

/* Said right behind the code, and looked at before the code had counted. */
static void what_follows_a_good_code_is_not_refused(void **state)
{
	struct asking *a = *state;
	int64_t id, behind;

	act(a, "link_make", ann(a), GOOD);
	id = knock(a, "ann-abroad", "k1")->inbox_id;
	behind = knock(a, "ann-abroad", "k2")->inbox_id;
	assert_non_null(admit(a, id, GOOD));
	assert_null(refuse(a, behind)->ended);
	assert_int_equal(a->err.kind, ERR_GONE);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM pairing_codes"), 0);
	assert_int_equal(admit(a, behind, NULL)->how, ACCEPT_NEW);
}

/* Killed anywhere in between: either nothing has happened and it is asked again, or all of it has. */
static void a_crash_leaves_all_or_nothing(void **state)
{
	struct asking *a = *state;
	const struct store_recovered *r;
	const struct store_accepted *got;

	act(a, "link_make", ann(a), GOOD);
	got = knock(a, "ann-abroad", "k1");
	asking_crash(a);
	r = ask_recover(a, NULL);
	assert_int_equal(r->unplaced_count, 1);
	assert_null(r->unplaced[0].speaker);
	assert_string_equal(r->unplaced[0].text, "link ABCD");
	assert_int_equal(r->unplaced[0].flags, INCOMING_COMMAND);
	got = admit(a, r->unplaced[0].inbox_id, GOOD);
	asking_crash(a);
	r = ask_recover(a, NULL);
	assert_int_equal(r->unplaced_count, 0);
	assert_int_equal(ask_claim(a, got->conversation_id)->flags, INCOMING_COMMAND);
	/* Taken away by the operator later: an old code does not bring it back. */
	asking_sql(a, "DELETE FROM platform_identities WHERE external_user_id = 'ann-abroad'");
	assert_null(admit(a, knock(a, "ann-abroad", "k2")->inbox_id, GOOD));
	assert_int_equal(a->err.kind, ERR_REFUSED);
}

/* Too old, of somebody who is switched off, of another organisation, or nobody's. */
static void codes_that_open_nothing(void **state)
{
	struct asking *a = *state;
	int64_t id = knock(a, "eve", "k1")->inbox_id;

	assert_null(admit(a, id, BAD));
	assert_int_equal(a->err.kind, ERR_GONE);
	act(a, "link_make", ann(a), GOOD);
	asking_sql(a, "UPDATE user_profiles SET status = 'disabled'");
	assert_null(admit(a, id, GOOD));
	asking_sql(a, "UPDATE user_profiles SET status = 'active';"
		      "UPDATE link_codes SET expires_at = '2020-01-01T00:00:00.000Z'");
	assert_null(admit(a, id, GOOD));
	asking_sql(
		a,
		"UPDATE link_codes SET expires_at = '2120-01-01T00:00:00.000Z';"
		"INSERT INTO organizations (id, name) VALUES ('00000000-0000-7000-8000-000000000002', 'o');"
		"UPDATE inbox SET org_id = '00000000-0000-7000-8000-000000000002' WHERE id = 1");
	assert_null(admit(a, id, GOOD));
	assert_int_equal(asking_int(a, "SELECT count(*) FROM platform_identities"), 1);
	assert_string_equal(asking_text(a, "SELECT state FROM inbox"), "accepted");
	asking_sql(a, "UPDATE inbox SET org_id = '00000000-0000-7000-8000-000000000001'");
	assert_non_null(admit(a, id, GOOD));
}

/* Whoever guesses gets five answers an hour, and after that not even a good code helps. */
static void guessing_ends_in_silence(void **state)
{
	struct asking *a = *state;
	const struct asked_refusal *told;
	char key[] = "k0";
	int64_t id;

	for (int i = 0; i < STORE_CODE_TRIES_MAX; i++) {
		key[1]++;
		id = knock(a, "eve", key)->inbox_id;
		assert_null(admit(a, id, BAD));
		told = refuse(a, id);
		assert_string_equal(told->ended->reason, "wrong code");
		assert_string_equal(told->reply->out.text, i < 3 ? "who are you?" : "enough");
	}
	act(a, "link_make", ann(a), GOOD);
	id = knock(a, "eve", "k6")->inbox_id;
	assert_null(admit(a, id, GOOD));
	assert_string_equal(a->err.text, "too many wrong codes");
	assert_null(refuse(a, id)->reply);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM pairing_codes"), 3);
	assert_non_null(admit(a, knock(a, "bob", "k7")->inbox_id, GOOD)); /* others are not held back */
	asking_sql(a, "UPDATE inbox SET received_at = '2020-01-01T00:00:00.000Z'");
	act(a, "link_make", ann(a), BAD);
	assert_non_null(admit(a, knock(a, "eve", "k8")->inbox_id, BAD)); /* an hour later */
}

/* A hundred guesses at once are not a hundred tries. */
static void a_burst_is_counted_too(void **state)
{
	struct asking *a = *state;
	int64_t ids[STORE_CODE_TRIES_MAX + 1];
	char key[] = "k0";

	act(a, "link_make", ann(a), GOOD);
	for (int i = 0; i <= STORE_CODE_TRIES_MAX; i++) {
		key[1]++;
		ids[i] = knock(a, "eve", key)->inbox_id;
	}
	assert_null(admit(a, ids[STORE_CODE_TRIES_MAX], GOOD));
	assert_string_equal(a->err.text, "too many wrong codes");
	assert_non_null(admit(a, ids[STORE_CODE_TRIES_MAX - 1], GOOD));
}

/* ---- what stands for a reply ------------------------------------------------------------------- */

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	on_act(owner, ticket, err, NULL);
}

static void hold(struct asking *a, int64_t reply_id, const char *remote_id)
{
	a->waiting++;
	store_hold(a->store, reply_id, remote_id, on_done, a, 1);
	asking_wait(a);
}

static const char *held(struct asking *a, int64_t *id_out)
{
	const struct asked_due *due = ask_due(a, 1);

	assert_int_equal(due->count, 1);
	*id_out = due->replies[0].id;
	return due->replies[0].out.remote_id;
}

/* The message that was posted for it is found again by every later attempt: there is never a second one. */
static void what_stands_for_a_reply_is_kept(void **state)
{
	static const char *const letter = "r1";
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "a", "hello");
	int64_t id = answer_with(a, ask_accept(a, &in, true)->turn->id, "x", true)->reply->id;

	ask_sent(a, id, REPLY_PENDING, clock_wall_ms() - 1);
	hold(a, id, "7"); /* the attempt has ended */
	assert_int_equal(a->err.kind, ERR_GONE);
	assert_null(held(a, &id));
	hold(a, id, "8");
	assert_int_equal(a->err.kind, ERR_NONE);
	ask_sent(a, id, REPLY_PENDING, clock_wall_ms() - 1);
	assert_string_equal(held(a, &id), "8");
	hold(a, id, "9"); /* the other one was gone */
	asking_crash(a);
	ask_recover(a, "webhook");
	assert_string_equal(held(a, &id), "9");
	ask_sent(a, id, REPLY_REJECTED, 0);
	act(a, "dead_letter_retry", letter, NULL);
	assert_string_equal(held(a, &id), "9");
	ask_sent(a, id, REPLY_SENT, 0);
	hold(a, id, "10");
	assert_int_equal(a->err.kind, ERR_GONE);
	assert_string_equal(asking_text(a, "SELECT remote_id FROM outbox"), "9");
}

/* ---- language ---------------------------------------------------------------------------------- */

/* Each person's own, in every conversation, from the next question on. */
static void a_language_is_recalled(void **state)
{
	struct asking *a = *state;
	struct incoming in = says("ann", "room", "a", "hello");
	const struct store_turn *turn = ask_accept(a, &in, true)->turn;

	assert_null(ask_recall(a, turn->conversation_id, turn->id, 4)->language);
	assert_string_equal(act(a, "language", ann(a), "PT-br"), "{\"language\":\"pt-BR\"}");
	assert_string_equal(ask_recall(a, turn->conversation_id, turn->id, 4)->language, "pt-BR");
	asking_sql(a, "INSERT INTO \"LLMSettings\" (id, \"companyId\", name, model) VALUES (1,"
		      " '00000000-0000-7000-8000-000000000001', 'x', 'm');"
		      "UPDATE \"LLMConversation\" SET \"llmSettingsId\" = 1");
	assert_string_equal(ask_recall(a, turn->conversation_id, turn->id, 4)->model, "m");
	assert_string_equal(ask_recall(a, turn->conversation_id, turn->id, 4)->language, "pt-BR");
	assert_string_equal(act(a, "language", ann(a), NULL), "{\"language\":null}");
	assert_null(ask_recall(a, turn->conversation_id, turn->id, 4)->language);
}

static void codes_of_languages(void **state)
{
	static const char *const good[][2] = { { "DE", "de" },
					       { "zh-hant-hk", "zh-Hant-HK" },
					       { "es-419", "es-419" },
					       { "sl-rozaj-1994", "sl-rozaj-1994" },
					       { "en-X-AB", "en-x-ab" } };
	static const char *const bad[] = { "",
					   "d",
					   "de-",
					   "-de",
					   "de--CH",
					   "d3",
					   "de_",
					   "german language",
					   "toolongword",
					   "de-toolongword",
					   "en-x",
					   "de\n",
					   "de-CH-de-CH-de-CH-de-CH-de-CH-de-CH1" };
	struct asking *a = *state;
	const char *who = ann(a);

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_non_null(act(a, "language", who, good[i][0]));
		assert_string_equal(asking_text(a, "SELECT language FROM user_profiles"), good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(act(a, "language", who, bad[i]));
		assert_int_equal(a->err.kind, ERR_REFUSED);
	}
	assert_null(act(a, "language", "nobody", "de"));
	assert_int_equal(a->err.kind, ERR_GONE);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(a_stranger_with_a_good_code_is_let_in),
		CASE(what_follows_a_good_code_is_not_refused),
		CASE(a_crash_leaves_all_or_nothing),
		CASE(codes_that_open_nothing),
		CASE(guessing_ends_in_silence),
		CASE(a_burst_is_counted_too),
		CASE(what_stands_for_a_reply_is_kept),
		CASE(a_language_is_recalled),
		CASE(codes_of_languages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
