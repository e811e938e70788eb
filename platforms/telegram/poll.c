/* Asks for updates, for ever: when the next question goes out, and what an answer says about the link (sheet 3). */
#include "backoff.h"
#include "mem.h"
#include "poll_room.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600000, SAME_MAX = 8 };

static const struct poll_times telegram_poll_times = {
	.wait_s = 50,
	.answer = 10000,
	.body = 60000,
	.idle = 15000,
	.first = 1000,
	.longest = 60000,
	.held = 100,
	.same = 600,
	.same_longest = 5000,
	.rival_quick = 60000,
	.rival_first = 1000,
	.rival_spread = 4000,
	.rival_slow = 30000,
	.rival_over = 120000,
};

static void ask(struct telegram_poll *poll);

static uint64_t now_of(const struct telegram_poll *poll)
{
	return loop_now_ms(poll->bot->host->loop);
}

/* ---- the link -------------------------------------------------------------------------------------------------- */

static void show(struct telegram_poll *poll, enum link_state now, const char *why)
{
	if (poll->shown && poll->link == now && strcmp(poll->why, why) == 0)
		return;
	poll->shown = true;
	poll->link = now;
	snprintf(poll->why, sizeof(poll->why), "%s", why);
	poll->bot->host->link(poll->bot->host, now, *why != '\0' ? poll->why : NULL);
}

/* The platform forgets updates after 24 hours, and bots can't read what was said before. */
static void alarm_of_age(struct telegram_poll *poll)
{
	static const unsigned hours[] = { 12, 20 };
	uint64_t age = now_of(poll) - poll->up_at;

	if (poll->alarms >= sizeof(hours) / sizeof(*hours) || age < (uint64_t)hours[poll->alarms] * HOUR_MS)
		return;
	poll->alarms++;
	log_error(poll->bot->host->log, "no updates for %llu hours: what is older than 24 hours is lost (%s)",
		  (unsigned long long)(age / HOUR_MS), poll->why);
}

/* ---- pauses ---------------------------------------------------------------------------------------------------- */

static void pause_for(struct telegram_poll *poll, uint64_t ms)
{
	poll->pausing = POLL_PAUSE;
	loop_timer_start(poll->timer, ms, 0);
}

static void failed(struct telegram_poll *poll, const char *why)
{
	const struct poll_times *times = &poll->times;

	poll->failures++;
	poll->quick = true;
	if (poll->failures == 1 || strcmp(poll->why, why) != 0)
		log_info(poll->bot->host->log, "no updates: %s", why);
	show(poll, poll->failures == 1 && poll->link != LINK_DOWN ? LINK_CONNECTING : LINK_DOWN, why);
	alarm_of_age(poll);
	pause_for(poll,
		  times->first + backoff_ms(poll->failures, times->first, times->longest - times->first));
}

/* Again when something changed, or after a pause while something is held: that is not asked for needlessly. */
static void consider(struct telegram_poll *poll)
{
	uint64_t pause = poll->times.held;

	if (!poll->wanted || poll->call != 0 || poll->pausing == POLL_PAUSE || poll->bot->dead)
		return;
	if (poll->held == NULL && poll->same == 0) {
		ask(poll);
		return;
	}
	if (poll->pausing == POLL_HELD || poll->held_count >= POLL_LIMIT)
		return;
	if (poll->same > 0) {
		pause = (uint64_t)poll->times.same << (poll->same - 1);
		if (pause > poll->times.same_longest)
			pause = poll->times.same_longest;
	}
	poll->pausing = POLL_HELD;
	loop_timer_start(poll->timer, pause, 0);
}

static void on_timer(void *data)
{
	struct telegram_poll *poll = data;

	poll->pausing = POLL_NO_PAUSE;
	if (poll->wanted && poll->call == 0 && !poll->bot->dead)
		ask(poll);
}

static void on_again(void *data)
{
	telegram_batch_hand_over(data);
}

void telegram_poll_moved(struct telegram_poll *poll)
{
	telegram_batch_hand_over(poll);
	if (poll->held == NULL && poll->pausing == POLL_HELD && !poll->repeated) {
		poll->pausing = POLL_NO_PAUSE;
		poll->same = 0;
		loop_timer_stop(poll->timer);
	}
	consider(poll);
}

/* ---- who else gets updates --------------------------------------------------------------------------------------- */

