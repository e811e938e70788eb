/* A whole app on real sockets, with a Web API and a core that do what the test says. */
#include "stage_app.h"
#include "clock.h"
#include "drain.h"
#include "mem.h"

enum { WAIT_MS = 120000, LOOK_MS = 2 };

const struct app_put app_http[] = {
	{ "name", "acme" },
	{ "transport", "http" },
	{ "bot_token", STAGE_BOT_TOKEN },
	{ "signing_secret", "8f742231b10e8888abcd99yyyzzz85a5" },
	{ "api_base", "http://127.0.0.1:PORT/api" },
	{ NULL, NULL },
};
const struct app_put app_shared[] = {
	{ "name", "acme" },
	{ "transport", "http" },
	{ "signing_secret", "8f742231b10e8888abcd99yyyzzz85a5" },
	{ "client_id", "11.22" },
	{ "client_secret", "client-secret" },
	{ "api_base", "http://127.0.0.1:PORT/api" },
	{ "authorize_url", "http://127.0.0.1:PORT/authorize" },
	{ NULL, NULL },
};

static void keep_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "(none)");
}

static struct app_door *door_of(struct platform_host *host)
{
	return (struct app_door *)(void *)host;
}

/* ---- the core's part ------------------------------------------------------------------------------------- */

struct late {
	struct app_door *door;
	uint64_t ticket;
	char *name;
};

static void late_free(struct late *late)
{
	free(late->name);
	free(late);
}

static void later(struct app_door *door, loop_fn *fn, uint64_t ticket, const char *name)
{
	struct late *late = mem_alloc(sizeof(*late));

	*late = (struct late){ door, ticket, mem_text(name) };
	loop_post(door->host.loop, fn, late);
}

static void on_link(struct platform_host *host, enum link_state now, const char *why)
{
	struct app_door *door = door_of(host);

	door->links++;
	door->link = now;
	keep_text(door->why, sizeof(door->why), why);
}

static void late_installed(void *data)
{
	struct late *late = data;
	struct app_stage *stage = late->door->stage;
	struct err err = { 0 };

	if (stage->install_fails)
		err_set(&err, ERR_AGAIN, "the disk is full");
	if (stage->adopts && late->name && !stage->install_fails)
		app_stage_adopt(stage, stage->install_key, stage->install_settings, stage->install_secrets);
	if (late->door->platform)
		slack_platform.installed(late->door->platform, late->ticket,
					 stage->install_fails ? &err : NULL,
					 stage->install_fails ? NULL
					 : late->name	      ? late->name
							      : "acme");
	late_free(late);
}

static void on_install(struct platform_host *host, const struct install *install, uint64_t ticket)
{
	struct app_stage *stage = door_of(host)->stage;
	char *name = install->key ? mem_format("acme/%s", install->key) : NULL;

	if (install->key) {
		stage->installs++;
		keep_text(stage->install_key, sizeof(stage->install_key), install->key);
		keep_text(stage->install_title, sizeof(stage->install_title), install->title);
		keep_text(stage->install_settings, sizeof(stage->install_settings), install->settings);
		keep_text(stage->install_secrets, sizeof(stage->install_secrets), install->secrets);
	} else {
		assert_null(install->secrets);
		stage->records++;
		keep_text(stage->record, sizeof(stage->record), install->settings);
	}
	if (!stage->silent)
		later(door_of(host), late_installed, ticket, name);
	free(name);
}

static void late_kept(void *data)
{
	struct late *late = data;
	struct app_stage *stage = late->door->stage;
	struct err err = { 0 };

	if (stage->keep_fails)
		err_set(&err, stage->keep_gone ? ERR_GONE : ERR_AGAIN, "not now");
	if (late->door->platform)
		slack_platform.kept(late->door->platform, late->ticket, stage->keep_fails ? &err : NULL);
	late_free(late);
}

static void on_keep(struct platform_host *host, const char *secrets, uint64_t ticket)
{
	struct app_door *door = door_of(host);

	door->keeps++;
	door->kept_ticket = ticket;
	keep_text(door->kept, sizeof(door->kept), secrets);
	if (!door->stage->silent)
		later(door, late_kept, ticket, NULL);
}

