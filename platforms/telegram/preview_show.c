/* The calls that show a growing answer: drafts in private chats, elsewhere a message that is edited now and then. What is
 * shown is what the first message of the answer would be, were it over now: all forms are closed (sheet 6.4, 6.5). */
#include "mem.h"
#include "previews.h"
#include <stdlib.h>
#include <string.h>

static uint64_t now_of(const struct preview *preview)
{
	return previews_now(preview->bot->previews);
}

/* ---- what is shown -------------------------------------------------------------------------------------------- */

/* Into preview->showing; false when it stands there already. */
static bool render(struct preview *preview)
{
	free(preview->showing);
	preview->showing = growing_first(&preview->so_far, preview->bot, telegram_split);
	return preview->shown == NULL || strcmp(preview->shown, preview->showing) != 0;
}

static json_t *arguments(const struct preview *preview)
{
	return json_pack("{s:I}", "chat_id", (json_int_t)preview->place.chat);
}

static void add_text(const struct preview *preview, json_t *args)
{
	json_object_set_new(args, "text", json_string(preview->showing));
	json_object_set_new(args, "parse_mode", json_string("HTML"));
}

static void call(struct preview *preview, enum preview_doing doing, const char *method, json_t *args,
		 telegram_api_fn *fn)
{
	struct telegram_call call = { .method = method,
				      .args = args,
				      .chat = preview->place.chat,
				      .group = !preview->place.private,
				      .droppable = true };

	preview->doing = doing;
	preview->changed_ms = now_of(preview);
	preview->api = telegram_api(preview->bot, &call, fn, preview, preview->id);
}

/* What any of these calls is followed by. True: it worked, and what was to be shown is. */
static bool shown(struct preview *preview, const struct telegram_answer *answer)
{
	preview->api = 0;
	preview->doing = PREVIEW_IDLE;
	if (answer->how == TELEGRAM_OK || telegram_refused(answer, TELEGRAM_NOT_MODIFIED)) {
		free(preview->shown);
		preview->shown = preview->showing;
		preview->showing = NULL;
		return true;
	}
	preview->so_far.fresh = true;
	if (answer->how == TELEGRAM_LIMITED)
		preview->not_before_ms = now_of(preview) + answer->retry_ms;
	else if (answer->how == TELEGRAM_NOT_SENT)
		preview->not_before_ms = now_of(preview) + PREVIEW_RETRY_MS;
	return false;
}

/* ---- drafts (sheet 6.4) ---------------------------------------------------------------------------------------- */

static void drafts_off(struct preview *preview)
{
	struct telegram_previews *previews = preview->bot->previews;
	size_t i = previews->next_off++ % PREVIEW_CHATS_OFF;

	previews->off[i].chat = preview->place.chat;
	previews->off[i].until_ms = now_of(preview) + PREVIEW_DRAFTS_OFF_MS;
}

static bool has_drafts(const struct preview *preview)
{
	const struct telegram_previews *previews = preview->bot->previews;

	if (!preview->place.private || !preview->bot->has_drafts || preview->message)
		return false;
	for (size_t i = 0; i < PREVIEW_CHATS_OFF; i++)
		if (previews->off[i].chat == preview->place.chat &&
		    now_of(preview) < previews->off[i].until_ms)
			return false;
	return true;
}

static void draft_done(struct platform *bot, void *owner, uint64_t ticket,
		       const struct telegram_answer *answer)
{
	struct preview *preview = owner;

	(void)ticket;
	if (shown(preview, answer)) {
		preview->fails = 0;
	} else if (telegram_refused(answer, TELEGRAM_NO_METHOD)) {
		log_info(bot->host->log, "this server has no drafts: messages are edited instead");
		bot->has_drafts = false;
	} else if (telegram_refused(answer, TELEGRAM_CHAT_GONE)) {
		preview_leave(preview);
	} else if ((answer->how == TELEGRAM_REFUSED || answer->how == TELEGRAM_MAYBE) &&
		   ++preview->fails >= PREVIEW_DRAFT_FAILS) {
		log_debug(bot->host->log, "drafts do not work in this chat: %s", answer->why);
		drafts_off(preview);
	}
}

