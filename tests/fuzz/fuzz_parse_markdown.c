/* rooms: base parse */
/* Any bytes as Markdown. */
#include "parse_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_any(&markdown_reader, "a.md", data, size);
	return 0;
}
