/* Puts the parts of the core together: made once, recovered, started, swept, stopped. */
#include "core.h"
#include "buf.h"
#include "counts.h"
#include "door.h"
#include "gather.h"
#include "holds.h"
#include "ingress.h"
#include "inside.h"
#include "installation.h"
#include "installs.h"
#include "json.h"
#include "lane.h"
#include "mem.h"
#include "memory.h"
#include "outbox.h"
#include "pressure.h"
#include "stopping.h"
#include "store_outbox.h"
#include "turn.h"
#include <stdlib.h>
#include <string.h>

/* ---- what the parts share -------------------------------------------------------------------- */

uint64_t core_serial(struct core *core)
{
	return ++core->last_serial;
}

void core_asking(struct core *core)
{
	core->asked++;
}

bool core_answered(struct core *core, const struct err *err)
{
	core->asked--;
	if (err->kind == ERR_FATAL)
		core_fatal(core, err);
	return err->kind == ERR_NONE;
}

/* ERR_FATAL too: whoever waits goes on waiting while the daemon ends, instead of drawing conclusions. */
bool core_may_ask_again(const struct err *err)
{
	return err->kind == ERR_AGAIN || err->kind == ERR_FULL || err->kind == ERR_FATAL;
}

void core_fatal(struct core *core, const struct err *err)
{
	if (core->failed)
		return;
	core->failed = true;
	log_error(core->log, "%s", err->text);
	core->options.fatal(core->options.owner, err);
}

