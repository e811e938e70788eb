/* Counts bytes of both kinds; see tokens.h. */
#include "tokens.h"
#include <stddef.h>

int64_t tokens_of(const char *text)
{
	size_t plain = 0, other = 0;

	if (text == NULL)
		return 0;
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x80)
			plain++;
		else
			other++;
	}
	return (int64_t)((plain + 3) / 4 + (other * 2 + 4) / 5);
}
