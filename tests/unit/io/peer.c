/* The scripted server: threads and blocking calls, so that a script reads from top to bottom. */
#include "peer.h"
#include <arpa/inet.h>
#include <assert.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { LINKS_MAX = 1024 };

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static void *run_link(void *data)
{
	struct peer_link *link = data;

	if (link->peer->tls != NULL) {
		link->ssl = SSL_new(link->peer->tls);
		SSL_set_fd(link->ssl, link->fd);
	}
	if (link->ssl == NULL || SSL_accept(link->ssl) == 1)
		link->peer->setup.script(link);
	if (link->ssl != NULL && !atomic_load(&link->peer->stopping))
		SSL_shutdown(link->ssl);
	SSL_free(link->ssl);
	shutdown(link->fd, SHUT_RDWR); /* peer_stop closes it: its number must not be used again before */
	free(link->text);
	return NULL;
}

static void *run_listener(void *data)
{
	struct peer *peer = data;
	struct timeval limit = { .tv_sec = 10 };
	int fd;

	while ((fd = accept(peer->listener, NULL, NULL)) >= 0) {
		unsigned number = atomic_fetch_add(&peer->connections, 1) + 1;
		struct peer_link *link = &peer->links[number - 1];

		must(number <= LINKS_MAX, "too many connections");
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		*link = (struct peer_link){ .peer = peer, .fd = fd, .number = number, .used = true };
		must(pthread_create(&link->thread, NULL, run_link, link) == 0, "pthread_create");
	}
	return NULL;
}

static int listen_on(int *port_out)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0, "bind");
	must(getsockname(fd, (struct sockaddr *)&at, &size) == 0, "getsockname");
	*port_out = ntohs(at.sin_port);
	return fd;
}

struct peer *peer_start(const struct peer_setup *setup)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	must(peer != NULL, "calloc");
	peer->setup = *setup;
	peer->links = calloc(LINKS_MAX, sizeof(*peer->links));
	must(peer->links != NULL, "calloc");
	if (setup->cert_file != NULL) {
		peer->tls = SSL_CTX_new(TLS_server_method());
		must(SSL_CTX_use_certificate_chain_file(peer->tls, setup->cert_file) == 1, "certificate");
		must(SSL_CTX_use_PrivateKey_file(peer->tls, setup->key_file, SSL_FILETYPE_PEM) == 1, "key");
	}
	peer->listener = listen_on(&peer->port);
	must(listen(peer->listener, LINKS_MAX) == 0, "listen");
	must(pthread_create(&peer->thread, NULL, run_listener, peer) == 0, "pthread_create");
	return peer;
}

void peer_stop(struct peer *peer)
{
	atomic_store(&peer->stopping, true);
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	for (int i = 0; i < LINKS_MAX; i++) {
		if (!peer->links[i].used)
			continue;
		shutdown(peer->links[i].fd, SHUT_RDWR);
		pthread_join(peer->links[i].thread, NULL);
		close(peer->links[i].fd);
	}
	SSL_CTX_free(peer->tls);
	free(peer->links);
	free(peer);
}

const char *peer_url(const struct peer *peer, const char *scheme, const char *path)
{
	static char url[200];

	snprintf(url, sizeof(url), "%s://127.0.0.1:%d%s", scheme, peer->port, path);
	return url;
}

int peer_closed_port(void)
{
	int port;

	close(listen_on(&port));
	return port;
}

void peer_send(struct peer_link *link, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		long sent = link->ssl != NULL ? SSL_write(link->ssl, at, (int)len)
					      : send(link->fd, at, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		at += sent;
		len -= (size_t)sent;
	}
}

void peer_say(struct peer_link *link, const char *text)
{
	peer_send(link, text, strlen(text));
}

long peer_receive(struct peer_link *link, void *data, size_t size)
{
	return link->ssl != NULL ? SSL_read(link->ssl, data, (int)size) : recv(link->fd, data, size, 0);
}

static size_t whole_length(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\ncontent-length:");
	size_t body = 0;

	if (end == NULL)
		return PEER_TEXT;
	if (length != NULL && length < end)
		body = strtoul(length + 17, NULL, 10);
	return (size_t)(end - text) + 4 + body;
}

bool peer_read(struct peer_link *link)
{
	if (link->text == NULL)
		link->text = calloc(1, PEER_TEXT + 1);
	link->len = 0;
	link->text[0] = '\0';
	while (link->len < whole_length(link->text)) {
		long got = peer_receive(link, link->text + link->len, PEER_TEXT - link->len);

		if (got <= 0)
			return false;
		link->len += (size_t)got;
		link->text[link->len] = '\0';
	}
	atomic_fetch_add(&link->peer->requests, 1);
	return true;
}

void peer_wait_gone(struct peer_link *link)
{
	char rest[4096];

	while (peer_receive(link, rest, sizeof(rest)) > 0)
		continue;
}

void peer_reset(struct peer_link *link)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	(void)connect(link->fd, &none, sizeof(none)); /* ends the connection at once, keeps the descriptor */
}

static void add_extension(X509 *cert, int id, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, id, value);
	must(extension != NULL, "extension");
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

static X509 *make_x509(EVP_PKEY *key)
{
	X509 *cert = X509_new();

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)"usher test", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(cert, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
	must(X509_sign(cert, key, EVP_sha256()) > 0, "sign");
	return cert;
}

void peer_make_cert(const char *folder, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_x509(key);
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.crt", folder, name);
	file = fopen(path, "w");
	must(file != NULL && PEM_write_X509(file, cert) == 1 && fclose(file) == 0, path);
	snprintf(path, sizeof(path), "%s/%s.key", folder, name);
	file = fopen(path, "w");
	must(file != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		     fclose(file) == 0,
	     path);
	X509_free(cert);
	EVP_PKEY_free(key);
}
