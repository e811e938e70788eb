/* rooms: base io */
/* URLs of strangers: none may crash the check, and none that passes may name an inner address. */
#include "guard.h"
#include "http.h"
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The host as a naive reader sees it, if it is a plain IPv4 address. */
static void check_host(const char *url)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	const char *host = strstr(url, "://");
	char text[INET_ADDRSTRLEN];
	size_t len;

	if (host == NULL)
		return;
	host += 3;
	len = strcspn(host, ":/?#"); /* no user part passes */
	if (len >= sizeof(text))
		return;
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1 && !guard_allows((struct sockaddr *)&in4, false))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *url = malloc(size + 1);
	struct err err;

	if (url == NULL)
		return 0;
	memcpy(url, data, size);
	url[size] = '\0';
	if (http_url_allowed(url, false, &err))
		check_host(url);
	http_url_allowed(url, true, &err);
	free(url);
	return 0;
}
