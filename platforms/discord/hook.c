/* Interactions and webhook events over HTTP (sheet 3.1, 10.2): check, read, hand over, and answer before the platform gives
 * up, but never before it is stored. */
#include "clock.h"
#include "hook_room.h"
#include "mem.h"
#include "metrics.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { WARN_EVERY_MS = 60000, RETRY_MS = 1000, STOPPING_RETRY_MS = 5000, KEY_PART_MAX = 64 };
enum { EVENT_PING, EVENT };

static struct metric failed_checks = {
	.name = "usher_discord_failed_checks_total",
	.help = "Requests whose signature was missing, malformed, out of time or wrong",
	.type = METRIC_COUNTER,
	.label = "bot,why",
};

/* ---- checking ------------------------------------------------------------------------------------------------------- */

static enum discord_verified check(const struct discord_hook *hook, const struct web_request *request,
				   int64_t now_s)
{
	static const char signature[] = "x-signature-ed25519", timestamp[] = "x-signature-timestamp";
	size_t len;
	const char *body = web_body(request, &len);

	if (web_header_repeated(request, signature) || web_header_repeated(request, timestamp))
		return DISCORD_ILL_SIGNED;
	return discord_verify(hook->bot->public_key, web_header(request, signature),
			      web_header(request, timestamp), body, len, now_s);
}

/* The platform itself sends wrong signatures now and then, and strangers may knock as often as they like: they don't fill
 * the log. */
static void refuse(struct discord_hook *hook, struct web_request *request, enum discord_verified why,
		   int64_t now_s)
{
	const struct log *log = hook->bot->host->log;
	uint64_t now = loop_now_ms(hook->bot->host->loop);

	metric_add(&failed_checks, (const char *[]){ hook->bot->config.name, discord_verified_name(why) }, 1);
	hook->unwarned++;
	if (hook->warned_at == 0 || now - hook->warned_at >= WARN_EVERY_MS) {
		if (why == DISCORD_OUT_OF_TIME)
			log_warn(log, "a signed request says it is %s, our clock says %lld: is it right?",
				 web_header(request, "x-signature-timestamp"), (long long)now_s);
		else
			log_info(log, "%u requests failed their check, the latest from %s: signature %s",
				 hook->unwarned, web_peer(request), discord_verified_name(why));
		hook->warned_at = now;
		hook->unwarned = 0;
	}
	web_answer_error(request, 401, "AUTH_FAILED", "the request could not be authenticated");
}

/* NULL: it was answered. */
static json_t *read_genuine(struct discord_hook *hook, struct web_request *request)
{
	int64_t now_s = clock_wall_ms() / 1000;
	enum discord_verified genuine = check(hook, request, now_s);
	struct err err = { 0 };
	json_t *json;
	size_t len;
	const char *body = web_body(request, &len);

	if (genuine != DISCORD_GENUINE) {
		refuse(hook, request, genuine, now_s);
		return NULL;
	}
	if (hook->stopping) {
		web_answer_later(request, STOPPING_RETRY_MS);
		return NULL;
	}
	json = json_read(body, len, &err);
	if (json == NULL) {
		log_warn(hook->bot->host->log, "a genuine request can't be read: %s", err.text);
		web_answer_error(request, 400, "BAD_REQUEST", "%s", err.text);
	}
	return json;
}

/* ---- waiting --------------------------------------------------------------------------------------------------------- */

static struct discord_waiting *waiting_add(struct discord_hook *hook, struct web_request *request, char *key)
{
	struct discord_waiting *waiting;

	if (!web_held_add(hook->held, request)) {
		free(key);
		return NULL;
	}
	waiting = mem_zero(1, sizeof(*waiting));
	*waiting = (struct discord_waiting){ .hook = hook, .web_id = web_id(request), .key = key };
	DL_APPEND(hook->waiting, waiting);
	return waiting;
}

static void waiting_free(struct discord_waiting *waiting)
{
	DL_DELETE(waiting->hook->waiting, waiting);
	free(waiting->key);
	free(waiting);
}

/* NULL: gone, or answered when its time was over. */
static struct web_request *waiting_end(struct discord_waiting *waiting)
{
	struct web_request *request = web_held_take(waiting->hook->held, waiting->web_id);

	waiting_free(waiting);
	return request;
}

/* ---- interactions ----------------------------------------------------------------------------------------------------- */

static void on_told(struct platform *bot, void *owner, const json_t *response)
{
	struct web_request *request = waiting_end(owner);
	char *text;

	(void)bot;
	if (request == NULL)
		return; /* what is stored is answered all the same, by an ordinary message */
	if (response == NULL) {
		web_answer_later(request, RETRY_MS);
		return;
	}
	text = json_write(response);
	web_answer_json(request, 200, text);
	free(text);
}

