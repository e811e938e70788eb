/* Keeps the order of each channel: what can't be stored comes again, and nothing of its channel passes it. */
#include "inbound.h"
#include "mem.h"
#include <stdlib.h>
#include <utlist.h>

enum { GRACE_MS = 60 * 1000 /* it was to come before; it will not come any more */ };

/* An event that is to be handed over again. */
struct discord_again {
	struct again_key {
		uint64_t seq, shard;
	} key;
	snowflake channel;
	uint64_t until_ms;
	UT_hash_handle hh;
};

/* ---- what must come again ------------------------------------------------------------------------------------- */

static struct discord_again *find_again(const struct discord_inbound *inbound,
					const struct discord_event *event)
{
	const struct again_key key = { .seq = event->seq, .shard = event->shard };
	struct discord_again *again;

	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the key has no gaps */
	HASH_FIND(hh, inbound->again, &key, sizeof(key), again);
	return again;
}

static void forget(struct discord_inbound *inbound, struct discord_again *again)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
	HASH_DEL(inbound->again, again);
	free(again);
}

void discord_line_again(struct discord_inbound *inbound, snowflake channel, const struct discord_event *event,
			unsigned again_ms)
{
	struct discord_again *again = find_again(inbound, event);

	if (again == NULL) {
		again = mem_zero(1, sizeof(*again));
		again->key = (struct again_key){ .seq = event->seq, .shard = event->shard };
		HASH_ADD(hh, inbound->again, key, sizeof(again->key), again);
	}
	again->channel = channel;
	again->until_ms = loop_now_ms(inbound->bot->host->loop) + again_ms + GRACE_MS;
}

void discord_line_came(struct discord_inbound *inbound, const struct discord_event *event)
{
	struct discord_again *again = inbound->again ? find_again(inbound, event) : NULL;

	if (again)
		forget(inbound, again);
}

bool discord_line_blocked(const struct discord_inbound *inbound, snowflake channel,
			  const struct discord_event *event)
{
	uint64_t now = inbound->again ? loop_now_ms(inbound->bot->host->loop) : 0;
	const struct discord_again *again, *next;

	HASH_ITER (hh, inbound->again, again, next)
		if (again->channel == channel && again->key.shard == event->shard &&
		    again->key.seq < event->seq && again->until_ms >= now)
			return true;
	return false;
}

static void forget_shard(struct discord_inbound *inbound, const unsigned *shard)
{
	struct discord_again *again, *next;

	HASH_ITER (hh, inbound->again, again, next)
		if (shard == NULL || again->key.shard == *shard)
			forget(inbound, again);
}

void discord_lines_reset(struct discord_inbound *inbound, unsigned shard)
{
	forget_shard(inbound, &shard);
}

void discord_lines_finish(struct discord_inbound *inbound)
{
	forget_shard(inbound, NULL);
}

/* ---- lines -------------------------------------------------------------------------------------------------------- */

void discord_hand_over(struct discord_arrival *arrival)
{
	struct platform *bot = arrival->bot;

	arrival->in.receipt = discord_ticket(bot);
	arrival->owed = true;
	HASH_ADD(hh, bot->inbound->owed, in.receipt, sizeof(arrival->in.receipt), arrival);
	bot->host->incoming(bot->host, &arrival->in);
}

static struct discord_line *find(const struct discord_inbound *inbound, snowflake channel)
{
	struct discord_line *line;

	HASH_FIND(hh, inbound->lines, &channel, sizeof(channel), line);
	return line;
}

void discord_line_advance(struct discord_inbound *inbound, snowflake channel)
{
	static const struct ack closed = { .how = ACK_BUSY, .retry_ms = 1000, .why = "we are stopping" };
	struct discord_line *line = find(inbound, channel);
	const struct platform *bot = inbound->bot;

	if (line == NULL || line->head->owed || line->head->waits)
		return;
	if (bot->stopping || bot->disabled || bot->dead)
		discord_arrival_end(line->head, &closed);
	else
		discord_hand_over(line->head);
}

bool discord_line_waits(const struct discord_inbound *inbound, snowflake channel)
{
	uint64_t now = inbound->again ? loop_now_ms(inbound->bot->host->loop) : 0;
	const struct discord_again *again, *next;

	HASH_ITER (hh, inbound->again, again, next)
		if (again->channel == channel && again->until_ms >= now)
			return true;
	return inbound->lines && find(inbound, channel) != NULL;
}

void discord_line_up(struct discord_arrival *arrival)
{
	struct discord_inbound *inbound = arrival->bot->inbound;
	struct discord_line *line = find(inbound, arrival->channel);

	if (line == NULL) {
		line = mem_zero(1, sizeof(*line));
		line->channel = arrival->channel;
		HASH_ADD(hh, inbound->lines, channel, sizeof(line->channel), line);
	}
	arrival->line = line;
	LL_APPEND2(line->head, arrival, behind);
	discord_line_advance(inbound, arrival->channel);
}

void discord_line_leave(struct discord_arrival *arrival)
{
	struct discord_inbound *inbound = arrival->bot->inbound;
	struct discord_line *line = arrival->line;

	if (line == NULL)
		return;
	LL_DELETE2(line->head, arrival, behind);
	arrival->line = NULL;
	arrival->behind = NULL;
	if (line->head)
		return;
	HASH_DEL(inbound->lines, line);
	free(line);
}
