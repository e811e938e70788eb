/* Turns a libconfig file into checked settings. */
#include "settings_file.h"
#include "api.h"
#include "budgets.h"
#include "imports_open.h"
#include "mcp.h"
#include "mem.h"
#include "policy.h"
#include "registry.h"
#include "settings_build.h"
#include "speech.h"
#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLATFORMS_MAX = 16, DEPTH_MAX = 8, HELP_WIDTH = 110 };

static const char default_file[] = "/etc/usher/usher.conf";

static const struct setting listen_settings[] = {
	{ "address", SETTING_TEXT, "127.0.0.1", .help = "address to listen on" },
	{ "port", SETTING_INT, "8080", .min = 0, .max = 65535, .help = "port; 0: any free one" },
	{ "public_url", SETTING_TEXT,
	  .help = "how the world reaches this server: https://bot.example.org; platforms that are called, or "
		  "that "
		  "people add by themselves, need it" },
	{ "cert_file", SETTING_TEXT, .help = "PEM certificate chain: serve TLS" },
	{ "key_file", SETTING_TEXT, .help = "PEM key of the certificate" },
	{ NULL },
};

static const struct setting store_settings[] = {
	{ "url", SETTING_TEXT, "sqlite:var/usher.db", .help = "where everything is kept" },
	{ "key", SETTING_SECRET,
	  .help = "seals the tokens of those who add usher: 32 bytes as base64 or hexadecimal digits, made "
		  "by "
		  "openssl rand -base64 32" },
	{ "key_previous", SETTING_SECRET, .help = "opens what was sealed before the key was changed" },
	{ NULL },
};

static const struct setting assistant_settings[] = {
	{ "model", SETTING_TEXT, .help = "name of the model that answers; the first of models" },
	{ "fallback", SETTING_TEXTS,
	  .help = "names of models that are asked, in this order, when that one can't answer" },
	{ "system_prompt", SETTING_TEXT, .help = "what the model is told before every conversation" },
	{ "history_messages", SETTING_INT, "20", .min = 0, .max = 1000,
	  .help = "earlier messages given to the model" },
	{ "history_tokens", SETTING_INT, "0", .min = 0, .max = 10000000,
	  .help = "the most of them, in estimated tokens; 0: 60 % of the model's context_tokens, or 16000" },
	{ "summary", SETTING_BOOL, "true",
	  .help = "the model sums up what it is not given any more, and is given that instead" },
	{ "reset_idle_minutes", SETTING_INT, "0", .min = 0, .max = 525600,
	  .help = "a conversation that was quiet so long begins anew; 0: never" },
	{ "reset_daily", SETTING_TEXT, .help = "time of day (04:00) at which all conversations begin anew" },
	{ "links", SETTING_CHOICE, "guard", "guard|all",
	  .help = "guard: answers made of what others wrote show links to hosts that nobody named as plain "
		  "code" },
	{ "link_hosts", SETTING_TEXTS, .help = "hosts that they may link to, each with all below it" },
	{ "tool_rounds", SETTING_INT, "10", .min = 1, .max = 50,
	  .help = "times a model may ask for tools in one answer" },
	{ "tool_calls", SETTING_INT, "25", .min = 1, .max = 1000,
	  .help = "tools that may be run for one answer, all times together" },
	{ "attempts", SETTING_INT, "4", .min = 1, .max = 10,
	  .help = "requests for one reply, repetitions included" },
	{ "answer_seconds", SETTING_INT, "240", .min = 5, .max = 3600,
	  .help = "longest time for one answer" },
	{ NULL },
};

static const struct setting users_settings[] = {
	{ "strangers", SETTING_CHOICE, "pair", "pair|allow|deny", .help = "people nobody has approved yet" },
	{ "messages_per_minute", SETTING_INT, "0", .min = 0, .max = 100000,
	  .help = "messages of one person that are answered in a minute; 0: any number" },
	{ "messages_per_day", SETTING_INT, "0", .min = 0, .max = 10000000,
	  .help = "the same in a day (UTC)" },
	{ NULL },
};

static const struct setting log_settings[] = {
	{ "level", SETTING_CHOICE, "info", "debug|info|warn|error",
	  .help = "least important line that is printed" },
	{ "format", SETTING_CHOICE, "auto", "auto|text|json",
	  .help = "auto: text on a terminal, JSON elsewhere" },
	{ NULL },
};

