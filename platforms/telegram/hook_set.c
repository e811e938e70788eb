/* Keeps the webhook set: asked at the start and every few minutes, set only when it is not as it should be (sheet 4.1,
 * 4.4). */
#include "backoff.h"
#include "clock.h"
#include "hook_room.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct hook_times telegram_hook_times = { .look = 300000, .first = 1000, .longest = 60000 };

static void look(void *data);

static void show(struct telegram_hook *hook, enum link_state now, const char *why)
{
	struct platform_host *host = hook->bot->host;
	bool same = hook->shown && hook->link == now;

	if (same && strcmp(hook->why, why) == 0)
		return;
	if (now == LINK_DOWN && !same)
		log_warn(host->log, "%s", why);
	hook->shown = true;
	hook->link = now;
	snprintf(hook->why, sizeof(hook->why), "%s", why);
	host->link(host, now, *why != '\0' ? hook->why : NULL);
}

void telegram_hook_heard(struct telegram_hook *hook)
{
	hook->heard_s = clock_wall_ms() / 1000;
	if (!hook->stopping)
		show(hook, LINK_UP, "");
}

static void again(struct telegram_hook *hook, uint64_t ms)
{
	loop_timer_start(hook->timer, ms, 0);
}

static void not_done(struct telegram_hook *hook, const struct telegram_answer *answer)
{
	const struct hook_times *times = &hook->times;
	uint64_t pause;

	if (answer->how == TELEGRAM_AUTH)
		return; /* telegram_token_dead has told it */
	if (answer->how == TELEGRAM_LIMITED) {
		again(hook, answer->retry_ms);
		return;
	}
	hook->failures++;
	pause = times->first + backoff_ms(hook->failures, times->first, times->longest - times->first);
	if (answer->how == TELEGRAM_REFUSED && pause < times->longest)
		pause = times->longest; /* the address does not please: people have to do something */
	show(hook, hook->failures == 1 && answer->how != TELEGRAM_REFUSED ? LINK_CONNECTING : LINK_DOWN,
	     answer->why);
	again(hook, pause);
}

/* ---- setting ----------------------------------------------------------------------------------------------------- */

static void on_set(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	struct telegram_hook *hook = owner;

	(void)ticket;
	hook->call = 0;
	if (answer->how != TELEGRAM_OK) {
		not_done(hook, answer);
		return;
	}
	log_info(bot->host->log, "the webhook is set");
	hook->set = true;
	hook->failures = 0;
	telegram_hook_heard(hook);
	again(hook, hook->times.look);
}

static void set(struct telegram_hook *hook, const char *url)
{
	struct telegram_call call = { .method = "setWebhook", .args = json_object() };

	json_object_set_new(call.args, "url", json_string(url));
	json_object_set_new(call.args, "secret_token", json_string(hook->secret));
	json_object_set_new(call.args, "max_connections", json_integer(HOOK_CONNECTIONS));
	json_object_set_new(call.args, "allowed_updates", telegram_allowed_updates());
	hook->call = telegram_api(hook->bot, &call, on_set, hook, 0);
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static bool lists(const json_t *list, const json_t *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_equal(one, name))
			return true;
	return false;
}

/* Nothing else is asked of a server that does not know all kinds: it leaves those out, whenever it is set. */
static bool as_wanted(const json_t *info)
{
	const json_t *found = json_object_get(info, "allowed_updates"), *name;
	json_t *wanted = telegram_allowed_updates();
	bool same = json_array_size(found) == json_array_size(wanted);
	size_t i;

	json_array_foreach (wanted, i, name)
		same = same && lists(found, name);
	json_decref(wanted);
	return same && json_int(info, "max_connections", 0) == HOOK_CONNECTIONS;
}

/* An error of before the latest delivery is over. */
static const char *error_of(const struct telegram_hook *hook, const json_t *info)
{
	const char *error = json_text(info, "last_error_message");

	return json_int(info, "last_error_date", 0) > hook->heard_s ? error : NULL;
}

static void report(struct telegram_hook *hook, const json_t *info)
{
	const char *error = error_of(hook, info);
	char why[HOOK_WHY];

	if (error != NULL) {
		snprintf(why, sizeof(why), "the platform does not reach us: %.200s (%lld updates wait)",
			 error, (long long)json_int(info, "pending_update_count", 0));
		show(hook, LINK_DOWN, why);
	} else {
		show(hook, LINK_UP, "");
	}
	again(hook, hook->times.look);
}

/* Two programs that set it again and again would both get half of what is said. */
static bool given_up(struct telegram_hook *hook, const char *url)
{
	const char *host = strstr(url, "://");
	char why[HOOK_WHY];

	if (!hook->set || hook->bot->config.take_over || ++hook->stolen < 2)
		return false;
	host = host != NULL ? host + 3 : url;
	snprintf(why, sizeof(why), "another program sets or deletes the webhook%s%.*s",
		 *host != '\0' ? ": it is at " : "", (int)strcspn(host, "/?#") % 200, host);
	show(hook, LINK_DOWN, why);
	again(hook, hook->times.look);
	return true;
}

static void on_info(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	struct telegram_hook *hook = owner;
	const char *found = json_text(answer->result, "url"), *error;
	char *url = telegram_hook_url(bot);

	(void)ticket;
	hook->call = 0;
	error = error_of(hook, answer->result);
	if (answer->how != TELEGRAM_OK || url == NULL) {
		not_done(hook, answer);
	} else if (found == NULL || strcmp(found, url) != 0) {
		if (!given_up(hook, found != NULL ? found : ""))
			set(hook, url);
	} else if ((!hook->set && !as_wanted(answer->result)) ||
		   (error != NULL && strstr(error, "401") != NULL)) {
		set(hook, url); /* 401: it was set with another secret */
	} else {
		hook->failures = hook->stolen = 0;
		report(hook, answer->result);
	}
	free(url);
}

static void look(void *data)
{
	struct telegram_hook *hook = data;
	struct telegram_call call = { .method = "getWebhookInfo" };

	if (hook->call == 0 && !hook->bot->dead)
		hook->call = telegram_api(hook->bot, &call, on_info, hook, 0);
}

void telegram_hook_watch(struct telegram_hook *hook)
{
	hook->times = hook->times.look != 0 ? hook->times : telegram_hook_times;
	if (hook->timer == NULL)
		hook->timer = loop_timer_create(hook->bot->host->loop, look, hook);
	hook->shown = false;
	hook->failures = 0;
	show(hook, LINK_CONNECTING, "");
	look(hook);
}

void telegram_hook_unwatch(struct telegram_hook *hook)
{
	if (hook->call != 0)
		telegram_api_cancel(hook->bot, hook->call);
	hook->call = 0;
	loop_timer_stop(hook->timer);
}
