/* What an answer to a call that posts means for the message, in the words of the outbox. Pure. */
#include "out.h"
#include <stdio.h>
#include <string.h>

enum { LIMIT_UNKNOWN_MS = 60000 };

/* Codes by what can be done about them (sheet 13.2, 14). %s is never part of a sentence: they are shown as they are. */
struct refusal {
	const char *code;
	enum sent how;
	const char *words; /* cause and cure */
};

static const struct refusal refusals[] = {
	{ "channel_not_found", SENT_REJECTED,
	  "the channel is gone, or it is private and the app is not a member: invite the app to it" },
	{ "not_in_channel", SENT_REJECTED, "the app is not a member of the channel: invite it there" },
	{ "is_archived", SENT_REJECTED, "the channel is archived: unarchive it" },
	{ "channel_is_archived", SENT_REJECTED, "the channel is archived: unarchive it" },
	{ "restricted_action", SENT_REJECTED,
	  "the workspace's settings do not let the app post here: an administrator can allow it" },
	{ "restricted_action_read_only_channel", SENT_REJECTED,
	  "the channel is read-only for the app: let it post in the channel's settings" },
	{ "restricted_action_thread_only_channel", SENT_REJECTED,
	  "only threads are allowed in this channel: mention the app in a thread" },
	{ "restricted_action_non_threadable_channel", SENT_REJECTED,
	  "threads are not allowed in this channel: talk to the app elsewhere" },
	{ "restricted_action_thread_locked", SENT_REJECTED, "the thread is locked: unlock it" },
	{ "thread_locked", SENT_REJECTED, "the thread is locked: unlock it" },
	{ "cannot_reply_to_message", SENT_REJECTED,
	  "the message can't have replies: mention the app in a message of its own" },
	{ "thread_not_found", SENT_REJECTED, "the thread was deleted" },
	{ "invalid_thread_ts", SENT_REJECTED, "the thread is not one of this channel" },
	{ "messages_tab_disabled", SENT_REJECTED,
	  "direct messages to the app are switched off: switch on the Messages tab on its page App Home" },
	{ "user_not_found", SENT_REJECTED, "the person is no longer in the workspace" },
	{ "user_disabled", SENT_REJECTED, "the person's account is switched off" },
	{ "user_not_visible", SENT_REJECTED, "the app may not see this person" },
	{ "user_not_in_channel", SENT_REJECTED, "the person is no longer in the channel" },
	{ "cannot_dm_bot", SENT_REJECTED, "bots can't be sent direct messages" },
	{ "team_not_found", SENT_REJECTED, "the workspace is gone, or the app was not added to it" },
	{ "team_access_not_granted", SENT_REJECTED,
	  "the app was not granted this workspace: an administrator of the organisation can add it" },
	{ "msg_too_long", SENT_REJECTED, "the part is longer than a message may be: please report this" },
	{ "msg_blocks_too_long", SENT_REJECTED,
	  "the part is longer than a message may be: please report this" },
	{ "metadata_too_large", SENT_REJECTED, "the metadata is too large: please report this" },
	{ "no_text", SENT_REJECTED, "nothing was left to show of the text" },
	{ "invalid_arguments", SENT_REJECTED, "a wrong argument: please report this" },
	{ "not_allowed_token_type", SENT_REJECTED,
	  "the token is not a bot token (xoxb-): install the app anew" },
	{ "no_permission", SENT_REJECTED,
	  "the app lacks a permission: look at its page OAuth & Permissions" },
	{ "access_denied", SENT_REJECTED, "the workspace refuses the app: an administrator can allow it" },
	{ "ekm_access_denied", SENT_REJECTED,
	  "the workspace's administrators have suspended posting (Enterprise Key Management)" },
	{ "enterprise_is_restricted", SENT_REJECTED,
	  "the organisation's settings do not allow this: an administrator can change them" },
	{ "accesslimited", SENT_REJECTED,
	  "access to the workspace is limited: an administrator can lift it" },
	{ "two_factor_setup_required", SENT_REJECTED, "whoever installed the app must set up two factors" },
	{ "app_access_restricted", SENT_REJECTED, "the app is restricted: an administrator can approve it" },
	{ "expired_url", SENT_REJECTED, "the command is older than 30 minutes" },
	{ "used_url", SENT_REJECTED, "the command was answered five times" },

	{ "message_limit_exceeded", SENT_LIMITED, "the workspace sends too many messages" },
	{ "ratelimited", SENT_LIMITED, "too many calls" },
	{ "rate_limited", SENT_LIMITED, "too many calls" },

	{ "request_timeout", SENT_NOT, "the request was cut off" },
	{ "team_added_to_org", SENT_NOT, "the workspace is being moved into an organisation" },
	{ "org_login_required", SENT_NOT, "the workspace is being moved into an organisation" },

	/* These say neither yes nor no. */
	{ "service_unavailable", SENT_MAYBE, "not available for the moment" },
	{ "update_failed", SENT_MAYBE, "the update failed" },
	{ "messaging_processing_failed", SENT_MAYBE, "processing failed" },
	{ NULL, SENT_REJECTED, "no reason is known for this" },
};

