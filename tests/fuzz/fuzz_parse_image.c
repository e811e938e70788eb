/* rooms: base parse */
/* Any bytes as a picture. */
#include "parse_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_any(&image_reader, "a.png", data, size);
	return 0;
}
