/* The way back: batches of answered jobs, one letter to the loop for all that lie there. */
#include "mailbox.h"
#include <stdlib.h>

struct mailbox {
	pthread_mutex_t lock;
	struct batch *first, **last;
	bool posted; /* a letter is on its way to the loop */
	bool closed;
	struct loop *loop;
	mailbox_fn *give;
	void *owner;
	struct mailbox *next; /* among the late ones */
};

/* Closed with a letter still under way: kept in reach until it arrives, or until the loop ends without it. */
static struct mailbox *late;

struct mailbox *mailbox_create(struct loop *loop, mailbox_fn *give, void *owner)
{
	struct mailbox *mailbox = mem_zero(1, sizeof(*mailbox));

	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->last = &mailbox->first;
	mailbox->loop = loop;
	mailbox->give = give;
	mailbox->owner = owner;
	return mailbox;
}

static void free_mailbox(struct mailbox *mailbox)
{
	pthread_mutex_destroy(&mailbox->lock);
	free(mailbox);
}

void mailbox_empty(struct mailbox *mailbox)
{
	struct batch *batch;

	pthread_mutex_lock(&mailbox->lock);
	batch = mailbox->first;
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
	pthread_mutex_unlock(&mailbox->lock);
	while (batch) {
		struct batch *next = batch->next;

		mailbox->give(mailbox->owner, batch);
		batch = next;
	}
}

static void forget_late(const struct mailbox *mailbox)
{
	struct mailbox **at = &late;

	while (*at != mailbox)
		at = &(*at)->next;
	*at = mailbox->next;
}

static void on_letter(void *data)
{
	struct mailbox *mailbox = data;

	pthread_mutex_lock(&mailbox->lock);
	mailbox->posted = false;
	pthread_mutex_unlock(&mailbox->lock);
	if (!mailbox->closed) {
		mailbox_empty(mailbox);
		return;
	}
	forget_late(mailbox);
	free_mailbox(mailbox);
}

void mailbox_put_take(struct mailbox *mailbox, struct batch *batch)
{
	bool post;

	pthread_mutex_lock(&mailbox->lock);
	*mailbox->last = batch;
	mailbox->last = &batch->next;
	post = !mailbox->posted;
	mailbox->posted = true;
	pthread_mutex_unlock(&mailbox->lock);
	if (post)
		loop_post(mailbox->loop, on_letter, mailbox);
}

void mailbox_destroy(struct mailbox *mailbox)
{
	if (mailbox == NULL)
		return;
	mailbox->closed = true;
	if (mailbox->posted) { /* the threads are gone: no lock needed */
		mailbox->next = late;
		late = mailbox;
	} else {
		free_mailbox(mailbox);
	}
}

struct batch *batch_create(const struct jobs *jobs)
{
	struct batch *batch = mem_zero(1, sizeof(*batch));

	batch->jobs = *jobs;
	return batch;
}

void batch_destroy(struct batch *batch)
{
	free(batch);
}
