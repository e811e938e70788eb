/* The files of messages as their inbox rows keep them. Store threads only. */
#ifndef USHER_STORE_FILES_H
#define USHER_STORE_FILES_H

#include "store_room.h"

/* A JSON array in the arena; NULL when there are none. */
const char *files_write(struct arena *room, const struct message_file *files, size_t count);

/* Files of several messages, one behind the other. */
struct file_list {
	struct message_file *files;
	size_t *messages; /* for each: the number of its message */
	size_t count, space;
};

/* Adds those of one message: text as files_write made it, NULL or "[]" for none. */
void files_read(struct arena *room, const char *text, size_t message, struct file_list *list);

/* The files of a message that its author took back: from the disk first, so that a process that dies in between leaves a
 * row that says so and the event comes again. left_out: how many are still there, with their rows. */
bool files_forget(struct db *db, struct arena *room, int64_t inbox_id, unsigned *left_out, struct err *err);

#endif
