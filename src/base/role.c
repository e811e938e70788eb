/* The words for roles. */
#include "role.h"
#include <stddef.h>
#include <string.h>

static const char *const names[] = {
	[ROLE_MEMBER] = "member", [ROLE_OPERATOR] = "operator", [ROLE_OWNER] = "owner"
};

const char *role_name(enum role role)
{
	return names[role];
}

bool role_parse(const char *name, enum role *role_out)
{
	for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i], name) == 0) {
			*role_out = (enum role)i;
			return true;
		}
	}
	return false;
}
