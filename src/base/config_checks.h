/* Checks that the settings of several platforms have in common. Each says where the value stands, what is wrong with it
 * and what to do. whose: the platform, for messages. Any thread. */
#ifndef USHER_CONFIG_CHECKS_H
#define USHER_CONFIG_CHECKS_H

#include "settings.h"

/* "FILE:LINE: WHOSE NAME: " before what err says. Returns false. */
bool config_wrong(const struct settings *group, const char *whose, const char *name, struct err *err);

/* The setting "name", which becomes part of addresses: 1 to 64 letters, digits, - and _. */
bool config_check_name(const struct settings *group, const char *whose, struct err *err);

/* Secrets come from files and variables: a line break or blank that slipped in would end a header line. A setting
 * without value is fine. */
bool config_check_plain(const struct settings *group, const char *whose, const char *name, struct err *err);

/* Where secrets may be sent in the clear. */
enum config_near { CONFIG_THIS_MACHINE, CONFIG_PRIVATE_NETWORK };

/* What is sent to this address stays secret: https, or http that does not leave this machine, or, where that is
 * allowed, the private network (private addresses, names without a dot). */
bool config_url_private(const char *url, enum config_near near);

/* The same of a setting's value, which has no final slash, no query and no fragment. */
bool config_check_url(const struct settings *group, const char *whose, const char *name,
		      enum config_near near, struct err *err);

#endif
