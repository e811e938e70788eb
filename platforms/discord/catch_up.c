/* Messages missed while there was no session: which channels may hold some, since when, and when all are read. Channels and
 * active threads are known from the GUILD_CREATEs of a new session, with the id of their newest message: one in which
 * nothing was said costs no call. Direct messages are listed nowhere (sheet 9.3): those with a cursor are asked; who wrote
 * to us for the first time while we were away is not found by any call, and has to write again. A thread that was archived
 * again before we came back is not found either. */
#include "catch_up_room.h"
#include "clock.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { CURSORS_MAX = 10000, GUILDS_MAX = 20000, SCOPE_SIZE = sizeof(DISCORD_CURSOR_DIRECT) + SNOWFLAKE_SIZE };

static void look(void *data);

struct discord_catch_up *discord_catch_up_create(struct platform *bot)
{
	struct discord_catch_up *up = mem_zero(1, sizeof(*up));

	up->bot = bot;
	up->cursors.max = CURSORS_MAX;
	up->timer = loop_timer_create(bot->host->loop, look, up);
	catch_up_readers_create(up);
	return up;
}

/* ---- cursors ----------------------------------------------------------------------------------------------- */

/* The channel of a scope of that kind; 0: another one. */
static snowflake channel_of(const char *scope, const char *kind)
{
	size_t len = strlen(kind);

	return strncmp(scope, kind, len) == 0 ? snowflake_parse(scope + len) : 0;
}

void discord_catch_up_cursor(struct platform *bot, const char *scope, const char *position)
{
	struct discord_catch_up *up = bot->catch_up;
	snowflake at = snowflake_parse(position);
	char text[SNOWFLAKE_SIZE];
	struct recent *cursor;

	if (up == NULL || at == 0 || strlen(scope) >= SCOPE_SIZE ||
	    (channel_of(scope, DISCORD_CURSOR) == 0 && channel_of(scope, DISCORD_CURSOR_DIRECT) == 0))
		return;
	cursor = recents_touch(&up->cursors, scope);
	if (at > snowflake_parse(cursor->text))
		recents_set(cursor, snowflake_text(at, text));
}

/* Somebody waits there: it is the next one. */
bool discord_catch_up_holds(const struct platform *bot, snowflake channel)
{
	struct discord_catch_up *up = bot->catch_up;
	struct scope *scope = NULL;

	if (up)
		HASH_FIND(hh, up->scopes, &channel, sizeof(channel), scope);
	if (scope && !scope->read && scope != up->waiting) {
		DL_DELETE(up->waiting, scope);
		DL_PREPEND(up->waiting, scope);
	}
	return scope != NULL;
}

/* ---- scopes ------------------------------------------------------------------------------------------------ */

static snowflake later(snowflake a, snowflake b)
{
	return a > b ? a : b;
}

static snowflake time_before(snowflake id, int64_t ms)
{
	return snowflake_ms(id) > ms ? snowflake_at(snowflake_ms(id) - ms) : 0;
}

/* Where reading begins; 0: nothing of it can have been missed. */
static snowflake begin_at(const struct discord_catch_up *up, const struct run *run, const char *kind,
			  snowflake channel)
{
	int64_t hours_ms = (int64_t)up->bot->config.catch_up_hours * 3600 * 1000;
	char key[SCOPE_SIZE], id[SNOWFLAKE_SIZE];
	const struct recent *cursor;
	snowflake from;

	snprintf(key, sizeof(key), "%s%s", kind, snowflake_text(channel, id));
	cursor = recents_find((struct recents *)(uintptr_t)&up->cursors, key);
	from = later(run->from, cursor ? snowflake_parse(cursor->text) : 0);
	return from ? later(from, snowflake_at(clock_wall_ms() - hours_ms)) : 0;
}

