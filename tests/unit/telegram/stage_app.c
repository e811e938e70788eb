/* A whole bot on real sockets, with a Bot API and a core that do what the test says. */
#include "stage_app.h"
#include "clock.h"
#include "mem.h"

enum { WAIT_MS = 120000, LOOK_MS = 2 };

const struct app_put app_poll[] = {
	{ "name", "acme" },
	{ "bot_token", APP_TOKEN },
	{ "api_base", "http://127.0.0.1:PORT" },
	{ NULL, NULL },
};
const struct app_put app_webhook[] = {
	{ "name", "acme" },
	{ "bot_token", APP_TOKEN },
	{ "api_base", "http://127.0.0.1:PORT" },
	{ "transport", "webhook" },
	{ NULL, NULL },
};

static void keep_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "(none)");
}

static struct app_stage *stage_of(struct platform_host *host)
{
	return (struct app_stage *)(void *)host;
}

/* ---- the core's part ------------------------------------------------------------------------------------------ */

static void on_link(struct platform_host *host, enum link_state now, const char *why)
{
	struct app_stage *stage = stage_of(host);

	stage->links++;
	stage->link = now;
	keep_text(stage->why, sizeof(stage->why), why);
}

static void on_install(struct platform_host *host, const struct install *install, uint64_t ticket)
{
	struct app_stage *stage = stage_of(host);

	assert_null(install->key);
	assert_null(install->secrets);
	stage->records++;
	stage->record_ticket = ticket;
	keep_text(stage->title, sizeof(stage->title), install->title);
	keep_text(stage->record, sizeof(stage->record), install->settings);
}

static void on_checked(struct platform_host *host, uint64_t ticket, const char *findings)
{
	assert_int_equal(ticket, 77);
	stage_of(host)->checks++;
	keep_text(stage_of(host)->findings, sizeof(stage_of(host)->findings), findings);
}

static void on_stopped(struct platform_host *host)
{
	stage_of(host)->stops++;
}

/* ---- the Bot API -------------------------------------------------------------------------------------------------- */

static struct app_answer *next_answer(struct app_stage *stage, const char *method)
{
	struct app_answer *last = NULL;

	for (unsigned i = 0; i < stage->answer_count; i++) {
		struct app_answer *one = &stage->answers[i];

		if (strcmp(one->method, method) != 0)
			continue;
		last = one;
		if (!one->used)
			break;
	}
	if (last)
		last->used = true;
	return last;
}

/* What nobody asked for is true; updates there are none. */
static void on_api(void *owner, struct web_request *request)
{
	struct app_stage *stage = owner;
	const char *method = web_param(request, "method");
	struct app_call *call = &stage->calls[stage->call_count++];
	struct app_answer *answer;
	size_t len;

	assert_true(stage->call_count < APP_CALLS_MAX);
	assert_string_equal(web_param(request, "token"), "bot" APP_TOKEN);
	keep_text(call->method, sizeof(call->method), method);
	keep_text(call->body, sizeof(call->body), web_body(request, &len));
	answer = next_answer(stage, method);
	if (answer ? answer->status == 0 : strcmp(method, "getUpdates") == 0)
		return; /* held */
	if (answer)
		web_answer_json(request, answer->status, answer->json);
	else
		web_answer_json(request, 200, "{\"ok\":true,\"result\":true}");
}

void app_says_status(struct app_stage *stage, const char *method, int status, const char *json)
{
	struct app_answer *answer = &stage->answers[stage->answer_count++];

	assert_true(stage->answer_count <= APP_ANSWERS_MAX);
	keep_text(answer->method, sizeof(answer->method), method);
	answer->status = status;
	answer->json = mem_text(json);
}

void app_says(struct app_stage *stage, const char *method, const char *result)
{
	char *json = mem_format("{\"ok\":true,\"result\":%s}", result);

	app_says_status(stage, method, 200, json);
	free(json);
}

void app_forget_answers(struct app_stage *stage)
{
	while (stage->answer_count > 0)
		free(stage->answers[--stage->answer_count].json);
}

unsigned app_called(const struct app_stage *stage, const char *method)
{
	unsigned count = 0;

	for (unsigned i = 0; i < stage->call_count; i++)
		count += strcmp(stage->calls[i].method, method) == 0;
	return count;
}

/* ---- opening and closing ------------------------------------------------------------------------------------------ */

