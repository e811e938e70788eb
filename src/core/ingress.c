/* Lets a message in: nothing is acknowledged before it is stored, and everything is acknowledged once. */
#include "ingress.h"
#include "approval.h"
#include "clock.h"
#include "counts.h"
#include "crypto.h"
#include "door.h"
#include "files.h"
#include "installation.h"
#include "lane.h"
#include "log.h"
#include "mem.h"
#include "pressure.h"
#include "reset.h"
#include "store_accept.h"
#include "turn.h"
#include <stdlib.h>
#include <utlist.h>

enum { RETRY_FAILED_MS = 5000, RETRY_FULL_MS = 30000, LOOKS_MAX = 3 };

/* A message between the plugin's word and the store's answer. */
struct arrival {
	uint64_t serial;	   /* the ticket */
	struct installation *inst; /* held */
	uint64_t receipt;
	enum incoming_kind kind;
	bool reserved; /* holds a slot for its turn */
	char uuid[MESSAGE_UUID_SIZE];
	struct ack ack; /* while in `refused` */
	struct arrival *next;
	UT_hash_handle hh;
};

/* A question of a plugin after an accepted message. */
struct look {
	uint64_t serial;	   /* our ticket with the store */
	struct installation *inst; /* held */
	uint64_t ticket;	   /* the plugin's */
	char uuid[MESSAGE_UUID_SIZE];
	uint64_t ended; /* turns that had ended when the store was asked */
	unsigned asked;
	struct look *next;
	UT_hash_handle hh;
};

struct ingress {
	struct core *core;
	struct arrival *arrivals; /* with the store */
	struct arrival *refused;  /* answered in the next round, like the looks */
	struct look *looks;	  /* with the store */
	struct look *looked;
	struct look *later; /* the store could not say; asked again at the next sweep */
	bool posted;
};

struct ingress *ingress_create(struct core *core)
{
	struct ingress *ingress = mem_zero(1, sizeof(*ingress));

	ingress->core = core;
	return ingress;
}

static void free_arrival(struct arrival *arrival)
{
	installation_release(arrival->inst);
	free(arrival);
}

static void free_look(struct look *look)
{
	installation_release(look->inst);
	free(look);
}

void ingress_destroy(struct ingress *ingress)
{
	struct arrival *arrival, *next_arrival;
	struct look *look, *next_look;

	if (ingress == NULL)
		return;
	arrival = ingress->arrivals;
	HASH_CLEAR(hh, ingress->arrivals);
	for (; arrival; arrival = next_arrival) {
		next_arrival = arrival->hh.next;
		free_arrival(arrival);
	}
	look = ingress->looks;
	HASH_CLEAR(hh, ingress->looks);
	for (; look; look = next_look) {
		next_look = look->hh.next;
		free_look(look);
	}
	LL_CONCAT(ingress->looked, ingress->later);
	for (arrival = ingress->refused; arrival; arrival = next_arrival) {
		next_arrival = arrival->next;
		free_arrival(arrival);
	}
	for (look = ingress->looked; look; look = next_look) {
		next_look = look->next;
		free_look(look);
	}
	free(ingress);
}

/* ---- acknowledging --------------------------------------------------------------------------- */

static void acknowledge(struct arrival *arrival, const struct ack *ack)
{
	static const char *const outcomes[] = {
		[ACK_STORED] = "accepted",
		[ACK_BEFORE] = "repeated",
		[ACK_CONFLICT] = "conflict",
		[ACK_INVALID] = "invalid",
		[ACK_NO_CONVERSATION] = "no_conversation",
		[ACK_ARCHIVED] = "archived",
		[ACK_NOT_ADDRESSED] = "not_addressed",
		[ACK_DISABLED] = "disabled",
		[ACK_BUSY] = "busy",
		[ACK_FAILED] = "not_stored",
	};
	struct installation *inst = arrival->inst;

	count_messages(inst->ops->name, outcomes[ack->how], 1);
	if (inst->platform)
		inst->ops->ack(inst->platform, arrival->receipt, ack);
	free_arrival(arrival);
}

static void give_look(struct ingress *ingress, struct look *look);

static void answer_posted(void *data)
{
	struct ingress *ingress = data;
	struct arrival *refused = ingress->refused, *arrival, *next_arrival;
	struct look *looked = ingress->looked, *look, *next_look;

	ingress->posted = false;
	ingress->refused = NULL;
	ingress->looked = NULL;
	for (arrival = refused; arrival; arrival = next_arrival) {
		next_arrival = arrival->next;
		acknowledge(arrival, &arrival->ack);
	}
	for (look = looked; look; look = next_look) {
		next_look = look->next;
		give_look(ingress, look);
	}
}

static void post(struct ingress *ingress)
{
	if (ingress->posted)
		return;
	ingress->posted = true;
	loop_post(ingress->core->options.loop, answer_posted, ingress);
}

/* why: static. */
static void refuse(struct ingress *ingress, struct arrival *arrival, enum ack_how how, unsigned retry_ms,
		   const char *why)
{
	arrival->ack = (struct ack){ .how = how, .retry_ms = retry_ms, .why = why };
	LL_PREPEND(ingress->refused, arrival);
	post(ingress);
}

