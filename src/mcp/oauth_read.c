/* Challenges, metadata and scopes of OAuth, as strangers write them. */
#include "oauth_read.h"
#include "buf.h"
#include "mem.h"
#include "url.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SCOPES_MAX = 4096, LIST_MAX = 64 };

/* ---- challenges ------------------------------------------------------------------------------------------------ */

static bool is_token(char c)
{
	return c > ' ' && c < 127 && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

static const char *skip(const char *at, const char *what)
{
	return at + strspn(at, what);
}

/* A value, quoted or not; NULL when it is no parameter but the end of a token68 ("abc=="). The caller frees. */
static char *read_value(const char **at)
{
	struct buf out = { 0 };
	const char *from = *at;

	if (*from == '"') {
		for (from++; *from && *from != '"'; from++) {
			if (*from == '\\' && from[1])
				from++;
			buf_add(&out, from, 1);
		}
		*at = *from ? from + 1 : from;
		return buf_take(&out);
	}
	/* Some write URLs without quotes. */
	while (*from && *from != ',' && *from != ' ' && *from != '\t')
		from++;
	if (from == *at || **at == '=') {
		*at = from;
		return NULL;
	}
	buf_add(&out, *at, (size_t)(from - *at));
	*at = from;
	return buf_take(&out);
}

static void take_param(struct oauth_challenge *out, const char *name, size_t len, char *value)
{
	static const char *const names[] = { "resource_metadata", "scope", "error" };
	char **fields[] = { &out->metadata, &out->scope, &out->error };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0 && *fields[i] == NULL) {
			*fields[i] = value;
			return;
		}
	}
	free(value);
}

/* Of several Bearer challenges the first, but rather one that says where to begin. */
static void take_challenge(struct oauth_challenge *out, struct oauth_challenge *one)
{
	struct oauth_challenge other = *one;

	if (one->bearer && (!out->bearer || (one->metadata && !out->metadata))) {
		other = *out;
		*out = *one;
	}
	oauth_challenge_free(&other);
	*one = (struct oauth_challenge){ 0 };
}

void oauth_challenge_read(const char *header, struct oauth_challenge *out)
{
	const char *at = header ? skip(header, " \t,") : "";
	struct oauth_challenge one = { 0 };

	*out = (struct oauth_challenge){ 0 };
	while (*at) {
		const char *name = at, *after;
		size_t len;

		while (is_token(*at))
			at++;
		len = (size_t)(at - name);
		after = skip(at, " \t");
		if (len == 0) {
			at++; /* what belongs to no challenge */
		} else if (*after == '=') {
			char *value;

			at = skip(after + 1, " \t");
			value = read_value(&at);
			if (one.bearer && value)
				take_param(&one, name, len, value);
			else
				free(value);
		} else { /* the next challenge begins */
			take_challenge(out, &one);
			one.bearer = len == 6 && strncasecmp(name, "Bearer", len) == 0;
		}
		at = skip(at, " \t,");
	}
	take_challenge(out, &one);
}

void oauth_challenge_free(struct oauth_challenge *challenge)
{
	free(challenge->metadata);
	free(challenge->scope);
	free(challenge->error);
	*challenge = (struct oauth_challenge){ 0 };
}

/* ---- addresses ------------------------------------------------------------------------------------------------- */

bool oauth_url_fits(const char *url)
{
	struct url parts;

	if (url == NULL || strlen(url) > OAUTH_URL_MAX || strchr(url, '#') || !url_read(url, &parts))
		return false;
	return strcmp(parts.scheme, "https") == 0 ||
	       (strcmp(parts.scheme, "http") == 0 && url_loopback(&parts));
}

char *oauth_origin(const char *url)
{
	struct url parts;
	bool six;

	if (!url_read(url, &parts))
		return NULL;
	six = strchr(parts.host, ':') != NULL;
	if (parts.port == (strcmp(parts.scheme, "https") == 0 ? 443U : 80U))
		return mem_format("%s://%s%s%s", parts.scheme, six ? "[" : "", parts.host, six ? "]" : "");
	return mem_format("%s://%s%s%s:%u", parts.scheme, six ? "[" : "", parts.host, six ? "]" : "",
			  parts.port);
}

/* From the first slash behind the host on; "" when there is none. */
static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return host + strcspn(host, "/?#");
}

char *oauth_canonical(const char *url)
{
	char *origin = oauth_origin(url), *whole;
	const char *path = path_of(url);
	size_t len = strcspn(path, "#");

	if (origin == NULL)
		return NULL;
	if (len == 1 && *path == '/')
		len = 0;
	whole = mem_format("%s%.*s", origin, (int)len, path);
	free(origin);
	return whole;
}

/* The path without query and without a last slash. */
static size_t bare(const char *path)
{
	size_t len = strcspn(path, "?#");

	while (len > 0 && path[len - 1] == '/')
		len--;
	return len;
}

