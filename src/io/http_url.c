/* Reads a URL by the parser that will also call it, so that no second opinion about its host is possible. */
#include "guard.h"
#include "http_room.h"
#include "mem.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 4096 };

/* Names that mean this machine or its network, whatever they resolve to. */
static const char *const inner_names[] = { "localhost", ".localhost", ".local",	   ".internal",
					   ".lan",	".home.arpa", ".intranet", ".corp" };

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcasecmp(text + len - end_len, end) == 0;
}

/* curl would take "https:/host" too, which others read as a path. */
static bool usual_start(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

static bool plain_characters(const char *url)
{
	for (const char *at = url; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~' || *at == '\\') /* also bytes over 127 where char is signed */
			return false;
	}
	return true;
}

/* True when host is an address; then *allowed_out is the guard's verdict. curl has turned every numeric
 * notation of IPv4 (127.1, 0x7f000001, 017700000001) into the plain one before. */
static bool is_address(const char *host, bool loopback, bool *allowed_out)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char inner[INET6_ADDRSTRLEN];
	size_t len = strlen(host);

	if (inet_pton(AF_INET, host, &in4.sin_addr) == 1) {
		*allowed_out = guard_allows((const struct sockaddr *)&in4, loopback);
		return true;
	}
	if (host[0] != '[')
		return false;
	*allowed_out = false; /* whatever it is, it is no name */
	if (len < 4 || len - 2 >= sizeof(inner))
		return true;
	memcpy(inner, host + 1, len - 2);
	inner[len - 2] = '\0';
	if (inet_pton(AF_INET6, inner, &in6.sin6_addr) == 1)
		*allowed_out = guard_allows((const struct sockaddr *)&in6, loopback);
	return true;
}

static bool public_name(const char *host)
{
	const char *last = strrchr(host, '.');

	if (strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != strlen(host))
		return false;
	/* The last label of a name is never a number, so "1.2.3.999" is a failed address; nor is it empty. */
	if (last == NULL || last == host || last[1] == '\0' || (last[1] >= '0' && last[1] <= '9'))
		return false;
	for (size_t i = 0; i < sizeof(inner_names) / sizeof(*inner_names); i++) {
		if (ends_with(host, inner_names[i]))
			return false;
	}
	return true;
}

static bool host_allowed(const char *host, bool loopback)
{
	bool allowed;

	if (is_address(host, loopback, &allowed))
		return allowed;
	if (loopback && strcasecmp(host, "localhost") == 0)
		return true;
	return public_name(host);
}

/* Other services of a machine live on the well-known ports. */
static bool port_allowed(CURLU *parts)
{
	char *text = NULL;
	long port;

	if (curl_url_get(parts, CURLUPART_PORT, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return false;
	port = strtol(text, NULL, 10);
	curl_free(text);
	return port == 443 || port == 80 || (port >= 1024 && port <= 65535);
}

static bool part_present(CURLU *parts, CURLUPart part)
{
	char *text = NULL;
	bool present = curl_url_get(parts, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return present;
}

static bool guard_parts(CURLU *parts, const char *host, bool loopback, struct err *err)
{
	if (part_present(parts, CURLUPART_USER) || part_present(parts, CURLUPART_PASSWORD))
		return err_set(err, ERR_REFUSED, "a user name in the URL is not allowed");
	if (part_present(parts, CURLUPART_ZONEID) || !host_allowed(host, loopback))
		return err_set(err, ERR_REFUSED, "the host is not a public one");
	if (!port_allowed(parts))
		return err_set(err, ERR_REFUSED, "the port is not allowed: 80, 443, or 1024 and above");
	return true;
}

static bool read_host(CURLU *parts, const char *url, char **host, struct err *err)
{
	if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK)
		return err_set(err, ERR_REFUSED, "this is not a URL");
	if (curl_url_get(parts, CURLUPART_HOST, host, 0) != CURLUE_OK || (*host)[0] == '\0')
		return err_set(err, ERR_REFUSED, "the URL has no host");
	return true;
}

bool http_url_parse(const char *url, bool guarded, bool loopback, char **url_out, char **host_out,
		    struct err *err)
{
	CURLU *parts;
	char *host = NULL, *whole = NULL;
	bool ok;

	*url_out = *host_out = NULL;
	if (url == NULL || strlen(url) > URL_MAX)
		return err_set(err, ERR_REFUSED, "the URL is missing or longer than %d bytes", URL_MAX);
	if (!plain_characters(url))
		return err_set(err, ERR_REFUSED, "the URL has characters that must be percent-encoded");
	if (!usual_start(url))
		return err_set(err, ERR_REFUSED, "only http:// and https:// URLs can be called");
	parts = curl_url();
	if (parts == NULL)
		return err_set(err, ERR_AGAIN, "out of memory");
	ok = read_host(parts, url, &host, err) && host != NULL &&
	     (!guarded || guard_parts(parts, host, loopback, err));
	if (ok && curl_url_get(parts, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		ok = err_set(err, ERR_REFUSED, "this is not a URL");
	if (ok) {
		*url_out = mem_text(whole);
		*host_out = mem_text(host);
	}
	curl_free(whole);
	curl_free(host);
	curl_url_cleanup(parts);
	return ok;
}

bool http_url_allowed(const char *url, bool loopback, struct err *err)
{
	char *whole, *host;

	if (!http_url_parse(url, true, loopback, &whole, &host, err))
		return false;
	free(whole);
	free(host);
	return true;
}

char *http_url_join(const char *base, const char *reference, struct err *err)
{
	CURLU *parts = curl_url();
	char *whole = NULL, *url = NULL, *host = NULL;

	if (parts == NULL)
		abort(); /* out of memory, as in mem.c */
	if (strlen(reference) > URL_MAX || !plain_characters(reference) ||
	    curl_url_set(parts, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl_url_set(parts, CURLUPART_URL, reference, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		err_set(err, ERR_REFUSED, "this is not a URL");
	else
		http_url_parse(whole, false, false, &url, &host, err);
	curl_free(whole);
	curl_url_cleanup(parts);
	free(host);
	return url;
}
