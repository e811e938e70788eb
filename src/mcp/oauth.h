/* The authorization of one server (sheet 7): from a challenge to a token, and what is kept for the next start.
 *
 *   oauth.c         what is known: grants by issuer, the token in force, refreshing it in time
 *   oauth_flow.c    the way to a token: metadata, registration, login
 *   oauth_token.c   a token: for a code, for ourselves, for a refresh token
 *   oauth_request.c one request, guarded and bounded
 *   oauth_read.c    what strangers write; oauth_form.c: what we send
 *
 * A token is used only after what came with it was kept: a refresh token that was rotated is good once. Loop thread only. */
#ifndef USHER_MCP_OAUTH_H
#define USHER_MCP_OAUTH_H

#include "mcp_room.h"

struct oauth;

struct oauth_options {
	struct loop *loop;
	struct http *http;
	const struct log *log;
	struct mcp_config *config; /* its bearer follows the token in force */
	const char
		*callback; /* where the browser comes back to, without the server's name; NULL: no logins */
	const char *document; /* URL of our client id metadata document, or NULL */
	/* Keep this for the next start, instead of what was kept for the same issuer; answer with oauth_kept, once. */
	void (*keep)(void *owner, const char *issuer, const char *text);
	/* A token is in force (err has kind ERR_NONE), or what was begun has come to nothing. Never from inside a call. */
	void (*done)(void *owner, const struct err *err);
	void *owner;
};

struct oauth *oauth_create(const struct oauth_options *options);
void oauth_destroy(struct oauth *oauth); /* takes NULL */

/* What was kept, at the start. */
void oauth_recall(struct oauth *oauth, const char *text);
void oauth_kept(struct oauth *oauth, const struct err *err);

/* The server answered 401 or 403 with this WWW-Authenticate (or NULL). True: more scopes are asked for right now, the request
 * may be put again after done. */
bool oauth_challenged(struct oauth *oauth, int status, const char *header);

/* The server has answered a request: the token in force was good. */
void oauth_worked(struct oauth *oauth);

/* A challenge waits for oauth_recover. */
bool oauth_asked(const struct oauth *oauth);

enum oauth_recovery {
	OAUTH_NO,     /* this is not OAuth: as without us */
	OAUTH_BUSY,   /* a token is asked for: done follows */
	OAUTH_PERSON, /* somebody has to log in; err says how */
};
enum oauth_recovery oauth_recover(struct oauth *oauth, struct err *err_out);

/* Is a token with more scopes asked for? Calls wait for it. */
bool oauth_stepping(const struct oauth *oauth);

/* Whether only a person can help, and how; from done. */
bool oauth_needs_person(const struct oauth *oauth, struct err *err_out);

/* Whether the token in force is the last one: what renewed it was refused. err: how a person helps. */
bool oauth_runs_out(const struct oauth *oauth, struct err *err_out);

/* Begins a login. fn once, in a later round: err, or url is where the person's browser has to go. */
typedef void oauth_login_fn(void *owner, uint64_t ticket, const struct err *err, const char *url);
void oauth_login(struct oauth *oauth, oauth_login_fn *fn, void *owner, uint64_t ticket);

/* "waiting", "working", "done", "failed" or "none", of the last login; err_out says why it failed. */
const char *oauth_login_state(const struct oauth *oauth, struct err *err_out);

/* The browser came back. False and err: nothing begins. Else done follows. */
struct mcp_redirect;
bool oauth_redirected(struct oauth *oauth, const struct mcp_redirect *redirect, struct err *err);

/* Forgets all, here; what is kept the caller forgets. */
void oauth_forget(struct oauth *oauth);

#endif
