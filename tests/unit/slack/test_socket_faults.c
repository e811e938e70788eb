/* Socket Mode when something is wrong (sheet 6.1, 6.4, 6.6): we come back by ourselves, we never storm, and what only
 * people can cure is said in words that tell them how. */
#include "api_room.h"
#include "frame.h"
#include "socket_room.h"
#include "stage_net.h"
#include <arpa/inet.h>
#include <endian.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/socket.h>
#include <unistd.h>

static struct net_stage *open_stage(void)
{
	struct net_stage *stage = net_open();

	stage->reply = NET_SILENT;
	stage->app.sockets = slack_sockets_create(&stage->app);
	slack_api_method_of(stage->root.lanes, slack_method_find("apps.connections.open"))->pace.interval_ms =
		0; /* hours of a connection's life are made short here */
	stage->app.sockets->times = (struct socket_times){ .hello = 5000,
							   .linger = 10,
							   .drain = 5000,
							   .cut = 200,
							   .first = 10,
							   .longest = 40,
							   .steady = 60000,
							   .too_many = 3600000,
							   .disabled = 3600000,
							   .refused = 3600000,
							   .ping_s = 10,
							   .dead_s = 30 };
	return stage;
}

static struct net_stage *connected(void)
{
	struct net_stage *stage = open_stage();

	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, stage->link == LINK_UP);
	return stage;
}

static void tell(struct net_stage *stage, size_t socket, const char *reason)
{
	char *text = mem_format("{\"type\":\"disconnect\",\"reason\":\"%s\"}", reason);

	net_send(stage, socket, text);
	free(text);
}

static void refuse(struct net_stage *stage, const char *error)
{
	char *body = mem_format("{\"ok\":false,\"error\":\"%s\"}", error);

	net_say(stage, 200, body);
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, stage->answer_next == 1 && stage->link == LINK_DOWN);
	net_rest(stage);
	free(body);
}

/* ---- what only people can cure ------------------------------------------------------------------------- */

static void test_errors_that_need_people(void **state)
{
	static const struct {
		const char *error, *cure;
	} cases[] = {
		{ "not_authed", "app_token" },
		{ "invalid_auth", "App-Level Tokens" },
		{ "account_inactive", "no longer active" },
		{ "user_removed_from_team", "left the workspace" },
		{ "team_disabled", "switched off" },
		{ "forbidden_team", "does not allow" },
		{ "not_allowed_token_type", "xapp-" },
		{ "missing_scope", "connections:write" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct net_stage *stage = open_stage();

		refuse(stage, cases[i].error);
		assert_int_equal(stage->seen_count, 1); /* no loop */
		assert_non_null(strstr(stage->link_why, cases[i].error));
		assert_non_null(strstr(stage->link_why, cases[i].cure));
		assert_int_equal(stage->deads, 0); /* the bot token is another matter */
		net_close(stage);
	}
}

/* A corrected token needs no restart. */
static void test_asked_again_slowly(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	stage->app.sockets->times.refused = 20;
	refuse(stage, "invalid_auth");
	NET_WAIT(stage, stage->link == LINK_UP);
	net_close(stage);
}

static void test_passing_errors_are_tried_again(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	net_say(stage, 200, "{\"ok\":false,\"error\":\"internal_error\"}");
	net_say(stage, 503, "");
	net_say(stage, 200, "{\"ok\":false,\"error\":\"something_new\"}");
	net_say(stage, 200, "{\"ok\":true}");
	net_say(stage, 200, "{\"ok\":true,\"url\":\"https://slack.com/\"}");
	net_say(stage, 200, "{\"ok\":true,\"url\":\"ws://evil.example/\"}");
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(net_asked(stage, "apps.connections.open"), 7);
	assert_int_equal(stage->socket_count, 1);
	assert_int_equal(stage->downs, 6);
	net_close(stage);
}

static void test_a_limit_is_obeyed(void **state)
{
	struct net_stage *stage = open_stage();
	uint64_t began = clock_mono_ms();

	(void)state;
	net_say_header(stage, 429, "", "Retry-After", "1");
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_true(clock_mono_ms() - began >= 1000);
	net_close(stage);
}

static void test_tokens_of_two_apps(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	stage->app.app_id = mem_text("A2"); /* known by the bot token */
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, stage->link == LINK_DOWN);
	assert_non_null(strstr(stage->link_why, "tokens belong to different apps"));
	NET_WAIT(stage, stage->sockets[0].socket == NULL);
	net_rest(stage);
	assert_int_equal(stage->seen_count, 1);
	assert_int_equal(stage->ups, 0);
	net_close(stage);
}

/* ---- told to go ---------------------------------------------------------------------------------------- */

static void test_switched_off(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	tell(stage, 0, "link_disabled");
	NET_WAIT(stage, stage->link == LINK_DOWN && stage->sockets[0].socket == NULL);
	assert_non_null(strstr(stage->link_why, "Socket Mode is switched off"));
	net_rest(stage);
	assert_int_equal(stage->seen_count, 1);
	net_close(stage);
}

