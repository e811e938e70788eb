/* One shard from one connection to the next (sheet 4, 6, 7):
 *
 *   pause -> connecting -> HELLO -> RESUME, or its turn to IDENTIFY -> ready
 *   anything wrong -> close code, or the connection is cut -> pause
 */
#include "crypto.h"
#include "gateway_room.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

enum {
	CLOSE_KEEPS = 4200, /* any but 1000 and 1001: the session can be resumed */
	CLOSE_ENDS = 1000,
	CONNECT_MS = 30000,
	QUIET_PING_S = 65000, /* the heartbeat alone tells whether it lives, not silence of the wire */
	QUIET_DEAD_S = 65500,
};

static struct platform *bot_of(const struct shard *shard)
{
	return shard->gateway->bot;
}

static uint64_t now_of(const struct shard *shard)
{
	return loop_now_ms(bot_of(shard)->host->loop);
}

static void enter(struct shard *shard, enum shard_state state, uint64_t limit_ms)
{
	shard->state = state;
	if (limit_ms > 0)
		loop_timer_start(shard->timer, limit_ms, 0);
	else
		loop_timer_stop(shard->timer);
}

/* ---- pauses ---------------------------------------------------------------------------------------------------- */

static uint64_t random_up_to(uint64_t most)
{
	uint32_t random;

	crypto_random(&random, sizeof(random));
	return ((most + 1) * random) >> 32;
}

static void forget_failures(struct shard *shard)
{
	if (shard->ready_at != 0 && now_of(shard) - shard->ready_at >= shard->gateway->times.steady)
		shard->failures = 0;
}

/* 1, 2, 4 ... 60 s, and 30 % more or less. */
static uint64_t next_pause(struct shard *shard)
{
	const struct gateway_times *times = &shard->gateway->times;
	uint64_t pause = times->first;

	forget_failures(shard);
	for (unsigned i = 0; i < shard->failures && pause < times->longest; i++)
		pause *= 2;
	if (pause > times->longest)
		pause = times->longest;
	shard->failures++;
	return pause - pause * 3 / 10 + random_up_to(pause * 6 / 10);
}

static void set_why(struct shard *shard, const char *why)
{
	snprintf(shard->why, sizeof(shard->why), "%s", why);
}

/* ---- the end of a connection ------------------------------------------------------------------------------------- */

static void drop_connection(struct shard *shard)
{
	ws_destroy(shard->ws);
	shard->ws = NULL;
	discord_inflate_destroy(shard->inflate);
	shard->inflate = NULL;
	discord_beat_stop(shard);
	shard->ready_at = 0;
}

/* Only attempts that got as far as RESUME speak against the session; the others against the address. */
static void count_failure(struct shard *shard)
{
	if (shard->state == SHARD_CONNECTING || shard->state == SHARD_GREETING)
		shard->misses++;
	if (shard->state == SHARD_RESUMING && ++shard->lost >= GATEWAY_RESUMES)
		discord_position_drop(shard);
	if (shard->state < SHARD_READY)
		discord_gateway_count(shard->gateway, "failed");
}

static void retry(struct shard *shard, uint64_t least, const char *why)
{
	uint64_t pause = next_pause(shard);

	log_info(bot_of(shard)->host->log, "shard %u: %s", shard->id, why);
	set_why(shard, why);
	drop_connection(shard);
	discord_shard_begin(shard, pause > least ? pause : least);
	discord_gateway_changed(shard->gateway);
}

static void after_close(struct shard *shard)
{
	drop_connection(shard);
	if (shard->gateway->wanted)
		discord_shard_begin(shard, shard->pause);
	else
		enter(shard, SHARD_OFF, 0);
	discord_gateway_changed(shard->gateway);
}

static void close_with(struct shard *shard, int code, uint64_t pause)
{
	shard->pause = pause;
	discord_beat_stop(shard);
	enter(shard, SHARD_CLOSING, shard->gateway->times.cut);
	ws_close(shard->ws, code, "");
}

