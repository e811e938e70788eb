/* Drives every turn through its table of steps; the only code that changes a turn's state. */
#include "turn.h"
#include "counts.h"
#include "foreign.h"
#include "gather.h"
#include "installation.h"
#include "installs.h"
#include "keep.h"
#include "lane.h"
#include "mem.h"
#include "memory.h"
#include "outbox.h"
#include "turn_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

static const struct turn_step {
	const char *name;		  /* in the log, the metrics and `usher status` */
	void (*start)(struct turn *turn); /* begins exactly one asynchronous call */
	unsigned limit_ms;
	void (*late)(struct turn *turn); /* the limit has passed; NULL: the store always answers, we wait */
	void (*again)(
		struct turn
			*turn); /* the store could not take it a second ago; NULL: looks after it itself */
	void (*leave)(struct turn *turn); /* the turn is given up; may be NULL */
} steps[TURN_STATES] = {
	[TURN_COMMAND] = { "command", start_command, 5000, NULL, start_command, NULL },
	[TURN_RECALL] = { "recall", start_recall, 5000, NULL, start_recall, NULL },
	[TURN_GATHER] = { "gather", start_gather, 40 * 60000, late_gather, NULL, leave_gather },
	[TURN_THINK] = { "think", start_think, 300000, late_think, again_think, leave_think },
	[TURN_ANSWER] = { "answer", start_answer, 5000, NULL, start_answer, NULL },
};

struct turns {
	struct core *core;
	struct turn *by_serial;
	struct turn_message *by_uuid;
	struct turn *in[TURN_STATES]; /* longest in the step first: its head is the first to be late */
	size_t count[TURN_STATES];
	size_t retrying, overdue;
	uint64_t ended;
	bool closed; /* a stop has given up the turns: nothing begins */
};

struct turns *turns_create(struct core *core)
{
	struct turns *turns = mem_zero(1, sizeof(*turns));

	turns->core = core;
	return turns;
}

static void enter(struct turn *turn, enum turn_state state)
{
	struct turns *turns = turn->turns;

	turn->state = state;
	turn->step_ms = loop_now_ms(turn->core->options.loop);
	DL_APPEND(turns->in[state], turn);
	turns->count[state]++;
}

static void leave(struct turn *turn)
{
	struct turns *turns = turn->turns;

	DL_DELETE(turns->in[turn->state], turn);
	turns->count[turn->state]--;
	if (turn->retry_ms)
		turns->retrying--;
	if (turn->overdue)
		turns->overdue--;
	turn->retry_ms = 0;
	turn->overdue = false;
	count_step(steps[turn->state].name, loop_now_ms(turn->core->options.loop) - turn->step_ms);
}

static void release(struct turn *turn)
{
	while (turn->journals) {
		struct turn_journal *journal = turn->journals;

		LL_DELETE(turn->journals, journal);
		arena_destroy(journal->arena);
	}
	gather_destroy(turn->gather);
	turn_tools_done(turn);
	foreign_end(turn);
	installation_release(turn->inst);
	free(turn->placeholder);
	arena_destroy(turn->question.arena);
	arena_destroy(turn->end.arena);
	arena_destroy(turn->arena);
	buf_free(&turn->shown);
	free(turn->messages);
	free(turn);
}

static void free_turn(struct turn *turn)
{
	struct turns *turns = turn->turns;

	for (size_t i = 0; i < turn->count; i++)
		if (turn->messages[i].turn)
			/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the table has it */
			HASH_DEL(turns->by_uuid, &turn->messages[i]);
	HASH_DEL(turns->by_serial, turn);
	release(turn);
}

void turns_destroy(struct turns *turns)
{
	struct turn *turn, *next;

	if (turns == NULL)
		return;
	HASH_CLEAR(hh, turns->by_uuid);
	turn = turns->by_serial;
	HASH_CLEAR(hh, turns->by_serial);
	for (; turn; turn = next) {
		next = turn->hh.next;
		release(turn);
	}
	free(turns);
}

uint64_t turn_ticket(const struct turn *turn)
{
	return turn->serial * TURN_STATES + turn->state;
}

struct turn *turn_find(struct turns *turns, uint64_t serial)
{
	struct turn *turn;

	HASH_FIND(hh, turns->by_serial, &serial, sizeof(serial), turn);
	return turn;
}

struct turn *turn_of(struct turns *turns, uint64_t ticket)
{
	struct turn *turn = turn_find(turns, ticket / TURN_STATES);

	return turn && turn_ticket(turn) == ticket ? turn : NULL;
}

void turn_go(struct turn *turn, enum turn_state next)
{
	leave(turn);
	enter(turn, next);
	steps[next].start(turn);
}

unsigned turn_attempt(const struct turn *turn)
{
	enum { RESTARTS_MAX = 1000 };

	return (turn->attempts - 1) * RESTARTS_MAX + turn->restarts + 1;
}

