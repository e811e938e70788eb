/* One bot from the inside: what the files of this room share. Loop thread only.
 *
 * The way in:  poll.c | hook.c -> telegram_take (inbound.c: decode.c, entities.c, album.c) -> host->incoming -> ack
 * The way out: send.c | preview.c -> api.c -> the Bot API
 * Facts and their sources: the protocol sheet of the platform, quoted as "(sheet N)" in comments. */
#ifndef USHER_TELEGRAM_ROOM_H
#define USHER_TELEGRAM_ROOM_H

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

struct telegram_lanes;
struct telegram_poll;
struct telegram_hook;
struct telegram_inbound;
struct telegram_sends;
struct telegram_previews;
struct telegram_files;
struct telegram_life;
struct telegram_checks;

/* ---- config.c ------------------------------------------------------------------------------------------ */

enum telegram_transport { TELEGRAM_POLL, TELEGRAM_WEBHOOK };
enum telegram_groups { TELEGRAM_ADDRESSED, TELEGRAM_ALL, TELEGRAM_NEVER };

/* Strings are the settings' own and live as long as they. */
struct telegram_config {
	const char *name;
	enum telegram_transport transport;
	const char *bot_token;
	const char
		*api_base; /* "https://api.telegram.org", no final slash; a server of one's own otherwise */
	const char *file_base;	     /* where files are fetched: api_base + "/file" unless set */
	const char *secret;	     /* of webhook deliveries; NULL: made from the token */
	bool local_files;	     /* that server hands out paths of its own machine (--local) */
	enum telegram_groups groups; /* in groups: when mentioned, replied to or commanded; always; never */
	bool channels;		     /* answer posts of channels */
	bool bots;		     /* answer other bots too, TELEGRAM_BOT_TURNS_MAX times in a row */
	bool preview;		     /* show answers as they grow */
	bool take_over;		     /* a webhook somebody set elsewhere is removed when polling */
	unsigned old_minutes;	     /* commands that are older are not carried out */
	unsigned document_parts;     /* longer answers go out as a file; 0: never */
};
extern const struct setting telegram_settings[];
bool telegram_config_read(struct telegram_config *config, const struct settings *settings, struct err *err);
bool telegram_config_fits(const struct telegram_config *config, const struct settings *settings,
			  const struct platform_host *host, struct err *err); /* this machine can do it */
void telegram_config_finish(struct telegram_config *config);

/* ---- telegram.c ----------------------------------------------------------------------------------------- */

enum telegram_limits {
	TELEGRAM_TEXT_MAX = 4096,	      /* UTF-16 units of one message, after entities (sheet 6.2) */
	TELEGRAM_RAW_MAX = 30000,	      /* bytes of its HTML */
	TELEGRAM_BODY_MAX = 1 << 20,	      /* bytes of a delivery; the server's own limit is 512 KiB */
	TELEGRAM_BATCH_MAX = 4 << 20,	      /* bytes of an answer of getUpdates; asked for less then */
	TELEGRAM_FILE_MAX = 20 << 20,	      /* bytes the cloud server hands out (sheet 6.9) */
	TELEGRAM_UPLOAD_MAX = 8 << 20,	      /* bytes of a document of ours that is held in memory */
	TELEGRAM_SEND_MAX = 50000000,	      /* bytes of a file that the cloud server takes (sheet 6.9) */
	TELEGRAM_SEND_LOCAL_MAX = 2000000000, /* and one of one's own with --local */
	TELEGRAM_ACK_MS = 5000,
	TELEGRAM_BOT_TURNS_MAX = 5,
};

struct platform {
	struct platform_host *host;
	struct telegram_config config;
	int64_t bot_id;	 /* left part of the token */
	char *username;	 /* without "@"; NULL until getMe has answered */
	bool reads_all;	 /* privacy mode is off (sheet 1.3) */
	bool has_drafts; /* sendMessageDraft exists there */
	bool dead;	 /* the token was refused */
	bool stopping, disabled;
	uint64_t last_ticket;
	struct telegram_life *life;
	struct telegram_checks *checks;
	struct telegram_lanes *lanes;
	struct telegram_poll *poll;
	struct telegram_hook *hook;
	struct telegram_inbound *inbound;
	struct telegram_sends *sends;
	struct telegram_presses *presses;
	struct telegram_previews *previews;
	struct telegram_files *files;
};

