/* People see that something is being done; a failing sign costs nothing but itself. */
#include "buf.h"
#include "mem.h"
#include "stage_out.h"
#include <stdio.h>

static const struct slack_place thread = { .channel = "C1", .thread = "1.1", .user = "U1", .ts = "1.1" };

static int setup(void **state)
{
	*state = out_open();
	return 0;
}

static int teardown(void **state)
{
	out_close(*state);
	return 0;
}

static void begin(struct out_stage *stage, const char *uuid, const char *title)
{
	slack_working_begin(&stage->workspace, uuid, &thread, title);
}

static void end(struct out_stage *stage, const char *uuid)
{
	struct outgoing out = out_answer(NULL, "Done.");

	out.answers_to = &uuid;
	slack_working_end(&stage->workspace, &out);
}

static struct out_call *expect_status(struct out_stage *stage, const char *method, const char *status)
{
	struct out_call *call = out_expect(stage, method);

	out_arg_is(call, "/channel_id", "\"C1\"");
	out_arg_is(call, "/thread_ts", "\"1.1\"");
	out_arg_is(call, "/status", status);
	assert_in_range(call->wait_ms, 1, 1000); /* a sign never stands before an answer */
	return call;
}

#define SESSION	  "agents.sessions.setStatus"
#define ASSISTANT "assistant.threads.setStatus"
#define THINKING  "\"is thinking\xe2\x80\xa6\""

static void work_is_shown_at_once_and_until_its_end(void **state)
{
	struct out_stage *stage = *state;

	begin(stage, "a", "  What is\n\tthe weather?  ");
	out_arg_is(out_expect(stage, SESSION), "/title", "\"What is the weather?\"");
	out_ok(stage, expect_status(stage, SESSION, "\"processing\""), NULL);
	out_pass(stage, 50000);
	out_expect_none(stage);
	out_pass(stage, 15000); /* it would time out: it is repeated */
	out_arg_is(out_expect(stage, SESSION), "/title", "");
	out_ok(stage, expect_status(stage, SESSION, "\"processing\""), NULL);
	end(stage, "a");
	out_ok(stage, expect_status(stage, SESSION, "\"active\""), NULL);
	out_pass(stage, 200000);
	out_expect_none(stage);
}

static void the_last_word_is_the_right_one(void **state)
{
	struct out_stage *stage = *state;

	begin(stage, "a", NULL);
	end(stage, "a"); /* while the first sign is on its way */
	assert_int_equal(out_waiting(stage), 1);
	out_ok(stage, expect_status(stage, SESSION, "\"processing\""), NULL);
	begin(stage, "b", NULL);
	out_ok(stage, expect_status(stage, SESSION, "\"active\""), NULL);
	out_ok(stage, expect_status(stage, SESSION, "\"processing\""), NULL);
	end(stage, "b");
	out_ok(stage, expect_status(stage, SESSION, "\"active\""), NULL);
	out_expect_none(stage);
}

static void a_thread_works_until_its_last_message_is_done(void **state)
{
	struct out_stage *stage = *state;

	begin(stage, "a", NULL);
	begin(stage, "b", NULL);
	begin(stage, "b", NULL);
	out_ok(stage, expect_status(stage, SESSION, "\"processing\""), NULL);
	out_expect_none(stage); /* one sign for both */
	end(stage, "a");
	out_expect_none(stage);
	end(stage, "x");
	end(stage, "b");
	out_ok(stage, expect_status(stage, SESSION, "\"active\""), NULL);
}

static void a_sign_that_stays_is_taken_away_again(void **state)
{
	struct out_stage *stage = *state;

	begin(stage, "a", NULL);
	out_ok(stage, expect_status(stage, SESSION, "\"processing\""), NULL);
	end(stage, "a");
	out_fail(stage, expect_status(stage, SESSION, "\"active\""), SLACK_LIMITED, 5000);
	out_pass(stage, 10000);
	out_fail(stage, expect_status(stage, SESSION, "\"active\""), SLACK_NOT_SENT, 0);
	out_pass(stage, 10000);
	out_fail(stage, expect_status(stage, SESSION, "\"active\""), SLACK_MAYBE, 0);
	out_pass(stage, 60000);
	out_expect_none(stage); /* it times out by itself */
}

/* Signs are many when messages are: one that never appeared must not cost a second call. */
static void a_sign_that_never_appeared_is_not_taken_away(void **state)
{
	struct out_stage *stage = *state;

	begin(stage, "a", NULL);
	out_fail(stage, expect_status(stage, SESSION, "\"processing\""), SLACK_LIMITED, 5000);
	out_pass(stage, 20000);
	out_expect_none(stage);
	end(stage, "a");
	out_expect_none(stage);
	begin(stage, "b", NULL);
	end(stage, "b");
	out_fail(stage, expect_status(stage, SESSION, "\"processing\""), SLACK_NOT_SENT, 0);
	out_expect_none(stage);
	begin(stage, "c", NULL);
	out_fail(stage, expect_status(stage, SESSION, "\"processing\""), SLACK_MAYBE, 0);
	end(stage, "c"); /* this one may stand there */
	out_ok(stage, expect_status(stage, SESSION, "\"active\""), NULL);
}

