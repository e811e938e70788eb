#include "stage_in.h"
#include "mem.h"
#include "quoted.h"
#include "stage_loop.h"
#include <inttypes.h>
#include <stdio.h>

static struct in_stage *the_stage;

int64_t in_clock_wall_ms(void);
uint64_t in_telegram_api(struct platform *bot, struct telegram_call *call, telegram_api_fn *fn, void *owner,
			 uint64_t ticket);
uint64_t in_telegram_ticket(struct platform *bot);
void in_telegram_settle(struct platform *bot);
void in_telegram_working_begin(struct platform *bot, const char *uuid, const struct telegram_place *place);

/* ---- clock -------------------------------------------------------------------------------------------------- */

int64_t in_clock_wall_ms(void)
{
	return IN_NOW + (int64_t)stage_loop_now();
}

void in_pass(struct in_stage *stage, uint64_t ms)
{
	(void)stage;
	stage_loop_pass(ms);
}

/* ---- the rest of the room ---------------------------------------------------------------------------------- */

uint64_t in_telegram_ticket(struct platform *bot)
{
	return ++bot->last_ticket;
}

void in_telegram_settle(struct platform *bot)
{
	(void)bot;
	the_stage->settles++;
}

void in_telegram_working_begin(struct platform *bot, const char *uuid, const struct telegram_place *place)
{
	(void)bot;
	assert_string_equal(uuid, IN_UUID);
	the_stage->works++;
	the_stage->work_place = *place;
}

uint64_t in_telegram_api(struct platform *bot, struct telegram_call *call, telegram_api_fn *fn, void *owner,
			 uint64_t ticket)
{
	struct in_call *made = &the_stage->calls[the_stage->call_count++];

	(void)bot;
	assert_true(the_stage->call_count < IN_SEEN);
	*made = (struct in_call){ .method = mem_text(call->method),
				  .args = call->args,
				  .fn = fn,
				  .owner = owner,
				  .ticket = ticket };
	return the_stage->call_count;
}

struct in_call *in_called(struct in_stage *stage, const char *method)
{
	for (size_t i = 0; i < stage->call_count; i++) {
		if (stage->calls[i].done)
			continue;
		assert_string_equal(stage->calls[i].method, method);
		return &stage->calls[i];
	}
	fail_msg("%s was not called", method);
	return NULL;
}

void in_answer(struct in_stage *stage, struct in_call *call, const struct telegram_answer *answer)
{
	call->done = true;
	call->fn(&stage->bot, call->owner, call->ticket, answer);
}

/* ---- the core ------------------------------------------------------------------------------------------------ */

static void note_files(struct in_message *note, const struct incoming *in)
{
	for (size_t i = 0; i < in->file_count; i++) {
		note->file_url[i] = mem_text(in->files[i].url);
		note->file_name[i] = mem_text(in->files[i].name);
		note->file_mime[i] = mem_text(in->files[i].mime);
		note->file_size = in->files[i].size;
	}
}

static void incoming(struct platform_host *host, const struct incoming *in)
{
	struct in_stage *stage = (struct in_stage *)host;
	struct in_message *note = &stage->messages[stage->count++];

	assert_true(stage->count < IN_SEEN);
	*note = (struct in_message){ .kind = in->kind,
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
				     .cursor = mem_text(in->cursor) };
	note_files(note, in);
	assert_non_null(in->delivery_key);
	assert_non_null(in->sender);
	assert_true((in->cursor == NULL) == (in->cursor_scope == NULL));
	assert_true(in->cursor == NULL || strcmp(in->cursor_scope, "updates") == 0 ||
		    strncmp(in->cursor_scope, TELEGRAM_ALBUM_CURSOR, strlen(TELEGRAM_ALBUM_CURSOR)) == 0);
	assert_true(in->kind != INCOMING_SAID || in->file_count || (in->text && *in->text));
}

static void install(struct platform_host *host, const struct install *install, uint64_t ticket)
{
	struct in_stage *stage = (struct in_stage *)host;

	assert_null(install->secrets);
	stage->installs++;
	stage->install_ticket = ticket;
	snprintf(stage->install_key, sizeof(stage->install_key), "%s", install->key);
	snprintf(stage->install_title, sizeof(stage->install_title), "%s", install->title);
	snprintf(stage->install_settings, sizeof(stage->install_settings), "%s", install->settings);
}

