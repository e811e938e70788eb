/* Names, secrets and addresses in the settings of platforms. */
#include "config_checks.h"
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_LEN = 64, HOST_MAX = 255 };

bool config_wrong(const struct settings *group, const char *whose, const char *name, struct err *err)
{
	return err_add(err, "%s: %s %s", settings_where(group, name), whose, name);
}

bool config_check_name(const struct settings *group, const char *whose, struct err *err)
{
	const char *name = settings_text(group, "name");
	size_t len = strlen(name);

	if (len > 0 && len <= NAME_MAX_LEN &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len)
		return true;
	err_set(err, ERR_REFUSED, "expected 1 to %d letters, digits, - or _", NAME_MAX_LEN);
	return config_wrong(group, whose, "name", err);
}

bool config_check_plain(const struct settings *group, const char *whose, const char *name, struct err *err)
{
	const char *text = settings_text(group, name);

	for (; text && *text; text++) {
		if (*text > ' ' && *text <= '~')
			continue;
		err_set(err, ERR_REFUSED, "contains a blank, a line break or a letter no such value has");
		return config_wrong(group, whose, name, err);
	}
	return true;
}

/* 10/8, 172.16/12, 192.168/16 (RFC 1918). */
static bool in_private_network(uint32_t address)
{
	return address >> 24 == 10 || address >> 20 == (172 << 4 | 1) || address >> 16 == (192 << 8 | 168);
}

static bool host_near(const char *host, enum config_near near)
{
	struct in_addr in4;
	uint32_t address;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &in4) != 1)
		return near == CONFIG_PRIVATE_NETWORK && strpbrk(host, ".[]%") == NULL &&
		       inet_aton(host, &in4) == 0; /* "134744072" is 8.8.8.8 */
	address = ntohl(in4.s_addr);
	return address >> 24 == 127 || (near == CONFIG_PRIVATE_NETWORK && in_private_network(address));
}

bool config_url_private(const char *url, enum config_near near)
{
	char host[HOST_MAX + 1];
	size_t len;

	if (strncasecmp(url, "https://", 8) == 0)
		return url[8] != '\0' && url[8] != '/';
	if (strncasecmp(url, "http://", 7) != 0)
		return false;
	url += 7;
	len = strcspn(url, "/?#:");
	if (strncmp(url, "[::1]", 5) == 0 && strchr(":/", url[5]))
		return true;
	if (len == 0 || len > HOST_MAX || memchr(url, '@', strcspn(url, "/?#")))
		return false;
	memcpy(host, url, len);
	host[len] = '\0';
	return host_near(host, near);
}

bool config_check_url(const struct settings *group, const char *whose, const char *name,
		      enum config_near near, struct err *err)
{
	const char *url = settings_text(group, name);
	size_t len = strlen(url);

	if (config_url_private(url, near) && url[len - 1] != '/' && strpbrk(url, "?# \"<>") == NULL)
		return true;
	err_set(err, ERR_REFUSED,
		"\"%s\" is not an https address without final slash and query: tokens are sent there%s", url,
		near == CONFIG_PRIVATE_NETWORK ? "; http is possible to this machine and in a private network"
					       : "");
	return config_wrong(group, whose, name, err);
}
