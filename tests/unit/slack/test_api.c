/* Calls of the Web API (sheet 13, 17): what goes out, what each kind of answer means, and that nothing that could have
 * been done is done twice. */
#include "stage_call.h"

/* ---- what goes out ------------------------------------------------------------------------------------- */

static void test_json_with_the_token_in_the_header(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result = { 0 };

	(void)state;
	net_say_header(stage, 200, "{\"ok\":true,\"ts\":\"1.000200\"}", "X-OAuth-Scopes",
		       "chat:write,im:read");
	net_call(stage, &result, "chat.postMessage",
		 "{\"channel\":\"C1\",\"text\":\"a & b\",\"blocks\":[{\"x\":1}]}", "C1");
	NET_WAIT(stage, result.count == 1);
	assert_int_equal(result.how, SLACK_OK);
	assert_string_equal(result.ts, "1.000200");
	assert_string_equal(result.error, "(none)");
	assert_string_equal(result.scopes, "chat:write,im:read");
	assert_string_equal(stage->seen[0].authorization, "Bearer xoxb-1");
	assert_string_equal(stage->seen[0].type, "application/json; charset=utf-8");
	assert_string_equal(stage->seen[0].body,
			    "{\"channel\":\"C1\",\"text\":\"a & b\",\"blocks\":[{\"x\":1}]}");
	net_close(stage);
}

/* A method that takes only forms gets one: JSON would be "invalid_arguments" for ever. */
static void test_forms(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result = { 0 };

	(void)state;
	net_call(stage, &result, "conversations.replies",
		 "{\"channel\":\"C1\",\"ts\":\"1.20\",\"limit\":15,\"inclusive\":true,\"cursor\":\"dXNlcjo=+&"
		 "\\u00e9\","
		 "\"latest\":null,\"blocks\":[{\"a\":\"b c\"}]}",
		 NULL);
	NET_WAIT(stage, result.count == 1);
	assert_string_equal(stage->seen[0].type, "application/x-www-form-urlencoded");
	assert_string_equal(stage->seen[0].body,
			    "channel=C1&ts=1.20&limit=15&inclusive=true&cursor=dXNlcjo%3D%2B%26%C3%A9&"
			    "blocks=%5B%7B%22a%22%3A%22b%20c%22%7D%5D");
	net_close(stage);
}

static void test_whose_token(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result app = { 0 }, client = { 0 }, bad = { 0 };

	(void)state;
	stage->root.dead = true; /* which says nothing about the others */
	net_call_with(stage, &app,
		      (struct slack_call){ .method = "apps.connections.open", .token = "xapp-1" }, NULL);
	net_call_with(stage, &client,
		      (struct slack_call){ .method = "oauth.v2.access", .basic = "12.34:s3cret" },
		      "{\"code\":\"c\"}");
	net_call_with(stage, &bad, (struct slack_call){ .method = "auth.test", .token = "x\r\nevil: 1" },
		      NULL);
	NET_WAIT(stage, app.count == 1 && client.count == 1 && bad.count == 1);
	assert_int_equal(stage->seen_count, 2);
	assert_string_equal(stage->seen[0].authorization, "Bearer xapp-1");
	assert_string_equal(stage->seen[1].authorization, "Basic MTIuMzQ6czNjcmV0");
	assert_string_equal(stage->seen[1].body, "code=c");
	assert_int_equal(bad.how, SLACK_AUTH);
	net_close(stage);
}

static void test_a_method_nobody_entered(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result = net_ask(stage, "chat.everything");

	(void)state;
	assert_int_equal(result.how, SLACK_REFUSED);
	assert_int_equal(stage->seen_count, 0);
	net_close(stage);
}

/* ---- what answers mean --------------------------------------------------------------------------------- */

