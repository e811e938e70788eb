/* The heartbeat (sheet 6.1), by which alone a connection is judged alive, and the limits of what we send (sheet 8). */
#include "clock.h"
#include "crypto.h"
#include "gateway_room.h"
#include "mem.h"
#include "metrics.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60000 };

static struct metric beat_time = {
	.name = "usher_discord_heartbeat_seconds",
	.help = "From the latest heartbeat to its acknowledgement, by shard",
	.type = METRIC_GAUGE,
	.label = "bot,shard",
};

static uint64_t now_of(const struct shard *shard)
{
	return loop_now_ms(shard->gateway->bot->host->loop);
}

/* How many of the latest are younger than a minute is known from the one that is so many back. 0 stands for never. */
static bool room_for(const struct shard *shard, unsigned kept)
{
	uint64_t at = shard->sends[(shard->send_next + kept) % GATEWAY_SENDS];

	return at == 0 || now_of(shard) - at >= MINUTE_MS;
}

bool discord_shard_send(struct shard *shard, const char *text, size_t len, bool beat)
{
	const struct log *log = shard->gateway->bot->host->log;

	if (len > DISCORD_SEND_MAX) {
		log_error(log, "shard %u: a message of %zu bytes is larger than the gateway takes", shard->id,
			  len);
		return false;
	}
	if (!room_for(shard, beat ? 0 : GATEWAY_SENDS_KEPT)) {
		log_warn(log, "shard %u: too many messages in a minute: one is not sent", shard->id);
		return false;
	}
	if (shard->ws == NULL || !ws_send(shard->ws, false, text, len))
		return false;
	shard->sends[shard->send_next] = now_of(shard);
	shard->send_next = (shard->send_next + 1) % GATEWAY_SENDS;
	return true;
}

void discord_beat_now(struct shard *shard)
{
	char *text = shard->has_seq ? mem_format("{\"op\":1,\"d\":%" PRIu64 "}", shard->seq)
				    : mem_text("{\"op\":1,\"d\":null}");

	if (discord_shard_send(shard, text, strlen(text), true)) {
		shard->beat_at = now_of(shard);
		shard->beat_wall_ms = clock_wall_ms();
	}
	free(text);
}

void discord_on_beat(void *data)
{
	struct shard *shard = data;

	if (shard->awaits_ack) {
		discord_shard_again(shard, 0, "the gateway did not acknowledge a heartbeat");
		return;
	}
	shard->awaits_ack = true;
	discord_beat_now(shard);
}

/* The first comes at a random moment, so that many that connect together do not beat together. */
void discord_beat_start(struct shard *shard, uint64_t interval)
{
	uint32_t random;

	crypto_random(&random, sizeof(random));
	shard->interval = interval;
	shard->awaits_ack = false;
	loop_timer_start(shard->beat, (interval * random) >> 32, interval);
}

void discord_beat_stop(struct shard *shard)
{
	loop_timer_stop(shard->beat);
	shard->awaits_ack = false;
}

void discord_beat_acked(struct shard *shard)
{
	char id[16];

	shard->awaits_ack = false;
	if (shard->beat_at == 0)
		return;
	snprintf(id, sizeof(id), "%u", shard->id);
	metric_set(&beat_time, (const char *[]){ shard->gateway->bot->config.name, id },
		   (double)(now_of(shard) - shard->beat_at) / 1000);
	if (shard->state == SHARD_READY)
		shard->came_ms = shard->beat_wall_ms;
	discord_position_moved(shard);
}
