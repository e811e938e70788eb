/* The app and its workspaces from the inside: what the files of this room share. Loop thread only.
 *
 * The way in:  socket.c | receive.c -> slack_take (inbound.c: decode.c, names.c, text.c) -> host->incoming -> ack
 * The way out: send.c | stream.c -> api.c -> Slack
 * Facts and their sources: the protocol sheet of the platform, quoted as "(sheet N)" in comments. */
#ifndef USHER_SLACK_ROOM_H
#define USHER_SLACK_ROOM_H

#include "http.h"
#include "json.h"
#include "log.h"
#include "loop.h"
#include "platform.h"
#include "web.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

struct slack;
struct slack_sockets;
struct slack_receive;
struct slack_installs;
struct slack_inbound;
struct slack_lanes;
struct slack_names;
struct slack_sends;
struct slack_streams;
struct slack_working;
struct slack_catch_up;
struct slack_files;
struct slack_context;
struct slack_rotation;
struct slack_life;
struct slack_checks;

/* ---- config.c ------------------------------------------------------------------------------------------ */

enum slack_transport { SLACK_SOCKET, SLACK_HTTP };
enum slack_direct { SLACK_DIRECT_THREAD, SLACK_DIRECT_CHANNEL };
enum slack_members { SLACK_MEMBERS_ALLOW, SLACK_MEMBERS_ASK };

/* Strings are the settings' own and live as long as they. */
struct slack_config {
	const char *name;
	enum slack_transport transport;
	const char *bot_token, *app_token, *signing_secret; /* or NULL */
	const char *client_id, *client_secret;		    /* both: others may add the app (install.c) */
	const char *api_base;				    /* "https://slack.com/api", no final slash */
	const char *authorize_url;			    /* "https://slack.com/oauth/v2/authorize" */
	enum slack_direct direct; /* direct messages: each top-level one is a conversation, or all are one */
	enum slack_members members; /* people of the workspace: let in, or by users.strangers */
	bool stream;		    /* show answers as they grow */
	bool feedback;		    /* thumbs under the last part of an answer */
	bool bots;		    /* answer other bots too, SLACK_BOT_TURNS_MAX times in a row */
	unsigned catch_up_hours;    /* messages missed for longer are not looked for; 0: none */
	unsigned catch_up_messages; /* of one channel or thread */
	const char *const *prompts; /* suggested ones, at most 4 */
	size_t prompt_count;
};
extern const struct setting slack_settings[];
bool slack_config_read(struct slack_config *config, const struct settings *settings, struct err *err);
/* What the settings need from the daemon: an address for the browser, a key for the tokens of others. */
bool slack_config_fits(const struct slack_config *config, const struct settings *settings,
		       const struct platform_host *host, struct err *err);
void slack_config_finish(struct slack_config *config);

/* ---- slack.c ------------------------------------------------------------------------------------------- */

enum slack_limits {
	SLACK_TEXT_MAX = 3900,	  /* characters of one message, escaped (sheet 16.1) */
	SLACK_BODY_MAX = 2 << 20, /* bytes of a request or envelope */
	SLACK_ACK_MS = 2500,	  /* Slack waits 3 s */
	SLACK_ID_MAX = 64,	  /* bytes of an id ("U...", ts) we take */
	SLACK_BOT_TURNS_MAX = 5,
	SLACK_FILE_MAX = 1000000000, /* bytes of a file (sheet 15.3) */
};

/* One workspace, or one organisation with all its workspaces: what holds a bot token. The configured installation
 * (app->root) is one too, without a token when only others add the app. */
struct platform {
	struct platform_host *host;
	struct slack *app;
	char *key; /* "T..." or "E..." (organisation-wide); NULL until known, and for ever without token */
	char *team_id;						  /* NULL for an organisation */
	char *enterprise_id, *bot_user_id, *bot_id, *title, *url; /* or NULL */
	char *scopes;						  /* granted, comma-separated; NULL unknown */
	bool org;						  /* organisation-wide */
	char *token;						  /* bot token; NULL: none */
	char *refresh_token;					  /* with rotation, else NULL */
	int64_t expires_ms;					  /* of token, Unix milliseconds; 0 never */
	bool dead; /* the token was refused: nothing is called with it, but now and then to ask whether that holds */
	bool stopping, disabled;
	/* Taken out by the other side: the core is told, and lets go of it. */
	bool removed;
	struct slack_lanes *lanes;	 /* api.c */
	struct slack_names *names;	 /* names.c */
	struct slack_sends *sends;	 /* send.c */
	struct slack_streams *streams;	 /* stream.c */
	struct slack_working *working;	 /* status.c */
	struct slack_catch_up *catch_up; /* catch_up.c */
	struct slack_files *files;	 /* files.c */
	struct slack_context *contexts;	 /* context.c: a list; ended with the names */
	struct slack_rotation *rotation; /* rotate.c */
	struct slack_life *life;	 /* life.c: who we are, the link, the end */
	struct slack_checks *checks;	 /* check.c */
	int64_t stored_ms; /* when something of it was stored last, Unix milliseconds; 0 never */
	UT_hash_handle hh; /* app->workspaces, by key */
};

