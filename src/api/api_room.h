/* What the files of this room agree on. A web request becomes a call: who asks is found out first, then its
 * route runs. A call that waits for a message stands at that message's watch until the core tells the end. */
#ifndef USHER_API_ROOM_H
#define USHER_API_ROOM_H

#include "api.h"
#include "apikey.h"
#include "buf.h"
#include "errors.h"
#include "event_id.h"
#include "json.h"
#include "log.h"
#include "loop.h"
#include "store_people.h"
#include "throttle.h"
#include "tool.h"
#include "web.h"
#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

enum {
	API_SWEEP_MS = 1000, /* how often held requests are looked through */
	API_RETRY_S = 2,     /* asked of clients that come while we stop or can't store */
	API_NAME_SIZE = 256, /* a display name with its NUL */
	API_BODY_MAX = 6 * MESSAGE_TEXT_MAX + 4096, /* a message with every byte escaped as \u00XX */
	API_SMALL_BODY_MAX = 8192,
	API_MCP_BODY_MAX = 1 << 20,
	API_DOORS_MAX = 2 * 20,
	API_UPLOADS_MAX = 16,	/* bodies that arrive at the same time */
	API_UPLOAD_AGE_S = 600, /* a file nobody waits for is removed when it is older */
	API_UPLOAD_CALM_S = 20, /* and when it is older than this, if no file is just coming in */
	API_UPLOAD_SWEEP_MS = 20000,
};

struct call;

/* A path of ours and what it does once the caller is known. */
struct route {
	const char *method, *path;
	size_t body_max;
	void (*run)(struct call *call, struct web_request *request);
	bool uploads; /* the body goes to a file: run is called with the head */
	bool as_user; /* on the control socket the query may name who asks */
};

/* A route on one of the web servers. */
struct door {
	struct platform *api;
	struct web *web;
	const struct route *route;
	bool control; /* the control socket: the peer's credentials count instead of a key */
};

/* Which single answer a call waits for. */
enum call_step {
	CALL_AUTH,    /* whose key it is */
	CALL_RESOLVE, /* which conversation a UUID names */
	CALL_ACCEPT,  /* the message's commit */
	CALL_LOOK,    /* where an accepted message is */
	CALL_HELD,    /* the end of the message */
	CALL_STORE,   /* a report or an act */
	CALL_TOOL,    /* what a tool gives */
	CALL_UPLOAD,  /* the body, and what is in it */
};

/* Who asks. */
struct caller {
	int64_t user_id;
	char profile[CRYPTO_UUID_SIZE];
	char key_id[APIKEY_ID_SIZE];
	char name[API_NAME_SIZE];
	char org[CRYPTO_UUID_SIZE];
	enum role role;
};

struct watch;
struct mcp_work;
struct mcp_run;

struct call {
	uint64_t ticket; /* crosses every wait; 0 is none */
	enum call_step step;
	struct door *door;
	uint64_t web_id;
	struct caller caller;

	char uuid[CRYPTO_UUID_SIZE]; /* of the message, once known */
	int64_t conversation_id;
	char conversation_uuid[CRYPTO_UUID_SIZE];
	enum message_state state;

	bool counted; /* among its user's held requests */
	bool status;  /* asks where its message is, waits for nothing */
	bool stream;  /* wants server-sent events */
	bool owned;   /* the message is known to be the caller's */
	bool opened;  /* the stream's head is out */
	bool writing; /* web_write is on the stack: gone only leaves a mark */
	bool gone;
	struct event_id shown; /* how far this client's copy of the answer is */

	char place[CRYPTO_UUID_SIZE]; /* the conversation of the path, as number or UUID */
	unsigned limit;		      /* rows of a page */
	bool backwards;		      /* a page of what came before */
	bool archive;		      /* still to be done */

	struct upload *upload; /* files that came with it */
	char *import_ids;      /* JSON array, of a message that came as an upload */
	struct mcp_work *mcp;  /* messages of the Model Context Protocol */
	struct watch *watch;
	struct call *prev, *next; /* at the watch */
	bool timed;
	uint64_t deadline_ms;
	struct call *held_prev, *held_next; /* by deadline */
	UT_hash_handle hh;
};

/* A message somebody waits for. */
struct watch {
	char uuid[CRYPTO_UUID_SIZE];
	struct call *calls;
	unsigned streams; /* how many of them want to see it grow */
	struct buf text;  /* the answer so far; only kept while streams is not 0 */
	unsigned attempt;
	bool synced; /* text is all there is of this attempt */
	bool pinned; /* its calls are being told something: do not free */
	UT_hash_handle hh;
};

/* How many requests a user has us hold. */
struct user_load {
	char profile[CRYPTO_UUID_SIZE];
	unsigned held;
	UT_hash_handle hh;
};

struct platform {
	struct platform_host *host;
	struct log log;
	struct store *store;
	struct web *control;
	char *operator_name;
	struct toolbox tools;
	char *public_url;
	uint64_t hold_ms;
	unsigned held_per_user;
	bool stopping;
	struct door doors[API_DOORS_MAX];
	size_t door_count;
	uint64_t last_ticket;
	struct call *calls;	 /* hash by ticket */
	struct call *timed;	 /* list, soonest first */
	struct watch *watches;	 /* hash by uuid */
	struct user_load *loads; /* hash by profile */
	struct throttle throttle;
	struct loop_timer *sweep;
	struct mcp_run *runs; /* list */
	struct api_imports imports;
	char *upload_folder;
	struct upload_work *upload_works; /* list */
	struct upload_fetch *fetches;	  /* list */
	struct loop_timer *upload_sweep;
	unsigned arriving; /* bodies of uploads */
};

/* ---- call.c ---- */

struct call *call_create(struct door *door, struct web_request *request);

