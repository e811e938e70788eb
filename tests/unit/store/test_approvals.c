/* What waits for a person's yes: only who was asked decides, once, in time, and about exactly what was shown. */
#include "asking.h"
#include "json.h"
#include "store_outbox.h"
#include "store_people.h"
#include <stdio.h>
#include <string.h>

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	asking_know(a, "bob");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

struct verdict {
	struct asking *asking;
	char json[500];
};

static void on_act(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct verdict *verdict = owner;

	(void)ticket;
	if (--verdict->asking->waiting == 0)
		io_stop(verdict->asking->io);
	verdict->asking->err = *err;
	snprintf(verdict->json, sizeof(verdict->json), "%s", json ? json : "");
}

static const char *decide(struct asking *a, const char *who, const char *verdict, int64_t turn)
{
	static struct verdict said;
	const char *profile = asking_text(
		a, strcmp(who, "ann") == 0 ? "SELECT id FROM user_profiles WHERE display_name = 'ann'"
					   : "SELECT id FROM user_profiles WHERE display_name = 'bob'");
	char id[24];
	const char *args[] = { "ACDEFGHJ", profile, verdict, id };

	snprintf(id, sizeof(id), "%lld", (long long)turn);
	said = (struct verdict){ .asking = a };
	a->waiting++;
	store_act(a->store, "approval_decide", args, 4, on_act, &said, 1);
	asking_wait(a);
	return said.json;
}

/* Ann is asked. The turn of her answer. */
static int64_t ask_her(struct asking *a)
{
	static const struct ai_approval wanted[] = { { "ACDEFGHJ", "mail__send", "{\"to\":\"bob\"}" } };
	struct incoming in = says("ann", "room", "k1", "Mail Bob"),
			yes = says("ann", "room", "k2", "approve ACDEFGHJ");
	int64_t turn = ask_accept(a, &in, true)->turn->id;
	struct ai_result result = {
		.tool_calls = "[]", .request = "{}", .approvals = wanted, .approval_count = 1
	};

	ask_answer(a, &(struct store_answer){ .turn_id = turn,
					      .state = MESSAGE_ANSWERED,
					      .text = "I need your yes",
					      .result = &result,
					      .expire_s = 3600 });
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM approvals WHERE state = 'pending'"), 1);
	yes.flags |= INCOMING_COMMAND;
	return ask_accept(a, &yes, true)->turn->id;
}

static void a_yes_counts_once(void **state)
{
	struct asking *a = *state;
	int64_t turn = ask_her(a);
	const char *json = decide(a, "ann", "approve", turn);

	assert_int_equal(a->err.kind, ERR_NONE);
	assert_non_null(strstr(json, "\"tool\":\"mail__send\""));
	assert_non_null(strstr(json, "{\\\"to\\\":\\\"bob\\\"}"));
	decide(a, "ann", "approve", turn); /* the same turn, begun again after a crash */
	assert_int_equal(a->err.kind, ERR_NONE);
	decide(a, "ann", "approve", turn + 1);
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_non_null(strstr(a->err.text, "approved already"));
	answer_with(a, turn, "Sent", false); /* what came of it is part of what was said */
	assert_int_equal(
		asking_int(
			a,
			"SELECT count(*) FROM \"LLMConversationMessage\" WHERE \"entityType\" = 'command'"),
		0);
}

static void others_learn_nothing(void **state)
{
	struct asking *a = *state;
	int64_t turn = ask_her(a);

	decide(a, "bob", "approve", turn);
	assert_int_equal(a->err.kind, ERR_GONE);
	asking_sql(a, "UPDATE user_profiles SET role = 'operator' WHERE display_name = 'bob'");
	decide(a, "bob", "deny", turn);
	assert_int_equal(a->err.kind, ERR_NONE);
	decide(a, "ann", "approve", turn);
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_non_null(strstr(a->err.text, "denied already"));
}

