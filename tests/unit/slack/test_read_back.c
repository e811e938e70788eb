/* Whether an unsure answer arrived is found out before it is sent again: neither lost nor doubled. */
#include "buf.h"
#include "mem.h"
#include "stage_out.h"

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

#define POSTED	 "{\"channel\":\"C1\",\"ts\":\"1800000001.000200\"}"
#define REPLY_TS "1800000000.000400"

enum { SETTLE_MS = 5000 };

static void hand(struct out_stage *stage, char *place)
{
	struct outgoing out = out_answer(place, "Hello");

	stage->sents = 0;
	out.unsure = true;
	out.attempt = 2;
	slack_send(&stage->workspace, &out, 7);
	free(place);
	out_pass(stage, SETTLE_MS);
}

/* A page with one message of this metadata, by this user. */
static char *page(const char *user, const char *event, const char *id, const char *cursor)
{
	return mem_format(
		"{\"messages\":[{\"ts\":\"1799999990.000100\",\"user\":\"U1\",\"text\":\"?\"},"
		"{\"ts\":\"" REPLY_TS "\",\"user\":\"%s\",\"metadata\":{\"event_type\":\"%s\","
		"\"event_payload\":{\"id\":\"%s\"}}}],\"response_metadata\":{\"next_cursor\":\"%s\"}}",
		user, event, id, cursor);
}

static void answer_page(struct out_stage *stage, const char *method, char *body)
{
	out_ok(stage, out_expect(stage, method), body);
	free(body);
}

static void what_arrived_is_not_sent_again(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand(stage, out_channel());
	call = out_expect(stage, "conversations.replies");
	out_arg_is(call, "/channel", "\"C1\"");
	out_arg_is(call, "/ts", "\"1799999990.000100\"");
	out_arg_is(call, "/include_all_metadata", "true");
	out_arg_is(call, "/oldest", "\"1799999940.000000\""); /* a minute before the answer was stored */
	out_arg_is(call, "/cursor", "");
	answer_page(stage, "conversations.replies", page("UBOT", "usher_reply", OUT_UUID, ""));
	out_was_sent(stage, SENT_ACCEPTED, "C1/" REPLY_TS);
	out_expect_none(stage);
}

/* Cut off, or killed, a moment after it was sent: what Slack is still at does not stand in the thread yet. */
static void what_may_be_on_its_way_is_waited_for(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_channel();
	struct outgoing out = out_answer(place, "Hello");

	out.unsure = true;
	slack_send(&stage->workspace, &out, 7);
	out_pass(stage, SETTLE_MS - 1);
	out_expect_none(stage);
	out_pass(stage, 1);
	answer_page(stage, "conversations.replies", page("UBOT", "usher_reply", OUT_UUID, ""));
	out_was_sent(stage, SENT_ACCEPTED, "C1/" REPLY_TS);
	slack_send(&stage->workspace, &out, 8); /* ended while it waits: teardown looks */
	free(place);
}

static void what_did_not_arrive_is_sent(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_channel());
	answer_page(stage, "conversations.replies",
		    page("UBOT", "usher_reply", "0190aaaa-bbbb-7ccc-8ddd-000000000000", ""));
	out_ok(stage, out_expect(stage, "chat.postMessage"), POSTED);
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
}

static void direct_messages_without_threads_are_read_too(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_direct());
	out_arg_is(out_expect(stage, "conversations.history"), "/ts", "");
	answer_page(stage, "conversations.history", page("UBOT", "usher_reply", OUT_UUID, ""));
	out_was_sent(stage, SENT_ACCEPTED, "D1/" REPLY_TS);
}

/* Somebody else could write our metadata; that would silence the answer. */
static void another_apps_message_is_not_ours(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_channel());
	answer_page(stage, "conversations.replies", page("UOTHER", "usher_reply", OUT_UUID, ""));
	out_ok(stage, out_expect(stage, "chat.postMessage"), POSTED);
}

