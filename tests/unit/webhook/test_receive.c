/* Requests on real sockets: who gets in, what the sender is told and when, and that nobody is forgotten or
 * leaked. */
#include "clock.h"
#include "mem.h"
#include "stage.h"
#include "webhook.h"

#define BODY "{\"text\":\"hello\",\"sender\":{\"id\":\"u1\"},\"conversation_id\":\"t1\"}"

static const struct stage_put standard[] = { { "name", "crm" }, { "secret", STAGE_SECRET }, { NULL, NULL } };

static const char *const uuids[] = { STAGE_UUID };
static const char *const keys[] = { "evt_1" };
static const struct outgoing answered = {
	.uuid = "0190aaaa-1111-7000-8000-000000000002",
	.answers_to = uuids,
	.answers_to_count = 1,
	.delivery_keys = keys,
	.state = MESSAGE_ANSWERED,
	.text = "It is *done* \"now\".",
	.tool_calls = "[{\"name\":\"add\",\"arguments\":{},\"result\":{\"ok\":true}}]",
	.conversation_id = 7,
	.conversation_uuid = STAGE_PLACE,
	.created_ms = 1767323045678,
	.attempt = 1,
};

static void member_is(const struct reply *reply, const char *pointer, const char *expected)
{
	char *text = stage_member(reply->body, pointer);

	assert_string_equal(text, expected);
	free(text);
}

static void post(struct stage *stage, struct reply *reply, const char *query, const char *id)
{
	stage_post_signed(stage, reply, query, id, "application/json", BODY);
}

static void expect(struct stage *stage, struct reply *reply, int status)
{
	stage_run_reply(stage, reply);
	assert_int_equal(reply->how, HTTP_ANSWERED);
	if (reply->status != status)
		fail_msg("answered %d, expected %d: %s", reply->status, status, reply->body);
}

static void a_signed_message_is_stored_then_acknowledged(void **state)
{
	struct stage *stage = stage_open(standard);
	struct reply reply;
	char *token;

	(void)state;
	post(stage, &reply, "", "evt_1");
	expect(stage, &reply, 202);
	assert_string_equal(stage->key, "evt_1");
	assert_int_equal(strlen(stage->fingerprint), 64);
	assert_string_equal(stage->text, "hello");
	assert_string_equal(stage->sender, "u1");
	assert_string_equal(stage->conversation, "t1");
	assert_string_equal(stage->reply_to, "(none)");
	assert_int_equal(stage->flags, INCOMING_ALONE);
	member_is(&reply, "/id", STAGE_UUID);
	member_is(&reply, "/status", "accepted");
	member_is(&reply, "/conversation_id", "7");
	member_is(&reply, "/conversation_uuid", STAGE_PLACE);
	member_is(&reply, "/url", "/webhook/crm/messages/" STAGE_UUID);
	token = stage_member(reply.body, "/poll_token");
	assert_int_equal(strlen(token), 64);
	free(token);
	reply_free(&reply);
	stage_close(stage);
}

/* Only who has the secret gets in; guessing is answered 429 in the end; who has the secret is not locked out
 * by it. */
static void strangers_are_refused_and_others_not(void **state)
{
	struct stage *stage = stage_open(standard);
	const char *const none[] = { "content-type: application/json", NULL };
	struct reply reply;

	(void)state;
	for (int i = 0; i < FAILURES_MAX; i++) {
		stage_request(stage, &reply, "POST", "/webhook/crm", none, BODY);
		expect(stage, &reply, 401);
		member_is(&reply, "/error/code", "AUTH_FAILED");
		reply_free(&reply);
	}
	stage_request(stage, &reply, "POST", "/webhook/crm", none, BODY);
	expect(stage, &reply, 429);
	assert_int_equal(reply.retry_after_ms, 60000);
	reply_free(&reply);
	assert_int_equal(stage->incoming, 0);
	post(stage, &reply, "", "evt_1");
	expect(stage, &reply, 202);
	reply_free(&reply);
	stage_close(stage);
}

