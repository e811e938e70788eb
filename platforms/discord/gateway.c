/* All shards of a bot: how many there are, where they connect to, and what their state means for the link (sheet 4, 8). */
#include "backoff.h"
#include "gateway_room.h"
#include "mem.h"
#include "metrics.h"
#include <stdlib.h>
#include <string.h>

const struct gateway_times discord_gateway_times = {
	.hello = 30000,
	.ready = 15000,
	.resumed = 60000,
	.cut = 1000,
	.first = 1000,
	.longest = 60000,
	.steady = 60000,
	.again_least = 1000,
	.again_spread = 4000,
	.limited = 60000,
	.bucket = 5000,
	.bucket_spread = 1500,
	.remember = 2000,
	.beat_least = 1000,
	.margin = 60000,
	.ask = 1000,
};

static struct metric ready_shards = {
	.name = "usher_discord_shards",
	.help = "Shards of the gateway that are ready",
	.type = METRIC_GAUGE,
	.label = "bot",
};

static struct metric attempts = {
	.name = "usher_discord_connections_total",
	.help = "Attempts to connect to the gateway, by how they ended",
	.type = METRIC_COUNTER,
	.label = "bot,how",
};

static void ask(struct discord_gateway *gateway);

struct shard *discord_gateway_shard(const struct discord_gateway *gateway, unsigned id)
{
	return id < gateway->count ? &gateway->shards[id] : NULL;
}

void discord_gateway_count(const struct discord_gateway *gateway, const char *how)
{
	metric_add(&attempts, (const char *[]){ gateway->bot->config.name, how }, 1);
}

/* ---- the link ---------------------------------------------------------------------------------------------------- */

static void show(struct discord_gateway *gateway, enum link_state now, const char *why)
{
	struct platform_host *host = gateway->bot->host;

	if (gateway->bot->dead || (gateway->shown && gateway->link == now && strcmp(gateway->why, why) == 0))
		return;
	gateway->shown = true;
	gateway->link = now;
	snprintf(gateway->why, sizeof(gateway->why), "%s", why);
	host->link(host, now, *why != '\0' ? gateway->why : NULL);
}

/* One shard that has trouble does not take the link down while others work; the reason is told. */
static void show_shards(struct discord_gateway *gateway)
{
	const struct shard *worst = NULL;
	unsigned ready = 0;
	char why[GATEWAY_WHY + 64];

	for (unsigned i = 0; i < gateway->count; i++) {
		const struct shard *shard = &gateway->shards[i];

		ready += shard->state == SHARD_READY;
		if (shard->state != SHARD_READY && (worst == NULL || shard->failures > worst->failures))
			worst = shard;
	}
	metric_set(&ready_shards, (const char *[]){ gateway->bot->config.name }, ready);
	if (!gateway->wanted || worst == NULL) {
		if (gateway->wanted && gateway->count > 0)
			show(gateway, LINK_UP, "");
		return;
	}
	if (gateway->count == 1)
		snprintf(why, sizeof(why), "%s", worst->why);
	else
		snprintf(why, sizeof(why), "%u of %u shards are connected%s%s", ready, gateway->count,
			 worst->why[0] != '\0' ? ": " : "", worst->why);
	show(gateway, ready == 0 && worst->failures > 1 ? LINK_DOWN : LINK_CONNECTING, why);
}

void discord_gateway_changed(struct discord_gateway *gateway)
{
	show_shards(gateway);
	if (!gateway->wanted && discord_gateway_idle(gateway))
		discord_settle(gateway->bot);
}

/* ---- how many, and where ------------------------------------------------------------------------------------------- */

static void close_shards(struct discord_gateway *gateway)
{
	for (unsigned i = 0; i < gateway->count; i++) {
		discord_notes_forget(gateway->bot, &gateway->shards[i]);
		discord_shard_close(&gateway->shards[i]);
	}
	free(gateway->shards);
	gateway->shards = NULL;
	gateway->count = 0;
}

static void open_shards(struct discord_gateway *gateway, unsigned count)
{
	gateway->shards = mem_zero(count, sizeof(*gateway->shards));
	gateway->count = count;
	for (unsigned i = 0; i < count; i++)
		discord_shard_open(&gateway->shards[i], gateway, i);
	discord_position_give_out(gateway);
	log_info(gateway->bot->host->log, "%u shard%s of the gateway", count, count > 1 ? "s" : "");
}

static void failed(struct discord_gateway *gateway, const char *why, unsigned least)
{
	const struct gateway_times *times = &gateway->times;
	uint64_t pause;

	gateway->ask_failures++;
	log_info(gateway->bot->host->log, "no gateway: %s", why);
	show(gateway, gateway->ask_failures > 1 ? LINK_DOWN : LINK_CONNECTING, why);
	pause = times->ask + backoff_ms(gateway->ask_failures, times->ask, times->longest - times->ask);
	loop_timer_start(gateway->ask, pause > least ? pause : least, 0);
}

static void begin(struct discord_gateway *gateway, unsigned count)
{
	if (gateway->shards != NULL && gateway->count != count) {
		discord_position_take_back(gateway);
		close_shards(gateway);
	}
	if (gateway->shards == NULL)
		open_shards(gateway, count);
	for (unsigned i = 0; i < count; i++)
		if (gateway->shards[i].state == SHARD_OFF)
			discord_shard_begin(&gateway->shards[i], 0);
	discord_gateway_changed(gateway);
}

