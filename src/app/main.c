/* The command line: finds the command, reads the options, gives help that teaches. */
#include "cli.h"
#include "daemon.h"
#include "mem.h"
#include "settings_build.h"
#include "settings_file.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(struct cli *cli);
static int version(struct cli *cli);
static int settings_help(struct cli *cli);

static const struct command commands[] = {
	{ "run", "[--try]", "start the daemon; without a settings file it runs on its defaults", 0, 0, run,
	  NULL },
	{ "init", "[PLATFORM] [--name NAME] [--url ADDRESS] [--set NAME=VALUE]...",
	  "set a platform up, step by step, to the first message", 0, 1, cli_init, NULL },
	{ "status", "", "is it running, how busy, which platforms are connected", 0, 0, cli_status, NULL },
	{ "doctor", "", "check settings, database, disk, clock and models; says what to do", 0, 0, cli_doctor,
	  NULL },
	{ "chat", "[WORDS...]", "talk to the assistant here in the terminal", 0, 64, cli_chat, NULL },
	{ "explain", "MESSAGE", "the whole way of one message (its id, number or trace)", 1, 1, cli_explain,
	  NULL },
	{ "user", "list|add|enable|disable|role", "people with an account", 0, 0, NULL, cli_user_verbs },
	{ "pair", "list|approve|drop", "strangers who asked to talk", 0, 0, NULL, cli_pair_verbs },
	{ "installation", "list|show|enable|disable|remove", "what is connected, switched on and off", 0, 0,
	  NULL, cli_installation_verbs },
	{ "key", "list|add|revoke", "API keys", 0, 0, NULL, cli_key_verbs },
	{ "conversation", "list|show|rename|archive", "what was said", 0, 0, NULL, cli_conversation_verbs },
	{ "import", "FILE... [--as TEXT] [--out DIR] [--user NAME] | list|show|retry|post|cancel|delete",
	  "send files, and see what became of them", 1, 20, cli_import, cli_import_verbs },
	{ "model", "list|show|set|use|remove", "who is answered by which model, and how", 0, 0, NULL,
	  cli_model_verbs },
	{ "usage", "[--by day|model|user|platform] [--days N] [--csv]", "tokens, cost and failures", 0, 0,
	  cli_usage, NULL },
	{ "budget", "list|set|remove|spent|refusals", "what may be spent, and by whom", 0, 0, NULL,
	  cli_budget_verbs },
	{ "mcp", "[--user NAME]", "our own tools for a program that speaks the Model Context Protocol", 0, 0,
	  cli_mcp, NULL },
	{ "tool", "list|approve|login|logout", "what the model may do, for whom", 0, 0, NULL,
	  cli_tool_verbs },
	{ "dead-letters", "list|retry|drop", "replies and messages that got stuck", 0, 0, NULL,
	  cli_letter_verbs },
	{ "audit", "head|verify|export|erase", "the record of everything, which proves itself", 0, 0, NULL,
	  cli_audit_verbs },
	{ "settings", "", "every setting with its meaning and default", 0, 0, settings_help, NULL },
	{ "version", "", "the version", 0, 0, version, NULL },
	{ NULL },
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },	    { "try", no_argument, NULL, 't' },
	{ "email", required_argument, NULL, 'e' },  { "name", required_argument, NULL, 'n' },
	{ "role", required_argument, NULL, 'r' },   { "days", required_argument, NULL, 'd' },
	{ "by", required_argument, NULL, 'b' },	    { "url", required_argument, NULL, 'u' },
	{ "wait", required_argument, NULL, 'w' },   { "set", required_argument, NULL, 's' },
	{ "csv", no_argument, NULL, 'C' },	    { "org", required_argument, NULL, 'o' },
	{ "head", required_argument, NULL, 'H' },   { "from", required_argument, NULL, 'F' },
	{ "to", required_argument, NULL, 'T' },	    { "user", required_argument, NULL, 'U' },
	{ "why", required_argument, NULL, 'W' },    { "conversation", required_argument, NULL, 'V' },
	{ "as", required_argument, NULL, 'A' },	    { "installation", required_argument, NULL, 'I' },
	{ "out", required_argument, NULL, 'O' },    { "force", no_argument, NULL, 'f' },
	{ "version", no_argument, NULL, 'v' },	    { NULL, 0, NULL, 0 },
};

static int run(struct cli *cli)
{
	return daemon_run(&(struct daemon_options){
		.config = config_path(cli->config), .try_it = cli->try_it, .argv = cli->argv });
}

static int version(struct cli *cli)
{
	printf(cli->json ? "{\"version\":\"%s\"}\n" : "usher %s\n", USHER_VERSION);
	return CLI_OK;
}

static int settings_help(struct cli *cli)
{
	(void)cli;
	config_help();
	return CLI_OK;
}

/* ---- help ------------------------------------------------------------------------------------------------
 */

