/* rooms: base parse */
/* Any bytes as a file of any type: its type is told, then it is read. */
#include "parse_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "a",      "a.txt",	  "a.csv",  "a.md",
					     "a.json", "a.jsonl", "a.html", "a.eml" };
	static bool loaded;
	struct input input = { .size = (int64_t)size - 1 };
	const char *kind, *mime;
	const struct reader *reader;

	if (size < 2)
		return 0;
	if (!loaded && !type_stage(NULL))
		abort();
	loaded = true;
	input.name = names[data[0] % (sizeof(names) / sizeof(names[0]))];
	input.fd = memfd_create("type", MFD_CLOEXEC);
	if (write(input.fd, data + 1, size - 1) != (ssize_t)size - 1)
		abort();
	reader = parse_type(&input, &kind, &mime);
	close(input.fd);
	if (kind == NULL || mime == NULL)
		abort();
	if (reader != NULL)
		parse_any(reader, input.name, data + 1, size - 1);
	return 0;
}
