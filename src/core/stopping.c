/* Leads the daemon from running to stopped: plugins first, then turns, sends and their records. */
#include "stopping.h"
#include "door.h"
#include "holds.h"
#include "ingress.h"
#include "installation.h"
#include "installs.h"
#include "log.h"
#include "mem.h"
#include "memory.h"
#include "outbox.h"
#include "turn.h"
#include <stdlib.h>

enum {
	LOOK_MS = 20, /* how often it is asked whether all is done */
	SENDS_LIMIT_MS =
		10000, /* running sends and plugins get this, counted from the end of the turns' grace */
};

struct stopping {
	struct core *core;
	struct loop_timer *timer;
	uint64_t began_ms;
	unsigned grace_ms;
	bool grace_over, all_over;
	void (*stopped)(void *owner);
	void *owner;
};

static bool plugins_stopped(const struct core *core)
{
	for (size_t i = 0; i < core->installation_count; i++)
		if (core->installations[i]->started && !core->installations[i]->stopped)
			return false;
	return installs_stopped(core->installs);
}

static void end_grace(struct stopping *stopping)
{
	stopping->grace_over = true;
	turns_abandon(stopping->core->turns, false);
}

static void end_all(struct stopping *stopping)
{
	struct core *core = stopping->core;

	if (!plugins_stopped(core))
		log_warn(core->log, "a platform does not stop; not waiting any longer");
	stopping->all_over = true;
	for (size_t i = 0; i < core->installation_count; i++)
		core->installations[i]->stopped = true;
	installs_give_up(core->installs);
}

/* The store always answers, so `asked` falls to nothing even when what it says is "not now". */
static bool nothing_left(const struct core *core)
{
	return plugins_stopped(core) && turns_count(core->turns) == 0 &&
	       outbox_in_flight(core->outbox) == 0 && outbox_settling(core->outbox) == 0 &&
	       door_count(core->door) == 0 && ingress_owed(core->ingress) == 0 &&
	       holds_owed(core->holds) == 0 && memories_count(core->memories) == 0 && core->asked == 0;
}

static void look(void *data)
{
	struct stopping *stopping = data;
	struct core *core = stopping->core;
	uint64_t passed = loop_now_ms(core->options.loop) - stopping->began_ms;

	if (!stopping->grace_over && passed >= stopping->grace_ms)
		end_grace(stopping);
	if (!stopping->all_over && passed >= stopping->grace_ms + SENDS_LIMIT_MS)
		end_all(stopping);
	if (stopping->all_over) {
		turns_abandon(core->turns, core->asked == 0);
		door_close(core->door);
		outbox_close(core->outbox, true);
	}
	if (!nothing_left(core))
		return;
	loop_timer_stop(stopping->timer);
	loop_timer_stop(core->sweep);
	core->phase = CORE_STOPPED;
	log_info(core->log, "stopped after %llu ms", (unsigned long long)passed);
	stopping->stopped(stopping->owner);
}

struct stopping *stopping_begin(struct core *core, unsigned grace_ms, void (*stopped)(void *owner),
				void *owner)
{
	struct stopping *stopping = mem_zero(1, sizeof(*stopping));

	stopping->core = core;
	stopping->began_ms = loop_now_ms(core->options.loop);
	stopping->grace_ms = grace_ms;
	stopping->stopped = stopped;
	stopping->owner = owner;
	stopping->timer = loop_timer_create(core->options.loop, look, stopping);
	outbox_close(core->outbox, false);
	memories_close(core->memories);
	for (size_t i = 0; i < core->installation_count; i++) {
		struct installation *inst = core->installations[i];

		if (inst->started)
			inst->ops->stop(inst->platform);
	}
	loop_timer_start(stopping->timer, LOOK_MS, LOOK_MS);
	return stopping;
}

void stopping_destroy(struct stopping *stopping)
{
	if (stopping == NULL)
		return;
	loop_timer_destroy(stopping->timer);
	free(stopping);
}
