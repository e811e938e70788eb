/* Texts on their way to be durable, and who waits for them. */
#include "discord_room.h"
#include "mem.h"
#include <stdlib.h>
#include <utlist.h>

struct discord_note {
	uint64_t ticket;
	discord_remembered_fn *fn;
	void *owner;
	struct discord_note *prev, *next;
};

static void drop(struct platform *bot, struct discord_note *note)
{
	DL_DELETE(bot->notes, note);
	free(note);
}

void discord_remember(struct platform *bot, const char *name, const char *text, discord_remembered_fn *fn,
		      void *owner)
{
	struct discord_note *note = mem_zero(1, sizeof(*note));
	uint64_t ticket = discord_ticket(bot);

	*note = (struct discord_note){ .ticket = ticket, .fn = fn, .owner = owner };
	DL_APPEND(bot->notes, note);
	bot->host->remember(bot->host, name, text, ticket);
}

void discord_notes_forget(struct platform *bot, void *owner)
{
	struct discord_note *note, *next;

	DL_FOREACH_SAFE(bot->notes, note, next)
	{
		if (note->owner == owner)
			drop(bot, note);
	}
}

void discord_remembered(struct platform *bot, uint64_t ticket, const struct err *err)
{
	struct discord_note *note, found;

	DL_SEARCH_SCALAR(bot->notes, note, ticket, ticket);
	if (note == NULL)
		return; /* its owner is gone */
	found = *note;
	drop(bot, note);
	if (found.fn != NULL)
		found.fn(bot, found.owner, err);
}
