/* Where the gateway may be: RESUME and IDENTIFY carry the bot's token (sheet 4, 6.3). */
#include "gateway_room.h"
#include "mem.h"
#include "url.h"
#include <string.h>

bool discord_address_trusted(const struct discord_config *config, const char *text, bool *loopback_out)
{
	struct url url, base;

	*loopback_out = false;
	if (text == NULL || !url_read(text, &url))
		return false;
	*loopback_out = url_loopback(&url);
	if (strcmp(url.scheme, "wss") == 0)
		return true;
	return strcmp(url.scheme, "ws") == 0 && *loopback_out && url_read(config->api_base, &base) &&
	       url_loopback(&base);
}

/* The last two labels of a name; a number, and a name of one label, is a domain of its own. */
static const char *domain_of(const char *host)
{
	const char *last = strrchr(host, '.');
	const char *at = last;

	if (last == NULL || strchr(host, ':') != NULL || (last[1] >= '0' && last[1] <= '9'))
		return host;
	while (at > host && at[-1] != '.')
		at--;
	return at;
}

bool discord_address_kin(const char *main_url, const char *resume_url)
{
	struct url from, to;

	if (main_url == NULL || !url_read(main_url, &from) || !url_read(resume_url, &to))
		return false;
	if (url_loopback(&from) || url_loopback(&to))
		return url_loopback(&from) && url_loopback(&to);
	return url_below(to.host, domain_of(from.host));
}

char *discord_address_whole(const struct discord_config *config, const char *base)
{
	size_t len = strcspn(base, "?#");

	while (len > 0 && base[len - 1] == '/')
		len--;
	return mem_format("%.*s/?v=10&encoding=json%s", (int)len, base,
			  config->compress ? "&compress=zlib-stream" : "");
}
