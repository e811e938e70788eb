/* One bot from the inside: what the files of this room share. Loop thread only.
 *
 * The way in:  shard.c (gateway) | hook.c (HTTP) | catch_up.c -> discord_take* (dispatch.c, inbound.c) -> host->incoming -> ack
 * The way out: send.c | preview.c -> rest.c -> the REST API
 * Facts and their sources: the protocol sheet of the platform, quoted as "(sheet N)" in comments. */
#ifndef USHER_DISCORD_ROOM_H
#define USHER_DISCORD_ROOM_H

#include "http.h"
#include "json.h"
#include "log.h"
#include "loop.h"
#include "platform.h"
#include "web.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct discord_note;
struct discord_lanes;
struct discord_gateway;
struct discord_inbound;
struct discord_interactions;
struct discord_places;
struct discord_catch_up;
struct discord_hook;
struct discord_commands;
struct discord_sends;
struct discord_previews;
struct discord_files;
struct discord_contexts;
struct discord_life;
struct discord_checks;

/* Ids are uint64 in decimal text (sheet 9); 0 stands for none. */
typedef uint64_t snowflake;

/* ---- discord.c ------------------------------------------------------------------------------------------ */

enum discord_limits {
	DISCORD_TEXT_MAX = 2000, /* code points of one message (sheet 14) */
	DISCORD_FRAME_MAX =
		32
		<< 20, /* bytes of one gateway message, inflated: guilds of many MiB come in one (sheet 8) */
	DISCORD_SEND_MAX = 4096,      /* bytes of a gateway message of ours (sheet 5) */
	DISCORD_BODY_MAX = 1 << 20,   /* bytes of an interaction or webhook event over HTTP */
	DISCORD_UPLOAD_MAX = 8 << 20, /* bytes of a document of ours; the platform's own limit is 10 MiB */
	DISCORD_FILE_SEND_MAX =
		10 << 20, /* bytes of a file that is sent: what every place takes (sheet 15) */
	DISCORD_FILE_BOOSTED_MAX =
		(25 << 20) - (64 << 10), /* and where boosts allow more: a request has no more than 25 MiB */
	DISCORD_NONCE_SIZE = 26,	 /* at most 25 characters (sheet 14) */
	DISCORD_BOT_TURNS_MAX = 5,	 /* answers to other bots in a row in one channel */
	DISCORD_TOKEN_MS = 15 * 60 * 1000, /* life of an interaction's token (sheet 10.3) */
};

enum discord_guild_rule { DISCORD_ADDRESSED, DISCORD_ALL, DISCORD_NEVER };

/* config.c. Strings are the settings' own and live as long as they. */
struct discord_config {
	const char *name;
	const char *bot_token; /* without "Bot " */
	const char *
		public_key; /* 64 hex digits: set when interactions come over HTTP, or webhook events; or NULL (then it
				   is read from the application) */
	const char *api_base; /* "https://discord.com/api/v10", no final slash */
	const char *
		file_base; /* files come from this base instead of the platform's two hosts; NULL: from those */
	enum discord_guild_rule
		guilds; /* in guilds: when mentioned, replied to or in a thread we are part of; always; never */
	bool threads;	/* a mention in a channel opens a thread for the conversation */
	bool message_content;	    /* ask for the privileged intent (sheet 1) */
	bool bots;		    /* answer other bots and webhooks, DISCORD_BOT_TURNS_MAX times in a row */
	bool preview;		    /* show answers as they grow */
	bool embeds;		    /* let links unfold; off: SUPPRESS_EMBEDS */
	bool commands;		    /* register the application's commands */
	snowflake command_guild;    /* register them in this guild only; 0: everywhere */
	bool compress;		    /* zlib-stream */
	unsigned shards;	    /* 0: as recommended */
	unsigned identifies_a_day;  /* never more IDENTIFYs in 24 hours; at most 1,000 */
	unsigned catch_up_hours;    /* missed messages that are older are not answered; 0: none are */
	unsigned catch_up_messages; /* at most so many a channel, of those that are for us */
	unsigned document_parts;    /* longer answers go out as a file; 0: never */
};
extern const struct setting discord_settings[];
bool discord_config_read(struct discord_config *config, const struct settings *settings, struct err *err);
void discord_config_finish(struct discord_config *config);

