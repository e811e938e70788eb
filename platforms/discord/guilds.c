/* Who added us: notes of guilds, what must be known of them although a session that is resumed does not tell it again, and
 * the operator's switch for each (sheet 3). */
#include "inbound.h"
#include "mem.h"
#include "text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { LATER_MS = 1000, ADDERS_MAX = 1000, TITLE_MAX = 200, TIER_OF_LARGE_FILES = 2 };

struct guild {
	snowflake id, role; /* role: the one that the platform made for us there */
	int64_t tier;	    /* of its boosts */
	char *adder;	    /* "ID name"; NULL: not known */
	char *noted;	    /* the facts that its note says; NULL: nothing is known to be */
	bool known;	    /* a note of it is durable */
	bool off;	    /* the operator's switch */
	UT_hash_handle hh;
};

/* A note that is being made durable. */
struct note {
	uint64_t ticket;
	snowflake guild;
	struct discord_event event; /* with done NULL */
	discord_event_done_fn *done;
	void *owner;
	struct note *prev, *next;
};

struct discord_guilds {
	struct platform *bot;
	struct guild *guilds;
	struct note *notes;
	struct recents adders; /* who added us, by guild: said before the guild came */
};

static struct guild *find(const struct platform *bot, snowflake id)
{
	struct guild *guild = NULL;

	if (bot->inbound)
		HASH_FIND(hh, bot->inbound->guilds->guilds, &id, sizeof(id), guild);
	return guild;
}

static struct guild *guild_for(struct platform *bot, snowflake id)
{
	struct guild *guild = find(bot, id);

	if (guild)
		return guild;
	guild = mem_zero(1, sizeof(*guild));
	guild->id = id;
	HASH_ADD(hh, bot->inbound->guilds->guilds, id, sizeof(guild->id), guild);
	return guild;
}

bool discord_guild_off(const struct platform *bot, snowflake guild)
{
	const struct guild *found = find(bot, guild);

	return found && found->off;
}

snowflake discord_own_role(const struct platform *bot, snowflake guild)
{
	const struct guild *found = guild ? find(bot, guild) : NULL;

	return found ? found->role : 0;
}

/* A request has no more than 25 MiB, whatever a server's boosts allow (sheet 15). */
int64_t discord_file_max(const struct platform *bot, snowflake guild)
{
	const struct guild *found = guild ? find(bot, guild) : NULL;

	return found && found->tier >= TIER_OF_LARGE_FILES ? DISCORD_FILE_BOOSTED_MAX : DISCORD_FILE_SEND_MAX;
}

static void guild_free(struct guild *guild)
{
	free(guild->adder);
	free(guild->noted);
	free(guild);
}

/* ---- what is noted of one ------------------------------------------------------------------------------------------ */

/* The caller frees. */
static char *facts_of(const struct guild *guild)
{
	size_t len = guild->adder ? strcspn(guild->adder, " ") : 0;
	json_t *facts = json_object();
	char id[SNOWFLAKE_SIZE], *text;

	if (len)
		json_object_set_new(facts, "added_by", json_stringn(guild->adder, len));
	if (len && guild->adder[len])
		json_object_set_new(facts, "added_by_name", json_string(guild->adder + len + 1));
	if (guild->role)
		json_object_set_new(facts, "role", json_string(snowflake_text(guild->role, id)));
	if (guild->tier)
		json_object_set_new(facts, "premium_tier", json_integer(guild->tier));
	text = json_write(facts);
	json_decref(facts);
	return text;
}

static void read_facts(struct guild *guild, const char *text)
{
	json_t *facts = text ? json_read(text, strlen(text), NULL) : NULL;
	const char *adder = json_text(facts, "added_by"), *name = json_text(facts, "added_by_name");

	guild->role = snowflake_read(json_object_get(facts, "role"));
	guild->tier = json_int(facts, "premium_tier", 0);
	free(guild->adder);
	guild->adder = adder ? mem_format("%s%s%s", adder, name ? " " : "", name ? name : "") : NULL;
	free(guild->noted);
	guild->noted = facts ? facts_of(guild) : NULL;
	json_decref(facts);
}

