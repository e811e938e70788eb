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

static char *put_digits(char *out, unsigned value, int count)
{
	for (int i = count - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	return out + count;
}

/* By hand: every message writes some twenty of them, and strftime costs ten times as much. */
char *clock_text(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
	const unsigned ms = (unsigned)((wall_ms % 1000 + 1000) % 1000);
	time_t seconds = (time_t)((wall_ms - ms) / 1000);
	const char marks[] = "--T::.";
	struct tm parts;
	char *at;

	gmtime_r(&seconds, &parts);
	const unsigned numbers[] = { (unsigned)parts.tm_mon + 1, (unsigned)parts.tm_mday,
				     (unsigned)parts.tm_hour, (unsigned)parts.tm_min,
				     (unsigned)parts.tm_sec };
	at = put_digits(out, (unsigned)(parts.tm_year + 1900), 4);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		*at++ = marks[i];
		at = put_digits(at, numbers[i], 2);
	}
	*at++ = marks[5];
	at = put_digits(at, ms, 3);
	*at++ = 'Z';
	*at = '\0';
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
