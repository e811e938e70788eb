/* Keeping and opening on other threads: each piece of work has all it needs, and ends alone when nobody waits any more. */
#include "imports_room.h"
#include "mem.h"
#include "work.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

struct keeping {
	struct imports *imports; /* NULL: nobody waits */
	struct vault_share *vault;
	char *org_id, *path, *sha256;
	int fd;		   /* to be opened into; -1: keep the file at path, or open to path */
	bool own_fd, seal; /* seal: what is kept already */
	import_kept_fn *kept_fn;
	import_done_fn *done_fn;
	void *owner;
	uint64_t ticket;
	struct vault_kept kept;
	struct err err;
	struct keeping *prev, *next;
};

static void run(void *data)
{
	struct keeping *keeping = data;
	const struct vault *vault = &keeping->vault->vault;

	if (keeping->seal)
		vault_seal(vault, keeping->org_id, keeping->sha256, &keeping->err);
	else if (keeping->kept_fn)
		vault_keep(vault, keeping->org_id, keeping->path, &keeping->kept, &keeping->err);
	else
		vault_open(vault, keeping->org_id, keeping->sha256, keeping->fd, &keeping->err);
}

static void tell(const struct keeping *keeping)
{
	struct import_blob blob = { .size = keeping->kept.size,
				    .stored = keeping->kept.stored,
				    .had = keeping->kept.had };
	bool good = keeping->err.kind == ERR_NONE;

	memcpy(blob.sha256, keeping->kept.sha256, sizeof(blob.sha256));
	if (keeping->kept_fn)
		keeping->kept_fn(keeping->owner, keeping->ticket, &keeping->err, good ? &blob : NULL);
	else
		keeping->done_fn(keeping->owner, keeping->ticket, &keeping->err);
}

static void free_keeping(struct keeping *keeping)
{
	vault_release(keeping->vault);
	free(keeping->org_id);
	free(keeping->path);
	free(keeping->sha256);
	free(keeping);
}

/* Not inside the last answer: what its owner asks of the store then is to be asked before. */
static void look_quiet(struct imports *imports)
{
	import_quiet_fn *fn = imports->quiet;

	if (fn == NULL || imports->keeps > 0)
		return;
	imports->quiet = NULL;
	imports->is_quiet = true;
	fn(imports->quiet_owner);
}

static void done(void *data)
{
	struct keeping *keeping = data;
	struct imports *imports = keeping->imports;

	if (keeping->own_fd) {
		close(keeping->fd);
		if (keeping->path && (keeping->err.kind != ERR_NONE || keeping->imports == NULL))
			unlink(keeping->path);
	}
	if (imports) {
		DL_DELETE(imports->keepings, keeping);
		imports->keeps -= keeping->kept_fn != NULL;
		tell(keeping);
		look_quiet(imports);
	}
	free_keeping(keeping);
}

static struct keeping *begin(struct imports *imports, const struct keeping *what)
{
	struct keeping *keeping = mem_copy(what, sizeof(*what));

	keeping->imports = imports;
	keeping->vault = vault_hold(imports->vault);
	keeping->org_id = mem_text(what->org_id);
	keeping->path = mem_text(what->path);
	keeping->sha256 = mem_text(what->sha256);
	DL_APPEND(imports->keepings, keeping);
	return keeping;
}

static void start_keep(struct imports *imports, struct keeping *keeping)
{
	imports->keeps++;
	work_start(imports->options.io, run, done, keeping);
}

static void start_or_hold(struct imports *imports, struct keeping *keeping)
{
	if (imports->quiet == NULL && !imports->is_quiet) {
		start_keep(imports, keeping);
		return;
	}
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): begin put it in there, so the list has its ends */
	DL_DELETE(imports->keepings, keeping);
	DL_APPEND(imports->held, keeping);
}

void imports_keep(struct imports *imports, const char *org_id, const char *path, import_kept_fn *fn,
		  void *owner, uint64_t ticket)
{
	struct keeping what = { .org_id = (char *)(uintptr_t)org_id,
				.path = (char *)(uintptr_t)path,
				.fd = -1,
				.kept_fn = fn,
				.owner = owner,
				.ticket = ticket };

	start_or_hold(imports, begin(imports, &what));
}

