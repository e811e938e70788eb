/* The settings of one server: what there is to set, and what makes sense. */
#include "mcp_room.h"
#include "mem.h"
#include "oauth_form.h"
#include "text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct setting oauth_settings[] = {
	{ "grant", SETTING_CHOICE, "authorization_code", "authorization_code|client_credentials",
	  .help = "a person logs in once (usher tool login), or usher by itself" },
	{ "client_id", SETTING_TEXT, .help = "of a registration by hand; without it usher registers itself" },
	{ "client_secret", SETTING_SECRET, .help = "of this registration, if it has one" },
	{ "private_key", SETTING_SECRET,
	  .help = "instead of client_secret: a PEM key that signs who we are (private_key_jwt)" },
	{ "scope", SETTING_TEXT,
	  .help = "what to ask for, words with spaces between; what the server names" },
	{ "issuer", SETTING_TEXT,
	  .help = "the only authorization server to speak to; it may be in a private network" },
	{ NULL },
};

const struct setting mcp_settings[] = {
	{ "name", SETTING_TEXT, .required = true,
	  .help = "short name: letters, digits, - and _; its tools are called NAME__TOOL" },
	{ "command", SETTING_TEXTS,
	  .help = "program and arguments of a server that is spoken to over its standard input and output" },
	{ "env", SETTING_TEXTS,
	  .help = "its environment besides PATH, HOME, LANG, USER, LOGNAME, SHELL and TERM: \"NAME=value\", "
		  "or NAME "
		  "to hand on usher's own" },
	{ "cwd", SETTING_TEXT, .help = "folder that the program runs in" },
	{ "url", SETTING_TEXT, .help = "instead of command: https://example.org/mcp" },
	{ "token", SETTING_SECRET, .help = "with url: sent as Authorization: Bearer" },
	{ "headers", SETTING_TEXTS, .help = "with url: \"Name: value\" of each request" },
	{ "oauth", SETTING_GROUP, .inside = oauth_settings,
	  .help = "with url: how usher is authorized where no token is set" },
	{ "trusted", SETTING_BOOL, "false",
	  .help = "what it says of its tools is believed: those that only read may run without asking" },
	{ "protocol", SETTING_CHOICE, "legacy", "auto|legacy|" MCP_MODERN,
	  .help = "legacy: versions with a handshake, up to " MCP_VERSION "; " MCP_MODERN
		  ": that one alone; auto: asks the server first" },
	{ "start_s", SETTING_INT, "60", .min = 1, .max = 600, .help = "seconds until it must have started" },
	{ "call_s", SETTING_INT, "600", .min = 1, .max = 3600,
	  .help = "longest time of one call, in seconds" },
	{ "idle_s", SETTING_INT, "60", .min = 1, .max = 3600,
	  .help = "longest time of a call without a sign of progress, in seconds" },
	{ "classes", SETTING_TEXTS,
	  .help = "\"TOOL=read\", keyed, once or confirm: what a crash in the middle of a call means; * at "
		  "the end "
		  "of TOOL stands for anything" },
	{ "allow", SETTING_TEXTS,
	  .help = "tools that are offered, by the server's names; * stands for anything; all" },
	{ "deny", SETTING_TEXTS, .help = "tools that are not offered, whatever allow says" },
	{ NULL },
};

static const char *const class_names[] = { "read", "keyed", "once", "confirm" };

/* ---- names with * ------------------------------------------------------------------------------------------ */

static bool listed(const struct settings *settings, const char *list, const char *tool)
{
	for (size_t i = 0; i < settings_count(settings, list); i++)
		if (text_matches(settings_text_at(settings, list, i), tool))
			return true;
	return false;
}

bool config_offers(const struct mcp_config *config, const char *tool)
{
	const struct settings *settings = config->settings;

	if (listed(settings, "deny", tool))
		return false;
	return settings_count(settings, "allow") == 0 || listed(settings, "allow", tool);
}

/* False: no such class, or nothing before it. */
static bool read_class(const char *row, char **pattern_out, enum tool_class *class_out)
{
	const char *equals = strrchr(row, '=');

	for (size_t i = 0; equals > row && i < sizeof(class_names) / sizeof(class_names[0]); i++) {
		if (strcmp(equals + 1, class_names[i]) == 0) {
			*pattern_out = mem_text_n(row, (size_t)(equals - row));
			*class_out = (enum tool_class)i;
			return true;
		}
	}
	return false;
}

bool config_class(const struct mcp_config *config, const char *tool, enum tool_class *class_out)
{
	bool found = false;

	for (size_t i = 0; !found && i < settings_count(config->settings, "classes"); i++) {
		char *pattern = NULL;

		if (read_class(settings_text_at(config->settings, "classes", i), &pattern, class_out))
			found = text_matches(pattern, tool);
		free(pattern);
	}
	return found;
}

