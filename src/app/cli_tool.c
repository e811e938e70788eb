/* The commands about tools: who may use which, and what a server says of them. */
#include "cli.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* ---- logging in ---------------------------------------------------------------------------------------------------- */

enum { LOGIN_SECONDS = 600 };

static int paste(struct cli *cli, const char *address)
{
	return cli_ask(cli, "/admin/tools/login/pasted",
		       json_pack("{s:[s,s]}", "args", cli->args[0], address), NULL);
}

/* A line that was pasted meanwhile; waits a second for it. False: none. */
static bool read_pasted(char *line, size_t size)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	if (!isatty(STDIN_FILENO)) {
		poll(NULL, 0, 1000);
		return false;
	}
	return poll(&input, 1, 1000) > 0 && fgets(line, (int)size, stdin) && strchr(line, '?');
}

/* Until the browser has come back to the daemon, or the address was pasted here. */
static int await_login(struct cli *cli)
{
	char line[8192];

	for (int second = 0; second < LOGIN_SECONDS; second++) {
		json_t *answer = NULL;
		const char *state;
		int status;

		if (read_pasted(line, sizeof(line)) && (status = paste(cli, line)) != CLI_OK)
			return status;
		status = cli_ask(cli, "/admin/tools/login/state", json_pack("{s:[s]}", "args", cli->args[0]),
				 &answer);
		if (status != CLI_OK)
			return status;
		state = json_string_value(json_object_get(answer, "state"));
		if (state && strcmp(state, "done") == 0) {
			puts("Authorized: its tools are offered, by the policy.");
			json_decref(answer);
			return CLI_OK;
		}
		if (state && strcmp(state, "failed") == 0) {
			fputs("usher: ", stderr);
			cli_put(stderr, json_string_value(json_object_get(answer, "why")));
			fputc('\n', stderr);
			json_decref(answer);
			return CLI_FAILED;
		}
		json_decref(answer);
	}
	fputs("usher: nobody came back within ten minutes\n", stderr);
	return CLI_FAILED;
}

static int login(struct cli *cli)
{
	json_t *answer = NULL;
	int status;

	if (cli->count > 1) {
		status = paste(cli, cli->args[1]);
		return status == CLI_OK ? await_login(cli) : status;
	}
	status = cli_ask(cli, "/admin/tools/login", json_pack("{s:[s]}", "args", cli->args[0]), &answer);
	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print(cli, answer, "");
		return status;
	}
	puts("Open this address in a browser and agree there:\n");
	cli_put(stdout, json_string_value(json_object_get(answer, "url")));
	json_decref(answer);
	printf("\n\nIf the last page can't be opened, copy its address and paste it here, or give it to:\n"
	       "    usher tool login %s 'ADDRESS'\n\nWaiting ...\n",
	       cli->args[0]);
	fflush(stdout);
	return await_login(cli);
}

static int logout(struct cli *cli)
{
	return cli_do_at(cli, "/admin/tools/logout", json_pack("{s:[s]}", "args", cli->args[0]),
			 "Forgotten: its tokens are erased here. Take the right back at the server too.");
}

const struct command cli_tool_verbs[] = {
	{ "list", "[--installation PLATFORM/NAME] [--role member|operator|owner]",
	  "what the model may use for somebody like that, and why", 0, 0, list, NULL },
	{ "show", "SERVER/TOOL", "what the server says of its tool, and what of it has changed", 1, 1,
	  cli_tool_show, NULL },
	{ "approve", "SERVER/TOOL [HASH]",
	  "what the server says of its tool now is what it may say; HASH: as shown, else you are asked", 1, 2,
	  cli_tool_approve, NULL },
	{ "login", "SERVER [ADDRESS]",
	  "authorize usher at a server of tools, by a browser; ADDRESS: of the last page, if it did not open",
	  1, 2, login, NULL },
	{ "logout", "SERVER", "forget the tokens of a server of tools", 1, 1, logout, NULL },
	{ NULL },
};