static void add_scope(struct discord_catch_up *up, struct run *run, snowflake channel, snowflake guild,
		      snowflake from)
{
	struct scope *scope;

	HASH_FIND(hh, up->scopes, &channel, sizeof(channel), scope);
	if (scope)
		return;
	if (HASH_COUNT(up->scopes) >= CATCH_UP_SCOPES_MAX) {
		if (!run->warned)
			log_warn(up->bot->host->log,
				 "too many channels with missed messages: some are left out");
		run->warned = true;
		return;
	}
	scope = mem_zero(1, sizeof(*scope));
	*scope = (struct scope){ .channel = channel, .guild = guild, .from = from, .run = run };
	HASH_ADD(hh, up->scopes, channel, sizeof(scope->channel), scope);
	DL_APPEND(up->waiting, scope);
	run->left++;
}

void catch_up_end_scope(struct discord_catch_up *up, struct scope *scope)
{
	scope->run->left--;
	if (!scope->read)
		DL_DELETE(up->waiting, scope);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
	HASH_DEL(up->scopes, scope);
	free(scope);
}

void catch_up_drop_waiting(struct discord_catch_up *up, struct run *run)
{
	struct scope *scope, *next;

	DL_FOREACH_SAFE(up->waiting, scope, next)
	if (scope->run == run)
		catch_up_end_scope(up, scope);
}

/* ---- runs -------------------------------------------------------------------------------------------------- */

static void forget_guilds(struct run *run)
{
	struct offered *offered = run->guilds, *next;

	HASH_CLEAR(hh, run->guilds);
	for (; offered; offered = next) {
		next = offered->hh.next;
		free(offered);
	}
}

/* Nothing of this run (NULL: of any) is read any more. */
static void clear(struct discord_catch_up *up, const struct run *run)
{
	struct scope *scope, *next;

	catch_up_take_away(up, run);
	HASH_ITER (hh, up->scopes, scope, next) {
		if (run == NULL || scope->run == run)
			catch_up_end_scope(up, scope);
	}
}

static void finish(struct discord_catch_up *up, struct run *run)
{
	if (run->messages)
		log_info(up->bot->host->log, "%u missed messages were found, by %u calls", run->messages,
			 run->calls);
	run->open = false;
	discord_gateway_caught_up(up->bot->gateway, run->shard);
}

static void look(void *data)
{
	struct discord_catch_up *up = data;
	const struct platform *bot = up->bot;
	uint64_t now = loop_now_ms(bot->host->loop), next = 0;
	struct run *run;

	if (bot->dead || bot->disabled ||
	    bot->stopping) { /* guilds that did not come yet do not come any more */
		discord_catch_up_stop(up->bot);
		return;
	}
	LL_FOREACH (up->runs, run) {
		if (!run->open || run->left)
			continue;
		if (now >= run->quiet_ms)
			finish(up, run);
		else if (next == 0 || run->quiet_ms < next)
			next = run->quiet_ms;
	}
	if (next)
		loop_timer_start(up->timer, next - now, 0);
}

void catch_up_look(struct discord_catch_up *up)
{
	loop_timer_start(up->timer, 0, 0);
}

static struct run *find_run(const struct discord_catch_up *up, unsigned shard)
{
	struct run *run;

	LL_FOREACH (up->runs, run) {
		if (run->shard == shard)
			return run;
	}
	return NULL;
}

static void drop_run(struct discord_catch_up *up, struct run *run)
{
	clear(up, run);
	forget_guilds(run);
	LL_DELETE(up->runs, run);
	free(run);
}

static int newest_first(const struct recent *a, const struct recent *b)
{
	snowflake left = snowflake_parse(a->text), right = snowflake_parse(b->text);

	return left < right ? 1 : left > right ? -1 : 0;
}

