/* The moment before which a conversation that fell silent counts as over. */
#include "reset.h"
#include <time.h>

/* The last time the clock on the wall showed this minute. mktime knows the days of 23 and 25 hours. */
static int64_t last_time(int64_t now_ms, int minute)
{
	time_t now = (time_t)(now_ms / 1000), then;
	struct tm day;

	localtime_r(&now, &day);
	day.tm_hour = minute / 60;
	day.tm_min = minute % 60;
	day.tm_sec = 0;
	day.tm_isdst = -1;
	then = mktime(&day);
	if (then > now) {
		day.tm_mday--;
		day.tm_hour = minute / 60;
		day.tm_min = minute % 60;
		day.tm_isdst = -1;
		then = mktime(&day);
	}
	return (int64_t)then * 1000;
}

int64_t reset_before(int64_t now_ms, int64_t idle_ms, int minute)
{
	int64_t idle = idle_ms > 0 ? now_ms - idle_ms : 0,
		daily = minute >= 0 ? last_time(now_ms, minute) : 0;

	return idle > daily ? idle : daily;
}
