/* Where a file lies, and where it may be fetched from (sheet 15). */
#include "file_ref.h"
#include "mem.h"
#include "url.h"
#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 60000 };

char *discord_file_write(snowflake channel, snowflake message, snowflake attachment, const char *url)
{
	char ids[3][SNOWFLAKE_SIZE];
	size_t len = url ? strcspn(url, "#") : 0;

	snowflake_text(channel, ids[0]);
	snowflake_text(message, ids[1]);
	snowflake_text(attachment, ids[2]);
	return mem_format("%.*s#%s/%s/%s", len <= DISCORD_URL_MAX ? (int)len : 0, url ? url : "", ids[0],
			  ids[1], ids[2]);
}

/* "1", up to its end; 0 for "" too. */
static bool take_id(const char **at, char end, snowflake *id_out)
{
	size_t len = strcspn(*at, "/");
	char text[SNOWFLAKE_SIZE];

	if (len >= sizeof(text) || (*at)[len] != end)
		return false;
	memcpy(text, *at, len);
	text[len] = '\0';
	*at += len + (end != '\0');
	*id_out = snowflake_parse(text);
	return len == 0 || *id_out != 0;
}

bool discord_file_ref_read(const char *text, struct discord_file_ref *ref_out)
{
	size_t len = text ? strcspn(text, "#") : 0;
	const char *at;

	*ref_out = (struct discord_file_ref){ 0 };
	if (text == NULL || text[len] != '#' || len > DISCORD_URL_MAX)
		return false;
	at = text + len + 1;
	if (!take_id(&at, '/', &ref_out->channel) || !take_id(&at, '/', &ref_out->message) ||
	    !take_id(&at, '\0', &ref_out->attachment) || ref_out->attachment == 0)
		return false;
	memcpy(ref_out->url, text, len);
	return true;
}

/* ex: hexadecimal seconds since 1970. */
bool discord_url_expired(const char *url, int64_t now_ms)
{
	const char *at = strchr(url, '?');
	unsigned long long seconds;
	char *end;

	for (; at != NULL && strncmp(at + 1, "ex=", 3) != 0; at = strchr(at + 1, '&'))
		;
	if (at == NULL || strspn(at + 4, "0123456789abcdefABCDEF") == 0)
		return false; /* it does not say */
	seconds = strtoull(at + 4, &end, 16);
	return (*end == '\0' || *end == '&') && seconds < (unsigned long long)(now_ms + SOON_MS) / 1000;
}

static bool same_place(const struct url *a, const struct url *b)
{
	return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 && a->port == b->port;
}

static bool of_the_platform(const struct url *url)
{
	return strcmp(url->scheme, "https") == 0 && url->port == 443 &&
	       (strcmp(url->host, "cdn.discordapp.com") == 0 ||
		strcmp(url->host, "media.discordapp.net") == 0);
}

char *discord_file_address(const char *url, const char *base)
{
	const char *path;
	struct url from, own;

	if (!url_read(url, &from))
		return NULL;
	if (base == NULL)
		return of_the_platform(&from) ? mem_text(url) : NULL;
	if (!of_the_platform(&from) && !(url_read(base, &own) && same_place(&from, &own)))
		return NULL;
	if (strncmp(url, base, strlen(base)) == 0 && url[strlen(base)] == '/')
		return mem_text(url);
	path = strchr(strstr(url, "://") + 3, '/');
	return path ? mem_format("%s%s", base, path) : NULL;
}

/* ---- in a message ----------------------------------------------------------------------------------------- */

static const json_t *find_in(const json_t *message, snowflake id)
{
	const json_t *attachment;
	size_t i;

	json_array_foreach (json_object_get(message, "attachments"), i, attachment) {
		if (snowflake_read(json_object_get(attachment, "id")) == id)
			return attachment;
	}
	return NULL;
}

const json_t *discord_attachment_find(const json_t *message, snowflake id)
{
	const json_t *found = find_in(message, id), *snapshot;
	size_t i;

	if (found == NULL)
		found = find_in(json_object_get(message, "referenced_message"), id);
	json_array_foreach (json_object_get(message, "message_snapshots"), i, snapshot) {
		if (found == NULL)
			found = find_in(json_object_get(snapshot, "message"), id);
	}
	return found;
}
