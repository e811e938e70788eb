/* The calls that show a growing answer: a message that is edited now and then, of an interaction its own one. What is
 * shown is what the first message of the answer would be, were it over now: all forms are closed (sheet 14, 18). */
#include "mem.h"
#include "previews.h"
#include "sending.h"
#include <stdlib.h>
#include <string.h>

static uint64_t now_of(const struct preview *preview)
{
	return discord_previews_now(preview->bot->previews);
}

/* path is taken over. */
static void call(struct preview *preview, enum preview_doing doing, struct discord_call *call, char *path,
		 discord_rest_fn *fn)
{
	call->path = path;
	call->droppable = true;
	preview->doing = doing;
	preview->changed_ms = now_of(preview);
	preview->call = discord_rest(preview->bot, call, fn, preview, preview->id);
	free(path);
}

/* What any of these calls is followed by. */
static void called(struct preview *preview, const struct discord_answer *answer)
{
	preview->call = 0;
	preview->doing = PREVIEW_IDLE;
	if (answer->how == DISCORD_OK) {
		free(preview->shown);
		preview->shown = preview->showing;
		preview->showing = NULL;
		return;
	}
	preview->so_far.fresh = true;
	if (answer->how == DISCORD_LIMITED || discord_refused(answer, DISCORD_WAIT))
		preview->not_before_ms =
			now_of(preview) + (answer->retry_ms ? answer->retry_ms : PREVIEW_RETRY_MS);
	else if (answer->how == DISCORD_NOT_SENT || answer->how == DISCORD_MAYBE)
		preview->not_before_ms = now_of(preview) + PREVIEW_RETRY_MS;
}

/* It was taken, or may be soon. */
static bool goes_on(const struct discord_answer *answer)
{
	return answer->how != DISCORD_AUTH &&
	       (answer->how != DISCORD_REFUSED || answer->refusal == DISCORD_WAIT);
}

/* ---- a message to be edited --------------------------------------------------------------------------------- */

static bool is_reply(const struct preview *preview)
{
	return preview->place.message && !preview->no_reply && preview->channel == preview->place.channel;
}

/* False: it can't be posted with less or elsewhere either. */
static bool adapts(struct preview *preview, const struct discord_answer *answer)
{
	if (discord_refused(answer, DISCORD_NO_REPLY) && is_reply(preview)) {
		preview->no_reply = true;
	} else if (discord_refused(answer, DISCORD_NO_ACCESS) && preview->place.open_thread &&
		   preview->channel != preview->place.channel) {
		discord_thread_lost(preview->bot, &preview->place);
		preview->channel = 0;
	} else {
		return false;
	}
	return true;
}

static void post_done(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	struct preview *preview = owner;

	(void)ticket;
	called(preview, answer);
	preview->unsure = answer->how == DISCORD_MAYBE;
	preview->spot = discord_sends_find(bot->sends, preview->nonce);
	if (answer->how == DISCORD_OK)
		preview->spot = discord_spot_of(answer, preview->channel);
	if (preview->spot.message)
		preview->unsure = false;
	else if (answer->how == DISCORD_OK || (!goes_on(answer) && !adapts(preview, answer)))
		discord_preview_leave(preview);
	preview->so_far.fresh = true; /* "…" is no beginning of it */
	discord_preview_posted(preview);
}

/* It says nothing yet: should it never be heard of again, no half answer stays. */
void preview_post(struct preview *preview)
{
	bool reply = is_reply(preview);
	json_t *body = discord_body(preview->bot, &preview->place, DISCORD_PLACEHOLDER, reply);
	char id[SNOWFLAKE_SIZE];

	json_object_set_new(body, "nonce", json_string(preview->nonce));
	json_object_set_new(body, "enforce_nonce", json_true());
	if (reply)
		json_object_set_new(body, "message_reference",
				    json_pack("{s:s, s:b}", "message_id",
					      snowflake_text(preview->place.message, id),
					      "fail_if_not_exists", 0));
	free(preview->showing);
	preview->showing = mem_text(DISCORD_PLACEHOLDER);
	if (preview->posted_ms == 0)
		preview->posted_ms = now_of(preview);
	call(preview, PREVIEW_POSTING, &(struct discord_call){ .method = "POST", .args = body },
	     discord_message_path((struct discord_spot){ preview->channel, 0 }), post_done);
}

static void open_done(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	struct preview *preview = owner;

	(void)ticket;
	called(preview, answer);
	if (discord_thread_opened(bot, &preview->place, answer) == 0 && !goes_on(answer))
		discord_preview_leave(preview);
}

static void begin(struct preview *preview)
{
	struct platform *bot = preview->bot;

	if (now_of(preview) - preview->first_ms < PREVIEW_WAIT_MS || preview->so_far.text.len < PREVIEW_LEAST)
		return;
	if (preview->posted_ms && now_of(preview) - preview->posted_ms > PREVIEW_NONCE_MS) {
		discord_preview_leave(preview);
		return;
	}
	if (preview->channel == 0)
		preview->channel = discord_thread_known(bot->sends, &preview->place);
	if (preview->channel) {
		preview_post(preview);
		return;
	}
	preview->doing = PREVIEW_OPENING;
	preview->call = discord_thread_open(bot, &preview->place, true, open_done, preview, preview->id);
}

/* ---- edits ----------------------------------------------------------------------------------------------------- */

static void edit_done(struct platform *bot, void *owner, uint64_t ticket, const struct discord_answer *answer)
{
	struct preview *preview = owner;

	(void)bot;
	(void)ticket;
	called(preview, answer);
	if (!goes_on(answer)) /* the final text finds out what it can do */
		discord_preview_leave(preview);
}

static void edit(struct preview *preview, char *path, bool no_token)
{
	struct discord_call patch = { .method = "PATCH", .no_token = no_token };

	free(preview->showing);
	preview->showing = growing_first(&preview->so_far, preview->bot, discord_split);
	if (preview->shown && strcmp(preview->shown, preview->showing) == 0) {
		free(path);
		return;
	}
	patch.args =
		discord_body(preview->bot, &preview->place, preview->showing, !no_token && is_reply(preview));
	call(preview, PREVIEW_EDITING, &patch, path, edit_done);
}

static bool is_due(const struct preview *preview)
{
	return preview->so_far.fresh && preview->so_far.text.len > 0 &&
	       now_of(preview) - preview->changed_ms >= PREVIEW_EDIT_MS;
}

void discord_preview_grow(struct preview *preview)
{
	const struct platform *bot = preview->bot;

	if (now_of(preview) < preview->not_before_ms)
		return;
	if (preview->place.token == NULL && preview->spot.message == 0)
		begin(preview);
	else if (!is_due(preview) || now_of(preview) - preview->first_ms < PREVIEW_WAIT_MS)
		return;
	else if (preview->place.token == NULL)
		edit(preview, discord_message_path(preview->spot), false);
	else if (discord_token_lives(bot, &preview->place))
		edit(preview, discord_webhook_path(bot, &preview->place, "/messages/" DISCORD_ORIGINAL),
		     true);
	else
		discord_preview_leave(preview);
}
