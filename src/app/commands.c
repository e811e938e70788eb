/* Every command: its words, its options, and examples that work as they stand. */
#include "cli.h"
#include "daemon.h"
#include "settings_file.h"
#include <stdio.h>

#define JSON	  "  --json         print JSON instead of text\n"
#define LISTS	  JSON "  --csv          print lists as CSV\n"
#define AS_PERSON "  --user NAME    as this person; otherwise as the operator\n"

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

static int settings(struct cli *cli)
{
	(void)cli;
	config_help();
	return CLI_OK;
}

const struct command cli_commands[] = {
	{ "run", "[--try]", "start the daemon; without a settings file it runs on its defaults", 0, 0, run,
	  .options = "  --try          make an API key and print a curl line that works\n",
	  .examples = "  usher run --try\n"
		      "  usher run --config /etc/usher/usher.conf\n" },
	{ "init", "[PLATFORM] [--name NAME] [--url ADDRESS] [--set NAME=VALUE]... [--wait SECONDS]",
	  "set a platform up, step by step, to the first message", 0, 1, cli_init,
	  .options = "  --name NAME    of the new installation; otherwise the platform's\n"
		     "  --url ADDRESS  how the world reaches this server, where the platform needs it\n"
		     "  --set N=VALUE  another of its settings (usher settings lists them)\n"
		     "  --wait SECONDS how long to wait for the first message; 600; 0: not at all\n"
		     "  --json         without PLATFORM: print what can be set up as JSON\n"
		     "\nSecrets are asked for; not on a terminal, they are read from standard input as "
		     "lines NAME=VALUE, or\n"
		     "named where they are environment variables (PLATFORM_SETTING). They never stand in "
		     "the settings file.\n",
	  .examples = "  usher init\n"
		      "  usher init slack --name acme\n"
		      "  usher init discord --name acme --wait 0 <secrets.txt\n" },
	{ "status", "", "is it running, how busy, which platforms are connected", 0, 0, cli_status,
	  .options = JSON, .examples = "  usher status\n" },
	{ "doctor", "", "check settings, database, disk, clock and models; says what to do", 0, 0, cli_doctor,
	  .options = JSON, .examples = "  usher doctor --config /etc/usher/usher.conf\n" },
	{ "chat", "[WORDS...]", "talk to the assistant here in the terminal", 0, 64, cli_chat,
	  .examples = "  usher chat\n"
		      "  usher chat add a task to buy groceries\n" },
	{ "explain", "MESSAGE", "the whole way of one message (its id, number or trace)", 1, 1, cli_explain,
	  .options = JSON,
	  .examples = "  usher explain 17\n"
		      "  usher explain 01a2048c-a963-7eed-af79-bf70f18eae28\n" },
	{ "user", "", "people with an account", .verbs = cli_user_verbs, .options = LISTS,
	  .examples = "  usher user add ann --email ann@example.org --name \"Ann Lee\"\n"
		      "  usher user role ann operator\n" },
	{ "pair", "", "strangers who asked to talk", .verbs = cli_pair_verbs, .options = LISTS,
	  .examples = "  usher pair list\n"
		      "  usher pair approve ABCD2345\n"
		      "  usher pair approve ABCD2345 ann        # the sender is ann, who has an account\n" },
	{ "installation", "", "what is connected, switched on and off", .verbs = cli_installation_verbs,
	  .options = LISTS,
	  .examples = "  usher installation list\n"
		      "  usher installation disable slack/acme\n" },
	{ "key", "", "API keys", .verbs = cli_key_verbs, .options = LISTS,
	  .examples = "  usher key add ann laptop\n"
		      "  usher key revoke CfhR8DbM              # its key_id in the list\n" },
	{ "conversation", "", "what was said", .verbs = cli_conversation_verbs, .options = LISTS,
	  .examples = "  usher conversation list\n"
		      "  usher conversation show 7\n" },
	{ "import", "FILE... [--as TEXT] [--out DIR] [--force] [--user NAME]",
	  "send files, and see what became of them", 1, 20, cli_import, cli_import_verbs,
	  .options = "  --as TEXT      what is to be done with the files\n"
		     "  --out DIR      write the files made of them there; what is there already is not "
		     "touched\n"
		     "  --force        with --out: write over files of the same name\n" AS_PERSON LISTS
		     "\nThe answer is waited for and printed, with links to the files made; where a file was "
		     "not "
		     "taken, the exit\nstatus is 1. A file that is named like a verb is sent as ./list.\n",
	  .examples =
		  "  usher import people.csv --as \"turn this into JSON with name, amount, date\" --out .\n"
		  "  usher import list\n"
		  "  usher import show 1\n" },
	{ "model", "", "who is answered by which model, and how", .verbs = cli_model_verbs, .options = LISTS,
	  .examples = "  usher model set brief prompt \"Answer in one sentence.\"\n"
		      "  usher model use brief installation slack/acme\n"
		      "  usher model use default installation slack/acme\n" },
	{ "usage", "[--by day|model|user|platform] [--days N]", "tokens, cost and failures", 0, 0, cli_usage,
	  .options = "  --by WHAT      a row for each day, model, user or platform; day\n"
		     "  --days N       of so many days; 30\n" LISTS,
	  .examples = "  usher usage --by model --days 7\n"
		      "  usher usage --csv\n" },
	{ "budget", "", "what may be spent, and by whom", .verbs = cli_budget_verbs, .options = LISTS,
	  .examples = "  usher budget set organization day 5    # US dollars\n"
		      "  usher budget set profile ann month 20\n"
		      "  usher budget remove organization day\n" },
	{ "mcp", "[--user NAME]", "our own tools for a program that speaks the Model Context Protocol", 0, 0,
	  cli_mcp,
	  .options = AS_PERSON
	  "\nMessages come on standard input and go to standard output, a line each; nothing else is "
	  "printed there.\n",
	  .examples = "  usher mcp --user ann\n" },
	{ "tool", "", "what the model may do, for whom", .verbs = cli_tool_verbs, .options = LISTS,
	  .examples = "  usher tool list --installation webhook/crm --role operator\n"
		      "  usher tool show files/read\n"
		      "  usher tool approve files/read\n" },
	{ "dead-letters", "", "replies and messages that got stuck", .verbs = cli_letter_verbs,
	  .options = LISTS,
	  .examples = "  usher dead-letters list\n"
		      "  usher dead-letters retry r12           # its id in the list\n" },
	{ "audit", "", "the record of everything, which proves itself", .verbs = cli_audit_verbs,
	  .options = LISTS,
	  .examples = "  usher audit verify\n"
		      "  usher audit export --org default --from 2026-01-01 --to 2026-02-01 --csv\n" },
	{ "settings", "", "every setting with its meaning and default", 0, 0, settings,
	  .examples = "  usher settings\n" },
	{ "version", "", "the version", 0, 0, version, .options = JSON, .examples = "  usher version\n" },
	{ NULL },
};
