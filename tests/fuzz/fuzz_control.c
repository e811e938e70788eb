/* rooms: app io db store core ai mcp mcpserver imports filetools tasks tools markup api webhook slack telegram discord base */
/* Whatever is sent to the control socket as arguments is taken whole or refused with a sentence. */
#include "admin_args.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct admin_args args;
	struct err err = { 0 };

	if (!admin_args_read(&args, (const char *)data, size, &err)) {
		if (err.kind != ERR_REFUSED || err.text[0] == '\0')
			abort();
		return 0;
	}
	if (args.count > ADMIN_ARGS_MAX)
		abort();
	for (size_t i = 0; i < args.count; i++)
		if (args.texts[i] && strlen(args.texts[i]) > size)
			abort();
	admin_args_free(&args);
	return 0;
}