static void on_removed(struct platform_host *host, const char *key, const char *why)
{
	struct app_door *door = door_of(host);

	assert_null(key);
	door->removals++;
	keep_text(door->removed_why, sizeof(door->removed_why), why);
}

static void on_checked(struct platform_host *host, uint64_t ticket, const char *findings)
{
	struct app_door *door = door_of(host);

	assert_int_equal(ticket, 77);
	door->checks++;
	keep_text(door->findings, sizeof(door->findings), findings);
}

static void on_stopped(struct platform_host *host)
{
	door_of(host)->stops++;
}

static struct app_door *door_open(struct app_stage *stage, const char *name)
{
	struct app_door *door = &stage->doors[stage->door_count++];

	assert_true(stage->door_count <= APP_DOORS_MAX);
	door->stage = stage;
	snprintf(door->name, sizeof(door->name), "%s", name);
	door->log = (struct log){ .name = door->name };
	door->host = (struct platform_host){
		.name = door->name,
		.public_url = stage->public_url,
		.can_install = true,
		.loop = io_loop(stage->io),
		.io = stage->io,
		.web = stage->web,
		.http = stage->http,
		.log = &door->log,
		.link = on_link,
		.install = on_install,
		.keep = on_keep,
		.removed = on_removed,
		.checked = on_checked,
		.stopped = on_stopped,
	};
	return door;
}

/* ---- the Web API ----------------------------------------------------------------------------------------- */

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

static void on_api(void *owner, struct web_request *request)
{
	struct app_stage *stage = owner;
	const char *method = web_param(request, "method");
	struct app_call *call = &stage->calls[stage->call_count++];
	struct app_answer *answer;
	size_t len;

	assert_true(stage->call_count < APP_CALLS_MAX);
	keep_text(call->method, sizeof(call->method), method);
	keep_text(call->authorization, sizeof(call->authorization), web_header(request, "authorization"));
	keep_text(call->body, sizeof(call->body), web_body(request, &len));
	answer = next_answer(stage, method);
	if (answer && answer->status == 0)
		return; /* held */
	if (stage->scopes)
		web_add_header(request, "x-oauth-scopes", stage->scopes);
	if (answer)
		web_answer(request, answer->status, "application/json; charset=utf-8", answer->json,
			   strlen(answer->json));
	else
		web_answer_json(request, 200, "{\"ok\":false,\"error\":\"unknown_method\"}");
}

void app_says_status(struct app_stage *stage, const char *method, int status, const char *json)
{
	struct app_answer *answer = &stage->answers[stage->answer_count++];

	assert_true(stage->answer_count <= APP_ANSWERS_MAX);
	keep_text(answer->method, sizeof(answer->method), method);
	answer->status = status;
	answer->json = mem_text(json);
}

