/* Which messages are meant for us, and what the core is told about them (sheet 7). */
#include "catch_up.h"
#include "inbound.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

enum { GESTURE_MS = 10 * 60 * 1000 };

/* ---- places and keys ------------------------------------------------------------------------------------- */

void slack_place_copy(char out[SLACK_ID_MAX + 1], const char *id)
{
	size_t len = id ? strnlen(id, SLACK_ID_MAX) : 0;

	memcpy(out, id ? id : "", len);
	out[len] = '\0';
}

/* A reply, not the root of a thread. */
static bool mid_thread(const struct slack_decoded *say)
{
	return say->thread && (say->ts == NULL || strcmp(say->thread, say->ts) != 0);
}

static bool one_conversation(const struct slack_arrival *arrival)
{
	return arrival->say.direct && arrival->workspace->app->config.direct == SLACK_DIRECT_CHANNEL;
}

/* The same for both events that report a message, and for the one read from history: the workspace's own key, not the
 * event's, for with an organisation's installation the event names any of its workspaces, and history none. */
const char *slack_message_key(struct slack_arrival *arrival, const char *ts)
{
	return arena_format(arrival->arena, "%s/%s/%s", arrival->workspace->key, arrival->say.channel, ts);
}

const char *slack_event_key(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	const char *app = arrival->workspace->app->app_id;

	return arena_format(arrival->arena, "%s/%s/%s",
			    say->team	      ? say->team
			    : say->enterprise ? say->enterprise
					      : arrival->workspace->key,
			    say->app ? say->app
			    : app    ? app
				     : "app",
			    say->event_id);
}

/* A reply's own ts is never a thread (7.6). Where all direct messages are one conversation, a top-level one is answered
 * beside it, and one in a thread, which is what the assistant pane writes, in that thread. */
void slack_message_place(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	struct slack_place *place = &arrival->place;
	const char *thread = say->thread ? say->thread : say->ts;
	const char *key = arrival->workspace->key;

	if (one_conversation(arrival)) {
		arrival->in.conversation = arena_format(arrival->arena, "%s/%s", key, say->channel);
		thread = mid_thread(say) ? say->thread : NULL;
	} else {
		arrival->in.conversation =
			arena_format(arrival->arena, "%s/%s/%s", key, say->channel, thread ? thread : "");
	}
	slack_place_copy(place->team, say->team ? say->team : arrival->workspace->team_id);
	slack_place_copy(place->channel, say->channel);
	slack_place_copy(place->thread, thread);
	slack_place_copy(place->user, say->user);
	slack_place_copy(place->ts, say->ts);
	place->direct = say->direct;
}

static void write_place(struct slack_arrival *arrival)
{
	char *text = slack_place_write(&arrival->place);

	arrival->in.reply_to = arena_text(arrival->arena, text);
	free(text);
}

/* Each thread has a cursor of its own; that of a channel's roots follows from them. While older messages of the channel
 * are still being looked for, what comes live moves none, or the older would be lost with this process. The store moves a
 * cursor also for what turns out not to be ours, so threads that we may have no part in have none. */
static void set_cursor(struct slack_arrival *arrival)
{
	struct incoming *in = &arrival->in;
	const struct slack_place *place = &arrival->place;

	if (arrival->done == NULL && slack_catch_up_holds(arrival->workspace, place->channel))
		return;
	arrival->scope = place->thread[0]
				 ? arena_format(arrival->arena, "%s/%s", place->channel, place->thread)
				 : place->channel;
	if ((in->flags & INCOMING_IF_PLACE) && !slack_catch_up_follows(arrival->workspace, arrival->scope))
		return;
	in->cursor_scope = arrival->scope;
	in->cursor = arrival->say.ts;
}

/* ---- the gate -------------------------------------------------------------------------------------------- */

