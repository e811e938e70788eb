/* Our own tools: the to-do list of seed 004, searching, and saying something; each bound to the person who speaks. Loop
 * thread. */
#ifndef USHER_TASKS_H
#define USHER_TASKS_H

#include "tool.h"
#include <stdbool.h>
#include <stddef.h>

struct links;
struct store;
struct tasks;

struct tasks *tasks_create(struct store *store);

/* All of them. A call's key may be NULL: nothing tells a repetition. */
const struct tool *const *tasks_tools(const struct tasks *tasks, size_t *count_out);

/* Only for operators; the model gets it only where a rule of the policy allows it. */
bool tasks_guarded(const struct tool *tool);

/* What is said links to these hosts only (markup/links.h); taken over. NULL: to any. */
void tasks_links(struct tasks *tasks, struct links *links);

/* fn(owner) when something waits to be sent. */
void tasks_on_said(struct tasks *tasks, void (*fn)(void *owner), void *owner);

void tasks_destroy(struct tasks *tasks); /* after the store is closed; takes NULL */

#endif
