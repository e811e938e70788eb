/* Who may IDENTIFY, and when: the platform resets the token of a bot that does it more than 1,000 times a day, and ends
 * sessions when too many do it at once (sheet 4, 8). Each is written down before it goes out. */
#include "clock.h"
#include "crypto.h"
#include "gateway_room.h"
#include "mem.h"
#include "metrics.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CONCURRENCY_MAX = 1000, REMAINING_MAX = 1000000, AGAIN_MS = 1000 };
#define DAY_MS	  INT64_C(86400000)
#define RENEW_MAX INT64_C(172800000)

static struct metric identifies = {
	.name = "usher_discord_identifies",
	.help = "Sessions begun in the last 24 hours",
	.type = METRIC_GAUGE,
	.label = "bot",
};

static uint64_t now_of(const struct discord_gateway *gateway)
{
	return loop_now_ms(gateway->bot->host->loop);
}

static unsigned bounded(int64_t value, unsigned least, unsigned most)
{
	return value < least ? least : value > most ? most : (unsigned)value;
}

void discord_identify_limits(struct discord_gateway *gateway, const json_t *limit)
{
	unsigned concurrency = bounded(json_int(limit, "max_concurrency", 1), 1, CONCURRENCY_MAX);
	int64_t after = json_int(limit, "reset_after", 0);

	gateway->remaining = bounded(json_int(limit, "remaining", 1), 0, REMAINING_MAX);
	gateway->renewed = now_of(gateway) + (uint64_t)(after < 0	    ? 0
							: after > RENEW_MAX ? RENEW_MAX
									    : after);
	if (concurrency == gateway->concurrency)
		return;
	free(gateway->buckets);
	gateway->buckets = mem_zero(concurrency, sizeof(*gateway->buckets));
	gateway->concurrency = concurrency;
}

/* ---- the budgets ---------------------------------------------------------------------------------------------------- */

static void begin_new_day(struct discord_gateway *gateway)
{
	int64_t now = clock_wall_ms();

	if (gateway->since > now)
		gateway->since = now; /* the clock was set back: the count stays */
	if (now - gateway->since < DAY_MS)
		return;
	gateway->since = now;
	gateway->identifies = 0;
}

/* How many IDENTIFYs are left; 0: wait_out says until when. */
static unsigned left(struct discord_gateway *gateway, uint64_t *wait_out, char why_out[GATEWAY_WHY])
{
	uint64_t now = now_of(gateway);
	unsigned allowed = gateway->bot->config.identifies_a_day, ours;

	begin_new_day(gateway);
	if (gateway->remaining == 0 && now >= gateway->renewed)
		gateway->remaining =
			1; /* renewed; how much it is, the platform says when it is asked again */
	ours = gateway->identifies < allowed ? allowed - gateway->identifies : 0;
	if (ours == 0) {
		*wait_out = (uint64_t)(gateway->since + DAY_MS - clock_wall_ms()) + 1;
		snprintf(why_out, GATEWAY_WHY,
			 "%u sessions were begun in 24 hours, as many as identifies_a_day allows: does "
			 "another "
			 "program use this bot token? No new one for %" PRIu64 " minutes",
			 gateway->identifies, *wait_out / 60000 + 1);
	} else if (gateway->remaining == 0) {
		*wait_out = gateway->renewed - now;
		snprintf(why_out, GATEWAY_WHY,
			 "the platform allows no more sessions for %" PRIu64
			 " minutes: does another program use "
			 "this bot token?",
			 *wait_out / 60000 + 1);
	}
	return ours < gateway->remaining ? ours : gateway->remaining;
}

uint64_t discord_identify_wait(struct discord_gateway *gateway, char why_out[GATEWAY_WHY])
{
	uint64_t wait = 0;

	return left(gateway, &wait, why_out) > 0 ? 0 : wait;
}

/* ---- the queue -------------------------------------------------------------------------------------------------------- */

