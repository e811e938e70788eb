/* rooms: base */
/* What the short way of reading takes, jansson takes too, and both make the same of it. */
#include "json.h"
#include "json_quick.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	json_t *quick = json_quick(text, size), *slow;
	char *one, *other;

	if (quick == NULL)
		return 0;
	slow = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (slow == NULL || !json_equal(quick, slow))
		abort();
	one = json_write(quick);
	other = json_write(slow);
	if (strcmp(one, other) != 0) /* the order of keys too */
		abort();
	free(one);
	free(other);
	json_decref(quick);
	json_decref(slow);
	return 0;
}