/* The outbox goes on right after the start, before anybody has asked Slack who we are. */
static void who_does_not_know_itself_yet_finds_its_answer(void **state)
{
	struct out_stage *stage = *state;

	free(stage->workspace.bot_user_id);
	free(stage->workspace.bot_id);
	stage->workspace.bot_user_id = stage->workspace.bot_id = NULL;
	hand(stage, out_channel());
	answer_page(stage, "conversations.replies", page("UBOT", "usher_reply", OUT_UUID, ""));
	out_was_sent(stage, SENT_ACCEPTED, "C1/" REPLY_TS);
	out_expect_none(stage);
}

static void all_pages_are_read(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand(stage, out_channel());
	answer_page(stage, "conversations.replies", page("U2", "x", "y", "next"));
	call = out_expect(stage, "conversations.replies");
	out_arg_is(call, "/cursor", "\"next\"");
	out_ok(stage, call, "{\"messages\":[],\"response_metadata\":{\"next_cursor\":\"last\"}}");
	call = out_expect(stage, "conversations.replies");
	out_arg_is(call, "/cursor", "\"last\"");
	answer_page(stage, "conversations.replies", page("UBOT", "usher_reply", OUT_UUID, ""));
	out_was_sent(stage, SENT_ACCEPTED, "C1/" REPLY_TS);
}

/* A thread without end must not be read without end; then nobody knows. */
static void too_many_pages_are_an_unknown_end(void **state)
{
	struct out_stage *stage = *state;
	size_t pages = 0;

	hand(stage, out_channel());
	for (; out_waiting(stage) > 0 && pages < 100; pages++)
		answer_page(stage, "conversations.replies", page("U2", "x", "y", "next"));
	assert_in_range(pages, 2, 50);
	out_was_sent(stage, SENT_UNKNOWN, NULL);
}

static void what_may_not_be_read_is_held(void **state)
{
	static const char *const codes[] = { "missing_scope", "not_in_channel", "channel_not_found",
					     "thread_not_found", "no_permission" };
	struct out_stage *stage = *state;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		hand(stage, out_channel());
		out_refuse(stage, out_expect(stage, "conversations.replies"), codes[i]);
		out_was_sent(stage, SENT_UNKNOWN, NULL);
		out_why_has(stage, codes[i]);
	}
	out_expect_none(stage);
}

/* Nothing was sent in this attempt; it stays unsure. */
static void what_can_not_be_read_now_is_tried_later(void **state)
{
	static const struct {
		enum slack_how how;
		unsigned retry_ms;
		enum sent sent;
	} cases[] = { { SLACK_LIMITED, 60000, SENT_LIMITED },
		      { SLACK_NOT_SENT, 0, SENT_NOT },
		      { SLACK_MAYBE, 0, SENT_NOT },
		      { SLACK_AUTH, 0, SENT_AUTH } };
	struct out_stage *stage = *state;

	for (size_t i = 0; i < 4; i++) {
		hand(stage, out_channel());
		out_fail(stage, out_expect(stage, "conversations.replies"), cases[i].how, cases[i].retry_ms);
		out_was_sent(stage, cases[i].sent, NULL);
		assert_int_equal(stage->sent_retry_ms, cases[i].retry_ms);
	}
	hand(stage, out_channel());
	out_refuse(stage, out_expect(stage, "conversations.replies"), "team_added_to_org");
	out_was_sent(stage, SENT_NOT, NULL);
	out_expect_none(stage);
}

/* What stood for the answer when the daemon died, and was not kept in time. */
static void a_growing_message_is_found_and_becomes_the_answer(void **state)
{
	struct out_stage *stage = *state;
	struct out_call *call;

	hand(stage, out_channel());
	answer_page(stage, "conversations.replies", page("UBOT", "usher_growing", OUT_ASKED, ""));
	call = out_expect(stage, "chat.update");
	out_arg_is(call, "/ts", "\"" REPLY_TS "\"");
	out_ok(stage, call, "{\"channel\":\"C1\",\"ts\":\"" REPLY_TS "\"}");
	out_was_sent(stage, SENT_ACCEPTED, "C1/" REPLY_TS);
}