/* Two signatures in two headers: which one counts would be anybody's guess, so none does. */
static void repeated_signature_headers_are_refused(void **state)
{
	struct stage *stage = stage_open(standard);
	int64_t now_s = clock_wall_ms() / 1000;
	struct verify_key key;
	char signature[VERIFY_SIGNATURE_SIZE],
		*time_line = mem_format("webhook-timestamp: %lld", (long long)now_s);
	char *signature_line;
	struct reply reply;

	(void)state;
	assert_true(hook_key_standard(STAGE_SECRET, &key, NULL));
	hook_sign(&key, "evt_1", now_s, BODY, strlen(BODY), signature);
	signature_line = mem_format("webhook-signature: %s", signature);
	stage_request(
		stage, &reply, "POST", "/webhook/crm",
		(const char *const[]){ "webhook-id: evt_1", time_line, signature_line, signature_line, NULL },
		BODY);
	expect(stage, &reply, 401);
	reply_free(&reply);
	stage_request(stage, &reply, "POST", "/webhook/crm",
		      (const char *const[]){ "svix-id: evt_1", time_line, signature_line, NULL }, BODY);
	expect(stage, &reply, 401); /* a mixture of old and new names */
	reply_free(&reply);
	assert_int_equal(stage->incoming, 0);
	free(time_line);
	free(signature_line);
	stage_close(stage);
}

static void older_header_names_are_taken(void **state)
{
	struct stage *stage = stage_open(standard);
	int64_t now_s = clock_wall_ms() / 1000;
	struct verify_key key;
	char signature[VERIFY_SIGNATURE_SIZE],
		*time_line = mem_format("Svix-Timestamp: %lld", (long long)now_s);
	char *signature_line;
	struct reply reply;

	(void)state;
	assert_true(hook_key_standard(STAGE_SECRET, &key, NULL));
	hook_sign(&key, "evt_9", now_s, BODY, strlen(BODY), signature);
	signature_line = mem_format("Svix-Signature: v1,%s %s", "AAAA", signature);
	stage_request(stage, &reply, "POST", "/webhook/crm",
		      (const char *const[]){ "Svix-Id: evt_9", time_line, signature_line, NULL }, BODY);
	expect(stage, &reply, 202);
	assert_string_equal(stage->key, "evt_9");
	reply_free(&reply);
	free(time_line);
	free(signature_line);
	stage_close(stage);
}

static void each_decision_of_the_core_has_its_status(void **state)
{
	static const struct {
		enum ack_how how;
		int status;
		const char *code;
	} rows[] = {
		{ ACK_STORED, 202, "" },
		{ ACK_BEFORE, 202, "" },
		{ ACK_CONFLICT, 422, "CONFLICT" },
		{ ACK_INVALID, 422, "UNPROCESSABLE" },
		{ ACK_NO_CONVERSATION, 422, "UNPROCESSABLE" },
		{ ACK_ARCHIVED, 422, "CONVERSATION_ARCHIVED" },
		{ ACK_DISABLED, 403, "FORBIDDEN" },
		{ ACK_BUSY, 503, "OVERLOADED" },
		{ ACK_FAILED, 503, "UNAVAILABLE" },
	};
	struct stage *stage = stage_open(standard);
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stage->ack.how = rows[i].how;
		stage->ack.retry_ms = 2500;
		post(stage, &reply, "", "evt_1");
		expect(stage, &reply, rows[i].status);
		member_is(&reply, "/error/code", rows[i].code);
		assert_int_equal(reply.retry_after_ms, rows[i].status == 503 ? 3000 : -1);
		reply_free(&reply);
	}
	stage_close(stage);
}

static void unusable_bodies_never_reach_the_core(void **state)
{
	static const struct {
		const char *type, *body;
		int status;
	} rows[] = {
		{ "application/json", "{\"text\":", 400 },
		{ "application/json", "{\"text\":\"a\",\"text\":\"b\"}", 400 },
		{ "application/json", "{\"n\":1}", 422 },
		{ "application/json", "", 400 },
		{ "application/xml", "<a/>", 415 },
		{ "text/plain", "  ", 422 },
	};
	struct stage *stage = stage_open(standard);
	struct reply reply;
	char *large = mem_alloc((1 << 20) + 2);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stage_post_signed(stage, &reply, "", "evt_1", rows[i].type, rows[i].body);
		expect(stage, &reply, rows[i].status);
		reply_free(&reply);
	}
	post(stage, &reply, "?wait=soon", "evt_1");
	expect(stage, &reply, 400);
	reply_free(&reply);
	memset(large, 'a', (1 << 20) + 1);
	large[(1 << 20) + 1] = '\0';
	stage_post_signed(stage, &reply, "", "evt_1", "text/plain", large);
	expect(stage, &reply, 413);
	reply_free(&reply);
	free(large);
	assert_int_equal(stage->incoming, 0);
	stage_close(stage);
}