/* ---- beginning ------------------------------------------------------------------------------- */

static void index_messages(struct turn *turn)
{
	turn->messages = mem_zero(turn->count, sizeof(*turn->messages));
	for (size_t i = 0; i < turn->count; i++) {
		struct turn_message *message = &turn->messages[i], *old;

		HASH_FIND_STR(turn->turns->by_uuid, turn->uuids[i], old);
		if (old) /* cannot be in two turns; if it is, the first one speaks for it */
			continue;
		message->uuid = turn->uuids[i];
		message->turn = turn;
		HASH_ADD_KEYPTR(hh, turn->turns->by_uuid, message->uuid, strlen(message->uuid), message);
	}
}

/* The model is told of a delay in words, because the model cannot see the time of a message. */
static const char *prompt_of(struct arena *arena, const struct store_turn *claimed)
{
	char now[CLOCK_TEXT_SIZE];

	if (!(claimed->flags & INCOMING_LATE))
		return arena_text(arena, claimed->text);
	return arena_format(arena,
			    "[This was sent while you were unreachable and is delivered late, at %s.]\n%s",
			    clock_text(clock_wall_ms(), now), claimed->text);
}

static void keep_question(struct turn *turn, const struct store_turn *claimed);

static struct turn *create(struct turns *turns, const struct store_turn *claimed)
{
	struct turn *turn = mem_zero(1, sizeof(*turn));

	turn->turns = turns;
	turn->core = turns->core;
	turn->serial = core_serial(turns->core);
	turn->began_ms = loop_now_ms(turns->core->options.loop);
	turn->started_ms = clock_wall_ms();
	turn->id = claimed->id;
	turn->conversation_id = claimed->conversation_id;
	turn->inst =
		installation_hold(installation_find(turns->core, claimed->platform, claimed->installation));
	turn->arena = arena_create();
	turn->platform = arena_text(turn->arena, claimed->platform);
	turn->installation = arena_text(turn->arena, claimed->installation);
	turn->conversation_uuid = arena_text(turn->arena, claimed->conversation_uuid);
	turn->reply_to = arena_text(turn->arena, claimed->reply_to);
	turn->uuids = keep_texts(turn->arena, claimed->uuids, claimed->count);
	turn->delivery_keys = keep_texts(turn->arena, claimed->delivery_keys, claimed->count);
	turn->count = claimed->count;
	turn->attempts = claimed->attempts ? claimed->attempts : 1;
	turn->flags = claimed->flags;
	turn->placeholder = mem_text(claimed->placeholder);
	snprintf(turn->log_name, sizeof(turn->log_name), "turn %lld", (long long)claimed->id);
	turn->log = (struct log){ .parent = turn->inst ? &turn->inst->log : turns->core->log,
				  .name = turn->log_name,
				  .trace = turn->count ? turn->uuids[turn->count - 1] : NULL };
	keep_question(turn, claimed);
	HASH_ADD(hh, turns->by_serial, serial, sizeof(turn->serial), turn);
	index_messages(turn);
	return turn;
}

static void keep_files(struct turn_question *question, const struct store_turn *claimed)
{
	struct message_file *files = arena_alloc(question->arena, claimed->file_count * sizeof(*files));
	size_t *messages = arena_alloc(question->arena, claimed->file_count * sizeof(*messages));

	for (size_t i = 0; i < claimed->file_count; i++) {
		files[i] = (struct message_file){ .url = arena_text(question->arena, claimed->files[i].url),
						  .name = arena_text(question->arena, claimed->files[i].name),
						  .mime = arena_text(question->arena, claimed->files[i].mime),
						  .size = claimed->files[i].size };
		messages[i] = claimed->file_messages[i];
	}
	question->files = files;
	question->file_messages = messages;
	question->file_count = claimed->file_count;
}

static void keep_question(struct turn *turn, const struct store_turn *claimed)
{
	struct turn_question *question = &turn->question;
	struct arena *arena = arena_create();

	question->arena = arena;
	question->text = arena_text(arena, claimed->text);
	question->language = claimed->language;
	question->sender = arena_text(arena, claimed->sender);
	question->prompt = prompt_of(arena, claimed);
	keep_files(question, claimed);
	question->caller = (struct tool_caller){ .org_id = arena_text(arena, claimed->speaker.org_id),
						 .profile_id = arena_text(arena, claimed->speaker.profile_id),
						 .conversation_id = claimed->conversation_id,
						 .role = role_name(claimed->speaker.role),
						 .platform = turn->platform,
						 .installation = turn->installation,
						 .turn_id = claimed->id };
	question->journal = keep_steps(arena, claimed->journal, claimed->journal_count);
	question->journal_count = claimed->journal_count;
}

