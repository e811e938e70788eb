/* What the files about installations share: rows remembered, and wishes on their way. */
#ifndef USHER_CORE_INSTALLS_INSIDE_H
#define USHER_CORE_INSTALLS_INSIDE_H

#include "installation.h"
#include "installs.h"
#include "store_install.h"

/* What is remembered of a row; its secrets are not. */
struct install_row {
	char *key; /* "PLATFORM/NAME" */
	char *platform, *name, *title;
	char *settings; /* of one without secrets; or NULL */
	bool enabled, removed, secrets;
	UT_hash_handle hh;
};

/* Something to be done for an installation, over several waits. */
struct wish {
	uint64_t serial; /* the ticket with the store and with ops.check */
	struct installs *installs;
	enum wish_kind {
		WISH_ROW,     /* at start: the row of a configured installation */
		WISH_CURSORS, /* at start: where its events were taken in up to */
		WISH_TEXTS,   /* at start: what its plugin remembers */
		WISH_INSTALL, /* a plugin's */
		WISH_KEEP,
		WISH_NOTE,
		WISH_REMOVE, /* a plugin's or the operator's */
		WISH_SWITCH, /* the operator's */
		WISH_CHECK,
		WISH_BRING, /* of a switch: what was added to the installation comes up with it */
	} kind;
	enum wish_state {
		WISH_ASKED,  /* the store, or the plugin (WISH_CHECK) */
		WISH_AGAIN,  /* the store could not take it: from retry_ms on */
		WISH_WAITS,  /* until the old object of that name is destroyed */
		WISH_ENDING, /* answered with err in the next round */
	} state;
	struct installation *inst; /* whose plugin asked or is asked; held; or NULL */
	uint64_t ticket;	   /* of whoever asked */
	store_json_fn *fn;	   /* the operator's, or NULL */
	void *owner;
	enum core_switch how;			/* WISH_SWITCH */
	char *platform, *name;			/* of the row */
	char *title, *settings, *secrets, *why; /* secrets: sealed. Each may be NULL */
	bool done_here;				/* WISH_REMOVE: what is not the store's part */
	struct installation *brought;		/* adopted for it, not started yet; held */
	uint64_t since_ms, retry_ms;		/* loop time */
	struct err err;
	UT_hash_handle hh;
};

struct installs {
	struct core *core;
	struct install_row *rows;
	struct wish *wishes;
	struct installation *leaving; /* gone, but their plugin object is not */
	size_t starting;	      /* wishes that the start waits for */
	void (*started)(struct core *core);
	bool posted;
};

/* installs.c */
struct install_row *installs_row(const struct installs *installs, const char *platform, const char *name);
void installs_remember(struct installs *installs, const struct store_installation *row);

/* A row that only says that we are there: of a place that a configured installation serves itself. */
bool installs_is_note(const struct installs *installs, const char *platform, const char *name);

/* Out of the list: the plugin object is stopped, and destroyed when it has. removed: its turns end, its replies are
 * cancelled; else they wait for the one that comes after it. */
void installs_leave(struct installs *installs, struct installation *inst, bool removed, const char *why);

/* Opens the secrets and lets the plugin take the place in; listed, not started. NULL and err (cause and cure). */
struct installation *installs_adopt(struct installs *installs, const struct store_installation *row,
				    struct err *err);

/* Cursors of the wish's row. Handed to an installation whose plugin wants them, before it starts. */
void installs_ask_cursors(struct wish *wish, store_cursors_fn *fn);
/* Those that moved last come last: a plugin that can't keep all forgets others for them. */
void installs_hand(struct installation *inst, const struct store_cursor *cursors, size_t count);

/* notes.c: the same for the texts of the wish's row. */
void installs_ask_texts(struct wish *wish, store_texts_fn *fn);
void installs_recall(struct installation *inst, const struct store_text *texts, size_t count);

/* Notes that are not removed are told to the plugin that serves them, when it wants to know: all, or this row's if it is
 * one. Only of such a plugin the operator can switch them. */
void installs_tell_notes(const struct installs *installs);
void installs_tell_note(const struct installs *installs, const struct install_row *row);
bool installs_note_switches(const struct installs *installs, const char *platform, const char *name);

/* wishes.c: a wish begins and ends. inst: whose plugin asks or is asked, or NULL. */
struct wish *wish_make(struct installs *installs, enum wish_kind kind, struct installation *inst,
		       const char *platform, const char *name);
struct wish *wish_find(const struct installs *installs, uint64_t serial);
void wish_free(struct wish *wish);

/* Tells whoever wished, and frees it. In a round of its own: not from inside a call of a plugin or the operator. */
void wish_end(struct wish *wish, const struct err *err);

/* The same in a later round. */
void wish_end_later(struct wish *wish, enum err_kind kind, const char *text);

/* The store's answer to a question put with the wish's serial: so it ends. owner: the installs. */
void wish_done(void *owner, uint64_t ticket, const struct err *err);

/* Adopts the row of the wish, when nothing of its name is left, and starts it; then the wish ends. */
void wish_bring(struct wish *wish);

/* Brings what is due forward. */
void wishes_look(struct installs *installs);

/* operate.c */
void wish_remove(struct wish *wish);

#endif
