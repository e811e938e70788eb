/* The commands about people: accounts, strangers who wait, keys. */
#include "cli.h"
#include "code.h"
#include "crypto.h"
#include "json.h"
#include "registry.h"
#include <stdio.h>
#include <stdlib.h>
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

char *cli_known(const json_t *rows, const char *platform, const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		if (strcmp(json_text(row, "platform"), platform) == 0 &&
		    strcmp(json_text(row, "name"), name) == 0)
			return json_write(json_object_get(row, "settings"));
	return NULL;
}

static void add_link(json_t *links, const struct platform_ops *ops, const struct settings *one,
		     const json_t *rows, const char *code)
{
	const char *name = settings_text(one, "name");
	char *known = cli_known(rows, ops->name, name);
	char *link = ops->guide->invite(one, known, code);

	if (link)
		json_array_append_new(links, json_pack("{s:s, s:s, s:s}", "platform", ops->name,
						       "installation", name, "link", link));
	free(link);
	free(known);
}

/* Where a platform has links that hand a code over. */
static json_t *invite_links(struct cli *cli, const char *code)
{
	const struct settings *platforms = settings_group(cli->settings, "platforms");
	json_t *links = json_array(), *rows = NULL;

	if (cli_report(cli, "installations", NULL, 0, &rows) != CLI_OK)
		return links;
	for (size_t p = 0; registry_platforms[p]; p++) {
		const struct platform_ops *ops = registry_platforms[p];

		for (size_t i = 0;
		     ops->guide && ops->guide->invite && i < settings_count(platforms, ops->name); i++)
			add_link(links, ops, settings_group_at(platforms, ops->name, i), rows, code);
	}
	json_decref(rows);
	return links;
}

static void print_invitation(const json_t *invitation)
{
	const char *code = json_text(invitation, "code"), *who = json_text(invitation, "display_name");
	const json_t *one;
	size_t i;

	printf("%s\n", code);
	json_array_foreach (json_object_get(invitation, "links"), i, one) {
		cli_put(stdout, json_text(one, "link"));
		printf("\n");
	}
	fprintf(stderr, "Write \"link %s\" to the bot where it does not know you yet%s: you are ", code,
		i ? ", or open the link" : "");
	cli_put(stderr, who ? who : "the owner of this code");
	fputs(" there from then on. Good once, for ten minutes.\n", stderr);
}

/* Made here and sent to the person who asks: the daemon gets to know its hash only. */
static int pair_invite(struct cli *cli)
{
	char code[CODE_SIZE], hash[CRYPTO_SHA256_HEX];
	json_t *invitation = NULL;
	int status;

	code_make(code);
	crypto_sha256_hex(code, strlen(code), hash);
	status = cli_act(cli, "link_invite", (const char *const[]){ cli->count ? cli->args[0] : NULL, hash },
			 2, &invitation);
	if (status != CLI_OK)
		return status;
	json_object_set_new(invitation, "code", json_string(code));
	json_object_set_new(invitation, "links", invite_links(cli, code));
	if (cli->json) {
		cli_print(cli, invitation, "");
		return status;
	}
	print_invitation(invitation);
	json_decref(invitation);
	return status;
}

const struct command cli_pair_verbs[] = {
	{ "list", "", "strangers who wait, with their codes", 0, 0, pair_list, NULL },
	{ "approve", "CODE [USER]", "let this person in, as a new member or as an existing account", 1, 2,
	  pair_approve, NULL },
	{ "drop", "CODE", "forget this code", 1, 1, pair_drop, NULL },
	{ "invite", "[WHO]", "a code that makes whoever gives it this account; the owner if nobody is named",
	  0, 1, pair_invite, NULL },
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
