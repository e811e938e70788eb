/* The order of a safe stop (durability.md 2.9). */
#ifndef USHER_CORE_STOPPING_H
#define USHER_CORE_STOPPING_H

#include "inside.h"

struct stopping *stopping_begin(struct core *core, unsigned grace_ms, void (*stopped)(void *owner),
				void *owner);
void stopping_destroy(struct stopping *stopping);

#endif