static void close_and_wait(struct shard *shard, uint64_t pause, const char *why)
{
	if (shard->state == SHARD_CLOSING || shard->ws == NULL)
		return;
	log_info(bot_of(shard)->host->log, "shard %u: %s", shard->id, why);
	set_why(shard, why);
	close_with(shard, CLOSE_KEEPS, pause);
	discord_gateway_changed(shard->gateway);
}

void discord_shard_again(struct shard *shard, uint64_t least, const char *why)
{
	uint64_t pause = next_pause(shard);

	close_and_wait(shard, pause > least ? pause : least, why);
}

void discord_shard_go(struct shard *shard, const char *why)
{
	forget_failures(shard);
	if (shard->failures > 0) {
		discord_shard_again(shard, 0, why);
		return;
	}
	shard->failures = 1; /* told so again at once, it waits */
	close_and_wait(shard, 0, why);
}

void discord_shard_invalid(struct shard *shard, bool resumable)
{
	const struct gateway_times *times = &shard->gateway->times;
	uint64_t least = times->again_least + random_up_to(times->again_spread);
	bool identifying = shard->state == SHARD_IDENTIFYING;

	if (identifying) /* too many at once (sheet 6.4) */
		least = times->bucket + random_up_to(times->bucket_spread);
	if (!resumable || ++shard->lost >= GATEWAY_RESUMES)
		discord_position_drop(shard);
	discord_gateway_count(shard->gateway, identifying ? "refused" : "invalid");
	discord_shard_again(shard, least,
			    identifying ? "the gateway refused to identify us"
					: "the gateway no longer knows the session");
}

static void give_up(struct shard *shard, const char *why)
{
	drop_connection(shard);
	enter(shard, SHARD_OFF, 0);
	discord_gateway_fatal(shard->gateway, why);
}

static void told_by_code(struct shard *shard, const struct gateway_close *code, const char *why)
{
	uint64_t least = 0;

	if (code->help != NULL)
		log_error(bot_of(shard)->host->log, "shard %u: %s: %s", shard->id, why, code->help);
	switch (code->then) {
	case GATEWAY_RESUME:
		break;
	case GATEWAY_RESUME_ONCE:
		if (shard->lost < GATEWAY_RESUMES - 1)
			shard->lost = GATEWAY_RESUMES - 1;
		break;
	case GATEWAY_IDENTIFY:
		discord_position_drop(shard);
		break;
	case GATEWAY_WAIT:
		least = shard->gateway->times.limited;
		break;
	case GATEWAY_RESHARD:
		if (bot_of(shard)->config.shards == 0)
			discord_gateway_reshard(shard->gateway); /* this shard is gone */
		else
			give_up(shard, code->help);
		return;
	case GATEWAY_STOP:
		give_up(shard, code->help);
		return;
	}
	retry(shard, least, why);
}

static void on_closed(void *owner, struct ws *ws, int number, const struct err *err)
{
	struct shard *shard = owner;
	const struct gateway_close *code = discord_close_code(number);
	char why[GATEWAY_WHY];

	(void)ws;
	shard->ws = NULL;
	if (shard->state == SHARD_CLOSING) {
		after_close(shard);
		return;
	}
	if (number != 0)
		snprintf(why, sizeof(why), "the gateway closed the connection (%d, %s)", number, code->name);
	else
		snprintf(why, sizeof(why), "%s", err->kind != ERR_NONE ? err->text : code->name);
	count_failure(shard);
	told_by_code(shard, code, why);
}

static void connect_now(struct shard *shard);

static void on_timer(void *data)
{
	struct shard *shard = data;

	if (shard->state == SHARD_PAUSE) {
		connect_now(shard);
	} else if (shard->state == SHARD_CLOSING) {
		after_close(shard);
	} else {
		const char *why = shard->state == SHARD_GREETING      ? "no HELLO in time"
				  : shard->state == SHARD_IDENTIFYING ? "no READY in time"
								      : "no RESUMED in time";

		count_failure(shard);
		retry(shard, 0, why);
	}
}

