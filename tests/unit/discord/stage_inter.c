#include "stage_inter.h"
#include "quoted.h"
#include <inttypes.h>

static struct inter_stage *the_stage;

int64_t inter_clock_wall_ms(void);
uint64_t inter_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			    uint64_t ticket);
void inter_discord_rest_cancel(struct platform *bot, uint64_t id);
uint64_t inter_discord_ticket(struct platform *bot);
void inter_discord_settle(struct platform *bot);
char *inter_discord_words(const struct platform *bot, const json_t *message);
char *inter_discord_place_write(const struct discord_place *place);
char *inter_discord_file_write(snowflake channel, snowflake message, snowflake attachment, const char *url);
void inter_discord_follow(struct discord_places *places, snowflake channel);
const struct discord_channel *inter_discord_channel_find(const struct discord_places *places, snowflake id);
bool inter_discord_guild_off(const struct platform *bot, snowflake guild);
void inter_discord_remember(struct platform *bot, const char *name, const char *text,
			    discord_remembered_fn *fn, void *owner);
void inter_discord_notes_forget(struct platform *bot, void *owner);
void inter_discord_take_webhook(struct platform *bot, const json_t *event, discord_event_done_fn *done,
				void *owner);

/* ---- the rest of the room --------------------------------------------------------------------------------------- */

int64_t inter_clock_wall_ms(void)
{
	return INTER_NOW;
}

uint64_t inter_discord_ticket(struct platform *bot)
{
	return ++bot->last_ticket;
}

void inter_discord_settle(struct platform *bot)
{
	(void)bot;
	the_stage->settles++;
}

uint64_t inter_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			    uint64_t ticket)
{
	struct inter_call *made = &the_stage->calls[the_stage->call_count++];

	(void)bot;
	assert_true(the_stage->call_count < INTER_SEEN);
	*made = (struct inter_call){ .method = mem_text(call->method),
				     .path = mem_text(call->path),
				     .args = call->args,
				     .no_token = call->no_token,
				     .fn = fn,
				     .owner = owner,
				     .ticket = ticket };
	return the_stage->call_count;
}

void inter_discord_rest_cancel(struct platform *bot, uint64_t id)
{
	(void)bot;
	if (id)
		the_stage->calls[id - 1].cancelled = the_stage->calls[id - 1].done = true;
}

char *inter_discord_words(const struct platform *bot, const json_t *message)
{
	(void)bot;
	return mem_text(json_text(message, "content"));
}

char *inter_discord_place_write(const struct discord_place *place)
{
	struct inter_message *next = &the_stage->messages[the_stage->count];

	next->place = *place;
	free(next->token);
	next->token = mem_text(place->token);
	return mem_text("place");
}

char *inter_discord_file_write(snowflake channel, snowflake message, snowflake attachment, const char *url)
{
	return mem_format("%" PRIu64 "/%" PRIu64 "/%" PRIu64 " %s", channel, message, attachment, url);
}

void inter_discord_follow(struct discord_places *places, snowflake channel)
{
	(void)places;
	the_stage->followed = channel;
}

const struct discord_channel *inter_discord_channel_find(const struct discord_places *places, snowflake id)
{
	(void)places;
	return id == the_stage->channel.id ? &the_stage->channel : NULL;
}

bool inter_discord_guild_off(const struct platform *bot, snowflake guild)
{
	(void)bot;
	return guild == the_stage->off;
}

void inter_discord_remember(struct platform *bot, const char *name, const char *text,
			    discord_remembered_fn *fn, void *owner)
{
	(void)bot;
	assert_string_equal(name, "commands");
	free(the_stage->note);
	the_stage->note = mem_text(text);
	the_stage->notes++;
	the_stage->note_fn = fn;
	the_stage->note_owner = owner;
}

void inter_discord_notes_forget(struct platform *bot, void *owner)
{
	(void)bot;
	(void)owner;
	the_stage->note_fn = NULL;
}

void inter_discord_take_webhook(struct platform *bot, const json_t *event, discord_event_done_fn *done,
				void *owner)
{
	(void)bot;
	assert_true(the_stage->event_count < INTER_SEEN);
	the_stage->events[the_stage->event_count++] =
		(struct inter_event){ mem_text(json_text(event, "type")), done, owner };
}

/* ---- the core ------------------------------------------------------------------------------------------------------ */

static void incoming(struct platform_host *host, const struct incoming *in)
{
	struct inter_stage *stage = (struct inter_stage *)host;
	struct inter_message *note = &stage->messages[stage->count++];

	assert_true(stage->count < INTER_SEEN);
	note->kind = in->kind;
	note->receipt = in->receipt;
	note->flags = in->flags;
	note->sent_ms = in->sent_ms;
	note->delivery = mem_text(in->delivery_key);
	note->sender = mem_text(in->sender);
	note->sender_name = mem_text(in->sender_name);
	note->conversation = mem_text(in->conversation);
	note->text = mem_text(in->text);
	note->target = mem_text(in->target);
	note->reply_to = mem_text(in->reply_to);
	note->file_count = in->file_count;
	if (in->file_count) {
		note->file_url = mem_text(in->files[0].url);
		note->file_name = mem_text(in->files[0].name);
	}
	assert_true(in->kind != INCOMING_SAID || in->file_count || *in->text);
	assert_true(strlen(in->text ? in->text : "") <= MESSAGE_TEXT_MAX);
}

