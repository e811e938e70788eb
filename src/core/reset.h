/* When a conversation is over by itself: the next message at its place begins a new one. Pure. */
#ifndef USHER_CORE_RESET_H
#define USHER_CORE_RESET_H

#include <stdint.h>

/* Those that were quiet since before this are over (Unix milliseconds); 0: none is. idle_ms: 0 never; minute: of the day in
 * local time, -1 never. */
int64_t reset_before(int64_t now_ms, int64_t idle_ms, int minute);

#endif
