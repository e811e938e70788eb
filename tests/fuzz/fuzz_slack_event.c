/* rooms: base io markup slack */
#include "decode.h"
#include "json_edits.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENT(event)                                                                                         \
	"{'type':'event_callback','api_app_id':'A1','team_id':'T1','event_id':'Ev1','authorizations':[{"     \
	"'enterprise_id':null,'team_id':'T1','user_id':'UBOT','is_enterprise_install':false}],'event':"      \
	"{" event "}}"
#define SAID                                                                                                 \
	"'channel':'C1','channel_type':'channel','user':'U1','team':'T1','text':'hello "                     \
	"<@U1>','ts':'1799999999.000100'"

static const char *const samples[] = {
	EVENT("'type':'message'," SAID),
	EVENT("'type':'message'," SAID ",'thread_ts':'1799999990.000100','client_msg_id':'c1'"),
	EVENT("'type':'app_mention'," SAID),
	EVENT("'type':'message','subtype':'file_share'," SAID
	      ",'files':[{'id':'F1','name':'a.pdf','mimetype':"
	      "'application/pdf','size':9,'url_private_download':'https://files.slack.com/x'}]"),
	EVENT("'type':'message','subtype':'message_changed','channel':'C1','channel_type':'channel','ts':"
	      "'1799999999.000200','message':{" SAID ",'edited':{'user':'U1','ts':'1799999999.000200'}},"
	      "'previous_message':{" SAID "}"),
	EVENT("'type':'message','subtype':'message_deleted','channel':'C1','channel_type':'channel','ts':"
	      "'1799999999.000200','deleted_ts':'1799999999.000100','previous_message':{" SAID "}"),
	EVENT("'type':'message','subtype':'bot_message','bot_id':'B1'," SAID),
	EVENT("'type':'tokens_revoked','tokens':{'bot':['UBOT']}"),
	EVENT("'type':'member_joined_channel','channel':'C1','user':'UBOT','team':'T1'"),
	EVENT("'type':'assistant_thread_started','assistant_thread':{'user_id':'U1','channel_id':'D1',"
	      "'thread_ts':'1799999999.000100'}"),
	"{'command':'/usher','text':'help','api_app_id':'A1','team_id':'T1','user_id':'U1','user_name':'ann',"
	"'channel_id':'C1','response_url':'https://hooks.slack.com/commands/1','trigger_id':'1.2.x'}",
	"{'type':'block_actions','api_app_id':'A1','team':{'id':'T1'},'user':{'id':'U1','team_id':'T1'},"
	"'channel':{'id':'C1'},'container':{'message_ts':'1799999999.000100','channel_id':'C1'},'actions':[{"
	"'action_id':'usher_feedback','action_ts':'1799999999.000100','value':"
	"'up:0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee'}]}",
	"{'type':'message_action','callback_id':'usher_ask','api_app_id':'A1','team':{'id':'T1'},'user':{'id'"
	":"
	"'U1'},'channel':{'id':'C1'},'message':{" SAID "},'message_ts':'1799999999.000100','action_ts':"
	"'1799999999.000200','response_url':'https://hooks.slack.com/app/1','trigger_id':'1.2.x'}",
};

