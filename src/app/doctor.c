/* `usher doctor`: one line a check, each with its cure. */
#include "cli.h"
#include "clock.h"
#include "daemon.h"
#include "db.h"
#include "imports_open.h"
#include "io.h"
#include "json.h"
#include "mem.h"
#include "parser_try.h"
#include "registry.h"
#include "settings_build.h"
#include "settings_file.h"
#include "text.h"
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK_LIMIT_MS = 300000, PRICE_AGE_DAYS = 90 };
enum finding { FINE, WARNING, FAULT };

struct doctor {
	struct cli *cli;
	json_t *findings;
	bool faults;
};

static void say(struct doctor *doctor, enum finding finding, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void say(struct doctor *doctor, enum finding finding, const char *what, const char *fmt, ...)
{
	static const char *const words[] = { "ok", "warning", "fault" };
	char *raw = NULL, *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&raw, fmt, args) < 0)
		raw = NULL;
	va_end(args);
	text = text_repair(raw ? raw : "?", raw ? strlen(raw) : 1);
	free(raw);
	doctor->faults |= finding == FAULT;
	json_array_append_new(doctor->findings, json_pack("{s:s, s:s, s:s}", "check", what, "result",
							  words[finding], "message", text));
	if (!doctor->cli->json) {
		printf("%-8s %-10s ", words[finding], what);
		cli_put(stdout, text); /* names that others gave stand in it */
		putchar('\n');
	}
	free(text);
}

/* Every secret that was written out instead of being named. */
static void check_secrets(struct doctor *doctor, const struct settings *group)
{
	for (const struct setting *row = settings_table(group); row->name; row++) {
		if (row->type == SETTING_SECRET && settings_secret_literal(group, row->name))
			say(doctor, WARNING, "secrets",
			    "%s: \"%s\" is written into the file; name it instead: env:NAME, "
			    "file:PATH or credential:NAME",
			    settings_where(group, row->name), row->name);
		for (size_t i = 0; row->inside && i < settings_count(group, row->name); i++)
			check_secrets(doctor, settings_group_at(group, row->name, i));
	}
}

static void check_listen(struct doctor *doctor)
{
	const struct settings *listen = settings_group(doctor->cli->settings, "listen");
	const char *address = settings_text(listen, "address");
	bool loopback = strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;

	if (!loopback && !settings_given(listen, "cert_file"))
		say(doctor, WARNING, "listen",
		    "%s is reachable from other machines without TLS; set listen.cert_file and "
		    "key_file, or put a proxy with TLS in front",
		    address);
	else
		say(doctor, FINE, "listen", "%s:%ld", address, settings_int(listen, "port"));
}

static void check_prices(struct doctor *doctor)
{
	const char *file = settings_text(settings_group(doctor->cli->settings, "prices"), "file");
	char today[CLOCK_TEXT_SIZE], limit[CLOCK_TEXT_SIZE];
	struct prices prices;
	struct err err = { 0 };

	if (!prices_load(file, &prices, &err)) {
		say(doctor, FAULT, "prices", "%s", err.text);
		return;
	}
	clock_text(clock_wall_ms() - PRICE_AGE_DAYS * 86400000LL, limit);
	clock_text(clock_wall_ms(), today);
	if (strncmp(prices.date, limit, 10) < 0)
		say(doctor, WARNING, "prices",
		    "the table is of %s, over %d days old; name a newer one in prices.file", prices.date,
		    PRICE_AGE_DAYS);
	else
		say(doctor, FINE, "prices", "%zu models, of %s", prices.count, prices.date);
	prices_free(&prices);
}

/* Below the reserve no new answers are made, below a quarter of it nothing is accepted. */
static void check_disk(struct doctor *doctor, int64_t room)
{
	const struct settings *limits = settings_group(doctor->cli->settings, "limits");
	int64_t reserve = (int64_t)settings_int(limits, "disk_reserve_mb") << 20;

	if (room < 0)
		say(doctor, WARNING, "disk", "the free space beside the database is not known");
	else if (room < reserve)
		say(doctor, room < reserve / 4 ? FAULT : WARNING, "disk",
		    "only %lld MB free beside the database, %s; make room, or lower limits.disk_reserve_mb "
		    "(%lld)",
		    (long long)(room >> 20),
		    room < reserve / 4 ? "nothing is accepted" : "no new answers are made",
		    (long long)(reserve >> 20));
	else
		say(doctor, FINE, "disk", "%lld MB free beside the database", (long long)(room >> 20));
}

/* Without a daemon the database is looked at here. Not as its writer: a daemon that starts meanwhile, perhaps with new
 * settings, would find it taken and give up. */
static void check_database_alone(struct doctor *doctor)
{
	const char *url = settings_text(settings_group(doctor->cli->settings, "store"), "url");
	struct err err = { 0 };
	struct db *db = db_open(url, DB_READER, &err);
	char *result;

	if (db == NULL) {
		if (err.kind == ERR_GONE)
			say(doctor, FINE, "database", "%s: made by the first start", url);
		else
			say(doctor, FAULT, "database", "%s", err.text);
		return;
	}
	result = db_check(db);
	say(doctor, strcmp(result, "ok") == 0 ? FINE : FAULT, "database", "%s: %s", url, result);
	check_disk(doctor, db_disk_free(db));
	free(result);
	db_close(db);
}

