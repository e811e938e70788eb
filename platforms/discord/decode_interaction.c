/* What an interaction is, from JSON that anybody may have written (sheet 10.1). Pure. */
#include "interaction.h"
#include <string.h>

enum { PING = 1, COMMAND, COMPONENT, AUTOCOMPLETE, MODAL };
enum { CHAT_INPUT = 1, USER_COMMAND, MESSAGE_COMMAND };
enum { OPTION_ATTACHMENT = 11 };
enum { GROUP_DM = 3 };
enum { CONTEXT_UNKNOWN = -1, CONTEXT_GUILD, CONTEXT_BOT_DM, CONTEXT_PRIVATE };

/* The characters of one segment of a path (RFC 3986, 3.3) without "%": the token stands in addresses. */
static bool token_form(const char *token)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@";
	size_t len = strlen(token);

	return len > 0 && len <= INTERACTION_TOKEN_MAX && strspn(token, allowed) == len &&
	       strcmp(token, ".") != 0 && strcmp(token, "..") != 0;
}

static void decode_who(const json_t *interaction, struct discord_interaction *out)
{
	const json_t *member = json_object_get(interaction, "member");
	const json_t *user = json_object_get(member, "user");

	if (user == NULL)
		user = json_object_get(interaction, "user");
	out->user = snowflake_read(json_object_get(user, "id"));
	out->user_object = user;
	out->member = member;
}

static void decode_where(const json_t *interaction, struct discord_interaction *out)
{
	const json_t *channel = json_object_get(interaction, "channel");
	const json_t *owners = json_object_get(interaction, "authorizing_integration_owners");
	int64_t context = json_int(interaction, "context", CONTEXT_UNKNOWN);
	int64_t type = json_int(channel, "type", -1);

	out->guild = snowflake_read(json_object_get(interaction, "guild_id"));
	out->channel = snowflake_read(json_object_get(interaction, "channel_id"));
	if (out->channel == 0)
		out->channel = snowflake_read(json_object_get(channel, "id"));
	out->channel_type = type >= 0 && type < 256 ? (int)type : -1;
	out->direct = out->guild == 0 &&
		      (context == CONTEXT_BOT_DM || (context == CONTEXT_UNKNOWN && type != GROUP_DM));
	out->present =
		out->direct || (out->guild && (!json_is_object(owners) || json_object_get(owners, "0")));
}

static enum discord_interaction_kind decode_command(const json_t *data, struct discord_interaction *out)
{
	const json_t *resolved = json_object_get(data, "resolved");
	const json_t *options = json_object_get(data, "options");

	out->command = json_text(data, "name");
	out->options = json_is_array(options) ? options : NULL;
	out->files = json_object_get(resolved, "attachments");
	if (out->command == NULL)
		return INTERACTION_UNKNOWN;
	if (json_int(data, "type", CHAT_INPUT) == CHAT_INPUT)
		return INTERACTION_COMMAND;
	if (json_int(data, "type", 0) != MESSAGE_COMMAND || json_text(data, "target_id") == NULL)
		return INTERACTION_UNKNOWN;
	out->target = json_object_get(json_object_get(resolved, "messages"), json_text(data, "target_id"));
	return json_is_object(out->target) ? INTERACTION_ABOUT : INTERACTION_UNKNOWN;
}

static enum discord_interaction_kind decode_kind(const json_t *interaction, struct discord_interaction *out)
{
	const json_t *data = json_object_get(interaction, "data");

	switch (json_int(interaction, "type", 0)) {
	case COMMAND:
		return decode_command(data, out);
	case COMPONENT:
		out->custom_id = json_text(data, "custom_id");
		return out->custom_id ? INTERACTION_PRESSED : INTERACTION_UNKNOWN;
	case AUTOCOMPLETE:
		return INTERACTION_AUTOCOMPLETE;
	case MODAL:
	default:
		return INTERACTION_UNKNOWN;
	}
}

static const char *fault_of(const struct discord_interaction *out)
{
	if (out->id == 0)
		return "it has no id";
	if (out->token == NULL || !token_form(out->token))
		return "it has no token";
	if (out->user == 0)
		return "nobody did it";
	return out->channel == 0 ? "it happened nowhere" : NULL;
}

void discord_interaction_decode(const json_t *interaction, struct discord_interaction *out)
{
	*out = (struct discord_interaction){ .kind = INTERACTION_MALFORMED, .channel_type = -1 };
	if (json_int(interaction, "type", 0) == PING) {
		out->kind = INTERACTION_PING;
		return;
	}
	out->id = snowflake_read(json_object_get(interaction, "id"));
	out->application = snowflake_read(json_object_get(interaction, "application_id"));
	out->token = json_text(interaction, "token");
	decode_who(interaction, out);
	decode_where(interaction, out);
	if (json_int(interaction, "type", 0) <= 0)
		out->because = "it is of no type";
	else
		out->because = fault_of(out);
	if (out->because == NULL)
		out->kind = decode_kind(interaction, out);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

const char *discord_interaction_option(const struct discord_interaction *say, const char *name)
{
	const json_t *option;
	size_t i;

	json_array_foreach (say->options, i, option) {
		const char *its = json_text(option, "name");

		if (its && strcmp(its, name) == 0)
			return json_text(option, "value");
	}
	return NULL;
}

json_t *discord_interaction_message(const struct discord_interaction *say)
{
	json_t *message, *attachments;
	const char *prompt = discord_interaction_option(say, "prompt");
	const json_t *option;
	size_t i;

	if (say->target)
		return json_incref(say->target);
	message = json_pack("{s:s, s:[]}", "content", prompt ? prompt : "", "attachments");
	attachments = json_object_get(message, "attachments");
	json_array_foreach (say->options, i, option) {
		const char *value = json_text(option, "value");

		if (value && json_int(option, "type", 0) == OPTION_ATTACHMENT)
			json_array_append(attachments, json_object_get(say->files, value));
	}
	return message;
}
