/* Names as people write them: compared without case, marks and punctuation; the nearest of a list. */
#ifndef USHER_PARSE_NAMES_H
#define USHER_PARSE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Letters and digits only, folded ("Größe (m²)" and "grosse m2" are the same); "" when there are none. The caller frees. */
char *name_fold(const char *text, size_t len);

/* The one of names that is nearest to name; NULL: none is near. Looks at the first 500 only. */
const char *name_nearest(const char *name, char *const *names, size_t count);

/* A name as messages show it: the beginning of a long one, whole characters. */
struct name_shown {
	char text[44];
};
struct name_shown name_show(const char *name);

/* The character at *at, which moves behind it; -1: no valid UTF-8 there (moves by a byte). */
int32_t char_next(const char *text, int32_t *at, int32_t len);
/* The character that ends at *at, which moves to its beginning; -1 likewise. */
int32_t char_before(const char *text, int32_t *at);

/* Makes ICU load what it needs; before the sandbox. */
void names_stage(void);

#endif
