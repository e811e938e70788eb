/* The answer to an interaction that came over the gateway: posted within the three seconds that there are (sheet 10.3). */
#include "interaction.h"
#include <inttypes.h>
#include <stdlib.h>
#include <utlist.h>

/* A second callback is refused (40060): so one that may have arrived can be repeated, but not after the deadline. */
enum { CALLBACK_MS = 2500, CALLBACK_ATTEMPTS = 3 };

static void post(struct discord_callback *callback);

void discord_callback_free(struct discord_callback *callback)
{
	struct discord_interactions *interactions = callback->bot->interactions;

	discord_rest_cancel(callback->bot, callback->call);
	DL_DELETE(interactions->callbacks, callback);
	json_decref(callback->response);
	free(callback->path);
	free(callback);
}

static bool worth_repeating(const struct discord_callback *callback, const struct discord_answer *answer)
{
	bool may = answer->how == DISCORD_NOT_SENT || answer->how == DISCORD_MAYBE ||
		   answer->how == DISCORD_LIMITED;

	return may && callback->attempts < CALLBACK_ATTEMPTS && !callback->bot->dead &&
	       loop_now_ms(callback->bot->host->loop) - callback->began_ms < CALLBACK_MS;
}

/* 10062 and 40060 come when it was late, or answered before a crash: what was asked is stored, and its answer finds its
 * way without the callback (pitfall 16). */
static void say_failure(const struct platform *bot, const struct discord_answer *answer)
{
	const char *why = answer->why ? answer->why : "?";

	if (answer->refusal == DISCORD_UNKNOWN_INTERACTION || answer->refusal == DISCORD_ALREADY)
		log_debug(bot->host->log, "an interaction is over, or answered before: %s", why);
	else
		log_warn(bot->host->log, "an interaction could not be answered in time: %s", why);
}

static void on_answer(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	struct discord_callback *callback = owner;

	(void)ticket;
	callback->call = 0;
	if (worth_repeating(callback, answer)) {
		post(callback);
		return;
	}
	if (answer->how != DISCORD_OK)
		say_failure(bot, answer);
	discord_callback_free(callback);
	discord_settle(bot);
}

static void post(struct discord_callback *callback)
{
	struct discord_call call = { .method = "POST",
				     .path = callback->path,
				     .args = json_incref(callback->response),
				     .no_token = true,
				     .wait_ms = CALLBACK_MS,
				     .total_ms = CALLBACK_MS };

	callback->attempts++;
	callback->call = discord_rest(callback->bot, &call, on_answer, callback, 0);
}

void discord_callback_post(struct platform *bot, snowflake id, const char *token, const json_t *response)
{
	struct discord_callback *callback = mem_zero(1, sizeof(*callback));

	callback->bot = bot;
	callback->path = mem_format("/interactions/%" PRIu64 "/%s/callback", id, token);
	callback->response = json_deep_copy(response);
	callback->began_ms = loop_now_ms(bot->host->loop);
	DL_APPEND(bot->interactions->callbacks, callback);
	post(callback);
}
