/* The settings file: libconfig's syntax turned into checked settings. */
#ifndef USHER_SETTINGS_FILE_H
#define USHER_SETTINGS_FILE_H

#include "ai_open.h"
#include "settings.h"
#include <stddef.h>

/* Reads and checks a file. path NULL: the defaults alone. NULL and err with file, line, the setting's name,
 * what was expected and the nearest known name. The caller frees with settings_destroy. */
struct settings *config_load(const char *path, struct err *err);

/* The same without secrets, as if none were given: for commands, which run where the daemon's are not to be read. */
struct settings *config_load_open(const char *path, struct err *err);

/* The file in force: the one named, else $USHER_CONFIG, else /etc/usher/usher.conf if it is there, else NULL.
 */
const char *config_path(const char *named);

/* The control socket: settings control.path, else usher.sock beside a SQLite file. Caller frees. */
char *config_socket(const struct settings *settings);

/* Prints every setting with its type, default and help: `usher settings`. */
void config_help(void);

/* The price table: the file of settings prices.file, else the one that travels in the binary. */
struct prices {
	struct ai_price *rows;
	size_t count;
	char *date; /* "2026-11-22" */
	char *source;
};
bool prices_load(const char *path, struct prices *prices_out, struct err *err);
void prices_free(struct prices *prices);

#endif
