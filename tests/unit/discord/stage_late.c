#include "stage_late.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct late_stage *now_open;

uint64_t late_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			   uint64_t ticket);
void late_discord_rest_cancel(struct platform *bot, uint64_t id);
void late_discord_take_caught(struct platform *bot, snowflake guild, const json_t *message,
			      discord_caught_fn *done, void *owner);
void late_discord_gateway_caught_up(struct discord_gateway *gateway, unsigned shard);
uint64_t late_discord_ticket(struct platform *bot);
int64_t late_clock_wall_ms(void);

/* ---- what stands in the place of others ------------------------------------------------------------------- */

uint64_t late_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			   uint64_t ticket)
{
	struct late_call *made = &now_open->calls[now_open->call_count++];

	assert_true(now_open->call_count <= LATE_CALLS);
	assert_ptr_equal(bot, &now_open->bot);
	assert_string_equal(call->method, "GET");
	assert_null(call->args);
	snprintf(made->path, sizeof(made->path), "%s", call->path);
	made->id = now_open->call_count;
	made->answer_max = call->answer_max;
	made->fn = fn;
	made->owner = owner;
	made->ticket = ticket;
	return made->id;
}

void late_discord_rest_cancel(struct platform *bot, uint64_t id)
{
	(void)bot;
	assert_in_range(id, 1, now_open->call_count);
	now_open->cancelled += now_open->calls[id - 1].id != 0;
	now_open->calls[id - 1].id = 0;
}

void late_discord_take_caught(struct platform *bot, snowflake guild, const json_t *message,
			      discord_caught_fn *done, void *owner)
{
	snowflake id = snowflake_read(json_object_get(message, "id"));
	struct late_taken *taken = &now_open->taken[now_open->taken_count++];

	assert_true(now_open->taken_count <= LATE_TAKEN);
	*taken = (struct late_taken){ .guild = guild, .message = id, .done = done, .owner = owner };
	if (id % now_open->ours) {
		taken->done = NULL;
		done(bot, owner, NULL);
	}
}

void late_discord_gateway_caught_up(struct discord_gateway *gateway, unsigned shard)
{
	assert_ptr_equal(gateway, now_open->bot.gateway);
	if (shard == 0)
		now_open->caught_up++;
	else
		now_open->others++;
}

uint64_t late_discord_ticket(struct platform *bot)
{
	return ++bot->last_ticket;
}

int64_t late_clock_wall_ms(void)
{
	return LATE_NOW;
}

/* ---- the stage -------------------------------------------------------------------------------------------- */

struct late_stage *late_open(void)
{
	struct late_stage *stage = mem_zero(1, sizeof(*stage));

	now_open = stage;
	stage->log.name = "discord/acme";
	stage->host.loop = stage_loop_open();
	stage->host.log = &stage->log;
	stage->ours = 1;
	stage->bot.host = &stage->host;
	stage->bot.gateway = (struct discord_gateway *)stage; /* only handed on */
	stage->bot.config.catch_up_hours = 24;
	stage->bot.config.catch_up_messages = 250;
	stage->bot.catch_up = discord_catch_up_create(&stage->bot);
	return stage;
}

void late_close(struct late_stage *stage)
{
	discord_catch_up_destroy(stage->bot.catch_up);
	assert_int_equal(late_waiting(stage), 0); /* none may be answered into freed memory */
	stage_loop_close();
	free(stage);
	now_open = NULL;
}

snowflake late_id(unsigned seconds_ago)
{
	return snowflake_at(LATE_NOW - (int64_t)seconds_ago * 1000);
}

void late_offer(struct late_stage *stage, snowflake guild, snowflake channel, unsigned seconds_ago)
{
	discord_catch_up_offer(&stage->bot, 0,
			       &(struct discord_channel){
				       .id = channel, .guild = guild, .last_message = late_id(seconds_ago) },
			       stage->joined);
}

/* ---- calls ------------------------------------------------------------------------------------------------ */

size_t late_waiting(const struct late_stage *stage)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->call_count; i++)
		count += stage->calls[i].id != 0;
	return count;
}

struct late_call *late_asked(struct late_stage *stage, snowflake channel)
{
	char start[64], id[SNOWFLAKE_SIZE];

	stage_loop_pass(1);
	snprintf(start, sizeof(start), "/channels/%s/messages?after=", snowflake_text(channel, id));
	for (size_t i = 0; i < stage->call_count; i++)
		if (stage->calls[i].id && strncmp(stage->calls[i].path, start, strlen(start)) == 0)
			return &stage->calls[i];
	fail_msg("nobody asks for the messages of %s", id);
	return NULL;
}

void late_answer(struct late_stage *stage, struct late_call *call, const struct discord_answer *answer)
{
	assert_int_not_equal(call->id, 0);
	call->id = 0;
	call->fn(&stage->bot, call->owner, call->ticket, answer);
	stage_loop_pass(0);
}

void late_page(struct late_stage *stage, struct late_call *call, const unsigned *seconds_ago)
{
	json_t *page = json_array();
	char id[SNOWFLAKE_SIZE];

	for (; *seconds_ago; seconds_ago++)
		json_array_append_new(page,
				      json_pack("{s:s}", "id", snowflake_text(late_id(*seconds_ago), id)));
	late_answer(stage, call, &(struct discord_answer){ .how = DISCORD_OK, .body = page, .status = 200 });
	json_decref(page);
}

void late_fails(struct late_stage *stage, struct late_call *call, enum discord_how how, unsigned retry_ms)
{
	late_answer(stage, call,
		    &(struct discord_answer){ .how = how, .why = "the test says so", .retry_ms = retry_ms });
}

/* ---- messages --------------------------------------------------------------------------------------------- */

void late_ack(struct late_stage *stage, size_t n, enum ack_how how)
{
	struct late_taken *taken = &stage->taken[n];
	discord_caught_fn *done = taken->done;

	assert_true(n < stage->taken_count && done);
	taken->done = NULL;
	done(&stage->bot, taken->owner, &(struct ack){ .how = how, .retry_ms = 500 });
	stage_loop_pass(0);
}

void late_last_is(const struct late_stage *stage, size_t n, unsigned seconds_ago)
{
	assert_int_equal(stage->taken_count, n + 1);
	assert_true(stage->taken[n].message == late_id(seconds_ago));
}

/* ---- sentences -------------------------------------------------------------------------------------------- */

void late_begin(struct late_stage *stage)
{
	discord_catch_up_begin(&stage->bot, 0, 1, late_id(SEEN));
}

void late_cursor(struct late_stage *stage, const char *kind, snowflake channel, unsigned seconds_ago)
{
	char id[SNOWFLAKE_SIZE], at[SNOWFLAKE_SIZE], *scope;

	scope = mem_format("%s%s", kind, snowflake_text(channel, id));
	discord_catch_up_cursor(&stage->bot, scope, snowflake_text(late_id(seconds_ago), at));
	free(scope);
}

void late_asks_after(const struct late_call *call, snowflake channel, unsigned seconds_ago, unsigned limit)
{
	char id[SNOWFLAKE_SIZE], at[SNOWFLAKE_SIZE];
	char *path = mem_format("/channels/%s/messages?after=%s&limit=%u", snowflake_text(channel, id),
				snowflake_text(late_id(seconds_ago), at), limit);

	assert_string_equal(call->path, path);
	free(path);
}

void late_nothing_more(struct late_stage *stage)
{
	stage_loop_pass(CATCH_UP_QUIET_MS + 1);
	assert_int_equal(late_waiting(stage), 0);
}
