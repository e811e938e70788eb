/* Messages, their edits and deletions out of message and app_mention events (sheet 7). */
#include "decode.h"
#include <string.h>

static void malformed(struct slack_decoded *out, const char *because)
{
	out->kind = SLACK_IS_MALFORMED;
	out->because = because;
}

static void nothing(struct slack_decoded *out, const char *because)
{
	out->kind = SLACK_IS_NOTHING;
	out->because = because;
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* What a person, or a bot, says. Everything else that looks like a message is Slack's own (sheet 7.2). */
static bool said_by_somebody(const char *subtype)
{
	static const char *const allowed[] = { "file_share", "thread_broadcast", "me_message", "bot_message",
					       NULL };

	return subtype == NULL || is_one_of(subtype, allowed);
}

/* Users that are Slack itself (sheet 1). */
static bool is_system(const char *user)
{
	static const char *const systems[] = { "USLACK", "USLACKBOT", "UREVOKEDU", NULL };

	return user && is_one_of(user, systems);
}

/* Who wrote it, where in a thread, which client. */
static void take_author(const json_t *message, struct slack_decoded *out)
{
	const json_t *profile = json_object_get(message, "bot_profile");
	const char *subtype = json_text(message, "subtype");

	out->message = message;
	out->user = slack_id(message, "user");
	out->user_team = slack_id(message, "user_team");
	if (out->user_team == NULL)
		out->user_team = slack_id(message, "team");
	out->bot_id = slack_id(message, "bot_id");
	out->by_app = slack_id(message, "app_id");
	if (out->by_app == NULL)
		out->by_app = slack_id(profile, "app_id");
	out->user_name = json_text(message, "username");
	if (out->user_name == NULL)
		out->user_name = json_text(profile, "name");
	out->bot = out->bot_id || (subtype && strcmp(subtype, "bot_message") == 0);
	out->thread = slack_ts(message, "thread_ts");
	out->client_id = slack_id(message, "client_msg_id");
}

static void check_author(struct slack_decoded *out)
{
	if (out->ts == NULL)
		malformed(out, "a message without its ts");
	else if (out->user == NULL && out->bot_id == NULL)
		malformed(out, "a message without an author");
	else if (is_system(out->user))
		nothing(out, "written by Slack itself");
}

static void decode_changed(const json_t *event, struct slack_decoded *out);

static void decode_deleted(const json_t *event, struct slack_decoded *out)
{
	const json_t *before = json_object_get(event, "previous_message");

	out->kind = SLACK_IS_DELETED;
	take_author(before, out);
	out->ts = slack_ts(event, "deleted_ts");
	if (out->ts == NULL)
		out->ts = slack_ts(before, "ts");
	check_author(out);
}

/* A root that has replies is not deleted but replaced by a tombstone. */
static void decode_tombstone(const json_t *event, struct slack_decoded *out)
{
	out->kind = SLACK_IS_DELETED;
	take_author(json_object_get(event, "previous_message"), out);
	out->ts = slack_ts(json_object_get(event, "message"), "ts");
	check_author(out);
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Also comes for unfurled links and for our own chat.update: an edit is other words and another time (sheet 7.5). */
static void decode_changed(const json_t *event, struct slack_decoded *out)
{
	const json_t *now = json_object_get(event, "message");
	const json_t *before = json_object_get(event, "previous_message");
	const json_t *edited = json_object_get(now, "edited");
	const char *subtype = json_text(now, "subtype");
	const char *edited_before = slack_ts(json_object_get(before, "edited"), "ts");

	if (subtype && strcmp(subtype, "tombstone") == 0) {
		decode_tombstone(event, out);
		return;
	}
	out->kind = SLACK_IS_EDITED;
	take_author(now, out);
	out->ts = slack_ts(now, "ts");
	out->edit_ts = slack_ts(edited, "ts");
	check_author(out);
	if (out->kind != SLACK_IS_EDITED)
		return;
	if (!said_by_somebody(subtype))
		nothing(out, "a change of what nobody said");
	else if (out->edit_ts == NULL || (edited_before && strcmp(edited_before, out->edit_ts) == 0))
		nothing(out, "changed, but not by its author");
	else if (before && same_text(json_text(now, "text"), json_text(before, "text")))
		nothing(out, "changed, but not its words");
}

void slack_decode_message(const json_t *event, bool mention, struct slack_decoded *out)
{
	const char *subtype = json_text(event, "subtype"), *type = json_text(event, "channel_type");

	out->channel = slack_id(event, "channel");
	out->mention = mention;
	if (out->channel == NULL) {
		malformed(out, "a message without its channel");
		return;
	}
	out->direct = (type && strcmp(type, "im") == 0) || out->channel[0] == 'D';
	if (subtype && strcmp(subtype, "message_changed") == 0) {
		decode_changed(event, out);
		return;
	}
	if (subtype && strcmp(subtype, "message_deleted") == 0) {
		decode_deleted(event, out);
		return;
	}
	if (!said_by_somebody(subtype)) {
		nothing(out, "nothing that somebody said");
		return;
	}
	out->kind = SLACK_IS_SAID;
	take_author(event, out);
	out->ts = slack_ts(event, "ts");
	if (out->ts == NULL && mention) /* seen in odd cases (pitfall 9) */
		out->ts = slack_ts(event, "event_ts");
	check_author(out);
}

void slack_decode_listed(const char *channel, bool direct, const json_t *message, struct slack_decoded *out)
{
	*out = (struct slack_decoded){ .kind = SLACK_IS_SAID,
				       .channel = slack_id_check(channel),
				       .direct = direct };
	if (out->channel == NULL || !json_is_object(message)) {
		malformed(out, "a listed message that is no object");
		return;
	}
	if (!said_by_somebody(json_text(message, "subtype"))) {
		nothing(out, "nothing that somebody said");
		return;
	}
	take_author(message, out);
	out->ts = slack_ts(message, "ts");
	check_author(out);
}
