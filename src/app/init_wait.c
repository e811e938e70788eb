/* After the settings are written: the daemon takes them over, connects, and the first message comes. */
#include "clock.h"
#include "init.h"
#include "json.h"
#include "mem.h"
#include "settings_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POLL_MS = 500, TELL_MS = 30000, TAKE_OVER_MS = 60000, WAIT_S = 600, WAIT_S_MAX = 86400 };

struct wait {
	struct init *init;
	uint64_t end_ms, began_ms, told_ms;
	char since[CLOCK_TEXT_SIZE];
	bool reloaded;
	char why[300]; /* what keeps it from being connected */
};

enum seen { SEEN_NO, SEEN_YES, SEEN_FAILED };
typedef enum seen wait_fn(struct wait *wait);

/* On a terminal one line that counts, elsewhere a line now and then. */
static void tell(struct wait *wait, const char *what)
{
	uint64_t now = clock_mono_ms();

	if (isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r%s ... %llu s ", what,
			(unsigned long long)((now - wait->began_ms) / 1000));
	} else if (wait->told_ms == 0 || now - wait->told_ms >= TELL_MS) {
		fprintf(stderr, "%s ...\n", what);
		wait->told_ms = now;
	}
}

static enum seen wait_for(struct wait *wait, const char *what, wait_fn *fn, uint64_t most_ms)
{
	uint64_t end = clock_mono_ms() + most_ms;
	enum seen seen;

	end = end < wait->end_ms ? end : wait->end_ms;
	wait->began_ms = clock_mono_ms();
	wait->told_ms = 0;
	while ((seen = fn(wait)) == SEEN_NO && clock_mono_ms() < end) {
		tell(wait, what);
		if (!init_pause(wait->init, -1, POLL_MS)) {
			seen = SEEN_FAILED;
			fputs("\nNot waiting any longer; what was set up stays.", stderr);
			break;
		}
	}
	if (isatty(STDERR_FILENO))
		fputs("\n", stderr);
	return seen;
}

/* What `usher status` says about the new installation. */
static enum seen is_up(struct wait *wait)
{
	json_t *status = NULL;
	const json_t *one, *platforms;
	enum seen seen = SEEN_NO;
	size_t i;

	if (cli_ask(wait->init->cli, "/admin/status", NULL, &status) != CLI_OK)
		return SEEN_NO;
	platforms = json_object_get(json_object_get(status, "core"), "platforms");
	json_array_foreach (platforms, i, one) {
		const char *platform = json_text(one, "platform"), *name = json_text(one, "name");
		const char *link = json_text(one, "link"), *why = json_text(one, "why");

		if (!platform || !name || !link || strcmp(platform, wait->init->ops->name) != 0 ||
		    strcmp(name, wait->init->name) != 0)
			continue;
		snprintf(wait->why, sizeof(wait->why), "%s%s%s", link, why ? ": " : "", why ? why : "");
		seen = strcmp(link, "up") == 0 ? SEEN_YES : SEEN_NO;
	}
	json_decref(status);
	return seen;
}

/* The row is of this installation or of a place that added it, and newer than our waiting. */
static bool is_ours(const struct wait *wait, const json_t *row, const char *time)
{
	const char *platform = json_text(row, "platform"), *name = json_text(row, "installation");
	const char *when = json_text(row, time), *own = wait->init->name;

	return platform && name && when && strcmp(platform, wait->init->ops->name) == 0 &&
	       strncmp(name, own, strlen(own)) == 0 && strchr("/", name[strlen(own)]) != NULL &&
	       strcmp(when, wait->since) >= 0;
}

static bool any_row(struct wait *wait, const char *report, const char *time, char code_out[32])
{
	json_t *rows = NULL;
	const json_t *row;
	bool found = false;
	size_t i;

	if (cli_report(wait->init->cli, report, NULL, 0, &rows) != CLI_OK)
		return false;
	json_array_foreach (rows, i, row) {
		const char *code = json_text(row, "code");

		if (!is_ours(wait, row, time))
			continue;
		found = true;
		snprintf(code_out, 32, "%s", code ? code : "");
	}
	json_decref(rows);
	return found;
}

static enum seen has_message(struct wait *wait)
{
	char code[32] = "";