static void check_daemon(struct doctor *doctor, const json_t *status)
{
	const json_t *store = json_object_get(status, "store"), *core = json_object_get(status, "core");
	int64_t level = json_int(core, "level", 0);
	const char *why = json_text(core, "why");

	say(doctor, FINE, "daemon", "version %s, process %lld, up %lld s", json_text(status, "version"),
	    (long long)json_int(status, "pid", 0), (long long)json_int(status, "uptime_s", 0));
	say(doctor, json_is_true(json_object_get(store, "full")) ? FAULT : FINE, "database", "%s",
	    json_is_true(json_object_get(store, "full"))
		    ? "the disk is full: nothing is accepted until there is room"
		    : "open and storing");
	check_disk(doctor, json_int(store, "disk_free", -1));
	if (level > 0)
		say(doctor, level >= 3 ? FAULT : WARNING, "pressure", "level %lld: %s", (long long)level,
		    why ? why : "");
}

static void check_model(struct doctor *doctor, const char *name)
{
	char *escaped = curl_easy_escape(NULL, name, 0);
	char *path = mem_format("/admin/models/%s/check", escaped);
	json_t *answer = NULL;
	int64_t skew;

	if (cli_ask(doctor->cli, path, json_object(), &answer) == CLI_OK) {
		const char *message = json_text(answer, "message");
		bool reached = json_is_true(json_object_get(answer, "ok"));

		say(doctor, reached ? FINE : FAULT, "model", "%s: %s", name,
		    reached ? "reachable, key accepted" : message);
		skew = json_int(answer, "clock_skew_ms", 0);
		if (skew > CLOCK_LIMIT_MS || skew < -CLOCK_LIMIT_MS)
			say(doctor, FAULT, "clock",
			    "off by %lld s against the model's server: signatures will be refused; "
			    "set the clock (timedatectl set-ntp true)",
			    (long long)(skew / 1000));
		else if (skew)
			say(doctor, FINE, "clock", "agrees with the model's server");
	} else {
		say(doctor, FAULT, "model", "%s: the daemon could not check it", name);
	}
	json_decref(answer);
	curl_free(escaped);
	free(path);
}

/* What an installation found when it looked at its tokens, rights and connection. */
static void add_findings(struct doctor *doctor, const char *which, const json_t *findings)
{
	const json_t *one;
	size_t i;

	json_array_foreach (findings, i, one) {
		const char *check = json_text(one, "check"), *result = json_text(one, "result");
		const char *message = json_text(one, "message");

		say(doctor,
		    result && strcmp(result, "ok") == 0	       ? FINE
		    : result && strcmp(result, "warning") == 0 ? WARNING
							       : FAULT,
		    check ? check : "check", "%s: %s", which, message ? message : "no reason given");
	}
}

/* Named in the settings, or added to one that is. Platforms that are always there are in no settings. */
static bool in_settings(const struct settings *settings, const char *platform, const char *name)
{
	const struct settings *platforms = settings_group(settings, "platforms");
	size_t len = strcspn(name, "/"), at = 0;

	while (registry_platforms[at] && strcmp(registry_platforms[at]->name, platform) != 0)
		at++;
	if (registry_platforms[at] == NULL)
		return true;
	for (size_t i = 0; i < settings_count(platforms, platform); i++) {
		const char *own = settings_text(settings_group_at(platforms, platform, i), "name");

		if (strlen(own) == len && strncmp(own, name, len) == 0)
			return true;
	}
	return false;
}

/* What others added may go; what the settings name may not. */
static void check_removed(struct doctor *doctor, const char *which, const json_t *row)
{
	const char *why = json_text(row, "removed_why"), *name = json_text(row, "name");

	if (strchr(name, '/') == NULL && in_settings(doctor->cli->settings, json_text(row, "platform"), name))
		say(doctor, FAULT, "link",
		    "%s: taken out on the other side (%s): install it there again, put its new secrets in "
		    "place, and reload",
		    which, why ? why : "no reason given");
}

static void ask_installation(struct doctor *doctor, const char *which, const json_t *row)
{
	json_t *findings = NULL;
	json_t *body = json_pack("{s:[ss]}", "args", json_text(row, "platform"), json_text(row, "name"));

	if (cli_ask(doctor->cli, "/admin/installation/check", body, &findings) == CLI_OK)
		add_findings(doctor, which, findings);
	else
		say(doctor, FAULT, "link", "%s: could not be checked", which);
	json_decref(findings);
}

