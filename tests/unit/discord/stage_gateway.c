/* A small gateway on loopback, and the rest of the room as the tests of it want them. */
#include "stage_gateway.h"
#include "drain.h"
#include <time.h>
#include <zlib.h>

int64_t gate_clock_wall_ms(void);

static struct gate_stage *now_open;

int64_t gate_clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + (now_open ? now_open->clock_off_ms : 0);
}

/* ---- its connections --------------------------------------------------------------------------------------------- */

static void send_text(struct gate_socket *ours, const char *text)
{
	unsigned char packed[70000];
	z_stream *zip = ours->zip;

	assert_non_null(ours->socket);
	if (!zip) {
		assert_true(web_socket_send(ours->socket, false, text, strlen(text)));
		return;
	}
	zip->next_in = (unsigned char *)(uintptr_t)text;
	zip->avail_in = (unsigned)strlen(text);
	zip->next_out = packed;
	zip->avail_out = sizeof(packed);
	assert_int_equal(deflate(zip, Z_SYNC_FLUSH), Z_OK);
	assert_true(zip->avail_out > 0);
	assert_true(web_socket_send(ours->socket, true, packed, sizeof(packed) - zip->avail_out));
}

void gate_send(struct gate_stage *stage, size_t socket, const char *fmt, ...)
{
	char text[65536];
	va_list args;

	va_start(args, fmt);
	assert_in_range(vsnprintf(text, sizeof(text), fmt, args), 0, sizeof(text) - 1);
	va_end(args);
	send_text(&stage->sockets[socket], text);
}

void gate_end(struct gate_stage *stage, size_t socket, int code)
{
	assert_non_null(stage->sockets[socket].socket);
	web_socket_close(stage->sockets[socket].socket, code, "");
}

static void on_text(void *owner, struct web_socket *socket, bool binary, const void *data, size_t len)
{
	struct gate_socket *ours = owner;
	json_t *text = json_read(data, len, NULL);

	(void)socket;
	assert_false(binary);
	assert_non_null(text);
	if (json_int(text, "op", -1) == OP_HEARTBEAT) {
		assert_non_null(json_object_get(text, "d"));
		json_decref(ours->beat);
		ours->beat = json_incref(json_object_get(text, "d"));
		ours->beats++;
		json_decref(text);
		if (now_open && !now_open->no_acks)
			send_text(ours, "{\"op\":11}");
		return;
	}
	assert_true(ours->count < GATE_TEXTS);
	ours->texts[ours->count++] = text;
	if (now_open)
		now_open->texts++;
}

static void on_socket_closed(void *owner, struct web_socket *socket, int code)
{
	struct gate_socket *ours = owner;

	(void)socket;
	ours->socket = NULL;
	ours->code = code;
}

static void compress_from(struct gate_socket *ours)
{
	z_stream *zip = mem_zero(1, sizeof(*zip));

	assert_int_equal(deflateInit(zip, Z_DEFAULT_COMPRESSION), Z_OK);
	ours->zip = zip;
}

static void on_link(void *owner, struct web_request *request)
{
	static const struct web_socket_events events = { on_text, on_socket_closed };
	struct gate_stage *stage = owner;
	struct gate_socket *ours = &stage->sockets[stage->socket_count];
	const char *compress = web_query(request, "compress");

	assert_true(stage->socket_count < GATE_SOCKETS);
	assert_string_equal(web_query(request, "v"), "10");
	assert_string_equal(web_query(request, "encoding"), "json");
	ours->path = mem_text(web_param(request, "which"));
	stage->socket_count++;
	if (stage->no_upgrade) {
		web_answer(request, 503, NULL, NULL, 0);
		return;
	}
	if (compress && strcmp(compress, "zlib-stream") == 0)
		compress_from(ours);
	ours->socket = web_upgrade(request, NULL, 65536, &events, ours);
	assert_non_null(ours->socket);
	if (!stage->no_hello)
		send_text(ours, stage->hello
					? stage->hello
					: "{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":"
					  "41250,\"_trace\":[\"[\\\"}\"]}}");
}

const json_t *gate_said(struct gate_stage *stage, size_t socket, int op)
{
	struct gate_socket *ours = &stage->sockets[socket];

	GATE_WAIT(stage, stage->socket_count > socket && ours->count > 0);
	assert_int_equal(json_int(ours->texts[0], "op", -1), op);
	return json_object_get(ours->texts[0], "d");
}

void gate_ready(struct gate_stage *stage, size_t socket)
{
	size_t taken = stage->taken_count;

	gate_said(stage, socket, OP_IDENTIFY);
	gate_send(
		stage, socket,
		"{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"v\":10,\"user\":{\"id\":\"77\",\"username\":"
		"\"usher\"},\"guilds\":[],\"session_id\":\"session%u\",\"resume_gateway_url\":\"%s/resume\","
		"\"application\":{\"id\":\"78\",\"flags\":0}}}",
		++stage->sessions, stage->url);
	GATE_WAIT(stage, stage->taken_count > taken);
}

