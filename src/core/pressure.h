/* How much more we take in: five levels from gauges, with hysteresis (durability.md 2.8). */
#ifndef USHER_CORE_PRESSURE_H
#define USHER_CORE_PRESSURE_H

#include "inside.h"

enum pressure_level { PRESSURE_NONE, PRESSURE_BUSY, PRESSURE_SHED, PRESSURE_STORE_ONLY, PRESSURE_CLOSED };

struct pressure_gauges {
	size_t queued;	      /* messages waiting for a turn, and questions waiting for the store */
	uint64_t oldest_ms;   /* how long the longest waiting conversation has waited */
	int64_t disk_free;    /* bytes, -1 unknown */
	int64_t disk_reserve; /* bytes to leave free: level 3 below it, level 4 below a quarter of it */
	bool full, failed;    /* the store's */
};

/* The level that follows `now`. Rises at once; falls only when the gauges are clearly (a fifth) below.
 * why_out: one line for people, static. Pure. */
enum pressure_level pressure_judge(enum pressure_level now, const struct pressure_gauges *gauges,
				   const char **why_out);

struct pressure *pressure_create(struct core *core);
void pressure_destroy(struct pressure *pressure);

/* Reads the gauges and logs a change. Cheap: done for every incoming message. */
enum pressure_level pressure_refresh(struct pressure *pressure);
enum pressure_level pressure_now(const struct pressure *pressure, const char **why_out);

/* New turns may begin: there is room on the disk for what they write. However long the queue is, only turns
 * make it shorter. */
bool pressure_has_room(const struct pressure *pressure);

/* Milliseconds after which a refused sender may try again; 0: this installation's messages are taken. */
unsigned pressure_refuses(struct pressure *pressure, const struct installation *inst);

#endif
