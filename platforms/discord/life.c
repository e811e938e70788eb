/* A bot from its start to its end: who are we, is the connection up, is anything still owed. */
#include "life.h"
#include "backoff.h"
#include "clock.h"
#include "crypto.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

enum {
	ASK_BASE_MS = 1000,
	ASK_CAP_MS = 60000,
	LOOK_MS = 100,
	DEAD_FIRST_MS = 60000, /* what was refused is looked at again */
	DEAD_EACH_MS = 10 * 60000,
	DEAD_DOUBLED_MAX = 5, /* longest: more than five hours */
	FLAG_CONTENT = 1 << 18,
	FLAG_CONTENT_LIMITED = 1 << 19,
};

struct discord_life {
	struct platform *bot;
	struct loop_timer *again; /* the questions, after a pause; also while dead */
	struct loop_timer *soon;  /* carry or drop, or: is anything still owed? */
	uint64_t call;		  /* of discord_rest, 0 none */
	unsigned attempts;
	uint64_t record_ticket;
	bool started;
	bool known;	     /* who we are */
	int64_t accepted_ms; /* when the token last worked after it was refused, Unix milliseconds; 0 never */
	unsigned relapses;   /* refused again soon after that, in a row */
	unsigned looks;	     /* since it was refused */
	bool probing;	     /* dead, and being asked whether it still is */
	char *dead_why, *ask_why; /* why it is dead; why who we are is not known, or NULL */
	bool carrying;
	bool stopped;
};

static void ask(void *data);

/* ---- what the application says ------------------------------------------------------------------------------------- */

bool discord_content_granted(uint64_t app_flags)
{
	return (app_flags & (FLAG_CONTENT | FLAG_CONTENT_LIMITED)) != 0;
}

static bool is_key(const char *text)
{
	return text && strlen(text) == 64;
}

bool discord_application_read(struct platform *bot, const json_t *application)
{
	snowflake id = snowflake_read(json_object_get(application, "id"));
	const char *key = json_text(application, "verify_key");

	if (id == 0)
		return false;
	bot->app_id = id;
	bot->app_flags = (uint64_t)json_int(application, "flags", 0);
	if (bot->config.public_key == NULL && is_key(key) && crypto_unhex(key, strlen(key), bot->public_key))
		bot->has_key = true;
	return true;
}

bool discord_bot_read(struct platform *bot, const json_t *user)
{
	snowflake id = snowflake_read(json_object_get(user, "id"));
	const char *username = json_text(user, "username");

	if (id == 0 || username == NULL || *username == '\0')
		return false;
	bot->user_id = id;
	free(bot->username);
	bot->username = mem_text(username);
	return true;
}

char *discord_portal(const struct platform *bot, const char *page)
{
	char id[SNOWFLAKE_SIZE];

	return bot->app_id ? mem_format("%s/%s/%s", DISCORD_PORTAL, snowflake_text(bot->app_id, id), page)
			   : mem_text(DISCORD_PORTAL);
}

/* ---- the link and what runs ---------------------------------------------------------------------------------------- */

/* While the gateway runs, it says itself what the link is like. */
static void tell(struct platform *bot, enum link_state now, const char *why)
{
	if (bot->life->started && !bot->stopping)
		bot->host->link(bot->host, now, why);
}

const char *discord_life_why(const struct platform *bot)
{
	if (bot->dead)
		return bot->life->dead_why;
	return bot->life->known ? NULL : bot->life->ask_why;
}

static bool may_carry(const struct platform *bot)
{
	return bot->life->known && !bot->stopping && !bot->disabled && !bot->dead && !bot->life->probing;
}

static void carry(struct platform *bot)
{
	struct err err = { 0 };

	bot->life->carrying = true;
	if (!discord_hook_start(bot->hook, &err)) /* the gateway brings what is said all the same */
		log_error(bot->host->log, "%s", err.text);
	discord_gateway_start(bot->gateway);
}

static void drop(struct platform *bot)
{
	bot->life->carrying = false;
	discord_hook_stop(bot->hook);
	discord_gateway_stop(bot->gateway, bot->disabled);
}

static void adapt(struct platform *bot)
{
	if (bot->life->carrying && !may_carry(bot))
		drop(bot);
	else if (!bot->life->carrying && may_carry(bot))
		carry(bot);
}

/* ---- who we are ---------------------------------------------------------------------------------------------------- */

static void record(struct platform *bot)
{
	char app[SNOWFLAKE_SIZE], user[SNOWFLAKE_SIZE];
	json_t *settings = json_pack("{s:s, s:s, s:s}", "app_id", snowflake_text(bot->app_id, app), "user_id",
				     snowflake_text(bot->user_id, user), "username", bot->username);
	char *text = json_write(settings);
	struct install install = { .title = bot->username, .settings = text, .enabled = true };

	bot->life->record_ticket = discord_ticket(bot);
	bot->host->install(bot->host, &install, bot->life->record_ticket);
	json_decref(settings);
	free(text);
}

