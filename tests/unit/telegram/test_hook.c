/* Deliveries by webhook (sheet 4): only the platform is heard, 200 means taken, everything else comes again, and the
 * webhook is set when it is not as it should be. */
#include "hook_room.h"
#include "stage_net.h"

struct reply {
	bool done;
	int status;
	size_t len;
	int64_t retry_after_ms;
};

static void came(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct reply *reply = owner;

	(void)ticket;
	assert_int_equal(answer->how, HTTP_ANSWERED);
	*reply = (struct reply){ true, answer->status, answer->len, answer->retry_after_ms };
}

static void post_with(struct net_stage *stage, struct reply *reply, const char *const *headers,
		      const char *body, size_t len)
{
	char *url = net_url(stage, "/telegram/acme/update");

	*reply = (struct reply){ 0 };
	http_start(stage->http,
		   &(struct http_call){
			   .method = "POST", .url = url, .headers = headers, .body = body, .body_len = len },
		   NULL, came, reply, 0);
	free(url);
}

static void post(struct net_stage *stage, struct reply *reply, const char *body)
{
	char *secret = mem_format("X-Telegram-Bot-Api-Secret-Token: %s", stage->bot.hook->secret);

	post_with(stage, reply, (const char *const[]){ "Content-Type: application/json", secret, NULL }, body,
		  strlen(body));
	free(secret);
}

static void expect(struct net_stage *stage, struct reply *reply, int status)
{
	NET_WAIT(stage, reply->done);
	if (reply->status != status)
		fail_msg("answered %d, expected %d", reply->status, status);
}

static void say_info(struct net_stage *stage, const char *url, const char *more)
{
	net_say(stage, "getWebhookInfo", 200,
		"{\"ok\":true,\"result\":{\"url\":\"%s\",\"max_connections\":40,\"pending_update_count\":4%s}"
		"}",
		url, more);
}

#define OURS "https://usher.example/telegram/acme/update"
#define ALL                                                                                                  \
	",\"allowed_updates\":[\"my_chat_member\",\"stopped_message_generation\",\"message\","               \
	"\"edited_message\",\"channel_post\",\"edited_channel_post\",\"callback_query\"]"

static struct net_stage *open_stage(void)
{
	struct net_stage *stage = net_open();

	stage->bot.hook = telegram_hook_create(&stage->bot);
	stage->bot.hook->times = (struct hook_times){ .look = 3600000, .first = 1, .longest = 10 };
	return stage;
}

static void start(struct net_stage *stage)
{
	struct err err = { 0 };

	assert_true(telegram_hook_start(stage->bot.hook, &err));
}

static struct net_stage *open_started(void)
{
	struct net_stage *stage = open_stage();

	say_info(stage, OURS, ALL);
	start(stage);
	NET_WAIT(stage, stage->link == LINK_UP);
	return stage;
}

static const char update[] = "{\"update_id\":5,\"message\":{\"message_id\":1}}";

/* ---- who is heard ------------------------------------------------------------------------------------------------ */

static void test_only_who_knows_the_secret(void **state)
{
	static const char wrong[] = "X-Telegram-Bot-Api-Secret-Token: 0000";
	static const char empty[] = "X-Telegram-Bot-Api-Secret-Token:";
	struct net_stage *stage = open_started();
	char *right = mem_format("X-Telegram-Bot-Api-Secret-Token: %s", stage->bot.hook->secret);
	char *longer = mem_format("X-Telegram-Bot-Api-Secret-Token: %s0", stage->bot.hook->secret);
	const char *const cases[][3] = {
		{ NULL },	  { wrong, NULL },	  { empty, NULL },
		{ longer, NULL }, { right, wrong, NULL }, { right, right, NULL },
	};
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		post_with(stage, &reply, cases[i], update, sizeof(update) - 1);
		expect(stage, &reply, 401);
	}
	assert_int_equal(stage->taken_count, 0);
	assert_int_equal(stage->bot.hook->heard_s, 0);
	post(stage, &reply, update);
	expect(stage, &reply, 200);
	free(right);
	free(longer);
	net_close(stage);
}

/* The same after every start, or deliveries would be refused; and nothing of the token is in it. */
static void test_the_secret(void **state)
{
	struct net_stage *stage = open_stage();
	struct telegram_hook *again;

	(void)state;
	assert_int_equal(strlen(stage->bot.hook->secret), 64);
	assert_int_equal(strspn(stage->bot.hook->secret, "0123456789abcdef"), 64);
	again = telegram_hook_create(&stage->bot);
	assert_string_equal(again->secret, stage->bot.hook->secret);
	telegram_hook_destroy(again);
	stage->bot.config.secret = "my-own_1";
	again = telegram_hook_create(&stage->bot);
	assert_string_equal(again->secret, "my-own_1");
	telegram_hook_destroy(again);
	net_close(stage);
}

