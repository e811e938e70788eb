/* Forms, addresses and proofs of OAuth. JWTs are libjwt's. */
#include "oauth_form.h"
#include "crypto.h"
#include "mem.h"
#include <ctype.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

enum { RANDOM_BYTES = 32, ASSERTION_S = 300 };

static void escape(struct buf *out, const char *text)
{
	for (const char *at = text; *at; at++) {
		if (isalnum((unsigned char)*at) || strchr("-._~", *at))
			buf_add(out, at, 1);
		else
			buf_format(out, "%%%02X", (unsigned char)*at);
	}
}

void oauth_form_add(struct buf *form, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (form->len > 0)
		buf_text(form, "&");
	buf_text(form, name);
	buf_text(form, "=");
	escape(form, value);
}

/* base64 for URLs (RFC 4648 5), without padding. */
static char *base64url(const void *data, size_t len)
{
	char *out = mem_alloc(4 * ((len + 2) / 3) + 1);
	size_t size = crypto_base64(data, len, out);

	while (size > 0 && out[size - 1] == '=')
		out[--size] = '\0';
	for (size_t i = 0; i < size; i++)
		out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
	return out;
}

char *oauth_random(void)
{
	uint8_t bytes[RANDOM_BYTES];

	crypto_random(bytes, sizeof(bytes));
	return base64url(bytes, sizeof(bytes));
}

char *oauth_pkce(const char *verifier)
{
	uint8_t hash[CRYPTO_SHA256_SIZE];

	crypto_sha256(verifier, strlen(verifier), hash);
	return base64url(hash, sizeof(hash));
}

void oauth_client_free(struct oauth_client *client)
{
	free(client->id);
	free(client->secret);
	*client = (struct oauth_client){ 0 };
}

char *oauth_authorize_url(const struct oauth_server *server, const struct oauth_client *client,
			  const struct oauth_ask *ask)
{
	struct buf form = { 0 };
	char *url;

	oauth_form_add(&form, "response_type", "code");
	oauth_form_add(&form, "client_id", client->id);
	oauth_form_add(&form, "redirect_uri", ask->redirect);
	oauth_form_add(&form, "state", ask->state);
	oauth_form_add(&form, "code_challenge", ask->challenge);
	oauth_form_add(&form, "code_challenge_method", "S256");
	oauth_form_add(&form, "scope", ask->scope);
	oauth_form_add(&form, "resource", ask->resource);
	if (oauth_scope_has(ask->scope, "offline_access")) /* OpenID gives no refresh token without it */
		oauth_form_add(&form, "prompt", "consent");
	url = mem_format("%s%c%s", server->authorize, strchr(server->authorize, '?') ? '&' : '?',
			 buf_str(&form));
	buf_free(&form);
	return url;
}

char *oauth_basic(const struct oauth_client *client)
{
	struct buf pair = { 0 };
	char *coded, *whole;

	escape(&pair, client->id);
	buf_text(&pair, ":");
	escape(&pair, client->secret ? client->secret : "");
	coded = mem_alloc(4 * ((pair.len + 2) / 3) + 1);
	crypto_base64(pair.data, pair.len, coded);
	whole = mem_format("Basic %s", coded);
	free(coded);
	buf_free(&pair);
	return whole;
}

/* ---- a signed statement ------------------------------------------------------------------------------------- */

static jwt_alg_t algorithm(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)strlen(pem));
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "") : NULL;
	int kind = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE, bits = key ? EVP_PKEY_get_bits(key) : 0;

	EVP_PKEY_free(key);
	BIO_free(bio);
	if (kind == EVP_PKEY_RSA && bits >= 2048)
		return JWT_ALG_RS256;
	if (kind != EVP_PKEY_EC)
		return JWT_ALG_NONE;
	return bits == 256 ? JWT_ALG_ES256 : bits == 384 ? JWT_ALG_ES384 : JWT_ALG_NONE;
}

static bool fill(jwt_t *jwt, const char *client_id, const char *audience, int64_t now_s)
{
	char *id = oauth_random();
	bool done = jwt_add_grant(jwt, "iss", client_id) == 0 && jwt_add_grant(jwt, "sub", client_id) == 0 &&
		    jwt_add_grant(jwt, "aud", audience) == 0 && jwt_add_grant(jwt, "jti", id) == 0 &&
		    jwt_add_grant_int(jwt, "iat", (long)now_s) == 0 &&
		    jwt_add_grant_int(jwt, "exp", (long)now_s + ASSERTION_S) == 0;

	free(id);
	return done;
}

char *oauth_assertion(const char *pem, const char *client_id, const char *audience, int64_t now_s,
		      struct err *err)
{
	jwt_alg_t kind = algorithm(pem);
	char *text = NULL;
	jwt_t *jwt = NULL;

	if (kind != JWT_ALG_NONE && jwt_new(&jwt) == 0 && fill(jwt, client_id, audience, now_s) &&
	    jwt_set_alg(jwt, kind, (const unsigned char *)pem, (int)strlen(pem)) == 0)
		text = jwt_encode_str(jwt);
	jwt_free(jwt);
	if (text == NULL)
		err_set(err, ERR_REFUSED,
			"oauth.private_key: expected an unlocked PEM private key: RSA of at least 2048 bits, "
			"or EC P-256 or P-384");
	return text; /* of malloc, as libjwt documents */
}

/* ---- what came back --------------------------------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; what is no escape stays, a NUL becomes a question mark. */
static void unescape(char *text)
{
	char *out = text;

	for (const char *at = text; *at; at++) {
		if (*at == '%' && digit(at[1]) >= 0 && digit(at[2]) >= 0) {
			char byte = (char)(digit(at[1]) * 16 + digit(at[2]));

			*out++ = (char)(byte ? byte : '?');
			at += 2;
		} else {
			*out++ = (char)(*at == '+' ? ' ' : *at);
		}
	}
	*out = '\0';
}

bool oauth_redirect_read(const char *address, struct mcp_redirect *out, char **room_out)
{
	const char *query = strchr(address, '?');
	char *room = mem_text(query ? query + 1 : address), *save = NULL;
	static const char *const names[] = { "state", "code", "iss", "error", "error_description" };
	const char **fields[] = { &out->state, &out->code, &out->iss, &out->error, &out->text };

	*out = (struct mcp_redirect){ 0 };
	*room_out = room;
	room[strcspn(room, "#\r\n \t")] = '\0';
	for (char *pair = strtok_r(room, "&", &save); pair; pair = strtok_r(NULL, "&", &save)) {
		char *equals = strchr(pair, '=');

		if (equals == NULL)
			continue;
		*equals = '\0';
		unescape(equals + 1);
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strcmp(pair, names[i]) == 0 && *fields[i] == NULL)
				*fields[i] = equals + 1;
	}
	return out->state != NULL;
}
