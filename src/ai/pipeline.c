/* Ask the model, run the tools it wants, ask again: one turn's way through its states, bounded in rounds,
 * attempts and time.
 *
 * What is to be done next follows from what is durable (turn_next), so that a turn read back from its journal
 * goes on by the same rule as one that never stopped. A part of an answer that was shown is provisional: a
 * request that breaks off is repeated, and the next part tells the reader to begin again. A turn never ends
 * with half an answer that looks like a whole one. */
#include "ai_room.h"
#include "backoff.h"
#include "buf.h"
#include "loop.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static void turn_next(struct turn *turn);

uint64_t ai_turn_ticket(const struct turn *turn)
{
	return (uint64_t)turn->id << 32 | turn->step;
}

/* One timer for both: the end of the turn's time and whatever is due before it. */
static void arm(struct turn *turn, uint64_t delay_ms)
{
	uint64_t now = loop_now_ms(turn->ai->loop);
	uint64_t left = turn->deadline_ms > now ? turn->deadline_ms - now : 0;

	turn->wake_ms = now + delay_ms;
	loop_timer_start(turn->timer, delay_ms < left ? delay_ms : left, 0);
}

/* ---- the end ------------------------------------------------------------------------------------------- */

void ai_turn_stop(struct turn *turn)
{
	if (turn->state == TURN_ASKING)
		turn->model->ops->cancel(turn->model->llm, ai_turn_ticket(turn));
	pictures_done(turn);
	turn->state = TURN_READY;
	loop_timer_stop(turn->timer);
}

void ai_turn_unlink(struct turn *turn)
{
	HASH_DELETE(by_ticket, turn->ai->by_ticket, turn);
	HASH_DELETE(by_id, turn->ai->by_id, turn);
}

void ai_turn_destroy(struct turn *turn)
{
	loop_timer_destroy(turn->timer);
	free(turn->rounds);
	free(turn->attempts);
	free(turn->approvals);
	arena_destroy(turn->arena);
	free(turn);
}

static void end(struct turn *turn, struct ai_result *result)
{
	const struct ai_events *events = turn->events;
	char *calls = calls_json(turn), *request = prompt_record(turn);

	ai_turn_stop(turn);
	result->request = request;
	result->tool_calls = calls;
	result->model = result->err.kind == ERR_NONE ? turn->model->id : NULL;
	result->history_dropped = turn->history_from;
	result->history_full = prompt_full(turn, result->text);
	result->attempts = turn->attempts;
	result->attempt_count = turn->attempt_count;
	result->approvals = turn->approvals;
	result->approval_count = turn->approval_count;
	/* The caller may start or cancel others in here; this ticket is gone before it hears of the end. */
	ai_turn_unlink(turn);
	events->done(turn->owner, turn->ticket, result);
	ai_turn_destroy(turn);
	free(request);
	free(calls);
}

static void fail(struct turn *turn, const char *code, const struct err *why, const struct llm_reply *reply)
{
	struct ai_result result = { .err = *why, .code = code, .text = "" };

	if (reply)
		result.raw = reply->raw;
	if (result.err.kind == ERR_NONE)
		err_set(&result.err, ERR_BUG, "the model failed without a reason");
	log_info(turn->ai->log, "model %s: %s: %s", turn->model->name, code, result.err.text);
	end(turn, &result);
}

static void fail_with(struct turn *turn, const char *code, enum err_kind kind, const char *text,
		      const struct llm_reply *reply)
{
	struct err err = { 0 };

	err_set(&err, kind, "%s", text);
	fail(turn, code, &err, reply);
}

