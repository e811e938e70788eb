/* `usher doctor` and `usher init` for a bot: token, intents, who gets its interactions, rights, clock, each with its cure. */
#include "clock.h"
#include "findings.h"
#include "gateway_room.h"
#include "life.h"
#include "mem.h"
#include "text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	CLOCK_TOTAL_MS = 10000,
	GUILDS_READ = 200, /* most that one question brings */
	GUILDS_NAMED = 5,
	NAME_SHOWN = 60,
	IDENTIFIES_FEW = 100,
};

#define ADMINISTRATOR (UINT64_C(1) << 3)

struct check {
	struct discord_checks *checks;
	uint64_t ticket; /* the core's */
	uint64_t own;	 /* ours, for what is asked meanwhile */
	uint64_t call, http;
	size_t step;
	bool heard; /* Discord knows this token */
	json_t *findings;
	struct check *next;
};

struct discord_checks {
	struct platform *bot;
	struct check *running;
};

static void next(struct check *check);

static struct check *find(struct discord_checks *checks, uint64_t own)
{
	struct check *check = checks->running;

	while (check && check->own != own)
		check = check->next;
	if (check)
		check->call = check->http = 0;
	return check;
}

/* Only with a token that works: the others would only be refused, and that is counted there. */
static void ask(struct check *check, const char *path, discord_rest_fn *fn)
{
	struct discord_call call = { .method = "GET", .path = path, .anyway = true };

	check->call = discord_rest(check->checks->bot, &call, fn, check->checks, check->own);
}

static const char *why_of(const struct discord_answer *answer)
{
	return answer->why ? answer->why : "no reason given";
}

/* ---- the connection ------------------------------------------------------------------------------------------------ */

static void check_link(struct check *check)
{
	const struct platform *bot = check->checks->bot;
	const struct discord_gateway *gateway = bot->gateway;
	const char *why = discord_life_why(bot);

	if (why == NULL)
		why = gateway->shown ? gateway->why : "";
	if (bot->disabled)
		findings_add(check->findings, FINDING_WARNING, "link",
			     "switched off; usher installation enable switches it on");
	else if (gateway->shown && gateway->link == LINK_UP && !bot->dead)
		findings_add(check->findings, FINDING_OK, "link", "connected (%u shard%s)", gateway->count,
			     gateway->count == 1 ? "" : "s");
	else
		findings_add(check->findings, FINDING_FAULT, "link", "not connected%s%s", *why ? ": " : "",
			     why);
	next(check);
}

/* ---- the application ------------------------------------------------------------------------------------------------ */

static void say_intents(struct check *check)
{
	const struct platform *bot = check->checks->bot;
	bool granted = discord_content_granted(bot->app_flags);
	char *page = discord_portal(bot, "bot");

	if (!bot->config.message_content)
		findings_add(check->findings, FINDING_OK, "intents",
			     "none is asked for (message_content = false): in servers only messages that "
			     "mention "
			     "it can be read");
	else if (granted)
		findings_add(check->findings, FINDING_OK, "intents", "the Message Content Intent is on");
	else
		findings_add(check->findings, FINDING_FAULT, "intents",
			     "the Message Content Intent is off, and Discord refuses the connection: switch "
			     "it on "
			     "at %s, Privileged Gateway Intents, or set message_content = false",
			     page);
	free(page);
}

static bool is_own(const struct platform *bot, const char *url, const char *what)
{
	char *own = mem_format("%s/discord/%s/%s", bot->host->public_url ? bot->host->public_url : "",
			       bot->config.name, what);
	bool same = bot->host->public_url && strcmp(own, url) == 0;

	free(own);
	return same;
}

/* The two ways exclude each other: with an address set, nothing comes over the gateway (sheet 10). Only the host is
 * shown: paths may be secrets. */
static void say_interactions(struct check *check, const json_t *application)
{
	const struct platform *bot = check->checks->bot;
	const char *url = json_text(application, "interactions_endpoint_url"), *host;
	char *page;

	if (url == NULL || *url == '\0') {
		findings_add(check->findings, FINDING_OK, "commands",
			     "slash commands and buttons come over the gateway");
		return;
	}
	if (is_own(bot, url, "interactions")) {
		findings_add(check->findings, FINDING_OK, "commands", "slash commands and buttons come to %s",
			     url);
		return;
	}
	host = strstr(url, "://");
	host = host ? host + 3 : url;
	page = discord_portal(bot, "information");
	findings_add(check->findings, FINDING_FAULT, "commands",
		     "slash commands and buttons go to %.*s and not to usher, which hears them over the "
		     "gateway "
		     "only while no Interactions Endpoint URL is set: clear it at %s, or set it to "
		     "%s/discord/%s/interactions",
		     (int)strcspn(host, "/?#"), host, page,
		     bot->host->public_url ? bot->host->public_url : "PUBLIC_URL", bot->config.name);
	free(page);
}