static void removed(struct platform_host *host, const char *key, const char *why)
{
	struct in_stage *stage = (struct in_stage *)host;

	assert_non_null(why);
	stage->removals++;
	snprintf(stage->removed_key, sizeof(stage->removed_key), "%s", key);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct in_stage *in_open(void)
{
	struct in_stage *stage = mem_zero(1, sizeof(*stage));
	struct platform *bot = &stage->bot;

	the_stage = stage;
	stage->host = (struct platform_host){ .name = "bot",
					      .loop = stage_loop_open(),
					      .log = &stage->log,
					      .incoming = incoming,
					      .install = install,
					      .removed = removed };
	bot->host = &stage->host;
	bot->bot_id = IN_BOT;
	bot->username = mem_text("UsherBot");
	bot->config.name = "bot";
	bot->config.old_minutes = 10;
	bot->config.bot_token = "777:secret";
	bot->presses = telegram_presses_create(bot);
	bot->inbound = telegram_inbound_create(bot);
	return stage;
}

static void message_free(struct in_message *note)
{
	free(note->delivery);
	free(note->semantic);
	free(note->sender);
	free(note->sender_name);
	free(note->conversation);
	free(note->text);
	free(note->reply_to);
	free(note->target);
	free(note->cursor);
	for (size_t i = 0; i < note->file_count; i++) {
		free(note->file_url[i]);
		free(note->file_name[i]);
		free(note->file_mime[i]);
	}
}

void in_close(struct in_stage *stage)
{
	telegram_presses_destroy(stage->bot.presses);
	telegram_inbound_destroy(stage->bot.inbound);
	assert_null(stage->bot.inbound);
	stage_loop_close();
	for (size_t i = 0; i < stage->count; i++)
		message_free(&stage->messages[i]);
	for (size_t i = 0; i < stage->call_count; i++) {
		free(stage->calls[i].method);
		json_decref(stage->calls[i].args);
	}
	free(stage->bot.username);
	free(stage);
	the_stage = NULL;
}

/* ---- updates ----------------------------------------------------------------------------------------------------- */

json_t *in_json(const char *text)
{
	return quoted_json(text);
}

static void taken(struct platform *bot, void *owner, uint64_t ticket, enum telegram_taken how,
		  unsigned retry_ms)
{
	struct in_stage *stage = owner;

	assert_ptr_equal(bot, &stage->bot);
	stage->told[ticket]++;
	stage->how[ticket] = how;
	stage->retry_ms[ticket] = retry_ms;
}

void in_take(struct in_stage *stage, unsigned number, const char *what)
{
	char *text = mem_format("{'update_id':%u%s%s}", number, *what ? "," : "", what);
	json_t *update = in_json(text);
	unsigned before = stage->told[number];

	assert_in_range(number, 1, IN_SEEN - 1);
	telegram_take(&stage->bot, update, taken, stage, number);
	assert_int_equal(stage->told[number], before); /* never inside the call */
	json_decref(update);
	free(text);
}

static void take_text(struct in_stage *stage, unsigned number, const char *chat, const char *text,
		      const char *more)
{
	char *what = mem_format("'message':{'message_id':%u,'date':%" PRId64 ",'chat':%s,'from':{'id':5,"
				"'is_bot':false,'first_name':'Ann','last_name':'Lee'},'text':'%s'%s}",
				1000 + number, IN_NOW / 1000, chat, text, more);

	in_take(stage, number, what);
	free(what);
}

void in_private(struct in_stage *stage, unsigned number, const char *text, const char *more)
{
	take_text(stage, number, "{'id':5,'type':'private'}", text, more);
}

void in_group(struct in_stage *stage, unsigned number, const char *text, const char *more)
{
	take_text(stage, number, "{'id':-100,'type':'supergroup','title':'Team'}", text, more);
}

/* ---- what became of them ------------------------------------------------------------------------------------------- */

const struct in_message *in_only(const struct in_stage *stage, size_t before)
{
	assert_int_equal(stage->count, before + 1);
	return &stage->messages[before];
}

void in_ack(struct in_stage *stage, size_t index, enum ack_how how)
{
	assert_in_range(index, 0, stage->count - 1);
	telegram_acked(&stage->bot, stage->messages[index].receipt,
		       &(struct ack){ .how = how,
				      .uuid = how == ACK_STORED || how == ACK_BEFORE ? IN_UUID : NULL,
				      .conversation_id = how == ACK_STORED ? 5 : 0,
				      .retry_ms = how == ACK_BUSY ? 1500 : 0,
				      .why = "why" });
	in_pass(stage, 0);
}

void in_was(const struct in_stage *stage, unsigned number, enum telegram_taken how)
{
	assert_int_equal(stage->told[number], 1);
	assert_int_equal(stage->how[number], how);
	assert_true(how == TELEGRAM_TAKEN || stage->retry_ms[number] > 0);
}

void in_waits(const struct in_stage *stage, unsigned number)
{
	assert_int_equal(stage->told[number], 0);
}

void in_dropped(struct in_stage *stage, size_t before, unsigned number)
{
	in_pass(stage, 0);
	assert_int_equal(stage->count, before);
	in_was(stage, number, TELEGRAM_TAKEN);
}
