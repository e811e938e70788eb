/* Requests on real sockets: who gets in, and what the sender is told and when. */
#include "clock.h"
#include "mem.h"
#include "stage.h"
#include "webhook.h"

static void a_signed_message_is_stored_then_acknowledged(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	struct reply reply;
	char *token;

	(void)state;
	stage_post(stage, &reply, "", "evt_1");
	stage_expect(stage, &reply, 202);
	assert_string_equal(stage->key, "evt_1");
	assert_int_equal(strlen(stage->fingerprint), 64);
	assert_string_equal(stage->text, "hello");
	assert_string_equal(stage->sender, "u1");
	assert_string_equal(stage->conversation, "t1");
	assert_string_equal(stage->reply_to, "(none)");
	assert_int_equal(stage->flags, INCOMING_ALONE);
	stage_member_is(&reply, "/id", STAGE_UUID);
	stage_member_is(&reply, "/status", "accepted");
	stage_member_is(&reply, "/conversation_id", "7");
	stage_member_is(&reply, "/conversation_uuid", STAGE_PLACE);
	stage_member_is(&reply, "/url", "/webhook/crm/messages/" STAGE_UUID);
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
	struct stage *stage = stage_open(stage_standard);
	const char *const none[] = { "content-type: application/json", NULL };
	struct reply reply;

	(void)state;
	for (int i = 0; i < FAILURES_MAX; i++) {
		stage_request(stage, &reply, "POST", "/webhook/crm", none, STAGE_BODY);
		stage_expect(stage, &reply, 401);
		stage_member_is(&reply, "/error/code", "AUTH_FAILED");
		reply_free(&reply);
	}
	stage_request(stage, &reply, "POST", "/webhook/crm", none, STAGE_BODY);
	stage_expect(stage, &reply, 429);
	assert_int_equal(reply.retry_after_ms, 60000);
	reply_free(&reply);
	assert_int_equal(stage->incoming, 0);
	stage_post(stage, &reply, "", "evt_1");
	stage_expect(stage, &reply, 202);
	reply_free(&reply);
	stage_close(stage);
}

/* Two signatures in two headers: which one counts would be anybody's guess, so none does. */
static void repeated_signature_headers_are_refused(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	int64_t now_s = clock_wall_ms() / 1000;
	struct verify_key key;
	char signature[VERIFY_SIGNATURE_SIZE],
		*time_line = mem_format("webhook-timestamp: %lld", (long long)now_s);
	char *signature_line;
	struct reply reply;

	(void)state;
	assert_true(hook_key_standard(STAGE_SECRET, &key, NULL));
	hook_sign(&key, "evt_1", now_s, STAGE_BODY, strlen(STAGE_BODY), signature);
	signature_line = mem_format("webhook-signature: %s", signature);
	stage_request(
		stage, &reply, "POST", "/webhook/crm",
		(const char *const[]){ "webhook-id: evt_1", time_line, signature_line, signature_line, NULL },
		STAGE_BODY);
	stage_expect(stage, &reply, 401);
	reply_free(&reply);
	stage_request(stage, &reply, "POST", "/webhook/crm",
		      (const char *const[]){ "svix-id: evt_1", time_line, signature_line, NULL }, STAGE_BODY);
	stage_expect(stage, &reply, 401); /* a mixture of old and new names */
	reply_free(&reply);
	assert_int_equal(stage->incoming, 0);
	free(time_line);
	free(signature_line);
	stage_close(stage);
}

