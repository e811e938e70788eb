/* Keys as bytes, folders and addresses. */
#include "derived.h"
#include "api.h"
#include "mem.h"
#include "policy.h"
#include "registry.h"
#include "url.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool read_key(const struct settings *store, const char *name, struct derived *derived, struct err *err)
{
	const char *text = settings_text(store, name);

	if (text == NULL)
		return true;
	if (!crypto_key_read(text, derived->keys[derived->key_count]))
		return err_set(
			err, ERR_REFUSED,
			"%s: store.%s: expected 32 bytes as base64 (44 characters) or as 64 hexadecimal "
			"digits; make one with: openssl rand -base64 32",
			settings_where(store, name), name);
	derived->key_count++;
	return true;
}

static bool read_keys(const struct settings *store, struct derived *derived, struct err *err)
{
	if (settings_given(store, "key_previous") && !settings_given(store, "key"))
		return err_set(err, ERR_REFUSED,
			       "%s: store.key_previous: only opens what was sealed before; set store.key too",
			       settings_where(store, "key_previous"));
	return read_key(store, "key", derived, err) && read_key(store, "key_previous", derived, err);
}

static bool read_url(const struct settings *listen, struct derived *derived, struct err *err)
{
	const char *url = settings_text(listen, "public_url");
	size_t len = url ? strlen(url) : 0, scheme;

	if (url == NULL)
		return true;
	while (len > 0 && url[len - 1] == '/')
		len--;
	scheme = strncasecmp(url, "https://", 8) == 0 ? 8 : strncasecmp(url, "http://", 7) == 0 ? 7 : 0;
	if (scheme == 0 || len <= scheme || strcspn(url, " \t\r\n?#\"<>") < len)
		return err_set(err, ERR_REFUSED,
			       "%s: listen.public_url: expected an address like https://bot.example.org",
			       settings_where(listen, "public_url"));
	derived->public_url = mem_text_n(url, len);
	return true;
}

/* "HH:MM" on a clock of 24 hours. */
static bool read_reset(const struct settings *assistant, struct derived *derived, struct err *err)
{
	const char *text = settings_text(assistant, "reset_daily");
	long hour, minute = -1;
	char *end;

	derived->reset_minute = -1;
	if (text == NULL || *text == '\0')
		return true;
	hour = strtol(text, &end, 10);
	if (*end == ':' && end[1] >= '0' && end[1] <= '9')
		minute = strtol(end + 1, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || hour < 0 || hour > 23 || minute < 0 || minute > 59)
		return err_set(err, ERR_REFUSED,
			       "%s: assistant.reset_daily: expected a time of day like 04:00",
			       settings_where(assistant, "reset_daily"));
	derived->reset_minute = (int)(hour * 60 + minute);
	return true;
}

static bool read_link_hosts(const struct settings *assistant, struct derived *derived, struct err *err)
{
	size_t count = settings_count(assistant, "link_hosts");

	derived->link_hosts = mem_zero(count + 1, sizeof(char *));
	for (size_t i = 0; i < count; i++) {
		const char *host = settings_text_at(assistant, "link_hosts", i);
		char *url = mem_format("https://%s", host);
		struct url read;
		bool good = url_read(url, &read) && strpbrk(host, "/?#:") == NULL;

		free(url);
		if (!good)
			return err_set(err, ERR_REFUSED,
				       "%s: assistant.link_hosts: expected names of hosts like example.org "
				       "(others than ASCII ones as xn--...)",
				       settings_where(assistant, "link_hosts"));
		derived->link_hosts[derived->link_host_count++] = host;
	}
	return true;
}

static bool check_policy(const struct settings *tools, struct err *err)
{
	enum { MOST = 32 };
	const char *names[MOST + 2] = { api_platform.name };

	for (size_t i = 0; registry_platforms[i] && i < MOST; i++)
		names[i + 1] = registry_platforms[i]->name;
	return policy_check(tools, names, err);
}

static bool same(const struct settings *one, const struct settings *other, const char *name)
{
	const char *text = settings_text(one, name), *its = settings_text(other, name);

	return text && its && strcmp(text, its) == 0;
}

bool derived_apart(const struct settings *platforms, const struct platform_ops *ops, size_t before,
		   const struct settings *one, struct err *err)
{
	for (const struct setting *row = ops->settings; row->name; row++)
		for (size_t i = 0; row->apart && i < before; i++) {
			const struct settings *other = settings_group_at(platforms, ops->name, i);

			if (same(one, other, row->name))
				return err_set(
					err, ERR_REFUSED,
					"%s: platforms.%s: \"%s\" and \"%s\" have the same %s: "
					"they would hear the same and get in each other's way; take one of "
					"them out",
					settings_where(one, row->name), ops->name,
					settings_text(other, "name"), settings_text(one, "name"), row->name);
		}
	return true;
}

static bool check_platforms(const struct settings *platforms, struct err *err)
{
	for (size_t p = 0; registry_platforms[p]; p++) {
		const struct platform_ops *ops = registry_platforms[p];

		for (size_t i = 1; i < settings_count(platforms, ops->name); i++)
			if (!derived_apart(platforms, ops, i, settings_group_at(platforms, ops->name, i),
					   err))
				return false;
	}
	return true;
}

static char *folder_of(const char *url)
{
	const char *file = strncmp(url, "sqlite:", 7) == 0 ? url + 7 : NULL;
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (file == NULL)
		return NULL;
	if (slash == NULL)
		return mem_text(".");
	return slash == file ? mem_text("/") : mem_text_n(file, (size_t)(slash - file));
}

bool derived_read(const struct settings *settings, struct derived *derived, struct err *err)
{
	const struct settings *store = settings_group(settings, "store");

	*derived = (struct derived){ 0 };
	derived->file_max = (int64_t)settings_int(settings_group(settings, "limits"), "file_mb") << 20;
	if (derived->file_max > 0)
		derived->data_dir = folder_of(settings_text(store, "url"));
	if (read_keys(store, derived, err) && read_url(settings_group(settings, "listen"), derived, err) &&
	    read_reset(settings_group(settings, "assistant"), derived, err) &&
	    read_link_hosts(settings_group(settings, "assistant"), derived, err) &&
	    check_policy(settings_group(settings, "tools"), err) &&
	    check_platforms(settings_group(settings, "platforms"), err) &&
	    budgets_read(settings, &derived->budgets, err))
		return true;
	derived_finish(derived);
	return false;
}

void derived_finish(struct derived *derived)
{
	free(derived->public_url);
	free(derived->data_dir);
	free(derived->link_hosts);
	budgets_finish(&derived->budgets);
	explicit_bzero(derived, sizeof(*derived));
}