/* ---- its beginning ------------------------------------------------------------------------------------------------ */

static void on_open(void *owner, struct ws *ws)
{
	struct shard *shard = owner;

	(void)ws;
	if (shard->state == SHARD_CONNECTING)
		enter(shard, SHARD_GREETING, shard->gateway->times.hello);
}

static void on_message(void *owner, struct ws *ws, bool binary, const void *data, size_t len)
{
	(void)ws;
	discord_shard_message(owner, binary, data, len);
}

static bool open_socket(struct shard *shard, const char *base, struct err *err)
{
	static const struct ws_events events = { .open = on_open,
						 .message = on_message,
						 .closed = on_closed };
	struct platform_host *host = bot_of(shard)->host;
	bool loopback = false;
	char *url;

	if (!discord_address_trusted(&bot_of(shard)->config, base, &loopback))
		return err_set(err, ERR_REFUSED, "the gateway's address is not one with TLS");
	url = discord_address_whole(&bot_of(shard)->config, base);
	shard->ws = ws_connect(host->io,
			       &(struct ws_options){ .url = url,
						     .ca_file = http_ca_file(host->http),
						     .proxy = loopback ? NULL : http_proxy(host->http),
						     .message_max = DISCORD_FRAME_MAX,
						     .ping_s = QUIET_PING_S,
						     .dead_s = QUIET_DEAD_S,
						     .connect_ms = CONNECT_MS },
			       &events, shard, err);
	free(url);
	return shard->ws != NULL;
}

static void clear_connection(struct shard *shard)
{
	memset(shard->sends, 0, sizeof(shard->sends));
	shard->send_next = 0;
	shard->beat_at = 0;
	shard->awaits_ack = false;
	shard->resumes = shard->session != NULL;
	discord_inflate_destroy(shard->inflate);
	shard->inflate = bot_of(shard)->config.compress ? discord_inflate_create(DISCORD_FRAME_MAX) : NULL;
}

/* Without a session there is no use in connecting while no IDENTIFY may follow. */
static bool may_not_identify(struct shard *shard)
{
	char why[GATEWAY_WHY];
	uint64_t wait = shard->session == NULL ? discord_identify_wait(shard->gateway, why) : 0;

	if (wait == 0)
		return false;
	if (strcmp(shard->why, why) != 0)
		log_error(bot_of(shard)->host->log, "shard %u: %s", shard->id, why);
	set_why(shard, why);
	shard->failures += shard->failures == 0;
	discord_shard_begin(shard, wait);
	discord_gateway_changed(shard->gateway);
	return true;
}

/* Where to resume, or every second time, when that leads nowhere, where all begins. */
static const char *base_of(const struct shard *shard)
{
	const char *url = shard->gateway->url;

	if (shard->session == NULL || shard->resume_url == NULL || shard->misses % 2 != 0)
		return url;
	if (discord_address_kin(url, shard->resume_url))
		return shard->resume_url;
	log_warn(bot_of(shard)->host->log,
		 "shard %u: the address to resume at is not of the gateway's domain", shard->id);
	return url;
}

static void connect_now(struct shard *shard)
{
	struct err err = { 0 };

	if (!shard->gateway->wanted || bot_of(shard)->dead) {
		enter(shard, SHARD_OFF, 0);
		return;
	}
	if (discord_taking_full(shard)) {
		enter(shard, SHARD_FULL, 0);
		return;
	}
	if (may_not_identify(shard))
		return;
	clear_connection(shard);
	enter(shard, SHARD_CONNECTING, 0); /* the web socket has a limit of its own for this */
	if (!open_socket(shard, base_of(shard), &err)) {
		count_failure(shard);
		retry(shard, 0, err.text);
	}
}

void discord_shard_begin(struct shard *shard, uint64_t pause)
{
	enter(shard, SHARD_PAUSE, pause > 0 ? pause : 1); /* in a later round in any case */
}

