/* A bot whose questions the test answers; what stands in for the room's own functions is called life_NAME (tests.mk). */
#include "stage_life.h"
#include "clock.h"
#include "mem.h"

static struct life_stage *stage; /* the functions below have no owner to find it by */

enum { WALL_MS_TO_LOOP = 1000 };
static const int64_t wall_ms = 1800000000000;

static void keep_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "(none)");
}

/* ---- in the place of the room's ------------------------------------------------------------------------------------- */

int64_t life_clock_wall_ms(void);
uint64_t life_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			   uint64_t ticket);
void life_discord_rest_cancel(struct platform *bot, uint64_t id);
uint64_t life_http_start(struct http *http, const struct http_call *call, http_data_fn *on_data,
			 http_done_fn *on_done, void *owner, uint64_t ticket);
void life_http_cancel(struct http *http, uint64_t id);
void life_discord_gateway_start(struct discord_gateway *gateway);
void life_discord_gateway_stop(struct discord_gateway *gateway, bool for_good);
bool life_discord_gateway_idle(const struct discord_gateway *gateway);
bool life_discord_hook_start(struct discord_hook *hook, struct err *err);
void life_discord_hook_stop(struct discord_hook *hook);
void life_discord_commands_register(struct discord_commands *commands);
void life_discord_catch_up_stop(struct platform *bot);
size_t life_discord_sends_running(const struct discord_sends *sends);
size_t life_discord_inbound_owed(const struct discord_inbound *inbound);
size_t life_discord_interact_owed(const struct discord_interactions *interactions);

int64_t life_clock_wall_ms(void)
{
	return wall_ms + (int64_t)stage_loop_now() - WALL_MS_TO_LOOP;
}

/* The bot's token is used only while it counts as good, or the operator asks. */
uint64_t life_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			   uint64_t ticket)
{
	assert_true(!bot->dead || call->anyway);
	assert_int_equal(stage->call, 0); /* one at a time */
	assert_string_equal(call->method, "GET");
	keep_text(stage->path, sizeof(stage->path), call->path);
	stage->fn = fn;
	stage->owner = owner;
	stage->ticket = ticket;
	return stage->call = ++stage->asked;
}

void life_discord_rest_cancel(struct platform *bot, uint64_t id)
{
	(void)bot;
	assert_int_equal(stage->call, id);
	stage->call = 0;
	stage->cancelled++;
}

uint64_t life_http_start(struct http *http, const struct http_call *call, http_data_fn *on_data,
			 http_done_fn *on_done, void *owner, uint64_t ticket)
{
	(void)http;
	assert_null(on_data);
	assert_null(call->headers[1]); /* no token for a question about the time, */
	assert_memory_equal(call->headers[0], "user-agent: DiscordBot (", 24); /* but who asks (pitfall 25) */
	assert_string_equal(call->url, "https://discord.com/api/v10/gateway");
	stage->on_time = on_done;
	stage->time_owner = owner;
	stage->time_ticket = ticket;
	return 7;
}

void life_http_cancel(struct http *http, uint64_t id)
{
	(void)http;
	assert_int_equal(id, 7);
	stage->on_time = NULL;
}

void life_discord_gateway_start(struct discord_gateway *gateway)
{
	assert_ptr_equal(gateway, &stage->gateway);
	stage->gateway_starts++;
}

void life_discord_gateway_stop(struct discord_gateway *gateway, bool for_good)
{
	assert_ptr_equal(gateway, &stage->gateway);
	stage->gateway_stops++;
	stage->for_good = for_good;
}

bool life_discord_gateway_idle(const struct discord_gateway *gateway)
{
	(void)gateway;
	return !stage->gateway_busy;
}

bool life_discord_hook_start(struct discord_hook *hook, struct err *err)
{
	(void)hook;
	stage->hook_starts++;
	return !stage->hook_fails || err_set(err, ERR_REFUSED, "the path is taken");
}

void life_discord_hook_stop(struct discord_hook *hook)
{
	(void)hook;
	stage->hook_stops++;
}

void life_discord_commands_register(struct discord_commands *commands)
{
	(void)commands;
	assert_int_not_equal(stage->bot.app_id, 0);
	stage->registered++;
}

void life_discord_catch_up_stop(struct platform *bot)
{
	(void)bot;
}

size_t life_discord_sends_running(const struct discord_sends *sends)
{
	(void)sends;
	return stage->sends;
}

size_t life_discord_inbound_owed(const struct discord_inbound *inbound)
{
	(void)inbound;
	return stage->inbound;
}

size_t life_discord_interact_owed(const struct discord_interactions *interactions)
{
	(void)interactions;
	return stage->interactions;
}

/* ---- the core's part --------------------------------------------------------------------------------------------------- */

static void on_link(struct platform_host *host, enum link_state now, const char *why)
{
	(void)host;
	stage->links++;
	stage->link = now;
	keep_text(stage->why, sizeof(stage->why), why);
}

