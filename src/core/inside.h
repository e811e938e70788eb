/* What the parts of the core know of each other: that they exist. Each part's insides stay in its own file.
 * Loop thread only, like everything in this room. */
#ifndef USHER_CORE_INSIDE_H
#define USHER_CORE_INSIDE_H

#include "core.h"
#include "log.h"
#include "loop.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_FUNCTION HASH_FNV /* the default falls through cases without a mark that clang knows */
#include <uthash.h>

struct installation;
struct installs;
struct gathers;
struct memories;
struct ingress;
struct door;
struct lanes;
struct turns;
struct outbox;
struct holds;
struct pressure;
struct stopping;

enum core_phase {
	CORE_NEW,	 /* made; platforms are being added */
	CORE_RECOVERING, /* asks the store for installations and what the last process left */
	CORE_RUNNING,
	CORE_STOPPING, /* nothing new is claimed or sent */
	CORE_STOPPED,
};

enum {
	CORE_SWEEP_MS = 500,  /* how often time limits are looked at */
	CORE_RETRY_MS = 1000, /* a question the store could not take is put again after this */
	CORE_EXPIRE_S = 3600, /* of replies whose platform does not say */
};

struct core {
	struct core_options options;
	char *system_prompt, *public_url;
	uint8_t (*keys)[CRYPTO_KEY_SIZE];
	const struct log *log;
	enum core_phase phase;
	bool failed;			     /* fatal was called */
	bool tools_ready;		     /* core_tools_ready was called */
	uint64_t last_serial;		     /* tickets are numbers that are never used twice */
	size_t asked;			     /* questions the store has not answered yet */
	struct installation **installations; /* configured ones first, then those that were adopted */
	size_t installation_count;
	struct installation *by_name; /* the same, by "PLATFORM/NAME" */
	struct installs *installs;
	struct gathers *gathers;
	struct memories *memories;
	struct ingress *ingress;
	struct door *door;
	struct lanes *lanes;
	struct turns *turns;
	struct outbox *outbox;
	struct holds *holds;
	struct pressure *pressure;
	struct stopping *stopping;
	struct loop_timer *sweep;
	void (*ready)(void *owner);
	void *ready_owner;
};

/* A number for a ticket, never 0, never given twice. */
uint64_t core_serial(struct core *core);

/* Around every question to the store: asking counts it, answered takes it off and, when the storage failed
 * for good, ends the daemon. answered returns true when the answer holds. */
void core_asking(struct core *core);
bool core_answered(struct core *core, const struct err *err);

/* The question changed nothing and may be put again. */
bool core_may_ask_again(const struct err *err);

/* Calls options.fatal, once. */
void core_fatal(struct core *core, const struct err *err);

/* New turns may begin now. */
bool core_may_begin(const struct core *core);

#endif
