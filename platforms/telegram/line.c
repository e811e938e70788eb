/* Keeps the order of each chat and knows up to which update everything is taken: what lies below the cursor is never
 * asked for again, so nothing that is still under way may be below it (pitfall 1). */
#include "inbound.h"
#include "mem.h"
#include <inttypes.h>
#include <stdlib.h>
#include <utlist.h>

enum { AGAIN_MS = 10 * 60 * 1000 /* nobody handed it over again in that time: it will not come */ };

/* ---- what must come again ------------------------------------------------------------------------------------- */

/* With webhooks each chat is sent in order by the other side, and no position is kept. */
static bool polls(const struct telegram_inbound *inbound)
{
	return inbound->bot->config.transport == TELEGRAM_POLL;
}

void telegram_line_again(struct telegram_inbound *inbound, int64_t chat, int64_t update_id)
{
	struct telegram_again *again;

	if (!polls(inbound) || update_id < 0)
		return;
	HASH_FIND(hh, inbound->again, &update_id, sizeof(update_id), again);
	if (again == NULL) {
		again = mem_zero(1, sizeof(*again));
		again->update_id = update_id;
		HASH_ADD(hh, inbound->again, update_id, sizeof(again->update_id), again);
	}
	again->chat = chat;
	again->until_ms = loop_now_ms(inbound->bot->host->loop) + AGAIN_MS;
}

bool telegram_line_blocked(struct telegram_inbound *inbound, int64_t chat, int64_t update_id)
{
	uint64_t now = loop_now_ms(inbound->bot->host->loop);
	struct telegram_again *again, *next;
	bool blocked = false;

	HASH_ITER (hh, inbound->again, again, next) {
		if (again->update_id == update_id || again->until_ms < now) {
			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
			HASH_DEL(inbound->again, again);
			free(again);
		} else if (again->chat == chat && again->update_id < update_id) {
			blocked = true;
		}
	}
	return blocked;
}

/* ---- the cursor ------------------------------------------------------------------------------------------------- */

/* The lowest update, other than its own, that is not taken yet. */
static int64_t lowest_open(const struct telegram_arrival *self)
{
	struct telegram_inbound *inbound = self->bot->inbound;
	const struct telegram_arrival *arrival;
	struct telegram_again *again, *next;
	int64_t lowest = INT64_MAX;

	DL_FOREACH (inbound->open, arrival) {
		if (arrival != self && arrival->update_id < lowest)
			lowest = arrival->update_id;
	}
	HASH_ITER (hh, inbound->again, again, next)
		if (again->update_id < lowest)
			lowest = again->update_id;
	return lowest;
}

static void set_cursor(struct telegram_arrival *arrival)
{
	int64_t lowest, position = arrival->update_id;

	arrival->in.cursor_scope = arrival->in.cursor = NULL;
	if (arrival->album) { /* the position of updates follows with the next one */
		arrival->in.cursor_scope =
			arena_format(arrival->arena, TELEGRAM_ALBUM_CURSOR "%" PRId64, arrival->chat);
		arrival->in.cursor = arrival->album;
		return;
	}
	if (!polls(arrival->bot->inbound))
		return;
	lowest = lowest_open(arrival);
	if (lowest < position)
		position = lowest - 1;
	if (position < 0)
		return;
	arrival->in.cursor_scope = "updates";
	arrival->in.cursor = arena_format(arrival->arena, "%" PRId64, position);
}

/* ---- lines -------------------------------------------------------------------------------------------------------- */

void telegram_hand_over(struct telegram_arrival *arrival)
{
	struct platform *bot = arrival->bot;

	set_cursor(arrival);
	arrival->in.receipt = telegram_ticket(bot);
	arrival->step = TELEGRAM_STEP_MESSAGE;
	arrival->owed = true;
	HASH_ADD(hh, bot->inbound->owed, in.receipt, sizeof(arrival->in.receipt), arrival);
	bot->host->incoming(bot->host, &arrival->in);
}

/* The head goes when it is not gone already. */
static void advance(struct telegram_line *line)
{
	struct telegram_arrival *head = line->head;
	const struct platform *bot = head->bot;

	if (head->owed)
		return;
	if (bot->stopping || bot->disabled || bot->dead)
		telegram_arrival_end(head, TELEGRAM_LATER, 0);
	else
		telegram_hand_over(head);
}

static struct telegram_line *find(struct telegram_inbound *inbound, int64_t chat)
{
	struct telegram_line *line;

	HASH_FIND(hh, inbound->lines, &chat, sizeof(chat), line);
	return line;
}

void telegram_chat_advance(struct telegram_inbound *inbound, int64_t chat)
{
	struct telegram_line *line = find(inbound, chat);

	if (line)
		advance(line);
}

void telegram_line_up(struct telegram_arrival *arrival)
{
	struct telegram_inbound *inbound = arrival->bot->inbound;
	struct telegram_line *line = find(inbound, arrival->chat);

	if (line == NULL) {
		line = mem_zero(1, sizeof(*line));
		line->chat = arrival->chat;
		HASH_ADD(hh, inbound->lines, chat, sizeof(line->chat), line);
	}
	arrival->line = line;
	LL_APPEND2(line->head, arrival, behind);
	telegram_chat_advance(inbound, arrival->chat);
}

void telegram_line_leave(struct telegram_arrival *arrival)
{
	struct telegram_inbound *inbound = arrival->bot->inbound;
	struct telegram_line *line = arrival->line;

	if (line == NULL)
		return;
	LL_DELETE2(line->head, arrival, behind);
	arrival->line = NULL;
	arrival->behind = NULL;
	if (line->head)
		return;
	HASH_DEL(inbound->lines, line);
	free(line);
}
