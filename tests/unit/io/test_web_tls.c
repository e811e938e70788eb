/* The web server behind TLS: what is agreed on, records cut anywhere, handshakes that come to nothing. */
#include "mem.h"
#include "peer.h"
#include "web_server.h"
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static SSL *tls_dial(const struct server *server, SSL_CTX *ctx, int *fd_out)
{
	static const unsigned char alpn[] = "\x02h2\x08http/1.1";
	SSL *tls = SSL_new(ctx);

	*fd_out = dial(server);
	SSL_set_fd(tls, *fd_out);
	SSL_set_alpn_protos(tls, alpn, sizeof(alpn) - 1);
	return tls;
}

static void tls_expect(SSL *tls, const char *text, size_t body)
{
	char seen[4096] = { 0 };
	size_t len = 0, need = SIZE_MAX;

	while (len < sizeof(seen) - 1 && len < need) {
		int got = SSL_read(tls, seen + len, 1);
		const char *end;

		assert_int_equal(got, 1);
		len++;
		end = strstr(seen, "\r\n\r\n");
		if (end != NULL && need == SIZE_MAX)
			need = (size_t)(end + 4 - seen) + body;
	}
	assert_non_null(strstr(seen, text));
}

struct tls_place {
	char folder[32], cert[64], key[64];
	SSL_CTX *ctx;
	struct server server;
};

static void tls_open(struct tls_place *place)
{
	*place = (struct tls_place){ .folder = "/tmp/usher-test-XXXXXX" };
	assert_non_null(mkdtemp(place->folder));
	peer_make_cert(place->folder, "web");
	snprintf(place->cert, sizeof(place->cert), "%s/web.crt", place->folder);
	snprintf(place->key, sizeof(place->key), "%s/web.key", place->folder);
	place->ctx = SSL_CTX_new(TLS_client_method());
	server_start(&place->server,
		     &(struct server_options){ .cert_file = place->cert, .key_file = place->key });
}

static void tls_close(struct tls_place *place)
{
	SSL_CTX_free(place->ctx);
	server_stop(&place->server);
	unlink(place->cert);
	unlink(place->key);
	rmdir(place->folder);
}

static void tls_put(SSL *tls, const char *text)
{
	assert_int_equal(SSL_write(tls, text, (int)strlen(text)), (int)strlen(text));
}

static void test_tls(void **state)
{
	struct tls_place place;
	const unsigned char *chosen;
	unsigned chosen_len;
	int fd;
	SSL *tls;

	(void)state;
	tls_open(&place);
	tls = tls_dial(&place.server, place.ctx, &fd);
	assert_int_equal(SSL_connect(tls), 1);
	assert_true(SSL_version(tls) >= TLS1_2_VERSION);
	SSL_get0_alpn_selected(tls, &chosen, &chosen_len);
	assert_int_equal(chosen_len, 8);
	assert_memory_equal(chosen, "http/1.1", 8);
	for (int i = 0; i < 3; i++) {
		tls_put(tls, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" HELLO);
		tls_expect(tls, "\r\n\r\nabc", 3);
		tls_expect(tls, "\r\n\r\nhello", 5);
	}
	tls_put(tls, "nonsense\n");
	tls_expect(tls, "HTTP/1.1 400", 1);
	SSL_free(tls);
	close(fd);
	tls_close(&place);
}

/* Records are cut where the peer's window ends: nothing may be lost or sent twice there. */
static void test_tls_large(void **state)
{
	enum { LENGTH = 6000000 };
	struct tls_place place;
	char *piece = mem_alloc(100000);
	int fd, got = 0;
	SSL *tls;

	(void)state;
	tls_open(&place);
	tls = tls_dial(&place.server, place.ctx, &fd);
	assert_int_equal(SSL_connect(tls), 1);
	tls_put(tls, "GET /big/6000000 HTTP/1.1\r\nHost: a\r\n\r\n" HELLO);
	tls_expect(tls, "Content-Length: 6000000\r\n", 0);
	while (got < LENGTH) {
		int part = SSL_read(tls, piece, LENGTH - got < 100000 ? LENGTH - got : 100000);

		assert_true(part > 0);
		for (int i = 0; i < part; i++)
			assert_true(piece[i] == 'x');
		got += part;
		if (got % 7 == 0)
			usleep(2000);
	}
	tls_expect(tls, "\r\n\r\nhello", 5);
	free(piece);
	SSL_free(tls);
	close(fd);
	tls_close(&place);
}

/* An answer that takes its time, on a connection that is kept: libwebsockets would cut it five seconds after the handshake. */
static void test_tls_lasts(void **state)
{
	struct tls_place place;
	int fds[2];
	SSL *waits, *other;

	(void)state;
	tls_open(&place);
	waits = tls_dial(&place.server, place.ctx, &fds[0]);
	assert_int_equal(SSL_connect(waits), 1);
	tls_put(waits, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
	sleep(6);
	other = tls_dial(&place.server, place.ctx, &fds[1]);
	assert_int_equal(SSL_connect(other), 1);
	tls_put(other, "POST /release HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	tls_expect(other, "HTTP/1.1 204", 0);
	tls_expect(waits, "\r\n\r\nreleased", 8);
	tls_put(waits, HELLO);
	tls_expect(waits, "\r\n\r\nhello", 5);
	SSL_free(waits);
	SSL_free(other);
	close(fds[0]);
	close(fds[1]);
	tls_close(&place);
}

/* Handshakes that never end, are too old or no TLS at all disturb nobody. */
static void test_tls_refused(void **state)
{
	struct tls_place place;
	int fd, stuck;
	SSL *tls;

	(void)state;
	tls_open(&place);
	stuck = dial(&place.server);
	put_bytes(stuck, "\x16\x03\x01", 3);
	fd = dial(&place.server);
	put(fd, HELLO);
	while (recv(fd, &(char){ 0 }, 1, 0) == 1)
		;
	close(fd);
	tls = tls_dial(&place.server, place.ctx, &fd);
	assert_int_equal(SSL_connect(tls), 1);
	tls_put(tls, HELLO);
	tls_expect(tls, "\r\n\r\nhello", 5);
	SSL_free(tls);
	close(fd);
	SSL_CTX_set_max_proto_version(place.ctx, TLS1_1_VERSION);
	SSL_CTX_set_security_level(place.ctx, 0);
	tls = tls_dial(&place.server, place.ctx, &fd);
	assert_int_not_equal(SSL_connect(tls), 1);
	SSL_free(tls);
	close(fd);
	close(stuck);
	tls_close(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_large),
		cmocka_unit_test(test_tls_lasts),
		cmocka_unit_test(test_tls_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
