/* What a path is to the limits: its form without ids, and the id that has limits of its own (sheet 13, step 1). */
#include "buf.h"
#include "mem.h"
#include "rest_room.h"
#include <stdlib.h>
#include <string.h>

static bool is(const char *part, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(part, word, len) == 0;
}

static bool is_id(const char *part, size_t len)
{
	return len > 0 && len < SNOWFLAKE_SIZE && strspn(part, "0123456789") >= len;
}

/* The parts of a path, one after the other. */
struct parts {
	const char *at, *end;
};

static bool next_part(struct parts *parts, const char **part_out, size_t *len_out)
{
	if (parts->at >= parts->end || *parts->at != '/')
		return false;
	*part_out = ++parts->at;
	while (parts->at < parts->end && *parts->at != '/')
		parts->at++;
	*len_out = (size_t)(parts->at - *part_out);
	return true;
}

/* The part behind the id is a token: webhooks and interactions. */
static void take_token(struct rest_name *name, struct parts *parts, struct buf *route, struct buf *major)
{
	const char *part;
	size_t len;

	if (!next_part(parts, &part, &len))
		return;
	buf_text(route, "/:token");
	buf_format(major, "/%.*s", (int)len, part);
	name->secret = mem_text_n(part, len);
}

static void take_major(struct rest_name *name, struct parts *parts, const char *kind, size_t kind_len,
		       struct buf *route, struct buf *major)
{
	struct parts ahead = *parts;
	bool tokens = is(kind, kind_len, "webhooks") || is(kind, kind_len, "interactions");
	const char *part;
	size_t len;

	name->channel = is(kind, kind_len, "channels");
	if (!tokens && !name->channel && !is(kind, kind_len, "guilds"))
		return;
	if (!next_part(&ahead, &part, &len) || !is_id(part, len)) {
		name->channel = false;
		return;
	}
	*parts = ahead;
	buf_text(route, "/:major");
	buf_format(major, "%.*s/%.*s", (int)kind_len, kind, (int)len, part);
	if (tokens)
		take_token(name, parts, route, major);
}

struct rest_name rest_name_of(const char *method, const char *path)
{
	struct parts parts = { path, path + strcspn(path, "?") };
	struct buf route = { 0 }, major = { 0 };
	struct rest_name name = { 0 };
	const char *part;
	size_t len;

	buf_format(&route, "%s ", method);
	for (bool first = true; next_part(&parts, &part, &len); first = false) {
		if (is_id(part, len))
			buf_text(&route, "/:id");
		else
			buf_format(&route, "/%.*s", (int)len, part);
		if (is(part, len, "reactions"))
			break; /* all emoji share one limit */
		if (first)
			take_major(&name, &parts, part, len, &route, &major);
	}
	name.route = buf_take(&route);
	name.major = buf_take(&major);
	return name;
}

void rest_name_finish(struct rest_name *name)
{
	free(name->route);
	free(name->major);
	free(name->secret);
	*name = (struct rest_name){ 0 };
}
