/* Turns as the rest of the core sees them: begun with what was claimed, looked at, swept, given up at a stop.
 */
#ifndef USHER_CORE_TURN_H
#define USHER_CORE_TURN_H

#include "inside.h"

struct store_turn;
struct outgoing;
struct buf;

struct turns *turns_create(struct core *core);
void turns_destroy(struct turns *turns);

/* Runs what was claimed; turn is borrowed. */
void turns_begin(struct turns *turns, const struct store_turn *turn);

/* Time limits and second tries. */
void turns_sweep(struct turns *turns);

/* If this message is being answered here, gives what there is of it to found (ops->found of inst) and returns
 * true. */
bool turns_show(struct turns *turns, struct installation *inst, const char *uuid, uint64_t ticket);

/* A person asks to stop what runs in this conversation: it ends with a notice, unless it is ending already. */
void turns_stop(struct turns *turns, int64_t conversation_id);

/* This installation was taken out: its turns end, and their replies are not sent. */
void turns_remove(struct turns *turns, struct installation *inst);

/* The turns of this name belong to inst from now on. */
void turns_move(struct turns *turns, struct installation *inst);

/* host->placed. */
void turns_placed(struct turns *turns, struct installation *inst, const char *uuid, const char *remote_id);

/* How many turns have ended since the start: tells whether an answer read from the store may be outdated. */
uint64_t turns_ended(const struct turns *turns);

size_t turns_count(const struct turns *turns);

/* At a stop: gives up every turn that still thinks or waits; its row stays claimed and the next start resumes
 * it. With `all` also those whose answer the store could not take yet. */
void turns_abandon(struct turns *turns, bool all);

/* Appends {"recall":0,"think":3,...,"overdue":0}. */
void turns_status(const struct turns *turns, struct buf *out);

#endif