static void run_out_of_time(struct turn *turn)
{
	struct err err = { 0 };

	if (turn->state == TURN_ASKING)
		attempt_add_stopped(turn, "stopped: the turn's time was over");
	err_set(&err, ERR_AGAIN, "no complete answer within %u seconds", turn->ai->turn_ms / 1000);
	fail(turn, "timeout", &err, NULL);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

/* What is sent next. After the last round that may ask for tools there is nothing left but to answer. */
static struct llm_request build_request(struct turn *turn, struct arena *arena)
{
	bool spent = turn->round_count >= turn->ai->rounds_max;
	struct llm_request request = {
		.tools = turn->ask.tools,
		.tool_count = spent ? 0 : turn->ask.tool_count,
		.spent = turn->ask.tools,
		.spent_count = spent ? turn->ask.tool_count : 0,
		.temperature = turn->ask.temperature,
		.max_output_tokens = reserve_answer_max(turn),
	};

	prompt_fit(turn);
	request.messages = prompt_build(turn, arena, &request.message_count);
	return request;
}

static void send(struct turn *turn, const struct llm_request *request)
{
	turn->tries++;
	turn->step++;
	turn->fresh = true;
	turn->first_part_ms = -1;
	turn->said_tokens = 0;
	turn->asked_ms = loop_now_ms(turn->ai->loop);
	turn->state = TURN_ASKING;
	pictures_sent(turn, request);
	arm(turn, UINT32_MAX);
	turn->model->ops->ask(turn->model->llm, request, ai_turn_ticket(turn));
}

/* Nothing leaves before its money is set aside. Nobody's turn would tell of a summary that a crash cut off: it is put on
 * record first, whatever it costs. */
static void ask(struct turn *turn)
{
	struct arena *arena = arena_create();
	struct llm_request request = build_request(turn, arena);
	int64_t most = reserve_most(turn, &request);

	turn->reservation = NULL;
	if (most == 0 && !turn->ask.summarise) {
		send(turn, &request);
		arena_destroy(arena);
		return;
	}
	arena_destroy(arena);
	turn->state = TURN_RESERVING;
	arm(turn, UINT32_MAX);
	reserve_ask(turn, most); /* may be answered in here */
}

/* A budget has no room for this model: a cheaper one may have. It has not failed, so it is asked again next time. */
static bool ask_another(struct turn *turn, const struct err *err)
{
	if (err->kind != ERR_REFUSED)
		return false;
	attempt_add_unsent(turn, err->text);
	if (!fallback_next(turn))
		return false;
	turn->tries = 0;
	turn->trimmed = false;
	turn->state = TURN_READY;
	arm(turn, 0);
	return true;
}

void ai_turn_reserved(struct turn *turn, const struct err *err)
{
	struct arena *arena;
	struct llm_request request;

	if (turn->state != TURN_RESERVING)
		return;
	if (err->kind != ERR_NONE) {
		if (!ask_another(turn, err))
			fail(turn, "budget", err, NULL);
		return;
	}
	arena = arena_create();
	request = build_request(turn, arena);
	send(turn, &request);
	arena_destroy(arena);
}

void ai_turn_part(struct turn *turn, const char *text, size_t len)
{
	bool again = turn->fresh && turn->shown;

	if (turn->fresh)
		turn->first_part_ms = (int64_t)(loop_now_ms(turn->ai->loop) - turn->asked_ms);
	turn->fresh = false;
	turn->shown = true;
	turn->said_tokens += (int64_t)(len + 3) / 4;
	turn->events->part(turn->owner, turn->ticket, text, len, again);
}

/* Another request, so much later. What this one has come to is made durable first: at no time more than one request of a
 * turn is without its row, so that a crash leaves one of unknown outcome at most. A summary has no journal: what
 * is set aside stands for each of its requests. */
static void ask_again(struct turn *turn, uint64_t delay_ms)
{
	size_t attempts = turn->attempt_count;

	turn->resume_ms = loop_now_ms(turn->ai->loop) + delay_ms;
	turn->state = TURN_NOTING;
	arm(turn, UINT32_MAX);
	if (turn->ask.summarise) {
		ai_turn_journaled(turn);
		return;
	}
	turn->attempt_count = 0; /* they are the journal's now */
	turn->events->journal(turn->owner, turn->ticket, NULL, 0, turn->attempts, attempts);
}

/* The model can't answer: the next one is asked, or the turn ends with this code. */
static void fall_back(struct turn *turn, const char *code, const struct llm_reply *reply)
{
	fallback_failed(turn, reply->fault == LLM_FAULT_AUTH);
	if (!fallback_next(turn)) {
		fail(turn, code, &reply->err, reply);
		return;
	}
	turn->tries = 0;
	turn->trimmed = false;
	ask_again(turn, 0);
}

/* code: how the turn ends when there is no other try. */
static void pause_before_retry(struct turn *turn, const struct llm_reply *reply, const char *code)
{
	uint64_t wait = backoff_ms(turn->tries, RETRY_BASE_MS, RETRY_CAP_MS);
	uint64_t now = loop_now_ms(turn->ai->loop);
	bool late;

	if (wait < reply->retry_ms)
		wait = reply->retry_ms;
	/* A model that was silent for long would use up the time of the next one too. */
	late = now + wait + (fallback_left(turn) ? (uint64_t)reply->latency_ms : 0) >= turn->deadline_ms;
	if (turn->tries >= turn->ai->attempts_max || reply->retry_ms > RETRY_HINT_MAX_MS || late) {
		fall_back(turn, code, reply);
		return;
	}
	ask_again(turn, wait);
}

static void trim_and_retry(struct turn *turn, const struct llm_reply *reply)
{
	if (turn->trimmed || turn->tries >= turn->ai->attempts_max ||
	    !prompt_trim(turn, prompt_tokens(turn) * TRIM_PERCENT / 100)) {
		fail(turn, "context_overflow", &reply->err, reply);
		return;
	}
	turn->trimmed = true;
	ask_again(turn, 0);
}

/* ---- a reply ------------------------------------------------------------------------------------------- */

static void answered(struct turn *turn, const struct llm_reply *reply)
{
	struct llm_reply again = *reply;

	if (!text_blank(reply->text)) {
		end(turn, &(struct ai_result){ .text = reply->text,
					       .raw = reply->raw,
					       .cut = reply->stop == LLM_STOP_LENGTH });
	} else if (reply->stop == LLM_STOP_REFUSED) {
		fail_with(turn, "model_refused", ERR_REFUSED, "the model declined to answer this", reply);
	} else if (reply->stop == LLM_STOP_LENGTH) {
		fail_with(turn, "empty_answer", ERR_REFUSED,
			  "the model used up its output limit before it wrote an answer; raise "
			  "max_output_tokens",
			  reply);
	} else {
		err_set(&again.err, ERR_AGAIN, "the model sent an empty answer");
		pause_before_retry(turn, &again, "empty_answer");
	}
}

static void wants_tools(struct turn *turn, const struct llm_reply *reply)
{
	struct round *round;

	if (turn->round_count >= turn->ai->rounds_max || turn->ask.summarise) {
		if (!text_blank(reply->text))
			answered(turn, reply);
		else
			fail_with(turn, "too_many_rounds", ERR_REFUSED,
				  "the model kept asking for tools instead of answering", reply);
		return;
	}
	round = calls_add_round(turn, reply->text, reply->raw, turn->model->name, reply->calls,
				reply->call_count);
	if (reply->stop == LLM_STOP_LENGTH)
		calls_cut_off(turn, round);
	turn->tries = 0;
	turn_next(turn);
}

void ai_turn_reply(struct turn *turn, const struct llm_reply *reply)
{
	turn->state = TURN_READY;
	pictures_done(turn);
	attempt_add(turn, reply);
	switch (reply->fault) {
	case LLM_FAULT_NONE:
		fallback_worked(turn);
		if (reply->call_count > 0)
			wants_tools(turn, reply);
		else
			answered(turn, reply);
		break;
	case LLM_FAULT_TRANSIENT:
		pause_before_retry(turn, reply, "model_unavailable");
		break;
	case LLM_FAULT_LIMITED:
		pause_before_retry(turn, reply, "model_limited");
		break;
	case LLM_FAULT_OVERFLOW:
		trim_and_retry(turn, reply);
		break;
	case LLM_FAULT_AUTH:
		log_error(turn->ai->log, "model %s: %s", turn->model->name, reply->err.text);
		fall_back(turn, "model_auth", reply);
		break;
	case LLM_FAULT_REFUSED:
		fail(turn, "model_refused", &reply->err, reply);
		break;
	case LLM_FAULT_ANEW: /* once in the life of a provider: no failure of the model */
		turn->tries--;
		ask_again(turn, 0);
		break;
	}
}

/* ---- tools and the journal ----------------------------------------------------------------------------- */

static void add_call_step(struct ai_step *steps, size_t *count, const struct turn *turn,
			  const struct call *call, enum ai_step_kind kind)
{
	static const char *const classes[] = {
		[TOOL_READ] = "read", [TOOL_KEYED] = "keyed", [TOOL_ONCE] = "once", [TOOL_CONFIRM] = "confirm"
	};

	steps[(*count)++] = (struct ai_step){
		.kind = kind,
		.round = (unsigned)turn->round_count,
		.call_id = call->id,
		.tool = call->name,
		.failed = kind == AI_STEP_RESULT && call->failed,
		.payload = kind == AI_STEP_RESULT ? call->result : call->checked,
		.class = call->tool ? classes[call->tool->class] : NULL,
		.foreign = call->tool && call->tool->foreign,
	};
}

/* The reply, if it is new, the intents of what is to run, and the results that are known. */
static void record(struct turn *turn, struct round *round, enum turn_state state)
{
	struct ai_step *steps = mem_zero(1 + round->call_count, sizeof(*steps));
	size_t count = 0, attempts = turn->attempt_count;
	struct buf reply = { 0 };

	if (!round->recorded) {
		journal_reply_payload(round, &reply);
		steps[count++] = (struct ai_step){ .kind = AI_STEP_REPLY,
						   .round = (unsigned)turn->round_count,
						   .payload = buf_str(&reply) };
	}
	for (size_t i = 0; i < round->call_count; i++) {
		if (round->calls[i].result && !round->calls[i].recorded)
			add_call_step(steps, &count, turn, &round->calls[i], AI_STEP_RESULT);
		else if (!round->calls[i].result && !round->calls[i].intended)
			add_call_step(steps, &count, turn, &round->calls[i], AI_STEP_INTENT);
	}
	turn->state = state;
	turn->attempt_count = 0; /* they are the journal's now */
	turn->events->journal(turn->owner, turn->ticket, steps, count, turn->attempts, attempts);
	free(steps);
	buf_free(&reply);
}

static void noted(struct turn *turn)
{
	uint64_t now = loop_now_ms(turn->ai->loop);

	turn->state = TURN_READY;
	arm(turn, turn->resume_ms > now ? turn->resume_ms - now : 0);
}

void ai_turn_journaled(struct turn *turn)
{
	struct round *round;

	if (turn->state == TURN_NOTING) {
		noted(turn);
		return;
	}
	if (turn->state != TURN_INTENDING && turn->state != TURN_RECORDING)
		return;
	round = &turn->rounds[turn->round_count - 1];
	round->recorded = true;
	for (size_t i = 0; i < round->call_count; i++) {
		struct call *call = &round->calls[i];

		if (call->result)
			call->recorded = true;
		call->intended = true;
	}
	turn_next(turn);
}

void ai_turn_result(struct turn *turn, uint32_t step, const char *result, bool failed)
{
	struct round *round = &turn->rounds[turn->round_count - 1];
	struct call *call = NULL;
	size_t running = 0;

	for (size_t i = 0; i < round->call_count; i++) {
		if (round->calls[i].step == step)
			call = &round->calls[i];
		else if (round->calls[i].step != 0)
			running++;
	}
	if (call == NULL || step == 0)
		return;
	call->step = 0;
	calls_set_result(turn, call, result, failed);
	if (running == 0)
		turn_next(turn);
}

/* ---- the driver ---------------------------------------------------------------------------------------- */

static void turn_next(struct turn *turn)
{
	struct round *round = turn->round_count > 0 ? &turn->rounds[turn->round_count - 1] : NULL;
	size_t fresh = 0, waiting = 0, unrecorded = 0;

	for (size_t i = 0; round && i < round->call_count; i++) {
		fresh += round->calls[i].result == NULL && !round->calls[i].intended;
		waiting += round->calls[i].result == NULL;
		unrecorded += round->calls[i].result != NULL && !round->calls[i].recorded;
	}
	if (round && (!round->recorded || fresh > 0)) {
		record(turn, round, TURN_INTENDING);
	} else if (waiting > 0) {
		turn->state = TURN_CALLING;
		calls_run(turn, round);
	} else if (unrecorded > 0) {
		record(turn, round, TURN_RECORDING);
	} else {
		ask(turn);
	}
}

void ai_turn_fire(void *data)
{
	struct turn *turn = data;
	uint64_t now = loop_now_ms(turn->ai->loop);

	if (turn->broken)
		fail_with(turn, "journal_broken", ERR_BUG, turn->broken, NULL);
	else if (now >= turn->deadline_ms)
		run_out_of_time(turn);
	else if (turn->state != TURN_READY)
		arm(turn, UINT32_MAX);
	else if (now < turn->wake_ms)
		arm(turn, turn->wake_ms - now);
	else
		turn_next(turn);
}

void ai_turn_start(struct turn *turn)
{
	turn->deadline_ms = loop_now_ms(turn->ai->loop) + turn->ai->turn_ms;
	turn->results_max = RESULT_MAX;
	turn->state = TURN_READY;
	arm(turn, 0);
}
