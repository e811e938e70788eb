/* The two clocks: wall time for people and signatures, monotonic time for waiting. Any thread. */
#ifndef USHER_CLOCK_H
#define USHER_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLOCK_TEXT_SIZE = 25 }; /* "2026-01-02T03:04:05.678Z" with its NUL */

int64_t clock_wall_ms(void);  /* Unix milliseconds, UTC */
uint64_t clock_mono_ms(void); /* CLOCK_BOOTTIME */
uint64_t clock_mono_us(void);

/* ISO 8601 with milliseconds, as stored in the database. Returns out. */
char *clock_text(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

/* Unix seconds as a header says them: at most 12 digits and nothing else. What strtol would forgive (space, sign,
 * trailing text) is refused: such headers are signed as text. */
bool clock_read_seconds(const char *text, int64_t *seconds_out);

#endif
