/* Turns the settings of one bot into checked values: says at the start what would only fail later. */
#include "config_checks.h"
#include "mem.h"
#include "telegram_room.h"
#include <stdlib.h>
#include <string.h>

enum { TOKEN_SECRET_MIN = 30, SECRET_MAX = 256 };

static const char cloud[] = "https://api.telegram.org";
static const char digits[] = "0123456789";
static const char token_signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

const struct setting telegram_settings[] = {
	{ "name", SETTING_TEXT, .required = true,
	  .help = "part of the address /telegram/NAME/update; letters, digits, - and _" },
	{ "transport", SETTING_CHOICE, .fallback = "poll", .choices = "poll|webhook",
	  .help = "poll: usher asks Telegram for what is new, no public address needed; webhook: Telegram "
		  "calls PUBLIC_URL/telegram/NAME/update" },
	{ "bot_token", SETTING_SECRET, .apart = true,
	  .help = "123456789:AAE..., from @BotFather in Telegram: /newbot, or /token for a bot that exists" },
	{ "api_base", SETTING_TEXT, .fallback = cloud,
	  .help = "where the Bot API is: Telegram's, or a server of one's own" },
	{ "file_base", SETTING_TEXT, .help = "where files are fetched; api_base with /file unless set" },
	{ "local_files", SETTING_BOOL, .fallback = "false",
	  .help = "the server of one's own runs with --local: files are read from its folder, of any size" },
	{ "secret", SETTING_SECRET,
	  .help = "what Telegram says with each call of the webhook; made from the token unless set" },
	{ "groups", SETTING_CHOICE, .fallback = "addressed", .choices = "addressed|all|never",
	  .help = "in groups: answer when mentioned, replied to or commanded; everything that is seen; "
		  "nothing" },
	{ "channels", SETTING_BOOL, .fallback = "false", .help = "answer posts of channels too" },
	{ "bots", SETTING_BOOL, .fallback = "false",
	  .help = "answer other bots too, at most five times in a row" },
	{ "preview", SETTING_BOOL, .fallback = "true", .help = "show answers while they grow" },
	{ "take_over", SETTING_BOOL, .fallback = "false",
	  .help = "remove or replace a webhook that another program has set" },
	{ "old_minutes", SETTING_INT, .fallback = "10", .min = 0, .max = 1440,
	  .help = "commands older than so many minutes are kept and not carried out; 0: all are" },
	{ "document_parts", SETTING_INT, .fallback = "6", .min = 0, .max = 50,
	  .help = "an answer of more messages than this is sent as a file; 0: never" },
	{ .name = NULL },
};

static bool wrong(const struct settings *settings, const char *name, struct err *err)
{
	return config_wrong(settings, "telegram", name, err);
}

/* "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw" (sheet 1.2); servers for tests give shorter ones. */
static bool check_token(const struct telegram_config *config, const struct settings *settings,
			struct err *err)
{
	const char *token = config->bot_token ? config->bot_token : "";
	size_t id = strspn(token, digits), secret;
	bool test = !strncmp(config->api_base, "http://", 7) &&
		    config_url_private(config->api_base, CONFIG_THIS_MACHINE);

	if (id > 0 && id <= 18 && token[id] == ':') {
		secret = strspn(token + id + 1, token_signs);
		if (token[id + 1 + secret] == '\0' && secret >= (test ? 1 : TOKEN_SECRET_MIN))
			return true;
	}
	err_set(err, ERR_REFUSED,
		"%s; one looks like 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw. "
		"Copy it "
		"whole from @BotFather (/token shows it again)",
		*token ? "this is no token of a bot" : "missing: the token of a bot");
	return wrong(settings, "bot_token", err);
}

/* What Telegram takes as secret_token (sheet 4.1). */
static bool check_secret(const struct telegram_config *config, const struct settings *settings,
			 struct err *err)
{
	size_t len = config->secret ? strlen(config->secret) : 1;

