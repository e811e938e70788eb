/* Checked settings: the reading side. */
#include "settings.h"
#include "settings_room.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct value *find(const struct settings *group, const char *name)
{
	for (size_t i = 0; group->table[i].name; i++)
		if (strcmp(group->table[i].name, name) == 0)
			return &group->values[i];
	fprintf(stderr, "usher: bug: no setting \"%s\" in %s\n", name, group->path);
	abort();
}

const char *settings_text(const struct settings *group, const char *name)
{
	return find(group, name)->text;
}

long settings_int(const struct settings *group, const char *name)
{
	return (long)find(group, name)->number;
}

double settings_number(const struct settings *group, const char *name)
{
	return find(group, name)->number;
}

bool settings_bool(const struct settings *group, const char *name)
{
	return find(group, name)->number > 0;
}

bool settings_given(const struct settings *group, const char *name)
{
	return find(group, name)->given;
}

size_t settings_count(const struct settings *group, const char *name)
{
	return find(group, name)->count;
}

const char *settings_text_at(const struct settings *group, const char *name, size_t index)
{
	const struct value *value = find(group, name);

	return index < value->count ? value->texts[index] : NULL;
}

const struct settings *settings_group(const struct settings *group, const char *name)
{
	return settings_group_at(group, name, 0);
}

const struct settings *settings_group_at(const struct settings *group, const char *name, size_t index)
{
	const struct value *value = find(group, name);

	return index < value->count ? value->groups[index] : NULL;
}

const char *settings_where(const struct settings *group, const char *name)
{
	const char *where = name ? find(group, name)->where : NULL;

	return where ? where : group->where;
}