/* For a minute it may be our own earlier life, whose question is still open there. */
static void rival(struct telegram_poll *poll, const char *why)
{
	const struct poll_times *times = &poll->times;

	if (now_of(poll) - poll->rival_since < times->rival_quick) {
		if (poll->link != LINK_UP)
			show(poll, poll->link, why);
		pause_for(poll, times->rival_first + backoff_ms(1, times->rival_spread, times->rival_spread));
		return;
	}
	if (poll->link != LINK_DOWN || strcmp(poll->why, why) != 0)
		log_error(poll->bot->host->log, "no updates: %s", why);
	show(poll, LINK_DOWN, why);
	alarm_of_age(poll);
	pause_for(poll, times->rival_slow + backoff_ms(1, times->rival_slow, times->rival_slow));
}

/* Only as far as the host: paths of webhooks are often secrets. */
static void hooked(struct telegram_poll *poll, const char *url)
{
	const char *host = strstr(url, "://");
	size_t len = host != NULL ? (size_t)(host - url) + 3 : 0;
	char why[POLL_WHY];

	len += strcspn(url + len, "/?#");
	snprintf(why, sizeof(why), "a webhook is set at %.*s: delete it, or set take_over",
		 len < 120 ? (int)len : 120, url);
	poll->rival_since = now_of(poll) - poll->times.rival_quick; /* it does not go by itself */
	rival(poll, why);
}

static void on_deleted(struct platform *bot, void *owner, uint64_t ticket,
		       const struct telegram_answer *answer)
{
	struct telegram_poll *poll = owner;

	(void)ticket;
	poll->call = 0;
	if (answer->how != TELEGRAM_OK) {
		failed(poll, answer->why);
		return;
	}
	log_info(bot->host->log, "the webhook was deleted");
	poll->rival_since = poll->rival_at = 0;
	poll->quick = true;
	pause_for(poll, poll->times.first);
}

static bool ours(const struct platform *bot, const char *url)
{
	char *own = telegram_hook_url(bot);
	bool same = own != NULL && strcmp(own, url) == 0;

	free(own);
	return same;
}

static void on_info(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	struct telegram_poll *poll = owner;
	const char *url = json_text(answer->result, "url");

	(void)ticket;
	poll->call = 0;
	if (answer->how == TELEGRAM_LIMITED) {
		pause_for(poll, answer->retry_ms);
	} else if (answer->how != TELEGRAM_OK) {
		failed(poll, answer->why);
	} else if (url == NULL || *url == '\0') {
		rival(poll, "another program sets and deletes webhooks of this bot");
	} else if (bot->config.take_over || ours(bot, url)) {
		struct telegram_call call = { .method = "deleteWebhook" };

		poll->call = telegram_api(bot, &call, on_deleted, poll, 0);
	} else {
		hooked(poll, url);
	}
}