static bool one_waits(struct stage *stage, const void *what)
{
	(void)what;
	return ((struct webhook *)(void *)stage->hook)->waiting == 1;
}

static void check_answered(const struct reply *reply)
{
	member_is(reply, "/id", STAGE_UUID);
	member_is(reply, "/status", "answered");
	member_is(reply, "/conversation_id", "7");
	member_is(reply, "/reply/text", answered.text);
	member_is(reply, "/reply/tool_calls/0/result/ok", "true");
}

static void a_waiting_request_gets_the_answer(void **state)
{
	struct stage *stage = stage_open(standard);
	struct reply reply;

	(void)state;
	post(stage, &reply, "?wait=30", "evt_1");
	stage_run(stage, one_waits, NULL);
	assert_false(reply.done);
	assert_int_equal(stage->flags, INCOMING_ALONE);
	webhook_platform.ended(stage->hook, &answered);
	expect(stage, &reply, 200);
	check_answered(&reply);
	assert_int_equal(((struct webhook *)(void *)stage->hook)->waiting, 0);
	reply_free(&reply);
	stage_close(stage);
}

static void a_failed_message_says_so(void **state)
{
	struct stage *stage = stage_open(standard);
	struct outgoing failed = answered;
	struct reply reply;

	(void)state;
	failed.state = MESSAGE_FAILED;
	failed.reason = "model_unavailable";
	failed.text = "Sorry.";
	failed.tool_calls = "[]";
	post(stage, &reply, "?wait=30", "evt_1");
	stage_run(stage, one_waits, NULL);
	webhook_platform.ended(stage->hook, &failed);
	expect(stage, &reply, 200);
	member_is(&reply, "/status", "failed");
	member_is(&reply, "/reason", "model_unavailable");
	member_is(&reply, "/reply/text", "Sorry.");
	reply_free(&reply);
	stage_close(stage);
}

static void a_wait_ends_with_the_receipt(void **state)
{
	struct stage *stage = stage_open(standard);
	struct reply reply;

	(void)state;
	post(stage, &reply, "?wait=1", "evt_1");
	stage_run(stage, one_waits, NULL);
	expect(stage, &reply, 202);
	member_is(&reply, "/id", STAGE_UUID);
	member_is(&reply, "/status", "accepted");
	reply_free(&reply);
	webhook_platform.ended(stage->hook, &answered); /* nobody waits any more */
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
	stage_run(stage, one_waits, NULL);
	expect(stage, &reply, 202);
	reply_free(&reply);
	stage_close(stage);
}

/* The sender lost our answer and posts again: it gets the answer of the first, whenever that ended. */
static void a_repeated_request_gets_the_first_ones_answer(void **state)
{
	struct stage *stage = stage_open(standard);
	struct outgoing running = answered;
	struct reply reply;

	(void)state;
	stage->ack.how = ACK_BEFORE;
	stage->ack.state = MESSAGE_ANSWERED;
	stage->found = &answered;
	post(stage, &reply, "?wait=30", "evt_1");
	expect(stage, &reply, 200);
	assert_string_equal(stage->looked, STAGE_UUID);
	check_answered(&reply);
	reply_free(&reply);

	running.state = MESSAGE_CLAIMED;
	running.text = NULL;
	stage->ack.state = MESSAGE_CLAIMED;
	stage->found = &running;
	post(stage, &reply, "?wait=30", "evt_1");
	stage_run_count(stage, &stage->looks, 2);
	stage_run(stage, one_waits, NULL);
	webhook_platform.ended(stage->hook, &answered);
	expect(stage, &reply, 200);
	check_answered(&reply);
	reply_free(&reply);

	post(stage, &reply, "", "evt_1");
	expect(stage, &reply, 202);
	member_is(&reply, "/status", "claimed");
	reply_free(&reply);
	stage_close(stage);
}

