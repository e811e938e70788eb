/* The AI room's door: makes the models, finds the turn that an event is for, starts, cancels and checks. */
#include "ai_room.h"
#include "loop.h"
#include "speech.h"
#include <stdlib.h>
#include <string.h>

struct check {
	uint64_t ticket; /* ours: without a turn's id in its upper half */
	uint64_t theirs;
	void (*checked)(void *owner, uint64_t ticket, const struct err *err, int64_t clock_skew_ms);
	void *owner;
	bool unknown; /* no model of that name: answered by our timer */
	struct check *next;
};

/* NULL name: the default. */
static struct model *model_find(const struct ai *ai, const char *name)
{
	if (name == NULL)
		return ai->model;
	for (size_t i = 0; i < ai->model_count; i++)
		if (strcmp(ai->models[i].name, name) == 0)
			return &ai->models[i];
	return NULL;
}

const char *ai_model_name(const struct ai *ai, size_t index)
{
	return index < ai->model_count ? ai->models[index].name : NULL;
}

/* ---- from the providers -------------------------------------------------------------------------------- */

struct turn *ai_turn_claim(struct ai *ai, uint64_t ticket, enum turn_state state)
{
	uint32_t id = (uint32_t)(ticket >> 32);
	struct turn *turn;

	HASH_FIND(by_id, ai->by_id, &id, sizeof(id), turn);
	return turn && turn->state == state ? turn : NULL;
}

static void on_part(void *owner, uint64_t ticket, const char *text, size_t len)
{
	struct turn *turn = ai_turn_claim(owner, ticket, TURN_ASKING);

	if (turn && turn->step == (uint32_t)ticket)
		ai_turn_part(turn, text, len);
}

static void on_done(void *owner, uint64_t ticket, const struct llm_reply *reply)
{
	struct turn *turn = ai_turn_claim(owner, ticket, TURN_ASKING);

	if (turn && turn->step == (uint32_t)ticket)
		ai_turn_reply(turn, reply);
}

static void on_checked(void *owner, uint64_t ticket, const struct err *err, int64_t clock_skew_ms)
{
	struct ai *ai = owner;
	struct check **at = &ai->checks, *check;

	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	check = *at;
	if (check == NULL)
		return;
	*at = check->next;
	check->checked(check->owner, check->theirs, err, clock_skew_ms);
	free(check);
}

/* ---- making and ending --------------------------------------------------------------------------------- */

struct llm_host ai_host(struct ai *ai, struct http *http)
{
	return (struct llm_host){
		.loop = ai->loop,
		.http = http,
		.log = ai->log,
		.owner = ai,
		.part = on_part,
		.done = on_done,
		.checked = on_checked,
	};
}

static bool make_model(struct ai *ai, const struct ai_options *options, const struct settings *settings,
		       struct err *err)
{
	struct model *model = &ai->models[ai->model_count];
	struct llm_host host = ai_host(ai, options->http);
	const char *provider = settings ? settings_text(settings, "provider") : "local";
	const char *name = settings ? settings_text(settings, "name") : "local";
	const char *id = settings ? settings_text(settings, "model") : NULL;
	const char *price_as = settings ? settings_text(settings, "price_as") : NULL;

	model->ops = provider_find(provider);
	if (model->ops == NULL)
		return err_set(err, ERR_REFUSED, "%s: no model provider is called \"%s\"",
			       settings_where(settings, "provider"), provider);
	if (ai->model_count > 0 && model_find(ai, name))
		return err_set(err, ERR_REFUSED, "%s: two models are called \"%s\"",
			       settings_where(settings, "name"), name);
	model->temperature = -1;
	if (settings) {
		model->context_tokens = settings_int(settings, "context_tokens");
		model->max_output_tokens = settings_int(settings, "max_output_tokens");
		model->vision = settings_bool(settings, "vision");
		if (settings_given(settings, "temperature"))
			model->temperature = settings_number(settings, "temperature");
	}
	model->llm = model->ops->create(&host, settings, err);
	if (model->llm == NULL)
		return err_add(err, "model \"%s\"", name);
	model->name = mem_text(name);
	model->provider = mem_text(provider);
	model->id = mem_text(id ? id : provider);
	model->price = price_find(&ai->prices, price_as ? price_as : provider, model->id);
	ai->model_count++;
	return true;
}

