/* What a person may do in their organisation. */
#ifndef USHER_ROLE_H
#define USHER_ROLE_H

#include <stdbool.h>

enum role { ROLE_MEMBER, ROLE_OPERATOR, ROLE_OWNER };

/* "member", "operator", "owner": as they are stored and shown. Static. Any thread. */
const char *role_name(enum role role);

/* The reverse; false for an unknown word or NULL. */
bool role_parse(const char *name, enum role *role_out);

#endif