static bool is(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Sheet 7.4: any of these is enough. */
static bool own(const struct platform *workspace, const struct slack_decoded *say)
{
	return is(say->user, workspace->bot_user_id) || is(say->bot_id, workspace->bot_id) ||
	       is(say->by_app, workspace->app->app_id);
}

static struct recent *bots_in(struct slack_arrival *arrival, bool make)
{
	const struct slack_decoded *say = &arrival->say;
	const char *key = slack_message_key(arrival, say->thread ? say->thread : say->ts);
	struct recents *bots = &arrival->workspace->app->inbound->bots;

	return make ? recents_touch(bots, key) : recents_find(bots, key);
}

/* The two events of one message, and repeated ones, count once. */
static bool too_many_bots(struct slack_arrival *arrival)
{
	struct recent *bots = bots_in(arrival, true);

	if (strcmp(bots->text, arrival->say.ts) != 0) {
		bots->count++;
		recents_set(bots, arrival->say.ts);
	}
	return bots->count > SLACK_BOT_TURNS_MAX;
}

static const char *judge_author(struct slack_arrival *arrival)
{
	struct platform *workspace = arrival->workspace;
	const struct slack_decoded *say = &arrival->say;

	if (own(workspace, say))
		return "our own";
	if (!say->bot)
		return NULL;
	if (!workspace->app->config.bots || arrival->done || say->kind != SLACK_IS_SAID)
		return "a bot's";
	return NULL;
}

static bool said_to_us(const struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;

	return say->direct || say->mention ||
	       slack_message_mentions(say->message, arrival->workspace->bot_user_id);
}

/* Says nothing about what was seen before: a message that is dropped here may come again as its twin, which is
 * judged on its own (pitfall 8). */
static const char *judge_said(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	bool addressed = said_to_us(arrival);

	if (!say->bot)
		recents_drop(&arrival->workspace->app->inbound->bots, bots_in(arrival, false));
	if (!addressed && !mid_thread(say))
		return "not said to us";
	if (say->bot && too_many_bots(arrival))
		return "bots have said too much in a row";
	if (!addressed)
		arrival->in.flags |= INCOMING_IF_PLACE;
	else if (mid_thread(say))
		arrival->in.flags |= INCOMING_JOINED;
	return NULL;
}

/* ---- what was said --------------------------------------------------------------------------------------- */

static void take_files(struct slack_arrival *arrival)
{
	const json_t *list = json_object_get(arrival->say.message, "files"), *one;
	struct message_file *files;
	size_t i, count = 0;

	if (json_array_size(list) == 0)
		return;
	files = arena_alloc(arrival->arena, MESSAGE_FILES_MAX * sizeof(*files));
	json_array_foreach (list, i, one) {
		const char *name = json_text(one, "name"), *mime = json_text(one, "mimetype");
		char *url = slack_file_url(one);

		if (url == NULL || count >= MESSAGE_FILES_MAX) {
			arrival->files_left += url != NULL;
			free(url);
			continue;
		}
		if (name == NULL || *name == '\0')
			name = json_text(one, "title");
		files[count++] = (struct message_file){
			.url = arena_text(arrival->arena, url),
			.name = name && *name ? arena_text_n(arrival->arena, name,
							     text_fit(name, strlen(name), MESSAGE_NAME_MAX))
					      : NULL,
			.mime = mime && strlen(mime) <= MESSAGE_NAME_MAX ? arena_text(arrival->arena, mime)
									 : NULL,
			.size = json_int(one, "size", -1),
		};
		free(url);
	}
	arrival->in.files = files;
	arrival->in.file_count = count;
}

static bool blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* A mention and nothing else still calls us: then it stays. */
static const char *take_words(struct slack_arrival *arrival)
{
	char *all = slack_message_mrkdwn(arrival->say.message);
	char *rest = slack_without_mention(all, arrival->workspace->bot_user_id);

	take_files(arrival);
	arrival->mrkdwn = arena_text(arrival->arena, blank(rest) && arrival->in.file_count == 0 ? all : rest);
	free(rest);
	free(all);
	if (blank(arrival->mrkdwn) && arrival->in.file_count == 0)
		return "an empty message";
	slack_wanted_scan(&arrival->wanted, arrival->mrkdwn);
	return NULL;
}

/* One gesture came again some 40 s later with another ts: the client's own id stays the same. It only chooses the key,
 * the store decides: so nothing is lost when the first one was never stored. */
static const char *first_ts(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	uint64_t now = loop_now_ms(arrival->workspace->host->loop);
	struct recent *gesture;

	if (say->client_id == NULL || say->bot)
		return say->ts;
	gesture = recents_touch(&arrival->workspace->app->inbound->gestures,
				arena_format(arrival->arena, "%s/%s/%s/%s", arrival->workspace->key,
					     say->channel, say->user, say->client_id));
	if (gesture->text[0] == '\0' || now - gesture->at_ms > GESTURE_MS) {
		recents_set(gesture, say->ts);
		gesture->at_ms = now;
	}
	return arena_text(arrival->arena, gesture->text);
}

static void set_keys(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	struct incoming *in = &arrival->in;

	in->delivery_key =
		arrival->done ? arena_format(arrival->arena, "late/%s", slack_message_key(arrival, say->ts))
			      : slack_event_key(arrival);
	in->sent_ms = slack_ts_ms(say->ts);
	in->target = slack_message_key(arrival, say->ts);
	if (say->kind == SLACK_IS_EDITED) {
		in->semantic_key = arena_format(arrival->arena, "%s/edit/%s", in->target, say->edit_ts);
		in->sent_ms = slack_ts_ms(say->edit_ts);
	} else if (say->kind == SLACK_IS_DELETED) {
		in->semantic_key = arena_format(arrival->arena, "%s/deleted", in->target);
	} else {
		in->semantic_key = slack_message_key(arrival, first_ts(arrival));
		in->target = NULL;
	}
}

const char *slack_build_message(struct slack_arrival *arrival)
{
	const struct slack_decoded *say = &arrival->say;
	struct incoming *in = &arrival->in;
	const char *because = judge_author(arrival);

	if (because == NULL && say->kind == SLACK_IS_SAID)
		because = judge_said(arrival);
	if (because == NULL && say->kind != SLACK_IS_DELETED)
		because = take_words(arrival);
	if (because)
		return because;
	slack_message_place(arrival);
	set_keys(arrival);
	in->sender = say->user ? say->user : say->bot_id;
	slack_wanted_add(&arrival->wanted, 'U', say->user);
	if (say->kind == SLACK_IS_SAID) {
		in->kind = INCOMING_SAID;
		write_place(arrival);
		set_cursor(arrival);
		arrival->shows_work = true;
		return NULL;
	}
	/* Other people's talk is none of our business, also when it changes. But what was said to us may wait for its
	 * author to be let in, and have no conversation yet. */
	if (!said_to_us(arrival))
		in->flags |= INCOMING_IF_PLACE;
	in->kind = say->kind == SLACK_IS_EDITED ? INCOMING_EDITED : INCOMING_DELETED;
	return NULL;
}