static void test_every_kind_of_answer(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum slack_how how;
		const char *error;
	} cases[] = {
		{ 200, "{\"ok\":false,\"error\":\"channel_not_found\"}", SLACK_REFUSED, "channel_not_found" },
		{ 200, "{\"ok\":false,\"error\":\"is_archived\"}", SLACK_REFUSED, "is_archived" },
		{ 200, "{\"ok\":false,\"error\":\"invalid_blocks\"}", SLACK_REFUSED, "invalid_blocks" },
		{ 200, "{\"ok\":false,\"error\":\"method_deprecated\"}", SLACK_REFUSED, "method_deprecated" },
		{ 200, "{\"ok\":false,\"error\":\"ekm_access_denied\"}", SLACK_REFUSED, "ekm_access_denied" },
		{ 200, "{\"ok\":false,\"error\":\"internal_error\"}", SLACK_MAYBE, "internal_error" },
		{ 200, "{\"ok\":false,\"error\":\"fatal_error\"}", SLACK_MAYBE, "fatal_error" },
		{ 200, "{\"ok\":false,\"error\":\"service_unavailable\"}", SLACK_MAYBE,
		  "service_unavailable" },
		{ 200, "{\"ok\":false,\"error\":\"request_timeout\"}", SLACK_NOT_SENT, "request_timeout" },
		{ 200, "{\"ok\":false,\"error\":\"team_added_to_org\"}", SLACK_NOT_SENT,
		  "team_added_to_org" },
		{ 200, "{\"ok\":false}", SLACK_REFUSED, "an error without a name" },
		{ 200, "{\"ok\":false,\"error\":7}", SLACK_REFUSED, "an error without a name" },
		{ 404, "{\"ok\":false,\"error\":\"unknown_method\"}", SLACK_REFUSED, "unknown_method" },
		{ 200, "<!DOCTYPE html><p>Log in</p>", SLACK_MAYBE, "HTTP 200 without an answer of the API" },
		{ 200, "", SLACK_MAYBE, "HTTP 200 without an answer of the API" },
		{ 200, "[true]", SLACK_MAYBE, "HTTP 200 without an answer of the API" },
		{ 200, "{\"ok\":\"true\"}", SLACK_MAYBE, "HTTP 200 without an answer of the API" },
		{ 302, "", SLACK_MAYBE, "HTTP 302 without an answer of the API" },
		{ 403, "<p>blocked by the proxy</p>", SLACK_NOT_SENT,
		  "HTTP 403 without an answer of the API" },
		{ 500, "{\"ok\":true}", SLACK_MAYBE, "HTTP 500 without an answer of the API" },
		{ 503, "{\"ok\":false,\"error\":\"is_archived\"}", SLACK_MAYBE,
		  "HTTP 503 without an answer of the API" },
		{ 502, "<p>bad gateway</p>", SLACK_MAYBE, "HTTP 502 without an answer of the API" },
	};
	struct net_stage *stage = net_open();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct net_result result;

		net_say(stage, cases[i].status, cases[i].body);
		result = net_ask(stage, "chat.postMessage");
		if (result.how != cases[i].how || strcmp(result.error, cases[i].error) != 0)
			fail_msg("%d %s gave %d %s", cases[i].status, cases[i].body, result.how,
				 result.error);
		assert_false(result.harmless);
		assert_int_equal(net_asked(stage, "chat.postMessage"), i + 1); /* never twice */
	}
	assert_int_equal(stage->deads, 0);
	net_close(stage);
}

static void test_the_missing_scope_is_named(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;

	(void)state;
	net_say(stage, 200,
		"{\"ok\":false,\"error\":\"missing_scope\",\"needed\":\"files:read\",\"provided\":\"chat:"
		"write\"}");
	result = net_ask(stage, "files.info");
	assert_int_equal(result.how, SLACK_REFUSED);
	assert_string_equal(result.needed, "files:read");
	net_close(stage);
}

