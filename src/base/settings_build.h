/* Filling a struct settings: what the reader of settings files (src/app/settings_file.c) and tests need. */
#ifndef USHER_SETTINGS_BUILD_H
#define USHER_SETTINGS_BUILD_H

#include "settings.h"

/* An empty group of this table. path: "platforms.webhook[0]" for messages; where: "file:line". */
struct settings *settings_create(const struct setting *table, const char *path, const char *where);

/* The row of that name; NULL and err (with the nearest known name) when the table has none. */
const struct setting *settings_row(const struct settings *group, const char *name, const char *where,
				   struct err *err);

/* Takes a value as text ("8080", "true", "env:NAME") and checks it against the row's type. For TEXTS: adds
 * one. */
bool settings_put(struct settings *group, const char *name, const char *text, const char *where,
		  struct err *err);

/* Hangs a filled group under a GROUP row, or adds it to a GROUPS row. Takes ownership. */
void settings_put_group_take(struct settings *group, const char *name, struct settings *inside);

/* After the last put: fills in the fallbacks and checks the required ones, in groups inside too. */
bool settings_finish(struct settings *group, struct err *err);

/* Path of the group ("platforms.webhook[0]"). */
const char *settings_path(const struct settings *group);

/* Was this secret written into the file instead of being named? For doctor. */
bool settings_secret_literal(const struct settings *group, const char *name);

/* The table a group was made of, to walk over it. */
const struct setting *settings_table(const struct settings *group);

/* The candidate (list ended by NULL) that needs the fewest changed letters, NULL when none is near. */
const char *settings_nearest(const char *word, const char *const *candidates);

void settings_destroy(struct settings *group); /* takes NULL */

#endif