static void test_switched_on_again(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	stage->app.sockets->times.disabled = 20;
	tell(stage, 0, "link_disabled");
	NET_WAIT(stage, stage->ups == 2);
	net_close(stage);
}

/* Somebody else uses our token: more connections of ours would make it worse. */
static void test_too_many(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	stage->no_hello = true;
	tell(stage, 0, "warning");
	NET_WAIT(stage, stage->socket_count == 2);
	tell(stage, 1, "too_many_websockets");
	NET_WAIT(stage, stage->sockets[1].socket == NULL);
	net_rest(stage);
	assert_non_null(stage->sockets[0].socket); /* one is kept while it lasts */
	assert_int_equal(stage->link, LINK_UP);
	web_socket_close(stage->sockets[0].socket, 1000, "");
	NET_WAIT(stage, stage->app.sockets->conns == NULL);
	net_rest(stage);
	assert_int_equal(stage->seen_count, 2);
	assert_true(stage->app.sockets->hold_until - loop_now_ms(stage->host.loop) > 3500000);
	net_close(stage);
}

static void test_too_many_for_the_only_one(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	stage->app.sockets->times.too_many = 30;
	tell(stage, 0, "too_many_websockets");
	net_rest(stage);
	assert_non_null(stage->sockets[0].socket);
	web_socket_close(stage->sockets[0].socket, 1000, "");
	NET_WAIT(stage, stage->ups == 2);
	assert_int_equal(stage->socket_count, 2);
	net_close(stage);
}

static void test_an_unknown_reason_is_a_refresh(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	net_send(stage, 0, "{\"type\":\"disconnect\"}");
	NET_WAIT(stage, stage->socket_count == 2 && stage->sockets[0].socket == NULL);
	assert_int_equal(stage->ups, 1);
	net_close(stage);
}

/* ---- connections that fail ----------------------------------------------------------------------------- */

static void test_refused_upgrades_back_off(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	stage->no_upgrade = true;
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, stage->app.sockets->failures == 4);
	assert_int_equal(stage->link, LINK_DOWN);
	assert_true(net_asked(stage, "apps.connections.open") >= 4); /* a fresh address each time */
	stage->no_upgrade = false;
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_true(stage->app.sockets->failures >= 4); /* ready is not yet steady */
	stage->app.sockets->times.steady = 0;
	web_socket_close(stage->sockets[0].socket, 1011, "");
	NET_WAIT(stage, stage->ups == 2);
	assert_int_equal(stage->app.sockets->failures, 1);
	net_close(stage);
}

static void test_no_hello(void **state)
{
	struct net_stage *stage = open_stage();

	(void)state;
	stage->app.sockets->times.hello = 50;
	stage->no_hello = true;
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, stage->link == LINK_DOWN);
	assert_string_equal(stage->link_why, "no hello in time");
	stage->no_hello = false;
	NET_WAIT(stage, stage->link == LINK_UP);
	NET_WAIT(stage, stage->open_sockets == 1); /* the silent one is not left open */
	net_close(stage);
}

/* A successor that fails leaves the old one at work, and is tried again. */
static void test_a_failing_successor(void **state)
{
	struct net_stage *stage = connected();

	(void)state;
	net_say(stage, 500, "");
	net_say(stage, 500, "");
	tell(stage, 0, "warning");
	net_send(stage, 0, "{\"type\":\"events_api\",\"envelope_id\":\"e\",\"payload\":{}}");
	NET_WAIT(stage, stage->taken_count == 1);
	slack_ack_ok(&stage->app, &stage->taken[0].from, NULL);
	NET_WAIT(stage, stage->sockets[0].acks == 1);
	NET_WAIT(stage, stage->socket_count == 2 && stage->sockets[0].socket == NULL);
	assert_int_equal(stage->downs, 0);
	assert_int_equal(stage->ups, 1);
	net_close(stage);
}

/* ---- a peer that breaks the rules of web sockets -------------------------------------------------------- */

struct raw {
	int listener, peer;
	char url[64];
};

static void raw_open(struct raw *raw)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	raw->peer = -1;
	raw->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(raw->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(raw->listener, 5), 0);
	assert_int_equal(getsockname(raw->listener, (struct sockaddr *)&address, &len), 0);
	snprintf(raw->url, sizeof(raw->url), "ws://127.0.0.1:%d/link", ntohs(address.sin_port));
}

static void raw_close(struct raw *raw)
{
	close(raw->listener);
	if (raw->peer >= 0)
		close(raw->peer);
}

static bool raw_accept(struct raw *raw)
{
	raw->peer = accept(raw->listener, NULL, NULL);
	return raw->peer >= 0;
}

static void raw_send(struct net_stage *stage, const struct raw *raw, const void *data, size_t len)
{
	const char *at = data;

	fcntl(raw->peer, F_SETFL, O_NONBLOCK);
	while (len > 0) {
		ssize_t sent = send(raw->peer, at, len, MSG_NOSIGNAL);

		if (sent > 0) {
			at += sent;
			len -= (size_t)sent;
		}
		net_step(stage);
	}
}

