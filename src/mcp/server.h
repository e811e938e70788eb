/* One server, shared by server.c, session.c, tools.c and mcp.c. */
#ifndef USHER_MCP_SERVER_H
#define USHER_MCP_SERVER_H

#include "crypto.h"
#include "mcp_room.h"
#include "pace.h"

enum {
	SERVER_REST_MS = 1000, /* after the first failure; doubled to SERVER_REST_MAX_MS */
	SERVER_REST_MAX_MS = 60000,
	SERVER_CRASHES = 8, /* in SERVER_WINDOW_MS: it is given up for as long */
	SERVER_WINDOW_MS = 600000,
	SERVER_CALM_MS = 60000,	   /* so long without a failure, and the next one counts as the first */
	SERVER_PATIENCE_MS = 5000, /* a call waits for a rest of at most this */
	SERVER_RELIST_MS = 300,	   /* changes of the list that come close together are one */
};

/* ---- tool.c: one tool ----------------------------------------------------------------------------------------- */

struct mcp_tool {
	char *original;			/* the server's name of it */
	char name[MCP_NAME_MAX + 1];	/* ours */
	char *description, *parameters; /* for the model */
	char *schema;			/* of its input, the server's own */
	char *definition;		/* what is pinned; NULL once it was judged */
	char hash[CRYPTO_SHA256_HEX];	/* of definition */
	bool reads;			/* readOnlyHint */
};

struct tool_list {
	struct mcp_tool *tools;
	size_t count, room;
};

/* False: not to be offered, and err why. from: an element of the result of tools/list. */
bool tool_read(const char *server, const json_t *from, struct mcp_tool *tool_out, struct err *err);
void tool_finish(struct mcp_tool *tool);
/* out: MCP_NAME_MAX + 1 bytes. hashed: with a suffix that makes it unlike others. */
void tool_name(const char *server, const char *original, bool hashed, char *out);

void tool_list_add(struct tool_list *list, const struct mcp_tool *tool); /* takes its parts over */
/* Sorts by the servers' names, drops doubles, makes our names unlike. */
void tool_list_settle(struct tool_list *list, const char *server, const struct log *log);
const struct mcp_tool *tool_list_find(const struct tool_list *list, const char *original);
void tool_list_finish(struct tool_list *list);

/* ---- result.c: what a call gave ----------------------------------------------------------------------------------- */

/* One JSON object for the model; the caller frees. */
char *result_json(const json_t *result, bool *failed_out);
char *result_error(const char *text); /* {"error":text} */

/* ---- param.c: headers that repeat what a request says ---------------------------------------------------------------- */

struct param_rows {
	char **rows; /* "Name: value", ended by NULL */
	size_t count;
};

/* As it may stand in a header: the text itself, or a base64 of it in marks. The caller frees. */
char *param_value(const char *text, size_t len);
void param_add(struct param_rows *rows, const char *name, const char *text, size_t len);
void param_finish(struct param_rows *rows);
/* False: an x-mcp-header of this input schema is against the rules, and err which. */
bool param_check(const json_t *schema, struct err *err);
/* Adds a row for each argument that the schema marks. */
void param_mirror(struct param_rows *rows, const json_t *schema, const json_t *arguments);
/* False: what these arguments put into headers is more than servers take, and err which. */
bool param_fits(const struct mcp_tool *tool, const json_t *arguments, struct err *err);

/* ---- round.c: results that are none yet ---------------------------------------------------------------------------- */

enum round_kind { ROUND_COMPLETE, ROUND_ASKS, ROUND_UNKNOWN };
enum round_kind round_of(const json_t *result);

/* What the same call carries besides when it is sent once more: inputResponses, requestState. NULL and err: it can't be.
 * The caller releases. */
json_t *round_next(const json_t *result, struct err *err);

/* ---- the server --------------------------------------------------------------------------------------------------- */

enum server_state {
	SERVER_NEW,	 /* not needed yet */
	SERVER_STARTING, /* connected, shaking hands, listing, waiting for the judge */
	SERVER_READY,
	SERVER_RESTING,	 /* failed; starts again when the timer says so */
	SERVER_GIVEN_UP, /* failed too often, or refuses us; new again after SERVER_WINDOW_MS */
	SERVER_WAITING,	 /* no token: one is asked for, or a person has to log in */
	SERVER_CLOSING,
	SERVER_CLOSED,
};

struct server_call {
	const struct mcp_tool *tool; /* of a set that the caller holds: not after this call has begun */
	json_t *arguments;
	enum tool_class class;
	const char *key; /* the same for a repetition of this call; sent to tools of class keyed */
	tool_done_fn *done;
	void *owner;
	uint64_t ticket;
};

struct waiting;

enum server_era { ERA_UNKNOWN, ERA_LEGACY, ERA_MODERN };

/* Errors that only servers of 2026-07-28 know. */
enum modern_code { MODERN_HEADERS = -32020, MODERN_CAPABILITY = -32021, MODERN_VERSION = -32022 };

