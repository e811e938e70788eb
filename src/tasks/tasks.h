/* The to-do tools of seed 004 as tools of the model, each bound to the person who spoke. */
#ifndef USHER_TASKS_H
#define USHER_TASKS_H

#include "tool.h"
#include <stddef.h>

struct store;
struct tasks;

struct tasks *tasks_create(struct store *store);
const struct tool *const *tasks_tools(const struct tasks *tasks, size_t *count_out);
void tasks_destroy(struct tasks *tasks); /* after the store is closed; takes NULL */

#endif
