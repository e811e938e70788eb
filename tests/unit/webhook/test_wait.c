/* How an answer gets back to who asked over HTTP: held requests, polling, and that nobody is forgotten or leaked
 * when a hook stops. */
#include "mem.h"
#include "stage.h"
#include "webhook.h"

static void a_waiting_request_gets_the_answer(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct reply reply;

	(void)state;
	stage_post(stage, &reply, "?wait=30", "evt_1");
	stage_run(stage, stage_one_waits, NULL);
	assert_false(reply.done);
	assert_int_equal(stage->flags, INCOMING_ALONE);
	webhook_platform.ended(stage->hook, &stage_answered);
	stage_expect(stage, &reply, 200);
	stage_check_answered(&reply);
	assert_int_equal(((struct webhook *)(void *)stage->hook)->waiting, 0);
	reply_free(&reply);
	stage_close(stage);
}

static void a_failed_message_says_so(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct outgoing failed = stage_answered;
	struct reply reply;

	(void)state;
	failed.state = MESSAGE_FAILED;
	failed.reason = "model_unavailable";
	failed.text = "Sorry.";
	failed.tool_calls = "[]";
	stage_post(stage, &reply, "?wait=30", "evt_1");
	stage_run(stage, stage_one_waits, NULL);
	webhook_platform.ended(stage->hook, &failed);
	stage_expect(stage, &reply, 200);
	stage_member_is(&reply, "/status", "failed");
	stage_member_is(&reply, "/reason", "model_unavailable");
	stage_member_is(&reply, "/reply/text", "Sorry.");
	reply_free(&reply);
	stage_close(stage);
}

static void a_wait_ends_with_the_receipt(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct reply reply;

	(void)state;
	stage_post(stage, &reply, "?wait=1", "evt_1");
	stage_run(stage, stage_one_waits, NULL);
	stage_expect(stage, &reply, 202);
	stage_member_is(&reply, "/id", STAGE_UUID);
	stage_member_is(&reply, "/status", "accepted");
	reply_free(&reply);
	webhook_platform.ended(stage->hook, &stage_answered); /* nobody waits any more */
	stage_close(stage);
}

/* wait_max_s cuts the wish; the header of RFC 7240 is as good as ?wait. */
static void waits_are_cut_and_may_come_as_a_preference(void **state)
{
	static const struct stage_put short_wait[] = {
		{ "name", "crm" }, { "auth", "none" }, { "wait_max_s", "1" }, { NULL, NULL }
	};
	struct stage *stage = stage_open(short_wait);
	struct reply reply;

	(void)state;
	stage_request(
		stage, &reply, "POST", "/webhook/crm",
		(const char *const[]){ "content-type: text/plain", "Prefer: respond-async, wait=9999", NULL },
		"hi");
	stage_run(stage, stage_one_waits, NULL);
	stage_expect(stage, &reply, 202);
	reply_free(&reply);
	stage_close(stage);
}

/* The sender lost our answer and posts again: it gets the answer of the first, whenever that ended. */
static void a_repeated_request_gets_the_first_ones_answer(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct outgoing running = stage_answered;
	struct reply reply;

	(void)state;
	stage->ack.how = ACK_BEFORE;
	stage->ack.state = MESSAGE_ANSWERED;
	stage->found = &stage_answered;
	stage_post(stage, &reply, "?wait=30", "evt_1");
	stage_expect(stage, &reply, 200);
	assert_string_equal(stage->looked, STAGE_UUID);
	stage_check_answered(&reply);
	reply_free(&reply);

	running.state = MESSAGE_CLAIMED;
	running.text = NULL;
	stage->ack.state = MESSAGE_CLAIMED;
	stage->found = &running;
	stage_post(stage, &reply, "?wait=30", "evt_1");
	stage_run_count(stage, &stage->looks, 2);
	stage_run(stage, stage_one_waits, NULL);
	webhook_platform.ended(stage->hook, &stage_answered);
	stage_expect(stage, &reply, 200);
	stage_check_answered(&reply);
	reply_free(&reply);

	stage_post(stage, &reply, "", "evt_1");
	stage_expect(stage, &reply, 202);
	stage_member_is(&reply, "/status", "claimed");
	reply_free(&reply);
	stage_close(stage);
}

static void several_requests_may_wait_for_one_message(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct reply replies[3];

	(void)state;
	stage->ack.how = ACK_BEFORE;
	stage->ack.state = MESSAGE_CLAIMED;
	stage->silent = false;
	stage->found = NULL; /* the look finds nothing new */
	for (int i = 0; i < 3; i++)
		stage_post(stage, &replies[i], "?wait=30", "evt_1");
	stage_run_count(stage, &stage->looks, 3);
	webhook_platform.ended(stage->hook, &stage_answered);
	for (int i = 0; i < 3; i++) {
		stage_expect(stage, &replies[i], 200);
		stage_check_answered(&replies[i]);
		reply_free(&replies[i]);
	}
	stage_close(stage);
}

/* Held requests cost memory and connections: beyond a bound the receipt has to do. */
static void too_many_waits_get_their_receipt_at_once(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct webhook *hook = (struct webhook *)(void *)stage->hook;
	struct reply reply;

	(void)state;
	hook->waiting = HOOK_HELD_MAX;
	stage_post(stage, &reply, "?wait=30", "evt_1");
	stage_expect(stage, &reply, 202);
	hook->waiting = 0;
	reply_free(&reply);
	stage_close(stage);
}

