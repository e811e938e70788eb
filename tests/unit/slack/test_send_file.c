/* Files that are answers: uploaded, made durable, and then put into the thread once. */
#include "mem.h"
#include "stage_out.h"

#define ADDRESS "{\"upload_url\":\"https://files.slack.com/u/1\",\"file_id\":\"F1\"}"
#define UPLOAD	"upload /w/1 to https://files.slack.com/u/1"

static struct outgoing_file table = {
	.path = "/w/1", .name = "all sums.csv", .mime = "text/csv", .size = 7, .link = "https://u.example/d/1"
};

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

static void hand(struct out_stage *stage, char *place, const char *held, bool unsure, unsigned attempt)
{
	struct outgoing out = out_answer(place, NULL);

	out.file = &table;
	out.part = 1;
	out.parts = 2;
	out.remote_id = held;
	out.unsure = unsure;
	out.attempt = attempt;
	stage->sents = 0;
	slack_send(&stage->workspace, &out, 7);
	free(place);
}

static struct out_call *uploaded(struct out_stage *stage)
{
	struct out_call *call = out_expect(stage, "files.getUploadURLExternal");

	out_arg_is(call, "/filename", "\"all sums.csv\"");
	out_arg_is(call, "/length", "7");
	out_ok(stage, call, ADDRESS);
	out_ok(stage, out_expect(stage, UPLOAD), NULL);
	out_expect_none(stage); /* nothing is shown before its id is durable */
	assert_string_equal(stage->hold_remote, "file/F1");
	out_held(stage, ERR_NONE);
	return out_expect(stage, "files.completeUploadExternal");
}

static void a_file_goes_into_its_thread(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand(stage, out_channel(), NULL, false, 1);
	call = uploaded(stage);
	out_arg_is(call, "/files/0/id", "\"F1\"");
	out_arg_is(call, "/channel_id", "\"C1\"");
	assert_string_not_equal(out_arg(call, "/thread_ts"), "");
	out_ok(stage, call, "{\"files\":[{\"id\":\"F1\"}]}");
	out_was_sent(stage, SENT_ACCEPTED, "file/F1");
}

static void a_lost_answer_is_looked_up_by_the_file(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_channel(), NULL, false, 1);
	out_fail(stage, uploaded(stage), SLACK_MAYBE, 0);
	out_was_sent(stage, SENT_MAYBE, NULL);
	hand(stage, out_channel(), "file/F1", true, 2);
	out_ok(stage, out_expect(stage, "files.info"), "{\"file\":{\"id\":\"F1\",\"shares\":{}}}");
	out_was_sent(stage, SENT_MAYBE, NULL); /* sharing takes a moment */
	hand(stage, out_channel(), "file/F1", true, 3);
	out_ok(stage, out_expect(stage, "files.info"),
	       "{\"file\":{\"shares\":{\"private\":{\"C1\":[{\"ts\":\"1.2\"}]}}}}");
	out_was_sent(stage, SENT_ACCEPTED, "file/F1");
	out_expect_none(stage);
}

/* Killed between the two: the same file is completed, not another one. */
static void what_was_not_completed_is_completed(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_channel(), "file/F1", true, 2);
	out_refuse(stage, out_expect(stage, "files.info"), "file_not_found");
	out_ok(stage, out_expect(stage, "files.completeUploadExternal"), "{}");
	out_was_sent(stage, SENT_ACCEPTED, "file/F1");
}

static void what_can_not_be_found_out_is_held_in_the_end(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_channel(), "file/F1", true, 2);
	out_refuse(stage, out_expect(stage, "files.info"), "file_not_found");
	out_refuse(stage, out_expect(stage, "files.completeUploadExternal"), "file_not_found");
	out_was_sent(stage, SENT_MAYBE, NULL);
	hand(stage, out_channel(), "file/F1", true, 6);
	out_ok(stage, out_expect(stage, "files.info"), "{\"file\":{}}");
	out_was_sent(stage, SENT_UNKNOWN, NULL);
	out_expect_none(stage);
}

/* Nobody sees an upload: whatever became of it, it begins anew. */
static void an_upload_that_broke_off_begins_anew(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_channel(), NULL, false, 1);
	out_ok(stage, out_expect(stage, "files.getUploadURLExternal"), ADDRESS);
	out_fail(stage, out_expect(stage, UPLOAD), SLACK_MAYBE, 0);
	out_was_sent(stage, SENT_NOT, NULL);
	hand(stage, out_channel(), NULL, true, 2); /* killed meanwhile */
	out_fail(stage, uploaded(stage), SLACK_LIMITED, 3000);
	out_was_sent(stage, SENT_LIMITED, NULL);
	hand(stage, out_channel(), "file/F1", false, 2);
	out_ok(stage, out_expect(stage, "files.completeUploadExternal"), "{}");
	out_was_sent(stage, SENT_ACCEPTED, "file/F1");
}

static void link_follows(struct out_stage *stage, const char *method)
{
	struct out_call *call = out_expect(stage, method);

	assert_non_null(strstr(out_arg(call, "/text"), "https://u.example/d/1"));
	out_ok(stage, call, "{\"channel\":\"C1\",\"ts\":\"1.5\"}");
	assert_int_equal(stage->sent_how, SENT_ACCEPTED);
}

static void without_the_scope_its_link_is_said(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_channel(), NULL, false, 1);
	out_refuse(stage, out_expect(stage, "files.getUploadURLExternal"), "missing_scope");
	link_follows(stage, "chat.postMessage");
	table.size = (int64_t)SLACK_FILE_MAX + 1;
	hand(stage, out_channel(), NULL, false, 1);
	link_follows(stage, "chat.postMessage");
	table.size = 7;
}

static void what_one_person_sees_is_a_link(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_command(false, 3600000), NULL, false, 1);
	link_follows(stage, "chat.postEphemeral");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_file_goes_into_its_thread),
		TEST(a_lost_answer_is_looked_up_by_the_file),
		TEST(what_was_not_completed_is_completed),
		TEST(what_can_not_be_found_out_is_held_in_the_end),
		TEST(an_upload_that_broke_off_begins_anew),
		TEST(without_the_scope_its_link_is_said),
		TEST(what_one_person_sees_is_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
