/* Keeps what stands for a reply with its row, and tells the plugin when that is durable. */
#include "holds.h"
#include "installation.h"
#include "mem.h"
#include "message.h"
#include "outbox.h"
#include "store_outbox.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct hold {
	uint64_t serial; /* our ticket with the store */
	uint64_t ticket; /* the plugin's: of the send */
	struct installation *inst;
	struct err err; /* while in `refused` */
	struct hold *next;
	UT_hash_handle hh;
};

struct holds {
	struct core *core;
	struct hold *asked;   /* with the store */
	struct hold *refused; /* answered in the next round */
	bool posted;
};

struct holds *holds_create(struct core *core)
{
	struct holds *holds = mem_zero(1, sizeof(*holds));

	holds->core = core;
	return holds;
}

static void free_hold(struct hold *hold)
{
	installation_release(hold->inst);
	free(hold);
}

void holds_destroy(struct holds *holds)
{
	struct hold *hold, *next;

	if (holds == NULL)
		return;
	hold = holds->asked;
	HASH_CLEAR(hh, holds->asked);
	for (; hold; hold = next) {
		next = hold->hh.next;
		free_hold(hold);
	}
	for (hold = holds->refused; hold; hold = next) {
		next = hold->next;
		free_hold(hold);
	}
	free(holds);
}

static void tell(struct hold *hold, const struct err *err)
{
	struct installation *inst = hold->inst;

	if (err->kind != ERR_NONE)
		log_warn(&inst->log, "what stands for a reply is not on record: %s", err->text);
	if (inst->platform && inst->ops->held)
		inst->ops->held(inst->platform, hold->ticket, err);
	free_hold(hold);
}

static void answer_refused(void *data)
{
	struct holds *holds = data;
	struct hold *refused = holds->refused, *hold, *next;

	holds->posted = false;
	holds->refused = NULL;
	for (hold = refused; hold; hold = next) {
		next = hold->next;
		tell(hold, &hold->err);
	}
}

static void refuse(struct holds *holds, struct hold *hold, enum err_kind kind, const char *why)
{
	err_set(&hold->err, kind, "%s", why);
	LL_APPEND(holds->refused, hold);
	if (!holds->posted)
		loop_post(holds->core->options.loop, answer_refused, holds);
	holds->posted = true;
}

static const char ended[] = "this attempt to send has ended";

/* An attempt that ended meanwhile (a time limit) is over for the plugin: the next one is handed what was kept. */
static void done_hold(void *owner, uint64_t ticket, const struct err *err)
{
	struct holds *holds = owner;
	struct err copy = *err;
	struct hold *hold;

	core_answered(holds->core, err);
	HASH_FIND(hh, holds->asked, &ticket, sizeof(ticket), hold);
	if (hold == NULL)
		return;
	HASH_DEL(holds->asked, hold);
	if (copy.kind == ERR_NONE && outbox_sending(holds->core->outbox, hold->inst, hold->ticket) == 0)
		err_set(&copy, ERR_GONE, "%s", ended);
	tell(hold, &copy);
}

static bool id_fits(const char *remote_id)
{
	size_t len = remote_id ? strnlen(remote_id, MESSAGE_KEY_MAX + 1) : 0;

	return len > 0 && len <= MESSAGE_KEY_MAX && text_valid(remote_id, len);
}

void holds_take(struct holds *holds, struct installation *inst, uint64_t ticket, const char *remote_id)
{
	struct core *core = holds->core;
	int64_t reply_id = outbox_sending(core->outbox, inst, ticket);
	struct hold *hold = mem_zero(1, sizeof(*hold));

	hold->serial = core_serial(core);
	hold->ticket = ticket;
	hold->inst = installation_hold(inst);
	if (reply_id == 0) {
		refuse(holds, hold, ERR_GONE, ended);
		return;
	}
	if (!id_fits(remote_id)) {
		refuse(holds, hold, ERR_REFUSED,
		       "the id of what stands there is empty, too long or not UTF-8");
		return;
	}
	HASH_ADD(hh, holds->asked, serial, sizeof(hold->serial), hold);
	core_asking(core);
	store_hold(core->options.store, reply_id, remote_id, done_hold, holds, hold->serial);
}

size_t holds_owed(const struct holds *holds)
{
	return HASH_COUNT(holds->asked) + holds->posted;
}