void oauth_resource_places(const char *url, char *places[OAUTH_PLACES])
{
	char *origin = oauth_origin(url);
	const char *path = path_of(url);
	size_t len = bare(path), count = 0;

	memset(places, 0, OAUTH_PLACES * sizeof(char *));
	if (origin == NULL)
		return;
	if (len > 0)
		places[count++] =
			mem_format("%s/.well-known/oauth-protected-resource%.*s", origin, (int)len, path);
	places[count] = mem_format("%s/.well-known/oauth-protected-resource", origin);
	free(origin);
}

void oauth_server_places(const char *issuer, char *places[OAUTH_PLACES])
{
	char *origin = oauth_origin(issuer);
	const char *path = path_of(issuer);
	int len = (int)bare(path);

	memset(places, 0, OAUTH_PLACES * sizeof(char *));
	if (origin == NULL)
		return;
	places[0] = mem_format("%s/.well-known/oauth-authorization-server%.*s", origin, len, path);
	places[1] = mem_format("%s/.well-known/openid-configuration%.*s", origin, len, path);
	if (len > 0)
		places[2] = mem_format("%s%.*s/.well-known/openid-configuration", origin, len, path);
	free(origin);
}

void oauth_places_free(char *places[OAUTH_PLACES])
{
	for (size_t i = 0; i < OAUTH_PLACES; i++) {
		free(places[i]);
		places[i] = NULL;
	}
}

/* ---- lists of words ---------------------------------------------------------------------------------------------- */

bool oauth_scope_has(const char *list, const char *scope)
{
	size_t len = strlen(scope);

	for (const char *at = list; at && *at; at += strcspn(at, " ")) {
		at += strspn(at, " ");
		if (strcspn(at, " ") == len && strncmp(at, scope, len) == 0)
			return len > 0;
	}
	return false;
}

static void add_words(struct buf *out, const char *list)
{
	for (const char *at = list; at && *at;) {
		size_t len;
		char *word;

		at += strspn(at, " ");
		len = strcspn(at, " ");
		word = mem_text_n(at, len);
		if (len > 0 && out->len + len < SCOPES_MAX && !oauth_scope_has(buf_str(out), word)) {
			if (out->len > 0)
				buf_text(out, " ");
			buf_text(out, word);
		}
		free(word);
		at += len;
	}
}

char *oauth_scope_union(const char *a, const char *b)
{
	struct buf out = { 0 };

	add_words(&out, a);
	add_words(&out, b);
	return out.len > 0 ? buf_take(&out) : NULL;
}

/* A list of texts as words with a space between, or NULL; the caller frees. */
static char *oauth_words(const json_t *list)
{
	struct buf out = { 0 };
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (json_is_string(one) && i < LIST_MAX)
			add_words(&out, json_string_value(one));
	}
	return out.len > 0 ? buf_take(&out) : NULL;
}

/* ---- metadata ------------------------------------------------------------------------------------------------------ */

/* The same origin, and the path of the one begins with that of the other, whole segments only. */
static bool is_about(const char *resource, const char *url)
{
	char *its = oauth_origin(resource), *ours = oauth_origin(url);
	const char *its_path = path_of(resource), *path = path_of(url);
	size_t len = bare(its_path);
	bool same = its && ours && strcmp(its, ours) == 0 && bare(path) >= len &&
		    strncmp(its_path, path, len) == 0 &&
		    (path[len] == '\0' || strchr("/?#", path[len]) != NULL);

	free(its);
	free(ours);
	return same;
}

static bool pick_issuer(const json_t *list, const char *wanted, struct oauth_resource *out, struct err *err)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *issuer = json_string_value(one);

		if (issuer == NULL || (wanted && strcmp(issuer, wanted) != 0))
			continue;
		if (!oauth_url_fits(issuer))
			return err_set(err, ERR_REFUSED,
				       "its authorization server is not behind https: %.100s", issuer);
		out->issuer = mem_text(issuer);
		return true;
	}
	if (wanted && json_array_size(list) > 0)
		return err_set(err, ERR_REFUSED,
			       "it no longer names %.100s as its authorization server: look at oauth.issuer",
			       wanted);
	return true;
}

bool oauth_resource_read(const json_t *metadata, const char *url, const char *wanted,
			 struct oauth_resource *out, struct err *err)
{
	const char *resource = json_text(metadata, "resource");

	*out = (struct oauth_resource){ 0 };
	if (resource == NULL || strlen(resource) > OAUTH_URL_MAX || !is_about(resource, url))
		return err_set(err, ERR_REFUSED,
			       "what it says of its authorization is about another server (%.100s): url is "
			       "wrong, or its operator has to correct \"resource\"",
			       resource ? resource : "no name");
	if (!pick_issuer(json_object_get(metadata, "authorization_servers"), wanted, out, err))
		return false;
	out->resource = mem_text(resource);
	out->scopes = oauth_words(json_object_get(metadata, "scopes_supported"));
	return true;
}

