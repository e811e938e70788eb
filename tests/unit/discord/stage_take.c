#include "stage_take.h"
#include "mem.h"
#include "places.h"
#include "stage_loop.h"
#include <inttypes.h>
#include <stdio.h>

static struct take_stage *the_stage;

int64_t take_clock_wall_ms(void);
uint64_t take_discord_ticket(struct platform *bot);
void take_discord_settle(struct platform *bot);
void take_discord_taken(struct platform *bot, const struct discord_event *event, unsigned again_ms);
snowflake take_discord_gateway_seen(const struct discord_gateway *gateway, unsigned shard);
uint64_t take_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			   uint64_t ticket);
void take_discord_rest_cancel(struct platform *bot, uint64_t id);
void take_discord_interact(struct platform *bot, const json_t *interaction, discord_told_fn *told,
			   void *owner);
void take_discord_interact_forget(struct platform *bot, void *owner);
bool take_discord_interact_acked(struct platform *bot, uint64_t receipt, const struct ack *ack);
void take_discord_catch_up_begin(struct platform *bot, unsigned shard, unsigned shards, snowflake seen);
void take_discord_catch_up_offer(struct platform *bot, unsigned shard, const struct discord_channel *channel,
				 snowflake since);
bool take_discord_catch_up_holds(const struct platform *bot, snowflake channel);
void take_discord_catch_up_cursor(struct platform *bot, const char *scope, const char *position);
void take_discord_sends_seen(struct platform *bot, const char *nonce, snowflake channel, snowflake message);
void take_discord_working_begin(struct platform *bot, const char *uuid, const struct discord_place *place);
char *take_discord_place_write(const struct discord_place *place);
char *take_discord_file_write(snowflake channel, snowflake message, snowflake attachment, const char *url);

/* ---- the rest of the room ------------------------------------------------------------------------------------ */

int64_t take_clock_wall_ms(void)
{
	return TAKE_NOW;
}

uint64_t take_discord_ticket(struct platform *bot)
{
	return ++bot->last_ticket;
}

void take_discord_settle(struct platform *bot)
{
	(void)bot;
	the_stage->settles++;
}

void take_discord_taken(struct platform *bot, const struct discord_event *event, unsigned again_ms)
{
	(void)bot;
	assert_in_range(event->seq, 0, TAKE_SEEN - 1);
	the_stage->told[event->seq]++;
	the_stage->again_ms[event->seq] = again_ms;
}

snowflake take_discord_gateway_seen(const struct discord_gateway *gateway, unsigned shard)
{
	(void)gateway;
	return 4000 + shard;
}

uint64_t take_discord_rest(struct platform *bot, struct discord_call *call, discord_rest_fn *fn, void *owner,
			   uint64_t ticket)
{
	struct take_call *made = &the_stage->calls[the_stage->call_count++];

	(void)bot;
	assert_true(the_stage->call_count < TAKE_SEEN);
	assert_string_equal(call->method, "GET");
	*made = (struct take_call){
		.path = mem_text(call->path), .fn = fn, .owner = owner, .ticket = ticket
	};
	return the_stage->call_count;
}

void take_discord_rest_cancel(struct platform *bot, uint64_t id)
{
	(void)bot;
	the_stage->calls[id - 1].cancelled = true;
}

void take_answer(struct take_stage *stage, const struct discord_answer *answer)
{
	size_t i = 0;

	while (stage->calls[i].done)
		i++;
	assert_true(i < stage->call_count);
	stage->calls[i].done = true;
	stage->calls[i].fn(&stage->bot, stage->calls[i].owner, stage->calls[i].ticket, answer);
}

void take_discord_interact(struct platform *bot, const json_t *interaction, discord_told_fn *told,
			   void *owner)
{
	(void)bot;
	assert_true(json_is_object(interaction));
	the_stage->interactions++;
	the_stage->interaction_told = told;
	the_stage->interaction_owner = owner;
}

void take_discord_interact_forget(struct platform *bot, void *owner)
{
	(void)bot;
	assert_ptr_equal(owner, the_stage->interaction_owner);
	the_stage->forgotten++;
}

bool take_discord_interact_acked(struct platform *bot, uint64_t receipt, const struct ack *ack)
{
	(void)bot;
	(void)ack;
	return receipt == 99999;
}

void take_discord_catch_up_begin(struct platform *bot, unsigned shard, unsigned shards, snowflake seen)
{
	(void)bot;
	the_stage->begins++;
	the_stage->begin_shard = shard;
	the_stage->begin_shards = shards;
	the_stage->begin_seen = seen;
}

void take_discord_catch_up_offer(struct platform *bot, unsigned shard, const struct discord_channel *channel,
				 snowflake since)
{
	(void)bot;
	(void)shard;
	the_stage->offered_since = since;
	the_stage->offered[the_stage->offers++ % TAKE_SEEN] = channel->id;
}

