/* What an answer to a call means for the message that it sends, in the words of the outbox. Pure. */
#include "mem.h"
#include "out.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

enum { LIMIT_UNKNOWN_MS = 30000 };

/* Refusals by what can be done about them (sheet 2.4), found by their descriptions; the more special one first. */
static const struct {
	const char *description, *words; /* cause and cure */
} refusals[] = {
	{ "blocked by the user", "the person has blocked the bot" },
	{ "user is deactivated", "the person's account is deleted" },
	{ "can't initiate conversation", "the person has never pressed Start" },
	{ "to bots", "bots can't be sent messages" },
	{ "to the bot", "bots can't be sent messages" },
	{ "was kicked", "the bot was taken out of the chat: add it again" },
	{ "not a member", "the bot is not in the chat: add it" },
	{ "group chat was deleted", "the group was deleted" },
	{ "deactivated", "the group is closed" },
	{ "chat not found", "the chat is gone, or the bot was never in it" },
	{ "topic_closed", "the topic is closed: open it again" },
	{ "not enough rights", "the bot may not write there: an administrator can allow it" },
	{ "no rights", "the bot may not write there: an administrator can allow it" },
	{ "need administrator rights", "the bot may not write there: make it an administrator" },
	{ "write_forbidden", "the bot may not write there: an administrator can allow it" },
	{ "too long", "the part is longer than a message may be: please report this" },
	{ "must be non-empty", "nothing was left to show of the text: please report this" },
	{ "is empty", "nothing was left to show of the text: please report this" },
	{ "too big", "the file is larger than the platform takes" },
};

static void explain(const struct telegram_answer *answer, struct err *why_out)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (strcasestr(answer->why, refusals[i].description)) {
			err_set(why_out, ERR_REFUSED, "%s (%s)", refusals[i].words, answer->why);
			return;
		}
	err_set(why_out, ERR_REFUSED, "%s", answer->why);
}

static enum sent refused(const struct telegram_answer *answer)
{
	if (answer->refusal == TELEGRAM_NOT_MODIFIED)
		return SENT_ACCEPTED;
	return answer->refusal == TELEGRAM_CONFLICT ? SENT_NOT : SENT_REJECTED;
}

enum sent telegram_outcome(const struct telegram_answer *answer, unsigned *retry_ms_out, struct err *why_out)
{
	*retry_ms_out = 0;
	err_clear(why_out);
	switch (answer->how) {
	case TELEGRAM_OK:
		return SENT_ACCEPTED;
	case TELEGRAM_REFUSED:
		explain(answer, why_out);
		return refused(answer);
	case TELEGRAM_NOT_SENT:
		err_set(why_out, ERR_AGAIN, "%s", answer->why);
		return SENT_NOT;
	case TELEGRAM_LIMITED:
		*retry_ms_out = answer->retry_ms ? answer->retry_ms : LIMIT_UNKNOWN_MS;
		err_set(why_out, ERR_AGAIN, "%s", answer->why);
		return SENT_LIMITED;
	case TELEGRAM_AUTH:
		err_set(why_out, ERR_REFUSED, "%s", answer->why);
		return SENT_AUTH;
	case TELEGRAM_MAYBE:
	default:
		err_set(why_out, ERR_UNSURE, "%s", answer->why);
		return SENT_MAYBE;
	}
}

bool telegram_refused(const struct telegram_answer *answer, enum telegram_refusal refusal)
{
	return answer->how == TELEGRAM_REFUSED && answer->refusal == refusal;
}

char *telegram_remote_id(int64_t chat, int64_t message)
{
	return mem_format("%" PRId64 "/%" PRId64, chat, message);
}

bool telegram_remote_read(const char *remote_id, int64_t *chat_out, int64_t *message_out)
{
	char *end = NULL, *last = NULL;

	*chat_out = *message_out = 0;
	if (remote_id == NULL)
		return false;
	errno = 0;
	*chat_out = strtoll(remote_id, &end, 10);
	if (*end == '/')
		*message_out = strtoll(end + 1, &last, 10);
	if (last != NULL && *last == '\0' && errno == 0 && *chat_out != 0 && *message_out > 0)
		return true;
	*chat_out = *message_out = 0;
	return false;
}
