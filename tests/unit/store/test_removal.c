/* What a crash had interrupted where we were taken out meanwhile: nobody begins it again, and it has an end. */
#include "asking.h"
#include "store_install.h"
#include <string.h>

static int open_case(void **state)
{
	struct asking *a = asking_create();

	asking_know(a, "ann");
	*state = a;
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

static void on_done(void *owner, uint64_t ticket, const struct err *err)
{
	struct asking *asking = owner;

	(void)ticket;
	asking->err = *err;
	if (--asking->waiting == 0)
		io_stop(asking->io);
}

/* A turn with a run on record, in a process that is killed. */
static void interrupt(struct asking *a)
{
	struct incoming in = says("ann", "room", "k1", "hello");

	assert_non_null(ask_accept(a, &in, true)->turn);
	asking_sql(a,
		   "INSERT INTO \"LLMTask\" (\"llmConversationId\") SELECT max(id) FROM \"LLMConversation\"");
	asking_sql(a,
		   "UPDATE \"LLMConversationMessage\" SET \"llmTaskId\" = (SELECT max(id) FROM \"LLMTask\")"
		   " WHERE id = (SELECT max(turn_id) FROM inbox WHERE delivery_key = 'k1')");
	asking_crash(a);
}

static void has_ended(struct asking *a)
{
	assert_string_equal(
		asking_text(a, "SELECT state || ':' || reason FROM inbox WHERE delivery_key = 'k1'"),
		"ignored:app uninstalled");
	assert_int_equal(
		asking_int(a, "SELECT count(*) FROM \"LLMConversationMessage\" WHERE \"answeredAt\" IS NULL"),
		0);
	assert_int_equal(
		asking_int(
			a,
			"SELECT count(*) FROM \"LLMConversationMessage\" m JOIN inbox w ON w.turn_id ="
			" m.id WHERE w.delivery_key = 'k1' AND m.failed AND m.\"llmParsedOutput\" IS NULL"),
		1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM \"LLMTask\" WHERE status = 'running'"), 0);
}

static void taken_out_before_it_is_begun_again(void **state)
{
	struct asking *a = *state;

	interrupt(a);
	assert_int_equal(ask_recover(a, "webhook")->conversation_count, 1);
	a->waiting++;
	store_remove(a->store, "webhook", "crm", "app uninstalled", on_done, a, 1);
	asking_wait(a);
	assert_int_equal(a->err.kind, ERR_NONE);
	has_ended(a);
}

static void taken_out_by_the_process_that_died(void **state)
{
	struct asking *a = *state;

	interrupt(a);
	asking_sql(a, "INSERT INTO \"LLMAgentInstallation\" (\"companyId\", platform, name, \"removedAt\", "
		      "\"removedWhy\")"
		      " SELECT min(id), 'webhook', 'crm', '2026-01-01T00:00:00.000Z', 'app uninstalled' FROM"
		      " organizations");
	assert_int_equal(ask_recover(a, "webhook")->conversation_count, 0);
	has_ended(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(taken_out_before_it_is_begun_again, open_case, close_case),
		cmocka_unit_test_setup_teardown(taken_out_by_the_process_that_died, open_case, close_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