static void draft(struct preview *preview)
{
	uint64_t since = now_of(preview) - preview->changed_ms;
	json_t *args;

	if (preview->so_far.text.len == 0 || (preview->changed_ms && since < PREVIEW_DRAFT_MS) ||
	    (!preview->so_far.fresh && since < PREVIEW_REFRESH_MS))
		return;
	if (!render(preview) && since < PREVIEW_REFRESH_MS)
		return;
	args = arguments(preview);
	json_object_set_new(args, "draft_id", json_integer((json_int_t)(preview->id & 0x3fffffff)));
	json_object_set_new(args, "can_stop", json_true());
	if (preview->place.topic)
		json_object_set_new(args, "message_thread_id", json_integer(preview->place.topic));
	add_text(preview, args);
	call(preview, PREVIEW_DRAFTING, "sendMessageDraft", args, draft_done);
}

/* ---- a message that is edited (sheet 6.5) ------------------------------------------------------------------------ */

/* It says nothing yet: should its number be lost, no half answer stays. */
static void post_done(struct platform *bot, void *owner, uint64_t ticket,
		      const struct telegram_answer *answer)
{
	struct preview *preview = owner;
	bool worked = shown(preview, answer);
	int64_t message = worked ? json_int(answer->result, "message_id", 0) : 0;

	(void)bot;
	(void)ticket;
	if ((worked && message <= 0) || answer->how == TELEGRAM_REFUSED || answer->how == TELEGRAM_MAYBE)
		preview_leave(preview);
	preview_posted(preview, message > 0 ? message : 0);
}

static void post(struct preview *preview)
{
	const struct telegram_place *place = &preview->place;
	json_t *args;

	if (now_of(preview) - preview->first_ms < PREVIEW_WAIT_MS || preview->so_far.text.len < PREVIEW_LEAST)
		return;
	args = arguments(preview);
	json_object_set_new(args, "text", json_string(TELEGRAM_PLACEHOLDER));
	if (place->topic)
		json_object_set_new(args, "message_thread_id", json_integer(place->topic));
	if (place->group && place->message)
		json_object_set_new(args, "reply_parameters",
				    json_pack("{s:I, s:b}", "message_id", (json_int_t)place->message,
					      "allow_sending_without_reply", 1));
	free(preview->showing);
	preview->showing = mem_text(TELEGRAM_PLACEHOLDER);
	call(preview, PREVIEW_POSTING, "sendMessage", args, post_done);
	preview->so_far.fresh = true;
}

static void edit_done(struct platform *bot, void *owner, uint64_t ticket,
		      const struct telegram_answer *answer)
{
	struct preview *preview = owner;

	(void)bot;
	(void)ticket;
	if (!shown(preview, answer) && answer->how == TELEGRAM_REFUSED)
		preview_leave(preview); /* the final text finds out what it can do */
}

static void edit(struct preview *preview)
{
	unsigned pause = preview->place.private ? PREVIEW_PRIVATE_MS : PREVIEW_GROUP_MS;
	json_t *args;

	if (!preview->so_far.fresh || preview->so_far.text.len == 0 ||
	    now_of(preview) - preview->changed_ms < pause || !render(preview))
		return;
	args = arguments(preview);
	json_object_set_new(args, "message_id", json_integer(preview->message));
	json_object_set_new(args, "link_preview_options", json_pack("{s:b}", "is_disabled", 1));
	add_text(preview, args);
	call(preview, PREVIEW_EDITING, "editMessageText", args, edit_done);
}

void preview_grow(struct preview *preview)
{
	if (now_of(preview) < preview->not_before_ms)
		return;
	if (has_drafts(preview))
		draft(preview);
	else if (preview->message == 0)
		post(preview);
	else
		edit(preview);
}

/* ---- without an answer --------------------------------------------------------------------------------------------- */

static void ignore(struct platform *bot, void *owner, uint64_t ticket, const struct telegram_answer *answer)
{
	(void)bot;
	(void)owner;
	(void)ticket;
	(void)answer;
}

void preview_delete(struct platform *bot, const struct telegram_place *place, int64_t message)
{
	json_t *args = json_pack("{s:I, s:I}", "chat_id", (json_int_t)place->chat, "message_id",
				 (json_int_t)message);
	struct telegram_call call = {
		.method = "deleteMessage", .args = args, .chat = place->chat, .group = !place->private
	};

	if (message)
		telegram_api(bot, &call, ignore, NULL, 0);
	else
		json_decref(args);
}