static void a_yes_in_another_organisation_counts_nothing(void **state)
{
	struct asking *a = *state;
	int64_t turn = ask_her(a);

	asking_sql(a, "INSERT INTO organizations (id, name) VALUES ('0190c0de-0000-7000-8000-00000000000f', "
		      "'other')");
	asking_sql(a,
		   "UPDATE user_profiles SET role = 'owner', org_id = '0190c0de-0000-7000-8000-00000000000f'"
		   " WHERE display_name = 'bob'");
	decide(a, "bob", "approve", turn);
	assert_int_equal(a->err.kind, ERR_GONE);
}

static void it_expires(void **state)
{
	struct asking *a = *state;
	int64_t turn = ask_her(a);

	asking_sql(a, "UPDATE approvals SET expires_at = '2020-01-01T00:00:00.000Z'");
	decide(a, "ann", "approve", turn);
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_non_null(strstr(a->err.text, "expired"));
}

/* Whoever can write to the database does not get a person's yes for something else. */
static void what_was_changed_is_not_done(void **state)
{
	struct asking *a = *state;
	int64_t turn = ask_her(a);

	asking_sql(a, "UPDATE approvals SET arguments = '{\"to\":\"eve\"}'");
	decide(a, "ann", "approve", turn);
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_non_null(strstr(a->err.text, "not what you were shown"));
}

/* ---- the message that asked --------------------------------------------------------------------------------- */

struct due {
	struct asking *asking;
	size_t count;
	int64_t id, next_ms;
	char text[200], choices[200], remote[40], state[20], who[20];
};

static void on_due(void *owner, uint64_t ticket, const struct err *err, const struct store_reply *replies,
		   size_t count, int64_t next_ms)
{
	struct due *due = owner;

	(void)ticket;
	if (--due->asking->waiting == 0)
		io_stop(due->asking->io);
	assert_int_equal(err->kind, ERR_NONE);
	due->count = count;
	due->next_ms = next_ms;
	if (count == 0)
		return;
	due->id = replies->id;
	snprintf(due->text, sizeof(due->text), "%s", replies->out.text);
	snprintf(due->choices, sizeof(due->choices), "%s", replies->out.choices ? replies->out.choices : "");
	snprintf(due->remote, sizeof(due->remote), "%s",
		 replies->out.remote_id ? replies->out.remote_id : "");
	if (replies->settled_count) {
		snprintf(due->state, sizeof(due->state), "%s", replies->settled[0].state);
		snprintf(due->who, sizeof(due->who), "%s",
			 replies->settled[0].who ? replies->settled[0].who : "");
	}
}

static struct due look_due(struct asking *a)
{
	static struct due due;

	due = (struct due){ .asking = a };
	a->waiting++;
	store_due(a->store, 16, on_due, &due, 0);
	asking_wait(a);
	return due;
}

static void on_sent(void *owner, uint64_t ticket, const struct err *err)
{
	struct asking *a = owner;

	(void)ticket;
	if (--a->waiting == 0)
		io_stop(a->io);
	assert_int_equal(err->kind, ERR_NONE);
}

static void told(struct asking *a, int64_t id, enum reply_state state)
{
	a->waiting++;
	store_sent(a->store, &(struct store_sent){ .reply_id = id, .state = state }, on_sent, a, 0);
	asking_wait(a);
}

static int64_t ask_her_and_send(struct asking *a)
{
	int64_t turn = ask_her(a);

	asking_sql(
		a,
		"UPDATE outbox SET state = 'sent', sent_at = created_at, remote_id = 'C1/5' WHERE choices IS "
		"NOT NULL");
	return turn;
}