static struct check *unknown_check(const struct ai *ai)
{
	struct check *check = ai->checks;

	while (check && !check->unknown)
		check = check->next;
	return check;
}

static void answer_unknown_checks(void *data)
{
	struct ai *ai = data;
	struct check *check;
	struct err err = { 0 };

	err_set(&err, ERR_GONE, "no model of that name in the settings");
	while ((check = unknown_check(ai)) != NULL)
		on_checked(ai, check->ticket, &err, 0);
}

static bool find_fallback(struct ai *ai, const struct ai_options *options, struct err *err)
{
	ai->fallback = mem_zero(options->fallback_count, sizeof(struct model *));
	for (size_t i = 0; i < options->fallback_count; i++) {
		ai->fallback[i] = model_find(ai, options->fallback[i]);
		if (ai->fallback[i] == NULL)
			return err_set(err, ERR_REFUSED, "assistant.fallback: no model is called \"%s\"",
				       options->fallback[i]);
		ai->fallback_count++;
	}
	return true;
}

static bool make_speech(struct ai *ai, const struct ai_options *options, struct err *err)
{
	struct speech_host host = { ai->loop, options->http, ai->log };
	struct err why = { 0 };

	ai->speech = speech_create(&host, options->speech, &why);
	if (why.kind != ERR_NONE)
		*err = why;
	return why.kind == ERR_NONE;
}

struct ai *ai_create(const struct ai_options *options, struct err *err)
{
	struct ai *ai = mem_zero(1, sizeof(*ai));
	size_t count = options->model_count ? options->model_count : 1;
	bool fine = true;

	ai->loop = options->loop;
	ai->log = options->log;
	ai->rounds_max = options->rounds_max;
	ai->calls_max = options->calls_max;
	ai->attempts_max = options->attempts_max ? options->attempts_max : 1;
	ai->turn_ms = options->turn_ms;
	ai->history_tokens = options->history_tokens;
	ai->check_timer = loop_timer_create(ai->loop, answer_unknown_checks, ai);
	prices_init(&ai->prices, options->prices, options->price_count);
	ai->models = mem_zero(count, sizeof(*ai->models));
	ai->model = &ai->models[0];
	for (size_t i = 0; i < count && fine; i++)
		fine = make_model(ai, options, options->model_count ? options->models[i] : NULL, err);
	if (fine && options->model) {
		ai->model = model_find(ai, options->model);
		if (ai->model == NULL)
			fine = err_set(err, ERR_REFUSED, "assistant.model: no model is called \"%s\"",
				       options->model);
	}
	if (fine && find_fallback(ai, options, err) && make_speech(ai, options, err))
		return ai;
	ai_destroy(ai);
	return NULL;
}

void ai_destroy(struct ai *ai)
{
	struct turn *turn;

	if (ai == NULL)
		return;
	while ((turn = ai->by_id) != NULL) {
		ai_turn_stop(turn);
		ai_turn_unlink(turn);
		ai_turn_destroy(turn);
	}
	for (size_t i = 0; i < ai->model_count; i++) {
		ai->models[i].ops->destroy(ai->models[i].llm);
		free(ai->models[i].name);
		free(ai->models[i].provider);
		free(ai->models[i].id);
	}
	while (ai->checks) {
		struct check *after = ai->checks->next;

		free(ai->checks);
		ai->checks = after;
	}
	speech_destroy(ai->speech);
	loop_timer_destroy(ai->check_timer);
	prices_finish(&ai->prices);
	free(ai->fallback);
	free(ai->models);
	free(ai);
}

/* ---- the contract of ai.h ------------------------------------------------------------------------------ */