static const struct setting control_settings[] = {
	{ "path", SETTING_TEXT, .help = "unix socket for the command line; beside the database" },
	{ NULL },
};

static const struct setting prices_settings[] = {
	{ "file", SETTING_TEXT, .help = "price table of models; a built-in one" },
	{ NULL },
};

static const struct setting limits_settings[] = {
	{ "turns", SETTING_INT, "20000", .min = 1, .max = 100000, .help = "answers being made at once" },
	{ "disk_reserve_mb", SETTING_INT, "256", .min = 0, .max = 1000000,
	  .help = "free space to keep: below it no new answers, below a quarter nothing is accepted" },
	{ "file_mb", SETTING_INT, "100", .min = 0, .max = 1024,
	  .help = "largest file that is taken; 0: files stay references" },
	{ "stop_seconds", SETTING_INT, "10", .min = 0, .max = 300,
	  .help = "time for running answers when stopping" },
	{ NULL },
};

static const struct setting audit_settings[] = {
	{ "keep_days", SETTING_INT, "0", .min = 0, .max = 36500,
	  .help = "days after which rows of the record are dropped; 0: never" },
	{ "content_days", SETTING_INT, "0", .min = 0, .max = 36500,
	  .help = "days after which their contents are emptied; 0: never" },
	{ NULL },
};

static const struct setting http_settings[] = {
	{ "ca_file", SETTING_TEXT, .help = "certificates to trust instead of the system's" },
	{ "proxy", SETTING_TEXT, .help = "HTTP proxy for outgoing requests and web sockets" },
	{ NULL },
};

static const struct setting tools_settings[] = {
	{ "mcp", SETTING_GROUPS, .inside = mcp_settings, .help = "servers of the Model Context Protocol" },
	{ "policy", SETTING_GROUPS, .inside = policy_settings,
	  .help = "who may use which tool where; the first rule that fits counts" },
	{ NULL },
};

static struct setting platform_settings[PLATFORMS_MAX + 1];

static struct setting top_settings[] = {
	{ "listen", SETTING_GROUP, .inside = listen_settings, .help = "our web server" },
	{ "store", SETTING_GROUP, .inside = store_settings, .help = "the database" },
	{ "models", SETTING_GROUPS, .inside = ai_model_settings, .help = "models; none: the offline one" },
	{ "assistant", SETTING_GROUP, .inside = assistant_settings, .help = "how questions are answered" },
	{ "speech", SETTING_GROUP, .inside = speech_settings, .help = "voice notes into words" },
	{ "imports", SETTING_GROUP, .inside = import_settings, .help = "files that people send" },
	{ "tools", SETTING_GROUP, .inside = tools_settings, .help = "what the model may do" },
	{ "users", SETTING_GROUP, .inside = users_settings, .help = "who may talk" },
	{ "platforms", SETTING_GROUP, .inside = platform_settings, .help = "where messages come from" },
	{ "api", SETTING_GROUP, .help = "the chat endpoint" },
	{ "log", SETTING_GROUP, .inside = log_settings, .help = "what is printed" },
	{ "control", SETTING_GROUP, .inside = control_settings, .help = "the command line's door" },
	{ "prices", SETTING_GROUP, .inside = prices_settings, .help = "what models cost" },
	{ "budget", SETTING_GROUP, .inside = budget_settings, .help = "what may be spent on models" },
	{ "limits", SETTING_GROUP, .inside = limits_settings, .help = "bounds" },
	{ "audit", SETTING_GROUP, .inside = audit_settings, .help = "the record of interactions" },
	{ "http", SETTING_GROUP, .inside = http_settings, .help = "outgoing requests" },
	{ NULL },
};

/* The rows of `platforms` come from the registry, so that a new platform is named in one place only. */
static void fill_platform_settings(void)
{
	for (struct setting *row = top_settings; row->name; row++)
		if (strcmp(row->name, "api") == 0)
			row->inside = api_platform.settings;
	for (size_t i = 0; registry_platforms[i] && i < PLATFORMS_MAX; i++)
		platform_settings[i] = (struct setting){
			.name = registry_platforms[i]->name,
			.type = SETTING_GROUPS,
			.inside = registry_platforms[i]->settings,
			.help = "installations of this platform",
		};
}

/* ---- libconfig to settings ------------------------------------------------------------------------------
 */

struct reading {
	const char *file;
	bool secrets; /* false: they are passed over */
	struct err *err;
};

static bool read_group(const struct reading *reading, const config_setting_t *from, struct settings *group,
		       int depth);