/* An answer that never net_came may mean that it was done; for an update that does not matter. */
static void test_lost_answers(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result post = { 0 }, update = { 0 };

	(void)state;
	stage->hold = true;
	net_call_with(stage, &post, (struct slack_call){ .method = "chat.postMessage", .total_ms = 100 },
		      "{}");
	net_call_with(stage, &update, (struct slack_call){ .method = "chat.update", .total_ms = 100 }, "{}");
	NET_WAIT(stage, post.count == 1 && update.count == 1);
	assert_int_equal(post.how, SLACK_MAYBE);
	assert_false(post.harmless);
	assert_int_equal(update.how, SLACK_MAYBE);
	assert_true(update.harmless);
	net_rest(stage);
	assert_int_equal(stage->seen_count, 2);
	net_close(stage);
}

static void test_nobody_listens(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;

	(void)state;
	stage->app.config.api_base = "http://127.0.0.1:1/api";
	result = net_ask(stage, "chat.postMessage");
	assert_int_equal(result.how, SLACK_NOT_SENT);
	net_close(stage);
}

/* ---- tokens -------------------------------------------------------------------------------------------- */

static void test_a_dead_token_is_used_no_more(void **state)
{
	static const char *const errors[] = { "invalid_auth",		"not_authed",
					      "account_inactive",	"token_revoked",
					      "user_removed_from_team", "team_disabled" };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct net_stage *stage = net_open();
		char *body = mem_format("{\"ok\":false,\"error\":\"%s\"}", errors[i]);
		struct net_result result;

		net_say(stage, 200, body);
		result = net_ask(stage, "chat.postMessage");
		assert_int_equal(result.how, SLACK_AUTH);
		assert_int_equal(stage->deads, 1);
		assert_string_equal(stage->dead_why, errors[i]);
		result = net_ask(stage, "chat.postMessage");
		assert_int_equal(result.how, SLACK_AUTH);
		assert_int_equal(stage->seen_count, 1);
		free(body);
		net_close(stage);
	}
}

static void test_another_token_refused_is_not_ours(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result = { 0 };

	(void)state;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"invalid_auth\"}");
	net_call_with(stage, &result,
		      (struct slack_call){ .method = "apps.connections.open", .token = "xapp-0" }, NULL);
	NET_WAIT(stage, result.count == 1);
	assert_int_equal(result.how, SLACK_AUTH);
	assert_string_equal(result.error, "invalid_auth");
	assert_int_equal(stage->deads, 0);
	net_close(stage);
}

static void test_an_expired_token_is_refreshed_once(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result first = { 0 }, second = { 0 };

	(void)state;
	stage->root.refresh_token = mem_text("xoxe-1-r");
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	net_call(stage, &first, "chat.postMessage", "{}", "C1");
	net_call(stage, &second, "users.info", "{}", NULL);
	NET_WAIT(stage, first.count == 1 && second.count == 1);
	assert_int_equal(first.how, SLACK_OK);
	assert_int_equal(second.how, SLACK_OK);
	assert_int_equal(stage->freshes, 1); /* two at once would lose the chain of refresh tokens */
	assert_int_equal(stage->seen_count, 4);
	assert_string_equal(stage->seen[3].authorization, "Bearer xoxe.xoxb-new");
	net_close(stage);
}

static void test_expired_again_is_the_end(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;

	(void)state;
	stage->root.refresh_token = mem_text("xoxe-1-r");
	for (int i = 0; i < 3; i++)
		net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	result = net_ask(stage, "chat.postMessage");
	assert_int_equal(result.how, SLACK_AUTH);
	assert_int_equal(stage->seen_count, 2);
	assert_int_equal(stage->deads, 1);
	net_close(stage);
}

/* The network may be the reason: nothing was sent, so nothing is lost by trying later. */
static void test_no_fresh_token_now(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;

	(void)state;
	stage->root.refresh_token = mem_text("xoxe-1-r");
	stage->fresh = NET_STALE;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	result = net_ask(stage, "chat.postMessage");
	assert_int_equal(result.how, SLACK_NOT_SENT);
	assert_int_equal(stage->deads, 0);
	stage->fresh = NET_DEAD;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	result = net_ask(stage, "chat.postMessage");
	assert_int_equal(result.how, SLACK_AUTH);
	net_close(stage);
}