bool take_discord_catch_up_holds(const struct platform *bot, snowflake channel)
{
	(void)bot;
	return the_stage->held && channel == the_stage->held;
}

void take_discord_catch_up_cursor(struct platform *bot, const char *scope, const char *position)
{
	(void)bot;
	snprintf(the_stage->cursor, sizeof(the_stage->cursor), "%s=%s", scope, position);
}

void take_discord_sends_seen(struct platform *bot, const char *nonce, snowflake channel, snowflake message)
{
	(void)bot;
	assert_true(channel != 0);
	snprintf(the_stage->nonce, sizeof(the_stage->nonce), "%s", nonce);
	the_stage->nonce_message = message;
}

void take_discord_working_begin(struct platform *bot, const char *uuid, const struct discord_place *place)
{
	(void)bot;
	assert_string_equal(uuid, TAKE_UUID);
	assert_true(place->channel != 0);
	the_stage->works++;
}

char *take_discord_place_write(const struct discord_place *place)
{
	the_stage->place = *place;
	return mem_format("place %" PRIu64 "/%" PRIu64, place->channel, place->message);
}

char *take_discord_file_write(snowflake channel, snowflake message, snowflake attachment, const char *url)
{
	return mem_format("%" PRIu64 "/%" PRIu64 "/%" PRIu64 " %s", channel, message, attachment, url);
}

/* ---- the core ---------------------------------------------------------------------------------------------------- */

static void note_files(struct take_note *note, const struct incoming *in)
{
	for (size_t i = 0; i < in->file_count; i++) {
		note->file_url[i] = mem_text(in->files[i].url);
		note->file_name[i] = mem_text(in->files[i].name);
		note->file_mime[i] = mem_text(in->files[i].mime);
	}
}

static void incoming(struct platform_host *host, const struct incoming *in)
{
	struct take_stage *stage = (struct take_stage *)host;
	struct take_note *note = &stage->notes[stage->count++];

	assert_true(stage->count < TAKE_SEEN);
	*note = (struct take_note){ .kind = in->kind,
				    .receipt = in->receipt,
				    .flags = in->flags,
				    .sent_ms = in->sent_ms,
				    .file_count = in->file_count,
				    .delivery = mem_text(in->delivery_key),
				    .semantic = mem_text(in->semantic_key),
				    .sender = mem_text(in->sender),
				    .sender_name = mem_text(in->sender_name),
				    .conversation = mem_text(in->conversation),
				    .text = mem_text(in->text),
				    .reply_to = mem_text(in->reply_to),
				    .target = mem_text(in->target),
				    .scope = mem_text(in->cursor_scope),
				    .cursor = mem_text(in->cursor) };
	note_files(note, in);
	assert_non_null(in->delivery_key);
	assert_non_null(in->sender);
	assert_true((in->cursor == NULL) == (in->cursor_scope == NULL));
	assert_true(in->kind != INCOMING_SAID || in->file_count || (in->text && *in->text));
	assert_true(in->kind == INCOMING_SAID || in->target);
}

static void install(struct platform_host *host, const struct install *install, uint64_t ticket)
{
	struct take_stage *stage = (struct take_stage *)host;

	assert_null(install->secrets);
	stage->installs++;
	stage->install_ticket = ticket;
	snprintf(stage->install_key, sizeof(stage->install_key), "%s", install->key);
	snprintf(stage->install_title, sizeof(stage->install_title), "%s", install->title);
	snprintf(stage->install_settings, sizeof(stage->install_settings), "%s", install->settings);
}