static void the_older_way_is_taken_where_the_newer_does_not_exist(void **state)
{
	struct out_stage *stage = *state;

	begin(stage, "a", "Weather");
	out_refuse(stage, expect_status(stage, SESSION, "\"processing\""), "unknown_method");
	out_ok(stage, expect_status(stage, ASSISTANT, THINKING), NULL);
	out_arg_is(out_expect(stage, "assistant.threads.setTitle"), "/title", "\"Weather\"");
	out_refuse(stage, out_expect(stage, "assistant.threads.setTitle"), "missing_scope");
	end(stage, "a");
	out_ok(stage, expect_status(stage, ASSISTANT, "\"\""), NULL);
	begin(stage, "b", NULL); /* remembered */
	out_refuse(stage, expect_status(stage, ASSISTANT, THINKING), "feature_disabled");
	out_expect_none(stage);
	end(stage, "b");
	begin(stage, "c", NULL);
	out_pass(stage, 100000);
	out_expect_none(stage); /* nothing at all */
	out_pass(stage, 3600000);
	begin(stage, "d", NULL);
	out_ok(stage, expect_status(stage, SESSION, "\"processing\""), NULL); /* after an hour again */
}

static void a_place_without_signs_is_left_alone(void **state)
{
	struct out_stage *stage = *state;
	struct slack_place other = thread;

	begin(stage, "a", NULL);
	out_refuse(stage, expect_status(stage, SESSION, "\"processing\""), "channel_not_found");
	out_pass(stage, 200000);
	out_expect_none(stage);
	end(stage, "a");
	out_expect_none(stage);
	other.thread[0] = '2';
	slack_working_begin(&stage->workspace, "b", &other, NULL); /* but not the others */
	out_ok(stage, out_expect(stage, SESSION), NULL);
}

static void without_a_thread_there_is_no_sign(void **state)
{
	struct out_stage *stage = *state;
	struct slack_place place = { .channel = "D1", .user = "U1" };
	char url[] = "https://hooks.slack.com/commands/1";

	slack_working_begin(&stage->workspace, "a", &place, NULL);
	place = thread;
	place.response_url = url; /* of a command, which answers no message */
	place.ts[0] = '\0';
	slack_working_begin(&stage->workspace, "a", &place, NULL);
	stage->workspace.dead = true;
	begin(stage, "a", NULL);
	out_expect_none(stage);
}

static void there_are_only_so_many_signs(void **state)
{
	struct out_stage *stage = *state;
	struct slack_place place = thread;
	char uuid[40];

	for (unsigned i = 0; i < 400; i++) {
		snprintf(place.thread, sizeof(place.thread), "%u.0", i);
		snprintf(uuid, sizeof(uuid), "u%u", i);
		slack_working_begin(&stage->workspace, uuid, &place, NULL);
	}
	assert_int_equal(out_waiting(stage), 200);
	for (unsigned i = 0; i < 40; i++) { /* nor is one thread's list endless */
		snprintf(uuid, sizeof(uuid), "v%u", i);
		slack_working_begin(&stage->workspace, uuid, &place, NULL);
	}
	assert_int_equal(out_waiting(stage), 200);
}

static void a_title_fits(void **state)
{
	struct out_stage *stage = *state;
	char words[1000];
	size_t len;

	for (size_t i = 0; i + 4 <= sizeof(words); i += 3)
		memcpy(words + i, "\xe2\x82\xac", 4);
	begin(stage, "a", words);
	len = json_string_length(json_object_get(out_expect(stage, SESSION)->args, "title"));
	assert_true(len > 100 && len <= 200 && len % 3 == 0);
	end(stage, "a");
	out_ok(stage, out_expect(stage, SESSION), NULL);
	out_ok(stage, out_expect(stage, SESSION), NULL);
	begin(stage, "b", " \n ");
	out_arg_is(out_expect(stage, SESSION), "/title", "");
}

static void prompts_are_suggested(void **state)
{
	static const char *const own[] = { "One", "Two", "Three", "Four", "Five" };
	struct out_stage *stage = *state;
	struct out_call *call;

	slack_prompts(&stage->workspace, "D1", "1.1");
	call = out_expect(stage, "assistant.threads.setSuggestedPrompts");
	out_arg_is(call, "/channel_id", "\"D1\"");
	out_arg_is(call, "/thread_ts", "\"1.1\"");
	assert_in_range(json_array_size(json_object_get(call->args, "prompts")), 3, 4);
	out_ok(stage, call, NULL);
	stage->app.config.prompts = own;
	stage->app.config.prompt_count = 5;
	slack_prompts(&stage->workspace, "D1", NULL);
	call = out_expect(stage, "assistant.threads.setSuggestedPrompts");
	out_arg_is(call, "/thread_ts", "");
	out_arg_is(call, "/prompts/0", "{\"title\":\"One\",\"message\":\"One\"}");
	assert_int_equal(json_array_size(json_object_get(call->args, "prompts")), 4);
	out_refuse(stage, call, "not_agent_app");
	for (unsigned i = 0; i < 100; i++)
		slack_prompts(&stage->workspace, "D1", NULL);
	assert_in_range(out_waiting(stage), 1, 50);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(work_is_shown_at_once_and_until_its_end),
		TEST(the_last_word_is_the_right_one),
		TEST(a_thread_works_until_its_last_message_is_done),
		TEST(a_sign_that_stays_is_taken_away_again),
		TEST(a_sign_that_never_appeared_is_not_taken_away),
		TEST(the_older_way_is_taken_where_the_newer_does_not_exist),
		TEST(a_place_without_signs_is_left_alone),
		TEST(without_a_thread_there_is_no_sign),
		TEST(there_are_only_so_many_signs),
		TEST(a_title_fits),
		TEST(prompts_are_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
