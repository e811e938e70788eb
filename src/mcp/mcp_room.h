/* The MCP client from inside. A server's life, from top to bottom:
 *
 *   mcp.c      the public functions, names of all tools, the set that is offered, calls that ended
 *   server.c   one server: start on demand, rest and start again, give up
 *   call.c     calls that wait for the server, are sent, and end
 *   session.c  the handshake of old servers, what they ask of us and tell us (sheet 3, 9, 10, 11)
 *   modern.c   servers without a handshake, and which era a server belongs to (sheet 13)
 *   param.c    headers that repeat what a request says; round.c: a call that is answered with questions (sheet 13)
 *   tools.c    listing in pages; tool.c: one tool judged, cleaned and pinned (sheet 8)
 *   result.c   what a call gave, as one JSON object for the model
 *   rpc.c      JSON-RPC by id: answers, time-outs, progress, cancelling (sheet 2)
 *   wire_*.c   how messages travel: stdio (sheet 4), http (sheet 5 and 6)
 *   oauth*.c   a token for a server behind http (sheet 7); oauth.h says which file does what
 *
 * Calls go down; what comes up are the functions of wire_events, rpc_events and rpc_done_fn. Nothing here blocks, all on
 * the loop thread. A wire lives for one connection: when it is down it is destroyed, and the next start makes a new one. */
#ifndef USHER_MCP_ROOM_H
#define USHER_MCP_ROOM_H

#include "err.h"
#include "json.h"
#include "log.h"
#include "loop.h"
#include "mcp.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MCP_MESSAGE_MAX = 12 << 20, /* bytes of one JSON-RPC message, from whichever wire */
	MCP_PAGES_MAX = 100,
	MCP_TOOLS_MAX = 1000,	       /* of one server */
	MCP_SCHEMA_MAX = 256 << 10,    /* bytes of a tool's input schema */
	MCP_SCHEMA_LEVELS = 32,	       /* of it */
	MCP_DESCRIPTION_MAX = 8 << 10, /* bytes for the model; the rest is cut */
	MCP_RESULT_MAX =
		60 << 10, /* bytes of a result for the model; the AI room cuts at 64 KiB, not knowing where */
	MCP_NAME_MAX = 64,	/* of a tool, for every provider */
	MCP_ORIGINAL_MAX = 256, /* bytes of a server's own name of a tool: longer ones are hidden */
	MCP_ROUNDS_MAX = 10,	/* of questions in one call */
	MCP_CALLS_MAX = 64,	/* at one server at a time, waiting ones included */
};

/* The newest version with a handshake; what we offer. The others that we speak: session_speaks. */
#define MCP_VERSION "2025-11-25"

/* The version without one. */
#define MCP_MODERN "2026-07-28"

/* ---- config.c: one entry of the settings, read once -------------------------------------------------------- */

enum mcp_protocol {
	PROTOCOL_LEGACY, /* the handshake */
	PROTOCOL_AUTO,	 /* MCP_MODERN when the server knows it, else the handshake */
	PROTOCOL_MODERN, /* MCP_MODERN and nothing else */
};

struct mcp_config {
	const char *name;
	enum mcp_protocol protocol;
	const char **command;	       /* ended by NULL; NULL: a URL */
	char **env;		       /* "NAME=value", ended by NULL: all that the child gets */
	const char *cwd, *url, *token; /* or NULL; borrowed from the settings */
	const char **headers;	       /* "Name: value", ended by NULL; never NULL */
	bool oauth, oauth_machine;     /* set at all; grant client_credentials */
	const char *oauth_id, *oauth_secret, *oauth_key, *oauth_scope, *oauth_issuer; /* or NULL; borrowed */
	bool trusted;
	unsigned start_ms, call_ms, idle_ms;
	const struct settings *settings; /* classes, allow, deny */
};

/* False and err when it makes no sense. */
bool config_read(const struct settings *settings, struct mcp_config *config_out, struct err *err);
void config_finish(struct mcp_config *config);

/* By allow and deny; deny wins. tool: the server's own name. */
bool config_offers(const struct mcp_config *config, const char *tool);

/* What classes say of it; false: nothing. */
bool config_class(const struct mcp_config *config, const char *tool, enum tool_class *class_out);

/* ---- wires -------------------------------------------------------------------------------------------------- */

struct wire;

enum wire_end {
	WIRE_ENDED, /* process over, connection lost, refused: the server rests before it is started again */
	WIRE_EXPIRED, /* the session is unknown to the server: initialise again at once (sheet 5). The requests that
			* found out are told by `lost` with ERR_AGAIN before: they are put again */
	WIRE_CLOSED,  /* as asked by close */
	WIRE_REFUSED, /* nothing will change by trying again: credentials, settings (401, 403, 3xx) */
};

/* What a wire tells, never from inside open, send, forget or close (a later round then). Each may destroy the wire,
 * which touches nothing of itself afterwards. */