static void older_header_names_are_taken(void **state)
{
	struct stage *stage = stage_open(stage_standard);
	int64_t now_s = clock_wall_ms() / 1000;
	struct verify_key key;
	char signature[VERIFY_SIGNATURE_SIZE],
		*time_line = mem_format("Svix-Timestamp: %lld", (long long)now_s);
	char *signature_line;
	struct reply reply;

	(void)state;
	assert_true(hook_key_standard(STAGE_SECRET, &key, NULL));
	hook_sign(&key, "evt_9", now_s, STAGE_BODY, strlen(STAGE_BODY), signature);
	signature_line = mem_format("Svix-Signature: v1,%s %s", "AAAA", signature);
	stage_request(stage, &reply, "POST", "/webhook/crm",
		      (const char *const[]){ "Svix-Id: evt_9", time_line, signature_line, NULL }, STAGE_BODY);
	stage_expect(stage, &reply, 202);
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
	struct stage *stage = stage_open(stage_standard);
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stage->ack.how = rows[i].how;
		stage->ack.retry_ms = 2500;
		stage_post(stage, &reply, "", "evt_1");
		stage_expect(stage, &reply, rows[i].status);
		stage_member_is(&reply, "/error/code", rows[i].code);
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
	struct stage *stage = stage_open(stage_standard);
	struct reply reply;
	char *large = mem_alloc((1 << 20) + 2);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stage_post_signed(stage, &reply, "", "evt_1", rows[i].type, rows[i].body);
		stage_expect(stage, &reply, rows[i].status);
		reply_free(&reply);
	}
	stage_post(stage, &reply, "?wait=soon", "evt_1");
	stage_expect(stage, &reply, 400);
	reply_free(&reply);
	memset(large, 'a', (1 << 20) + 1);
	large[(1 << 20) + 1] = '\0';
	stage_post_signed(stage, &reply, "", "evt_1", "text/plain", large);
	stage_expect(stage, &reply, 413);
	reply_free(&reply);
	free(large);
	assert_int_equal(stage->incoming, 0);
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
	stage_expect(stage, &reply, 202);
	assert_string_equal(stage->text, "Please look");
	assert_string_equal(stage->key, "72d3162e-cc78-11e3-81ab-4c9367dc0958");
	reply_free(&reply);
	stage_request(stage, &reply, "POST", "/webhook/crm",
		      (const char *const[]){ line, "content-type: application/x-www-form-urlencoded",
					     "X-GitHub-Event: ping", NULL },
		      form);
	stage_expect(stage, &reply, 200);
	stage_member_is(&reply, "/status", "ignored");
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
	stage_expect(stage, &reply, 202);
	assert_string_equal(stage->key, "5");
	reply_free(&reply);
	stage_request(stage, &reply, "POST", "/webhook/crm", wrong, STAGE_BODY);
	stage_expect(stage, &reply, 401);
	reply_free(&reply);
	stage->found = &stage_answered;
	stage_request(stage, &reply, "GET", "/webhook/crm/messages/" STAGE_UUID, right, NULL);
	stage_expect(stage, &reply, 200);
	stage_check_answered(&reply);
	reply_free(&reply);
	stage_request(stage, &reply, "GET", "/webhook/crm/messages/" STAGE_UUID, wrong, NULL);
	stage_expect(stage, &reply, 401);
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
		stage_expect(stage, &reply, 401);
		reply_free(&reply);
	}
	stage_request(stage, &reply, "POST", "/webhook/crm",
		      (const char *const[]){ "content-type: text/plain", NULL }, "hi");
	stage_expect(stage, &reply, 202);
	assert_string_equal(stage->text, "hi");
	assert_string_equal(stage->sender, "crm");
	stage_member_is(&reply, "/poll_token", "");
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
	stage_expect(stage, &reply, 422);
	reply_free(&reply);
	assert_int_equal(stage->incoming, 0);
	stage_post_signed(stage, &reply, "", "evt_2", "application/json",
			  "{\"text\":\"a\",\"callback\":\"https://api.example.org/cb\"}");
	stage_expect(stage, &reply, 202);
	assert_string_equal(stage->reply_to, "https://api.example.org/cb");
	assert_int_equal(stage->flags, 0); /* with a callback, a burst may get one answer */
	reply_free(&reply);
	stage_post_signed(stage, &reply, "?wait=1", "evt_3", "application/json",
			  "{\"text\":\"a\",\"callback\":\"https://api.example.org/cb\"}");
	stage_run(stage, stage_one_waits, NULL);
	assert_int_equal(stage->flags, INCOMING_ALONE);
	webhook_platform.ended(stage->hook, &stage_answered);
	stage_expect(stage, &reply, 200);
	reply_free(&reply);
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
		cmocka_unit_test(github_style),
		cmocka_unit_test(bearer_style),
		cmocka_unit_test(unsigned_requests_must_be_from_here),
		cmocka_unit_test(bodies_may_not_choose_where_answers_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
