/* What servers say of their tools: a description that changes behind the operator's back must be noticed, whatever else
 * happens. */
#include "asking.h"
#include "json.h"
#include "store_people.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE   "1111111111111111111111111111111111111111111111111111111111111111"
#define THREE "3333333333333333333333333333333333333333333333333333333333333333"
#define TWO   "2222222222222222222222222222222222222222222222222222222222222222"

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
	char wanted[32]; /* JSON */
};

static void on_act(void *owner, uint64_t ticket, const struct err *err, const char *json)
{
	struct heard *heard = owner;
	json_t *answer = json ? json_read(json, strlen(json), NULL) : NULL;
	const char *judged = json_text(answer, "judged");
	char *wanted;

	(void)ticket;
	if (--heard->asking->waiting == 0)
		io_stop(heard->asking->io);
	heard->asking->err = *err;
	snprintf(heard->judged, sizeof(heard->judged), "%s", judged ? judged : "");
	wanted = json_object_get(answer, "wanted") ? json_write(json_object_get(answer, "wanted")) : NULL;
	snprintf(heard->wanted, sizeof(heard->wanted), "%s", wanted ? wanted : "");
	free(wanted);
	json_decref(answer);
}

static struct heard heard;

static void ask(struct asking *a, const char *name, const char *const *args, size_t count)
{
	heard = (struct heard){ .asking = a };
	a->waiting++;
	store_act(a->store, name, args, count, on_act, &heard, 1);
	asking_wait(a);
}

static const char *act(struct asking *a, const char *name, const char *server, const char *what)
{
	ask(a, name, (const char *const[]){ server, what }, 2);
	return heard.judged;
}

static void approve(struct asking *a, const char *server, const char *tool, const char *hash)
{
	ask(a, "tool_approve", (const char *const[]){ server, tool, hash }, 3);
}

static void said(struct asking *a, const char *tool, const char *hash, const char *words)
{
	ask(a, "tool_said", (const char *const[]){ "s", tool, hash, words }, 4);
	assert_int_equal(a->err.kind, ERR_NONE);
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
	approve(a, "s", "read", TWO); /* of the other nothing is left to approve */
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"]]"), "!");
}

static void the_operator_approves_what_is_said_now(void **state)
{
	struct asking *a = *state;

	act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]");
	act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"]]");
	approve(a, "s", "read", TWO);
	assert_int_equal(a->err.kind, ERR_NONE);
	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"]]"), "=");
	assert_string_equal(act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]"), "!");
}

static void what_is_no_tool_can_not_be_approved(void **state)
{
	struct asking *a = *state;

	approve(a, "s", "read", TWO);
	assert_int_equal(a->err.kind, ERR_GONE);
	act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]");
	approve(a, "s", "read", TWO);
	assert_int_equal(a->err.kind, ERR_REFUSED);
	act(a, "tools_seen", "s", "{}");
	assert_int_equal(a->err.kind, ERR_REFUSED);
	act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"],[\"write\"]]"); /* all or nothing */
	assert_int_equal(a->err.kind, ERR_REFUSED);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM tool_pins WHERE found IS NOT NULL"), 0);
}

/* Between looking and approving the server may have said a third thing. */
static void what_was_not_seen_is_not_approved(void **state)
{
	struct asking *a = *state;

	act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]");
	act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"]]");
	approve(a, "s", "read", ONE);
	assert_int_equal(a->err.kind, ERR_REFUSED);
	approve(a, "s", "read", "2222222"); /* too short */
	assert_int_equal(a->err.kind, ERR_REFUSED);
	approve(a, "s", "read", "22222222");
	assert_int_equal(a->err.kind, ERR_NONE);
}

static void the_words_behind_both_are_kept(void **state)
{
	struct asking *a = *state;

	act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"],[\"write\",\"" TWO "\"]]");
	assert_string_equal(heard.wanted, "[0,1]");
	said(a, "read", ONE, "{\"name\":\"read\"}");
	said(a, "read", THREE, "{\"name\":\"nobody asked\"}");
	act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"],[\"write\",\"" TWO "\"]]");
	assert_string_equal(heard.wanted, "[1]");
	act(a, "tools_seen", "s", "[[\"read\",\"" THREE "\"]]");
	assert_string_equal(heard.wanted, "[0]");
	said(a, "read", THREE, "{\"name\":\"READ\"}");
	assert_int_equal(asking_int(a, "SELECT count(*) FROM tool_definitions"), 2);
	approve(a, "s", "read", THREE);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM tool_definitions WHERE hash = '" THREE "'"), 1);
	assert_int_equal(asking_int(a, "SELECT count(*) FROM tool_definitions"), 1);
	act(a, "tools_seen", "s", "[[\"read\",\"" ONE "\"]]");
	said(a, "read", ONE, "{\"name\":\"read\"}");
	act(a, "tools_seen", "s", "[[\"read\",\"" TWO "\"]]"); /* it says a third thing: the second is over */
	assert_int_equal(asking_int(a, "SELECT count(*) FROM tool_definitions"), 1);
}

/* A hostile server that makes up names and words must not fill the disk. */
static void a_server_that_makes_up_tools_is_bounded(void **state)
{
	struct asking *a = *state;
	char words[60001];

	asking_sql(a, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)"
		      " INSERT INTO tool_pins (server, tool, hash, first_at)"
		      " SELECT 's', 't' || i, '" ONE "', '' FROM n");
	assert_string_equal(
		act(a, "tools_seen", "s", "[[\"a\",\"" ONE "\"],[\"b\",\"" TWO "\"],[\"a\",\"" ONE "\"]]"),
		"+-=");
	assert_string_equal(act(a, "tools_seen", "t", "[[\"b\",\"" TWO "\"]]"), "+");
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	for (int i = 1; i <= 70; i++) {
		char tool[16];

		snprintf(tool, sizeof(tool), "t%d", i);
		said(a, tool, ONE, words);
	}
	ask(a, "tool_said", (const char *const[]){ "s", "t71", ONE, words }, 4);
	assert_int_equal(a->err.kind, ERR_REFUSED);
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_case, close_case)
	const struct CMUnitTest tests[] = {
		CASE(the_first_word_is_kept),
		CASE(what_says_the_old_again_is_as_it_was),
		CASE(the_operator_approves_what_is_said_now),
		CASE(what_is_no_tool_can_not_be_approved),
		CASE(what_was_not_seen_is_not_approved),
		CASE(the_words_behind_both_are_kept),
		CASE(a_server_that_makes_up_tools_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
