/* The way in over HTTP (sheet 4, 5, 9, 10): only the platform is heard, "received" means stored, and nothing that is
 * sent makes us fall over. */
#include "request.h"
#include "stage_net.h"
#include "verify.h"

struct reply {
	bool done;
	int status;
	char *body, *type, *no_retry;
	int64_t retry_after_ms;
	enum http_how how;
};

static void came(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct reply *reply = owner;
	const char *no_retry = http_header(answer, "x-slack-no-retry");

	(void)ticket;
	reply->done = true;
	reply->how = answer->how;
	reply->status = answer->status;
	reply->body = mem_text(answer->body);
	reply->type = mem_text(answer->type);
	reply->no_retry = mem_text(no_retry ? no_retry : "(none)");
	reply->retry_after_ms = answer->retry_after_ms;
}

static void forget(struct reply *reply)
{
	free(reply->body);
	free(reply->type);
	free(reply->no_retry);
	*reply = (struct reply){ 0 };
}

/* Signed as the platform does it, off_s away from our clock. */
static uint64_t post(struct net_stage *stage, struct reply *reply, const char *path, const char *type,
		     const char *body, size_t len, int off_s, const char *more)
{
	char signature[SLACK_VERIFY_SIGNATURE_LEN + 1];
	char *time_text = mem_format("%lld", (long long)(clock_wall_ms() / 1000 + off_s));
	char *time_line = mem_format("X-Slack-Request-Timestamp: %s", time_text), *signature_line;
	char *type_line = mem_format("Content-Type: %s", type), *url = net_url(stage, path);
	uint64_t id;

	slack_sign(stage->app.config.signing_secret, time_text, body, len, signature);
	signature_line = mem_format("X-Slack-Signature: %s", signature);
	*reply = (struct reply){ 0 };
	id = http_start(stage->http,
			&(struct http_call){ .method = "POST",
					     .url = url,
					     .headers = (const char *const[]){ type_line, time_line,
									       signature_line, more, NULL },
					     .body = body,
					     .body_len = len },
			NULL, came, reply, 0);
	free(time_text);
	free(time_line);
	free(signature_line);
	free(type_line);
	free(url);
	return id;
}

static const char event[] =
	"{\"type\":\"event_callback\",\"event_id\":\"Ev1\",\"event\":{\"type\":\"message\"}}";
static const char as_json[] = "application/json";
static const char as_form[] = "application/x-www-form-urlencoded";

static void post_event(struct net_stage *stage, struct reply *reply)
{
	post(stage, reply, "/slack/acme/events", as_json, event, sizeof(event) - 1, 0, NULL);
}

static void expect(struct net_stage *stage, struct reply *reply, int status)
{
	NET_WAIT(stage, reply->done);
	assert_int_equal(reply->how, HTTP_ANSWERED);
	if (reply->status != status)
		fail_msg("answered %d, expected %d: %s", reply->status, status, reply->body);
}

static struct net_stage *open_stage(void)
{
	struct net_stage *stage = net_open();
	struct err err = { 0 };

	stage->app.config.transport = SLACK_HTTP;
	assert_true(slack_receive_start(&stage->app, &err));
	return stage;
}

/* ---- who is heard -------------------------------------------------------------------------------------- */

static void test_only_what_is_signed(void **state)
{
	static const char old[] = "X-Slack-Request-Timestamp: 1531420618";
	static const char form[] = "Content-Type: application/x-www-form-urlencoded";
	static const char vector[] =
		"X-Slack-Signature: v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
	struct net_stage *stage = open_stage();
	const char *const cases[][5] = {
		{ form, NULL },
		{ form, old, NULL },
		{ form, vector, NULL },
		{ form, old, vector, NULL },
		{ form, old, old, vector, NULL },
	};
	char *url = net_url(stage, "/slack/acme/events");
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		reply = (struct reply){ 0 };
		http_start(stage->http,
			   &(struct http_call){ .method = "POST",
						.url = url,
						.headers = cases[i],
						.body = event,
						.body_len = sizeof(event) - 1 },
			   NULL, came, &reply, 0);
		expect(stage, &reply, 401);
		forget(&reply);
	}
	post(stage, &reply, "/slack/acme/events", as_json, event, sizeof(event) - 1, -302, NULL);
	expect(stage, &reply, 401);
	forget(&reply);
	post(stage, &reply, "/slack/acme/events", as_json, event, sizeof(event) - 1, 302, NULL);
	expect(stage, &reply, 401);
	forget(&reply);
	assert_int_equal(stage->taken_count, 0);
	free(url);
	net_close(stage);
}