static void test_expired_without_a_refresh_token(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;

	(void)state;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	result = net_ask(stage, "auth.test");
	assert_int_equal(result.how, SLACK_AUTH);
	assert_int_equal(stage->freshes, 0);
	assert_int_equal(stage->deads, 1);
	net_close(stage);
}

/* The old token died because a new one was taken into use while this call was under way. */
static void test_a_token_replaced_meanwhile(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result = { 0 };

	(void)state;
	stage->hold = true;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_revoked\"}");
	net_call(stage, &result, "chat.postMessage", "{}", NULL);
	NET_WAIT(stage, stage->seen_count == 1);
	free(stage->root.token);
	stage->root.token = mem_text("xoxb-2");
	stage->hold = false;
	net_let_go(stage);
	NET_WAIT(stage, result.count == 1);
	assert_int_equal(result.how, SLACK_OK);
	assert_string_equal(stage->seen[1].authorization, "Bearer xoxb-2");
	assert_int_equal(stage->deads, 0);
	net_close(stage);
}

/* ---- response_url -------------------------------------------------------------------------------------- */

static struct net_result respond(struct net_stage *stage, const char *path)
{
	char *url = *path == '/' ? net_url(stage, path) : mem_text(path);
	struct net_result result = { 0 };

	slack_respond(&stage->root, url, json_pack("{s:s}", "text", "hello"), net_came, &result, 77);
	assert_int_equal(result.count, 0);
	NET_WAIT(stage, result.count == 1);
	free(url);
	return result;
}

static void test_response_urls(void **state)
{
	struct net_stage *stage = net_open();
	struct net_result result;

	(void)state;
	net_say(stage, 200, "ok");
	assert_int_equal(respond(stage, "/api/hook").how, SLACK_OK);
	assert_string_equal(stage->seen[0].authorization, "");
	assert_string_equal(stage->seen[0].body, "{\"text\":\"hello\"}");
	net_say(stage, 404, "expired_url\n");
	result = respond(stage, "/api/hook");
	assert_int_equal(result.how, SLACK_REFUSED);
	assert_string_equal(result.error, "expired_url");
	net_say(stage, 404, "<p>\x1b[31m</p>");
	assert_string_equal(respond(stage, "/api/hook").error, "HTTP 404");
	net_say(stage, 200, "{\"ok\":false,\"error\":\"used_url\"}");
	assert_int_equal(respond(stage, "/api/hook").how, SLACK_REFUSED);
	net_say(stage, 503, "");
	assert_int_equal(respond(stage, "/api/hook").how, SLACK_MAYBE);
	net_say_header(stage, 429, "", "Retry-After", "3");
	result = respond(stage, "/api/hook");
	assert_int_equal(result.how, SLACK_LIMITED);
	assert_int_equal(result.retry_ms, 3000);
	assert_int_equal(respond(stage, "https://evil.example/hook").how, SLACK_REFUSED);
	net_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_with_the_token_in_the_header),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_whose_token),
		cmocka_unit_test(test_a_method_nobody_entered),
		cmocka_unit_test(test_every_kind_of_answer),
		cmocka_unit_test(test_the_missing_scope_is_named),
		cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_a_dead_token_is_used_no_more),
		cmocka_unit_test(test_another_token_refused_is_not_ours),
		cmocka_unit_test(test_an_expired_token_is_refreshed_once),
		cmocka_unit_test(test_expired_again_is_the_end),
		cmocka_unit_test(test_no_fresh_token_now),
		cmocka_unit_test(test_expired_without_a_refresh_token),
		cmocka_unit_test(test_a_token_replaced_meanwhile),
		cmocka_unit_test(test_response_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
