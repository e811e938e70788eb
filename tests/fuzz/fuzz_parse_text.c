/* rooms: base parse */
/* Any bytes as plain text: whatever the character set, what comes out is valid and no chunk is too large. */
#include "parse_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_any(&text_reader, "a.txt", data, size);
	return 0;
}
