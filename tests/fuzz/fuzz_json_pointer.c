/* rooms: base */
/* Any pointer into any document: never a fault, and nothing is found by a pointer that is not one. */
#include "json.h"
#include "mem.h"
#include <stdlib.h>
#include <string.h>

/* The first line is the pointer, the rest the document. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = size ? memchr(text, '\n', size) : NULL;
	size_t line = end ? (size_t)(end - text) : size;
	char *pointer = mem_text_n(size ? text : "", line);
	size_t rest = end ? line + 1 : size;
	json_t *document = json_read(size ? text + rest : "", size - rest, NULL);
	const json_t *found = document ? json_pointer(document, pointer) : NULL;

	if (found && !json_pointer_valid(pointer))
		abort();
	if (*pointer == '\0' && found != document)
		abort();
	json_decref(document);
	free(pointer);
	return 0;
}