/* The configured app. */
struct slack {
	struct platform *root; /* the configured installation; first made, last destroyed */
	struct slack_config config;
	char *app_id;		     /* "A...", or NULL until known */
	struct platform *workspaces; /* whose key is known */
	struct slack_inbound *inbound;
	struct slack_sockets *sockets;	 /* with SLACK_SOCKET */
	struct slack_receive *receive;	 /* receive.c; with a signing secret */
	struct slack_installs *installs; /* install.c; with client_id */
	uint64_t last_ticket;
	enum link_state link; /* of the transport, by slack_link */
	char *link_why;	      /* or NULL */
};

/* Which app we are of, as this source says. False: another source says something else. What is no id, or NULL,
 * says nothing. */
bool slack_app_is(struct slack *app, const char *app_id);

/* Tickets are never used twice. */
uint64_t slack_ticket(struct slack *app);

/* Whose event it is (sheet 3.3): an organisation's, else a workspace's, else the organisation that took the
 * workspace in. ids may be NULL. NULL: nobody's. */
struct platform *slack_find(const struct slack *app, const char *enterprise, const char *team, bool org);

/* Fills in who we are from an answer of auth.test and puts the workspace into app->workspaces. */
bool slack_identify(struct platform *workspace, const json_t *auth_test, struct err *err);

/* The token is refused: nothing more is called or taken in with it; the link is down with this reason. Looked at again
 * after a minute and then every ten: an incident of Slack's may have refused a good one. */
void slack_token_dead(struct platform *workspace, const char *why);

/* Something that stopping waits for has ended. */
void slack_settle(struct platform *workspace);

/* The transport's connection changed; why may be NULL. The transports call this and never host->link: a workspace's
 * link is up when the transport is up and its token is good, and slack_catch_up_begin is called when it comes up. */
void slack_link(struct slack *app, enum link_state now, const char *why);

/* life.c: a workspace from its start to its end. */
struct slack_life *slack_life_create(struct platform *workspace);
bool slack_life_start(struct platform *workspace, struct err *err);
void slack_life_enable(struct platform *workspace, bool enabled);
void slack_life_stop(struct platform *workspace);
/* The row of the configured installation was recorded, if this is that ticket. */
/* The token worked after this moment (Unix seconds; 0 unknown: false). */
bool slack_life_later_than(const struct platform *workspace, int64_t unix_s);
bool slack_life_recorded(struct platform *workspace, uint64_t ticket, const struct err *err);
void slack_life_destroy(struct slack_life *life);

/* identity.c: who we are, and what install.settings and install.secrets hold of it. fill learns it from auth.test,
 * list puts the workspace into app->workspaces, forget frees what fill and read put there. An id of the platform's
 * (slack_is) is letters and digits and begins with one of first. What is written, the caller frees; read returns false
 * when it is not ours. */
bool slack_fill(struct platform *workspace, const json_t *auth_test, struct err *err);
bool slack_list(struct platform *workspace, struct err *err);
void slack_unlist(struct platform *workspace);
void slack_forget(struct platform *workspace);
bool slack_is(const char *text, const char *first);
int64_t slack_expires_ms(int64_t life_s); /* from now, Unix milliseconds */
char *slack_secrets_write(const char *token, const char *refresh_token, int64_t expires_ms);
bool slack_secrets_read(struct platform *workspace, const char *secrets, struct err *err);
char *slack_record_write(const struct platform *workspace, const char *app_id, const char *installed_by);
bool slack_record_read(struct platform *workspace, const struct install *install, struct err *err);

/* ---- api.c: calls of the Web API (sheet 13) ------------------------------------------------------------- */

enum slack_how {
	SLACK_OK, /* "ok": true */
	SLACK_NOT_SENT, /* certainly not done, later it may be: nothing left, or turned away before it was looked at */
	SLACK_MAYBE,   /* may have happened: cut off, 5xx, not JSON, internal_error, fatal_error */
	SLACK_LIMITED, /* 429 or ratelimited, or our own pace says wait */
	SLACK_REFUSED, /* "ok": false for this call: error says why */
	SLACK_AUTH,    /* the token is dead (workspace->dead is set), or has expired and can't be refreshed */
};