static void what_asked_says_how_it_ended(void **state)
{
	struct asking *a = *state;
	int64_t turn = ask_her_and_send(a);
	struct due due = look_due(a);

	assert_int_equal(due.count, 0);
	assert_true(due.next_ms > 0); /* the end of its time */
	decide(a, "ann", "deny", turn);
	due = look_due(a);
	assert_int_equal(due.count, 1);
	assert_true(due.id < 0);
	assert_string_equal(due.text, "I need your yes");
	assert_string_equal(due.choices, "");
	assert_string_equal(due.remote, "C1/5");
	assert_string_equal(due.state, "denied");
	assert_string_equal(due.who, "ann");
	assert_int_equal(look_due(a).count, 0); /* it is under way */
	asking_crash(a);
	ask_recover(a, NULL);
	due = look_due(a); /* the next process does not know whether it was done */
	assert_int_equal(due.count, 1);
	told(a, due.id, REPLY_SENT);
	due = look_due(a);
	assert_int_equal(due.count, 0);
	assert_int_equal(due.next_ms, 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox WHERE state = 'sent'"), 1);
}

static void what_nobody_decided_says_so(void **state)
{
	struct asking *a = *state;
	struct due due;

	ask_her_and_send(a);
	asking_sql(a, "UPDATE approvals SET expires_at = '2026-01-01T00:00:00.000Z', tell_at = "
		      "'2026-01-01T00:00:00.000Z'");
	due = look_due(a);
	assert_int_equal(due.count, 1);
	assert_string_equal(due.state, "expired");
	told(a, due.id, REPLY_REJECTED); /* it is gone there: nobody is told of it */
	assert_int_equal(look_due(a).count, 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM outbox WHERE state <> 'sent'"), 0);
}

/* Two questions in one message: what is not decided can still be pressed. */
static void what_is_left_can_be_pressed(void **state)
{
	struct asking *a = *state;
	int64_t turn = ask_her_and_send(a);
	struct due due;

	asking_sql(a,
		   "INSERT INTO approvals (code, org_id, profile_id, turn_id, platform, installation, tool,"
		   " arguments, hash, expires_at, tell_at) SELECT 'BBBBBBBB', org_id, profile_id, turn_id,"
		   " platform, installation, tool, arguments, hash, expires_at, expires_at FROM approvals");
	decide(a, "ann", "deny", turn);
	due = look_due(a);
	assert_int_equal(due.count, 1);
	assert_string_equal(due.choices, "[{\"label\":\"Approve BBBBBBBB\",\"command\":\"approve BBBBBBBB\"},"
					 "{\"label\":\"Deny BBBBBBBB\",\"command\":\"deny BBBBBBBB\"}]");
	asking_sql(
		a,
		"UPDATE approvals SET state = 'denied', decided_at = created_at, tell_at = created_at WHERE "
		"code = 'BBBBBBBB'");
	assert_int_equal(look_due(a).count, 0); /* not beside the one that is under way */
	told(a, due.id, REPLY_SENT);
	due = look_due(a);
	assert_int_equal(due.count, 1);
	assert_string_equal(due.choices, "");
}

/* What asks has not arrived itself. */
static void first_it_asks(void **state)
{
	struct asking *a = *state;
	int64_t turn = ask_her(a);

	decide(a, "ann", "deny", turn);
	assert_int_equal(look_due(a).count, 0);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM approvals WHERE tell_at > decided_at"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_yes_counts_once, open_case, close_case),
		cmocka_unit_test_setup_teardown(others_learn_nothing, open_case, close_case),
		cmocka_unit_test_setup_teardown(a_yes_in_another_organisation_counts_nothing, open_case,
						close_case),
		cmocka_unit_test_setup_teardown(it_expires, open_case, close_case),
		cmocka_unit_test_setup_teardown(what_was_changed_is_not_done, open_case, close_case),
		cmocka_unit_test_setup_teardown(what_asked_says_how_it_ended, open_case, close_case),
		cmocka_unit_test_setup_teardown(what_nobody_decided_says_so, open_case, close_case),
		cmocka_unit_test_setup_teardown(what_is_left_can_be_pressed, open_case, close_case),
		cmocka_unit_test_setup_teardown(first_it_asks, open_case, close_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
