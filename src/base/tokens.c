/* Counts bytes of both kinds; see tokens.h. */
#include "tokens.h"
#include <stddef.h>
#include <string.h>

enum { WORD = sizeof(uint64_t) };

/* Bytes that are not ASCII, eight at a time: every request weighs the whole history. */
static size_t beyond_ascii(const char *text, size_t len)
{
	static const uint64_t each = 0x0101010101010101;
	size_t count = 0, i = 0;

	for (; i + WORD <= len; i += WORD) {
		uint64_t word;

		memcpy(&word, text + i, WORD);
		/* The product adds all bytes up in its highest one. */
		count += (size_t)(((word >> 7) & each) * each >> 56);
	}
	for (; i < len; i++)
		count += (unsigned char)text[i] >> 7;
	return count;
}

int64_t tokens_of(const char *text)
{
	size_t len = text ? strlen(text) : 0, other = beyond_ascii(text ? text : "", len);

	return (int64_t)((len - other + 3) / 4 + (other * 2 + 4) / 5);
}
