/* Where answered batches wait for the loop. */
#ifndef USHER_STORE_MAILBOX_H
#define USHER_STORE_MAILBOX_H

#include "loop.h"
#include "store_threads.h"

/* give: called on the loop with every batch, which is then freed by it (batch_destroy). */
typedef void mailbox_fn(void *owner, struct batch *batch);

struct mailbox *mailbox_create(struct loop *loop, mailbox_fn *give, void *owner);

/* Gives what is there now. Loop thread. */
void mailbox_empty(struct mailbox *mailbox);

/* Nothing is given any more. A letter to the loop may still be under way, so the memory goes when it arrives.
 */
void mailbox_destroy(struct mailbox *mailbox);

void batch_destroy(struct batch *batch); /* its jobs must have been destroyed */

#endif