/* ---- what is answered -------------------------------------------------------------------------------------------- */

static void test_200_means_taken(void **state)
{
	struct net_stage *stage = open_started();
	struct reply reply, twice;

	(void)state;
	stage->reply = NET_SILENT;
	post(stage, &reply, update);
	NET_WAIT(stage, stage->taken_count == 1);
	net_rest(stage);
	assert_false(reply.done);
	assert_string_equal(stage->taken[0].text, update);
	net_reply(stage, 0, TELEGRAM_TAKEN, 0);
	expect(stage, &reply, 200);
	assert_int_equal(reply.len, 0); /* a method in it would be carried out, and its result lost */
	stage->reply = NET_TAKEN;
	post(stage, &twice, update); /* the core knows it; it is answered the same */
	expect(stage, &twice, 200);
	net_close(stage);
}

static void test_503_when_it_can_not_be_stored(void **state)
{
	struct net_stage *stage = open_started();
	struct reply reply;

	(void)state;
	stage->reply = NET_LATER;
	stage->later_ms = 2500;
	post(stage, &reply, update);
	expect(stage, &reply, 503);
	assert_int_equal(reply.retry_after_ms, 3000);
	stage->later_ms = 0;
	post(stage, &reply, update);
	expect(stage, &reply, 503);
	assert_int_equal(reply.retry_after_ms, 1000);
	net_close(stage);
}

/* The platform would wait for a minute, and all of the chat behind it. */
static void test_503_when_it_is_not_decided(void **state)
{
	struct net_stage *stage = open_started();
	struct reply reply;

	(void)state;
	web_held_destroy(stage->bot.hook->held);
	stage->bot.hook->held = web_held_create(stage->web, stage->host.loop, 20, 2);
	stage->reply = NET_SILENT;
	post(stage, &reply, update);
	expect(stage, &reply, 503);
	assert_int_equal(reply.retry_after_ms, 1000);
	net_reply(stage, 0, TELEGRAM_TAKEN, 0); /* too late, and harmless */
	net_rest(stage);
	net_close(stage);
}

static void test_no_more_than_can_be_held(void **state)
{
	struct net_stage *stage = open_started();
	struct reply replies[3];
	unsigned refused = 0;

	(void)state;
	web_held_destroy(stage->bot.hook->held);
	stage->bot.hook->held = web_held_create(stage->web, stage->host.loop, 60000, 2);
	stage->reply = NET_SILENT;
	for (int i = 0; i < 3; i++)
		post(stage, &replies[i], update);
	NET_WAIT(stage, replies[0].done || replies[1].done || replies[2].done);
	for (int i = 0; i < 3; i++)
		refused += replies[i].done && replies[i].status == 503;
	assert_int_equal(refused, 1);
	net_close(stage);
}

static void test_bodies_that_are_no_updates(void **state)
{
	static const char *const bodies[] = { "",
					      "{",
					      "[]",
					      "7",
					      "{\"message\":{}}",
					      "{\"update_id\":\"5\"}",
					      "{\"update_id\":5,\"update_id\":6}",
					      "{\"update_id\":5,\"message\":{\"text\":\"\\ud800\"}}" };
	struct net_stage *stage = open_started();
	struct reply reply;
	char *large = mem_alloc(TELEGRAM_BODY_MAX + 2);

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		post(stage, &reply, bodies[i]);
		expect(stage, &reply, 400);
	}
	memset(large, ' ', TELEGRAM_BODY_MAX + 1);
	large[TELEGRAM_BODY_MAX + 1] = '\0';
	post(stage, &reply, large);
	expect(stage, &reply, 413);
	assert_int_equal(stage->taken_count, 0);
	free(large);
	net_close(stage);
}

/* One that can't be read, whole as it is, would block its chat for a day. */
static void test_poison_is_let_go(void **state)
{
	static const char poison[] = "{\"update_id\":5,\"message\":{\"text\":\"\\ud800\"}}";
	struct net_stage *stage = open_started();
	struct reply reply;

	(void)state;
	for (int i = 1; i < HOOK_POISON_MAX; i++) {
		post(stage, &reply, poison);
		expect(stage, &reply, 400);
	}
	post(stage, &reply, poison);
	expect(stage, &reply, 200);
	post(stage, &reply, "{");
	expect(stage, &reply, 400);
	net_close(stage);
}