static const char *const vocabulary[] = {
	"action_id",
	"action_ts",
	"actions",
	"agent_session_stopped",
	"api_app_id",
	"app_home_opened",
	"app_id",
	"app_mention",
	"app_rate_limited",
	"app_uninstalled",
	"assistant_thread",
	"assistant_thread_started",
	"authorizations",
	"block_actions",
	"bot",
	"bot_id",
	"bot_message",
	"bot_profile",
	"callback_id",
	"channel",
	"channel_id",
	"channel_type",
	"client_msg_id",
	"container",
	"context_enterprise_id",
	"context_team_id",
	"deleted_ts",
	"down",
	"edited",
	"enterprise",
	"enterprise_id",
	"event",
	"event_callback",
	"event_id",
	"event_time",
	"event_ts",
	"file_share",
	"id",
	"im",
	"is_enterprise_install",
	"is_ext_shared_channel",
	"me_message",
	"member_joined_channel",
	"message",
	"message_action",
	"message_changed",
	"message_deleted",
	"message_ts",
	"messages",
	"name",
	"previous_message",
	"response_url",
	"streaming_message_ts",
	"subtype",
	"tab",
	"team",
	"team_id",
	"text",
	"thread_broadcast",
	"thread_ts",
	"tokens",
	"tokens_revoked",
	"tombstone",
	"trigger_id",
	"true",
	"ts",
	"type",
	"up",
	"user",
	"user_id",
	"user_name",
	"user_team",
	"username",
	"usher_feedback",
	"value",
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_id(const char *id)
{
	check(id == NULL || (*id && strlen(id) <= SLACK_ID_MAX));
}

/* What the next rooms rely on without looking again. */
static void check_decoded(const struct slack_decoded *say)
{
	check_id(say->enterprise);
	check_id(say->team);
	check_id(say->app);
	check_id(say->event_id);
	check_id(say->user);
	check_id(say->user_team);
	check_id(say->channel);
	check_id(say->bot_id);
	check_id(say->client_id);
	check(say->ts == NULL || slack_ts_check(say->ts));
	check(say->thread == NULL || slack_ts_check(say->thread));
	check(say->kind < SLACK_IS_MALFORMED + 1 ? say->because != NULL : true);
	if (say->kind >= SLACK_IS_SAID && say->kind <= SLACK_IS_DELETED)
		check(say->channel && say->ts && (say->user || say->bot_id));
	if (say->kind >= SLACK_IS_COMMAND && say->kind <= SLACK_IS_STOPPED)
		check(say->channel && say->user);
	if (say->kind == SLACK_IS_EDITED)
		check(say->edit_ts != NULL);
	if (say->kind == SLACK_IS_RATED)
		check(say->target && say->text && strlen(say->target) == 36);
	if (say->kind == SLACK_IS_COMMAND)
		check(say->text && say->response_url && say->action_ts);
}

static void check_words(const json_t *message)
{
	char *mrkdwn = slack_message_mrkdwn(message), *rest = slack_without_mention(mrkdwn, "U1");
	const json_t *file;
	size_t i;

	check(text_valid(mrkdwn, strlen(mrkdwn)) || json_text(message, "text"));
	check(strlen(rest) <= strlen(mrkdwn));
	slack_message_mentions(message, "U1");
	json_array_foreach (json_object_get(message, "files"), i, file) {
		char *url = slack_file_url(file);
		struct slack_file_ref ref;

		check(url == NULL || (strlen(url) <= MESSAGE_REPLY_TO_MAX && slack_file_ref_read(url, &ref)));
		free(url);
	}
	free(rest);
	free(mrkdwn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum slack_payload types[] = { SLACK_EVENT, SLACK_COMMAND, SLACK_INTERACTIVE };
	struct edits edits = { samples,
			       vocabulary,
			       sizeof(samples) / sizeof(*samples),
			       sizeof(vocabulary) / sizeof(*vocabulary),
			       data,
			       data + size };
	char *edited = json_edits(&edits);
	char *text = edited ? edited : mem_text_n((const char *)data, size);
	json_t *payload = json_read(text, edited ? strlen(edited) : size, NULL);
	struct slack_decoded say;
	struct slack_place place;
	struct slack_file_ref ref;

	for (size_t i = 0; payload && i < 3; i++) {
		slack_decode(types[i], payload, &say);
		check_decoded(&say);
		if (say.message)
			check_words(say.message);
	}
	slack_decode_listed("C1", false, payload, &say);
	check_decoded(&say);
	if (payload)
		check_words(payload);
	slack_file_ref_read(text, &ref);
	slack_ts_ms(text);
	if (slack_place_read(text, &place)) {
		char *again = slack_place_write(&place);

		check(again != NULL);
		free(again);
	}
	slack_place_finish(&place);
	json_decref(payload);
	free(text);
	return 0;
}