static void add_directs(struct discord_catch_up *up, struct run *run)
{
	HASH_SRT(hh, up->cursors.all, newest_first);
	for (const struct recent *cursor = up->cursors.all; cursor; cursor = cursor->hh.next) {
		snowflake channel = channel_of(cursor->key, DISCORD_CURSOR_DIRECT), from;

		from = channel ? begin_at(up, run, DISCORD_CURSOR_DIRECT, channel) : 0;
		if (from)
			add_scope(up, run, channel, 0, from);
	}
}

void discord_catch_up_begin(struct platform *bot, unsigned shard, unsigned shards, snowflake seen)
{
	struct discord_catch_up *up = bot->catch_up;
	uint64_t now = loop_now_ms(bot->host->loop);
	struct run *run, *next;
	bool reads = bot->config.catch_up_hours > 0;

	/* Those of another count of shards are of no use any more. */
	LL_FOREACH_SAFE(up->runs, run, next)
	if (run->shard == shard || run->shard >= shards)
		drop_run(up, run);
	run = mem_zero(1, sizeof(*run));
	*run = (struct run){ .shard = shard,
			     .from = seen ? time_before(seen, CATCH_UP_OVERLAP_MS) : 0,
			     .open = true,
			     .begun_ms = now,
			     .quiet_ms = reads ? now + CATCH_UP_QUIET_MS : now };
	LL_PREPEND(up->runs, run);
	if (reads && shard == 0)
		add_directs(up, run);
	catch_up_feed(up);
	catch_up_look(up);
}

/* Once for each guild of a run: one that comes back from an outage had its turn. Its channels come at once. */
static bool has_turn(struct run *run, snowflake guild, uint64_t now)
{
	struct offered *offered;

	HASH_FIND(hh, run->guilds, &guild, sizeof(guild), offered);
	if (offered)
		return now - offered->at_ms < CATCH_UP_QUIET_MS;
	if (HASH_COUNT(run->guilds) >= GUILDS_MAX)
		return run->open;
	offered = mem_zero(1, sizeof(*offered));
	offered->guild = guild;
	offered->at_ms = now;
	HASH_ADD(hh, run->guilds, guild, sizeof(offered->guild), offered);
	return true;
}

/* Categories and forums hold no messages: what they call their newest one is a thread (sheet 9.3). */
static bool holds_messages(const struct discord_channel *channel)
{
	return discord_is_thread(channel->type) || channel->type == 0 || channel->type == 2 ||
	       channel->type == 5 || channel->type == 13;
}

void discord_catch_up_offer(struct platform *bot, unsigned shard, const struct discord_channel *channel,
			    snowflake since)
{
	struct discord_catch_up *up = bot->catch_up;
	uint64_t now = loop_now_ms(bot->host->loop);
	struct run *run = find_run(up, shard);
	snowflake from;

	if (run == NULL || bot->config.catch_up_hours == 0 || !has_turn(run, channel->guild, now))
		return;
	if (run->open) {
		run->quiet_ms = now + CATCH_UP_QUIET_MS;
		if (run->quiet_ms > run->begun_ms + CATCH_UP_OPEN_MS)
			run->quiet_ms = run->begun_ms + CATCH_UP_OPEN_MS;
	}
	if (bot->config.guilds == DISCORD_NEVER || !holds_messages(channel))
		return;
	from = begin_at(up, run, DISCORD_CURSOR, channel->id);
	if (from == 0 || channel->last_message <= later(from, since))
		return;
	from = later(from, since);
	add_scope(up, run, channel->id, channel->guild, from);
	catch_up_feed(up);
}

void discord_catch_up_stop(struct platform *bot)
{
	struct discord_catch_up *up = bot->catch_up;

	while (up && up->runs)
		drop_run(up, up->runs);
}

void discord_catch_up_destroy(struct discord_catch_up *up)
{
	if (up == NULL)
		return;
	while (up->runs)
		drop_run(up, up->runs);
	catch_up_readers_destroy(up);
	recents_finish(&up->cursors);
	loop_timer_destroy(up->timer);
	free(up);
}
