/* Refuses early and politely what could not be kept, those first whose senders remember longest. */
#include "pressure.h"
#include "installation.h"
#include "lane.h"
#include "log.h"
#include "mem.h"
#include "store.h"
#include <stdlib.h>

enum { OLDEST_MS = 30000, HARD_PART = 4 };

struct pressure {
	struct core *core;
	enum pressure_level level;
	const char *why;
	bool no_room;
};

/* What brings a level about; a level holds until its gauge is a fifth better. */
static const struct rule {
	enum pressure_level level;
	size_t queued;	    /* more than this */
	uint64_t oldest_ms; /* longer than this; 0: no matter */
	int disk_part;	    /* less free than the reserve divided by this; 0: no matter */
	const char *queued_why, *disk_why;
} rules[] = {
	{ PRESSURE_CLOSED, SIZE_MAX, 0, HARD_PART, "", "almost no disk space is left" },
	{ PRESSURE_STORE_ONLY, 100000, 0, 1, "more than 100,000 messages wait", "disk space runs out" },
	{ PRESSURE_SHED, 10000, 0, 0, "more than 10,000 messages wait", "" },
	{ PRESSURE_BUSY, 1000, OLDEST_MS, 0, "more than 1,000 messages wait", "" },
};

static bool too_many(const struct rule *rule, bool held, const struct pressure_gauges *gauges)
{
	return gauges->queued > (held && rule->queued != SIZE_MAX ? rule->queued / 5 * 4 : rule->queued);
}

static bool too_full(const struct rule *rule, bool held, const struct pressure_gauges *gauges)
{
	int64_t least = rule->disk_part ? gauges->disk_reserve / rule->disk_part : 0;

	return gauges->disk_free >= 0 && gauges->disk_free < (held ? least / 4 * 5 : least);
}

static bool too_old(const struct rule *rule, bool held, const struct pressure_gauges *gauges)
{
	return rule->oldest_ms && gauges->oldest_ms > (held ? rule->oldest_ms / 5 * 4 : rule->oldest_ms);
}

enum pressure_level pressure_judge(enum pressure_level now, const struct pressure_gauges *gauges,
				   const char **why_out)
{
	*why_out = "normal";
	if (gauges->failed || gauges->full) {
		*why_out = gauges->failed ? "the store has failed" : "the disk is full";
		return PRESSURE_CLOSED;
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];
		bool held = now >= rule->level;

		if (too_full(rule, held, gauges))
			*why_out = rule->disk_why;
		else if (too_many(rule, held, gauges))
			*why_out = rule->queued_why;
		else if (too_old(rule, held, gauges))
			*why_out = "a conversation has waited longer than 30 seconds";
		else
			continue;
		return rule->level;
	}
	return PRESSURE_NONE;
}

struct pressure *pressure_create(struct core *core)
{
	struct pressure *pressure = mem_zero(1, sizeof(*pressure));

	pressure->core = core;
	pressure->why = "normal";
	return pressure;
}

void pressure_destroy(struct pressure *pressure)
{
	free(pressure);
}

/* The disk alone: a level that the queue brought about must not hold back what works it off. */
static bool judge_room(const struct pressure *pressure, const struct pressure_gauges *gauges)
{
	bool held = pressure->no_room;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (too_full(&rules[i], held, gauges))
			return true;
	return gauges->full || gauges->failed;
}

enum pressure_level pressure_refresh(struct pressure *pressure)
{
	struct core *core = pressure->core;
	struct store_gauges store = store_gauges(core->options.store);
	struct pressure_gauges gauges = {
		.queued = lanes_messages(core->lanes) + store.queued,
		.oldest_ms = lanes_oldest_ms(core->lanes),
		.disk_free = store.disk_free,
		.disk_reserve = core->options.disk_reserve,
		.full = store.full,
		.failed = store.failed,
	};
	enum pressure_level level = pressure_judge(pressure->level, &gauges, &pressure->why);

	if (level > pressure->level)
		log_warn(core->log, "pressure level %d, was %d: %s", level, pressure->level, pressure->why);
	else if (level < pressure->level)
		log_info(core->log, "pressure level %d, was %d: %s", level, pressure->level, pressure->why);
	pressure->level = level;
	pressure->no_room = judge_room(pressure, &gauges);
	return level;
}

bool pressure_has_room(const struct pressure *pressure)
{
	return !pressure->no_room;
}

enum pressure_level pressure_now(const struct pressure *pressure, const char **why_out)
{
	if (why_out)
		*why_out = pressure->why;
	return pressure->level;
}

unsigned pressure_refuses(struct pressure *pressure, const struct installation *inst)
{
	static const unsigned retry_ms[] = {
		[PRESSURE_SHED] = 5000,
		[PRESSURE_STORE_ONLY] = 15000,
		[PRESSURE_CLOSED] = 30000,
	};
	enum pressure_level level = pressure_refresh(pressure);

	if (level == PRESSURE_CLOSED)
		return retry_ms[level];
	if (level >= PRESSURE_SHED && (inst->ops->can & PLATFORM_SHEDS_EARLY))
		return retry_ms[level];
	return 0;
}
