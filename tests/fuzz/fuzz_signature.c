/* rooms: base io webhook */
/* Any signature headers: nothing forged passes, and what we sign ourselves passes under every id we allow. */
#include "mem.h"
#include "verify.h"
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 4 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Lines: id, timestamp, signature list, and the rest is the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_text_n((const char *)data, size), *fields[FIELDS] = { text, text, text, text };
	struct verify_keys keys = { .count = 2 };
	struct verify_headers headers;
	struct verify_key key;
	char signature[VERIFY_SIGNATURE_SIZE], token[8 + VERIFY_TOKEN_SIZE] = "Bearer ";
	enum verified result;
	size_t body;

	for (int i = 1; i < FIELDS; i++) {
		char *end = strchr(fields[i - 1], '\n');

		fields[i] = end ? end + 1 : text + strlen(text);
		if (end)
			*end = '\0';
	}
	body = size - (size_t)(fields[3] - text);
	must(hook_key_standard("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", &keys.at[0], NULL));
	must(hook_key_text("a key that is text itself", &keys.at[1], NULL));
	headers = (struct verify_headers){ fields[0], fields[1], fields[2] };
	result = hook_verify_standard(&keys, &headers, fields[3], body, 1767323045, 300);
	must(result != VERIFIED && result != VERIFIED_MISSING);
	must(hook_verify_github(&keys, fields[2], fields[3], body) != VERIFIED);
	hook_verify_bearer(&keys, fields[2]);
	must(hook_verify_poll(&keys, fields[2], fields[0]) != VERIFIED);

	hook_sign(&keys.at[1], fields[0], 1767323045, fields[3], body, signature);
	headers = (struct verify_headers){ fields[0], "1767323045", signature };
	result = hook_verify_standard(&keys, &headers, fields[3], body, 1767323045, 300);
	must(result == VERIFIED || result == VERIFIED_FORM);
	hook_poll_token(&keys.at[0], fields[0], token + 7);
	must(hook_verify_poll(&keys, token, fields[0]) == VERIFIED);

	if (hook_key_standard(fields[0], &key, NULL))
		must(key.len >= VERIFY_KEY_MIN && key.len <= VERIFY_KEY_MAX);
	if (hook_key_text(fields[0], &key, NULL))
		must(key.len == strlen(fields[0]));
	free(text);
	return 0;
}
