/* Makes pairing codes. */
#include "pairing.h"
#include "crypto.h"
#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* Without 0 O Q, 1 I L, 2 Z, 5 S, 8 B, and U beside V. */
const char pairing_alphabet[] = "ACDEFGHJKMNPRTVWXY34679";

enum { LETTERS = sizeof(pairing_alphabet) - 1, FAIR = 256 / LETTERS * LETTERS };

char *pairing_code(char out[PAIRING_CODE_SIZE])
{
	int len = 0;

	while (len < PAIRING_CODE_SIZE - 1) {
		uint8_t byte;

		crypto_random(&byte, sizeof(byte));
		if (byte < FAIR) /* the rest would make the first letters likelier */
			out[len++] = pairing_alphabet[byte % LETTERS];
	}
	out[len] = '\0';
	return out;
}

bool pairing_read(const char *text, char out[PAIRING_CODE_SIZE])
{
	size_t len = 0;

	for (; *text; text++) {
		char c = (char)toupper((unsigned char)*text);

		if (strchr(" \t\r\n-", c))
			continue;
		if (strchr(pairing_alphabet, c) == NULL || len == PAIRING_CODE_SIZE - 1)
			return false;
		out[len++] = c;
	}
	out[len] = '\0';
	return len == PAIRING_CODE_SIZE - 1;
}
