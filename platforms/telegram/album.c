/* Photos and files that were sent as one come as a message each, the words with one of them (sheet 5.3): they are
 * collected for a moment and handed over together. */
#include "inbound.h"
#include "mem.h"
#include <string.h>
#include <utlist.h>

enum {
	ALBUM_MS = 1000,
	ALBUM_MAX = 10, /* parts of an album; then it is complete (sheet 6.9) */
	SWEEP_MS = 100,
};

void telegram_album_begin(struct telegram_arrival *arrival, const char *album)
{
	struct platform *bot = arrival->bot;

	arrival->album = arena_text(arrival->arena, album);
	arrival->until_ms = loop_now_ms(bot->host->loop) + ALBUM_MS;
	arrival->messages[arrival->message_count++] = arrival->place.message;
	loop_timer_start(bot->inbound->sweep, SWEEP_MS, SWEEP_MS);
}

bool telegram_album_complete(const struct telegram_arrival *arrival)
{
	const struct platform *bot = arrival->bot;

	return arrival->message_count >= ALBUM_MAX || bot->stopping || bot->disabled ||
	       loop_now_ms(bot->host->loop) >= arrival->until_ms;
}

static bool has_part(const struct telegram_arrival *album, int64_t message)
{
	for (size_t i = 0; i < album->message_count; i++)
		if (album->messages[i] == message)
			return true;
	return false;
}

/* One that collects, or one that has this part already. */
struct telegram_arrival *telegram_album_of(const struct telegram_arrival *part)
{
	struct telegram_arrival *arrival;

	DL_FOREACH (part->bot->inbound->open, arrival) {
		bool collects = arrival->album && strcmp(arrival->album, part->album) == 0;

		if (arrival != part && arrival->chat == part->chat &&
		    (collects || has_part(arrival, part->place.message)))
			return arrival;
	}
	return NULL;
}

/* The part with the words is the one that is answered, and the one that is meant when they are edited. */
static void take_words(struct telegram_arrival *album, const struct telegram_arrival *part)
{
	const char *had = album->in.text, *text = part->in.text;

	if (text == NULL || *text == '\0')
		return;
	if (had && *had) {
		album->in.text = arena_format(album->arena, "%s\n%s", had, text);
		return;
	}
	album->in.text = arena_text(album->arena, text);
	album->in.semantic_key = arena_text(album->arena, part->in.semantic_key);
	album->in.reply_to = arena_text(album->arena, part->in.reply_to);
	album->in.flags |= part->in.flags;
	album->place = part->place;
}

static void take_files(struct telegram_arrival *album, const struct telegram_arrival *part)
{
	for (size_t i = 0; i < part->in.file_count && album->in.file_count < MESSAGE_FILES_MAX; i++) {
		const struct message_file *file = &part->in.files[i];

		album->files[album->in.file_count++] =
			(struct message_file){ .url = arena_text(album->arena, file->url),
					       .name = arena_text(album->arena, file->name),
					       .mime = arena_text(album->arena, file->mime),
					       .size = file->size };
	}
	album->in.files = album->files;
}

/* A part that comes a second time adds only who is to be told. */
void telegram_album_add(struct telegram_arrival *album, struct telegram_arrival *part)
{
	LL_CONCAT(album->takers, part->takers);
	part->takers = NULL;
	if (part->first < album->first)
		album->first = part->first;
	if (part->last > album->last)
		album->last = part->last;
	if (has_part(album, part->place.message))
		return;
	if (album->message_count < MESSAGE_FILES_MAX)
		album->messages[album->message_count++] = part->place.message;
	album->until_ms = part->until_ms; /* more may come */
	album->unaddressed = album->unaddressed && part->unaddressed;
	take_words(album, part);
	take_files(album, part);
}