	if (any_row(wait, "conversations", "updated_at", code)) {
		puts("The first message has come and is being answered. It works.");
		return SEEN_YES;
	}
	if (any_row(wait, "pairs", "created_at", code)) {
		printf("The first message has come, from somebody who is not let in yet. Let them in with: "
		       "usher pair approve %s\n",
		       code);
		return SEEN_YES;
	}
	return SEEN_NO;
}

/* A daemon that runs takes the file over now. */
static enum seen reload(struct wait *wait)
{
	struct cli *cli = wait->init->cli;
	json_t *answer = NULL;
	int status;

	cli->quiet = true;
	status = cli_ask(cli, "/admin/status", NULL, &answer);
	json_decref(answer);
	if (status == CLI_NO_DAEMON) {
		printf("No daemon runs. Start it now, in another terminal: usher run --config %s\n",
		       wait->init->file);
		return SEEN_YES;
	}
	cli->quiet = false;
	answer = NULL;
	status = cli_ask(cli, "/admin/reload", json_object(), &answer);
	json_decref(answer);
	cli->quiet = true;
	wait->reloaded = status == CLI_OK;
	if (wait->reloaded)
		puts("The daemon takes the new settings over.");
	return wait->reloaded ? SEEN_YES : SEEN_FAILED;
}

bool init_seconds(const struct init *init, unsigned long *seconds_out)
{
	const char *text = init->cli->wait;
	char *end = NULL;
	unsigned long seconds = text ? strtoul(text, &end, 10) : WAIT_S;

	*seconds_out = seconds;
	if (text == NULL || (*text >= '0' && *text <= '9' && *end == '\0' && seconds <= WAIT_S_MAX))
		return true;
	fprintf(stderr, "usher: --wait takes seconds, 0 to %d\n", WAIT_S_MAX);
	return false;
}

static int not_up(const struct wait *wait)
{
	if (wait->why[0])
		fprintf(stderr, "usher: not connected yet (%s). usher doctor tells more.\n", wait->why);
	else if (wait->reloaded)
		fprintf(stderr, "usher: the daemon does not use %s: start it with --config %s\n",
			wait->init->file, wait->init->file);
	else
		fprintf(stderr, "usher: no daemon was started. Do it with: usher run --config %s\n",
			wait->init->file);
	return CLI_FAILED;
}

/* Where the platform has a link to begin with, now that it is known who the bot is. The caller frees; NULL: none. */
static char *first_link(const struct init *init)
{
	const struct platform_guide *guide = init->ops->guide;
	struct err err = { 0 };
	struct settings *one = guide->invite ? init_settings(init, true, &err) : NULL;
	json_t *rows = NULL;
	char *known, *link = NULL;

	if (one && cli_report(init->cli, "installations", NULL, 0, &rows) == CLI_OK) {
		known = cli_known(rows, init->ops->name, init->name);
		link = guide->invite(one, known, NULL);
		free(known);
	}
	json_decref(rows);
	settings_destroy(one);
	return link;
}

static void print_first(const struct init *init)
{
	char *link = first_link(init);

	printf("Connected. Now %s%s%s\n", init->ops->guide->first, link ? ": " : ".", link ? link : "");
	fflush(stdout);
	free(link);
}

int init_wait(struct init *init)
{
	struct wait wait = { .init = init };
	unsigned long seconds;
	enum seen seen;

	if (!init_seconds(init, &seconds))
		return CLI_USAGE;
	wait.end_ms = clock_mono_ms() + seconds * 1000;
	clock_text(clock_wall_ms(), wait.since);
	if (reload(&wait) == SEEN_FAILED)
		return CLI_FAILED;
	if (seconds == 0)
		return CLI_OK;
	seen = wait_for(&wait, "waiting for the connection", is_up,
			wait.reloaded ? TAKE_OVER_MS : seconds * 1000);
	if (seen != SEEN_YES)
		return seen == SEEN_FAILED ? CLI_OK : not_up(&wait);
	print_first(init);
	seen = wait_for(&wait, "waiting for the first message", has_message, seconds * 1000);
	if (seen == SEEN_NO)
		fputs("usher: no message came in that time. usher doctor tells what may be missing.\n",
		      stderr);
	return seen == SEEN_NO ? CLI_FAILED : CLI_OK;
}