static void say_key(struct check *check, const json_t *application)
{
	const struct discord_config *config = &check->checks->bot->config;
	const char *key = json_text(application, "verify_key");

	if (config->public_key && key && strcasecmp(config->public_key, key) != 0)
		findings_add(check->findings, FINDING_FAULT, "public key",
			     "public_key is not this application's: what Discord calls would be refused; "
			     "leave it "
			     "out, and it is read with the token");
}

static void say_invite(struct check *check)
{
	const struct platform *bot = check->checks->bot;
	char *link = discord_invite(bot->app_id);

	findings_add(check->findings, FINDING_OK, "invite", "this link adds the bot to a server: %s", link);
	free(link);
}

static void say_application(struct check *check, const json_t *application)
{
	const struct platform *bot = check->checks->bot;
	const char *name = json_text(application, "name");
	int64_t guilds = json_int(application, "approximate_guild_count", -1);
	char id[SNOWFLAKE_SIZE];

	check->heard = true;
	findings_add(check->findings, FINDING_OK, "token", "works: it is of the application %s (%s)",
		     name ? name : "without a name", snowflake_text(bot->app_id, id));
	say_intents(check);
	say_interactions(check, application);
	say_key(check, application);
	if (guilds == 0)
		findings_add(check->findings, FINDING_WARNING, "servers",
			     "it was added to none yet: open the link below");
	say_invite(check);
}

static void got_application(struct platform *bot, void *owner, uint64_t ticket,
			    const struct discord_answer *answer)
{
	struct check *check = find(owner, ticket);

	if (check == NULL)
		return;
	if (answer->how == DISCORD_AUTH)
		findings_add(check->findings, FINDING_FAULT, "token",
			     "Discord refuses it (%s): copy a new one from " DISCORD_PORTAL
			     ", your application, page Bot, Reset Token",
			     why_of(answer));
	else if (answer->how != DISCORD_OK)
		findings_add(check->findings, FINDING_WARNING, "token", "could not be tried: %s",
			     why_of(answer));
	else if (!discord_application_read(bot, answer->body))
		findings_add(check->findings, FINDING_FAULT, "token",
			     "what answers at %s is not Discord: correct api_base", bot->config.api_base);
	else
		say_application(check, answer->body);
	next(check);
}

static void check_application(struct check *check)
{
	ask(check, "/applications/@me", got_application);
}

/* ---- new connections ------------------------------------------------------------------------------------------------- */

static void say_budget(struct check *check, const json_t *answer)
{
	const json_t *limit = json_object_get(answer, "session_start_limit");
	int64_t left = json_int(limit, "remaining", -1), total = json_int(limit, "total", 0);
	int64_t renewed_s = json_int(limit, "reset_after", 0) / 1000;
	unsigned own = check->checks->bot->config.identifies_a_day;

	if (left < 0)
		findings_add(check->findings, FINDING_WARNING, "connections",
			     "Discord does not say how many new ones may be begun");
	else
		findings_add(check->findings,
			     left == 0		     ? FINDING_FAULT
			     : left < IDENTIFIES_FEW ? FINDING_WARNING
						     : FINDING_OK,
			     "connections",
			     "%" PRId64 " of %" PRId64 " new ones may be begun in the next %" PRId64
			     " h %" PRId64 " min; usher begins no more than %u a day",
			     left, total, renewed_s / 3600, renewed_s / 60 % 60, own);
}

static void got_gateway(struct platform *bot, void *owner, uint64_t ticket,
			const struct discord_answer *answer)
{
	struct check *check = find(owner, ticket);

	(void)bot;
	if (check == NULL)
		return;
	if (answer->how == DISCORD_OK)
		say_budget(check, answer->body);
	else
		findings_add(check->findings, FINDING_WARNING, "connections", "could not be asked for: %s",
			     why_of(answer));
	next(check);
}

static void check_gateway(struct check *check)
{
	if (check->heard)
		ask(check, "/gateway/bot", got_gateway);
	else
		next(check);
}

/* ---- rights in servers ------------------------------------------------------------------------------------------------- */

/* What the settings have no use for is not missed. */
static bool is_needed(const struct discord_config *config, const struct discord_permission *permission)
{
	if (strcmp(permission->name, "Create Public Threads") == 0)
		return config->threads;
	if (strcmp(permission->name, "Embed Links") == 0)
		return config->embeds;
	return strcmp(permission->name, "Add Reactions") != 0;
}

static bool is_vital(const struct discord_permission *permission)
{
	return strcmp(permission->name, "View Channels") == 0 ||
	       strcmp(permission->name, "Send Messages") == 0;
}