static void several_requests_may_wait_for_one_message(void **state)
{
	struct stage *stage = stage_open(standard);
	struct reply replies[3];

	(void)state;
	stage->ack.how = ACK_BEFORE;
	stage->ack.state = MESSAGE_CLAIMED;
	stage->silent = false;
	stage->found = NULL; /* the look finds nothing new */
	for (int i = 0; i < 3; i++)
		post(stage, &replies[i], "?wait=30", "evt_1");
	stage_run_count(stage, &stage->looks, 3);
	webhook_platform.ended(stage->hook, &answered);
	for (int i = 0; i < 3; i++) {
		expect(stage, &replies[i], 200);
		check_answered(&replies[i]);
		reply_free(&replies[i]);
	}
	stage_close(stage);
}

/* Held requests cost memory and connections: beyond a bound the receipt has to do. */
static void too_many_waits_get_their_receipt_at_once(void **state)
{
	struct stage *stage = stage_open(standard);
	struct webhook *hook = (struct webhook *)(void *)stage->hook;
	struct reply reply;

	(void)state;
	hook->waiting = HOOK_HELD_MAX;
	post(stage, &reply, "?wait=30", "evt_1");
	expect(stage, &reply, 202);
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
	struct stage *stage = stage_open(standard);
	struct reply reply;

	(void)state;
	post(stage, &reply, "?wait=30", "evt_1");
	stage_run(stage, one_waits, NULL);
	http_cancel(stage->http, reply.http_id);
	stage_run(stage, nobody_held, NULL);
	webhook_platform.ended(stage->hook, &answered);

	stage->silent = true; /* before the core has decided */
	post(stage, &reply, "", "evt_2");
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
	struct stage *stage = stage_open(standard);
	struct outgoing running = answered;
	struct reply reply;
	char *token;

	(void)state;
	post(stage, &reply, "", "evt_1");
	expect(stage, &reply, 202);
	token = stage_member(reply.body, "/poll_token");
	reply_free(&reply);

	running.state = MESSAGE_CLAIMED;
	running.text = NULL;
	stage->found = &running;
	poll(stage, &reply, STAGE_UUID, token);
	expect(stage, &reply, 200);
	member_is(&reply, "/status", "claimed");
	member_is(&reply, "/reply", "");
	reply_free(&reply);

	stage->found = &answered;
	poll(stage, &reply, STAGE_UUID, token);
	expect(stage, &reply, 200);
	check_answered(&reply);
	reply_free(&reply);

	stage->found = NULL;
	poll(stage, &reply, STAGE_UUID, token);
	expect(stage, &reply, 404);
	reply_free(&reply);
	poll(stage, &reply, "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeef", token);
	expect(stage, &reply, 401);
	reply_free(&reply);
	poll(stage, &reply, "..%2f..", token);
	expect(stage, &reply, 404);
	reply_free(&reply);
	stage_request(stage, &reply, "GET", "/webhook/crm/messages/" STAGE_UUID, NULL, NULL);
	expect(stage, &reply, 401);
	reply_free(&reply);
	free(token);
	stage_close(stage);
}