bool discord_life_recorded(struct platform *bot, uint64_t ticket, const struct err *err)
{
	if (ticket != bot->life->record_ticket)
		return false;
	if (err && err->kind != ERR_NONE)
		log_warn(bot->host->log, "its row could not be brought up to date: %s", err->text);
	return true;
}

static void warn_intent(const struct platform *bot)
{
	char *page;

	if (!bot->config.message_content || discord_content_granted(bot->app_flags))
		return;
	page = discord_portal(bot, "bot");
	log_warn(bot->host->log,
		 "the Message Content Intent is off, and Discord will refuse the connection: switch it on at "
		 "%s, "
		 "or set message_content = false",
		 page);
	free(page);
}

static void met(struct platform *bot)
{
	struct discord_life *life = bot->life;
	char app[SNOWFLAKE_SIZE], user[SNOWFLAKE_SIZE], *link = discord_invite(bot->app_id);

	life->known = true;
	life->attempts = 0;
	log_info(bot->host->log, "we are %s (%s), application %s; added to servers with %s", bot->username,
		 snowflake_text(bot->user_id, user), snowflake_text(bot->app_id, app), link);
	free(link);
	warn_intent(bot);
	record(bot);
	discord_commands_register(bot->commands);
	adapt(bot);
}

static void again_later(struct platform *bot, const struct discord_answer *answer)
{
	struct discord_life *life = bot->life;
	const char *why = answer->why ? answer->why : "what answers at api_base is not Discord";
	uint64_t pause = answer->how == DISCORD_LIMITED ? answer->retry_ms : 0;

	free(life->ask_why);
	life->ask_why = mem_text(why);
	if (life->attempts++ == 0)
		log_warn(bot->host->log, "asking who we are: %s; trying again", why);
	tell(bot, life->attempts > 1 ? LINK_DOWN : LINK_CONNECTING, why);
	if (pause == 0)
		pause = ASK_BASE_MS + backoff_ms(life->attempts, ASK_BASE_MS, ASK_CAP_MS);
	loop_timer_start(life->again, pause, 0);
}

/* ---- is what was refused still refused? ------------------------------------------------------------------------------ */

/* What died again soon after it had been accepted is asked for less and less: each attempt costs one of the connections
 * that a bot may begin in a day. */
static uint64_t pause_while_dead(const struct discord_life *life)
{
	unsigned doubled = life->relapses < DEAD_DOUBLED_MAX ? life->relapses : DEAD_DOUBLED_MAX;

	if (life->looks == 0 && life->relapses == 0)
		return DEAD_FIRST_MS;
	return (uint64_t)DEAD_EACH_MS << doubled;
}

static void watch(struct discord_life *life)
{
	if (life->started && !life->bot->stopping)
		loop_timer_start(life->again, pause_while_dead(life), 0);
}

static void still_dead(struct platform *bot)
{
	bot->dead = true;
	bot->life->probing = false;
	watch(bot->life);
}

static void revived(struct platform *bot)
{
	struct discord_life *life = bot->life;

	log_info(bot->host->log, "Discord accepts the bot token; what was refused is tried again");
	life->probing = false;
	life->looks = 0;
	life->accepted_ms = clock_wall_ms();
	met(bot);
}

/* rest.c calls with the token of one that is dead only while it is being looked at. */
static void probe(struct platform *bot)
{
	bot->life->looks++;
	bot->life->probing = true;
	bot->dead = false;
}

static void note_relapse(struct discord_life *life)
{
	bool soon = life->accepted_ms && clock_wall_ms() - life->accepted_ms < DEAD_EACH_MS;

	life->relapses = soon ? life->relapses + 1 : 0;
}

static char *dead_text(const struct platform *bot, const char *why)
{
	char *page = discord_portal(bot, "bot");
	char *text = mem_format("stopped: %s. Token and intents stand at %s; after a change there it goes on "
				"by itself "
				"within minutes, or when the settings are reloaded",
				why ? why : "no reason given", page);

	free(page);
	return text;
}

void discord_dead(struct platform *bot, const char *why)
{
	struct discord_life *life = bot->life;

	if (bot->dead)
		return;
	bot->dead = true;
	if (life->probing) { /* nothing new */
		life->probing = false;
		watch(life);
		return;
	}
	note_relapse(life);
	life->looks = 0;
	free(life->dead_why);
	life->dead_why = dead_text(bot, why);
	log_error(bot->host->log, "%s", life->dead_why);
	tell(bot, LINK_DOWN, life->dead_why);
	watch(life);
	loop_timer_start(life->soon, 0, 0); /* who says so is in the middle of something */
}