struct platform {
	struct platform_host *host;
	struct discord_config config;
	snowflake app_id;	/* application; 0 until read (GET /applications/@me, READY) */
	snowflake user_id;	/* of the bot; 0 until read */
	char *username;		/* or NULL */
	uint8_t public_key[32]; /* of the application */
	bool has_key;
	uint64_t app_flags; /* of the application: which privileged intents are on */
	bool dead; /* the token was refused, or the gateway said to stop (sheet 7): until the settings change */
	bool stopping, disabled;
	uint64_t last_ticket;
	struct discord_note *notes;		   /* notes.c: texts that are not durable yet */
	struct discord_life *life;		   /* life.c */
	struct discord_checks *checks;		   /* check.c */
	struct discord_lanes *lanes;		   /* rest.c */
	struct discord_gateway *gateway;	   /* gateway.c */
	struct discord_inbound *inbound;	   /* inbound.c */
	struct discord_interactions *interactions; /* interact.c */
	struct discord_places *places;		   /* places.c */
	struct discord_catch_up *catch_up;	   /* catch_up.c */
	struct discord_hook *hook;		   /* hook.c */
	struct discord_commands *commands;	   /* commands.c */
	struct discord_files *files;		   /* files.c */
	struct discord_contexts *contexts;	   /* context.c */
	struct discord_previews *previews;	   /* preview.c */
	struct discord_sends *sends;		   /* send.c */
};

uint64_t discord_ticket(struct platform *bot); /* never twice */
/* Nothing more is called or connected; the link is down with this reason. rest.c on 401, gateway.c on a close code of the
 * column "stop". */
void discord_dead(struct platform *bot, const char *why);
void discord_settle(struct platform *bot); /* something that stopping waits for has ended */
/* Ids as text: "" for 0. snowflake_read takes a JSON string or integer; 0 for anything else. */
enum { SNOWFLAKE_SIZE = 21 };
const char *snowflake_text(snowflake id, char out[SNOWFLAKE_SIZE]);
snowflake snowflake_parse(const char *text);
snowflake snowflake_read(const json_t *value);
int64_t snowflake_ms(snowflake id);	 /* when it was made, Unix milliseconds (sheet 9) */
snowflake snowflake_at(int64_t unix_ms); /* the first one of that millisecond */

/* What is remembered over a restart: host->remember under these names; all of it comes back through ops.recall before
 * start. Each file owns its names and answers for them: true when it was its name. Waiting for durable: see notes.c.
 *   "shard/ID"     {"session","url","seq","shards","seen"}   gateway (session of that shard, and how far it was taken)
 *   "identifies"   {"since","count"}                          gateway.c (the daily budget, written before each IDENTIFY)
 *   "commands"     hash of what was registered                commands.c
 */
typedef void discord_remembered_fn(struct platform *bot, void *owner, const struct err *err);
/* notes.c: host->remember with a callback (fn may be NULL), which does not come after discord_notes_forget of its owner:
 * whoever destroys an owner calls that, and nothing of it is left in bot->notes. */
void discord_remember(struct platform *bot, const char *name, const char *text, discord_remembered_fn *fn,
		      void *owner);
void discord_notes_forget(struct platform *bot, void *owner);
void discord_remembered(struct platform *bot, uint64_t ticket, const struct err *err); /* ops.remembered */

/* ---- rest.c: calls of the REST API (sheet 12, 13) ----------------------------------------------------------- */