struct slack_answer {
	enum slack_how how;
	const json_t *body; /* with SLACK_OK and SLACK_REFUSED; else NULL */
	const char *error;  /* Slack's code or our words; NULL with SLACK_OK */
	const char *needed; /* the missing scope, or NULL */
	const char *scopes; /* x-oauth-scopes of the answer, or NULL */
	unsigned retry_ms;  /* with SLACK_LIMITED */
	bool harmless; /* with SLACK_MAYBE: doing it twice is the same as doing it once (reads, updates) */
};

/* How a method is called: one table in api.c. Methods not in it are refused as a bug. */
struct slack_call {
	const char *method; /* "chat.postMessage" */
	json_t *args;	    /* object, taken over; NULL none. Sent as JSON or form as the method wants it */
	const char *lane;  /* calls of the same lane go out one after the other, paced (a channel); or NULL */
	const char *token; /* instead of the workspace's (the app token); NULL: the workspace's */
	const char *basic; /* "client_id:client_secret" instead of any token, for oauth.v2.access */
	unsigned wait_ms;  /* longest wait for its turn in the pace before SLACK_LIMITED; 0: 10 s */
	unsigned total_ms; /* of the request; 0: 15 s */
};
typedef void slack_api_fn(struct platform *workspace, void *owner, uint64_t ticket,
			  const struct slack_answer *answer);

/* One call, never repeated by itself except once after token_expired (the token is refreshed first). The answer comes
 * in a later round, once, unless cancelled; the callback may start and cancel calls, but not destroy the lanes.
 * Returns an id, never 0. A workspace's limits are counted by method (sheet 13.3); 429 pauses exactly that method, or
 * that lane for chat.postMessage. Calls with a token of their own go out even when the workspace's is dead. */
uint64_t slack_api(struct platform *workspace, struct slack_call *call, slack_api_fn *fn, void *owner,
		   uint64_t ticket);
void slack_api_cancel(struct platform *workspace, uint64_t id); /* unknown ids are ignored */

/* A request to a response_url (sheet 9): no token; the URL must be below one of Slack's hosts or api_base's. */
uint64_t slack_respond(struct platform *workspace, const char *url, json_t *body, slack_api_fn *fn,
		       void *owner, uint64_t ticket);
/* The bytes of this file to an address of files.getUploadURLExternal: no token, streamed; SLACK_OK: all are there. The path
 * must stay until the answer. */
uint64_t slack_upload(struct platform *workspace, const char *url, const struct outgoing_file *file,
		      slack_api_fn *fn, void *owner, uint64_t ticket);
struct slack_lanes *slack_lanes_create(struct platform *workspace);
size_t slack_lanes_running(const struct slack_lanes *lanes);
void slack_lanes_destroy(struct slack_lanes *lanes); /* cancels; no callback comes */

/* The URL is one of Slack's: https and a host of Slack's (sheet 15.2), or the same scheme, host and port as
 * api_base. Tokens are sent to no other. */
bool slack_url_ours(const struct slack_config *config, const char *url);

/* ---- socket.c, receive.c: the two transports ------------------------------------------------------------ */

/* Where a payload came from, so that its acknowledgement goes back the same way. */
struct slack_from {
	enum { SLACK_FROM_SOCKET, SLACK_FROM_HTTP } way;
	uint64_t id;			 /* the connection's number, or web_id */
	char envelope[SLACK_ID_MAX + 1]; /* with a socket */
	unsigned retry;			 /* the platform's count of this delivery; 0: the first */
	size_t size;			 /* of the payload, bytes */
	bool answerable; /* the acknowledgement may carry a payload; without it, it is left out */
};

enum slack_payload { SLACK_EVENT, SLACK_COMMAND, SLACK_INTERACTIVE };

struct slack_sockets *slack_sockets_create(struct slack *app);
void slack_sockets_start(
	struct slack_sockets *sockets); /* connects, and stays connected; also after a stop */
void slack_sockets_stop(
	struct slack_sockets *sockets); /* takes nothing new; owed acknowledgements still go */
bool slack_sockets_idle(const struct slack_sockets *sockets);
void slack_sockets_destroy(struct slack_sockets *sockets);

/* Claims /slack/NAME/events, and /commands and /interactive for those who keep the three apart. Without a signing
 * secret nothing is claimed, which is an error only with SLACK_HTTP. Sets app->receive. After a stop it goes on. */
