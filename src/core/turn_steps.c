/* The steps of a turn in the order of the journey: recall, think, answer. gather.c and command.c hold the others. */
#include "approval.h"
#include "budget.h"
#include "counts.h"
#include "foreign.h"
#include "gather.h"
#include "installation.h"
#include "json.h"
#include "keep.h"
#include "lane.h"
#include "mem.h"
#include "memory.h"
#include "store_install.h"
#include "text.h"
#include "turn_inside.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* ---- recall: what was said before ------------------------------------------------------------ */

/* The model is asked at once, which copies, or later: `recalled` ends with this call. */
static void go_on(struct turn *turn, const struct store_recalled *recalled)
{
	bool gather = gather_wanted(turn, recalled->count == 0);

	turn->behind = recalled->unsent && turn->reply_to;
	turn->past = (struct turn_past){
		.counted = turn->core->options.summary && recalled->turns > 0,
		.full = recalled->count / 2 == recalled->turns,
		.turns = recalled->turns,
		.tokens = ai_history_tokens(turn->core->options.ai, recalled->model),
		.tell = recalled->summary_told ? 0 : recalled->summary_id,
	};
	turn->question.recalled = gather ? keep_recalled(turn->question.arena, recalled) : recalled;
	turn_go(turn, gather ? TURN_GATHER : TURN_THINK);
}

static void done_recall(void *owner, uint64_t ticket, const struct err *err,
			const struct store_recalled *recalled)
{
	struct core *core = owner;
	bool holds = core_answered(core, err);
	struct turn *turn = turn_of(core->turns, ticket);

	if (turn == NULL)
		return;
	if (holds) {
		go_on(turn, recalled);
	} else if (core_may_ask_again(err)) {
		turn_retry_later(turn, err);
	} else {
		log_error(&turn->log, "recall: %s", err->text);
		turn_fail(turn, "recall_failed", NULL);
	}
}

void start_recall(struct turn *turn)
{
	struct core *core = turn->core;

	core_asking(core);
	store_recall(core->options.store, turn->conversation_id, turn->id, core->options.history_messages,
		     core->options.summary, done_recall, core, turn_ticket(turn));
}

/* ---- think: the model and its tools ---------------------------------------------------------- */

static void begin_again(struct turn *turn);
static void think_part(void *owner, uint64_t ticket, const char *text, size_t len, bool begins_again);
static void think_journal(void *owner, uint64_t ticket, const struct ai_step *steps, size_t step_count,
			  const struct ai_attempt *attempts, size_t attempt_count);
static void done_think(void *owner, uint64_t ticket, const struct ai_result *result);

static const struct ai_events think_events = {
	.part = think_part, .journal = think_journal, .done = done_think, .reserve = budget_reserve
};

/* What the model is told: what others had said, what was said now, and what became of the files. */
static char *whole_prompt(const struct turn *turn)
{
	struct buf said = { 0 };
	char *heard = gather_heard(turn->gather), *words = message_with_heard(turn->question.prompt, heard),
	     *prompt;

	buf_text(&said, words);
	free(words);
	free(heard);
	gather_prompt(turn->gather, &said);
	prompt = message_with_context(gather_context(turn->gather), buf_str(&said));
	buf_free(&said);
	return prompt;
}

static const char *language_of_answer(const struct turn *turn)
{
	const char *wish = turn->question.recalled->language;

	return wish ? wish : turn->question.language;
}

/* How to answer, and in which language: the one that the person has chosen, or else writes in. NULL: nothing is said about
 * it. The caller frees. */
static char *system_prompt(const struct turn *turn)
{
	const struct store_recalled *recalled = turn->question.recalled;
	const char *prompt =
		recalled->system_prompt ? recalled->system_prompt : turn->core->options.system_prompt;
	const char *language = language_of_answer(turn);

	if (language == NULL)
		return mem_text(prompt);
	return mem_format(
		"%s%sAnswer in the language with the code \"%s\", unless you are asked for another one.",
		prompt ? prompt : "", prompt ? "\n\n" : "", language);
}

/* The set stays as it is while the model speaks of its tools. */
void turn_tools_done(struct turn *turn)
{
	if (turn->tools)
		turn->tools->release(turn->tools);
	turn->tools = NULL;
}