/* ---- taking in (T1) -------------------------------------------------------------------------- */

static struct ack ack_of_error(const struct err *err)
{
	switch (err->kind) {
	case ERR_AGAIN:
		return (struct ack){ .how = ACK_BUSY, .retry_ms = CORE_RETRY_MS, .why = "the store is busy" };
	case ERR_FULL:
		return (struct ack){ .how = ACK_FAILED,
				     .retry_ms = RETRY_FULL_MS,
				     .why = "the disk is full" };
	case ERR_REFUSED:
		return (struct ack){ .how = ACK_INVALID, .why = err->text };
	default:
		return (struct ack){ .how = ACK_FAILED,
				     .retry_ms = RETRY_FAILED_MS,
				     .why = "it could not be stored" };
	}
}

static struct ack ack_of_accepted(const struct store_accepted *accepted)
{
	static const struct {
		enum ack_how how;
		const char *why;
	} words[] = {
		[ACCEPT_NEW] = { ACK_STORED, "accepted" },
		[ACCEPT_BEFORE] = { ACK_BEFORE, "accepted earlier" },
		[ACCEPT_CONFLICT] = { ACK_CONFLICT, "this key was used for another message" },
		[ACCEPT_NO_CONVERSATION] = { ACK_NO_CONVERSATION, "no such conversation" },
		[ACCEPT_ARCHIVED] = { ACK_ARCHIVED, "this conversation is archived" },
		[ACCEPT_NOT_ADDRESSED] = { ACK_NOT_ADDRESSED, "not said to us" },
		[ACCEPT_DISABLED] = { ACK_DISABLED, "this account is switched off" },
	};
	bool stored = accepted->how == ACCEPT_NEW || accepted->how == ACCEPT_BEFORE;

	return (struct ack){ .how = words[accepted->how].how,
			     .uuid = stored ? accepted->uuid : NULL,
			     .conversation_id = accepted->conversation_id,
			     .conversation_uuid = accepted->conversation_uuid,
			     .state = accepted->state,
			     .why = words[accepted->how].why };
}

void ingress_placed(struct ingress *ingress, const struct store_accepted *accepted)
{
	struct lanes *lanes = ingress->core->lanes;

	if (accepted->turn)
		lanes_run(lanes, accepted->turn);
	else if (accepted->state == MESSAGE_ACCEPTED && (accepted->flags & INCOMING_MORE))
		lanes_rest(lanes, accepted->conversation_id);
	else if (accepted->state == MESSAGE_ACCEPTED)
		lanes_wait(lanes, accepted->conversation_id);
}

static bool is_final(enum message_state state)
{
	return state != MESSAGE_ACCEPTED && state != MESSAGE_CLAIMED;
}

static void go_on(struct ingress *ingress, struct installation *inst, enum incoming_kind kind,
		  const struct store_accepted *accepted)
{
	if (accepted->how != ACCEPT_NEW)
		return;
	if (kind == INCOMING_STOPPED && accepted->conversation_id)
		turns_stop(ingress->core->turns, accepted->conversation_id);
	if (kind == INCOMING_DELETED && ingress->core->options.erased)
		ingress->core->options.erased(ingress->core->options.owner);
	if (accepted->files_left)
		log_error(&inst->log, "%u file%s of a message that its author took back could not be removed",
			  accepted->files_left, accepted->files_left == 1 ? "" : "s");
	if (is_final(accepted->state))
		count_messages(inst->ops->name, message_state_name(accepted->state), 1);
	else if (accepted->turn || accepted->conversation_id)
		ingress_placed(ingress, accepted);
	else
		door_decide(ingress->core->door, inst, accepted);
}

static void done_accept(void *owner, uint64_t ticket, const struct err *err,
			const struct store_accepted *accepted)
{
	struct ingress *ingress = owner;
	bool holds = core_answered(ingress->core, err);
	struct arrival *arrival;
	struct installation *inst;
	enum incoming_kind kind;
	struct ack ack;

	HASH_FIND(hh, ingress->arrivals, &ticket, sizeof(ticket), arrival);
	if (arrival == NULL)
		return;
	HASH_DEL(ingress->arrivals, arrival);
	inst = installation_hold(arrival->inst);
	kind = arrival->kind;
	if (arrival->reserved)
		lanes_unreserve(ingress->core->lanes);
	ack = holds ? ack_of_accepted(accepted) : ack_of_error(err);
	acknowledge(arrival, &ack);
	if (holds)
		go_on(ingress, inst, kind, accepted);
	else
		log_warn(&inst->log, "a message could not be stored: %s", err->text);
	installation_release(inst);
	lanes_pump(ingress->core->lanes); /* the slot held for it may be free again */
}

static int64_t over_before(const struct core *core)
{
	const struct core_options *options = &core->options;

	if (options->reset_idle_ms == 0 && !options->reset_daily)
		return 0;
	return reset_before(clock_wall_ms(), options->reset_idle_ms,
			    options->reset_daily ? options->reset_minute : -1);
}

