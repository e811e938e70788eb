/* The heart as src/app sees it: made once, fed with platforms, started, stopped. Loop thread only. */
#ifndef USHER_CORE_H
#define USHER_CORE_H

#include "ai.h"
#include "crypto.h"
#include "platform.h"
#include "settings.h"
#include "store.h"
#include "store_budget.h"
#include "store_people.h"

struct core;
struct buf;
struct imports;

enum strangers { STRANGERS_PAIR, STRANGERS_ALLOW, STRANGERS_DENY };

struct core_options {
	struct loop *loop;
	struct store *store;
	struct ai *ai;
	const struct log *log;
	enum strangers strangers;
	const char *system_prompt; /* of settings assistant; or NULL */
	unsigned history_messages;
	bool all_links; /* answers may link to any host, whatever they were made of */
	const char *const *
		link_hosts; /* to which they always may; with link_host_count the caller's until core_destroy */
	size_t link_host_count;
	bool summary;	       /* what falls out of them is summed up */
	int64_t reset_idle_ms; /* a conversation that was quiet so long is over; 0: never */
	bool reset_daily;      /* all are over each day at reset_minute (of the day, in local time) */
	int reset_minute;
	struct store_limits limits;  /* budgets of the settings file */
	const char *const *unpriced; /* models (by name) that may be asked within a budget without a price */
	size_t unpriced_count;	     /* both stay the caller's until core_destroy */
	unsigned rate_minute, rate_day; /* messages of one person; 0: any number */
	unsigned turns_max;		/* turns running at once */
	int64_t disk_reserve;		/* bytes to leave free beside the database */
	struct io *io;			/* lent to platforms; or NULL */
	const char *public_url;		/* of settings listen; or NULL */
	struct imports *imports;	/* keeps and reads files; NULL: they stay references */
	int64_t file_max;		/* bytes of one file */
	const char *uploads;		/* platform_host.uploads, or NULL */
	int64_t quota;			/* bytes that an organisation may keep; 0: any number */
	const uint8_t (
		*keys)[CRYPTO_KEY_SIZE]; /* to seal secrets with: the first; to open: any. NULL: none */
	size_t key_count;
	struct toolbox tools; /* what is offered to the model, opened by each turn; open NULL: nothing */
	bool tools_later;     /* no turn begins before core_tools_ready */
	/* Once at most. ERR_FATAL: the store can't be trusted, end the process with 74. Any other kind: the
	 * start has failed (recovery, or a platform that can't claim its place). */
	void (*fatal)(void *owner, const struct err *err);
	void (*erased)(void *owner); /* something was: kept files may be without a name. Or NULL */
	void *owner;
};

struct core *core_create(const struct core_options *options);

/* Makes one installation of a platform. The host's web, http and loop come from here. */
bool core_add(struct core *core, const struct platform_ops *ops, const struct settings *settings,
	      struct web *web, struct http *http, struct platform **platform_out, struct err *err);

/* Recovers what the last process left, then starts the platforms; ready(owner) or fatal follows. */
void core_start(struct core *core, void (*ready)(void *owner), void *owner);

/* The tools that there are have come: with options.tools_later turns begin from now on. Messages are taken in before, too. A turn
 * that goes on after a crash must find the tools that its calls were begun with. */
void core_tools_ready(struct core *core);

/* SIGTERM (durability.md 2.9): nothing new is claimed or sent, running turns get grace_ms, running sends
 * finish; then stopped(owner). What is left undone is in the database. */
void core_stop(struct core *core, unsigned grace_ms, void (*stopped)(void *owner), void *owner);

/* Frees; after stopped or after the loop's end. Takes NULL. */
void core_destroy(struct core *core);

/* 0 normal, 1 busy, 2 shed, 3 store-only, 4 closed (durability.md 2.8), and why in one line. */
unsigned core_level(const struct core *core, const char **why_out);

/* Numbers for `usher status`: appends a JSON object. Refreshes the gauges of /metrics too. */
void core_status(struct core *core, struct buf *out);

/* The operator's word about an installation ("acme/T123"). REMOVE is for adopted ones and for rows that are
 * no longer configured. fn: ERR_GONE when there is none, ERR_REFUSED with the reason; json: the row. */
enum core_switch { CORE_ENABLE, CORE_DISABLE, CORE_REMOVE };
void core_switch(struct core *core, enum core_switch how, const char *platform, const char *name,
		 store_json_fn *fn, void *owner, uint64_t ticket);

/* Lets an installation look at its tokens, rights and connection (ops.check). json: its findings, [] when it has no
 * such check. Waits 30 s at most. */
void core_check(struct core *core, const char *platform, const char *name, store_json_fn *fn, void *owner,
		uint64_t ticket);

/* What is being done for an import right now, in words for people ("is being read, 1200 rows so far"); NULL: nothing is. The
 * caller frees. */
char *core_import_progress(const struct core *core, int64_t import_id);

/* After "dead_letter_retry" or "pair_approve": look at the database again now. */
void core_wake(struct core *core);

/* The same after any act of the store (store_act) with its answer: an import that has ended by it ("import_id", "status") is
 * not read on, a message that was put again ("message", "conversation_id") gets its turn. */
void core_acted(struct core *core, const char *json);

#endif