static char *where_is(const struct reading *reading, const config_setting_t *item)
{
	return mem_format("%s:%u", reading->file, config_setting_source_line(item));
}

/* A scalar as text, so that one checker serves files and defaults. NULL: not a scalar. */
static char *scalar_text(const config_setting_t *item)
{
	switch (config_setting_type(item)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return mem_format("%lld", config_setting_get_int64(item));
	case CONFIG_TYPE_FLOAT:
		return mem_format("%.17g", config_setting_get_float(item));
	case CONFIG_TYPE_STRING:
		return mem_text(config_setting_get_string(item));
	case CONFIG_TYPE_BOOL:
		return mem_text(config_setting_get_bool(item) ? "true" : "false");
	default:
		return NULL;
	}
}

static bool put_scalar(const struct reading *reading, const config_setting_t *item, struct settings *group,
		       const struct setting *row)
{
	char *where = where_is(reading, item), *text = scalar_text(item);
	const char *expected = row->type == SETTING_GROUPS  ? "a list of groups ( { ... }, ... )"
			       : row->type == SETTING_TEXTS ? "a text or a list of texts"
							    : "one value";
	bool fine = text ? settings_put(group, row->name, text, where, reading->err)
			 : err_set(reading->err, ERR_REFUSED, "%s: %s%s%s: expected %s, found %s", where,
				   settings_path(group), *settings_path(group) ? "." : "", row->name,
				   expected, config_setting_is_group(item) ? "a group" : "a list");

	free(text);
	free(where);
	return fine;
}

static bool put_inside(const struct reading *reading, const config_setting_t *item, struct settings *group,
		       const struct setting *row, int index, int depth)
{
	const char *parent = settings_path(group);
	char *where = where_is(reading, item), suffix[16] = "", *path;
	struct settings *inside;

	if (!config_setting_is_group(item)) {
		err_set(reading->err, ERR_REFUSED, "%s: %s%s%s: expected a group { ... }", where, parent,
			*parent ? "." : "", row->name);
		free(where);
		return false;
	}
	if (index >= 0)
		snprintf(suffix, sizeof(suffix), "[%d]", index);
	path = mem_format("%s%s%s%s", parent, *parent ? "." : "", row->name, suffix);
	inside = settings_create(row->inside, path, where);
	settings_put_group_take(group, row->name, inside);
	free(path);
	free(where);
	return read_group(reading, item, inside, depth + 1);
}

static bool read_list(const struct reading *reading, const config_setting_t *item, struct settings *group,
		      const struct setting *row, int depth)
{
	int count = config_setting_length(item);

	for (int i = 0; i < count; i++) {
		const config_setting_t *one = config_setting_get_elem(item, (unsigned)i);

		if (row->type == SETTING_TEXTS ? !put_scalar(reading, one, group, row)
					       : !put_inside(reading, one, group, row, i, depth))
			return false;
	}
	return true;
}

static bool read_item(const struct reading *reading, const config_setting_t *item, struct settings *group,
		      int depth)
{
	char *where = where_is(reading, item);
	const struct setting *row = settings_row(group, config_setting_name(item), where, reading->err);
	bool list = config_setting_is_list(item) || config_setting_is_array(item);

	free(where);
	if (row == NULL)
		return false;
	if (row->type == SETTING_SECRET && !reading->secrets)
		return true;
	if (list && (row->type == SETTING_TEXTS || row->type == SETTING_GROUPS))
		return read_list(reading, item, group, row, depth);
	if (row->type == SETTING_GROUP)
		return put_inside(reading, item, group, row, -1, depth);
	return put_scalar(reading, item, group, row);
}

static bool read_group(const struct reading *reading, const config_setting_t *from, struct settings *group,
		       int depth)
{
	int count = config_setting_length(from);

	if (depth > DEPTH_MAX)
		return err_set(reading->err, ERR_REFUSED, "%s: groups nested too deeply", reading->file);
	for (int i = 0; i < count; i++)
		if (!read_item(reading, config_setting_get_elem(from, (unsigned)i), group, depth))
			return false;
	return true;
}

/* libconfig does not tell: it takes nothing but plain files. */
static const char *why_not(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && !S_ISREG(found.st_mode) ? "it is no plain file" : strerror(errno);
}