static void conflict(struct telegram_poll *poll, const char *why)
{
	struct telegram_call call = { .method = "getWebhookInfo" };

	poll->rival_at = now_of(poll);
	if (poll->rival_since == 0)
		poll->rival_since = poll->rival_at;
	if (strcasestr(why, "webhook") != NULL)
		poll->call = telegram_api(poll->bot, &call, on_info, poll, 0);
	else
		rival(poll, "another program polls this bot");
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* Not up again because one question came through between two conflicts. */
static void up(struct telegram_poll *poll)
{
	uint64_t now = now_of(poll);

	poll->failures = 0;
	poll->quick = false;
	poll->up_at = now;
	poll->alarms = 0;
	if (poll->rival_since != 0 && now - poll->rival_at >= poll->times.rival_over)
		poll->rival_since = poll->rival_at = 0;
	if (poll->rival_since == 0 || poll->link == LINK_UP)
		show(poll, LINK_UP, "");
}

static void take(struct telegram_poll *poll, const json_t *updates)
{
	int64_t newest = poll->newest;
	unsigned fresh;

	if (!json_is_array(updates)) {
		failed(poll, "the answer holds no list of updates");
		return;
	}
	fresh = telegram_batch_add(poll, updates);
	up(poll);
	poll->unread = 0;
	poll->limit = poll->limit * 2 < POLL_LIMIT ? poll->limit * 2 : POLL_LIMIT;
	poll->repeated = fresh > 0 && poll->newest == newest; /* although it was confirmed */
	if (poll->repeated || (json_array_size(updates) > 0 && fresh == 0))
		poll->same += poll->same < SAME_MAX;
	else
		poll->same = 0;
	telegram_batch_hand_over(poll);
	consider(poll);
}

/* One that nobody can read must not stop all that come after it: it is found by asking for less, and left out. */
static void unreadable(struct telegram_poll *poll, const struct telegram_answer *answer)
{
	int64_t id = answer->unread != NULL && poll->held == NULL ? telegram_unread_id(answer->unread) : 0;

	if (poll->limit > 1) {
		poll->limit = poll->limit > 4 ? poll->limit / 4 : 1;
		log_warn(poll->bot->host->log, "%s: asking for %u updates instead", answer->why, poll->limit);
		pause_for(poll, poll->times.first);
	} else if (id == 0 || ++poll->unread < POLL_UNREAD_MAX) {
		failed(poll, answer->why);
	} else {
		log_error(poll->bot->host->log, "update %lld can't be read and is left out", (long long)id);
		poll->unread = 0;
		poll->passed = poll->newest = id;
		pause_for(poll, poll->times.first);
	}
}

static void on_updates(struct platform *bot, void *owner, uint64_t ticket,
		       const struct telegram_answer *answer)
{
	struct telegram_poll *poll = owner;

	(void)bot;
	(void)ticket;
	poll->call = 0;
	if (answer->how == TELEGRAM_OK) {
		take(poll, answer->result);
	} else if (answer->how == TELEGRAM_AUTH) {
		poll->wanted = false; /* telegram_token_dead has told it */
	} else if (answer->how == TELEGRAM_LIMITED) {
		log_info(bot->host->log, "asked to wait %u ms for updates", answer->retry_ms);
		if (answer->retry_ms > poll->times.longest)
			show(poll, LINK_CONNECTING, "the platform asks to wait");
		pause_for(poll, answer->retry_ms);
	} else if (answer->how == TELEGRAM_REFUSED && answer->refusal == TELEGRAM_CONFLICT) {
		conflict(poll, answer->why);
	} else if (answer->too_large || answer->unread != NULL) {
		unreadable(poll, answer);
	} else {
		failed(poll, answer->why);
	}
}

/* Without an offset the platform begins with what was never confirmed: no cursor of ours could know better. */
static void ask(struct telegram_poll *poll)
{
	const struct poll_times *times = &poll->times;
	unsigned wait_s = poll->quick ? 0 : times->wait_s;
	struct telegram_call call = { .method = "getUpdates", .args = json_object(), .idle_ms = times->idle };

	if (poll->passed != 0)
		json_object_set_new(call.args, "offset", json_integer(poll->passed + 1));
	json_object_set_new(call.args, "limit", json_integer(poll->limit));
	json_object_set_new(call.args, "timeout", json_integer(wait_s));
	json_object_set_new(call.args, "allowed_updates", telegram_allowed_updates());
	call.first_byte_ms = wait_s * 1000 + times->answer;
	call.total_ms = call.first_byte_ms + times->body;
	poll->call = telegram_api(poll->bot, &call, on_updates, poll, 0);
}

json_t *telegram_allowed_updates(void)
{
	static const char *const names[] = { "message",
					     "edited_message",
					     "channel_post",
					     "edited_channel_post",
					     "callback_query",
					     "my_chat_member",
					     "stopped_message_generation" };
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

/* ---- beginning and end --------------------------------------------------------------------------------------------- */

struct telegram_poll *telegram_poll_create(struct platform *bot)
{
	struct telegram_poll *poll = mem_zero(1, sizeof(*poll));

	poll->bot = bot;
	poll->times = telegram_poll_times;
	poll->limit = POLL_LIMIT;
	poll->timer = loop_timer_create(bot->host->loop, on_timer, poll);
	poll->again = loop_timer_create(bot->host->loop, on_again, poll);
	return poll;
}

void telegram_poll_cursor(struct telegram_poll *poll, const char *position)
{
	char *end;
	long long id = strtoll(position, &end, 10);

	if (*end == '\0' && id > 0 && id <= INT32_MAX)
		poll->newest = id;
}

void telegram_poll_start(struct telegram_poll *poll)
{
	poll->wanted = true;
	poll->quick = true;
	poll->shown = false;
	poll->failures = 0;
	poll->up_at = now_of(poll);
	show(poll, LINK_CONNECTING, "");
	consider(poll);
}

void telegram_poll_stop(struct telegram_poll *poll)
{
	poll->wanted = false;
	if (poll->call != 0)
		telegram_api_cancel(poll->bot, poll->call);
	poll->call = 0;
	poll->pausing = POLL_NO_PAUSE;
	poll->same = 0;
	loop_timer_stop(poll->timer);
	loop_timer_stop(poll->again);
	telegram_batch_forget(poll);
}

void telegram_poll_destroy(struct telegram_poll *poll)
{
	if (poll == NULL)
		return;
	telegram_poll_stop(poll);
	if (poll->bot->poll == poll)
		poll->bot->poll = NULL;
	loop_timer_destroy(poll->timer);
	loop_timer_destroy(poll->again);
	free(poll);
}