static const struct refusal *refusal_of(const char *code)
{
	const struct refusal *refusal = refusals;

	while (refusal->code && strcmp(refusal->code, code) != 0)
		refusal++;
	return refusal;
}

static enum sent refused(const struct slack_answer *answer, const char *app_id, unsigned *retry_ms_out,
			 struct err *why_out)
{
	const char *code = answer->error ? answer->error : "";
	const struct refusal *refusal = refusal_of(code);

	if (strcmp(code, "missing_scope") == 0) {
		err_set(why_out, ERR_REFUSED,
			"missing_scope: the app lacks the scope %.100s: add it on "
			"https://api.slack.com/apps/%s%s "
			"(OAuth & Permissions) and install the app again",
			answer->needed ? answer->needed : "it needs", app_id ? app_id : "",
			app_id ? "/oauth" : "");
		return SENT_REJECTED;
	}
	if (refusal->how == SENT_LIMITED)
		*retry_ms_out = answer->retry_ms ? answer->retry_ms : LIMIT_UNKNOWN_MS;
	err_set(why_out, ERR_REFUSED, "%.100s: %s", code, refusal->words);
	return refusal->how;
}

enum sent slack_outcome(const struct slack_answer *answer, const char *app_id, unsigned *retry_ms_out,
			struct err *why_out)
{
	*retry_ms_out = 0;
	err_clear(why_out);
	switch (answer->how) {
	case SLACK_OK:
		return SENT_ACCEPTED;
	case SLACK_REFUSED:
		return refused(answer, app_id, retry_ms_out, why_out);
	case SLACK_NOT_SENT:
		err_set(why_out, ERR_AGAIN, "%s", answer->error);
		return SENT_NOT;
	case SLACK_LIMITED:
		*retry_ms_out = answer->retry_ms ? answer->retry_ms : LIMIT_UNKNOWN_MS;
		err_set(why_out, ERR_AGAIN, "%s", answer->error);
		return SENT_LIMITED;
	case SLACK_AUTH:
		err_set(why_out, ERR_REFUSED, "%s", answer->error);
		return SENT_AUTH;
	case SLACK_MAYBE:
	default:
		err_set(why_out, ERR_UNSURE, "%s", answer->error);
		return SENT_MAYBE;
	}
}

bool slack_refused_with(const struct slack_answer *answer, const char *const *codes)
{
	if (answer->how != SLACK_REFUSED || answer->error == NULL)
		return false;
	for (; *codes; codes++)
		if (strcmp(answer->error, *codes) == 0)
			return true;
	return false;
}

bool slack_refused_blocks(const struct slack_answer *answer)
{
	return slack_refused_with(
		answer, (const char *const[]){ "invalid_blocks", "invalid_blocks_format", "unsupported_block",
					       "unsupported_blocks", "blocks_not_supported", "block_mismatch",
					       "msg_blocks_too_long", "too_many_blocks", NULL });
}

bool slack_refused_feature(const struct slack_answer *answer)
{
	return slack_refused_with(answer, (const char *const[]){ "unknown_method", "method_deprecated",
								 "deprecated_endpoint", "feature_not_enabled",
								 "feature_disabled", "not_allowed_token_type",
								 "missing_scope", NULL });
}
