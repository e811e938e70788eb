/* `usher doctor` and `usher init` for a bot: token, groups, who else gets its updates, each with its cure. */
#include "findings.h"
#include "hook_room.h"
#include "mem.h"
#include "poll_room.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* Whoever polls this bot, too, comes back within seconds when our question ends theirs (sheet 3.3). */
enum { RIVAL_WAIT_S = 4, RIVAL_ANSWER_MS = 20000, HOST_SHOWN = 120 };

struct check {
	struct telegram_checks *checks;
	uint64_t ticket; /* the core's */
	uint64_t own;	 /* ours, for what is asked meanwhile */
	uint64_t call;
	size_t step;
	bool heard;   /* the Bot API knows this token */
	bool foreign; /* a webhook of somebody else is set */
	json_t *findings;
	struct check *next;
};

struct telegram_checks {
	struct platform *bot;
	struct check *running;
};

static void next(struct check *check);

static struct check *find(struct telegram_checks *checks, uint64_t own)
{
	struct check *check = checks->running;

	while (check && check->own != own)
		check = check->next;
	if (check)
		check->call = 0;
	return check;
}

static void call(struct check *check, struct telegram_call *what, telegram_api_fn *fn)
{
	check->call = telegram_api(check->checks->bot, what, fn, check->checks, check->own);
}

static const char *why_of(const struct telegram_answer *answer)
{
	return answer->why ? answer->why : "no reason given";
}

/* ---- the connection --------------------------------------------------------------------------------------------- */

static void check_link(struct check *check)
{
	const struct platform *bot = check->checks->bot;
	enum link_state link = bot->poll ? bot->poll->link : bot->hook->link;
	const char *why = bot->poll ? bot->poll->why : bot->hook->why;
	bool shown = bot->poll ? bot->poll->shown : bot->hook->shown;

	if (bot->disabled)
		findings_add(check->findings, FINDING_WARNING, "link",
			     "switched off; usher installation enable switches it on");
	else if (shown && link == LINK_UP && !bot->dead)
		findings_add(check->findings, FINDING_OK, "link", "%s",
			     bot->poll ? "connected (long polling)" : "waiting for Telegram's calls");
	else
		findings_add(check->findings, FINDING_FAULT, "link", "not connected%s%s",
			     shown && *why ? ": " : "", shown ? why : "");
	next(check);
}

/* ---- the token --------------------------------------------------------------------------------------------------- */

static void say_groups(struct check *check, const json_t *user)
{
	const struct platform *bot = check->checks->bot;
	static const char cure[] = "@BotFather, /setprivacy, Disable, then take the bot out of the group and "
				   "add it again; or make it an administrator there";

	if (bot->config.groups == TELEGRAM_NEVER)
		findings_add(check->findings, FINDING_OK, "groups",
			     "not answered, as groups = \"never\" says");
	else if (json_is_false(json_object_get(user, "can_join_groups")))
		findings_add(check->findings, FINDING_WARNING, "groups",
			     "it can't be added to groups: @BotFather, /setjoingroups, Enable");
	else if (bot->reads_all)
		findings_add(check->findings, FINDING_OK, "groups",
			     "it hears everything said there (privacy mode is off)");
	else
		findings_add(check->findings,
			     bot->config.groups == TELEGRAM_ALL ? FINDING_WARNING : FINDING_OK, "groups",
			     "privacy mode is on: only commands and replies are heard, and perhaps not "
			     "mentions. To hear them: %s",
			     cure);
}

static void got_user(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	struct check *check = find(owner, ticket);

	if (check == NULL)
		return;
	if (answer->how == TELEGRAM_AUTH) {
		findings_add(check->findings, FINDING_FAULT, "token",
			     "Telegram refuses it (%s): copy the current one from @BotFather (/token)",
			     why_of(answer));
	} else if (answer->how != TELEGRAM_OK) {
		findings_add(check->findings, FINDING_WARNING, "token", "could not be tried: %s",
			     why_of(answer));
	} else if (!telegram_identify(bot, answer->result)) {
		findings_add(check->findings, FINDING_FAULT, "token",
			     "what answers at %s does not know this bot: correct api_base",
			     bot->config.api_base);
	} else {
		check->heard = true;
		findings_add(check->findings, FINDING_OK, "token",
			     "works: the bot is @%s, to be found at https://t.me/%s", bot->username,
			     bot->username);
		say_groups(check, answer->result);
	}
	next(check);
}

static void check_token(struct check *check)
{
	call(check, &(struct telegram_call){ .method = "getMe" }, got_user);
}

/* ---- who else gets its updates ------------------------------------------------------------------------------------ */

/* Only the host: paths of webhooks are often secrets. */
static char *host_of(const char *url)
{
	const char *host = strstr(url, "://");
	size_t len = strcspn(host ? host + 3 : url, "/?#");

	return mem_text_n(host ? host + 3 : url, len < HOST_SHOWN ? len : HOST_SHOWN);
}