enum discord_how {
	DISCORD_OK,	  /* 2xx */
	DISCORD_NOT_SENT, /* nothing left the house */
	DISCORD_MAYBE,	  /* may have happened: cut off, 5xx, not JSON where JSON was due */
	DISCORD_LIMITED, /* 429, blocked at the door (40333 or a page), or our own pace says wait: retry_ms */
	DISCORD_REFUSED, /* 4xx for this call: code and refusal say why */
	DISCORD_AUTH,	 /* 401 of the bot token: discord_dead was called */
};

/* What a refusal means, by its code (sheet 12): one table in rest_error.c. */
enum discord_refusal {
	DISCORD_OTHER,
	DISCORD_UNKNOWN_CHANNEL,     /* 10003, 10004: gone */
	DISCORD_UNKNOWN_MESSAGE,     /* 10008 */
	DISCORD_UNKNOWN_INTERACTION, /* 10062, 10015, 50027: its token is of no use any more */
	DISCORD_ALREADY,	     /* 40060: answered already */
	DISCORD_NO_ACCESS,	     /* 50001, 50013 ...: not allowed there */
	DISCORD_NO_DM,		     /* 50007, 50278 */
	DISCORD_TOO_LONG,	     /* 50035 about content's length, 40005 */
	DISCORD_EMPTY,		     /* 50006 */
	DISCORD_NO_REPLY, /* 50035 about message_reference, 160002: the message replied to is gone or out of reach */
	DISCORD_LOCKED,	       /* 160005, 50083 */
	DISCORD_THREAD_EXISTS, /* 160004 */
	DISCORD_OLD_EDITS,     /* 30046 */
	DISCORD_BLOCKED,       /* 200000, 240000: AutoMod */
	DISCORD_FILE,	       /* 50045, 50046, 50123 */
	DISCORD_WAIT,	       /* 20016, 20022, 20028, 20029, 40062, 130000, 110000: later */
};

struct discord_answer {
	enum discord_how how;
	enum discord_refusal refusal; /* with DISCORD_REFUSED */
	const json_t *body; /* with DISCORD_OK (NULL for 204) and, if it was JSON, DISCORD_REFUSED */
	int status, code;   /* of HTTP, and the platform's own; 0 without one */
	const char *why;    /* one line; NULL with DISCORD_OK. Never holds a token */
	unsigned retry_ms;  /* with DISCORD_LIMITED, and with DISCORD_WAIT when it says */
};

struct discord_call {
	const char *method; /* "GET", "POST", "PATCH", "PUT", "DELETE" */
	const char *path;   /* below api_base, from "/" on, with its query */
	json_t *args;	    /* the JSON body, taken over; NULL none */
	bool no_token; /* interaction and webhook routes: no Authorization header, outside the global limit; 401 and
			       404 are about that token, not the bot's */
	bool anyway; /* also while bot->dead: what the operator asks */
	bool droppable; /* an edit of a preview or a sign of life: DISCORD_LIMITED at once when it would have to wait */
	const char *file;      /* contents of a document to upload as files[0] (POST only), or NULL; copied */
	size_t file_len;       /* at most DISCORD_UPLOAD_MAX */
	const char *file_path; /* instead of file: read as it is sent; it must stay until the answer */
	const char *file_name, *file_type;
	unsigned wait_ms; /* longest wait for its turn before DISCORD_LIMITED; 0: 10 s */
	unsigned
		total_ms; /* of the request; 0: 15 s, 60 s with a file, 80 s with one that is read as it is sent */
	size_t answer_max; /* bytes; 0: 1 MiB */
};
typedef void discord_rest_fn(struct platform *bot, void *owner, uint64_t ticket,
			     const struct discord_answer *answer);

/* One call, never repeated by itself. Calls of one bucket and major parameter go out one after the other, in the order
 * they came; a bucket that is empty waits for its reset; 429 pauses that bucket, or all when it is global. 403s are
 * remembered by channel, method and route for a while and answered without asking; 401 ends all. Requests that count as
 * invalid (sheet 13.7) are counted over 10 minutes: from 1,000 on only what can't be dropped goes out, from 5,000 on
 * nothing. The answer comes in a later round, once, unless cancelled; the callback may start and cancel calls, but not
 * destroy the lanes. Returns an id, never 0. */
