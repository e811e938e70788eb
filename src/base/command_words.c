/* The commands that people can give us. */
#include "command_words.h"
#include "mem.h"
#include <string.h>
#include <strings.h>

/* A tag of a language (RFC 5646, 4.4.1) is shorter than 35 bytes. */
const struct command_word command_words[COMMAND_WORDS] = {
	{ "new", .about = "Begin a new conversation" },
	{ "help", .about = "What I can do", .whisper = true },
	{ "usage", .about = "What your questions took today and this month", .whisper = true },
	{ "link", "Be known to me as the same person in another place", "code",
	  "The code that I gave you there", COMMAND_ARGUMENT_MAX, true },
	{ "language", "The language I answer in", "code", "Such as de or pt-BR, or off", 35, true },
};

const struct command_word *command_word_find(const char *name, size_t len)
{
	for (size_t i = 0; i < COMMAND_WORDS; i++)
		if (strlen(command_words[i].name) == len &&
		    strncasecmp(command_words[i].name, name, len) == 0)
			return &command_words[i];
	return NULL;
}

const char *command_word_text(struct arena *arena, const struct command_word *command, const char *rest)
{
	size_t len = strcspn(rest, "\r\n");

	if (*rest == '\0')
		return command->name;
	if (len > command->argument_max || rest[len + strspn(rest + len, " \t\r\n")] != '\0')
		return NULL;
	return arena_format(arena, "%s %.*s", command->name, (int)len, rest);
}