bool slack_receive_start(struct slack *app, struct err *err);
void slack_receive_stop(struct slack *app);    /* new ones get 503; what was taken is still answered */
void slack_receive_destroy(struct slack *app); /* what still waits gets 503 */

/* Exactly one of these for each slack_take, now or later. payload: JSON text for the ack, or NULL. later: it could not
 * be stored: HTTP 503, a socket stays silent, and Slack sends again. bad: HTTP 4xx, a socket acknowledges. */
void slack_ack_ok(struct slack *app, const struct slack_from *from, const char *payload);
void slack_ack_later(struct slack *app, const struct slack_from *from, unsigned retry_ms);
void slack_ack_bad(struct slack *app, const struct slack_from *from, const char *why);

/* ---- inbound.c: from a payload to the core --------------------------------------------------------------- */

struct slack_inbound *slack_inbound_create(struct slack *app);
void slack_inbound_destroy(struct slack_inbound *inbound);
/* Takes over the payload's reference. url_verification never gets here. */
void slack_take(struct slack *app, const struct slack_from *from, enum slack_payload kind, json_t *payload);
void slack_acked(struct platform *workspace, uint64_t receipt, const struct ack *ack); /* ops.ack */
size_t slack_inbound_owed(const struct slack_inbound *inbound); /* payloads not yet acknowledged */

/* A message read by catch_up.c goes the same way; done is called when the core has decided, or at once when there is
 * nothing for it to decide. Not called any more when the workspace has ended. */
typedef void slack_caught_fn(struct platform *workspace, void *owner, const struct ack *ack);
void slack_take_caught(struct platform *workspace, const char *channel, const char *channel_type,
		       const json_t *message, slack_caught_fn *done, void *owner);

/* names.c: users and channels by id, cached with expiry, kept apart by workspace. Destroying also ends what inbound.c
 * still owes for this workspace (Slack sends it again) and the questions of context.c. */
struct slack_names *slack_names_create(struct platform *workspace);
void slack_names_destroy(struct slack_names *names);

/* catch_up.c: messages missed while the connection was down, from the cursors on. */
struct slack_catch_up *slack_catch_up_create(struct platform *workspace);
void slack_catch_up_cursor(struct platform *workspace, const char *scope, const char *position);
void slack_catch_up_begin(struct platform *workspace); /* the link has come up */
/* Slack could not reach us before: over HTTP, where no link goes down, the only sign of an outage. Begins at most once in
 * 10 minutes; to be called before what came is handed over, for that moves the cursors. */
void slack_catch_up_retried(struct platform *workspace);
void slack_catch_up_destroy(struct slack_catch_up *catch_up);

/* files.c, context.c */
struct slack_files *slack_files_create(struct platform *workspace);
void slack_fetch(struct platform *workspace, const struct message_file *file, const char *path, int64_t max,
		 uint64_t ticket);
void slack_files_destroy(struct slack_files *files);
void slack_context(struct platform *workspace, const char *reply_to, uint64_t ticket);

/* place.c: a reply address, as JSON text in incoming.reply_to. */
struct slack_place {
	char team[SLACK_ID_MAX + 1], channel[SLACK_ID_MAX + 1];
	char thread[SLACK_ID_MAX + 1]; /* "" none */
	char user[SLACK_ID_MAX + 1];   /* who is answered */
	char ts[SLACK_ID_MAX + 1];     /* what is answered, "" for commands */
	bool direct;		       /* a direct message */
	char *response_url;	       /* for commands, and for shortcuts where we are no member; or NULL */
	int64_t made_ms;	       /* when response_url was given, Unix milliseconds */
};
char *slack_place_write(const struct slack_place *place); /* the caller frees */
bool slack_place_read(const char *text, struct slack_place *place_out);
bool slack_place_whispers(const struct slack_place *place); /* a command's: seen by who gave it */
void slack_place_finish(struct slack_place *place);

/* ---- render.c: Markdown to what Slack shows (sheet 16) ----------------------------------------------------- */

/* ops.split: mrkdwn texts of at most SLACK_TEXT_MAX characters each. Pure. */
size_t slack_split(struct platform *workspace, const char *markdown, char ***texts_out);

/* The same words without form, for the text beside blocks and when blocks are refused: still escaped, so that it can
 * be sent as it is. The caller frees. */
char *slack_plain(const char *mrkdwn);

/* A piece of growing Markdown for a stream: what Slack would read as a mention, a channel or a broadcast is made
 * harmless. The caller frees. */
char *slack_stream_text(const char *text, size_t len);