static const struct ai_approval *copy_approved(struct arena *arena, const struct ai_approval *approved)
{
	struct ai_approval *copy;

	if (approved == NULL)
		return NULL;
	copy = arena_alloc(arena, sizeof(*copy));
	*copy = (struct ai_approval){ arena_text(arena, approved->code), arena_text(arena, approved->tool),
				      arena_text(arena, approved->arguments) };
	return copy;
}

static const struct ai_past_call *copy_calls(struct arena *arena, const struct ai_message *message)
{
	struct ai_past_call *calls = arena_alloc(arena, message->call_count * sizeof(*calls));

	for (size_t i = 0; i < message->call_count; i++)
		calls[i] = (struct ai_past_call){ message->calls[i].round,
						  arena_text(arena, message->calls[i].id),
						  arena_text(arena, message->calls[i].tool),
						  arena_text(arena, message->calls[i].arguments),
						  arena_text(arena, message->calls[i].result) };
	return calls;
}

static void copy_history(struct turn *turn, const struct ai_ask *ask)
{
	struct ai_message *history = arena_alloc(turn->arena, ask->history_count * sizeof(*history));

	for (size_t i = 0; i < ask->history_count; i++) {
		history[i] = ask->history[i];
		history[i].text = arena_text(turn->arena, ask->history[i].text);
		history[i].calls = copy_calls(turn->arena, &ask->history[i]);
	}
	turn->ask.history = history;
	turn->ask.summary = arena_text(turn->arena, ask->summary);
	turn->ask.language = arena_text(turn->arena, ask->language);
}

static void copy_ask(struct turn *turn, const struct ai_ask *ask)
{
	struct arena *arena = turn->arena;
	const struct tool **tools = arena_alloc(arena, ask->tool_count * sizeof(void *));
	const char **files = arena_alloc(arena, ask->file_count * sizeof(*files));
	struct tool_caller *caller = arena_alloc(arena, sizeof(*caller));

	turn->ask = *ask;
	turn->ask.system_prompt = arena_text(arena, ask->system_prompt);
	turn->ask.prompt = arena_text(arena, ask->prompt);
	turn->ask.key = arena_text(arena, ask->key);
	for (size_t i = 0; i < ask->file_count; i++)
		files[i] = arena_text(arena, ask->files[i]);
	turn->ask.files = files;
	copy_history(turn, ask);
	for (size_t i = 0; i < ask->tool_count; i++)
		tools[i] = ask->tools[i];
	turn->ask.tools = tools;
	turn->ask.approved = copy_approved(arena, ask->approved);
	turn->ask.journal = NULL;
	turn->ask.journal_count = 0;
	if (ask->caller == NULL)
		return;
	caller->org_id = arena_text(arena, ask->caller->org_id);
	caller->profile_id = arena_text(arena, ask->caller->profile_id);
	caller->conversation_id = ask->caller->conversation_id;
	caller->turn_id = ask->caller->turn_id;
	caller->role = arena_text(arena, ask->caller->role);
	caller->platform = arena_text(arena, ask->caller->platform);
	caller->installation = arena_text(arena, ask->caller->installation);
	turn->ask.caller = caller;
}

static void enter_tables(struct ai *ai, struct turn *turn)
{
	struct turn *other;

	do {
		turn->id = ++ai->last_id;
		HASH_FIND(by_id, ai->by_id, &turn->id, sizeof(turn->id), other);
	} while (turn->id == 0 || other);
	HASH_ADD(by_id, ai->by_id, id, sizeof(turn->id), turn);
	HASH_ADD(by_ticket, ai->by_ticket, ticket, sizeof(turn->ticket), turn);
}

