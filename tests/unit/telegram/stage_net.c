/* A small platform on loopback, and the other files of the room as the tests of calls and transports want them. */
#include "stage_net.h"
#include "drain.h"

static struct net_stage *now_open;

/* ---- the Bot API ------------------------------------------------------------------------------------------- */

static struct net_answer *scripted(struct net_stage *stage, const char *method)
{
	for (size_t i = 0; i < stage->answer_count; i++) {
		struct net_answer *answer = &stage->answers[i];

		if (!answer->used && (!answer->method || strcmp(answer->method, method) == 0))
			return answer;
	}
	return NULL;
}

static void answer(struct net_stage *stage, struct net_seen *seen, struct web_request *request, bool now)
{
	struct net_answer *said = scripted(stage, seen->method);
	const char *body = "{\"ok\":true,\"result\":true}";

	if (said) {
		said->used = true;
		if (said->header)
			web_add_header(request, said->header, said->value);
		web_answer(request, said->status, "application/json", said->body, strlen(said->body));
		return;
	}
	if (strcmp(seen->method, "getUpdates") == 0) {
		body = "{\"ok\":true,\"result\":[]}";
		if (!now && json_int(seen->args, "timeout", 0) > 0) {
			seen->held = true; /* nothing there: a long poll */
			return;
		}
	}
	web_answer_json(request, 200, body);
}

static void on_call(void *owner, struct web_request *request)
{
	struct net_stage *stage = owner;
	struct net_seen *seen = &stage->seen[stage->seen_count];
	const char *type = web_header(request, "content-type"), *bot = web_param(request, "bot"), *body;
	size_t len;

	assert_true(stage->seen_count < NET_SEEN);
	assert_int_equal(strncmp(bot, "bot", 3), 0);
	stage->seen_count++;
	body = web_body(request, &len);
	*seen = (struct net_seen){
		.token = mem_text(bot + 3),
		.method = mem_text(web_param(request, "method")),
		.type = mem_text(type ? type : ""),
		.body = mem_text_n(body ? body : "", len),
		.len = len,
		.args = json_read(body ? body : "", len, NULL),
		.web_id = web_id(request),
		.held = stage->hold,
	};
	if (!stage->hold)
		answer(stage, seen, request, false);
}

size_t net_held(const struct net_stage *stage)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->seen_count; i++)
		count += stage->seen[i].held && web_find(stage->web, stage->seen[i].web_id) != NULL;
	return count;
}

void net_let_go(struct net_stage *stage)
{
	for (size_t i = 0; i < stage->seen_count; i++) {
		struct web_request *request;

		if (!stage->seen[i].held)
			continue;
		stage->seen[i].held = false;
		request = web_find(stage->web, stage->seen[i].web_id);
		if (!request)
			continue; /* cancelled */
		answer(stage, &stage->seen[i], request, true);
		return;
	}
	fail_msg("no request is held");
}

void net_say(struct net_stage *stage, const char *method, int status, const char *body, ...)
{
	char text[20000];
	va_list args;

	va_start(args, body);
	assert_in_range(vsnprintf(text, sizeof(text), body, args), 0, sizeof(text) - 1);
	va_end(args);
	assert_true(stage->answer_count < NET_ANSWERS);
	stage->answers[stage->answer_count++] =
		(struct net_answer){ .method = method, .status = status, .body = mem_text(text) };
}

size_t net_asked(const struct net_stage *stage, const char *method)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->seen_count; i++)
		count += strcmp(stage->seen[i].method, method) == 0;
	return count;
}

const struct net_seen *net_request(const struct net_stage *stage, const char *method, size_t n)
{
	for (size_t i = 0; i < stage->seen_count; i++) {
		if (strcmp(stage->seen[i].method, method) == 0 && n-- == 0)
			return &stage->seen[i];
	}
	fail_msg("%s was not asked that often", method);
	return NULL;
}

/* ---- the rest of the room ---------------------------------------------------------------------------------- */

/* Called in the place of the room's own (tests.mk). */
void net_telegram_take(struct platform *bot, const json_t *update, telegram_taken_fn *fn, void *owner,
		       uint64_t ticket);
void net_telegram_token_dead(struct platform *bot, const char *why);
uint64_t net_telegram_ticket(struct platform *bot);

struct late_reply {
	size_t taken;
	enum telegram_taken how;
	unsigned retry_ms;
};

static void reply_now(void *data)
{
	struct late_reply *late = data;

	if (now_open)
		net_reply(now_open, late->taken, late->how, late->retry_ms);
	free(late);
}

void net_reply(struct net_stage *stage, size_t taken, enum telegram_taken how, unsigned retry_ms)
{
	struct net_taken *one = &stage->taken[taken];

	assert_true(taken < stage->taken_count && !one->told);
	one->told = true;
	one->fn(&stage->bot, one->owner, one->ticket, how, retry_ms);
}

