#include "stage_rest.h"
#include "buf.h"
#include <strings.h>

static struct wire_stage *now_open;

uint64_t wire_http_start(struct http *http, const struct http_call *call, http_data_fn *on_data,
			 http_done_fn *on_done, void *owner, uint64_t ticket);
void wire_http_cancel(struct http *http, uint64_t id);
const char *wire_http_header(const struct http_answer *answer, const char *name);
void wire_discord_dead(struct platform *bot, const char *why);

/* ---- the wires ------------------------------------------------------------------------------------------- */

static char *parts_of(const struct http_call *call)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < call->part_count; i++) {
		const struct http_part *part = &call->parts[i];

		buf_format(&out, "%s|%s|%s|", part->name, part->file_name ? part->file_name : "",
			   part->type ? part->type : "");
		buf_add(&out, part->data, part->len);
		buf_text(&out, "\n");
	}
	return buf_take(&out);
}

uint64_t wire_http_start(struct http *http, const struct http_call *call, http_data_fn *on_data,
			 http_done_fn *on_done, void *owner, uint64_t ticket)
{
	struct wire_stage *stage = now_open;
	struct wire_sent *sent = &stage->sent[stage->sent_count];
	struct buf headers = { 0 };

	(void)http;
	assert_null(on_data);
	assert_true(stage->sent_count < WIRE_SENT);
	for (size_t i = 0; call->headers && call->headers[i]; i++)
		buf_format(&headers, "%s\n", call->headers[i]);
	*sent = (struct wire_sent){
		.method = mem_text(call->method),
		.url = mem_text(call->url),
		.headers = buf_take(&headers),
		.body = call->body ? mem_text_n(call->body, call->body_len) : NULL,
		.parts = parts_of(call),
		.total_ms = call->total_ms,
		.id = ++stage->sent_count,
		.at = stage_loop_now(),
		.done = on_done,
		.owner = owner,
		.ticket = ticket,
	};
	return sent->id;
}

void wire_http_cancel(struct http *http, uint64_t id)
{
	(void)http;
	assert_in_range(id, 1, now_open->sent_count);
	now_open->sent[id - 1].ended = true;
}

const char *wire_http_header(const struct http_answer *answer, const char *name)
{
	static char value[200];
	size_t len = strlen(name);

	(void)answer;
	for (const char *at = now_open->headers; at && *at; at = strchr(at, '\n') + 1) {
		if (strncasecmp(at, name, len) != 0 || strncmp(at + len, ": ", 2) != 0)
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + len + 2, "\n"), at + len + 2);
		return value;
	}
	return NULL;
}

static void end(struct wire_stage *stage, size_t n, const struct http_answer *answer, const char *headers)
{
	struct wire_sent *sent = &stage->sent[n];

	assert_true(n < stage->sent_count && !sent->ended);
	sent->ended = true;
	stage->headers = headers;
	sent->done(sent->owner, sent->ticket, answer);
	stage->headers = NULL;
	stage_loop_pass(0);
}

void wire_answer(struct wire_stage *stage, size_t n, int status, const char *headers, const char *body)
{
	struct http_answer answer = { .how = HTTP_ANSWERED,
				      .status = status,
				      .body = body,
				      .len = strlen(body),
				      .type = "",
				      .retry_after_ms = -1 };
	const char *retry;

	stage->headers = headers;
	retry = wire_http_header(&answer, "retry-after");
	if (retry)
		answer.retry_after_ms = (int64_t)(strtod(retry, NULL) * 1000);
	end(stage, n, &answer, headers);
}

void wire_ok(struct wire_stage *stage, size_t n, const char *headers)
{
	wire_answer(stage, n, 200, headers, "{\"id\":\"1\"}");
}

void wire_fail(struct wire_stage *stage, size_t n, enum http_how how, const char *why)
{
	struct http_answer answer = { .how = how, .type = "", .retry_after_ms = -1 };

	err_set(&answer.err, ERR_AGAIN, "%s", why);
	end(stage, n, &answer, "");
}

size_t wire_open_count(const struct wire_stage *stage)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->sent_count; i++)
		count += !stage->sent[i].ended;
	return count;
}

