/* A small platform on loopback, and the other files of the room as the tests of calls and transports want them. */
#include "stage_net.h"
#include "drain.h"

static struct net_stage *now_open;

/* ---- the Web API --------------------------------------------------------------------------------------- */

static void answer(struct net_stage *stage, struct web_request *request, const char *method)
{
	struct net_answer said = { 200, "{\"ok\":true}", NULL, NULL };
	char *body = NULL;

	if (stage->answer_next < stage->answer_count)
		said = stage->answers[stage->answer_next++];
	else if (strcmp(method, "apps.connections.open") == 0)
		body = mem_format("{\"ok\":true,\"url\":\"ws://127.0.0.1:%d/link/?ticket=t%zu\"}",
				  web_port(stage->web), stage->seen_count);
	if (stage->ws_url && body) {
		free(body);
		body = mem_format("{\"ok\":true,\"url\":\"%s\"}", stage->ws_url);
	}
	if (said.header)
		web_add_header(request, said.header, said.value);
	web_answer(request, said.status, "application/json", body ? body : said.body,
		   strlen(body ? body : said.body));
	free(body);
}

static void on_call(void *owner, struct web_request *request)
{
	struct net_stage *stage = owner;
	const char *method = web_param(request, "method"), *body, *authorization, *type;
	size_t len;

	assert_true(stage->seen_count < NET_SEEN);
	body = web_body(request, &len);
	authorization = web_header(request, "authorization");
	type = web_header(request, "content-type");
	stage->seen[stage->seen_count++] = (struct net_seen){
		.method = mem_text(method),
		.authorization = mem_text(authorization ? authorization : ""),
		.type = mem_text(type ? type : ""),
		.body = mem_text_n(body ? body : "", len),
		.web_id = web_id(request),
		.held = stage->hold,
	};
	if (!stage->hold)
		answer(stage, request, method);
}

size_t net_held(const struct net_stage *stage)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->seen_count; i++)
		count += stage->seen[i].held;
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
		if (request)
			answer(stage, request, stage->seen[i].method);
		return;
	}
	fail_msg("no request is held");
}

void net_say_header(struct net_stage *stage, int status, const char *body, const char *header,
		    const char *value)
{
	assert_true(stage->answer_count < NET_ANSWERS);
	stage->answers[stage->answer_count++] = (struct net_answer){ status, body, header, value };
}

void net_say(struct net_stage *stage, int status, const char *body)
{
	net_say_header(stage, status, body, NULL, NULL);
}

size_t net_asked(const struct net_stage *stage, const char *method)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->seen_count; i++)
		count += strcmp(stage->seen[i].method, method) == 0;
	return count;
}

/* ---- its web sockets ----------------------------------------------------------------------------------- */

static void on_text(void *owner, struct web_socket *socket, bool binary, const void *data, size_t len)
{
	struct net_socket *ours = owner;

	(void)socket;
	assert_false(binary);
	assert_true(len < sizeof(ours->last));
	memcpy(ours->last, data, len);
	ours->last[len] = '\0';
	ours->acks++;
}

static void on_socket_closed(void *owner, struct web_socket *socket, int code)
{
	struct net_socket *ours = owner;

	(void)socket;
	(void)code;
	ours->socket = NULL;
	if (now_open)
		now_open->open_sockets--;
}

void net_send(struct net_stage *stage, size_t socket, const char *text)
{
	assert_non_null(stage->sockets[socket].socket);
	assert_true(web_socket_send(stage->sockets[socket].socket, false, text, strlen(text)));
}

void net_hello(struct net_stage *stage, size_t socket)
{
	char *text = mem_format("{\"type\":\"hello\",\"num_connections\":1,\"connection_info\":{\"app_id\":"
				"\"%s\"},\"debug_info\":{\"approximate_connection_time\":3600}}",
				stage->hello_app ? stage->hello_app : "A1");

	net_send(stage, socket, text);
	free(text);
}

static void on_link(void *owner, struct web_request *request)
{
	static const struct web_socket_events events = { on_text, on_socket_closed };
	struct net_stage *stage = owner;
	struct net_socket *ours = &stage->sockets[stage->socket_count];

	if (stage->no_upgrade) {
		web_answer(request, 503, NULL, NULL, 0);
		return;
	}
	assert_true(stage->socket_count < NET_SOCKETS);
	ours->socket = web_upgrade(request, NULL, 65536, &events, ours);
	assert_non_null(ours->socket);
	stage->socket_count++;
	if (++stage->open_sockets > stage->most_sockets)
		stage->most_sockets = stage->open_sockets;
	if (!stage->no_hello)
		net_hello(stage, stage->socket_count - 1);
}

/* ---- the rest of the room ------------------------------------------------------------------------------ */

void __wrap_slack_take(struct slack *app, const struct slack_from *from, enum slack_payload kind,
		       json_t *payload);
