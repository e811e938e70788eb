/* Whether an address is the platform's own: tokens go nowhere else (sheet 15.2). */
#include "url.h"
#include "slack_room.h"
#include <string.h>

bool slack_url_ours(const struct slack_config *config, const char *url)
{
	struct url wanted, base;

	if (!url_read(url, &wanted))
		return false;
	if (url_read(config->api_base, &base) && strcmp(wanted.scheme, base.scheme) == 0 &&
	    strcmp(wanted.host, base.host) == 0 && wanted.port == base.port)
		return true;
	return strcmp(wanted.scheme, "https") == 0 && wanted.port == 443 &&
	       (url_below(wanted.host, "slack.com") || url_below(wanted.host, "slack-edge.com") ||
		url_below(wanted.host, "slack-files.com"));
}
