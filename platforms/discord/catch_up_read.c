/* Reads channels from where they were left, page by page and one message at a time, through the gate of live ones. A call
 * that fails is made again; what the core can't take now is handed over again; what we may not read is left out. */
#include "backoff.h"
#include "catch_up_room.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

enum {
	TRIES_MAX = 8,	 /* of one call, before other channels have their turn */
	ROUNDS_MAX = 3,	 /* of a channel */
	AGAIN_MS = 2000, /* the least pause after a failure */
	AGAIN_MAX_MS = 60000,
	CALL_WAIT_MS = 60000, /* there is no hurry */
	ANSWER_MAX = 8 << 20, /* a page of long messages with embeds */
};

static void go_on(struct reader *reader, uint64_t after_ms)
{
	loop_timer_start(reader->timer, after_ms, 0);
}

static void try_again(struct reader *reader, unsigned asked_ms)
{
	uint64_t pause = AGAIN_MS + backoff_ms(++reader->tries, AGAIN_MS, AGAIN_MAX_MS);

	go_on(reader, asked_ms ? asked_ms : pause);
}

/* ---- what is read next ------------------------------------------------------------------------------------- */

static void lay_aside(struct reader *reader)
{
	json_decref(reader->found);
	reader->found = NULL;
	reader->scope = NULL;
	reader->at = 0;
	reader->tries = reader->count = reader->pages = 0;
	reader->last = false;
	if (reader->call)
		discord_rest_cancel(reader->up->bot, reader->call);
	reader->call = 0;
	loop_timer_stop(reader->timer);
}

void catch_up_feed(struct discord_catch_up *up)
{
	for (size_t i = 0; i < CATCH_UP_READERS && up->waiting; i++) {
		struct reader *reader = &up->readers[i];

		if (reader->scope || reader->waiting)
			continue;
		reader->scope = up->waiting;
		reader->scope->read = true;
		reader->after = reader->scope->from;
		DL_DELETE(up->waiting, reader->scope);
		go_on(reader, 0);
	}
}

void catch_up_take_away(struct discord_catch_up *up, const struct run *run)
{
	for (size_t i = 0; i < CATCH_UP_READERS; i++) {
		struct reader *reader = &up->readers[i];

		if (reader->scope && (run == NULL || reader->scope->run == run))
			lay_aside(reader);
	}
}

static void end_channel(struct reader *reader)
{
	struct discord_catch_up *up = reader->up;
	struct scope *scope = reader->scope;

	lay_aside(reader);
	catch_up_end_scope(up, scope);
	catch_up_feed(up);
	catch_up_look(up);
}

/* Behind the others, after a pause; it is held meanwhile. */
static void put_off(struct reader *reader)
{
	struct scope *scope = reader->scope;

	lay_aside(reader);
	scope->read = false;
	DL_APPEND(reader->up->waiting, scope);
	go_on(reader, AGAIN_MAX_MS);
}

/* ---- a page ------------------------------------------------------------------------------------------------ */

static snowflake id_of(const json_t *message)
{
	return snowflake_read(json_object_get(message, "id"));
}

static int oldest_first(const void *a, const void *b)
{
	snowflake left = id_of(*(json_t *const *)a), right = id_of(*(json_t *const *)b);

	return left < right ? -1 : left > right;
}

/* Newest first is how they come (sheet 17); the order they are handed over in does not rest on that. */
static void take_page(struct reader *reader, const json_t *body)
{
	size_t count = 0, came = json_array_size(body);
	json_t **page = mem_zero(came + 1, sizeof(json_t *));

	for (size_t i = 0; i < came; i++) {
		json_t *message = json_array_get(body, i);

		if (id_of(message) > reader->after)
			page[count++] = message;
	}
	qsort(page, count, sizeof(json_t *), oldest_first);
	reader->found = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append(reader->found, page[i]);
	reader->last = came < CATCH_UP_PAGE || count == 0;
	if (count)
		reader->after = id_of(page[count - 1]);
	free(page);
	reader->pages++;
	reader->tries = 0;
	go_on(reader, 0);
}

/* What others said to each other costs a page now and then, and nothing else. */
static bool is_enough(const struct reader *reader)
{
	return reader->count >= reader->up->bot->config.catch_up_messages ||
	       reader->pages >= CATCH_UP_PAGES_MAX;
}

static void leave_rest(struct reader *reader)
{
	char id[SNOWFLAKE_SIZE];

	log_warn(reader->up->bot->host->log,
		 "channel %s: the rest of what was missed is left out (%u messages, %u pages)",
		 snowflake_text(reader->scope->channel, id), reader->count, reader->pages);
	end_channel(reader);
}

static void leave_out(struct reader *reader, const char *why)
{
	char id[SNOWFLAKE_SIZE];

	log_info(reader->up->bot->host->log, "missed messages of channel %s: %s",
		 snowflake_text(reader->scope->channel, id), why ? why : "refused");
	end_channel(reader);
}

static void failed(struct reader *reader, const char *why)
{
	char id[SNOWFLAKE_SIZE];

	if (reader->tries < TRIES_MAX) {
		try_again(reader, 0);
		return;
	}
	log_warn(reader->up->bot->host->log, "missed messages of channel %s can't be read: %s",
		 snowflake_text(reader->scope->channel, id), why ? why : "no answer");
	if (++reader->scope->rounds < ROUNDS_MAX)
		put_off(reader);
	else
		end_channel(reader); /* what is said there now must not wait for ever */
}