static void check_installation(struct doctor *doctor, const json_t *row)
{
	const char *platform = json_text(row, "platform"), *name = json_text(row, "name");
	char *which = mem_format("%s/%s", platform, name);

	if (json_text(row, "removed_at"))
		check_removed(doctor, which, row);
	else if (!in_settings(doctor->cli->settings, platform, name))
		say(doctor, WARNING, "link",
		    "%s: not in the settings any more; if that is meant: usher installation remove %s", which,
		    which);
	else if (!json_is_true(json_object_get(row, "enabled")))
		say(doctor, WARNING, "link",
		    "%s: switched off; switch it on with: usher installation enable %s", which, which);
	else
		ask_installation(doctor, which, row);
	free(which);
}

static void check_installations(struct doctor *doctor)
{
	json_t *rows = NULL;
	const json_t *row;
	size_t i;

	if (cli_report(doctor->cli, "installations", NULL, 0, &rows) == CLI_OK)
		json_array_foreach (rows, i, row)
			check_installation(doctor, row);
	json_decref(rows);
}

/* Servers of tools, as the daemon sees them. */
static void check_servers(struct doctor *doctor, const json_t *servers)
{
	const json_t *one;
	size_t i;

	json_array_foreach (servers, i, one) {
		const char *name = json_text(one, "name"), *state = json_text(one, "state");
		const char *why = json_text(one, "why");

		if (why)
			say(doctor, FAULT, "tools", "%s: %s: %s", name, state, why);
		else
			say(doctor, strcmp(state, "ready") == 0 ? FINE : WARNING, "tools",
			    "%s: %s, %lld tools", name, state, (long long)json_int(one, "tools", 0));
	}
}

static void check_changed(struct doctor *doctor, const json_t *changed)
{
	const json_t *one;
	size_t i;

	json_array_foreach (changed, i, one)
		say(doctor, WARNING, "tools",
		    "%s: its server says something else of it than before, so it is not offered; look at it, "
		    "then: usher tool approve %s",
		    json_string_value(one), json_string_value(one));
}

static void check_target(struct doctor *doctor, const json_t *fault)
{
	long long id = (long long)json_int(fault, "import", 0);

	if (id == 0)
		return;
	if (json_is_true(json_object_get(fault, "given_up")))
		say(doctor, FAULT, "files",
		    "import %lld was not taken: %s; given up, to post it again: usher import post %lld", id,
		    json_text(fault, "why"), id);
	else
		say(doctor, FAULT, "files", "import %lld was not taken: %s; it is tried again", id,
		    json_text(fault, "why"));
}

static void check_running(struct doctor *doctor)
{
	json_t *status = NULL, *models = NULL;
	const json_t *name;
	size_t i;
	int result = cli_ask(doctor->cli, "/admin/status", NULL, &status);

	if (result == CLI_FAILED) {
		say(doctor, FAULT, "daemon", "it could not be asked: usher status says why");
		return;
	}
	if (result != CLI_OK) {
		say(doctor, WARNING, "daemon",
		    "not running, so models were not asked; start it with: usher run");
		check_database_alone(doctor);
		return;
	}
	check_daemon(doctor, status);
	check_servers(doctor, json_object_get(status, "mcp"));
	check_changed(doctor, json_object_get(status, "tools_changed"));
	check_target(doctor, json_object_get(status, "import_target"));
	json_decref(status);
	if (cli_ask(doctor->cli, "/admin/models", NULL, &models) == CLI_OK)
		json_array_foreach (models, i, name)
			check_model(doctor, json_string_value(name));
	json_decref(models);
	check_installations(doctor);
}

/* What a start would refuse although the file reads well: secrets, certificates, models. */
static void check_settings(struct doctor *doctor)
{
	const char *file = config_path(doctor->cli->config);
	struct err err = { 0 };
	struct io *io = io_create(&err);

	if (io && daemon_try(doctor->cli->settings, io, &err))
		say(doctor, FINE, "settings", "%s", file ? file : "no file: the built-in defaults");
	else
		say(doctor, FAULT, "settings", "%s", err.text);
	io_destroy(io);
}

/* Files that people send: is there somebody to read them? */
static void check_files(struct doctor *doctor)
{
	const struct settings *settings = doctor->cli->settings;
	char *program;
	struct err err = { 0 };

	if (settings_int(settings_group(settings, "limits"), "file_mb") == 0) {
		say(doctor, FINE, "files", "not taken in (limits.file_mb = 0)");
		return;
	}
	program = imports_parser(settings_group(settings, "imports"));
	if (parser_try(program, &err))
		say(doctor, FINE, "files", "%s reads them, locked in", program);
	else
		say(doctor, FAULT, "files", "%s", err.text);
	free(program);
}

int cli_doctor(struct cli *cli)
{
	struct doctor doctor = { .cli = cli, .findings = json_array() };

	cli->secrets = true;
	if (cli_socket(cli)) {
		check_settings(&doctor);
		check_secrets(&doctor, cli->settings);
		check_listen(&doctor);
		check_prices(&doctor);
		check_files(&doctor);
		check_running(&doctor);
	} else {
		doctor.faults = true;
	}
	if (cli->json)
		json_dumpf(doctor.findings, stdout, JSON_INDENT(2));
	json_decref(doctor.findings);
	return doctor.faults ? CLI_FAILED : CLI_OK;
}
