/* Makes JSON readable whose writer broke characters: models emit half emoji when they stop in the middle of
 * one. */
#include "mem.h"
#include "reply.h"
#include "text.h"
#include <stdlib.h>
#include <string.h>

/* The value of \uXXXX at this place, -1 when there is none. */
static int escape_at(const char *text, size_t left)
{
	int value = 0;

	if (left < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = text_hex_digit(text[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static bool is_high(int c)
{
	return c >= 0xd800 && c < 0xdc00;
}

static bool is_low(int c)
{
	return c >= 0xdc00 && c < 0xe000;
}

static void replace(char digits[4])
{
	static const char replacement[4] = { 'f', 'f', 'f', 'd' };

	memcpy(digits, replacement, sizeof(replacement));
}

char *reply_repair(const char *text, size_t len)
{
	char *fixed = text_repair(text, len);
	size_t size = strlen(fixed), i = 0;

	while (i < size) {
		int code = escape_at(fixed + i, size - i);

		if (fixed[i] != '\\') {
			i++;
		} else if (code < 0) {
			i += 2; /* another escape, its second character means nothing by itself */
		} else if (is_high(code) &&
			   is_low(escape_at(fixed + i + 6, size - i < 6 ? 0 : size - i - 6))) {
			i += 12;
		} else {
			if (code == 0 || is_high(code) || is_low(code))
				replace(fixed + i + 2);
			i += 6;
		}
	}
	return fixed;
}