uint64_t discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
		      uint64_t ticket);
void discord_rest_cancel(struct platform *bot, uint64_t id); /* unknown ids are ignored */
char *discord_agent(const struct platform *bot);	     /* the User-Agent header; the caller frees */
struct discord_lanes *discord_lanes_create(struct platform *bot);
size_t discord_lanes_running(const struct discord_lanes *lanes);
void discord_lanes_destroy(struct discord_lanes *lanes); /* cancels; no callback comes */

/* ---- gateway.c, shard.c: the gateway (sheet 4 to 8) ---------------------------------------------------------- */

struct discord_gateway *discord_gateway_create(struct platform *bot);
/* Notes of an earlier process, before start. True when the name is the gateway's. */
bool discord_gateway_recall(struct discord_gateway *gateway, const char *name, const char *text);
/* Connects all shards and keeps them connected: asks GET /gateway/bot, resumes what can be resumed, else IDENTIFYs inside
 * max_concurrency and the daily budget. Again after a stop. Tells host->link. */
void discord_gateway_start(struct discord_gateway *gateway);
/* Takes nothing new, writes how far everything was taken, and closes with 4200 so that the sessions stay resumable (sheet
 * 6.4); ends in discord_settle. for_good: with 1000 (the installation was switched off). */
void discord_gateway_stop(struct discord_gateway *gateway, bool for_good);
bool discord_gateway_idle(const struct discord_gateway *gateway);
void discord_gateway_destroy(struct discord_gateway *gateway);

/* An event (one dispatch) of a shard on its way: the sequence of the shard stands in front of it until it is taken. Every
 * discord_take is answered by exactly one discord_taken, at once (inside) or later, in any order. */
struct discord_event {
	unsigned shard;
	uint64_t number; /* of the connection's life in this process, never used twice */
	uint64_t seq;
};
/* again_ms 0: it is committed, or there is nothing to commit. Else it could not be stored: the gateway hands the same event
 * over again after that time (it keeps the text, at most GATEWAY_HELD of them, then stops reading by closing and resuming
 * later from before it). */
void discord_taken(struct platform *bot, const struct discord_event *event, unsigned again_ms);

/* The time up to which everything of this shard was taken; 0: it was never connected, nothing was missed. While READY is
 * handed over: where the catch-up of the new session begins. */
snowflake discord_gateway_seen(const struct discord_gateway *gateway, unsigned shard);

/* The catch-up of this shard is over: the time up to which everything was seen ("seen") moves on again. Called by
 * catch_up.c for each discord_catch_up_begin. Until then the note of the shard must not be one that a next process
 * resumes: it would get no READY and no channels, and what was not read yet would be missed for good. */
void discord_gateway_caught_up(struct discord_gateway *gateway, unsigned shard);

/* ---- dispatch.c, inbound.c: from an event to the core ------------------------------------------------------------ */

struct discord_inbound *discord_inbound_create(struct platform *bot);
void discord_inbound_destroy(struct discord_inbound *inbound);
/* True when a dispatch of this name is of any interest: others are not even parsed. */
bool discord_wants(const char *event_name);
/* One dispatch (d is borrowed for the call). Of GUILD_CREATE, what nobody reads (members, presences, emojis ...: see
 * left_out in frame.c) is not among d. An event that has to wait holds up later ones of its channel, no others. READY and
 * RESUMED come here, too, after the gateway has taken what it needs: READY reconciles the list of guilds, and for a session
 * that was not resumed begins the catch-up of that shard. */
void discord_take(struct platform *bot, const struct discord_event *event, const char *name, const json_t *d);
/* A message read by catch_up.c goes the same way; done is called when the core has decided, or at once when there is
 * nothing for it to decide. ack NULL: nothing to decide. Not called any more after discord_inbound_destroy. */
