#include "stage_in.h"
#include "mem.h"
#include "quoted.h"
#include <stdio.h>

static struct in_stage *the_stage;

void __wrap_slack_ack_ok(struct slack *app, const struct slack_from *from, const char *payload);
void __wrap_slack_ack_later(struct slack *app, const struct slack_from *from, unsigned retry_ms);
void __wrap_slack_ack_bad(struct slack *app, const struct slack_from *from, const char *why);
void __wrap_slack_working_begin(struct platform *workspace, const char *uuid, const struct slack_place *place,
				const char *title);
void __wrap_slack_prompts(struct platform *workspace, const char *channel, const char *thread);
void __wrap_slack_stream_stopped(struct platform *workspace, const char *channel, const char *ts);
void __wrap_slack_removed(struct platform *workspace, const struct slack_from *from, const char *why);

/* ---- what the room hears ---------------------------------------------------------------------------------- */

void __wrap_slack_ack_ok(struct slack *app, const struct slack_from *from, const char *payload)
{
	(void)app;
	(void)payload;
	the_stage->oks++;
	the_stage->acked_id = from->id;
}

void __wrap_slack_ack_later(struct slack *app, const struct slack_from *from, unsigned retry_ms)
{
	(void)app;
	the_stage->laters++;
	the_stage->retry_ms = retry_ms;
	the_stage->acked_id = from->id;
}

void __wrap_slack_ack_bad(struct slack *app, const struct slack_from *from, const char *why)
{
	(void)app;
	assert_non_null(why);
	the_stage->bads++;
	the_stage->acked_id = from->id;
}

static void note(char *place, size_t size, const char *text)
{
	snprintf(place, size, "%s", text ? text : "");
}

void __wrap_slack_working_begin(struct platform *workspace, const char *uuid, const struct slack_place *place,
				const char *title)
{
	(void)workspace;
	assert_string_equal(uuid, OUT_UUID);
	assert_true(place->channel[0]);
	the_stage->works++;
	note(the_stage->work_title, sizeof(the_stage->work_title), title);
}

void __wrap_slack_prompts(struct platform *workspace, const char *channel, const char *thread)
{
	(void)workspace;
	assert_non_null(channel);
	the_stage->prompts++;
	note(the_stage->prompt_thread, sizeof(the_stage->prompt_thread), thread);
}

void __wrap_slack_stream_stopped(struct platform *workspace, const char *channel, const char *ts)
{
	(void)workspace;
	assert_non_null(channel);
	the_stage->stops++;
	note(the_stage->stopped_ts, sizeof(the_stage->stopped_ts), ts);
}

void __wrap_slack_removed(struct platform *workspace, const struct slack_from *from, const char *why)
{
	(void)workspace;
	assert_non_null(from);
	the_stage->removals++;
	note(the_stage->removed_why, sizeof(the_stage->removed_why), why);
}

/* ---- the core --------------------------------------------------------------------------------------------- */

static void incoming(struct platform_host *host, const struct incoming *in)
{
	struct in_message *message = &the_stage->messages[the_stage->count];

	(void)host;
	assert_true(the_stage->count++ < IN_SEEN);
	*message = (struct in_message){
		.kind = in->kind,
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
		.cursor = mem_text(in->cursor),
		.file_url = mem_text(in->file_count ? in->files[0].url : NULL),
		.file_name = mem_text(in->file_count ? in->files[0].name : NULL),
	};
	assert_non_null(in->delivery_key);
	assert_non_null(in->sender);
	assert_true((in->text && in->text[0]) || in->file_count || in->kind != INCOMING_SAID);
	assert_true(in->text == NULL || strlen(in->text) <= MESSAGE_TEXT_MAX);
	assert_true((in->cursor == NULL) == (in->cursor_scope == NULL));
}

static void context(struct platform_host *host, uint64_t ticket, const char *text)
{
	(void)host;
	assert_int_equal(ticket, 77);
	the_stage->contexts++;
	free(the_stage->context);
	the_stage->context = mem_text(text);
}

struct in_stage *in_open(void)
{
	struct in_stage *stage = mem_zero(1, sizeof(*stage));
	struct platform *workspace;

