/* One server on a stage: the test reads what was sent to it, says what it answers, and moves the time. One at a time. */
#ifndef STAGE_WIRE_H
#define STAGE_WIRE_H

#include "buf.h"
#include "server.h"
#include "settings_build.h"
#include "stage_loop.h"

struct stage_wire {
	struct settings *settings;
	struct mcp *mcp;
	struct server *server;
	const struct wire_events *events;
	void *owner;
	json_t *sent;	    /* messages that the test has not looked at yet */
	struct buf headers; /* of the last one: "Name: value\n..." */
	unsigned opened, closed, destroyed, agreed, forgotten;
	bool deaf, cannot_open; /* sends fail; open fails */
	/* the judge */
	bool judges; /* answers at once, all good */
	unsigned judged;
	uint64_t judge;
	size_t pins;
	char pin[64], hash[CRYPTO_SHA256_HEX]; /* of the first */
	/* ends of calls */
	unsigned done;
	char *result;
	bool failed;
};

/* more: pairs of names and texts for the settings, ended by NULL. */
void stage_wire_open(struct stage_wire *w, const char *const *more);
void stage_wire_close(struct stage_wire *w);

/* The server says this. */
void hears(struct stage_wire *w, const char *text);
/* As hears, with the id of the request in place of $ID. */
void answers(struct stage_wire *w, json_t *request, const char *rest);
/* The next message sent has this method (NULL: it is an answer); the caller releases. */
json_t *sends(struct stage_wire *w, const char *method);
void sends_nothing(const struct stage_wire *w);
void goes_down(struct stage_wire *w, enum wire_end how, const char *why);

/* Through the handshake, up to and with the first list, which holds these tools (a JSON array). */
void stage_wire_ready(struct stage_wire *w, const char *tools);
/* Calls the tool of that name through the set that is offered now; it must be there. */
void calls(struct stage_wire *w, const char *name, const char *arguments);
const struct tool *offered(const struct toolset *set, const char *name); /* or NULL */

#endif
