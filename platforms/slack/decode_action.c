/* Slash commands, shortcuts and buttons (sheet 9, 10). */
#include "crypto.h"
#include "decode.h"
#include <string.h>

enum { URL_MAX = 1024, CHOICE_MAX = 64 };

static void malformed(struct slack_decoded *out, const char *because)
{
	out->kind = SLACK_IS_MALFORMED;
	out->because = because;
}

/* A boolean in interactive payloads, a word in the form of commands (sheet 3.3). */
static bool is_true(const json_t *object, const char *key)
{
	const char *word = json_text(object, key);

	return json_is_true(json_object_get(object, key)) || (word && strcmp(word, "true") == 0);
}

static const char *short_text(const json_t *object, const char *key)
{
	const char *text = json_text(object, key);

	return text && *text && strlen(text) <= URL_MAX ? text : NULL;
}

void slack_decode_command(const json_t *payload, struct slack_decoded *out)
{
	out->kind = SLACK_IS_COMMAND;
	out->enterprise = slack_id(payload, "enterprise_id");
	out->team = slack_id(payload, "team_id");
	out->org = is_true(payload, "is_enterprise_install");
	out->user = slack_id(payload, "user_id");
	out->user_team = out->team;
	out->user_name = json_text(payload, "user_name");
	out->channel = slack_id(payload, "channel_id");
	out->text = json_text(payload, "text");
	out->response_url = short_text(payload, "response_url");
	out->action_ts = slack_id(payload, "trigger_id");
	if (out->text == NULL)
		out->text = "";
	if (out->user == NULL || out->channel == NULL || out->action_ts == NULL || out->response_url == NULL)
		malformed(out, "a command without its user, channel, trigger or response_url");
}

static void take_clicker(const json_t *payload, struct slack_decoded *out)
{
	const json_t *team = json_object_get(payload, "team"), *user = json_object_get(payload, "user");

	out->enterprise = slack_id(json_object_get(payload, "enterprise"), "id");
	if (out->enterprise == NULL)
		out->enterprise = slack_id(team, "enterprise_id");
	out->team = slack_id(team, "id"); /* team is null on organisation-wide installs (pitfall 16) */
	out->org = is_true(payload, "is_enterprise_install");
	out->user = slack_id(user, "id");
	out->user_team = slack_id(user, "team_id");
	out->user_name = json_text(user, "name");
	if (out->user_name == NULL)
		out->user_name = json_text(user, "username");
	out->channel = slack_id(json_object_get(payload, "channel"), "id");
}

static void decode_shortcut(const json_t *payload, struct slack_decoded *out)
{
	out->kind = SLACK_IS_SHORTCUT;
	out->message = json_object_get(payload, "message");
	out->ts = slack_ts(payload, "message_ts");
	if (out->ts == NULL)
		out->ts = slack_ts(out->message, "ts");
	out->thread = slack_ts(out->message, "thread_ts");
	out->action = slack_id(payload, "callback_id");
	out->action_ts = slack_ts(payload, "action_ts");
	if (out->action_ts == NULL)
		out->action_ts = slack_id(payload, "trigger_id");
	out->response_url = short_text(payload, "response_url");
	out->direct = out->channel && out->channel[0] == 'D';
	if (out->user == NULL || out->channel == NULL || out->ts == NULL || out->action_ts == NULL ||
	    !json_is_object(out->message))
		malformed(out, "a shortcut without its user, channel or message");
}

/* "up:UUID": what we put there ourselves, and checked all the same. */
static bool read_rating(const char *value, struct slack_decoded *out)
{
	static const char *const words[] = { "up", "down" };

	for (size_t i = 0; value && i < 2; i++) {
		size_t len = strlen(words[i]);

		if (strncmp(value, words[i], len) == 0 && value[len] == ':' &&
		    crypto_uuid_valid(value + len + 1)) {
			out->text = words[i];
			out->target = value + len + 1;
			return true;
		}
	}
	return false;
}

static void take_press(const json_t *payload, const json_t *action, struct slack_decoded *out)
{
	const json_t *container = json_object_get(payload, "container");
	const json_t *message = json_object_get(payload, "message");

	if (out->channel == NULL)
		out->channel = slack_id(container, "channel_id");
	out->ts = slack_ts(container, "message_ts");
	if (out->ts == NULL)
		out->ts = slack_ts(message, "ts");
	out->thread = slack_ts(container, "thread_ts");
	if (out->thread == NULL)
		out->thread = slack_ts(message, "thread_ts");
	out->action = slack_id(action, "action_id");
	out->action_ts = slack_ts(action, "action_ts");
	out->direct = out->channel && out->channel[0] == 'D';
}

static bool is_whole(const struct slack_decoded *out)
{
	return out->user && out->channel && out->ts && out->action_ts;
}

static void take_rating(const json_t *payload, const json_t *action, struct slack_decoded *out)
{
	take_press(payload, action, out);
	out->kind = SLACK_IS_RATED;
	if (!read_rating(json_text(action, "value"), out) || !is_whole(out))
		malformed(out, "a rating without its user, message or value");
}

static void take_choice(const json_t *payload, const json_t *action, struct slack_decoded *out)
{
	take_press(payload, action, out);
	out->kind = SLACK_IS_CHOSEN;
	out->text = json_text(action, "value");
	if (out->text == NULL || *out->text == '\0' || strlen(out->text) > CHOICE_MAX || !is_whole(out))
		malformed(out, "a choice without its user, message or value");
}

static void decode_buttons(const json_t *payload, struct slack_decoded *out)
{
	const json_t *actions = json_object_get(payload, "actions"), *action;
	size_t i;

	out->because = "a button that is not ours";
	json_array_foreach (actions, i, action) {
		const char *id = json_text(action, "action_id");

		if (id && strcmp(id, "usher_feedback") == 0) {
			take_rating(payload, action, out);
			return;
		}
		if (id && strncmp(id, "usher_choice:", strlen("usher_choice:")) == 0) {
			take_choice(payload, action, out);
			return;
		}
	}
}

void slack_decode_interactive(const json_t *payload, struct slack_decoded *out)
{
	const char *type = json_text(payload, "type");

	take_clicker(payload, out);
	if (type == NULL)
		malformed(out, "an interactive payload without a type");
	else if (strcmp(type, "message_action") == 0)
		decode_shortcut(payload, out);
	else if (strcmp(type, "block_actions") == 0)
		decode_buttons(payload, out);
	else
		out->because = "an interaction that we have no use for";
}