static void say_foreign(struct check *check, const char *url)
{
	char *host = host_of(url);
	bool take = check->checks->bot->config.take_over;

	check->foreign = !take;
	if (take)
		findings_add(check->findings, FINDING_WARNING, "webhook",
			     "one is set at %s; take_over is set, so it is taken from there", host);
	else
		findings_add(check->findings, FINDING_FAULT, "webhook",
			     "another program uses this bot: its webhook is set at %s. Delete it there, make "
			     "a bot for usher alone, or set take_over",
			     host);
	free(host);
}

static void say_ours(struct check *check, const json_t *info)
{
	const char *error = json_text(info, "last_error_message");
	long long waiting = (long long)json_int(info, "pending_update_count", 0);

	if (check->checks->bot->poll)
		findings_add(check->findings, FINDING_OK, "webhook",
			     "our own of earlier; it is deleted when polling begins");
	else if (error && waiting > 0)
		findings_add(check->findings, FINDING_WARNING, "webhook",
			     "set, but Telegram does not reach us: %s (%lld updates wait)", error, waiting);
	else
		findings_add(check->findings, FINDING_OK, "webhook", "set, %lld updates wait", waiting);
}

static void say_webhook(struct check *check, const json_t *info)
{
	const struct platform *bot = check->checks->bot;
	const char *url = json_text(info, "url");
	char *own = telegram_hook_url(bot);

	if (url && *url && own && strcmp(url, own) == 0)
		say_ours(check, info);
	else if (url && *url)
		say_foreign(check, url);
	else if (bot->poll)
		findings_add(check->findings, FINDING_OK, "webhook", "none is set, as polling wants it");
	else
		findings_add(check->findings, telegram_life_runs(bot) ? FINDING_FAULT : FINDING_OK, "webhook",
			     "not set yet; it will be at %s", own ? own : "?");
	free(own);
}

static void got_webhook(struct platform *bot, void *owner, uint64_t ticket,
			const struct telegram_answer *answer)
{
	struct check *check = find(owner, ticket);

	(void)bot;
	if (check == NULL)
		return;
	if (answer->how == TELEGRAM_OK)
		say_webhook(check, answer->result);
	else
		findings_add(check->findings, FINDING_WARNING, "webhook", "could not be asked for: %s",
			     why_of(answer));
	next(check);
}

static void check_webhook(struct check *check)
{
	if (check->heard)
		call(check, &(struct telegram_call){ .method = "getWebhookInfo" }, got_webhook);
	else
		next(check);
}

static void got_updates(struct platform *bot, void *owner, uint64_t ticket,
			const struct telegram_answer *answer)
{
	struct check *check = find(owner, ticket);

	(void)bot;
	if (check == NULL)
		return;
	if (answer->how == TELEGRAM_OK)
		findings_add(check->findings, FINDING_OK, "updates", "nobody else polls this bot");
	else if (answer->refusal == TELEGRAM_CONFLICT)
		findings_add(check->findings, FINDING_FAULT, "updates",
			     "another program polls this bot: stop it, or make a bot for usher alone. Each "
			     "would "
			     "get a part of what is said");
	else
		findings_add(check->findings, FINDING_WARNING, "updates", "could not be asked for: %s",
			     why_of(answer));
	next(check);
}

/* Nothing is confirmed by this. A bot that runs polls itself: what it met is in its link. */
static void check_rival(struct check *check)
{
	struct platform *bot = check->checks->bot;
	struct telegram_call what = { .method = "getUpdates", .total_ms = RIVAL_ANSWER_MS };

	if (!check->heard || check->foreign || bot->hook || bot->config.take_over ||
	    telegram_life_runs(bot)) {
		next(check);
		return;
	}
	what.args = json_pack("{s:i, s:i, s:o}", "limit", 1, "timeout", RIVAL_WAIT_S, "allowed_updates",
			      telegram_allowed_updates());
	call(check, &what, got_updates);
}

/* ---- one after the other ------------------------------------------------------------------------------------------- */

static void (*const steps[])(struct check *check) = { check_link, check_token, check_webhook, check_rival };

static void check_free(struct check *check)
{
	if (check->call)
		telegram_api_cancel(check->checks->bot, check->call);
	json_decref(check->findings);
	free(check);
}

static void check_end(struct check *check)
{
	struct platform_host *host = check->checks->bot->host;
	char *text = json_write(check->findings);
	uint64_t ticket = check->ticket;

	LL_DELETE(check->checks->running, check);
	check_free(check);
	host->checked(host, ticket, text);
	free(text);
}

static void next(struct check *check)
{
	if (check->step < sizeof(steps) / sizeof(steps[0]))
		steps[check->step++](check);
	else
		check_end(check);
}

void telegram_check(struct platform *bot, uint64_t ticket)
{
	struct check *check = mem_zero(1, sizeof(*check));

	check->checks = bot->checks;
	check->ticket = ticket;
	check->own = telegram_ticket(bot);
	check->findings = json_array();
	LL_PREPEND(bot->checks->running, check);
	next(check);
}

struct telegram_checks *telegram_checks_create(struct platform *bot)
{
	struct telegram_checks *checks = mem_zero(1, sizeof(*checks));

	checks->bot = bot;
	return checks;
}

void telegram_checks_destroy(struct telegram_checks *checks)
{
	struct check *check, *after;

	if (checks == NULL)
		return;
	LL_FOREACH_SAFE(checks->running, check, after)
	check_free(check);
	free(checks);
}
