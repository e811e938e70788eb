/* A bounded memory of texts by key. */
#include "recent.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

struct recent *recents_find(struct recents *recents, const char *key)
{
	struct recent *recent;

	HASH_FIND_STR(recents->all, key, recent);
	return recent;
}

void recents_drop(struct recents *recents, struct recent *recent)
{
	if (recent == NULL)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself out of the table */
	HASH_DEL(recents->all, recent);
	free(recent->key);
	free(recent);
}

struct recent *recents_touch(struct recents *recents, const char *key)
{
	struct recent *recent = recents_find(recents, key);

	if (recent) {
		HASH_DEL(recents->all, recent);
	} else {
		if (HASH_COUNT(recents->all) >= recents->max)
			recents_drop(recents, recents->all);
		recent = mem_zero(1, sizeof(*recent));
		recent->key = mem_text(key);
	}
	HASH_ADD_KEYPTR(hh, recents->all, recent->key, strlen(recent->key), recent);
	return recent;
}

void recents_set(struct recent *recent, const char *text)
{
	size_t len = strnlen(text, RECENT_TEXT_MAX);

	memcpy(recent->text, text, len);
	recent->text[len] = '\0';
}

void recents_finish(struct recents *recents)
{
	struct recent *recent, *next;

	HASH_ITER (hh, recents->all, recent, next)
		recents_drop(recents, recent);
}
