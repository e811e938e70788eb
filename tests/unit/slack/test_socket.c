/* Socket Mode (sheet 6): what comes is taken once, acknowledged where it came from and only when it is stored, and no
 * change of connections loses anything. */
#include "api_room.h"
#include "frame.h"
#include "socket_room.h"
#include "stage_net.h"

static struct net_stage *open_stage(void)
{
	struct net_stage *stage = net_open();

	stage->reply = NET_SILENT;
	stage->app.sockets = slack_sockets_create(&stage->app);
	slack_api_method_of(stage->root.lanes, slack_method_find("apps.connections.open"))->pace.interval_ms =
		0; /* hours of a connection's life are made short here */
	stage->app.sockets->times = (struct socket_times){ .hello = 300,
							   .linger = 30,
							   .drain = 20000,
							   .cut = 200,
							   .first = 10,
							   .longest = 40,
							   .steady = 60000,
							   .too_many = 200,
							   .disabled = 200,
							   .refused = 200,
							   .ping_s = 10,
							   .dead_s = 30 };
	return stage;
}

static struct net_stage *connected(void)
{
	struct net_stage *stage = open_stage();

	slack_sockets_start(stage->app.sockets);
	assert_int_equal(stage->link, LINK_CONNECTING);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(stage->socket_count, 1);
	return stage;
}

static void send_event(struct net_stage *stage, size_t socket, const char *envelope)
{
	char *text = mem_format("{\"type\":\"events_api\",\"envelope_id\":\"%s\",\"payload\":{\"type\":"
				"\"event_callback\"},\"accepts_response_payload\":false,"
				"\"retry_attempt\":0,\"retry_reason\":\"\"}",
				envelope);

	net_send(stage, socket, text);
	free(text);
}

static void send_disconnect(struct net_stage *stage, size_t socket, const char *reason)
{
	char *text = mem_format("{\"type\":\"disconnect\",\"reason\":\"%s\",\"debug_info\":{}}", reason);

	net_send(stage, socket, text);
	free(text);
}

static size_t live(const struct net_stage *stage)
{
	size_t count = 0;

	for (const struct conn *conn = stage->app.sockets->conns; conn; conn = conn->next)
		count++;
	return count;
}

/* ---- taking and acknowledging -------------------------------------------------------------------------- */

static void test_acknowledged_only_when_told(void **state)
{
	struct net_stage *stage = connected();
	const struct net_taken *taken = stage->taken;

	(void)state;
	assert_string_equal(stage->seen[0].authorization, "Bearer xapp-1");
	assert_string_equal(stage->seen[0].body, "");
	assert_string_equal(stage->app.app_id, "A1");
	net_send(stage, 0,
		 "{\"type\":\"events_api\",\"envelope_id\":\"e1\",\"payload\":{\"type\":\"event_callback\"},"
		 "\"accepts_response_payload\":false,\"retry_attempt\":2,\"retry_reason\":\"timeout\"}");
	NET_WAIT(stage, stage->taken_count == 1);
	assert_int_equal(taken->kind, SLACK_EVENT);
	assert_string_equal(taken->payload, "{\"type\":\"event_callback\"}");
	assert_int_equal(taken->from.way, SLACK_FROM_SOCKET);
	assert_int_equal(taken->from.retry, 2); /* for the log: it is taken all the same */
	net_rest(stage);
	assert_int_equal(stage->sockets[0].acks, 0);
	slack_ack_ok(&stage->app, &taken->from, "{\"text\":\"not wanted here\"}");
	NET_WAIT(stage, stage->sockets[0].acks == 1);
	assert_string_equal(stage->sockets[0].last, "{\"envelope_id\":\"e1\"}");
	net_close(stage);
}

static void test_commands_may_be_answered_at_once(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	net_send(stage, 0,
		 "{\"type\":\"slash_commands\",\"envelope_id\":\"e\\\"2\",\"payload\":{\"command\":\"/"
		 "usher\"},"
		 "\"accepts_response_payload\":true}");
	net_send(stage, 0,
		 "{\"type\":\"interactive\",\"envelope_id\":\"e3\",\"payload\":{\"type\":\"block_actions\"},"
		 "\"accepts_response_payload\":true}");
	NET_WAIT(stage, stage->taken_count == 2);
	assert_int_equal(stage->taken[0].kind, SLACK_COMMAND);
	assert_int_equal(stage->taken[1].kind, SLACK_INTERACTIVE);
	slack_ack_ok(&stage->app, &stage->taken[0].from, "{\"text\":\"hi\"}");
	NET_WAIT(stage, stage->sockets[0].acks == 1);
	assert_string_equal(stage->sockets[0].last,
			    "{\"envelope_id\":\"e\\\"2\",\"payload\":{\"text\":\"hi\"}}");
	net_close(stage);
}

