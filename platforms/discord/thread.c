/* Threads that are opened for answers: a thread made from a message has that message's id, so that opening it again finds
 * it (sheet 17, 19). */
#include "mem.h"
#include "sending.h"
#include <inttypes.h>
#include <stdlib.h>

static size_t find(const struct discord_sends *sends, snowflake message)
{
	size_t i = 0;

	while (i < SENDS_THREADS && sends->threads[i].message != message)
		i++;
	return i;
}

static void note(struct discord_sends *sends, const struct discord_place *place, snowflake channel)
{
	size_t i = find(sends, place->message);

	if (i == SENDS_THREADS)
		i = sends->next_thread++ % SENDS_THREADS;
	sends->threads[i] = (struct discord_thread){ place->message, channel };
}

snowflake discord_thread_known(const struct discord_sends *sends, const struct discord_place *place)
{
	size_t i;

	if (!place->open_thread || place->message == 0)
		return place->channel;
	i = find(sends, place->message);
	return i < SENDS_THREADS ? sends->threads[i].channel : 0;
}

uint64_t discord_thread_open(struct platform *bot, const struct discord_place *place, bool droppable,
			     discord_rest_fn *fn, void *owner, uint64_t ticket)
{
	char *path = mem_format("/channels/%" PRIu64 "/messages/%" PRIu64 "/threads", place->channel,
				place->message);
	struct discord_call call = { .method = "POST",
				     .path = path,
				     .args = json_pack("{s:s}", "name",
						       place->thread_name[0] ? place->thread_name : "…"),
				     .droppable = droppable };
	uint64_t id = discord_rest(bot, &call, fn, owner, ticket);

	free(path);
	return id;
}

void discord_thread_lost(struct platform *bot, const struct discord_place *place)
{
	note(bot->sends, place, place->channel);
}

snowflake discord_thread_opened(struct platform *bot, const struct discord_place *place,
				const struct discord_answer *answer)
{
	if (answer->how == DISCORD_OK || discord_refused(answer, DISCORD_THREAD_EXISTS)) {
		note(bot->sends, place, place->message);
		discord_follow(bot->places, place->message);
		return place->message;
	}
	if (answer->how != DISCORD_REFUSED || answer->refusal == DISCORD_WAIT)
		return 0;
	log_info(bot->host->log, "no thread can be opened (%s): the answer goes to the channel", answer->why);
	discord_thread_lost(bot, place);
	return place->channel;
}