static void removed(struct platform_host *host, const char *key, const char *why)
{
	struct take_stage *stage = (struct take_stage *)host;

	assert_non_null(why);
	stage->removals++;
	snprintf(stage->removed_key, sizeof(stage->removed_key), "%s", key);
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

static void learn_places(struct platform *bot)
{
	char key[SNOWFLAKE_SIZE];

	discord_known(bot, &(struct install){ .key = snowflake_text(TAKE_GUILD, key), .enabled = true });
	discord_channel_learn(bot->places,
			      &(struct discord_channel){ .id = TAKE_TEXT, .guild = TAKE_GUILD, .type = 0 });
	discord_channel_learn(bot->places, &(struct discord_channel){ .id = TAKE_THREAD,
								      .guild = TAKE_GUILD,
								      .parent = TAKE_TEXT,
								      .type = 11 });
}

struct take_stage *take_open(void)
{
	struct take_stage *stage = mem_zero(1, sizeof(*stage));
	struct platform *bot = &stage->bot;

	the_stage = stage;
	stage->host = (struct platform_host){ .name = "bot",
					      .loop = stage_loop_open(),
					      .log = &stage->log,
					      .incoming = incoming,
					      .install = install,
					      .removed = removed };
	bot->host = &stage->host;
	bot->user_id = TAKE_US;
	bot->app_id = TAKE_APP;
	bot->username = mem_text("usher");
	bot->config.name = "bot";
	bot->config.message_content = true;
	bot->places = discord_places_create(bot);
	bot->inbound = discord_inbound_create(bot);
	learn_places(bot);
	return stage;
}

static void note_free(struct take_note *note)
{
	char *const texts[] = { note->delivery,	    note->semantic, note->sender,   note->sender_name,
				note->conversation, note->text,	    note->reply_to, note->target,
				note->scope,	    note->cursor };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	for (size_t i = 0; i < note->file_count; i++) {
		free(note->file_url[i]);
		free(note->file_name[i]);
		free(note->file_mime[i]);
	}
}

void take_close(struct take_stage *stage)
{
	discord_inbound_destroy(stage->bot.inbound);
	assert_null(stage->bot.inbound);
	discord_places_destroy(stage->bot.places);
	stage_loop_close();
	for (size_t i = 0; i < stage->count; i++)
		note_free(&stage->notes[i]);
	for (size_t i = 0; i < stage->call_count; i++)
		free(stage->calls[i].path);
	free(stage->bot.username);
	free(stage);
	the_stage = NULL;
}

/* ---- events ---------------------------------------------------------------------------------------------------------- */

snowflake take_id(unsigned number)
{
	return snowflake_at(TAKE_NOW) + number;
}

void take_event(struct take_stage *stage, unsigned number, const char *name, const char *d)
{
	const struct discord_event event = { .shard = 0, .number = 1, .seq = number };
	json_t *object = quoted_json(d);

	assert_in_range(number, 0, TAKE_SEEN - 1);
	assert_true(discord_wants(name));
	discord_take(&stage->bot, &event, name, object);
	json_decref(object);
}

char *take_message(unsigned number, snowflake guild, snowflake channel, const char *text, const char *more)
{
	char *of_guild = guild ? mem_format(",'guild_id':'%" PRIu64 "'", guild) : mem_text("");
	bool author = strncmp(more, ",'author':", 10) == 0, type = strncmp(more, ",'type':", 8) == 0;
	char *d = mem_format("{'id':'%" PRIu64 "','channel_id':'%" PRIu64 "'%s%s%s,'content':'%s'%s}",
			     take_id(number), channel, of_guild,
			     author ? "" : ",'author':{'id':'5','username':'ann','global_name':'Ann'}",
			     type ? "" : ",'type':0", text, more);

	free(of_guild);
	return d;
}

static void take_made(struct take_stage *stage, unsigned number, char *d)
{
	take_event(stage, number, "MESSAGE_CREATE", d);
	free(d);
}

void take_direct(struct take_stage *stage, unsigned number, const char *text, const char *more)
{
	take_made(stage, number, take_message(number, 0, TAKE_DM, text, more));
}

void take_in(struct take_stage *stage, unsigned number, snowflake channel, const char *text, const char *more)
{
	take_made(stage, number, take_message(number, TAKE_GUILD, channel, text, more));
}

static void caught(struct platform *bot, void *owner, const struct ack *ack)
{
	struct take_stage *stage = owner;

	assert_ptr_equal(bot, &stage->bot);
	stage->caught++;
	stage->caught_ack = ack != NULL;
	if (ack)
		stage->caught_how = ack->how;
}

void take_caught(struct take_stage *stage, unsigned number, snowflake channel, const char *text,
		 const char *more)
{
	char *d = take_message(number, 0, channel, text, more);
	json_t *message = quoted_json(d);

	discord_take_caught(&stage->bot, TAKE_GUILD, message, caught, stage);
	json_decref(message);
	free(d);
}

/* ---- what became of them --------------------------------------------------------------------------------------------- */

const struct take_note *take_only(const struct take_stage *stage, size_t before)
{
	assert_int_equal(stage->count, before + 1);
	return &stage->notes[before];
}

void take_ack(struct take_stage *stage, size_t index, enum ack_how how)
{
	assert_in_range(index, 0, stage->count - 1);
	discord_acked(&stage->bot, stage->notes[index].receipt,
		      &(struct ack){ .how = how,
				     .uuid = how == ACK_STORED || how == ACK_BEFORE ? TAKE_UUID : NULL,
				     .conversation_id = how == ACK_STORED ? 5 : 0,
				     .retry_ms = how == ACK_BUSY ? 1500 : 0,
				     .why = "why" });
}

void take_was(const struct take_stage *stage, unsigned number)
{
	assert_int_equal(stage->told[number], 1);
	assert_int_equal(stage->again_ms[number], 0);
}

void take_later(const struct take_stage *stage, unsigned number)
{
	assert_int_equal(stage->told[number], 1);
	assert_true(stage->again_ms[number] > 0);
}

void take_waits(const struct take_stage *stage, unsigned number)
{
	assert_int_equal(stage->told[number], 0);
}

void take_dropped(const struct take_stage *stage, size_t before, unsigned number)
{
	assert_int_equal(stage->count, before);
	take_was(stage, number);
}

void take_again(struct take_stage *stage, unsigned number)
{
	stage->told[number] = 0;
}
