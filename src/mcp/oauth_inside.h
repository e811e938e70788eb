/* Shared by oauth.c, oauth_flow.c, oauth_request.c and oauth_token.c. */
#ifndef USHER_MCP_OAUTH_INSIDE_H
#define USHER_MCP_OAUTH_INSIDE_H

#include "http.h"
#include "oauth.h"
#include "oauth_form.h"

enum {
	OAUTH_ANSWER_MAX = 256 << 10, /* bytes of metadata and tokens */
	OAUTH_ANSWER_MS = 10000,
	OAUTH_LOGIN_MS = 600000,  /* a person has so long */
	OAUTH_WINDOW_MS = 600000, /* in which OAUTH_TRIES_MAX authorizations are enough */
	OAUTH_TRIES_MAX = 3,
	OAUTH_EARLY_MS = 60000, /* before its end a token is refreshed */
	OAUTH_LEAST_MS = 10000, /* between two tokens, however short they live */
	OAUTH_RETRY_MS = 30000, /* after a refresh that could not be asked for */
	OAUTH_TOKEN_MAX = 8192, /* bytes of a token */
};

enum oauth_what { OAUTH_IDLE, OAUTH_LOGIN, OAUTH_CODE, OAUTH_MACHINE, OAUTH_REFRESH };

enum oauth_login_state { LOGIN_NONE, LOGIN_WORKING, LOGIN_WAITING, LOGIN_DONE, LOGIN_FAILED };

struct oauth {
	struct oauth_options options;
	/* what is known */
	/* issuer: {issuer, at, client, token_endpoint, resource, scope, access, refresh, until, refreshing} */
	json_t *grants;
	char *issuer;			    /* of the grant in force, or NULL */
	char *token;			    /* in force, which config->bearer is; or NULL */
	bool worked;			    /* the server took the token, or may have before we started */
	uint64_t tries[OAUTH_TRIES_MAX];    /* when the last authorizations were completed */
	uint64_t refusals[OAUTH_TRIES_MAX]; /* when it last refused a token that could be refreshed */
	/* what the server wants */
	struct oauth_challenge challenge;
	int challenged; /* 401, 403; 0: nothing new */
	bool unlearned; /* the refresh token was refused, and the token is still in force */
	bool was_fresh; /* it refused a token that had just been made */
	char *asked;	/* scopes that were asked for, for the union; or NULL */
	struct err person;
	/* what is under way */
	enum oauth_what what;
	bool stepping, guessed, keeps, ended; /* ended: done is told in the next round */
	uint64_t call;
	char *places[OAUTH_PLACES];
	size_t place;
	bool faulty; /* a place could not be asked */
	struct oauth_resource resource;
	struct oauth_server server;
	struct oauth_client client;
	char *scope;
	json_t *fresh;	/* the grant that is being kept */
	struct err err; /* for later */
	struct loop_timer *later, *timer, *limit;
	/* the login of a person */
	enum oauth_login_state login;
	struct err login_err;
	char *state, *verifier;
	oauth_login_fn *login_fn;
	void *login_owner;
	uint64_t login_ticket;
	char *login_url;
};

/* ---- oauth.c --------------------------------------------------------------------------------------------------- */

char *oauth_redirect_uri(const struct oauth *oauth);
const json_t *oauth_grant(const struct oauth *oauth, const char *issuer); /* or NULL */
void oauth_keep(struct oauth *oauth, json_t *grant);			  /* taken over; oauth_kept follows */
void oauth_end(struct oauth *oauth, const struct err *err); /* of what is under way; done follows */
bool oauth_by_machine(const struct oauth *oauth);

/* ---- oauth_flow.c ------------------------------------------------------------------------------------------------ */

void flow_begin(struct oauth *oauth, enum oauth_what what); /* discovery, and then a login or a token */
void flow_registered(struct oauth *oauth);		    /* the registration is kept */
void flow_clear(struct oauth *oauth);
void flow_overtake(
	struct oauth *oauth); /* a token is asked for without the person, whose login is over by that */
json_t *flow_grant(struct oauth *oauth); /* of this issuer, with the client as it is now; the caller's */

/* ---- oauth_token.c ----------------------------------------------------------------------------------------------- */

void flow_code(struct oauth *oauth, const char *code);
void flow_machine(struct oauth *oauth);
void flow_refresh(struct oauth *oauth);
void flow_refreshing(struct oauth *oauth); /* that it is being done is kept */

/* ---- oauth_request.c --------------------------------------------------------------------------------------------- */

void flow_fail(struct oauth *oauth, enum err_kind kind, const char *text); /* the end of what is under way */
/* body: NULL asks with GET. done is called unless flow_clear comes first. */
void flow_send(struct oauth *oauth, const char *url, const char *const *headers, const char *body,
	       http_done_fn *done);
/* The object that was answered, the caller's; NULL: none, or none that can be read. */
json_t *flow_object(const struct http_answer *answer);
bool flow_success(const struct http_answer *answer);
/* Ends what is under way with what the server says of a failure (RFC 6749 5.2). doing: how the error's text begins. */
void flow_refused(struct oauth *oauth, const char *doing, const struct http_answer *answer);

#endif
