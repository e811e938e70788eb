/* Settings as data: each room announces its settings in a table; parsing, checks and help come from it. */
#ifndef USHER_SETTINGS_H
#define USHER_SETTINGS_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>

enum setting_type {
	SETTING_TEXT,
	SETTING_SECRET, /* env:NAME, file:PATH, credential:NAME or a literal; read once at load */
	SETTING_INT,	/* min..max */
	SETTING_NUMBER, /* decimal, min..max */
	SETTING_BOOL,
	SETTING_CHOICE, /* one of choices, "a|b|c" */
	SETTING_TEXTS,	/* list of texts */
	SETTING_GROUP,	/* { ... } with its own table */
	SETTING_GROUPS, /* ( { ... }, { ... } ), each with its own table */
};

/* One row of a table; a table ends with a row whose name is NULL. */
struct setting {
	const char *name;
	enum setting_type type;
	const char *fallback; /* as written in a file; NULL: no value unless given */
	const char *choices;  /* SETTING_CHOICE only */
	double min, max;      /* SETTING_INT and SETTING_NUMBER; both 0: unbounded */
	bool required;
	bool apart;		      /* of a platform: no two of its installations may have the same */
	const struct setting *inside; /* SETTING_GROUP and SETTING_GROUPS */
	const char *help;	      /* one line for --help and the documentation */
};

/* A checked group of values. Reading is allowed from any thread; it never changes once loaded. */
struct settings;

/* Each getter takes a name of the group's own table; another name is a bug and ends the program.
 * Text is valid as long as the settings are. A setting without value: NULL, 0 or false. */
const char *settings_text(const struct settings *group, const char *name); /* TEXT, SECRET, CHOICE */
long settings_int(const struct settings *group, const char *name);
double settings_number(const struct settings *group, const char *name);
bool settings_bool(const struct settings *group, const char *name);
bool settings_given(const struct settings *group, const char *name); /* written in the file, not a default */
size_t settings_count(const struct settings *group, const char *name); /* TEXTS and GROUPS */
const char *settings_text_at(const struct settings *group, const char *name, size_t index);
const struct settings *settings_group(const struct settings *group, const char *name);
const struct settings *settings_group_at(const struct settings *group, const char *name, size_t index);

/* "file:line" where the group or the named value stands, for messages; name may be NULL. */
const char *settings_where(const struct settings *group, const char *name);

#endif
