/* rooms: base parse */
/* Any bytes as lines of JSON. */
#include "parse_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_any(&ndjson_reader, "a.ndjson", data, size);
	return 0;
}