/* Chats are delivered beside each other: what can't be read in one is counted apart from what comes in between. */
static void test_poisons_of_several_chats(void **state)
{
	struct net_stage *stage = open_started();
	struct reply reply;

	(void)state;
	for (int i = 1; i <= HOOK_POISON_MAX; i++) {
		post(stage, &reply, "{\"update_id\":5,\"message\":{\"text\":\"\\ud800\"}}");
		expect(stage, &reply, i < HOOK_POISON_MAX ? 400 : 200);
		post(stage, &reply, "{\"update_id\":6,\"message\":{\"text\":\"\\ud801\"}}");
		expect(stage, &reply, i < HOOK_POISON_MAX ? 400 : 200);
	}
	net_close(stage);
}

/* ---- setting it -------------------------------------------------------------------------------------------------- */

static void test_set_once(void **state)
{
	struct net_stage *stage = open_stage();
	const json_t *args;

	(void)state;
	say_info(stage, "", "");
	start(stage);
	assert_int_equal(stage->link, LINK_CONNECTING);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(net_asked(stage, "setWebhook"), 1);
	args = net_request(stage, "setWebhook", 0)->args;
	assert_string_equal(json_text(args, "url"), OURS);
	assert_string_equal(json_text(args, "secret_token"), stage->bot.hook->secret);
	assert_int_equal(json_int(args, "max_connections", 0), 40);
	assert_int_equal(json_array_size(json_object_get(args, "allowed_updates")), 7);
	assert_null(json_object_get(args, "drop_pending_updates"));
	net_close(stage);
}

static void test_left_as_it_is(void **state)
{
	struct net_stage *stage = open_started();

	(void)state;
	net_rest(stage);
	assert_int_equal(net_asked(stage, "setWebhook"), 0);
	telegram_hook_stop(stage->bot.hook);
	net_rest(stage);
	assert_int_equal(net_asked(stage, "deleteWebhook"), 0); /* what comes meanwhile waits there */
	net_close(stage);
}

