/* The way to a token, step by step: metadata of the server, of its authorization server, a registration, a login. */
#include "clock.h"
#include "mem.h"
#include "oauth_inside.h"
#include "text.h"
#include "url.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void flow_clear(struct oauth *oauth)
{
	if (oauth->call)
		http_cancel(oauth->options.http, oauth->call);
	oauth->call = 0;
	oauth_places_free(oauth->places);
	oauth_resource_free(&oauth->resource);
	oauth_server_free(&oauth->server);
	oauth_client_free(&oauth->client);
	free(oauth->scope);
	free(oauth->state);
	log_unhide(oauth->verifier);
	free(oauth->verifier);
	free(oauth->login_url);
	oauth->scope = oauth->state = oauth->verifier = oauth->login_url = NULL;
	loop_timer_stop(oauth->limit);
}

/* ---- metadata --------------------------------------------------------------------------------------------------------- */

static void choose_client(struct oauth *oauth);
static void on_place(void *owner, uint64_t ticket, const struct http_answer *answer);

static void ask_place(struct oauth *oauth)
{
	static const char *const headers[] = { "Accept: application/json",
					       "MCP-Protocol-Version: " MCP_VERSION, NULL };

	flow_send(oauth, oauth->places[oauth->place], headers, NULL, on_place);
}

static void ask_server(struct oauth *oauth, const char *issuer)
{
	oauth_places_free(oauth->places);
	oauth_server_places(issuer, oauth->places);
	oauth->place = 0;
	oauth->server.issuer = mem_text(issuer); /* until its metadata are there */
	if (oauth->places[0])
		ask_place(oauth);
	else
		flow_fail(oauth, ERR_REFUSED, "its authorization server has no address that could be asked");
}

/* A server of 2025-03-26 says nothing of itself: it is its own authorization server. */
static void guess(struct oauth *oauth)
{
	const char *wanted = oauth->options.config->oauth_issuer;
	char *origin = oauth_origin(oauth->options.config->url);

	oauth->guessed = wanted == NULL;
	if (oauth->resource.resource == NULL)
		oauth->resource.resource = oauth_canonical(oauth->options.config->url);
	ask_server(oauth, wanted ? wanted : origin);
	free(origin);
}

/* Credentials that were set are for the authorization server that they were first used with. */
static bool moved(const struct oauth *oauth, const char *issuer)
{
	const struct mcp_config *config = oauth->options.config;

	return config->oauth_id && config->oauth_issuer == NULL && json_object_size(oauth->grants) > 0 &&
	       oauth_grant(oauth, issuer) == NULL;
}

static void take_resource(struct oauth *oauth, const json_t *metadata)
{
	const struct mcp_config *config = oauth->options.config;
	struct err err = { 0 };

	if (!oauth_resource_read(metadata, config->url, config->oauth_issuer, &oauth->resource, &err))
		oauth_end(oauth, &err);
	else if (oauth->resource.issuer == NULL)
		guess(oauth);
	else
		ask_server(oauth, oauth->resource.issuer);
}

static void take_server(struct oauth *oauth, const json_t *metadata)
{
	char *issuer = oauth->server.issuer;
	struct err err = { 0 };

	oauth->server = (struct oauth_server){ 0 };
	if (oauth_server_read(metadata, issuer, oauth->guessed, &oauth->server, &err))
		choose_client(oauth);
	else
		oauth_end(oauth, &err);
	free(issuer);
}

static void nowhere(struct oauth *oauth)
{
	char *origin;

	if (oauth->faulty) {
		flow_fail(oauth, ERR_AGAIN, "what it says of its authorization could not be fetched");
	} else if (oauth->server.issuer == NULL) {
		guess(oauth);
	} else if (oauth->guessed) {
		origin = mem_text(oauth->server.issuer);
		oauth_server_free(&oauth->server);
		oauth_server_guess(origin, &oauth->server);
		free(origin);
		choose_client(oauth);
	} else {
		flow_fail(oauth, ERR_REFUSED,
			  "its authorization server publishes no metadata: set token, or ask its operator");
	}
}

