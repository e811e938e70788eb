/* A bot from its start to its end: who are we, is the connection up, is anything still owed. */
#include "backoff.h"
#include "mem.h"
#include "telegram_room.h"
#include <stdlib.h>
#include <string.h>

enum { ASK_BASE_MS = 1000, ASK_CAP_MS = 60000, LOOK_MS = 100 };

struct telegram_life {
	struct platform *bot;
	struct loop_timer *again; /* getMe, after a pause */
	struct loop_timer *soon;  /* is anything still owed? */
	uint64_t call;		  /* of telegram_api, 0 none */
	unsigned attempts;
	uint64_t record_ticket;
	bool started;
	bool known;    /* who we are, by getMe */
	bool carrying; /* the transport was begun */
	bool stopped;
};

/* ---- the link and the transport ------------------------------------------------------------------------------- */

/* While the transport runs, it says itself what the link is like. */
static void tell(struct platform *bot, enum link_state now, const char *why)
{
	if (bot->life->started && !bot->stopping)
		bot->host->link(bot->host, now, why);
}

static void carry(struct platform *bot)
{
	struct err err = { 0 };

	if (bot->life->carrying || bot->stopping || bot->disabled || bot->dead)
		return;
	bot->life->carrying = true;
	if (bot->poll) {
		telegram_poll_start(bot->poll);
	} else if (!telegram_hook_start(bot->hook, &err)) {
		log_error(bot->host->log, "%s", err.text);
		tell(bot, LINK_DOWN, err.text);
	}
}

static void drop(struct platform *bot)
{
	if (!bot->life->carrying)
		return;
	bot->life->carrying = false;
	if (bot->poll)
		telegram_poll_stop(bot->poll);
	else
		telegram_hook_stop(bot->hook);
}

/* ---- who we are ------------------------------------------------------------------------------------------------ */

bool telegram_identify(struct platform *bot, const json_t *user)
{
	const char *username = json_text(user, "username");

	if (json_int(user, "id", 0) != bot->bot_id || username == NULL || *username == '\0')
		return false;
	free(bot->username);
	bot->username = mem_text(username);
	bot->reads_all = json_is_true(json_object_get(user, "can_read_all_group_messages"));
	return true;
}

static void record(struct platform *bot)
{
	json_t *settings = json_pack("{s:I, s:s, s:b}", "bot_id", (json_int_t)bot->bot_id, "username",
				     bot->username, "reads_all", bot->reads_all);
	char *text = json_write(settings), *title = mem_format("@%s", bot->username);
	struct install install = { .title = title, .settings = text, .enabled = true };

	bot->life->record_ticket = telegram_ticket(bot);
	bot->host->install(bot->host, &install, bot->life->record_ticket);
	json_decref(settings);
	free(text);
	free(title);
}

bool telegram_life_recorded(struct platform *bot, uint64_t ticket, const struct err *err)
{
	if (ticket != bot->life->record_ticket)
		return false;
	if (err && err->kind != ERR_NONE)
		log_warn(bot->host->log, "its row could not be brought up to date: %s", err->text);
	return true;
}

static void met(struct platform *bot)
{
	bot->life->known = true;
	bot->life->attempts = 0;
	log_info(bot->host->log, "we are @%s (%lld), to be found at https://t.me/%s", bot->username,
		 (long long)bot->bot_id, bot->username);
	if (!bot->reads_all && bot->config.groups != TELEGRAM_NEVER)
		log_info(bot->host->log,
			 "privacy mode is on: in groups only commands and replies are heard, and perhaps not "
			 "mentions. To hear them: @BotFather, /setprivacy, Disable, then take the bot out of "
			 "the group and "
			 "add it again; or make it an administrator there");
	record(bot);
	telegram_commands_register(bot);
	carry(bot);
}