/* If that can't be replaced, the way must not lead round in circles. */
static void a_growing_message_that_stays_is_left(void **state)
{
	struct out_stage *stage = *state;

	hand(stage, out_channel());
	answer_page(stage, "conversations.replies", page("UBOT", "usher_growing", OUT_ASKED, ""));
	out_refuse(stage, out_expect(stage, "chat.update"), "cant_update_message");
	out_pass(stage, SETTLE_MS);
	answer_page(stage, "conversations.replies", page("UBOT", "usher_growing", OUT_ASKED, ""));
	out_ok(stage, out_expect(stage, "chat.postMessage"), POSTED);
	out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
}

static void later_parts_do_not_take_the_first_ones_place(void **state)
{
	struct out_stage *stage = *state;
	char *place = out_channel();
	struct outgoing out = out_answer(place, "Hello");

	out.unsure = true;
	out.part = 1;
	out.parts = 2;
	slack_send(&stage->workspace, &out, 7);
	out_pass(stage, SETTLE_MS);
	answer_page(stage, "conversations.replies", page("UBOT", "usher_growing", OUT_ASKED, ""));
	out_ok(stage, out_expect(stage, "chat.postMessage"), POSTED);
	free(place);
}

static void answers_that_are_not_as_documented_harm_nobody(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"{\"messages\":7}",
		"{\"messages\":[null,3,{}]}",
		"{\"messages\":[{\"ts\":5,\"user\":\"UBOT\"}]}",
		"{\"messages\":[{\"ts\":\"1\",\"user\":\"UBOT\",\"metadata\":[]}]}",
		"{\"messages\":[],\"response_metadata\":{\"next_cursor\":5}}"
	};
	struct out_stage *stage = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		hand(stage, out_channel());
		out_ok(stage, out_expect(stage, "conversations.replies"), bodies[i]);
		out_ok(stage, out_expect(stage, "chat.postMessage"), POSTED);
		out_was_sent(stage, SENT_ACCEPTED, "C1/1800000001.000200");
	}
}

/* The answer took ten minutes; what was shown of it is older than the answer. */
static void the_reading_begins_with_the_question(void **state)
{
	struct slack_place place = { .ts = "1799999400.000100" };

	(void)state;
	assert_int_equal(slack_look_since(&place, OUT_NOW), INT64_C(1799999400000));
	place.ts[0] = '\0';
	assert_int_equal(slack_look_since(&place, OUT_NOW), OUT_NOW - 60000);
	memcpy(place.ts, "1700000000.000100", 18); /* months ago: not all of it is read */
	assert_int_equal(slack_look_since(&place, OUT_NOW), OUT_NOW - 60000);
}

static void a_reading_is_cancelled_with_the_rest(void **state)
{
	hand(*state, out_channel()); /* teardown destroys and looks */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_arrived_is_not_sent_again),
		TEST(what_may_be_on_its_way_is_waited_for),
		TEST(what_did_not_arrive_is_sent),
		TEST(direct_messages_without_threads_are_read_too),
		TEST(another_apps_message_is_not_ours),
		TEST(who_does_not_know_itself_yet_finds_its_answer),
		TEST(all_pages_are_read),
		TEST(too_many_pages_are_an_unknown_end),
		TEST(what_may_not_be_read_is_held),
		TEST(what_can_not_be_read_now_is_tried_later),
		TEST(a_growing_message_is_found_and_becomes_the_answer),
		TEST(a_growing_message_that_stays_is_left),
		TEST(later_parts_do_not_take_the_first_ones_place),
		TEST(answers_that_are_not_as_documented_harm_nobody),
		TEST(the_reading_begins_with_the_question),
		TEST(a_reading_is_cancelled_with_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