/* ---- opening and closing --------------------------------------------------------------------------------------------- */

struct inter_stage *inter_open(struct loop *loop)
{
	struct inter_stage *stage = mem_zero(1, sizeof(*stage));

	log_setup(LOG_ERROR + 1, false);
	the_stage = stage;
	stage->log = (struct log){ .name = "discord/acme" };
	stage->host = (struct platform_host){ .name = "acme",
					      .loop = loop ? loop : stage_loop_open(),
					      .log = &stage->log,
					      .incoming = incoming };
	stage->bot.host = &stage->host;
	stage->bot.config.name = "acme";
	stage->bot.config.commands = true;
	stage->bot.app_id = 70;
	stage->bot.interactions = discord_interactions_create(&stage->bot);
	return stage;
}

static void message_free(struct inter_message *note)
{
	free(note->delivery);
	free(note->sender);
	free(note->sender_name);
	free(note->conversation);
	free(note->text);
	free(note->target);
	free(note->reply_to);
	free(note->token);
	free(note->file_url);
	free(note->file_name);
}

void inter_close(struct inter_stage *stage)
{
	discord_interactions_destroy(stage->bot.interactions);
	assert_null(stage->bot.interactions);
	for (size_t i = 0; i < INTER_SEEN; i++) {
		message_free(&stage->messages[i]);
		free(stage->calls[i].method);
		free(stage->calls[i].path);
		json_decref(stage->calls[i].args);
		free(stage->events[i].type);
	}
	json_decref(stage->response);
	free(stage->note);
	free(stage);
	the_stage = NULL;
}

/* ---- interactions ------------------------------------------------------------------------------------------------------ */

static void told(struct platform *bot, void *owner, const json_t *response)
{
	struct inter_stage *stage = owner;

	assert_ptr_equal(bot, &stage->bot);
	stage->told++;
	json_decref(stage->response);
	stage->response = response ? json_deep_copy(response) : NULL;
}

static json_t *made(const char *what)
{
	char *text = mem_format("{%s}", what);
	json_t *json = quoted_json(text);

	free(text);
	return json;
}

void inter_gateway(struct inter_stage *stage, const char *what)
{
	json_t *json = made(what);

	stage->told = 0;
	discord_interact(&stage->bot, json, told, stage);
	json_decref(json);
}

bool inter_http(struct inter_stage *stage, const char *what)
{
	json_t *json = made(what);
	bool taken;

	stage->told = 0;
	taken = discord_interact_http(&stage->bot, json, told, stage);
	json_decref(json);
	return taken;
}

/* ---- what became of them ------------------------------------------------------------------------------------------------ */

const struct inter_message *inter_only(const struct inter_stage *stage, size_t before)
{
	assert_int_equal(stage->count, before + 1);
	return &stage->messages[before];
}

void inter_ack(struct inter_stage *stage, const struct inter_message *message, enum ack_how how,
	       enum message_state state)
{
	bool stored = how == ACK_STORED || how == ACK_BEFORE;

	assert_true(discord_interact_acked(&stage->bot, message->receipt,
					   &(struct ack){ .how = how,
							  .uuid = stored ? INTER_UUID : NULL,
							  .conversation_id = stored ? 5 : 0,
							  .state = state,
							  .why = "a reason" }));
}

size_t inter_waiting(const struct inter_stage *stage)
{
	size_t count = 0;

	for (size_t i = 0; i < stage->call_count; i++)
		count += !stage->calls[i].done;
	return count;
}

struct inter_call *inter_called(struct inter_stage *stage, const char *method, const char *path)
{
	assert_int_equal(inter_waiting(stage), 1);
	for (size_t i = 0; i < stage->call_count; i++) {
		if (stage->calls[i].done)
			continue;
		assert_string_equal(stage->calls[i].method, method);
		assert_string_equal(stage->calls[i].path, path);
		return &stage->calls[i];
	}
	return NULL;
}

void inter_answer(struct inter_stage *stage, struct inter_call *call, const struct discord_answer *answer)
{
	call->done = true;
	call->fn(&stage->bot, call->owner, call->ticket, answer);
}

int inter_type(const struct inter_stage *stage)
{
	assert_int_equal(stage->told, 1);
	return (int)json_int(stage->response, "type", 0);
}

const char *inter_words(const struct inter_stage *stage)
{
	return json_text(json_object_get(stage->response, "data"), "content");
}

bool inter_whispers(const json_t *response)
{
	return json_int(json_object_get(response, "data"), "flags", 0) == 64;
}

/* ---- set-up -------------------------------------------------------------------------------------------------------------- */

int inter_setup(void **state)
{
	*state = inter_open(NULL);
	return 0;
}

int inter_teardown(void **state)
{
	inter_close(*state);
	stage_loop_close();
	return 0;
}
