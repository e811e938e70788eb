/* Who asks: a bearer key on the public server, the peer's credentials on the control socket. */
#include "api_room.h"
#include "metrics.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static struct metric failures = {
	.name = "usher_api_auth_failures_total",
	.help = "Requests to the chat endpoint whose key was missing, malformed or not valid",
	.type = METRIC_COUNTER,
};

/* Missing, malformed, unknown and revoked keys look the same. A peer with many failures is told to wait
 * instead: its wrong keys only, so that a right key behind the same proxy keeps working. */
static void refuse(struct call *call, struct web_request *request)
{
	struct platform *api = call->door->api;
	unsigned wait_s = throttle_fail(&api->throttle, web_peer(request), loop_now_ms(api->host->loop));

	metric_add(&failures, NULL, 1);
	if (wait_s) {
		call_fail_retry(call, API_AUTH_THROTTLED, wait_s);
		return;
	}
	web_add_header(request, "WWW-Authenticate", "Bearer");
	call_fail(call, API_AUTH_FAILED);
}

/* Does {user} of the path name the caller? As "me", account number or profile; a path without is for all. */
static bool names_caller(const char *user, const struct caller *caller)
{
	char number[24];

	if (user == NULL)
		return true;
	snprintf(number, sizeof(number), "%lld", (long long)caller->user_id);
	return strcmp(user, "me") == 0 || strcmp(user, number) == 0 || strcasecmp(user, caller->profile) == 0;
}

static void on_key(void *owner, uint64_t ticket, const struct err *err, const struct store_key *key)
{
	struct platform *api = owner;
	struct call *call = call_claim(api, ticket, CALL_AUTH);
	struct web_request *request = call ? call_request(call) : NULL;
	struct caller *caller;

	if (request == NULL)
		return; /* the client went away */
	if (err->kind == ERR_GONE && call->door->control) {
		call_fail_why(call, API_NOT_FOUND, "there is no user of that name");
		return;
	}
	if (err->kind == ERR_GONE) {
		refuse(call, request);
		return;
	}
	if (err->kind != ERR_NONE) {
		call_fail_store(call, err);
		return;
	}
	caller = &call->caller;
	caller->user_id = key->user_id;
	snprintf(caller->profile, sizeof(caller->profile), "%s", key->speaker.profile_id);
	snprintf(caller->key_id, sizeof(caller->key_id), "%s", key->key_id ? key->key_id : "local");
	snprintf(caller->org, sizeof(caller->org), "%s", key->speaker.org_id ? key->speaker.org_id : "");
	caller->role = key->speaker.role;
	snprintf(caller->name, sizeof(caller->name), "%s",
		 key->speaker.display_name ? key->speaker.display_name : "");
	caller->name[event_id_whole(caller->name, strlen(caller->name))] = '\0';
	if (!key->speaker.active)
		call_fail(call, API_PROFILE_DISABLED);
	else if (!names_caller(web_param(request, "user"), caller))
		call_fail(call, API_NOT_FOUND);
	else
		call->door->route->run(call, request);
}

/* The key of "Authorization: Bearer KEY", borrowed; NULL when there is none in its right form. */
static const char *bearer(const struct web_request *request)
{
	const char *value = web_header(request, "authorization");

	if (value == NULL || web_header_repeated(request, "authorization") ||
	    strncasecmp(value, "bearer ", 7) != 0)
		return NULL;
	value += 7;
	while (*value == ' ')
		value++;
	return apikey_valid(value) ? value : NULL;
}

static bool local_operator(const struct web_request *request)
{
	uid_t uid;
	gid_t gid;

	return web_peer_unix(request, &uid, &gid) && (uid == 0 || uid == geteuid());
}

void auth_begin(struct call *call, struct web_request *request)
{
	struct platform *api = call->door->api;
	char hash[CRYPTO_SHA256_HEX];
	const char *key;

	if (api->stopping) {
		call_fail_retry(call, API_SHUTTING_DOWN, API_RETRY_S);
		return;
	}
	if (call->door->control) {
		const char *user = call->door->route->as_user ? web_query(request, "user") : NULL;

		if (local_operator(request)) /* who may see everything may also ask as somebody */
			store_user(api->store, user ? user : api->operator_name, on_key, api, call->ticket);
		else
			refuse(call, request);
		return;
	}
	key = bearer(request);
	if (key)
		store_key(api->store, apikey_hash(key, hash), on_key, api, call->ticket);
	else
		refuse(call, request);
}
