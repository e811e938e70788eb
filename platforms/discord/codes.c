/* What the numbers of the gateway mean, and what follows from them (sheet 5, 7). */
#include "gateway_room.h"

const struct gateway_opcode *discord_opcode(int64_t op)
{
	static const struct gateway_opcode opcodes[] = {
		{ OP_DISPATCH, "DISPATCH", discord_take_dispatch, false },
		{ OP_HEARTBEAT, "HEARTBEAT", discord_take_heartbeat, true },
		{ OP_IDENTIFY, "IDENTIFY", NULL, true },
		{ OP_PRESENCE, "PRESENCE_UPDATE", NULL, true },
		{ OP_VOICE_STATE, "VOICE_STATE_UPDATE", NULL, true },
		{ OP_RESUME, "RESUME", NULL, true },
		{ OP_RECONNECT, "RECONNECT", discord_take_reconnect, false },
		{ OP_REQUEST_MEMBERS, "REQUEST_GUILD_MEMBERS", NULL, true },
		{ OP_INVALID_SESSION, "INVALID_SESSION", discord_take_invalid, false },
		{ OP_HELLO, "HELLO", discord_take_hello, false },
		{ OP_HEARTBEAT_ACK, "HEARTBEAT_ACK", discord_take_ack, false },
		{ OP_REQUEST_SOUNDS, "REQUEST_SOUNDBOARD_SOUNDS", NULL, true },
		{ OP_REQUEST_CHANNEL_INFO, "REQUEST_CHANNEL_INFO", NULL, true },
	};

	for (size_t i = 0; i < sizeof(opcodes) / sizeof(*opcodes); i++)
		if (opcodes[i].op == op)
			return &opcodes[i];
	return NULL;
}

static const struct gateway_close closes[] = {
	{ 0, "the connection broke off", GATEWAY_RESUME, NULL },
	{ 1000, "normal closure", GATEWAY_IDENTIFY, NULL },
	{ 1001, "going away", GATEWAY_RESUME, NULL },
	{ 1005, "no code", GATEWAY_RESUME, NULL },
	{ 1006, "abnormal closure", GATEWAY_RESUME, NULL },
	{ 4000, "unknown error", GATEWAY_RESUME, NULL },
	{ 4001, "unknown opcode", GATEWAY_RESUME,
	  "the gateway did not understand a message of ours: please report this" },
	{ 4002, "decode error", GATEWAY_RESUME,
	  "the gateway could not read a message of ours: please report this" },
	{ 4003, "not authenticated", GATEWAY_IDENTIFY, NULL },
	{ 4004, "authentication failed", GATEWAY_STOP,
	  "the bot token is wrong or was reset: copy a new one from the developer portal, page Bot, into "
	  "bot_token" },
	{ 4005, "already authenticated", GATEWAY_IDENTIFY, NULL },
	{ 4007, "invalid sequence", GATEWAY_IDENTIFY, NULL },
	{ 4008, "rate limited", GATEWAY_WAIT, "the gateway says that we send too much: please report this" },
	{ 4009, "session timed out", GATEWAY_IDENTIFY, NULL },
	{ 4010, "invalid shard", GATEWAY_STOP,
	  "the gateway does not accept this shard: remove the setting shards, or correct it" },
	{ 4011, "sharding required", GATEWAY_RESHARD,
	  "the bot is in too many guilds for this number of shards: remove the setting shards, or raise it" },
	{ 4012, "invalid API version", GATEWAY_STOP,
	  "the gateway no longer speaks this version: update this program" },
	{ 4013, "invalid intents", GATEWAY_STOP,
	  "the gateway does not know the intents asked for: update this program" },
	{ 4014, "disallowed intents", GATEWAY_STOP,
	  "the Message Content Intent is not switched on: switch it on in the developer portal, page Bot, "
	  "Privileged Gateway Intents, or set message_content = false" },
	{ -1, "unknown close code", GATEWAY_RESUME_ONCE, NULL },
};

const struct gateway_close *discord_close_code(int code)
{
	const struct gateway_close *found = closes;

	while (found->code != code && found->code != -1)
		found++;
	return found;
}
