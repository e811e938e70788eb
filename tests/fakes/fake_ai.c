/* Keeps the core's questions to models until the test answers them. */
#include "fake_ai.h"
#include "buf.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct hearing {
	char *path;
	ai_heard_fn *fn; /* NULL: none */
	void *owner;
	uint64_t ticket;
};

struct ai {
	struct thought *thoughts;
	size_t cancelled;
	bool hears, repeats;
	struct hearing hearing;
};

struct ai *fake_ai_create(void)
{
	return mem_zero(1, sizeof(struct ai));
}

static void forget(struct ai *ai, struct thought *thought)
{
	DL_DELETE(ai->thoughts, thought);
	free(thought->prompt);
	free(thought->system_prompt);
	free(thought->model);
	free(thought->files);
	free(thought->key);
	free(thought->profile_id);
	free(thought->approved);
	free(thought->summary);
	free(thought);
}

void fake_ai_destroy(struct ai *ai)
{
	while (ai->thoughts)
		forget(ai, ai->thoughts);
	free(ai->hearing.path);
	free(ai);
}

size_t fake_ai_count(const struct ai *ai)
{
	size_t count = 0;

	for (const struct thought *thought = ai->thoughts; thought; thought = thought->next)
		count++;
	return count;
}

size_t fake_ai_cancelled(const struct ai *ai)
{
	return ai->cancelled;
}

struct thought *fake_ai_thought(struct ai *ai, size_t index)
{
	struct thought *thought = ai->thoughts;

	while (thought && index--)
		thought = thought->next;
	return thought;
}

void fake_ai_result(struct ai *ai, struct thought *thought, const struct ai_result *result)
{
	const struct ai_events *events = thought->events;
	void *owner = thought->owner;
	uint64_t ticket = thought->ticket;

	forget(ai, thought);
	events->done(owner, ticket, result);
}

void fake_ai_answer(struct ai *ai, struct thought *thought, const char *text)
{
	static const struct ai_attempt attempt = { .provider = "fake",
						   .model = "fake-1",
						   .input_tokens = 7,
						   .output_tokens = 3,
						   .cached_tokens = -1,
						   .cost_micros = 25,
						   .first_token_ms = 120 };

	fake_ai_result(ai, thought,
		       &(struct ai_result){
			       .text = text, .tool_calls = "[]", .attempts = &attempt, .attempt_count = 1 });
}

void fake_ai_fail(struct ai *ai, struct thought *thought, const char *code)
{
	struct ai_result result = { .code = code, .tool_calls = "[]" };

	err_set(&result.err, ERR_AGAIN, "the model said no");
	fake_ai_result(ai, thought, &result);
}

int64_t ai_history_tokens(const struct ai *ai, const char *model)
{
	(void)ai, (void)model;
	return 1000;
}

bool ai_summarises(const struct ai *ai, const char *model)
{
	(void)model;
	return !ai->repeats;
}

void fake_ai_repeats(struct ai *ai)
{
	ai->repeats = true;
}

void ai_start(struct ai *ai, const struct ai_ask *ask, const struct ai_events *events, void *owner,
	      uint64_t ticket)
{
	struct thought *thought = mem_zero(1, sizeof(*thought));
	struct buf files = { 0 };

	thought->ticket = ticket;
	thought->events = events;
	thought->owner = owner;
	thought->prompt = mem_text(ask->prompt);
	thought->system_prompt = mem_text(ask->system_prompt);
	for (size_t i = 0; i < ask->file_count; i++)
		buf_format(&files, "%s\n", ask->files[i]);
	thought->files = buf_take(&files);
	thought->model = mem_text(ask->model);
	thought->key = mem_text(ask->key);
	thought->profile_id = mem_text(ask->caller ? ask->caller->profile_id : NULL);
	thought->reserve = ask->reserve;
	if (ask->approved)
		thought->approved = mem_format("%s %s", ask->approved->tool, ask->approved->arguments);
	thought->summarise = ask->summarise;
	thought->summary = mem_text(ask->summary);
	thought->history_count = ask->history_count;
	thought->journal_count = ask->journal_count;
	DL_APPEND(ai->thoughts, thought);
}

