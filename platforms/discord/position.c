/* How far the events of a shard were taken, and its session: what a restarted process needs to lose nothing (sheet 6.2).
 *
 * The note never passes an event that is not committed, and a session is written down only when nothing of an earlier one
 * is open any more: until then a restart begins with a new session and reads what was missed since "seen". */
#include "clock.h"
#include "gateway_room.h"
#include "mem.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static const int64_t LONG_AGO_MS = INT64_C(31) * 86400000; /* further back no catch-up goes */

static uint64_t taken_up_to(const struct shard *shard)
{
	const struct held_event *held;
	uint64_t seq = shard->seq;

	DL_FOREACH (shard->held, held) {
		if (held->life == shard->life && held->event.seq <= seq)
			seq = held->event.seq > 0 ? held->event.seq - 1 : 0;
	}
	return seq;
}

static bool is_future(snowflake seen)
{
	return seen > snowflake_at(clock_wall_ms());
}

/* Clocks differ, so it stays a little behind; what is read twice for it is recognised. With a clock that was put right it
 * goes back. */
static void move_seen(struct shard *shard)
{
	int64_t up_to = shard->came_ms;
	snowflake seen;

	if (shard->behind || up_to == 0)
		return;
	if (shard->held != NULL && shard->held->came_ms < up_to)
		up_to = shard->held->came_ms;
	seen = snowflake_at(up_to - shard->gateway->times.margin);
	if (seen > shard->seen || is_future(shard->seen))
		shard->seen = seen;
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

void discord_position_drop(struct shard *shard)
{
	free(shard->session);
	free(shard->resume_url);
	shard->session = shard->resume_url = NULL;
	shard->seq = 0;
	shard->has_seq = false;
	shard->lost = shard->misses = 0;
	shard->life++;
}

void discord_position_ready(struct shard *shard, const json_t *ready)
{
	const char *url = json_text(ready, "resume_gateway_url");

	discord_position_drop(shard);
	shard->session = mem_text(json_text(ready, "session_id"));
	shard->resume_url = url != NULL && strlen(url) <= GATEWAY_URL_MAX ? mem_text(url) : NULL;
	shard->behind = shard->seen != 0;
}

/* The very first session: nothing before it was ever ours to see. What comes from now on is, so that is written down at
 * once: without a note the next process would take itself for the first. */
void discord_position_begun(struct shard *shard)
{
	bool first = shard->seen == 0;

	shard->came_ms = clock_wall_ms();
	if (!first)
		return;
	shard->seen = snowflake_at(shard->came_ms);
	discord_position_write(shard);
}

snowflake discord_gateway_seen(const struct discord_gateway *gateway, unsigned id)
{
	const struct shard *shard = discord_gateway_shard(gateway, id);

	if (shard == NULL)
		return 0;
	/* The clock was set back, and since when something is missed is not known. */
	return is_future(shard->seen) ? snowflake_at(clock_wall_ms() - LONG_AGO_MS) : shard->seen;
}

void discord_gateway_caught_up(struct discord_gateway *gateway, unsigned id)
{
	struct shard *shard = discord_gateway_shard(gateway, id);

	if (shard == NULL || !shard->behind)
		return;
	shard->behind = false;
	discord_position_moved(shard);
}

void discord_position_rewind(struct shard *shard)
{
	shard->seq = taken_up_to(shard);
	shard->has_seq = shard->has_seq && shard->seq > 0;
	if (!shard->has_seq)
		discord_position_drop(shard);
	discord_taking_forget(shard);
}

/* ---- the note ------------------------------------------------------------------------------------------------------ */

/* The caller frees; NULL: there is nothing to write down, or not now. */
static char *note_of(struct shard *shard)
{
	bool session = shard->session != NULL && !shard->behind && !shard->gateway->for_good;
	char seen[SNOWFLAKE_SIZE], *text;
	json_t *note;

	move_seen(shard);
	if (shard->seen == 0 || (shard->held != NULL && shard->held->life != shard->life))
		return NULL;
	note = json_object();
	if (session) {
		json_object_set_new(note, "session", json_string(shard->session));
		if (shard->resume_url != NULL)
			json_object_set_new(note, "url", json_string(shard->resume_url));
		json_object_set_new(note, "seq", json_integer((json_int_t)taken_up_to(shard)));
	}
	json_object_set_new(note, "shards", json_integer(shard->gateway->count));
	json_object_set_new(note, "seen", json_string(snowflake_text(shard->seen, seen)));
	text = json_write(note);
	json_decref(note);
	return text;
}

static void forget_spare(struct discord_gateway *gateway)
{
	for (unsigned i = 0; i < gateway->count; i++)
		if (gateway->shards[i].written == NULL)
			return;
	for (const struct shard_note *note = gateway->notes; note != NULL; note = note->next) {
		char *name = mem_format("shard/%u", note->id);

		discord_remember(gateway->bot, name, NULL, NULL, gateway);
		free(name);
	}
	discord_position_forget_notes(gateway);
}

static void on_written(struct platform *bot, void *owner, const struct err *err)
{
	struct shard *shard = owner;
	struct discord_gateway *gateway = shard->gateway;

	if (err->kind == ERR_NONE || !gateway->wanted) { /* stopping does not wait for better times */
		free(shard->written);
		shard->written = shard->writing;
	} else {
		free(shard->writing);
	}
	shard->writing = NULL;
	if (err->kind != ERR_NONE)
		log_warn(bot->host->log, "shard %u: how far it was taken is not written: %s", shard->id,
			 err->text);
	else if (gateway->notes != NULL)
		forget_spare(gateway);
	if (!gateway->wanted) {
		discord_position_write(shard);
		discord_gateway_changed(gateway);
	}
}

void discord_position_write(struct shard *shard)
{
	char *text = shard->writing == NULL ? note_of(shard) : NULL, *name;

	if (text == NULL)
		return;
	if (shard->written != NULL && strcmp(text, shard->written) == 0) {
		free(text);
		return;
	}
	shard->writing = text;
	name = mem_format("shard/%u", shard->id);
	discord_remember(shard->gateway->bot, name, text, on_written, shard);
	free(name);
}

bool discord_position_written(const struct shard *shard)
{
	return shard->writing == NULL;
}

void discord_position_moved(struct shard *shard)
{
	struct discord_gateway *gateway = shard->gateway;

	if (!gateway->wanted) {
		discord_position_write(shard);
	} else if (!gateway->remembering) {
		gateway->remembering = true;
		loop_timer_start(gateway->remember, gateway->times.remember, 0);
	}
}

/* ---- notes of an earlier process ------------------------------------------------------------------------------------- */

void discord_position_forget_notes(struct discord_gateway *gateway)
{
	struct shard_note *note, *next;

	LL_FOREACH_SAFE(gateway->notes, note, next)
	{
		free(note->session);
		free(note->url);
		free(note);
	}
	gateway->notes = NULL;
}

static struct shard_note *note_for(struct discord_gateway *gateway, unsigned id)
{
	struct shard_note *note;

	LL_SEARCH_SCALAR(gateway->notes, note, id, id);
	if (note == NULL) {
		note = mem_zero(1, sizeof(*note));
		note->id = id;
		LL_PREPEND(gateway->notes, note);
	}
	return note;
}

static void read_note(struct shard_note *note, const json_t *text)
{
	const char *session = json_text(text, "session"), *url = json_text(text, "url");
	int64_t seq = json_int(text, "seq", 0), shards = json_int(text, "shards", 0);

	note->seen = snowflake_read(json_object_get(text, "seen"));
	note->shards = shards > 0 && shards <= GATEWAY_SHARDS_MAX ? (unsigned)shards : 0;
	if (session == NULL || strlen(session) > GATEWAY_SESSION_MAX || seq <= 0)
		return;
	free(note->session);
	free(note->url);
	note->session = mem_text(session);
	note->url = mem_text(url);
	note->seq = (uint64_t)seq;
}

bool discord_position_recall(struct discord_gateway *gateway, const char *name, const char *text)
{
	json_t *read;
	snowflake id;

	if (strncmp(name, "shard/", 6) != 0)
		return false;
	id = strcmp(name + 6, "0") == 0 ? 0 : snowflake_parse(name + 6);
	read = json_read(text, strlen(text), NULL);
	if (json_is_object(read) && (id != 0 || name[6] == '0') && id < GATEWAY_SHARDS_MAX)
		read_note(note_for(gateway, (unsigned)id), read);
	json_decref(read);
	return true;
}

static snowflake seen_by_all(const struct discord_gateway *gateway)
{
	snowflake seen = 0;

	for (const struct shard_note *note = gateway->notes; note != NULL; note = note->next)
		if (note->seen != 0 && (seen == 0 || note->seen < seen))
			seen = note->seen;
	return seen;
}

/* With another number of shards, guilds have moved between them: sessions are of no use, and of the times the earliest
 * counts. */
void discord_position_give_out(struct discord_gateway *gateway)
{
	snowflake seen = seen_by_all(gateway);
	struct shard_note *note, *next;

	for (unsigned i = 0; i < gateway->count; i++)
		gateway->shards[i].seen = seen;
	LL_FOREACH_SAFE(gateway->notes, note, next)
	{
		struct shard *shard = discord_gateway_shard(gateway, note->id);

		if (shard == NULL)
			continue; /* forgotten when all others are written */
		if (note->shards == gateway->count && note->seen != 0) {
			shard->seen = note->seen;
			shard->session = note->session;
			shard->resume_url = note->url;
			shard->seq = note->seq;
			shard->has_seq = note->session != NULL;
			note->session = note->url = NULL;
		}
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed before has left the list */
		LL_DELETE(gateway->notes, note);
		free(note->session);
		free(note->url);
		free(note);
	}
}

void discord_position_take_back(struct discord_gateway *gateway)
{
	for (unsigned i = 0; i < gateway->count; i++)
		note_for(gateway, i)->seen = gateway->shards[i].seen;
}