void ai_start(struct ai *ai, const struct ai_ask *ask, const struct ai_events *events, void *owner,
	      uint64_t ticket)
{
	struct turn *turn = mem_zero(1, sizeof(*turn));
	struct err err = { 0 };

	turn->ai = ai;
	turn->ticket = ticket;
	turn->events = events;
	turn->owner = owner;
	turn->arena = arena_create();
	turn->timer = loop_timer_create(ai->loop, ai_turn_fire, turn);
	copy_ask(turn, ask);
	turn->wanted = model_find(ai, ask->model);
	if (turn->wanted == NULL) { /* a conversation may name a model that has since left the settings */
		log_warn(ai->log, "no model is called \"%.64s\"; the default answers", ask->model);
		turn->wanted = ai->model;
	}
	turn->given_max = ask->max_output_tokens;
	turn->given_temperature = ask->temperature;
	fallback_first(turn);
	enter_tables(ai, turn);
	ai_turn_start(turn);
	if (!journal_load(turn, ask, &err))
		turn->broken = arena_text(turn->arena, err.text);
	else if (ask->approved && ask->journal_count == 0)
		calls_begin_approved(turn);
}

static struct turn *find(struct ai *ai, uint64_t ticket)
{
	struct turn *turn;

	HASH_FIND(by_ticket, ai->by_ticket, &ticket, sizeof(ticket), turn);
	return turn;
}

void ai_journaled(struct ai *ai, uint64_t ticket)
{
	struct turn *turn = find(ai, ticket);

	if (turn)
		ai_turn_journaled(turn);
}

void ai_reserved(struct ai *ai, uint64_t ticket, const struct err *err)
{
	struct turn *turn = find(ai, ticket);

	if (turn)
		ai_turn_reserved(turn, err);
}

void ai_cancel(struct ai *ai, uint64_t ticket,
	       void (*left)(void *owner, const struct ai_attempt *attempts, size_t count), void *owner)
{
	struct turn *turn = find(ai, ticket);

	if (turn == NULL)
		return;
	if (turn->state == TURN_ASKING)
		attempt_add_stopped(turn, "cancelled");
	ai_turn_stop(turn);
	ai_turn_unlink(turn);
	if (left && turn->attempt_count > 0)
		left(owner, turn->attempts, turn->attempt_count);
	ai_turn_destroy(turn);
}

int64_t ai_history_tokens(const struct ai *ai, const char *model)
{
	const struct model *found = model_find(ai, model);

	return prompt_history_max(ai, found ? found : ai->model);
}

bool ai_summarises(const struct ai *ai, const char *model)
{
	const struct model *found = model_find(ai, model);
	bool any = !model_repeats(found ? found : ai->model);

	for (size_t i = 0; i < ai->fallback_count; i++)
		any = any || !model_repeats(ai->fallback[i]);
	return any;
}

void ai_check(struct ai *ai, const char *model,
	      void (*checked)(void *owner, uint64_t ticket, const struct err *err, int64_t clock_skew_ms),
	      void *owner, uint64_t ticket)
{
	struct check *check = mem_zero(1, sizeof(*check));
	struct model *found = model_find(ai, model);

	*check = (struct check){ ++ai->last_check, ticket, checked, owner, found == NULL, ai->checks };
	ai->checks = check;
	if (found)
		found->ops->check(found->llm, check->ticket);
	else
		loop_timer_start(ai->check_timer, 0, 0);
}

/* ---- voice notes ------------------------------------------------------------------------------------- */

bool ai_hears(const struct ai *ai, const char *mime)
{
	return speech_takes(ai->speech, mime);
}

void ai_hear(struct ai *ai, const char *path, const char *mime, const struct ai_hear_events *events,
	     void *owner, uint64_t ticket)
{
	speech_hear(ai->speech, path, mime, events, owner, ticket);
}

void ai_hear_reserved(struct ai *ai, uint64_t ticket, const struct err *err)
{
	speech_reserved(ai->speech, ticket, err);
}

void ai_hear_cancel(struct ai *ai, uint64_t ticket,
		    void (*left)(void *owner, const struct ai_attempt *attempts, size_t count), void *owner)
{
	speech_cancel(ai->speech, ticket, left, owner);
}
