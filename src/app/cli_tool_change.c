/* What a server says of a tool, beside what it said before: for the operator, who decides whether that may be. */
#include "cli.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HASH_SHOWN = 12 };

/* "SERVER/TOOL": the server's part in room, the tool's returned; NULL, and said, when it is none. */
static const char *tool_of(const struct cli *cli, char **server_out)
{
	const char *slash = strchr(cli->args[0], '/');

	if (slash == NULL || slash == cli->args[0] || slash[1] == '\0') {
		fputs("usher: a tool is named SERVER/TOOL here, by the name that the server itself gives "
		      "it\n",
		      stderr);
		return NULL;
	}
	*server_out = mem_text_n(cli->args[0], (size_t)(slash - cli->args[0]));
	return slash + 1;
}

static int ask(struct cli *cli, json_t **pin_out)
{
	char *server = NULL;
	const char *tool = tool_of(cli, &server);
	int status =
		tool ? cli_report(cli, "tool", (const char *const[]){ server, tool }, 2, pin_out) : CLI_USAGE;

	free(server);
	return status;
}

/* ---- showing --------------------------------------------------------------------------------------------------- */

static void put_lines(const char *mark, const char *text)
{
	char *shown = text_revealed(text, "\n\t");

	for (const char *line = shown; *line;) {
		size_t len = strcspn(line, "\n");

		printf("%s%.*s\n", mark, (int)len, line);
		line += len + (line[len] == '\n');
	}
	if (*shown == '\0')
		printf("%s\n", mark);
	free(shown);
}

/* Texts as they are, all else as JSON. The caller frees. */
static char *plain(const json_t *value)
{
	return json_is_string(value) ? mem_text(json_string_value(value))
				     : json_dumps(value, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

static void put_part(const char *name, const json_t *old, const json_t *now)
{
	char *before = old ? plain(old) : NULL, *after = now ? plain(now) : NULL;
	bool same = json_equal(old, now);

	if (before || after)
		printf("\n%s%s:\n", name, same ? "" : " (changed)");
	if (before)
		put_lines(same ? "    " : "  - ", before);
	if (after && !same)
		put_lines("  + ", after);
	free(before);
	free(after);
}

static json_t *words(const json_t *pin, const char *key)
{
	const char *text = json_text(pin, key);

	return text ? json_read(text, strlen(text), NULL) : NULL;
}

static void put_words(const json_t *old, const json_t *now)
{
	static const char *const parts[] = { "name", "title", "description", "annotations", "inputSchema" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		put_part(parts[i], json_object_get(old, parts[i]), json_object_get(now, parts[i]));
}

static void put_pin(const struct cli *cli, const json_t *pin)
{
	const char *found = json_text(pin, "found"), *changed = json_text(pin, "changed_at");
	json_t *old = words(pin, "definition"),
	       *now = found ? words(pin, "found_definition") : json_incref(old);

	if (found)
		printf("%s says something else since %s: - before, + now.\n", cli->args[0],
		       changed ? changed : "-");
	else
		printf("%s says what it said when it was first seen, or approved.\n", cli->args[0]);
	if (old == NULL)
		puts("\nWhat it said before is not kept: it was too long, or seen by an older release.");
	if (found && now == NULL)
		puts("\nWhat it says now is not kept: it is too long, or the server says too much in all.");
	put_words(old ? old : now, now ? now : old);
	if (found)
		printf("\nIf the model may read that: usher tool approve %s %.*s\n", cli->args[0], HASH_SHOWN,
		       found);
	json_decref(old);
	json_decref(now);
}

int cli_tool_show(struct cli *cli)
{
	json_t *pin = NULL;
	int status = ask(cli, &pin);

	if (status != CLI_OK)
		return status;
	if (cli->json) {
		cli_print(cli, pin, "");
		return status;
	}
	put_pin(cli, pin);
	json_decref(pin);
	return status;
}

/* ---- approving --------------------------------------------------------------------------------------------------- */

static int approve(struct cli *cli, const char *hash)
{
	return cli_do_at(cli, "/admin/tools/approve", json_pack("{s:[s,s]}", "args", cli->args[0], hash),
			 "Approved: it is offered again, by the policy.");
}

static bool says_yes(void)
{
	char line[16];

	fputs("\nMay the model read that? [y/N] ", stdout);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

/* Nothing is approved that was not shown: the hash is of what was, whatever the server says meanwhile. */
static int ask_and_approve(struct cli *cli)
{
	json_t *pin = NULL;
	const char *found;
	int status = ask(cli, &pin);

	if (status != CLI_OK)
		return status;
	found = json_text(pin, "found");
	put_pin(cli, pin);
	if (found == NULL) {
		fputs("usher: it has not changed: there is nothing to approve\n", stderr);
		status = CLI_FAILED;
	} else if (!isatty(STDIN_FILENO)) {
		fputs("usher: nothing is approved unseen: say the hash of what was shown\n", stderr);
		status = CLI_FAILED;
	} else {
		status = says_yes() ? approve(cli, found) : CLI_FAILED;
	}
	json_decref(pin);
	return status;
}

int cli_tool_approve(struct cli *cli)
{
	char *server = NULL;
	bool named = tool_of(cli, &server) != NULL;

	free(server);
	if (!named)
		return CLI_USAGE;
	if (cli->json && cli->count == 1) {
		fputs("usher: with --json, name the hash of what you have seen: usher tool show\n", stderr);
		return CLI_USAGE;
	}
	return cli->count > 1 ? approve(cli, cli->args[1]) : ask_and_approve(cli);
}
