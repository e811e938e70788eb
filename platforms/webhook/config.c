/* Turns the settings of one hook into checked values: says at the start what would only fail later. */
#include "config.h"
#include "http.h"
#include "mem.h"
#include <string.h>
#include <strings.h>

enum { NAME_MAX_LEN = 64, HOST_MAX = 255 };

const struct setting webhook_settings[] = {
	{ "name", SETTING_TEXT, .required = true,
	  .help = "part of the address: POST /webhook/NAME; letters, digits, - and _" },
	{ "auth", SETTING_CHOICE, .fallback = "standard", .choices = "standard|github|bearer|none",
	  .help = "how senders prove who they are: Standard Webhooks signature, X-Hub-Signature-256, "
		  "Authorization: "
		  "Bearer; none takes requests from this machine only" },
	{ "secret", SETTING_SECRET,
	  .help = "shared with the sender; for standard: whsec_ and base64 of at least 24 bytes; required "
		  "unless auth is none" },
	{ "secret_previous", SETTING_SECRET,
	  .help = "accepted too, while a sender changes over to a new secret" },
	{ "tolerance_s", SETTING_INT, .fallback = "300", .min = 10, .max = 3600,
	  .help = "seconds a signed timestamp may be off" },
	{ "text", SETTING_TEXTS,
	  .fallback = "/text,/message,/message/text,/content,/data/text,/data/message,/data/content,/comment/"
		      "body,/issue/body,/issue/title",
	  .help = "JSON Pointers to what is said; the first that leads to a text wins" },
	{ "sender", SETTING_TEXTS,
	  .fallback = "/sender/id,/sender/login,/sender,/user_id,/user/id,/user,/from/id,/from,/data/sender/"
		      "id,/data/sender,/data/user_id",
	  .help = "JSON Pointers to the id of who speaks" },
	{ "sender_name", SETTING_TEXTS,
	  .fallback =
		  "/sender/name,/sender/login,/sender_name,/user/name,/username,/from/name,/data/sender/name",
	  .help = "JSON Pointers to their name" },
	{ "conversation", SETTING_TEXTS,
	  .fallback = "/conversation_id,/conversation/id,/conversation,/thread_id,/thread_ts,/channel_id,/"
		      "channel,/data/conversation_id,/issue/url,/subject",
	  .help = "JSON Pointers to the id of the conversation; without one, each sender has one" },
	{ "id", SETTING_TEXTS, .fallback = "/event_id,/message_id,/id,/data/message_id",
	  .help = "JSON Pointers to the id of the delivery, when no header carries it" },
	{ "files", SETTING_TEXTS, .fallback = "/files,/attachments,/data/files,/data/attachments",
	  .help = "JSON Pointers to a list of files: addresses, or objects with url, name, mime, size" },
	{ "default_sender", SETTING_TEXT,
	  .help = "who speaks when the body does not say; otherwise the hook's name" },
	{ "default_conversation", SETTING_TEXT, .help = "the conversation when the body does not say" },
	{ "reply_url", SETTING_TEXT, .help = "where answers are posted, signed as a Standard Webhook" },
	{ "reply_url_pointer", SETTING_TEXT,
	  .help = "JSON Pointer to such an address in the body; its host must be in reply_hosts" },
	{ "reply_hosts", SETTING_TEXTS,
	  .help = "hosts that bodies may name: \"api.example.org\", or \".example.org\" for all below it" },
	{ "reply_secret", SETTING_SECRET,
	  .help = "signs callbacks: whsec_ and base64; otherwise secret does" },
	{ "reply_loopback", SETTING_BOOL, .fallback = "false",
	  .help = "callbacks may go to this machine, files may come from it" },
	{ "reply_ca_file", SETTING_TEXT,
	  .help = "PEM file of the authority that callback servers are checked against" },
	{ "wait_max_s", SETTING_INT, .fallback = "60", .min = 0, .max = 600,
	  .help = "longest ?wait=SECONDS; longer ones are cut to this" },
	{ "body_max", SETTING_INT, .fallback = "1048576", .min = 1024, .max = 16777216,
	  .help = "bytes of a request's body; more is refused with 413" },
	{ "merge", SETTING_BOOL, .fallback = "true",
	  .help = "several messages sent while an answer is made get one answer; only with callbacks" },
	{ .name = NULL },
};

static const char *copy(struct hook_config *config, const struct settings *settings, const char *name)
{
	return arena_text(config->arena, settings_text(settings, name));
}

static struct pointers copy_list(struct hook_config *config, const struct settings *settings,
				 const char *name)
{
	size_t count = settings_count(settings, name);
	const char **at = arena_alloc(config->arena, (count + 1) * sizeof(*at));

	for (size_t i = 0; i < count; i++)
		at[i] = arena_text(config->arena, settings_text_at(settings, name, i));
	return (struct pointers){ at, count };
}

static bool wrong(const struct settings *settings, const char *name, struct err *err)
{
	return err_add(err, "%s: webhook %s", settings_where(settings, name), name);
}

static bool read_pointers(struct hook_config *config, const struct settings *settings, struct err *err)
{
	struct mapping *m = &config->mapping;
	const struct {
		const char *name;
		struct pointers *into;
	} rows[] = {
		{ "text", &m->text },
		{ "sender", &m->sender },
		{ "sender_name", &m->sender_name },
		{ "conversation", &m->conversation },
		{ "id", &m->id },
		{ "files", &m->files },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		*rows[i].into = copy_list(config, settings, rows[i].name);
		for (size_t k = 0; k < rows[i].into->count; k++) {
			const char *pointer = rows[i].into->at[k];

			if (json_pointer_valid(pointer))
				continue;
			err_set(err, ERR_REFUSED, "\"%s\" is not a JSON Pointer; write \"/like/this\"",
				pointer);
			return wrong(settings, rows[i].name, err);
		}
	}
	m->default_sender = copy(config, settings, "default_sender");
	m->default_conversation = copy(config, settings, "default_conversation");
	if (m->default_sender == NULL)
		m->default_sender = config->name;
	return true;
}