static bool nobody_held(struct stage *stage, const void *what)
{
	(void)what;
	return ((struct webhook *)(void *)stage->hook)->held == NULL;
}

static void who_hangs_up_is_forgotten(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct reply reply;

	(void)state;
	stage_post(stage, &reply, "?wait=30", "evt_1");
	stage_run(stage, stage_one_waits, NULL);
	http_cancel(stage->http, reply.http_id);
	stage_run(stage, nobody_held, NULL);
	webhook_platform.ended(stage->hook, &stage_answered);

	stage->silent = true; /* before the core has decided */
	stage_post(stage, &reply, "", "evt_2");
	stage_run_count(stage, &stage->incoming, 2);
	http_cancel(stage->http, reply.http_id);
	stage_run(stage, nobody_held, NULL);
	webhook_platform.ack(stage->hook, stage->receipt, &stage->ack);
	stage_close(stage);
}

static void poll(struct stage *stage, struct reply *reply, const char *uuid, const char *token)
{
	char *path = mem_format("/webhook/crm/messages/%s", uuid),
	     *line = mem_format("Authorization: Bearer %s", token);

	stage_request(stage, reply, "GET", path, (const char *const[]){ line, NULL }, NULL);
	free(path);
	free(line);
}

static void an_answer_can_be_fetched_later_by_its_asker_only(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct outgoing running = stage_answered;
	struct reply reply;
	char *token;

	(void)state;
	stage_post(stage, &reply, "", "evt_1");
	stage_expect(stage, &reply, 202);
	token = stage_member(reply.body, "/poll_token");
	reply_free(&reply);

	running.state = MESSAGE_CLAIMED;
	running.text = NULL;
	stage->found = &running;
	poll(stage, &reply, STAGE_UUID, token);
	stage_expect(stage, &reply, 200);
	stage_member_is(&reply, "/status", "claimed");
	stage_member_is(&reply, "/reply", "");
	reply_free(&reply);

	stage->found = &stage_answered;
	poll(stage, &reply, STAGE_UUID, token);
	stage_expect(stage, &reply, 200);
	stage_check_answered(&reply);
	reply_free(&reply);

	stage->found = NULL;
	poll(stage, &reply, STAGE_UUID, token);
	stage_expect(stage, &reply, 404);
	reply_free(&reply);
	poll(stage, &reply, "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeef", token);
	stage_expect(stage, &reply, 401);
	reply_free(&reply);
	poll(stage, &reply, "..%2f..", token);
	stage_expect(stage, &reply, 404);
	reply_free(&reply);
	stage_request(stage, &reply, "GET", "/webhook/crm/messages/" STAGE_UUID, NULL, NULL);
	stage_expect(stage, &reply, 401);
	reply_free(&reply);
	free(token);
	stage_close(stage);
}

static void stopping_answers_everybody(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct reply waiting, undecided, late;

	(void)state;
	stage_post(stage, &waiting, "?wait=30", "evt_1");
	stage_run(stage, stage_one_waits, NULL);
	stage->silent = true;
	stage_post(stage, &undecided, "?wait=30", "evt_2");
	stage_run_count(stage, &stage->incoming, 2);
	webhook_platform.stop(stage->hook);
	assert_int_equal(stage->stops, 0);
	stage_expect(stage, &waiting, 202);
	stage_post(stage, &late, "", "evt_3");
	stage_expect(stage, &late, 503);
	assert_int_equal(stage->stops, 0); /* one is not decided yet */
	webhook_platform.ack(stage->hook, stage->receipt, &stage->ack);
	stage_expect(stage, &undecided, 202);
	stage_run_count(stage, &stage->stops, 1);
	reply_free(&waiting);
	reply_free(&undecided);
	reply_free(&late);
	stage_close(stage);
}

static void stopping_an_idle_hook_is_told_in_a_later_round(void **state)
{
	struct stage *stage = stage_open(stage_standard);

	(void)state;
	webhook_platform.stop(stage->hook);
	assert_int_equal(stage->stops, 0);
	stage_run_count(stage, &stage->stops, 1);
	assert_int_equal(stage->stops, 1);
	stage_close(stage);
}

static void destroying_answers_who_still_waits(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct platform *hook = stage->hook;
	struct reply reply;

	(void)state;
	stage_post(stage, &reply, "?wait=30", "evt_1");
	stage_run(stage, stage_one_waits, NULL);
	stage->hook = NULL;
	webhook_platform.destroy(hook);
	stage_expect(stage, &reply, 503);
	reply_free(&reply);
	webhook_platform.destroy(NULL);
	stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_waiting_request_gets_the_answer),
		cmocka_unit_test(a_failed_message_says_so),
		cmocka_unit_test(a_wait_ends_with_the_receipt),
		cmocka_unit_test(waits_are_cut_and_may_come_as_a_preference),
		cmocka_unit_test(a_repeated_request_gets_the_first_ones_answer),
		cmocka_unit_test(several_requests_may_wait_for_one_message),
		cmocka_unit_test(too_many_waits_get_their_receipt_at_once),
		cmocka_unit_test(who_hangs_up_is_forgotten),
		cmocka_unit_test(an_answer_can_be_fetched_later_by_its_asker_only),
		cmocka_unit_test(stopping_answers_everybody),
		cmocka_unit_test(stopping_an_idle_hook_is_told_in_a_later_round),
		cmocka_unit_test(destroying_answers_who_still_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
