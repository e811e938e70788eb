/* One installation of a platform, as the core sees it: configured, or adopted because somebody added a configured
 * one. Whoever keeps a pointer to it holds it; its plugin object may be gone before it is. */
#ifndef USHER_CORE_INSTALLATION_H
#define USHER_CORE_INSTALLATION_H

#include "inside.h"
#include "log.h"
#include "outbox.h"
#include "platform.h"

struct arena;

struct installation {
	struct platform_host host; /* first: a host pointer is an installation pointer */
	struct core *core;
	const struct platform_ops *ops;
	struct platform *platform; /* NULL: destroyed, nothing of the plugin may be called */
	struct installation *root; /* of an adopted one: what was added; NULL: configured */
	size_t holders;
	char *name;	/* "crm", "acme/T123" */
	char *log_name; /* "PLATFORM/NAME" */
	struct log log;
	enum link_state link;
	char *link_why; /* or NULL */
	bool started, stopped;
	bool enabled;		   /* the operator's switch; read it with installation_on */
	bool removed;		   /* the other side took us out: nothing is answered or sent any more */
	bool gone;		   /* no longer listed: its plugin object stops and is destroyed */
	uint64_t gone_ms;	   /* loop time since then */
	struct outbox_line line;   /* the outbox's notes about this installation */
	struct installation *next; /* of those that are gone and still stop */
	UT_hash_handle hh;	   /* core->by_name, by log_name; not while it is gone */
};

/* The plugin object of a configured installation. NULL and err when the plugin is of another kind or refuses its
 * settings. Held once; not listed yet. */
struct installation *installation_create(struct core *core, const struct platform_ops *ops,
					 const struct settings *settings, struct web *web, struct http *http,
					 struct err *err);

/* The same for a place that added root; name: of its row. */
struct installation *installation_adopt(struct installation *root, const char *name,
					const struct install *install, struct err *err);

/* Puts it into the core's list, takes it out of there. */
void installation_list(struct installation *inst);
void installation_unlist(struct installation *inst);

/* Destroys the plugin object only. Harmless a second time. */
void installation_drop_platform(struct installation *inst);

/* Keeps the memory while somebody points at it. Both take NULL; hold returns what it is given. */
struct installation *installation_hold(struct installation *inst);
void installation_release(struct installation *inst);

/* NULL when it is not configured or adopted (any more). */
struct installation *installation_find(const struct core *core, const char *platform, const char *name);

/* The configured installation that a row of this name was added to: the one named in front of a "/". NULL: none. */
struct installation *installation_root(const struct core *core, const char *platform, const char *name);

/* Takes in and sends: neither switched off, itself or its root, nor removed. */
bool installation_on(const struct installation *inst);

/* Tells whoever waits there that messages reached their end. inst may be NULL. */
void installation_ended(struct installation *inst, const struct outgoing *out);

/* Markdown in the plugin's own form, as parts in the arena; 0 when the plugin takes Markdown itself. inst may be NULL. */
size_t installation_split(struct installation *inst, const char *text, struct arena *arena,
			  const char *const **parts_out);

/* A notice of a line or two in the plugin's own form. The caller frees. NULL gives NULL. */
char *installation_notice(struct installation *inst, const char *text);

/* How long a reply of this installation may be tried. inst may be NULL. */
uint32_t installation_expire_s(const struct installation *inst);

/* "down", "connecting", "up" */
const char *installation_link(const struct installation *inst);

/* Appends "platform":...,"link":... of all as a JSON array. */
void installations_status(const struct core *core, struct buf *out);

#endif
