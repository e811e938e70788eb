/* The commands that people can give us, as every platform lists and reads them; what they do is core/command.c's matter.
 * Any thread: nothing changes. */
#ifndef USHER_COMMAND_WORDS_H
#define USHER_COMMAND_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { COMMAND_ARGUMENT_MAX = 64 }; /* bytes */

struct command_word {
	const char *name;	    /* "link" */
	const char *about;	    /* what it is for, one line for people */
	const char *argument;	    /* what one that may follow is called: "code"; NULL: nothing follows */
	const char *argument_about; /* what that is, for people */
	size_t argument_max;	    /* bytes, at most COMMAND_ARGUMENT_MAX */
	bool whisper;		    /* nobody else needs to see the answer */
};

enum { COMMAND_WORDS = 5 };
extern const struct command_word command_words[COMMAND_WORDS]; /* in the order in which they are listed */

/* By its name, whatever the case of its letters; NULL: it is none of ours. */
const struct command_word *command_word_find(const char *name, size_t len);

/* The command as the core is told it, with what follows, when that is one line and no more than may follow. NULL: something
 * else follows, so it is no command: "help" is one, "help me" is not. Of the arena, or constant. */
const char *command_word_text(struct arena *arena, const struct command_word *command, const char *rest);

#endif