void app_says(struct app_stage *stage, const char *method, const char *json)
{
	app_says_status(stage, method, 200, json);
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

const struct app_call *app_last(const struct app_stage *stage, const char *method)
{
	for (unsigned i = stage->call_count; i > 0; i--)
		if (strcmp(stage->calls[i - 1].method, method) == 0)
			return &stage->calls[i - 1];
	fail_msg("%s was never called", method);
	return NULL;
}

/* ---- opening and closing ---------------------------------------------------------------------------------- */

static void open_sockets(struct app_stage *stage)
{
	struct err err = { 0 };

	stage->io = io_create(&err);
	assert_non_null(stage->io);
	stage->web = web_create(stage->io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	assert_non_null(stage->web);
	stage->http = http_create(stage->io, &(struct http_options){ .agent = "usher-test" }, &err);
	assert_non_null(stage->http);
	assert_true(
		web_claim(stage->web, &(struct web_route){ "POST", "/api/{method}", 65536, on_api, stage }));
	assert_true(web_claim(stage->web, &(struct web_route){ "GET", "/api/{method}", 0, on_api, stage }));
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

struct app_stage *app_stage_open(const struct app_put *puts)
{
	struct app_stage *stage = mem_zero(1, sizeof(*stage));
	struct app_door *root;
	struct err err = { 0 };

	log_setup(getenv("USHER_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1, false); /* the tests cause many */
	open_sockets(stage);
	stage->scopes = STAGE_SCOPES;
	stage->settings = settings_create(slack_settings, "platforms.slack[0]", "test:1");
	for (; puts->name; puts++)
		put(stage, puts);
	if (!settings_finish(stage->settings, &err))
		fail_msg("%s", err.text);
	root = door_open(stage, "acme");
	root->platform = slack_platform.create(&root->host, stage->settings, &err);
	if (root->platform == NULL)
		fail_msg("%s", err.text);
	return stage;
}

void app_stage_start(struct app_stage *stage)
{
	struct err err = { 0 };

	if (!slack_platform.start(stage->doors[0].platform, &err))
		fail_msg("%s", err.text);
}

struct app_door *app_stage_adopt(struct app_stage *stage, const char *key, const char *settings,
				 const char *secrets)
{
	char *name = mem_format("acme/%s", key);
	struct app_door *door = door_open(stage, name);
	struct err err = { 0 };

	free(name);
	door->platform = slack_platform.adopt(app_root(stage), &door->host,
					      &(struct install){ .key = key,
								 .title = "Acme",
								 .settings = settings,
								 .secrets = secrets,
								 .enabled = true },
					      &err);
	if (door->platform == NULL || !slack_platform.start(door->platform, &err))
		fail_msg("%s", err.text);
	return door;
}

struct platform *app_root(struct app_stage *stage)
{
	return stage->doors[0].platform;
}

void app_stage_close(struct app_stage *stage)
{
	while (stage->door_count > 0) {
		struct app_door *door = &stage->doors[--stage->door_count];
		struct platform *platform = door->platform;

		door->platform = NULL;
		slack_platform.destroy(platform);
	}
	drain(stage->io);
	http_destroy(stage->http);
	web_destroy(stage->web);
	settings_destroy(stage->settings);
	io_destroy(stage->io);
	app_forget_answers(stage);
	free(stage);
}

/* ---- waiting ---------------------------------------------------------------------------------------------- */

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
		fail_msg("what the test waits for did not happen in time; the link says: %s",
			 stage->doors[0].why);
}

struct linked {
	const struct app_door *door;
	enum link_state link;
};

static bool link_is(struct app_stage *stage, const void *what)
{
	const struct linked *linked = what;

	(void)stage;
	return linked->door->links > 0 && linked->door->link == linked->link;
}

void app_run_link(struct app_door *door, enum link_state link)
{
	app_run(door->stage, link_is, &(struct linked){ door, link });
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

/* ---- a browser -------------------------------------------------------------------------------------------- */

static void reply_came(void *owner, uint64_t ticket, const struct http_answer *answer)
{
	static const char *const names[] = { "set-cookie",	"content-security-policy", "referrer-policy",
					     "x-robots-tag",	"cache-control",	   "content-type",
					     "x-frame-options", "x-content-type-options" };
	struct app_reply *reply = owner;
	size_t len = 0;

	(void)ticket;
	reply->done = true;
	reply->status = answer->status;
	reply->body = mem_text(answer->body ? answer->body : "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = http_header(answer, names[i]);

		if (value)
			len += (size_t)snprintf(reply->head + len, sizeof(reply->head) - len, "%s: %s\n",
						names[i], value);
		assert_true(len < sizeof(reply->head));
	}
}

void app_get_begin(struct app_stage *stage, const char *path, const char *cookie, struct app_reply *reply)
{
	char *url = mem_format("%s%s", stage->public_url, path);
	char *line = cookie ? mem_format("cookie: %s", cookie) : NULL;

	*reply = (struct app_reply){ 0 };
	http_start(stage->http,
		   &(struct http_call){
			   .method = "GET", .url = url, .headers = (const char *const[]){ line, NULL } },
		   NULL, reply_came, reply, 0);
	free(url);
	free(line);
}

static bool reply_done(struct app_stage *stage, const void *what)
{
	const struct app_reply *reply = what;

	(void)stage;
	return reply->done;
}

void app_get_wait(struct app_stage *stage, struct app_reply *reply)
{
	app_run(stage, reply_done, reply);
}

void app_get(struct app_stage *stage, const char *path, const char *cookie, struct app_reply *reply)
{
	app_get_begin(stage, path, cookie, reply);
	app_get_wait(stage, reply);
}

void app_reply_free(struct app_reply *reply)
{
	free(reply->body);
	*reply = (struct app_reply){ 0 };
}
