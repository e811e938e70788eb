/* How a group of settings is kept: shared by its reading and its building side only. */
#ifndef USHER_SETTINGS_ROOM_H
#define USHER_SETTINGS_ROOM_H

#include "settings.h"

struct value {
	bool given;
	bool literal;  /* a secret written out in the file */
	char *text;    /* TEXT, SECRET, CHOICE */
	double number; /* INT, NUMBER, BOOL */
	char *where;
	size_t count; /* of texts or groups */
	char **texts;
	struct settings **groups;
};

struct settings {
	const struct setting *table;
	char *path, *where;
	struct value *values; /* one for each row of the table */
};

#endif
