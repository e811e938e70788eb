/* rooms: app io db store core ai mcp mcpserver imports filetools tasks tools markup api webhook slack telegram discord base */
/* Any text as a settings file: extending it only inserts, and what could be read can be read with the addition. */
#include "init.h"
#include "mem.h"
#include <libconfig.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Memory of the library's own reader is not what is looked for here. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

/* It can be read, and this name is at its top. */
static bool reads(const char *text, const char *name)
{
	config_t config;
	bool fine;

	config_init(&config);
	fine = config_read_string(&config, text) == CONFIG_TRUE && config_lookup(&config, name);
	config_destroy(&config);
	return fine;
}

/* before is after with one piece cut out. */
static bool only_inserted(const char *before, const char *after)
{
	size_t len = strlen(before), start = 0, end = 0;

	while (start < len && before[start] == after[start])
		start++;
	while (end < len - start && before[len - 1 - end] == after[strlen(after) - 1 - end])
		end++;
	return start + end >= len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_text_n((const char *)data, size);
	char *added = init_add(text, "platforms", "p", "{ name = \"x\"; }");
	char *more =
		mem_format("%s\nzz_ = 1;\n", text); /* an open comment or text at the end would swallow it */

	if (!only_inserted(text, added))
		abort();
	if (strchr(text, '@') == NULL && strstr(text, "platforms") == NULL && reads(more, "zz_") &&
	    !reads(added, "platforms.p"))
		abort();
	free(more);
	free(added);
	free(text);
	return 0;
}
