/* A token from the token endpoint: for a code, for ourselves, for a refresh token. */
#include "clock.h"
#include "mem.h"
#include "oauth_inside.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void add_proof(struct oauth *oauth, struct buf *form, const char **row, char **own, struct err *err)
{
	const struct oauth_client *client = &oauth->client;

	if (client->method == OAUTH_BASIC) {
		char *basic = oauth_basic(client);

		*own = mem_format("Authorization: %s", basic);
		*row = *own;
		free(basic);
		return;
	}
	oauth_form_add(form, "client_id", client->id);
	if (client->method == OAUTH_POST)
		oauth_form_add(form, "client_secret", client->secret);
	if (client->method == OAUTH_JWT) {
		char *jwt = oauth_assertion(oauth->options.config->oauth_key, client->id,
					    oauth->server.issuer, clock_wall_ms() / 1000, err);

		oauth_form_add(form, "client_assertion_type",
			       "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
		oauth_form_add(form, "client_assertion", jwt);
		free(jwt);
	}
}

static bool read_token(struct oauth *oauth, const json_t *json, json_t *grant)
{
	const char *access = json_text(json, "access_token"), *type = json_text(json, "token_type");
	const char *refresh = json_text(json, "refresh_token"), *scope = json_text(json, "scope");
	const json_t *before = oauth_grant(oauth, oauth->server.issuer);
	int64_t seconds = json_int(json, "expires_in", 0);

	if (access == NULL || strlen(access) > OAUTH_TOKEN_MAX || strpbrk(access, "\r\n") || !*access ||
	    (type && strcasecmp(type, "Bearer") != 0) || (refresh && strlen(refresh) > OAUTH_TOKEN_MAX))
		return false;
	if (refresh == NULL && oauth->what == OAUTH_REFRESH) /* the old one stays good */
		refresh = json_text(before, "refresh");
	if (seconds <= 0 || seconds > 10LL * 365 * 86400)
		seconds = 0;
	json_object_set_new(grant, "access", json_string(access));
	json_object_set_new(grant, "at", json_integer(clock_wall_ms()));
	json_object_set_new(grant, "until", json_integer(seconds ? clock_wall_ms() + seconds * 1000 : 0));
	json_object_set_new(grant, "resource", json_string(oauth->resource.resource));
	if (refresh)
		json_object_set_new(grant, "refresh", json_string(refresh));
	if (oauth->scope || scope)
		json_object_set_new(grant, "scope", json_string(oauth->scope ? oauth->scope : scope));
	return true;
}

/* A registration or a refresh token that it does not know any more is not tried again. */
static void unlearn(struct oauth *oauth, const struct http_answer *answer)
{
	json_t *json = flow_object(answer);
	const char *word = json_text(json, "error");
	json_t *grant = json_object_get(oauth->grants, oauth->server.issuer);

	if (word && strcmp(word, "invalid_client") == 0)
		json_object_del(grant, "client");
	if (word && (strcmp(word, "invalid_grant") == 0 || strcmp(word, "invalid_client") == 0) &&
	    oauth->what == OAUTH_REFRESH) {
		json_object_del(grant, "refresh");
		oauth->unlearned = true;
	}
	json_decref(json);
}

static void on_token(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct oauth *oauth = owner;
	json_t *json = flow_success(answer) ? flow_object(answer) : NULL, *grant;

	(void)ticket;
	oauth->call = 0;
	if (!flow_success(answer)) {
		unlearn(oauth, answer);
		flow_refused(oauth,
			     oauth->what == OAUTH_REFRESH
				     ? "its authorization server does not renew our token"
				     : "its authorization server gave no token",
			     answer);
		return;
	}
	grant = flow_grant(oauth);
	if (read_token(oauth, json, grant)) {
		oauth_keep(oauth, grant);
	} else {
		json_decref(grant);
		flow_fail(oauth, ERR_REFUSED, "what its authorization server answered is no bearer token");
	}
	json_decref(json);
}

/* form is freed. */
static void ask_token(struct oauth *oauth, struct buf *form)
{
	const char *headers[] = { "Accept: application/json",
				  "Content-Type: application/x-www-form-urlencoded", NULL, NULL };
	char *own = NULL;
	struct err err = { 0 };

	oauth_form_add(form, "resource", oauth->resource.resource);
	add_proof(oauth, form, &headers[2], &own, &err);
	if (err.kind == ERR_NONE)
		flow_send(oauth, oauth->server.token, headers, buf_str(form), on_token);
	else
		oauth_end(oauth, &err);
	free(own);
	buf_free(form);
}

void flow_machine(struct oauth *oauth)
{
	struct buf form = { 0 };

	oauth_form_add(&form, "grant_type", "client_credentials");
	oauth_form_add(&form, "scope", oauth->scope);
	ask_token(oauth, &form);
}

void flow_code(struct oauth *oauth, const char *code)
{
	struct buf form = { 0 };
	char *redirect = oauth_redirect_uri(oauth);

	oauth->what = OAUTH_CODE;
	oauth_form_add(&form, "grant_type", "authorization_code");
	oauth_form_add(&form, "code", code);
	oauth_form_add(&form, "redirect_uri", redirect);
	oauth_form_add(&form, "code_verifier", oauth->verifier);
	free(redirect);
	ask_token(oauth, &form);
}

void flow_refreshing(struct oauth *oauth)
{
	const json_t *grant = oauth_grant(oauth, oauth->issuer), *client = json_object_get(grant, "client");
	struct buf form = { 0 };

	oauth->server.issuer = mem_text(oauth->issuer);
	oauth->server.token = mem_text(json_text(grant, "token_endpoint"));
	oauth->resource.resource = mem_text(json_text(grant, "resource"));
	oauth->scope = mem_text(json_text(grant, "scope"));
	oauth->client.id = mem_text(json_text(client, "id"));
	oauth->client.secret = mem_text(json_text(client, "secret"));
	oauth->client.until_ms = json_int(client, "until", 0);
	if (oauth->client.id == NULL || oauth->server.token == NULL ||
	    !oauth_method_read(json_text(client, "method"), &oauth->client.method)) {
		flow_fail(oauth, ERR_REFUSED, "what is kept of its authorization is not complete");
		return;
	}
	oauth_form_add(&form, "grant_type", "refresh_token");
	oauth_form_add(&form, "refresh_token", json_text(grant, "refresh"));
	ask_token(oauth, &form);
}

/* What is good once is marked before it is used: after a kill in between it is tried again at once, while servers that allow
 * for lost answers still take it. */
void flow_refresh(struct oauth *oauth)
{
	json_t *grant = json_deep_copy(oauth_grant(oauth, oauth->issuer));

	flow_overtake(oauth);
	flow_clear(oauth);
	oauth->what = OAUTH_REFRESH;
	json_object_set_new(grant, "refreshing", json_true());
	oauth_keep(oauth, grant);
}
