/* One configured installation of a platform, as the core sees it. Lives as long as the core. */
#ifndef USHER_CORE_INSTALLATION_H
#define USHER_CORE_INSTALLATION_H

#include "inside.h"
#include "log.h"
#include "outbox.h"
#include "platform.h"

struct installation {
	struct platform_host host; /* first: a host pointer is an installation pointer */
	struct core *core;
	const struct platform_ops *ops;
	struct platform *platform;
	char *name;	/* "crm" */
	char *log_name; /* "PLATFORM/NAME" */
	struct log log;
	enum link_state link;
	char *link_why; /* or NULL */
	bool started, stopped;
	struct outbox_line line; /* the outbox's notes about this installation */
};

/* NULL and err when the plugin is of another kind or refuses its settings. */
struct installation *installation_create(struct core *core, const struct platform_ops *ops,
					 const struct settings *settings, struct web *web, struct http *http,
					 struct err *err);
void installation_destroy(struct installation *inst);

/* NULL when it is not configured (any more). */
struct installation *installation_find(const struct core *core, const char *platform, const char *name);

/* Tells whoever waits there that messages reached their end. inst may be NULL. */
void installation_ended(struct installation *inst, const struct outgoing *out);

/* How long a reply of this installation may be tried. inst may be NULL. */
uint32_t installation_expire_s(const struct installation *inst);

/* Appends "platform":...,"link":... of all as a JSON array. */
void installations_status(const struct core *core, struct buf *out);

#endif
