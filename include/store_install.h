/* Questions about installations and what is kept for them: rows of "LLMAgentInstallation", secrets, cursors,
 * texts, placeholders, fetched files. Same rules as store.h. */
#ifndef USHER_STORE_INSTALL_H
#define USHER_STORE_INSTALL_H

#include "store.h"

struct store_installation {
	const char *platform, *name; /* "acme", or "acme/T123" for one that was adopted */
	const char *org_id, *title;
	const char *settings; /* JSON object */
	const char *secrets;  /* sealed; NULL: none */
	bool enabled, removed;
};

/* Every row, by platform and name. A read. */
typedef void store_installations_fn(void *owner, uint64_t ticket, const struct err *err,
				    const struct store_installation *rows, size_t count);
void store_installations(struct store *store, store_installations_fn *fn, void *owner, uint64_t ticket);

/* Makes the row, or brings it up to date: title, settings and secrets where not NULL; no longer removed; `enabled`
 * stays as it is. One that was removed starts afresh: its cursors and texts are forgotten. own_org: a new row gets an organisation of its own, named after platform, name and title.
 * rows of the answer: this one. */
struct store_install {
	const char *platform, *name, *title, *settings, *secrets;
	bool own_org;
};
void store_install(struct store *store, const struct store_install *install, store_installations_fn *fn,
		   void *owner, uint64_t ticket);

/* Replaces the sealed secrets of a row that is not removed; else ERR_GONE. */
void store_keep(struct store *store, const char *platform, const char *name, const char *secrets,
		store_done_fn *fn, void *owner, uint64_t ticket);

/* Taken out: in one transaction the secrets and texts are erased, the row is marked as removed, its replies that are not being
 * sent are cancelled, its waiting messages end as ignored, both with this reason. Doing it again changes nothing.
 * What comes in afterwards is stored as ignored with this reason and no text. Without a row only the work ends. */
void store_remove(struct store *store, const char *platform, const char *name, const char *why,
		  store_done_fn *fn, void *owner, uint64_t ticket);

/* The operator's switch. ERR_GONE: no such row, or removed. */
void store_enable(struct store *store, const char *platform, const char *name, bool enabled,
		  store_done_fn *fn, void *owner, uint64_t ticket);

/* How far events of an installation were taken in; only cursors moved since this time (Unix milliseconds), the
 * newest STORE_CURSORS_MAX. A read. */
enum { STORE_CURSORS_MAX = 10000 };
struct store_cursor {
	const char *scope, *position;
};
typedef void store_cursors_fn(void *owner, uint64_t ticket, const struct err *err,
			      const struct store_cursor *cursors, size_t count);
void store_cursors(struct store *store, const char *platform, const char *installation, int64_t since_ms,
		   store_cursors_fn *fn, void *owner, uint64_t ticket);

/* Texts of the plugin's own, all of an installation by name; at most STORE_TEXTS_MAX. A read. */
enum { STORE_TEXTS_MAX = 1000 };
struct store_text {
	const char *name, *text;
};
typedef void store_texts_fn(void *owner, uint64_t ticket, const struct err *err,
			    const struct store_text *texts, size_t count);
void store_texts(struct store *store, const char *platform, const char *installation, store_texts_fn *fn,
		 void *owner, uint64_t ticket);

/* Keeps the text under this name instead of the one before; NULL forgets it. The last word of a name counts, in the
 * order they were put. ERR_GONE: the installation was removed. ERR_REFUSED: it has STORE_TEXTS_MAX others. Waits for
 * company like store_sent. */
void store_remember(struct store *store, const char *platform, const char *installation, const char *name,
		    const char *text, store_done_fn *fn, void *owner, uint64_t ticket);

/* Remembers with the turn of this message what stands for its answer on the platform. ERR_GONE: it has no turn. Waits
 * for company like store_sent. */
void store_placed(struct store *store, const char *uuid, const char *remote_id, store_done_fn *fn,
		  void *owner, uint64_t ticket);

#endif
