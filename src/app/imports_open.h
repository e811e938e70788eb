/* The settings of imports, and the room made from them. */
#ifndef USHER_IMPORTS_OPEN_H
#define USHER_IMPORTS_OPEN_H

#include "imports.h"
#include "settings.h"

struct daemon;

extern const struct setting import_settings[];

/* NULL without err when files stay references (limits.file_mb = 0); NULL and err when the folders can't be used. */
struct imports *imports_open(struct daemon *daemon, struct err *err);

/* Where the parser child is: imports.parser, or usher-parse beside this program. The caller frees. */
char *imports_parser(const struct settings *imports);

struct platform;
/* Uploads of the chat endpoint go to DIR/uploads, where files are kept. */
bool imports_open_door(struct daemon *daemon, struct platform *api, struct err *err);

#endif