static void ask_again(struct platform *bot, const struct telegram_answer *answer)
{
	struct telegram_life *life = bot->life;
	const char *why = answer->why ? answer->why : "the answer to getMe is not about this bot";
	uint64_t pause = answer->how == TELEGRAM_LIMITED ? answer->retry_ms : 0;

	if (life->attempts++ == 0)
		log_warn(bot->host->log, "getMe: %s; trying again", why);
	tell(bot, life->attempts > 1 ? LINK_DOWN : LINK_CONNECTING, why);
	if (pause == 0)
		pause = ASK_BASE_MS + backoff_ms(life->attempts, ASK_BASE_MS, ASK_CAP_MS);
	loop_timer_start(life->again, pause, 0);
}

static void asked(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	struct telegram_life *life = owner;

	(void)ticket;
	life->call = 0;
	if (bot->dead || bot->stopping || bot->disabled)
		return; /* telegram_token_dead has said so */
	if (answer->how == TELEGRAM_OK && telegram_identify(bot, answer->result))
		met(bot);
	else
		ask_again(bot, answer);
}

static void ask(void *data)
{
	struct platform *bot = data;
	struct telegram_call call = { .method = "getMe" };

	if (bot->stopping || bot->disabled || bot->dead || bot->life->call)
		return;
	bot->life->call = telegram_api(bot, &call, asked, bot->life, telegram_ticket(bot));
}

void telegram_token_dead(struct platform *bot, const char *why)
{
	char *text;

	if (bot->dead)
		return;
	bot->dead = true;
	text = mem_format("Telegram refuses the token (%s): copy the current one from @BotFather (/token) "
			  "into bot_token "
			  "and reload",
			  why ? why : "no reason given");
	log_error(bot->host->log, "%s", text);
	drop(bot);
	tell(bot, LINK_DOWN, text);
	free(text);
}

/* ---- starting and stopping -------------------------------------------------------------------------------------- */

static void look(void *data)
{
	struct platform *bot = data;

	if (!bot->stopping || bot->life->stopped || telegram_sends_running(bot->sends) > 0 ||
	    telegram_inbound_owed(bot->inbound) > 0)
		return;
	bot->life->stopped = true;
	loop_timer_stop(bot->life->soon);
	bot->host->stopped(bot->host);
}

void telegram_settle(struct platform *bot)
{
	if (bot->stopping && !bot->life->stopped)
		loop_timer_start(bot->life->soon, 0, LOOK_MS);
}

static void awake(struct platform *bot)
{
	if (bot->disabled)
		tell(bot, LINK_DOWN, "switched off by the operator");
	else if (bot->dead)
		return; /* the link says why */
	else if (bot->life->known)
		carry(bot);
	else {
		tell(bot, LINK_CONNECTING, "asking Telegram who we are");
		ask(bot);
	}
}

bool telegram_life_runs(const struct platform *bot)
{
	return bot->life->started && !bot->stopping;
}

bool telegram_life_start(struct platform *bot, struct err *err)
{
	(void)err;
	bot->life->started = true;
	awake(bot);
	return true;
}

void telegram_life_enable(struct platform *bot, bool enabled)
{
	if (bot->disabled == !enabled)
		return;
	bot->disabled = !enabled;
	if (!bot->life->started || bot->stopping)
		return;
	if (!enabled)
		drop(bot);
	awake(bot);
}

/* What has come and is not on record yet comes again in the next life. */
void telegram_life_stop(struct platform *bot)
{
	struct telegram_life *life = bot->life;

	if (bot->stopping)
		return;
	bot->stopping = true;
	loop_timer_stop(life->again);
	if (life->call)
		telegram_api_cancel(bot, life->call);
	life->call = 0;
	drop(bot);
	telegram_settle(bot);
}

struct telegram_life *telegram_life_create(struct platform *bot)
{
	struct telegram_life *life = mem_zero(1, sizeof(*life));

	life->bot = bot;
	life->again = loop_timer_create(bot->host->loop, ask, bot);
	life->soon = loop_timer_create(bot->host->loop, look, bot);
	return life;
}

void telegram_life_destroy(struct telegram_life *life)
{
	if (life == NULL)
		return;
	if (life->call)
		telegram_api_cancel(life->bot, life->call);
	loop_timer_destroy(life->again);
	loop_timer_destroy(life->soon);
	free(life);
}
