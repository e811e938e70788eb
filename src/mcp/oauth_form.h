/* What is sent of OAuth (sheet 7): addresses, forms, proofs. Pure but for random bytes; any thread. */
#ifndef USHER_MCP_OAUTH_FORM_H
#define USHER_MCP_OAUTH_FORM_H

#include "buf.h"
#include "mcp.h"
#include "oauth_read.h"
#include <stdint.h>

/* Appends name=value as application/x-www-form-urlencoded, with & before it where something stands. NULL: nothing. */
void oauth_form_add(struct buf *form, const char *name, const char *value);

/* 32 random bytes in letters for URLs; the caller frees. */
char *oauth_random(void);

/* S256 of a verifier (RFC 7636 4.2); the caller frees. */
char *oauth_pkce(const char *verifier);

struct oauth_client {
	char *id, *secret; /* secret: or NULL */
	enum oauth_method method;
	int64_t until_ms; /* Unix ms until which the secret is good, 0: for ever */
};
void oauth_client_free(struct oauth_client *client);

struct oauth_ask {
	const char *redirect, *state, *challenge, *scope, *resource; /* scope: or NULL */
};
/* Where a person is sent to. The caller frees. */
char *oauth_authorize_url(const struct oauth_server *server, const struct oauth_client *client,
			  const struct oauth_ask *ask);

/* "Basic ..." of RFC 6749 2.3.1, both parts encoded before; the caller frees. */
char *oauth_basic(const struct oauth_client *client);

/* A signed JWT (RFC 7523) that says: I am this client. pem: an RSA or EC private key. audience: the issuer. NULL and err when the
 * key can't be used. The caller frees. */
char *oauth_assertion(const char *pem, const char *client_id, const char *audience, int64_t now_s,
		      struct err *err);

/* Reads the parameters behind ? of an address that was pasted, or of a query alone. Keeps its texts in room, which the caller
 * frees with free. False: there is no state in it. */
bool oauth_redirect_read(const char *address, struct mcp_redirect *redirect_out, char **room_out);

#endif