static bool read_file(const char *path, bool secrets, struct settings *top, struct err *err)
{
	struct reading reading = { .file = path, .secrets = secrets, .err = err };
	config_t config;
	bool fine;

	config_init(&config);
	if (config_read_file(&config, path) == CONFIG_TRUE)
		fine = read_group(&reading, config_root_setting(&config), top, 0);
	else if (config_error_type(&config) == CONFIG_ERR_FILE_IO)
		fine = err_set(err, ERR_REFUSED,
			       "cannot read the settings file %s: %s; check --config and $USHER_CONFIG", path,
			       why_not(path));
	else
		fine = err_set(err, ERR_REFUSED, "%s:%d: %s", path, config_error_line(&config),
			       config_error_text(&config));
	config_destroy(&config);
	return fine;
}

/* Names of installations become paths and column values. */
static bool check_names(const struct settings *top, struct err *err)
{
	const struct settings *platforms = settings_group(top, "platforms");

	for (size_t p = 0; registry_platforms[p]; p++) {
		const char *platform = registry_platforms[p]->name;

		for (size_t i = 0; i < settings_count(platforms, platform); i++) {
			const struct settings *one = settings_group_at(platforms, platform, i);
			const char *name = settings_text(one, "name");

			if (*name == '\0' || strlen(name) > 64 ||
			    name[strspn(name,
					"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
				return err_set(err, ERR_REFUSED,
					       "%s: platforms.%s: the name \"%s\" must be 1 to 64 letters, "
					       "digits, - or _",
					       settings_where(one, "name"), platform, name);
			for (size_t k = 0; k < i; k++)
				if (strcmp(settings_text(settings_group_at(platforms, platform, k), "name"),
					   name) == 0)
					return err_set(err, ERR_REFUSED,
						       "%s: platforms.%s: two installations named \"%s\"",
						       settings_where(one, "name"), platform, name);
		}
	}
	return true;
}

static struct settings *load(const char *path, bool secrets, struct err *err)
{
	struct settings *top;

	fill_platform_settings();
	top = settings_create(top_settings, "", path ? path : "the defaults");
	if ((path && !read_file(path, secrets, top, err)) || !settings_finish(top, err) ||
	    !check_names(top, err)) {
		settings_destroy(top);
		return NULL;
	}
	return top;
}

struct settings *config_load(const char *path, struct err *err)
{
	return load(path, true, err);
}

struct settings *config_load_open(const char *path, struct err *err)
{
	return load(path, false, err);
}

const char *config_path(const char *named)
{
	const char *from_environment = getenv("USHER_CONFIG");

	if (named)
		return named;
	if (from_environment && *from_environment)
		return from_environment;
	return access(default_file, R_OK) == 0 ? default_file : NULL;
}

char *config_socket(const struct settings *settings)
{
	const char *path = settings_text(settings_group(settings, "control"), "path");
	const char *url = settings_text(settings_group(settings, "store"), "url");
	const char *file = strncmp(url, "sqlite:", 7) == 0 ? url + 7 : "";
	const char *slash = strrchr(file, '/');

	if (path)
		return mem_text(path);
	if (*file == '\0')
		return mem_text("/run/usher/usher.sock");
	return slash ? mem_format("%.*s/usher.sock", (int)(slash - file), file) : mem_text("usher.sock");
}

/* ---- help ------------------------------------------------------------------------------------------------
 */

/* Prints words in lines of HELP_WIDTH columns at the most, each but the first behind `indent` blanks. */
static void put_wrapped(const char *text, int indent)
{
	int column = indent;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > indent && column + 1 + len > HELP_WIDTH) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		column += printf("%s%.*s", column > indent ? " " : "", len, text);
		text += len + (text[len] == ' ');
	}
	putchar('\n');
}

static void help_table(const struct setting *table, int depth)
{
	static const char *const types[] = { "text",	      "secret",	       "whole number",
					     "number",	      "true or false", "one of",
					     "list of texts", "group",	       "list of groups" };

	for (; table->name; table++) {
		char *text =
			mem_format("%s%s%s%s%s%s%s", types[table->type], table->choices ? " " : "",
				   table->choices ? table->choices : "", table->fallback ? ", default " : "",
				   table->fallback ? table->fallback : "",
				   table->required ? ", required: " : ": ", table->help);

		printf("%*s%-18s ", depth * 4, "", table->name);
		put_wrapped(text, depth * 4 + 19);
		free(text);
		if (table->inside)
			help_table(table->inside, depth + 1);
	}
}

void config_help(void)
{
	fill_platform_settings();
	help_table(top_settings, 0);
}
