/* Which answers are shown while they grow, since when, and what of it the final text has to replace. */
#include "mem.h"
#include "previews.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { TICK_MS = 250 };

uint64_t previews_now(const struct telegram_previews *previews)
{
	return loop_now_ms(previews->bot->host->loop);
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static void preview_free(struct preview *preview)
{
	if (preview->api)
		telegram_api_cancel(preview->bot, preview->api);
	growing_clear(&preview->so_far);
	free(preview->uuid);
	free(preview->shown);
	free(preview->showing);
	free(preview);
}

static void preview_remove(struct preview *preview)
{
	struct telegram_previews *previews = preview->bot->previews;

	DL_DELETE(previews->all, preview);
	previews->count--;
	preview_free(preview);
}

static struct preview *preview_find(const struct telegram_previews *previews, const char *const *answers_to,
				    size_t count)
{
	struct preview *preview;

	DL_FOREACH (previews->all, preview)
		for (size_t i = 0; i < count; i++)
			if (strcmp(preview->uuid, answers_to[i]) == 0)
				return preview;
	return NULL;
}

bool previews_shown_since(const struct telegram_previews *previews, const struct telegram_place *place,
			  uint64_t since_ms)
{
	const struct preview *preview;

	DL_FOREACH (previews->all, preview)
		if (preview->place.chat == place->chat && preview->place.topic == place->topic &&
		    preview->shown && preview->changed_ms >= since_ms)
			return true;
	return false;
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

void preview_leave(struct preview *preview)
{
	preview->left = true;
	growing_clear(&preview->so_far);
}

static void tick(void *data)
{
	struct telegram_previews *previews = data;
	struct preview *preview, *next;

	DL_FOREACH_SAFE(previews->all, preview, next)
	{
		if (preview->doing != PREVIEW_IDLE)
			continue;
		if (previews_now(previews) - preview->touched_ms > PREVIEW_FOREVER_MS)
			preview_remove(preview); /* its turn was lost, or another daemon has it */
		else if (!preview->left && !previews->bot->dead && !previews->bot->disabled)
			preview_grow(preview);
	}
	working_tick(previews);
	previews->ticks = previews->all || previews->places;
	if (previews->ticks)
		loop_timer_start(previews->tick, TICK_MS, 0);
}

void previews_wake(struct telegram_previews *previews)
{
	if (!previews->ticks)
		loop_timer_start(previews->tick, TICK_MS, 0);
	previews->ticks = true;
}

/* ---- the growing answer ------------------------------------------------------------------------------------------ */

/* remote_id: as we gave it to host->placed, or NULL. Messages of a group that moved are not carried over. */
static int64_t message_of(const char *remote_id, const struct telegram_place *place)
{
	int64_t chat, message;

	return telegram_remote_read(remote_id, &chat, &message) && chat == place->chat ? message : 0;
}

static struct preview *preview_create(struct platform *bot, const struct outgoing_part *part)
{
	struct telegram_previews *previews = bot->previews;
	struct telegram_place place;
	struct preview *preview;

	if (part->offset != 0 || previews->count >= PREVIEWS_MAX ||
	    !telegram_place_read(part->reply_to, &place))
		return NULL;
	preview = mem_zero(1, sizeof(*preview));
	preview->id = ++previews->last_id;
	preview->bot = bot;
	preview->uuid = mem_text(part->answers_to[0]);
	preview->place = place;
	preview->so_far.attempt = part->attempt;
	preview->message = message_of(part->placeholder, &place);
	preview->first_ms = preview->touched_ms = previews_now(previews);
	DL_APPEND(previews->all, preview);
	previews->count++;
	previews_wake(previews);
	return preview;
}

void telegram_preview(struct platform *bot, const struct outgoing_part *part)
{
	struct preview *preview;

	if (!bot->config.preview || bot->dead || bot->disabled || part->answers_to_count == 0)
		return;
	preview = preview_find(bot->previews, part->answers_to, part->answers_to_count);
	if (preview == NULL)
		preview = preview_create(bot, part);
	if (preview == NULL || part->attempt < preview->so_far.attempt || preview->left)
		return;
	preview->touched_ms = previews_now(bot->previews);
	if (!growing_take(&preview->so_far, part, PREVIEW_TEXT_MAX))
		preview_leave(preview);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

void preview_posted(struct preview *preview, int64_t message)
{
	struct platform_host *host = preview->bot->host;
	telegram_preview_fn *end = preview->end;
	char *remote_id;

	preview->message = message;
	preview->end = NULL;
	if (preview->unwanted) {
		preview_delete(preview->bot, &preview->place, message);
		preview_remove(preview);
		return;
	}
	if (message) {
		remote_id = telegram_remote_id(preview->place.chat, message);
		host->placed(host, preview->uuid, remote_id);
		free(remote_id);
	}
	if (end)
		end(preview->bot, preview->end_owner, preview->end_ticket, message);
}

void telegram_preview_end(struct platform *bot, const struct outgoing *out, telegram_preview_fn *done,
			  void *owner, uint64_t ticket)
{
	struct preview *preview = preview_find(bot->previews, out->answers_to, out->answers_to_count);
	struct telegram_place place;
	int64_t message = 0;

	if (preview)
		preview_leave(preview);
	if (preview && preview->doing == PREVIEW_POSTING) {
		preview->end = done;
		preview->end_owner = owner;
		preview->end_ticket = ticket;
		return;
	}
	if (preview)
		message = preview->message;
	if (message == 0 && telegram_place_read(out->reply_to, &place))
		message = message_of(out->placeholder, &place);
	done(bot, owner, ticket, message);
}

void telegram_preview_forget(struct platform *bot, const char *const *answers_to, size_t count)
{
	struct preview *preview = preview_find(bot->previews, answers_to, count);

	if (preview == NULL)
		return;
	if (preview->doing == PREVIEW_POSTING) { /* nobody asked what stands for the answer: nothing shall */
		preview_leave(preview);
		preview->unwanted = true;
	} else {
		preview_remove(preview);
	}
}

/* No answer follows: what was shown of it must not stay as if one did. */
static void preview_drop(struct platform *bot, const struct outgoing *out)
{
	struct preview *preview = preview_find(bot->previews, out->answers_to, out->answers_to_count);

	if (preview && preview->doing != PREVIEW_POSTING)
		preview_delete(bot, &preview->place, preview->message);
	telegram_preview_forget(bot, out->answers_to, out->answers_to_count);
}

void telegram_working_end(struct platform *bot, const struct outgoing *out)
{
	if (out->text == NULL)
		preview_drop(bot, out);
	for (size_t i = 0; i < out->answers_to_count; i++)
		working_drop(bot->previews, out->answers_to[i]);
}

struct telegram_previews *telegram_previews_create(struct platform *bot)
{
	struct telegram_previews *previews = mem_zero(1, sizeof(*previews));

	previews->bot = bot;
	previews->tick = loop_timer_create(bot->host->loop, tick, previews);
	return previews;
}

void telegram_previews_destroy(struct telegram_previews *previews)
{
	struct preview *preview, *next;

	if (previews == NULL)
		return;
	DL_FOREACH_SAFE(previews->all, preview, next)
	preview_free(preview);
	working_clear(previews);
	loop_timer_destroy(previews->tick);
	free(previews);
}