typedef void discord_caught_fn(struct platform *bot, void *owner, const struct ack *ack);
void discord_take_caught(struct platform *bot, snowflake guild, const json_t *message,
			 discord_caught_fn *done, void *owner);
void discord_acked(struct platform *bot, uint64_t receipt, const struct ack *ack); /* ops.ack */
size_t discord_inbound_owed(const struct discord_inbound *inbound); /* events without an answer yet */

/* interact.c: an interaction (sheet 10), from the gateway or from HTTP, is stored as INCOMING_COMMAND or as something said,
 * and only then answered. told is called once, also inside the call, with the response that was given or, over HTTP, is to
 * be given (JSON object, borrowed: type 1, 4, 5, 6, 8); with NULL when it could not be stored: hand it over again (HTTP:
 * 503). From the gateway interact.c itself posts the callback, after the commit; told does not wait for that. */
typedef void discord_told_fn(struct platform *bot, void *owner, const json_t *response);
void discord_interact(struct platform *bot, const json_t *interaction, discord_told_fn *told, void *owner);
/* The same over HTTP: nothing is posted. false: it is no interaction, and told is not called (HTTP: 400). */
bool discord_interact_http(struct platform *bot, const json_t *interaction, discord_told_fn *told,
			   void *owner);
void discord_interact_forget(struct platform *bot, void *owner); /* told does not come any more */
/* Answer of the core to an interaction: true when the receipt is one of these. discord_acked asks this first. */
bool discord_interact_acked(struct platform *bot, uint64_t receipt, const struct ack *ack);
/* Interactions without the core's answer, and callbacks under way; ends in discord_settle. */
size_t discord_interact_owed(const struct discord_interactions *interactions);
struct discord_interactions *discord_interactions_create(struct platform *bot); /* before start */
void discord_interactions_destroy(struct discord_interactions *interactions);

/* guilds.c: who added us (sheet 3). */
void discord_installed(struct platform *bot, uint64_t ticket, const struct err *err,
		       const char *name);				 /* ops.installed */
void discord_known(struct platform *bot, const struct install *install); /* ops.known */
bool discord_guild_off(const struct platform *bot, snowflake guild);	 /* the operator switched it off */
int64_t discord_file_max(const struct platform *bot,
			 snowflake guild); /* bytes of a file that is sent there; guild 0: to a person */
/* A webhook event of HTTP (sheet 3.1). done: false means 503, send it again. */
typedef void discord_event_done_fn(struct platform *bot, void *owner, bool kept);
void discord_take_webhook(struct platform *bot, const json_t *event, discord_event_done_fn *done,
			  void *owner);

/* places.c: what channels are. Kept from GUILD_CREATE, THREAD_* and what messages say of their channel; bounded, what is
 * not known is asked for (GET /channels/ID). */
struct discord_channel {
	snowflake id, guild, parent, owner, last_message; /* 0 unknown or none */
	int type;					  /* sheet 9.3, -1 unknown */
};
bool discord_is_thread(int type);
const struct discord_channel *discord_channel_find(const struct discord_places *places,
						   snowflake id); /* or NULL */
void discord_channel_learn(struct discord_places *places,
			   const struct discord_channel *channel); /* a copy is kept */
void discord_channel_forget(struct discord_places *places, snowflake id);
void discord_guild_forget(struct discord_places *places, snowflake guild);
/* Conversations of ours: threads and channels in which a message without our name may be meant for us. From cursors, from
 * threads we made, from what was stored. */
void discord_follow(struct discord_places *places, snowflake channel);
bool discord_follows(const struct discord_places *places, snowflake channel);
struct discord_places *discord_places_create(struct platform *bot);
void discord_places_destroy(struct discord_places *places);

