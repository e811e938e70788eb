/* Calls of the Web API (sheet 13, 17): what goes out, what each kind of answer means, and that nothing that could have
 * been done is done twice. */
#include "stage_net.h"

struct result {
	unsigned count, order;
	enum slack_how how;
	char error[120], needed[60], scopes[120], ts[40];
	unsigned retry_ms;
	bool harmless;
	/* what the callback does then */
	struct net_stage *stage;
	struct result *next;
	uint64_t cancels;
};

static unsigned order;

static void keep(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "(none)");
}

static void call(struct net_stage *stage, struct result *result, const char *method, const char *args,
		 const char *lane);

static void came(struct platform *workspace, void *owner, uint64_t ticket, const struct slack_answer *answer)
{
	struct result *result = owner;

	assert_int_equal(ticket, 77);
	result->count++;
	result->order = ++order;
	result->how = answer->how;
	keep(result->error, sizeof(result->error), answer->error);
	keep(result->needed, sizeof(result->needed), answer->needed);
	keep(result->scopes, sizeof(result->scopes), answer->scopes);
	keep(result->ts, sizeof(result->ts), json_text(answer->body, "ts"));
	result->retry_ms = answer->retry_ms;
	result->harmless = answer->harmless;
	if (result->next)
		call(result->stage, result->next, "auth.test", NULL, NULL);
	if (result->cancels)
		slack_api_cancel(workspace, result->cancels);
}

static uint64_t call_with(struct net_stage *stage, struct result *result, struct slack_call wanted,
			  const char *args)
{
	wanted.args = args ? json_read(args, strlen(args), NULL) : NULL;
	return slack_api(&stage->root, &wanted, came, result, 77);
}

static void call(struct net_stage *stage, struct result *result, const char *method, const char *args,
		 const char *lane)
{
	call_with(stage, result, (struct slack_call){ .method = method, .lane = lane }, args);
}

/* One call to its end. */
static struct result ask(struct net_stage *stage, const char *method)
{
	struct result result = { 0 };

	call(stage, &result, method, NULL, NULL);
	assert_int_equal(result.count, 0); /* never inside the call */
	NET_WAIT(stage, result.count == 1);
	return result;
}

/* ---- what goes out ------------------------------------------------------------------------------------- */

static void test_json_with_the_token_in_the_header(void **state)
{
	struct net_stage *stage = net_open();
	struct result result = { 0 };

	(void)state;
	net_say_header(stage, 200, "{\"ok\":true,\"ts\":\"1.000200\"}", "X-OAuth-Scopes",
		       "chat:write,im:read");
	call(stage, &result, "chat.postMessage",
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
	struct result result = { 0 };

	(void)state;
	call(stage, &result, "conversations.replies",
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
	struct result app = { 0 }, client = { 0 }, bad = { 0 };

	(void)state;
	stage->root.dead = true; /* which says nothing about the others */
	call_with(stage, &app, (struct slack_call){ .method = "apps.connections.open", .token = "xapp-1" },
		  NULL);
	call_with(stage, &client, (struct slack_call){ .method = "oauth.v2.access", .basic = "12.34:s3cret" },
		  "{\"code\":\"c\"}");
	call_with(stage, &bad, (struct slack_call){ .method = "auth.test", .token = "x\r\nevil: 1" }, NULL);
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
	struct result result = ask(stage, "chat.everything");

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
		struct result result;

		net_say(stage, cases[i].status, cases[i].body);
		result = ask(stage, "chat.postMessage");
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
	struct result result;

	(void)state;
	net_say(stage, 200,
		"{\"ok\":false,\"error\":\"missing_scope\",\"needed\":\"files:read\",\"provided\":\"chat:"
		"write\"}");
	result = ask(stage, "files.info");
	assert_int_equal(result.how, SLACK_REFUSED);
	assert_string_equal(result.needed, "files:read");
	net_close(stage);
}

/* An answer that never came may mean that it was done; for an update that does not matter. */
static void test_lost_answers(void **state)
{
	struct net_stage *stage = net_open();
	struct result post = { 0 }, update = { 0 };

	(void)state;
	stage->hold = true;
	call_with(stage, &post, (struct slack_call){ .method = "chat.postMessage", .total_ms = 100 }, "{}");
	call_with(stage, &update, (struct slack_call){ .method = "chat.update", .total_ms = 100 }, "{}");
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
	struct result result;

	(void)state;
	stage->app.config.api_base = "http://127.0.0.1:1/api";
	result = ask(stage, "chat.postMessage");
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
		struct result result;

		net_say(stage, 200, body);
		result = ask(stage, "chat.postMessage");
		assert_int_equal(result.how, SLACK_AUTH);
		assert_int_equal(stage->deads, 1);
		assert_string_equal(stage->dead_why, errors[i]);
		result = ask(stage, "chat.postMessage");
		assert_int_equal(result.how, SLACK_AUTH);
		assert_int_equal(stage->seen_count, 1);
		free(body);
		net_close(stage);
	}
}

static void test_another_token_refused_is_not_ours(void **state)
{
	struct net_stage *stage = net_open();
	struct result result = { 0 };

	(void)state;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"invalid_auth\"}");
	call_with(stage, &result, (struct slack_call){ .method = "apps.connections.open", .token = "xapp-0" },
		  NULL);
	NET_WAIT(stage, result.count == 1);
	assert_int_equal(result.how, SLACK_AUTH);
	assert_string_equal(result.error, "invalid_auth");
	assert_int_equal(stage->deads, 0);
	net_close(stage);
}

