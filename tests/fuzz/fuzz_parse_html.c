/* rooms: base parse */
/* Any bytes as HTML. */
#include "parse_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_any(&html_reader, "a.html", data, size);
	return 0;
}
