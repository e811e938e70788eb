/* What comes for nobody, or for one that is closed, switched off, taken out or gone, and what the other side is told. */
#include "mem.h"
#include "stage_in.h"

#define DIRECT(user, ts, more)                                                                               \
	"{'type':'message','channel':'D1','channel_type':'im','user':'" user "','team':'T1','text':'hello'," \
	"'ts':'" ts "'" more "}"

static int open_stage(void **state)
{
	*state = in_open();
	return 0;
}

static int close_stage(void **state)
{
	in_close(*state);
	return 0;
}

static void whose_it_is_not_is_not_stored(void **state)
{
	struct in_stage *stage = *state;
	const char *theirs = "{'type':'event_callback','api_app_id':'A1','team_id':'T2','event_id':'Ev1',"
			     "'event':" DIRECT("U1", "1.000001", "") "}";
	char *key;

	in_take(stage, SLACK_EVENT, theirs);
	assert_int_equal(stage->oks, 1); /* nobody's */
	in_take(stage, SLACK_EVENT,
		"{'type':'event_callback','api_app_id':'A2','team_id':'T1','event_id':'Ev1',"
		"'event':" DIRECT("U1", "1.000001", "") "}");
	assert_int_equal(stage->oks, 2); /* another app's */
	key = stage->workspace->key;
	stage->workspace->key = NULL; /* auth.test still runs: it may be ours */
	in_take(stage, SLACK_EVENT, theirs);
	stage->workspace->key = key;
	assert_int_equal(stage->laters, 1);
	in_take(stage, SLACK_EVENT, "{'type':'event_callback'}");
	assert_int_equal(stage->bads, 1);
	in_take(stage, SLACK_EVENT, "{'type':'app_rate_limited','team_id':'T1','api_app_id':'A1'}");
	in_event(stage, "Ev7", "{'type':'reaction_added','user':'U1'}");
	assert_int_equal(stage->oks, 4);
	assert_int_equal(stage->count, 0);
}

/* Nothing is thrown away because the house is closed for a moment. */
static void closed_for_a_moment_means_later(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev2", DIRECT("U1", "1799999999.000100", ""));
	stage->workspace->stopping = true; /* while it waits for a name */
	in_name(stage);
	assert_int_equal(stage->laters, 1);
	in_event(stage, "Ev3", DIRECT("U1", "1799999999.000200", ""));
	assert_int_equal(stage->laters, 2);
	stage->workspace->stopping = false;
	stage->workspace->dead = true; /* a token may be renewed */
	in_event(stage, "Ev4", DIRECT("U1", "1799999999.000300", ""));
	assert_int_equal(stage->laters, 3);
	assert_int_equal(stage->count, 0);
	stage->workspace->dead = false;
}

static void take_ignored(struct in_stage *stage, const char *event_id)
{
	size_t before = stage->count;
	unsigned oks = stage->oks;

	in_event(stage, event_id, DIRECT("U1", "1799999999.000100", ""));
	assert_int_equal(in_only(stage, before)->kind,
			 INCOMING_SAID); /* the store ends it, with the reason */
	assert_int_equal(stage->oks, oks);
	slack_acked(stage->workspace, in_only(stage, before)->receipt,
		    &(struct ack){ .how = ACK_STORED, .uuid = OUT_UUID, .state = MESSAGE_IGNORED });
	assert_int_equal(stage->oks, oks + 1);
	assert_int_equal(stage->works, 0);
}

/* Slack switches off the events of an app that takes less than 95 % of them, and that of the other workspaces too: what
 * comes for one that is switched off or taken out is acknowledged. Nothing is asked or shown there. */
static void switched_off_is_acknowledged(void **state)
{
	struct in_stage *stage = *state;

	stage->workspace->disabled = true;
	take_ignored(stage, "Ev1");
	in_event(stage, "Ev2",
		 "{'type':'app_home_opened','user':'U1','channel':'D1','tab':'messages','event_ts':'1.1'}");
	assert_int_equal(stage->oks, 2);
	assert_int_equal(stage->prompts, 0);
	stage->workspace->disabled = false;
	stage->workspace->removed = stage->workspace->dead = true;
	take_ignored(stage, "Ev3");
	stage->workspace->stopping = true; /* the core lets go of it */
	in_event(stage, "Ev4", DIRECT("U1", "1799999999.000100", ""));
	assert_int_equal(stage->oks, 4);
	assert_int_equal(stage->laters, 0);
	assert_int_equal(stage->count, 2);
	out_expect_none(stage->out);
	stage->workspace->removed = stage->workspace->dead = stage->workspace->stopping = false;
}

/* Off is the configured app, and with it all that was added to it: nobody asks any more who we are. */
static void the_whole_app_is_off(void **state)
{
	struct in_stage *stage = *state;
	struct platform root = *stage->workspace;

	root.key = NULL;
	root.disabled = true;
	stage->app->root = &root;
	in_event(stage, "Ev1",
		 DIRECT("U1", "1799999999.000100", "")); /* T1 was added; its row says it is on */
	in_take(stage, SLACK_EVENT,
		"{'type':'event_callback','api_app_id':'A1','team_id':'T9','event_id':'Ev2',"
		"'event':" DIRECT("U1", "1.000001", "") "}");
	assert_int_equal(stage->oks, 2);
	root.removed = true; /* at home only: the others go on */
	in_event(stage, "Ev3", DIRECT("U1", "1799999999.000200", ""));
	in_name(stage);
	assert_int_equal(stage->count, 1);
	stage->app->root = stage->workspace;
}

static void the_end_of_a_workspace_settles_its_debts(void **state)
{
	struct in_stage *stage = *state;

	in_event(stage, "Ev1", DIRECT("U1", "1799999999.000100", ""));
	in_name(stage);
	in_event(stage, "Ev2", DIRECT("U2", "1799999999.000200", ""));
	in_event(stage, "Ev3", DIRECT("U2", "1799999999.000300", ""));
	slack_inbound_forget(stage->workspace);
	assert_int_equal(stage->laters, 3);
	assert_int_equal(slack_inbound_owed(stage->app->inbound), 0);
	in_ack(stage, 0, ACK_STORED); /* too late: the other side will send it again */
	assert_int_equal(stage->oks, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		TEST(whose_it_is_not_is_not_stored),
		TEST(closed_for_a_moment_means_later),
		TEST(switched_off_is_acknowledged),
		TEST(the_whole_app_is_off),
		TEST(the_end_of_a_workspace_settles_its_debts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
