/* The commands about what happened: conversations, one message's way, usage, what got stuck, status. */
#include "cli.h"
#include "clock.h"
#include "json.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int conversation_list(struct cli *cli)
{
	return cli_show(cli, "conversations", NULL, 0, "No conversations yet. Start one with: usher chat");
}

/* What was said, as lines for people. */
static void print_messages(const json_t *messages)
{
	const json_t *message;
	size_t i;

	json_array_foreach (messages, i, message) {
		const char *when = json_text(message, "timestamp"), *role = json_text(message, "role");
		const char *content = json_text(message, "content");

		printf("%s  %s\n", when ? when : "", role ? role : "");
		cli_put(stdout, content ? content : "");
		puts("\n");
	}
}

static int conversation_show(struct cli *cli)
{
	const char *args[] = { cli->args[0], NULL, NULL, NULL, NULL, "1000" };
	json_t *messages;
	int status = cli_report(cli, "messages", args, 6, &messages);

	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print(cli, messages, "");
		return status;
	}
	print_messages(messages);
	json_decref(messages);
	return status;
}

static int conversation_rename(struct cli *cli)
{
	return cli_do(cli, "conversation_rename", (const char *const[]){ cli->args[0], NULL, cli->args[1] },
		      3, "Renamed.");
}

static int conversation_archive(struct cli *cli)
{
	return cli_do(cli, "conversation_archive", cli->args, 1, "Archived: read-only from now on.");
}

const struct command cli_conversation_verbs[] = {
	{ "list", "", "the newest conversations", 0, 0, conversation_list, NULL },
	{ "show", "CONVERSATION", "everything said in it (its number or uuid)", 1, 1, conversation_show,
	  NULL },
	{ "rename", "CONVERSATION TITLE", "give it another title", 2, 2, conversation_rename, NULL },
	{ "archive", "CONVERSATION", "close it; a new message begins a new one", 1, 1, conversation_archive,
	  NULL },
	{ NULL },
};

static int letter_list(struct cli *cli)
{
	return cli_show(cli, "dead_letters", NULL, 0, "Nothing is stuck.");
}

static int letter_retry(struct cli *cli)
{
	return cli_do(cli, "dead_letter_retry", cli->args, 1, "On its way again.");
}

static int letter_drop(struct cli *cli)
{
	return cli_do(cli, "dead_letter_drop", cli->args, 1, "Dropped. usher explain still shows it.");
}

const struct command cli_letter_verbs[] = {
	{ "list", "", "replies that did not arrive, messages that were set aside", 0, 0, letter_list, NULL },
	{ "retry", "ID", "try it once more", 1, 1, letter_retry, NULL },
	{ "drop", "ID", "give it up", 1, 1, letter_drop, NULL },
	{ NULL },
};

int cli_usage(struct cli *cli)
{
	const char *by = cli->by ? cli->by : "day";
	char since[CLOCK_TEXT_SIZE], *end;
	long days = cli->days ? strtol(cli->days, &end, 10) : 30;

	if (cli->days && (*end != '\0' || days < 1 || days > 3660)) {
		fputs("usher: --days takes a whole number from 1 to 3660\n", stderr);
		return CLI_USAGE;
	}
	clock_text(clock_wall_ms() - days * 86400000LL, since);
	return cli_show(cli, "usage", (const char *const[]){ by, since }, 2,
			"No model was asked in that time.");
}

int cli_status(struct cli *cli)
{
	json_t *status, *counts;
	int result = cli_ask(cli, "/admin/status", NULL, &status);

	if (result != CLI_OK)
		return result;
	result = cli_report(cli, "status", NULL, 0, &counts);
	if (result == CLI_OK) {
		json_object_set_new(status, "stored", counts);
		cli_print(cli, status, "");
	} else {
		json_decref(status);
	}
	return result;
}
