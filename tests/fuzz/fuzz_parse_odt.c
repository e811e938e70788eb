/* rooms: base parse */
/* Any bytes as the content of an OpenDocument file. */
#include "parse_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fuzz_part parts[] = { { "content.xml", NULL }, { NULL, NULL } };

	fuzz_parts(&odt_reader, parts, data, size);
	return 0;
}