void __wrap_slack_link(struct slack *app, enum link_state now, const char *why);
void __wrap_slack_token_dead(struct platform *workspace, const char *why);
void __wrap_slack_fresh(struct platform *workspace, slack_fresh_fn *fn, void *owner);

void __wrap_slack_take(struct slack *app, const struct slack_from *from, enum slack_payload kind,
		       json_t *payload)
{
	struct net_stage *stage = now_open;

	assert_true(stage->taken_count < NET_SEEN);
	stage->taken[stage->taken_count++] = (struct net_taken){ *from, kind, json_write(payload) };
	json_decref(payload);
	if (stage->reply == NET_OK)
		slack_ack_ok(app, from, stage->reply_payload);
	else if (stage->reply == NET_LATER)
		slack_ack_later(app, from, 1500);
	else if (stage->reply == NET_BAD)
		slack_ack_bad(app, from, "not for us");
}

void __wrap_slack_link(struct slack *app, enum link_state now, const char *why)
{
	struct net_stage *stage = now_open;

	app->link = stage->link = now;
	stage->links++;
	stage->ups += now == LINK_UP;
	stage->downs += now == LINK_DOWN;
	snprintf(stage->link_why, sizeof(stage->link_why), "%s", why ? why : "");
}

void __wrap_slack_token_dead(struct platform *workspace, const char *why)
{
	workspace->dead = true;
	now_open->deads++;
	snprintf(now_open->dead_why, sizeof(now_open->dead_why), "%s", why);
}

struct late_fresh {
	slack_fresh_fn *fn;
	void *owner;
};

static void tell_fresh(void *data)
{
	struct late_fresh *late = data;
	struct net_stage *stage = now_open;

	if (stage && stage->fresh == NET_FRESH) {
		free(stage->root.token);
		stage->root.token = mem_text("xoxe.xoxb-new");
	}
	if (stage && stage->fresh == NET_DEAD)
		stage->root.dead = true;
	if (stage)
		late->fn(&stage->root, late->owner, stage->fresh == NET_FRESH);
	free(late);
}

void __wrap_slack_fresh(struct platform *workspace, slack_fresh_fn *fn, void *owner)
{
	struct late_fresh *late = mem_alloc(sizeof(*late));

	*late = (struct late_fresh){ fn, owner };
	now_open->freshes++;
	loop_post(workspace->host->loop, tell_fresh, late);
}

/* ---- opening and closing ------------------------------------------------------------------------------- */

static void open_sockets(struct net_stage *stage)
{
	struct err err = { 0 };

	stage->io = io_create(&err);
	assert_non_null(stage->io);
	stage->web = web_create(stage->io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	assert_non_null(stage->web);
	stage->http = http_create(stage->io, &(struct http_options){ .agent = "usher-test" }, &err);
	assert_non_null(stage->http);
	assert_true(web_claim(stage->web,
			      &(struct web_route){ "POST", "/api/{method}", 1 << 20, on_call, stage }));
	assert_true(web_claim(stage->web, &(struct web_route){ "GET", "/link/", 0, on_link, stage }));
}

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

	log_setup(getenv("NET_LOG") ? LOG_DEBUG : LOG_ERROR + 1, false);
	now_open = stage;
	open_sockets(stage);
	stage->log = (struct log){ .name = "slack/acme" };
	stage->host = (struct platform_host){ .name = "acme",
					      .loop = io_loop(stage->io),
					      .io = stage->io,
					      .web = stage->web,
					      .http = stage->http,
					      .log = &stage->log };
	stage->base = net_url(stage, "/api");
	stage->tick = loop_timer_create(stage->host.loop, stop_turn, stage->io);
	stage->app.root = &stage->root;
	stage->app.config = (struct slack_config){ .name = "acme",
						   .app_token = "xapp-1",
						   .signing_secret = "8f742231b10e8888abcd99yyyzzz85a5",
						   .api_base = stage->base };
	stage->root.host = &stage->host;
	stage->root.app = &stage->app;
	stage->root.token = mem_text("xoxb-1");
	stage->root.lanes = slack_lanes_create(&stage->root);
	return stage;
}

static void free_seen(struct net_stage *stage)
{
	for (size_t i = 0; i < stage->seen_count; i++) {
		free(stage->seen[i].method);
		free(stage->seen[i].authorization);
		free(stage->seen[i].type);
		free(stage->seen[i].body);
	}
	for (size_t i = 0; i < stage->taken_count; i++)
		free(stage->taken[i].payload);
}

void net_close(struct net_stage *stage)
{
	slack_sockets_destroy(stage->app.sockets);
	slack_receive_destroy(&stage->app);
	slack_lanes_destroy(stage->root.lanes);
	assert_null(stage->root.lanes);
	now_open = NULL;
	loop_timer_destroy(stage->tick);
	drain(stage->io);
	http_destroy(stage->http);
	web_destroy(stage->web);
	io_destroy(stage->io);
	free_seen(stage);
	free(stage->app.app_id);
	free(stage->root.token);
	free(stage->root.refresh_token);
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
