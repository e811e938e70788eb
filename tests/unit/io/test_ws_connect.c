/* Web sockets that never open: refusals, names, handshakes that hang, certificates that do not fit; and TLS that
 * does. */
#include "loop.h"
#include "ws_stage.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void say_401(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
}

static void say_wrong_key(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link,
			 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			 "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
	peer_wait_gone(link);
}

static void hang_up(struct peer_link *link)
{
	peer_read(link);
}

static void test_refusals(void **state)
{
	static peer_fn *const scripts[] = { say_401, say_wrong_key, hang_up };

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		stage.closes = 0;
		stage_connect_to(scripts[i]);
		stage_run_to_end();
		assert_int_equal(stage.opens, 0);
		assert_int_equal(stage.code, 0);
		assert_int_equal(stage.err.kind, ERR_AGAIN);
		peer_stop(stage.peer);
		stage.peer = NULL;
	}
}

static void test_refused_port(void **state)
{
	char url[100];

	(void)state;
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", peer_closed_port());
	stage_connect_with(&(struct ws_options){ .url = url });
	stage_run_to_end();
	assert_int_equal(stage.err.kind, ERR_AGAIN);
}

static void test_unknown_name(void **state)
{
	(void)state;
	stage_connect_with(&(struct ws_options){ .url = "wss://no-such-host.invalid/" });
	stage_run_to_end();
	assert_int_equal(stage.err.kind, ERR_AGAIN);
	assert_non_null(strstr(stage.err.text, "no-such-host.invalid"));
}

static void test_handshake_that_hangs(void **state)
{
	(void)state;
	stage.peer = peer_start(&(struct peer_setup){ .script = peer_wait_gone });
	stage_connect_with(&(struct ws_options){ .url = peer_url(stage.peer, "ws", "/"), .connect_ms = 200 });
	stage_run_to_end();
	assert_int_equal(stage.opens, 0);
	assert_non_null(strstr(stage.err.text, "in time"));
}

