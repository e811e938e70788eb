/* Which answers are shown while they grow, since when, and what of it the final text has to replace. */
#include "mem.h"
#include "previews.h"
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { TICK_MS = 250 };

uint64_t discord_previews_now(const struct discord_previews *previews)
{
	return loop_now_ms(previews->bot->host->loop);
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static void preview_free(struct preview *preview)
{
	if (preview->call)
		discord_rest_cancel(preview->bot, preview->call);
	growing_clear(&preview->so_far);
	discord_place_finish(&preview->place);
	free(preview->uuid);
	free(preview->shown);
	free(preview->showing);
	free(preview);
}

static void preview_remove(struct preview *preview)
{
	struct discord_previews *previews = preview->bot->previews;

	DL_DELETE(previews->all, preview);
	previews->count--;
	preview_free(preview);
}

static struct preview *preview_find(const struct discord_previews *previews, const char *const *answers_to,
				    size_t count)
{
	struct preview *preview;

	DL_FOREACH (previews->all, preview)
		for (size_t i = 0; i < count; i++)
			if (strcmp(preview->uuid, answers_to[i]) == 0)
				return preview;
	return NULL;
}

bool discord_previews_shown_since(const struct discord_previews *previews, snowflake channel,
				  uint64_t since_ms)
{
	const struct preview *preview;

	DL_FOREACH (previews->all, preview)
		if (preview->spot.channel == channel && preview->shown && preview->changed_ms >= since_ms)
			return true;
	return false;
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

void discord_preview_leave(struct preview *preview)
{
	preview->left = true;
	growing_clear(&preview->so_far);
}

static void settle(struct preview *preview)
{
	const struct platform *bot = preview->bot;

	if (preview->doing != PREVIEW_IDLE)
		return;
	if (discord_previews_now(bot->previews) - preview->touched_ms > PREVIEW_FOREVER_MS)
		preview_remove(preview); /* its turn was lost, or another daemon has it */
	else if (!preview->left && !bot->dead && !bot->disabled)
		discord_preview_grow(preview);
}

static void tick(void *data)
{
	struct discord_previews *previews = data;
	struct preview *preview, *next;

	DL_FOREACH_SAFE(previews->all, preview, next)
	settle(preview);
	discord_working_tick(previews);
	previews->ticks = previews->all || previews->places;
	if (previews->ticks)
		loop_timer_start(previews->tick, TICK_MS, 0);
}

void discord_previews_wake(struct discord_previews *previews)
{
	if (!previews->ticks)
		loop_timer_start(previews->tick, TICK_MS, 0);
	previews->ticks = true;
}

/* ---- the growing answer ------------------------------------------------------------------------------------------ */

static struct preview *preview_create(struct platform *bot, const struct outgoing_part *part)
{
	struct discord_previews *previews = bot->previews;
	struct discord_place place = { 0 };
	struct preview *preview;

	if (part->offset != 0 || previews->count >= PREVIEWS_MAX || part->reply_to == NULL ||
	    !discord_place_read(part->reply_to, &place))
		return NULL;
	preview = mem_zero(1, sizeof(*preview));
	preview->id = ++previews->last_id;
	preview->bot = bot;
	preview->uuid = mem_text(part->answers_to[0]);
	discord_nonce(preview->uuid, 'p', preview->nonce);
	preview->place = place;
	preview->so_far.attempt = part->attempt;
	preview->spot = discord_remote_read(part->placeholder);
	preview->first_ms = preview->touched_ms = discord_previews_now(previews);
	DL_APPEND(previews->all, preview);
	previews->count++;
	discord_previews_wake(previews);
	return preview;
}

void discord_preview(struct platform *bot, const struct outgoing_part *part)
{
	struct preview *preview;

	if (!bot->config.preview || bot->dead || bot->disabled || part->answers_to_count == 0)
		return;
	preview = preview_find(bot->previews, part->answers_to, part->answers_to_count);
	if (preview == NULL)
		preview = preview_create(bot, part);
	if (preview == NULL || preview->left || part->attempt < preview->so_far.attempt)
		return;
	preview->touched_ms = discord_previews_now(bot->previews);
	if (!growing_take(&preview->so_far, part, PREVIEW_TEXT_MAX))
		discord_preview_leave(preview);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

void discord_preview_posted(struct preview *preview)
{
	struct platform *bot = preview->bot;
	discord_preview_fn *end = preview->end;
	char *remote_id;

	preview->end = NULL;
	if (preview->unwanted) {
		discord_delete_message(bot, preview->spot);
		preview_remove(preview);
		return;
	}
	if (preview->spot.message) {
		remote_id = discord_remote_id(preview->spot);
		bot->host->placed(bot->host, preview->uuid, remote_id);
		free(remote_id);
	}
	if (end)
		end(bot, preview->end_owner, preview->end_ticket, preview->spot);
}

/* What was posted has no number yet, but may stand there: true, it will tell. */
static bool finds_out(struct preview *preview)
{
	uint64_t age = discord_previews_now(preview->bot->previews) - preview->posted_ms;

	if (preview->doing == PREVIEW_IDLE && preview->unsure && age <= PREVIEW_NONCE_MS)
		preview_post(preview);
	return preview->doing == PREVIEW_POSTING;
}

void discord_preview_end(struct platform *bot, const struct outgoing *out, discord_preview_fn *done,
			 void *owner, uint64_t ticket)
{
	struct preview *preview = preview_find(bot->previews, out->answers_to, out->answers_to_count);
	struct discord_spot spot = { 0 };

	if (preview)
		discord_preview_leave(preview);
	if (preview && finds_out(preview)) {
		preview->end = done;
		preview->end_owner = owner;
		preview->end_ticket = ticket;
		return;
	}
	if (preview)
		spot = preview->spot;
	if (spot.message == 0)
		spot = discord_remote_read(out->placeholder);
	done(bot, owner, ticket, spot);
}

void discord_preview_forget(struct platform *bot, const char *const *answers_to, size_t count)
{
	struct preview *preview = preview_find(bot->previews, answers_to, count);

	if (preview == NULL)
		return;
	if (preview->doing == PREVIEW_POSTING) { /* nobody asked what stands for the answer: nothing shall */
		discord_preview_leave(preview);
		preview->unwanted = true;
	} else {
		preview_remove(preview);
	}
}

/* What was asked by a command is refused without a word, or stopped before anything was shown: the platform would go on
 * saying that we think about it. */
static void drop_thinking(struct platform *bot, const struct outgoing *out)
{
	struct discord_place place = { 0 };

	if (out->reply_to == NULL || !discord_place_read(out->reply_to, &place))
		return;
	if (discord_token_lives(bot, &place))
		discord_delete_original(bot, &place);
	discord_place_finish(&place);
}

/* No answer follows: what was shown of it must not stay as if one did. */
static void preview_drop(struct platform *bot, const struct outgoing *out)
{
	struct preview *preview = preview_find(bot->previews, out->answers_to, out->answers_to_count);

	if (preview && preview->doing != PREVIEW_POSTING) {
		discord_delete_message(bot, preview->spot);
		if (discord_token_lives(bot, &preview->place))
			discord_delete_original(bot, &preview->place);
	}
	if (preview == NULL)
		drop_thinking(bot, out);
	discord_preview_forget(bot, out->answers_to, out->answers_to_count);
}

void discord_working_end(struct platform *bot, const struct outgoing *out)
{
	if (out->text == NULL)
		preview_drop(bot, out);
	for (size_t i = 0; i < out->answers_to_count; i++)
		discord_working_drop(bot->previews, out->answers_to[i]);
}

struct discord_previews *discord_previews_create(struct platform *bot)
{
	struct discord_previews *previews = mem_zero(1, sizeof(*previews));

	previews->bot = bot;
	previews->tick = loop_timer_create(bot->host->loop, tick, previews);
	return previews;
}

void discord_previews_destroy(struct discord_previews *previews)
{
	struct preview *preview, *next;

	if (previews == NULL)
		return;
	DL_FOREACH_SAFE(previews->all, preview, next)
	preview_free(preview);
	discord_working_clear(previews);
	loop_timer_destroy(previews->tick);
	free(previews);
}
