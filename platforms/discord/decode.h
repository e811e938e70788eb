/* Messages of the gateway and of the REST API in one checked shape (sheet 9.1). Pure: no bot, no clock, nothing kept. */
#ifndef USHER_DISCORD_DECODE_H
#define USHER_DISCORD_DECODE_H

#include "discord_room.h"

struct arena;

enum discord_decode_limits {
	DISCORD_QUOTE_MAX = 1000,      /* bytes of what is replied to that go in front */
	DISCORD_NONCE_TEXT_MAX = 64,   /* of a nonce that is looked at */
	DISCORD_EDITED_TEXT_MAX = 40,  /* bytes of edited_timestamp */
	DISCORD_THREAD_NAME_MAX = 100, /* (sheet 17) */
};

enum discord_kind {
	DISCORD_IS_NOTHING,   /* valid, but nothing for us: because */
	DISCORD_IS_MALFORMED, /* lacks what its type promises: because */
	DISCORD_IS_SAID,
	DISCORD_IS_EDITED, /* somebody changed it: edited_at */
};

/* Pieces are borrowed from the message. */
struct discord_decoded {
	enum discord_kind kind;
	const char *because; /* why nothing or malformed; static */
	snowflake id, channel;
	snowflake guild;  /* 0: a direct message */
	int channel_type; /* -1: not said */
	int type;	  /* of the message */
	uint64_t flags;

	snowflake author;
	snowflake webhook;     /* it was said through this webhook, 0 none */
	snowflake application; /* whose it is, 0 none */
	bool is_bot;	       /* or a webhook */
	bool is_system;
	const json_t *author_object, *member; /* member may be NULL */

	int64_t sent_ms;	/* of an edit: when it was edited */
	const char *edited_at;	/* edited_timestamp, checked; NULL: never edited */
	const char *content;	/* NULL: it has none (a partial update) */
	const char *nonce;	/* NULL: none */
	snowflake reply_to;	/* the message that this replies to, 0 none */
	snowflake reply_author; /* who wrote that, 0: not said, or it was deleted */
	const json_t *message;
};

/* guild: when the message names none (REST). edited: of MESSAGE_UPDATE. */
void discord_decode(const json_t *message, snowflake guild, bool edited, struct discord_decoded *out);

/* ISO 8601 with offset, as in edited_timestamp; 0: it is none. */
int64_t discord_time_ms(const char *text);

/* Whether this list of users, or of ids, holds this one. */
bool discord_lists(const json_t *list, snowflake id);

/* Neither words nor anything else in it: what MESSAGE_CONTENT being off looks like (pitfall 26). */
bool discord_is_bare(const json_t *message);

/* What a person is called there: nick, global_name, username (sheet 17), at most MESSAGE_NAME_MAX bytes on one line.
 * member may be NULL. False: they have no name. */
bool discord_person(const json_t *user, const json_t *member, char out[MESSAGE_NAME_MAX + 1]);

/* The files of a message, of what it forwards too, in the arena, at most MESSAGE_FILES_MAX; *left_out: how many more. */
size_t discord_files_of(const struct discord_decoded *say, struct arena *arena,
			struct message_file **files_out, size_t *left_out);

/* ---- words.c ---- */

/* The message's own words without the marks for us; blank when it was nothing else. The caller frees. */
char *discord_own_words(const struct platform *bot, const json_t *message);
/* Whether these words begin with our name, or hold it, as a mention of the user or of our role in this guild. */
bool discord_mentions_us(const struct platform *bot, const struct discord_decoded *say);
/* As discord_words, with these instead of the message's own words (NULL none). */
char *discord_words_with(const struct platform *bot, const json_t *message, const char *words);
/* The first line of these words as the name of a thread: no marks, never empty. */
void discord_thread_name(const char *words, const char *sender, char out[DISCORD_THREAD_NAME_MAX + 1]);

#endif