uint64_t telegram_ticket(struct platform *bot); /* never twice */
void telegram_token_dead(struct platform *bot, const char *why);
void telegram_settle(struct platform *bot); /* something that stopping waits for has ended */

/* ---- api.c: calls of the Bot API (sheet 2) ----------------------------------------------------------------- */

enum telegram_how {
	TELEGRAM_OK,
	TELEGRAM_NOT_SENT, /* nothing left the house */
	TELEGRAM_MAYBE,	   /* may have happened: cut off, 5xx, not JSON */
	TELEGRAM_LIMITED,  /* 429, or our own pace says wait: retry_ms */
	TELEGRAM_REFUSED,  /* "ok": false for this call */
	TELEGRAM_AUTH,	   /* 401 or 404 of the token: bot->dead is set */
};

/* What a refusal means, by its description (sheet 2.4): one table in api_error.c. */
enum telegram_refusal {
	TELEGRAM_OTHER,
	TELEGRAM_NOT_MODIFIED, /* success */
	TELEGRAM_NO_MESSAGE,   /* the message to edit is gone, or can't be edited */
	TELEGRAM_NO_REPLY,     /* the message replied to is gone */
	TELEGRAM_NO_TOPIC,     /* message thread not found */
	TELEGRAM_TOO_LONG,
	TELEGRAM_BAD_MARKUP, /* can't parse entities */
	TELEGRAM_MOVED,	     /* the group became a supergroup: moved_to */
	TELEGRAM_CHAT_GONE,  /* blocked, kicked, deleted, never met */
	TELEGRAM_NO_METHOD,  /* an older server */
	TELEGRAM_CONFLICT,   /* 409 */
	TELEGRAM_FILE,	     /* too big, or its id is of no use here */
};

struct telegram_answer {
	enum telegram_how how;
	enum telegram_refusal refusal; /* with TELEGRAM_REFUSED */
	const json_t *result;	       /* with TELEGRAM_OK */
	int code;		       /* error_code, or the status of HTTP; 0 without an answer */
	const char *why;   /* description, or our words; NULL with TELEGRAM_OK. Never holds the token */
	int64_t moved_to;  /* with TELEGRAM_MOVED */
	unsigned retry_ms; /* with TELEGRAM_LIMITED; as long as the platform says, hours too */
	bool too_large;	   /* with TELEGRAM_MAYBE: the answer had more than TELEGRAM_BATCH_MAX */
	const char
		*unread; /* with TELEGRAM_MAYBE: a whole answer of status 200 that is not JSON by our rule */
};

struct telegram_call {
	const char *method;
	json_t *args;	/* object, taken over; NULL none */
	int64_t chat;	/* whose pace counts: calls of one chat go out one after the other; 0: none */
	bool group;	/* that chat is a group or a channel: 20 a minute */
	bool droppable; /* an edit or a sign of life: TELEGRAM_LIMITED at once when it would have to wait, or
			     would leave no room for what can't be dropped */
	const char *file; /* contents of a document to upload with it (field "document"), or NULL; copied */
	size_t file_len;  /* at most TELEGRAM_UPLOAD_MAX */
	const char *file_path; /* instead of file: read as it is sent; it must stay until the answer */
	const char *file_name, *file_type; /* type NULL: application/octet-stream */
	unsigned wait_ms;		   /* longest wait for its turn before TELEGRAM_LIMITED; 0: 10 s */
	unsigned
		total_ms; /* of the request; 0: 15 s, 60 s with a file, 80 s with one that is read as it is sent */
	unsigned first_byte_ms; /* until the answer begins; 0: total_ms */
	unsigned idle_ms;	/* without a byte of the answer; 0: no such limit */
};
typedef void telegram_api_fn(struct platform *bot, void *owner, uint64_t ticket,
			     const struct telegram_answer *answer);