static bool is_listed(const json_t *names, const char *name)
{
	const json_t *pattern;
	size_t i;

	json_array_foreach (names, i, pattern)
		if (json_is_string(pattern) && fnmatch(json_string_value(pattern), name, 0) == 0)
			return true;
	return false;
}

/* Those that the way to answer names; a list that can't be read names none. */
static const struct tool *const *listed_tools(const struct turn *turn, size_t *count_out)
{
	const char *text = turn->question.recalled->tools;
	size_t count = turn->tools ? turn->tools->count : 0;
	const struct tool **tools;
	json_t *names;

	*count_out = count;
	if (text == NULL || count == 0)
		return turn->tools ? turn->tools->tools : NULL;
	names = json_read(text, strlen(text), NULL);
	tools = arena_alloc(turn->question.arena, count * sizeof(struct tool *));
	*count_out = 0;
	for (size_t i = 0; i < count; i++)
		if (is_listed(names, turn->tools->tools[i]->name))
			tools[(*count_out)++] = turn->tools->tools[i];
	json_decref(names);
	return tools;
}

/* Thousands of turns may wait for a model: they keep nothing that the AI room has copied. */
static void drop_question(struct turn *turn)
{
	arena_destroy(turn->question.arena);
	turn->question = (struct turn_question){ 0 };
}

void start_think(struct turn *turn)
{
	const struct core_options *options = &turn->core->options;
	const struct turn_question *question = &turn->question;
	const struct store_recalled *recalled = question->recalled;
	struct tool_caller caller = question->caller;
	char key[32], *prompt = whole_prompt(turn), *how = system_prompt(turn);
	size_t file_count, tool_count;
	const char *const *files = gather_files(turn->gather, question->arena, &file_count);
	const struct tool *const *tools;

	snprintf(key, sizeof(key), "turn-%lld", (long long)turn->id);
	begin_again(turn); /* what was shown of the files' progress is not the answer's beginning */
	foreign_begin(turn);
	turn_tools_done(turn);
	caller.files = recalled->files || question->file_count > 0;
	if (options->tools.open)
		turn->tools = options->tools.open(options->tools.box, &caller);
	tools = listed_tools(turn, &tool_count);
	ai_start(options->ai,
		 &(struct ai_ask){ .model = recalled->model,
				   .system_prompt = how,
				   .temperature = recalled->temperature,
				   .max_output_tokens = recalled->max_output_tokens,
				   .history = recalled->history,
				   .history_count = recalled->count,
				   .summary = recalled->summary,
				   .summary_id = recalled->summary_id,
				   .language = language_of_answer(turn),
				   .prompt = prompt,
				   .files = files,
				   .file_count = file_count,
				   .journal = question->journal,
				   .journal_count = question->journal_count,
				   .tools = tools,
				   .tool_count = tool_count,
				   .caller = &caller,
				   .approved = question->approved,
				   .key = key,
				   .reserve = budget_in_force(turn->core, recalled) },
		 &think_events, turn->core, turn_ticket(turn));
	free(prompt);
	free(how);
	drop_question(turn);
}

static void show(struct turn *turn, size_t offset)
{
	struct installation *inst = turn->inst;

	if (turn->behind || inst == NULL || inst->platform == NULL || !(inst->ops->can & PLATFORM_STREAMS))
		return;
	inst->ops->stream(inst->platform, &(struct outgoing_part){ .answers_to = turn->uuids,
								   .answers_to_count = turn->count,
								   .reply_to = turn->reply_to,
								   .placeholder = turn->placeholder,
								   .attempt = turn_attempt(turn),
								   .offset = offset,
								   .text = turn->shown.data + offset,
								   .len = turn->shown.len - offset });
}

static void begin_again(struct turn *turn)
{
	if (turn->shown.len == 0)
		return;
	buf_clear(&turn->shown);
	turn->restarts++;
}

void turn_show(struct turn *turn, const char *words)
{
	begin_again(turn);
	buf_text(&turn->shown, words);
	turn->show_all = false;
	show(turn, 0);
}

static void think_part(void *owner, uint64_t ticket, const char *text, size_t len, bool begins_again)
{
	struct core *core = owner;
	struct turn *turn = turn_of(core->turns, ticket);
	size_t offset;

	if (turn == NULL)
		return;
	if (begins_again)
		begin_again(turn);
	offset = turn->shown.len;
	foreign_grow(turn, text, len, begins_again);
	if (turn->shown.len == offset)
		return;
	if (turn->show_all) { /* to whoever took over: a beginning of its own */
		turn->show_all = false;
		turn->restarts++;
		offset = 0;
	}
	show(turn, offset);
}

