/* Interactions on their way to the core and back: stored first, answered then, once each. */
#include "interaction.h"
#include "metrics.h"
#include <stdlib.h>
#include <utlist.h>

enum { OWED_MAX = 2000 }; /* interactions that wait for the core; further ones come again */

static struct metric interactions_total = {
	.name = "usher_discord_interactions_total",
	.help = "Interactions by what became of them; answered ones held nothing to store",
	.type = METRIC_COUNTER,
	.label = "bot,outcome",
};

static void count(const struct platform *bot, const char *outcome)
{
	metric_add(&interactions_total, (const char *[]){ bot->config.name, outcome }, 1);
}

/* ---- ends ------------------------------------------------------------------------------------------------------------- */

static void act_free(struct discord_act *act)
{
	json_decref(act->response);
	free(act->token);
	free(act);
}

/* response NULL: hand it over again. Whoever is told may hand over the next one. */
static void act_end(struct discord_act *act, const json_t *response)
{
	struct platform *bot = act->bot;

	if (response && act->token)
		discord_callback_post(bot, act->id, act->token, response);
	if (act->told)
		act->told(bot, act->owner, response);
	act_free(act);
	discord_settle(bot);
}

static void act_end_with(struct discord_act *act, json_t *response)
{
	json_decref(act->response);
	act->response = response;
	act_end(act, response);
}

/* ---- to the core -------------------------------------------------------------------------------------------------------- */

static bool may_take(const struct platform *bot)
{
	return !bot->stopping && !bot->disabled && !bot->dead &&
	       HASH_COUNT(bot->interactions->owed) < OWED_MAX;
}

static void hand_over(struct discord_act *act, struct incoming *in)
{
	struct platform *bot = act->bot;

	act->receipt = in->receipt = discord_ticket(bot);
	HASH_ADD(hh, bot->interactions->owed, receipt, sizeof(act->receipt), act);
	bot->host->incoming(bot->host, in);
}

static void take(struct discord_act *act, const struct discord_interaction *say)
{
	struct arena *arena = arena_create();
	struct incoming in;

	if (!discord_act_build(act, say, arena, &in)) {
		count(act->bot, "answered");
		act_end(act, act->response);
	} else {
		hand_over(act, &in);
	}
	arena_destroy(arena);
}

static void begin(struct platform *bot, const struct discord_interaction *say, bool posts,
		  discord_told_fn *told, void *owner)
{
	struct discord_act *act;

	if (!may_take(bot)) {
		count(bot, "later");
		told(bot, owner, NULL);
		return;
	}
	act = mem_zero(1, sizeof(*act));
	*act = (struct discord_act){ .bot = bot,
				     .id = say->id,
				     .token = posts ? mem_text(say->token) : NULL,
				     .told = told,
				     .owner = owner };
	take(act, say);
}

static void pong(struct platform *bot, discord_told_fn *told, void *owner)
{
	json_t *response = json_pack("{s:i}", "type", DISCORD_PONG);

	told(bot, owner, response);
	json_decref(response);
}

/* One of another application is not for us, whoever signed it: its token is of no use here. */
static void decode(const struct platform *bot, const json_t *interaction, struct discord_interaction *out)
{
	discord_interaction_decode(interaction, out);
	if (out->application && bot->app_id && out->application != bot->app_id) {
		out->kind = INTERACTION_MALFORMED;
		out->because = "it is another application's";
	}
}

void discord_interact(struct platform *bot, const json_t *interaction, discord_told_fn *told, void *owner)
{
	struct discord_interaction say;

	decode(bot, interaction, &say);
	if (say.kind == INTERACTION_MALFORMED) {
		log_warn(bot->host->log, "an interaction can't be read: %s", say.because);
		count(bot, "malformed");
	}
	if (say.kind == INTERACTION_MALFORMED || say.kind == INTERACTION_PING)
		pong(bot, told, owner); /* nothing can be posted: it is let go */
	else
		begin(bot, &say, true, told, owner);
}