static void answered(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	struct reader *reader = owner;

	(void)ticket;
	reader->call = 0;
	switch (answer->how) {
	case DISCORD_OK:
		if (json_is_array(answer->body))
			take_page(reader, answer->body);
		else
			failed(reader, "the answer is no list");
		return;
	case DISCORD_LIMITED: /* not a failure */
		go_on(reader, answer->retry_ms ? answer->retry_ms : AGAIN_MS);
		return;
	case DISCORD_REFUSED:
		if (answer->refusal == DISCORD_WAIT)
			go_on(reader, answer->retry_ms ? answer->retry_ms : AGAIN_MAX_MS);
		else
			leave_out(reader, answer->why);
		return;
	case DISCORD_AUTH:
		discord_catch_up_stop(bot);
		return;
	case DISCORD_NOT_SENT:
	case DISCORD_MAYBE:
		break;
	}
	failed(reader, answer->why);
}

static void ask(struct reader *reader)
{
	struct platform *bot = reader->up->bot;
	char channel[SNOWFLAKE_SIZE], after[SNOWFLAKE_SIZE], path[128];

	snprintf(path, sizeof(path), "/channels/%s/messages?after=%s&limit=%u",
		 snowflake_text(reader->scope->channel, channel), snowflake_text(reader->after, after),
		 (unsigned)CATCH_UP_PAGE);
	reader->scope->run->calls++;
	reader->call = discord_rest(
		bot,
		&(struct discord_call){
			.method = "GET", .path = path, .wait_ms = CALL_WAIT_MS, .answer_max = ANSWER_MAX },
		answered, reader, discord_ticket(bot));
}

/* ---- its messages ------------------------------------------------------------------------------------------ */

/* A start in the middle of it goes on behind this one. */
static void note_cursor(const struct reader *reader, snowflake id)
{
	char scope[sizeof(DISCORD_CURSOR_DIRECT) + SNOWFLAKE_SIZE], channel[SNOWFLAKE_SIZE],
		position[SNOWFLAKE_SIZE];

	snprintf(scope, sizeof(scope), "%s%s", reader->scope->guild ? DISCORD_CURSOR : DISCORD_CURSOR_DIRECT,
		 snowflake_text(reader->scope->channel, channel));
	discord_catch_up_cursor(reader->up->bot, scope, snowflake_text(id, position));
}

static void not_taken(struct reader *reader, const struct ack *ack)
{
	if (reader->tries == TRIES_MAX)
		log_warn(reader->up->bot->host->log, "missed messages can't be stored: %s; trying on",
			 ack->why ? ack->why : "?");
	try_again(reader, ack->retry_ms);
}

static void decided(struct platform *bot, void *owner, const struct ack *ack)
{
	struct reader *reader = owner;

	(void)bot;
	reader->waiting = false;
	if (reader->scope == NULL) { /* it was taken away meanwhile */
		catch_up_feed(reader->up);
		return;
	}
	if (ack && (ack->how == ACK_BUSY || ack->how == ACK_FAILED)) {
		not_taken(reader, ack);
		return;
	}
	reader->tries = 0;
	reader->scope->from = id_of(json_array_get(reader->found, reader->at));
	reader->count += ack != NULL;
	if (ack)
		note_cursor(reader, reader->scope->from);
	reader->scope->run->messages += ack && ack->how == ACK_STORED;
	reader->at++;
	if (!reader->inside)
		go_on(reader, 0);
}

/* Those that are not for us are decided about inside the call: a page of them is one round. */
static void hand(struct reader *reader)
{
	size_t before;

	reader->inside = true;
	do {
		before = reader->at;
		reader->waiting = true;
		discord_take_caught(reader->up->bot, reader->scope->guild,
				    json_array_get(reader->found, before), decided, reader);
	} while (reader->scope && reader->at > before && reader->at < json_array_size(reader->found));
	reader->inside = false;
	if (reader->scope && reader->at > before)
		go_on(reader, 0);
}

static void next_page(struct reader *reader)
{
	json_decref(reader->found);
	reader->found = NULL;
	reader->at = 0;
	ask(reader);
}

static void step(void *data)
{
	struct reader *reader = data;
	struct platform *bot = reader->up->bot;
	struct run *run;
	bool more;

	if (reader->scope == NULL)
		catch_up_feed(reader->up); /* after a pause */
	if (reader->scope == NULL || reader->call || reader->waiting)
		return;
	if (bot->dead || bot->disabled || bot->stopping) {
		discord_catch_up_stop(bot);
		return;
	}
	run = reader->scope->run;
	more = reader->found && reader->at < json_array_size(reader->found);
	if (reader->found && !more && reader->last) {
		end_channel(reader);
	} else if (more && reader->count < bot->config.catch_up_messages) {
		hand(reader);
	} else if (is_enough(reader)) {
		leave_rest(reader);
	} else if (run->calls >= CATCH_UP_CALLS_MAX) {
		if (!run->warned)
			log_warn(bot->host->log, "too much was missed: the rest is left out");
		run->warned = true;
		catch_up_drop_waiting(reader->up, run);
		end_channel(reader);
	} else {
		next_page(reader);
	}
}

void catch_up_readers_create(struct discord_catch_up *up)
{
	for (size_t i = 0; i < CATCH_UP_READERS; i++) {
		struct reader *reader = &up->readers[i];

		reader->up = up;
		reader->timer = loop_timer_create(up->bot->host->loop, step, reader);
	}
}

void catch_up_readers_destroy(struct discord_catch_up *up)
{
	for (size_t i = 0; i < CATCH_UP_READERS; i++) {
		lay_aside(&up->readers[i]);
		loop_timer_destroy(up->readers[i].timer);
	}
}