void gate_resumed(struct gate_stage *stage, size_t socket)
{
	const json_t *d = gate_said(stage, socket, OP_RESUME);
	size_t taken = stage->taken_count;

	gate_send(stage, socket, "{\"op\":0,\"s\":%d,\"t\":\"RESUMED\",\"d\":{}}",
		  (int)json_int(d, "seq", 0) + 1);
	GATE_WAIT(stage, stage->taken_count > taken);
}

void gate_message(struct gate_stage *stage, size_t socket, int seq, const char *channel)
{
	gate_send(stage, socket,
		  "{\"op\":0,\"d\":{\"id\":\"%d\",\"channel_id\":\"%s\"},\"s\":%d,\"t\":\"MESSAGE_CREATE\"}",
		  1000 + seq, channel, seq);
}

struct shard *gate_shard(struct gate_stage *stage, unsigned id)
{
	return discord_gateway_shard(stage->bot.gateway, id);
}

/* ---- the rest of the room -------------------------------------------------------------------------------------------- */

uint64_t gate_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			   uint64_t ticket);
void gate_discord_rest_cancel(struct platform *bot, uint64_t id);
bool gate_discord_wants(const char *name);
void gate_discord_take(struct platform *bot, const struct discord_event *event, const char *name,
		       const json_t *d);
void gate_discord_dead(struct platform *bot, const char *why);
void gate_discord_settle(struct platform *bot);

struct late {
	discord_rest_fn *fn;
	void *owner;
	uint64_t id, ticket;
};
static uint64_t last_call, cancelled;

static void tell_late(void *data)
{
	struct late *late = data;
	struct gate_stage *stage = now_open;
	struct discord_answer answer = { .how = DISCORD_OK, .status = 200 };
	json_t *body;

	if (stage && late->id != cancelled) {
		body = json_pack("{s:s++, s:i, s:{s:i, s:i, s:i, s:i}}", "url", stage->url, "/main", "?x=1",
				 "shards", stage->shards, "session_start_limit", "total", 1000, "remaining",
				 stage->remaining, "reset_after", stage->reset_after, "max_concurrency",
				 stage->concurrency);
		answer.how = stage->answer;
		answer.body = stage->answer == DISCORD_OK ? body : NULL;
		answer.why = stage->answer == DISCORD_OK ? NULL : "the platform is away";
		late->fn(&stage->bot, late->owner, late->ticket, &answer);
		json_decref(body);
	}
	free(late);
}

uint64_t gate_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			   uint64_t ticket)
{
	struct late *late = mem_alloc(sizeof(*late));

	assert_string_equal(call->method, "GET");
	assert_string_equal(call->path, "/gateway/bot");
	*late = (struct late){ fn, owner, ++last_call, ticket };
	now_open->asked++;
	loop_post(bot->host->loop, tell_late, late);
	return last_call;
}

void gate_discord_rest_cancel(struct platform *bot, uint64_t id)
{
	(void)bot;
	cancelled = id;
}

bool gate_discord_wants(const char *name)
{
	return strcmp(name, "MESSAGE_CREATE") == 0 || strcmp(name, "GUILD_CREATE") == 0 ||
	       strcmp(name, "INTERACTION_CREATE") == 0;
}

void gate_discord_take(struct platform *bot, const struct discord_event *event, const char *name,
		       const json_t *d)
{
	struct gate_stage *stage = now_open;

	assert_true(stage->taken_count < GATE_TAKEN);
	stage->taken[stage->taken_count] = (struct gate_taken){ .event = *event, .d = json_write(d) };
	snprintf(stage->taken[stage->taken_count].name, GATEWAY_NAME_SIZE, "%s", name);
	stage->taken_count++;
	if (!stage->keep || strcmp(name, "READY") == 0 || strcmp(name, "RESUMED") == 0)
		discord_taken(bot, event, stage->again_ms);
}

void gate_discord_dead(struct platform *bot, const char *why)
{
	bot->dead = true;
	now_open->deads++;
	snprintf(now_open->dead_why, sizeof(now_open->dead_why), "%s", why);
}

void gate_discord_settle(struct platform *bot)
{
	(void)bot;
	now_open->settled++;
}

/* ---- the core -------------------------------------------------------------------------------------------------------- */

struct late_note {
	uint64_t ticket;
	bool refused;
};

static void tell_note(void *data)
{
	struct late_note *late = data;
	struct err err = { 0 };

	if (late->refused)
		err_set(&err, ERR_AGAIN, "the disk is slow");
	if (now_open)
		discord_remembered(&now_open->bot, late->ticket, &err);
	free(late);
}

static struct gate_note *find_note(const struct gate_stage *stage, const char *name)
{
	for (size_t i = 0; i < stage->note_count; i++)
		if (strcmp(stage->notes[i].name, name) == 0)
			return (struct gate_note *)(uintptr_t)&stage->notes[i];
	return NULL;
}

const char *gate_note(const struct gate_stage *stage, const char *name)
{
	const struct gate_note *note = find_note(stage, name);

	return note ? note->text : NULL;
}

