/* Wall and monotonic time. */
#include "clock.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SECONDS_DIGITS = 12 };

int64_t clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t clock_mono_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

char *clock_text(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	int ms = (int)(wall_ms % 1000);
	struct tm parts;
	size_t len;

	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	gmtime_r(&seconds, &parts);
	len = strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(out + len, CLOCK_TEXT_SIZE - len, ".%03dZ", ms);
	return out;
}

bool clock_read_seconds(const char *text, int64_t *seconds_out)
{
	size_t len = strlen(text);
	int64_t seconds = 0;

	if (len == 0 || len > SECONDS_DIGITS || strspn(text, "0123456789") != len)
		return false;
	for (size_t i = 0; i < len; i++)
		seconds = seconds * 10 + (text[i] - '0');
	*seconds_out = seconds;
	return true;
}