	the_stage = stage;
	stage->out = out_open();
	stage->workspace = workspace = &stage->out->workspace;
	stage->app = &stage->out->app;
	stage->out->host.incoming = incoming;
	stage->out->host.context = context;
	workspace->key = mem_text("T1");
	workspace->team_id = mem_text("T1");
	stage->app->config.catch_up_hours = 24;
	stage->app->config.catch_up_messages = 100;
	HASH_ADD_KEYPTR(hh, stage->app->workspaces, workspace->key, strlen(workspace->key), workspace);
	workspace->names = slack_names_create(workspace);
	workspace->catch_up = slack_catch_up_create(workspace);
	stage->app->inbound = slack_inbound_create(stage->app);
	return stage;
}

static void message_free(struct in_message *message)
{
	free(message->delivery);
	free(message->semantic);
	free(message->sender);
	free(message->sender_name);
	free(message->conversation);
	free(message->text);
	free(message->reply_to);
	free(message->target);
	free(message->scope);
	free(message->cursor);
	free(message->file_url);
	free(message->file_name);
}

void in_close(struct in_stage *stage)
{
	struct platform *workspace = stage->workspace;

	slack_catch_up_destroy(workspace->catch_up);
	slack_names_destroy(workspace->names);
	slack_inbound_destroy(stage->app->inbound);
	assert_null(stage->app->inbound);
	HASH_CLEAR(hh, stage->app->workspaces);
	free(workspace->key);
	free(workspace->team_id);
	free(workspace->enterprise_id);
	out_close(stage->out);
	for (size_t i = 0; i < stage->count; i++)
		message_free(&stage->messages[i]);
	free(stage->context);
	free(stage);
	the_stage = NULL;
}

/* ---- payloads --------------------------------------------------------------------------------------------- */

json_t *in_json(const char *text)
{
	return quoted_json(text);
}

uint64_t in_take(struct in_stage *stage, enum slack_payload kind, const char *json)
{
	static uint64_t last;

	slack_take(stage->app, &(struct slack_from){ .way = SLACK_FROM_HTTP, .id = ++last }, kind,
		   in_json(json));
	return last;
}

uint64_t in_event(struct in_stage *stage, const char *event_id, const char *event)
{
	char *json =
		mem_format("{'type':'event_callback','api_app_id':'A1','team_id':'T1','event_id':'%s',"
			   "'authorizations':[{'team_id':'T1','is_enterprise_install':false}],'event':%s}",
			   event_id, event);
	uint64_t id = in_take(stage, SLACK_EVENT, json);

	free(json);
	return id;
}

static struct out_call *asked_name(struct in_stage *stage)
{
	for (size_t i = 0; i < stage->out->call_count; i++) {
		struct out_call *call = &stage->out->calls[i];

		if (call->state == OUT_WAITS && (strcmp(call->method, "users.info") == 0 ||
						 strcmp(call->method, "conversations.info") == 0))
			return call;
	}
	return NULL;
}

void in_name(struct in_stage *stage)
{
	struct out_call *call;

	while ((call = asked_name(stage))) {
		bool user = strcmp(call->method, "users.info") == 0;
		const char *id = json_text(call->args, user ? "user" : "channel");
		char *json = user ? mem_format("{\"user\":{\"name\":\"x\",\"team_id\":\"T1\",\"profile\":"
					       "{\"display_name\":\"\",\"real_name\":\"Name of %s\"}}}",
					       id)
				  : mem_format("{\"channel\":{\"name\":\"name-of-%s\",\"is_im\":%s}}", id,
					       id[0] == 'D' ? "true" : "false");

		out_ok(stage->out, call, json);
		free(json);
	}
}

const struct in_message *in_only(const struct in_stage *stage, size_t before)
{
	assert_int_equal(stage->count, before + 1);
	return &stage->messages[before];
}

void in_ack(struct in_stage *stage, size_t index, enum ack_how how)
{
	slack_acked(stage->workspace, stage->messages[index].receipt,
		    &(struct ack){ .how = how,
				   .uuid = how == ACK_STORED ? OUT_UUID : NULL,
				   .conversation_id = how == ACK_STORED && !stage->newcomer ? 5 : 0,
				   .retry_ms = 1500,
				   .why = "why" });
}