static void on_remember(struct platform_host *host, const char *name, const char *text, uint64_t ticket)
{
	struct gate_stage *stage = now_open;
	struct gate_note *note = find_note(stage, name);
	struct late_note *late;

	if (stage->silent_notes)
		return;
	late = mem_alloc(sizeof(*late));
	*late = (struct late_note){ ticket, stage->refuse_notes > 0 };
	stage->refuse_notes -= stage->refuse_notes > 0;
	assert_true(stage->note_count < GATE_NOTES);
	if (!note) {
		note = &stage->notes[stage->note_count++];
		note->name = mem_text(name);
	}
	if (!late->refused) {
		free(note->text);
		note->text = mem_text(text);
		note->writes++;
	}
	loop_post(host->loop, tell_note, late);
}

static void on_host_link(struct platform_host *host, enum link_state now, const char *why)
{
	struct gate_stage *stage = now_open;

	(void)host;
	stage->link = now;
	stage->ups += now == LINK_UP;
	stage->downs += now == LINK_DOWN;
	snprintf(stage->link_why, sizeof(stage->link_why), "%s", why ? why : "");
}

/* ---- opening and closing ----------------------------------------------------------------------------------------------- */

static void stop_turn(void *data)
{
	io_stop(data);
}

static void open_sockets(struct gate_stage *stage)
{
	struct err err = { 0 };

	stage->io = io_create(&err);
	assert_non_null(stage->io);
	stage->web = web_create(stage->io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	assert_non_null(stage->web);
	stage->http = http_create(stage->io, &(struct http_options){ .agent = "usher-test" }, &err);
	assert_non_null(stage->http);
	assert_true(web_claim(stage->web, &(struct web_route){ "GET", "/{which}/", 0, on_link, stage }));
	stage->base = mem_format("http://127.0.0.1:%d/api", web_port(stage->web));
	stage->url = mem_format("ws://127.0.0.1:%d", web_port(stage->web));
}

static const struct gateway_times short_times = {
	.hello = 20000,
	.ready = 20000,
	.resumed = 20000,
	.cut = 200,
	.first = 10,
	.longest = 40,
	.steady = 60000,
	.again_least = 10,
	.again_spread = 20,
	.limited = 200,
	.bucket = 60,
	.bucket_spread = 10,
	.remember = 20,
	.beat_least = 5,
	.margin = 60000,
	.ask = 10,
};

struct gate_stage *gate_open(void)
{
	struct gate_stage *stage = mem_zero(1, sizeof(*stage));

	log_setup(getenv("GATE_LOG") ? LOG_DEBUG : LOG_ERROR + 1, false);
	now_open = stage;
	open_sockets(stage);
	stage->log = (struct log){ .name = "discord/acme" };
	stage->host = (struct platform_host){ .name = "acme",
					      .loop = io_loop(stage->io),
					      .io = stage->io,
					      .web = stage->web,
					      .http = stage->http,
					      .log = &stage->log,
					      .remember = on_remember,
					      .link = on_host_link };
	stage->tick = loop_timer_create(stage->host.loop, stop_turn, stage->io);
	stage->shards = stage->concurrency = 1;
	stage->remaining = 900;
	stage->answer = DISCORD_OK;
	stage->bot.host = &stage->host;
	stage->bot.config = (struct discord_config){ .name = "acme",
						     .bot_token = "token-of-the-bot",
						     .api_base = stage->base,
						     .message_content = true,
						     .identifies_a_day = 500 };
	stage->bot.gateway = discord_gateway_create(&stage->bot);
	stage->bot.gateway->times = short_times;
	return stage;
}

static void free_socket(struct gate_socket *ours)
{
	for (size_t i = 0; i < ours->count; i++)
		json_decref(ours->texts[i]);
	json_decref(ours->beat);
	free(ours->path);
	if (ours->zip)
		deflateEnd(ours->zip);
	free(ours->zip);
}

void gate_close(struct gate_stage *stage)
{
	discord_gateway_destroy(stage->bot.gateway);
	assert_null(stage->bot.gateway);
	assert_null(stage->bot.notes);
	gate_step(stage);
	now_open = NULL;
	loop_timer_destroy(stage->tick);
	drain(stage->io);
	http_destroy(stage->http);
	web_destroy(stage->web);
	io_destroy(stage->io);
	for (size_t i = 0; i < stage->socket_count; i++)
		free_socket(&stage->sockets[i]);
	for (size_t i = 0; i < stage->taken_count; i++)
		free(stage->taken[i].d);
	for (size_t i = 0; i < stage->note_count; i++) {
		free(stage->notes[i].name);
		free(stage->notes[i].text);
	}
	free(stage->bot.username);
	free(stage->base);
	free(stage->url);
	free(stage);
}

struct gate_stage *gate_connected(void)
{
	struct gate_stage *stage = gate_open();

	discord_gateway_start(stage->bot.gateway);
	assert_int_equal(stage->link, LINK_CONNECTING);
	gate_ready(stage, 0);
	GATE_WAIT(stage, stage->link == LINK_UP);
	return stage;
}

void gate_step(struct gate_stage *stage)
{
	loop_timer_start(stage->tick, 1, 0);
	io_run(stage->io);
}

void gate_rest(struct gate_stage *stage)
{
	for (int i = 0; i < 30; i++)
		gate_step(stage);
}