static void on_place(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct oauth *oauth = owner;
	json_t *json = flow_success(answer) ? flow_object(answer) : NULL;

	(void)ticket;
	oauth->call = 0;
	oauth->faulty |= answer->how != HTTP_ANSWERED || answer->status >= 500;
	if (json && oauth->server.issuer == NULL)
		take_resource(oauth, json);
	else if (json)
		take_server(oauth, json);
	else if (answer->how != HTTP_ANSWERED && answer->err.kind == ERR_REFUSED)
		flow_refused(oauth, "what it says of its authorization can't be fetched", answer);
	else if (++oauth->place < OAUTH_PLACES && oauth->places[oauth->place])
		ask_place(oauth);
	else
		nowhere(oauth);
	json_decref(json);
}

void flow_overtake(struct oauth *oauth)
{
	if (oauth->login != LOGIN_WAITING)
		return;
	oauth->login = LOGIN_FAILED;
	err_set(&oauth->login_err, ERR_AGAIN, "a token was asked for meanwhile: look at usher status first");
}

void flow_begin(struct oauth *oauth, enum oauth_what what)
{
	const char *named = oauth->challenge.metadata;

	flow_overtake(oauth);
	flow_clear(oauth);
	oauth->what = what;
	oauth->guessed = oauth->faulty = false;
	oauth->place = 0;
	if (named && !oauth_url_fits(named)) {
		flow_fail(oauth, ERR_REFUSED, "it describes its authorization at an address without https");
		return;
	}
	if (named)
		oauth->places[0] = mem_text(named);
	else
		oauth_resource_places(oauth->options.config->url, oauth->places);
	ask_place(oauth);
}

/* ---- scopes -------------------------------------------------------------------------------------------------------------- */

static void choose_scope(struct oauth *oauth)
{
	const char *set = oauth->options.config->oauth_scope;
	const char *first = set			     ? set
			    : oauth->challenge.scope ? oauth->challenge.scope
						     : oauth->resource.scopes;
	bool more = oauth->challenge.error && strcmp(oauth->challenge.error, "insufficient_scope") == 0;

	free(oauth->scope);
	oauth->scope = oauth_scope_union(more ? oauth->asked : NULL, first);
	if (oauth->scope && oauth->server.offline && !oauth_by_machine(oauth)) {
		char *with = oauth_scope_union(oauth->scope, "offline_access");

		free(oauth->scope);
		oauth->scope = with;
	}
}

/* ---- who we are ------------------------------------------------------------------------------------------------------------ */

static void show_login(struct oauth *oauth)
{
	char *redirect = oauth_redirect_uri(oauth), *challenge;

	oauth->state = oauth_random();
	oauth->verifier = oauth_random();
	log_hide(oauth->verifier);
	challenge = oauth_pkce(oauth->verifier);
	oauth->login_url = oauth_authorize_url(&oauth->server, &oauth->client,
					       &(struct oauth_ask){ .redirect = redirect,
								    .state = oauth->state,
								    .challenge = challenge,
								    .scope = oauth->scope,
								    .resource = oauth->resource.resource });
	free(challenge);
	free(redirect);
	oauth->login = LOGIN_WAITING;
	loop_timer_start(oauth->limit, OAUTH_LOGIN_MS, 0);
	loop_timer_start(oauth->later, 0, 0);
}

static void go_on(struct oauth *oauth)
{
	choose_scope(oauth);
	if (oauth->what == OAUTH_MACHINE)
		flow_machine(oauth);
	else
		show_login(oauth);
}

static bool set_client(struct oauth *oauth)
{
	const struct mcp_config *config = oauth->options.config;

	if (config->oauth_id == NULL)
		return false;
	oauth->client.id = mem_text(config->oauth_id);
	oauth->client.secret = mem_text(config->oauth_secret);
	oauth->client.method = config->oauth_key      ? OAUTH_JWT
			       : config->oauth_secret ? oauth_method_choose(&oauth->server)
						      : OAUTH_NONE;
	return true;
}

/* One that was made for another redirect, or that has ended, is made anew. */
static bool kept_client(struct oauth *oauth)
{
	const json_t *client = json_object_get(oauth_grant(oauth, oauth->server.issuer), "client");
	const char *id = json_text(client, "id"), *redirect = json_text(client, "redirect");
	char *wanted = oauth_redirect_uri(oauth);
	int64_t until = json_int(client, "until", 0);
	bool good =
		id && redirect && strcmp(redirect, wanted) == 0 && (until == 0 || until > clock_wall_ms());

	free(wanted);
	if (!good || !oauth_method_read(json_text(client, "method"), &oauth->client.method))
		return false;
	oauth->client.id = mem_text(id);
	oauth->client.secret = mem_text(json_text(client, "secret"));
	oauth->client.until_ms = until;
	return true;
}

