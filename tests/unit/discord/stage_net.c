#include "stage_net.h"

static void stop_turn(void *data)
{
	io_stop(data);
}

static void on_request(void *owner, struct web_request *request)
{
	struct lo_stage *stage = owner;

	stage->fn(stage, request);
}

static void claim(struct lo_stage *stage)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
	static const char *const paths[] = { "/{a}",
					     "/{a}/{b}",
					     "/{a}/{b}/{c}",
					     "/{a}/{b}/{c}/{d}",
					     "/{a}/{b}/{c}/{d}/{e}",
					     "/{a}/{b}/{c}/{d}/{e}/{f}" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		for (size_t j = 0; j < sizeof(paths) / sizeof(*paths); j++)
			assert_true(web_claim(stage->web, &(struct web_route){ methods[i], paths[j], 1 << 24,
									       on_request, stage }));
}

struct lo_stage *lo_open(lo_request_fn *fn)
{
	struct lo_stage *stage = mem_zero(1, sizeof(*stage));
	struct err err = { 0 };

	log_setup(getenv("NET_LOG") ? LOG_DEBUG : LOG_ERROR + 1, false);
	stage->fn = fn;
	stage->io = io_create(&err);
	assert_non_null(stage->io);
	stage->web = web_create(stage->io, &(struct web_options){ .address = "127.0.0.1" }, &err);
	assert_non_null(stage->web);
	stage->http = http_create(stage->io, &(struct http_options){ .agent = "usher-test" }, &err);
	assert_non_null(stage->http);
	claim(stage);
	stage->log = (struct log){ .name = "discord/acme" };
	stage->base = mem_format("http://127.0.0.1:%d", web_port(stage->web));
	stage->api = mem_format("%s/api/v10", stage->base);
	stage->host = (struct platform_host){ .name = "acme",
					      .public_url = "https://usher.example",
					      .loop = io_loop(stage->io),
					      .io = stage->io,
					      .web = stage->web,
					      .http = stage->http,
					      .log = &stage->log };
	stage->tick = loop_timer_create(stage->host.loop, stop_turn, stage->io);
	stage->bot.host = &stage->host;
	stage->bot.config = (struct discord_config){
		.name = "acme", .bot_token = LO_TOKEN, .api_base = stage->api, .file_base = stage->base
	};
	stage->bot.lanes = discord_lanes_create(&stage->bot);
	return stage;
}

void lo_close(struct lo_stage *stage)
{
	discord_lanes_destroy(stage->bot.lanes);
	loop_timer_destroy(stage->tick);
	http_destroy(stage->http);
	web_destroy(stage->web);
	io_destroy(stage->io);
	free(stage->base);
	free(stage->api);
	free(stage);
}

void lo_step(struct lo_stage *stage)
{
	loop_timer_start(stage->tick, 1, 0);
	io_run(stage->io);
}
