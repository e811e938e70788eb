/* The commands about tools: who may use which, and what a server says of them. */
#include "cli.h"
#include <stdio.h>
#include <string.h>

static bool is_role(const char *role)
{
	return strcmp(role, "member") == 0 || strcmp(role, "operator") == 0 || strcmp(role, "owner") == 0;
}

static int list(struct cli *cli)
{
	const char *role = cli->role ? cli->role : "member";
	json_t *rows = NULL;
	int status;

	if (!is_role(role)) {
		fputs("usher: --role takes member, operator or owner\n", stderr);
		return CLI_USAGE;
	}
	if (cli->installation && strchr(cli->installation, '/') == NULL) {
		fputs("usher: --installation takes PLATFORM/NAME\n", stderr);
		return CLI_USAGE;
	}
	status = cli_ask(cli, "/admin/tools",
			 json_pack("{s:[s,s]}", "args", cli->installation ? cli->installation : "", role),
			 &rows);
	if (status == CLI_OK)
		cli_print(cli, rows, "No tools.");
	return status;
}

static int approve(struct cli *cli)
{
	json_t *answer = NULL;
	int status =
		cli_ask(cli, "/admin/tools/approve", json_pack("{s:[s]}", "args", cli->args[0]), &answer);

	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print(cli, answer, "");
		return status;
	}
	json_decref(answer);
	puts("Approved: it is offered again, by the policy.");
	return status;
}

const struct command cli_tool_verbs[] = {
	{ "list", "[--installation PLATFORM/NAME] [--role member|operator|owner]",
	  "what the model may use for somebody like that, and why", 0, 0, list, NULL },
	{ "approve", "SERVER/TOOL", "what the server says of its tool now is what it may say", 1, 1, approve,
	  NULL },
	{ NULL },
};
