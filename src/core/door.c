/* Admits, pairs or refuses people we do not know, in the store first and then in words. */
#include "door.h"
#include "access.h"
#include "command.h"
#include "counts.h"
#include "crypto.h"
#include "ingress.h"
#include "installation.h"
#include "lane.h"
#include "log.h"
#include "mem.h"
#include "outbox.h"
#include "store_accept.h"
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 5000 };

static const char full_words[] = "I don't know you yet. You have several codes already: ask the operator to "
				 "approve one of them, or come back in an hour.";
static const char disabled_words[] = "Your access has been switched off. Please ask the operator.";

struct stranger {
	uint64_t serial; /* the ticket */
	struct door *door;
	struct installation *inst; /* held; or NULL */
	int64_t inbox_id;
	enum access access;
	bool coded;    /* brings a code that has not been found wrong */
	bool wrong;    /* brought one that was */
	bool reserved; /* holds a slot for the turn */
	bool more;     /* what they said has more parts: not claimed when they are let in */
	bool overdue;
	enum accept_over over;
	bool tell;
	char code[CODE_SIZE];		   /* that they are told */
	char code_hash[CRYPTO_SHA256_HEX]; /* of the one they bring */
	char uuid[MESSAGE_UUID_SIZE];
	uint64_t began_ms, retry_ms; /* loop time; retry_ms 0: the store has been asked */
	struct log log;
	UT_hash_handle hh;
};

struct door {
	struct core *core;
	struct stranger *by_serial;
};

struct door *door_create(struct core *core)
{
	struct door *door = mem_zero(1, sizeof(*door));

	door->core = core;
	return door;
}

static void free_stranger(struct stranger *stranger)
{
	HASH_DEL(stranger->door->by_serial, stranger);
	installation_release(stranger->inst);
	free(stranger);
}

void door_destroy(struct door *door)
{
	struct stranger *stranger, *next;

	if (door == NULL)
		return;
	stranger = door->by_serial;
	HASH_CLEAR(hh, door->by_serial);
	for (; stranger; stranger = next) {
		next = stranger->hh.next;
		installation_release(stranger->inst);
		free(stranger);
	}
	free(door);
}

static void ask_refuse(struct stranger *stranger);
static void ask(struct stranger *stranger);

/* Then the rule for strangers counts. Whoever guesses is not told what is wrong with the code. */
static bool code_was_wrong(struct stranger *stranger, const struct err *err)
{
	if (!stranger->coded || (err->kind != ERR_GONE && err->kind != ERR_REFUSED))
		return false;
	log_info(&stranger->log, "a code is no good: %s", err->text);
	stranger->coded = false;
	stranger->wrong = true;
	ask(stranger);
	return true;
}

/* The question is answered; NULL when the same one will be put again. */
static struct stranger *settled(struct door *door, uint64_t serial, const struct err *err)
{
	struct core *core = door->core;
	bool holds = core_answered(core, err);
	struct stranger *stranger;

	HASH_FIND(hh, door->by_serial, &serial, sizeof(serial), stranger);
	if (stranger == NULL)
		return NULL;
	if (stranger->reserved)
		lanes_unreserve(core->lanes);
	stranger->reserved = false;
	if (holds) {
		count_step("admit", loop_now_ms(core->options.loop) - stranger->began_ms);
		return stranger;
	}
	if (core_may_ask_again(err)) {
		stranger->retry_ms = loop_now_ms(core->options.loop) + CORE_RETRY_MS;
		return NULL;
	}
	if (code_was_wrong(stranger, err))
		return NULL;
	if (err->kind == ERR_GONE && stranger->access != ACCESS_ADMIT) { /* let in meanwhile */
		stranger->access = ACCESS_ADMIT;
		ask(stranger);
		return NULL;
	}
	if (err->kind == ERR_REFUSED && stranger->access == ACCESS_ADMIT) { /* switched off meanwhile */
		stranger->access = ACCESS_DISABLED;
		ask_refuse(stranger);
		return NULL;
	}
	log_error(&stranger->log, "neither let in nor refused: %s", err->text);
	free_stranger(stranger);
	return NULL;
}

static void done_admit(void *owner, uint64_t ticket, const struct err *err,
		       const struct store_accepted *accepted)
{
	struct door *door = owner;
	struct stranger *stranger = settled(door, ticket, err);

	if (stranger == NULL)
		return;
	log_info(&stranger->log, "sender let in, by %s",
		 stranger->coded ? "a code that was given to them" : "the rule for strangers");
	free_stranger(stranger);
	ingress_placed(door->core->ingress, accepted);
}

static void done_refuse(void *owner, uint64_t ticket, const struct err *err, const struct store_reply *reply,
			const struct outgoing *ended)
{
	struct door *door = owner;
	struct core *core = door->core;
	struct stranger *stranger = settled(door, ticket, err);

	if (stranger == NULL)
		return;
	log_info(&stranger->log, "refused: %s", ended && ended->reason ? ended->reason : "stranger");
	if (stranger->inst)
		count_messages(stranger->inst->ops->name, message_state_name(MESSAGE_REFUSED), 1);
	if (ended)
		installation_ended(stranger->inst, ended);
	free_stranger(stranger);
	if (reply)
		outbox_take(core->outbox, reply);
}