/* One call, never repeated by itself. The answer comes in a later round, once, unless cancelled; the callback may start
 * and cancel calls, but not destroy the lanes. 429 pauses exactly that chat (all chats when three get it within seconds).
 * getUpdates waits for nobody. Returns an id, never 0. */
uint64_t telegram_api(struct platform *bot, struct telegram_call *call, telegram_api_fn *fn, void *owner,
		      uint64_t ticket);
void telegram_api_cancel(struct platform *bot, uint64_t id); /* unknown ids are ignored */
struct telegram_lanes *telegram_lanes_create(struct platform *bot);
size_t telegram_lanes_running(const struct telegram_lanes *lanes);
void telegram_lanes_destroy(struct telegram_lanes *lanes); /* cancels; no callback comes */

/* ---- poll.c, hook.c: the two transports (sheet 3, 4) ---------------------------------------------------------- */

struct telegram_poll *telegram_poll_create(struct platform *bot);
/* The newest update taken in. Only for the log: updates of several chats are stored in any order, so an older one may
 * still be missing. The first question names no offset: the platform knows best what was never confirmed. */
void telegram_poll_cursor(struct telegram_poll *poll, const char *position);

/* album.c: the latest album of a group that spoke to us before the start; scope is TELEGRAM_ALBUM_CURSOR and the chat. */
#define TELEGRAM_ALBUM_CURSOR "album/"
void telegram_album_recall(struct telegram_inbound *inbound, const char *chat, const char *position);
void telegram_poll_start(struct telegram_poll *poll);
void telegram_poll_stop(struct telegram_poll *poll);
void telegram_poll_destroy(struct telegram_poll *poll);

struct telegram_hook *telegram_hook_create(struct platform *bot);
bool telegram_hook_start(struct telegram_hook *hook,
			 struct err *err); /* claims /telegram/NAME/update, setWebhook */
void telegram_hook_stop(
	struct telegram_hook *hook); /* the webhook stays set: what comes meanwhile waits there */
char *telegram_hook_url(const struct platform *bot); /* NULL without public_url; the caller frees */
void telegram_hook_destroy(struct telegram_hook *hook);

/* The updates that are asked for: the same list in both transports. The caller releases. */
json_t *telegram_allowed_updates(void);

/* ---- inbound.c ------------------------------------------------------------------------------------------------ */

/* What became of one update. TAKEN: committed, or nothing to store: the offset may pass it. LATER: not stored, the same
 * update is to be handed over again. */
enum telegram_taken { TELEGRAM_TAKEN, TELEGRAM_LATER };
typedef void telegram_taken_fn(struct platform *bot, void *owner, uint64_t ticket, enum telegram_taken how,
			       unsigned retry_ms);

struct telegram_inbound *telegram_inbound_create(struct platform *bot);
void telegram_inbound_destroy(struct telegram_inbound *inbound);
/* One update (borrowed). Never answered inside itself; order of a chat is kept: after LATER, later updates of the same
 * chat are answered LATER too, until the first one has been handed over again. No answer comes after destroy. */
void telegram_take(struct platform *bot, const json_t *update, telegram_taken_fn *fn, void *owner,
		   uint64_t ticket);
void telegram_acked(struct platform *bot, uint64_t receipt, const struct ack *ack); /* ops.ack */
/* ops.installed: the note of a group that we were put into, or that moved, is kept. */
void telegram_installed(struct platform *bot, uint64_t ticket, const struct err *err, const char *name);
/* Updates without an answer yet; stopping waits until there are none. */
size_t telegram_inbound_owed(const struct telegram_inbound *inbound);

/* How the callback_data of our buttons begins; a command follows. Any other does nothing. */
#define TELEGRAM_PRESS_SAY "say/"

/* commands.c: setMyCommands, only when the list differs from the one there. */
void telegram_commands_register(struct platform *bot);