/* ---- the child's environment --------------------------------------------------------------------------------- */

static bool names_variable(const char *text, size_t len)
{
	if (len == 0 || isdigit((unsigned char)*text))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	return true;
}

/* Names of variables that say of themselves that their value is nobody's business. */
static bool sounds_secret(const char *name, size_t len)
{
	static const char *const words[] = { "KEY", "TOKEN", "SECRET", "PASS", "AUTH", "CREDENTIAL" };
	char *copy = mem_text_n(name, len);
	bool found = false;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		found |= strcasestr(copy, words[i]) != NULL;
	free(copy);
	return found;
}

/* A later one of the same name takes the place of an earlier one. */
static void put_variable(char **env, size_t *count, const char *name, size_t len, const char *value)
{
	char *whole = mem_format("%.*s=%s", (int)len, name, value);

	for (size_t i = 0; i < *count; i++) {
		if (strncmp(env[i], whole, len + 1) == 0) {
			free(env[i]);
			env[i] = whole;
			return;
		}
	}
	env[(*count)++] = whole;
}

static bool read_env(const struct settings *settings, struct mcp_config *config, struct err *err)
{
	static const char *const given[] = { "PATH", "HOME", "LANG", "USER", "LOGNAME", "SHELL", "TERM" };
	size_t defaults = sizeof(given) / sizeof(given[0]), count = 0, rows = settings_count(settings, "env");

	config->env = mem_zero(defaults + rows + 1, sizeof(char *));
	for (size_t i = 0; i < defaults; i++) {
		const char *value = getenv(given[i]);

		if (value && strncmp(value, "()", 2) != 0)
			put_variable(config->env, &count, given[i], strlen(given[i]), value);
	}
	for (size_t i = 0; i < rows; i++) {
		const char *row = settings_text_at(settings, "env", i);
		size_t len = strcspn(row, "=");
		const char *value = row[len] == '=' ? row + len + 1 : getenv(row);

		if (!names_variable(row, len))
			return err_set(err, ERR_REFUSED,
				       "%s: env: expected \"NAME=value\" or the name of a variable",
				       settings_where(settings, "env"));
		if (value == NULL)
			return err_set(err, ERR_REFUSED, "%s: env: %s is not set in usher's own environment",
				       settings_where(settings, "env"), row);
		if (sounds_secret(row, len))
			log_hide(value);
		put_variable(config->env, &count, row, len, value);
	}
	return true;
}

/* ---- one entry ------------------------------------------------------------------------------------------------- */

/* Because of these rules no two servers' tools can come to the same name: the first "__" in it ends the server's. */
static bool check_name(const struct settings *settings, const char *name, struct err *err)
{
	size_t len = strlen(name);
	bool fine = len >= 1 && len <= 32 && isalpha((unsigned char)*name) && name[len - 1] != '_' &&
		    strstr(name, "__") == NULL;

	for (size_t i = 0; i < len; i++)
		fine &= isalnum((unsigned char)name[i]) || name[i] == '-' || name[i] == '_';
	return fine ||
	       err_set(err, ERR_REFUSED,
		       "%s: name: expected 1 to 32 letters, digits, - and single _, from a letter on, found "
		       "\"%.40s\"",
		       settings_where(settings, "name"), name);
}

static bool check_url(const struct settings *settings, const char *url, struct err *err)
{
	return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0 ||
	       err_set(err, ERR_REFUSED, "%s: url: expected https://... or http://...",
		       settings_where(settings, "url"));
}

static bool check_headers(const struct settings *settings, struct err *err)
{
	for (size_t i = 0; i < settings_count(settings, "headers"); i++) {
		const char *row = settings_text_at(settings, "headers", i);
		size_t name = strcspn(row, ": \t");

		if (name == 0 || row[name] != ':' || strpbrk(row, "\r\n"))
			return err_set(err, ERR_REFUSED, "%s: headers: expected \"Name: value\"",
				       settings_where(settings, "headers"));
		if (sounds_secret(row, name)) {
			const char *value = row + name + 1;

			log_hide(value + strspn(value, " "));
		}
	}
	return true;
}

static bool check_classes(const struct settings *settings, struct err *err)
{
	for (size_t i = 0; i < settings_count(settings, "classes"); i++) {
		const char *row = settings_text_at(settings, "classes", i);
		enum tool_class class;
		char *pattern = NULL;
		bool fine = read_class(row, &pattern, &class);

		free(pattern);
		if (!fine)
			return err_set(err, ERR_REFUSED,
				       "%s: classes: expected \"TOOL=read\", keyed, once or confirm, found "
				       "\"%.60s\"",
				       settings_where(settings, "classes"), row);
	}
	return true;
}

static const char **texts(const struct settings *settings, const char *list)
{
	size_t count = settings_count(settings, list);
	const char **all = mem_zero(count + 1, sizeof(char *));

	for (size_t i = 0; i < count; i++)
		all[i] = settings_text_at(settings, list, i);
	return all;
}