/* hook.c, verify.c: /discord/NAME/interactions and /discord/NAME/events (sheet 3.1, 10.2). */
struct discord_hook *discord_hook_create(struct platform *bot);
bool discord_hook_start(struct discord_hook *hook, struct err *err);
void discord_hook_stop(struct discord_hook *hook); /* new ones get 503; what was taken is still answered */
void discord_hook_destroy(struct discord_hook *hook);
/* Ed25519 over timestamp and raw body. Pure. signature: 128 hex digits. */
bool discord_signed(const uint8_t public_key[32], const char *signature, const char *timestamp,
		    const void *body, size_t len);

/* commands.c: registered only when they differ from what was registered (sheet 11). */
struct discord_commands *discord_commands_create(struct platform *bot);
bool discord_commands_recall(struct discord_commands *commands, const char *name, const char *text);
void discord_commands_register(
	struct discord_commands *commands); /* once app_id is known; again does no harm */
void discord_commands_destroy(struct discord_commands *commands);
#define DISCORD_ASK_MESSAGE "Ask usher" /* the message command */
/* custom_id of buttons of ours: this and a command. Anybody can send any data: what it does, the presser could do by writing,
 * too. */
#define DISCORD_PRESS_SAY "say/"

/* ---- catch_up.c: messages missed while we were away ------------------------------------------------------------ */

/* Cursors: position the id of the newest message of that channel that was decided about; scope "channel/ID" in guilds,
 * "direct/ID" of direct messages, which no guild lists. Moved with every message that is handed to the core, live or read. */
#define DISCORD_CURSOR	      "channel/"
#define DISCORD_CURSOR_DIRECT "direct/"
struct discord_catch_up *discord_catch_up_create(struct platform *bot);
/* ops.cursor; and inbound.c, when the core has decided about a message (not BUSY, not FAILED): a later session starts
 * there. Other scopes are left alone; a cursor never goes back. */
void discord_catch_up_cursor(struct platform *bot, const char *scope, const char *position);
/* A fresh session of this shard after one that was lost: everything before `seen` was seen live (0: there was none). The
 * channels come with discord_catch_up_offer as their guilds arrive; direct messages are those with a cursor (shard 0).
 * Again: begins anew. Answered with discord_gateway_caught_up, in a later round, unless it is begun again or stopped. */
void discord_catch_up_begin(struct platform *bot, unsigned shard, unsigned shards, snowflake seen);
/* Each channel and active thread of a GUILD_CREATE, while that is taken (any kind: what can't be read is left out). Not
 * of a guild that has just added us. since: when it did; 0: not known. */
void discord_catch_up_offer(struct platform *bot, unsigned shard, const struct discord_channel *channel,
			    snowflake since);
/* Missed messages of this channel are still being read: a live one that would be handed to the core has to wait
 * (discord_taken with again_ms, DISCORD_HELD_MS): taken now, it would move the cursor past them. Asked only about
 * messages for us: the others cost nothing. */
enum { DISCORD_HELD_MS = 1000 };
bool discord_catch_up_holds(const struct platform *bot, snowflake channel);
/* Reads nothing more; nobody is told. */
void discord_catch_up_stop(struct platform *bot);
void discord_catch_up_destroy(struct discord_catch_up *up);

/* files.c: ops.fetch; a URL that has expired is asked for anew through its message. context.c: ops.context. */
struct discord_files *discord_files_create(struct platform *bot);
void discord_fetch(struct platform *bot, const struct message_file *file, const char *path, int64_t max,
		   uint64_t ticket);
void discord_files_destroy(struct discord_files *files);
/* message_file.url of a message's attachment: where it is and which message to ask again. The caller frees. */
char *discord_file_write(snowflake channel, snowflake message, snowflake attachment, const char *url);
struct discord_contexts *discord_contexts_create(struct platform *bot);
void discord_context(struct platform *bot, const char *reply_to, uint64_t ticket);
void discord_contexts_destroy(struct discord_contexts *contexts);