/* The call with this ticket if it waits in this step, else NULL: answered, gone or not ours. */
struct call *call_claim(struct platform *api, uint64_t ticket, enum call_step step);

/* Forgets the call; its request must be answered or gone. */
void call_drop(struct call *call);

/* Each of these answers and drops the call. They do nothing more than drop when the client is gone. json NULL: an answer
 * without a body. */
void call_answer(struct call *call, int status, const struct buf *json);
void call_fail(struct call *call, enum api_error error);
void call_fail_why(struct call *call, enum api_error error, const char *why);
void call_fail_retry(struct call *call, enum api_error error, unsigned retry_s);
void call_fail_store(struct call *call, const struct err *err); /* a question to the store did not work */

struct web_request *call_request(struct call *call);

/* Counts the call among its user's held ones; false when the user has too many. */
bool call_count(struct call *call);

/* Where the message can be asked for: "Location: /api/42/messages/UUID". */
void call_add_location(struct call *call);

/* ---- auth.c ---- */

void auth_begin(struct call *call, struct web_request *request);

/* ---- watch.c ---- */

/* The call waits for the end of its message: plain ones until the hold time is over. */
void watch_join(struct call *call);
/* The same for a message that was just accepted: its stream begins at once. May drop the call. */
void watch_begin(struct call *call);
void watch_leave(struct call *call);
void watch_look(struct call *call); /* asks the core where its message is */
void watch_sweep(void *api);
void watch_stop(struct platform *api); /* sends everybody away with a hint to come back */

/* The three of platform_ops. */
void watch_stream(struct platform *api, const struct outgoing_part *part);
void watch_ended(struct platform *api, const struct outgoing *out);
void watch_found(struct platform *api, uint64_t ticket, const struct outgoing *out);

/* ---- events.c ---- */

/* Opens the stream if it is not open: head and `accepted`. The client's copy is judged against the answer so
 * far. */
void events_open(struct call *call, const char *text, size_t len, unsigned attempt);
/* The answer grew, or began again (another attempt). Drops the call when the client is gone. */
void events_grow(struct call *call, const char *text, size_t len, unsigned attempt);
/* What is missing of the answer, `done` or `error`, and the end. Drops the call. */
void events_end(struct call *call, const struct outgoing *out);
/* `error`, and the end. Drops the call. */
void events_fail(struct call *call, enum api_error error, const char *why);

/* ---- answer.c ---- */

bool answer_final(enum message_state state);
/* Appends what the client of an answered message gets (seed 004 and the message's id). */
void answer_print(struct buf *json, const struct call *call, const struct outgoing *out);
void answer_print_imports(struct buf *json, const struct call *call);
/* A message's state, with its answer or error when it has one. out may be NULL: the call knows enough. */
void answer_print_state(struct buf *json, const struct call *call, const struct outgoing *out);
/* Appends the ids that every answer about a message begins with, without braces. */
void answer_print_ids(struct buf *json, int64_t conversation_id, const char *conversation_uuid,
		      const char *uuid);

/* ---- mcp.c ---- */

/* What the call holds for the Model Context Protocol is freed. */
void mcp_forget(struct call *call);

/* ---- mcp_run.c: a tool runs, its row is written, its answer is given; also when the client has gone ---- */

/* result: what the tool gave, or the whole answer when it was refused; failed: an error. */
typedef void mcp_ran_fn(struct call *call, const char *result, bool failed);

/* key: NULL or what makes a repetition harmless. The call waits in CALL_TOOL; fn is only called while it does. */
void mcp_run_tool(struct call *call, const struct tool *tool, const char *arguments, const char *key,
		  mcp_ran_fn *fn);

/* The tool is not this caller's: only the row is written; fn gets answer. */
void mcp_run_refused(struct call *call, const char *name, const char *answer, mcp_ran_fn *fn);

void mcp_runs_free(struct platform *api);

/* ---- upload.c: files come in ---- */

void upload_run(struct call *call, struct web_request *request);
/* The message is stored: its files stay for ops.fetch, its imports are asked for, then its end is awaited. */
void upload_stored(struct call *call);
/* What became of the message: without a new one its files are removed. */
void upload_mark(struct call *call, bool stored);
void upload_forget(struct call *call); /* what was not stored is removed */
void upload_fetch(struct platform *api, const struct message_file *file, const char *path, int64_t max,
		  uint64_t ticket);
void upload_clean(void *api); /* files nobody waits for, now and then */
void uploads_free(struct platform *api);

/* ---- imports.c: what became of them ---- */

void imports_list_run(struct call *call, struct web_request *request);
void import_run(struct call *call, struct web_request *request);
void import_retry_run(struct call *call, struct web_request *request);
void import_cancel_run(struct call *call, struct web_request *request);
void import_delete_run(struct call *call, struct web_request *request);
void page_answer(struct call *call, const char *name, const char *key,
		 const char *text); /* conversations.c */
bool page_limit(struct call *call, const struct web_request *request);

/* ---- routes ---- */

void mcp_run(struct call *call, struct web_request *request);

void chat_run(struct call *call, struct web_request *request);
void chat_delivery_key(const struct caller *caller, const char *client_key, char out[MESSAGE_KEY_MAX + 1]);
bool chat_wants_events(const struct web_request *request);
void chat_ack(struct platform *api, uint64_t receipt, const struct ack *ack);
void message_run(struct call *call, struct web_request *request);
void message_events_run(struct call *call, struct web_request *request);
void conversations_run(struct call *call, struct web_request *request);
void conversation_run(struct call *call, struct web_request *request);
void conversation_patch_run(struct call *call, struct web_request *request);
void conversation_archive_run(struct call *call, struct web_request *request);
void conversation_messages_run(struct call *call, struct web_request *request);

#endif