void discord_shard_resume_reading(struct shard *shard)
{
	if (shard->state == SHARD_FULL)
		discord_shard_begin(shard, 0);
}

/* ---- who we are ----------------------------------------------------------------------------------------------------- */

static bool send_json(struct shard *shard, json_t *message)
{
	char *text = json_write(message);
	bool sent = discord_shard_send(shard, text, strlen(text), false);

	explicit_bzero(text, strlen(text)); /* it holds the token */
	free(text);
	json_decref(message);
	return sent;
}

static void resume(struct shard *shard)
{
	enter(shard, SHARD_RESUMING, shard->gateway->times.resumed);
	send_json(shard, json_pack("{s:i, s:{s:s, s:s, s:I}}", "op", OP_RESUME, "d", "token",
				   bot_of(shard)->config.bot_token, "session_id", shard->session, "seq",
				   (json_int_t)shard->seq));
}

/* GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES; MESSAGE_CONTENT (sheet 1.1): what is not asked for does not come. */
static int intents(const struct discord_config *config)
{
	return 1 << 0 | 1 << 9 | 1 << 12 | (config->message_content ? 1 << 15 : 0);
}

void discord_shard_identify(struct shard *shard)
{
	const struct discord_config *config = &bot_of(shard)->config;

	enter(shard, SHARD_IDENTIFYING, shard->gateway->times.ready);
	send_json(shard, json_pack("{s:i, s:{s:s, s:i, s:i, s:{s:s, s:s, s:s}, s:[i,i]}}", "op", OP_IDENTIFY,
				   "d", "token", config->bot_token, "intents", intents(config),
				   "large_threshold", 50, "properties", "os", "linux", "browser", "usher",
				   "device", "usher", "shard", (int)shard->id, (int)shard->gateway->count));
}

void discord_shard_greeted(struct shard *shard)
{
	shard->misses = 0;
	if (shard->session != NULL) {
		resume(shard);
		return;
	}
	enter(shard, SHARD_QUEUED, 0);
	discord_identify_wish(shard->gateway);
}

void discord_shard_ready(struct shard *shard)
{
	enter(shard, SHARD_READY, 0);
	shard->lost = 0;
	shard->ready_at = now_of(shard);
	shard->why[0] = '\0';
	discord_gateway_count(shard->gateway, shard->resumes ? "resumed" : "ready");
	discord_gateway_changed(shard->gateway);
}

void discord_shard_replayed(struct shard *shard)
{
	if (shard->state == SHARD_RESUMING)
		enter(shard, SHARD_RESUMING, shard->gateway->times.resumed);
}

/* ---- the whole shard --------------------------------------------------------------------------------------------------- */

static void on_again(void *data)
{
	discord_taking_hand_over(data);
}

void discord_shard_open(struct shard *shard, struct discord_gateway *gateway, unsigned id)
{
	struct loop *loop = gateway->bot->host->loop;

	*shard = (struct shard){ .gateway = gateway, .id = id };
	shard->timer = loop_timer_create(loop, on_timer, shard);
	shard->beat = loop_timer_create(loop, discord_on_beat, shard);
	shard->again = loop_timer_create(loop, on_again, shard);
}

void discord_shard_stop(struct shard *shard)
{
	loop_timer_stop(shard->again);
	if (shard->state == SHARD_CLOSING)
		return;
	if (shard->ws == NULL)
		enter(shard, SHARD_OFF, 0);
	else
		close_with(shard, shard->gateway->for_good ? CLOSE_ENDS : CLOSE_KEEPS, 0);
}

void discord_shard_close(struct shard *shard)
{
	drop_connection(shard);
	discord_taking_forget(shard);
	loop_timer_destroy(shard->timer);
	loop_timer_destroy(shard->beat);
	loop_timer_destroy(shard->again);
	free(shard->session);
	free(shard->resume_url);
	free(shard->written);
	free(shard->writing);
}
