/* rooms: base parse */
/* Any bytes as JSON. */
#include "parse_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_any(&json_reader, "a.json", data, size);
	return 0;
}
