/* What an answer to a call means for the message that it sends, in the words of the outbox. Pure. */
#include "mem.h"
#include "out.h"
#include <inttypes.h>
#include <string.h>

enum { LIMIT_UNKNOWN_MS = 30000 };

/* Refusals, with cause and cure (sheet 12). words NULL: as the platform says it. */
static const struct {
	enum sent how;
	const char *words;
} refusals[] = {
	[DISCORD_OTHER] = { SENT_REJECTED, NULL },
	[DISCORD_UNKNOWN_CHANNEL] = { SENT_REJECTED, "the channel or thread was deleted" },
	[DISCORD_UNKNOWN_MESSAGE] = { SENT_NOT, "the message that stood for the answer was deleted" },
	[DISCORD_UNKNOWN_INTERACTION] = { SENT_REJECTED, "the interaction is over: ask again" },
	[DISCORD_ALREADY] = { SENT_REJECTED, "the interaction was answered by another process" },
	[DISCORD_NO_ACCESS] = { SENT_REJECTED, "the bot may not write there: give it the permissions View "
					       "Channel, Send Messages, Send Messages in Threads and Attach "
					       "Files" },
	[DISCORD_NO_DM] = { SENT_REJECTED, "the person takes no direct messages from the bot: they can allow "
					   "them in the server's privacy settings" },
	[DISCORD_TOO_LONG] = { SENT_REJECTED,
			       "the part is longer than a message may be: please report this" },
	[DISCORD_EMPTY] = { SENT_REJECTED, "nothing was left to show of the text: please report this" },
	[DISCORD_NO_REPLY] = { SENT_REJECTED, "the message replied to is out of reach: give the bot the "
					      "permission Read Message History" },
	[DISCORD_LOCKED] = { SENT_REJECTED,
			     "the thread is locked or archived: a moderator can open it again" },
	[DISCORD_THREAD_EXISTS] = { SENT_NOT, "the thread was opened meanwhile" },
	[DISCORD_OLD_EDITS] = { SENT_REJECTED, "the message is too old to be edited so often" },
	[DISCORD_BLOCKED] = { SENT_REJECTED,
			      "AutoMod blocks the text: the server's rules can exempt the bot" },
	[DISCORD_FILE] = { SENT_REJECTED, "the file is not taken: it is too large, or of a kind that is not "
					  "allowed there" },
	[DISCORD_WAIT] = { SENT_LIMITED, NULL },
};

static const struct {
	enum sent how;
	enum err_kind kind;
} hows[] = {
	[DISCORD_OK] = { SENT_ACCEPTED, ERR_NONE },	    [DISCORD_NOT_SENT] = { SENT_NOT, ERR_AGAIN },
	[DISCORD_MAYBE] = { SENT_MAYBE, ERR_UNSURE },	    [DISCORD_LIMITED] = { SENT_LIMITED, ERR_AGAIN },
	[DISCORD_REFUSED] = { SENT_REJECTED, ERR_REFUSED }, [DISCORD_AUTH] = { SENT_AUTH, ERR_REFUSED },
};

enum sent discord_outcome(const struct discord_answer *answer, unsigned *retry_ms_out, struct err *why_out)
{
	const char *why = answer->why ? answer->why : "", *words = NULL;
	enum sent how = hows[answer->how].how;

	err_clear(why_out);
	if (answer->how == DISCORD_REFUSED) {
		how = refusals[answer->refusal].how;
		words = refusals[answer->refusal].words;
	}
	if (words)
		err_set(why_out, hows[answer->how].kind, "%s (%s)", words, why);
	else if (how != SENT_ACCEPTED)
		err_set(why_out, hows[answer->how].kind, "%s", why);
	*retry_ms_out = 0;
	if (how == SENT_LIMITED)
		*retry_ms_out = answer->retry_ms ? answer->retry_ms : LIMIT_UNKNOWN_MS;
	return how;
}

bool discord_refused(const struct discord_answer *answer, enum discord_refusal refusal)
{
	return answer->how == DISCORD_REFUSED && answer->refusal == refusal;
}

/* ---- messages of ours --------------------------------------------------------------------------------------- */

char *discord_remote_id(struct discord_spot spot)
{
	return mem_format("%" PRIu64 "/%" PRIu64, spot.channel, spot.message);
}

struct discord_spot discord_remote_read(const char *remote_id)
{
	const char *slash = remote_id ? strchr(remote_id, '/') : NULL;
	struct discord_spot spot = { 0 };
	char channel[SNOWFLAKE_SIZE];

	if (slash == NULL || (size_t)(slash - remote_id) >= sizeof(channel))
		return spot;
	memcpy(channel, remote_id, (size_t)(slash - remote_id));
	channel[slash - remote_id] = '\0';
	spot = (struct discord_spot){ snowflake_parse(channel), snowflake_parse(slash + 1) };
	return spot.channel && spot.message ? spot : (struct discord_spot){ 0 };
}

struct discord_spot discord_spot_of(const struct discord_answer *answer, snowflake channel)
{
	snowflake said = snowflake_read(json_object_get(answer->body, "channel_id"));
	snowflake message = snowflake_read(json_object_get(answer->body, "id"));

	return message ? (struct discord_spot){ said ? said : channel, message } : (struct discord_spot){ 0 };
}
