/* Makes and reads codes. */
#include "code.h"
#include "crypto.h"
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Without 0 O Q, 1 I L, 2 Z, 5 S, 8 B, and U beside V. */
const char code_alphabet[] = "ACDEFGHJKMNPRTVWXY34679";

enum { LETTERS = sizeof(code_alphabet) - 1, FAIR = 256 / LETTERS * LETTERS };

char *code_make(char out[CODE_SIZE])
{
	int len = 0;

	while (len < CODE_SIZE - 1) {
		uint8_t byte;

		crypto_random(&byte, sizeof(byte));
		if (byte < FAIR) /* the rest would make the first letters likelier */
			out[len++] = code_alphabet[byte % LETTERS];
	}
	out[len] = '\0';
	return out;
}

char *code_of(const char *text, char out[CODE_SIZE])
{
	char hex[CRYPTO_SHA256_HEX];

	crypto_sha256_hex(text, strlen(text), hex);
	/* Of five digits each: that some letters are likelier does not matter. */
	for (size_t i = 0; i < CODE_SIZE - 1; i++) {
		char digits[6] = { 0 };

		memcpy(digits, hex + 5 * i, 5);
		out[i] = code_alphabet[strtoul(digits, NULL, 16) % LETTERS];
	}
	out[CODE_SIZE - 1] = '\0';
	return out;
}

bool code_read(const char *text, char out[CODE_SIZE])
{
	size_t len = 0;

	for (; *text; text++) {
		char c = (char)toupper((unsigned char)*text);

		if (strchr(" \t\r\n-", c))
			continue;
		if (strchr(code_alphabet, c) == NULL || len == CODE_SIZE - 1)
			return false;
		out[len++] = c;
	}
	out[len] = '\0';
	return len == CODE_SIZE - 1;
}