void ai_journaled(struct ai *ai, uint64_t ticket)
{
	struct thought *thought;

	DL_FOREACH (ai->thoughts, thought) {
		if (thought->ticket == ticket)
			thought->journaled++;
	}
}

void ai_reserved(struct ai *ai, uint64_t ticket, const struct err *err)
{
	struct thought *thought, *tmp;

	DL_FOREACH_SAFE(ai->thoughts, thought, tmp)
	{
		if (thought->ticket != ticket)
			continue;
		if (err->kind == ERR_NONE)
			thought->reserved++;
		else
			fake_ai_result(
				ai, thought,
				&(struct ai_result){ .err = *err, .code = "budget", .tool_calls = "[]" });
	}
}

void ai_cancel(struct ai *ai, uint64_t ticket,
	       void (*left)(void *owner, const struct ai_attempt *attempts, size_t count), void *owner)
{
	static const struct ai_attempt attempt = { .provider = "fake",
						   .model = "fake-1",
						   .input_tokens = 7,
						   .output_tokens = -1,
						   .cached_tokens = -1,
						   .cost_micros = AI_COST_UNKNOWN,
						   .first_token_ms = -1,
						   .error = "cancelled" };
	struct thought *thought, *tmp;

	DL_FOREACH_SAFE(ai->thoughts, thought, tmp)
	{
		if (thought->ticket != ticket)
			continue;
		forget(ai, thought);
		ai->cancelled++;
		if (left)
			left(owner, &attempt, 1);
	}
}

/* ---- voice notes: heard as soon as the test says so ------------------------------------------------------ */

bool ai_hears(const struct ai *ai, const char *mime)
{
	return ai->hears && mime && strncmp(mime, "audio/", 6) == 0;
}

void ai_hear(struct ai *ai, const char *path, const char *mime, const struct ai_hear_events *events,
	     void *owner, uint64_t ticket)
{
	(void)mime;
	if (ai->hearing.fn)
		abort(); /* a test hears one at a time */
	ai->hearing = (struct hearing){ mem_text(path), events->heard, owner, ticket };
}

void ai_hear_reserved(struct ai *ai, uint64_t ticket, const struct err *err)
{
	struct hearing hearing = ai->hearing;

	if (hearing.fn == NULL || hearing.ticket != ticket || err->kind == ERR_NONE)
		return;
	ai->hearing = (struct hearing){ 0 };
	hearing.fn(hearing.owner, ticket, &(struct ai_heard){ .err = *err });
	free(hearing.path);
}

void ai_hear_cancel(struct ai *ai, uint64_t ticket,
		    void (*left)(void *owner, const struct ai_attempt *attempts, size_t count), void *owner)
{
	(void)left, (void)owner;
	if (ai->hearing.fn && ai->hearing.ticket == ticket) {
		free(ai->hearing.path);
		ai->hearing = (struct hearing){ 0 };
	}
}

void fake_ai_hears(struct ai *ai)
{
	ai->hears = true;
}

const char *fake_ai_hearing(const struct ai *ai)
{
	return ai->hearing.path;
}

void fake_ai_heard(struct ai *ai, const char *text, const char *why)
{
	struct hearing hearing = ai->hearing;
	struct ai_attempt attempt = {
		.provider = "speech", .model = "w", .type = "transcription", .cost_micros = -1
	};
	struct ai_heard heard = { .text = text, .attempts = &attempt, .attempt_count = 1 };

	if (hearing.fn == NULL)
		abort();
	ai->hearing = (struct hearing){ 0 };
	if (why)
		err_set(&heard.err, ERR_AGAIN, "%s", why);
	hearing.fn(hearing.owner, hearing.ticket, &heard);
	free(hearing.path);
}
