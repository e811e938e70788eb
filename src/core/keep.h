/* Deep copies of what was only lent but must outlive a wait. All memory is the arena's. */
#ifndef USHER_CORE_KEEP_H
#define USHER_CORE_KEEP_H

#include "ai.h"
#include "message.h"
#include "store_turn.h"

struct arena;

const char *const *keep_texts(struct arena *arena, const char *const *texts, size_t count);
struct ai_step *keep_steps(struct arena *arena, const struct ai_step *steps, size_t count);
struct ai_attempt *keep_attempts(struct arena *arena, const struct ai_attempt *attempts, size_t count);
struct ai_result *keep_result(struct arena *arena, const struct ai_result *result);
struct store_recalled *keep_recalled(struct arena *arena, const struct store_recalled *recalled);
struct store_reply *keep_reply(struct arena *arena, const struct store_reply *reply);

#endif
