/* Who added us: notes of guilds, and the operator's switch for each (sheet 3). */
#include "inbound.h"
#include "mem.h"
#include "text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { LATER_MS = 1000, ADDERS_MAX = 1000, TITLE_MAX = 200 };

struct guild {
	snowflake id, role; /* role: the one that the platform made for us there */
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

/* ---- notes -------------------------------------------------------------------------------------------------------- */

static struct note *note_new(struct platform *bot, snowflake guild)
{
	struct note *note = mem_zero(1, sizeof(*note));

	note->ticket = discord_ticket(bot);
	note->guild = guild;
	DL_APPEND(bot->inbound->guilds->notes, note);
	return note;
}

/* "ID name", as adders keep it. */
static json_t *settings_of(const char *adder)
{
	json_t *settings = json_object();
	size_t len = adder ? strcspn(adder, " ") : 0;

	if (len == 0)
		return settings;
	json_object_set_new(settings, "added_by", json_stringn(adder, len));
	if (adder[len])
		json_object_set_new(settings, "added_by_name", json_string(adder + len + 1));
	return settings;
}

static void install(struct platform *bot, const struct note *note, const char *title, const char *adder)
{
	json_t *settings = settings_of(adder);
	char *text = json_write(settings), key[SNOWFLAKE_SIZE];
	char *line = text_one_line(title && *title ? title : "a server");

	line[text_fit(line, strlen(line), TITLE_MAX)] = '\0';
	bot->host->install(
		bot->host,
		&(struct install){ .key = snowflake_text(note->guild, key), .title = line, .settings = text },
		note->ticket);
	json_decref(settings);
	free(text);
	free(line);
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
	free(guild);
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
	take_roles(bot, guild, json_object_get(d, "roles"));
	if (guild->known)
		return false;
	adder = recents_find(&bot->inbound->guilds->adders, snowflake_text(id, key));
	log_info(bot->host->log, "we are new in guild %s", key);
	note = note_new(bot, id);
	note->event = *event;
	install(bot, note, json_text(d, "name"), adder ? adder->text : NULL);
	return true;
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
	if (gone) {
		if (guild->role && guild->role == snowflake_read(json_object_get(d, "role_id")))
			guild->role = 0;
		return;
	}
	list = json_pack("[O?]", json_object_get(d, "role"));
	take_roles(bot, guild, list);
	json_decref(list);
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
	const struct guild *guild = find(bot, id);
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
	install(bot, note, json_text(place, "name"), adder);
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
		free(guild);
	}
	DL_FOREACH_SAFE(guilds->notes, note, next_note)
	free(note);
	recents_finish(&guilds->adders);
	free(guilds);
}