/* text.c: mrkdwn of a person's message to plain text (sheet 7.7). name gives what stands for an id ("U1", "C1", "S1")
 * or NULL. The caller frees. */
typedef const char *slack_name_fn(void *owner, char kind, const char *id);
char *slack_words(const char *mrkdwn, slack_name_fn *name, void *owner);

/* ---- send.c, stream.c, status.c: answers (sheet 12, 14, 17) ------------------------------------------------ */

/* Remote ids (host->sent, host->placed, out->placeholder) are "CHANNEL/TS"; what was sent to a response_url has none.
 * The streams, sends and signs of a workspace are destroyed before its lanes. */

struct slack_sends *slack_sends_create(struct platform *workspace);
void slack_send(struct platform *workspace, const struct outgoing *out, uint64_t ticket);
void slack_held(struct platform *workspace, uint64_t ticket, const struct err *err); /* ops.held */
size_t slack_sends_running(const struct slack_sends *sends);
void slack_sends_destroy(struct slack_sends *sends);

struct slack_streams *slack_streams_create(struct platform *workspace);
void slack_stream(struct platform *workspace, const struct outgoing_part *part);
/* The stream that stands for this answer is ended (and its remote id given) before its final text replaces what it
 * showed; done is called at once, with NULL, when there is none. ts: without the channel. */
typedef void slack_stream_end_fn(struct platform *workspace, void *owner, uint64_t ticket, const char *ts);
void slack_stream_end(struct platform *workspace, const struct outgoing *out, slack_stream_end_fn *done,
		      void *owner, uint64_t ticket);
void slack_stream_stopped(struct platform *workspace, const char *channel, const char *ts); /* by the user */
void slack_streams_destroy(struct slack_streams *streams);

/* status.c: signs of life; none of these failing ever stops an answer. */
struct slack_working *slack_working_create(struct platform *workspace);
void slack_working_begin(struct platform *workspace, const char *uuid, const struct slack_place *place,
			 const char *title); /* a message was accepted: "is thinking" */
void slack_working_end(struct platform *workspace, const struct outgoing *out);		 /* ops.ended */
void slack_prompts(struct platform *workspace, const char *channel, const char *thread); /* suggested ones */
void slack_working_destroy(struct slack_working *working);

/* ---- install.c, rotate.c, check.c, guide.c ------------------------------------------------------------------ */

struct slack_installs *slack_installs_create(struct slack *app);
bool slack_installs_start(struct slack_installs *installs, struct err *err); /* /slack/NAME/install, /oauth */
void slack_installed(struct slack_installs *installs, uint64_t ticket, const struct err *err,
		     const char *name);
bool slack_installs_busy(const struct slack_installs *installs); /* takes NULL */
void slack_installs_stop(struct slack_installs *installs);	 /* takes NULL: nobody new */
void slack_installs_destroy(struct slack_installs *installs);	 /* takes NULL */

/* rotate.c: refreshes a token before it expires; whoever needs it meanwhile waits. */
struct slack_rotation *slack_rotation_create(struct platform *workspace);
void slack_rotation_begin(struct platform *workspace); /* watches over the token's age from now on */
/* Refreshes now, then calls, in a later round. Not fresh: not to be had now (workspace->dead false: try again later)
 * or never (dead). Not called after slack_rotation_destroy. */
typedef void slack_fresh_fn(struct platform *workspace, void *owner, bool fresh);
void slack_fresh(struct platform *workspace, slack_fresh_fn *fn, void *owner);
bool slack_rotation_busy(const struct platform *workspace); /* a new token is not kept yet */
void slack_kept(struct platform *workspace, uint64_t ticket, const struct err *err);
void slack_rotation_destroy(struct slack_rotation *rotation);

/* The other side took us out (app_uninstalled, tokens_revoked): never called with the token in hand. from: who says so,
 * acknowledged when the core has erased what it kept, for it is not said again; or NULL. */
void slack_removed(struct platform *workspace, const struct slack_from *from, const char *why);
/* The same about an earlier moment, told late or once more: it may have been added again since. The token tells. */
void slack_doubt(struct platform *workspace, const struct slack_from *from, const char *why);

struct slack_checks *slack_checks_create(struct platform *workspace);
void slack_check(struct platform *workspace, uint64_t ticket); /* ops.check */
void slack_checks_destroy(struct slack_checks *checks);
extern const struct platform_guide slack_guide;

/* Scopes the bot needs, each with what is missing without it; ends with a NULL scope. */
struct slack_scope {
	const char *scope, *without;
};
extern const struct slack_scope slack_scopes[];
bool slack_scope_granted(const char *granted, const char *scope); /* granted: comma-separated */

#endif
