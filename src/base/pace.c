/* Rates and pauses of calls. */
#include "pace.h"

uint64_t pace_wait(const struct pace *pace, uint64_t now_ms, unsigned ahead)
{
	int64_t now = (int64_t)now_ms, start = now > pace->paused_until ? now : pace->paused_until;
	int64_t due = pace->due > start ? pace->due : start;
	int64_t room = (int64_t)(pace->burst - 1) * pace->interval_ms;
	int64_t at = due + (int64_t)ahead * pace->interval_ms - room;

	if (at < start)
		at = start;
	return (uint64_t)(at - now);
}

void pace_take(struct pace *pace, uint64_t now_ms)
{
	int64_t now = (int64_t)now_ms;

	pace->due = (pace->due > now ? pace->due : now) + pace->interval_ms;
}

void pace_pause(struct pace *pace, uint64_t now_ms, uint64_t ms)
{
	int64_t until = (int64_t)(now_ms + ms);

	if (until > pace->paused_until)
		pace->paused_until = until;
}

bool pace_rested(const struct pace *pace, uint64_t now_ms)
{
	return pace->due <= (int64_t)now_ms && pace->paused_until <= (int64_t)now_ms;
}
