/* usher as a server of the Model Context Protocol: what one JSON-RPC message of a client means, and its answer
 * (sheet 2, 3, 8, 13). No session: each message stands for itself, in versions with a handshake too. Pure; any
 * thread. */
#ifndef USHER_MCPSERVER_SERVED_H
#define USHER_MCPSERVER_SERVED_H

#include "json.h"
#include "tool.h"
#include <stdbool.h>
#include <stddef.h>

/* The newest version with a handshake, which clients of unknown versions are offered. */
#define SERVED_VERSION "2025-11-25"

/* The version without one. */
#define SERVED_STATELESS "2026-07-28"

enum {
	SERVED_BATCH_MAX = 50,	/* messages in one array */
	SERVED_ID_MAX = 1024,	/* bytes of an id: it is sent back */
	SERVED_KEY_MAX = 255,	/* characters of an idempotency key */
	SERVED_LIST_MS = 60000, /* how long a list of tools is good: the policy may change with a reload */
	SERVED_DISCOVER_MS = 3600000, /* and what we are */
	SERVED_NAME_MAX = 64,	      /* bytes of a tool's name */
};

/* Codes of JSON-RPC 2.0. */
enum served_code {
	SERVED_PARSE_ERROR = -32700,
	SERVED_INVALID_REQUEST = -32600,
	SERVED_NO_METHOD = -32601,
	SERVED_INVALID_PARAMS = -32602,
	SERVED_INTERNAL = -32603,
	/* and of SERVED_STATELESS */
	SERVED_HEADERS = -32020,
	SERVED_VERSION_UNKNOWN = -32022,
};

/* What came with a message over HTTP; each may be NULL. Borrowed. */
struct served_headers {
	const char *version, *method, *name; /* MCP-Protocol-Version, Mcp-Method, Mcp-Name */
};

enum served_kind {
	SERVED_NOTHING, /* a notification or an answer: nothing is said to it */
	SERVED_ANSWER,	/* text is the whole answer */
	SERVED_REFUSED, /* text is an error, and the message was no JSON-RPC request at all */
	SERVED_CALL,	/* a tool is to be run, then served_result */
};

struct served {
	enum served_kind kind;
	int status;	/* of HTTP, for an answer that is alone */
	bool stateless; /* the message was one of SERVED_STATELESS */
	char *text;
	const struct tool *tool; /* borrowed from the set */
	char *refused;	 /* with an answer: the tool that was asked for and is not in the set, or NULL */
	char *arguments; /* a JSON object as text */
	json_t *id;	 /* of the call */
	char *key; /* the client's own for this call, or NULL: the same call with it again is to change nothing */
};

/* Reads one message. tools: what this client may use. headers: NULL when it came by a way that has none. Call served_finish
 * afterwards. */
void served_take(const json_t *message, const struct served_headers *headers, const struct toolset *tools,
		 struct served *out);
void served_finish(struct served *served);

/* The answer to a call; result: JSON text of an object, as tools give it; stateless: as served.stateless said of the call.
 * The caller frees. */
char *served_result(const json_t *id, const char *result, bool failed, bool stateless);

/* An error as an answer; id NULL: unknown. The caller frees. */
char *served_error(const json_t *id, int code, const char *message);

/* All versions that are spoken, the newest first: an array. The caller releases. */
json_t *served_versions(void);

/* A version with a handshake that we speak. */
bool served_speaks(const char *version);

/* May messages of this version come in arrays? NULL: not told, so the one that allowed it is assumed. */
bool served_batches(const char *version);

#endif