/* The server's own settings; a channel may allow or forbid more. Returns how many are missing. */
static unsigned say_missing(struct check *check, const json_t *guild)
{
	const char *given = json_text(guild, "name"), *name = given ? given : "a server";
	uint64_t has = snowflake_parse(json_text(guild, "permissions"));
	unsigned missing = 0;

	if (json_is_true(json_object_get(guild, "owner")) || (has & ADMINISTRATOR))
		return 0;
	for (const struct discord_permission *one = discord_permissions; one->bit; one++) {
		if ((has & one->bit) || !is_needed(&check->checks->bot->config, one))
			continue;
		missing++;
		findings_add(check->findings, is_vital(one) ? FINDING_FAULT : FINDING_WARNING, "rights",
			     "in %.*s \"%s\" is missing: %s. Give it to the bot's role (Server Settings, "
			     "Roles), or "
			     "add the bot again with the link above",
			     (int)text_fit(name, strlen(name), NAME_SHOWN), name, one->name, one->without);
	}
	return missing;
}

static void say_guilds(struct check *check, const json_t *guilds)
{
	size_t count = json_array_size(guilds), lacking = 0, i;
	const json_t *guild;

	json_array_foreach (guilds, i, guild)
		if (lacking < GUILDS_NAMED)
			lacking += say_missing(check, guild) > 0;
	if (lacking == GUILDS_NAMED)
		findings_add(check->findings, FINDING_WARNING, "rights",
			     "only the first %d servers with missing rights are named", GUILDS_NAMED);
	if (count > 0)
		findings_add(check->findings, FINDING_OK, "servers", "it was added to %s%zu",
			     count == GUILDS_READ ? "at least " : "", count);
	if (count > 0 && lacking == 0)
		findings_add(check->findings, FINDING_OK, "rights",
			     "it has what it needs in all of them; single channels may forbid more");
}

static void got_guilds(struct platform *bot, void *owner, uint64_t ticket,
		       const struct discord_answer *answer)
{
	struct check *check = find(owner, ticket);

	(void)bot;
	if (check == NULL)
		return;
	if (answer->how == DISCORD_OK && json_is_array(answer->body))
		say_guilds(check, answer->body);
	else
		findings_add(check->findings, FINDING_WARNING, "servers", "could not be asked for: %s",
			     why_of(answer));
	next(check);
}

static void check_guilds(struct check *check)
{
	char path[60];

	if (!check->heard) {
		next(check);
		return;
	}
	snprintf(path, sizeof(path), "/users/@me/guilds?limit=%d", GUILDS_READ);
	ask(check, path, got_guilds);
}

/* ---- the clock ------------------------------------------------------------------------------------------------------- */

static void got_time(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	struct check *check = find(owner, ticket);

	if (check == NULL)
		return;
	if (answer->how != HTTP_ANSWERED || answer->date_ms == 0) {
		findings_add(check->findings, FINDING_WARNING, "clock",
			     "could not be compared with Discord's: %s",
			     answer->how == HTTP_ANSWERED ? "no date in its answer" : answer->err.text);
		next(check);
		return;
	}
	findings_clock(check->findings, "Discord", clock_wall_ms() - answer->date_ms,
		       "what Discord calls is refused as too old, and missed messages are looked for from a "
		       "wrong time");
	next(check);
}

static void check_clock(struct check *check)
{
	struct platform *bot = check->checks->bot;
	char *url = mem_format("%s/gateway", bot->config.api_base), *agent = discord_agent(bot);
	const char *headers[] = { agent, NULL };

	check->http = http_start(
		bot->host->http,
		&(struct http_call){
			.method = "GET", .url = url, .headers = headers, .total_ms = CLOCK_TOTAL_MS },
		NULL, got_time, check->checks, check->own);
	free(url);
	free(agent);
}

/* ---- one after the other ----------------------------------------------------------------------------------------------- */

static void (*const steps[])(struct check *check) = {
	check_link, check_application, check_gateway, check_guilds, check_clock,
};

static void check_free(struct check *check)
{
	struct platform *bot = check->checks->bot;

	if (check->call)
		discord_rest_cancel(bot, check->call);
	if (check->http)
		http_cancel(bot->host->http, check->http);
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

void discord_check(struct platform *bot, uint64_t ticket)
{
	struct check *check = mem_zero(1, sizeof(*check));

	check->checks = bot->checks;
	check->ticket = ticket;
	check->own = discord_ticket(bot);
	check->findings = json_array();
	LL_PREPEND(bot->checks->running, check);
	next(check);
}

struct discord_checks *discord_checks_create(struct platform *bot)
{
	struct discord_checks *checks = mem_zero(1, sizeof(*checks));

	checks->bot = bot;
	return checks;
}

void discord_checks_destroy(struct discord_checks *checks)
{
	struct check *check, *after;

	if (checks == NULL)
		return;
	LL_FOREACH_SAFE(checks->running, check, after)
	check_free(check);
	free(checks);
}
