/* The commands about people: accounts, strangers who wait, keys. */
#include "cli.h"
#include "json.h"
#include <stdio.h>
#include <string.h>

static int user_list(struct cli *cli)
{
	return cli_show(cli, "users", NULL, 0,
			"No accounts yet. Add one with: usher user add NAME --email ADDRESS");
}

static int user_add(struct cli *cli)
{
	const char *name = cli->args[0];
	const char *role = cli->role ? cli->role : "member";

	if (cli->email == NULL) {
		fputs("usher: an account needs an address: usher user add NAME --email ADDRESS\n", stderr);
		return CLI_USAGE;
	}
	return cli_do(cli, "user_add",
		      (const char *const[]){ name, cli->display ? cli->display : name, cli->email, role }, 4,
		      "Added. Make a key with: usher key add NAME KEYNAME");
}

static int user_enable(struct cli *cli)
{
	return cli_do(cli, "user_status", (const char *const[]){ cli->args[0], "active" }, 2, "Enabled.");
}

static int user_disable(struct cli *cli)
{
	return cli_do(cli, "user_status", (const char *const[]){ cli->args[0], "disabled" }, 2,
		      "Disabled: keys stop working now, messages are refused politely.");
}

static int user_role(struct cli *cli)
{
	return cli_do(cli, "user_role", cli->args, 2, "Changed.");
}

const struct command cli_user_verbs[] = {
	{ "list", "", "accounts with role, status and address", 0, 0, user_list, NULL },
	{ "add", "NAME --email ADDRESS [--name \"FULL NAME\"] [--role member|operator|owner]",
	  "a new account", 1, 1, user_add, NULL },
	{ "enable", "NAME", "let this person talk again", 1, 1, user_enable, NULL },
	{ "disable", "NAME", "stop this person's keys and messages at once", 1, 1, user_disable, NULL },
	{ "role", "NAME member|operator|owner", "what this person may do", 2, 2, user_role, NULL },
	{ NULL },
};

static int pair_list(struct cli *cli)
{
	return cli_show(cli, "pairs", NULL, 0, "Nobody waits to be let in.");
}

static int pair_approve(struct cli *cli)
{
	return cli_do(cli, "pair_approve",
		      (const char *const[]){ cli->args[0], cli->count > 1 ? cli->args[1] : NULL }, 2,
		      "Approved: this person may talk now.");
}

static int pair_drop(struct cli *cli)
{
	return cli_do(cli, "pair_drop", cli->args, 1, "Dropped: the code no longer works.");
}

const struct command cli_pair_verbs[] = {
	{ "list", "", "strangers who wait, with their codes", 0, 0, pair_list, NULL },
	{ "approve", "CODE [USER]", "let this person in, as a new member or as an existing account", 1, 2,
	  pair_approve, NULL },
	{ "drop", "CODE", "forget this code", 1, 1, pair_drop, NULL },
	{ NULL },
};

static int key_list(struct cli *cli)
{
	return cli_show(cli, "keys", NULL, 0, "No keys yet. Make one with: usher key add USER NAME");
}

static int key_add(struct cli *cli)
{
	json_t *body = json_pack("{s:[ss]}", "args", cli->args[0], cli->args[1]), *answer;
	int status;

	if (body == NULL) {
		fputs("usher: names must be UTF-8 text\n", stderr);
		return CLI_USAGE;
	}
	status = cli_ask(cli, "/admin/key", body, &answer);
	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print(cli, answer, "");
		return status;
	}
	printf("%s\n", json_text(answer, "key"));
	fputs("This is the only time the key is shown. Revoke it with: usher key revoke ", stderr);
	fprintf(stderr, "%s\n", json_text(answer, "key_id"));
	json_decref(answer);
	return status;
}

static int key_revoke(struct cli *cli)
{
	return cli_do(cli, "key_revoke", cli->args, 1, "Revoked: the next request with it is refused.");
}

const struct command cli_key_verbs[] = {
	{ "list", "", "keys with owner, state and last use", 0, 0, key_list, NULL },
	{ "add", "USER NAME", "a new key for this account; shown once", 2, 2, key_add, NULL },
	{ "revoke", "KEYID", "stop a key at once", 1, 1, key_revoke, NULL },
	{ NULL },
};