/* What could not be stored comes again; what can't be read does not. */
static void test_later_is_silence_and_bad_is_not(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	send_event(stage, 0, "e1");
	send_event(stage, 0, "e2");
	NET_WAIT(stage, stage->taken_count == 2);
	slack_ack_later(&stage->app, &stage->taken[0].from, 1000);
	slack_ack_bad(&stage->app, &stage->taken[1].from, "no channel");
	NET_WAIT(stage, stage->sockets[0].acks == 1);
	assert_string_equal(stage->sockets[0].last, "{\"envelope_id\":\"e2\"}");
	net_rest(stage);
	assert_int_equal(stage->sockets[0].acks, 1);
	net_close(stage);
}

static void test_frames_that_are_none_of_ours(void **state)
{
	static const char *const frames[] = {
		"{\"type\":\"brand_new\"}",
		"{\"envelope_id\":\"e\"}",
		"not json",
		"[]",
		"{\"type\":\"events_api\",\"payload\":{}}",
		"{\"type\":7,\"envelope_id\":\"e\"}",
		"{\"type\":\"hello\"}",
	};
	struct net_stage *stage = connected();

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++)
		net_send(stage, 0, frames[i]);
	assert_true(web_socket_send(stage->sockets[0].socket, true, "\x00\x01", 2));
	net_send(stage, 0, "{\"type\":\"brand_new\",\"envelope_id\":\"u1\",\"payload\":{\"a\":1}}");
	net_send(stage, 0, "{\"type\":\"events_api\",\"envelope_id\":\"u2\",\"payload\":\"text\"}");
	NET_WAIT(stage, stage->sockets[0].acks == 2);
	assert_string_equal(stage->sockets[0].last, "{\"envelope_id\":\"u2\"}");
	assert_int_equal(stage->taken_count, 0);
	/* no inner event, and still a payload like others (sheet 18.4) */
	net_send(stage, 0,
		 "{\"type\":\"events_api\",\"envelope_id\":\"r1\",\"payload\":{\"type\":\"app_rate_limited\","
		 "\"team_id\":\"T1\",\"minute_rate_limited\":1518467820,\"api_app_id\":\"A1\"}}");
	NET_WAIT(stage, stage->taken_count == 1);
	assert_int_equal(stage->socket_count, 1);
	net_close(stage);
}

/* ---- refresh ------------------------------------------------------------------------------------------- */

/* The successor is there before the old one goes, and what the old one brings meanwhile is acknowledged on it. */
static void test_refresh_without_a_gap(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	send_event(stage, 0, "before");
	NET_WAIT(stage, stage->taken_count == 1);
	stage->no_hello = true;
	send_disconnect(stage, 0, "warning");
	NET_WAIT(stage, stage->socket_count == 2);
	send_event(stage, 0, "between");
	NET_WAIT(stage, stage->taken_count == 2);
	assert_string_equal(stage->seen[1].method, "apps.connections.open"); /* an address of its own */
	send_disconnect(stage, 0, "warning");				     /* said twice, meant once */
	net_hello(stage, 1);
	send_event(stage, 0, "draining");
	NET_WAIT(stage, stage->taken_count == 3);
	net_rest(stage);
	assert_non_null(stage->sockets[0].socket);
	for (int i = 0; i < 3; i++)
		slack_ack_ok(&stage->app, &stage->taken[i].from, NULL);
	NET_WAIT(stage, stage->sockets[0].socket == NULL);
	assert_int_equal(stage->sockets[0].acks, 3);
	assert_int_equal(stage->sockets[1].acks, 0);
	assert_int_equal(stage->ups, 1);
	assert_int_equal(stage->link, LINK_UP);
	net_rest(stage);
	assert_int_equal(stage->socket_count, 2);
	assert_int_equal(live(stage), 1);
	net_close(stage);
}

/* The old one is closed by the platform before its successor is ready: that is a gap, and the app hears of it. */
static void test_a_gap_is_told(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	stage->no_hello = true;
	send_disconnect(stage, 0, "refresh_requested");
	NET_WAIT(stage, stage->socket_count == 2);
	web_socket_close(stage->sockets[0].socket, 1000, "");
	NET_WAIT(stage, stage->link == LINK_CONNECTING);
	net_hello(stage, 1);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(stage->ups, 2);
	assert_int_equal(stage->downs, 0);
	assert_int_equal(stage->socket_count, 2);
	net_close(stage);
}