struct server {
	struct mcp *mcp;
	struct io *io;
	struct http *http;
	struct loop *loop;
	struct mcp_config config;
	struct log log;
	const struct wire_ops *ops;
	struct oauth *oauth; /* NULL: stdio, or credentials that were set */
	struct wire *wire;
	struct rpc *rpc; /* both or none */
	struct loop_timer *timer, *relist;
	enum server_state state;
	struct err why;
	uint64_t due_ms, ready_ms, began_ms;
	uint64_t crashes[SERVER_CRASHES];
	unsigned crash_next, failures;
	/* session.c */
	char version[16];
	char *title; /* what it calls itself, or NULL */
	bool offered_again, has_tools;
	struct pace said;
	/* modern.c */
	enum server_era era;  /* what was found out, as long as the connection lives */
	bool turned;	      /* from the handshake to this, which happens once */
	bool modern;	      /* no handshake: this is how it is spoken to now */
	bool probes;	      /* a program is asked for its era: an old one may end of it */
	bool watches;	      /* it says that it tells of changes */
	bool told_of_changes; /* and it has promised to */
	bool missed;	      /* there was a time in which it could not */
	int64_t listen_id;    /* of the request that it tells them by; 0: none */
	unsigned listen_fails;
	struct loop_timer *listen;
	uint64_t fresh_ms; /* the list is good until then */
	/* tools.c */
	struct tool_list listing, judged, tools; /* being read; with the judge; in force */
	json_t *cursors;
	unsigned pages, hidden;
	bool lists, list_again;
	uint64_t judge; /* ticket, 0: nobody is asked */
	/* calls */
	struct waiting *waiting, *sent;
	unsigned calls; /* in both */
};

bool server_create(struct mcp *mcp, const struct mcp_options *options, const struct settings *settings,
		   struct server *server, struct err *err);
void server_need(struct server *server);   /* starts it if it is new */
void server_again(struct server *server);  /* the connection stands, but what was known of it holds no more */
void server_forget(struct server *server); /* its authorization, and the connection with it */
void server_close(struct server *server);
void server_destroy(struct server *server); /* its parts */
const char *server_state_name(const struct server *server);
bool server_settled(const struct server *server); /* it runs, or nobody should wait for it */

bool server_asks_for_token(
	const struct server *server); /* soon there is one, or the news that there is none */

/* call.c */
void server_call(struct server *server, const struct server_call *call); /* takes arguments over */
void server_flush(
	struct server *server); /* what waits goes out, goes on waiting, or is told that it is in vain */
void calls_fail_waiting(struct server *server, const char *why);
void calls_drop(struct server *server); /* nobody hears of them */

/* From session.c and tools.c: it can't go on like this. */
void server_fail(struct server *server, enum wire_end how, const struct err *err);
/* From tools.c: the list is in force. */
void server_ready(struct server *server);

/* modern.c */
void modern_begin(struct server *server);
/* As rpc_ask, with what a request of the server's era carries. tool: of tools/call; or NULL. */
int64_t modern_ask(struct server *server, const struct rpc_ask *ask, const struct mcp_tool *tool,
		   rpc_done_fn *done, void *owner, uint64_t ticket);
bool modern_code(const json_t *error); /* one that only such servers know; error may be NULL */
bool modern_told(struct server *server, const char *method, const json_t *params); /* false: not ours */
void modern_listed(struct server *server, const json_t *result); /* a page of the list has come */
void modern_listen(struct server *server);			 /* for changes, unless it does */
void modern_freshen(struct server *server); /* somebody wants the list: is it still good? */
void modern_reset(struct server *server);   /* the connection is gone */

/* session.c */
void session_clear(struct server *server); /* nothing is known of it */
void session_title(struct server *server, const json_t *info);
extern const struct rpc_events session_events; /* owner: the server */
void session_begin(struct server *server);
bool session_speaks(const char *version);

/* tools.c */
void tools_list(struct server *server);	   /* or later once more, when it lists already */
void tools_changed(struct server *server); /* soon */
void tools_judged(struct server *server, const bool *good, size_t count);
void tools_reset(struct server *server); /* the connection is gone; what is in force stays */

/* mcp.c */
struct server *mcp_server(struct mcp *mcp, size_t index);
/* from below */
uint64_t mcp_ask_judge(struct mcp *mcp, struct server *server); /* about server->judged; a ticket */
void mcp_changed(struct mcp *mcp);				/* another list is in force */
void mcp_moved(struct mcp *mcp);				/* a server runs, or has failed */
void mcp_keep(struct mcp *mcp, struct server *server, const char *issuer, const char *text);
void mcp_closed(struct mcp *mcp); /* a server is closed */
/* Tells a caller in a later round. result is taken over. */
void mcp_finish(struct mcp *mcp, tool_done_fn *done, void *owner, uint64_t ticket, char *result, bool failed);
void mcp_flush_later(struct mcp *mcp);

#endif
