/* The commands about named ways to answer, which installations and conversations may have of their own. */
#include "cli.h"
#include "json.h"
#include "settings.h"
#include <stdio.h>
#include <string.h>

static int model_list(struct cli *cli)
{
	return cli_show(cli, "models", NULL, 0,
			"Everybody is answered as the settings file says. Make another way with: usher model "
			"set NAME model MODEL");
}

static int model_show(struct cli *cli)
{
	return cli_show(cli, "model", cli->args, 1, "");
}

/* The daemon's store does not know what models there are; the settings file does. */
static bool is_model(struct cli *cli, const char *name)
{
	size_t count;

	if (cli_socket(cli) == NULL)
		return false;
	count = settings_count(cli->settings, "models");
	for (size_t i = 0; i < count; i++)
		if (strcmp(settings_text(settings_group_at(cli->settings, "models", i), "name"), name) == 0)
			return true;
	fprintf(stderr, "usher: no model of the settings file is called \"%s\"\n", name);
	return false;
}

static int model_set(struct cli *cli)
{
	const char *args[] = { cli->args[0], cli->args[1], cli->count > 2 ? cli->args[2] : NULL };

	if (args[2] && strcmp(args[1], "model") == 0 && !is_model(cli, args[2]))
		return CLI_FAILED;
	return cli_do(cli, "model_set", args, 3, "Set. It counts from the next message on.");
}

static int model_use(struct cli *cli)
{
	const char *name = strcmp(cli->args[0], "default") == 0 ? NULL : cli->args[0];
	const char *args[] = { name, cli->args[2] };

	if (strcmp(cli->args[1], "conversation") == 0)
		return cli_do(cli, "model_use_conversation", args, 2, "It counts from the next message on.");
	if (strcmp(cli->args[1], "installation") == 0)
		return cli_do(cli, "model_use_installation", args, 2, "It counts from the next message on.");
	fputs("usher: say installation PLATFORM/NAME or conversation NUMBER\n", stderr);
	return CLI_USAGE;
}

static int model_remove(struct cli *cli)
{
	return cli_do(cli, "model_remove", cli->args, 1,
		      "Removed: who had it is answered as the settings file says.");
}

const struct command cli_model_verbs[] = {
	{ "list", "", "named ways to answer, and who has them", 0, 0, model_list, NULL },
	{ "show", "NAME", "one of them with its prompt", 1, 1, model_show, NULL },
	{ "set", "NAME model|prompt|temperature|max-output-tokens|history-messages|tools [VALUE]",
	  "makes or changes one; without a value it is as the settings file says. tools: "
	  "\"add_task,files__*\"",
	  2, 3, model_set, NULL },
	{ "use", "NAME|default installation PLATFORM/NAME | conversation CONVERSATION",
	  "who is answered that way; a conversation's own comes before its installation's", 3, 3, model_use,
	  NULL },
	{ "remove", "NAME", "nobody is answered that way any more", 1, 1, model_remove, NULL },
	{ NULL },
};