static void test_wrong_urls(void **state)
{
	static const char *const urls[] = { "http://127.0.0.1/",     "ws://", "nonsense", "",
					    "wss://user@a.example/", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct err err = { 0 };

		assert_null(ws_connect(stage.io, &(struct ws_options){ .url = urls[i] }, &stage_events,
				       &stage, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
}

static void test_proxy_of_the_environment_is_ignored(void **state)
{
	(void)state;
	setenv("http_proxy", "127.0.0.1:9", 1);
	loop_timer_destroy(stage.limit);
	io_destroy(stage.io);
	stage_setup(NULL); /* the library reads the variable when it starts */
	unsetenv("http_proxy");
	stage_open_to(ws_echo);
}

static char folder[] = "/tmp/usher-ws-XXXXXX", cert[64], key[64], other[64], other_key[64];

static int make_certs(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(cert, sizeof(cert), "%s/right.crt", folder);
	snprintf(key, sizeof(key), "%s/right.key", folder);
	snprintf(other, sizeof(other), "%s/wrong.crt", folder);
	snprintf(other_key, sizeof(other_key), "%s/wrong.key", folder);
	peer_make_cert(folder, "right");
	peer_make_cert(folder, "wrong");
	return 0;
}

static int remove_certs(void **state)
{
	(void)state;
	unlink(cert);
	unlink(key);
	unlink(other);
	unlink(other_key);
	return rmdir(folder);
}

static void connect_tls(const char *host, const char *ca_file)
{
	char url[100];

	snprintf(url, sizeof(url), "wss://%s:%d/", host, stage.peer->port);
	stage.closes = stage.opens = 0;
	stage_connect_with(&(struct ws_options){ .url = url, .ca_file = ca_file });
	stage_run();
}

static void test_tls(void **state)
{
	(void)state;
	stage.peer =
		peer_start(&(struct peer_setup){ .script = ws_echo, .cert_file = cert, .key_file = key });
	connect_tls("localhost", NULL); /* a CA nobody knows */
	assert_int_equal(stage.closes, 1);
	assert_int_equal(stage.opens, 0);
	connect_tls("localhost", other); /* another private CA */
	assert_int_equal(stage.closes, 1);
	connect_tls("127.0.0.2", cert); /* a name the certificate does not have */
	assert_int_equal(stage.closes, 1);
	assert_int_equal(stage.peer->requests, 0);
	for (int i = 0; i < 2; i++) {
		connect_tls("localhost", cert);
		assert_int_equal(stage.opens, 1);
		assert_true(ws_send(stage.ws, false, "secret", 6));
		stage_run();
		assert_string_equal(stage.data, "secret");
		ws_close(stage.ws, 1000, "");
		stage_run_to_end();
	}
}

static char proxied[1000];

/* A proxy, and behind it the server that was asked for. */
static void be_proxy(struct peer_link *link)
{
	if (!peer_read(link))
		return;
	snprintf(proxied, sizeof(proxied), "%.999s", link->text);
	if (strncmp(link->text, "CONNECT ", 8) == 0) {
		peer_say(link, "HTTP/1.1 200 Connection established\r\n\r\n");
		ws_echo(link);
	} else {
		peer_say(link, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
	}
}

static void be_closed_proxy(struct peer_link *link)
{
	if (peer_read(link))
		peer_say(link, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
}

/* Where only a proxy leads outside, and only it knows the names there. */
static void test_through_a_proxy(void **state)
{
	char proxy[100];

	(void)state;
	for (int round = 0; round < 2; round++) {
		stage.opens = stage.closes = 0;
		stage.peer = peer_start(&(struct peer_setup){ .script = be_proxy });
		snprintf(proxy, sizeof(proxy), "http://%s127.0.0.1:%d", round ? "ann:s%40crt@" : "",
			 stage.peer->port);
		stage_connect_with(
			&(struct ws_options){ .url = "ws://no-such-host.invalid/link?x=1", .proxy = proxy });
		stage_run();
		assert_int_equal(stage.opens, 1);
		assert_true(strncmp(proxied, "CONNECT no-such-host.invalid:80 HTTP/1.", 39) == 0);
		assert_int_equal(strstr(proxied, "YW5uOnNAY3J0") != NULL, round); /* ann:s@crt */
		assert_true(ws_send(stage.ws, false, "hello", 5));
		stage_run();
		assert_string_equal(stage.data, "hello");
		ws_close(stage.ws, 1000, "");
		stage_run_to_end();
		peer_stop(stage.peer);
		stage.peer = NULL;
	}
}

static int behind_port;

/* Bytes both ways, as a proxy does after CONNECT. */
static void pump(int one, int two)
{
	struct pollfd fds[] = { { .fd = one, .events = POLLIN }, { .fd = two, .events = POLLIN } };
	char data[4096];

	while (poll(fds, 2, 10000) > 0) {
		for (int i = 0; i < 2; i++) {
			ssize_t len = fds[i].revents ? read(fds[i].fd, data, sizeof(data)) : 0;

			if (fds[i].revents && (len <= 0 || write(fds[1 - i].fd, data, (size_t)len) != len))
				return;
		}
	}
}

static void lead_behind(struct peer_link *link)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)behind_port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (peer_read(link) && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
		peer_say(link, "HTTP/1.1 200 OK\r\n\r\n");
		pump(link->fd, fd);
	}
	close(fd);
}

/* The proxy sees the name and no more: the certificate is checked against the server's name. */
static void test_tls_through_a_proxy(void **state)
{
	static const char *const names[] = { "localhost", "127.0.0.2" };
	struct peer *behind =
		peer_start(&(struct peer_setup){ .script = ws_echo, .cert_file = cert, .key_file = key });
	char proxy[100], url[100];

	(void)state;
	behind_port = behind->port;
	for (int i = 0; i < 2; i++) {
		stage.opens = stage.closes = 0;
		stage.peer = peer_start(&(struct peer_setup){ .script = lead_behind });
		snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", stage.peer->port);
		snprintf(url, sizeof(url), "wss://%s:%d/", names[i], behind_port);
		stage_connect_with(&(struct ws_options){ .url = url, .ca_file = cert, .proxy = proxy });
		stage_run();
		assert_int_equal(stage.opens, i == 0);
		if (stage.opens) {
			ws_close(stage.ws, 1000, "");
			stage_run_to_end();
		}
		peer_stop(stage.peer);
		stage.peer = NULL;
	}
	peer_stop(behind);
}

static void test_proxies_that_do_not_lead_there(void **state)
{
	struct err err = { 0 };
	char proxy[100];

	(void)state;
	stage.peer = peer_start(&(struct peer_setup){ .script = be_closed_proxy });
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%d", stage.peer->port);
	stage_connect_with(&(struct ws_options){ .url = "ws://no-such-host.invalid/", .proxy = proxy });
	stage_run_to_end();
	assert_int_equal(stage.opens, 0);
	assert_int_equal(stage.err.kind, ERR_AGAIN);
	assert_null(ws_connect(
		stage.io,
		&(struct ws_options){ .url = "ws://127.0.0.1:9/", .proxy = "socks5://127.0.0.1:1080" },
		&stage_events, &stage, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "socks5"));
}

static void test_missing_ca_file(void **state)
{
	struct ws_options options = { .url = "wss://127.0.0.1:9/", .ca_file = "/nonexistent/ca.pem" };
	struct err err = { 0 };

	(void)state;
	assert_null(ws_connect(stage.io, &options, &stage_events, &stage, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "/nonexistent/ca.pem"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_CASE(test_refusals),
		STAGE_CASE(test_refused_port),
		STAGE_CASE(test_unknown_name),
		STAGE_CASE(test_handshake_that_hangs),
		STAGE_CASE(test_wrong_urls),
		STAGE_CASE(test_proxy_of_the_environment_is_ignored),
		STAGE_CASE(test_through_a_proxy),
		STAGE_CASE(test_tls_through_a_proxy),
		STAGE_CASE(test_proxies_that_do_not_lead_there),
		STAGE_CASE(test_tls),
		STAGE_CASE(test_missing_ca_file),
	};

	return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
