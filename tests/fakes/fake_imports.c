/* Keeps the core's tasks for files until the test answers them. */
#include "fake_imports.h"
#include "mem.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

struct imports {
	char folder[40];
	struct task *tasks;
	size_t cancelled;
	unsigned paths;
	bool no_links;
};

struct imports *fake_imports_create(void)
{
	struct imports *imports = mem_zero(1, sizeof(*imports));

	snprintf(imports->folder, sizeof(imports->folder), "/tmp/usher-imports-XXXXXX");
	if (mkdtemp(imports->folder) == NULL)
		abort();
	return imports;
}

static void forget(struct imports *imports, struct task *task)
{
	DL_DELETE(imports->tasks, task);
	free(task->org_id);
	free(task->path);
	free(task->sha256);
	free(task->name);
	free(task->chunks);
	free(task);
}

bool fake_imports_destroy(struct imports *imports)
{
	bool clean = rmdir(imports->folder) == 0;

	while (imports->tasks)
		forget(imports, imports->tasks);
	free(imports);
	return clean;
}

static struct task *put(struct imports *imports, enum import_task kind, void *fn, void *owner,
			uint64_t ticket)
{
	struct task *task = mem_zero(1, sizeof(*task));

	task->kind = kind;
	task->fn = fn;
	task->owner = owner;
	task->ticket = ticket;
	DL_APPEND(imports->tasks, task);
	return task;
}

struct task *fake_imports_task(struct imports *imports, enum import_task kind)
{
	for (struct task *task = imports->tasks; task; task = task->next)
		if (task->kind == kind)
			return task;
	return NULL;
}

size_t fake_imports_waiting(const struct imports *imports, enum import_task kind)
{
	size_t count = 0;

	for (const struct task *task = imports->tasks; task; task = task->next)
		count += task->kind == kind;
	return count;
}

size_t fake_imports_cancelled(const struct imports *imports)
{
	return imports->cancelled;
}

void fake_imports_no_links(struct imports *imports)
{
	imports->no_links = true;
}

/* ---- what the core calls ----------------------------------------------------------------------------- */

char *imports_work_path(struct imports *imports)
{
	return mem_format("%s/%u", imports->folder, ++imports->paths);
}

void imports_keep(struct imports *imports, const char *org_id, const char *path, import_kept_fn *fn,
		  void *owner, uint64_t ticket)
{
	struct task *task = put(imports, TASK_KEEP, (void *)fn, owner, ticket);

	task->org_id = mem_text(org_id);
	task->path = mem_text(path);
}

void imports_fetch(struct imports *imports, const char *org_id, const char *sha256, const char *path,
		   import_done_fn *fn, void *owner, uint64_t ticket)
{
	struct task *task = put(imports, TASK_FETCH, (void *)fn, owner, ticket);

	task->org_id = mem_text(org_id);
	task->sha256 = mem_text(sha256);
	task->path = mem_text(path);
}

void imports_read(struct imports *imports, const char *path, const char *name, const char *chunks,
		  const struct import_events *events, void *owner, uint64_t ticket)
{
	struct task *task = put(imports, TASK_READ, (void *)(uintptr_t)events, owner, ticket);

	task->path = mem_text(path);
	task->name = mem_text(name);
	task->chunks = mem_text(chunks);
}

void imports_cancel(struct imports *imports, void *owner, uint64_t ticket)
{
	struct task *task, *next;

	for (task = imports->tasks; task; task = next) {
		next = task->next;
		if (task->kind != TASK_READ || task->owner != owner || task->ticket != ticket)
			continue;
		unlink(task->chunks);
		forget(imports, task);
		imports->cancelled++;
	}
}

void imports_drop(struct imports *imports, const char *org_id, const char *sha256)
{
	(void)imports;
	(void)org_id;
	(void)sha256;
}

char *imports_link(const struct imports *imports, const char *org_id, const char *sha256, const char *name,
		   const char *mime, bool path_only)
{
	(void)mime;
	if (imports->no_links && !path_only)
		return NULL;
	return mem_format("%s/files/%s-%s/%s", path_only ? "" : "https://files.test", org_id, sha256, name);
}

char *imports_link_made(const struct imports *imports, const char *org_id, const char *sha256,
			const char *name, const char *mime, int64_t made_ms)
{
	(void)made_ms;
	return imports_link(imports, org_id, sha256, name, mime, false);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static const struct err none;

static void lay(const char *path)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs("content", file) < 0 || fclose(file) != 0)
		abort();
}

void fake_kept(struct imports *imports, struct task *task, const struct err *err, const char *sha256,
	       int64_t size)
{
	import_kept_fn *fn = (import_kept_fn *)task->fn;
	struct import_blob blob = { .size = size, .stored = size };
	void *owner = task->owner;
	uint64_t ticket = task->ticket;

	snprintf(blob.sha256, sizeof(blob.sha256), "%s", sha256 ? sha256 : "");
	forget(imports, task);
	fn(owner, ticket, err ? err : &none, &blob);
}

void fake_brought(struct imports *imports, struct task *task, const struct err *err)
{
	import_done_fn *fn = (import_done_fn *)task->fn;
	void *owner = task->owner;
	uint64_t ticket = task->ticket;

	if (err == NULL)
		lay(task->path);
	forget(imports, task);
	fn(owner, ticket, err ? err : &none);
}

void fake_reading(struct task *task, const struct import_progress *progress)
{
	const struct import_events *events = task->fn;

	events->progress(task->owner, task->ticket, progress);
}

void fake_read(struct imports *imports, struct task *task, const char *outline)
{
	const struct import_events *events = task->fn;
	char *chunks = mem_text(task->chunks);
	struct import_outline out = { .json = outline, .chunks = chunks };
	void *owner = task->owner;
	uint64_t ticket = task->ticket;

	lay(chunks);
	forget(imports, task);
	events->read(owner, ticket, &none, NULL, &out);
	free(chunks);
}

void fake_unread(struct imports *imports, struct task *task, enum err_kind kind, const char *code,
		 const char *why)
{
	const struct import_events *events = task->fn;
	struct err err = { 0 };
	void *owner = task->owner;
	uint64_t ticket = task->ticket;

	err_set(&err, kind, "%s", why);
	forget(imports, task);
	events->read(owner, ticket, &err, code, NULL);
}
