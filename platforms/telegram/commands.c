/* Our commands: what they are called, and the list of them that Telegram shows (sheet 6.8). */
#include "command_words.h"
#include "inbound.h"
#include "mem.h"
#include <string.h>

static const char start[] = "start"; /* every bot's, and not listed */

bool telegram_command_known(const char *name)
{
	return strcmp(name, start) == 0 || command_word_find(name, strlen(name)) != NULL;
}

/* ---- from a person to the core -------------------------------------------------------------------------------- */

static bool is_payload(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= TELEGRAM_PAYLOAD_MAX && text[len + strspn(text + len, " \t\r\n")] == '\0';
}

/* A code counts only where nobody else reads along (sheet 9). */
static const char *start_word(struct arena *arena, const char *args, bool in_private)
{
	if (!in_private || !is_payload(args))
		return "help";
	return arena_format(arena, "link %.*s", (int)strcspn(args, " \t\r\n"), args);
}

const char *telegram_command_word(struct arena *arena, const struct telegram_command *command,
				  bool in_private, bool *begins_out)
{
	const struct command_word *ours = command_word_find(command->name, strlen(command->name));

	*begins_out = strcmp(command->name, "new") == 0;
	if (strcmp(command->name, start) == 0)
		return start_word(arena, command->args, in_private);
	return ours ? command_word_text(arena, ours, command->args) : NULL;
}

/* ---- from us to Telegram ---------------------------------------------------------------------------------------- */

static json_t *our_list(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < COMMAND_WORDS; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "command", command_words[i].name,
						      "description", command_words[i].about));
	return list;
}

/* By these two members only: newer servers may say more of a command. */
static bool same_list(const json_t *there, const json_t *list)
{
	const json_t *command;
	size_t i;

	if (!json_is_array(there) || json_array_size(there) != json_array_size(list))
		return false;
	json_array_foreach (list, i, command) {
		const json_t *other = json_array_get(there, i);
		const char *name = json_text(other, "command"), *words = json_text(other, "description");

		if (name == NULL || words == NULL || strcmp(name, json_text(command, "command")) != 0 ||
		    strcmp(words, json_text(command, "description")) != 0)
			return false;
	}
	return true;
}

static void registered(struct platform *bot, void *owner, uint64_t ticket,
		       const struct telegram_answer *answer)
{
	(void)owner;
	(void)ticket;
	if (answer->how != TELEGRAM_OK)
		log_warn(bot->host->log, "the list of commands could not be set: %s",
			 answer->why ? answer->why : "?");
}

/* Setting them is slowed down a great deal on the other side: so it is not done at every start (sheet 6.8). */
static void listed(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	json_t *list;

	(void)owner;
	(void)ticket;
	if (answer->how != TELEGRAM_OK) {
		log_warn(bot->host->log, "the list of commands could not be read: %s",
			 answer->why ? answer->why : "?");
		return;
	}
	list = our_list();
	if (same_list(answer->result, list))
		json_decref(list);
	else
		telegram_api(bot,
			     &(struct telegram_call){ .method = "setMyCommands",
						      .args = json_pack("{s:o}", "commands", list) },
			     registered, NULL, 0);
}

void telegram_commands_register(struct platform *bot)
{
	telegram_api(bot, &(struct telegram_call){ .method = "getMyCommands" }, listed, NULL, 0);
}
