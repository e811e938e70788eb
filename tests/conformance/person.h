/* The person at a browser whom scenarios about authorization need: goes where the login leads and brings back the answer. */
#ifndef USHER_CONFORMANCE_PERSON_H
#define USHER_CONFORMANCE_PERSON_H

#include "http.h"
#include "mcp.h"

struct settings;

#define PERSON_CALLBACK "http://localhost:3000/callback"
#define PERSON_DOCUMENT "https://conformance-test.local/client-metadata.json"

struct person {
	struct mcp *mcp;
	struct http *http;
	const char *server;
	unsigned logins;
	bool busy;
};

/* Begins a login if none is under way. */
void person_log_in(struct person *person);

/* Puts what MCP_CONFORMANCE_CONTEXT says of a client into the settings of a server. */
bool person_settings(struct settings *server, const char *scenario, struct err *err);

#endif