static void github_style(void **state)
{
	static const struct stage_put github[] = { { "name", "crm" },
						   { "auth", "github" },
						   { "secret", "It's a Secret to Everybody" },
						   { NULL, NULL } };
	/* openssl dgst -sha256 -hmac "It's a Secret to Everybody" */
	struct stage *stage = stage_open(github);
	struct verify_key key;
	uint8_t mac[CRYPTO_SHA256_SIZE];
	char hex[65], *line;
	const char *form = "payload=%7B%22comment%22%3A%7B%22body%22%3A%22Please+look%22%7D%7D";
	struct reply reply;

	(void)state;
	assert_true(hook_key_text("It's a Secret to Everybody", &key, NULL));
	crypto_hmac_sha256(key.bytes, key.len, &(struct crypto_part){ form, strlen(form) }, 1, mac);
	crypto_hex(mac, sizeof(mac), hex);
	line = mem_format("X-Hub-Signature-256: sha256=%s", hex);
	stage_request(stage, &reply, "POST", "/webhook/crm",
		      (const char *const[]){ line, "content-type: application/x-www-form-urlencoded",
					     "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958",
					     "X-GitHub-Event: issue_comment", NULL },
		      form);
	expect(stage, &reply, 202);
	assert_string_equal(stage->text, "Please look");
	assert_string_equal(stage->key, "72d3162e-cc78-11e3-81ab-4c9367dc0958");
	reply_free(&reply);
	stage_request(stage, &reply, "POST", "/webhook/crm",
		      (const char *const[]){ line, "content-type: application/x-www-form-urlencoded",
					     "X-GitHub-Event: ping", NULL },
		      form);
	expect(stage, &reply, 200);
	member_is(&reply, "/status", "ignored");
	assert_int_equal(stage->flags, INCOMING_IGNORE);
	assert_string_equal(stage->text, "GitHub ping");
	assert_non_null(strstr(stage->key, "sha256:")); /* no delivery header: the body is the key */
	assert_string_equal(stage->fingerprint, "(none)");
	reply_free(&reply);
	free(line);
	stage_close(stage);
}

static void bearer_style(void **state)
{
	static const struct stage_put bearer[] = { { "name", "crm" },
						   { "auth", "bearer" },
						   { "secret", "a-key-for-the-crm-hook" },
						   { NULL, NULL } };
	const char *const right[] = { "Authorization: Bearer a-key-for-the-crm-hook", NULL };
	const char *const wrong[] = { "Authorization: Bearer a-key-for-another-hook", NULL };
	struct stage *stage = stage_open(bearer);
	struct reply reply;

	(void)state;
	stage_request(stage, &reply, "POST", "/webhook/crm", right, "{\"id\":5,\"text\":\"hi\"}");
	expect(stage, &reply, 202);
	assert_string_equal(stage->key, "5");
	reply_free(&reply);
	stage_request(stage, &reply, "POST", "/webhook/crm", wrong, BODY);
	expect(stage, &reply, 401);
	reply_free(&reply);
	stage->found = &answered;
	stage_request(stage, &reply, "GET", "/webhook/crm/messages/" STAGE_UUID, right, NULL);
	expect(stage, &reply, 200);
	check_answered(&reply);
	reply_free(&reply);
	stage_request(stage, &reply, "GET", "/webhook/crm/messages/" STAGE_UUID, wrong, NULL);
	expect(stage, &reply, 401);
	reply_free(&reply);
	stage_close(stage);
}

/* Without a secret: programs on this machine, but neither what a proxy passes on nor a web page in a browser.
 */
static void unsigned_requests_must_be_from_here(void **state)
{
	static const struct stage_put none[] = { { "name", "crm" }, { "auth", "none" }, { NULL, NULL } };
	static const char *const foreign[] = { "X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9",
					       "Origin: https://page.example", "Via: 1.1 proxy" };
	struct stage *stage = stage_open(none);
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		stage_request(stage, &reply, "POST", "/webhook/crm",
			      (const char *const[]){ "content-type: text/plain", foreign[i], NULL }, "hi");
		expect(stage, &reply, 401);
		reply_free(&reply);
	}
	stage_request(stage, &reply, "POST", "/webhook/crm",
		      (const char *const[]){ "content-type: text/plain", NULL }, "hi");
	expect(stage, &reply, 202);
	assert_string_equal(stage->text, "hi");
	assert_string_equal(stage->sender, "crm");
	member_is(&reply, "/poll_token", "");
	reply_free(&reply);
	stage_close(stage);
}