static bool read_key(const struct hook_config *config, const struct settings *settings, const char *name,
		     struct verify_key *out, struct err *err)
{
	const char *text = settings_text(settings, name);
	bool ok = config->auth == AUTH_STANDARD ? hook_key_standard(text, out, err)
						: hook_key_text(text, out, err);

	return ok || wrong(settings, name, err);
}

static bool read_keys(struct hook_config *config, const struct settings *settings, struct err *err)
{
	struct verify_keys *keys = &config->keys;

	if (config->auth == AUTH_NONE)
		return true;
	if (settings_text(settings, "secret") == NULL) {
		err_set(err, ERR_REFUSED, "missing: senders could not be told from strangers");
		return wrong(settings, "secret", err);
	}
	if (!read_key(config, settings, "secret", &keys->at[keys->count++], err))
		return false;
	return settings_text(settings, "secret_previous") == NULL ||
	       read_key(config, settings, "secret_previous", &keys->at[keys->count++], err);
}

static bool read_reply_url(struct hook_config *config, const struct settings *settings, struct err *err)
{
	const char *pointer = copy(config, settings, "reply_url_pointer");

	config->reply_url = copy(config, settings, "reply_url");
	config->reply_hosts = copy_list(config, settings, "reply_hosts");
	if (config->reply_url && !http_url_allowed(config->reply_url, config->reply_loopback, err))
		return wrong(settings, "reply_url", err);
	if (pointer == NULL)
		return true;
	config->mapping.reply_url.at =
		memcpy(arena_alloc(config->arena, sizeof(pointer)), &pointer, sizeof(pointer));
	config->mapping.reply_url.count = 1;
	if (!json_pointer_valid(pointer) || config->reply_hosts.count == 0) {
		err_set(err, ERR_REFUSED,
			"needs a JSON Pointer, and the hosts it may lead to in reply_hosts");
		return wrong(settings, "reply_url_pointer", err);
	}
	return true;
}

static bool read_reply(struct hook_config *config, const struct settings *settings, struct err *err)
{
	const char *secret = settings_text(settings, "reply_secret");

	config->reply_loopback = settings_bool(settings, "reply_loopback");
	config->reply_ca_file = copy(config, settings, "reply_ca_file");
	if (!read_reply_url(config, settings, err))
		return false;
	if (secret)
		return hook_key_standard(secret, &config->reply_key, err) ||
		       wrong(settings, "reply_secret", err);
	if (config->keys.count > 0) {
		config->reply_key = config->keys.at[0];
		return true;
	}
	if (config->reply_url == NULL && config->mapping.reply_url.count == 0)
		return true;
	err_set(err, ERR_REFUSED, "missing: without secret nothing else could sign the callbacks");
	return wrong(settings, "reply_secret", err);
}

static bool name_allowed(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_LEN &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

bool hook_config_read(struct hook_config *config, const struct settings *settings, struct err *err)
{
	static const char *const auths[] = { "standard", "github", "bearer", "none" };

	*config = (struct hook_config){ .arena = arena_create() };
	config->name = copy(config, settings, "name");
	if (!name_allowed(config->name)) {
		err_set(err, ERR_REFUSED, "expected 1 to %d letters, digits, - or _", NAME_MAX_LEN);
		return wrong(settings, "name", err);
	}
	while (strcmp(auths[config->auth], settings_text(settings, "auth")) != 0)
		config->auth++;
	config->tolerance_s = settings_int(settings, "tolerance_s");
	config->wait_max_s = (unsigned)settings_int(settings, "wait_max_s");
	config->body_max = (size_t)settings_int(settings, "body_max");
	config->merge = settings_bool(settings, "merge");
	return read_pointers(config, settings, err) && read_keys(config, settings, err) &&
	       read_reply(config, settings, err);
}

void hook_config_finish(struct hook_config *config)
{
	arena_destroy(config->arena);
	*config = (struct hook_config){ 0 };
}

/* The host of an address that http_url_allowed has passed, in lower case. Only plain host names get through:
 * every reader of addresses agrees on those. */
static bool host_of(const char *url, char out[HOST_MAX + 1])
{
	const char *host = strstr(url, "://");
	size_t len;

	if (host == NULL)
		return false;
	host += 3;
	len = strcspn(host, "/?#");
	if (memchr(host, '@', len))
		return false;
	if (memchr(host, ':', len))
		len = strcspn(host, ":");
	if (len == 0 || len > HOST_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = host[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'))
			return false;
		out[i] = c;
	}
	out[len] = '\0';
	return true;
}

static bool host_matches(const char *host, const char *allowed)
{
	size_t len = strlen(host), tail = strlen(allowed);

	if (*allowed != '.')
		return strcasecmp(host, allowed) == 0;
	return len > tail && strcasecmp(host + len - tail, allowed) == 0;
}

bool hook_reply_allowed(const struct hook_config *config, const char *url, struct err *err)
{
	char host[HOST_MAX + 1];

	if (config->reply_url && strcmp(url, config->reply_url) == 0)
		return true;
	if (!http_url_allowed(url, config->reply_loopback, err))
		return false;
	if (host_of(url, host))
		for (size_t i = 0; i < config->reply_hosts.count; i++)
			if (host_matches(host, config->reply_hosts.at[i]))
				return true;
	return err_set(err, ERR_REFUSED, "answers may not be sent to that host: it is not in reply_hosts");
}