/* ---- notes -------------------------------------------------------------------------------------------------------- */

static struct note *note_new(struct platform *bot, snowflake guild)
{
	struct note *note = mem_zero(1, sizeof(*note));

	note->ticket = discord_ticket(bot);
	note->guild = guild;
	DL_APPEND(bot->inbound->guilds->notes, note);
	return note;
}

/* title NULL: as it was. */
static void install(struct platform *bot, const struct note *note, struct guild *guild, const char *title)
{
	char *line = title ? text_one_line(*title ? title : "a server") : NULL, key[SNOWFLAKE_SIZE];

	free(guild->noted);
	guild->noted = facts_of(guild);
	if (line)
		line[text_fit(line, strlen(line), TITLE_MAX)] = '\0';
	bot->host->install(bot->host,
			   &(struct install){ .key = snowflake_text(guild->id, key),
					      .title = line,
					      .settings = guild->noted },
			   note->ticket);
	free(line);
}

static void nobody_waits(struct platform *bot, void *owner, bool kept)
{
	(void)bot;
	(void)owner;
	(void)kept;
}

/* The next process is told nothing of it when it resumes. */
static void note_change(struct platform *bot, struct guild *guild, const char *title)
{
	char *facts = facts_of(guild);
	struct note *note;

	if (guild->known && (guild->noted == NULL || strcmp(facts, guild->noted) != 0)) {
		note = note_new(bot, guild->id);
		note->done = nobody_waits;
		install(bot, note, guild, title);
	}
	free(facts);
}

static void note_end(struct platform *bot, struct note *note, bool later)
{
	DL_DELETE(bot->inbound->guilds->notes, note);
	if (note->done)
		note->done(bot, note->owner, !later);
	else
		discord_taken(bot, &note->event, later ? LATER_MS : 0);
	free(note);
	discord_settle(bot);
}

void discord_installed(struct platform *bot, uint64_t ticket, const struct err *err, const char *name)
{
	bool later = err->kind == ERR_AGAIN || err->kind == ERR_FULL;
	struct guild *guild;
	struct note *note;

	if (bot->inbound == NULL)
		return;
	DL_FOREACH (bot->inbound->guilds->notes, note) {
		if (note->ticket == ticket)
			break;
	}
	if (note == NULL)
		return;
	if (err->kind == ERR_NONE)
		log_debug(bot->host->log, "a guild is on record as %s", name);
	else
		log_warn(bot->host->log, "a guild is not on record: %s", err->text);
	guild = find(bot, note->guild);
	if (guild && (err->kind == ERR_NONE || err->kind == ERR_REFUSED)) {
		guild->known = true;
		guild->off = guild->off || err->kind == ERR_REFUSED;
	} else if (guild) {
		free(guild->noted);
		guild->noted = NULL;
	}
	note_end(bot, note, later);
}

void discord_known(struct platform *bot, const struct install *install)
{
	snowflake id = snowflake_parse(install->key);
	struct guild *guild;

	if (id == 0)
		return;
	guild = guild_for(bot, id);
	guild->known = true;
	guild->off = !install->enabled;
	read_facts(guild, install->settings);
}

static void forget(struct platform *bot, struct guild *guild, const char *why)
{
	char key[SNOWFLAKE_SIZE];

	snowflake_text(guild->id, key);
	discord_guild_forget(bot->places, guild->id);
	if (guild->known) {
		log_info(bot->host->log, "guild %s: %s", key, why);
		bot->host->removed(bot->host, key, why);
	}
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc,clang-analyzer-core.NullDereference): the table has it */
	HASH_DEL(bot->inbound->guilds->guilds, guild);
	guild_free(guild);
}

/* ---- from the gateway ------------------------------------------------------------------------------------------------ */