static void ask_journal(struct turn *turn);

static void done_journal(void *owner, uint64_t ticket, const struct err *err)
{
	struct core *core = owner;
	bool holds = core_answered(core, err);
	struct turn *turn = turn_of(core->turns, ticket);
	struct turn_journal *journal;

	if (turn == NULL)
		return;
	if (!holds && core_may_ask_again(err)) {
		turn_retry_later(turn, err);
		return;
	}
	journal = turn->journals;
	LL_DELETE(turn->journals, journal);
	arena_destroy(journal->arena);
	if (!holds) { /* what is not on record must not happen: the tools are not run */
		log_error(&turn->log, "journal: %s", err->text);
		leave_think(turn);
		turn_fail(turn, "journal_failed", NULL);
		return;
	}
	ai_journaled(core->options.ai, ticket);
	if (turn->journals)
		ask_journal(turn);
}

static void ask_journal(struct turn *turn)
{
	struct core *core = turn->core;
	const struct turn_journal *head = turn->journals;

	core_asking(core);
	store_journal(core->options.store, turn->id, head->steps, head->step_count, head->attempts,
		      head->attempt_count, done_journal, core, turn_ticket(turn));
}

/* One after the other, so that a second try cannot put them in another order. */
static void think_journal(void *owner, uint64_t ticket, const struct ai_step *steps, size_t step_count,
			  const struct ai_attempt *attempts, size_t attempt_count)
{
	struct core *core = owner;
	struct turn *turn = turn_of(core->turns, ticket);
	struct turn_journal *journal;
	struct arena *arena;

	count_attempts(attempts, attempt_count);
	if (turn == NULL)
		return;
	if (step_count > 0)
		foreign_saw(turn);
	arena = arena_create();
	journal = arena_alloc(arena, sizeof(*journal));
	*journal = (struct turn_journal){ .arena = arena,
					  .steps = keep_steps(arena, steps, step_count),
					  .attempts = keep_attempts(arena, attempts, attempt_count),
					  .step_count = step_count,
					  .attempt_count = attempt_count };
	LL_APPEND(turn->journals, journal);
	if (turn->journals == journal)
		ask_journal(turn);
}

void again_think(struct turn *turn)
{
	if (turn->reserving)
		budget_again(turn);
	else
		ask_journal(turn);
}

static void done_think(void *owner, uint64_t ticket, const struct ai_result *result)
{
	struct core *core = owner;
	struct turn *turn = turn_of(core->turns, ticket);
	struct buf answer = { 0 };
	char *guarded;

	count_attempts(result->attempts, result->attempt_count);
	if (turn == NULL)
		return;
	if (result->err.kind != ERR_NONE) {
		turn_fail(turn, result->code ? result->code : "failed", result);
		return;
	}
	if (result->text == NULL || text_blank(result->text)) {
		turn_fail(turn, "empty_answer", result);
		return;
	}
	buf_text(&answer, result->text);
	gather_answer(turn->gather, &answer);
	approval_words(&answer, result->approvals, result->approval_count);
	guarded = foreign_answer(turn, buf_str(&answer));
	buf_clear(&answer);
	buf_text(&answer, guarded);
	free(guarded);
	memory_look(turn, result);
	if (result->approval_count > 0) /* they stand last; another answer can tell it */
		turn->past.tell = 0;
	if (turn->past.tell)
		buf_text(&answer, STORE_SUMMARY_NOTICE);
	turn_answer(turn, buf_str(&answer), result);
	buf_free(&answer);
}

/* What the requests of a cancelled question have cost belongs on the record all the same. */
struct left {
	struct arena *arena;
	const struct ai_attempt *attempts;
	size_t count;
};

static void keep_left(void *owner, const struct ai_attempt *attempts, size_t count)
{
	struct left *left = owner;

	count_attempts(attempts, count);
	left->attempts = keep_attempts(left->arena, attempts, count);
	left->count = count;
}

void end_think(struct turn *turn, const char *code, const char *why)
{
	struct left left = { .arena = arena_create() };
	struct ai_result result = { .code = code, .tool_calls = "[]" };

	ai_cancel(turn->core->options.ai, turn_ticket(turn), keep_left, &left);
	err_set(&result.err, ERR_AGAIN, "%s", why);
	result.attempts = left.attempts;
	result.attempt_count = left.count;
	turn_fail(turn, code, &result);
	arena_destroy(left.arena);
}