static void open_sockets(struct app_stage *stage)
{
	struct err err = { 0 };

	stage->io = io_create(&err);
	assert_non_null(stage->io);
	stage->web = web_create(stage->io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	assert_non_null(stage->web);
	stage->http = http_create(stage->io, &(struct http_options){ .agent = "usher-test" }, &err);
	assert_non_null(stage->http);
	assert_true(web_claim(stage->web,
			      &(struct web_route){ "POST", "/{token}/{method}", 65536, on_api, stage }));
	snprintf(stage->public_url, sizeof(stage->public_url), "http://127.0.0.1:%d", web_port(stage->web));
}

static void put(struct app_stage *stage, const struct app_put *one)
{
	const char *port = strstr(one->text, "PORT");
	struct err err = { 0 };
	char *text = port ? mem_format("%.*s%d%s", (int)(port - one->text), one->text, web_port(stage->web),
				       port + 4)
			  : mem_text(one->text);

	if (!settings_put(stage->settings, one->name, text, "test:1", &err))
		fail_msg("%s", err.text);
	free(text);
}

static void open_host(struct app_stage *stage)
{
	stage->log = (struct log){ .name = "acme" };
	stage->host = (struct platform_host){
		.name = "acme",
		.public_url = stage->public_url,
		.loop = io_loop(stage->io),
		.io = stage->io,
		.web = stage->web,
		.http = stage->http,
		.log = &stage->log,
		.link = on_link,
		.install = on_install,
		.checked = on_checked,
		.stopped = on_stopped,
	};
}

struct app_stage *app_stage_open(const struct app_put *puts)
{
	struct app_stage *stage = mem_zero(1, sizeof(*stage));
	struct err err = { 0 };

	log_setup(getenv("USHER_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1, false); /* the tests cause many */
	open_sockets(stage);
	open_host(stage);
	stage->settings = settings_create(telegram_settings, "platforms.telegram[0]", "test:1");
	for (; puts->name; puts++)
		put(stage, puts);
	if (!settings_finish(stage->settings, &err))
		fail_msg("%s", err.text);
	stage->bot = telegram_platform.create(&stage->host, stage->settings, &err);
	if (stage->bot == NULL)
		fail_msg("%s", err.text);
	return stage;
}

void app_stage_start(struct app_stage *stage)
{
	struct err err = { 0 };

	if (!telegram_platform.start(stage->bot, &err))
		fail_msg("%s", err.text);
}

void app_stage_close(struct app_stage *stage)
{
	telegram_platform.destroy(stage->bot);
	http_destroy(stage->http);
	web_destroy(stage->web);
	settings_destroy(stage->settings);
	io_destroy(stage->io);
	app_forget_answers(stage);
	free(stage);
}

/* ---- waiting ------------------------------------------------------------------------------------------------------- */

struct waiting {
	struct app_stage *stage;
	app_until_fn *until;
	const void *what;
};

static void look_again(void *data)
{
	struct waiting *waiting = data;

	if (waiting->until(waiting->stage, waiting->what) || clock_mono_ms() > waiting->stage->deadline)
		io_stop(waiting->stage->io);
}

void app_run(struct app_stage *stage, app_until_fn *until, const void *what)
{
	struct waiting waiting = { stage, until, what };
	struct loop_timer *timer = loop_timer_create(io_loop(stage->io), look_again, &waiting);

	stage->deadline = clock_mono_ms() + WAIT_MS;
	loop_timer_start(timer, 0, LOOK_MS);
	io_run(stage->io);
	loop_timer_destroy(timer);
	if (!until(stage, what))
		fail_msg("what the test waits for did not happen in time; the link says: %s", stage->why);
}

static bool link_is(struct app_stage *stage, const void *what)
{
	return stage->links > 0 && stage->link == *(const enum link_state *)what;
}

void app_run_link(struct app_stage *stage, enum link_state link)
{
	app_run(stage, link_is, &link);
}

struct called {
	const char *method;
	unsigned least;
};

static bool called_enough(struct app_stage *stage, const void *what)
{
	const struct called *called = what;

	return app_called(stage, called->method) >= called->least;
}

void app_run_called(struct app_stage *stage, const char *method, unsigned least)
{
	app_run(stage, called_enough, &(struct called){ method, least });
}

struct counted {
	const unsigned *count;
	unsigned least;
};

static bool count_reached(struct app_stage *stage, const void *what)
{
	const struct counted *counted = what;

	(void)stage;
	return *counted->count >= counted->least;
}

void app_run_count(struct app_stage *stage, const unsigned *count, unsigned least)
{
	app_run(stage, count_reached, &(struct counted){ count, least });
}