static bool was_removed(const struct turn *turn)
{
	return turn->inst ? turn->inst->removed
			  : installs_was_removed(turn->core->installs, turn->platform, turn->installation);
}

void turns_begin(struct turns *turns, const struct store_turn *claimed)
{
	struct turn *turn;

	if (turns->closed)
		return; /* stays claimed: the next start resumes it */
	turn = create(turns, claimed);
	enter(turn, claimed->flags & INCOMING_COMMAND ? TURN_COMMAND : TURN_RECALL);
	if (claimed->attempts > 1)
		log_info(&turn->log, "begun again, attempt %u", claimed->attempts);
	if (was_removed(turn)) /* by a process that died before its turns had ended */
		turn_fail(turn, "removed", NULL);
	else if (!claimed->speaker.active) /* switched off while the message waited */
		turn_fail(turn, "disabled", NULL);
	else
		steps[turn->state].start(turn);
}

/* ---- ending ---------------------------------------------------------------------------------- */

void turn_fail(struct turn *turn, const char *code, const struct ai_result *result)
{
	struct turn_end *end = &turn->end;

	end->arena = arena_create();
	end->state = MESSAGE_FAILED;
	end->reason = arena_text(end->arena, code);
	end->text = turn->refused && strcmp(code, "budget") == 0 ? turn->refused : notice_text(code);
	end->result = result ? keep_result(end->arena, result) : NULL;
	if (result && result->err.kind != ERR_NONE)
		log_warn(&turn->log, "%s: %s", code, result->err.text);
	turn_go(turn, TURN_ANSWER);
}

void turn_answer(struct turn *turn, const char *text, const struct ai_result *result)
{
	struct turn_end *end = &turn->end;

	end->arena = arena_create();
	end->state = MESSAGE_ANSWERED;
	end->result = result ? keep_result(end->arena, result) : NULL;
	end->text = arena_text(end->arena, text);
	turn_go(turn, TURN_ANSWER);
}

void turn_finish(struct turn *turn, const struct store_answered *answered)
{
	struct core *core = turn->core;
	struct installation *inst = installation_hold(turn->inst);
	int64_t conversation_id = turn->conversation_id;
	const char *state = message_state_name(turn->end.state);

	leave(turn);
	turn->turns->ended++;
	if (turn->end.state == MESSAGE_ANSWERED)
		memory_begin(turn);
	count_messages(turn->platform, state, turn->count);
	log_info(&turn->log, "%s%s%s in %llu ms, %zu message%s", state, turn->end.reason ? ": " : "",
		 turn->end.reason ? turn->end.reason : "",
		 (unsigned long long)(loop_now_ms(core->options.loop) - turn->began_ms), turn->count,
		 turn->count == 1 ? "" : "s");
	free_turn(turn);
	if (answered->ended)
		installation_ended(inst, answered->ended);
	if (answered->reply)
		outbox_take(core->outbox, answered->reply);
	else if (answered->ended && answered->ended->reply_to)
		outbox_behind(core->outbox, conversation_id);
	if (answered->ended && answered->ended->choices)
		outbox_wake(core->outbox); /* which learns when their time is over */
	installation_release(inst);
	lanes_ended(core->lanes, conversation_id, answered->next, answered->waiting);
}

void turn_drop(struct turn *turn, const struct err *err)
{
	struct core *core = turn->core;
	int64_t conversation_id = turn->conversation_id;

	log_error(&turn->log, "given up: the store refuses its end: %s", err->text);
	leave(turn);
	free_turn(turn);
	lanes_ended(core->lanes, conversation_id, NULL, true);
}

/* ---- time ------------------------------------------------------------------------------------ */

void turn_retry_later(struct turn *turn, const struct err *err)
{
	if (turn->retry_ms == 0) {
		log_warn(&turn->log, "%s: the store can't take it now: %s", steps[turn->state].name,
			 err->text);
		turn->turns->retrying++;
	}
	turn->retry_ms = loop_now_ms(turn->core->options.loop) + CORE_RETRY_MS;
}

static void check_limit(struct turn *turn)
{
	const struct turn_step *step = &steps[turn->state];

	if (turn->overdue)
		return;
	if (step->late) {
		step->late(turn);
		return;
	}
	turn->overdue = true;
	turn->turns->overdue++;
	log_warn(&turn->log, "%s: no answer from the store within %u s; still waiting", step->name,
		 step->limit_ms / 1000);
}

static void sweep_limits(struct turns *turns, uint64_t now)
{
	for (int state = 0; state < TURN_STATES; state++) {
		struct turn *turn, *next;

		for (turn = turns->in[state]; turn; turn = next) {
			next = turn->next;
			if (now - turn->step_ms < steps[state].limit_ms)
				break;
			check_limit(turn);
		}
	}
}

