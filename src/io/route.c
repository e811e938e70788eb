/* Routes are few and paths short: a list that is walked beats any tree here and keeps "more literal wins"
 * plain. */
#include "route.h"
#include "buf.h"
#include "head.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

static bool is_param(const char *segment)
{
	size_t len = strlen(segment);

	return len > 2 && segment[0] == '{' && segment[len - 1] == '}';
}

static void free_route(struct route *route)
{
	for (unsigned i = 0; i < route->count; i++)
		free(route->segments[i]);
	free((void *)(uintptr_t)route->given.method);
	free((void *)(uintptr_t)route->given.path);
	free((void *)(uintptr_t)route->given.folder);
	free(route);
}

/* false: too many segments or parameters. */
static bool split(struct route *route, const char *path)
{
	unsigned params = 0;

	while (*path == '/') {
		size_t len = strcspn(path + 1, "/");

		if (route->count == TARGET_SEGMENTS_MAX)
			return false;
		route->segments[route->count] = mem_text_n(path + 1, len);
		if (is_param(route->segments[route->count++]))
			params++;
		path += 1 + len;
	}
	route->literals = route->count - params;
	return *path == '\0' && route->count > 0 && params <= ROUTE_PARAMS_MAX;
}

/* Two patterns are the same when every path that one takes is taken by the other. */
static bool same(const struct route *a, const struct route *b)
{
	if (a->count != b->count || strcmp(a->given.method, b->given.method) != 0)
		return false;
	for (unsigned i = 0; i < a->count; i++) {
		bool param = is_param(a->segments[i]);

		if (param != is_param(b->segments[i]) ||
		    (!param && strcmp(a->segments[i], b->segments[i]) != 0))
			return false;
	}
	return true;
}

bool route_add(struct routes *routes, const struct web_route *given)
{
	struct route *route, **at = &routes->first;
	bool good = strlen(given->path) < ROUTE_PATH_MAX;

	route = mem_zero(1, sizeof(*route));
	route->given = *given;
	route->given.method = mem_text(given->method);
	route->given.path = mem_text(given->path);
	route->given.folder = mem_text(given->folder);
	good = good && split(route, given->path);
	for (struct route *other = routes->first; good && other != NULL; other = other->next)
		good = !same(route, other);
	if (!good) {
		free_route(route);
		return false;
	}
	while (*at != NULL && (*at)->literals >= route->literals)
		at = &(*at)->next;
	route->next = *at;
	*at = route;
	return true;
}

void route_drop(struct routes *routes, void *owner)
{
	struct route **at = &routes->first;

	while (*at != NULL) {
		struct route *route = *at;

		if (owner != NULL && route->given.owner != owner) {
			at = &route->next;
			continue;
		}
		*at = route->next;
		free_route(route);
	}
}

static bool matches(const struct route *route, const struct target *target)
{
	if (route->count != target->count)
		return false;
	for (unsigned i = 0; i < route->count; i++) {
		if (is_param(route->segments[i]) ? target->segments[i][0] == '\0'
						 : strcmp(route->segments[i], target->segments[i]) != 0)
			return false;
	}
	return true;
}

const struct route *route_find(const struct routes *routes, const char *method, const struct target *target,
			       bool *known_out)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

	*known_out = false;
	for (const struct route *route = routes->first; route != NULL; route = route->next) {
		if (!matches(route, target))
			continue;
		if (strcmp(route->given.method, wanted) == 0 || strcmp(route->given.method, method) == 0)
			return route;
		*known_out = true;
	}
	return NULL;
}

unsigned route_params(const struct route *route, const struct target *target,
		      struct route_param params[ROUTE_PARAMS_MAX], char *names)
{
	unsigned count = 0;

	for (unsigned i = 0; i < route->count; i++) {
		size_t len = strlen(route->segments[i]);

		if (!is_param(route->segments[i]))
			continue;
		memcpy(names, route->segments[i] + 1, len - 2);
		names[len - 2] = '\0';
		params[count++] = (struct route_param){ names, target->segments[i] };
		names += len - 1;
	}
	return count;
}

void route_methods(const struct routes *routes, const struct target *target, struct buf *out)
{
	for (const struct route *route = routes->first; route != NULL; route = route->next) {
		const char *method = route->given.method;

		if (!matches(route, target) || head_lists(buf_str(out), method))
			continue;
		buf_format(out, "%s%s", out->len > 0 ? ", " : "", method);
		if (strcmp(method, "GET") == 0)
			buf_text(out, ", HEAD");
	}
}