/* Of several shards each has its own part of the guilds (sheet 8). */
static bool is_of_shard(snowflake guild, const json_t *shard)
{
	int64_t number = json_integer_value(json_array_get(shard, 0));
	int64_t count = json_integer_value(json_array_get(shard, 1));

	return count <= 1 || (int64_t)((guild >> 22) % (uint64_t)count) == number;
}

static int by_id(const void *a, const void *b)
{
	snowflake x = *(const snowflake *)a, y = *(const snowflake *)b;

	return x < y ? -1 : x > y;
}

void discord_guilds_ready(struct platform *bot, const json_t *d)
{
	const json_t *list = json_object_get(d, "guilds"), *one;
	size_t i, count = json_array_size(list);
	struct guild *guild, *next;
	snowflake *there;

	if (!json_is_array(list)) /* it says nothing: nobody was taken out for that */
		return;
	there = mem_zero(count + 1, sizeof(*there));
	json_array_foreach (list, i, one)
		there[i] = snowflake_read(json_object_get(one, "id"));
	qsort(there, count, sizeof(*there), by_id);
	HASH_ITER (hh, bot->inbound->guilds->guilds, guild, next)
		if (is_of_shard(guild->id, json_object_get(d, "shard")) &&
		    bsearch(&guild->id, there, count, sizeof(*there), by_id) == NULL)
			forget(bot, guild, "taken out while we were away");
	free(there);
}

static void take_roles(struct platform *bot, struct guild *guild, const json_t *roles)
{
	const json_t *role;
	size_t i;

	json_array_foreach (roles, i, role) {
		const json_t *tags = json_object_get(role, "tags");

		if (bot->user_id && snowflake_read(json_object_get(tags, "bot_id")) == bot->user_id)
			guild->role = snowflake_read(json_object_get(role, "id"));
	}
}

static void take_facts(struct platform *bot, struct guild *guild, const json_t *d)
{
	const json_t *roles = json_object_get(d, "roles"); /* all of them */

	if (json_is_array(roles))
		guild->role = 0;
	take_roles(bot, guild, roles);
	guild->tier = json_int(d, "premium_tier", guild->tier);
}

bool discord_guild_came(struct platform *bot, const struct discord_event *event, const json_t *d)
{
	snowflake id = snowflake_read(json_object_get(d, "id"));
	const struct recent *adder;
	char key[SNOWFLAKE_SIZE];
	struct guild *guild;
	struct note *note;

	if (id == 0 || json_is_true(json_object_get(d, "unavailable")))
		return false;
	guild = guild_for(bot, id);
	take_facts(bot, guild, d);
	adder = recents_find(&bot->inbound->guilds->adders, snowflake_text(id, key));
	if (adder && guild->adder == NULL)
		guild->adder = mem_text(adder->text);
	if (guild->known) {
		note_change(bot, guild, json_text(d, "name"));
		return false;
	}
	log_info(bot->host->log, "we are new in guild %s", key);
	note = note_new(bot, id);
	note->event = *event;
	install(bot, note, guild, json_text(d, "name") ? json_text(d, "name") : "");
	return true;
}

void discord_guild_changed(struct platform *bot, const json_t *d)
{
	struct guild *guild = find(bot, snowflake_read(json_object_get(d, "id")));

	if (guild == NULL)
		return;
	take_facts(bot, guild, d);
	note_change(bot, guild, json_text(d, "name"));
}

/* An outage says so; without that word we were taken out (pitfall 33). */
void discord_guild_went(struct platform *bot, const json_t *d)
{
	snowflake id = snowflake_read(json_object_get(d, "id"));
	struct guild *guild = find(bot, id);

	if (json_object_get(d, "unavailable")) {
		log_debug(bot->host->log, "guild %" PRIu64 " has an outage", id);
		return;
	}
	if (guild)
		forget(bot, guild, "taken out of the guild");
}

