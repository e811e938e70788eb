/* Memory that never fails: a daemon without memory stops and is restarted from what is on disk. */
#include "mem.h"
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 1008 }; /* with its header one kilobyte: most answers need one or two */

struct block {
	struct block *next;
	size_t size, used;
	max_align_t data[];
};

struct arena {
	struct block *blocks;
	size_t total;
};

static void *or_die(void *memory)
{
	if (memory == NULL) {
		fputs("usher: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *mem_alloc(size_t size)
{
	return or_die(malloc(size ? size : 1));
}

void *mem_zero(size_t count, size_t size)
{
	return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize(void *old, size_t count, size_t size)
{
	return or_die(reallocarray(old, count ? count : 1, size ? size : 1));
}

void *mem_copy(const void *data, size_t size)
{
	void *copy = mem_alloc(size);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *mem_text(const char *text)
{
	return text ? mem_copy(text, strlen(text) + 1) : NULL;
}

char *mem_text_n(const char *text, size_t len)
{
	char *copy = mem_alloc(len + 1);

	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *mem_format(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	return or_die(text);
}

struct arena *arena_create(void)
{
	return mem_zero(1, sizeof(struct arena));
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->blocks;
	size_t need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	void *place;

	if (need < size)
		or_die(NULL);
	if (block == NULL || block->size - block->used < need) {
		size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;

		block = mem_alloc(sizeof(*block) + room);
		*block = (struct block){ .next = arena->blocks, .size = room };
		arena->blocks = block;
		arena->total += sizeof(*block) + room;
	}
	place = (char *)block->data + block->used;
	block->used += need;
	return memset(place, 0, size);
}

char *arena_text_n(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len)
		memcpy(copy, text, len);
	return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
	return text ? arena_text_n(arena, text, strlen(text)) : NULL;
}

/* Written once and copied: measuring a long text by writing it nowhere costs ten times as much. */
char *arena_format(struct arena *arena, const char *fmt, ...)
{
	char *text, *copy;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	or_die(len < 0 ? NULL : text);
	copy = arena_text_n(arena, text, (size_t)len);
	free(text);
	return copy;
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t *space, size_t size)
{
	void *more;

	if (count < *space)
		return items;
	*space = *space * 2 + 16;
	more = arena_alloc(arena, *space * size);
	if (count)
		memcpy(more, items, count * size);
	return more;
}

size_t arena_size(const struct arena *arena)
{
	return arena->total;
}

void arena_destroy(struct arena *arena)
{
	if (arena == NULL)
		return;
	while (arena->blocks) {
		struct block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	free(arena);
}