/* ---- the questions ------------------------------------------------------------------------------------------------- */

static void ask_path(struct platform *bot, const char *path, discord_rest_fn *fn)
{
	struct discord_call call = { .method = "GET", .path = path };

	bot->life->call = discord_rest(bot, &call, fn, bot->life, discord_ticket(bot));
}

/* False: the answer is of no use, and what comes next is seen to. */
static bool answered(struct platform *bot, const struct discord_answer *answer, bool fits)
{
	bot->life->call = 0;
	if (bot->stopping || bot->disabled || bot->dead)
		return false; /* discord_dead has said so */
	if (answer->how == DISCORD_OK && fits)
		return true;
	if (bot->life->probing)
		still_dead(bot);
	else
		again_later(bot, answer);
	return false;
}

static void got_user(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	bool fits = answer->how == DISCORD_OK && discord_bot_read(bot, answer->body);

	(void)owner;
	(void)ticket;
	if (!answered(bot, answer, fits))
		return;
	if (bot->life->probing)
		revived(bot);
	else
		met(bot);
}

static void got_application(struct platform *bot, void *owner, uint64_t ticket,
			    const struct discord_answer *answer)
{
	bool fits = answer->how == DISCORD_OK && discord_application_read(bot, answer->body);

	(void)owner;
	(void)ticket;
	if (!answered(bot, answer, fits))
		return;
	if (bot->life->probing && bot->config.message_content && !discord_content_granted(bot->app_flags))
		still_dead(bot); /* the gateway would only say so again */
	else
		ask_path(bot, "/users/@me", got_user);
}

static void ask(void *data)
{
	struct platform *bot = data;

	if (bot->stopping || bot->disabled || bot->life->call)
		return;
	if (bot->dead)
		probe(bot);
	ask_path(bot, "/applications/@me", got_application);
}

/* ---- starting and stopping ------------------------------------------------------------------------------------------- */

static bool owes(const struct platform *bot)
{
	return discord_sends_running(bot->sends) > 0 || discord_inbound_owed(bot->inbound) > 0 ||
	       discord_interact_owed(bot->interactions) > 0 || !discord_gateway_idle(bot->gateway);
}

static void look(void *data)
{
	struct platform *bot = data;

	if (!bot->stopping) {
		adapt(bot);
		return;
	}
	if (bot->life->stopped || owes(bot))
		return;
	bot->life->stopped = true;
	loop_timer_stop(bot->life->soon);
	bot->host->stopped(bot->host);
}

void discord_settle(struct platform *bot)
{
	if (bot->stopping && !bot->life->stopped)
		loop_timer_start(bot->life->soon, 0, LOOK_MS);
}

static void awake(struct platform *bot)
{
	if (bot->disabled) {
		tell(bot, LINK_DOWN, "switched off by the operator");
	} else if (bot->dead) {
		tell(bot, LINK_DOWN, bot->life->dead_why);
		ask(bot); /* whoever switched it on need not wait */
	} else if (!bot->life->known) {
		tell(bot, LINK_CONNECTING, "asking Discord who we are");
		ask(bot);
	}
	adapt(bot);
}

bool discord_life_runs(const struct platform *bot)
{
	return bot->life->started && !bot->stopping;
}

bool discord_life_start(struct platform *bot, struct err *err)
{
	(void)err;
	bot->life->started = true;
	awake(bot);
	return true;
}

static void end_question(struct discord_life *life)
{
	loop_timer_stop(life->again);
	if (life->call)
		discord_rest_cancel(life->bot, life->call);
	life->call = 0;
	if (life->probing)
		life->bot->dead = true;
	life->probing = false;
}

void discord_life_enable(struct platform *bot, bool enabled)
{
	if (bot->disabled == !enabled)
		return;
	bot->disabled = !enabled;
	if (!bot->life->started || bot->stopping)
		return;
	if (!enabled)
		end_question(bot->life);
	awake(bot);
}

/* What has come and is not on record yet comes again in the next life. */
void discord_life_stop(struct platform *bot)
{
	if (bot->stopping)
		return;
	bot->stopping = true;
	end_question(bot->life);
	adapt(bot);
	discord_catch_up_stop(bot);
	discord_settle(bot);
}

struct discord_life *discord_life_create(struct platform *bot)
{
	struct discord_life *life = mem_zero(1, sizeof(*life));

	life->bot = bot;
	life->again = loop_timer_create(bot->host->loop, ask, bot);
	life->soon = loop_timer_create(bot->host->loop, look, bot);
	return life;
}

void discord_life_destroy(struct discord_life *life)
{
	if (life == NULL)
		return;
	if (life->call)
		discord_rest_cancel(life->bot, life->call);
	loop_timer_destroy(life->again);
	loop_timer_destroy(life->soon);
	free(life->dead_why);
	free(life->ask_why);
	free(life);
}