void oauth_resource_free(struct oauth_resource *resource)
{
	free(resource->resource);
	free(resource->issuer);
	free(resource->scopes);
	*resource = (struct oauth_resource){ 0 };
}

static const char *const method_names[] = { "none", "client_secret_basic", "client_secret_post",
					    "private_key_jwt" };

bool oauth_method_read(const char *name, enum oauth_method *method_out)
{
	for (size_t i = 0; name && i < sizeof(method_names) / sizeof(method_names[0]); i++) {
		if (strcmp(method_names[i], name) == 0) {
			*method_out = (enum oauth_method)i;
			return true;
		}
	}
	return false;
}

const char *oauth_method_name(enum oauth_method method)
{
	return method_names[method];
}

enum oauth_method oauth_method_choose(const struct oauth_server *server)
{
	if (server->basic)
		return OAUTH_BASIC;
	if (server->post)
		return OAUTH_POST;
	return server->none ? OAUTH_NONE : OAUTH_BASIC;
}

/* Who was only guessed may call itself by any path of its place. */
static bool same_issuer(const char *its, const char *issuer, bool guessed)
{
	char *origin = guessed ? oauth_origin(its) : NULL;
	bool same = strcmp(its, issuer) == 0 || (origin && strcmp(origin, issuer) == 0);

	free(origin);
	return same;
}

/* False: it is there and can't be used. */
static bool endpoint(const json_t *metadata, const char *key, char **out, struct err *err)
{
	const char *url = json_text(metadata, key);

	if (url && !oauth_url_fits(url))
		return err_set(err, ERR_REFUSED, "the %s of its authorization server is not behind https",
			       key);
	*out = mem_text(url);
	return true;
}

static void read_methods(const json_t *metadata, struct oauth_server *out)
{
	const json_t *list = json_object_get(metadata, "token_endpoint_auth_methods_supported");
	char *words = oauth_words(list);

	out->basic = !json_is_array(list) || oauth_scope_has(words, method_names[OAUTH_BASIC]);
	out->post = oauth_scope_has(words, method_names[OAUTH_POST]);
	out->none = oauth_scope_has(words, method_names[OAUTH_NONE]);
	free(words);
}

static bool lists(const json_t *metadata, const char *key, const char *word)
{
	char *words = oauth_words(json_object_get(metadata, key));
	bool found = oauth_scope_has(words, word);

	free(words);
	return found;
}

bool oauth_server_read(const json_t *metadata, const char *issuer, bool guessed, struct oauth_server *out,
		       struct err *err)
{
	const char *its = json_text(metadata, "issuer");

	*out = (struct oauth_server){ 0 };
	if (its == NULL || !same_issuer(its, issuer, guessed))
		return err_set(
			err, ERR_REFUSED,
			"its authorization server calls itself %.80s instead of %.80s: nothing is sent "
			"to it",
			its ? its : "nothing", issuer);
	if (!endpoint(metadata, "authorization_endpoint", &out->authorize, err) ||
	    !endpoint(metadata, "token_endpoint", &out->token, err) ||
	    !endpoint(metadata, "registration_endpoint", &out->registration, err))
		return false;
	if (out->token == NULL)
		return err_set(err, ERR_REFUSED, "its authorization server names no token_endpoint");
	out->issuer = mem_text(its);
	out->s256 = lists(metadata, "code_challenge_methods_supported", "S256");
	out->documents = json_is_true(json_object_get(metadata, "client_id_metadata_document_supported"));
	out->promises_iss =
		json_is_true(json_object_get(metadata, "authorization_response_iss_parameter_supported"));
	out->offline = lists(metadata, "scopes_supported", "offline_access");
	read_methods(metadata, out);
	return true;
}

void oauth_server_guess(const char *origin, struct oauth_server *out)
{
	*out = (struct oauth_server){ .issuer = mem_text(origin),
				      .authorize = mem_format("%s/authorize", origin),
				      .token = mem_format("%s/token", origin),
				      .registration = mem_format("%s/register", origin),
				      .s256 = true, /* required by 2025-03-26 */
				      .basic = true };
}

void oauth_server_free(struct oauth_server *server)
{
	free(server->issuer);
	free(server->authorize);
	free(server->token);
	free(server->registration);
	*server = (struct oauth_server){ 0 };
}

bool oauth_iss_fits(const struct oauth_server *server, const char *iss, struct err *err)
{
	if (iss == NULL && !server->promises_iss)
		return true;
	if (iss && strcmp(iss, server->issuer) == 0)
		return true;
	return err_set(
		err, ERR_REFUSED,
		"the answer of the browser is of %.80s, not of %.80s: it may have been sent by somebody "
		"else, nothing was done with it",
		iss ? iss : "an unknown server", server->issuer);
}