/* place.c: a reply address, as JSON text in incoming.reply_to. */
struct discord_place {
	snowflake guild; /* 0: a direct message */
	snowflake
		channel; /* where the answer goes; with open_thread: where the message was, and the thread (id == message)
			      is made from it first (sheet 17) */
	snowflake message; /* what is replied to, 0: nothing */
	snowflake user;	   /* who is answered: the only one an answer may notify */
	bool open_thread;
	bool whisper; /* an interaction whose answer only that person sees (EPHEMERAL) */
	char *token;  /* of an interaction, or NULL: the answer replaces its "thinking" message */
	char *press_token; /* of a press, or NULL: for what only who pressed may see; the message pressed stays as it is */
	int64_t made_ms;       /* when the token was given, Unix milliseconds */
	char thread_name[101]; /* with open_thread */
};
char *discord_place_write(const struct discord_place *place); /* the caller frees */
bool discord_place_read(const char *text, struct discord_place *place_out);
void discord_place_finish(struct discord_place *place);

/* words.c: content of a person's message to plain text: our own mention away, users and channels by their names, what
 * snapshots and referenced messages add (sheet 9). The caller frees. */
char *discord_words(const struct platform *bot, const json_t *message);

/* ---- render.c (sheet 18) ----------------------------------------------------------------------------------------- */

/* ops.split: texts of at most DISCORD_TEXT_MAX code points, fences closed and opened again. Pure. */
size_t discord_split(struct platform *bot, const char *markdown, char ***texts_out);

/* ---- send.c, preview.c (sheet 14, 19) ------------------------------------------------------------------------------ */

/* Remote ids (host->sent, host->placed, out->placeholder) are "CHANNEL/MESSAGE"; of an interaction's own message
 * "@original". A new message carries out->uuid as its nonce; an unknown outcome is repeated with it for two minutes, later
 * the channel is read back. What stands for the answer (preview) is replaced by an edit, which may be repeated freely. */
struct discord_sends *discord_sends_create(struct platform *bot);
void discord_send(struct platform *bot, const struct outgoing *out, uint64_t ticket);
/* A message of our own was seen on the gateway: a create whose answer was lost is known by its nonce. */
void discord_sends_seen(struct platform *bot, const char *nonce, snowflake channel, snowflake message);
size_t discord_sends_running(const struct discord_sends *sends);
void discord_sends_destroy(struct discord_sends *sends);
/* 22 characters of base64url of the uuid's 16 bytes; suffix tells things of one answer apart ('a' answer, 'p' preview). */
void discord_nonce(const char *uuid, char suffix, char out[DISCORD_NONCE_SIZE]);

/* preview.c, working.c: typing while it works, and the answer as it grows. */
struct discord_previews *discord_previews_create(struct platform *bot);
void discord_working_begin(struct platform *bot, const char *uuid, const struct discord_place *place);
void discord_preview(struct platform *bot, const struct outgoing_part *part); /* ops.stream */
void discord_working_end(struct platform *bot, const struct outgoing *out);   /* ops.ended */
void discord_previews_destroy(struct discord_previews *previews);

/* ---- life.c, check.c, guide.c ---------------------------------------------------------------------------------------- */

/* life.c: GET /applications/@me and /users/@me until they are answered, then hook, commands and gateway. */
struct discord_life *discord_life_create(struct platform *bot);
bool discord_life_start(struct platform *bot, struct err *err); /* ops.start */
void discord_life_enable(struct platform *bot, bool enabled);	/* ops.enable */
void discord_life_stop(struct platform *bot);			/* ops.stop */
bool discord_life_runs(const struct platform *bot);		/* between start and stop */
void discord_life_destroy(struct discord_life *life);

struct discord_checks *discord_checks_create(struct platform *bot);
void discord_check(struct platform *bot, uint64_t ticket); /* ops.check */
void discord_checks_destroy(struct discord_checks *checks);
extern const struct platform_guide discord_guide;

/* Permission bits the bot asks for (sheet 2.1), with what is missing without each; ends with a bit of 0. */
struct discord_permission {
	uint64_t bit;
	const char *name, *without;
};
extern const struct discord_permission discord_permissions[];

#endif