void late_think(struct turn *turn)
{
	end_think(turn, "timeout", "no answer from the model within the limit of a turn");
}

static void done_left(void *owner, uint64_t ticket, const struct err *err)
{
	struct core *core = owner;

	if (!core_answered(core, err))
		log_warn(core->log, "requests of turn %lld are not on record: %s", (long long)ticket,
			 err->text);
}

void leave_think(struct turn *turn)
{
	struct left left = { .arena = arena_create() };
	struct core *core = turn->core;

	ai_cancel(core->options.ai, turn_ticket(turn), keep_left, &left);
	if (left.count) {
		core_asking(core);
		store_journal(core->options.store, turn->id, NULL, 0, left.attempts, left.count, done_left,
			      core, (uint64_t)turn->id);
	}
	arena_destroy(left.arena);
}

/* ---- answer: its end in one transaction (T4) ------------------------------------------------- */

/* The database refuses what is to be recorded, not the end itself: a turn without an end would hold its
 * conversation for ever. */
static bool end_plainly(struct turn *turn, const struct err *err)
{
	struct turn_end *end = &turn->end;

	if (end->plain || err->kind == ERR_GONE)
		return false;
	log_error(&turn->log, "the store refuses its end, it ends with a notice: %s", err->text);
	end->plain = true;
	end->state = MESSAGE_FAILED;
	end->reason = "not_recorded";
	end->text = notice_text(end->reason);
	end->result = NULL;
	end->formed = false;
	start_answer(turn);
	return true;
}

static void done_answer(void *owner, uint64_t ticket, const struct err *err,
			const struct store_answered *answered)
{
	struct core *core = owner;
	bool holds = core_answered(core, err);
	struct turn *turn = turn_of(core->turns, ticket);

	if (turn == NULL)
		return;
	if (holds)
		turn_finish(turn, answered);
	else if (core_may_ask_again(err))
		turn_retry_later(turn, err);
	else if (!end_plainly(turn, err))
		turn_drop(turn, err);
}

static void done_placed(void *owner, uint64_t ticket, const struct err *err)
{
	struct core *core = owner;
	bool holds = core_answered(core, err);
	struct turn *turn = turn_find(core->turns, ticket);

	if (holds)
		return;
	log_warn(turn ? &turn->log : core->log, "what stands for the answer is not on record: %s", err->text);
	if (turn)
		turn->placed_again = true;
}

void ask_placed(struct core *core, const char *uuid, const char *remote_id, const struct turn *turn)
{
	core_asking(core);
	store_placed(core->options.store, uuid, remote_id, done_placed, core, turn ? turn->serial : 0);
}

/* In the form of the plugin; of what it was added to when its own object is not there. When neither is configured any
 * more the Markdown itself is kept, and goes out as it is should the installation come back before the reply expires. */
static void form(struct turn *turn)
{
	struct turn_end *end = &turn->end;
	struct installation *inst = turn->inst;

	if (end->formed || turn->reply_to == NULL)
		return;
	if (inst == NULL || inst->platform == NULL)
		inst = installation_root(turn->core, turn->platform, turn->installation);
	end->part_count = installation_split(inst, end->text, end->arena, &end->parts);
	end->formed = true;
}

void start_answer(struct turn *turn)
{
	struct core *core = turn->core;
	const struct turn_end *end = &turn->end;
	char *heard = gather_heard(turn->gather);

	form(turn);
	if (turn->placed_again && turn->placeholder)
		ask_placed(core, turn->uuids[0], turn->placeholder, turn); /* before the end reads it */
	turn->placed_again = false;
	core_asking(core);
	store_answer(
		core->options.store,
		&(struct store_answer){ .turn_id = turn->id,
					.state = end->state,
					.reason = end->reason,
					.text = end->text,
					.parts = end->parts,
					.part_count = end->part_count,
					.context = gather_context(turn->gather),
					.heard = heard,
					.told_summary = end->state == MESSAGE_ANSWERED ? turn->past.tell : 0,
					.result = end->result,
					.started_ms = turn->started_ms,
					.claim_next = lanes_ending(core->lanes, turn->conversation_id),
					.expire_s = installation_expire_s(turn->inst) },
		done_answer, core, turn_ticket(turn));
	free(heard);
}