struct wire_events {
	/* One JSON-RPC message: any JSON value that json_read took, batches already taken apart. Borrowed. */
	void (*message)(void *owner, json_t *message);
	/* The request with this id gets no answer, the connection goes on. ERR_AGAIN: it never arrived; ERR_UNSURE: it may
	 * have; ERR_REFUSED: the server refused it (a status of 4xx). */
	void (*lost)(void *owner, int64_t id, const struct err *err);
	/* Once, the last event: nothing else comes, only destroy may be called. err says why in one line, ERR_NONE after close. */
	void (*down)(void *owner, enum wire_end how, const struct err *err);
	/* A request was answered with 401 or 403, header is its WWW-Authenticate or NULL; lost or down follows at once. May be
	 * NULL. Must not destroy the wire. */
	void (*challenged)(void *owner, int status, const char *header);
};

struct wire_options {
	struct io *io;
	struct http *http; /* NULL for stdio */
	const struct log *log;
	const struct mcp_config *config;
};

/* What is sent besides the text. */
struct wire_note {
	int64_t id;	    /* of a request of ours, from 1; 0: a notification, or an answer to the server */
	const char *method; /* or NULL for an answer; borrowed for the call */
	unsigned
		total_ms; /* the longest that an answer is waited for (rpc.c watches over it); 0 without id */
	/* For a wire of HTTP: what is said in headers besides its own ("Name: value", ended by NULL), borrowed for the
	 * call. A request with them knows no session, and its stream is not taken up again. NULL: a version with a handshake. */
	const char *const *headers;
};

struct wire_ops {
	const char *name; /* "stdio", "http" */
	/* Starts to connect; messages may be sent at once, the wire keeps them until they can go. NULL and err when it can't
	 * even be tried. */
	struct wire *(*open)(const struct wire_options *options, const struct wire_events *events,
			     void *owner, struct err *err);
	/* text: one compact JSON message without a line break; copied. False: too much is waiting, or it is going down. */
	bool (*send)(struct wire *wire, const char *text, size_t len, const struct wire_note *note);
	/* After the result of initialize, before notifications/initialized is sent: the version agreed on (header
	 * MCP-Protocol-Version from now on; the GET stream is opened after `initialized` has gone out). NULL: does not care. */
	void (*agreed)(struct wire *wire, const char *version);
	/* Nobody waits for this id any more (timed out; notifications/cancelled is sent apart). NULL: does not care. */
	void (*forget)(struct wire *wire, int64_t id);
	/* Ends the gentle way (stdin closed and then signals; DELETE of the session): down follows, within 5 s. Twice is harmless. */
	void (*close)(struct wire *wire);
	/* At once, no event comes any more, the pointer dies. Takes NULL. */
	void (*destroy)(struct wire *wire);
};

extern const struct wire_ops wire_stdio;
extern const struct wire_ops wire_http; /* Streamable HTTP, falls back to HTTP+SSE by itself */

/* Reads the bytes of one message and passes it on, batches one by one. False and err: no JSON. The event may destroy
 * the wire: touch nothing of it afterwards when *gone was set by its destroy; gone may be NULL. */
bool wire_take(const char *text, size_t len, const struct wire_events *events, void *owner, const bool *gone,
	       struct err *err);

/* ---- rpc.c --------------------------------------------------------------------------------------------------- */

struct rpc;

/* One of three: result; error (a JSON-RPC error object); or neither, and err says why (ERR_UNSURE: it may have been done).
 * Borrowed for the call. */
struct rpc_answer {
	json_t *result, *error;
	struct err err;
	bool late; /* its time was over */
};

/* Exactly once for each rpc_ask, never from inside it, unless the rpc is destroyed. It may destroy the rpc. */
typedef void rpc_done_fn(void *owner, uint64_t ticket, const struct rpc_answer *answer);

struct rpc_events {
	/* Something to send. False: it can't go; a request is then answered with ERR_AGAIN. */
	bool (*send)(void *owner, const char *text, size_t len, const struct wire_note *note);
	void (*forget)(void *owner, int64_t id);
	/* The server asks: answer with rpc_answer or rpc_refuse, id as it is. It tells: id is NULL. params may be NULL. */
	void (*asked)(void *owner, const json_t *id, const char *method, const json_t *params);
	void (*told)(void *owner, const char *method, const json_t *params);
};

struct rpc *rpc_create(struct loop *loop, const struct rpc_events *events, void *owner,
		       const struct log *log);
void rpc_destroy(struct rpc *rpc); /* nobody hears of what is pending; takes NULL */

struct rpc_ask {
	const char *method;
	json_t *params;		    /* taken over; or NULL */
	unsigned idle_ms;	    /* without an answer or progress; 0: total_ms alone counts */
	unsigned total_ms;	    /* in all */
	bool progress;		    /* ask for progress */
	bool stays;		    /* is not cancelled when its time is over (initialize) */
	const char *const *headers; /* see wire_note; borrowed for the call */
};
/* Returns its id, from 1. */
int64_t rpc_ask(struct rpc *rpc, const struct rpc_ask *ask, rpc_done_fn *done, void *owner, uint64_t ticket);

void rpc_tell(struct rpc *rpc, const char *method, json_t *params); /* params taken over; or NULL */
void rpc_answer(struct rpc *rpc, const json_t *id, json_t *result); /* result taken over */
void rpc_refuse(struct rpc *rpc, const json_t *id, int code, const char *message);

/* From the wire. Each may call back, and by that destroy the rpc. */
void rpc_take(struct rpc *rpc, json_t *message);
void rpc_lost(struct rpc *rpc, int64_t id, const struct err *err);
void rpc_fail_all(struct rpc *rpc, const struct err *err);

#endif
