/* The command line: finds the command, reads the options, gives help that teaches. */
#include "cli.h"
#include "mem.h"
#include "settings_build.h"
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMANDS_MAX = 32, OPTIONS = 25 };

/* Each option and the field of struct cli that it fills. Which command takes it is said by the command's own usage and list of
 * options: what they do not name is refused. */
#define TEXT(name, field)                                                                                    \
	{                                                                                                    \
		name, required_argument, offsetof(struct cli, field)                                         \
	}
#define SWITCH(name, field)                                                                                  \
	{                                                                                                    \
		name, no_argument, offsetof(struct cli, field)                                               \
	}
static const struct {
	const char *name;
	int value;
	size_t field;
} known[OPTIONS] = {
	TEXT("config", config),
	SWITCH("json", json),
	SWITCH("csv", csv),
	SWITCH("help", help),
	SWITCH("version", version),
	SWITCH("try", try_it),
	TEXT("email", email),
	TEXT("name", display),
	TEXT("role", role),
	TEXT("days", days),
	TEXT("by", by),
	TEXT("url", url),
	TEXT("wait", wait),
	TEXT("set", sets),
	TEXT("org", org),
	TEXT("head", head),
	TEXT("from", from),
	TEXT("to", to),
	TEXT("user", user),
	TEXT("why", why),
	TEXT("conversation", conversation),
	TEXT("as", as),
	TEXT("out", out),
	TEXT("installation", installation),
	SWITCH("force", force),
};

/* ---- help ------------------------------------------------------------------------------------------------
 */

static void help_all(FILE *out)
{
	fputs("usher brings every message from chat platforms and webhooks to your AI agent and carries the "
	      "answer back.\n\n"
	      "Usage: usher COMMAND [WORDS] [--config FILE] [--json]\n\n",
	      out);
	for (const struct command *c = cli_commands; c->name; c++)
		fprintf(out, "  %-13s %s\n", c->name, c->help);
	fputs("\nStart with:  usher run --try\n"
	      "Then:        usher chat\n"
	      "Connect:     usher init\n"
	      "Each command explains itself: usher COMMAND --help. All but run, init, version and settings "
	      "talk to "
	      "the\n"
	      "running daemon. Exit status: 0 done, 1 failed, 2 wrong use, 3 no daemon is running.\n",
	      out);
}

static void put_usage(FILE *out, const struct command *c)
{
	fprintf(out, "Usage: usher %s%s%s", c->name, *c->usage ? " " : "", c->usage);
	for (const struct command *verb = c->verbs; verb && verb->name; verb++)
		fprintf(out, "%s%s", verb > c->verbs ? "|" : *c->usage ? " | " : " ", verb->name);
	fputs("\n", out);
}

static void help_command(FILE *out, const struct command *c)
{
	put_usage(out, c);
	fprintf(out, "\n%s.\n", c->help);
	for (const struct command *verb = c->verbs; verb && verb->name; verb++)
		fprintf(out, "\n  usher %s %s%s%s\n      %s\n", c->name, verb->name, *verb->usage ? " " : "",
			verb->usage, verb->help);
	fprintf(out,
		"\nOptions:\n  --config FILE  the settings file; otherwise $USHER_CONFIG, then "
		"/etc/usher/usher.conf, then the defaults\n%s\nExamples:\n%s",
		c->options ? c->options : "", c->examples);
}

/* Wrong use in a line, with the place to look. command: NULL for usher's own help. */
static int say_wrong(const char *command, const char *what, const char *word)
{
	fprintf(stderr, "usher: %s%s. See: usher %s%s--help\n", what, word, command ? command : "",
		command ? " " : "");
	return CLI_USAGE;
}

static int say_unknown(const char *command, const char *what, const char *word, const char *dashes,
		       const char *near)
{
	fprintf(stderr, "usher: unknown %s \"%s\"", what, word);
	if (near)
		fprintf(stderr, "; did you mean \"%s%s\"?", dashes, near);
	fprintf(stderr, "%s See: usher %s%s--help\n", near ? "" : ".", command ? command : "",
		command ? " " : "");
	return CLI_USAGE;
}

/* above: the command whose verbs these are, or NULL. */
static const struct command *find(const struct command *table, const char *above, const char *name)
{
	const char *names[COMMANDS_MAX];
	size_t count = 0;

	for (const struct command *c = table; c->name; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
		names[count++] = c->name;
	}
	names[count] = NULL;
	say_unknown(above, "command", name, "", settings_nearest(name, names));
	return NULL;
}

/* ---- reading the words ----------------------------------------------------------------------------------- */

/* What was given: options by their place in `known`, and the first word that is no option. */
struct given {
	bool options[OPTIONS];
	const char
		*wrong; /* an option that is none, as it was written, or whose value is missing; NULL: none */
	bool valueless;
};

static void take_option(struct cli *cli, size_t at, const char *value)
{
	char *field = (char *)cli + known[at].field;

	if (known[at].field == offsetof(struct cli, sets))
		cli->sets[cli->set_count++] = value;
	else if (known[at].value == required_argument)
		*(const char **)(void *)field = value;
	else
		*(bool *)(void *)field = true;
}

