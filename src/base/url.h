/* Where an address leads, read strictly: tokens go only where we are sure. Pure; any thread. */
#ifndef USHER_URL_H
#define USHER_URL_H

#include <stdbool.h>

struct url {
	char scheme[8]; /* "https", "http", "wss" or "ws" */
	char host[256]; /* lower case, an IPv6 address without its brackets */
	unsigned port;	/* the scheme's own when none is given */
};

/* False for all that two readers could understand differently: user names, escapes or unusual bytes in the host, a
 * backslash, white space or a control character anywhere. */
bool url_read(const char *url, struct url *url_out);

/* "localhost", 127.0.0.0/8 or ::1, as written. */
bool url_loopback(const struct url *url);

/* Appends text percent-encoded but for the unreserved characters of RFC 3986 2.3: as a segment of a path, or in a form. */
struct buf;
void url_add_encoded(struct buf *out, const char *text);

/* host is this domain or inside of it; both in lower case. */
bool url_below(const char *host, const char *domain);

#endif