json_t *flow_grant(struct oauth *oauth)
{
	json_t *grant = json_object(), *client;
	char *redirect = oauth->options.callback ? oauth_redirect_uri(oauth) : mem_text("");

	client = json_pack("{s:s, s:s*, s:s, s:s, s:I}", "id", oauth->client.id, "secret",
			   oauth->client.secret, "method", oauth_method_name(oauth->client.method),
			   "redirect", redirect, "until", (json_int_t)oauth->client.until_ms);
	free(redirect);
	json_object_set_new(grant, "issuer", json_string(oauth->server.issuer));
	json_object_set_new(grant, "token_endpoint", json_string(oauth->server.token));
	json_object_set_new(grant, "client", client);
	return grant;
}

static void on_registered(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct oauth *oauth = owner;
	json_t *json = flow_success(answer) ? flow_object(answer) : NULL, *grant;
	const char *id = json_text(json, "client_id"), *secret = json_text(json, "client_secret");
	int64_t until = json_int(json, "client_secret_expires_at", 0);

	(void)ticket;
	oauth->call = 0;
	if (id == NULL || !*id || strlen(id) > OAUTH_TOKEN_MAX) {
		json_decref(json);
		flow_refused(oauth,
			     "it did not register usher (set oauth.client_id of a registration by hand)",
			     answer);
		return;
	}
	oauth->client.id = mem_text(id);
	oauth->client.secret = mem_text(secret);
	oauth->client.until_ms = secret && until > 0 && until < INT64_MAX / 1000 ? until * 1000 : 0;
	if (!oauth_method_read(json_text(json, "token_endpoint_auth_method"), &oauth->client.method) ||
	    oauth->client.method == OAUTH_JWT)
		oauth->client.method = secret ? oauth_method_choose(&oauth->server) : OAUTH_NONE;
	if (secret == NULL)
		oauth->client.method = OAUTH_NONE;
	json_decref(json);
	grant = flow_grant(oauth);
	oauth_keep(oauth, grant);
}

void flow_registered(struct oauth *oauth)
{
	go_on(oauth);
}

static void ask_registration(struct oauth *oauth)
{
	static const char *const headers[] = { "Accept: application/json", "Content-Type: application/json",
					       NULL };
	char *redirect = oauth_redirect_uri(oauth), *body;
	struct url parts;
	bool native = url_read(redirect, &parts) && url_loopback(&parts);
	json_t *json = json_pack("{s:s, s:[s], s:[s, s], s:[s], s:s, s:s}", "client_name", "usher",
				 "redirect_uris", redirect, "grant_types", "authorization_code",
				 "refresh_token", "response_types", "code", "token_endpoint_auth_method",
				 oauth_method_name(oauth_method_choose(&oauth->server)), "application_type",
				 native ? "native" : "web");

	body = json_write(json);
	json_decref(json);
	free(redirect);
	flow_send(oauth, oauth->server.registration, headers, body, on_registered);
	free(body);
}

static void choose_client(struct oauth *oauth)
{
	if (moved(oauth, oauth->server.issuer)) {
		flow_fail(oauth, ERR_REFUSED,
			  "it names another authorization server than before: if that is right, set "
			  "oauth.issuer, "
			  "or "
			  "forget the old one with: usher tool logout");
		return;
	}
	if (oauth->what == OAUTH_LOGIN && (oauth->server.authorize == NULL || !oauth->server.s256)) {
		flow_fail(oauth, ERR_REFUSED,
			  "its authorization server does not offer logins with PKCE (S256), which are "
			  "required");
		return;
	}
	if (set_client(oauth) || kept_client(oauth)) {
		go_on(oauth);
	} else if (oauth->options.document && oauth->server.documents) {
		oauth->client.id = mem_text(oauth->options.document);
		oauth->client.method = OAUTH_NONE;
		go_on(oauth);
	} else if (oauth->server.registration) {
		ask_registration(oauth);
	} else {
		flow_fail(oauth, ERR_REFUSED,
			  "its authorization server registers nobody by itself: register usher there by hand "
			  "and "
			  "set oauth.client_id (and client_secret)");
	}
}