/* The page where the address is saved asks once; strangers get nothing back. */
static void test_url_verification(void **state)
{
	static const char challenge[] =
		"{\"token\":\"x\",\"challenge\":\"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P\","
		"\"type\":\"url_verification\"}";
	struct net_stage *stage = open_stage();
	struct reply reply;

	(void)state;
	post(stage, &reply, "/slack/acme/events", as_json, challenge, sizeof(challenge) - 1, 0, NULL);
	expect(stage, &reply, 200);
	assert_string_equal(reply.body, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
	assert_string_equal(reply.type, "text/plain; charset=utf-8");
	forget(&reply);
	post(stage, &reply, "/slack/acme/events", as_json, challenge, sizeof(challenge) - 1, 9999, NULL);
	expect(stage, &reply, 401);
	forget(&reply);
	assert_int_equal(stage->taken_count, 0);
	net_close(stage);
}

static void test_no_secret_no_door(void **state)
{
	struct net_stage *stage = net_open();
	struct err err = { 0 };
	struct reply reply;

	(void)state;
	stage->app.config.signing_secret = "";
	stage->app.config.transport = SLACK_HTTP;
	assert_false(slack_receive_start(&stage->app, &err));
	stage->app.config.signing_secret = NULL;
	assert_false(slack_receive_start(&stage->app, &err));
	stage->app.config.transport = SLACK_SOCKET;
	assert_true(slack_receive_start(&stage->app, &err));
	assert_null(stage->app.receive);
	stage->app.config.signing_secret = "x";
	post_event(stage, &reply);
	expect(stage, &reply, 404);
	forget(&reply);
	net_close(stage);
}

/* ---- what is taken, and how it is answered ------------------------------------------------------------- */

static void test_received_means_stored(void **state)
{
	struct net_stage *stage = open_stage();
	struct reply reply;

	(void)state;
	stage->reply = NET_SILENT;
	post(stage, &reply, "/slack/acme/events", as_json, event, sizeof(event) - 1, 0,
	     "X-Slack-Retry-Num: 2");
	NET_WAIT(stage, stage->taken_count == 1);
	net_rest(stage);
	assert_false(reply.done);
	assert_int_equal(stage->taken[0].kind, SLACK_EVENT);
	assert_string_equal(stage->taken[0].payload, event);
	assert_int_equal(stage->taken[0].from.way, SLACK_FROM_HTTP);
	assert_int_equal(stage->taken[0].from.retry, 2); /* taken like any other (sheet 18.7) */
	slack_ack_ok(&stage->app, &stage->taken[0].from, "{\"ignored\":true}");
	expect(stage, &reply, 200);
	assert_string_equal(reply.body, "");
	slack_ack_ok(&stage->app, &stage->taken[0].from, NULL); /* once is enough */
	forget(&reply);
	net_close(stage);
}

static void test_not_stored_comes_again(void **state)
{
	struct net_stage *stage = open_stage();
	struct reply reply;

	(void)state;
	stage->reply = NET_LATER;
	post_event(stage, &reply);
	expect(stage, &reply, 503);
	assert_int_equal(reply.retry_after_ms, 2000);
	assert_string_equal(reply.no_retry, "(none)");
	forget(&reply);
	stage->reply = NET_BAD;
	post_event(stage, &reply);
	expect(stage, &reply, 400);
	forget(&reply);
	net_close(stage);
}

/* Nobody acknowledges: the platform is told before its own patience ends, and our late word goes nowhere. */
static void test_too_slow_is_said_in_time(void **state)
{
	struct net_stage *stage = open_stage();
	struct reply reply, second;

	(void)state;
	stage->reply = NET_SILENT;
	post_event(stage, &reply);
	NET_WAIT(stage, stage->taken_count == 1);
	post_event(stage, &second);
	NET_WAIT(stage, reply.done && second.done);
	assert_int_equal(reply.status, 503);
	assert_int_equal(second.status, 503);
	slack_ack_ok(&stage->app, &stage->taken[0].from, NULL);
	slack_ack_bad(&stage->app, &stage->taken[1].from, "too late");
	forget(&reply);
	forget(&second);
	net_close(stage);
}

static void test_gone_before_the_answer(void **state)
{
	struct net_stage *stage = open_stage();
	struct reply reply;
	uint64_t id;

	(void)state;
	stage->reply = NET_SILENT;
	id = post(stage, &reply, "/slack/acme/events", as_json, event, sizeof(event) - 1, 0, NULL);
	NET_WAIT(stage, stage->taken_count == 1);
	http_cancel(stage->http, id);
	net_rest(stage);
	slack_ack_ok(&stage->app, &stage->taken[0].from, NULL);
	net_close(stage);
}

static void test_commands_and_buttons(void **state)
{
	static const char command[] =
		"token=x&team_id=T1&command=%2Fusher&text=link+me%21&is_enterprise_install=false&empty=";
	static const char button[] =
		"payload=%7B%22type%22%3A%22block_actions%22%2C%22a%22%3A%22%C3%A9+%2B%22%7D";
	static const char *const paths[] = { "/slack/acme/events", "/slack/acme/commands",
					     "/slack/acme/interactive" };
	struct net_stage *stage = open_stage();
	struct reply reply;

	(void)state;
	stage->reply_payload = "{\"text\":\"hi\"}";
	for (size_t i = 0; i < 3; i++) {
		post(stage, &reply, paths[i], as_form, command, sizeof(command) - 1, 0, NULL);
		expect(stage, &reply, 200);
		assert_string_equal(reply.body, "{\"text\":\"hi\"}");
		assert_string_equal(reply.type, "application/json");
		forget(&reply);
		post(stage, &reply, paths[i], "application/x-www-form-urlencoded; charset=utf-8", button,
		     sizeof(button) - 1, 0, NULL);
		expect(stage, &reply, 200);
		forget(&reply);
		post(stage, &reply, paths[i], as_json, event, sizeof(event) - 1, 0, NULL);
		expect(stage, &reply, 200);
		assert_string_equal(reply.body, ""); /* events have no answer */
		forget(&reply);
	}
	assert_int_equal(stage->taken_count, 9);
	assert_int_equal(stage->taken[0].kind, SLACK_COMMAND);
	assert_string_equal(
		stage->taken[0].payload,
		"{\"token\":\"x\",\"team_id\":\"T1\",\"command\":\"/usher\",\"text\":\"link me!\","
		"\"is_enterprise_install\":\"false\",\"empty\":\"\"}");
	assert_int_equal(stage->taken[1].kind, SLACK_INTERACTIVE);
	assert_string_equal(stage->taken[1].payload, "{\"type\":\"block_actions\",\"a\":\"\xc3\xa9 +\"}");
	net_close(stage);
}

static void test_what_is_not_understood(void **state)
{
	static const struct {
		const char *type, *body;
		int status;
	} cases[] = {
		{ as_json, "", 400 },
		{ as_json, "[]", 400 },
		{ as_json, "{}", 400 },
		{ as_json, "{\"type\":7}", 400 },
		{ as_json, "{\"type\":\"a\",\"type\":\"b\"}", 400 },
		{ as_json, "{\"type\":\"url_verification\"}", 400 },
		{ as_json, "{\"type\":\"url_verification\",\"challenge\":{}}", 400 },
		{ as_form, "", 400 },
		{ as_form, "a=b", 400 },
		{ as_form, "command=%2", 400 },
		{ as_form, "command=%zz", 400 },
		{ as_form, "command=%00", 400 },
		{ as_form, "command=%ff", 400 },
		{ as_form, "command=a&command=b", 400 },
		{ as_form, "=x&command=a", 400 },
		{ as_form, "payload=7", 400 },
		{ as_form, "payload=%7B", 400 },
		{ as_form, "ssl_check=1&token=x", 200 },
		{ "text/plain", "hello", 415 },
		{ "application/jsonx", "{\"type\":\"x\"}", 415 },
		{ "multipart/form-data; boundary=x", "--x", 415 },
	};
	struct net_stage *stage = open_stage();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct reply reply;

		post(stage, &reply, "/slack/acme/events", cases[i].type, cases[i].body, strlen(cases[i].body),
		     0, NULL);
		NET_WAIT(stage, reply.done);
		if (reply.status != cases[i].status)
			fail_msg("%s: %d", cases[i].body, reply.status);
		forget(&reply);
	}
	assert_int_equal(stage->taken_count, 0);
	net_close(stage);
}