static void bodies_may_not_choose_where_answers_go(void **state)
{
	static const struct stage_put by_body[] = { { "name", "crm" },
						    { "secret", STAGE_SECRET },
						    { "reply_url_pointer", "/callback" },
						    { "reply_hosts", "api.example.org" },
						    { NULL, NULL } };
	struct stage *stage = stage_open(by_body);
	struct reply reply;

	(void)state;
	stage_post_signed(stage, &reply, "", "evt_1", "application/json",
			  "{\"text\":\"a\",\"callback\":\"https://evil.example/cb\"}");
	expect(stage, &reply, 422);
	reply_free(&reply);
	assert_int_equal(stage->incoming, 0);
	stage_post_signed(stage, &reply, "", "evt_2", "application/json",
			  "{\"text\":\"a\",\"callback\":\"https://api.example.org/cb\"}");
	expect(stage, &reply, 202);
	assert_string_equal(stage->reply_to, "https://api.example.org/cb");
	assert_int_equal(stage->flags, 0); /* with a callback, a burst may get one answer */
	reply_free(&reply);
	stage_post_signed(stage, &reply, "?wait=1", "evt_3", "application/json",
			  "{\"text\":\"a\",\"callback\":\"https://api.example.org/cb\"}");
	stage_run(stage, one_waits, NULL);
	assert_int_equal(stage->flags, INCOMING_ALONE);
	webhook_platform.ended(stage->hook, &answered);
	expect(stage, &reply, 200);
	reply_free(&reply);
	stage_close(stage);
}

static void stopping_answers_everybody(void **state)
{
	struct stage *stage = stage_open(standard);
	struct reply waiting, undecided, late;

	(void)state;
	post(stage, &waiting, "?wait=30", "evt_1");
	stage_run(stage, one_waits, NULL);
	stage->silent = true;
	post(stage, &undecided, "?wait=30", "evt_2");
	stage_run_count(stage, &stage->incoming, 2);
	webhook_platform.stop(stage->hook);
	assert_int_equal(stage->stops, 0);
	expect(stage, &waiting, 202);
	post(stage, &late, "", "evt_3");
	expect(stage, &late, 503);
	assert_int_equal(stage->stops, 0); /* one is not decided yet */
	webhook_platform.ack(stage->hook, stage->receipt, &stage->ack);
	expect(stage, &undecided, 202);
	stage_run_count(stage, &stage->stops, 1);
	reply_free(&waiting);
	reply_free(&undecided);
	reply_free(&late);
	stage_close(stage);
}

static void stopping_an_idle_hook_is_told_in_a_later_round(void **state)
{
	struct stage *stage = stage_open(standard);

	(void)state;
	webhook_platform.stop(stage->hook);
	assert_int_equal(stage->stops, 0);
	stage_run_count(stage, &stage->stops, 1);
	assert_int_equal(stage->stops, 1);
	stage_close(stage);
}

static void destroying_answers_who_still_waits(void **state)
{
	struct stage *stage = stage_open(standard);
	struct platform *hook = stage->hook;
	struct reply reply;

	(void)state;
	post(stage, &reply, "?wait=30", "evt_1");
	stage_run(stage, one_waits, NULL);
	stage->hook = NULL;
	webhook_platform.destroy(hook);
	expect(stage, &reply, 503);
	reply_free(&reply);
	webhook_platform.destroy(NULL);
	stage_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_message_is_stored_then_acknowledged),
		cmocka_unit_test(strangers_are_refused_and_others_not),
		cmocka_unit_test(repeated_signature_headers_are_refused),
		cmocka_unit_test(older_header_names_are_taken),
		cmocka_unit_test(each_decision_of_the_core_has_its_status),
		cmocka_unit_test(unusable_bodies_never_reach_the_core),
		cmocka_unit_test(a_waiting_request_gets_the_answer),
		cmocka_unit_test(a_failed_message_says_so),
		cmocka_unit_test(a_wait_ends_with_the_receipt),
		cmocka_unit_test(waits_are_cut_and_may_come_as_a_preference),
		cmocka_unit_test(a_repeated_request_gets_the_first_ones_answer),
		cmocka_unit_test(several_requests_may_wait_for_one_message),
		cmocka_unit_test(too_many_waits_get_their_receipt_at_once),
		cmocka_unit_test(who_hangs_up_is_forgotten),
		cmocka_unit_test(an_answer_can_be_fetched_later_by_its_asker_only),
		cmocka_unit_test(github_style),
		cmocka_unit_test(bearer_style),
		cmocka_unit_test(unsigned_requests_must_be_from_here),
		cmocka_unit_test(bodies_may_not_choose_where_answers_go),
		cmocka_unit_test(stopping_answers_everybody),
		cmocka_unit_test(stopping_an_idle_hook_is_told_in_a_later_round),
		cmocka_unit_test(destroying_answers_who_still_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
