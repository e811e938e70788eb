/* Answers while they grow, and who waits for them. */
#include "growing.h"
#include "mem.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

bool growing_take(struct growing *growing, const struct outgoing_part *part, size_t most)
{
	size_t room;

	if (part->attempt < growing->attempt)
		return true;
	if (part->attempt > growing->attempt) {
		growing->attempt = part->attempt;
		growing->received = 0;
		buf_clear(&growing->text);
	}
	if (part->offset != growing->received)
		return false;
	room = growing->text.len < most ? most - growing->text.len : 0;
	growing->received += part->len;
	growing->fresh |= room > 0 && part->len > 0;
	buf_add(&growing->text, part->text, part->len < room ? part->len : room);
	return true;
}

char *growing_first(struct growing *growing, struct platform *platform,
		    size_t (*split)(struct platform *platform, const char *text, char ***texts_out))
{
	const char *text = buf_str(&growing->text);
	char *so_far = mem_text_n(text, text_whole(text, growing->text.len)), **texts = NULL, *first;
	size_t count = split(platform, so_far, &texts);

	first = texts[0];
	for (size_t i = 1; i < count; i++)
		free(texts[i]);
	free(texts);
	free(so_far);
	growing->fresh = false;
	return first;
}

void growing_clear(struct growing *growing)
{
	buf_free(&growing->text);
}

static size_t index_of(const struct waiters *waiters, const char *uuid)
{
	size_t i = 0;

	while (i < waiters->count && strcmp(waiters->uuids[i], uuid) != 0)
		i++;
	return i;
}

void waiters_add(struct waiters *waiters, const char *uuid)
{
	size_t len = strlen(uuid);

	if (waiters->count < WAITERS_MAX && len < MESSAGE_UUID_SIZE &&
	    index_of(waiters, uuid) == waiters->count)
		memcpy(waiters->uuids[waiters->count++], uuid, len + 1);
}

void waiters_drop(struct waiters *waiters, const char *uuid)
{
	size_t i = index_of(waiters, uuid);

	if (i == waiters->count)
		return;
	waiters->count--;
	memmove(waiters->uuids[i], waiters->uuids[waiters->count], sizeof(waiters->uuids[i]));
}
