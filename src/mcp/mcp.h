/* Servers of the Model Context Protocol: their tools as tools of ours. Servers are started or connected to when first needed,
 * and again with growing pauses when they end. Loop thread only. (sheet: the protocol's fact sheet) */
#ifndef USHER_MCP_H
#define USHER_MCP_H

#include "err.h"
#include "settings.h"
#include "tool.h"

struct http;
struct io;
struct log;
struct mcp;

/* The rows of one tools.mcp entry: name; command (a list) or url; env ("NAME=value" or NAME of ours to hand on), cwd, headers,
 * token; trusted; protocol; start_s, call_s, idle_s; classes ("tool=keyed"); allow, deny (names with *). */
extern const struct setting mcp_settings[];

/* A tool as a server describes it: what is pinned. */
struct mcp_pin {
	const char *server, *tool; /* the server's own name of it */
	const char *hash;	   /* SHA-256 of definition, lower-case hex */
	const char *definition;	   /* JSON object: name, description, input schema and annotations */
};

struct mcp_options {
	struct io *io;
	struct http *http;
	const struct log *log;
	const struct settings *const *servers; /* the groups of settings tools.mcp, which outlive it */
	size_t count;
	/* Somebody looks at what a server offers, each time it is listed: answer with mcp_judged. first: never seen before.
	 * Until then, and when it is refused, the tool is not offered. */
	void (*judge)(void *owner, uint64_t ticket, const struct mcp_pin *pins, size_t count);
	void *owner;
	/* Of servers that want OAuth. callback: where a browser comes back to, "/NAME" of the server is put behind it; NULL: nobody
	 * can log in. document: the https URL under which mcp_document is served, or NULL. Copied. */
	const char *callback, *document;
	/* What is to be there at the next start, by server and issuer, instead of what was kept before: a secret. Answer with
	 * mcp_kept; nothing is used before. NULL: nothing is kept. */
	void (*keep)(void *owner, uint64_t ticket, const char *server, const char *issuer, const char *text);
	void *keep_owner;
};

/* NULL and err when a setting makes no sense. Starts nothing yet. */
struct mcp *mcp_create(const struct mcp_options *options, struct err *err);

/* good[i] belongs to pins[i] of judge. Unknown tickets are ignored. */
void mcp_judged(struct mcp *mcp, uint64_t ticket, const bool *good, size_t count);

/* err of kind ERR_NONE: it is kept. Unknown tickets are ignored. */
void mcp_kept(struct mcp *mcp, uint64_t ticket, const struct err *err);

/* What was kept, before mcp_warm. A server that is not there any more is passed over. */
void mcp_recall(struct mcp *mcp, const char *server, const char *text);

/* A person logs in at this server. fn is called once: err, or url is where a browser has to go. */
typedef void mcp_login_fn(void *owner, uint64_t ticket, const struct err *err, const char *url);
void mcp_login(struct mcp *mcp, const char *server, mcp_login_fn *fn, void *owner, uint64_t ticket);

/* How the last login there goes: one JSON object {state, why}, state none, working, waiting, done or failed. NULL: no such server
 * that could be logged in at. The caller frees. */
char *mcp_login_state(const struct mcp *mcp, const char *server);

/* What the browser brought back to callback/SERVER, decoded (RFC 6749 4.1.2, RFC 9207); NULL where nothing. */
struct mcp_redirect {
	const char *state, *code, *iss, *error, *text; /* text: error_description */
};
/* False and err: it belongs to no login, or was refused. */
bool mcp_redirected(struct mcp *mcp, const char *server, const struct mcp_redirect *redirect,
		    struct err *err);

/* The same by the whole address, as somebody pasted it. */
bool mcp_pasted(struct mcp *mcp, const char *server, const char *address, struct err *err);

/* Forgets its authorization and the connection with it. False: no such server. What was kept the caller drops. */
bool mcp_logout(struct mcp *mcp, const char *server);

/* Our client id metadata document: JSON; the caller frees. */
char *mcp_document(const struct mcp *mcp);

/* Lists what this server offers once more, so that its tools are judged anew. */
void mcp_list_again(struct mcp *mcp, const char *server);

/* Starts what is not started and lists the tools, so that the first turn finds them. */
void mcp_warm(struct mcp *mcp);

/* settled is called once, in a later loop round: when each server runs, has been given up or has failed twice in a row, or after
 * 5 s. Then the tools that there are are offered. */
void mcp_on_settled(struct mcp *mcp, void (*settled)(void *owner), void *owner);

/* The tools that are offered now, under names that every provider takes (sheet 8); starts servers that were not needed
 * before. The caller releases; a set may outlive the mcp, its tools must not be called then. policy is not set here. */
const struct toolset *mcp_tools(struct mcp *mcp);

/* What the policy wants to know of a tool of such a set. Borrowed from the set. */
struct mcp_about {
	const char *server, *tool; /* the server's own name of it */
	const char *plain;	   /* its name here if no other of its server looked alike */
	const char *schema;	   /* the server's own input schema, as JSON, nothing left out */
	bool trusted, reads;	   /* reads: the server says that it changes nothing */
};
struct mcp_about mcp_about(const struct tool *tool);

/* Whether the tool is of such a set. */
bool mcp_owns(const struct tool *tool);

/* The state in mcp_status of a server that has no token: somebody has to log in, or one is being asked for. */
#define MCP_WAITING "waiting for authorization"

/* For status and doctor: one JSON object for each server (name, state, protocol, tools, why). The caller frees. */
char *mcp_status(const struct mcp *mcp);

/* Ends all servers in the gentle way; done is called once, when the last is gone or after 5 s. */
void mcp_stop(struct mcp *mcp, void (*done)(void *owner), void *owner);
void mcp_destroy(struct mcp *mcp); /* at once; takes NULL */

#endif
