/* A small reader for addresses: what it does not recognise is nobody's. */
#include "url.h"
#include "buf.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 4096 };

static bool read_scheme(const char *url, struct url *out, const char **rest_out)
{
	static const struct {
		const char *name;
		unsigned port;
	} schemes[] = { { "https", 443 }, { "http", 80 }, { "wss", 443 }, { "ws", 80 } };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t len = strlen(schemes[i].name);

		if (strncasecmp(url, schemes[i].name, len) != 0 || strncmp(url + len, "://", 3) != 0)
			continue;
		snprintf(out->scheme, sizeof(out->scheme), "%s", schemes[i].name);
		out->port = schemes[i].port;
		*rest_out = url + len + 3;
		return true;
	}
	return false;
}

static bool read_port(const char *text, size_t len, unsigned *port_out)
{
	unsigned port = 0;

	if (len == 0)
		return true; /* none given */
	if (*text != ':' || len < 2 || len > 6 || strspn(text + 1, "0123456789") < len - 1)
		return false;
	for (size_t i = 1; i < len; i++)
		port = port * 10 + (unsigned)(text[i] - '0');
	*port_out = port;
	return port > 0 && port <= 65535;
}

static bool read_host(const char *text, size_t len, struct url *out)
{
	const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	size_t host = strspn(text, allowed);

	if (*text == '[') {
		text++;
		len--;
		host = strspn(text, "0123456789abcdefABCDEF:.");
		if (text[host] != ']')
			return false;
	}
	if (host == 0 || host > len || host >= sizeof(out->host) || *text == '.' || text[host - 1] == '.')
		return false;
	for (size_t i = 0; i < host; i++)
		out->host[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	out->host[host] = '\0';
	host += text[host] == ']';
	return read_port(text + host, len - host, &out->port);
}

bool url_read(const char *url, struct url *url_out)
{
	const char *rest;
	size_t len = strlen(url);

	if (len > URL_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)url[i] <= ' ' || url[i] == '\\' || url[i] == 0x7f)
			return false;
	return read_scheme(url, url_out, &rest) && read_host(rest, strcspn(rest, "/?#"), url_out);
}

bool url_loopback(const struct url *url)
{
	const char *host = url->host;

	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0');
}

bool url_below(const char *host, const char *domain)
{
	size_t len = strlen(host), tail = strlen(domain);

	if (len == tail)
		return strcmp(host, domain) == 0;
	return len > tail && host[len - tail - 1] == '.' && strcmp(host + len - tail, domain) == 0;
}

void url_add_encoded(struct buf *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char escaped[] = { '%', hex[c >> 4], hex[c & 15] };

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    strchr("-._~", c))
			buf_add(out, text, 1);
		else
			buf_add(out, escaped, sizeof(escaped));
	}
}
