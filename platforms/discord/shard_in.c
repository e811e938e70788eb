/* What comes on a shard's connection: greetings, beats, orders to go, and events (sheet 5). */
#include "clock.h"
#include "gateway_room.h"
#include "life.h"
#include "metrics.h"
#include <string.h>

enum { BEAT_MOST_MS = 10 * 60 * 1000 };

static struct metric last_frame = {
	.name = "usher_discord_last_frame_timestamp_seconds",
	.help = "When the gateway last sent something, Unix time",
	.type = METRIC_GAUGE,
	.label = "bot",
};

static struct metric events = {
	.name = "usher_discord_events_total",
	.help = "Events of the gateway: taken, or skipped unread",
	.type = METRIC_COUNTER,
	.label = "bot,what",
};

static void count_event(const struct shard *shard, const char *what)
{
	metric_add(&events, (const char *[]){ shard->gateway->bot->config.name, what }, 1);
}

/* NULL: there is none that could be read. */
static json_t *value_of(const struct gateway_frame *frame)
{
	return frame->d != NULL ? discord_frame_value(frame->name, frame->d, frame->d_len, NULL) : NULL;
}

void discord_take_hello(struct shard *shard, const struct gateway_frame *frame)
{
	const struct gateway_times *times = &shard->gateway->times;
	json_t *d;
	int64_t interval;

	if (shard->state != SHARD_GREETING)
		return;
	d = value_of(frame);
	interval = json_int(d, "heartbeat_interval", 0);
	json_decref(d);
	if (interval <= 0) {
		discord_shard_again(shard, 0, "HELLO names no heartbeat interval");
		return;
	}
	if (interval < times->beat_least)
		interval = times->beat_least;
	if (interval > BEAT_MOST_MS)
		interval = BEAT_MOST_MS;
	discord_beat_start(shard, (uint64_t)interval);
	discord_shard_greeted(shard);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static bool take_ready(struct shard *shard, const struct gateway_frame *frame)
{
	json_t *ready = value_of(frame);
	const char *session = json_text(ready, "session_id");
	bool ok = session != NULL && *session != '\0' && strlen(session) <= GATEWAY_SESSION_MAX;

	if (ok) {
		discord_position_ready(shard, ready);
		discord_bot_read(shard->gateway->bot, json_object_get(ready, "user"));
		discord_application_read(shard->gateway->bot, json_object_get(ready, "application"));
		discord_shard_ready(shard);
	} else {
		discord_shard_again(shard, 0, "READY names no session");
	}
	json_decref(ready);
	return ok;
}

static bool give(struct shard *shard, const struct gateway_frame *frame)
{
	if (discord_taking_give(shard, frame)) {
		count_event(shard, "taken");
		return true;
	}
	log_warn(shard->gateway->bot->host->log,
		 "shard %u: %u events wait to be stored: nothing more is read until some are", shard->id,
		 shard->held_count);
	discord_shard_go(shard, "too many events wait to be stored");
	return false;
}

static void raise(struct shard *shard, const struct gateway_frame *frame)
{
	if (frame->has_seq && (!shard->has_seq || frame->seq > shard->seq)) {
		shard->seq = frame->seq;
		shard->has_seq = true;
	}
}

void discord_take_dispatch(struct shard *shard, const struct gateway_frame *frame)
{
	bool ready = strcmp(frame->name, "READY") == 0, resumed = strcmp(frame->name, "RESUMED") == 0;

	if (ready) {
		if (shard->state != SHARD_IDENTIFYING || !take_ready(shard, frame))
			return;
	} else if (shard->state != SHARD_READY && shard->state != SHARD_RESUMING) {
		return; /* nothing is due yet */
	} else if (resumed && shard->state == SHARD_RESUMING) {
		shard->came_ms = clock_wall_ms();
		discord_shard_ready(shard);
	} else {
		discord_shard_replayed(shard);
	}
	if (!ready && !resumed && !discord_wants(frame->name))
		count_event(shard, "skipped");
	else if (!give(shard, frame))
		return;
	raise(shard, frame);
	if (ready)
		discord_position_begun(shard);
	discord_position_moved(shard);
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

void discord_take_heartbeat(struct shard *shard, const struct gateway_frame *frame)
{
	(void)frame;
	discord_beat_now(shard);
}

void discord_take_reconnect(struct shard *shard, const struct gateway_frame *frame)
{
	(void)frame;
	discord_shard_go(shard, "the gateway wants us to connect anew");
}

void discord_take_invalid(struct shard *shard, const struct gateway_frame *frame)
{
	discord_shard_invalid(shard, frame->d_len == 4 && memcmp(frame->d, "true", 4) == 0);
}

void discord_take_ack(struct shard *shard, const struct gateway_frame *frame)
{
	(void)frame;
	discord_beat_acked(shard);
}

static void take_frame(struct shard *shard, const struct gateway_frame *frame)
{
	const struct gateway_opcode *opcode = discord_opcode(frame->op);

	if (opcode && opcode->take)
		opcode->take(shard, frame);
	else
		log_debug(shard->gateway->bot->host->log, "shard %u: opcode %lld is not for us", shard->id,
			  (long long)frame->op);
}

/* False: there is no whole message. */
static bool unpack(struct shard *shard, const void *data, size_t len, const char **text_out, size_t *len_out)
{
	struct err err = { 0 };
	enum inflate_how how;

	if (shard->inflate == NULL) {
		discord_shard_again(shard, 0, "a binary frame, although nothing is to be compressed");
		return false;
	}
	how = discord_inflate_add(shard->inflate, data, len, text_out, len_out, &err);
	if (how == INFLATE_BAD)
		discord_shard_again(shard, 0, err.text);
	return how == INFLATE_WHOLE;
}

void discord_shard_message(struct shard *shard, bool binary, const void *data, size_t len)
{
	struct gateway_frame frame;
	const char *text = data;

	if (shard->state < SHARD_GREETING || shard->state == SHARD_CLOSING || !shard->gateway->wanted)
		return;
	metric_set(&last_frame, (const char *[]){ shard->gateway->bot->config.name },
		   (double)clock_wall_ms() / 1000);
	if (binary && !unpack(shard, data, len, &text, &len))
		return;
	if (discord_frame_read(&frame, text, len)) {
		take_frame(shard, &frame);
	} else {
		log_warn(shard->gateway->bot->host->log, "shard %u: a frame can't be read", shard->id);
		count_event(shard, "broken");
	}
}
