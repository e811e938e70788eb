/* A person at a browser, without either. */
#include "person.h"
#include "json.h"
#include "mem.h"
#include "settings_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The authorization server sends the browser on to the callback, where nobody listens: the address is enough. */
static void on_page(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct person *person = owner;
	const char *location = http_header(answer, "Location");
	struct err err = { 0 };

	(void)ticket;
	person->busy = false;
	if (location == NULL || strncmp(location, PERSON_CALLBACK "/", strlen(PERSON_CALLBACK) + 1) != 0)
		fprintf(stderr, "the authorization page answered %d without a way back\n", answer->status);
	else if (!mcp_pasted(person->mcp, person->server, location, &err))
		fprintf(stderr, "%s\n", err.text);
}

static void on_url(void *owner, uint64_t ticket, const struct err *err, const char *url)
{
	struct person *person = owner;

	(void)ticket;
	if (err->kind != ERR_NONE) {
		person->busy = false;
		fprintf(stderr, "no login: %s\n", err->text);
		return;
	}
	http_start(person->http, &(struct http_call){ .method = "GET", .url = url }, NULL, on_page, person,
		   0);
}

void person_log_in(struct person *person)
{
	if (person->busy)
		return;
	person->busy = true;
	person->logins++;
	mcp_login(person->mcp, person->server, on_url, person, 0);
}

static bool put(struct settings *oauth, const char *name, const char *value, struct err *err)
{
	return value == NULL || settings_put(oauth, name, value, "", err);
}

bool person_settings(struct settings *server, const char *scenario, struct err *err)
{
	const char *text = getenv("MCP_CONFORMANCE_CONTEXT");
	json_t *context = text ? json_read(text, strlen(text), NULL) : NULL;
	const struct setting *row = settings_row(server, "oauth", "", err);
	struct settings *oauth = settings_create(row->inside, "tools.mcp[0].oauth", "the context");
	bool machine = strncmp(scenario, "auth/client-credentials", 23) == 0;
	bool fine = put(oauth, "client_id", json_text(context, "client_id"), err) &&
		    put(oauth, "client_secret", json_text(context, "client_secret"), err) &&
		    put(oauth, "private_key", json_text(context, "private_key_pem"), err) &&
		    put(oauth, "grant", machine ? "client_credentials" : NULL, err);

	settings_put_group_take(server, "oauth", oauth);
	json_decref(context);
	return fine;
}
