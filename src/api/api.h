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

/* Before start: files that come as uploads. What it points to is copied; without it there are no uploads. */
struct api_imports {
	const char *
		folder; /* exists: where they wait to be fetched; on the file system that ops.fetch writes to */
	int64_t max;	/* bytes of one request */
	/* A link under which a kept file is shown for a time, or NULL; freed by the caller. */
	char *(*link)(void *data, const char *org_id, const char *sha256, const char *name, const char *mime);
	void (*acted)(void *data, const char *json);	  /* what an act answered: core_acted */
	char *(*progress)(void *data, int64_t import_id); /* core_import_progress; may be NULL */
	void *data;
};
void api_use_imports(struct platform *api, const struct api_imports *imports);

#endif