static void sweep_retries(struct turns *turns, uint64_t now)
{
	for (int state = 0; state < TURN_STATES && turns->retrying; state++) {
		struct turn *turn, *next;

		for (turn = turns->in[state]; turn; turn = next) {
			next = turn->next;
			if (turn->retry_ms == 0 || turn->retry_ms > now)
				continue;
			turn->retry_ms = 0;
			turns->retrying--;
			steps[state].again(turn);
		}
	}
}

void turns_sweep(struct turns *turns)
{
	uint64_t now = loop_now_ms(turns->core->options.loop);

	sweep_limits(turns, now);
	sweep_retries(turns, now);
}

static void abandon(struct turn *turn)
{
	if (steps[turn->state].leave)
		steps[turn->state].leave(turn);
	log_info(&turn->log, "left at %s to the next start", steps[turn->state].name);
	leave(turn);
	free_turn(turn);
}

void turns_abandon(struct turns *turns, bool all)
{
	turns->closed = true;
	for (int state = 0; state < TURN_STATES; state++) {
		struct turn *turn, *next;

		if (state == TURN_ANSWER && !all)
			continue; /* its end is with the store already */
		for (turn = turns->in[state]; turn; turn = next) {
			next = turn->next;
			abandon(turn);
		}
	}
}

/* ---- ending early ---------------------------------------------------------------------------- */

static void end_early(struct turn *turn, const char *code, const char *why)
{
	if (turn->state == TURN_GATHER)
		leave_gather(turn);
	if (turn->state == TURN_THINK)
		end_think(turn, code, why);
	else if (turn->state != TURN_ANSWER) /* else its end is with the store already */
		turn_fail(turn, code, NULL);
}

void turns_stop(struct turns *turns, int64_t conversation_id)
{
	struct turn *turn, *next;

	for (turn = turns->by_serial; turn; turn = next) {
		next = turn->hh.next;
		if (turn->conversation_id == conversation_id && turn->state != TURN_COMMAND)
			end_early(turn, "stopped", "the person asked to stop");
	}
}

void turns_remove(struct turns *turns, struct installation *inst)
{
	struct turn *turn, *next;

	for (turn = turns->by_serial; turn; turn = next) {
		next = turn->hh.next;
		if (turn->inst == inst)
			end_early(turn, "removed", "the installation was taken out");
	}
}

void turns_move(struct turns *turns, struct installation *inst)
{
	for (struct turn *turn = turns->by_serial; turn; turn = turn->hh.next) {
		if (turn->inst == inst || strcmp(turn->installation, inst->name) != 0 ||
		    strcmp(turn->platform, inst->ops->name) != 0)
			continue;
		installation_release(turn->inst);
		turn->inst = installation_hold(inst);
		turn->log.parent = &inst->log;
		turn->show_all = turn->shown.len > 0;
	}
}

void turns_placed(struct turns *turns, struct installation *inst, const char *uuid, const char *remote_id)
{
	struct turn_message *message;
	struct turn *turn = NULL;

	HASH_FIND_STR(turns->by_uuid, uuid, message);
	if (message && message->turn->inst == inst) {
		turn = message->turn;
		free(turn->placeholder);
		turn->placeholder = mem_text(remote_id);
	}
	ask_placed(turns->core, uuid, remote_id, turn); /* after its end, too: its reply may be sent again */
}

/* ---- looking --------------------------------------------------------------------------------- */

bool turns_show(struct turns *turns, struct installation *inst, const char *uuid, uint64_t ticket)
{
	struct turn_message *message;
	const struct turn *turn;

	HASH_FIND_STR(turns->by_uuid, uuid, message);
	if (message == NULL || message->turn->inst != inst || inst->platform == NULL)
		return false;
	turn = message->turn;
	inst->ops->found(inst->platform, ticket,
			 &(struct outgoing){ .answers_to = turn->uuids,
					     .answers_to_count = turn->count,
					     .delivery_keys = turn->delivery_keys,
					     .state = MESSAGE_CLAIMED,
					     .reply_to = turn->reply_to,
					     .text = turn->shown.len ? turn->shown.data : NULL,
					     .tool_calls = "[]",
					     .conversation_id = turn->conversation_id,
					     .conversation_uuid = turn->conversation_uuid,
					     .attempt = turn_attempt(turn) });
	return true;
}

uint64_t turns_ended(const struct turns *turns)
{
	return turns->ended;
}

size_t turns_count(const struct turns *turns)
{
	return HASH_COUNT(turns->by_serial);
}

void turns_status(const struct turns *turns, struct buf *out)
{
	buf_text(out, "{");
	for (int state = 0; state < TURN_STATES; state++)
		buf_format(out, "\"%s\":%zu,", steps[state].name, turns->count[state]);
	buf_format(out, "\"overdue\":%zu,\"retrying\":%zu}", turns->overdue, turns->retrying);
}
