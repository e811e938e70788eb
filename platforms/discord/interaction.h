/* An interaction from the inside: what decode_interaction.c and interact.c share (sheet 10). */
#ifndef USHER_DISCORD_INTERACTION_H
#define USHER_DISCORD_INTERACTION_H

#include "decode.h"
#include "mem.h"
#include "recent.h"

enum discord_interaction_limits {
	INTERACTION_TOKEN_MAX = 1024, /* bytes; they have some 200 */
};

/* Types of responses (sheet 10.3). */
enum discord_response {
	DISCORD_PONG = 1,
	DISCORD_MESSAGE = 4,
	DISCORD_DEFERRED = 5,
	DISCORD_SILENT = 6,
	DISCORD_CHOICES = 8,
};

enum discord_interaction_kind {
	INTERACTION_MALFORMED, /* because says why */
	INTERACTION_PING,
	INTERACTION_COMMAND,	  /* command, and its options */
	INTERACTION_ABOUT,	  /* a message command: target */
	INTERACTION_PRESSED,	  /* a component: custom_id */
	INTERACTION_AUTOCOMPLETE, /* we offer none */
	INTERACTION_UNKNOWN,	  /* a form we never opened, a kind that is newer than we are */
};

/* Borrowed from the JSON it was decoded from. */
struct discord_interaction {
	enum discord_interaction_kind kind;
	const char *because;
	snowflake id, guild, channel, user; /* guild 0: not in one */
	snowflake application;		    /* whose it is; 0: it does not say */
	int channel_type;		    /* sheet 9.3, -1 unknown */
	bool direct;  /* in the direct messages between that person and us, not in those with others */
	bool present; /* the bot itself was added there: not only that person brought us along (sheet 10.1) */
	const char *token;
	const json_t *user_object, *member; /* member: NULL where there are none */
	const char *command;		    /* its name, with COMMAND and ABOUT */
	const char *custom_id;		    /* with PRESSED */
	const json_t *options;		    /* of the command, an array or NULL */
	const json_t *files;		    /* resolved attachments by id, an object or NULL */
	json_t *target;			    /* with ABOUT: the message */
};

/* ---- interact_build.c: what the core is told ---------------------------------------------------------------------- */

/* An interaction until the core has decided. Each is in interactions->owed. */
struct discord_act {
	struct platform *bot;
	uint64_t receipt;
	snowflake id;
	char *token;	  /* where the callback goes; NULL: the response goes back over HTTP */
	json_t *response; /* once it is stored */
	snowflake follow; /* a thread that is ours once it is stored, or 0 */
	discord_told_fn *told;
	void *owner;
	UT_hash_handle hh; /* interactions->owed, by receipt */
};

/* Fills in `in` (its texts live in the arena, or in what `say` borrows from), act->response and act->follow. Else returns
 * false, and act->response is to be given at once: nothing is stored. */
bool discord_act_build(struct discord_act *act, const struct discord_interaction *say, struct arena *arena,
		       struct incoming *in);

/* Responses (sheet 10.3). A message that only that person sees. */
json_t *discord_response_words(const char *words);

/* ---- interact_callback.c -------------------------------------------------------------------------------------------- */

/* A callback under way: repeated while the platform still waits for it, for the second one is refused. */
struct discord_callback {
	struct platform *bot;
	uint64_t call; /* of discord_rest */
	char *path;
	json_t *response;
	uint64_t began_ms;
	unsigned attempts;
	struct discord_callback *prev, *next;
};

struct discord_interactions {
	struct platform *bot;
	struct discord_act *owed;	    /* the core has them */
	struct discord_callback *callbacks; /* posted */
};

void discord_callback_post(struct platform *bot, snowflake id, const char *token, const json_t *response);
void discord_callback_free(struct discord_callback *callback); /* cancels */

/* ---- decode_interaction.c ------------------------------------------------------------------------------------------- */

/* Pure; takes anything. */
void discord_interaction_decode(const json_t *interaction, struct discord_interaction *out);

/* The option of this name when it is a text, or NULL. */
const char *discord_interaction_option(const struct discord_interaction *say, const char *name);

/* What is asked as a message object: the target, or one with the prompt and the attachments of the options. The caller
 * releases. */
json_t *discord_interaction_message(const struct discord_interaction *say);

#endif
