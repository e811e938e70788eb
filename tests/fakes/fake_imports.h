/* Imports that keep and read when and how the test says. Tasks wait in the order they were given; work paths lie in a
 * folder of the test's own, so that it sees what is left behind. */
#ifndef FAKE_IMPORTS_H
#define FAKE_IMPORTS_H

#include "imports.h"

enum import_task { TASK_KEEP, TASK_FETCH, TASK_READ };

/* What was asked; only what its kind knows is set. Strings are copies. */
struct task {
	enum import_task kind;
	char *org_id, *path, *sha256, *name, *chunks;
	void *fn, *owner; /* fn: of a reading its events */
	uint64_t ticket;
	struct task *prev, *next;
};

struct imports *fake_imports_create(void);

/* False when a file was left behind. */
bool fake_imports_destroy(struct imports *imports);

/* The oldest that waits, or NULL; stays theirs until it is answered. */
struct task *fake_imports_task(struct imports *imports, enum import_task kind);
size_t fake_imports_waiting(const struct imports *imports, enum import_task kind);
size_t fake_imports_cancelled(const struct imports *imports);

/* Answers; they free the task. err NULL: it holds. A fetch makes the file, a reading its chunks. */
void fake_kept(struct imports *imports, struct task *task, const struct err *err, const char *sha256,
	       int64_t size);
void fake_brought(struct imports *imports, struct task *task, const struct err *err);
void fake_read(struct imports *imports, struct task *task, const char *outline);
void fake_unread(struct imports *imports, struct task *task, enum err_kind kind, const char *code,
		 const char *why);

/* From now on there is no address to make links under. */
void fake_imports_no_links(struct imports *imports);

/* How far the reading is. It goes on. */
void fake_reading(struct task *task, const struct import_progress *progress);

#endif