static void take_addresses(struct discord_gateway *gateway, const json_t *body)
{
	const char *url = json_text(body, "url");
	int64_t count = json_int(body, "shards", 1);

	if (url == NULL || strlen(url) > GATEWAY_URL_MAX) {
		failed(gateway, "/gateway/bot names no address", 0);
		return;
	}
	if (gateway->bot->config.shards > 0)
		count = gateway->bot->config.shards;
	else if (count < gateway->at_least)
		count = gateway->at_least;
	if (count > GATEWAY_SHARDS_MAX) {
		failed(gateway, "the bot is in too many guilds for one process of this program", 60000);
		return;
	}
	gateway->ask_failures = 0;
	free(gateway->url);
	gateway->url = mem_text(url);
	discord_identify_limits(gateway, json_object_get(body, "session_start_limit"));
	begin(gateway, count < 1 ? 1 : (unsigned)count);
}

static void on_addresses(struct platform *bot, void *owner, uint64_t ticket,
			 const struct discord_answer *answer)
{
	struct discord_gateway *gateway = owner;

	(void)bot;
	(void)ticket;
	gateway->call = 0;
	if (!gateway->wanted)
		return;
	if (answer->how == DISCORD_OK)
		take_addresses(gateway, answer->body);
	else if (answer->how == DISCORD_AUTH)
		discord_gateway_stop(gateway, false); /* discord_dead has told it */
	else
		failed(gateway, answer->why, answer->how == DISCORD_LIMITED ? answer->retry_ms : 0);
}

static void ask(struct discord_gateway *gateway)
{
	struct discord_call call = { .method = "GET", .path = "/gateway/bot" };

	if (gateway->wanted && gateway->call == 0 && !gateway->bot->dead)
		gateway->call = discord_rest(gateway->bot, &call, on_addresses, gateway, 0);
}

static void on_ask(void *data)
{
	ask(data);
}

static void on_turn(void *data)
{
	discord_identify_wish(data);
}

static void on_remember(void *data)
{
	struct discord_gateway *gateway = data;

	gateway->remembering = false;
	for (unsigned i = 0; i < gateway->count; i++)
		discord_position_write(&gateway->shards[i]);
}

/* ---- what one shard means for all ------------------------------------------------------------------------------------ */

void discord_gateway_reshard(struct discord_gateway *gateway)
{
	gateway->at_least = gateway->count < GATEWAY_SHARDS_MAX ? gateway->count + 1 : GATEWAY_SHARDS_MAX;
	discord_position_take_back(gateway);
	close_shards(gateway);
	failed(gateway, "more shards are needed", 0);
}

void discord_gateway_fatal(struct discord_gateway *gateway, const char *why)
{
	discord_gateway_stop(gateway, false);
	discord_dead(gateway->bot, why);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------------- */

struct discord_gateway *discord_gateway_create(struct platform *bot)
{
	struct discord_gateway *gateway = mem_zero(1, sizeof(*gateway));

	gateway->bot = bot;
	gateway->times = discord_gateway_times;
	gateway->ask = loop_timer_create(bot->host->loop, on_ask, gateway);
	gateway->turn = loop_timer_create(bot->host->loop, on_turn, gateway);
	gateway->remember = loop_timer_create(bot->host->loop, on_remember, gateway);
	return gateway;
}

bool discord_gateway_recall(struct discord_gateway *gateway, const char *name, const char *text)
{
	return discord_position_recall(gateway, name, text) || discord_identify_recall(gateway, name, text);
}

void discord_gateway_start(struct discord_gateway *gateway)
{
	if (gateway->wanted)
		return;
	for (unsigned i = 0; i < gateway->count; i++) {
		struct shard *shard = &gateway->shards[i];

		if (gateway->for_good || shard->behind) /* only a new session begins the catch-up again */
			discord_position_drop(shard);
		discord_position_rewind(shard);
		shard->failures = shard->lost = shard->misses = 0;
		shard->why[0] = '\0';
	}
	gateway->wanted = true;
	gateway->for_good = gateway->shown = false;
	gateway->ask_failures = 0;
	show(gateway, LINK_CONNECTING, "");
	ask(gateway);
}

void discord_gateway_stop(struct discord_gateway *gateway, bool for_good)
{
	gateway->wanted = false;
	gateway->for_good = for_good;
	if (gateway->call != 0)
		discord_rest_cancel(gateway->bot, gateway->call);
	gateway->call = 0;
	gateway->remembering = false;
	loop_timer_stop(gateway->ask);
	loop_timer_stop(gateway->turn);
	loop_timer_stop(gateway->remember);
	for (unsigned i = 0; i < gateway->count; i++) {
		discord_shard_stop(&gateway->shards[i]);
		discord_position_write(&gateway->shards[i]);
	}
}

bool discord_gateway_idle(const struct discord_gateway *gateway)
{
	if (gateway->call != 0 || gateway->writing_count)
		return false;
	for (unsigned i = 0; i < gateway->count; i++) {
		const struct shard *shard = &gateway->shards[i];

		if (shard->state != SHARD_OFF || !discord_position_written(shard))
			return false;
	}
	return true;
}

void discord_gateway_destroy(struct discord_gateway *gateway)
{
	if (gateway == NULL)
		return;
	gateway->wanted = false;
	if (gateway->call != 0)
		discord_rest_cancel(gateway->bot, gateway->call);
	discord_notes_forget(gateway->bot, gateway);
	close_shards(gateway);
	discord_position_forget_notes(gateway);
	if (gateway->bot->gateway == gateway)
		gateway->bot->gateway = NULL;
	loop_timer_destroy(gateway->ask);
	loop_timer_destroy(gateway->turn);
	loop_timer_destroy(gateway->remember);
	free(gateway->buckets);
	free(gateway->url);
	free(gateway);
}