/* presses.c: buttons whose press is answered when it is known what came of it, or a few seconds later. */
enum { TELEGRAM_PRESS_SIZE = 64 };
struct telegram_presses *telegram_presses_create(struct platform *bot);
void telegram_press_wait(struct platform *bot, const char *id);
/* It waits no longer, if it did. answer: the button is told so, without words; else the caller does it. */
void telegram_press_over(struct platform *bot, const char *id, bool answer);
void telegram_press_answer(struct platform *bot, const char *id, const char *text);
void telegram_presses_destroy(struct telegram_presses *presses);

/* place.c: a reply address, as JSON text in incoming.reply_to. */
struct telegram_place {
	int64_t chat, message;		 /* what is answered; message 0: nothing, it is only said there */
	int64_t topic;			 /* message_thread_id to send with, 0 none (never 1: sheet 5.8) */
	bool group, private;		 /* neither: a channel */
	char press[TELEGRAM_PRESS_SIZE]; /* id of the button's press that said it, or "" */
};
char *telegram_place_write(const struct telegram_place *place); /* the caller frees */
bool telegram_place_read(const char *text, struct telegram_place *place_out);

/* files.c: ops.fetch through getFile */
struct telegram_files *telegram_files_create(struct platform *bot);
void telegram_fetch(struct platform *bot, const struct message_file *file, const char *path, int64_t max,
		    uint64_t ticket);
void telegram_files_destroy(struct telegram_files *files);

/* ---- render.c (sheet 7) ------------------------------------------------------------------------------------------ */

/* ops.split: HTML texts, each at most TELEGRAM_TEXT_MAX units after entities and TELEGRAM_RAW_MAX bytes. Pure. */
size_t telegram_split(struct platform *bot, const char *markdown, char ***texts_out);

/* The same words without form. The caller frees. */
char *telegram_plain(const char *html);

/* Length in UTF-16 code units. */
size_t telegram_units(const char *text, size_t len);

/* ---- send.c, preview.c ---------------------------------------------------------------------------------------------- */

/* The Bot API has no key against doubles: a final text goes out as an edit of a message that is on record
 * (host->hold) before its text is put in. A lost answer leaves a stray "…", never a second answer. */
struct telegram_sends *telegram_sends_create(struct platform *bot);
void telegram_send(struct platform *bot, const struct outgoing *out, uint64_t ticket);
void telegram_held(struct platform *bot, uint64_t ticket, const struct err *err); /* ops.held */
size_t telegram_sends_running(const struct telegram_sends *sends);
void telegram_sends_destroy(struct telegram_sends *sends);

/* preview.c: drafts in private chats, post and edit elsewhere; typing while it works. */
struct telegram_previews *telegram_previews_create(struct platform *bot);
void telegram_working_begin(struct platform *bot, const char *uuid, const struct telegram_place *place);
void telegram_preview(struct platform *bot, const struct outgoing_part *part);
void telegram_working_end(struct platform *bot, const struct outgoing *out); /* ops.ended */
void telegram_previews_destroy(struct telegram_previews *previews);

/* ---- life.c, check.c, guide.c ---------------------------------------------------------------------------------------- */

/* life.c: getMe until it is answered, then the transport; what the link says while the transport says nothing. */
struct telegram_life *telegram_life_create(struct platform *bot);
bool telegram_life_start(struct platform *bot, struct err *err); /* ops.start */
void telegram_life_enable(struct platform *bot, bool enabled);	 /* ops.enable */
void telegram_life_stop(struct platform *bot);			 /* ops.stop */
bool telegram_life_runs(const struct platform *bot);		 /* between start and stop */
/* ops.installed: false when it is not of our own record. */
bool telegram_life_recorded(struct platform *bot, uint64_t ticket, const struct err *err);
/* Who we are, by an answer of getMe. False: it is not about this bot. */
bool telegram_identify(struct platform *bot, const json_t *user);
void telegram_life_destroy(struct telegram_life *life);

struct telegram_checks *telegram_checks_create(struct platform *bot);
void telegram_check(struct platform *bot, uint64_t ticket); /* ops.check */
void telegram_checks_destroy(struct telegram_checks *checks);
extern const struct platform_guide telegram_guide;

#endif
