/* May this person talk to us here? */
#ifndef USHER_CORE_ACCESS_H
#define USHER_CORE_ACCESS_H

#include "core.h"

enum access {
	ACCESS_YES,
	ACCESS_ADMIT,	 /* let the stranger in */
	ACCESS_PAIR,	 /* a code, to be approved by the operator */
	ACCESS_DENY,	 /* silence on the platform, a record here */
	ACCESS_DISABLED, /* known, but switched off */
	ACCESS_OVER,	 /* known, but says more than people may (store_accepted.over) */
};

/* speaker NULL: nobody known. vouched: the platform answers for the sender. Pure. */
enum access access_decide(const struct speaker *speaker, enum strangers rule, bool vouched);

#endif
