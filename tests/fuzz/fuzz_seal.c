/* rooms: base */
/* Any text that stands where sealed secrets should: it opens only if it was sealed, and never does harm. */
#include "crypto.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[CRYPTO_KEY_SIZE] = { 7 };
	char *text = mem_text_n(size ? (const char *)data : "", size);
	char *opened = crypto_open(key, "row", text), *sealed, *again;
	uint8_t read[CRYPTO_KEY_SIZE];

	if (opened) /* nobody sealed it with this key */
		abort();
	crypto_key_read(text, read);
	sealed = crypto_seal(key, text, text);
	again = crypto_open(key, text, sealed);
	if (again == NULL || strcmp(again, text) != 0)
		abort();
	free(again);
	free(sealed);
	free(text);
	return 0;
}