static enum mcp_protocol protocol_of(const struct settings *settings)
{
	const char *name = settings_text(settings, "protocol");

	if (strcmp(name, MCP_MODERN) == 0)
		return PROTOCOL_MODERN;
	return strcmp(name, "auto") == 0 ? PROTOCOL_AUTO : PROTOCOL_LEGACY;
}

static bool refuse(const struct settings *settings, const char *name, struct err *err, const char *why)
{
	return err_set(err, ERR_REFUSED, "%s: oauth.%s: %s", settings_where(settings, name), name, why);
}

/* Whatever is known to fail later is said at the start. */
static bool check_oauth(const struct settings *all, const char *url, struct err *err)
{
	const struct settings *oauth = settings_group(all, "oauth");
	const char *id = settings_text(oauth, "client_id"), *key = settings_text(oauth, "private_key");
	const char *secret = settings_text(oauth, "client_secret"), *issuer = settings_text(oauth, "issuer");
	bool machine = strcmp(settings_text(oauth, "grant"), "client_credentials") == 0;
	struct err why = { 0 };
	char *proof;

	if (!machine && !id && !secret && !key && !issuer && !settings_given(oauth, "scope"))
		return true;
	if (settings_given(all, "token"))
		return refuse(oauth, "grant", err, "token is set, which leaves nothing to authorize");
	if (!oauth_url_fits(url))
		return refuse(oauth, "grant", err,
			      "tokens are sent over https only, or to this machine: url");
	if (issuer && !oauth_url_fits(issuer))
		return refuse(oauth, "issuer", err, "expected https://...");
	if ((secret || key || machine) && !id)
		return refuse(oauth, "client_id", err, "is missing");
	if (secret && key)
		return refuse(oauth, "private_key", err, "takes the place of client_secret: set one of them");
	if (machine && !secret && !key)
		return refuse(oauth, "client_secret", err, "or private_key is missing");
	proof = key ? oauth_assertion(key, id, "test", 0, &why) : NULL;
	free(proof);
	return why.kind == ERR_NONE ||
	       err_set(err, ERR_REFUSED, "%s: %s", settings_where(oauth, "private_key"), why.text);
}

static void read_oauth(const struct settings *settings, struct mcp_config *config)
{
	const struct settings *oauth = settings_group(settings, "oauth");

	config->oauth_machine = strcmp(settings_text(oauth, "grant"), "client_credentials") == 0;
	config->oauth_id = settings_text(oauth, "client_id");
	config->oauth_secret = settings_text(oauth, "client_secret");
	config->oauth_key = settings_text(oauth, "private_key");
	config->oauth_scope = settings_text(oauth, "scope");
	config->oauth_issuer = settings_text(oauth, "issuer");
	config->oauth =
		config->oauth_machine || config->oauth_id || config->oauth_scope || config->oauth_issuer;
}

static bool check(const struct settings *settings, struct err *err)
{
	bool command = settings_count(settings, "command") > 0;
	const char *url = settings_text(settings, "url");

	if (!check_name(settings, settings_text(settings, "name"), err))
		return false;
	if (command == (url != NULL))
		return err_set(err, ERR_REFUSED, "%s: a server has either a command or a url",
			       settings_where(settings, NULL));
	if (command && *settings_text_at(settings, "command", 0) == '\0')
		return err_set(err, ERR_REFUSED, "%s: command: the program is missing",
			       settings_where(settings, "command"));
	return (command || check_url(settings, url, err)) && check_headers(settings, err) &&
	       check_oauth(settings, url, err) && check_classes(settings, err);
}

bool config_read(const struct settings *settings, struct mcp_config *config, struct err *err)
{
	*config = (struct mcp_config){ .settings = settings };
	if (!check(settings, err))
		return false;
	config->name = settings_text(settings, "name");
	config->cwd = settings_text(settings, "cwd");
	config->url = settings_text(settings, "url");
	config->token = settings_text(settings, "token");
	config->protocol = protocol_of(settings);
	read_oauth(settings, config);
	config->trusted = settings_bool(settings, "trusted");
	config->start_ms = (unsigned)settings_int(settings, "start_s") * 1000;
	config->call_ms = (unsigned)settings_int(settings, "call_s") * 1000;
	config->idle_ms = (unsigned)settings_int(settings, "idle_s") * 1000;
	config->command = config->url ? NULL : texts(settings, "command");
	config->headers = texts(settings, "headers");
	if (read_env(settings, config, err))
		return true;
	config_finish(config);
	return false;
}

void config_finish(struct mcp_config *config)
{
	for (char **one = config->env; one && *one; one++)
		free(*one);
	free(config->env);
	free(config->command);
	free(config->headers);
	*config = (struct mcp_config){ 0 };
}
