/* What is read of OAuth (sheet 7): challenges, metadata, scopes, and where metadata may lie. Pure; any thread. */
#ifndef USHER_MCP_OAUTH_READ_H
#define USHER_MCP_OAUTH_READ_H

#include "err.h"
#include "json.h"
#include <stdbool.h>
#include <stddef.h>

enum { OAUTH_PLACES = 3, OAUTH_URL_MAX = 2048 };

/* A Bearer challenge of WWW-Authenticate (RFC 9110 11.6.1): what it says, or NULL. */
struct oauth_challenge {
	bool bearer;
	char *metadata, *scope, *error;
};

/* Takes the Bearer challenge of the header, of several the first that names metadata, else the first; other schemes are passed
 * over. header: all lines of it as one value, or NULL. Free it. */
void oauth_challenge_read(const char *header, struct oauth_challenge *challenge_out);
void oauth_challenge_free(struct oauth_challenge *challenge);

/* Only over https, or http that stays on this machine; short and without anything odd. */
bool oauth_url_fits(const char *url);

/* "https://host:port" of a URL, in lower case and without the scheme's own port; the caller frees; NULL: no URL. */
char *oauth_origin(const char *url);

/* The name of a server as a resource (RFC 8707): as oauth_origin, with path and query, no fragment, no lone slash. The caller
 * frees. */
char *oauth_canonical(const char *url);

/* Where metadata may lie, in the order of asking; unused places are NULL. Each is the caller's. */
void oauth_resource_places(const char *url, char *places_out[OAUTH_PLACES]); /* RFC 9728 3.1 */
void oauth_server_places(const char *issuer,
			 char *places_out[OAUTH_PLACES]); /* RFC 8414 3.1, OpenID discovery */
void oauth_places_free(char *places[OAUTH_PLACES]);

/* Of the metadata of a protected resource (RFC 9728). */
struct oauth_resource {
	char *resource; /* as it names itself */
	char *issuer;	/* of the authorization server; NULL: it names none */
	char *scopes;	/* all that it supports, or NULL */
};

/* wanted: the issuer that must be among its servers, or NULL: the first. False and err: not about this server, or odd. */
bool oauth_resource_read(const json_t *metadata, const char *url, const char *wanted,
			 struct oauth_resource *resource_out, struct err *err);
void oauth_resource_free(struct oauth_resource *resource);

/* How a client proves itself to the token endpoint. */
enum oauth_method { OAUTH_NONE, OAUTH_BASIC, OAUTH_POST, OAUTH_JWT };

/* Of the metadata of an authorization server (RFC 8414). */
struct oauth_server {
	char *issuer, *authorize, *token, *registration; /* all but issuer and token may be NULL */
	bool s256, documents, promises_iss, offline;
	bool basic, post, none; /* methods that it takes; basic alone when it says nothing */
};

/* guessed: the issuer was made of the server's address (2025-03-26): it may have a path. */
bool oauth_server_read(const json_t *metadata, const char *issuer, bool guessed,
		       struct oauth_server *server_out, struct err *err);

/* The endpoints of 2025-03-26 at the root of an origin, for servers without any metadata. */
void oauth_server_guess(const char *origin, struct oauth_server *server_out);
void oauth_server_free(struct oauth_server *server);

/* Names of methods as metadata write them; false: another one. */
bool oauth_method_read(const char *name, enum oauth_method *method_out);
const char *oauth_method_name(enum oauth_method method);

/* How to prove itself with a secret, or to ask a registration for. */
enum oauth_method oauth_method_choose(const struct oauth_server *server);

/* Lists of scopes are words with a space between. Union: those of a, then what b adds; NULL counts as none, and no scope at
 * all gives NULL. The caller frees. */
char *oauth_scope_union(const char *a, const char *b);
bool oauth_scope_has(const char *list, const char *scope);

/* Whether a redirect that carries this iss (or none: NULL) is of this server: exact, no slash more or less. */
bool oauth_iss_fits(const struct oauth_server *server, const char *iss, struct err *err);

#endif