static void test_an_ack_never_takes_another_way(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	send_event(stage, 0, "e1");
	NET_WAIT(stage, stage->taken_count == 1);
	web_socket_close(stage->sockets[0].socket, 1001, "");
	NET_WAIT(stage, stage->socket_count == 2 && stage->link == LINK_UP);
	slack_ack_ok(&stage->app, &stage->taken[0].from, NULL);
	net_rest(stage);
	assert_int_equal(stage->sockets[1].acks, 0);
	net_close(stage);
}

static void test_a_draining_one_is_not_kept_for_ever(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	stage->app.sockets->times.drain = 60;
	send_event(stage, 0, "never acknowledged");
	NET_WAIT(stage, stage->taken_count == 1);
	send_disconnect(stage, 0, "warning");
	NET_WAIT(stage, stage->socket_count == 2 && stage->sockets[0].socket == NULL);
	slack_ack_ok(&stage->app, &stage->taken[0].from, NULL);
	net_rest(stage);
	assert_int_equal(stage->sockets[1].acks, 0);
	net_close(stage);
}

static size_t acks(const struct net_stage *stage)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->socket_count; i++)
		count += stage->sockets[i].acks;
	return count;
}

/* Hours of refreshes in one second: everything is acknowledged, on the connection that brought it, and no connection
 * leaks. What reaches one that we are closing is sent again, as the platform does it. */
static void test_a_hundred_refreshes(void **state)
{
	enum { REFRESHES = 100, EACH = 3 };
	struct net_stage *stage = connected();

	(void)state;
	stage->reply = NET_OK;
	stage->app.sockets->times.linger = 5;
	for (size_t i = 0; i < REFRESHES; i++) {
		send_event(stage, i, "a");
		send_disconnect(stage, i, i % 2 ? "warning" : "refresh_requested");
		send_event(stage, i, "b");
		NET_WAIT(stage, stage->socket_count == i + 2);
		send_event(stage, stage->sockets[i].socket ? i : i + 1, "c");
		NET_WAIT(stage, acks(stage) == (i + 1) * EACH || stage->sockets[i].socket == NULL);
		if (acks(stage) < (i + 1) * EACH)
			send_event(stage, i + 1, "c");
		NET_WAIT(stage, acks(stage) == (i + 1) * EACH);
	}
	NET_WAIT(stage, live(stage) == 1);
	assert_int_equal(stage->taken_count, REFRESHES * EACH);
	assert_in_range(stage->most_sockets, 2, CONNS_MAX);
	assert_int_equal(stage->ups, 1);
	net_close(stage);
}

/* ---- stopping ------------------------------------------------------------------------------------------ */

static void test_stopping_pays_what_is_owed(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	send_event(stage, 0, "owed");
	NET_WAIT(stage, stage->taken_count == 1);
	slack_sockets_stop(stage->app.sockets);
	send_event(stage, 0, "too late");
	net_rest(stage);
	assert_int_equal(stage->taken_count, 1); /* it comes again, to who is there then */
	assert_false(slack_sockets_idle(stage->app.sockets));
	slack_ack_ok(&stage->app, &stage->taken[0].from, NULL);
	NET_WAIT(stage, slack_sockets_idle(stage->app.sockets));
	assert_int_equal(stage->sockets[0].acks, 1);
	net_rest(stage);
	assert_int_equal(stage->socket_count, 1);
	slack_sockets_start(stage->app.sockets); /* the operator switched it on again */
	NET_WAIT(stage, stage->socket_count == 2 && stage->link == LINK_UP);
	net_close(stage);
}

static void test_stopping_while_it_opens(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	stage->hold = true;
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, stage->seen_count == 1);
	assert_false(slack_sockets_idle(stage->app.sockets));
	slack_sockets_stop(stage->app.sockets);
	assert_true(slack_sockets_idle(stage->app.sockets));
	net_let_go(stage);
	net_rest(stage);
	assert_int_equal(stage->socket_count, 0);
	stage->hold = false;
	stage->no_hello = true;
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, stage->socket_count == 1);
	slack_sockets_stop(stage->app.sockets);
	NET_WAIT(stage, slack_sockets_idle(stage->app.sockets));
	net_close(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acknowledged_only_when_told),
		cmocka_unit_test(test_commands_may_be_answered_at_once),
		cmocka_unit_test(test_later_is_silence_and_bad_is_not),
		cmocka_unit_test(test_frames_that_are_none_of_ours),
		cmocka_unit_test(test_refresh_without_a_gap),
		cmocka_unit_test(test_a_gap_is_told),
		cmocka_unit_test(test_an_ack_never_takes_another_way),
		cmocka_unit_test(test_a_draining_one_is_not_kept_for_ever),
		cmocka_unit_test(test_a_hundred_refreshes),
		cmocka_unit_test(test_stopping_pays_what_is_owed),
		cmocka_unit_test(test_stopping_while_it_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