static void test_an_expired_token_is_refreshed_once(void **state)
{
	struct net_stage *stage = net_open();
	struct result first = { 0 }, second = { 0 };

	(void)state;
	stage->root.refresh_token = mem_text("xoxe-1-r");
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	call(stage, &first, "chat.postMessage", "{}", "C1");
	call(stage, &second, "users.info", "{}", NULL);
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
	struct result result;

	(void)state;
	stage->root.refresh_token = mem_text("xoxe-1-r");
	for (int i = 0; i < 3; i++)
		net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	result = ask(stage, "chat.postMessage");
	assert_int_equal(result.how, SLACK_AUTH);
	assert_int_equal(stage->seen_count, 2);
	assert_int_equal(stage->deads, 1);
	net_close(stage);
}

/* The network may be the reason: nothing was sent, so nothing is lost by trying later. */
static void test_no_fresh_token_now(void **state)
{
	struct net_stage *stage = net_open();
	struct result result;

	(void)state;
	stage->root.refresh_token = mem_text("xoxe-1-r");
	stage->fresh = NET_STALE;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	result = ask(stage, "chat.postMessage");
	assert_int_equal(result.how, SLACK_NOT_SENT);
	assert_int_equal(stage->deads, 0);
	stage->fresh = NET_DEAD;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	result = ask(stage, "chat.postMessage");
	assert_int_equal(result.how, SLACK_AUTH);
	net_close(stage);
}

static void test_expired_without_a_refresh_token(void **state)
{
	struct net_stage *stage = net_open();
	struct result result;

	(void)state;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_expired\"}");
	result = ask(stage, "auth.test");
	assert_int_equal(result.how, SLACK_AUTH);
	assert_int_equal(stage->freshes, 0);
	assert_int_equal(stage->deads, 1);
	net_close(stage);
}

/* The old token died because a new one was taken into use while this call was under way. */
static void test_a_token_replaced_meanwhile(void **state)
{
	struct net_stage *stage = net_open();
	struct result result = { 0 };

	(void)state;
	stage->hold = true;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"token_revoked\"}");
	call(stage, &result, "chat.postMessage", "{}", NULL);
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

/* ---- pace ---------------------------------------------------------------------------------------------- */

static void test_429_pauses_one_method(void **state)
{
	struct net_stage *stage = net_open();
	struct result limited, other, again = { 0 };

	(void)state;
	net_say_header(stage, 429, "{\"ok\":false,\"error\":\"ratelimited\"}", "Retry-After", "2");
	limited = ask(stage, "chat.update");
	assert_int_equal(limited.how, SLACK_LIMITED);
	assert_int_equal(limited.retry_ms, 2000); /* seconds, not milliseconds */
	call_with(stage, &again, (struct slack_call){ .method = "chat.update", .wait_ms = 1000 }, NULL);
	other = ask(stage, "users.info");
	assert_int_equal(other.how, SLACK_OK);
	NET_WAIT(stage, again.count == 1);
	assert_int_equal(again.how, SLACK_LIMITED);
	assert_in_range(again.retry_ms, 1001, 2500);
	assert_int_equal(net_asked(stage, "chat.update"), 1);
	net_close(stage);
}

