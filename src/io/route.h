/* Which handler serves a path. No input or output. */
#ifndef USHER_ROUTE_H
#define USHER_ROUTE_H

#include "target.h"
#include "web.h"

enum { ROUTE_PATH_MAX = 200, ROUTE_PARAMS_MAX = 8 };

struct route {
	struct route *next;
	struct web_route given;		     /* its strings are ours */
	char *segments[TARGET_SEGMENTS_MAX]; /* "{x}" stands for any one segment that is not empty */
	unsigned count, literals;
};

struct routes {
	struct route *first; /* more literal ones come first */
};

bool route_add(struct routes *routes, const struct web_route *route);
void route_drop(struct routes *routes, void *owner); /* NULL owner: all */

/* NULL when no route has this path and method. HEAD finds GET. *known_out: the path exists with another
 * method. */
const struct route *route_find(const struct routes *routes, const char *method, const struct target *target,
			       bool *known_out);

/* The {name} parts: values point into target, names are copied to names (ROUTE_PATH_MAX bytes), because a
 * route may be dropped while its requests wait. Returns how many. */
struct route_param {
	const char *name, *value;
};
unsigned route_params(const struct route *route, const struct target *target,
		      struct route_param params[ROUTE_PARAMS_MAX], char *names);

/* "GET, HEAD, POST": the methods of this path, for the Allow header. */
struct buf;
void route_methods(const struct routes *routes, const struct target *target, struct buf *out);

#endif
