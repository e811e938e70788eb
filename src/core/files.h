/* The files of answers that are fetched by who asked. */
#ifndef USHER_CORE_FILES_H
#define USHER_CORE_FILES_H

#include "inside.h"

/* As struct outgoing.files has them, with links in the place of what the store says. NULL gives NULL. The caller frees. */
char *files_linked(const struct core *core, const char *files);

#endif