void net_telegram_take(struct platform *bot, const json_t *update, telegram_taken_fn *fn, void *owner,
		       uint64_t ticket)
{
	struct net_stage *stage = now_open;
	struct late_reply *late;

	assert_true(stage->taken_count < NET_SEEN);
	stage->taken[stage->taken_count++] = (struct net_taken){ .id = json_int(update, "update_id", 0),
								 .text = json_write(update),
								 .fn = fn,
								 .owner = owner,
								 .ticket = ticket };
	if (stage->reply == NET_SILENT)
		return;
	late = mem_alloc(sizeof(*late));
	*late = (struct late_reply){ stage->taken_count - 1,
				     stage->reply == NET_LATER ? TELEGRAM_LATER : TELEGRAM_TAKEN,
				     stage->later_ms };
	loop_post(bot->host->loop, reply_now, late);
}

void net_telegram_token_dead(struct platform *bot, const char *why)
{
	bot->dead = true;
	now_open->deads++;
	snprintf(now_open->dead_why, sizeof(now_open->dead_why), "%s", why);
}

uint64_t net_telegram_ticket(struct platform *bot)
{
	return ++bot->last_ticket;
}

static void on_link(struct platform_host *host, enum link_state now, const char *why)
{
	struct net_stage *stage = now_open;

	assert_ptr_equal(host, &stage->host);
	stage->link = now;
	stage->links++;
	stage->ups += now == LINK_UP;
	stage->downs += now == LINK_DOWN;
	snprintf(stage->link_why, sizeof(stage->link_why), "%s", why ? why : "");
	assert_null(strstr(stage->link_why, "AAHdqTcvCH1v"));
}

/* ---- opening and closing ----------------------------------------------------------------------------------- */

static void stop_turn(void *data)
{
	io_stop(data);
}

char *net_url(struct net_stage *stage, const char *path)
{
	return mem_format("http://127.0.0.1:%d%s", web_port(stage->web), path);
}

struct net_stage *net_open(void)
{
	struct net_stage *stage = mem_zero(1, sizeof(*stage));
	struct err err = { 0 };

	log_setup(getenv("NET_LOG") ? LOG_DEBUG : LOG_ERROR + 1, false);
	now_open = stage;
	stage->io = io_create(&err);
	assert_non_null(stage->io);
	stage->web = web_create(stage->io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	assert_non_null(stage->web);
	stage->http = http_create(stage->io, &(struct http_options){ .agent = "usher-test" }, &err);
	assert_non_null(stage->http);
	assert_true(web_claim(stage->web,
			      &(struct web_route){ "POST", "/api/{bot}/{method}", 1 << 24, on_call, stage }));
	stage->log = (struct log){ .name = "telegram/acme" };
	stage->host = (struct platform_host){ .name = "acme",
					      .public_url = "https://usher.example",
					      .loop = io_loop(stage->io),
					      .io = stage->io,
					      .web = stage->web,
					      .http = stage->http,
					      .log = &stage->log,
					      .link = on_link };
	stage->base = net_url(stage, "/api");
	stage->tick = loop_timer_create(stage->host.loop, stop_turn, stage->io);
	stage->bot.host = &stage->host;
	stage->bot.bot_id = 110201543;
	stage->bot.config =
		(struct telegram_config){ .name = "acme", .bot_token = NET_TOKEN, .api_base = stage->base };
	stage->bot.lanes = telegram_lanes_create(&stage->bot);
	return stage;
}

static void free_seen(struct net_stage *stage)
{
	for (size_t i = 0; i < stage->seen_count; i++) {
		free(stage->seen[i].token);
		free(stage->seen[i].method);
		free(stage->seen[i].type);
		free(stage->seen[i].body);
		json_decref(stage->seen[i].args);
	}
	for (size_t i = 0; i < stage->taken_count; i++)
		free(stage->taken[i].text);
	for (size_t i = 0; i < stage->answer_count; i++)
		free(stage->answers[i].body);
}

void net_close(struct net_stage *stage)
{
	telegram_poll_destroy(stage->bot.poll);
	telegram_hook_destroy(stage->bot.hook);
	telegram_lanes_destroy(stage->bot.lanes);
	assert_null(stage->bot.lanes);
	now_open = NULL;
	loop_timer_destroy(stage->tick);
	drain(stage->io);
	http_destroy(stage->http);
	web_destroy(stage->web);
	io_destroy(stage->io);
	free_seen(stage);
	free(stage->base);
	free(stage);
}

void net_step(struct net_stage *stage)
{
	loop_timer_start(stage->tick, 1, 0);
	io_run(stage->io);
}

void net_rest(struct net_stage *stage)
{
	for (int i = 0; i < 30; i++)
		net_step(stage);
}
