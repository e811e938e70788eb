/* A server on loopback that does to each connection what the test's script says, in threads of its own. */
#ifndef USHER_TEST_PEER_H
#define USHER_TEST_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct peer;
struct ssl_st;
struct ssl_ctx_st;

enum { PEER_TEXT = 65536 };

struct peer_link {
	struct peer *peer;
	int fd;
	struct ssl_st *ssl;
	unsigned number; /* of this connection, from 1 */
	pthread_t thread;
	bool used;
	char *text; /* the request read last, NUL-terminated */
	size_t len;
};

typedef void peer_fn(struct peer_link *link);

struct peer_setup {
	peer_fn *script;
	const char *cert_file, *key_file; /* TLS when given */
};

struct peer {
	struct peer_setup setup;
	struct ssl_ctx_st *tls;
	int listener, port;
	pthread_t thread;
	atomic_uint connections, requests;
	atomic_bool stopping;
	struct peer_link *links;
};

struct peer *peer_start(const struct peer_setup *setup);
void peer_stop(struct peer *peer); /* cuts every connection, waits for all threads */
const char *peer_url(const struct peer *peer, const char *scheme, const char *path); /* until the next call */
int peer_closed_port(void); /* a port of 127.0.0.1 on which nobody listens */

/* For scripts. false: the other side closed, or nothing came for ten seconds. */
bool peer_read(struct peer_link *link); /* one request with its body; counts it */
void peer_say(struct peer_link *link, const char *text);
void peer_send(struct peer_link *link, const void *data, size_t len);
long peer_receive(struct peer_link *link, void *data, size_t size);
void peer_wait_gone(struct peer_link *link); /* until the other side closes */
void peer_reset(struct peer_link *link);     /* closes with RST instead of FIN */

/* A self-signed certificate for 127.0.0.1 and localhost, PEM files NAME.crt and NAME.key in the folder. */
void peer_make_cert(const char *folder, const char *name);

#endif
