/* What waits for a person's yes: only who was asked decides, once, in time, and about exactly what was shown. */
#include "asking.h"
#include "json.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_yes_counts_once, open_case, close_case),
		cmocka_unit_test_setup_teardown(others_learn_nothing, open_case, close_case),
		cmocka_unit_test_setup_teardown(a_yes_in_another_organisation_counts_nothing, open_case,
						close_case),
		cmocka_unit_test_setup_teardown(it_expires, open_case, close_case),
		cmocka_unit_test_setup_teardown(what_was_changed_is_not_done, open_case, close_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