void ingress_take(struct ingress *ingress, struct installation *inst, const struct incoming *in)
{
	struct core *core = ingress->core;
	struct arrival *arrival = mem_zero(1, sizeof(*arrival));
	struct incoming whole = *in;
	char code[CODE_SIZE];
	const char *why;
	unsigned retry_ms;
	bool yes;

	if (whole.text == NULL)
		whole.text = "";
	if (in->kind == INCOMING_SAID && approval_said(whole.text, &yes, code))
		whole.flags |= INCOMING_COMMAND;
	why = limits_broken(&whole);
	arrival->serial = core_serial(core);
	arrival->inst = installation_hold(inst);
	arrival->receipt = in->receipt;
	arrival->kind = in->kind;
	if (why) {
		refuse(ingress, arrival, ACK_INVALID, 0, why);
		return;
	}
	retry_ms = core->failed ? RETRY_FULL_MS : pressure_refuses(core->pressure, inst);
	if (retry_ms) {
		pressure_now(core->pressure, &why);
		refuse(ingress, arrival, ACK_BUSY, retry_ms, why);
		return;
	}
	crypto_uuid(arrival->uuid);
	arrival->reserved = lanes_reserve(core->lanes);
	HASH_ADD(hh, ingress->arrivals, serial, sizeof(arrival->serial), arrival);
	core_asking(core);
	store_accept(core->options.store,
		     &(struct store_accept){ .uuid = arrival->uuid,
					     .platform = inst->ops->name,
					     .installation = inst->name,
					     .in = &whole,
					     .may_claim = arrival->reserved && !(in->flags & INCOMING_MORE),
					     .over_before_ms = over_before(core),
					     .rate_minute = core->options.rate_minute,
					     .rate_day = core->options.rate_day },
		     done_accept, ingress, arrival->serial);
}

/* ---- looking --------------------------------------------------------------------------------- */

static void found(struct look *look, const struct outgoing *out)
{
	struct outgoing told = out ? *out : (struct outgoing){ 0 };
	char *files = files_linked(look->inst->core, told.files);

	told.files = files;
	if (look->inst->platform)
		look->inst->ops->found(look->inst->platform, look->ticket, out ? &told : NULL);
	free(files);
	free_look(look);
}

static void done_look(void *owner, uint64_t ticket, const struct err *err, const struct outgoing *out)
{
	struct ingress *ingress = owner;
	struct turns *turns = ingress->core->turns;
	bool holds = core_answered(ingress->core, err);
	struct look *look;

	HASH_FIND(hh, ingress->looks, &ticket, sizeof(ticket), look);
	if (look == NULL)
		return;
	HASH_DEL(ingress->looks, look);
	if (!holds && core_may_ask_again(err) && ingress->core->phase == CORE_RUNNING) {
		LL_PREPEND(ingress->later, look); /* "no such message" would be a lie */
		return;
	}
	if (!holds)
		log_warn(&look->inst->log, "look: %s", err->text);
	if (!holds || out == NULL || is_final(out->state)) {
		found(look, holds ? out : NULL);
		return;
	}
	/* Not ended when it was read. Had it ended since, the plugin would wait for an end that has passed.
	 */
	if (turns_ended(turns) != look->ended && look->asked < LOOKS_MAX)
		give_look(ingress, look);
	else if (turns_show(turns, look->inst, look->uuid, look->ticket))
		free_look(look);
	else
		found(look, out);
}

static void give_look(struct ingress *ingress, struct look *look)
{
	struct core *core = ingress->core;

	if (turns_show(core->turns, look->inst, look->uuid, look->ticket)) {
		free_look(look);
		return;
	}
	look->serial = core_serial(core);
	look->ended = turns_ended(core->turns);
	look->asked++;
	HASH_ADD(hh, ingress->looks, serial, sizeof(look->serial), look);
	core_asking(core);
	store_look(core->options.store, look->inst->ops->name, look->inst->name, look->uuid, done_look,
		   ingress, look->serial);
}

void ingress_look(struct ingress *ingress, struct installation *inst, const char *uuid, uint64_t ticket)
{
	struct look *look;
	size_t len = strnlen(uuid, MESSAGE_UUID_SIZE);

	if (inst->ops->found == NULL)
		return;
	look = mem_zero(1, sizeof(*look));
	look->inst = installation_hold(inst);
	look->ticket = ticket;
	if (len < MESSAGE_UUID_SIZE) /* a longer one stays empty: there is no such message */
		memcpy(look->uuid, uuid, len);
	LL_PREPEND(ingress->looked, look);
	post(ingress);
}

void ingress_sweep(struct ingress *ingress)
{
	if (ingress->later == NULL)
		return;
	LL_CONCAT(ingress->looked, ingress->later);
	ingress->later = NULL;
	post(ingress);
}

size_t ingress_owed(const struct ingress *ingress)
{
	return HASH_COUNT(ingress->arrivals) + HASH_COUNT(ingress->looks) +
	       (ingress->posted || ingress->later);
}