static uint64_t *bucket_of(const struct discord_gateway *gateway, const struct shard *shard)
{
	return &gateway->buckets[shard->id % gateway->concurrency];
}

static void fill_bucket(const struct discord_gateway *gateway, const struct shard *shard)
{
	const struct gateway_times *times = &gateway->times;
	uint32_t random;

	crypto_random(&random, sizeof(random));
	*bucket_of(gateway, shard) =
		now_of(gateway) + times->bucket + (((uint64_t)times->bucket_spread * random) >> 32);
}

static void send_granted(struct discord_gateway *gateway, bool written)
{
	for (unsigned i = 0; i < gateway->count; i++) {
		struct shard *shard = &gateway->shards[i];

		if (!shard->granted)
			continue;
		shard->granted = false;
		if (!written || !gateway->wanted || shard->state != SHARD_QUEUED)
			continue;
		fill_bucket(gateway, shard);
		gateway->remaining -= gateway->remaining > 0;
		discord_shard_identify(shard);
	}
}

static void on_written(struct platform *bot, void *owner, const struct err *err)
{
	struct discord_gateway *gateway = owner;

	gateway->writing_count = false;
	if (err->kind != ERR_NONE)
		log_warn(bot->host->log, "no session is begun, as it can't be counted: %s", err->text);
	send_granted(gateway, err->kind == ERR_NONE);
	metric_set(&identifies, (const char *[]){ bot->config.name }, gateway->identifies);
	if (!gateway->wanted)
		discord_gateway_changed(gateway);
	else if (err->kind == ERR_NONE)
		discord_identify_wish(gateway);
	else
		loop_timer_start(gateway->turn, AGAIN_MS, 0);
}

static void write_count(struct discord_gateway *gateway, unsigned more)
{
	char *text;

	gateway->identifies += more;
	gateway->writing_count = true;
	text = mem_format("{\"since\":%lld,\"count\":%u}", (long long)gateway->since, gateway->identifies);
	discord_remember(gateway->bot, "identifies", text, on_written, gateway);
	free(text);
}

/* Those for whom nothing is left wait without a connection. */
static void send_away(struct discord_gateway *gateway, uint64_t wait, const char *why)
{
	for (unsigned i = 0; i < gateway->count; i++)
		if (gateway->shards[i].state == SHARD_QUEUED)
			discord_shard_again(&gateway->shards[i], wait, why);
}

/* In the order of their ids: of a bucket one may go at a time. */
void discord_identify_wish(struct discord_gateway *gateway)
{
	uint64_t now = now_of(gateway), soonest = UINT64_MAX, wait = 0;
	unsigned granted = 0, allowed;
	char why[GATEWAY_WHY];

	if (gateway->writing_count || !gateway->wanted || gateway->buckets == NULL)
		return;
	allowed = left(gateway, &wait, why);
	if (allowed == 0) {
		send_away(gateway, wait, why);
		return;
	}
	for (unsigned i = 0; i < gateway->count; i++) {
		struct shard *shard = &gateway->shards[i];

		if (shard->state != SHARD_QUEUED)
			continue;
		if (granted < allowed && now >= *bucket_of(gateway, shard)) {
			shard->granted = true;
			fill_bucket(gateway, shard);
			granted++;
		} else if (*bucket_of(gateway, shard) < soonest) {
			soonest = *bucket_of(gateway, shard);
		}
	}
	if (granted > 0)
		write_count(gateway, granted);
	else if (soonest != UINT64_MAX)
		loop_timer_start(gateway->turn, soonest > now ? soonest - now : 1, 0);
}

bool discord_identify_recall(struct discord_gateway *gateway, const char *name, const char *text)
{
	json_t *read;

	if (strcmp(name, "identifies") != 0)
		return false;
	read = json_read(text, strlen(text), NULL);
	gateway->since = json_int(read, "since", 0);
	gateway->identifies = bounded(json_int(read, "count", 0), 0, REMAINING_MAX);
	json_decref(read);
	return true;
}
