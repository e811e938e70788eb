/* Which model is asked: the one wanted, or the next of assistant.fallback while it can't answer. A model that fails again and
 * again is left in peace for a while, so that nobody waits for its attempts. */
#include "ai_room.h"
#include "loop.h"
#include <string.h>

enum {
	FAILS = 5, /* within FAILS_MS */
	FAILS_MS = 60 * 1000,
	COOL_MS = 30 * 1000, /* doubled each time up to */
	COOL_MAX_MS = 10 * 60 * 1000,
};

static bool cools(const struct model *model, uint64_t now)
{
	return model->cool_until_ms > now;
}

/* Place 0 is the model wanted. NULL: there are no more. */
static struct model *at_place(const struct turn *turn, size_t place)
{
	if (place == 0)
		return turn->wanted;
	return place <= turn->ai->fallback_count ? turn->ai->fallback[place - 1] : NULL;
}

static bool was_before(const struct turn *turn, const struct model *model, size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (at_place(turn, i) == model)
			return true;
	return false;
}

static void choose(struct turn *turn, struct model *model)
{
	turn->model = model;
	turn->ask.max_output_tokens = turn->given_max > 0 ? turn->given_max : model->max_output_tokens;
	turn->ask.temperature = turn->given_temperature >= 0 ? turn->given_temperature : model->temperature;
}

bool model_repeats(const struct model *model)
{
	return strcmp(model->provider, "local") == 0;
}

static bool able(const struct turn *turn, const struct model *model)
{
	return !turn->ask.summarise || !model_repeats(model);
}

/* When all are left in peace, the first that can is asked all the same: it may be well again. For a summary there must be
 * one (ai_summarises). */
void fallback_first(struct turn *turn)
{
	uint64_t now = loop_now_ms(turn->ai->loop);
	struct model *model;

	for (turn->place = 0; (model = at_place(turn, turn->place)) != NULL; turn->place++)
		if (!cools(model, now) && able(turn, model))
			break;
	if (model == NULL)
		for (turn->place = 0; (model = at_place(turn, turn->place)) != NULL; turn->place++)
			if (able(turn, model))
				break;
	if (model == NULL)
		turn->place = 0;
	choose(turn, at_place(turn, turn->place));
}

/* The place of the next one that can be asked; 0: there is none. */
static size_t place_after(const struct turn *turn)
{
	uint64_t now = loop_now_ms(turn->ai->loop);

	for (size_t place = turn->place + 1; at_place(turn, place); place++) {
		struct model *model = at_place(turn, place);

		if (!cools(model, now) && able(turn, model) && !was_before(turn, model, turn->place + 1))
			return place;
	}
	return 0;
}

bool fallback_left(const struct turn *turn)
{
	return place_after(turn) > 0;
}

bool fallback_next(struct turn *turn)
{
	size_t place = place_after(turn);
	struct model *model = place > 0 ? at_place(turn, place) : NULL;

	if (model == NULL)
		return false;
	log_warn(turn->ai->log, "model %s can't answer: %s is asked instead", turn->model->name, model->name);
	turn->place = place;
	choose(turn, model);
	return true;
}

void fallback_failed(struct turn *turn, bool for_good)
{
	struct model *model = turn->model;
	uint64_t now = loop_now_ms(turn->ai->loop);

	if (now - model->fails_since_ms > FAILS_MS) {
		model->fails_since_ms = now;
		model->fails = 0;
	}
	if (turn->ai->fallback_count == 0 || (++model->fails < FAILS && !for_good))
		return;
	model->cool_ms = model->cool_ms == 0 ? COOL_MS : model->cool_ms * 2;
	if (model->cool_ms > COOL_MAX_MS)
		model->cool_ms = COOL_MAX_MS;
	model->cool_until_ms = now + model->cool_ms;
	model->fails = 0;
	log_warn(turn->ai->log, "model %s is not asked for %u seconds", model->name, model->cool_ms / 1000);
}

void fallback_worked(struct turn *turn)
{
	turn->model->fails = 0;
	turn->model->cool_ms = 0;
	turn->model->cool_until_ms = 0;
}
