/* An update's way to the core, from the inside: decode, judge, wait for its turn in its chat, hand over, answer whoever
 * fetched it. Loop thread only. */
#ifndef USHER_TELEGRAM_INBOUND_H
#define USHER_TELEGRAM_INBOUND_H

#include "decode.h"
#include "recent.h"

struct arena;
struct telegram_line;

/* Who handed an update over, until it is told what became of it. */
struct telegram_taker {
	telegram_taken_fn *fn;
	void *owner;
	uint64_t ticket;
	int64_t update_id;
	enum telegram_taken how;
	unsigned retry_ms;
	struct telegram_taker *next;
};

/* What the core owes us an answer to. */
enum telegram_step {
	TELEGRAM_STEP_MESSAGE, /* host->incoming: ack */
	TELEGRAM_STEP_INSTALL, /* host->install: installed */
};

/* An update until it is answered. Each is among inbound->open. */
struct telegram_arrival {
	struct platform *bot;
	struct telegram_taker *taker;
	int64_t update_id;
	int64_t chat;
	const char *album;  /* a part of one in a group: its position, else NULL */
	int64_t moved_from; /* the group that is no more, once `in` is stored; else 0 */
	const char *title;  /* what it is called now */

	struct arena *arena; /* what `in` points to; nothing is borrowed from the update */
	struct incoming in;
	struct telegram_place place;
	bool shows_work; /* typing is shown once it is stored */
	bool poison;	 /* what it was can't be stored: that it came is */
	enum telegram_step step;

	struct message_file file;
	bool owed; /* the core has it */
	struct telegram_line *line;
	struct telegram_arrival *behind; /* in the same chat */
	struct telegram_arrival *prev, *next;
	UT_hash_handle hh; /* inbound->owed, by in.receipt */
};

/* Arrivals of one chat. The core has only the first one, so that one that must come again passes nobody. */
struct telegram_line {
	int64_t chat;
	struct telegram_arrival *head;
	UT_hash_handle hh;
};

/* An update that is to be handed over again. */
struct telegram_again {
	int64_t update_id, chat;
	uint64_t until_ms;
	UT_hash_handle hh;
};

struct telegram_inbound {
	struct platform *bot;
	struct telegram_arrival *open; /* all, in the order they came */
	struct telegram_arrival *owed;
	struct telegram_line *lines;
	struct telegram_again *again;
	struct telegram_taker *answers; /* are told in the next round */
	size_t count;			/* of open */
	struct loop_timer *answer;
	struct recents bots;   /* messages of bots in a row, by conversation */
	struct recents albums; /* that spoke to us, with the message that did first */
};

/* ---- inbound.c --------------------------------------------------------------------------------------------- */

/* Ends it and frees it: its taker is told in the next round. Later: whoever waits behind it in its chat, too. The
 * caller advances the chat. */
void telegram_arrival_end(struct telegram_arrival *arrival, enum telegram_taken how, unsigned retry_ms);

/* ---- line.c: order, and how far everything is taken ---------------------------------------------------------- */

void telegram_line_up(struct telegram_arrival *arrival);
void telegram_line_leave(struct telegram_arrival *arrival);
/* Hands over the first one of this chat, unless the core has it. */
void telegram_chat_advance(struct telegram_inbound *inbound, int64_t chat);
void telegram_hand_over(struct telegram_arrival *arrival);
/* Something of this chat that came before this update is still to come again. Forgets the update itself. */
bool telegram_line_blocked(struct telegram_inbound *inbound, int64_t chat, int64_t update_id);
void telegram_line_again(struct telegram_inbound *inbound, int64_t chat, int64_t update_id);

/* ---- album.c --------------------------------------------------------------------------------------------------- */

/* A part of an album is said to us when this or an earlier part of it was. */
bool telegram_album_addressed(struct telegram_inbound *inbound, const struct telegram_decoded *say,
			      bool addressed);
/* The message of the album that is answered: the first part that came to us. */
int64_t telegram_album_message(struct telegram_inbound *inbound, const struct telegram_decoded *say);
/* That message and the album, as the position of a cursor. */
const char *telegram_album_position(struct arena *arena, const struct telegram_decoded *say, int64_t message);

/* ---- inbound_message.c, inbound_event.c: what the core is told -------------------------------------------------- */

/* Each fills in arrival->in and what belongs to it. NULL, or why nothing is handed over; static. */
const char *telegram_build_message(struct telegram_arrival *arrival, const struct telegram_decoded *say);
const char *telegram_build_moved(struct telegram_arrival *arrival, const struct telegram_decoded *say);
const char *telegram_build_pressed(struct telegram_arrival *arrival, const struct telegram_decoded *say);
const char *telegram_build_stopped(struct telegram_arrival *arrival, const struct telegram_decoded *say);
/* That something came which can't be told otherwise; why: static. */
void telegram_build_ignored(struct telegram_arrival *arrival, const char *why);
/* Sets place, in.conversation, in.reply_to, in.sender and the keys. */
void telegram_set_place(struct telegram_arrival *arrival, const struct telegram_decoded *say);
/* Again, after something of the place was changed. */
void telegram_write_place(struct telegram_arrival *arrival);

/* Somebody put us in or took us out. true: host->install was asked, arrival waits for it. */
bool telegram_member_changed(struct telegram_arrival *arrival, const struct telegram_decoded *say);
/* The group is stored as moved: its note moves, too. */
void telegram_note_moved(struct telegram_arrival *arrival);

/* ---- commands.c ------------------------------------------------------------------------------------------------- */

/* What the core knows this command as ("link ABC"), in the arena; NULL: it is a question. *begins_out: not a command,
 * but a question that begins a new conversation. */
const char *telegram_command_word(struct arena *arena, const struct telegram_command *command,
				  bool in_private, bool *begins_out);
/* One of ours, by its name. */
bool telegram_command_known(const char *name);

#endif