bool discord_interact_http(struct platform *bot, const json_t *interaction, discord_told_fn *told,
			   void *owner)
{
	struct discord_interaction say;

	decode(bot, interaction, &say);
	if (say.kind == INTERACTION_MALFORMED) {
		log_warn(bot->host->log, "a genuine interaction can't be read: %s", say.because);
		count(bot, "malformed");
		return false;
	}
	if (say.kind == INTERACTION_PING)
		pong(bot, told, owner);
	else
		begin(bot, &say, false, told, owner);
	return true;
}

void discord_interact_forget(struct platform *bot, void *owner)
{
	struct discord_act *act, *next;

	if (bot->interactions == NULL)
		return;
	HASH_ITER (hh, bot->interactions->owed, act, next) {
		if (act->owner == owner)
			act->told = NULL;
	}
}

/* ---- from the core -------------------------------------------------------------------------------------------------------- */

/* An answer that is stored but not sent yet needs the "thinking" to take its place: it is put in nowhere else while a
 * callback is taken. */
static bool nothing_comes(enum message_state state)
{
	return state != MESSAGE_ACCEPTED && state != MESSAGE_CLAIMED && state != MESSAGE_ANSWERED;
}

/* A message that was let go does not defer again: nothing would come to replace the "thinking". */
static void stored(struct discord_act *act, const struct ack *ack)
{
	if (act->follow && ack->conversation_id)
		discord_follow(act->bot->places, act->follow);
	if (ack->how == ACK_BEFORE && nothing_comes(ack->state) &&
	    json_int(act->response, "type", 0) == DISCORD_DEFERRED)
		act_end_with(act,
			     discord_response_words("I have had this before, and there is no answer to it."));
	else
		act_end(act, act->response);
}

static void refused(struct discord_act *act, const struct ack *ack)
{
	char *words = mem_format("I can't take this: %s.", ack->why ? ack->why : "it breaks a limit");

	log_warn(act->bot->host->log, "an interaction is not taken: %s", ack->why ? ack->why : "?");
	act_end_with(act, discord_response_words(words));
	free(words);
}

static struct discord_act *take_owed(struct discord_interactions *interactions, uint64_t receipt)
{
	struct discord_act *act = NULL;

	if (interactions)
		HASH_FIND(hh, interactions->owed, &receipt, sizeof(receipt), act);
	if (act)
		HASH_DEL(interactions->owed, act);
	return act;
}

bool discord_interact_acked(struct platform *bot, uint64_t receipt, const struct ack *ack)
{
	static void (*const ends[])(struct discord_act * act, const struct ack *ack) = {
		[ACK_STORED] = stored,	      [ACK_BEFORE] = stored,	       [ACK_CONFLICT] = refused,
		[ACK_INVALID] = refused,      [ACK_NO_CONVERSATION] = refused, [ACK_ARCHIVED] = refused,
		[ACK_NOT_ADDRESSED] = stored, [ACK_DISABLED] = refused,	       [ACK_BUSY] = NULL,
		[ACK_FAILED] = NULL,
	};
	struct discord_act *act = take_owed(bot->interactions, receipt);

	if (act == NULL)
		return false;
	count(bot, ack_name(ack->how));
	if (ends[ack->how])
		ends[ack->how](act, ack);
	else
		act_end(act, NULL);
	return true;
}

/* ---- life ------------------------------------------------------------------------------------------------------------- */

size_t discord_interact_owed(const struct discord_interactions *interactions)
{
	const struct discord_callback *callback;
	size_t callbacks = 0;

	if (interactions == NULL)
		return 0;
	DL_COUNT(interactions->callbacks, callback, callbacks);
	return HASH_COUNT(interactions->owed) + callbacks;
}

struct discord_interactions *discord_interactions_create(struct platform *bot)
{
	struct discord_interactions *interactions = mem_zero(1, sizeof(*interactions));

	interactions->bot = bot;
	return interactions;
}

void discord_interactions_destroy(struct discord_interactions *interactions)
{
	struct discord_callback *callback, *next_callback;
	struct discord_act *act, *next;

	if (interactions == NULL)
		return;
	HASH_ITER (hh, interactions->owed, act, next) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
		HASH_DEL(interactions->owed, act);
		act_free(act);
	}
	DL_FOREACH_SAFE(interactions->callbacks, callback, next_callback)
	discord_callback_free(callback);
	if (interactions->bot->interactions == interactions)
		interactions->bot->interactions = NULL;
	free(interactions);
}
