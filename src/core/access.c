/* Decides who may talk to us; knows neither platforms nor the database. */
#include "access.h"

enum access access_decide(const struct speaker *speaker, enum strangers rule, bool vouched)
{
	static const enum access of_strangers[] = {
		[STRANGERS_PAIR] = ACCESS_PAIR,
		[STRANGERS_ALLOW] = ACCESS_ADMIT,
		[STRANGERS_DENY] = ACCESS_DENY,
	};

	if (speaker)
		return speaker->active ? ACCESS_YES : ACCESS_DISABLED;
	return vouched ? ACCESS_ADMIT : of_strangers[rule];
}
