/* The commands about installations: what is configured, and what people added by themselves. */
#include "cli.h"
#include "json.h"
#include <stdio.h>
#include <string.h>

/* How the connection of this installation is, by `usher status`; NULL when it does not run. */
static const char *link_of(const json_t *status, const json_t *row)
{
	const json_t *platforms = json_object_get(json_object_get(status, "core"), "platforms"), *one;
	size_t i;

	json_array_foreach (platforms, i, one)
		if (json_equal(json_object_get(one, "platform"), json_object_get(row, "platform")) &&
		    json_equal(json_object_get(one, "name"), json_object_get(row, "name")))
			return json_text(one, "link");
	return NULL;
}

static const char *state_of(const json_t *row)
{
	if (json_text(row, "removed_at"))
		return "removed";
	return json_is_true(json_object_get(row, "enabled")) ? "on" : "off";
}

/* What fits on a line for people. */
static json_t *short_row(const json_t *row)
{
	const char *title = json_text(row, "title"), *link = json_text(row, "link");
	const char *added = json_text(row, "created_at"), *why = json_text(row, "removed_why");

	return json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s?, s:s?}", "platform", json_text(row, "platform"),
			 "name", json_text(row, "name"), "title", title, "state", state_of(row), "connection",
			 link, "added", added, "why", why);
}

static int installation_list(struct cli *cli)
{
	json_t *rows = NULL, *status = NULL, *lines, *row;
	int result = cli_report(cli, "installations", NULL, 0, &rows);
	size_t i;

	if (result == CLI_OK)
		result = cli_ask(cli, "/admin/status", NULL, &status);
	if (result != CLI_OK) {
		json_decref(rows);
		return result;
	}
	lines = json_array();
	json_array_foreach (rows, i, row) {
		const char *link = link_of(status, row);

		json_object_set_new(row, "link", link ? json_string(link) : json_null());
		json_array_append_new(lines, short_row(row));
	}
	json_decref(status);
	cli_print(cli, cli->json ? json_incref(rows) : json_incref(lines),
		  "No installations yet. Set one up with: usher init");
	json_decref(rows);
	json_decref(lines);
	return CLI_OK;
}

static int installation_show(struct cli *cli)
{
	return cli_show(cli, "installation", cli->args, 1, "");
}

/* The one that is meant, by the daemon: "webhook/crm", or "crm" where only one has that name. */
static int do_named(struct cli *cli, const char *path, const char *done)
{
	json_t *row = NULL, *body;
	int status = cli_report(cli, "installation", cli->args, 1, &row);

	if (status != CLI_OK)
		return status;
	body = json_pack("{s:[ss]}", "args", json_text(row, "platform"), json_text(row, "name"));
	json_decref(row);
	return cli_do_at(cli, path, body, done);
}

static int installation_enable(struct cli *cli)
{
	return do_named(cli, "/admin/installation/enable", "Switched on.");
}

static int installation_disable(struct cli *cli)
{
	return do_named(cli, "/admin/installation/disable",
			"Switched off: nothing is taken in or sent there until it is switched on again.");
}

static int installation_remove(struct cli *cli)
{
	return do_named(cli, "/admin/installation/remove",
			"Removed: its secrets are erased, its conversations stay. It can be added again.");
}

const struct command cli_installation_verbs[] = {
	{ "list", "", "what is connected: configured, or added by others", 0, 0, installation_list, NULL },
	{ "show", "INSTALLATION", "everything known about one (\"acme/T123\", or with its platform in front)",
	  1, 1, installation_show, NULL },
	{ "enable", "INSTALLATION", "switch it on again", 1, 1, installation_enable, NULL },
	{ "disable", "INSTALLATION", "take in and send nothing there", 1, 1, installation_disable, NULL },
	{ "remove", "INSTALLATION", "erase the secrets of one that was added by others", 1, 1,
	  installation_remove, NULL },
	{ NULL },
};
