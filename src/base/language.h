/* Which language a text is written in, by CLD2. Pure; any thread. */
#ifndef USHER_LANGUAGE_H
#define USHER_LANGUAGE_H

#include <stddef.h>

enum { LANGUAGE_BYTES_MAX = 1024 }; /* that are looked at: the beginning says it */

/* The code (ISO 639-1, or "zh-Hant" and the like: BCP 47), static; NULL when it can't be told: too short, mixed, no
 * language. text must be UTF-8. How often it is right on short chat messages: docs/sources.md. */
const char *language_of(const char *text, size_t len);

#endif
