/* rooms: base parse */
/* Any bytes as a file of this kind: read, or refused with a code. */
#include "parse_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_read(&pdf_reader, fuzz_file_of(data, size));
	return 0;
}
