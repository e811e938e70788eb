/* rooms: base io mcp */
#include "mem.h"
#include "oauth_form.h"
#include "oauth_read.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_challenge(const char *text)
{
	struct oauth_challenge challenge;
	char *scope;

	oauth_challenge_read(text, &challenge);
	if (!challenge.bearer && (challenge.metadata || challenge.scope || challenge.error))
		abort();
	scope = oauth_scope_union(challenge.scope, text);
	if (scope && (*scope == '\0' || strstr(scope, "  ")))
		abort();
	free(scope);
	oauth_challenge_free(&challenge);
}

/* Wherever metadata are looked for, it is at the place that was named. */
static void try_places(const char *text)
{
	char *origin = oauth_origin(text), *places[2][OAUTH_PLACES];

	oauth_resource_places(text, places[0]);
	oauth_server_places(text, places[1]);
	for (size_t i = 0; i < 2 * OAUTH_PLACES; i++) {
		const char *place = places[i / OAUTH_PLACES][i % OAUTH_PLACES];
		char *its = place ? oauth_origin(place) : NULL;

		if (place && (origin == NULL || its == NULL || strcmp(origin, its) != 0))
			abort();
		free(its);
	}
	oauth_places_free(places[0]);
	oauth_places_free(places[1]);
	free(oauth_canonical(text));
	free(origin);
}

static void try_metadata(const char *text, size_t len)
{
	json_t *json = json_read(text, len, NULL);
	struct oauth_resource resource;
	struct oauth_server server;
	struct err err = { 0 };

	if (oauth_resource_read(json, "https://a.example/mcp", NULL, &resource, &err) && resource.issuer &&
	    !oauth_url_fits(resource.issuer))
		abort();
	oauth_resource_free(&resource);
	if (oauth_server_read(json, "https://as.example", true, &server, &err) &&
	    !oauth_url_fits(server.token))
		abort();
	oauth_server_free(&server);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_text_n((const char *)data, size), *room = NULL;
	struct mcp_redirect redirect;

	try_challenge(text);
	try_places(text);
	try_metadata((const char *)data, size);
	if (oauth_redirect_read(text, &redirect, &room) != (redirect.state != NULL))
		abort();
	free(room);
	free(text);
	return 0;
}