static void help_all(FILE *out)
{
	fputs("usher brings every message from chat platforms and webhooks to your AI agent and carries the "
	      "answer back.\n\n"
	      "Usage: usher COMMAND [WORDS] [--config FILE] [--json]\n\n",
	      out);
	for (const struct command *c = commands; c->name; c++)
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

static void help_command(FILE *out, const struct command *c)
{
	fprintf(out, "Usage: usher %s%s%s\n\n%s.\n", c->name, *c->usage ? " " : "", c->usage, c->help);
	for (const struct command *verb = c->verbs; verb && verb->name; verb++)
		fprintf(out, "\n  usher %s %s%s%s\n      %s\n", c->name, verb->name, *verb->usage ? " " : "",
			verb->usage, verb->help);
	if (c->run == settings_help)
		return;
	fputs("\nOptions:\n  --config FILE  the settings file; otherwise $USHER_CONFIG, then "
	      "/etc/usher/usher.conf, then the defaults\n",
	      out);
	if (c->run == run)
		fputs("  --try          make an API key and print a curl line that works\n", out);
	else if (c->run == cli_init)
		fputs("  --name NAME    of the new installation; otherwise the platform's\n"
		      "  --url ADDRESS  how the world reaches this server, where the platform needs it\n"
		      "  --set N=VALUE  another of its settings (usher settings lists them)\n"
		      "  --wait SECONDS how long to wait for the first message; 600; 0: not at all\n"
		      "\nSecrets are asked for; not on a terminal, they are read from standard input as "
		      "lines NAME=VALUE, or\n"
		      "named where they are environment variables (PLATFORM_SETTING). They never stand in "
		      "the settings file.\n",
		      out);
	else if (c->run == cli_mcp)
		fputs("  --user NAME    as this person; otherwise as the operator\n"
		      "\nMessages come on standard input and go to standard output, a line each; nothing "
		      "else is "
		      "printed there.\n",
		      out);
	else if (c->run == cli_import)
		fputs("  --as TEXT      what is to be done with the files: \"turn this into JSON with name, "
		      "amount, "
		      "date\"\n"
		      "  --out DIR      write the files made of them there; what is there already is not "
		      "touched\n"
		      "  --force        with --out: write over files of the same name\n"
		      "  --user NAME    as this person; otherwise as the operator\n"
		      "  --json         print JSON instead of text\n"
		      "\nThe answer is waited for and printed, with links to the files made; where a file "
		      "was not taken, the exit\nstatus is 1. A file that is named like a verb is sent as "
		      "./list.\n",
		      out);
	else if (c->run != cli_chat)
		fputs("  --json         print JSON instead of text\n"
		      "  --csv          print lists as CSV\n",
		      out);
}

static const struct command *find(const struct command *table, const char *name)
{
	const char *names[sizeof(commands) / sizeof(commands[0])], *near;
	size_t count = 0;

	for (const struct command *c = table; c->name; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
		names[count++] = c->name;
	}
	names[count] = NULL;
	near = settings_nearest(name, names);
	fprintf(stderr, "usher: unknown command \"%s\"%s%s%s\n", name, near ? "; did you mean \"" : "",
		near ? near : "", near ? "\"?" : "");
	return NULL;
}

/* ---- reading the words
 * ------------------------------------------------------------------------------------- */

static bool take_plain_option(struct cli *cli, int letter)
{
	const char **where = letter == 'o'   ? &cli->org
			     : letter == 'H' ? &cli->head
			     : letter == 'F' ? &cli->from
			     : letter == 'T' ? &cli->to
			     : letter == 'U' ? &cli->user
			     : letter == 'V' ? &cli->conversation
			     : letter == 'W' ? &cli->why
			     : letter == 'A' ? &cli->as
			     : letter == 'O' ? &cli->out
			     : letter == 'I' ? &cli->installation
					     : NULL;

	if (where)
		*where = optarg;
	return where != NULL;
}

static void take_option(struct cli *cli, int letter, bool *help_out)
{
	switch (letter) {
	case 'c':
		cli->config = optarg;
		break;
	case 'j':
		cli->json = true;
		break;
	case 'C':
		cli->csv = true;
		break;
	case 'f':
		cli->force = true;
		break;
	case 't':
		cli->try_it = true;
		break;
	case 'e':
		cli->email = optarg;
		break;
	case 'n':
		cli->display = optarg;
		break;
	case 'r':
		cli->role = optarg;
		break;
	case 'd':
		cli->days = optarg;
		break;
	case 'b':
		cli->by = optarg;
		break;
	case 'u':
		cli->url = optarg;
		break;
	case 'w':
		cli->wait = optarg;
		break;
	case 's':
		cli->sets[cli->set_count++] = optarg;
		break;
	default:
		if (!take_plain_option(cli, letter))
			*help_out = true;
	}
}

static bool is_verb(const struct command *verbs, const char *name)
{
	while (verbs->name && strcmp(verbs->name, name) != 0)
		verbs++;
	return verbs->name != NULL;
}

/* Runs a command whose words begin at cli->args[0]. */
static int dispatch(struct cli *cli, const struct command *command)
{
	const struct command *leaf = command;

	if (command->verbs && !(command->run && cli->count && !is_verb(command->verbs, cli->args[0]))) {
		if (cli->count == 0) {
			help_command(stderr, command);
			return CLI_USAGE;
		}
		leaf = find(command->verbs, cli->args[0]);
		if (leaf == NULL)
			return CLI_USAGE;
		cli->args++;
		cli->count--;
	}
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
	bool help = false;
	int letter;

	while ((letter = getopt_long(argc, argv, "c:jhv", options, NULL)) != -1) {
		if (letter == '?')
			return CLI_USAGE;
		if (letter == 'v')
			return version(cli);
		take_option(cli, letter, &help);
	}
	if (optind == argc || strcmp(argv[optind], "help") == 0) {
		help = help || optind < argc;
		help_all(help ? stdout : stderr);
		return help ? CLI_OK : CLI_USAGE;
	}
	command = find(commands, argv[optind]);
	if (command == NULL)
		return CLI_USAGE;
	if (help) {
		help_command(stdout, command);
		return CLI_OK;
	}
	for (int i = optind + 1; i < argc; i++)
		cli->args[cli->count++] = argv[i];
	return dispatch(cli, command);
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
