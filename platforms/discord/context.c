/* What others said in a thread or channel before we were called: read once, for the first turn there. */
#include "decode.h"
#include "mem.h"
#include "message.h"
#include "said.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	PAGE = 50,	 /* messages read: not all have words */
	WAIT_MS = 1500,	 /* for a turn in the limits; */
	TOTAL_MS = 3000, /* with the request the core has its answer within 5 s */
	THREAD_STARTER =
		21, /* type of the message that stands for the one a thread was made from (sheet 9) */
};

/* One question of the core. */
struct context {
	struct discord_contexts *of;
	uint64_t serial, ticket, call;
	struct discord_place place;
	struct loop_timer *timer;
	struct context *prev, *next;
};

struct discord_contexts {
	struct platform *bot;
	struct context *all;
	uint64_t last_serial;
};

static void context_free(struct context *context)
{
	if (context->call)
		discord_rest_cancel(context->of->bot, context->call);
	DL_DELETE(context->of->all, context);
	loop_timer_destroy(context->timer);
	discord_place_finish(&context->place);
	free(context);
}

static void answer(struct context *context, const char *text)
{
	struct platform_host *host = context->of->bot->host;
	uint64_t ticket = context->ticket;

	context_free(context);
	host->context(host, ticket, text);
}

/* ---- telling --------------------------------------------------------------------------------------------- */

static bool add(struct said *said, const struct platform *bot, const json_t *message)
{
	const json_t *start = json_object_get(message, "referenced_message");
	char name[MESSAGE_NAME_MAX + 1], *words;
	bool more;

	if (json_int(message, "type", 0) == THREAD_STARTER) {
		if (!json_is_object(start))
			return true;
		message = start;
	}
	if (!discord_person(json_object_get(message, "author"), json_object_get(message, "member"), name))
		snprintf(name, sizeof(name), "somebody");
	words = discord_words(bot, message);
	more = said_add(said, name, words);
	free(words);
	return more;
}

/* Newest first. Without the right to read the history the list is empty (sheet 17). */
static void tell(struct context *context, const json_t *messages)
{
	const struct platform *bot = context->of->bot;
	struct said said = { 0 };
	const json_t *message;
	char *text;
	size_t i;

	json_array_foreach (messages, i, message) {
		snowflake id = snowflake_read(json_object_get(message, "id"));

		if (context->place.message != 0 && id >= context->place.message)
			continue; /* ours, and what came after it, are no context */
		if (!add(&said, bot, message))
			break;
	}
	text = said_take(&said);
	answer(context, text);
	free(text);
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static void on_page(struct platform *bot, void *owner, uint64_t serial, const struct discord_answer *given)
{
	const struct discord_contexts *contexts = owner;
	struct context *context;

	DL_SEARCH_SCALAR(contexts->all, context, serial, serial);
	if (context == NULL)
		return;
	context->call = 0;
	if (given->how == DISCORD_OK) {
		tell(context, given->body);
	} else {
		log_info(bot->host->log, "what was said before can't be read: %s", given->why);
		answer(context, NULL);
	}
}

static void ask(struct context *context)
{
	char channel[SNOWFLAKE_SIZE], before[SNOWFLAKE_SIZE];
	const struct discord_place *place = &context->place;
	char *path =
		mem_format("/channels/%s/messages?limit=%d%s%s", snowflake_text(place->channel, channel),
			   PAGE, place->message ? "&before=" : "", snowflake_text(place->message, before));
	struct discord_call call = {
		.method = "GET", .path = path, .wait_ms = WAIT_MS, .total_ms = TOTAL_MS
	};

	context->call = discord_rest(context->of->bot, &call, on_page, context->of, context->serial);
	free(path);
}

/* In a direct message nobody else says anything. */
static void fire(void *data)
{
	struct context *context = data;
	const struct platform *bot = context->of->bot;

	if (context->place.channel == 0 || context->place.guild == 0 || bot->dead || bot->disabled)
		answer(context, NULL);
	else
		ask(context);
}

/* ---- the contract ---------------------------------------------------------------------------------------- */

void discord_context(struct platform *bot, const char *reply_to, uint64_t ticket)
{
	struct context *context = mem_zero(1, sizeof(*context));

	context->of = bot->contexts;
	context->ticket = ticket;
	context->serial = ++bot->contexts->last_serial;
	discord_place_read(reply_to, &context->place); /* what is none has no channel */
	context->timer = loop_timer_create(bot->host->loop, fire, context);
	DL_APPEND(bot->contexts->all, context);
	loop_timer_start(context->timer, 0, 0);
}

struct discord_contexts *discord_contexts_create(struct platform *bot)
{
	struct discord_contexts *contexts = mem_zero(1, sizeof(*contexts));

	contexts->bot = bot;
	return contexts;
}

void discord_contexts_destroy(struct discord_contexts *contexts)
{
	if (contexts == NULL)
		return;
	while (contexts->all)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the list */
		context_free(contexts->all);
	contexts->bot->contexts = NULL;
	free(contexts);
}