/* Answers the upgrade and says hello; afterwards it reads nothing and answers nothing. */
static void raw_greet(struct net_stage *stage, const struct raw *raw)
{
	static const char hello[] = "{\"type\":\"hello\"}";
	char request[4096] = "", text[200], whole[600], *key;
	unsigned char digest[SHA_DIGEST_LENGTH], accept_key[64];
	size_t got = 0;

	fcntl(raw->peer, F_SETFL, O_NONBLOCK);
	while (strstr(request, "\r\n\r\n") == NULL) {
		ssize_t more = recv(raw->peer, request + got, sizeof(request) - 1 - got, 0);

		if (more > 0)
			request[got += (size_t)more] = '\0';
		net_step(stage);
	}
	key = strcasestr(request, "sec-websocket-key: ") + 19;
	snprintf(text, sizeof(text), "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)strcspn(key, "\r"),
		 key);
	SHA1((const unsigned char *)text, strlen(text), digest);
	EVP_EncodeBlock(accept_key, digest, sizeof(digest));
	snprintf(whole, sizeof(whole),
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Accept: %s\r\n\r\n\x81%c%s",
		 accept_key, (int)strlen(hello), hello);
	raw_send(stage, raw, whole, strlen(whole));
}

/* The platform often leaves TCP open after our close frame: cut soon, no ghost stays (sheet 18.2, 18.3). */
static void test_a_peer_that_never_closes(void **state)
{
	struct net_stage *stage = open_stage();
	struct raw raw;

	(void)state;
	raw_open(&raw);
	stage->ws_url = raw.url;
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, raw_accept(&raw));
	raw_greet(stage, &raw);
	NET_WAIT(stage, stage->link == LINK_UP);
	slack_sockets_stop(stage->app.sockets);
	assert_false(slack_sockets_idle(stage->app.sockets));
	NET_WAIT(stage, slack_sockets_idle(stage->app.sockets));
	net_close(stage);
	raw_close(&raw);
}

/* It looks open and nothing comes any more (sheet 18.1): noticed by pings, and replaced. */
static void test_a_peer_that_never_answers_pings(void **state)
{
	struct net_stage *stage = open_stage();
	struct raw raw;

	(void)state;
	raw_open(&raw);
	stage->ws_url = raw.url;
	stage->app.sockets->times.ping_s = 1;
	stage->app.sockets->times.dead_s = 2;
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, raw_accept(&raw));
	raw_greet(stage, &raw);
	NET_WAIT(stage, stage->link == LINK_UP);
	stage->ws_url = NULL;
	NET_WAIT(stage, stage->link == LINK_CONNECTING);
	NET_WAIT(stage, stage->link == LINK_UP);
	assert_int_equal(stage->socket_count, 1); /* the good one */
	net_close(stage);
	raw_close(&raw);
}

static void test_a_frame_of_two_mebibytes(void **state)
{
	enum { LEN = 2 << 20 };
	static const char begin[] = "{\"type\":\"events_api\",\"envelope_id\":\"e\",\"payload\":{\"text\":\"";
	struct net_stage *stage = open_stage();
	struct raw raw;
	size_t len = sizeof(begin) - 1 + LEN + 3;
	uint64_t size = htobe64(len);
	char *frame = mem_alloc(len + 10);

	(void)state;
	raw_open(&raw);
	stage->ws_url = raw.url;
	slack_sockets_start(stage->app.sockets);
	NET_WAIT(stage, raw_accept(&raw));
	raw_greet(stage, &raw);
	memcpy(frame, "\x81\x7f", 2);
	memcpy(frame + 2, &size, sizeof(size));
	memset(frame + 10, 'x', len);
	memcpy(frame + 10, begin, sizeof(begin) - 1);
	memcpy(frame + 10 + len - 3, "\"}}", 3);
	raw_send(stage, &raw, frame, len + 10);
	NET_WAIT(stage, stage->taken_count == 1);
	assert_int_equal(strlen(stage->taken[0].payload), LEN + strlen("{\"text\":\"\"}"));
	free(frame);
	net_close(stage);
	raw_close(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_that_need_people),
		cmocka_unit_test(test_asked_again_slowly),
		cmocka_unit_test(test_passing_errors_are_tried_again),
		cmocka_unit_test(test_a_limit_is_obeyed),
		cmocka_unit_test(test_tokens_of_two_apps),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_switched_on_again),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_too_many_for_the_only_one),
		cmocka_unit_test(test_an_unknown_reason_is_a_refresh),
		cmocka_unit_test(test_refused_upgrades_back_off),
		cmocka_unit_test(test_no_hello),
		cmocka_unit_test(test_a_failing_successor),
		cmocka_unit_test(test_a_peer_that_never_closes),
		cmocka_unit_test(test_a_peer_that_never_answers_pings),
		cmocka_unit_test(test_a_frame_of_two_mebibytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