static void ask_admit(struct stranger *stranger)
{
	struct core *core = stranger->door->core;

	stranger->reserved = !stranger->more && lanes_reserve(core->lanes);
	core_asking(core);
	store_admit(core->options.store,
		    &(struct store_admission){ .inbox_id = stranger->inbox_id,
					       .may_claim = stranger->reserved,
					       .code_hash = stranger->coded ? stranger->code_hash : NULL },
		    done_admit, stranger->door, stranger->serial);
}

/* In the words of the rule that was broken. */
static char *over_words(const struct stranger *stranger)
{
	const struct core_options *options = &stranger->door->core->options;

	if (stranger->over == OVER_DAY)
		return mem_format(
			"That was more than %u messages today, and I take no more of yours. It begins "
			"anew at 00:00 UTC.",
			options->rate_day);
	return mem_format(
		"That was more than %u message%s within a minute. Please wait a moment, then write it "
		"again.",
		options->rate_minute, options->rate_minute == 1 ? "" : "s");
}

static void ask_refuse(struct stranger *stranger)
{
	struct core *core = stranger->door->core;
	struct store_refusal ask = { .inbox_id = stranger->inbox_id,
				     .reason = "stranger",
				     .wrong_code = stranger->wrong,
				     .expire_s = installation_expire_s(stranger->inst) };
	char *notice = NULL, *full_notice = NULL;

	if (stranger->access == ACCESS_PAIR) {
		char *words = mem_format("I don't know you yet. Ask the operator to run: usher pair approve "
					 "%s (valid for one hour).",
					 code_make(stranger->code));

		notice = installation_notice(stranger->inst, words);
		full_notice = installation_notice(stranger->inst, full_words);
		free(words);
		ask.reason = "pairing";
		ask.code = stranger->code;
	} else if (stranger->access == ACCESS_DISABLED) {
		notice = installation_notice(stranger->inst, disabled_words);
		ask.reason = "disabled";
	}
	if (stranger->access == ACCESS_OVER) {
		char *words = over_words(stranger);

		notice = stranger->tell ? installation_notice(stranger->inst, words) : NULL;
		free(words);
		ask.reason = "limited";
		ask.known = true;
	}
	ask.notice = notice;
	ask.full_notice = full_notice;
	core_asking(core);
	store_refuse(core->options.store, &ask, done_refuse, stranger->door, stranger->serial);
	free(notice);
	free(full_notice);
}

static void ask(struct stranger *stranger)
{
	stranger->retry_ms = 0;
	if (stranger->access == ACCESS_ADMIT || stranger->coded)
		ask_admit(stranger);
	else
		ask_refuse(stranger);
}

/* Somebody of ours has given them a code: it tells who they are, whatever the rule for strangers. */
static void take_code(struct stranger *stranger, const struct store_accepted *accepted)
{
	char code[CODE_SIZE];

	stranger->coded = accepted->speaker == NULL && accepted->text && command_code(accepted->text, code);
	if (stranger->coded)
		crypto_sha256_hex(code, strlen(code), stranger->code_hash);
}

void door_decide(struct door *door, struct installation *inst, const struct store_accepted *accepted)
{
	struct core *core = door->core;
	struct stranger *stranger;
	enum access access =
		access_decide(accepted->speaker, core->options.strangers, accepted->flags & INCOMING_VOUCHED);

	if (access == ACCESS_YES) /* approved between two lives of the daemon: placed like an admitted one */
		access = accepted->over ? ACCESS_OVER : ACCESS_ADMIT;
	stranger = mem_zero(1, sizeof(*stranger));
	stranger->serial = core_serial(core);
	stranger->door = door;
	stranger->inst = installation_hold(inst);
	stranger->inbox_id = accepted->inbox_id;
	stranger->access = access;
	stranger->over = accepted->over;
	stranger->tell = accepted->tell;
	stranger->more = accepted->flags & INCOMING_MORE;
	stranger->began_ms = loop_now_ms(core->options.loop);
	memcpy(stranger->uuid, accepted->uuid, strnlen(accepted->uuid, MESSAGE_UUID_SIZE - 1));
	stranger->log = (struct log){ .parent = inst ? &inst->log : core->log, .trace = stranger->uuid };
	take_code(stranger, accepted);
	HASH_ADD(hh, door->by_serial, serial, sizeof(stranger->serial), stranger);
	ask(stranger);
}

void door_sweep(struct door *door)
{
	uint64_t now = loop_now_ms(door->core->options.loop);
	struct stranger *stranger, *next;

	for (stranger = door->by_serial; stranger; stranger = next) {
		next = stranger->hh.next;
		if (stranger->retry_ms && stranger->retry_ms <= now)
			ask(stranger);
		if (!stranger->overdue && now - stranger->began_ms >= LIMIT_MS) {
			stranger->overdue = true;
			log_warn(&stranger->log, "admit: no answer from the store within %d s; still waiting",
				 LIMIT_MS / 1000);
		}
	}
}

size_t door_count(const struct door *door)
{
	return HASH_COUNT(door->by_serial);
}

void door_close(struct door *door)
{
	struct stranger *stranger, *next;

	for (stranger = door->by_serial; stranger; stranger = next) {
		next = stranger->hh.next;
		if (stranger->retry_ms)
			free_stranger(stranger);
	}
}