static size_t place_of(const char *name)
{
	size_t at = 0;

	while (strcmp(known[at].name, name) != 0)
		at++;
	return at;
}

/* Words may stand before, between and behind options. */
static void read_options(struct cli *cli, int argc, char **argv, struct given *given)
{
	struct option options[OPTIONS + 1] = { 0 };
	int at = -1, letter;

	for (size_t i = 0; i < OPTIONS; i++)
		options[i] = (struct option){ known[i].name, known[i].value, NULL, 0 };
	while ((letter = getopt_long(argc, argv, ":c:jhv", options, &at)) != -1) {
		if (letter == '?' || letter == ':') {
			given->wrong = given->wrong ? given->wrong : argv[optind - 1];
			given->valueless = given->valueless || letter == ':';
			continue;
		}
		if (letter != 0)
			at = (int)place_of(letter == 'c'   ? "config"
					   : letter == 'j' ? "json"
					   : letter == 'h' ? "help"
							   : "version");
		take_option(cli, (size_t)at, optarg);
		given->options[at] = true;
	}
}

/* Whether this text has the option --name. */
static bool names(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text && (text = strstr(text, "--"))) {
		text += 2;
		if (strncmp(text, name, len) == 0 && strchr(" ]|\n", text[len]))
			return true;
	}
	return false;
}

/* A verb shares what its command lists, but for what the command takes without a verb. */
static bool takes(const struct command *command, const struct command *leaf, const char *option)
{
	return strcmp(option, "config") == 0 || names(leaf->usage, option) ||
	       (names(command->options, option) && !names(command->usage, option));
}

static int say_no_option(const struct given *given, const char *command)
{
	const char *candidates[OPTIONS + 1] = { 0 };

	if (given->valueless)
		return say_wrong(command, "a value is missing behind ", given->wrong);
	for (size_t i = 0; i < OPTIONS; i++)
		candidates[i] = known[i].name;
	return say_unknown(command, "option", given->wrong, "--",
			   settings_nearest(given->wrong + strspn(given->wrong, "-"), candidates));
}

static bool is_verb(const struct command *verbs, const char *name)
{
	while (verbs->name && strcmp(verbs->name, name) != 0)
		verbs++;
	return verbs->name != NULL;
}

/* Runs a command whose words begin at cli->args[0]. */
static int dispatch(struct cli *cli, const struct command *command, const struct given *given)
{
	const struct command *leaf = command;

	if (command->verbs && !(command->run && cli->count && !is_verb(command->verbs, cli->args[0]))) {
		if (cli->count == 0) {
			help_command(stderr, command);
			return CLI_USAGE;
		}
		leaf = find(command->verbs, command->name, cli->args[0]);
		if (leaf == NULL)
			return CLI_USAGE;
		cli->args++;
		cli->count--;
	}
	for (size_t i = 0; i < OPTIONS; i++)
		if (given->options[i] && !takes(command, leaf, known[i].name))
			return say_wrong(command->name, "this takes no --", known[i].name);
	if (cli->count < leaf->least || cli->count > leaf->most) {
		fprintf(stderr, "Usage: usher %s%s%s %s\n", command->name, leaf == command ? "" : " ",
			leaf == command ? "" : leaf->name, leaf->usage);
		return CLI_USAGE;
	}
	return leaf->run(cli);
}

/* Reads options and words and runs the command. */
static int obey(struct cli *cli, int argc, char **argv)
{
	const struct command *command;
	struct given given = { 0 };

	read_options(cli, argc, argv, &given);
	if (cli->version && given.wrong == NULL) {
		printf("usher %s\n", USHER_VERSION);
		return CLI_OK;
	}
	if (optind < argc && strcmp(argv[optind], "help") == 0) {
		cli->help = true;
		optind++;
	}
	if (given.wrong && optind == argc)
		return say_no_option(&given, NULL);
	if (optind == argc) {
		help_all(cli->help ? stdout : stderr);
		return cli->help ? CLI_OK : CLI_USAGE;
	}
	command = find(cli_commands, NULL, argv[optind]);
	if (command == NULL)
		return CLI_USAGE;
	if (given.wrong)
		return say_no_option(&given, command->name);
	if (cli->help) {
		help_command(stdout, command);
		return CLI_OK;
	}
	for (int i = optind + 1; i < argc; i++)
		cli->args[cli->count++] = argv[i];
	return dispatch(cli, command, &given);
}

int main(int argc, char **argv)
{
	size_t most = (size_t)argc + 1;
	const char **args = mem_zero(most, sizeof(void *)), **sets = mem_zero(most, sizeof(void *));
	struct cli cli = { .argv = argv, .args = args, .sets = sets };
	int status = obey(&cli, argc, argv);

	settings_destroy(cli.settings);
	free(cli.socket);
	free(args);
	free(sets);
	return status;
}
