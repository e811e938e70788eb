/* How much one person may say in a minute and in a day; who says more is told once a minute, and a restart forgets nothing. */
#include "clock_stage.h"
#include "crypto.h"

struct over {
	struct asking *asking;
	enum accept_over over;
	bool tell, placed;
	int64_t inbox_id;
};

static void on_said(void *owner, uint64_t ticket, const struct err *err,
		    const struct store_accepted *accepted)
{
	struct over *it = owner;

	(void)ticket;
	if (--it->asking->waiting == 0)
		io_stop(it->asking->io);
	assert_int_equal(err->kind, ERR_NONE);
	it->over = accepted->over;
	it->tell = accepted->tell;
	it->placed = accepted->conversation_id != 0;
	it->inbox_id = accepted->inbox_id;
}

static struct over say(struct asking *a, const char *who, const char *key, unsigned minute, unsigned day)
{
	struct over it = { .asking = a };
	struct incoming in = says(who, "room", key, "words");
	char uuid[CRYPTO_UUID_SIZE];

	a->waiting++;
	store_accept(a->store,
		     &(struct store_accept){ .uuid = crypto_uuid(uuid),
					     .platform = "webhook",
					     .installation = "crm",
					     .in = &in,
					     .rate_minute = minute,
					     .rate_day = day },
		     on_said, &it, 1);
	asking_wait(a);
	return it;
}

static void people_may_say_so_much_in_a_minute(void **state)
{
	struct asking *a = *state;
	struct over it;

	assert_true(say(a, "ann", "1", 2, 0).placed);
	assert_true(say(a, "ann", "2", 2, 0).placed);
	it = say(a, "ann", "3", 2, 0);
	assert_int_equal(it.over, OVER_MINUTE);
	assert_true(it.tell);
	assert_false(it.placed);
	assert_false(say(a, "ann", "4", 2, 0).tell);  /* one notice a minute */
	assert_true(say(a, "bob", "5", 2, 0).placed); /* others are not held back */
	asking_restart(a);
	assert_int_equal(say(a, "ann", "6", 2, 0).over, OVER_MINUTE);
	atomic_store(&clock_at, JANUARY_31 + MINUTE);
	assert_true(say(a, "ann", "7", 2, 0).placed);
}

static void people_may_say_so_much_in_a_day(void **state)
{
	struct asking *a = *state;
	const struct asked_refusal *refused;
	struct over it;

	assert_true(say(a, "ann", "1", 0, 1).placed);
	assert_int_equal(say(a, "ann", "1", 0, 1).over, OVER_NOTHING); /* the same again: said once */
	atomic_store(&clock_at, JANUARY_31 + 2 * MINUTE);
	it = say(a, "ann", "2", 0, 1);
	assert_int_equal(it.over, OVER_DAY);
	assert_true(it.tell);
	refused = ask_refuse(a, &(struct store_refusal){ .inbox_id = it.inbox_id,
							 .reason = "limited",
							 .notice = "wait",
							 .known = true,
							 .expire_s = 60 });
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(refused->ended->reason, "limited");
	atomic_store(&clock_at, JANUARY_31 + DAY);
	assert_true(say(a, "ann", "3", 0, 1).placed);
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(people_may_say_so_much_in_a_minute),
		CASE(people_may_say_so_much_in_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