void discord_guild_role(struct platform *bot, const json_t *d, bool gone)
{
	snowflake id = snowflake_read(json_object_get(d, "guild_id"));
	struct guild *guild = find(bot, id);
	json_t *list;

	if (guild == NULL)
		return;
	if (gone && guild->role == snowflake_read(json_object_get(d, "role_id")))
		guild->role = 0;
	list = json_pack("[O?]", json_object_get(d, "role"));
	take_roles(bot, guild, list);
	json_decref(list);
	note_change(bot, guild, NULL);
}

/* ---- webhook events ---------------------------------------------------------------------------------------------------- */

static bool names_scope(const json_t *data, const char *scope)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(data, "scopes"), i, one) {
		if (json_is_string(one) && strcmp(json_string_value(one), scope) == 0)
			return true;
	}
	return false;
}

static const char *adder_of(const json_t *user, char out[RECENT_TEXT_MAX + 1])
{
	char key[SNOWFLAKE_SIZE], name[MESSAGE_NAME_MAX + 1], line[RECENT_TEXT_MAX * 8];
	size_t len;

	snprintf(line, sizeof(line), "%s%s%s",
		 snowflake_text(snowflake_read(json_object_get(user, "id")), key),
		 discord_person(user, NULL, name) ? " " : "", name);
	len = text_fit(line, strlen(line), RECENT_TEXT_MAX);
	memcpy(out, line, len);
	out[len] = '\0';
	return out;
}

/* It comes before or after the guild itself, which is what counts: this only says who it was. True: a note is being made. */
static bool authorized(struct platform *bot, const json_t *data, discord_event_done_fn *done, void *owner)
{
	const json_t *place = json_object_get(data, "guild"), *user = json_object_get(data, "user");
	snowflake id = snowflake_read(json_object_get(place, "id"));
	char key[SNOWFLAKE_SIZE], adder[RECENT_TEXT_MAX + 1];
	struct guild *guild = find(bot, id);
	struct note *note;

	if (id == 0 || !names_scope(data, "bot"))
		return false;
	adder_of(user, adder);
	recents_set(recents_touch(&bot->inbound->guilds->adders, snowflake_text(id, key)), adder);
	if (guild == NULL)
		return false; /* when it comes, this is known */
	note = note_new(bot, id);
	note->done = done;
	note->owner = owner;
	free(guild->adder);
	guild->adder = mem_text(adder);
	install(bot, note, guild, json_text(place, "name"));
	return true;
}

void discord_take_webhook(struct platform *bot, const json_t *event, discord_event_done_fn *done, void *owner)
{
	const char *type = json_text(event, "type");
	const json_t *data = json_object_get(event, "data");

	if (bot->stopping) {
		done(bot, owner, false);
		return;
	}
	if (type && strcmp(type, "APPLICATION_AUTHORIZED") == 0 && authorized(bot, data, done, owner))
		return;
	if (type && strcmp(type, "APPLICATION_DEAUTHORIZED") == 0)
		log_info(bot->host->log, "a user took back what they allowed us");
	done(bot, owner, true);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

size_t discord_guilds_owed(const struct discord_guilds *guilds)
{
	const struct note *note;
	size_t count = 0;

	DL_FOREACH (guilds->notes, note) {
		count++;
	}
	return count;
}

struct discord_guilds *discord_guilds_create(struct platform *bot)
{
	struct discord_guilds *guilds = mem_zero(1, sizeof(*guilds));

	guilds->bot = bot;
	guilds->adders.max = ADDERS_MAX;
	return guilds;
}

void discord_guilds_destroy(struct discord_guilds *guilds)
{
	struct guild *guild, *next;
	struct note *note, *next_note;

	HASH_ITER (hh, guilds->guilds, guild, next) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
		HASH_DEL(guilds->guilds, guild);
		guild_free(guild);
	}
	DL_FOREACH_SAFE(guilds->notes, note, next_note)
	free(note);
	recents_finish(&guilds->adders);
	free(guilds);
}