static void test_429_of_a_message_pauses_its_channel(void **state)
{
	struct net_stage *stage = net_open();
	struct result limited = { 0 }, same = { 0 }, other = { 0 };

	(void)state;
	net_say_header(stage, 429, "", "Retry-After", "1");
	call(stage, &limited, "chat.postMessage", "{\"text\":\"1\"}", "C1");
	NET_WAIT(stage, limited.count == 1);
	assert_int_equal(limited.how, SLACK_LIMITED);
	call(stage, &same, "chat.postMessage", "{\"text\":\"2\"}", "C1");
	call(stage, &other, "chat.postMessage", "{\"text\":\"3\"}", "C2");
	NET_WAIT(stage, same.count == 1 && other.count == 1);
	assert_true(other.order < same.order);
	assert_int_equal(same.how, SLACK_OK); /* it waited, and then went */
	net_close(stage);
}

static void test_limited_without_a_time(void **state)
{
	struct net_stage *stage = net_open();
	struct result result;

	(void)state;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"rate_limited\"}");
	result = ask(stage, "chat.postMessage");
	assert_int_equal(result.how, SLACK_LIMITED);
	assert_true(result.retry_ms >= 1000);
	net_close(stage);
}

/* A part of an answer never arrives before the one before it. */
static void test_one_lane_is_strictly_in_order(void **state)
{
	struct net_stage *stage = net_open();
	struct result results[4] = { 0 }, other = { 0 };

	(void)state;
	stage->hold = true;
	call(stage, &results[0], "chat.postMessage", "{\"n\":0}", "C1");
	call(stage, &results[1], "chat.update", "{\"n\":1}", "C1");
	call(stage, &results[2], "chat.postMessage", "{\"n\":2}", "C1");
	call(stage, &results[3], "reactions.add", "{\"n\":3}", "C1");
	call(stage, &other, "chat.postMessage", "{\"n\":9}", "C2");
	NET_WAIT(stage, stage->seen_count == 2);
	net_rest(stage);
	assert_int_equal(stage->seen_count, 2); /* the first of each lane */
	assert_int_equal(slack_lanes_running(stage->root.lanes), 5);
	for (int i = 0; i < 5; i++) {
		NET_WAIT(stage, net_held(stage) > 0);
		net_let_go(stage);
	}
	NET_WAIT(stage, results[3].count == 1 && other.count == 1);
	for (int i = 0; i < 3; i++)
		assert_true(results[i].order < results[i + 1].order);
	assert_int_equal(slack_lanes_running(stage->root.lanes), 0);
	net_close(stage);
}

static void test_waiting_ends(void **state)
{
	struct net_stage *stage = net_open();
	struct result first = { 0 }, second = { 0 }, third = { 0 };

	(void)state;
	stage->hold = true;
	call(stage, &first, "chat.postMessage", "{}", "C1");
	call_with(stage, &second,
		  (struct slack_call){ .method = "chat.postMessage", .lane = "C1", .wait_ms = 20 }, "{}");
	call(stage, &third, "chat.postMessage", "{}", "C1");
	NET_WAIT(stage, second.count == 1);
	assert_int_equal(second.how, SLACK_LIMITED);
	assert_true(second.retry_ms >= 1000);
	net_let_go(stage);
	NET_WAIT(stage, stage->seen_count == 2); /* the third is not stuck behind it */
	net_let_go(stage);
	NET_WAIT(stage, third.count == 1);
	net_close(stage);
}