	if (len > 0 && len <= SECRET_MAX &&
	    (config->secret == NULL || strspn(config->secret, token_signs) == len))
		return true;
	err_set(err, ERR_REFUSED,
		"expected 1 to %d letters, digits, - or _; leave it out and one is made from the token",
		SECRET_MAX);
	return wrong(settings, "secret", err);
}

static bool check_file_base(const struct telegram_config *config, const struct settings *settings,
			    struct err *err)
{
	return !settings_given(settings, "file_base") || config->file_base == NULL ||
	       config_check_url(settings, "telegram", "file_base", CONFIG_PRIVATE_NETWORK, err);
}

static bool check_local_files(const struct telegram_config *config, const struct settings *settings,
			      struct err *err)
{
	if (!config->local_files || strcmp(config->api_base, cloud) != 0)
		return true;
	err_set(err, ERR_REFUSED,
		"needs a Bot API server of your own: set api_base to its address, or leave this out");
	return wrong(settings, "local_files", err);
}

static enum telegram_groups read_groups(const char *text)
{
	if (strcmp(text, "all") == 0)
		return TELEGRAM_ALL;
	return strcmp(text, "never") == 0 ? TELEGRAM_NEVER : TELEGRAM_ADDRESSED;
}

static void read_values(struct telegram_config *config, const struct settings *settings)
{
	bool webhook = strcmp(settings_text(settings, "transport"), "webhook") == 0;

	*config = (struct telegram_config){
		.name = settings_text(settings, "name"),
		.transport = webhook ? TELEGRAM_WEBHOOK : TELEGRAM_POLL,
		.bot_token = settings_text(settings, "bot_token"),
		.api_base = settings_text(settings, "api_base"),
		.file_base = mem_text(settings_text(settings, "file_base")),
		.secret = settings_text(settings, "secret"),
		.local_files = settings_bool(settings, "local_files"),
		.groups = read_groups(settings_text(settings, "groups")),
		.channels = settings_bool(settings, "channels"),
		.bots = settings_bool(settings, "bots"),
		.preview = settings_bool(settings, "preview"),
		.take_over = settings_bool(settings, "take_over"),
		.old_minutes = (unsigned)settings_int(settings, "old_minutes"),
		.document_parts = (unsigned)settings_int(settings, "document_parts"),
	};
	if (config->file_base == NULL)
		config->file_base = mem_format("%s/file", config->api_base);
}

bool telegram_config_read(struct telegram_config *config, const struct settings *settings, struct err *err)
{
	read_values(config, settings);
	return config_check_plain(settings, "telegram", "bot_token", err) &&
	       config_check_plain(settings, "telegram", "secret", err) &&
	       config_check_name(settings, "telegram", err) &&
	       config_check_url(settings, "telegram", "api_base", CONFIG_PRIVATE_NETWORK, err) &&
	       check_file_base(config, settings, err) && check_local_files(config, settings, err) &&
	       check_token(config, settings, err) && check_secret(config, settings, err);
}

/* http to another machine: a server of one's own with --local calls such addresses, too (sheet 2.2). */
bool telegram_config_fits(const struct telegram_config *config, const struct settings *settings,
			  const struct platform_host *host, struct err *err)
{
	enum config_near near =
		strcmp(config->api_base, cloud) == 0 ? CONFIG_THIS_MACHINE : CONFIG_PRIVATE_NETWORK;

	if (config->transport == TELEGRAM_POLL ||
	    (host->public_url && config_url_private(host->public_url, near)))
		return true;
	err_set(err, ERR_REFUSED,
		"webhook needs listen.public_url with https://, where Telegram calls; without a public "
		"address, "
		"take transport = \"poll\"");
	return wrong(settings, "transport", err);
}

void telegram_config_finish(struct telegram_config *config)
{
	free((void *)(uintptr_t)config->file_base); /* ours, const only for readers */
	*config = (struct telegram_config){ 0 };
}