static void sealed(void *owner, uint64_t ticket, const struct err *err, const struct import_blob *blob)
{
	const struct imports *imports = owner;

	(void)ticket;
	(void)blob;
	if (err->kind != ERR_NONE && err->kind != ERR_GONE)
		log_warn(&imports->log, "a file that was kept before there was a key stays unsealed: %s",
			 err->text);
}

void imports_seal(struct imports *imports, const char *org_id, const char *sha256)
{
	struct keeping what = { .org_id = (char *)(uintptr_t)org_id,
				.sha256 = (char *)(uintptr_t)sha256,
				.fd = -1,
				.seal = true,
				.kept_fn = sealed,
				.owner = imports };

	start_or_hold(imports, begin(imports, &what));
}

static void nothing(void *data)
{
	(void)data;
}

static void quiet_now(void *data)
{
	struct keeping *keeping = data;
	struct imports *imports = keeping->imports;

	if (imports) {
		DL_DELETE(imports->keepings, keeping);
		look_quiet(imports);
	}
	free_keeping(keeping);
}

void imports_quiet(struct imports *imports, import_quiet_fn *fn, void *owner)
{
	imports->quiet = fn;
	imports->quiet_owner = owner;
	work_start(imports->options.io, nothing, quiet_now, begin(imports, &(struct keeping){ .fd = -1 }));
}

void imports_resume(struct imports *imports)
{
	struct keeping *keeping;

	imports->is_quiet = false;
	while ((keeping = imports->held)) {
		DL_DELETE(imports->held, keeping);
		DL_APPEND(imports->keepings, keeping);
		start_keep(imports, keeping);
	}
}

struct keeping *imports_open_kept(struct imports *imports, const char *org_id, const char *sha256, int fd,
				  import_done_fn *fn, void *owner, uint64_t ticket)
{
	struct keeping what = { .org_id = (char *)(uintptr_t)org_id,
				.sha256 = (char *)(uintptr_t)sha256,
				.fd = fd,
				.done_fn = fn,
				.owner = owner,
				.ticket = ticket };
	struct keeping *keeping = begin(imports, &what);

	/* Its own: who does not wait any more closes theirs, and the number may be another file's by then. */
	keeping->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	keeping->own_fd = keeping->fd >= 0;
	if (!keeping->own_fd)
		err_set(&keeping->err, ERR_AGAIN, "no descriptor: %s", strerror(errno));
	work_start(imports->options.io, keeping->own_fd ? run : nothing, done, keeping);
	return keeping;
}

void imports_fetch(struct imports *imports, const char *org_id, const char *sha256, const char *path,
		   import_done_fn *fn, void *owner, uint64_t ticket)
{
	struct keeping what = { .org_id = (char *)(uintptr_t)org_id,
				.path = (char *)(uintptr_t)path,
				.sha256 = (char *)(uintptr_t)sha256,
				.done_fn = fn,
				.owner = owner,
				.ticket = ticket };
	struct keeping *keeping = begin(imports, &what);

	keeping->fd = imports_open_new(path, &keeping->err);
	keeping->own_fd = keeping->fd >= 0;
	work_start(imports->options.io, keeping->own_fd ? run : nothing, done, keeping);
}

void imports_drop(struct imports *imports, const char *org_id, const char *sha256)
{
	vault_drop(&imports->vault->vault, org_id, sha256);
}

void keeping_forget(struct keeping *keeping)
{
	if (keeping == NULL || keeping->imports == NULL)
		return;
	DL_DELETE(keeping->imports->keepings, keeping);
	keeping->imports = NULL;
}

void keepings_forget(struct imports *imports)
{
	while (imports->held) {
		struct keeping *keeping = imports->held;

		DL_DELETE(imports->held, keeping);
		free_keeping(keeping);
	}
	while (imports->keepings)
		keeping_forget(imports->keepings);
}