/* Another address, other kinds of updates from an earlier run (pitfall 5), or another secret. */
static void test_set_when_it_differs(void **state)
{
	static const struct {
		const char *url, *more;
	} cases[] = {
		{ "https://usher.example/telegram/old/update", ALL },
		{ OURS, "" },
		{ OURS, ",\"allowed_updates\":[\"message\"]" },
		{ OURS,
		  ALL ",\"last_error_date\":1767323045,\"last_error_message\":\"Wrong response from the "
		      "webhook: 401 Unauthorized\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct net_stage *stage = open_stage();

		say_info(stage, cases[i].url, cases[i].more);
		start(stage);
		NET_WAIT(stage, stage->link == LINK_UP);
		assert_int_equal(net_asked(stage, "setWebhook"), 1);
		net_close(stage);
	}
}

/* A server that does not know all kinds we ask for: it is not set for ever. */
static void test_an_older_server(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	stage->bot.hook->times.look = 1;
	for (int i = 0; i < 4; i++)
		say_info(stage, OURS, ",\"allowed_updates\":[\"message\"]");
	start(stage);
	NET_WAIT(stage, net_asked(stage, "getWebhookInfo") >= 4);
	assert_int_equal(net_asked(stage, "setWebhook"), 1);
	assert_int_equal(stage->link, LINK_UP);
	net_close(stage);
}

static void test_the_link_says_what_the_platform_says(void **state)
{
	struct net_stage *stage = open_stage();
	struct reply reply;

	(void)state;
	say_info(stage, OURS,
		 ALL ",\"last_error_date\":1767323045,\"last_error_message\":\"SSL error {certificate verify "
		     "failed}\"");
	start(stage);
	NET_WAIT(stage, stage->link == LINK_DOWN);
	assert_string_equal(stage->link_why, "the platform does not reach us: SSL error {certificate verify "
					     "failed} (4 updates wait)");
	post(stage, &reply, update);
	expect(stage, &reply, 200);
	assert_int_equal(stage->link, LINK_UP); /* it does now */
	net_close(stage);
}

static void test_an_address_that_does_not_please(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	say_info(stage, "", "");
	net_say(stage, "setWebhook", 400,
		"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: bad webhook: Webhook can be "
		"set "
		"up only on ports 80, 88, 443 or 8443\"}");
	say_info(stage, "", "");
	start(stage);
	NET_WAIT(stage, stage->link == LINK_DOWN);
	assert_non_null(strstr(stage->link_why, "only on ports"));
	NET_WAIT(stage, stage->link == LINK_UP); /* asked again, and it pleased */
	net_close(stage);
}

static void test_failures_pass(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	net_say(stage, "getWebhookInfo", 502, "bad gateway");
	net_say(stage, "getWebhookInfo", 502, "bad gateway");
	say_info(stage, "", "");
	net_say(stage, "setWebhook", 429,
		"{\"ok\":false,\"error_code\":429,\"description\":\"x\",\"parameters\":{\"retry_after\":1}}");
	say_info(stage, "", "");
	start(stage);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(net_asked(stage, "setWebhook"), 2);
	net_close(stage);
}

/* Two programs that set it in turn would each get half. */
static void test_another_program_sets_it(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	stage->bot.hook->times.look = 1;
	for (int i = 0; i < 4; i++)
		say_info(stage, "https://elsewhere.example/bot" NET_TOKEN, ALL);
	start(stage);
	NET_WAIT(stage, stage->link == LINK_DOWN);
	assert_string_equal(stage->link_why,
			    "another program sets or deletes the webhook: it is at elsewhere.example");
	assert_int_equal(net_asked(stage, "setWebhook"), 2);
	net_close(stage);
}

static void test_a_dead_token(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	net_say(stage, "getWebhookInfo", 401,
		"{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}");
	start(stage);
	NET_WAIT(stage, stage->deads == 1);
	net_rest(stage);
	assert_int_equal(stage->seen_count, 1);
	net_close(stage);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

static void test_what_a_start_needs(void **state)
{
	struct net_stage *stage = open_stage();
	struct telegram_hook *other = telegram_hook_create(&stage->bot);
	struct err err = { 0 };

	(void)state;
	stage->host.public_url = NULL;
	assert_false(telegram_hook_start(stage->bot.hook, &err));
	assert_non_null(strstr(err.text, "public_url"));
	stage->host.public_url = "https://usher.example";
	start(stage);
	assert_false(telegram_hook_start(other, &err));
	assert_non_null(strstr(err.text, "two bots have the same name"));
	telegram_hook_destroy(other);
	net_close(stage);
}

static void test_stop_and_start(void **state)
{
	struct net_stage *stage = open_started();
	struct reply owed, late, again;

	(void)state;
	stage->reply = NET_SILENT;
	post(stage, &owed, update);
	NET_WAIT(stage, stage->taken_count == 1);
	telegram_hook_stop(stage->bot.hook);
	post(stage, &late, update);
	expect(stage, &late, 503);
	assert_int_equal(late.retry_after_ms, 5000);
	net_reply(stage, 0, TELEGRAM_TAKEN, 0);
	expect(stage, &owed, 200); /* what was taken is still said so */
	stage->reply = NET_TAKEN;
	say_info(stage, OURS, ALL);
	start(stage);
	post(stage, &again, update);
	expect(stage, &again, 200);
	net_close(stage);
}

static void test_destroyed_with_what_waits(void **state)
{
	struct net_stage *stage = open_started();
	struct reply reply;

	(void)state;
	stage->reply = NET_SILENT;
	post(stage, &reply, update);
	NET_WAIT(stage, stage->taken_count == 1);
	telegram_hook_destroy(stage->bot.hook);
	assert_null(stage->bot.hook);
	expect(stage, &reply, 503);
	net_reply(stage, 0, TELEGRAM_TAKEN, 0);
	net_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_who_knows_the_secret),
		cmocka_unit_test(test_the_secret),
		cmocka_unit_test(test_200_means_taken),
		cmocka_unit_test(test_503_when_it_can_not_be_stored),
		cmocka_unit_test(test_503_when_it_is_not_decided),
		cmocka_unit_test(test_no_more_than_can_be_held),
		cmocka_unit_test(test_bodies_that_are_no_updates),
		cmocka_unit_test(test_poison_is_let_go),
		cmocka_unit_test(test_poisons_of_several_chats),
		cmocka_unit_test(test_set_once),
		cmocka_unit_test(test_left_as_it_is),
		cmocka_unit_test(test_set_when_it_differs),
		cmocka_unit_test(test_an_older_server),
		cmocka_unit_test(test_the_link_says_what_the_platform_says),
		cmocka_unit_test(test_an_address_that_does_not_please),
		cmocka_unit_test(test_failures_pass),
		cmocka_unit_test(test_another_program_sets_it),
		cmocka_unit_test(test_a_dead_token),
		cmocka_unit_test(test_what_a_start_needs),
		cmocka_unit_test(test_stop_and_start),
		cmocka_unit_test(test_destroyed_with_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
