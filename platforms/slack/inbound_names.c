/* The last step before a message is handed over: who speaks, and ids turned into names. */
#include "buf.h"
#include "inbound.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

static const char CUT[] = "\n(the rest was too long and is left out)";

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* The event says which company the author is of; what users.info knows comes on top: guests and strangers are let in by
 * the operator's rule for strangers. While users.info can't be had the event's word counts, or nobody could speak
 * without the scope users:read. */
static bool slack_vouched(struct platform *workspace, const struct slack_decoded *say)
{
	const struct slack_known *known = say->user ? slack_known(workspace, 'U', say->user) : NULL;
	const char *team = say->user_team ? say->user_team : known ? known->team : NULL;

	if (workspace->app->config.members != SLACK_MEMBERS_ALLOW)
		return false;
	if (known && (known->stranger || known->guest))
		return false;
	if (same(team, workspace->team_id) || same(team, workspace->enterprise_id))
		return true;
	if (!workspace->org)
		return false;
	/* Any workspace of the organisation will do; in channels shared with others it must be proved. */
	return say->external ? known && same(known->org, workspace->enterprise_id) : team != NULL;
}

static const char *sender_name(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	const char *name = say->user ? slack_name(arrival->workspace, 'U', say->user) : NULL;

	char *line;

	if (name == NULL)
		name = say->user_name;
	if (name == NULL)
		return NULL;
	line = text_one_line(name);
	name = *line ? arena_text_n(arrival->arena, line, text_fit(line, strlen(line), MESSAGE_NAME_MAX))
		     : NULL;
	free(line);
	return name;
}

/* Longer than the core takes, but never dropped for it. */
static const char *bounded(struct slack_arrival *arrival, const char *text)
{
	size_t len = strlen(text);

	if (len <= MESSAGE_TEXT_MAX)
		return arena_text_n(arrival->arena, text, len);
	return arena_format(arrival->arena, "%.*s%s",
			    (int)text_fit(text, len, MESSAGE_TEXT_MAX - sizeof(CUT)), text, CUT);
}

static void add_quote(struct buf *out, struct slack_arrival *arrival, const char *words)
{
	const char *author = slack_id(arrival->say.message, "user");
	char *quote = message_about(author ? slack_name(arrival->workspace, 'U', author) : NULL, words);

	buf_text(out, quote);
	free(quote);
}

static void set_text(struct slack_arrival *arrival)
{
	char *words = slack_words(arrival->mrkdwn, slack_name, arrival->workspace);
	struct buf out = { 0 };

	if (arrival->quotes)
		add_quote(&out, arrival, words);
	else if (!text_blank(words))
		buf_text(&out, words);
	else if (arrival->in.file_count == 0) /* files speak for themselves */
		buf_text(&out, "(an empty message)");
	if (arrival->files_left)
		buf_format(&out, "%s(%zu more files: not taken: too many at once)", out.len ? "\n" : "",
			   arrival->files_left);
	arrival->in.text = bounded(arrival, buf_str(&out));
	buf_free(&out);
	free(words);
}

void slack_arrival_name(struct slack_arrival *arrival)
{
	struct platform *workspace = arrival->workspace;
	const struct slack_known *channel;

	arrival->in.sender_name = sender_name(arrival);
	if (slack_vouched(workspace, &arrival->say))
		arrival->in.flags |= INCOMING_VOUCHED;
	if (arrival->mrkdwn)
		set_text(arrival);
	if (!arrival->renews)
		return;
	channel = slack_known(workspace, 'C', arrival->say.channel);
	if (channel && channel->direct)
		arrival->in.conversation =
			arena_format(arrival->arena, "%s/%s", workspace->key, arrival->say.channel);
}