static void on_install(struct platform_host *host, const struct install *install, uint64_t ticket)
{
	(void)host;
	assert_null(install->key);
	assert_null(install->secrets);
	stage->records++;
	stage->record_ticket = ticket;
	keep_text(stage->title, sizeof(stage->title), install->title);
	keep_text(stage->record, sizeof(stage->record), install->settings);
}

static void on_checked(struct platform_host *host, uint64_t ticket, const char *findings)
{
	(void)host;
	assert_int_equal(ticket, 77);
	stage->checks++;
	keep_text(stage->findings, sizeof(stage->findings), findings);
}

static void on_stopped(struct platform_host *host)
{
	(void)host;
	stage->stops++;
}

/* ---- opening and closing --------------------------------------------------------------------------------------------- */

static void put(const char *name, const char *text)
{
	struct err err = { 0 };

	if (!settings_put(stage->settings, name, text, "test:1", &err))
		fail_msg("%s", err.text);
}

static void open_bot(const struct life_put *more)
{
	struct platform *bot = &stage->bot;
	struct err err = { 0 };

	stage->settings = settings_create(discord_settings, "platforms.discord[0]", "test:1");
	put("name", "acme");
	put("bot_token", LIFE_TOKEN);
	for (; more && more->name; more++)
		put(more->name, more->text);
	if (!settings_finish(stage->settings, &err) ||
	    !discord_config_read(&bot->config, stage->settings, &err))
		fail_msg("%s", err.text);
	bot->host = &stage->host;
	bot->gateway = &stage->gateway;
	bot->life = discord_life_create(bot);
	bot->checks = discord_checks_create(bot);
}

struct life_stage *life_stage_open(const struct life_put *more)
{
	log_setup(getenv("USHER_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1, false); /* the tests cause many */
	stage = mem_zero(1, sizeof(*stage));
	stage->log = (struct log){ .name = "acme" };
	stage->host = (struct platform_host){
		.name = "acme",
		.public_url = "https://usher.example.org",
		.loop = stage_loop_open(),
		.log = &stage->log,
		.link = on_link,
		.install = on_install,
		.checked = on_checked,
		.stopped = on_stopped,
	};
	open_bot(more);
	return stage;
}

void life_stage_start(struct life_stage *opened)
{
	struct err err = { 0 };

	assert_true(discord_life_start(&opened->bot, &err));
}

void life_stage_close(struct life_stage *opened)
{
	discord_checks_destroy(opened->bot.checks);
	discord_life_destroy(opened->bot.life);
	assert_int_equal(opened->call, 0); /* nothing is left that would call back */
	assert_null(opened->on_time);
	discord_config_finish(&opened->bot.config);
	free(opened->bot.username);
	settings_destroy(opened->settings);
	stage_loop_close();
	free(opened);
	stage = NULL;
}

/* ---- answers ----------------------------------------------------------------------------------------------------------- */

static void answer_with(struct life_stage *opened, const char *path, const struct discord_answer *answer)
{
	if (opened->call == 0)
		fail_msg("nothing is asked; expected was %s", path);
	assert_string_equal(opened->path, path);
	opened->call = 0;
	opened->fn(&opened->bot, opened->owner, opened->ticket, answer);
}

void life_says(struct life_stage *opened, const char *path, const char *json)
{
	struct err err = { 0 };
	json_t *body = json_read(json, strlen(json), &err);

	assert_non_null(body);
	answer_with(opened, path, &(struct discord_answer){ .how = DISCORD_OK, .status = 200, .body = body });
	json_decref(body);
}

/* As rest.c does it: a refused token is told first. */
void life_refuses(struct life_stage *opened, const char *path, enum discord_how how, const char *why)
{
	if (how == DISCORD_AUTH)
		discord_dead(&opened->bot, why);
	answer_with(opened, path,
		    &(struct discord_answer){ .how = how, .why = why, .retry_ms = 2 * LIFE_MINUTE });
}

bool life_asks(const struct life_stage *opened)
{
	return opened->call != 0;
}

void life_time(struct life_stage *opened, int64_t off_ms)
{
	http_done_fn *on_time = opened->on_time;
	struct http_answer answer = { .how = off_ms < 0 ? HTTP_NOT_SENT : HTTP_ANSWERED,
				      .status = 200,
				      .date_ms = off_ms < 0 ? 0 : life_clock_wall_ms() - off_ms };

	assert_non_null(on_time);
	err_set(&answer.err, ERR_GONE, "no network");
	opened->on_time = NULL;
	on_time(opened->time_owner, opened->time_ticket, &answer);
}

void life_stage_meet(struct life_stage *opened)
{
	life_says(opened, "/applications/@me", LIFE_APP);
	life_says(opened, "/users/@me", LIFE_USER);
}
