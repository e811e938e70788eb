/* What servers say of their tools: a description that changes behind the operator's back must be noticed, whatever else
 * happens. */
#include "asking.h"
#include "json.h"
#include "store_people.h"
#include <stdio.h>
#include <string.h>

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"

static int open_case(void **state)
{
	*state = asking_create();
	return 0;
}

static int close_case(void **state)
{
	asking_destroy(*state);
	return 0;
}

struct heard {
	struct asking *asking;
	char judged[16];
};

static void on_act(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct heard *heard = owner;
	json_t *answer = json ? json_read(json, strlen(json), NULL) : NULL;
	const char *judged = json_text(answer, "judged");

	(void)ticket;
	if (--heard->asking->waiting == 0)
		io_stop(heard->asking->io);
	heard->asking->err = *err;
	snprintf(heard->judged, sizeof(heard->judged), "%s", judged ? judged : "");
	json_decref(answer);
}

static const char *act(struct asking *a, const char *name, const char *server, const char *what)
{
	static struct heard heard;

	heard = (struct heard){ .asking = a };
	a->waiting++;
	store_act(a->store, name, (const char *const[]){ server, what }, 2, on_act, &heard, 1);
	asking_wait(a);
	return heard.judged;
}

static void the_first_word_is_kept(void **state)
{
	struct asking *a = *state;

	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"],[\"write\",\"" TWO "\"]]"),
			    "++");
	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"],[\"write\",\"" ONE "\"]]"),
			    "=!");
	/* it goes on being noticed, also in the next process, and another server's is another */
	asking_restart(a);
	assert_string_equal(act(a, "tools_seen", "s", "[[\"write\",\"" ONE "\"]]"), "!");
	assert_string_equal(act(a, "tools_seen", "t", "[[\"write\",\"" ONE "\"]]"), "+");
}

static void what_says_the_old_again_is_as_it_was(void **state)
{
	struct asking *a = *state;

	act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]");
	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"]]"), "!");
	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]"), "=");
	act(a, "tool_approve", "s", "read"); /* of the other nothing is left to approve */
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"]]"), "!");
}

static void the_operator_approves_what_is_said_now(void **state)
{
	struct asking *a = *state;

	act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]");
	act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"]]");
	act(a, "tool_approve", "s", "read");
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"]]"), "=");
	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]"), "!");
}

static void what_is_no_tool_can_not_be_approved(void **state)
{
	struct asking *a = *state;

	act(a, "tool_approve", "s", "read");
	assert_int_equal(a->err.kind, ERR_GONE);
	act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]");
	act(a, "tool_approve", "s", "read");
	assert_int_equal(a->err.kind, ERR_REFUSED);
	act(a, "tools_seen", "s", "{}");
	assert_int_equal(a->err.kind, ERR_REFUSED);
	act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"],[\"write\"]]"); /* all or nothing */
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM tool_pins WHERE found IS NOT NULL"), 0);
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(the_first_word_is_kept),
		CASE(what_says_the_old_again_is_as_it_was),
		CASE(the_operator_approves_what_is_said_now),
		CASE(what_is_no_tool_can_not_be_approved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
