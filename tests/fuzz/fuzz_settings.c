/* rooms: app io db store core ai mcp mcpserver imports filetools tasks tools markup api webhook slack telegram discord base */
/* Any file given as settings is taken or refused with a sentence, never more. */
#include "log.h"
#include "settings_build.h"
#include "settings_file.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Memory of the library's own reader is not what is looked for here. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct err err = { 0 };
	struct settings *settings;
	int fd;

	/* Other files are not this target's matter. */
	if (memmem(data, size, "@include", 8) || memmem(data, size, "file:", 5))
		return 0;
	fd = memfd_create("settings", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	settings = config_load(path, &err);
	if (settings == NULL && (err.kind == ERR_NONE || err.text[0] == '\0'))
		abort();
	settings_destroy(settings);
	close(fd);
	return 0;
}
