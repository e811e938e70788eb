/* The chat endpoint (seeds 003 and 004) as a platform that may also ask the store. */
#ifndef USHER_API_H
#define USHER_API_H

#include "platform.h"
#include "tool.h"

struct store;

extern const struct platform_ops api_platform;

/* Between create and start: where keys and conversations are, and the control socket's server (or NULL) on
 * which the same paths answer to the local operator without a key, as the user named `operator_name`. */
void api_use(struct platform *api, struct store *store, struct web *control, const char *operator_name);

/* Before start: what /mcp offers, and listen.public_url (or NULL), whose pages may ask for it. */
void api_use_tools(struct platform *api, struct toolbox tools, const char *public_url);

#endif
