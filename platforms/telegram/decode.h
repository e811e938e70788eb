/* Updates of the Bot API in one checked shape (sheet 5). Pure: no bot, no clock, nothing kept. */
#ifndef USHER_TELEGRAM_DECODE_H
#define USHER_TELEGRAM_DECODE_H

#include "telegram_room.h"

struct arena;
struct buf;

enum telegram_decode_limits {
	TELEGRAM_FILE_ID_MAX = 512,	/* bytes of a file_id */
	TELEGRAM_ENTITIES_MAX = 200,	/* of one text that are looked at */
	TELEGRAM_QUOTE_MAX = 1000,	/* bytes of what is replied to that go in front */
	TELEGRAM_COMMAND_NAME_MAX = 32, /* (sheet 6.8) */
	TELEGRAM_PAYLOAD_MAX = 64,	/* of a deep link (sheet 9) */
};

enum telegram_kind {
	TELEGRAM_IS_NOTHING,   /* valid, but nothing for us: because */
	TELEGRAM_IS_MALFORMED, /* lacks what its type promises: because */
	TELEGRAM_IS_SAID,      /* a message, or a post of a channel */
	TELEGRAM_IS_EDITED,
	TELEGRAM_IS_MOVED,   /* the group became a supergroup: moved_from, moved_to */
	TELEGRAM_IS_MEMBER,  /* somebody put us in or took us out: is_in, was_in */
	TELEGRAM_IS_PRESSED, /* a button under a message */
	TELEGRAM_IS_STOPPED, /* the stop button of a growing answer */
};

/* Pieces are borrowed from the update. */
struct telegram_decoded {
	enum telegram_kind kind;
	const char *because; /* why nothing or malformed; static */
	int64_t update_id;   /* -1: it has none that is of use */

	int64_t chat; /* 0: none */
	const char *chat_type, *chat_title;
	bool is_private, is_group, is_channel; /* one of them, when chat is set */
	int64_t message_id;
	int64_t topic;	 /* message_thread_id of a topic; 0: none, or the general one (sheet 5.8) */
	int64_t date_ms; /* of an edit: when it was edited */

	int64_t sender; /* of sender_chat when there is one: `from` is made up then (pitfall 17) */
	bool by_chat;	/* sender is a chat: an anonymous admin, a channel */
	int64_t from;	/* the user, 0 none */
	bool is_bot;	/* from is a bot, and not made up */
	int64_t via_bot;
	bool forwarded_here; /* Telegram's own copy of a post of the linked channel */
	const json_t *name;  /* the object that holds first_name, title, ...; may be NULL */

	const json_t *message;
	const char *text; /* or the caption; NULL: none */
	const json_t *entities;
	const char *album; /* media_group_id, or NULL */

	int64_t reply_from; /* who wrote what this replies to; 0: no reply of a person's doing */

	int64_t moved_from, moved_to;
	bool was_in, is_in;
	const char *button, *data; /* callback_query: its id, its data (may be NULL) */
};

void telegram_decode(const json_t *update, struct telegram_decoded *out);

/* decode_message.c */
void telegram_decode_message(const json_t *message, bool edited, struct telegram_decoded *out);
/* The chat and what it is; false: malformed, because is set. */
bool telegram_decode_chat(const json_t *chat, struct telegram_decoded *out);

/* ---- entities.c: offsets count UTF-16 units (sheet 5.6) --------------------------------------------------- */

/* The byte at which this unit begins; SIZE_MAX: behind the end, or inside a pair. text is UTF-8. */
size_t telegram_unit_at(const char *text, int64_t units);

/* A name for us in a text: by username (any case) or, for those without one, by id. */
struct telegram_self {
	int64_t id;
	const char *username; /* NULL: not known */
};
bool telegram_mentions(const char *text, const json_t *entities, const struct telegram_self *self);

/* Without the mentions of us; blank when it was nothing else. The caller frees. */
char *telegram_without_mentions(const char *text, const json_t *entities, const struct telegram_self *self);

/* The command at the very beginning. false: there is none. */
struct telegram_command {
	char name[TELEGRAM_COMMAND_NAME_MAX + 1]; /* lower case, without "/" */
	const char *to;				  /* the name after "@", to_len bytes; NULL: none */
	size_t to_len;
	size_t len;	  /* bytes of "/name@bot" */
	const char *args; /* what follows, without leading white space; ends with the text */
};
bool telegram_command_read(const char *text, const json_t *entities, struct telegram_command *command_out);
bool telegram_command_is_for(const struct telegram_command *command, const char *username);

/* ---- words.c, media.c -------------------------------------------------------------------------------------- */

/* What was said, as the model reads it: what it replies to as "> " lines, where it was forwarded from, the words
 * (already without mentions; NULL none), and things that are no files (a place, a poll) in words. The caller frees. */
char *telegram_words(const struct telegram_decoded *say, const char *words);

/* The name of a person or chat, at most MESSAGE_NAME_MAX bytes. false: it has none. */
bool telegram_name(const json_t *object, char out[MESSAGE_NAME_MAX + 1]);

/* The file of a message, in the arena. false: it holds none. */
bool telegram_file(const json_t *message, struct arena *arena, struct message_file *file_out);

/* The file_id in such a file's url, or NULL. Borrowed. */
const char *telegram_file_id(const char *url);

#endif
