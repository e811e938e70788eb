/* Memory: running out ends the program, here and nowhere else. What strangers send is bounded before it gets here. */
#ifndef USHER_MEM_H
#define USHER_MEM_H

#include <stddef.h>

/* As malloc and friends, never NULL. The caller frees with free(). Any thread. */
void *mem_alloc(size_t size);				/* not cleared */
void *mem_zero(size_t count, size_t size);		/* cleared */
void *mem_resize(void *old, size_t count, size_t size); /* checked for overflow */
void *mem_copy(const void *data, size_t size);
char *mem_text(const char *text);		/* NULL gives NULL */
char *mem_text_n(const char *text, size_t len); /* adds the NUL */
char *mem_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An object whose parts are freed together: for answers that cross threads and for decoded messages. */
struct arena;
struct arena *arena_create(void);
void *arena_alloc(struct arena *arena, size_t size);	 /* cleared, aligned for any type */
char *arena_text(struct arena *arena, const char *text); /* NULL gives NULL */
char *arena_text_n(struct arena *arena, const char *text, size_t len);
char *arena_format(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for one more in an array of `count` items of `size` bytes: the same array, or a larger copy when *space, how many fit, is
 * reached. An array begins as NULL with count and *space 0; what it leaves behind goes with the arena. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t *space, size_t size);
size_t arena_size(const struct arena *arena); /* bytes taken from the heap */
void arena_destroy(struct arena *arena);      /* takes NULL */

#endif