/* ---- calls ------------------------------------------------------------------------------------------------ */

static unsigned order;

static void came(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	struct wire_result *result = owner;
	char *body = answer->body ? json_write(answer->body) : mem_text("");

	assert_int_equal(ticket, 77);
	assert_true((answer->why == NULL) == (answer->how == DISCORD_OK));
	result->count++;
	result->order = ++order;
	result->how = answer->how;
	result->refusal = answer->refusal;
	result->status = answer->status;
	result->code = answer->code;
	result->retry_ms = answer->retry_ms;
	snprintf(result->why, sizeof(result->why), "%s", answer->why ? answer->why : "");
	snprintf(result->body, sizeof(result->body), "%s", body);
	free(body);
	if (result->next)
		wire_ask(result->stage, result->next, "GET /users/@me");
	if (result->cancels)
		discord_rest_cancel(bot, result->cancels);
}

uint64_t wire_call(struct wire_stage *stage, struct wire_result *result, struct discord_call wanted,
		   const char *args)
{
	unsigned before = result->count;
	uint64_t id;

	wanted.args = args ? json_read(args, strlen(args), NULL) : NULL;
	id = discord_rest(&stage->bot, &wanted, came, result, 77);
	assert_true(id != 0);
	assert_int_equal(result->count, before); /* never inside the call */
	return id;
}

static uint64_t ask(struct wire_stage *stage, struct wire_result *result, const char *line, bool droppable)
{
	char method[8];
	size_t len = strcspn(line, " ");

	snprintf(method, sizeof(method), "%.*s", (int)len, line);
	return wire_call(
		stage, result,
		(struct discord_call){ .method = method, .path = line + len + 1, .droppable = droppable },
		NULL);
}

uint64_t wire_ask(struct wire_stage *stage, struct wire_result *result, const char *line)
{
	return ask(stage, result, line, false);
}

uint64_t wire_drop(struct wire_stage *stage, struct wire_result *result, const char *line)
{
	return ask(stage, result, line, true);
}

struct wire_result wire_once(struct wire_stage *stage, const char *line, int status, const char *headers,
			     const char *body)
{
	struct wire_result result = { 0 };
	size_t before = stage->sent_count;

	wire_ask(stage, &result, line);
	stage_loop_pass(0);
	assert_int_equal(stage->sent_count, before + 1);
	wire_answer(stage, before, status, headers, body);
	assert_int_equal(result.count, 1);
	return result;
}

/* ---- opening and closing ------------------------------------------------------------------------------------ */

void wire_discord_dead(struct platform *bot, const char *why)
{
	bot->dead = true;
	if (now_open == NULL)
		return; /* a test with sockets of its own */
	now_open->deads++;
	snprintf(now_open->dead_why, sizeof(now_open->dead_why), "%s", why);
}

struct wire_stage *wire_open(void)
{
	struct wire_stage *stage = mem_zero(1, sizeof(*stage));

	log_setup(getenv("WIRE_LOG") ? LOG_DEBUG : LOG_ERROR + 1, false);
	now_open = stage;
	stage->log = (struct log){ .name = "discord/acme" };
	stage->host = (struct platform_host){ .name = "acme",
					      .public_url = "https://usher.example",
					      .loop = stage_loop_open(),
					      .log = &stage->log };
	stage->bot.host = &stage->host;
	stage->bot.config = (struct discord_config){ .name = "acme",
						     .bot_token = WIRE_TOKEN,
						     .api_base = "https://discord.example/api/v10" };
	stage->bot.lanes = discord_lanes_create(&stage->bot);
	return stage;
}

void wire_close(struct wire_stage *stage)
{
	discord_lanes_destroy(stage->bot.lanes);
	assert_null(stage->bot.lanes);
	assert_int_equal(wire_open_count(stage), 0); /* what ran was cancelled */
	stage_loop_close();
	now_open = NULL;
	for (size_t i = 0; i < stage->sent_count; i++) {
		free(stage->sent[i].method);
		free(stage->sent[i].url);
		free(stage->sent[i].headers);
		free(stage->sent[i].body);
		free(stage->sent[i].parts);
	}
	free(stage);
}