/* Memory is bounded, whatever the rest of the room asks for; each caller is told. */
static void test_more_than_can_wait(void **state)
{
	enum { MANY = 2500 };
	struct net_stage *stage = net_open();
	struct result *results = mem_zero(MANY, sizeof(*results));
	unsigned limited = 0, ok = 0, count;

	(void)state;
	stage->hold = true;
	for (int i = 0; i < MANY; i++)
		call_with(stage, &results[i],
			  (struct slack_call){
				  .method = "chat.postMessage", .lane = "C1", .wait_ms = UINT32_MAX },
			  "{}");
	assert_int_equal(slack_lanes_running(stage->root.lanes), MANY);
	do {
		net_step(stage);
		count = 0;
		for (int i = 0; i < MANY; i++)
			count += results[i].count;
	} while (count < 500);
	net_rest(stage);
	for (int i = 0; i < MANY; i++) {
		limited += results[i].count == 1 && results[i].how == SLACK_LIMITED;
		ok += results[i].count == 1 && results[i].how != SLACK_LIMITED;
	}
	assert_int_equal(limited, 500);
	assert_int_equal(ok, 0);
	net_close(stage);
	free(results);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void test_cancelled_calls_say_nothing(void **state)
{
	struct net_stage *stage = net_open();
	struct result running = { 0 }, waiting = { 0 }, decided = { 0 }, next = { 0 };
	uint64_t ids[3];

	(void)state;
	stage->hold = true;
	ids[0] = call_with(stage, &running, (struct slack_call){ .method = "chat.update", .lane = "C1" },
			   NULL);
	ids[1] = call_with(stage, &waiting, (struct slack_call){ .method = "chat.update", .lane = "C1" },
			   NULL);
	call(stage, &next, "chat.update", "{}", "C1");
	NET_WAIT(stage, stage->seen_count == 1);
	ids[2] = call_with(stage, &decided, (struct slack_call){ .method = "no.such" }, NULL);
	for (int i = 0; i < 3; i++)
		slack_api_cancel(&stage->root, ids[i]);
	slack_api_cancel(&stage->root, 12345);
	NET_WAIT(stage, stage->seen_count == 2); /* the lane goes on */
	stage->hold = false;
	net_let_go(stage);
	net_let_go(stage);
	NET_WAIT(stage, next.count == 1);
	assert_int_equal(running.count + waiting.count + decided.count, 0);
	net_close(stage);
}

static void test_destroyed_while_calls_run(void **state)
{
	struct net_stage *stage = net_open();
	struct result results[5] = { 0 };

	(void)state;
	stage->hold = true;
	stage->root.refresh_token = mem_text("xoxe-1-r");
	call(stage, &results[0], "chat.update", "{}", "C1");
	call(stage, &results[1], "chat.update", "{}", "C1");
	NET_WAIT(stage, stage->seen_count == 1);
	call(stage, &results[2], "no.such", "{}", "C1");
	call(stage, &results[3], "auth.test", NULL, NULL);
	slack_lanes_destroy(stage->root.lanes);
	assert_null(stage->root.lanes);
	net_rest(stage);
	for (int i = 0; i < 5; i++)
		assert_int_equal(results[i].count, 0);
	net_close(stage);
}

static void test_callbacks_may_call_and_cancel(void **state)
{
	struct net_stage *stage = net_open();
	struct result first = { .stage = stage }, next = { 0 }, victim = { 0 }, canceller = { 0 };

	(void)state;
	first.next = &next;
	call(stage, &first, "auth.test", NULL, NULL);
	call(stage, &canceller, "no.such", NULL, NULL);
	canceller.cancels = call_with(stage, &victim, (struct slack_call){ .method = "no.such" }, NULL);
	NET_WAIT(stage, next.count == 1);
	assert_int_equal(canceller.count, 1);
	assert_int_equal(victim.count, 0);
	net_close(stage);
}

/* ---- response_url -------------------------------------------------------------------------------------- */

static struct result respond(struct net_stage *stage, const char *path)
{
	char *url = *path == '/' ? net_url(stage, path) : mem_text(path);
	struct result result = { 0 };

	slack_respond(&stage->root, url, json_pack("{s:s}", "text", "hello"), came, &result, 77);
	assert_int_equal(result.count, 0);
	NET_WAIT(stage, result.count == 1);
	free(url);
	return result;
}

static void test_response_urls(void **state)
{
	struct net_stage *stage = net_open();
	struct result result;

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
		cmocka_unit_test(test_429_pauses_one_method),
		cmocka_unit_test(test_429_of_a_message_pauses_its_channel),
		cmocka_unit_test(test_limited_without_a_time),
		cmocka_unit_test(test_one_lane_is_strictly_in_order),
		cmocka_unit_test(test_waiting_ends),
		cmocka_unit_test(test_more_than_can_wait),
		cmocka_unit_test(test_cancelled_calls_say_nothing),
		cmocka_unit_test(test_destroyed_while_calls_run),
		cmocka_unit_test(test_callbacks_may_call_and_cancel),
		cmocka_unit_test(test_response_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