bool core_may_begin(const struct core *core)
{
	return core->phase == CORE_RUNNING && !core->failed && core->tools_ready &&
	       pressure_has_room(core->pressure);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void sweep(void *data)
{
	struct core *core = data;

	if (core->failed)
		return;
	pressure_refresh(core->pressure);
	turns_sweep(core->turns);
	door_sweep(core->door);
	ingress_sweep(core->ingress);
	outbox_sweep(core->outbox);
	gathers_sweep(core->gathers);
	installs_sweep(core->installs);
	lanes_pump(core->lanes);
}

struct core *core_create(const struct core_options *options)
{
	struct core *core = mem_zero(1, sizeof(*core));

	core->options = *options;
	core->system_prompt = mem_text(options->system_prompt);
	core->options.system_prompt = core->system_prompt;
	core->public_url = mem_text(options->public_url);
	while (core->public_url && *core->public_url && core->public_url[strlen(core->public_url) - 1] == '/')
		core->public_url[strlen(core->public_url) - 1] = '\0';
	core->options.public_url = core->public_url;
	if (options->key_count)
		core->keys = mem_copy(options->keys, options->key_count * CRYPTO_KEY_SIZE);
	core->options.keys = (const uint8_t(*)[CRYPTO_KEY_SIZE])core->keys;
	core->log = options->log;
	core->ingress = ingress_create(core);
	core->door = door_create(core);
	core->lanes = lanes_create(core);
	core->turns = turns_create(core);
	core->outbox = outbox_create(core);
	core->holds = holds_create(core);
	core->gathers = gathers_create(core);
	core->memories = memories_create(core);
	core->installs = installs_create(core);
	core->pressure = pressure_create(core);
	core->sweep = loop_timer_create(options->loop, sweep, core);
	core->tools_ready = !options->tools_later;
	return core;
}

bool core_add(struct core *core, const struct platform_ops *ops, const struct settings *settings,
	      struct web *web, struct http *http, struct platform **platform_out, struct err *err)
{
	struct installation *inst = installation_create(core, ops, settings, web, http, err);

	if (inst == NULL)
		return false;
	installation_list(inst);
	if (platform_out)
		*platform_out = inst->platform;
	return true;
}

static bool start_platforms(struct core *core)
{
	struct err err = { 0 };

	for (size_t i = 0; i < core->installation_count; i++) {
		struct installation *inst = core->installations[i];

		if (!installation_on(inst) && inst->ops->enable)
			inst->ops->enable(inst->platform, false);
		if (!inst->ops->start(inst->platform, &err)) {
			err_add(&err, "%s/%s does not start", inst->ops->name, inst->name);
			core_fatal(core, &err);
			return false;
		}
		inst->started = true;
	}
	return true;
}

static void take_over(struct core *core, const struct store_recovered *recovered)
{
	if (recovered->interrupted || recovered->quarantined || recovered->unsure ||
	    recovered->conversation_count || recovered->resting_count)
		log_info(core->log,
			 "recovered: %zu conversations wait, %zu messages were interrupted, "
			 "%zu set aside after crashes, %zu replies of unknown fate",
			 recovered->conversation_count + recovered->resting_count, recovered->interrupted,
			 recovered->quarantined, recovered->unsure);
	for (size_t i = 0; i < recovered->conversation_count; i++)
		lanes_wait(core->lanes, recovered->conversations[i]);
	for (size_t i = 0; i < recovered->resting_count; i++)
		lanes_rest(core->lanes, recovered->resting[i]);
	for (size_t i = 0; i < recovered->unplaced_count; i++)
		door_decide(core->door,
			    installation_find(core, recovered->unplaced_platforms[i],
					      recovered->unplaced_installations[i]),
			    &recovered->unplaced[i]);
}

static void begin_work(struct core *core)
{
	if (!start_platforms(core))
		return;
	core->phase = CORE_RUNNING;
	loop_timer_start(core->sweep, CORE_SWEEP_MS, CORE_SWEEP_MS);
	lanes_pump(core->lanes);
	outbox_wake(core->outbox);
	core->ready(core->ready_owner);
}

static void done_recover(void *owner, uint64_t ticket, const struct err *err,
			 const struct store_recovered *recovered)
{
	struct core *core = owner;

	(void)ticket;
	if (!core_answered(core, err)) {
		core_fatal(core, err); /* without it nothing may be claimed: messages could run twice */
		return;
	}
	if (core->phase != CORE_RECOVERING)
		return; /* stopped meanwhile */
	take_over(core, recovered);
	installs_past(core->installs, begin_work);
}

static void recover(struct core *core)
{
	const char **resends = mem_zero(core->installation_count + 1, sizeof(*resends));
	size_t count = 0;

	for (size_t i = 0; i < core->installation_count; i++)
		if (core->installations[i]->root == NULL &&
		    (core->installations[i]->ops->can & (PLATFORM_RESENDS | PLATFORM_READS_BACK)))
			resends[count++] = core->installations[i]->ops->name;
	core_asking(core);
	store_recover(core->options.store, resends, count, done_recover, core, 0);
	free(resends);
}

void core_start(struct core *core, void (*ready)(void *owner), void *owner)
{
	core->phase = CORE_RECOVERING;
	core->ready = ready;
	core->ready_owner = owner;
	installs_begin(core->installs, recover);
}

void core_tools_ready(struct core *core)
{
	core->tools_ready = true;
	lanes_pump(core->lanes);
}

void core_stop(struct core *core, unsigned grace_ms, void (*stopped)(void *owner), void *owner)
{
	if (core->stopping)
		return;
	log_info(core->log, "stopping: %zu turns run, %zu conversations wait", turns_count(core->turns),
		 lanes_conversations(core->lanes));
	core->phase = CORE_STOPPING;
	core->stopping = stopping_begin(core, grace_ms, stopped, owner);
}

void core_destroy(struct core *core)
{
	if (core == NULL)
		return;
	stopping_destroy(core->stopping);
	loop_timer_destroy(core->sweep);
	installs_take_down(core->installs);
	HASH_CLEAR(hh, core->by_name);
	ingress_destroy(core->ingress);
	door_destroy(core->door);
	lanes_destroy(core->lanes);
	turns_destroy(core->turns);
	holds_destroy(core->holds);
	outbox_destroy(core->outbox);
	gathers_destroy(core->gathers);
	memories_destroy(core->memories);
	installs_destroy(core->installs);
	for (size_t i = core->installation_count; i-- > 0;)
		installation_release(core->installations[i]);
	free(core->installations);
	pressure_destroy(core->pressure);
	free(core->system_prompt);
	free(core->public_url);
	if (core->keys)
		explicit_bzero(core->keys, core->options.key_count * CRYPTO_KEY_SIZE);
	free(core->keys);
	free(core);
}

/* ---- looking in ------------------------------------------------------------------------------ */

unsigned core_level(const struct core *core, const char **why_out)
{
	return pressure_now(core->pressure, why_out);
}

void core_status(struct core *core, struct buf *out)
{
	const char *why;
	unsigned level = pressure_refresh(core->pressure);
	uint64_t oldest_ms = lanes_oldest_ms(core->lanes);

	pressure_now(core->pressure, &why);
	count_gauges(&(struct count_gauges){ .turns = turns_count(core->turns),
					     .waiting = lanes_conversations(core->lanes),
					     .oldest_s = (double)oldest_ms / 1e3,
					     .level = level });
	buf_format(out, "{\"level\":%u,\"why\":", level);
	json_quote(out, why, strlen(why));
	buf_text(out, ",\"turns\":");
	turns_status(core->turns, out);
	buf_format(out,
		   ",\"waiting_conversations\":%zu,\"waiting_messages\":%zu,\"oldest_ms\":%llu,\"strangers\":"
		   "%zu,"
		   "\"sending\":%zu,\"stopping\":%s,\"platforms\":",
		   lanes_conversations(core->lanes), lanes_messages(core->lanes),
		   (unsigned long long)oldest_ms, door_count(core->door), outbox_in_flight(core->outbox),
		   core->phase >= CORE_STOPPING ? "true" : "false");
	installations_status(core, out);
	buf_text(out, "}");
}

void core_wake(struct core *core)
{
	outbox_wake(core->outbox);
	lanes_pump(core->lanes);
}

char *core_import_progress(const struct core *core, int64_t import_id)
{
	return gathers_progress(core->gathers, import_id);
}

void core_acted(struct core *core, const char *json)
{
	json_t *answer = json ? json_read(json, strlen(json), NULL) : NULL;
	int64_t import_id = json_int(answer, "import_id", 0);

	if (import_id && json_text(answer, "status"))
		gathers_end(core->gathers, import_id);
	if (json_text(answer, "message") && json_int(answer, "conversation_id", 0))
		lanes_wait(core->lanes, json_int(answer, "conversation_id", 0));
	json_decref(answer);
	if (core->options.erased)
		core->options.erased(core->options.owner);
	core_wake(core);
}