static void on_interaction(void *owner, struct web_request *request)
{
	struct discord_hook *hook = owner;
	json_t *interaction = read_genuine(hook, request);
	struct discord_waiting *waiting = interaction ? waiting_add(hook, request, NULL) : NULL;

	if (waiting && !discord_interact_http(hook->bot, interaction, on_told, waiting)) {
		request = waiting_end(waiting);
		if (request)
			web_answer_error(request, 400, "BAD_REQUEST", "this is no interaction");
	}
	json_decref(interaction);
}

/* ---- events ------------------------------------------------------------------------------------------------------------ */

/* Empty, and to a PING with a type all the same (sheet 3.1). */
static void answer_taken(struct web_request *request)
{
	web_add_header(request, "content-type", "application/json");
	web_answer(request, 204, NULL, NULL, 0);
}

/* Events have no id: what they are about, and when, tells them apart. NULL: not that of an event. The caller frees. */
static char *event_key(const json_t *event)
{
	const char *type = json_text(event, "type"), *timestamp = json_text(event, "timestamp");
	const json_t *data = json_object_get(event, "data");
	snowflake user = snowflake_read(json_object_get(json_object_get(data, "user"), "id"));
	snowflake guild = snowflake_read(json_object_get(json_object_get(data, "guild"), "id"));

	if (type == NULL || timestamp == NULL || strlen(type) > KEY_PART_MAX ||
	    strlen(timestamp) > KEY_PART_MAX)
		return NULL;
	return mem_format("%s/%s/%" PRIu64 "/%" PRIu64, type, timestamp, user, guild);
}

static void on_kept(struct platform *bot, void *owner, bool kept)
{
	struct discord_waiting *waiting = owner;
	struct web_request *request;

	(void)bot;
	if (kept)
		recents_touch(&waiting->hook->events, waiting->key);
	request = waiting_end(waiting);
	if (request == NULL)
		return; /* it comes again, and is known then */
	if (kept)
		answer_taken(request);
	else
		web_answer_later(request, RETRY_MS);
}

static void take_event(struct discord_hook *hook, struct web_request *request, const json_t *event)
{
	char *key = event_key(event);
	struct discord_waiting *waiting;

	if (key == NULL) {
		web_answer_error(request, 400, "BAD_REQUEST", "this is no event");
		return;
	}
	if (recents_find(&hook->events, key)) {
		free(key);
		answer_taken(request);
		return;
	}
	waiting = waiting_add(hook, request, key);
	if (waiting)
		discord_take_webhook(hook->bot, event, on_kept, waiting);
}

static void on_event(void *owner, struct web_request *request)
{
	struct discord_hook *hook = owner;
	json_t *body = read_genuine(hook, request);

	if (body == NULL)
		return;
	switch (json_int(body, "type", -1)) {
	case EVENT_PING:
		answer_taken(request);
		break;
	case EVENT:
		take_event(hook, request, json_object_get(body, "event"));
		break;
	default:
		web_answer_error(request, 400, "BAD_REQUEST", "this is no event");
	}
	json_decref(body);
}

/* ---- beginning and end ---------------------------------------------------------------------------------------------------- */

static bool claim(struct discord_hook *hook, const char *what, web_fn *fn, struct err *err)
{
	const struct platform *bot = hook->bot;
	char *path = mem_format("/discord/%s/%s", bot->config.name, what);
	bool claimed =
		web_claim(bot->host->web, &(struct web_route){ "POST", path, DISCORD_BODY_MAX, fn, hook });

	if (!claimed)
		err_set(err, ERR_REFUSED, "the address %s is taken: two bots have the same name", path);
	free(path);
	return claimed;
}

struct discord_hook *discord_hook_create(struct platform *bot)
{
	struct discord_hook *hook = mem_zero(1, sizeof(*hook));

	hook->bot = bot;
	hook->events.max = DISCORD_EVENTS_MAX;
	return hook;
}

bool discord_hook_start(struct discord_hook *hook, struct err *err)
{
	const struct platform_host *host = hook->bot->host;

	hook->stopping = false;
	if (hook->held)
		return true;
	if (!hook->bot->has_key) {
		log_info(host->log, "nothing is taken over HTTP: the application's public key is not known");
		return true;
	}
	if (!claim(hook, "interactions", on_interaction, err) || !claim(hook, "events", on_event, err)) {
		web_release(host->web, hook);
		return false;
	}
	hook->held = web_held_create(host->web, host->loop, DISCORD_PATIENCE_MS, DISCORD_WAITING_MAX);
	return true;
}

void discord_hook_stop(struct discord_hook *hook)
{
	hook->stopping = true;
}

void discord_hook_destroy(struct discord_hook *hook)
{
	struct discord_waiting *waiting, *next;

	if (hook == NULL)
		return;
	if (hook->held)
		web_release(hook->bot->host->web, hook);
	DL_FOREACH_SAFE(hook->waiting, waiting, next)
	{
		discord_interact_forget(hook->bot, waiting);

		waiting_free(waiting);
	}
	web_held_destroy(hook->held);
	recents_finish(&hook->events);
	if (hook->bot->hook == hook)
		hook->bot->hook = NULL;
	free(hook);
}