static void test_too_large_is_not_buffered(void **state)
{
	struct net_stage *stage = open_stage();
	size_t len = SLACK_BODY_MAX + 1;
	char *body = mem_zero(1, len + 1);
	struct reply reply;

	(void)state;
	memset(body, ' ', len);
	post(stage, &reply, "/slack/acme/events", as_json, body, len, 0, NULL);
	NET_WAIT(stage, reply.done);
	assert_int_equal(reply.status, 413);
	forget(&reply);
	free(body);
	net_close(stage);
}

/* Bytes turned, cut out and doubled, signed all the same: whatever comes, we stand, and it is never our fault. */
static void test_a_thousand_mutated_requests(void **state)
{
	static const char *const seeds[] = {
		event,
		"{\"token\":\"t\",\"team_id\":\"T1\",\"api_app_id\":\"A1\",\"event\":{\"type\":\"message\","
		"\"channel\":"
		"\"C1\",\"user\":\"U1\",\"text\":\"<@U2> hi "
		"\\u00e9\",\"ts\":\"1355517523.000005\",\"blocks\":[{\"type\":"
		"\"rich_text\"}]},\"type\":\"event_callback\",\"authorizations\":[{\"team_id\":\"T1\"}]}",
		"{\"token\":\"x\",\"challenge\":\"abc\",\"type\":\"url_verification\"}",
		"command=%2Fusher&text=help&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F1",
		"payload=%7B%22type%22%3A%22block_actions%22%2C%22actions%22%3A%5B%7B%7D%5D%7D",
	};
	enum { REQUESTS = 1000, AT_ONCE = 20 };
	struct net_stage *stage = open_stage();
	struct reply replies[AT_ONCE];
	unsigned seen[600] = { 0 };

	(void)state;
	srandom(4711);
	for (int i = 0; i < REQUESTS; i += AT_ONCE) {
		for (int n = 0; n < AT_ONCE; n++) {
			const char *seed = seeds[random() % 5];
			size_t len = strlen(seed), at;
			char *body = mem_alloc(2 * len + 1);

			memcpy(body, seed, len + 1);
			for (long changes = random() % 8; changes > 0 && len > 0; changes--) {
				at = (size_t)random() % len;
				if (random() % 3)
					body[at] = (char)random();
				else
					len = at + (size_t)random() % (len - at) + 1;
			}
			stage->reply = random() % 2 ? NET_OK : random() % 2 ? NET_BAD : NET_LATER;
			post(stage, &replies[n], "/slack/acme/events", *seed == '{' ? as_json : as_form, body,
			     len, 0, random() % 4 ? NULL : "X-Slack-Retry-Num: 99999999999999999999x");
			free(body);
		}
		for (int n = 0; n < AT_ONCE; n++) {
			NET_WAIT(stage, replies[n].done);
			assert_int_equal(replies[n].how, HTTP_ANSWERED);
			assert_in_range(replies[n].status, 200, 599);
			seen[replies[n].status]++;
			forget(&replies[n]);
		}
	}
	assert_int_equal(seen[500], 0);
	assert_int_equal(seen[200] + seen[400] + seen[503], REQUESTS);
	assert_true(seen[200] > 50 && seen[400] > 50);
	net_close(stage);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void test_stopping(void **state)
{
	struct net_stage *stage = open_stage();
	struct err err = { 0 };
	struct reply held, late;

	(void)state;
	stage->reply = NET_SILENT;
	post_event(stage, &held);
	NET_WAIT(stage, stage->taken_count == 1);
	slack_receive_stop(&stage->app);
	post_event(stage, &late);
	expect(stage, &late, 503);
	slack_ack_ok(&stage->app, &stage->taken[0].from, NULL);
	expect(stage, &held, 200);
	forget(&late);
	forget(&held);
	assert_true(slack_receive_start(&stage->app, &err)); /* switched on again */
	post_event(stage, &held);
	NET_WAIT(stage, stage->taken_count == 2);
	slack_receive_destroy(&stage->app);
	expect(stage, &held, 503);
	slack_ack_ok(&stage->app, &stage->taken[1].from, NULL);
	forget(&held);
	net_close(stage);
}

static void test_two_apps_of_one_name(void **state)
{
	struct net_stage *stage = open_stage();
	struct slack second = stage->app;
	struct err err = { 0 };
	struct reply reply;

	(void)state;
	second.receive = NULL;
	assert_false(slack_receive_start(&second, &err));
	assert_null(second.receive);
	post_event(stage, &reply);
	expect(stage, &reply, 200);
	forget(&reply);
	net_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_is_signed),
		cmocka_unit_test(test_url_verification),
		cmocka_unit_test(test_no_secret_no_door),
		cmocka_unit_test(test_received_means_stored),
		cmocka_unit_test(test_not_stored_comes_again),
		cmocka_unit_test(test_too_slow_is_said_in_time),
		cmocka_unit_test(test_gone_before_the_answer),
		cmocka_unit_test(test_commands_and_buttons),
		cmocka_unit_test(test_what_is_not_understood),
		cmocka_unit_test(test_too_large_is_not_buffered),
		cmocka_unit_test(test_a_thousand_mutated_requests),
		cmocka_unit_test(test_stopping),
		cmocka_unit_test(test_two_apps_of_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
