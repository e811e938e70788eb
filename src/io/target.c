/* Decoding in place of a copy: curl_easy_unescape would allocate for every segment and lets "%zz" and an
 * encoded NUL pass, and both must be refused here. */
#include "target.h"
#include "text.h"
#include <http_parser.h>
#include <string.h>

/* Decodes [from, from + len) to `to` and ends it with NUL. Returns the byte behind that NUL, NULL when
 * malformed. */
static char *decode(char *to, const char *from, size_t len, bool plus_is_space)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (from[i] == '+' && plus_is_space) {
			*to++ = ' ';
			continue;
		}
		if (from[i] != '%') {
			*to++ = from[i];
			continue;
		}
		high = i + 2 < len ? text_hex_digit(from[i + 1]) : -1;
		low = i + 2 < len ? text_hex_digit(from[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0)
			return NULL;
		*to++ = (char)(high * 16 + low);
		i += 2;
	}
	*to++ = '\0';
	return to;
}

size_t target_room(size_t len)
{
	return 3 * len + 16; /* path twice; a query of empty pairs (&&&) takes two NUL each */
}

static char *read_path(struct target *target, const char *path, size_t len, char *space)
{
	const char *end = path + len;

	target->path = space;
	space = decode(space, path, len, false);
	while (space != NULL && path < end) {
		const char *slash = memchr(path + 1, '/', (size_t)(end - path - 1));
		const char *stop = slash == NULL ? end : slash;

		if (target->count == TARGET_SEGMENTS_MAX)
			return NULL;
		target->segments[target->count++] = space;
		space = decode(space, path + 1, (size_t)(stop - path - 1), false);
		path = stop;
	}
	return space;
}

static char *read_query(struct target *target, const char *query, size_t len, char *space)
{
	const char *end = query + len;

	target->query = space;
	while (space != NULL && query < end) {
		size_t pair = strcspn(query, "&#");
		const char *stop = query + pair > end ? end : query + pair;
		const char *equals = memchr(query, '=', (size_t)(stop - query));
		const char *name_end = equals == NULL ? stop : equals;

		space = decode(space, query, (size_t)(name_end - query), true);
		if (space == NULL)
			return NULL;
		equals = equals == NULL ? stop : equals + 1;
		space = decode(space, equals, (size_t)(stop - equals), true);
		query = stop + 1;
	}
	target->query_end = space;
	return space;
}

bool target_read(struct target *target, const char *raw, size_t len, char *space)
{
	struct http_parser_url url;
	const char *path = raw;
	size_t path_len = 1;

	*target = (struct target){ .path = space };
	if (len == 1 && *raw == '*') {
		target->end = decode(space, raw, 1, false);
		return true;
	}
	http_parser_url_init(&url);
	if (http_parser_parse_url(raw, len, 0, &url) != 0)
		return false;
	if (url.field_set & (1 << UF_PATH)) {
		path = raw + url.field_data[UF_PATH].off;
		path_len = url.field_data[UF_PATH].len;
	} else {
		path = "/";
	}
	space = read_path(target, path, path_len, space);
	if (space != NULL && (url.field_set & (1 << UF_QUERY)) != 0)
		space = read_query(target, raw + url.field_data[UF_QUERY].off, url.field_data[UF_QUERY].len,
				   space);
	target->end = space;
	return space != NULL;
}

const char *target_query(const struct target *target, const char *name)
{
	const char *at = target->query;

	while (at != NULL && at < target->query_end) {
		const char *value = at + strlen(at) + 1;

		if (strcmp(at, name) == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}
