/* Deliveries by webhook (sheet 4.2): check, read, hand over; 200 once it is taken, else 503, so that it comes again. The
 * platform waits with all later updates of the same chat until then. */
#include "hook_room.h"
#include "mem.h"
#include "metrics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARN_EVERY_MS = 60000, STOPPING_RETRY_MS = 5000 };

static const char secret_header[] = "x-telegram-bot-api-secret-token";

static struct metric failed_checks = {
	.name = "usher_telegram_failed_checks_total",
	.help = "Deliveries without the secret of the webhook",
	.type = METRIC_COUNTER,
	.label = "bot",
};

char *telegram_hook_url(const struct platform *bot)
{
	const char *base = bot->host->public_url;

	return base != NULL ? mem_format("%s/telegram/%s/update", base, bot->config.name) : NULL;
}

/* ---- checking ---------------------------------------------------------------------------------------------------- */

static bool genuine(const struct telegram_hook *hook, const struct web_request *request)
{
	const char *said = web_header(request, secret_header);

	return said != NULL && !web_header_repeated(request, secret_header) &&
	       crypto_equal(said, strlen(said), hook->secret, strlen(hook->secret));
}

/* Strangers may knock as often as they like: they don't fill the log. */
static void refuse(struct telegram_hook *hook, struct web_request *request)
{
	uint64_t now = loop_now_ms(hook->bot->host->loop);

	metric_add(&failed_checks, (const char *[]){ hook->bot->config.name }, 1);
	hook->unwarned++;
	if (hook->warned_at == 0 || now - hook->warned_at >= WARN_EVERY_MS) {
		log_warn(hook->bot->host->log, "%u deliveries without our secret, the latest from %s",
			 hook->unwarned, web_peer(request));
		hook->warned_at = now;
		hook->unwarned = 0;
	}
	web_answer_error(request, 401, "AUTH_FAILED", "the request could not be authenticated");
}

/* ---- handing over ------------------------------------------------------------------------------------------------ */

/* owner is not used: the hook may have ended meanwhile. */
static void on_taken(struct platform *bot, void *owner, uint64_t ticket, enum telegram_taken how,
		     unsigned retry_ms)
{
	struct web_request *request = bot->hook != NULL ? web_held_take(bot->hook->held, ticket) : NULL;

	(void)owner;
	if (request == NULL)
		return; /* gone, or answered when its time was over; it will come again */
	if (how == TELEGRAM_TAKEN)
		web_answer(request, 200, NULL, NULL, 0);
	else
		web_answer_later(request, retry_ms);
}

/* A body that was cut off on its way comes whole the next time. One that can't be read at all would block its chat for
 * a day: it is let go. */
static void unreadable(struct telegram_hook *hook, struct web_request *request, const struct err *err)
{
	char digest[CRYPTO_SHA256_HEX];
	size_t len;
	const char *body = web_body(request, &len);
	struct recent *poison = recents_touch(&hook->poisons, crypto_sha256_hex(body, len, digest));

	if (++poison->count < HOOK_POISON_MAX) {
		log_warn(hook->bot->host->log, "a genuine delivery can't be read: %s", err->text);
		web_answer_error(request, 400, "BAD_REQUEST", "%s", err->text);
		return;
	}
	log_error(hook->bot->host->log, "a delivery that can't be read is left out: %s", err->text);
	recents_drop(&hook->poisons, poison);
	web_answer(request, 200, NULL, NULL, 0);
}

static void take(struct telegram_hook *hook, struct web_request *request)
{
	struct err err = { 0 };
	size_t len;
	const char *body = web_body(request, &len);
	json_t *update = json_read(body, len, &err);
	uint64_t id = web_id(request);

	if (update != NULL && json_int(update, "update_id", 0) <= 0)
		err_set(&err, ERR_REFUSED, "it is no update");
	if (err.kind != ERR_NONE)
		unreadable(hook, request, &err);
	else if (web_held_add(hook->held, request))
		telegram_take(hook->bot, update, on_taken, NULL, id);
	json_decref(update);
}

static void on_request(void *owner, struct web_request *request)
{
	struct telegram_hook *hook = owner;

	if (!genuine(hook, request)) {
		refuse(hook, request);
		return;
	}
	telegram_hook_heard(hook);
	if (hook->stopping)
		web_answer_later(request, STOPPING_RETRY_MS);
	else
		take(hook, request);
}

/* ---- beginning and end --------------------------------------------------------------------------------------------- */

/* Letters and digits only, as the header wants it; the same after every start. */
static void make_secret(struct telegram_hook *hook)
{
	const struct telegram_config *config = &hook->bot->config;
	static const char what[] = "secret of the webhook";
	uint8_t digest[CRYPTO_SHA256_SIZE];

	if (config->secret != NULL) {
		snprintf(hook->secret, sizeof(hook->secret), "%s", config->secret);
		return;
	}
	crypto_hmac_sha256(config->bot_token, strlen(config->bot_token),
			   &(struct crypto_part){ what, sizeof(what) - 1 }, 1, digest);
	crypto_hex(digest, sizeof(digest), hook->secret);
	log_hide(hook->secret);
}

struct telegram_hook *telegram_hook_create(struct platform *bot)
{
	struct telegram_hook *hook = mem_zero(1, sizeof(*hook));

	hook->bot = bot;
	hook->poisons.max = HOOK_POISONS_MAX;
	make_secret(hook);
	return hook;
}

static bool claim(struct telegram_hook *hook, struct err *err)
{
	const struct platform_host *host = hook->bot->host;
	char *path = mem_format("/telegram/%s/update", hook->bot->config.name);
	bool claimed = web_claim(host->web,
				 &(struct web_route){ "POST", path, TELEGRAM_BODY_MAX, on_request, hook });

	if (claimed)
		hook->held = web_held_create(host->web, host->loop, TELEGRAM_ACK_MS, HOOK_HELD_MAX);
	else
		err_set(err, ERR_REFUSED, "the address %s is taken: two bots have the same name", path);
	free(path);
	return claimed;
}

bool telegram_hook_start(struct telegram_hook *hook, struct err *err)
{
	if (hook->bot->host->public_url == NULL)
		return err_set(err, ERR_REFUSED, "a webhook needs listen.public_url; polling does not");
	if (hook->held == NULL && !claim(hook, err))
		return false;
	hook->stopping = false;
	telegram_hook_watch(hook);
	return true;
}

void telegram_hook_stop(struct telegram_hook *hook)
{
	hook->stopping = true;
	if (hook->timer != NULL)
		telegram_hook_unwatch(hook);
}

void telegram_hook_destroy(struct telegram_hook *hook)
{
	if (hook == NULL)
		return;
	telegram_hook_stop(hook);
	if (hook->bot->hook == hook)
		hook->bot->hook = NULL;
	if (hook->held != NULL)
		web_release(hook->bot->host->web, hook);
	web_held_destroy(hook->held);
	loop_timer_destroy(hook->timer);
	recents_finish(&hook->poisons);
	free(hook);
}
