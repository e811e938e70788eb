/* Keeps the summaries of conversations: made behind the answers, one at a time for each conversation. */
#ifndef USHER_CORE_MEMORY_H
#define USHER_CORE_MEMORY_H

#include "inside.h"

struct turn;
struct memories;
struct ai_result;

struct memories *memories_create(struct core *core);
void memories_destroy(struct memories *memories);

/* The model has answered this turn: whether its past does not fit any more is noted with it. */
void memory_look(struct turn *turn, const struct ai_result *result);

/* The turn's answer is stored: if its past does not fit, what falls out is summed up now. Nobody waits for it. */
void memory_begin(const struct turn *turn);

/* At a stop: those that are being made are given up, what they have cost is recorded. The next answer begins anew. */
void memories_close(struct memories *memories);

size_t memories_count(const struct memories *memories);

#endif
