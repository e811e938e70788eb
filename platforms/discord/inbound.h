/* An event's way to the core, from the inside: decode, judge, wait for its turn in its channel, hand over, tell the
 * gateway. Loop thread only. */
#ifndef USHER_DISCORD_INBOUND_H
#define USHER_DISCORD_INBOUND_H

#include "decode.h"
#include "flakes.h"
#include "recent.h"

struct arena;
struct discord_line;
struct discord_guilds;

/* Whom to tell what became of an event: a gateway event (of a bulk deletion several arrivals), or catch_up.c. */
struct discord_taker {
	struct platform *bot;
	struct discord_event event;
	discord_caught_fn *done; /* of catch_up.c; NULL: the gateway */
	void *owner;
	unsigned open;	   /* arrivals that are not ended */
	unsigned again_ms; /* the longest that one of them asks for; 0: all are taken */
	struct discord_taker *prev, *next;
};

/* A message, an edit or a deletion until the core has decided. Each is among inbound->open. */
struct discord_arrival {
	struct platform *bot;
	struct discord_taker *taker;
	snowflake channel, message, thread; /* thread: the one that is made from it, 0 none */
	json_t *waits; /* the message, while its channel is being asked for: it is not built yet */
	snowflake guild;
	bool edited;
	uint64_t call; /* of discord_rest */

	struct arena *arena; /* what `in` points to; nothing is borrowed from the event */
	struct incoming in;
	struct discord_place place;
	uint32_t hash;	 /* of its words */
	bool shows_work; /* typing is shown once it is stored */
	bool poison;	 /* what it was can't be stored: that it came is */
	bool owed;	 /* the core has it */
	struct discord_line *line;
	struct discord_arrival *behind; /* in the same channel */
	struct discord_arrival *prev, *next;
	UT_hash_handle hh; /* inbound->owed, by in.receipt */
};

/* Arrivals of one channel. The core has only the first one, so that one that must come again passes nobody. */
struct discord_line {
	snowflake channel;
	struct discord_arrival *head;
	UT_hash_handle hh;
};

struct discord_inbound {
	struct platform *bot;
	struct discord_arrival *open;
	struct discord_arrival *owed;
	struct discord_line *lines;
	struct discord_again *again;  /* line.c */
	struct discord_taker *takers; /* of interactions */
	struct discord_guilds *guilds;
	size_t count;	       /* of open */
	struct recents bots;   /* messages of bots in a row, by channel */
	struct recents edits;  /* the newest edit, by message */
	struct flakes said;    /* messages that the core was given, with hashes of their words */
	uint32_t *said_hashes; /* by their numbers in said; 0: not known */
	struct flakes own;     /* messages of ours */
	struct flakes others;  /* threads in which we do not talk, as the core says */
	snowflake began;       /* what is older may have been said to an earlier process */
	uint64_t hinted_ms;    /* when the hint of pitfall 26 was given last; 0 never */
};

/* ---- inbound.c: events of what is said, from dispatch.c; each tells the gateway ---------------------------------- */

enum { INBOUND_LATER_MS = 1000 }; /* what can't be taken now comes again after this */

void discord_take_said(struct platform *bot, const struct discord_event *event, const json_t *d, bool edited);
void discord_take_deleted(struct platform *bot, const struct discord_event *event, const json_t *d);
void discord_take_bulk(struct platform *bot, const struct discord_event *event, const json_t *d);
void discord_take_interaction(struct platform *bot, const struct discord_event *event, const json_t *d);

/* Ends it and frees it. Not ACK_STORED and the like but ACK_BUSY or ACK_FAILED: whoever waits behind it in its channel
 * is to come again, too. The caller advances the channel. */
void discord_arrival_end(struct discord_arrival *arrival, const struct ack *ack);

/* ---- line.c: the order in a channel ----------------------------------------------------------------------------- */

void discord_line_up(struct discord_arrival *arrival);
void discord_line_leave(struct discord_arrival *arrival);
/* Hands over the first one of this channel, unless the core has it or its channel is being asked for. */
void discord_line_advance(struct discord_inbound *inbound, snowflake channel);
void discord_hand_over(struct discord_arrival *arrival);
/* Something of this channel that came before this event is still to come again. */
bool discord_line_blocked(const struct discord_inbound *inbound, snowflake channel,
			  const struct discord_event *event);
/* Something of this channel is not stored yet. */
bool discord_line_waits(const struct discord_inbound *inbound, snowflake channel);
void discord_line_again(struct discord_inbound *inbound, snowflake channel, const struct discord_event *event,
			unsigned again_ms);
void discord_line_came(struct discord_inbound *inbound,
		       const struct discord_event *event);		   /* it came again */
void discord_lines_reset(struct discord_inbound *inbound, unsigned shard); /* a new session: new numbers */
void discord_lines_finish(struct discord_inbound *inbound);

/* ---- inbound_message.c: what the core is told --------------------------------------------------------------------- */

/* Whether this may be ours at all. NULL, or why not; static. From memory: no question, no call, no allocation. */
const char *discord_judge(struct discord_inbound *inbound, const struct discord_decoded *say, bool caught);
/* Fills in arrival->in and what belongs to it. NULL, or why nothing is handed over; static. */
const char *discord_build_message(struct discord_arrival *arrival, const struct discord_decoded *say);
const char *discord_build_deleted(struct discord_arrival *arrival, snowflake guild);
/* That something came which can't be told otherwise; why: static. */
void discord_build_ignored(struct discord_arrival *arrival, const char *why);
/* What sort of channel this must be known of before it can be built. */
bool discord_needs_channel(const struct platform *bot, const struct discord_decoded *say);
/* What is remembered of one that is stored. */
void discord_message_stored(struct discord_arrival *arrival);
/* A message of ours was seen. */
void discord_own_seen(struct discord_inbound *inbound, const struct discord_decoded *say);
bool discord_is_own(const struct platform *bot, const struct discord_decoded *say);

/* ---- guilds.c: who added us ------------------------------------------------------------------------------------------ */

struct discord_guilds *discord_guilds_create(struct platform *bot);
void discord_guilds_destroy(struct discord_guilds *guilds);
size_t discord_guilds_owed(const struct discord_guilds *guilds); /* notes that are not durable yet */
/* READY: who took us out while we were away. */
void discord_guilds_ready(struct platform *bot, const json_t *d);
/* GUILD_CREATE. True: its note is being made durable, then discord_taken. */
bool discord_guild_came(struct platform *bot, const struct discord_event *event, const json_t *d);
void discord_guild_changed(struct platform *bot, const json_t *d);	   /* GUILD_UPDATE */
void discord_guild_went(struct platform *bot, const json_t *d);		   /* GUILD_DELETE */
void discord_guild_role(struct platform *bot, const json_t *d, bool gone); /* GUILD_ROLE_* */
snowflake discord_own_role(const struct platform *bot, snowflake guild); /* the bot's managed role; 0 none */

#endif
